"""Operations that move entries without computing: broadcasting, slices, stacking, and arrays of constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from symdiff.chain import collected
from symdiff.errors import ShapeError
from symdiff.function import Form
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Length, Shape, same, written

# for each axis ("at", place), which drops the axis, or ("range", start, count, step)
Places = tuple[tuple[Any, ...], ...]

LINEAR = "linear in its operand"


def linear(value: Form) -> Form:
    """The tangent of an operation that is linear in its first operand, while any others have none."""

    def tangent(operands: Sequence[Any], tangents: Sequence[Any], static: tuple[Any, ...], _: Any) -> Any:
        return value(tangents[0], *operands[1:], *static)

    return tangent


def _no_adjoint(*_: Any) -> Any:
    raise AssertionError("an array of constants has no operands")


# broadcast: copies along axes of length 1 and new axes in front


def _broadcast_adjoint(_: int, adjoint: Any, operands: Sequence[Any], static: tuple[Any, ...], value: Any) -> Any:
    return collected(adjoint, np.shape(value), np.shape(operands[0]))


def reduced(b: GraphBuilder, node: int, full: Shape, shape: Shape) -> int:
    """Node of shape `shape` from one that broadcasts to `full`, summed over the axes along which that was copied."""
    lost = [
        axis
        for axis, length in enumerate(full)
        if not same(length, 1) and (axis < len(full) - len(shape) or same(shape[axis - len(full) + len(shape)], 1))
    ]
    dropped = list(range(len(full) - len(shape)))
    if not lost and not dropped:
        return node
    names = ALPHABET[: len(full)]
    ones = [axis for axis in range(len(full)) if axis in lost or axis in dropped]
    kept = "".join(names[axis] for axis in range(len(full)) if axis not in ones)
    result = contract(b, [broadcast_to(b, node, full)], [names, kept])
    again = tuple(axis - len(full) + len(shape) for axis in ones if axis not in dropped)
    return b.apply(EXPAND, (result,), (again,)) if again else result


def _broadcast_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], __: int
) -> int:
    return reduced(b, adjoint, static[0], b.shape(operands[0]))


def _broadcast_shape(shapes: Sequence[Shape], shape: Shape) -> Shape:
    (own,) = shapes
    fits = len(own) <= len(shape) and all(
        same(a, 1) or same(a, n) for a, n in zip(reversed(own), reversed(shape), strict=False)
    )
    if not fits:
        raise ShapeError(f"an array of shape {written(own)} does not fill the shape {written(shape)}")
    return shape


BROADCAST = Operation(
    name="broadcast",
    shape=_broadcast_shape,
    value=np.broadcast_to,
    jax=jnp.broadcast_to,
    adjoint=_broadcast_adjoint,
    derived=_broadcast_derived,
    tangent=linear(np.broadcast_to),
    source=LINEAR,
)


def broadcast_to(b: GraphBuilder, node: int, shape: Shape) -> int:
    """Node of exactly this shape; the node itself where it has it.

    >>> import sympy as sp
    >>> b = GraphBuilder()
    >>> b.shape(broadcast_to(b, b.constant(sp.Integer(1)), (2, 3)))
    (2, 3)
    """
    own = b.shape(node)
    if len(own) == len(shape) and all(map(same, own, shape)):
        return node
    return b.apply(BROADCAST, (node,), (shape,))


# expand: new axes of length 1


def _expand_shape(shapes: Sequence[Shape], axes: tuple[int, ...]) -> Shape:
    shape = list(shapes[0])
    for axis in axes:
        shape.insert(axis, 1)
    return tuple(shape)


def _expand_adjoint(_: int, adjoint: Any, operands: Sequence[Any], static: tuple[Any, ...], __: Any) -> Any:
    return np.reshape(adjoint, np.shape(operands[0]))


def _expand_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], __: int
) -> int:
    names = ALPHABET[: len(b.shape(adjoint))]
    return contract(b, [adjoint], [names, "".join(c for axis, c in enumerate(names) if axis not in static[0])])


EXPAND = Operation(
    name="expand",
    shape=_expand_shape,
    value=np.expand_dims,
    jax=jnp.expand_dims,
    adjoint=_expand_adjoint,
    derived=_expand_derived,
    tangent=linear(np.expand_dims),
    source=LINEAR,
)


# slice: entries at places known beforehand


def _places(axes: Places) -> tuple[Any, ...]:
    found: list[Any] = []
    for axis in axes:
        if axis[0] == "at":
            found.append(axis[1])
            continue
        _, start, count, step = axis
        stop = start + step * count
        # going down to the first entry there is no number to stop before
        found.append(slice(start, None if stop < 0 else stop, step))
    return tuple(found)


def _slice(array: Any, axes: Places) -> Any:
    return array[_places(axes)]


def _slice_shape(shapes: Sequence[Shape], axes: Places) -> Shape:
    return tuple(axis[2] for axis in axes if axis[0] == "range")


def _slice_adjoint(_: int, adjoint: Any, operands: Sequence[Any], static: tuple[Any, ...], __: Any) -> Any:
    result = np.zeros_like(operands[0])
    result[_places(static[0])] = adjoint
    return result


def _slice_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], __: int
) -> int:
    return b.apply(PLACE, (adjoint,), (static[0], b.shape(operands[0])))


SLICE = Operation(
    name="slice",
    shape=_slice_shape,
    value=_slice,
    jax=_slice,
    adjoint=_slice_adjoint,
    derived=_slice_derived,
    tangent=linear(_slice),
    source=LINEAR,
)


def sliced(b: GraphBuilder, node: int, axes: Places) -> int:
    """Node of a slice; the node itself where the slice is the whole array."""
    shape = b.shape(node)
    whole = all(
        axis[0] == "range" and axis[1] == 0 and axis[3] == 1 and same(axis[2], length)
        for axis, length in zip(axes, shape, strict=True)
    )
    return node if whole else b.apply(SLICE, (node,), (axes,))


# place: a slice of an array of zeros, filled in


def _place(array: Any, axes: Places, shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape, np.asarray(array).dtype)
    result[_places(axes)] = array
    return result


PLACE = Operation(
    name="place",
    shape=lambda shapes, axes, shape: shape,
    value=_place,
    jax=lambda array, axes, shape: jnp.zeros(shape, array.dtype).at[_places(axes)].set(array),
    adjoint=lambda _, adjoint, operands, static, __: adjoint[_places(static[0])],
    derived=lambda b, _, adjoint, operands, static, __: b.apply(SLICE, (adjoint,), (static[0],)),
    tangent=linear(_place),
    source=LINEAR,
)


# stack: scalars as the entries of an array


def _stack_derived(
    b: GraphBuilder, position: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], _: int
) -> int:
    place = np.unravel_index(position, static[0])
    return b.apply(SLICE, (adjoint,), (tuple(("at", int(k)) for k in place),))


def _stack_tangent(operands: Sequence[Any], tangents: Sequence[Any], static: tuple[Any, ...], value: Any) -> Any:
    return _stack(*(np.zeros_like(u) if t is None else t for u, t in zip(operands, tangents, strict=True)), *static)


def _stack(*arguments: Any) -> Any:
    *entries, shape = arguments
    return np.stack([np.asarray(entry) for entry in entries]).reshape(shape)


STACK = Operation(
    name="stack",
    shape=lambda shapes, shape: shape,
    value=_stack,
    jax=lambda *arguments: jnp.stack(arguments[:-1]).reshape(arguments[-1]),
    adjoint=lambda position, adjoint, operands, static, _: np.broadcast_to(adjoint, static[0]).reshape(-1)[position],
    derived=_stack_derived,
    tangent=_stack_tangent,
    source=LINEAR,
)


# arrays of constants, which know no dtype of their own: the identity, and the numbers start, start + 1, ...

IDENTITY = Operation(
    name="identity",
    shape=lambda shapes, length: (length, length),
    value=lambda length: np.eye(length, dtype=np.float32),
    jax=lambda length: jnp.eye(length, dtype=jnp.float32),
    adjoint=_no_adjoint,
    derived=_no_adjoint,
    tangent=_no_adjoint,
    source="constant",
)
COUNT = Operation(
    name="count",
    shape=lambda shapes, start, length: (length,),
    value=lambda start, length: np.arange(start, start + length, dtype=np.float64),
    jax=lambda start, length: jnp.arange(start, start + length, dtype=jnp.float64),
    adjoint=_no_adjoint,
    derived=_no_adjoint,
    tangent=_no_adjoint,
    source="constant",
)


def identity(b: GraphBuilder, length: Length) -> int:
    """Node of the identity matrix."""
    return b.apply(IDENTITY, (), (length,))
