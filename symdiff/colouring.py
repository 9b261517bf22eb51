"""Colours of columns: groups whose derivatives one sweep finds together.

The product of a sparse matrix with the sum of the unit vectors of a group holds the entries of all its columns, each
where it can be told. Where the matrix is symmetric an entry may be read in either of its two places, which takes fewer
groups: a star colouring of the graph of the matrix (Coleman and Moré, Estimation of sparse Hessian matrices and graph
coloring problems, 1984; Gebremedhin, Manne and Pothen, What color is your Jacobian?, SIAM Review 47, 2005, section
4.4).
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.sparsity import Pattern


def star_colours(pattern: Pattern) -> tuple[int, ...]:
    """A star colouring of a symmetric matrix: neighbours differ, and no path of four nodes has two colours only.

    Then the entry (i, j) is the only one of its row, or of the row j, among the columns of one colour. Greedy, the
    nodes of most neighbours first, each given the least colour that is not forbidden (Gebremedhin, Manne and Pothen
    2005, algorithm 4.1).

    >>> star_colours(((0, 1, 2, 3), (0, 1), (0, 2), (0, 3)))
    (0, 1, 1, 1)
    """
    neighbours = [[j for j in row if j != i] for i, row in enumerate(pattern)]
    colours = [-1] * len(pattern)
    # of each node and colour, how many neighbours have it
    near: list[dict[int, int]] = [{} for _ in pattern]
    for v in sorted(range(len(pattern)), key=lambda v: -len(neighbours[v])):
        forbidden = set(near[v])
        for w in neighbours[v]:
            if colours[w] < 0:
                # the neighbours of a node that is coloured later must differ, so v has no two of one colour
                forbidden.update(near[w])
                continue
            for x in neighbours[w]:
                if x != v and colours[x] >= 0 and near[x].get(colours[w], 0) > 1:
                    forbidden.add(colours[x])
        colours[v] = next(colour for colour in range(len(forbidden) + 1) if colour not in forbidden)
        for w in neighbours[v]:
            near[w][colours[v]] = near[w].get(colours[v], 0) + 1
    return tuple(colours)


def direct_places(pattern: Pattern, colours: Sequence[int]) -> dict[tuple[int, int], tuple[int, int]]:
    """Where each entry (i, j), i <= j, of a symmetric matrix is told: (row, column whose colour is taken).

    Raises ValueError where the colours do not tell an entry apart in either place.

    >>> direct_places(((0, 1, 2), (0, 1), (0, 2)), (0, 1, 1))
    {(0, 0): (0, 0), (0, 1): (1, 0), (0, 2): (2, 0), (1, 1): (1, 1), (2, 2): (2, 2)}
    """
    counts: list[dict[int, int]] = []
    for row in pattern:
        seen: dict[int, int] = {}
        for j in row:
            seen[colours[j]] = seen.get(colours[j], 0) + 1
        counts.append(seen)
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for i, row in enumerate(pattern):
        for j in row:
            if i > j:
                continue
            if counts[i][colours[j]] == 1:
                found[i, j] = i, j
            elif counts[j].get(colours[i]) == 1:
                found[i, j] = j, i
            else:
                raise ValueError(f"the colours do not tell the entry ({i}, {j}) apart")
    return found
