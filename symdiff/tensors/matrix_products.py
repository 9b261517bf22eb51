"""Products of matrices, in the order that costs the fewest multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.scope import Scope, Value, aligned, exact
from symdiff.tensors.shapes import Length

if TYPE_CHECKING:
    from symdiff.tensors.reading import ArrayReader

# matrices of one product whose order is chosen
LONGEST_ORDERED = 40
# what a symbolic length counts as when the order of a product is chosen
TYPICAL_LENGTH = 100


def product(reader: ArrayReader, _: Any, values: Sequence[Value], scope: Scope) -> Value:
    """A product of numbers and matrices, its factors being read."""
    b = reader.builder
    factors = [value for value in values if not value.shape]
    chain = [value for value in values if value.shape]
    result = _chained(b, chain, scope)
    if not factors:
        return result
    nodes, labels, _ = aligned(b, factors, scope)
    both, labels, _ = aligned(b, [Value(reader.chain("multiply", nodes), labels), result], scope)
    return Value(b.call("multiply", *both), labels, result.shape)


def _chained(b: GraphBuilder, chain: list[Value], scope: Scope) -> Value:
    """A product of matrices in the order that costs the fewest multiplications, by dynamic programming."""
    count = len(chain)
    sizes = [_size(value.shape[0]) for value in chain] + [_size(chain[-1].shape[1])]
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            # of many matrices the order is as written
            choices = range(i, j) if count <= LONGEST_ORDERED else (j - 1,)
            costs = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in choices
                if (i, k) in cost and (k + 1, j) in cost
            }
            split[i, j] = min(costs, key=lambda k: (costs[k], -k)) if costs else j - 1
            cost[i, j] = min(costs.values(), default=0)
    done: dict[tuple[int, int], Value] = {(i, i): value for i, value in enumerate(chain)}
    pending = [(0, count - 1)]
    while pending:
        i, j = pending[-1]
        k = split.get((i, j), i)
        missing = [part for part in ((i, k), (k + 1, j)) if part not in done] if i < j else []
        if missing:
            pending += missing
            continue
        pending.pop()
        if i < j:
            done[i, j] = two(b, done[i, k], done[k + 1, j], scope)
    return done[0, count - 1]


def _size(length: Length) -> int:
    return length if isinstance(length, int) else TYPICAL_LENGTH


def two(b: GraphBuilder, left: Value, right: Value, scope: Scope) -> Value:
    """The product of two matrices."""
    labels = tuple(axis for axis in scope if axis in left.labels or axis in right.labels)
    names = {axis: ALPHABET[k] for k, axis in enumerate(labels)}
    i, j, k = ALPHABET[len(labels) : len(labels) + 3]
    first = "".join(names[axis] for axis in left.labels) + i + j
    second = "".join(names[axis] for axis in right.labels) + j + k
    node = contract(b, [exact(b, left), exact(b, right)], [first, second, ALPHABET[: len(labels)] + i + k])
    return Value(node, labels, (left.shape[0], right.shape[1]))
