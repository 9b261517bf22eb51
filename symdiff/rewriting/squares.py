"""Sums of squares: their roots and powers, what is divided by them, and their logarithms."""

from __future__ import annotations

import sympy as sp

from symdiff.functions import FUNCTIONS
from symdiff.rewriting.questions import Forms, Operands, Static


def root_of_squares(f: Forms, operands: Operands, _: Static) -> int | None:
    """sqrt(u**2 + v**2 + ...) = hypot(...), and sqrt(u**2) = |u|; squares may be other even powers and numbers."""
    (u,) = operands
    found = None if f.builder.value_of(u) is not None else f.root_of(u)
    if found is None:
        return None
    return found[0] if f.builder.parts(u, "add") is not None else f.builder.call("abs", found[0])


def power_of_squares(f: Forms, operands: Operands, static: Static) -> int | None:
    """(u**2 + v**2)**c = hypot(u, v)**(2*c), where that is smooth wherever the power of the sum is."""
    b = f.builder
    (u,), (c,) = operands, static
    found = f.root_of(u) if b.parts(u, "add") is not None else None
    # beyond c = 1/2 the power has a derivative at the origin, which hypot has not
    if found is None or not (found[1] or c < sp.Rational(1, 2)):
        return None
    if (2 * c).is_Integer:
        return f.power(found[0], int(2 * c))
    return b.apply(FUNCTIONS["power_constant"], (found[0],), (2 * c,))


def over_squares(f: Forms, operands: Operands, _: Static) -> int | None:
    """u/(u**2 + v**2) = u/hypot(u, v)*(1/hypot(u, v)), where something that moves stands above."""
    b, below, above = f.builder, f.factors(operands[1]), f.factors(operands[0])
    place = next((k for k, u in enumerate(below) if b.parts(u, "add") is not None and f.root_of(u) is not None), None)
    moving = [k for k, factor in enumerate(above) if b.value_of(factor) is None]
    if place is None or not moving:
        return None
    root = f.root_of(below.pop(place))[0]  # type: ignore[index]
    # two factors over one root each: neither a square of the root nor a product of both factors is formed
    above[moving[0]] = b.call("divide", above[moving[0]], root)
    if len(moving) > 1:
        above[moving[1]] = b.call("divide", above[moving[1]], root)
    else:
        above.append(b.call("divide", f.integer(1), root))
    top = f.product(above)
    return b.call("divide", top, f.product(below)) if below else top


def log_of_squares(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(u**2 + v**2) = 2*log(hypot(u, v)), and log(1 + u**2) where u is large."""
    b, (u,) = f.builder, operands
    parts = b.parts(u, "add")
    root = f.root_of(u) if parts is not None else None
    if root is None or parts is None:
        return None
    outer = f.twice(b.call("log", root[0]))
    square = next((other for one, other in (parts, parts[::-1]) if f.is_integer(one, 1)), None)
    if square is None:
        return outer
    return b.call("select", b.call("less", square, f.integer(1)), b.call("log1p", square), outer)


def over_hypot(f: Forms, operands: Operands, _: Static) -> int | None:
    """u/hypot(u, v) = direction(u, v), whose derivative does not cancel, with more factors above and below."""
    return _directed(f, f.factors(operands[0]), f.factors(operands[1]))


def times_inverse_hypot(f: Forms, operands: Operands, _: Static) -> int | None:
    """u*(1/hypot(u, v)) = direction(u, v)."""
    b, above = f.builder, f.factors(f.builder.call("multiply", *operands))
    for k, factor in enumerate(above):
        parts = b.parts(factor, "divide")
        if parts is not None and f.is_integer(parts[0], 1) and b.parts(parts[1], "hypot") is not None:
            return _directed(f, above[:k] + above[k + 1 :], [parts[1]])
    return None


def _directed(f: Forms, above: list[int], below: list[int]) -> int | None:
    b = f.builder
    for k, root in enumerate(below):
        for u, v in (p, p[::-1]) if (p := b.parts(root, "hypot")) else ():
            if u in above and b.value_of(u) is None:
                above[above.index(u)] = b.call("direction", u, v)
                del below[k]
                top = f.product(above)
                return b.call("divide", top, f.product(below)) if below else top
    return None
