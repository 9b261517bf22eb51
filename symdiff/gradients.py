"""Gradients as users see them: derived once, read as SymPy or as named steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from symdiff.collection import collection_paused
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.mimebundle import Shown
from symdiff.rewriting.rewrites import readable, stable
from symdiff.rewriting.seams import smoothed
from symdiff.symbol_lookup import Wrt, column_of, find_symbols, listed
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
        return self.expressions[column_of(symbol, self.wrt, self._columns, "the gradient")]

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
        primal = numbers(graph_of([expression]))
        # SymPy's textbook rules, to be read; the table's where those lose digits or miss a seam
        plain = tidy(primal)
        restated = readable(plain)
        graph = gradient_graph(smoothed(restated), symbols, textbook=restated is plain)
        return Gradient(expression, symbols, primal, tidy(graph))


def numbers(graph: Graph) -> Graph:
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


def tidy(graph: Graph) -> Graph:
    """The graph with arrays as one would write them by hand; see `tensors.tidying`."""
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


def _with_outputs(graph: Graph, outputs: Sequence[int]) -> Graph:
    builder = GraphBuilder()
    places = builder.splice(graph)
    return builder.finish([places[node] for node in outputs])
