"""Mistakes at one place of the graph: a chain factor, a term, a sign that is wrong there.

With T the true partial and C the claimed one, T is linear in the tangent of every node of the graph, and in each local
partial: T = a*t + b. A missing chain factor is t = 1, a dropped term t = 0, a wrong sign -t. So every such mistake
anywhere in the graph is a difference C - T that is known from one sweep forward and one back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from compare.claims.evidence import LONGEST_TEXT, Evidence, Guess, cut_text, number_text
from compare.formula import as_text
from symdiff.chain import forward, local_partial
from symdiff.formula.printed_size import PrintedSize
from symdiff.function import Absence
from symdiff.graph import Graph
from symdiff.to_sympy import expressions_of

LARGEST_DERIVED = 150


def _sweep(graph: Graph, e: Evidence) -> tuple[list[Any], list[Any], list[Any], list[list[Any]]]:
    """Values, tangents in the symbol, adjoints of all nodes, and local partials, at all points."""
    given = {s: np.array([point[s] for point in e.points]) for s in graph.inputs}
    shape = len(e.points)
    values = forward(graph, given)
    tangents: list[Any] = [0.0] * len(graph)
    adjoints: list[Any] = [0.0] * len(graph)
    source = graph.inputs.get(e.symbol)
    if source is not None:
        tangents[source] = np.ones(shape)
    partials: list[list[Any]] = []
    for node, function, operands, static in graph.applications:
        here: list[Any] = []
        for position, operand in enumerate(operands):
            absent = isinstance(function.partials[position], Absence) or not np.any(tangents[operand])
            partial = (
                0.0
                if absent
                else local_partial(function, position, [values[i] for i in operands], static, values[node])
            )
            here.append(partial)
            if not absent:
                with np.errstate(all="ignore"):
                    tangents[node] = tangents[node] + np.where(tangents[operand] == 0, 0.0, partial * tangents[operand])
        partials.append(here)
    adjoints[graph.outputs[0]] = np.ones(shape)
    for (node, _, operands, _), here in zip(reversed(graph.applications), reversed(partials), strict=True):
        for operand, partial in zip(operands, here, strict=True):
            with np.errstate(all="ignore"):
                adjoints[operand] = adjoints[operand] + np.where(adjoints[node] == 0, 0.0, adjoints[node] * partial)
    return values, tangents, adjoints, partials


def chain_factor(graph: Graph, e: Evidence) -> Iterator[Guess]:
    """The derivative of one sub-expression that is missing, or there twice, or taken for zero."""
    _, tangents, adjoints, _ = _sweep(graph, e)
    shape = e.true.shape
    for step in reversed(graph.applications):
        v = step.node
        tangent, adjoint = np.broadcast_to(tangents[v], shape), np.broadcast_to(adjoints[v], shape)
        if not np.any(tangent) or v == graph.outputs[0]:
            continue
        with np.errstate(all="ignore"):
            missing, twice = adjoint * (1.0 - tangent), adjoint * tangent * (tangent - 1.0)
            negative, shift = adjoint * (-1.0 - tangent), -adjoint * tangent
        if not np.any(missing):
            continue
        if e.is_difference(missing):
            yield Guess("missing chain factor", f"missing chain factor {_derivative(graph, v, e.symbol)}")
        elif e.is_difference(negative):
            yield Guess(
                "missing chain factor", f"wrong sign, and missing chain factor {_derivative(graph, v, e.symbol)}"
            )
        elif e.is_difference(twice):
            yield Guess(
                "extra chain factor", f"a chain factor too many: {_derivative(graph, v, e.symbol)}, is there twice"
            )
        elif np.any(shift + e.true) and e.is_difference(shift):
            yield Guess("dropped term", f"a dropped term: {_text(graph, v)} is treated as a constant")
        else:
            continue
        return


def _derivative(graph: Graph, node: int, symbol: sp.Symbol) -> str:
    """Name the derivative of a sub-expression."""
    inner = _expression(graph, node)
    if inner is None:
        return f"of a sub-expression, its derivative in {symbol}"
    try:
        derived = sp.diff(inner, symbol) if PrintedSize(LARGEST_DERIVED)(inner)[0] <= LARGEST_DERIVED else None
    except Exception:  # SymPy's derivatives fail in many ways, and this one is only shown
        derived = None
    text = "" if derived is None else as_text(derived)
    factor = text if 0 < len(text) <= LONGEST_TEXT else f"d({cut_text(as_text(inner))})/d{symbol}"
    return f"{factor}, the derivative of {cut_text(as_text(inner))} in {symbol}"


def _expression(graph: Graph, node: int) -> sp.Basic | None:
    return expressions_of(graph, [node])[0]


def _text(graph: Graph, node: int) -> str:
    return cut_text(as_text(expressions_of(graph, [node])[0]))


def one_partial(graph: Graph, e: Evidence) -> Iterator[Guess]:
    """One local partial p of one operation that is wrong."""
    values, tangents, adjoints, partials = _sweep(graph, e)
    shape = e.true.shape
    for (node, _, operands, _), here in zip(reversed(graph.applications), reversed(partials), strict=True):
        for operand, partial in zip(operands, here, strict=True):
            p = np.broadcast_to(partial, shape)
            with np.errstate(all="ignore"):
                a = np.broadcast_to(adjoints[node] * tangents[operand], shape)
                y, u = np.broadcast_to(values[node], shape), np.broadcast_to(values[operand], shape)
                if not np.any(a * p):
                    continue
                kinds = [
                    (
                        "dropped term",
                        -p,
                        f"a dropped term: what {_text(graph, operand)} does in {_text(graph, node)} is left out",
                    ),
                    (
                        "sign",
                        -2.0 * p,
                        f"wrong sign in the derivative of {_text(graph, node)} in {_text(graph, operand)}",
                    ),
                    (
                        "missing chain factor",
                        1.0 - p,
                        f"missing chain factor: the derivative of {_text(graph, node)} in {_text(graph, operand)} "
                        "is taken as 1",
                    ),
                    ("missing chain factor", y - p, f"{_text(graph, node)} stands where its derivative belongs"),
                    (
                        "constant factor",
                        p * (u - 1.0),
                        f"a factor {_text(graph, operand)} too many in the derivative of {_text(graph, node)}",
                    ),
                ]
                for kind, change, text in kinds:
                    if e.is_difference(a * change):
                        yield Guess(kind, text)
                        return
                ratio = e.difference / (a * p)
            if np.ptp(np.abs(a * p)) and e.same(ratio, np.full_like(ratio, np.median(ratio))):
                factor = number_text(1.0 + float(np.median(ratio)), float(np.median(ratio)))
                yield Guess(
                    "constant factor",
                    f"wrong factor: the derivative of {_text(graph, node)} in {_text(graph, operand)} "
                    f"is multiplied by {factor}",
                )
                return


def missing_factor(graph: Graph, e: Evidence) -> Iterator[Guess]:
    """The claim is the true derivative over, or times, something that stands in the expression."""
    values = forward(graph, {s: np.array([point[s] for point in e.points]) for s in graph.inputs})
    with np.errstate(all="ignore"):
        ratio = e.true / e.claimed
        for node in (*graph.inputs.values(), *(step.node for step in graph.applications)):
            value = np.broadcast_to(np.asarray(values[node], np.float64), ratio.shape)
            if np.ptp(value) == 0.0:
                continue
            for form, text in (
                (value, "{}"),
                (value**2, "({})**2"),
                (1 / value, "1/({})"),
                (1 / value**2, "1/({})**2"),
            ):
                for sign in (1.0, -1.0):
                    if e.same(ratio, sign * form):
                        what = "missing factor " + ("-" if sign < 0 else "") + text.format(_text(graph, node))
                        yield Guess("missing chain factor", what)
                        return
