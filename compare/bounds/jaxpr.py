"""The running error bound of `rounding`, along what JAX itself runs: the equations of a jaxpr.

JAX's derivative of a function is a program of primitives of its own; its rounding errors are not those of the symbolic
formula. The jaxpr is written out and walked in NumPy with a value and a bound for each variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.bounds.branches import close, near_integer
from compare.bounds.graph import (
    BENT,
    WAVES,
    WIDTHS,
    bent,
    overflowed,
    passed_on,
    relative_part,
    some,
    uncertain_power,
    uncertain_product,
    where_it_ends,
)
from compare.bounds.jax_contractions import contraction
from compare.bounds.jax_primitives import COMPARISONS, EDGES, ELEMENTWISE, LOGIC, STEPS, Array, movement
from compare.bounds.straight_line import Step, StraightLine, body, straight_line
from compare.bounds.straight_line import run as run_line

# binary digits of a constant that is taken to be exact
SHORT = 12


class Bounded(NamedTuple):
    """A value, the bound on its rounding error, and whether rounding may have decided it.

    `chosen` belongs to conditions and to the results of max and min: then another operand might have been the larger.
    """

    value: Array
    bound: Array
    chosen: Array = None


class Unknown(Exception):  # noqa: N818 - a signal within this module
    """A primitive without a rule here."""


def output_bounds(
    program: Any, arrays: Sequence[Array], dtype: Any, lost: float = 0.0
) -> list[NDArray[np.float64]] | None:
    """Bound on the rounding error of each output of a closed jaxpr at exact inputs; None if a primitive is unknown.

    `lost`: how large a constant may have been that is zero, or below the normal numbers, in the program.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> program = jax.make_jaxpr(lambda x: 1 - jnp.tanh(x) ** 2)(20.0)
    >>> (bound,) = output_bounds(program, [np.array(20.0)], np.float64)
    >>> bool(1e-16 < bound < 1e-14)
    True
    """
    return bounds_along(straight_line(program), arrays, dtype, lost)


def bounds_along(
    line: StraightLine, arrays: Sequence[Array], dtype: Any, lost: float = 0.0
) -> list[NDArray[np.float64]] | None:
    """The same of a program that has been written out."""
    inputs = [Bounded(np.asarray(np.asarray(array, dtype), np.float64), 0.0) for array in arrays]
    outputs = walked(line, inputs, dtype, lost)
    if outputs is None:
        return None
    return [np.broadcast_to(np.asarray(output.bound, np.float64), np.shape(output.value)) for output in outputs]


def run(program: Any, arrays: Sequence[Array]) -> list[Array]:
    """Outputs of a closed jaxpr, one JAX operation after the other: slower to run than compiled, quicker to begin.

    >>> import jax
    >>> run(jax.make_jaxpr(lambda x: x * x)(3.0), [np.array(3.0)])
    [Array(9., dtype=float64)]
    """
    return run_line(straight_line(program), arrays)


def walked(line: StraightLine, inputs: Sequence[Bounded], dtype: Any, lost: float = 0.0) -> list[Bounded] | None:
    """Values and bounds of the outputs of a program at inputs with bounds of their own; None as above."""
    try:
        with np.errstate(all="ignore"):
            return _Walker(dtype, lost).run(line, inputs)
    except Unknown:
        return None


def equation_count(program: Any) -> int:
    """How many operations a closed jaxpr runs, those within calls counted at every call.

    >>> import jax
    >>> square = jax.jit(lambda x: x * x)
    >>> equation_count(jax.make_jaxpr(lambda x: square(x) + square(x))(3.0))
    3
    """
    count, pending = 0, [program]
    while pending:
        for equation in pending.pop().jaxpr.eqns:
            inner = body(equation)
            if inner is None:
                count += 1
            else:
                pending.append(inner)
    return count


class _Walker:
    def __init__(self, dtype: Any, lost: float) -> None:
        self.dtype = dtype
        self.unit = float(np.finfo(dtype).eps)
        self.lost = lost
        # results below the smallest normal number may be flushed to zero
        self.smallest = float(np.finfo(dtype).tiny)

    def run(self, line: StraightLine, inputs: Sequence[Bounded]) -> list[Bounded]:
        slots: list[Any] = [None] * line.size
        for slot, constant in _constants(line, self.unit, self.smallest, self.lost):
            slots[slot] = constant
        for slot, given in zip(line.inputs, inputs, strict=True):
            slots[slot] = given
        for step in line.steps:
            results = [self.ended(r) for r in self.equation(step, [slots[i] for i in step.sources])]
            for slot, result in zip(step.targets, results, strict=True):
                slots[slot] = result
        return [slots[i] for i in line.outputs]

    def equation(self, step: Step, operands: list[Bounded]) -> list[Bounded]:
        name, params = step.primitive.name, step.params
        if name in ELEMENTWISE:
            return [_ended(name, operands, self.elementwise(name, operands))]
        if name in ("pow", "integer_pow"):
            exponent = params.get("y")
            # zero is no edge of a whole positive power
            edges = {} if exponent is not None and exponent > 0 else EDGES
            return [_ended(name, operands, self.power(operands, exponent), edges)]
        if name in COMPARISONS:
            same = step.sources[0] == step.sources[1]
            return [_comparison(name, *operands, same=same)]
        if name in LOGIC:
            value = LOGIC[name](*(operand.value for operand in operands))
            return [Bounded(value, 0.0, _either(*operands))]
        if name in ("max", "min"):
            return [_larger(name, *operands)]
        if name == "sign":
            (u,) = operands
            return [Bounded(np.sign(u.value), 2.0 * close(u.value, 0.0, u.bound, 0.0))]
        if name in STEPS:
            (u,) = operands
            value, near = STEPS[name](u.value), near_integer(u.value + (0.5 if name == "round" else 0.0), u.bound)
            return [Bounded(value, np.where(near, np.ceil(u.bound), 0.0))]
        if name == "select_n" and len(operands) == 3:
            return [_select(*operands)]
        if all(operand.chosen is None for operand in operands):
            pairs = [(o.value, np.broadcast_to(o.bound, np.shape(o.value))) for o in operands]
            if (several := contraction(name, params, pairs, self.unit)) is not None:
                return [Bounded(value, bound) for value, bound in several]
        move = movement(name, params, [np.shape(operand.value) for operand in operands])
        if move is None:
            raise Unknown(name)
        shapes = [np.shape(operand.value) for operand in operands]
        bounds = [np.broadcast_to(operand.bound, shape) for operand, shape in zip(operands, shapes, strict=True)]
        chosen = None
        if any(operand.chosen is not None for operand in operands):
            filled = [False if operand.chosen is None else operand.chosen for operand in operands]
            chosen = move(*(np.broadcast_to(c, shape) for c, shape in zip(filled, shapes, strict=True)))
        value, bound = move(*(operand.value for operand in operands)), move(*bounds)
        if chosen is not None and value.dtype != np.bool_:
            # a truth value that becomes a number
            bound = bound + np.asarray(chosen, np.float64)
        return [Bounded(value, bound, chosen)]

    def ended(self, found: Bounded) -> Bounded:
        """A result as the dtype has it where that overflows; then it explains nothing, unless it is at a pole."""
        value = overflowed(found.value, self.dtype)
        if value is found.value:
            return found
        ends = np.isinf(value) & np.isfinite(found.value)
        return Bounded(value, np.where(ends & ~np.isinf(found.bound), np.nan, found.bound), found.chosen)

    def elementwise(self, name: str, operands: Sequence[Bounded]) -> Bounded:
        primitive = ELEMENTWISE[name]
        arguments = [operand.value for operand in operands]
        y = primitive.value(*arguments)
        bound = self.own(primitive.ulp(*arguments, y) if callable(primitive.ulp) else primitive.ulp, y)
        for operand, partial in zip(operands, primitive.partials, strict=True):
            if some(operand.bound):
                passed = passed_on(partial(*arguments, y), operand.bound)
                if name in BENT:
                    passed = np.maximum(passed, bent(primitive.value, arguments, y, 0, operand.bound))
                if name in WAVES:
                    passed = passed + np.square(operand.bound) / 2
                if name == "div" and operand is operands[1]:
                    passed = np.maximum(passed, relative_part(y, operand.value, operand.bound))
                bound = bound + passed
        if name == "mul":
            bound = bound + uncertain_product(*(operand.bound for operand in operands))
        elif name == "square":
            bound = np.maximum(bound, uncertain_power(arguments[0], operands[0].bound, 2.0))
        if primitive.jump is not None:
            bound = bound + primitive.jump(arguments, [operand.bound for operand in operands])
        return Bounded(y, bound)

    def own(self, ulp: Array, y: Array) -> Array:
        return 0.0 if np.ndim(ulp) == 0 and ulp == 0 else ulp * self.unit * np.abs(y) + self.smallest

    def power(self, operands: Sequence[Bounded], exponent: int | None) -> Bounded:
        u = operands[0]
        v = operands[1] if exponent is None else Bounded(np.float64(exponent), 0.0)
        y = np.power(u.value, v.value)
        # an exponent given as a rounded constant is off by half a unit
        own = self.own(2.0 if exponent is None else float(max(2, abs(exponent))), y)
        slope = passed_on(v.value * np.power(u.value, v.value - 1), u.bound)
        slope = np.maximum(slope, relative_part(v.value * y, u.value, u.bound)) if np.any(u.bound) else slope
        if exponent is not None and exponent > 0:
            slope = np.maximum(slope, uncertain_power(u.value, u.bound, float(exponent)))
        rounded = np.abs(np.log(np.where(u.value > 0, u.value, 1.0)) * y)
        drift = rounded * (v.bound + self.unit * np.abs(v.value) / 2) if exponent is None else 0.0
        return Bounded(y, own + slope + drift)


@lru_cache(maxsize=1024)
def _constants(line: StraightLine, unit: float, smallest: float, lost: float) -> list[tuple[int, Bounded]]:
    return [(slot, _constant(value, unit, smallest, lost)) for slot, value in line.constants]


def _constant(number: Any, unit: float, smallest: float, lost: float) -> Bounded:
    value = np.asarray(number)
    if value.dtype.kind != "f":
        return Bounded(value, 0.0)
    # a number of few binary digits is what was meant; any other may have been rounded
    wide = value.astype(np.float64)
    digits = np.ldexp(np.frexp(wide)[0], SHORT)
    bound = np.where(digits == np.round(digits), 0.0, unit / 2 * np.abs(wide))
    return Bounded(value, np.where(np.abs(wide) < smallest, lost, bound) if lost else bound)


def _ended(
    name: str, operands: Sequence[Bounded], found: Bounded, edges: Mapping[str, tuple[int, tuple[float, ...]]] = EDGES
) -> Bounded:
    bound = np.minimum(found.bound, WIDTHS[name]) if name in WIDTHS else found.bound
    edge: Array = np.False_
    position, ends = edges.get(name, (0, ()))
    for end in ends:
        edge = edge | close(operands[position].value, end, operands[position].bound, 0.0)
    values, bounds = ([operand[k] for operand in operands] for k in (0, 1))
    return Bounded(found.value, where_it_ends(found.value, values, bounds, bound, edge))


def _either(*operands: Bounded) -> Array:
    flags = [operand.chosen for operand in operands if operand.chosen is not None]
    return np.logical_or.reduce(np.broadcast_arrays(*flags)) if flags else None


def _comparison(name: str, u: Bounded, v: Bounded, *, same: bool) -> Bounded:
    value = COMPARISONS[name](u.value, v.value)
    if same:
        return Bounded(value, 0.0)
    if name in ("eq", "ne") and (chosen := _either(u, v)) is not None:
        # JAX asks which operand a maximum equals: that stands or falls with the choice
        return Bounded(value, 0.0, chosen)
    return Bounded(value, 0.0, close(u.value, v.value, u.bound, v.bound))


def _larger(name: str, u: Bounded, v: Bounded) -> Bounded:
    value = np.maximum(u.value, v.value) if name == "max" else np.minimum(u.value, v.value)
    chosen = close(u.value, v.value, u.bound, v.bound)
    bound = np.where(chosen, np.maximum(u.bound, v.bound), np.where(value == u.value, u.bound, v.bound))
    return Bounded(value, bound, chosen)


def _select(which: Bounded, otherwise: Bounded, taken: Bounded) -> Bounded:
    value, bound = (np.where(which.value, a, b) for a, b in zip(taken[:2], otherwise[:2], strict=True))
    if which.chosen is not None and value.dtype != np.bool_:
        gap = np.abs(taken.value - otherwise.value) + np.maximum(taken.bound, otherwise.bound)
        bound = bound + np.where(which.chosen, gap, 0.0)
    return Bounded(value, bound, _either(which, otherwise, taken) if value.dtype == np.bool_ else None)
