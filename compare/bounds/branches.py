"""Where rounding may have decided: conditions, sides of kinks, steps, and how far a result may jump there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any  # a NumPy array over the points, or a number that is the same at all of them


# how much further than its bound an operand may come: the bound is itself rounded
REACH = 1.0 + 2.0**-40


def close(u: Array, v: Array, bound_u: Array, bound_v: Array) -> Array:
    """Whether rounding may have decided which of two numbers is larger."""
    # what is moved by its bound is rounded too, and may thereby come as far as the other
    margin = (np.asarray(bound_u) + bound_v) * REACH
    return (np.abs(np.asarray(u) - v) <= margin) & (margin > 0)


def _condition(operands: Sequence[Array], bounds: Sequence[Array], _: Array) -> Array:
    return close(*operands, *bounds)


def _any(_: Sequence[Array], bounds: Sequence[Array], __: Array) -> Array:
    return np.logical_or.reduce([np.asarray(bound, np.bool_) for bound in np.broadcast_arrays(*bounds)])


def _select(operands: Sequence[Array], bounds: Sequence[Array], _: Array) -> Array:
    (condition, u, v), (either, bound_u, bound_v) = operands, bounds
    passed = np.where(condition, bound_u, bound_v)
    if np.asarray(u).dtype == np.bool_:
        return np.logical_or(passed, np.logical_and(either, u != v))
    return passed + np.where(either, np.abs(u - v) + np.maximum(bound_u, bound_v), 0.0)


def _larger(operands: Sequence[Array], bounds: Sequence[Array], y: Array) -> Array:
    either = close(*operands, *bounds)
    return np.where(either, np.maximum(*bounds), np.where(y == operands[0], *bounds))


def near_integer(u: Array, bound: Array) -> Array:
    """Whether rounding may have decided on which side of an integer a number lies."""
    return close(u, np.round(u), bound, 0.0)


def _near_multiple(operands: Sequence[Array], bounds: Sequence[Array]) -> Array:
    (u, v), (bound_u, bound_v) = operands, bounds
    return near_integer(u / v, (bound_u + np.abs(u / v) * bound_v) / np.abs(v))


def _integer_steps(operands: Sequence[Array], bounds: Sequence[Array]) -> Array:
    return np.where(near_integer(operands[0], bounds[0]), np.ceil(bounds[0]), 0.0)


# how far a result may jump besides what the partials pass on, from operands and their bounds
JUMPS: dict[str, Callable[[Sequence[Array], Sequence[Array]], Array]] = {
    **dict.fromkeys(("floor", "ceiling", "frac"), _integer_steps),
    "Mod": lambda operands, bounds: np.where(_near_multiple(operands, bounds), np.abs(operands[1]), 0.0),
    "acot": lambda operands, bounds: np.pi * close(operands[0], 0.0, bounds[0], 0.0),
    "atan2": lambda operands, bounds: 2 * np.pi * close(operands[0], 0.0, bounds[0], 0.0),
}


def _jump(height: float) -> Callable[[Sequence[Array], Sequence[Array], Array], Array]:
    return lambda operands, bounds, _: height * close(operands[0], 0.0, bounds[0], 0.0)


# bounds from operands, their bounds and the result, where local partials do not tell it all
BRANCHING: dict[str, Callable[[Sequence[Array], Sequence[Array], Array], Array]] = {
    **dict.fromkeys(("less", "less_equal", "equal", "unequal"), _condition),
    **dict.fromkeys(("and", "or", "not", "xor"), _any),
    "select": _select,
    "sign": _jump(2.0),
    "heaviside": _jump(1.0),
    "abs": lambda _, bounds, __: bounds[0],
    "maximum": _larger,
    "minimum": _larger,
}


def chosen_by_rounding(name: str, operands: Sequence[Array], bounds: Sequence[Array]) -> Array:
    """Whether rounding may have decided the branch or the side of a kink on which a function was evaluated."""
    if name == "select":
        return np.asarray(bounds[0], np.bool_)
    if name in ("maximum", "minimum"):
        return close(*operands, *bounds)
    if name == "Mod":
        return _near_multiple(operands, bounds)
    if name in ("floor", "ceiling", "frac"):
        return near_integer(operands[0], bounds[0])
    jumping = ("abs", "sign", "heaviside", "acot", "atan2")
    return close(operands[0], 0.0, bounds[0], 0.0) if name in jumping else np.False_
