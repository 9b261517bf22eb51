"""How many arguments a function of a formula takes.

SymPy's own classes do not tell: `sqrt(x, y)` takes y as an option, and `zeta(x, s)` is another function than Riemann's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import sympy as sp

from symdiff.functions import BY_HEAD, FUNCTIONS

# where neither the row nor the signature says it; None for no limit
_COUNTS: dict[Any, tuple[int, int | None]] = {
    sp.Max: (1, None), sp.Min: (1, None), sp.log: (1, 2), sp.Heaviside: (1, 2), sp.real_root: (2, 2),
    sp.digamma: (1, 1), sp.re: (1, 1), sp.im: (1, 1), sp.conjugate: (1, 1),
}  # fmt: skip


def argument_counts(name: str, function: Callable[..., Any]) -> tuple[int, int | None]:
    """Return the least and the largest number of arguments of a function that a formula calls by this name.

    They are the operands and the static arguments of its row, of which those with defaults may be left out.

    >>> argument_counts("besselj", sp.besselj), argument_counts("LambertW", sp.LambertW), argument_counts("Max", sp.Max)
    ((2, 2), (1, 2), (1, None))
    """
    if function in _COUNTS:
        return _COUNTS[function]
    spoken = FUNCTIONS.get(name)
    row = spoken if spoken is not None and spoken.spoken else BY_HEAD.get(function)  # pyright: ignore[reportArgumentType]
    if row is not None:
        return row.arity + (0 if row.defaults else len(row.static)), row.arity + len(row.static)
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return len(required), len(required)


def miscounted(name: str, function: Callable[..., Any], count: int) -> str | None:
    """Say that a function does not take this number of arguments, or None if it does.

    >>> miscounted("atan2", sp.atan2, 1)
    'atan2 takes 2 arguments, and 1 is given; correct the call'
    """
    least, most = argument_counts(name, function)
    if least <= count and (most is None or count <= most):
        return None
    takes = f"at least {least}" if most is None else str(least) if least == most else f"{least} or {most}"
    plural = "s" * ((least if most is None else most) != 1)
    return f"{name} takes {takes} argument{plural}, and {count} {'is' if count == 1 else 'are'} given; correct the call"
