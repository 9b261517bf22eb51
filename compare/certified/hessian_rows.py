"""Adjoints and rows of the Hessian in balls, over a batch of points: how a partial derivative depends on the inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compare.certified.balls import Ball, Balls, spread
from compare.certified.local_partials import Factor, First, Second, local_partials, product
from symdiff.graph import Application, Graph

# front to back, each application with its local partials and second partials
Derivatives = Sequence[tuple[Application, First, Second]]
# the same with, for each pair of operands: the nodes u and v, and the adjoint times the second partial in them
Curvature = tuple[int, int, Factor]
Curved = Sequence[tuple[Application, First, list[Curvature]]]
Totals = dict[int, Factor]


@dataclass(frozen=True)
class Partial:
    """Enclosure of one partial derivative, and the condition number of it as a function of the inputs."""

    ball: Ball
    kappa: float | None


def derivatives_of(graph: Graph, steps: Sequence[Application], values: Sequence[Balls]) -> Derivatives:
    """Local partials of those of the steps that depend on an input, from the value of every node."""
    varying = graph.depends_on(graph.symbols).tolist()
    found: list[tuple[Application, First, Second]] = []
    for step in steps:
        if varying[step.node]:
            operands = [values[i] for i in step.operands]
            partials = local_partials(step, operands, values[step.node], [varying[i] for i in step.operands])
            found.append((step, *partials))
    return found


def adjoints_of(derivatives: Derivatives, output: int) -> Totals:
    """Derivative of the output in every node that it depends on."""
    adjoints: Totals = {output: 1}
    for step, first, _ in reversed(derivatives):
        if step.node in adjoints:
            _pass_back(adjoints, step, first)
    return adjoints


def curvatures_of(derivatives: Derivatives, adjoints: Mapping[int, Factor]) -> Curved:
    """What every row of the Hessian needs, computed once."""
    curved: list[tuple[Application, First, list[Curvature]]] = []
    for step, first, second in derivatives:
        found: list[Curvature] = []
        for (j, k), partial in second.items() if step.node in adjoints else ():
            u, v, weight = step.operands[j], step.operands[k], product(adjoints[step.node], partial)
            found += [(u, v, weight)] if j == k else [(u, v, weight), (v, u, weight)]
        curved.append((step, first, found))
    return curved


def rates_of(curved: Curved, source: int) -> Totals:
    """Derivative of the adjoint of every node in the node `source`: a row of the Hessian, forward over reverse."""
    return rates_along(curved, {source: 1})


def rates_along(curved: Curved, direction: Totals) -> Totals:
    """Derivative of the adjoint of every node along a direction: how fast each of some nodes moves, by its number."""
    tangents = dict(direction)
    for step, first, _ in curved:
        for operand, slope in zip(step.operands, first, strict=True):
            if slope is not None and operand in tangents:
                _add(tangents, step.node, product(slope, tangents[operand]))
    rates: Totals = {}
    for step, first, curvatures in reversed(curved):
        if step.node in rates:
            _pass_back(rates, step, first)
        for here, other, weight in curvatures:
            if other in tangents:
                _add(rates, here, product(weight, tangents[other]))
    return rates


def condition_numbers(curved: Curved, inputs: Mapping[int, Balls], source: int, partial: Balls) -> list[float | None]:
    """Sum over inputs x of |x * d(partial)/dx| / |partial| at each point, from above.

    None where the partial may be zero and the sum is not. `partial` is the derivative in the node `source`.
    """
    rates = rates_of(curved, source)
    total = spread(0, len(partial))
    for node, value in inputs.items():
        if node in rates:
            total = total + np.abs(product(value, rates[node]))
    return [ratio(t, p) for t, p in zip(total, partial, strict=True)]


def _pass_back(adjoints: Totals, step: Application, first: First) -> None:
    for operand, partial in zip(step.operands, first, strict=True):
        if partial is not None:
            _add(adjoints, operand, product(adjoints[step.node], partial))


def _add(totals: Totals, node: int, term: Factor) -> None:
    totals[node] = totals[node] + term if node in totals else term


def ratio(total: Ball, partial: Ball) -> float | None:
    """The quotient from above; None where it may be infinite."""
    if total.is_zero():
        return 0.0
    kappa = math.inf if partial.contains(0) else float((total / abs(partial)).upper())
    return kappa if math.isfinite(kappa) else None
