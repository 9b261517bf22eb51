"""A tape with its code as a program for JAX: the compiled loop in the place of the tape machine.

Inputs that are the same at all points are given once, the others as rows of points.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.backend import backends

from symdiff.arguments import floating_dtype
from symdiff.errors import NativeWarning
from symdiff.native.code import Code, Missing, partials_code, values_code
from symdiff.native.library import CannotBuild, Library, library
from symdiff.tape.program import Program
from symdiff.tape.tape import Tape


class NativeProgram(Program):
    """A `Program` that the compiled loop runs; `otherwise` is the tape machine's, for another platform."""

    def __init__(self, tape: Tape, code: Code, target: str, otherwise: Program) -> None:
        super().__init__(tape, otherwise.run, otherwise.arguments, code.outputs)
        self.target, self.otherwise = target, otherwise
        sizes = np.asarray([code.length, code.rows], np.int32)
        self.code = (code.code, sizes, code.parameters)

    @cached_property
    def _code_placed(self) -> tuple[Any, ...]:
        with jax.ensure_compile_time_eval():
            return tuple(jnp.asarray(array) for array in self.code)

    def each(self, arrays: Sequence[Any]) -> list[jax.Array]:
        """The results at once, one by one."""
        return self._at_addresses(_each, arrays)

    def first_and_rest(self, arrays: Sequence[Any]) -> tuple[jax.Array, jax.Array]:
        """The results at once: the first, and all others as one array."""
        return self._at_addresses(_first_and_rest, arrays)

    def _at_addresses(self, call: Any, arrays: Sequence[Any]) -> Any:
        """The results for arrays on the host, which the loop reads where they are."""
        dtype = floating_dtype(*arrays)
        given = [np.asarray(array, dtype) for array in arrays]
        shape = np.broadcast_shapes(*{array.shape for array in given})
        fixed, moving = np.ones(self.tape.inputs, dtype), list[int]()
        for place, array in enumerate(given):
            if array.size == 1:
                fixed[place] = array.item()
            else:
                moving.append(place)
        rows = [_row(given[place], shape) for place in moving]
        addresses = np.asarray([row.__array_interface__["data"][0] for row in rows], np.int64)
        places = np.asarray(moving, np.int32)
        code = self._code_placed, self._constants_in(dtype)
        # waited for, since the rows have to stay where they are
        return jax.block_until_ready(call(self.target, self.count, shape, *code, fixed, places, addresses))

    def results(self, arrays: Sequence[jax.Array]) -> jax.Array:
        """All results, (count, *S), by the machine where the function is compiled for another device; traceable."""
        if set(backends()) <= {"cpu"}:
            return self._by_loop(*arrays)
        return jax.lax.platform_dependent(*arrays, cpu=self._by_loop, default=self._by_machine)

    def _by_machine(self, *arrays: jax.Array) -> jax.Array:
        return self.otherwise.results(arrays)

    def _by_loop(self, *arrays: jax.Array) -> jax.Array:
        dtype = floating_dtype(*arrays)
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        points = int(np.prod(shape))
        moving = [place for place, array in enumerate(arrays) if array.size != 1]
        ones = jnp.ones((), dtype)
        numbers = [array.reshape(()) if array.size == 1 else ones for array in arrays]
        fixed = jnp.stack([*numbers, *[ones] * (self.tape.inputs - len(numbers))])
        rows = [jnp.broadcast_to(arrays[place], shape).reshape(points) for place in moving]
        stack = jnp.stack(rows) if rows else jnp.zeros((0, points), dtype)
        given = (self.code, self._constants_in(dtype), fixed, np.asarray(moving, np.int32), stack)
        return _joined(self.target, self.count, shape, *given)

    def _constants_in(self, dtype: Any) -> Any:
        if dtype not in self._constants:
            found = self.tape.constant_values(dtype)
            self._constants[dtype] = np.concatenate([found, np.asarray([1, 0], dtype)])
        return self._constants[dtype]


def _row(array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array with the number of each point in one row."""
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    simple = array.flags.c_contiguous and array.flags.aligned
    return array if simple else np.require(array, requirements=("C", "A"))


def _call(target: str, results: Any, code: Any, constants: Any, fixed: Any, places: Any, moving: Any) -> Any:
    return jax.ffi.ffi_call(target, results)(*code, constants, fixed, places, moving)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _joined(target: str, count: int, shape: tuple[int, ...], *given: Any) -> jax.Array:
    points, dtype = int(np.prod(shape)), given[2].dtype
    return _call(target, jax.ShapeDtypeStruct((count, points), dtype), *given).reshape(count, *shape)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _each(target: str, count: int, shape: tuple[int, ...], *given: Any) -> list[jax.Array]:
    found = _joined(target, count, shape, *given)
    return [found[k] for k in range(count)]


@partial(jax.jit, static_argnums=(0, 1, 2))
def _first_and_rest(target: str, count: int, shape: tuple[int, ...], *given: Any) -> tuple[jax.Array, jax.Array]:
    points, dtype = int(np.prod(shape)), given[2].dtype
    results = [jax.ShapeDtypeStruct((points,), dtype), jax.ShapeDtypeStruct((count - 1, points), dtype)]
    first, rest = _call(target, results, *given)
    return first.reshape(shape), rest.reshape(count - 1, *shape)


def outputs_program(tape: Tape, otherwise: Program) -> Program:
    """The outputs of a tape by the compiled loop, or, with a warning, `otherwise`."""
    return _program(tape, otherwise, lambda found: values_code(tape, found.cases))


def partials_program(tape: Tape, wrt: Sequence[int], otherwise: Program) -> Program:
    """The first output and its partials in the values `wrt`, by reverse mode; as `outputs_program`."""
    return _program(tape, otherwise, lambda found: partials_code(tape, found.cases, wrt))


def _program(tape: Tape, otherwise: Program, code: Callable[[Library], Code]) -> Program:
    try:
        found = library()
        return NativeProgram(tape, code(found), found.target, otherwise)
    except CannotBuild as error:
        reason = f"there is no compiled loop here, since {error}"
    except Missing as error:
        reason = f"{error} has no C form in the function table (column 'native')"
    warnings.warn(f"{reason}; method 'native' runs on the tape machine instead", NativeWarning, stacklevel=2)
    return otherwise
