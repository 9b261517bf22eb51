"""Gradients, Jacobians and Hessians as users see them: derived once, read as SymPy or as named steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symdiff.collection import collection_paused
from symdiff.errors import InputError, SymbolError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.mimebundle import Shown
from symdiff.rewriting.rewrites import readable, stable
from symdiff.rewriting.seams import smoothed
from symdiff.sparsity import Pattern, pattern_of_places
from symdiff.sweeps import all_entries, best_entries, symmetric_entries
from symdiff.symbol_lookup import INPUTS, Wrt, find_symbols, listed
from symdiff.symbolic import gradient_graph
from symdiff.to_sympy import expressions_of


@dataclass(frozen=True, eq=False)
class Gradient(Shown):
    """All partials of one expression, as one graph that shares what they have in common.

    `graph` has the outputs (value, partial in wrt[0], ...). Expressions are written out only when asked for.

    >>> w, x, y = sp.symbols("w x y", real=True)
    >>> g = gradient((w * x - y) ** 2, [w])
    >>> g[w]
    2*x*(w*x - y)
    >>> g.operations
    5
    >>> for name, step in g.steps:
    ...     print(name, "=", step)
    v1 = w*x - y
    """

    expression: sp.Expr
    wrt: tuple[sp.Symbol, ...]
    primal: Graph
    graph: Graph

    def __getitem__(self, symbol: sp.Symbol | str) -> sp.Expr:
        """The partial derivative in one of `wrt`, as a SymPy expression."""
        return self.expressions[_column(symbol, self.wrt, self._columns, "the gradient")]

    @cached_property
    def _columns(self) -> dict[sp.Symbol, int]:
        return {symbol: k for k, symbol in enumerate(self.wrt)}

    def __iter__(self) -> Iterator[sp.Expr]:
        return iter(self.expressions)

    def __len__(self) -> int:
        return len(self.wrt)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The partials in the order of `wrt`, written out in full."""
        return tuple(expressions_of(self.graph, self.graph.outputs[1:]))  # type: ignore[arg-type]

    @cached_property
    def value(self) -> sp.Expr:
        """What was differentiated, written as the partials are."""
        return expressions_of(self.graph, self.graph.outputs[:1])[0]  # type: ignore[return-value]

    @property
    def operations(self) -> int:
        """Operations that value and gradient take together, each shared one counted once."""
        return self.graph.operation_count

    @cached_property
    def steps(self) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
        """Subexpressions used more than once, in order: (name, expression in inputs and earlier names)."""
        return tuple(zip(self._names.values(), expressions_of(self.graph, list(self._names), self._names), strict=True))  # type: ignore[arg-type]

    @cached_property
    def stepped(self) -> tuple[sp.Expr, ...]:
        """The value and the partials in terms of the names in `steps`."""
        outputs = expressions_of(self.graph, self.graph.outputs, self._names)
        return tuple(self._names.get(node, e) for node, e in zip(self.graph.outputs, outputs, strict=True))  # type: ignore[arg-type]

    @cached_property
    def _names(self) -> dict[int, sp.Symbol]:
        uses: dict[int, int] = {}
        for node in [i for step in self.graph.applications for i in step.operands] + list(self.graph.outputs):
            uses[node] = uses.get(node, 0) + 1
        taken = {symbol.name for symbol in self.graph.inputs}
        names = (f"v{i}" for i in range(1, len(self.graph) + len(taken) + 1))
        free = (name for name in names if name not in taken)
        shared = [step.node for step in self.graph.applications if uses.get(step.node, 0) > 1]
        if not self.graph.shapes:
            return {node: sp.Symbol(next(free), real=True) for node in shared}
        from symdiff.tensors.writing import step_names

        return step_names(self.graph, shared, free)

    def _repr_html_(self) -> str:
        from symdiff.notebook import gradient_html

        return gradient_html(self)

    def _repr_latex_(self) -> str | None:
        from symdiff.notebook import gradient_latex

        return gradient_latex(self)

    def __repr__(self) -> str:
        return f"Gradient in {listed(self.wrt)}: {self.operations} operations with the value"


def gradient(expr: Any, wrt: Wrt) -> Gradient:
    """Derive all partials of `expr` in `wrt` by reverse accumulation over its graph.

    Cost is linear in the operations of `expr`. `wrt`: symbols or names of symbols, one or several.

    Raises SymbolError for an unknown or ambiguous name, UnsupportedError for a function without a row in the table.

    >>> x, y = sp.symbols("x y", real=True)
    >>> list(gradient(sp.exp(x * y), [x, y]))
    [y*exp(x*y), x*exp(x*y)]
    """
    with collection_paused():
        expression = as_expression(expr, "the expression")
        symbols = find_symbols(wrt, free_symbols(expression))
        primal = _numbers(graph_of([expression]))
        # SymPy's textbook rules, to be read; the table's where those lose digits or miss a seam
        tidy = _tidied(primal)
        restated = readable(tidy)
        graph = gradient_graph(smoothed(restated), symbols, textbook=restated is tidy)
        return Gradient(expression, symbols, primal, _tidied(graph))


def _numbers(graph: Graph) -> Graph:
    """The graph with outputs that are numbers; a 1×1 matrix is one. Raises InputError for other shapes."""
    if not any(graph.shape(node) for node in graph.outputs):
        return graph
    from symdiff.tensors.running import scalar

    builder = GraphBuilder()
    parts = [scalar(_with_outputs(graph, [node])) if graph.shape(node) else None for node in graph.outputs]
    places = builder.splice(graph)
    outputs = [
        places[node] if part is None else builder.splice(part)[part.outputs[0]]
        for node, part in zip(graph.outputs, parts, strict=True)
    ]
    return builder.finish(outputs)


def _refuse_arrays(symbols: Sequence[Any], what: str, instead: str) -> None:
    """Second partials in the entries of arrays have four axes; raises UnsupportedError."""
    array = next((symbol for symbol in symbols if not isinstance(symbol, sp.Symbol)), None)
    if array is not None:
        raise UnsupportedError(f"{what} in the array {array} is not written out; give scalars in wrt, or {instead}")


def _tidied(graph: Graph) -> Graph:
    if not graph.shapes:
        return graph
    from symdiff.tensors.tidying import tidied

    return tidied(graph)


def curved(first: Gradient) -> tuple[Graph, bool]:
    """The graph of the first partials alone that second ones are taken of, and whether by textbook rules."""
    restated = stable(first.primal)
    # twice a textbook rule loses digits where the stable form does not
    textbook = restated is first.primal
    graph = first.graph if textbook else gradient_graph(smoothed(restated), first.wrt)
    builder = GraphBuilder()
    places = builder.splice(graph)
    return builder.finish([places[node] for node in graph.outputs[1:]]), textbook


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
        column = _column(symbol, self.wrt, self._columns, "the Jacobian")
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
        primal = _tidied(_numbers(graph_of(expressions)))
        restated = readable(primal)
        taken = smoothed(restated)
        sources = [taken.inputs.get(symbol, -1) for symbol in symbols]
        graph, places = best_entries(taken, sources, restated is primal, all_entries)
        return Jacobian(symbols, _tidied(graph), len(expressions), tuple(places))


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
        row, column = (_column(symbol, self.wrt, self._columns, "the Hessian") for symbol in pair)
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
        return Hessian(first.wrt, _tidied(graph), tuple(places))


def _dense(rows: int, columns: int, entries: Mapping[tuple[int, int], sp.Expr]) -> sp.ImmutableDenseMatrix:
    flat: list[sp.Expr] = [sp.Integer(0)] * (rows * columns)
    for (i, j), entry in entries.items():
        flat[i * columns + j] = entry
    return sp.ImmutableDenseMatrix(rows, columns, flat)


def _pair(place: Any, what: str, needed: str) -> tuple[Any, Any]:
    if not isinstance(place, tuple) or len(place) != 2:
        raise SymbolError(f"{what} has no entry {place!r}; give {needed}")
    return place


def _column(symbol: Any, wrt: Sequence[sp.Symbol], columns: Mapping[sp.Symbol, int], what: str) -> int:
    """Where a symbol, or the one of that name, stands in `wrt`."""
    if isinstance(symbol, INPUTS) and symbol in columns:
        return columns[symbol]
    if not isinstance(symbol, (*INPUTS, str)):
        raise SymbolError(f"{what} has no entry {symbol!r}; give a symbol or its name")
    (found,) = find_symbols(symbol, wrt, what)
    if found not in columns:
        raise SymbolError(f"{what} was taken in {listed(wrt)}, not in {found}")
    return columns[found]


def _with_outputs(graph: Graph, outputs: Sequence[int]) -> Graph:
    builder = GraphBuilder()
    places = builder.splice(graph)
    return builder.finish([places[node] for node in outputs])
