"""What rounding explains: a running error bound along a graph.

Each operation y = f(u, ...) passes on the errors of its operands, multiplied by its local partials, and adds its own:
the accuracy of f in units in the last place, from the function table. To first order this bounds the error of every
output (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 3.3). Where rounding may have
decided a condition, or the side of a kink, the bound is what that makes of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds.branches import BRANCHING, JUMPS, Array, close
from compare.bounds.operations import Given, value_bound
from compare.bounds.whole_numbers import not_rounded
from symdiff.chain import local_partial
from symdiff.constants import float_of, nearest
from symdiff.function import Absence, Function
from symdiff.graph import Graph
from symdiff.tensors.operation import Operation

# of their last operand they fall off as a negative power does
INVERSES = frozenset({"divide", "power_negative", "acot", "acsc", "acoth", "acsch"})
# the tolerance of a route is this many times its bound: for terms of second order, and for other orders of summation
SAFETY = 4.0
# functions of an exponential: monotone on either side of 0, and changed entirely by a step of 1
BENT = frozenset(
    {"exp", "exp2", "expm1", "tanh", "sigmoid", "softplus", "logaddexp", "sech", "csch", "coth"}
) | frozenset({"erf", "erfc", "sinh", "cosh", "logistic"})
NO_SMALL_STEP = 0.5
# the second order counts where they are flat: |cos(u + e) - cos(u)| <= |sin(u)|*e + e**2/2
WAVES = frozenset({"sin", "cos"})
# the range of a bounded function: no error is larger, however uncertain the operand
WIDTHS = {"sin": 2.0, "cos": 2.0, "tanh": 2.0, "sigmoid": 1.0, "logistic": 1.0}


def output_bounds(graph: Graph, inputs: Mapping[sp.Symbol, Array], dtype: Any) -> list[NDArray[np.float64]]:
    """Bound on the rounding error of each output, over a batch of exact inputs, for arithmetic in `dtype`.

    Infinite where rounding may explain anything, as a divisor that may be zero; NaN where an intermediate result
    overflows: then it explains nothing.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> cancels = output_bounds(graph_of([sp.exp(x) - 1]), {x: np.array(1e-8)}, np.float64)
    >>> bool(1e-17 < cancels[0] < 1e-15)
    True
    """
    bounds = node_bounds(graph, inputs, dtype)[1]
    shape = np.broadcast_shapes(*(np.shape(array) for array in inputs.values())) if inputs else ()
    return [np.broadcast_to(np.asarray(bounds[node], np.float64), shape) for node in graph.outputs]


def node_bounds(graph: Graph, inputs: Mapping[sp.Symbol, Array], dtype: Any) -> tuple[list[Array], list[Array]]:
    """Value of every node, in float64 but infinite where `dtype` overflows, and the bound on its rounding error in it.

    The bound of a condition is a truth value: whether rounding may have decided it.
    """
    values = _values(graph, inputs, dtype)
    # results below the smallest normal number may be flushed to zero, as XLA does
    unit, smallest = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    bounds: list[Array] = [0.0] * len(graph)
    for node, constant in graph.constants.items():
        bounds[node] = _constant_bound(constant, dtype)
    with np.errstate(all="ignore"):
        for step in graph.applications:
            node, function, operands, static = step
            y = values[node]
            arguments, passed = [values[i] for i in operands], [bounds[i] for i in operands]
            if isinstance(function, Operation):
                full = [np.broadcast_to(e, np.shape(u)) for u, e in zip(arguments, passed, strict=True)]
                bounds[node] = value_bound(step, Given(arguments, full, static, y, 0.0, unit, smallest))
                continue
            if function.name in BRANCHING:
                bounds[node] = BRANCHING[function.name](arguments, passed, y)
                continue
            ulp = function.ulp(*arguments, *static, y) if callable(function.ulp) else function.ulp
            total = ulp * unit * np.abs(y) + (smallest if some(ulp) else 0.0)
            # of arrays also the places that are looked up are computed
            if graph.shapes and not any(some(bound) for bound in passed):
                total = np.where(not_rounded(function.name, arguments, y, dtype), 0.0, total)
            for position, bound in enumerate(passed):
                if function.partials[position] is Absence.NONDIFFERENTIABLE and some(bound):
                    moved = [u + bound * (k == position) for k, u in enumerate(arguments)]
                    total = total + 2 * np.abs(function.value(*moved, *static) - y)
                elif function.partials[position] is not Absence.ZERO and some(bound):
                    passed_here = passed_on(local_partial(function, position, arguments, static, y), bound)
                    if function.name in BENT:
                        passed_here = np.maximum(passed_here, bent(function.value, arguments, y, position, bound))
                    if function.name in WAVES:
                        passed_here = passed_here + np.square(bound) / 2
                    if function.name in INVERSES and position == len(operands) - 1:
                        n = float(static[0]) if static else 1.0
                        passed_here = np.maximum(passed_here, relative_part(n * y, arguments[position], bound))
                    total = total + passed_here
            if function.name == "multiply":
                # where one factor is zero, and its error too, this is all there is
                total = total + uncertain_product(*passed)
            elif function.name == "power_integer":
                total = np.maximum(total, uncertain_power(arguments[0], passed[0], float_of(static[0])))
            if function.name in JUMPS:
                total = total + JUMPS[function.name](arguments, passed)
            total = np.minimum(total, WIDTHS[function.name]) if function.name in WIDTHS else total
            bounds[node] = where_it_ends(y, arguments, passed, total, at_an_edge(function, arguments, passed))
    return values, bounds


def _values(graph: Graph, inputs: Mapping[sp.Symbol, Array], dtype: Any) -> list[Array]:
    values: list[Array] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = np.asarray(inputs[symbol], dtype).astype(np.float64)
    for node, constant in graph.constants.items():
        values[node] = overflowed(nearest(constant, np.float64), dtype)
    with np.errstate(all="ignore"):
        for node, function, operands, static in graph.applications:
            values[node] = overflowed(function.value(*[values[i] for i in operands], *static), dtype)
    return values


def overflowed(value: Array, dtype: Any) -> Array:
    """A result in float64 as it is in a narrower dtype where that overflows: a branch may be chosen by it.

    >>> overflowed(np.array([1e30, -1e40]), np.float32).tolist()
    [1e+30, -inf]
    """
    if np.dtype(dtype) == np.float64 or np.asarray(value).dtype == np.bool_:
        return value
    beyond = np.abs(value) > float(np.finfo(dtype).max)
    return np.where(beyond, np.copysign(np.inf, value), value)[()] if np.any(beyond) else value


def _constant_bound(constant: sp.Basic, dtype: Any) -> float:
    number = float_of(constant)
    if isinstance(number, bool) or not np.isfinite(number):
        return 0.0
    if abs(number) < float(np.finfo(dtype).tiny):
        # it may be flushed to zero; and what is zero as a double need not be
        return abs(number) or (0.0 if constant.is_zero else math.ulp(0.0))
    with np.errstate(over="ignore"):
        rounded = float(np.asarray(number, dtype))
    exact = isinstance(constant, sp.Number) and sp.Rational(constant) == sp.Rational(rounded)
    return 0.0 if exact else float(np.finfo(dtype).eps) * abs(number) / 2


def lost_constants(graph: Graph, dtype: Any) -> float:
    """The largest constant of a graph that is not zero and may be flushed to zero; 0 if there is none.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> lost_constants(graph_of([x / 10**40]), np.float32), lost_constants(graph_of([x / 10**40]), np.float64)
    (1e-40, 0.0)
    """
    smallest = float(np.finfo(dtype).tiny)
    numbers = (constant for constant in graph.constants.values() if not isinstance(float_of(constant), bool))
    small = (constant for constant in numbers if abs(float_of(constant)) < smallest)
    return max((_constant_bound(constant, dtype) for constant in small), default=0.0)


def passed_on(partial: Array, bound: Array) -> Array:
    """|partial| * bound, where zero and infinite bounds stay what they are."""
    product = np.abs(partial) * bound
    if np.isfinite(product).all():
        return product
    return np.where(np.isinf(bound) | (np.asarray(bound) == 0.0), bound, product)


def uncertain_product(bound_u: Array, bound_v: Array) -> Array:
    """What two errors make together in a product: (u + e)(v + d) = uv + ud + ev + ed."""
    found = np.asarray(bound_u) * bound_v
    # an infinite bound is infinite without this
    return np.where(np.isfinite(found), found, 0.0)


def uncertain_power(u: Array, bound: Array, exponent: float) -> Array:
    """(|u| + e)**n - |u|**n where u is not known to half of itself; else 0, the first order being enough.

    >>> uncertain_power(np.array([0.0, 2.0]), np.array([2.0**-60, 2.0**-60]), 2.0).tolist() == [2.0**-120, 0.0]
    True
    """
    size = np.abs(u)
    return np.where(np.asarray(bound) > size / 2, (size + bound) ** exponent - size**exponent, 0.0)


def bent(value: Callable[..., Array], operands: Sequence[Array], y: Array, at: int, bound: Array) -> Array:
    """How far a function of an exponential is moved by an error in one operand that is no small one; else 0.

    Far out an exponential or a sigmoid is flat: its slope there knows nothing of what lies a few units away.

    >>> float(bent(np.exp, [np.array(-1000.0)], np.array(0.0), 0, np.array(999.0))) == float(np.exp(-1.0))
    True
    """
    wide = np.asarray(bound) > NO_SMALL_STEP
    if not some(wide):
        return 0.0
    low, high = operands[at] - bound, operands[at] + bound
    # that at 0 is the highest, or the lowest, of those that are not monotone
    moved = [
        np.abs(value(*(place if k == at else u for k, u in enumerate(operands))) - y)
        for place in (low, high, np.clip(0.0, low, high))
    ]
    return np.where(wide & np.isfinite(bound), np.fmax(np.fmax(*moved[:2]), moved[2]), 0.0)


def some(flags: Array) -> bool:
    """Whether any of them is not zero: `np.any` at a fraction of its cost."""
    return bool(flags.any() if isinstance(flags, np.ndarray) else flags)


def relative_part(y: Array, u: Array, bound: Array) -> Array:
    """|y/u| * bound by way of the relative error: where u is large, y/u may be below all numbers, and y may not.

    >>> float(relative_part(2.0**-900, 2.0**900, 2.0**860)) == 2.0**-940
    True
    """
    with np.errstate(all="ignore"):
        found = np.abs(y) * (np.asarray(bound) / np.abs(u))
    return np.where(np.isfinite(found), found, 0.0)


def at_an_edge(function: Function, operands: Sequence[Array], bounds: Sequence[Array]) -> Array:
    """Whether an operand may lie at a pole or at an end of its domain, for all that rounding leaves of it."""
    edge: Array = np.False_
    for operand, bound, domain in zip(operands, bounds, function.domain, strict=True):
        if not some(bound):
            continue
        for end in (domain.low, domain.high, *domain.excluded):
            if np.isfinite(end):
                edge = edge | close(operand, end, bound, 0.0)
        if domain.poles_from is not None:
            below = np.minimum(np.round(operand), domain.poles_from)
            edge = edge | close(operand, below, bound, 0.0)
    return edge


def where_it_ends(y: Array, operands: Sequence[Array], bounds: Sequence[Array], bound: Array, edge: Array) -> Array:
    """The bound of a result y, infinite or NaN as `output_bounds` says, where y or a bound before it is not finite."""
    if not some(edge) and np.isfinite(y).all():
        return spread_on(bound, bounds)
    begins = ~np.isfinite(y)
    for operand in operands:
        begins = begins & np.isfinite(operand)
    # at a pole, or beyond the end of a domain, the arithmetic may give anything, whatever it gives in float64
    return spread_on(np.where(edge, np.inf, np.where(begins, np.nan, bound)), bounds)


def spread_on(bound: Array, sources: Sequence[Array]) -> Array:
    """A bound that depends on others: where one of them is NaN or, else, infinite, so is it."""
    sources = [source for source in sources if not np.isfinite(source).all()]
    for source in sources:
        bound = np.where(np.isinf(source), np.inf, bound)
    for source in sources:
        bound = np.where(np.isnan(source), np.nan, bound)
    return bound


def counting(graph: Graph, values: Sequence[Array], bounds: Sequence[Array]) -> dict[int, Array]:
    """The nodes that may count for value or derivative of the outputs, each with the points at which it may.

    Of a branch it is the one taken and, where rounding may decide, both. Through a condition nothing flows: whether
    rounding may decide it, its own bound tells.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([sp.Piecewise((sp.sin(x), x > 1), (x, True))])
    >>> values, bounds = node_bounds(g, {x: np.array([0.0, 2.0])}, np.float64)
    >>> counted = counting(g, values, bounds)
    >>> [(step.function.name, counted[step.node].tolist()) for step in g.applications if step.node in counted]
    [('sin', [False, True]), ('select', True)]
    """
    counted: dict[int, Array] = dict.fromkeys(graph.outputs, np.True_)
    for node, function, operands, _ in reversed(graph.applications):
        if node not in counted:
            continue
        here = counted[node]
        wanted = dict.fromkeys(operands, here)
        if function.name == "select":
            condition, either = values[operands[0]], np.asarray(bounds[operands[0]], np.bool_)
            wanted = {operands[1]: here & (condition | either)}
            otherwise = here & (np.logical_not(condition) | either)
            wanted[operands[2]] = wanted.get(operands[2], np.False_) | otherwise
        for operand, needed in wanted.items():
            counted[operand] = counted.get(operand, np.False_) | needed
    return counted
