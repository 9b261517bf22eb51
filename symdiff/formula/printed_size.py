"""How large and how deep a formula is when it is printed, counted without printing it."""

from __future__ import annotations

import sympy as sp


class PrintedSize:
    """Size and depth of formulas as they would be printed; parts that formulas share are visited once.

    A formula that is small as a graph may be too long to print: x = x*x + x, thirty times over, has 2**30 terms.
    With a `limit`, no count goes beyond limit + 1, and one formula of more distinct nodes is (limit + 1, 0) at once.

    >>> x = sp.Symbol("x")
    >>> PrintedSize()(x**2 + 1), PrintedSize(limit=3)(x**2 + 1)
    ((5, 2), (4, 0))
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        # holds the node too: an id is unique only while its object lives
        self._known: dict[int, tuple[int, int, sp.Basic]] = {}

    def __call__(self, expr: sp.Basic) -> tuple[int, int]:
        """Return (nodes, depth) of a formula, without recursion."""
        known, limit, met = self._known, self._limit, 0
        pending = [(expr, False)]
        while pending:
            node, ready = pending.pop()
            if ready:
                below = [known[id(operand)] for operand in node.args]
                size = 1 + sum(entry[0] for entry in below)
                depth = 1 + max((entry[1] for entry in below), default=-1)
                known[id(node)] = (size if limit is None else min(size, limit + 1), depth, node)
            elif id(node) not in known:
                met += 1
                if limit is not None and met > limit:
                    return limit + 1, 0
                pending.append((node, True))
                pending.extend((operand, False) for operand in node.args)
        return known[id(expr)][:2]
