"""Gradients, Jacobians and Hessians as users see them: derived once, read as SymPy or as named steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from symdiff.errors import SymbolError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import accumulate, gradient_graph
from symdiff.to_sympy import expressions_of

Wrt = sp.Symbol | str | Sequence[sp.Symbol | str]


def find_symbols(wrt: Wrt, known: Sequence[sp.Symbol], what: str = "wrt") -> tuple[sp.Symbol, ...]:
    """Symbols named by symbols or by names; a name must belong to exactly one of `known`.

    A symbol that is not among `known` is accepted (the derivative in it is zero) unless one of the same name is: then
    the assumptions differ, and SymPy would silently differentiate to zero.

    >>> x = sp.Symbol("x", real=True)
    >>> find_symbols("x", [x]), find_symbols([x], [x])
    ((x,), (x,))
    """
    items = [wrt] if isinstance(wrt, (sp.Symbol, str)) else wrt
    if not isinstance(items, Iterable) or isinstance(items, sp.Basic):
        raise SymbolError(f"{what} is {wrt!r}; give a symbol, a name, or a list of them")
    by_name: dict[str, list[sp.Symbol]] = {}
    for symbol in known:
        by_name.setdefault(symbol.name, []).append(symbol)
    found = [_found(item, by_name, what) for item in items]
    if len(set(found)) < len(found):
        raise SymbolError(f"{what} names a symbol twice: {_listed(found)}")
    if not found:
        raise SymbolError(f"{what} is empty; the expression contains {_listed(known)}")
    return tuple(found)


def _found(item: Any, by_name: Mapping[str, Sequence[sp.Symbol]], what: str) -> sp.Symbol:
    if isinstance(item, sp.Symbol):
        named = by_name.get(item.name, ())
        if named and item not in named:
            raise SymbolError(
                f"{what} holds a symbol {item} whose assumptions differ from those of {item} in the expression; "
                "use one and the same symbol for both"
            )
        return item
    if not isinstance(item, str):
        raise SymbolError(f"{what} holds {item!r} ({type(item).__name__}); give symbols or their names")
    named = by_name.get(item, ())
    if not named:
        every = _listed([symbol for symbols in by_name.values() for symbol in symbols])
        raise SymbolError(f"{what} names {item!r}, which the expression does not contain; it contains {every}")
    if len(named) > 1:
        raise SymbolError(f"{what} names {item!r}, but two symbols have that name; give the symbol itself")
    return named[0]


def _listed(symbols: Sequence[sp.Symbol], most: int = 20) -> str:
    names = [symbol.name for symbol in symbols[:most]]
    more = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(names) + more or "no symbols"


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
        (found,) = find_symbols(symbol, self.wrt, "the gradient")
        if found not in self.wrt:
            raise SymbolError(f"the gradient was taken in {', '.join(map(str, self.wrt))}, not in {found}")
        return self.expressions[self.wrt.index(found)]

    def __iter__(self) -> Iterator[sp.Expr]:
        return iter(self.expressions)

    def __len__(self) -> int:
        return len(self.wrt)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The partials in the order of `wrt`, written out in full."""
        return tuple(expressions_of(self.graph, self.graph.outputs[1:]))  # type: ignore[arg-type]

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
        return {node: sp.Symbol(next(free), real=True) for node in shared}

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
    primal = graph_of([expression])
    return Gradient(expression, symbols, primal, gradient_graph(primal, symbols, textbook=True))


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
        row, symbol = place
        (found,) = find_symbols(symbol, self.wrt, "the Jacobian")
        if found not in self.wrt or not -self.rows <= row < self.rows:
            raise SymbolError(
                f"no entry ({row}, {found}); there are {self.rows} rows, in {', '.join(map(str, self.wrt))}"
            )
        return self.matrix[row % self.rows, self.wrt.index(found)]

    @cached_property
    def matrix(self) -> sp.ImmutableDenseMatrix:
        """All entries as a SymPy matrix of shape (rows, len(wrt))."""
        entries = expressions_of(self.graph, self.graph.outputs)
        return sp.ImmutableDenseMatrix(self.rows, len(self.wrt), entries)

    @property
    def operations(self) -> int:
        """Operations of all entries together, each shared one counted once."""
        return self.graph.operation_count


def jacobian(exprs: Sequence[Any], wrt: Wrt) -> Jacobian:
    """All partials of several expressions, by one reverse sweep an expression; raises as `gradient` does."""
    expressions = [as_expression(e, "an expression") for e in exprs]
    symbols = find_symbols(wrt, free_symbols(*expressions))
    graph = gradient_graph(graph_of(expressions), symbols, textbook=True)
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
        found = find_symbols(place[0], self.wrt, "the Hessian") + find_symbols(place[1], self.wrt, "the Hessian")
        absent = [symbol for symbol in found if symbol not in self.wrt]
        if absent:
            raise SymbolError(f"the Hessian was taken in {', '.join(map(str, self.wrt))}, not in {absent[0]}")
        return self.matrix[self.wrt.index(found[0]), self.wrt.index(found[1])]

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
    builder = GraphBuilder()
    places = builder.splice(first.graph)
    sources = [first.graph.inputs.get(symbol, -1) for symbol in first.wrt]
    present = [node for node in sources if node >= 0]
    zero = builder.constant(sp.Integer(0))
    outputs: list[int] = []
    for output in first.graph.outputs[1:]:
        partials = dict(
            zip(present, accumulate(builder, first.graph, places, output, present, textbook=True), strict=True)
        )
        outputs += [partials.get(node, zero) for node in sources]
    return Hessian(first.wrt, builder.finish(outputs))


def _with_outputs(graph: Graph, outputs: Sequence[int]) -> Graph:
    builder = GraphBuilder()
    places = builder.splice(graph)
    return builder.finish([places[node] for node in outputs])
