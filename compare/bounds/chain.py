"""The running error bound of `rounding`, along the chain route's reverse sweep.

The hand-written partials have no graph to walk, so their rounding is measured: each is evaluated in the dtype and in a
wider one, and once more with each operand moved by its own bound. A rule that is wrong is wrong in both, and gains
nothing by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds.branches import Array, chosen_by_rounding
from compare.bounds.graph import (
    at_an_edge,
    counting,
    node_bounds,
    passed_on,
    some,
    spread_on,
)
from symdiff.chain import local_partial
from symdiff.function import Absence
from symdiff.graph import Application, Graph

# how far the local partials of a function lie apart on the two sides of its kink
STEPS = {"abs": 2.0, "maximum": 1.0, "minimum": 1.0, "select": 1.0}
# a partial that rounding moves by more than this part of itself is looked at in other places too
FAR = 1e-3
FURTHER = (0.37, -0.62)


def adjoint_bounds(
    graph: Graph, inputs: Mapping[sp.Symbol, Array], wrt: Sequence[sp.Symbol], dtype: Any
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Bound on the rounding error of the partials in `wrt`, of shape (len(wrt), *S), as the chain route computes them.

    The second array, of shape S, tells the points at which rounding may have decided a branch or the side of a kink.

    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> at = {x: np.array(7.641), y: np.array(-15.33)}
    >>> bounds, chosen = adjoint_bounds(graph_of([x**y]), at, [x], np.float64)
    >>> bool(bounds[0] < 1e-26), bool(chosen)
    (True, False)
    """
    shape = np.broadcast_shapes(*(np.shape(array) for array in inputs.values()))
    wide: Any = np.float64 if np.dtype(dtype) == np.float32 else np.longdouble
    narrow, bounds = node_bounds(graph, inputs, dtype)
    values = [v if np.asarray(v).dtype == np.bool_ else np.asarray(v, wide)[()] for v in narrow]
    unit, floor = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    adjoints: dict[int, Array] = {graph.outputs[0]: wide(1)}
    errors: dict[int, Array] = {graph.outputs[0]: 0.0}
    chosen, looked_at = np.zeros(shape, np.bool_), counting(graph, values, bounds)
    active = graph.depends_on([graph.inputs[symbol] for symbol in wrt if symbol in graph.inputs]).tolist()
    with np.errstate(all="ignore"):
        for step in reversed(graph.applications):
            passed = [bounds[i] for i in step.operands]
            by_rounding = chosen_by_rounding(step.function.name, [values[i] for i in step.operands], passed)
            chosen = chosen | (by_rounding & looked_at.get(step.node, False))
            if step.node not in adjoints or not active[step.node]:
                continue
            adjoint, error = adjoints[step.node], errors[step.node]
            for position, operand in enumerate(step.operands):
                if not active[operand] or step.function.partials[position] is Absence.ZERO:
                    continue
                partial, spread = partial_and_spread(step, position, values, bounds, dtype)
                spread = spread + STEPS.get(step.function.name, 0.0) * by_rounding
                term = adjoint * partial
                total = adjoints[operand] + term if operand in adjoints else term
                # the product of both uncertainties too: a branch that may be the other one is no small change
                own = passed_on(adjoint, spread) + passed_on(np.abs(partial) + spread, error)
                # a product below the normal numbers may be flushed to zero (Higham, section 2.8)
                lost = floor if some(np.abs(partial) != 1.0) else 0.0
                own = spread_on(own + unit * (np.abs(term) + np.abs(total)) / 2 + lost, [error, spread])
                adjoints[operand], errors[operand] = total, errors.get(operand, 0.0) + own
    found = [errors.get(graph.inputs.get(symbol, -1), 0.0) for symbol in wrt]
    with np.errstate(over="ignore"):
        return np.stack([np.broadcast_to(np.asarray(bound, np.float64), shape) + floor for bound in found]), chosen


def partial_and_spread(
    step: Application, position: int, values: Sequence[Array], bounds: Sequence[Array], dtype: Any
) -> tuple[Array, Array]:
    """A local partial, and how far rounding may have moved it."""
    function, static = step.function, step.static
    constant = function.partials[position]
    if isinstance(constant, float):
        return constant, 0.0
    wide = [values[i] for i in step.operands]
    result = values[step.node]
    partial = local_partial(function, position, wide, static, result)
    if function.name in STEPS:
        return partial, 0.0
    narrow = [np.asarray(v, dtype)[()] for v in (*wide, result)]
    spread = np.abs(local_partial(function, position, narrow[:-1], static, narrow[-1]) - partial)
    # SciPy has no wider precision to measure with: its partials are taken to be as accurate as its values
    given = function.ulp(*wide, *static, result) if callable(function.ulp) else function.ulp
    ulp = given if function.special_function else 1.0
    moved = _moved(step, position, values, bounds, partial)
    # an operand so uncertain that its partial may leave the range explains anything: nothing overflows where it is
    moved = np.where(np.isfinite(moved) | ~np.isfinite(partial), moved, np.inf)
    unexplained = ~np.isfinite(spread)
    spread = spread + ulp * float(np.finfo(dtype).eps) * np.abs(partial) + moved
    if function.name == "power_constant":
        # the exponent is rounded, in the wider dtype too
        spread = spread + float(np.finfo(dtype).eps) * np.abs(np.log(wide[0]) * partial)
    edge = at_an_edge(function, wide, [bounds[i] for i in step.operands])
    # what overflows in the dtype explains nothing, unless rounding of the operands may explain anything
    spread = np.where(edge, np.inf, np.where(unexplained | np.isnan(spread), np.nan, spread))
    return partial, spread_on(spread, [bounds[i] for i in (*step.operands, step.node)])


def _moved(step: Application, position: int, values: Sequence[Array], bounds: Sequence[Array], partial: Array) -> Array:
    parts = [_displaced(step, position, values, bounds, partial, part) for part in (1.0, -1.0)]
    if some(parts[0] + parts[1] > FAR * np.abs(partial)):
        # so far off that one place may by chance look like another: a sine, many periods on
        parts += [_displaced(step, position, values, bounds, partial, part) for part in FURTHER]
    return sum(parts[1:], parts[0])


def _displaced(
    step: Application, position: int, values: Sequence[Array], bounds: Sequence[Array], partial: Array, part: float
) -> Array:
    """How much a partial changes when each operand, or the result, is moved by a part of its bound."""
    function, static = step.function, step.static
    total: Array = 0.0
    for place, operand in enumerate(step.operands):
        if not some(bounds[operand]):
            continue
        moved = [values[i] for i in step.operands]
        moved[place] = moved[place] + part * bounds[operand]
        result = function.value(*moved, *static)
        total = total + np.abs(local_partial(function, position, moved, static, result) - partial)
    # the result that the partial is given carries a rounding error of its own
    shifted = values[step.node] + part * bounds[step.node]
    given = [values[i] for i in step.operands]
    return total + np.abs(local_partial(function, position, given, static, shifted) - partial)
