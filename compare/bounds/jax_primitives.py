"""JAX's primitives for the running error bound: NumPy value, partials and accuracy of each.

The partials only say how far errors are passed on, so a few percent would do; they are not a rule of any route.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.special as sc

from compare.bounds.branches import JUMPS

Array = Any


class Primitive(NamedTuple):
    """An elementwise primitive: NumPy value, absolute partials from operands and result, accuracy in ulp.

    `jump`: how far the result may jump, from operands and their bounds.
    """

    value: Callable[..., Array]
    partials: tuple[Callable[..., Array], ...]
    ulp: float | Callable[..., Array]
    jump: Callable[[Sequence[Array], Sequence[Array]], Array] | None = None


def _one(*_: Array) -> float:
    return 1.0


def _zero(*_: Array) -> float:
    return 0.0


def _hyperbolic_ulp(u: Array, _: Array) -> Array:
    # from exp, whose argument may have been a rounded sum
    return 16.0 + np.abs(u)


def _exp_ulp(u: Array, _: Array) -> Array:
    # XLA computes exp(a)*exp(b) as exp(a + b), and the sum is rounded
    return 3.0 + np.abs(u)


def _gauss(u: Array, _: Array) -> Array:
    return 2 / np.sqrt(np.pi) * np.exp(-u * u)


def _logistic(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


ELEMENTWISE: dict[str, Primitive] = {
    "add": Primitive(np.add, (_one, _one), 0.5),
    "add_any": Primitive(np.add, (_one, _one), 0.5),
    "sub": Primitive(np.subtract, (_one, _one), 0.5),
    "neg": Primitive(np.negative, (_one,), 0.0),
    "mul": Primitive(np.multiply, (lambda _, v, __: v, lambda u, _, __: u), 0.5),
    "div": Primitive(np.divide, (lambda _, v, __: 1 / v, lambda _, v, y: y / v), 1.0),
    "square": Primitive(np.square, (lambda u, _: 2 * u,), 0.5),
    "sqrt": Primitive(np.sqrt, (lambda _, y: 0.5 / y,), 0.5),
    "rsqrt": Primitive(lambda u: 1 / np.sqrt(u), (lambda u, y: 0.5 * y / u,), 2.0),
    "exp": Primitive(np.exp, (lambda _, y: y,), _exp_ulp),
    "exp2": Primitive(np.exp2, (lambda _, y: np.log(2.0) * y,), lambda u, _: 32.0 + np.abs(u)),
    "log": Primitive(np.log, (lambda u, _: 1 / u,), 3.0),
    "sin": Primitive(np.sin, (lambda u, _: np.cos(u),), 2.0),
    "cos": Primitive(np.cos, (lambda u, _: np.sin(u),), 2.0),
    "tan": Primitive(np.tan, (lambda _, y: 1 + y * y,), 4.0),
    "tanh": Primitive(np.tanh, (lambda _, y: 1 - y * y,), 8.0),
    "asin": Primitive(np.arcsin, (lambda u, _: 1 / np.sqrt((1 - u) * (1 + u)),), 4.0),
    "acos": Primitive(np.arccos, (lambda u, _: 1 / np.sqrt((1 - u) * (1 + u)),), 4.0),
    "atan": Primitive(np.arctan, (lambda u, _: 1 / (1 + u * u),), 4.0),
    "atan2": Primitive(
        np.arctan2,
        (lambda u, v, _: v / np.hypot(u, v) ** 2, lambda u, v, _: u / np.hypot(u, v) ** 2),
        4.0,
        JUMPS["atan2"],
    ),
    "sinh": Primitive(np.sinh, (lambda u, _: np.cosh(u),), _hyperbolic_ulp),
    "cosh": Primitive(np.cosh, (lambda u, _: np.sinh(u),), _hyperbolic_ulp),
    "asinh": Primitive(np.arcsinh, (lambda u, _: 1 / np.hypot(1.0, u),), 8.0),
    "acosh": Primitive(np.arccosh, (lambda u, _: 1 / (np.sqrt(u - 1) * np.sqrt(u + 1)),), 8.0),
    "atanh": Primitive(np.arctanh, (lambda u, _: 1 / ((1 - u) * (1 + u)),), 32.0),
    "expm1": Primitive(np.expm1, (lambda u, _: np.exp(u),), _hyperbolic_ulp),
    "log1p": Primitive(np.log1p, (lambda u, _: 1 / (1 + u),), 128.0),
    "cbrt": Primitive(np.cbrt, (lambda _, y: 1 / (3 * y * y),), 4.0),
    "rem": Primitive(np.fmod, (_one, lambda u, v, _: np.trunc(u / v)), 0.0, JUMPS["Mod"]),
    "clamp": Primitive(lambda low, u, high: np.clip(u, low, high), (_zero, _one, _zero), 0.0),
    "logistic": Primitive(_logistic, (lambda u, y: y * _logistic(-u),), 4.0),
    "abs": Primitive(np.abs, (_one,), 0.0),
    "erf": Primitive(sc.erf, (_gauss,), 8.0),
    # from exp(-u*u), whose argument is a rounded product
    "erfc": Primitive(sc.erfc, (_gauss,), lambda u, _: 64.0 + 2 * u * u),
    "erf_inv": Primitive(sc.erfinv, (lambda _, y: np.sqrt(np.pi) / 2 * np.exp(y * y),), 64.0),
}
# what passes on its operands as they are: a truth value stays in doubt
IDENTITIES = frozenset({"stop_gradient", "copy", "copy_p"})
# primitives of integer values
STEPS: dict[str, Callable[[Array], Array]] = {"floor": np.floor, "ceil": np.ceil, "round": np.round}
# the operand with poles or ends of the domain, and these
EDGES: dict[str, tuple[int, tuple[float, ...]]] = {
    "div": (1, (0.0,)),
    **dict.fromkeys(("log", "sqrt", "rsqrt", "pow", "integer_pow"), (0, (0.0,))),
    **dict.fromkeys(("asin", "acos", "atanh", "erf_inv"), (0, (-1.0, 1.0))),
    "acosh": (0, (1.0,)),
    "log1p": (0, (-1.0,)),
}
COMPARISONS: dict[str, Callable[..., Array]] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
LOGIC: dict[str, Callable[..., Array]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "not": np.logical_not,
    "is_finite": np.isfinite,
}


def movement(name: str, params: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> Callable[..., Array] | None:
    """What a primitive that only moves numbers does to values and bounds alike; None for any other primitive."""
    if name == "broadcast_in_dim":
        shape, places = params["shape"], params["broadcast_dimensions"]
        spread = [1] * len(shape)
        for place, size in zip(places, shapes[0], strict=True):
            spread[place] = size
        return lambda a: np.broadcast_to(np.reshape(a, spread), shape)
    if name == "convert_element_type":
        kind = np.float64 if np.issubdtype(params["new_dtype"], np.floating) else params["new_dtype"]
        return lambda a: a if np.issubdtype(np.asarray(a).dtype, np.floating) else np.asarray(a, kind)
    if name in ("reshape", "squeeze"):
        left_out = params.get("dimensions", ())
        shape = params.get("new_sizes") or tuple(n for k, n in enumerate(shapes[0]) if k not in left_out)
        return lambda a: np.reshape(a, shape)
    if name == "concatenate":
        return lambda *parts: np.concatenate(parts, axis=params["dimension"])
    if name == "stack":
        return lambda *parts: np.stack(parts, axis=params["axis"])
    if name == "rev":
        return lambda a: np.flip(a, params["dimensions"])
    if name == "pad":
        return lambda a, fill: _padded(a, fill, params["padding_config"])
    return None


def _padded(array: Array, fill: Array, config: Sequence[tuple[int, int, int]]) -> Array:
    """An array with `fill` before, behind and between its entries; less than nothing before or behind cuts it off.

    >>> _padded(np.array([1.0, 2.0]), 0.0, [(2, -1, 1)]).tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    spread = [max(0, n + (n - 1) * between) for n, (_, _, between) in zip(np.shape(array), config, strict=True)]
    wide = np.full([n + max(low, 0) + max(high, 0) for n, (low, high, _) in zip(spread, config, strict=True)], fill)
    inside = (
        slice(max(low, 0), max(low, 0) + n, between + 1) for n, (low, _, between) in zip(spread, config, strict=True)
    )
    wide[tuple(inside)] = array
    return wide[
        tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in zip(wide.shape, config, strict=True))
    ]
