"""What JAX's modes make of a Python function under test, point by point.

JAX runs a function under `jax.vmap` where it can, else one point after the other. Each coordinate has a direction of
its own. A rule of differentiation is linear in its cotangent or tangent, so each is asked for 1 and for `SCALE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from compare.assertions.callee import Callee, names_of
from compare.bounds.jaxpr import output_bounds
from symdiff.errors import InputError, OptionError

Array = NDArray[np.float64]
# multiplying by it rounds nothing
SCALE = -2.0
# what a walk along a program may stumble over that was not made for it
UNWALKABLE = (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError)


@dataclass(frozen=True)
class Answers:
    """What one mode gave: numbers of shape (partials, points), those for `SCALE` divided by it, and a rounding bound.

    `numbers` is None where the mode does not exist for the function, and `why` says so.
    """

    numbers: Array | None
    scaled: Array | None = None
    bound: Array | None = None
    why: str = ""

    @property
    def present(self) -> Array:
        """The numbers; raises InputError where the mode does not exist."""
        if self.numbers is None:
            raise InputError(f"JAX cannot differentiate the function so: {self.why}")
        return self.numbers


def values(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The function's own values, shape (1, points); raises InputError or OptionError if it cannot be called."""
    _check_output(callee, [column[0] for column in columns])
    if callee.elementwise:
        return _whole(columns, lambda *given: callee.f(*callee.arguments(given))[None])
    return _asked(columns, lambda *given: jnp.reshape(callee.f(*callee.arguments(given)), (1,)))


def reverse(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The partials by `jax.vjp`."""

    def pulled(cotangent: float) -> Callable[..., Any]:
        def task(*given: Any) -> Any:
            value, pullback = jax.vjp(lambda *moving: callee.f(*callee.arguments(moving)), *given)
            return jnp.stack(pullback(jnp.full_like(value, cotangent)))

        return task

    return _in_mode(callee, columns, pulled)


def forward(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The partials by `jax.jvp`, one coordinate direction after the other, and last along all of them together."""

    def pushed(size: float) -> Callable[..., Any]:
        def task(*given: Any) -> Any:
            def along(which: Sequence[int]) -> Any:
                tangents = tuple(jnp.full_like(u, size if k in which else 0.0) for k, u in enumerate(given))
                return jax.jvp(lambda *moving: callee.f(*callee.arguments(moving)), tuple(given), tangents)[1]

            every = range(len(given))
            return jnp.stack([*(along([k]) for k in every), along(every)])

        return task

    return _in_mode(callee, columns, pushed)


def claimed(callee: Callee, gradient: Callable[..., Any], columns: Sequence[NDArray[Any]]) -> Answers:
    """What a gradient written by hand returns: one number a symbol, as a tuple, a list, an array or a mapping."""

    def task(*given: Any) -> Any:
        found = gradient(*callee.arguments(given))
        if isinstance(found, Mapping):
            found = [cast("Mapping[Any, Any]", found)[str(symbol)] for symbol in callee.symbols]
        return jnp.concatenate([jnp.ravel(jnp.asarray(leaf, given[0].dtype)) for leaf in jax.tree.leaves(found)])

    try:
        answers = _asked(columns, task)
    except Exception as error:
        raise InputError(f"the gradient raised {_told(error)}; it is called as {callee.name} is") from error
    count = 0 if answers.numbers is None else len(answers.numbers)
    if count != len(callee.symbols):
        raise OptionError(
            f"the gradient returns {count} numbers for {len(callee.symbols)} ({names_of(callee.symbols)})"
        )
    return answers


def _in_mode(callee: Callee, columns: Sequence[NDArray[Any]], task: Callable[[float], Callable[..., Any]]) -> Answers:
    run = _whole if callee.elementwise else _asked
    try:
        once, scaled = run(columns, task(1.0)), run(columns, task(SCALE))
    except Exception as error:
        return Answers(None, why=_told(error))
    return Answers(once.numbers, scaled.present / SCALE, once.bound)


def _asked(columns: Sequence[NDArray[Any]], task: Callable[..., Any]) -> Answers:
    """A task of one point, at all points: mapped by JAX if the function allows it."""
    given = [jnp.asarray(column) for column in columns]
    mapped = jax.vmap(task, out_axes=-1)
    try:
        found = mapped(*given)
    except Exception:
        # Python's `if`, or NumPy, within the function
        found = jnp.stack([task(*point) for point in zip(*given, strict=True)], axis=-1)
        return Answers(np.asarray(found, np.float64))
    return Answers(np.asarray(found, np.float64), bound=_bound(mapped, columns))


def _whole(columns: Sequence[NDArray[Any]], task: Callable[..., Any]) -> Answers:
    found = task(*(jnp.asarray(column) for column in columns))
    return Answers(np.asarray(found, np.float64), bound=_bound(task, columns))


def _bound(function: Callable[..., Any], columns: Sequence[NDArray[Any]]) -> Array | None:
    """What rounding explains along the program that JAX makes of a function; None where it cannot be followed."""
    try:
        found = output_bounds(jax.make_jaxpr(function)(*columns), columns, columns[0].dtype)
    except UNWALKABLE:
        return None
    return None if found is None else found[0]


def _check_output(callee: Callee, point: Sequence[Any]) -> None:
    given = [jnp.asarray([u, u] if callee.elementwise else u) for u in point]
    try:
        value: Any = callee.f(*callee.arguments(given))
    except Exception as error:
        hint = "" if callee.elementwise else "; if it takes arrays, give args=[[x1, x2]], or elementwise=True"
        raise InputError(f"{callee.name} raised {_told(error)}{hint}") from error
    kind = np.asarray(value).dtype if not hasattr(value, "dtype") else value.dtype
    if not jnp.issubdtype(kind, jnp.floating):
        raise OptionError(f"{callee.name} returns {kind}, which has no real derivative; return a floating-point number")
    shape = np.shape(value)
    expected = (2,) if callee.elementwise else ()
    if shape != expected:
        what = "of two points, " if callee.elementwise else "of one point, "
        raise OptionError(f"{callee.name} returns an array of shape {shape} {what}where {expected} is expected")


def _told(error: Exception) -> str:
    first = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {first[:160]}"
