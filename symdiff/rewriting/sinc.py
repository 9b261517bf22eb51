"""sin(u)/u and (1 - cos(u))/u**2, and the branches that give their values at 0."""

from __future__ import annotations

from symdiff.rewriting.questions import Forms, Operands, Static


def over_argument(f: Forms, operands: Operands, _: Static) -> int | None:
    """sin(u)/u = sinc(u), sin(a*u)/u = a*sinc(a*u), (cos(u) - 1)/u = -u*sinc(u/2)**2/2, with more factors above."""
    b, above, below = f.builder, f.factors(operands[0]), f.factors(operands[1])
    # the whole denominator, or one of its factors
    for denominator, rest in [(operands[1], []), *((d, below[:i] + below[i + 1 :]) for i, d in enumerate(below))]:
        for k, factor in enumerate(above):
            u = f.inner(factor, "sin")
            parts: tuple[int, ...] = () if u is None else b.parts(u, "multiply") or ()
            if u == denominator:
                found = b.call("sinc", denominator)
            elif u is not None and denominator in parts:
                other = next((part for part in parts if part != denominator), denominator)
                found = b.call("multiply", other, b.call("sinc", u))
            elif f.inner(factor, "cosm1") == denominator:
                found = b.call("multiply", f.half(denominator), _half_sinc_squared(f, denominator))
                found = b.call("negate", found)
            else:
                continue
            top = f.product([*above[:k], found, *above[k + 1 :]])
            return b.call("divide", top, f.product(rest)) if rest else top
    return None


def _half_sinc_squared(f: Forms, u: int) -> int:
    return f.power(f.builder.call("sinc", f.half(u)), 2)


def times_inverse_power(f: Forms, operands: Operands, _: Static) -> int | None:
    """sin(u)**n*u**-n = sinc(u)**n and (cos(u) - 1)*u**-2 = -sinc(u/2)**2/2, with more factors."""
    b, factors = f.builder, f.factors(f.builder.call("multiply", *operands))
    for k, factor in enumerate(factors):
        u, power = f.power_parts(factor)
        for j, other in enumerate(factors) if power < -1 else ():
            base, exponent = f.power_parts(other)
            if f.inner(base, "sin") == u and exponent == -power:
                found = f.power(b.call("sinc", u), exponent)
            elif power == -2 and f.inner(other, "cosm1") == u:
                found = b.call("negate", f.half(_half_sinc_squared(f, u)))
            else:
                continue
            factors[min(j, k)] = found
            del factors[max(j, k)]
            return f.product(factors)
    return None


def removable_branch(f: Forms, operands: Operands, _: Static) -> int | None:
    """Piecewise((1, u = 0), (sinc(u), True)) = sinc(u): the branch at 0 says what the other one is there anyway."""
    b = f.builder
    condition, taken, otherwise = operands
    compared = b.parts(condition, "equal")
    if compared is None:
        compared = b.parts(condition, "unequal")
        taken, otherwise = otherwise, taken
    if compared is None or all(b.value_of(node) != 0 for node in compared):
        return None
    u = compared[0] if b.value_of(compared[1]) == 0 else compared[1]
    return otherwise if _at_zero(f, otherwise, u) == taken else None


def _at_zero(f: Forms, node: int, u: int) -> int | None:
    """What a product with a sinc is at u = 0, where none of its other factors hangs on u."""
    b = f.builder
    sign = f.inner(node, "negate")
    node = node if sign is None else sign
    quotient = b.parts(node, "divide")
    if quotient is not None and b.value_of(quotient[1]) is None:
        return None
    known: list[int] = []
    seen = vanishes = False
    for factor in f.factors(quotient[0] if quotient else node):
        base, exponent = f.power_parts(factor)
        inside = f.inner(base, "sinc")
        if (
            inside is not None
            and exponent > 0
            and u in (inside, *f.factors(inside), *(b.parts(inside, "divide") or ())[:1])
        ):
            seen = True
        elif u in (factor, *(b.parts(factor, "divide") or ())[:1]):
            vanishes = True
        elif b.value_of(factor) is not None or b.is_input(factor):
            known.append(factor)
        else:
            return None
    if not seen:
        return None
    result = f.integer(0) if vanishes else f.product(known)
    result = b.call("divide", result, quotient[1]) if quotient else result
    return result if sign is None else b.call("negate", result)
