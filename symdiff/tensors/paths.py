"""Contractions of matrices as products: operands are edges between letters, and a product is a path along them.

In 'ba,bc->ac' the path from a to c goes along the first operand from its second letter to its first one, which is a
transposed factor: A.T*B. Letters of length 1 are one vertex, where any number of columns may meet: x*y.T is a path
that leads through it.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.tensors.contraction import lengths_of
from symdiff.tensors.shapes import Shape, same

# operands in the order of a product, each with whether it is transposed
Path = list[tuple[int, bool]]
# the vertex of all letters of length 1
ONE = "1"


def ends(parts: Sequence[str], shapes: Sequence[Shape]) -> list[tuple[str, str]]:
    """The two vertices of each operand."""
    return [
        tuple(ONE if same(length, 1) else letter for letter, length in zip(part, shape, strict=True))  # type: ignore[misc]
        for part, shape in zip(parts, shapes, strict=True)
    ]


def along(edges: Sequence[tuple[str, str]], start: str, stop: str, free: set[int]) -> Path | None:
    """The one path from start to stop along operands that are free, which it takes; None where there is none.

    >>> along([("b", "a"), ("b", "c")], "a", "c", {0, 1})
    [(0, True), (1, False)]
    """
    path: Path = []
    here = start
    taken: set[int] = set()
    while not path or here != stop:
        steps = [k for k in sorted(free - taken) if here in edges[k]]
        if len(steps) != 1 and not (steps and here == start and not path and start in (ONE, stop)):
            return None
        k = steps[0]
        taken.add(k)
        lying = edges[k][0] != here
        path.append((k, lying))
        here = edges[k][0] if lying else edges[k][1]
        if here == ONE != stop:
            return None
    free -= taken
    return path


def walked(parts: Sequence[str], result: str, shapes: Sequence[Shape]) -> tuple[list[int], bool] | None:
    """Operands of a product of matrices in its order, and whether its transpose has fewer transposed factors.

    None where the contraction is no product of matrices.

    >>> walked(["ab", "ca"], "bc", [(3, 2), (4, 3)])
    ([1, 0], True)
    """
    if len(result) != 2 or result[0] == result[1] or any(len(part) != 2 for part in parts):
        return None
    edges = ends(parts, shapes)
    free = set(range(len(parts)))
    lengths = lengths_of(shapes, (*parts, result))
    if any(letter not in lengths for letter in result):
        return None
    start, stop = (ONE if same(lengths[letter], 1) else letter for letter in result)
    path = through(edges, start, stop, free)
    if path is None or free:
        return None
    lying = sum(flip for _, flip in path)
    upright = len(path) - lying
    # of two equals a column rather than a row
    row = start == ONE != stop or ((start == ONE) == (stop == ONE) and path[0][0] > path[-1][0])
    turned = lying > upright or (lying == upright and row)
    order = [k for k, _ in path]
    return (order[::-1] if turned else order), turned


def through(edges: Sequence[tuple[str, str]], start: str, stop: str, free: set[int]) -> Path | None:
    """A path from start to stop, directly or through the vertex of length 1."""
    trial = set(free)
    path = along(edges, start, stop, trial)
    if path is None and ONE not in (start, stop):
        trial = set(free)
        first = along(edges, start, ONE, trial)
        second = along(edges, stop, ONE, trial) if first is not None else None
        if first is None or second is None:
            return None
        path = first + [(k, not lying) for k, lying in reversed(second)]
    if path is not None:
        free &= trial
    return path
