"""Rewrites: forms that lose digits or overflow, recognised in the graph and lowered in a stable form.

Each row names the unstable form and the stable one as SymPy expressions of u, v, so that a test can prove them equal
in ball arithmetic over `sample` and a report can say what to write instead; `rewrite` looks at one node of a graph
under construction. The referee never sees a rewritten graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symdiff.functions import FUNCTIONS
from symdiff.graph import Graph, Static
from symdiff.graph_builder import GraphBuilder
from symdiff.guard import guarded

Match = Callable[[GraphBuilder, tuple[int, ...], Static], int | None]


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One unstable form, found at a node that applies the function `top`, and what to compute instead."""

    name: str
    top: str
    unstable: Callable[..., sp.Expr]
    stable: Callable[..., sp.Expr]
    rewrite: Match
    sample: tuple[float, float]
    source: str


def stable(graph: Graph) -> Graph:
    """The same function with every known unstable form replaced.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [step.function.name for step in stable(graph_of([sp.log(1 + sp.exp(x))])).applications]
    ['softplus']
    """
    if not any(step.function.name in _BY_TOP for step in graph.applications):
        return graph
    builder = GraphBuilder()
    places = [-1] * len(graph)
    for node, symbol in graph.symbols.items():
        places[node] = builder.input(symbol)
    for node, constant in graph.constants.items():
        places[node] = builder.constant(constant)
    for node, function, operands, static in graph.applications:
        here = tuple(places[i] for i in operands)
        found = None
        for row in _BY_TOP.get(function.name, ()):
            found = row.rewrite(builder, here, static)
            if found is not None:
                break
        places[node] = builder.apply(function, here, static) if found is None else found
    return builder.finish([places[node] for node in graph.outputs])


def lowerable(graph: Graph) -> Graph:
    """What a route is to compute: unstable forms replaced, then guards set around branches that may not be taken."""
    return guarded(stable(graph))


def _one(builder: GraphBuilder, node: int) -> bool:
    return builder.value_of(node) == 1


def _other_than_one(builder: GraphBuilder, node: int) -> int | None:
    """The u of a node 1 + u."""
    terms = builder.parts(node, "add")
    if terms is None:
        return None
    return next((v for u, v in (terms, terms[::-1]) if _one(builder, u)), None)


def _log_of_sum(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    terms = b.parts(operands[0], "add")
    exponents = [b.parts(term, "exp") for term in terms] if terms else []
    if len(exponents) == 2 and exponents[0] and exponents[1]:
        return b.call("logaddexp", exponents[0][0], exponents[1][0])
    return None


def _log_of_one_plus(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    rest = _other_than_one(b, operands[0])
    if rest is None:
        return None
    exponent = b.parts(rest, "exp")
    return b.call("softplus", exponent[0]) if exponent else b.call("log1p", rest)


def _over_one_plus_exp(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    numerator, denominator = operands
    rest = _other_than_one(b, denominator)
    exponent = b.parts(rest, "exp") if rest is not None else None
    if exponent is None:
        return None
    if numerator == rest:
        return b.call("sigmoid", exponent[0])
    return b.call("multiply", numerator, b.call("sigmoid", b.call("negate", exponent[0])))


def _root_of_squares(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    squares: list[int] = []
    pending = [operands[0]]
    while pending:
        node = pending.pop()
        terms, base = b.parts(node, "add"), b.parts(node, "power_integer")
        if terms is not None:
            pending.extend(terms)
        elif base is not None and b.static_of(node) == (2,):
            squares.append(base[0])
        else:
            return None
    if len(squares) < 2:
        return None
    result = squares[-1]
    for node in squares[-2::-1]:
        result = b.call("hypot", result, node)
    return result


def _one_minus(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    cosine, square = b.parts(v, "cos"), b.parts(v, "power_integer")
    if not _one(b, u):
        return None
    if (exponent := b.parts(v, "exp")) is not None:
        return b.call("negate", b.call("expm1", exponent[0]))
    if cosine is not None:
        return b.call("negate", b.call("cosm1", cosine[0]))
    if square is not None and b.static_of(v) == (2,) and (inner := b.parts(square[0], "tanh")) is not None:
        return b.apply(FUNCTIONS["power_integer"], (b.call("sech", inner[0]),), (2,))
    return None


def _minus_one(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    # a number that is subtracted stands in SymPy's sum as a negative term
    for u, v in (operands, operands[::-1]):
        for name, instead in (("exp", "expm1"), ("cos", "cosm1")):
            inner = b.parts(u, name)
            if inner is not None and b.value_of(v) == -1:
                return b.call(instead, inner[0])
    return None


def _call(name: str) -> Callable[..., sp.Expr]:
    return lambda *operands: FUNCTIONS[name].sympy(*operands)


REWRITES = (
    Rewrite("logaddexp", "log", lambda u, v: sp.log(sp.exp(u) + sp.exp(v)), _call("logaddexp"), _log_of_sum, (-1e3, 1e3),
            "Blanchard, Higham, Higham, IMA J. Numer. Anal. 41 (2021)"),
    Rewrite("softplus", "log", lambda u: sp.log(1 + sp.exp(u)), _call("softplus"), _log_of_one_plus, (-1e3, 1e3),
            "Maechler, Accurately Computing log(1 - exp(-|a|)) (2012)"),
    Rewrite("log1p", "log", lambda u: sp.log(1 + u), _call("log1p"), _log_of_one_plus, (-0.99, 1e3), "Kahan (1987)"),
    Rewrite("sigmoid", "divide", lambda u: 1 / (1 + sp.exp(-u)), _call("sigmoid"), _over_one_plus_exp, (-1e3, 1e3),
            "Bishop, PRML 4.59"),
    Rewrite("hypot", "sqrt", lambda u, v: sp.sqrt(u**2 + v**2), _call("hypot"), _root_of_squares, (-1e3, 1e3),
            "Moler and Morrison, IBM J. Res. Dev. 27 (1983)"),
    Rewrite("expm1", "add", lambda u: sp.exp(u) - 1, _call("expm1"), _minus_one, (-1e2, 1e2), "Kahan (1987)"),
    Rewrite("sech**2", "subtract", lambda u: 1 - sp.tanh(u) ** 2, lambda u: FUNCTIONS["sech"].sympy(u) ** 2, _one_minus,
            (-1e2, 1e2), "DLMF 4.35.12"),
    Rewrite("cosm1", "add", lambda u: sp.cos(u) - 1, _call("cosm1"), _minus_one, (-1e2, 1e2), "DLMF 4.21.31"),
)  # fmt: skip
_BY_TOP: dict[str, tuple[Rewrite, ...]] = {
    top: tuple(row for row in REWRITES if row.top == top) for top in {row.top for row in REWRITES}
}
