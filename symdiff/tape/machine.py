"""The machine: a loop over the steps of a tape, each of which is one of the kinds that the machine can do.

Compiling takes the same time for any expression of a size class, and is done once: the tape is an argument. The
forward loop may keep the local partials, by JAX's own rules; then a loop over the edges, back to front, accumulates the
adjoints with one addition a step, which XLA does in place.

XLA's CPU compiler would run the body of a loop operation by operation, each at the cost of a microsecond; of a call
that is marked as small and not to be inlined it makes one function instead, in which a step takes 20 nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from symdiff.forms.jax_arithmetic import resolve
from symdiff.tape.tape import MOVING, Kind

try:
    from jax.experimental.scheduling_groups import xla_metadata_call
except ImportError:
    # slower, where JAX has it no more
    xla_metadata_call = None

# bytes of values that are held at once, so that they stay in the cache, and points that are run together
BLOCK_BYTES = 2**23
BLOCKS = (16, 128)


def _value(kind: Kind, dtype: Any, operands: list[Any]) -> Any:
    """Value of one kind at operands of the machine, where truth values are 0 and 1."""
    given = [u != 0 if domain.truth else u for u, domain in zip(operands, kind.function.domain, strict=True)]
    if kind.function.name == "select":
        given = [operands[0] != 0, *operands[1:]]
    return resolve(kind.function.jax)(*given, *kind.static).astype(dtype)


def _row(array: jax.Array, place: Any) -> jax.Array:
    """One row of an array, of shape (1, columns); the place is known to be within."""
    start = (place, jnp.zeros_like(place))
    return jax.lax.dynamic_slice(array, start, (1, array.shape[1]), allow_negative_indices=False)


def _with_row(array: jax.Array, row: jax.Array, place: Any) -> jax.Array:
    return jax.lax.dynamic_update_slice(array, row, (place, jnp.zeros_like(place)), allow_negative_indices=False)


def _evaluation(kind: Kind) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """What a step of this kind does: (values, (kind, operands)) to a row."""

    def branch(values: jax.Array, step: jax.Array) -> jax.Array:
        return _value(kind, values.dtype, [_row(values, step[1 + k]) for k in range(kind.function.arity)])

    return branch


def _with_partials(kind: Kind) -> Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """The same with the partials in the operands that move, (MOVING, points), zero where there is none."""
    moving = kind.moving

    def branch(values: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
        given = [_row(values, step[1 + k]) for k in range(kind.function.arity)]

        def along(*active: Any) -> Any:
            full = list(given)
            for k, u in zip(moving, active, strict=True):
                full[k] = u
            return _value(kind, values.dtype, full)

        value, pull = jax.vjp(along, *(given[k] for k in moving))
        found = list(pull(jnp.ones_like(value))) if moving else []
        return value, jnp.concatenate([*found, *[jnp.zeros_like(value)] * (MOVING - len(found))])

    return branch


def _as_one_function(kinds: tuple[Kind, ...], loop: Callable[..., Any], *arguments: Any) -> Any:
    """A loop that XLA's CPU compiler makes one function of, where none of the kinds calls the host."""
    one = xla_metadata_call
    if one is None or any(kind.function.callback for kind in kinds):
        return loop(*arguments)

    def marked(*arguments: Any) -> Any:
        # a constant that XLA moves into such a call, a tape within a caller's jit, ends the process
        hidden = jax.lax.optimization_barrier(arguments)
        return one(loop, inlineable="false", xla_cpu_small_call="true")(*hidden)

    return jax.lax.platform_dependent(*arguments, cpu=marked, default=loop)


def _forward(kinds: tuple[Kind, ...], steps: Any, length: Any, head: jax.Array) -> jax.Array:
    """All values, (head and steps, points)."""
    size = jnp.int32(head.shape[0])
    branches = [_evaluation(kind) for kind in kinds]

    def loop(values: jax.Array, steps: Any, length: Any) -> jax.Array:
        def body(number: Any, values: jax.Array) -> jax.Array:
            step = _row(steps, number)[0]
            return _with_row(values, jax.lax.switch(step[0], branches, values, step), size + number)

        return jax.lax.fori_loop(jnp.int32(0), length, body, values)

    values = jnp.pad(head, ((0, steps.shape[0]), (0, 0)))
    return _as_one_function(kinds, loop, values, steps, length)


def _there_and_back(
    kinds: tuple[Kind, ...], steps: Any, length: Any, edges: Any, ways: Any, output: Any, head: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """All values and all adjoints of one output, each (head and steps, points)."""
    size, points = jnp.int32(head.shape[0]), head.shape[1]
    branches = [_with_partials(kind) for kind in kinds]

    def forward(values: jax.Array, partials: jax.Array, steps: Any, length: Any) -> tuple[jax.Array, jax.Array]:
        def body(number: Any, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            values, partials = carry
            step = _row(steps, number)[0]
            value, own = jax.lax.switch(step[0], branches, values, step)
            return _with_row(values, value, size + number), _with_row(partials, own, MOVING * number)

        return jax.lax.fori_loop(jnp.int32(0), length, body, (values, partials))

    def back(adjoints: jax.Array, partials: jax.Array, edges: Any, ways: Any) -> jax.Array:
        def body(number: Any, adjoints: jax.Array) -> jax.Array:
            result, own, operand = _row(edges, number)[0]
            share = _row(adjoints, result) * _row(partials, own)
            return _with_row(adjoints, _row(adjoints, operand) + share, operand)

        return jax.lax.fori_loop(jnp.int32(0), ways, body, adjoints)

    values = jnp.pad(head, ((0, steps.shape[0]), (0, 0)))
    nothing = jnp.zeros((MOVING * steps.shape[0], points), head.dtype)
    values, partials = _as_one_function(kinds, forward, values, nothing, steps, length)
    seed = _with_row(jnp.zeros_like(values), jnp.ones((1, points), head.dtype), output)
    return values, _as_one_function(kinds, back, seed, partials, edges, ways)


def _in_blocks(run: Any, inputs: jax.Array, constants: jax.Array, rows: int, outputs: int) -> jax.Array:
    """Run on blocks of points: `inputs` has shape (values, points), the result (outputs, points)."""
    points = inputs.shape[1]
    low, high = BLOCKS
    block = min(max(low, 2 ** (BLOCK_BYTES // (rows * inputs.dtype.itemsize)).bit_length() // 2), high)

    def on(part: jax.Array) -> jax.Array:
        fixed = jnp.broadcast_to(constants[:, None], (constants.shape[0], part.shape[1]))
        return run(jnp.concatenate([part, fixed]))

    if points <= block:
        return on(inputs)
    count = -(-points // block)
    padded = jnp.pad(inputs, ((0, 0), (0, count * block - points)), constant_values=1)
    blocks = padded.reshape(inputs.shape[0], count, block).swapaxes(0, 1)
    found = jax.lax.map(on, blocks)
    return found.swapaxes(0, 1).reshape(outputs, count * block)[:, :points]


def _rows(values: jax.Array, places: Any) -> jax.Array:
    return values.at[places].get(mode="promise_in_bounds", wrap_negative_indices=False)


@partial(jax.jit, static_argnums=0)
def run(
    kinds: tuple[Kind, ...], steps: Any, length: Any, outputs: Any, constants: jax.Array, inputs: jax.Array
) -> jax.Array:
    """Values of the outputs, (outputs, points), from those of the inputs, (inputs, points)."""

    def block(head: jax.Array) -> jax.Array:
        return _rows(_forward(kinds, steps, length, head), outputs)

    rows = inputs.shape[0] + constants.shape[0] + steps.shape[0]
    return _in_blocks(block, inputs, constants, rows, outputs.shape[0])


@partial(jax.jit, static_argnums=0)
def run_back(
    kinds: tuple[Kind, ...],
    steps: Any,
    length: Any,
    edges: Any,
    ways: Any,
    output: Any,
    wrt: Any,
    constants: jax.Array,
    inputs: jax.Array,
) -> jax.Array:
    """Value of one output and its partials in the values `wrt`, (1 + wrt, points), by reverse mode."""

    def block(head: jax.Array) -> jax.Array:
        values, adjoints = _there_and_back(kinds, steps, length, edges, ways, output, head)
        return jnp.concatenate([_row(values, output), _rows(adjoints, wrt)])

    rows = 2 * (inputs.shape[0] + constants.shape[0]) + (2 + MOVING) * steps.shape[0]
    return _in_blocks(block, inputs, constants, rows, wrt.shape[0] + 1)
