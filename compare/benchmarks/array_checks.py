"""Checks of random expressions in matrices and sums over data: whether any alarm is false.

`python -m compare.benchmarks.array_checks --count 300 --seed 0` prints how many rows have each verdict, and a line for
every expression with a row that disagrees or is inaccurate, or that crashed.
"""

from __future__ import annotations

import collections
import time
from typing import Any

import click
import numpy as np
import sympy as sp

N, M = (sp.Symbol(name, integer=True, positive=True) for name in "nm")
ROW, COLUMN = (sp.Symbol(name, integer=True) for name in "ij")
W, B = sp.symbols("w b", real=True)
X, Y, Z = (sp.IndexedBase(name) for name in "XYZ")
LENGTHS: tuple[Any, ...] = (sp.Integer(1), N, M)
ENTRY = sp.Symbol("u", real=True)
APPLIED = (sp.tanh, sp.exp, lambda u: 1 / (1 + sp.exp(-u)), sp.sin, lambda u: u**2, lambda u: sp.log(1 + u**2))


def expression(generator: np.random.Generator) -> sp.Expr:
    """A random scalar in matrices, or a sum over data, or both.

    >>> expression(np.random.default_rng(3)) == expression(np.random.default_rng(3))
    True
    """
    kind = int(generator.integers(6))
    if kind == 0:
        return _sum(generator)
    if kind == 1:
        return _sum(generator) * W + _scalar(generator)
    return _scalar(generator) + (_scalar(generator) if kind < 4 else 0)


def _scalar(generator: np.random.Generator) -> sp.Expr:
    rows, columns = (LENGTHS[k] for k in generator.integers(3, size=2))
    left, right = (_matrix(generator, int(generator.integers(1, 4)), rows, columns) for _ in range(2))
    square = _matrix(generator, 2, rows, rows)
    forms = (
        lambda: sp.Trace(left * right.T),
        lambda: sp.Trace(left.T * square * right),
        lambda: sp.Trace(_inverted(generator, rows) * left * right.T),
        lambda: sp.log(sp.Determinant(sp.Identity(rows) + left * left.T)),
        lambda: sp.sqrt(1 + sp.Trace(left * left.T)),
    )
    return forms[int(generator.integers(len(forms)))]()


def _matrix(generator: np.random.Generator, depth: int, rows: Any, columns: Any) -> Any:
    """A random matrix expression of a shape; its symbols are named by their shapes, so that some occur twice."""
    kind = int(generator.integers(8)) if depth else 0
    if kind < 2:
        name = f"{generator.choice(['A', 'C', 'D'])}_{rows}{columns}"
        return sp.MatrixSymbol(name, rows, columns)
    one = _matrix(generator, depth - 1, rows, columns)
    if kind == 2:
        return _matrix(generator, depth - 1, columns, rows).T
    if kind == 3:
        return one + _matrix(generator, depth - 1, rows, columns)
    if kind == 4:
        middle = LENGTHS[int(generator.integers(3))]
        return _matrix(generator, depth - 1, rows, middle) * _matrix(generator, depth - 1, middle, columns)
    if kind == 5:
        return sp.HadamardProduct(one, _matrix(generator, depth - 1, rows, columns))
    if kind == 6:
        return _inverted(generator, rows) * one
    function = APPLIED[int(generator.integers(len(APPLIED)))]
    return one.applyfunc(sp.Lambda(ENTRY, function(sp.tanh(ENTRY) if depth > 1 else ENTRY)))


def _inverted(generator: np.random.Generator, size: Any) -> Any:
    """The inverse of a matrix that is well conditioned where its entries are moderate."""
    one = sp.MatrixSymbol(f"{generator.choice(['A', 'C'])}_{size}{size}", size, size)
    return (2 * sp.Identity(size) + one * one.T).I


def _sum(generator: np.random.Generator) -> sp.Expr:
    line = W * X[ROW] + B
    forms = (
        sp.Sum((Y[ROW] - line) ** 2, (ROW, 0, N - 1)) / N,
        sp.Sum(sp.log(1 + sp.exp(-Y[ROW] * line)), (ROW, 0, N - 1)),
        sp.Sum(sp.log(sp.Sum(sp.exp(Z[ROW, COLUMN] * Y[COLUMN] + B), (COLUMN, 0, M - 1))), (ROW, 0, N - 1)),
        sp.Sum(sp.tanh(X[ROW]) * Y[COLUMN] * Z[ROW, COLUMN], (COLUMN, 0, M - 1), (ROW, 0, N - 1)),
        sp.Sum(X[ROW] * Y[COLUMN], (COLUMN, 0, ROW), (ROW, 0, N - 1)),
        sp.log(sp.Sum(sp.exp(W * X[ROW]), (ROW, 0, N - 1))),
        sp.Product(1 + X[ROW] ** 2 / 4, (ROW, 0, N - 1)),
    )
    return forms[int(generator.integers(len(forms)))]


@click.command()
@click.option("--count", default=300, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--first", default=0, show_default=True, help="Number of the first expression.")
@click.option("--points", default=2, show_default=True)
@click.option("--dtype", default="float64", show_default=True)
def main(count: int, seed: int, first: int, points: int, dtype: str) -> None:
    """Check random expressions in matrices and sums, and count the verdicts."""
    import compare

    start = time.perf_counter()
    counts: collections.Counter[str] = collections.Counter()
    closest, crashes, unwritten, longest = 0.0, 0, 0, (0.0, 0)
    for k in range(first, first + count):
        try:
            one = expression(np.random.default_rng([seed, k]))
        except TypeError:  # SymPy cannot apply some functions to some matrices
            unwritten += 1
            continue
        began = time.perf_counter()
        try:
            found = compare.check(one, points=points, seed=k, dtype=dtype)
        except Exception as error:  # whatever it is, it is counted and the next expression checked
            crashes += 1
            click.echo(f"{k}: {one}: {type(error).__name__}: {str(error)[:200]}")
            continue
        longest = max(longest, (time.perf_counter() - began, k))
        counts.update(row.verdict.value for row in found.rows)
        ratios = [row.error / row.tolerance for row in found.rows if row.error is not None and row.tolerance]
        closest = max([closest, *ratios])
        if found.verdict is not compare.Verdict.AGREE:
            worst = found.worst()
            click.echo(f"{k}: {found.summary()[:300]} {worst.reason[:200] if worst is not None else ''}")
    click.echo(f"{count} expressions: {dict(counts)}; largest error {closest:.3g} of its tolerance; {crashes} crashes")
    click.echo(
        f"{unwritten} that SymPy does not write; the longest check, of number {longest[1]}, took {longest[0]:.1f} s"
    )
    click.echo(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
