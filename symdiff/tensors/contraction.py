"""The contraction: products of entries, summed over the letters that the result lacks, in Einstein's notation.

Matrix products, outer products, traces, transposes, diagonals and sums over an index are all contractions. One is
linear in each operand, so the adjoint of an operand is again a contraction: of the adjoint of the result with the
other operands, over the letters that the operand lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from symdiff.errors import ShapeError
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Length, Shape, same, written

# letters of one operand, then of the next, and of the result: ("ij", "jk", "ik")
Letters = tuple[str, ...]
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lengths_of(shapes: Sequence[Shape], letters: Letters) -> dict[str, Length]:
    """Length of every letter; raises ShapeError where two operands disagree."""
    found: dict[str, Length] = {}
    for shape, own in zip(shapes, letters[:-1], strict=True):
        for letter, length in zip(own, shape, strict=True):
            if not same(found.setdefault(letter, length), length):
                told = " and ".join(map(written, shapes))
                raise ShapeError(
                    f"product of shapes {told}: {found[letter]} and {length} are summed together, but differ"
                )
    return found


def _shape(shapes: Sequence[Shape], letters: Letters) -> Shape:
    found = lengths_of(shapes, letters)
    return tuple(found[letter] for letter in letters[-1])


def subscripts(letters: Letters) -> str:
    """Letters as `numpy.einsum` takes them.

    >>> subscripts(("ij", "jk", "ik"))
    'ij,jk->ik'
    """
    return f"{','.join(letters[:-1])}->{letters[-1]}"


def _value(*arguments: Any) -> Any:
    *operands, letters = arguments
    return np.einsum(subscripts(letters), *operands, optimize=len(operands) > 1)


def _jax(*arguments: Any) -> Any:
    *operands, letters = arguments
    # without axes of length 1 a product with a column maps over a batch as one plain matrix product
    shapes = [zip(part, array.shape, strict=True) for array, part in zip(operands, letters, strict=False)]
    single = {letter for shape in shapes for letter, length in shape if length == 1}
    if not single:
        return jnp.einsum(subscripts(letters), *operands)
    kept = tuple("".join(letter for letter in part if letter not in single) for part in letters)
    arrays = [
        jnp.squeeze(array, tuple(axis for axis, letter in enumerate(part) if letter in single))
        for array, part in zip(operands, letters, strict=False)
    ]
    found = jnp.einsum(subscripts(kept), *arrays)
    return jnp.expand_dims(found, tuple(axis for axis, letter in enumerate(letters[-1]) if letter in single))


def _adjoint(position: int, adjoint: Any, operands: Sequence[Any], static: tuple[Any, ...], _: Any) -> Any:
    (letters,) = static
    own, result = letters[position], letters[-1]
    others = [(letters[k], operands[k]) for k in range(len(operands)) if k != position]
    factors = [(result, np.asarray(adjoint)), *others]
    # a letter that stands twice in the operand runs along its diagonal
    names = "".join(letter for letter in ALPHABET if all(letter not in part for part in letters))
    target, spare = "", iter(names)
    for axis, letter in enumerate(own):
        if letter in target:
            twin = next(spare)
            factors.append((letter + twin, np.eye(operands[position].shape[axis], dtype=factors[0][1].dtype)))
            letter = twin
        target += letter
    present = {letter for part, _ in factors for letter in part}
    for axis, letter in enumerate(target):
        if letter not in present:
            # the operand was summed along this axis, so each entry gets the same
            factors.append((letter, np.ones(operands[position].shape[axis], factors[0][1].dtype)))
    parts = tuple(part for part, _ in factors)
    return _value(*(array for _, array in factors), (*parts, target))


def _derived(
    b: GraphBuilder, position: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], node: int
) -> int:
    """Multilinearity: replace the operand by a unit array; what remains, contracted with G, is the adjoint."""
    from symdiff.tensors.layout import EXPAND, broadcast_to, identity

    (letters,) = static
    own, result = letters[position], letters[-1]
    parts = [result] + [part for k, part in enumerate(letters[:-1]) if k != position]
    nodes = [broadcast_to(b, adjoint, b.shape(node))] + [node for k, node in enumerate(operands) if k != position]
    shape = b.shape(operands[position])
    free = [letter for letter in ALPHABET if all(letter not in part for part in letters)]
    target = list(own)
    for axis, letter in enumerate(own):
        if letter in own[:axis]:
            target[axis] = free.pop()
            parts.append(letter + target[axis])
            nodes.append(identity(b, shape[axis]))
    kept = "".join(letter for letter in target if any(letter in part for part in parts))
    found = contract(b, nodes, (*parts, kept))
    missing = tuple(axis for axis, letter in enumerate(target) if letter not in kept)
    return broadcast_to(b, b.apply(EXPAND, (found,), (missing,)) if missing and kept else found, shape)


def _tangent(operands: Sequence[Any], tangents: Sequence[Any], static: tuple[Any, ...], _: Any) -> Any:
    terms = [
        _value(*(tangents[k] if k == moving else operand for k, operand in enumerate(operands)), *static)
        for moving in range(len(operands))
        if tangents[moving] is not None
    ]
    return sum(terms[1:], terms[0])


CONTRACT = Operation(
    name="contract",
    shape=_shape,
    value=_value,
    jax=_jax,
    adjoint=_adjoint,
    derived=_derived,
    tangent=_tangent,
    source="Giles, Collected matrix derivative results for forward and reverse mode AD (2008), section 2.2.2",
)


def contract(b: GraphBuilder, nodes: Sequence[int], letters: Sequence[str]) -> int:
    """Node of a contraction of nodes whose letters, and last those of the result, are given.

    Transposes of operands become other letters, and scalars factors; letters are renamed in the order in which they
    stand, so that equal contractions are one node.

    >>> import sympy as sp
    >>> b = GraphBuilder()
    >>> x = b.input(sp.MatrixSymbol("A", 2, 3), (2, 3))
    >>> contract(b, [x], ["pq", "pq"]) == x
    True
    >>> transposed = contract(b, [x], ["pq", "qp"])
    >>> contract(b, [transposed], ["pq", "qp"]) == x
    True
    """
    factors: list[int] = []
    arrays: list[tuple[int, str]] = []
    for node, part in zip(nodes, letters, strict=False):
        arrays.append(_untransposed(b, node, part)) if part else factors.append(node)
    if arrays:
        names: dict[str, str] = {}
        for letter in "".join(part for _, part in arrays):
            names.setdefault(letter, ALPHABET[len(names)])
        final = tuple("".join(names[letter] for letter in part) for part in (*(p for _, p in arrays), letters[-1]))
        unchanged = len(arrays) == 1 and (final[0] == final[1] or _turns_one_entry(b, arrays[0][0], final))
        factors.append(arrays[0][0] if unchanged else b.apply(CONTRACT, tuple(node for node, _ in arrays), (final,)))
    result = factors[-1]
    for factor in factors[-2::-1]:
        result = b.call("multiply", factor, result)
    return result


def _turns_one_entry(b: GraphBuilder, node: int, letters: Sequence[str]) -> bool:
    """Whether axes are only exchanged, and all have the length 1."""
    own, result = letters
    only_turned = len(set(own)) == len(own) == len(result) and set(own) == set(result)
    return only_turned and all(same(length, 1) for length in b.shape(node))


def _untransposed(b: GraphBuilder, node: int, letters: str) -> tuple[int, str]:
    inner = b.parts(node, "contract")
    if inner is None or len(inner) != 1:
        return node, letters
    (pair,) = b.static_of(node)
    own, result = pair
    if sorted(own) != sorted(result) or len(set(own)) < len(own):
        return node, letters
    return inner[0], "".join(letters[result.index(letter)] for letter in own)


def transpose(b: GraphBuilder, node: int) -> int:
    """Node of the transposed matrix."""
    return contract(b, [node], ["ij", "ji"])


def sum_over(b: GraphBuilder, node: int, axes: Sequence[int]) -> int:
    """Node of a sum over axes; a product is contracted, so that no array of all its terms is needed.

    >>> import sympy as sp
    >>> b = GraphBuilder()
    >>> u, v = b.input(sp.MatrixSymbol("u", 3, 1), (3, 1)), b.input(sp.MatrixSymbol("v", 1, 3), (1, 3))
    >>> b.operation(sum_over(b, b.call("multiply", u, v), [0, 1]))[0]
    'contract'
    """
    rank = len(b.shape(node))
    letters = ALPHABET[:rank]
    kept = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    factors, parts, negative = _factors(b, node)
    if len(factors) == 1 or any(letter not in "".join(parts) for letter in letters):
        factors, parts, negative = [node], [letters], False
    result = contract(b, factors, [*parts, kept])
    return b.call("negate", result) if negative else result


def _factors(b: GraphBuilder, top: int) -> tuple[list[int], list[str], bool]:
    """Factors of a product with the letters of the axes that each one really has, and whether the sign is negative."""
    full = b.shape(top)
    factors: list[int] = []
    parts: list[str] = []
    negative = False
    pending = [top]
    while pending:
        node = pending.pop()
        if (inner := b.parts(node, "negate")) is not None:
            negative = not negative
            pending.append(inner[0])
        elif (both := b.parts(node, "multiply")) is not None:
            pending += reversed(both)
        else:
            shape = b.shape(node)
            own = ALPHABET[len(full) - len(shape) : len(full)]
            # axes of length 1 along which the factor is copied
            copied = tuple(
                a for a, (n, m) in enumerate(zip(shape, full[len(full) - len(shape) :], strict=True)) if not same(n, m)
            )
            if copied and (inner := b.parts(node, "expand")) is not None and set(copied) <= set(b.static_of(node)[0]):
                inserted: tuple[int, ...] = b.static_of(node)[0]
                node, own = inner[0], "".join(c for a, c in enumerate(own) if a not in inserted)
            elif copied:
                return [top], [ALPHABET[: len(full)]], False
            factors.append(node)
            parts.append(own)
    return factors, parts, negative
