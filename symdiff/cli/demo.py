"""`symdiff demo`: the whole tour on embedded models and data, told for a newcomer."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symdiff.cli.check_view import coordinates, exact, show_partials
from symdiff.cli.command import Command
from symdiff.cli.output import json_text, write_text
from symdiff.cli.tables import Column, Screen, screen
from symdiff.cli.train import predictions
from symdiff.errors import OutputError

if TYPE_CHECKING:
    from compare import Comparison
    from symdiff import Trace

FILES = ("report.html", "report.json", "report.md", "trace.json")
# stands in every file that the tour writes, and tells it from others of that name
MARK = "symdiff demo"
# what PyTorch 2.14 predicts at x = 4 after the same 300 updates in float64; tests/data/pytorch_traces.json
PYTORCH = {"linear": 7.9999999999996945, "quadratic": 8.544170120967518}
# NIST StRD, Misra1a, https://www.itl.nist.gov/div898/strd/nls/data/misra1a.shtml
CERTIFIED = {"b1": 238.94212918, "b2": 5.5015643181e-4}
EXERCISES = (
    ("Exercise 1", "(w*x - y)**2", {"w": 1.0, "x": 2.0, "y": 4.0}, "w"),
    ("Exercise 2", "(w*x + b - y)**2", {"w": 1.0, "b": 2.0, "x": 1.0, "y": 2.0}, "w,b"),
)


@click.command("demo", cls=Command, short_help="The whole tour on embedded models and data; writes a report.")
@click.option("--out", default="symdiff-demo", show_default=True, metavar="DIR", help="The folder for its files.")
def demo(out: str) -> int:
    """Show what symdiff does, on embedded models and data, and write a report."""
    folder = _folder(out)
    view = screen()
    view.line("symdiff: one formula, its derivatives by three routes, a referee, training, a report", "bold")
    _define(view)
    traces = _trace(view)
    _compare(view)
    _train(view)
    checked = _check(view)
    _fit(view)
    _write(view, folder, checked, traces[0])
    return checked.exit_code


def _folder(out: str) -> Path:
    """Refuse a folder in which something else would be written over, before anything is shown."""
    try:
        folder = Path(out)
        if not out or (folder.exists() and not folder.is_dir()):
            raise OutputError(f"--out {out!r}: is not a folder; give the name of one")
        for file in (folder / name for name in FILES):
            if file.exists() and not (file.is_file() and MARK.encode() in file.read_bytes()):
                raise OutputError(
                    f"{file}: is not from an earlier demo and stays as it is; give another folder with --out"
                )
        folder.mkdir(parents=True, exist_ok=True)
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # no permission, a file on the way, a name too long
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"--out {out}: cannot be used ({reason}); give another folder") from None
    return folder


def _define(view: Screen) -> None:
    from symdiff import gradient, models

    model = models.load("linear")
    (w,) = model.parameters
    view.heading("1. One definition")
    view.prose(
        f"The model says that {model.target} is about {model.prediction}. How wrong it is for one sample is the loss. "
        "Both are written once, in SymPy; the derivative that training needs follows from that definition."
    )
    view.line()
    view.line(f"loss   L = {model.loss}", indent=2)
    view.line(f"slope  dL/dw = {gradient(model.loss, w)[w]}", indent=2)
    _command(view, f'derive "{model.loss}" --wrt w')


def _trace(view: Screen) -> list[Trace]:
    import symdiff

    view.heading("2. The chain rule, one step at a time")
    view.prose(
        "Forward, every node is computed from the ones before it. Backward, from the loss to the inputs, every node "
        "hands back its own derivative (its adjoint) times the local partial: dL/dw = dL/dz * dz/dw."
    )
    traces: list[Trace] = []
    for title, formula, point, wrt in EXERCISES:
        found = symdiff.trace(formula, point, wrt.split(","))
        view.line()
        view.line(title, "bold")
        view.verbatim(found.to_text(max(60, min(view.width, 100))))
        traces.append(found)
    _command(view, 'trace "(w*x - y)**2" --at w=1,x=2,y=4 --wrt w')
    return traces


def _compare(view: Screen) -> None:
    import compare
    from compare.comparison import ROUTES
    from symdiff import models

    view.heading("3. Three routes and a referee")
    view.prose(
        "SymPy's rules (symbolic), JAX's (autodiff) and hand-written ones (chain) know nothing of each other. The "
        "referee encloses the true value in ball arithmetic, with as many digits as it takes, and judges all three."
    )
    found = compare.check(models.load("linear"))
    columns = [Column("dL/dw at"), *(Column(f"{name}\n{found.dtype}", right=True) for name in ROUTES)]
    columns += [Column("referee", right=True), Column("verdict")]
    rows = [
        [
            coordinates(row.at),
            *(exact(row.route(name), found.dtype) for name in ROUTES),
            exact(row.referee.value, "float64"),
            row.verdict.value,
        ]
        for row in found.rows
    ]
    view.line()
    view.table(columns, rows)
    _command(view, "check linear")


def _train(view: Screen) -> None:
    from symdiff import models, train

    view.heading("4. Training")
    view.prose(
        "Three samples, 100 passes, one update a sample: w <- w - 0.01 * dL/dw. The truth is y = 2*x, so 8 at x = 4. "
        "The quadratic model has more parameters than it needs, and gets there slowly."
    )
    for name, expected in PYTORCH.items():
        model = models.load(name)
        result = train(model, epochs=100, learning_rate=0.01)
        view.line()
        view.line(f"{name}: {model.target} = {model.prediction}", "bold")
        for line in predictions(model, result):
            view.verbatim(line)
        same, of = common_digits(float(result.after), expected)
        count = f"all {of}" if same == of else f"{same} of {of}"
        view.line(f"PyTorch prints {expected!r}: {count} digits are the same.")
    _command(view, "train quadratic --epochs 100 --learning-rate 0.01")


def _check(view: Screen) -> Comparison:
    import compare
    from symdiff import models

    model = models.load("thurber")
    view.heading("5. A real formula, over all its data")
    view.prose(
        "Thurber's semiconductor data from NIST: 37 samples, 7 parameters. Is every derivative of the loss right, at "
        "every sample?"
    )
    view.line()
    view.verbatim(f"  {model.target} = {model.prediction}")
    view.line()
    found = compare.check(model)
    found = dataclasses.replace(found, facts={**found.facts, "written by": MARK})
    show_partials(view, found)
    view.line()
    view.verdict(found.verdict.value, found.findings)
    _command(view, "check thurber")
    return found


def _fit(view: Screen) -> None:
    from symdiff import fit, models

    view.heading("6. A fit with standard errors")
    view.prose("Misra's adsorption data from NIST, by least squares with the exact derivatives.")
    view.line()
    found = fit(models.load("misra1a"))
    view.lines(found.summary())
    same = [f"{name} {value!r}" for name, value in CERTIFIED.items()]
    digits = min(agreeing_digits(found.parameters[name], value) for name, value in CERTIFIED.items())
    view.line(f"NIST certifies {', '.join(same)}: at least {digits} digits agree.")
    _command(view, "fit misra1a")


def _write(view: Screen, folder: Path, checked: Comparison, traced: Trace) -> None:
    for name in FILES[:3]:
        checked.save(folder / name, beside=True)
    write_text(json_text({"written_by": MARK, **traced.to_dict()}) + "\n", str(folder / FILES[3]))
    view.heading("7. The evidence")
    for name, what in zip(FILES, ("the check of part 5, as a page", "as data", "as text", "exercise 1"), strict=True):
        view.verbatim(f"  {folder / name}  ({what})")
    view.line()
    view.prose('Next: symdiff check "exp(-x**2)*sin(x)", or symdiff --help')


def _command(view: Screen, words: str) -> None:
    view.line()
    view.verbatim(f"$ symdiff {words}", "dim")


def common_digits(number: float, expected: float) -> tuple[int, int]:
    """Count the leading digits that two numbers have in common as Python prints them, and all those of the second.

    >>> common_digits(7.9999999999996945, 7.9999999999996945), common_digits(8.25, 8.3)
    ((17, 17), (1, 2))
    """
    pairs = zip(repr(number), repr(expected), strict=False)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
    return sum(c.isdigit() for c, _ in same), sum(c.isdigit() for c in repr(expected))


def agreeing_digits(number: float, certified: float) -> int:
    """Count the digits of a certified value that a number agrees with, at most the 11 that NIST gives.

    >>> agreeing_digits(238.9421, 238.94212918), agreeing_digits(238.94212918, 238.94212918)
    (6, 11)

    Source: the log relative error of B. D. McCullough, Assessing the Reliability of Statistical Software, Am. Stat. 52
    (1998).
    """
    error = abs(number - certified) / abs(certified)
    return 11 if error == 0 else max(0, min(11, math.floor(-math.log10(error))))
