"""Entries of arrays: x[i], A[i, j], with indices that are bound by sums, numbers, or computed.

An index that runs through a range with a constant stride makes a slice; any other is looked up entry by entry.
Entries are counted from 0, or from the offset of an IndexedBase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions.array_expressions import ArrayElement, ArraySymbol

from symdiff.errors import ShapeError
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.gathering import GATHER
from symdiff.tensors.layout import sliced
from symdiff.tensors.scope import Axis, Scope, Value, aligned, exact
from symdiff.tensors.shapes import Length, Shape, length_of

if TYPE_CHECKING:
    from symdiff.tensors.reading import ArrayReader

HEADS = (sp.Indexed, sp.IndexedBase, MatrixElement, ArrayElement, ArraySymbol)


def operands(expression: Any, scope: Scope) -> list[sp.Basic]:
    """The array, then the indices that have to be computed."""
    if isinstance(expression, (sp.IndexedBase, ArraySymbol)):
        return []
    if isinstance(expression, sp.Indexed):
        computed = _computed(_indices(expression), scope)
        return list(_indices(expression)) if computed else []
    computed = _computed(_indices(expression), scope)
    return [expression.args[0], *(_indices(expression) if computed else ())]


def value(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    """Entries as an array along the indices that they depend on."""
    b = reader.builder
    if isinstance(expression, sp.IndexedBase):
        raise ShapeError(f"{expression} is an array; write an entry of it, as {expression}[i]")
    if isinstance(expression, ArraySymbol):
        shape = tuple(map(length_of, expression.shape))
        return Value(b.input(expression, shape), (), shape)
    indices = _indices(expression)
    if isinstance(expression, sp.Indexed):
        base: sp.IndexedBase = expression.base
        known = shape_of(base, len(indices))
        array = Value(b.input(base, known), (), known)
        places = values
    else:
        array, *places = values
    if array.labels or len(indices) != len(array.shape):
        reader.refuse(expression)
    node = exact(b, array)
    if places:
        return _looked_up(reader, node, places, scope)
    runs = [_run(index, scope) for index in indices]
    axes: list[tuple[Any, ...]] = []
    labels: list[Axis] = []
    for index, run in zip(indices, runs, strict=True):
        if run is None:
            axes.append(("at", length_of(index)))
        else:
            axis, slope, start = run
            labels.append(axis)
            axes.append(("range", start, axis.length, slope))
    node = sliced(b, node, tuple(axes))
    kept = tuple(axis for axis in scope if axis in labels)
    letters = "".join(ALPHABET[kept.index(axis)] for axis in labels)
    return Value(contract(b, [node], [letters, ALPHABET[: len(kept)]]) if labels else node, kept)


def shape_of(base: Any, rank: int) -> Shape:
    """Declared shape of an array, or a symbol for each of its lengths.

    >>> shape_of(sp.IndexedBase("x"), 1), shape_of(sp.IndexedBase("y", shape=(3,)), 1)
    ((x.shape[0],), (3,))
    """
    if base.shape is None:
        return tuple(sp.Symbol(f"{base.label}.shape[{axis}]", integer=True, nonnegative=True) for axis in range(rank))
    if len(base.shape) != rank:
        raise ShapeError(f"{base} has {len(base.shape)} axes, but an entry of it is given by {rank} indices")
    return tuple(map(length_of, base.shape))


def _indices(expression: Any) -> tuple[sp.Expr, ...]:
    if isinstance(expression, sp.Indexed):
        offset = expression.base.offset
        return tuple(sp.expand(index - offset) for index in expression.indices) if offset else expression.indices
    if isinstance(expression, ArrayElement):
        return tuple(expression.indices)
    return tuple(expression.args[1:])


def _computed(indices: Sequence[sp.Expr], scope: Scope) -> bool:
    """Whether some index needs a look-up."""
    for index in indices:
        within = [axis for axis in scope if index.has(axis.index)]
        if index.has(sp.Indexed, MatrixElement) or len(within) > 1:
            return True
        if within and _run(index, scope) is None:
            return True
    return False


def _run(index: sp.Expr, scope: Scope) -> tuple[Axis, int, Length] | None:
    """(axis, stride, first place) of an index a*i + c, None where it runs through no range."""
    axis = next((axis for axis in scope if index.has(axis.index)), None)
    if axis is None:
        return None
    slope = sp.diff(index, axis.index)
    if not isinstance(slope, sp.Integer):
        return None
    return axis, int(slope), length_of(index.xreplace({axis.index: axis.lower}))


def _looked_up(reader: ArrayReader, node: int, places: Sequence[Value], scope: Scope) -> Value:
    nodes, labels, _ = aligned(reader.builder, places, scope)
    return Value(reader.builder.apply(GATHER, (node, *nodes)), labels)
