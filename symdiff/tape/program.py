"""A tape with a run of the machine: how arguments get in and results out, at once or while JAX traces.

Outside of a transformation the arguments are stacked on the host and one compiled function is called, which every
expression of the size class shares. Inside, batches that `vmap` makes become points of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.custom_batching import custom_vmap
from numpy.typing import NDArray

from symdiff.arguments import floating_dtype
from symdiff.tape import executables
from symdiff.tape.tape import Tape

# numbers of points that a function keeps machines for
MOST_MACHINES = 64
# rows up to which a coarse size class costs a call nothing: a larger one has to be filled with zeros
LARGEST_COARSE = 4_096


def on_host(arrays: Sequence[Any]) -> bool:
    """Whether all arguments are at hand: known, and not on another device."""
    return jax.default_backend() == "cpu" and not any(isinstance(array, Tracer) for array in arrays)


class Program:
    """(count, *S) results of a run as a function of arrays of the tape's symbols, which broadcast to the shape S."""

    def __init__(self, tape: Tape, run: Callable[..., jax.Array], arguments: Sequence[Any], count: int) -> None:
        self.tape, self.run, self.arguments, self.count = tape, run, tuple(arguments), count
        self._constants: dict[Any, NDArray[Any]] = {}
        self._tapes: dict[bool, tuple[Any, ...]] = {}
        self._machines: dict[tuple[Any, int], executables.Machine] = {}

    def each(self, arrays: Sequence[Any]) -> list[jax.Array]:
        """The results at once, one by one."""
        found, shape = self._at_once(arrays)
        if shape == ():
            return _on_device(list(np.asarray(found)[: self.count, 0]))
        return _each(found, self.count, shape)

    def first_and_rest(self, arrays: Sequence[Any]) -> tuple[jax.Array, jax.Array]:
        """The results at once: the first, and all others as one array."""
        found, shape = self._at_once(arrays)
        if shape == ():
            column = np.asarray(found)[:, 0]
            return _on_device((column[0], column[1 : self.count]))
        return _first_and_rest(found, self.count, shape)

    def converted(self, arrays: Sequence[Any]) -> list[jax.Array]:
        """The arguments as JAX arrays of their common dtype."""
        dtype = floating_dtype(*arrays)
        return [jnp.asarray(array, dtype) for array in arrays]

    def __call__(self, *arrays: jax.Array) -> jax.Array:
        """All results; traceable. The arguments are JAX arrays of one dtype."""
        return self._traceable(*arrays)

    @cached_property
    def _traceable(self) -> Callable[..., jax.Array]:

        @custom_vmap
        def call(*arrays: jax.Array) -> jax.Array:
            return self.results(arrays)

        @call.def_vmap
        def _(size: int, batched: Sequence[bool], *arrays: jax.Array) -> tuple[jax.Array, bool]:
            rank = max(array.ndim - own for array, own in zip(arrays, batched, strict=True))
            along = [
                array.reshape(size, *(1,) * (rank + 1 - array.ndim), *array.shape[1:]) if own else array
                for array, own in zip(arrays, batched, strict=True)
            ]
            return jnp.moveaxis(call(*along), 1, 0), True

        return call

    def results(self, arrays: Sequence[jax.Array]) -> jax.Array:
        """All results, (count, *S), but for batches that `vmap` makes; traceable."""
        stack, shape = self.stacked(arrays)
        return self.rows(stack)[: self.count].reshape(self.count, *shape)

    def stacked(self, arrays: Sequence[Any]) -> tuple[jax.Array, tuple[int, ...]]:
        """The arguments as values of the machine, (inputs, points), and the shape of the points; traceable."""
        dtype = floating_dtype(*arrays)
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        points = int(np.prod(shape))
        rows = [jnp.broadcast_to(array, shape).reshape(points) for array in arrays]
        padding = jnp.ones((self.tape.inputs - len(rows), points), dtype)
        return jnp.concatenate([jnp.stack(rows), padding]) if rows else padding, shape

    def rows(self, stack: jax.Array) -> jax.Array:
        """The results before they are cut to size, (results and padding, points); traceable."""
        return self.run(self.tape.kinds, *self.arguments, self._constants_in(stack.dtype), stack)

    def _at_once(self, arrays: Sequence[Any]) -> tuple[jax.Array, tuple[int, ...]]:
        dtype = floating_dtype(*arrays)
        # one conversion for all where they are numbers
        if arrays and all(type(array) is float for array in arrays):
            shape, points = (), 1
            stack = np.ones((self.tape.inputs, 1), dtype)
            stack[: len(arrays), 0] = arrays
        else:
            shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))
            points = int(np.prod(shape))
            stack = np.ones((self.tape.inputs, points), dtype)
            for row, array in zip(stack, arrays, strict=False):
                row.reshape(shape)[...] = array
        arguments = (*self._placed(coarse=points == 1), self._constants_in(dtype), stack)
        if not executables.plain():
            return self.run(self.tape.kinds, *arguments), shape
        known = self._machines.get((dtype, points))
        if known is None:
            while len(self._machines) >= MOST_MACHINES:
                del self._machines[next(iter(self._machines))]
            known = self._machines[dtype, points] = executables.machine(self.run, self.tape.kinds, arguments)
        return known(*arguments), shape

    def _placed(self, coarse: bool) -> tuple[Any, ...]:
        """The tape on the device, put there once; in coarse size classes for a machine that more expressions share."""
        if coarse not in self._tapes:
            arguments = tuple(map(_coarse, self.arguments)) if coarse else self.arguments
            with jax.ensure_compile_time_eval():
                # not jnp.asarray, which compiles something for each shape
                self._tapes[coarse] = jax.device_put(arguments)
        return self._tapes[coarse]

    def _constants_in(self, dtype: Any) -> NDArray[Any]:
        if dtype not in self._constants:
            self._constants[dtype] = self.tape.constant_values(dtype)
        return self._constants[dtype]


def _coarse(array: Any) -> Any:
    """Rows padded to 16, 64, 256, 1,024 or 4,096; what pads a tape is never run, nor a result it gives looked at."""
    if not np.ndim(array) or len(array) > LARGEST_COARSE:
        return array
    size = 16
    while size < len(array):
        size *= 4
    return np.pad(array, ((0, size - len(array)), *((0, 0),) * (array.ndim - 1)))


@jax.jit
def _on_device(found: Any) -> Any:
    """What was cut to size on the host: this compiles in a third of the time that cutting does."""
    return found


@partial(jax.jit, static_argnums=(1, 2))
def _each(found: jax.Array, count: int, shape: tuple[int, ...]) -> list[jax.Array]:
    return [found[k].reshape(shape) for k in range(count)]


@partial(jax.jit, static_argnums=(1, 2))
def _first_and_rest(found: jax.Array, count: int, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    return found[0].reshape(shape), found[1:count].reshape(count - 1, *shape)
