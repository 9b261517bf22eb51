"""Operations that move entries without computing: broadcasting, slices, look-ups, stacking, and arrays of constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.arguments import aligned
from symdiff.chain import collected
from symdiff.errors import ShapeError
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Length, Shape, same, written

# for each axis ("at", place), which drops the axis, or ("range", start, count, step)
Places = tuple[tuple[Any, ...], ...]

_LINEAR = "linear in its operand"


def _first_tangent(operation: str) -> Any:
    def tangent(operands: Sequence[Any], tangents: Sequence[Any], static: tuple[Any, ...], _: Any) -> Any:
        return _VALUES[operation](tangents[0], *operands[1:], *static)

    return tangent


def _no_adjoint(*_: Any) -> Any:
    raise AssertionError("an array of constants has no operands")


# broadcast: copies along axes of length 1 and new axes in front


def _broadcast(array: Any, shape: Shape) -> Any:
    return np.broadcast_to(array, shape)


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
    value=_broadcast,
    jax=lambda array, shape: jnp.broadcast_to(array, shape),
    adjoint=_broadcast_adjoint,
    derived=_broadcast_derived,
    tangent=_first_tangent("broadcast"),
    source=_LINEAR,
)


def broadcast_to(b: GraphBuilder, node: int, shape: Shape) -> int:
    """Node of exactly this shape; the node itself where it has it.

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
    value=lambda array, axes: np.expand_dims(array, axes),
    jax=lambda array, axes: jnp.expand_dims(array, axes),
    adjoint=_expand_adjoint,
    derived=_expand_derived,
    tangent=_first_tangent("expand"),
    source=_LINEAR,
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
    value=lambda array, axes: array[_places(axes)],
    jax=lambda array, axes: array[_places(axes)],
    adjoint=_slice_adjoint,
    derived=_slice_derived,
    tangent=_first_tangent("slice"),
    source=_LINEAR,
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
    tangent=_first_tangent("place"),
    source=_LINEAR,
)


# gather: entries at computed places; the places carry no derivative


def _whole(places: Sequence[Any], shape: tuple[int, ...]) -> tuple[list[Any], Any]:
    """Places as integers within an array of this shape, and where they are not within it."""
    numbers = [np.asarray(place) for place in places]
    outside = np.zeros((), bool)
    inside: list[Any] = []
    for number, length in zip(numbers, shape, strict=True):
        wrong = ~((number >= 0) & (number < length) & (number == np.floor(number)))
        outside = outside | wrong
        inside.append(np.where(wrong, 0, number).astype(np.int64))
    return inside, outside


def _gather(array: Any, *places: Any) -> Any:
    inside, outside = _whole(places, array.shape)
    return np.where(outside, np.nan, array[tuple(inside)]).astype(array.dtype)


def _gather_jax(array: Any, *places: Any) -> Any:
    places = tuple(aligned(places))
    outside: Any = False
    inside: list[Any] = []
    for number, length in zip(places, array.shape, strict=True):
        wrong = ~((number >= 0) & (number < length) & (number == jnp.floor(number)))
        outside = wrong | outside
        inside.append(jnp.where(wrong, 0, number).astype(jnp.int64))
    return jnp.where(outside, jnp.nan, array[tuple(inside)])


def _scattered(adjoint: Any, places: Sequence[Any], shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape, np.asarray(adjoint).dtype)
    inside, outside = _whole(places, shape)
    np.add.at(result, tuple(inside), np.where(outside, 0, adjoint))
    return result


def _gather_shape(shapes: Sequence[Shape]) -> Shape:
    from symdiff.tensors.shapes import broadcast

    return broadcast(shapes[1:], "places")


def _gather_adjoint(position: int, adjoint: Any, operands: Sequence[Any], static: Any, value: Any) -> Any:
    if position:
        return None
    return _scattered(np.broadcast_to(adjoint, np.shape(value)), operands[1:], operands[0].shape)


def _gather_derived(
    b: GraphBuilder, position: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], _: int
) -> int:
    if position:
        return b.constant(sp.Integer(0))
    return b.apply(SCATTER, (adjoint, *operands[1:]), (b.shape(operands[0]),))


GATHER = Operation(
    name="gather",
    shape=_gather_shape,
    value=_gather,
    jax=_gather_jax,
    adjoint=_gather_adjoint,
    derived=_gather_derived,
    tangent=_first_tangent("gather"),
    source=_LINEAR,
)


# scatter: the adjoint of gather, entries added up at computed places


def _scatter(array: Any, *rest: Any) -> Any:
    *places, shape = rest
    whole = np.broadcast_shapes(np.shape(array), *map(np.shape, places))
    return _scattered(np.broadcast_to(array, whole), places, shape)


def _scatter_jax(array: Any, *rest: Any) -> Any:
    *places, shape = rest
    array, *places = aligned([array, *places])
    whole = jnp.broadcast_shapes(array.shape, *(place.shape for place in places))
    inside = tuple(jnp.broadcast_to(place, whole).astype(jnp.int64) for place in places)
    return jnp.zeros(shape, array.dtype).at[inside].add(jnp.broadcast_to(array, whole), mode="drop")


def _scatter_adjoint(position: int, adjoint: Any, operands: Sequence[Any], static: Any, _: Any) -> Any:
    return None if position else _gather(np.broadcast_to(adjoint, static[0]), *operands[1:])


def _scatter_derived(
    b: GraphBuilder, position: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], _: int
) -> int:
    return b.constant(sp.Integer(0)) if position else b.apply(GATHER, (adjoint, *operands[1:]))


SCATTER = Operation(
    name="scatter",
    shape=lambda shapes, shape: shape,
    value=_scatter,
    jax=_scatter_jax,
    adjoint=_scatter_adjoint,
    derived=_scatter_derived,
    tangent=_first_tangent("scatter"),
    source=_LINEAR,
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
    source=_LINEAR,
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


_VALUES: dict[str, Any] = {
    operation.name: operation.value for operation in (BROADCAST, EXPAND, SLICE, PLACE, GATHER, SCATTER)
}
