"""Gradients, Jacobians and Hessians as users see them: derived once, read as SymPy or as named steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symdiff.errors import InputError, SymbolError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.rewriting.rewrites import readable, stable
from symdiff.rewriting.seams import smoothed
from symdiff.symbol_lookup import INPUTS, Wrt, find_symbols, listed
from symdiff.symbolic import accumulate, gradient_graph
from symdiff.to_sympy import expressions_of


@dataclass(frozen=True, eq=False)
class Gradient:
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

    def _repr_latex_(self) -> str:
        rows = [rf"\frac{{\partial}}{{\partial {sp.latex(symbol)}}} &= {sp.latex(self[symbol])}" for symbol in self.wrt]
        return r"$\displaystyle \begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}$"

    def __repr__(self) -> str:
        return f"Gradient in {', '.join(map(str, self.wrt))}: {self.operations} operations with the value"


def gradient(expr: Any, wrt: Wrt) -> Gradient:
    """Derive all partials of `expr` in `wrt` by reverse accumulation over its graph.

    Cost is linear in the operations of `expr`. `wrt`: symbols or names of symbols, one or several.

    Raises SymbolError for an unknown or ambiguous name, UnsupportedError for a function without a row in the table.

    >>> x, y = sp.symbols("x y", real=True)
    >>> list(gradient(sp.exp(x * y), [x, y]))
    [y*exp(x*y), x*exp(x*y)]
    """
    expression = as_expression(expr, "the expression")
    symbols = find_symbols(wrt, free_symbols(expression))
    primal = _numbers(graph_of([expression]))
    return Gradient(expression, symbols, primal, _written(primal, symbols))


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


def _written(primal: Graph, symbols: Sequence[sp.Symbol]) -> Graph:
    """The gradient by SymPy's textbook rules, to be read; by the table's where those lose digits or miss a seam."""
    primal = _tidied(primal)
    restated = readable(primal)
    graph = gradient_graph(smoothed(restated), symbols, textbook=restated is primal)
    return _tidied(graph)


def _tidied(graph: Graph) -> Graph:
    if not graph.shapes:
        return graph
    from symdiff.tensors.tidying import tidied

    return tidied(graph)


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Partials of several expressions: J[i, w] is the partial of expression i in w.

    >>> x, y = sp.symbols("x y", real=True)
    >>> jacobian([x * y, x + y], [x, y])[0, x]
    y
    """

    wrt: tuple[sp.Symbol, ...]
    graph: Graph
    rows: int

    def __getitem__(self, place: tuple[int, sp.Symbol | str]) -> sp.Expr:
        row, symbol = _pair(place, "the Jacobian", "a row number and a symbol, as in J[0, x]")
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)):
            raise SymbolError(f"the Jacobian has no row {row!r}; give its number, 0 to {self.rows - 1}, then a symbol")
        column = _column(symbol, self.wrt, self._columns, "the Jacobian")
        if not -self.rows <= row < self.rows:
            raise SymbolError(f"no entry ({row}, {symbol}); the Jacobian has {self.rows} rows, counted from 0")
        return self.matrix[int(row) % self.rows, column]

    @cached_property
    def _columns(self) -> dict[sp.Symbol, int]:
        return {symbol: k for k, symbol in enumerate(self.wrt)}

    @cached_property
    def matrix(self) -> sp.ImmutableDenseMatrix:
        """All entries as a SymPy matrix of shape (rows, len(wrt))."""
        entries = expressions_of(self.graph, self.graph.outputs)
        return sp.ImmutableDenseMatrix(self.rows, len(self.wrt), entries)

    @property
    def operations(self) -> int:
        """Operations of all entries together, each shared one counted once."""
        return self.graph.operation_count


def jacobian(exprs: Any, wrt: Wrt) -> Jacobian:
    """All partials of several expressions, by one reverse sweep an expression; raises as `gradient` does.

    `exprs` may be a SymPy matrix, whose entries are taken row by row, or a single expression, which is one row.
    """
    alone = isinstance(exprs, (sp.Expr, str, Mapping)) or not isinstance(exprs, Iterable)
    several = list(exprs) if isinstance(exprs, sp.MatrixBase) else [exprs] if alone else exprs
    expressions = [as_expression(e, "an expression") for e in several]
    if not expressions:
        raise InputError("there are no expressions to differentiate; give at least one")
    symbols = find_symbols(wrt, free_symbols(*expressions))
    _refuse_arrays(symbols, "a Jacobian", "for the gradient of one number in arrays take symdiff.gradient")
    graph = _written(_numbers(graph_of(expressions)), symbols)
    keep = [node for i, node in enumerate(graph.outputs) if i % (len(symbols) + 1)]
    return Jacobian(symbols, _with_outputs(graph, keep), len(expressions))


@dataclass(frozen=True, eq=False)
class Hessian:
    """Second partials of one expression: H[v, w] is the partial in v and w.

    >>> x, y = sp.symbols("x y", real=True)
    >>> hessian(x**2 * y, [x, y])[x, y]
    2*x
    """

    wrt: tuple[sp.Symbol, ...]
    graph: Graph

    def __getitem__(self, place: tuple[sp.Symbol | str, sp.Symbol | str]) -> sp.Expr:
        pair = _pair(place, "the Hessian", "two symbols, as in H[x, y]")
        row, column = (_column(symbol, self.wrt, self._columns, "the Hessian") for symbol in pair)
        return self.matrix[row, column]

    @cached_property
    def _columns(self) -> dict[sp.Symbol, int]:
        return {symbol: k for k, symbol in enumerate(self.wrt)}

    @cached_property
    def matrix(self) -> sp.ImmutableDenseMatrix:
        """All entries as a symmetric SymPy matrix."""
        return sp.ImmutableDenseMatrix(len(self.wrt), len(self.wrt), expressions_of(self.graph, self.graph.outputs))

    @property
    def operations(self) -> int:
        """Operations of all entries together, each shared one counted once."""
        return self.graph.operation_count


def hessian(expr: Any, wrt: Wrt) -> Hessian:
    """All second partials, reverse over reverse on the graph; raises as `gradient` does."""
    first = gradient(expr, wrt)
    _refuse_arrays(
        first.wrt,
        "a Hessian",
        "differentiate a number made from symdiff.gradient(...), such as its product with a constant array",
    )
    restated = stable(first.primal)
    # twice a textbook rule loses digits where the stable form does not
    textbook = restated is first.primal
    graph = first.graph if textbook else gradient_graph(smoothed(restated), first.wrt)
    builder = GraphBuilder()
    places = builder.splice(graph)
    sources = [graph.inputs.get(symbol, -1) for symbol in first.wrt]
    present = [node for node in sources if node >= 0]
    zero = builder.constant(sp.Integer(0))
    outputs: list[int] = []
    for row in accumulate(builder, graph, places, graph.outputs[1:], present, textbook=textbook):
        partials = dict(zip(present, row, strict=True))
        outputs += [partials.get(node, zero) for node in sources]
    return Hessian(first.wrt, _tidied(builder.finish(outputs)))


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
