"""What a contraction has in excess: contractions within it, identities, ones, and letters of length 1."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import ALPHABET
from symdiff.tensors.lengths import length_node
from symdiff.tensors.shapes import Shape, same


def is_ones(b: GraphBuilder, node: int) -> bool:
    """Whether a node is an array of ones."""
    inner = b.parts(node, "broadcast")
    return inner is not None and b.value_of(inner[0]) == 1


def single_letter(parts: Sequence[str], shapes: Sequence[Shape], result: str) -> str:
    """A letter of length 1 that is summed, if there is one."""
    return next(
        (
            c
            for p, s in zip(parts, shapes, strict=True)
            for c, n in zip(p, s, strict=True)
            if same(n, 1) and c not in result
        ),
        "",
    )


def merged(b: GraphBuilder, nodes: list[int], parts: list[str], result: str) -> tuple[list[int], list[str]]:
    """Contractions of one operand are taken into one another, and new axes of length 1 are left out."""
    found: list[int] = []
    kept: list[str] = []
    used = set("".join(parts) + result)
    for node, part in zip(nodes, parts, strict=True):
        inner = b.parts(node, "contract")
        if inner is not None and (len(inner) == 1 or len(nodes) == 1):
            own: tuple[str, ...] = b.static_of(node)[0]  # type: ignore[assignment]
            spare = (letter for letter in ALPHABET if letter not in used)
            names = dict(zip(own[-1], part, strict=True))
            for letter in dict.fromkeys("".join(own[:-1])):
                if letter not in names:
                    names[letter] = next(spare)
            used |= set(names.values())
            found += inner
            kept += ["".join(names[letter] for letter in p) for p in own[:-1]]
        else:
            found.append(node)
            kept.append(part)
    for k, node in enumerate(found):
        inner = b.parts(node, "expand")
        if inner is None:
            continue
        axes: tuple[int, ...] = b.static_of(node)[0]  # type: ignore[assignment]
        elsewhere = "".join(kept[:k] + kept[k + 1 :])
        if all(kept[k][axis] in elsewhere or kept[k][axis] not in result for axis in axes):
            found[k], kept[k] = inner[0], "".join(c for axis, c in enumerate(kept[k]) if axis not in axes)
    return found, kept


def reduced(b: GraphBuilder, nodes: list[int], parts: list[str], result: str) -> tuple[list[int], list[str], str, int]:
    """Without identities and ones that change nothing; letters of length 1 that are summed are one letter."""
    factor = b.constant(sp.Integer(1))
    k = 0
    while k < len(nodes):
        others = "".join(parts[:k] + parts[k + 1 :])
        part = parts[k]
        if b.operation(nodes[k])[0] == "identity" and part[0] != part[1] and (part[0] in others or part[1] in others):
            keep, drop = (part[0], part[1]) if part[1] not in result else (part[1], part[0])
            if drop not in result:
                parts = [p.replace(drop, keep) for p in parts[:k] + parts[k + 1 :]]
                nodes = nodes[:k] + nodes[k + 1 :]
                continue
        if is_ones(b, nodes[k]) and len(set(part)) == len(part) and all(c in others or c not in result for c in part):
            for axis, letter in enumerate(part):
                if letter not in others:
                    factor = b.call("multiply", factor, length_node(b, b.shape(nodes[k])[axis]))
            nodes, parts = nodes[:k] + nodes[k + 1 :], parts[:k] + parts[k + 1 :]
            continue
        if is_ones(b, nodes[k]) and len(part) == 2 and all(same(n, 1) for n in b.shape(nodes[k])):
            # 1 as a matrix of one entry
            own = [c for c in part if c in result and c not in others]
            shared = [c for c in part if c in others and c not in result]
            if len(own) == len(shared) == 1:
                result = result.replace(own[0], shared[0])
                nodes, parts = nodes[:k] + nodes[k + 1 :], parts[:k] + parts[k + 1 :]
                continue
        k += 1
    shapes = [b.shape(node) for node in nodes]
    single = ""
    for k, part in enumerate(parts):
        for axis, letter in enumerate(part):
            if letter in result or not same(shapes[k][axis], 1) or letter == single:
                continue
            if not single:
                single = letter
            elif not any(single in p and letter in p for p in parts):
                parts = [p.replace(letter, single) for p in parts]
    return nodes, parts, result, factor
