"""The running error bound of `rounding`, along what JAX itself differentiated: the equations of a jaxpr.

JAX's derivative of a function is a program of primitives of its own; its rounding errors are not those of the symbolic formula. The
jaxpr is walked in NumPy with a value and a bound for each variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

Array = Any


class Primitive(NamedTuple):
    """An elementwise primitive: NumPy value, partials from operands and result, accuracy in ulp."""

    value: Callable[..., Array]
    partials: tuple[Callable[..., Array], ...]
    ulp: float | Callable[..., Array]


def _one(*_: Array) -> float:
    return 1.0


def _zero(*_: Array) -> float:
    return 0.0


def _exp_ulp(u: Array, _: Array) -> Array:
    # XLA computes exp(a)*exp(b) as exp(a + b), and the sum is rounded
    return 3.0 + np.abs(u)


def _hyperbolic_ulp(u: Array, _: Array) -> Array:
    # of exp(u), whose argument is rounded once more
    return 16.0 + np.abs(u)


def _logistic(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


ELEMENTWISE: dict[str, Primitive] = {
    "add": Primitive(np.add, (_one, _one), 0.5),
    "add_any": Primitive(np.add, (_one, _one), 0.5),
    "sub": Primitive(np.subtract, (_one, _one), 0.5),
    "neg": Primitive(np.negative, (_one,), 0.0),
    "mul": Primitive(np.multiply, (lambda u, v, y: v, lambda u, v, y: u), 0.5),
    "div": Primitive(np.divide, (lambda u, v, y: 1 / v, lambda u, v, y: y / v), 1.0),
    "square": Primitive(np.square, (lambda u, y: 2 * u,), 0.5),
    "sqrt": Primitive(np.sqrt, (lambda u, y: 0.5 / y,), 0.5),
    "rsqrt": Primitive(lambda u: 1 / np.sqrt(u), (lambda u, y: 0.5 * y / u,), 2.0),
    "exp": Primitive(np.exp, (lambda u, y: y,), _exp_ulp),
    "exp2": Primitive(np.exp2, (lambda u, y: np.log(2.0) * y,), 3.0),
    "log": Primitive(np.log, (lambda u, y: 1 / u,), 3.0),
    "sin": Primitive(np.sin, (lambda u, y: np.cos(u),), 2.0),
    "cos": Primitive(np.cos, (lambda u, y: np.sin(u),), 2.0),
    "tan": Primitive(np.tan, (lambda u, y: 1 + y * y,), 4.0),
    "tanh": Primitive(np.tanh, (lambda u, y: 1 - y * y,), 8.0),
    "asin": Primitive(np.arcsin, (lambda u, y: 1 / np.sqrt((1 - u) * (1 + u)),), 4.0),
    "acos": Primitive(np.arccos, (lambda u, y: 1 / np.sqrt((1 - u) * (1 + u)),), 4.0),
    "atan": Primitive(np.arctan, (lambda u, y: 1 / (1 + u * u),), 4.0),
    "atan2": Primitive(np.arctan2, (lambda u, v, y: v / np.hypot(u, v) ** 2, lambda u, v, y: u / np.hypot(u, v) ** 2), 4.0),
    "sinh": Primitive(np.sinh, (lambda u, y: np.cosh(u),), _hyperbolic_ulp),
    "cosh": Primitive(np.cosh, (lambda u, y: np.sinh(u),), _hyperbolic_ulp),
    "asinh": Primitive(np.arcsinh, (lambda u, y: 1 / np.hypot(1.0, u),), 8.0),
    "acosh": Primitive(np.arccosh, (lambda u, y: 1 / (np.sqrt(u - 1) * np.sqrt(u + 1)),), 8.0),
    "atanh": Primitive(np.arctanh, (lambda u, y: 1 / ((1 - u) * (1 + u)),), 32.0),
    "expm1": Primitive(np.expm1, (lambda u, y: np.exp(u),), _hyperbolic_ulp),
    "log1p": Primitive(np.log1p, (lambda u, y: 1 / (1 + u),), 128.0),
    "cbrt": Primitive(np.cbrt, (lambda u, y: 1 / (3 * y * y),), 4.0),
    "floor": Primitive(np.floor, (_zero,), 0.0),
    "ceil": Primitive(np.ceil, (_zero,), 0.0),
    "round": Primitive(np.round, (_zero,), 0.0),
    "rem": Primitive(np.fmod, (_one, lambda u, v, y: np.trunc(u / v)), 0.0),
    "clamp": Primitive(lambda low, u, high: np.clip(u, low, high), (_zero, _one, _zero), 0.0),
    "logistic": Primitive(_logistic, (lambda u, y: y * _logistic(-u),), 4.0),
    "abs": Primitive(np.abs, (_one,), 0.0),
    "sign": Primitive(np.sign, (_zero,), 0.0),
    "max": Primitive(np.maximum, (lambda u, v, y: u >= v, lambda u, v, y: v >= u), 0.0),
    "min": Primitive(np.minimum, (lambda u, v, y: u <= v, lambda u, v, y: v <= u), 0.0),
    "copy": Primitive(np.asarray, (_one,), 0.0),
    "copy_p": Primitive(np.asarray, (_one,), 0.0),
    "stop_gradient": Primitive(np.asarray, (_one,), 0.0),
    **{name: Primitive(function, (_zero, _zero), 0.0) for name, function in {
        "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
        "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}.items()},
    "not": Primitive(np.logical_not, (_zero,), 0.0),
    "is_finite": Primitive(np.isfinite, (_zero,), 0.0),
}


class Unknown(Exception):  # noqa: N818 - a signal within this module
    """A primitive without a rule here."""


class Bounded(NamedTuple):
    """A value and the bound on its rounding error."""

    value: Array
    bound: Array


def output_bounds(function: Callable[..., Any], arrays: Sequence[Array], dtype: Any) -> list[NDArray[np.float64]] | None:
    """Bound on the rounding error of each output of a JAX function at exact inputs; None where a primitive is not known.

    >>> import jax.numpy as jnp
    >>> (bound,) = output_bounds(lambda x: 1 - jnp.tanh(x) ** 2, [np.array(20.0)], np.float64)
    >>> bool(1e-16 < bound < 1e-14)
    True
    """
    closed = jax.make_jaxpr(function)(*(np.asarray(array, dtype) for array in arrays))
    inputs = [Bounded(np.asarray(np.asarray(array, dtype), np.float64), 0.0) for array in arrays]
    walker = _Walker(float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny))
    try:
        with np.errstate(all="ignore"):
            outputs = walker.run(closed.jaxpr, [Bounded(np.asarray(c), 0.0) for c in closed.consts], inputs)
    except Unknown:
        return None
    return [np.broadcast_to(np.asarray(output.bound, np.float64), np.shape(output.value)) for output in outputs]


class _Walker:
    def __init__(self, unit: float, smallest: float) -> None:
        self.unit = unit
        self.smallest = smallest

    def run(self, jaxpr: Any, constants: Sequence[Bounded], inputs: Sequence[Bounded]) -> list[Bounded]:
        known: dict[Any, Bounded] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *inputs], strict=True))

        def read(atom: Any) -> Bounded:
            return Bounded(np.asarray(atom.val), 0.0) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            results = self.equation(equation, [read(atom) for atom in equation.invars])
            known.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def equation(self, equation: Any, operands: list[Bounded]) -> list[Bounded]:
        name, params = equation.primitive.name, equation.params
        inner = params.get("jaxpr") or params.get("call_jaxpr")
        if inner is not None and name not in ("while", "scan", "cond"):
            return self.run(inner.jaxpr, [Bounded(np.asarray(c), 0.0) for c in inner.consts], operands)
        if name in ELEMENTWISE:
            return [self.elementwise(ELEMENTWISE[name], operands)]
        if name in ("pow", "integer_pow"):
            return [self.power(operands, params.get("y"))]
        if name == "select_n":
            which, *choices = operands
            shape = np.shape(choices[0].value)
            index = np.broadcast_to(np.asarray(which.value, np.intp), shape)
            values, bounds = ([np.broadcast_to(c[part], shape) for c in choices] for part in (0, 1))
            return [Bounded(np.choose(index, values), np.choose(index, bounds))]
        move = self.movement(name, params, [np.shape(operand.value) for operand in operands])
        values = [operand.value for operand in operands]
        bounds = [np.broadcast_to(operand.bound, np.shape(operand.value)) for operand in operands]
        return [Bounded(move(*values), move(*bounds))]

    def elementwise(self, primitive: Primitive, operands: Sequence[Bounded]) -> Bounded:
        arguments = [operand.value for operand in operands]
        y = primitive.value(*arguments)
        bound = self.own(primitive.ulp(*arguments, y) if callable(primitive.ulp) else primitive.ulp, y)
        for operand, partial in zip(operands, primitive.partials, strict=True):
            if np.any(operand.bound):
                bound = bound + np.abs(partial(*arguments, y)) * operand.bound
        return Bounded(y, bound)

    def own(self, ulp: Array, y: Array) -> Array:
        return 0.0 if np.ndim(ulp) == 0 and ulp == 0 else ulp * self.unit * np.abs(y) + self.smallest

    def power(self, operands: Sequence[Bounded], exponent: int | None) -> Bounded:
        u = operands[0]
        v = operands[1] if exponent is None else Bounded(np.float64(exponent), 0.0)
        y = np.power(u.value, v.value)
        # an exponent given as a rounded constant is off by half a unit
        own = self.own(2.0 if exponent is None else float(max(2, abs(exponent))), y)
        slope = np.abs(v.value * np.power(u.value, v.value - 1)) * u.bound if np.any(u.bound) else 0.0
        rounded = np.abs(np.log(np.where(u.value > 0, u.value, 1.0)) * y)
        drift = rounded * (v.bound + self.unit * np.abs(v.value) / 2) if exponent is None else 0.0
        return Bounded(y, own + slope + drift)

    def movement(self, name: str, params: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> Callable[..., Array]:
        """Primitives that only move numbers do to the bound what they do to the value."""
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
            shape = params.get("new_sizes") or tuple(n for k, n in enumerate(shapes[0]) if k not in params.get("dimensions", ()))
            return lambda a: np.reshape(a, shape)
        if name == "concatenate":
            return lambda *parts: np.concatenate(parts, axis=params["dimension"])
        if name == "stack":
            return lambda *parts: np.stack(parts, axis=params["axis"])
        raise Unknown(name)
