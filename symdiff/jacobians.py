"""Jacobians and Hessians as users see them: the partials that are not zero by structure, read as SymPy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symdiff.collection import collection_paused
from symdiff.errors import InputError, SymbolError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import curved, gradient, numbers, tidy
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import readable
from symdiff.rewriting.seams import smoothed
from symdiff.sparsity import Pattern, pattern_of_places
from symdiff.sweeps import all_entries, best_entries, symmetric_entries
from symdiff.symbol_lookup import Wrt, column_of, find_symbols
from symdiff.to_sympy import expressions_of


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Partials of several expressions: J[i, w] is the partial of expression i in w.

    Entries that are zero by structure, whatever the values, are neither computed nor kept. `places` lists the others,
    each as (row, column of `wrt`), in the order of the outputs of `graph`.

    >>> x, y, z = sp.symbols("x y z", real=True)
    >>> J = jacobian([x * y, y + z], [x, y, z])
    >>> J[0, x], J.pattern
    (y, ((0, 1), (1, 2)))
    """

    wrt: tuple[sp.Symbol, ...]
    graph: Graph
    rows: int
    places: tuple[tuple[int, int], ...]

    def __getitem__(self, place: tuple[int, sp.Symbol | str]) -> sp.Expr:
        row, symbol = _pair(place, "the Jacobian", "a row number and a symbol, as in J[0, x]")
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)):
            raise SymbolError(f"the Jacobian has no row {row!r}; give its number, 0 to {self.rows - 1}, then a symbol")
        column = column_of(symbol, self.wrt, self._columns, "the Jacobian")
        if not -self.rows <= row < self.rows:
            raise SymbolError(f"no entry ({row}, {symbol}); the Jacobian has {self.rows} rows, counted from 0")
        return self.entries.get((int(row) % self.rows, column), sp.Integer(0))

    @cached_property
    def _columns(self) -> dict[sp.Symbol, int]:
        return {symbol: k for k, symbol in enumerate(self.wrt)}

    @cached_property
    def entries(self) -> dict[tuple[int, int], sp.Expr]:
        """The entries that are not zero by structure, by (row, column)."""
        return dict(zip(self.places, expressions_of(self.graph, self.graph.outputs), strict=True))  # type: ignore[arg-type]

    @property
    def pattern(self) -> Pattern:
        """Of each row the columns of its entries."""
        return pattern_of_places(self.places, self.rows)

    @property
    def nonzeros(self) -> int:
        """How many entries are not zero by structure."""
        return len(self.places)

    @cached_property
    def matrix(self) -> sp.ImmutableDenseMatrix:
        """All entries as a SymPy matrix of shape (rows, len(wrt))."""
        return _dense(self.rows, len(self.wrt), self.entries)

    @cached_property
    def sparse_matrix(self) -> sp.ImmutableSparseMatrix:
        """The same, of which SymPy keeps only `entries`."""
        return sp.ImmutableSparseMatrix(self.rows, len(self.wrt), self.entries)

    @property
    def operations(self) -> int:
        """Operations of all entries together, each shared one counted once."""
        return self.graph.operation_count


def jacobian(exprs: Any, wrt: Wrt) -> Jacobian:
    """All partials of several expressions, forward or in reverse, whichever takes fewer operations.

    `exprs` may be a SymPy matrix, whose entries are taken row by row, or a single expression, which is one row. Time
    goes with the operations of the result and the entries that are not zero. Raises as `gradient` does.
    """
    alone = isinstance(exprs, (sp.Expr, str, Mapping)) or not isinstance(exprs, Iterable)
    several = list(exprs) if isinstance(exprs, sp.MatrixBase) else [exprs] if alone else exprs
    expressions = [as_expression(e, "an expression") for e in several]
    if not expressions:
        raise InputError("there are no expressions to differentiate; give at least one")
    with collection_paused():
        symbols = find_symbols(wrt, free_symbols(*expressions))
        _refuse_arrays(symbols, "a Jacobian", "for the gradient of one number in arrays take symdiff.gradient")
        primal = tidy(numbers(graph_of(expressions)))
        restated = readable(primal)
        taken = smoothed(restated)
        sources = [taken.inputs.get(symbol, -1) for symbol in symbols]
        graph, places = best_entries(taken, sources, restated is primal, all_entries)
        return Jacobian(symbols, tidy(graph), len(expressions), tuple(places))


@dataclass(frozen=True, eq=False)
class Hessian:
    """Second partials of one expression: H[v, w] is the partial in v and w.

    Entries that are zero by structure, whatever the values, are neither computed nor kept, and of two that are equal by
    symmetry one is. `places` lists them, each as (i, j), i <= j, places in `wrt`, in the order of the outputs of
    `graph`.

    >>> x, y, z = sp.symbols("x y z", real=True)
    >>> H = hessian(x**2 * y + z, [x, y, z])
    >>> H[x, y], H[y, y], H.pattern, H.nonzeros
    (2*x, 0, ((0, 1), (0,), ()), 3)
    """

    wrt: tuple[sp.Symbol, ...]
    graph: Graph
    places: tuple[tuple[int, int], ...]

    def __getitem__(self, place: tuple[sp.Symbol | str, sp.Symbol | str]) -> sp.Expr:
        pair = _pair(place, "the Hessian", "two symbols, as in H[x, y]")
        row, column = (column_of(symbol, self.wrt, self._columns, "the Hessian") for symbol in pair)
        return self.entries.get((row, column), sp.Integer(0))

    @cached_property
    def _columns(self) -> dict[sp.Symbol, int]:
        return {symbol: k for k, symbol in enumerate(self.wrt)}

    @cached_property
    def entries(self) -> dict[tuple[int, int], sp.Expr]:
        """The entries that are not zero by structure, by (row, column), each of a pair."""
        upper = dict(zip(self.places, expressions_of(self.graph, self.graph.outputs), strict=True))
        return {**upper, **{(j, i): entry for (i, j), entry in upper.items()}}  # type: ignore[dict-item]

    @property
    def pattern(self) -> Pattern:
        """Of each row the columns of its entries."""
        both = [*self.places, *((j, i) for i, j in self.places if i != j)]
        return pattern_of_places(both, len(self.wrt))

    @property
    def nonzeros(self) -> int:
        """How many entries of the whole matrix are not zero by structure."""
        return sum(1 + (i != j) for i, j in self.places)

    @cached_property
    def matrix(self) -> sp.ImmutableDenseMatrix:
        """All entries as a symmetric SymPy matrix."""
        return _dense(len(self.wrt), len(self.wrt), self.entries)

    @cached_property
    def sparse_matrix(self) -> sp.ImmutableSparseMatrix:
        """The same, of which SymPy keeps only `entries`."""
        return sp.ImmutableSparseMatrix(len(self.wrt), len(self.wrt), self.entries)

    @property
    def operations(self) -> int:
        """Operations of all entries together, each shared one counted once."""
        return self.graph.operation_count


def hessian(expr: Any, wrt: Wrt) -> Hessian:
    """All second partials that are not zero by structure, each pair once; raises as `gradient` does.

    The gradient is differentiated again on the graph, forward or in reverse, and each entry read in the one or the
    other of its two places, whatever takes fewest operations.
    """
    with collection_paused():
        first = gradient(expr, wrt)
        _refuse_arrays(
            first.wrt,
            "a Hessian",
            "differentiate a number made from symdiff.gradient(...), such as its product with a constant array",
        )
        taken, textbook = curved(first)
        sources = [taken.inputs.get(symbol, -1) for symbol in first.wrt]
        graph, places = best_entries(taken, sources, textbook, symmetric_entries)
        return Hessian(first.wrt, tidy(graph), tuple(places))


def _refuse_arrays(symbols: Sequence[Any], what: str, instead: str) -> None:
    """Second partials in the entries of arrays have four axes; raises UnsupportedError."""
    array = next((symbol for symbol in symbols if not isinstance(symbol, sp.Symbol)), None)
    if array is not None:
        raise UnsupportedError(f"{what} in the array {array} is not written out; give scalars in wrt, or {instead}")


def _dense(rows: int, columns: int, entries: Mapping[tuple[int, int], sp.Expr]) -> sp.ImmutableDenseMatrix:
    flat: list[sp.Expr] = [sp.Integer(0)] * (rows * columns)
    for (i, j), entry in entries.items():
        flat[i * columns + j] = entry
    return sp.ImmutableDenseMatrix(rows, columns, flat)


def _pair(place: Any, what: str, needed: str) -> tuple[Any, Any]:
    if not isinstance(place, tuple) or len(place) != 2:
        raise SymbolError(f"{what} has no entry {place!r}; give {needed}")
    return place
