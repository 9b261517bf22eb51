"""What a check costs, and how that grows with nodes and with points.

`python -m compare.benchmarks.check_cost` checks seeded random expressions of so many operations, several of each size,
and prints the median time of a check after imports, from the expression to the verdict; what was compiled before it is
forgotten.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from typing import Any

import click
import jax
import numpy as np
import sympy as sp

NAMES = ("a", "b", "c", "d", "x", "y")
SIZES, POINTS, SEEDS = (250, 500, 1_000, 2_000, 4_000), (16, 64, 256), 3
DEPTH = 5
# forms that keep numbers of moderate size moderate
ONE = ("sin({})", "cos({})", "tanh({})", "atan({})", "exp(-({})**2)", "sqrt(1 + ({})**2)", "log(2 + ({})**2)")
TWO = ("({} + {})", "({} - {})", "{}*{}", "{}/(1 + ({})**2)")


def expression(nodes: int, seed: int) -> sp.Expr:
    """A random expression of so many operations or a few more: a sum of products of random trees.

    >>> expression(50, 0) == expression(50, 0)
    True
    """
    import symdiff
    from symdiff.from_sympy import graph_of

    draw = np.random.default_rng([nodes, seed])
    terms: list[str] = []
    while True:
        terms += [f"{_tree(draw, DEPTH)}*{_tree(draw, DEPTH)}" for _ in range(1 + nodes // 250)]
        result = symdiff.parse(" + ".join(terms))
        if graph_of([result]).operation_count >= nodes:
            return result


def _tree(draw: Any, depth: int) -> str:
    """The text of a tree of at most so many levels."""
    if depth == 0 or draw.random() < 0.1:
        return str(draw.choice(NAMES))
    form = str(draw.choice(ONE if draw.random() < 0.4 else TWO))
    return form.format(*(_tree(draw, depth - 1) for _ in range(form.count("{}"))))


def timed(nodes: int, points: int, seed: int) -> tuple[float, float, int, Counter[str]]:
    """Seconds of one check, by the clock and of processor time, the operations of its expression and its verdicts."""
    import compare
    from compare import pieces
    from symdiff.from_sympy import graph_of

    given = expression(nodes, seed)
    count = graph_of([given]).operation_count
    jax.clear_caches()
    pieces.forget()
    start, used = time.perf_counter(), time.process_time()
    found = compare.check(given, points=points, seed=seed)
    seconds, spent = time.perf_counter() - start, time.process_time() - used
    return seconds, spent, count, Counter(row.verdict.value for row in found.rows)


@click.command()
@click.option("--sizes", default=",".join(map(str, SIZES)), help="Operations, comma-separated.")
@click.option("--points", "counts", default=",".join(map(str, POINTS)), help="Points, comma-separated.")
@click.option("--seeds", default=SEEDS, help="Expressions of each size.")
def main(sizes: str, counts: str, seeds: int) -> None:
    """Time the checks, one line a size and number of points."""
    timed(50, 8, 0)
    for nodes in map(int, sizes.split(",")):
        for points in map(int, counts.split(",")):
            runs = [timed(nodes, points, seed) for seed in range(seeds)]
            seconds = [run[0] for run in runs]
            verdicts = sum((run[3] for run in runs), Counter[str]())
            click.echo(
                f"{statistics.mean(run[2] for run in runs):,.0f} operations, {points} points: "
                f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), "
                f"{statistics.median(run[1] for run in runs):.2f} s of processor time; {dict(verdicts)}"
            )


if __name__ == "__main__":
    main()
