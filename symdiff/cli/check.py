"""`symdiff check`: three routes against the referee, and a verdict that is also the exit code."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symdiff.cli import options
from symdiff.cli.command import Command, nearest
from symdiff.cli.output import STANDARD_OUTPUT, write_json
from symdiff.cli.report import check_files, report_option, told, write_report
from symdiff.cli.shapes import formula as read_formula
from symdiff.cli.shapes import shape_option
from symdiff.errors import OptionError

if TYPE_CHECKING:
    from compare import BreakEven, Comparison

# longer than this, a lone name is more likely a model that is not found than a formula of one symbol
LONGEST_SYMBOL = 2


@click.command("check", cls=Command, short_help="Compare the routes with the referee: is every derivative right?")
@click.argument("subject", metavar="EXPR|MODEL")
@click.option("--wrt", metavar="w,b", help="The symbols to differentiate in; a model's parameters, else all.")
@click.option("--at", multiple=True, metavar="x=1,y=2", help="A point to check at; may be repeated.")
@click.option(
    "--points",
    type=options.Whole(1, 100_000),
    default=64,
    show_default=True,
    help="How many to draw, if none is given.",
)
@click.option("--seed", type=options.Whole(0, 2**63 - 1), default=0, show_default=True, help="Of the drawn points.")
@click.option("--dtype", type=click.Choice(options.DTYPES), default="float64", show_default=True)
@click.option("--order", type=options.Whole(1, 2), default=1, show_default=True, help="2 checks the Hessian.")
@click.option(
    "--claim", multiple=True, metavar="'w: FORMULA'", help="Judge a hand-derived derivative in w; may be repeated."
)
@click.option("--stress", is_flag=True, help="Add points near poles, at kinks and seams, tiny and huge.")
@click.option("--compiled", is_flag=True, help="Run JAX's routes as XLA compiles them, not operation by operation.")
@shape_option
@options.start_option
@options.json_option
@report_option
@click.option("--cost", is_flag=True, help="Measure what each route costs, for the report; times differ by run.")
def check(
    subject: str,
    wrt: str | None,
    at: tuple[str, ...],
    points: int,
    seed: int,
    dtype: str,
    order: int,
    claim: tuple[str, ...],
    stress: bool,
    compiled: bool,
    shapes: tuple[str, ...],
    start: int | None,
    json_file: str | None,
    report: str | None,
    cost: bool,
) -> int:
    """Compare symbolic, autodiff and hand-written derivatives with an arbitrary-precision referee.

    Of a model, the loss of one sample is checked, at its data and starting point. Exit code: 0 all derivatives agree,
    1 one is wrong or inaccurate, 2 bad input, 3 unsupported or undecided.

    With --claim, somebody's derivative is judged instead: agree where it is right in whatever form, disagree with the
    simplest failing point and a guess at the mistake where it is wrong.

    Examples: symdiff check "exp(-x**2)", symdiff check thurber --report thurber.html,
    symdiff check "(w*x - y)**2" --claim "w: 2*x*(w*x - y)"
    """
    if claim and (stress or compiled or order == 2):
        extra = "--stress" if stress else "--order" if order == 2 else "--compiled"
        raise OptionError(f"--claim is judged at order 1 at its own points; leave out {extra}")
    if cost and report is None and json_file is None:
        raise OptionError("--cost is for the report; give --report FILE.html or --json FILE as well")
    check_files(report, json_file, inputs=(subject,))
    places = [options.point(text) for text in at]
    names = None if wrt is None else options.names(wrt)

    import compare
    from compare.checking import more_options
    from compare.explanations.repeating import with_commands
    from symdiff import models

    given: dict[str, Any] = {"wrt": names, "at": places or None, "points": points, "seed": seed, "dtype": dtype}
    asked = _subject(subject, start, shapes)
    if claim:
        found = compare.check_claim(asked, _claims(claim), **given)
    else:
        found = compare.check(asked, **given, order=order, stress=stress, compiled=compiled)
    command = more_options(_again(subject, found, at, points, seed, start, claim, shapes), order, stress, compiled)
    rows = found.rows if claim else with_commands(found.rows, command)
    found = dataclasses.replace(found, command=command, rows=rows, cost=_cost(asked, found) if cost else None)
    if subject.isidentifier() and len(subject) > LONGEST_SYMBOL and not models.is_model(subject):
        click.echo(f"symdiff: note: {subject!r} is no model and was read as a formula of one symbol", err=True)
    write_report(found, report)
    if json_file is not None:
        write_json(found.to_dict(), json_file)
    if json_file != STANDARD_OUTPUT:
        from compare.formula import visible
        from symdiff.cli.check_view import show

        show(found)
        for line in (None if json_file is None else f"JSON: {visible(json_file)}", told(report)):
            if line is not None:
                click.echo(line)
    return found.exit_code


def _cost(asked: Any, found: Comparison) -> BreakEven | None:
    """Times of value and gradient; None where nothing was compiled."""
    import compare
    from symdiff.model import Model

    if not found.operations:
        return None
    if any("[" in row.wrt for row in found.rows):
        raise OptionError("--cost times expressions of scalars; leave it out for one with arrays")
    symbols = dict.fromkeys(",".join(found.wrt).split(","))
    return compare.break_even(asked.loss if isinstance(asked, Model) else asked, list(symbols))


def _claims(texts: tuple[str, ...]) -> list[str]:
    """Claims that each say of which symbol they are; raises ParseError for one that does not."""
    from compare.claims.reading import split

    for text in texts:
        split(text)
    return list(texts)


def _subject(text: str, start: int | None, shapes: tuple[str, ...] = ()) -> Any:
    """Read a model or a formula, refusing a name that is more likely a mistyped model than a symbol."""
    from symdiff import models

    if shapes:
        if start is not None:
            raise OptionError("--start chooses a starting point of a model, and --shape declares a formula's arrays")
        return read_formula(text, shapes, "check")
    if models.is_model(text):
        return options.model(text, start)
    if start is not None:
        raise OptionError(f"--start chooses a starting point of a model, and {text[:40]!r} is a formula; leave it out")
    if text.isidentifier():
        hint = nearest(text.lower(), models.names())
        if hint or Path(f"{text}.toml").is_file():
            hint = hint or f"; did you mean {text}.toml?"
            raise OptionError(f"no model {text!r}{hint} (for the formula of that one symbol write '({text})')")
    options.refuse_model(text, "check")
    return text


def _again(
    subject: str,
    found: Comparison,
    at: tuple[str, ...],
    points: int,
    seed: int,
    start: int | None,
    claims: tuple[str, ...] = (),
    shapes: tuple[str, ...] = (),
) -> str:
    """Write the command that repeats a check, with all that it depends on."""
    from compare.provenance import written

    # of a Hessian each entry is named by a pair
    words = ["--wrt", ",".join(dict.fromkeys(",".join(found.wrt).split(",")))]
    for claim in claims:
        words += ["--claim", claim]
    for shape in shapes:
        words += ["--shape", shape]
    for place in at:
        words += ["--at", place]
    if found.seed is not None:  # points were drawn
        words += ["--points", str(points), "--seed", str(seed)]
    return written(subject, words, start, found.dtype)
