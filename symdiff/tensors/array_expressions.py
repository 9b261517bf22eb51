"""SymPy's array expressions, whose axes are permuted, joined and summed: contractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sympy.tensor.array.expressions.array_expressions import (
    ArrayContraction,
    ArrayDiagonal,
    ArrayTensorProduct,
    PermuteDims,
)

from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.scope import Scope, Value, exact
from symdiff.tensors.shapes import Shape

if TYPE_CHECKING:
    from symdiff.tensors.reading import ArrayReader

# what reads an expression whose operands are read
Emit = Callable[["ArrayReader", Any, Sequence[Value], Scope], Value]


def rearranged(reader: ArrayReader, value: Value, own: str, result: str, shape: Shape) -> Value:
    """The value with its own axes named `own`, contracted to those named `result`."""
    b, count = reader.builder, len(value.labels)
    labels = ALPHABET[::-1][:count]
    node = exact(b, value)
    inner = b.parts(node, "contract") if not count else None
    if inner is None:
        return Value(contract(b, [node], [labels + own, labels + result]), value.labels, shape)
    # a contraction of a contraction is one
    letters: tuple[str, ...] = b.static_of(node)[0]
    spare = iter(letter for letter in ALPHABET[::-1] if letter not in own + result)
    names = dict(zip(letters[-1], own, strict=True))
    for letter in "".join(letters[:-1]):
        if letter not in names:
            names[letter] = next(spare)
    parts = ["".join(names[letter] for letter in part) for part in letters[:-1]]
    return Value(contract(b, inner, [*parts, result]), value.labels, shape)


def unlabelled(reader: ArrayReader, expression: Any, value: Value) -> int:
    """Node of a value that depends on no index; refuses any other."""
    if value.labels:
        reader.refuse(expression)
    return exact(reader.builder, value)


def _tensor_product(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    parts: list[str] = []
    for value in values:
        start = sum(map(len, parts))
        parts.append(ALPHABET[start : start + len(value.shape)])
    nodes = [unlabelled(reader, expression, value) for value in values]
    shape = tuple(length for value in values for length in value.shape)
    return Value(contract(reader.builder, nodes, [*parts, "".join(parts)]), (), shape)


def _joined(value: Value, groups: Sequence[Sequence[int]]) -> list[str]:
    """A letter for each axis of a value, one letter for the axes of a group."""
    own = list(ALPHABET[: len(value.shape)])
    for group in groups:
        for place in group:
            own[place] = own[group[0]]
    return own


def _kept(reader: ArrayReader, value: Value, own: Sequence[str], kept: Sequence[int]) -> Value:
    """The value with only the axes at these places, in their order; what is left out is summed."""
    result = "".join(own[place] for place in kept)
    return rearranged(reader, value, "".join(own), result, tuple(value.shape[place] for place in kept))


def _contraction(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    own = _joined(value, expression.contraction_indices)
    summed = {own[group[0]] for group in expression.contraction_indices}
    kept = [place for place, letter in enumerate(own) if letter not in summed]
    return _kept(reader, value, own, kept)


def _array_diagonal(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    own = _joined(value, expression.diagonal_indices)
    joined = [int(group[0]) for group in expression.diagonal_indices]
    alone = [place for place in range(len(own)) if own.count(own[place]) == 1 and place not in joined]
    # joined axes stand last
    return _kept(reader, value, own, alone + joined)


def _permuted(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    return _kept(reader, value, _joined(value, ()), expression.permutation.array_form)


ARRAY_EMITS: tuple[tuple[type, Emit], ...] = (
    (ArrayTensorProduct, _tensor_product),
    (ArrayContraction, _contraction),
    (ArrayDiagonal, _array_diagonal),
    (PermuteDims, _permuted),
)
