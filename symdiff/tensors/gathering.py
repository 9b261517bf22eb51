"""Entries at computed places, and the adjoint, entries added up there. The places carry no derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.arguments import aligned
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.layout import LINEAR, linear
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape, broadcast


def _whole(numpy: Any, places: Sequence[Any], shape: tuple[int, ...]) -> tuple[tuple[Any, ...], Any]:
    """Places as integers within an array of this shape, and where they are not within it; by NumPy or JAX."""
    outside: Any = False
    inside: list[Any] = []
    for place, length in zip(places, shape, strict=True):
        number = numpy.asarray(place)
        wrong = ~((number >= 0) & (number < length) & (number == numpy.floor(number)))
        outside = wrong | outside
        inside.append(numpy.where(wrong, 0, number).astype(numpy.int64))
    return tuple(inside), outside


def _gathered(numpy: Any, array: Any, places: Sequence[Any]) -> Any:
    inside, outside = _whole(numpy, places, array.shape)
    return numpy.where(outside, numpy.nan, array[inside]).astype(array.dtype)


def _gather(array: Any, *places: Any) -> Any:
    return _gathered(np, array, places)


def _scattered(adjoint: Any, places: Sequence[Any], shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape, np.asarray(adjoint).dtype)
    inside, outside = _whole(np, places, shape)
    np.add.at(result, inside, np.where(outside, 0, adjoint))
    return result


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


def _gather_shape(shapes: Sequence[Shape]) -> Shape:
    return broadcast(shapes[1:], "places")


GATHER = Operation(
    name="gather",
    shape=_gather_shape,
    value=_gather,
    jax=lambda array, *places: _gathered(jnp, array, aligned(places)),
    adjoint=_gather_adjoint,
    derived=_gather_derived,
    tangent=linear(_gather),
    source=LINEAR,
)


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
    tangent=linear(_scatter),
    source=LINEAR,
)
