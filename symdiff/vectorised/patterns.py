"""Index patterns: which entries of a vector the members of a group read, as slices and reshapes where that is possible.

An index vector of n entries is affine over a frame (d1, ..., dk) of product n where its entry at (i1, ..., ik) is
base + s1*i1 + ... + sk*ik. A constant, a range, a stride, a repetition and a transposition all are; a stride of zero is
an axis along which nothing changes, which costs nothing where JAX broadcasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


class Affine(NamedTuple):
    """base + the sum of stride times place, over axes (length, stride), the outermost first."""

    base: int
    axes: tuple[tuple[int, int], ...]


def affine(index: Index) -> Affine | None:
    """The index vector as an affine function of places with the fewest axes, or None.

    >>> affine(np.array([0, 0, 0, 4, 4, 4]))
    Affine(base=0, axes=((2, 4), (3, 0)))
    >>> affine(np.array([5, 6, 8])) is None
    True
    """
    axes: list[tuple[int, int]] = []
    rest = index
    while len(rest) > 1:
        steps = np.diff(rest)
        stride = int(steps[0])
        breaks = np.flatnonzero(steps != stride)
        length = int(breaks[0]) + 1 if len(breaks) else len(rest)
        if len(rest) % length:
            return None
        rows = rest.reshape(-1, length)
        if (rows - rows[:, :1] != stride * np.arange(length)).any():
            return None
        axes.append((length, stride))
        rest = rows[:, 0]
    return Affine(int(index[0]), tuple(axes[::-1]))


def common_frame(patterns: Sequence[Affine | None], count: int, inner: int = 1) -> tuple[int, ...]:
    """Lengths, the outermost first, over which as many of the patterns as possible are affine.

    Among the places at which the axes are cut is `inner`, and `count` is the product of all.

    >>> common_frame([Affine(0, ((24, 1),)), Affine(0, ((8, 1), (3, 0)))], 24)
    (8, 3)
    """
    cuts = sorted({1, inner, count})
    for pattern in patterns:
        if pattern is None:
            continue
        own, size = set[int](), 1
        for length, _ in reversed(pattern.axes):
            size *= length
            own.add(size)
        merged = sorted({*cuts, *own})
        if all(large % small == 0 for small, large in pairwise(merged)):
            cuts = merged
    return tuple(large // small for small, large in pairwise(cuts))[::-1]


def strides(index: Index, frame: Sequence[int]) -> tuple[int, ...] | None:
    """Strides of an index array of the shape of the frame, or None where it is not affine over it."""
    found: list[int] = []
    expected = np.full(tuple(frame), index.flat[0])
    for axis, length in enumerate(frame):
        first = [0] * len(frame)
        first[axis] = 1
        stride = int(index[tuple(first)]) - int(index.flat[0]) if length > 1 else 0
        found.append(stride)
        shape = [1] * len(frame)
        shape[axis] = length
        expected = expected + stride * np.arange(length).reshape(shape)
    return tuple(found) if (expected == index).all() else None


def reduced(index: Index) -> Index:
    """The index array with axes along which nothing changes cut to length 1."""
    for axis in range(index.ndim):
        first = index.take([0], axis)
        if (index == first).all():
            index = first
    return index


def read(source: jax.Array, index: Index) -> jax.Array:
    """Entries of `source` along its first axis, in the shape of `reduced(index)`, then the further axes of `source`.

    >>> read(jnp.arange(6.0), np.array([[0, 3], [1, 4], [2, 5]])).tolist()
    [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    small = reduced(index)
    steps = strides(small, small.shape)
    found = None if steps is None else _sliced(source, int(small.flat[0]), small.shape, steps)
    if found is None:
        taken = source.at[small.ravel()].get(mode="promise_in_bounds", wrap_negative_indices=False)
        return taken.reshape(*small.shape, *source.shape[1:])
    return found


def is_regular(index: Index, size: int) -> bool:
    """Whether `read` needs no gather from a source of that size."""
    small = reduced(index)
    steps = strides(small, small.shape)
    return steps is not None and _windows(size, int(small.flat[0]), small.shape, steps) is not None


class _Window(NamedTuple):
    start: int
    length: int
    stride: int
    pad: int


def _windows(
    size: int, base: int, frame: Sequence[int], steps: Sequence[int]
) -> tuple[list[int], list[_Window], list[int]] | None:
    """Axes by falling stride, what to cut for each, and the axes to turn round; None where windows overlap."""
    flipped = [axis for axis, stride in enumerate(steps) if stride < 0]
    start = base + sum((frame[axis] - 1) * steps[axis] for axis in flipped)
    order = sorted((axis for axis, stride in enumerate(steps) if stride), key=lambda axis: -abs(steps[axis]))
    spans = [(frame[axis] - 1) * abs(steps[axis]) for axis in order]
    windows: list[_Window] = []
    for k, axis in enumerate(order):
        length, stride = frame[axis], abs(steps[axis])
        if k == len(order) - 1:
            windows.append(_Window(start, length, stride, 0))
            break
        span = 1 + sum(spans[k + 1 :])
        if span > stride:
            return None
        first = min(start, size - length * stride)
        if first < 0 or start - first + span > stride:
            first = start
        windows.append(_Window(first, length, stride, max(0, first + length * stride - size)))
        start, size = start - first, stride
    if not order:
        windows.append(_Window(start, 1, 1, 0))
    return order, windows, flipped


def _sliced(source: jax.Array, base: int, frame: Sequence[int], steps: Sequence[int]) -> jax.Array | None:
    cut = _windows(source.shape[0], base, frame, steps)
    if cut is None:
        return None
    order, windows, flipped = cut
    found = source
    for axis, (start, length, stride, pad) in enumerate(windows):
        if axis == len(windows) - 1:
            found = jax.lax.slice_in_dim(found, start, start + (length - 1) * stride + 1, stride, axis)
            break
        if pad:
            found = jnp.pad(found, [(0, pad if a == axis else 0) for a in range(found.ndim)])
        found = jax.lax.slice_in_dim(found, start, start + length * stride, 1, axis)
        found = found.reshape(*found.shape[:axis], length, stride, *found.shape[axis + 1 :])
    places = sorted(range(len(order)), key=order.__getitem__)
    if places != sorted(places):
        found = found.transpose(*places, *range(len(order), found.ndim))
    kept = sorted(order)
    if flipped:
        found = jnp.flip(found, [kept.index(axis) for axis in flipped])
    further = source.shape[1:]
    return found.reshape(*(frame[axis] if axis in order else 1 for axis in range(len(frame))), *further)


def split(index: Index, frame: Sequence[int]) -> Index:
    """An index array as one of the shape of the frame."""
    return index.reshape(tuple(frame)) if math.prod(frame) == index.size else index.reshape(-1)


def frame_of(indices: Sequence[Index], inner: int = 1) -> tuple[int, ...]:
    """The common frame of index arrays of one size."""
    return common_frame([affine(index.ravel()) for index in indices], indices[0].size, inner)
