"""Checks of random expressions: whether every row gets a verdict, and no alarm is without a cause.

`python -m compare.benchmarks.random_expressions --count 5000 --seed 0 --processes 2` prints the counts and, for every
expression with a row that disagrees or is undecided, or that crashed, a line to repeat it with: each such row with the
cause, as `causes` finds it in the formula itself.
"""

from __future__ import annotations

import collections
import json
import multiprocessing
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

if TYPE_CHECKING:
    from compare.row import Row

DEPTH, POINTS, DTYPES = 8, 20, ("float64", "float32")
NAMES = ("a", "b", "c", "x", "y", "z")
SUMS = ("({} + {})", "({} - {})", "{}*{}", "{}/{}")
POWERS = ("({})**2", "({})**3", "({})**(-1)", "sqrt({})", "abs({})**(3/2)", "({})**({})")
PLAIN = tuple(
    "exp sin cos tan tanh sigmoid atan acot sinh cosh sech asinh softplus expm1 cosm1 exp2 sinc erf erfc erfi floor "  # noqa: SIM905
    "ceiling frac sign Abs Heaviside cbrt coth csch acsch cot sec csc airyai airybi Si".split()
)
# operands that keep to the domain, {} being anything
WITHIN = {
    "asin acos atanh erfinv": "tanh({})",
    "log log1p log2 log10 sqrt gamma loggamma factorial digamma Ei Ci Chi Shi E1 LambertW": "1/4 + ({})**2",
    "acosh asec acsc acoth zeta": "5/4 + ({})**2",
    "asech erfcinv": "1/4 + tanh({})**2/2",
}
INDEXED = ("besselj({n}, {})", "besseli({n}, {})", "bessely({n}, 1/4 + ({})**2)", "besselk({n}, 1/4 + ({})**2)",
           "expint({n}, 1/4 + ({})**2)", "polygamma({n}, 1/4 + ({})**2)", "real_root({}, 3)",
           "uppergamma({n}, 1/4 + ({})**2)", "lowergamma({n} + 1, 1/4 + ({})**2)")  # fmt: skip
PAIRS = ("Max({}, {})", "Min({}, {})", "atan2({}, {})", "hypot({}, {})", "logaddexp({}, {})", "Mod({}, 1 + ({})**2)",
         "beta(1/4 + ({})**2, 1/4 + ({})**2)", "binomial(3 + ({})**2, tanh({}))",
         "Piecewise(({}, {} > 0), (x, True))", "Piecewise(({}, x < y), ({}, True))")  # fmt: skip


def expression(seed: Any, depth: int) -> str:
    """A random formula text of at most so many levels.

    >>> expression(np.random.default_rng(5), 3) == expression(np.random.default_rng(5), 3)
    True
    """
    names = NAMES[-int(seed.integers(1, len(NAMES) + 1)) :]
    return _grown(seed, depth, names)


def _grown(seed: Any, depth: int, names: tuple[str, ...]) -> str:
    if depth == 0 or seed.random() < 0.12:
        return str(seed.choice(names)) if seed.random() < 0.75 else str(seed.choice(["2", "1/3", "0.7", "pi", "5"]))
    forms, weights = zip(
        *((SUMS, 0.42), (POWERS, 0.1), (PLAIN, 0.24), (tuple(WITHIN), 0.12), (INDEXED, 0.04), (PAIRS, 0.08)),
        strict=True,
    )
    chosen = forms[seed.choice(len(forms), p=weights)]
    form = str(seed.choice(chosen))
    if chosen is PLAIN:
        form += "({})"
    if chosen is forms[3]:
        form = f"{seed.choice(form.split())}({WITHIN[form]})"
    form = form.replace("{n}", str(seed.integers(0, 4)))
    return form.format(*(_grown(seed, depth - 1, names) for _ in range(form.count("{}"))))


def checked(number: tuple[int, int, int]) -> dict[str, Any]:
    """The verdicts of one expression: {text, dtype, seconds, verdicts: counts, worst} or {..., crash}."""
    import compare
    from symdiff.errors import SymdiffError

    base, index, depth = number
    seed = np.random.default_rng([base, index])
    text, dtype = expression(seed, int(seed.integers(2, depth + 1))), DTYPES[index % 2]
    start = time.perf_counter()
    found: dict[str, Any] = {"index": index, "text": text, "dtype": dtype}
    try:
        comparison = compare.check(text, points=POINTS, seed=index, dtype=dtype)
    except SymdiffError as error:
        found |= {"refused": str(error)}
    except Exception as error:
        found |= {"crash": f"{type(error).__name__}: {error}"}
    else:
        verdicts = collections.Counter(row.verdict.value for row in comparison.rows)
        alarms = [row for row in comparison.rows if row.verdict.value in ("disagree", "undecided")]
        found |= {"verdicts": dict(verdicts)}
        if alarms:
            found |= {"alarms": [_told(text, row, dtype) for row in alarms]}
            found |= {"causes": dict(collections.Counter(told["cause"] for told in found["alarms"]))}
    return found | {"seconds": time.perf_counter() - start}


def _told(text: str, row: Row, dtype: str) -> dict[str, Any]:
    """A row that disagrees with its cause, or that is undecided, with the reason."""
    from compare.benchmarks.causes import cause

    kind, node = cause(text, row, dtype) if row.verdict.value == "disagree" else ("undecided", "")
    numbers = [row.symbolic, row.autodiff, row.chain, row.referee.digits]
    return {
        "wrt": row.wrt,
        "at": dict(row.at),
        "cause": kind,
        "node": node,
        "numbers": str(numbers),
        "reason": row.reason,
    }


def in_float64(found: Mapping[str, Any]) -> dict[str, int]:
    """Verdicts in float64 of the rows of one result that disagree in float32: what agrees there was the range."""
    import compare

    verdicts: collections.Counter[str] = collections.Counter()
    for told in found.get("alarms", []) if found["dtype"] == "float32" else []:
        if told["cause"] != "undecided":
            (row,) = compare.check(found["text"], wrt=told["wrt"], at=told["at"]).rows
            verdicts[row.verdict.value] += 1
    return dict(verdicts)


@click.command()
@click.option("--count", default=5000)
@click.option("--seed", default=0, help="0 is the fixed seed of the kept figures; any other is fresh.")
@click.option("--depth", default=DEPTH)
@click.option("--first", default=0, help="Index of the first expression.")
@click.option("--processes", default=2)
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write each result there.")
@click.option("--again", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file that --json wrote.")
def main(count: int, seed: int, depth: int, first: int, processes: int, path: Path | None, again: Path | None) -> None:
    """Check random expressions and count the verdicts of their rows; with --again, what disagreed, in float64."""
    if again is not None:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            wider = [collections.Counter(each) for each in pool.imap(in_float64, json.loads(again.read_text()))]
        click.echo(f"rows that disagree in float32, in float64: {dict(sum(wider, collections.Counter()))}")
        return
    totals: collections.Counter[str] = collections.Counter()
    causes: collections.Counter[str] = collections.Counter()
    numbers = [(seed, index, depth) for index in range(first, first + count)]
    start, results = time.perf_counter(), []
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=200) as pool:
        for found in pool.imap_unordered(checked, numbers, chunksize=10):
            results.append(found)
            totals.update(found.get("verdicts", {}))
            causes.update(found.get("causes", {}))
            totals.update(key for key in ("crash", "refused") if key in found)
            if "alarms" in found or "crash" in found or found["seconds"] > 20:
                click.echo(json.dumps(found))
    click.echo(f"{count} expressions, seed {seed}, {time.perf_counter() - start:.0f} s: {dict(totals)}")
    click.echo(f"rows that disagree, by cause, and undecided: {dict(causes)}")
    if path is not None:
        path.write_text(json.dumps(sorted(results, key=lambda found: found["index"]), indent=0) + "\n")


if __name__ == "__main__":
    main()
