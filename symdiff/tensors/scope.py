"""Indices of sums and products, and how values that depend on different indices are brought to common axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sympy as sp

from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.layout import EXPAND, broadcast_to
from symdiff.tensors.shapes import Length, Shape, length_of


class Axis(NamedTuple):
    """An index that runs over the whole numbers from `lower` to `upper`, the bounds included."""

    index: sp.Symbol
    lower: sp.Expr
    upper: sp.Expr

    @property
    def length(self) -> Length:
        """How many numbers it runs over."""
        return length_of(self.upper - self.lower + 1)


# the indices that are bound at a place of an expression, the outermost first
Scope = tuple[Axis, ...]


class Value(NamedTuple):
    """A node whose first axes belong to indices, in the order of the scope, and whose last ones to a matrix.

    The node may lack axes in front, and have length 1, wherever it is the same all along the axis.
    """

    node: int
    labels: Scope
    shape: Shape = ()

    @property
    def full(self) -> Shape:
        """The shape it stands for."""
        return (*(axis.length for axis in self.labels), *self.shape)


def aligned(b: GraphBuilder, values: Sequence[Value], scope: Scope) -> tuple[list[int], Scope, int]:
    """Nodes that an elementwise function may take together, the indices of the result, and the axes after them."""
    labels = tuple(axis for axis in scope if any(axis in value.labels for value in values))
    rank = max((len(value.shape) for value in values), default=0)
    return [placed(b, value, labels, rank) for value in values], labels, rank


def placed(b: GraphBuilder, value: Value, labels: Scope, rank: int) -> int:
    """Node whose axes, the last ones of those of the labels and of a matrix of `rank`, broadcast to all of them."""
    have = len(b.shape(value.node))
    # the axes that the node really has, the last ones of those it stands for
    own = [*value.labels, *range(rank - len(value.shape), rank)][len(value.full) - have :]
    wanted = [*labels, *range(rank)]
    if not own:
        return value.node
    tail = wanted[wanted.index(own[0]) :]
    inserted = tuple(place for place, axis in enumerate(tail) if axis not in own)
    return b.apply(EXPAND, (value.node,), (inserted,)) if inserted else value.node


def exact(b: GraphBuilder, value: Value) -> int:
    """Node of exactly the shape that a value stands for."""
    return broadcast_to(b, value.node, value.full)
