"""The machine: a loop over the steps of a tape, each of which is one of the kinds that the machine can do.

Compiling takes the same time for any expression of a size class, and is done once: the tape is an argument. The
forward loop may keep the local partials, by JAX's own rules; then a loop over the edges, back to front, accumulates the
adjoints with one addition a step, which XLA does in place.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from symdiff.forms.jax_arithmetic import resolve
from symdiff.function import Absence
from symdiff.tape.tape import OPERANDS, Edges, Kind

# points that are run together: their values stay in the cache
BLOCK = 128


def _value(kind: Kind, dtype: Any, operands: list[Any]) -> Any:
    """Value of one kind at operands of the machine, where truth values are 0 and 1."""
    given = [u != 0 if domain.truth else u for u, domain in zip(operands, kind.function.domain, strict=False)]
    if kind.function.name == "select":
        given = [operands[0] != 0, *operands[1:3]]
    return resolve(kind.function.jax)(*given, *kind.static).astype(dtype)


def _branch(kind: Kind, with_partials: bool) -> Any:
    arity = kind.function.arity
    moving = tuple(k for k, p in enumerate(kind.function.partials) if not isinstance(p, Absence))

    def branch(operands: jax.Array) -> Any:
        given = [operands[k] for k in range(arity)]
        if not with_partials:
            return _value(kind, operands.dtype, given)

        def along(*active: Any) -> Any:
            full = list(given)
            for k, u in zip(moving, active, strict=True):
                full[k] = u
            return _value(kind, operands.dtype, full)

        value, pull = jax.vjp(along, *(given[k] for k in moving))
        found = dict(zip(moving, pull(jnp.ones_like(value)), strict=True)) if moving else {}
        nothing = jnp.zeros_like(value)
        return value, jnp.stack([found.get(k, nothing) for k in range(OPERANDS)])

    return branch


def _forward(kinds: tuple[Kind, ...], with_partials: bool, kind: Any, operands: Any, head: Any) -> Any:
    steps, size = kind.shape[0], head.shape[0]
    branches = [_branch(each, with_partials) for each in kinds]
    values = jnp.concatenate([head, jnp.ones((steps, *head.shape[1:]), head.dtype)])

    def step(values: jax.Array, row: Any) -> Any:
        number, which, places = row
        result = jax.lax.switch(which, branches, values.at[places].get(mode="promise_in_bounds"))
        value, own = result if with_partials else (result, None)
        return values.at[size + number].set(value, mode="promise_in_bounds"), own

    rows = (jnp.arange(steps, dtype=jnp.int32), kind, operands)
    return jax.lax.scan(step, values, rows)


def _blocks(run: Any, head: jax.Array, outputs: int) -> jax.Array:
    """Run on blocks of points: `head` has shape (values, points), the result (outputs, points)."""
    points = head.shape[1]
    if points <= BLOCK:
        return run(head)
    count = -(-points // BLOCK)
    padded = jnp.pad(head, ((0, 0), (0, count * BLOCK - points)), constant_values=1)
    blocks = padded.reshape(head.shape[0], count, BLOCK).swapaxes(0, 1)
    found = jax.lax.map(run, blocks)
    return found.swapaxes(0, 1).reshape(outputs, count * BLOCK)[:, :points]


@partial(jax.jit, static_argnums=0)
def run(kinds: tuple[Kind, ...], kind: Any, operands: Any, outputs: Any, head: jax.Array) -> jax.Array:
    """Values of the outputs, (outputs, points), from those of inputs and constants, (head, points)."""
    return _blocks(lambda block: _forward(kinds, False, kind, operands, block)[0][outputs], head, outputs.shape[0])


@partial(jax.jit, static_argnums=0)
def run_back(
    kinds: tuple[Kind, ...], kind: Any, operands: Any, edges: Edges, output: Any, wrt: Any, head: jax.Array
) -> jax.Array:
    """Value of one output and its partials in the values `wrt`, (1 + wrt, points), by reverse mode."""

    def block(values: jax.Array) -> jax.Array:
        found, partials = _forward(kinds, True, kind, operands, values)
        size = values.shape[0]
        seed = jnp.zeros_like(found).at[output].set(1, mode="promise_in_bounds")

        def edge(adjoints: Any, row: Any) -> Any:
            step, position, operand = row
            own = partials.at[step, position].get(mode="promise_in_bounds")
            share = adjoints.at[size + step].get(mode="promise_in_bounds") * own
            return adjoints.at[operand].add(share, mode="promise_in_bounds"), None

        adjoints, _ = jax.lax.scan(edge, seed, tuple(edges))
        return jnp.concatenate([found[output][None], adjoints[wrt]])

    return _blocks(block, head, wrt.shape[0] + 1)
