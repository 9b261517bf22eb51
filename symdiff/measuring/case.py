"""A row of the function table with points to measure it at: random ones, many orders of magnitude, close to edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.domain import Domain
from symdiff.function import Absence, Function
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import gradient_graph

SYMBOLS = sp.symbols("s0:4", real=True)
POINTS = 33
# further static arguments than those of the special points
STATIC: dict[str, tuple[tuple[Any, ...], ...]] = {
    "power_integer": ((5,), (9,)),
    "power_constant": ((sp.Rational(1, 3),), (sp.Rational(22, 7),)),
    "heaviside": ((0,), (1,)),
    "reduced_sinc": ((3,),),
}
# the largest operand, where value or enclosure of a larger one leaves the range of numbers or takes minutes
LARGEST = {"besselk": 8.0, "bessely": 8.0, "power": 40.0, "power_integer": 1e6}
LARGEST_OF_SPECIAL = 40.0


@dataclass(frozen=True, eq=False)
class RowCase:
    """A row with its static arguments and points: one column of floating-point numbers an operand, all of one dtype.

    Operands that are conditions are given as numbers, positive for true.
    """

    row: Function
    static: tuple[Any, ...]
    columns: tuple[NDArray[Any], ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of all columns."""
        return self.columns[0].dtype

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.columns[0])

    def point(self, index: int) -> tuple[float | bool, ...]:
        """One point, with truth values in the place of conditions."""
        return tuple(
            bool(column[index] > 0) if domain.truth else float(column[index])
            for column, domain in zip(self.columns, self.row.domain, strict=True)
        )

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Positions of the operands in which there are derivatives; none for a row whose values are truth values."""
        import flint

        operands = [bool(u) if isinstance(u, bool) else flint.arb(u) for u in self.point(0)]
        if isinstance(self.row.ball(*operands, *self.static), (bool, type(None))):
            return ()
        partials = zip(self.row.domain, self.row.partials, strict=True)
        return tuple(k for k, (u, p) in enumerate(partials) if not u.truth and p is not Absence.NONDIFFERENTIABLE)

    @cached_property
    def graph(self) -> Graph:
        """The row applied to symbols."""
        builder = GraphBuilder()
        zero = builder.constant(sp.Integer(0))
        nodes = [builder.input(symbol) for symbol in SYMBOLS[: self.row.arity]]
        operands = [
            builder.call("less", zero, node) if domain.truth else node
            for node, domain in zip(nodes, self.row.domain, strict=True)
        ]
        return builder.finish([builder.apply(self.row, tuple(operands), self.static)])

    @cached_property
    def derived(self) -> tuple[Graph, Graph]:
        """Graph of the value and all partials, and the graph of these and all their partials."""
        symbols = [SYMBOLS[k] for k in self.moving]
        first = gradient_graph(self.graph, symbols)
        return first, gradient_graph(first, symbols)


def cases(rows: Sequence[Function], dtype: Any, points: int = POINTS) -> Iterator[RowCase]:
    """Each row with each of its static arguments, at points that depend on its name alone.

    >>> from symdiff.functions import FUNCTIONS
    >>> [case] = cases([FUNCTIONS["log"]], np.float32, 5)
    >>> case.points, bool((case.columns[0] > 0).all())
    (7, True)
    """
    for row in rows:
        given = [tuple(point[row.arity :]) for point, _ in row.special]
        for static in dict.fromkeys((*given, *STATIC.get(row.name, ()))):
            seed = np.random.default_rng(list(row.name.encode()))
            yield RowCase(row, static, _columns(row, static, np.dtype(dtype), seed, points))


def _columns(row: Function, static: tuple[Any, ...], dtype: np.dtype[Any], seed: Any, points: int) -> Any:
    drawn = [_column(domain, dtype, seed, _largest(row, dtype), points) for domain in row.domain_of(static)]
    limit = float(np.finfo(dtype).max)
    special = [
        point[: row.arity]
        for point, _ in row.special
        if tuple(point[row.arity :]) == static and all(abs(float(u)) < limit for u in point[: row.arity])
    ]
    return tuple(
        np.concatenate([column, [float(point[k]) for point in special]]).astype(dtype) for k, column in enumerate(drawn)
    )


def _largest(row: Function, dtype: np.dtype[Any]) -> float:
    if row.name in LARGEST or row.special_function:
        return LARGEST.get(row.name, LARGEST_OF_SPECIAL)
    return 1e200 if dtype == np.float64 else 1e18


def _column(domain: Domain, dtype: np.dtype[Any], seed: Any, largest: float, points: int) -> NDArray[Any]:
    if domain.truth:
        return seed.choice([-1.0, 1.0], points)
    eps = float(np.finfo(dtype).eps)
    tiny = 1e-12 if largest == LARGEST_OF_SPECIAL else 1e-200 if dtype == np.float64 else 1e-18
    some = max(points // 3, 4)
    sizes = np.concatenate(
        [seed.uniform(0, 4, some), 10 ** seed.uniform(-3, 3, some), [tiny, 1e-8, 1e9, largest, 1e-15]]
    )
    sizes = np.minimum(sizes, largest)
    found = list(sizes if domain.low >= 0 else sizes * seed.choice([-1.0, 1.0], sizes.size))
    ends = [e for e in (domain.low, domain.high, *domain.excluded, *(domain.gap or ())) if np.isfinite(e)]
    if np.isfinite(domain.high):
        low = domain.low if np.isfinite(domain.low) else domain.high - 4
        found += list(seed.uniform(low, domain.high, 2 * some))
    for end in ends:
        found += [end + side * (abs(end) or 1.0) * d for side in (-1, 1) for d in (4 * eps, 1e-5, 0.01)]
    rounded = np.asarray(found).astype(dtype).astype(np.float64)
    inside = rounded[domain.contains(rounded)]
    return np.resize(seed.permutation(inside), points)
