"""Sums of products over index patterns, as matrix products where a factor is shared, else as sums over an axis."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from symdiff.vectorised.grouping import Slot
from symdiff.vectorised.patterns import frame_of, split
from symdiff.vectorised.segments import entries

# terms that are added one after the other where a batch stands behind them: XLA's sum over an inner axis is slow there
MOST_ADDED = 64
# terms of each member that are added one after the other in any case
FEW = 4


def contracted(slot: Slot, factors: Sequence[Any], batched: Sequence[bool]) -> jax.Array:
    """The sum over the terms of a slot for each member, (members,) or (members, points) if a factor is batched.

    `factors` are the values of the groups from which the factors come.
    """
    _, members, terms = slot.index.shape
    frame = frame_of(list(slot.index), terms)
    over = _axes_of_terms(frame, terms)
    views = [entries(each, split(row, frame)) for each, row in zip(factors, slot.index, strict=True)]
    if len(views) == 2 and _is_matrix_product(views, batched, over):
        found = _matrix_product(views, batched, over, len(frame))
    else:
        wide = any(batched)
        found = _added(tuple(over), frame, terms, wide, *_wide(views, batched, wide))
    points = found.shape[len(frame) - len(over) :]
    whole = jnp.broadcast_to(found, (*frame[: len(frame) - len(over)], *points))
    # neither the sum nor, on the way back, what its terms share is to be computed once for each reader
    return jax.lax.optimization_barrier(whole.reshape(members, *points))


def _axes_of_terms(frame: Sequence[int], terms: int) -> tuple[int, ...]:
    size, axis = 1, len(frame)
    while size < terms:
        axis -= 1
        size *= frame[axis]
    return tuple(range(axis, len(frame)))


def _wide(views: Sequence[Any], batched: Sequence[bool], wide: bool) -> list[Any]:
    return [view[..., None] if wide and not one else view for view, one in zip(views, batched, strict=True)]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2, 3))
def _added(over: tuple[int, ...], frame: tuple[int, ...], terms: int, wide: bool, *views: Any) -> jax.Array:
    if len(over) == 1 and terms <= (MOST_ADDED if wide and over[0] > 0 else FEW):
        (axis,) = over
        parts = [[_at(view, axis, t) for view in views] for t in range(terms)]
        return functools.reduce(operator.add, [functools.reduce(operator.mul, part) for part in parts])
    return _summed(over, frame, *views)


@_added.defjvp
def _(
    over: tuple[int, ...], frame: tuple[int, ...], terms: int, wide: bool, views: Sequence[Any], along: Sequence[Any]
) -> tuple[jax.Array, jax.Array]:
    # by the plain sum, whose transpose copies along an axis, where that of terms one by one writes each on its own
    return _added(over, frame, terms, wide, *views), jax.jvp(functools.partial(_summed, over, frame), views, along)[1]


def _summed(over: tuple[int, ...], frame: tuple[int, ...], *views: Any) -> jax.Array:
    product: Any = functools.reduce(operator.mul, views)
    # axes along which no factor changes count all the same
    shape = [frame[axis] if axis in over else product.shape[axis] for axis in range(len(frame))]
    return jnp.broadcast_to(product, (*shape, *product.shape[len(frame) :])).sum(axis=over)


def _at(view: Any, axis: int, place: int) -> Any:
    return jax.lax.index_in_dim(view, place if view.shape[axis] > 1 else 0, axis, keepdims=False)


def _is_matrix_product(views: Sequence[Any], batched: Sequence[bool], over: Sequence[int]) -> bool:
    """Whether both factors change along all terms, and none of the further axes belongs to both."""
    first, second = views
    if all(batched):
        return False
    rank = first.ndim - batched[0]
    if any(first.shape[axis] == 1 or second.shape[axis] == 1 for axis in over):
        return False
    return all(first.shape[axis] == 1 or second.shape[axis] == 1 for axis in range(rank) if axis not in over)


def _matrix_product(views: Sequence[Any], batched: Sequence[bool], over: Sequence[int], rank: int) -> jax.Array:
    kept = range(over[0])
    names = [[axis for axis in kept if view.shape[axis] > 1] for view in views]
    squeezed = [
        view.reshape(*(view.shape[axis] for axis in (*own, *over)), *view.shape[rank:])
        for view, own in zip(views, names, strict=True)
    ]
    points = [[rank] if one else [] for one in batched]
    inputs = [[*own, *over, *point] for own, point in zip(names, points, strict=True)]
    result = sorted(names[0] + names[1]) + points[0] + points[1]
    arguments = [part for pair in zip(squeezed, inputs, strict=True) for part in pair]
    found = jnp.einsum(*arguments, result, precision=jax.lax.Precision.HIGHEST)
    shape = [max(view.shape[axis] for view in views) for axis in kept]
    return found.reshape(*shape, *found.shape[len(names[0]) + len(names[1]) :])
