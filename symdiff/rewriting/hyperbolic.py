"""Hyperbolic functions: quotients whose divisor overflows where they do not, and inverse functions of what saturates.

tanh(u) is rounded to 1 where asin(tanh(u)) and its slope sech(u) are regular. The composition is the Gudermannian
function and its kin (DLMF 4.23(viii)), in a form without the edge of the domain.
"""

from __future__ import annotations

from symdiff.rewriting.questions import Forms, Operands, Static


def asin_of_tanh(f: Forms, operands: Operands, _: Static) -> int | None:
    """asin(tanh(u)) = 2*atan(tanh(u/2)), DLMF 4.23.41 and 4.23.42."""
    u = f.inner(operands[0], "tanh")
    return None if u is None else f.twice(f.builder.call("atan", f.builder.call("tanh", f.half(u))))


def acos_of_tanh(f: Forms, operands: Operands, _: Static) -> int | None:
    """acos(tanh(u)), the angle of the point (tanh(u), sech(u)) of the unit circle, DLMF 4.35.12."""
    u = f.inner(operands[0], "tanh")
    return None if u is None else f.builder.call("atan2", f.builder.call("sech", u), f.builder.call("tanh", u))


def atanh_of_tanh(f: Forms, operands: Operands, _: Static) -> int | None:
    """atanh(tanh(u)) = u."""
    return f.inner(operands[0], "tanh")


def asinh_of_sinh(f: Forms, operands: Operands, _: Static) -> int | None:
    """asinh(sinh(u)) = u."""
    return f.inner(operands[0], "sinh")


# ---- quotients by hyperbolic functions

_GROWING = ("exp", "expm1", "exp2", "sinh", "cosh", "gamma", "factorial", "besseli", "erfi")


def _growing(f: Forms, node: int) -> bool:
    base, _ = f.power_parts(node)
    return any(f.inner(base, name) is not None for name in _GROWING)


def over_cosh(f: Forms, operands: Operands, _: Static) -> int | None:
    """v/cosh(u)**n = v*sech(u)**n, sinh(u)/cosh(u) = tanh(u), exp(u)/cosh(u) = 2*sigmoid(2*u).

    No other factor above may grow too.
    """
    b, below = f.builder, f.factors(operands[1])
    place = next((k for k, factor in enumerate(below) if _power_of_cosh(f, factor) is not None), None)
    found = None if place is None else _power_of_cosh(f, below.pop(place))
    if found is None:
        return None
    u, n = found
    above = f.factors(operands[0])
    for k, factor in enumerate(above):
        exponent = f.inner(factor, "exp")
        if f.inner(factor, "sinh") == u:
            above[k] = b.call("tanh", u)
        elif exponent is not None and (exponent == u or f.opposite(exponent, u)):
            above[k] = f.twice(b.call("sigmoid", f.twice(exponent)))
        else:
            continue
        n -= 1
        break
    if any(_growing(f, factor) for factor in above):
        return None
    top = f.product([*above, f.power(b.call("sech", u), n)])
    return b.call("divide", top, f.product(below)) if below else top


def _power_of_cosh(f: Forms, node: int) -> tuple[int, int] | None:
    """(u, n) of cosh(u)**n for n >= 1."""
    base, n = f.power_parts(node)
    u = f.inner(base, "cosh")
    return None if u is None or n < 1 else (u, n)


def over_sinh(f: Forms, operands: Operands, _: Static) -> int | None:
    """c/sinh(u) = c*csch(u) for a constant c: u/sinh(u) has a limit at 0 where csch(u) has none."""
    u, c = f.inner(operands[1], "sinh"), operands[0]
    return None if u is None or f.builder.value_of(c) is None else f.product([c, f.builder.call("csch", u)])


def power_of_cosh(f: Forms, operands: Operands, static: Static) -> int | None:
    """cosh(u)**-n = sech(u)**n."""
    return _inverse_power(f, operands[0], "cosh", "sech", static[0])


def power_of_sinh(f: Forms, operands: Operands, static: Static) -> int | None:
    """sinh(u)**-n = csch(u)**n."""
    return _inverse_power(f, operands[0], "sinh", "csch", static[0])


def _inverse_power(f: Forms, node: int, name: str, other: str, n: int) -> int | None:
    u = f.inner(node, name)
    return None if u is None else f.power(f.builder.call(other, u), n)


def sinh_times_sech(f: Forms, operands: Operands, _: Static) -> int | None:
    """sinh(u)*sech(u)**n = tanh(u)*sech(u)**(n - 1), which cosh(u)**-n has become."""
    b = f.builder
    for sine, other in (operands, operands[::-1]):
        u, (base, n) = f.inner(sine, "sinh"), f.power_parts(other)
        if u is not None and n > 0 and f.inner(base, "sech") == u:
            return f.product([b.call("tanh", u), f.power(base, n - 1)])
    return None
