"""What to say about an expression that cannot be read: the node, its place, why not, and what to do."""

from __future__ import annotations

import sympy as sp

from symdiff.functions import BY_HEAD

# steps of a place that are written out
LONGEST_PLACE = 16


def unsupported(root: sp.Basic, culprit: sp.Basic) -> str:
    """Why a node cannot be read, where it stands, and what to do.

    >>> x = sp.Symbol("x", real=True)
    >>> print(unsupported(sp.elliptic_k(x) + 1, sp.elliptic_k(x)).partition(";")[0])
    no row in the function table for elliptic_k at expr.args[1]
    """
    place = _place(root, culprit)
    name = type(culprit).__name__
    if isinstance(culprit, sp.Pow):
        return (
            f"the exponent of the power at {place} is a whole number outside -2**52 to 2**53, where floating-point "
            "numbers are even and signs are lost; write a smaller exponent"
        )
    if culprit in (sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
        return f"{culprit} at {place} is not a finite real number; models here are real functions of real inputs"
    row = BY_HEAD.get(type(culprit))
    counts = {row.arity + len(row.static), row.arity + (0 if row.defaults else len(row.static))} if row else set[int]()
    if row is not None and len(culprit.args) not in counts:
        known = " or ".join(map(str, sorted(counts))) + " argument" + "s" * (max(counts) > 1)
        return f"{culprit} at {place}: {name} is known with {known}, not {len(culprit.args)}; write it otherwise"
    if row is not None and row.static:
        places = " and ".join(str(k + 1) for k in row.static)
        return (
            f"{culprit} at {place}: argument {places} of {name} has to be a number for which the function is known, "
            "not a variable"
        )
    return (
        f"no row in the function table for {name} at {place}; write it with functions that `symdiff functions` lists, "
        "or add a row of your own by symdiff.register (README, Functions)"
    )


def unreal(symbol: sp.Symbol) -> str:
    """Why a symbol cannot be an input, and what to do."""
    what = "does not commute" if not symbol.is_commutative else "is not a real number by its assumptions"
    remedy = f"use Symbol({symbol.name!r}, real=True)"
    return f"symbol {symbol} {what}; models here are real functions of real inputs: {remedy}"


def _place(root: sp.Basic, culprit: sp.Basic) -> str:
    """Where `culprit` stands in `root`, as the attribute path that leads to it."""
    parents: dict[int, tuple[sp.Basic, int] | None] = {id(root): None}
    pending = [root]
    while pending:
        expression = pending.pop()
        for index, child in enumerate(expression.args):
            if id(child) not in parents:
                parents[id(child)] = (expression, index)
                pending.append(child)
    path: list[str] = []
    step = parents.get(id(culprit))
    while step is not None:
        path.append(f".args[{step[1]}]")
        step = parents[id(step[0])]
    if not path:
        return "the top of the expression"
    steps = path[::-1]
    shown = steps if len(steps) <= LONGEST_PLACE else [*steps[:4], "…", *steps[4 - LONGEST_PLACE :]]
    return "expr" + "".join(shown)
