"""Contractions of matrices taken apart into products, traces and sums, as a mathematician writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symdiff.tensors.contraction import lengths_of
from symdiff.tensors.paths import ONE, Path, along, ends, through
from symdiff.tensors.shapes import Length, Shape, same


@dataclass(frozen=True)
class Factor:
    """One factor: operands multiplied entry by entry, each transposed or not, or a column of ones, or a diagonal.

    `diagonal`: the one operand is a column that stands for the diagonal matrix of its entries.
    """

    operands: Path
    ones: Length | None = None
    diagonal: bool = False


@dataclass(frozen=True)
class Product:
    """Factors in their order, each with whether it is transposed; `trace` where the product closes on itself."""

    factors: tuple[tuple[Factor, bool], ...]
    trace: bool = False


@dataclass(frozen=True)
class Decomposition:
    """A matrix, which has no factors where the result is a number, times numbers."""

    matrix: Product
    numbers: tuple[Product, ...]


def decomposed(parts: Sequence[str], result: str, shapes: Sequence[Shape]) -> Decomposition | None:
    """A contraction of matrices as products; None where it is none.

    >>> found = decomposed(["ab", "cb"], "ac", [(2, 3), (4, 3)])
    >>> [(factor.operands, flip) for factor, flip in found.matrix.factors]
    [([(0, False)], False), ([(1, False)], True)]
    """
    if any(len(part) != 2 for part in parts) or len(result) not in (0, 2) or len(set(result)) < len(result):
        return None
    lengths = lengths_of(shapes, (*parts, result))
    edges = ends(parts, shapes)
    factors = [Factor([(k, False)]) for k in range(len(parts))]
    aims = ["" if c not in lengths else ONE if same(lengths[c], 1) else c for c in result]
    if "" in aims:
        return None
    _join_parallel(edges, factors, aims)
    _place_diagonals(edges, factors, aims)
    for letter in dict.fromkeys(c for edge in edges for c in edge):
        if letter != ONE and _degree(edges, letter) + aims.count(letter) == 1:
            # a sum over an index of one factor alone is a product with ones
            edges.append((letter, ONE))
            factors.append(Factor([], ones=lengths[letter]))
    free = set(range(len(edges)))
    matrix = Product(())
    if aims:
        path = through(edges, aims[0], aims[1], free)
        if path is None:
            return None
        matrix = Product(tuple((factors[k], flip) for k, flip in path))
    numbers: list[Product] = []
    while free:
        touching = [k for k in sorted(free) if ONE in edges[k]]
        start = ONE if touching else edges[min(free)][0]
        path = along(edges, start, start, free) if touching else _cycle(edges, start, free)
        if path is None:
            return None
        if 2 * sum(flip for _, flip in path) > len(path):
            # a number is that of the transposed product too
            path = [(k, not flip) for k, flip in reversed(path)]
        numbers.append(Product(tuple((factors[k], flip) for k, flip in path), trace=start != ONE))
    return Decomposition(matrix, tuple(numbers))


def _degree(edges: Sequence[tuple[str, str]], letter: str) -> int:
    return sum(edge.count(letter) for edge in edges)


def _cycle(edges: Sequence[tuple[str, str]], start: str, free: set[int]) -> Path | None:
    if any(_degree(edges, letter) != 2 for k in free for letter in edges[k]):
        return None
    # of two operands the first is the one written transposed: tr(A.T*B)
    first = min(free)
    if len({frozenset(edges[k]) for k in free if set(edges[k]) == set(edges[first])}) == 1:
        start = edges[first][1]
    free.discard(first)
    lying = edges[first][0] != start
    after = edges[first][0] if lying else edges[first][1]
    if after == start:
        return [(first, False)]
    rest = along(edges, after, start, free)
    return None if rest is None else [(first, lying), *rest]


def _join_parallel(edges: list[tuple[str, str]], factors: list[Factor], aims: Sequence[str]) -> None:
    """Operands between the same two letters are multiplied entry by entry, where no path leads through both."""
    k = 0
    while k < len(edges):
        twin = next((m for m in range(k + 1, len(edges)) if set(edges[m]) == set(edges[k])), None)
        crowded = any(c != ONE and _degree(edges, c) + aims.count(c) > 2 for c in edges[k])
        if twin is None or not crowded or edges[k][0] == edges[k][1]:
            k += 1
            continue
        lying = edges[twin] != edges[k]
        joined = [(m, flip != lying) for m, flip in factors[twin].operands]
        factors[k] = Factor([*factors[k].operands, *joined])
        del edges[twin], factors[twin]


def _place_diagonals(edges: list[tuple[str, str]], factors: list[Factor], aims: Sequence[str]) -> None:
    """A column at a letter that two others use is a diagonal matrix between them."""
    for k, edge in enumerate(list(edges)):
        letter = next((c for c in edge if c != ONE), None)
        if letter is None or ONE not in edge or len(factors[k].operands) != 1:
            continue
        if _degree(edges, letter) + aims.count(letter) != 3:
            continue
        other = next(m for m in range(len(edges)) if m != k and letter in edges[m])
        if edges[other].count(letter) > 1:
            continue
        middle = letter + "'"
        edges[other] = tuple(middle if c == letter else c for c in edges[other])  # type: ignore[assignment]
        ((operand, flip),) = factors[k].operands
        factors[k] = Factor([(operand, flip != (edge[0] == ONE))], diagonal=True)
        edges[k] = (letter, middle)
        # what the result wants of this letter stays with it, and the other factor hangs on the diagonal
