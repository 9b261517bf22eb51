"""Mistakes at one operation of the definition: a local derivative that is left out, wrong, or taken at the wrong place.

The claim is what reverse accumulation gives where one function of the graph has another partial. So each such mistake
is tried by a sweep with that partial changed (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, section 3.2).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.claims.arrays.evidence import Evidence, everywhere, ratio
from compare.claims.evidence import Guess, cut_text, number_text
from compare.formula import as_text
from symdiff.chain import forward
from symdiff.errors import SymdiffError
from symdiff.graph import Application, Graph
from symdiff.tensors.lengths import concrete
from symdiff.tensors.operation import Operation
from symdiff.to_sympy import expressions_of

Partial = Callable[..., Any]


def with_partial(graph: Graph, steps: Sequence[Application], position: int, partial: Any) -> Graph:
    """The graph in which some applications of one function have another partial derivative in one operand.

    >>> import sympy as sp
    >>> from symdiff import chain
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> graph = graph_of([sp.exp(x)])
    >>> wrong = with_partial(graph, graph.applications, 0, 1.0)
    >>> float(chain.adjoints(wrong, chain.forward(wrong, {x: 2.0}), wrong.outputs[0], [wrong.inputs[x]])[0])
    1.0
    """
    own = list(steps[0].function.partials)
    own[position] = partial
    operation = graph.operation.copy()
    operation[[step.node for step in steps]] = len(graph.functions)
    functions = (*graph.functions, replace(steps[0].function, partials=tuple(own)))
    return replace(graph, functions=functions, operation=operation)


def _groups(e: Evidence) -> list[list[Application]]:
    """The applications, those of one function on one matrix and on its transpose together; the last first."""
    graph, place = e.case.number, e.places[0]
    fixed = concrete(graph, place.lengths, {symbol: np.shape(array) for symbol, array in place.arrays.items()})
    values = forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})
    known: dict[Any, list[str]] = {}
    for step in fixed.applications:
        known.setdefault((step.function.name, step.static), []).append(_told_apart(values[step.node]))
    found: dict[Any, list[Application]] = {}
    order: dict[Any, int] = {}
    for step in graph.applications:
        key: Any = step.function.name, step.static
        k = order.setdefault(key, 0)
        order[key] = k + 1
        same = known.get(key, [])
        alike = same[k] if len(same) > k else str(step.node)
        found.setdefault((*key, len(step.operands), alike), []).append(step)
    return list(reversed(found.values()))


def _told_apart(value: Any) -> str:
    return " ".join(f"{u:.10g}" for u in np.sort(np.ravel(np.asarray(value, np.float64))).tolist())


def _changes(own: Partial, several: bool) -> Iterator[tuple[str, str, Any]]:
    """Wrong local derivatives of a function: kind, what to say of it, and the number that it is."""
    yield "missing chain factor", "missing {derivative}", 1.0
    if several:
        yield "dropped term", "a dropped term: what goes through {what} is missing", 0.0
    yield "sign", "wrong sign of what goes through {what}", lambda *u: -own(*u)
    yield "wrong derivative", "{function} itself stands where its derivative should", lambda *u: u[-1] + 0.0


def _activations(own: Partial, value: Partial) -> Iterator[tuple[str, Any]]:
    """Wrong derivatives of a function of every entry, such as an activation, given u and y = f(u)."""
    yield "it is taken at {function}, and not at what {function} is of", lambda _, y: own(y, value(y))
    yield "it is 1 - y for y = {function}", lambda _, y: 1 - y
    yield "it is 1 - y**2 for y = {function}, the derivative of tanh", lambda _, y: 1 - y**2
    yield "it is 1 + y**2 for y = {function}", lambda _, y: 1 + y**2
    yield "it is y*(1 - y) for y = {function}, the derivative of the sigmoid", lambda _, y: y * (1 - y)
    yield "it is u*(1 - u) for u = {operand}", lambda u, _: u * (1 - u)
    yield "it is 1 - u**2 for u = {operand}", lambda u, _: 1 - u**2
    yield "it is y**2 for y = {function}", lambda _, y: y**2
    yield "it is the step of the rectifier, 1 where {operand} > 0", lambda u, _: (u > 0) * 1.0
    yield "it is the square of what it should be", lambda u, y: own(u, y) ** 2


def wrong_partials(e: Evidence) -> Iterator[Guess]:
    """The guesses that explain the claim, perhaps with a constant factor besides; those without one first."""
    graph = e.case.number
    source = graph.inputs.get(e.claimed.symbol)
    if source is None:
        return
    active = graph.depends_on([source])
    later: list[Guess] = []
    for steps in _groups(e):
        step = steps[0]
        if isinstance(step.function, Operation) or not active[step.node]:
            continue
        moving = [k for k, operand in enumerate(step.operands) if active[operand]]
        for position in moving:
            for guess, factor in _at(e, steps, position, len(moving) > 1):
                if factor == 1.0:
                    yield guess
                    return
                told = "-1" if factor == -1.0 else number_text(factor, factor - 1.0)
                later.append(replace(guess, text=f"{guess.text}; and a factor {told}"))
    yield from later[:1]


def _at(e: Evidence, steps: Sequence[Application], position: int, several: bool) -> Iterator[tuple[Guess, float]]:
    step = steps[0]
    own = step.function.partials[position]
    if not callable(own) and not isinstance(own, float):
        return
    form: Partial = own if callable(own) else (lambda *_, number=own: number)
    linear = isinstance(own, float)
    tried = [
        (kind, text, partial)
        for kind, text, partial in _changes(form, several)
        if not linear or kind in ("dropped term", "sign")
    ]
    if len(step.operands) == 1 and not step.static and not linear:
        tried += [
            ("wrong derivative", "wrong derivative of {name}: " + text, p)
            for text, p in _activations(form, step.function.value)
        ]
    for kind, text, partial in tried:
        try:
            arrays = e.gradient_of(with_partial(e.case.number, steps, position, partial))
        except (SymdiffError, ArithmeticError, ValueError):
            continue
        factors = None if arrays is None else ratio(e.arrays, arrays)
        if factors is None or not everywhere(factors, lambda _, f=factors: f[0]):
            continue
        # a wrong sign of all of it is no matter of one function
        factor = 1.0 if abs(factors[0] - 1.0) < 1e-6 else -1.0 if abs(factors[0] + 1.0) < 1e-6 else factors[0]
        yield Guess(kind, _told(e, steps, position, text)), factor


def _told(e: Evidence, steps: Sequence[Application], position: int, text: str) -> str:
    graph, name = e.case.number, steps[0].function.name
    found = [(name, "its operand")]
    with contextlib.suppress(Exception):  # what cannot be written is named
        both = [expressions_of(graph, [step.node, step.operands[position]]) for step in steps]
        found = [(cut_text(as_text(function)), cut_text(as_text(operand))) for function, operand in both]
    function, operand = min(found, key=lambda pair: len(pair[0]))
    elementwise = "the elementwise derivative" if graph.shape(steps[0].node) else "the derivative"
    derivative = f"chain factor, {elementwise} of {function}"
    return text.format(function=function, operand=operand, what=operand, name=name, derivative=derivative)
