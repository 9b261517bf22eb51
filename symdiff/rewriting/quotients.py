"""Quotients by sums of exponentials: the logistic function, softmax, tanh, Planck's law, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable

from symdiff.rewriting.questions import Forms, Operands, Static


def _reciprocal(f: Forms, total: int) -> int:
    """1/total of a sum of exponentials: by the share of a number among the terms, if there is one."""
    b = f.builder
    value = next((term for term in f.terms(total) if b.value_of(term) is not None), None)
    share = None if value is None else f.share(total, value)
    if value is None or share is None:
        return b.call("exp", b.call("negate", f.log_of(total)))  # type: ignore[arg-type]
    return b.call("divide", share, value)


def share_of_exponentials(f: Forms, operands: Operands, _: Static) -> int | None:
    """exp(u)/(exp(u) + exp(v)) = sigmoid(u - v), and with factors above and below."""
    b, above = f.builder, f.factors(operands[0])
    total, below = _sum_among(f, operands[1])
    if total is None:
        return None
    movable = [(k, factor) for k, factor in enumerate(above) if b.value_of(factor) is None]
    shared = next(((k, s) for k, factor in movable if (s := f.share(total, factor)) is not None), None)
    exponent = next((k for k, factor in enumerate(above) if f.inner(factor, "exp") is not None), None)
    if shared is not None:
        above[shared[0]] = shared[1]
    elif exponent is not None:
        log = b.call("subtract", f.inner(above[exponent], "exp"), f.log_of(total))  # type: ignore[arg-type]
        above[exponent] = b.call("exp", log)
    else:
        return None
    top = f.product(above)
    return b.call("divide", top, f.product(below)) if below else top


def over_exponentials(f: Forms, operands: Operands, _: Static) -> int | None:
    """1/(1 + exp(u)) = sigmoid(-u), 1/(exp(u) + exp(v)) = exp(-logaddexp(u, v)), and with factors above and below."""
    total, below = _sum_among(f, operands[1])
    above = f.factors(operands[0])
    if total is None or any(f.inner(factor, "exp") is not None for factor in above):
        return None
    top = f.product([*above, _reciprocal(f, total)])
    return f.builder.call("divide", top, f.product(below)) if below else top


def _sum_among(f: Forms, denominator: int) -> tuple[int | None, list[int]]:
    """The first sum of exponentials among factors, and the others."""
    below = f.factors(denominator)
    place = next((k for k, factor in enumerate(below) if f.is_sum_of_exponentials(factor)), None)
    return (None, below) if place is None else (below[place], below[:place] + below[place + 1 :])


def power_of_exponentials(f: Forms, operands: Operands, static: Static) -> int | None:
    """(exp(u) + exp(v) + ...)**-n as a power of the reciprocal."""
    (u,) = operands
    return f.power(_reciprocal(f, u), static[0]) if f.is_sum_of_exponentials(u) else None


def tanh_of_exponentials(f: Forms, operands: Operands, _: Static) -> int | None:
    """(exp(u) - exp(v))/(exp(u) + exp(v)) = tanh((u - v)/2), also with v = 0."""
    b, terms = f.builder, f.builder.parts(operands[1], "add")
    if terms is None:
        return None
    u = f.inner(operands[0], "expm1")
    if u is not None:
        logs = {f.inner(term, "exp") for term in terms if not f.is_integer(term, 1)}
        return b.call("tanh", f.half(u)) if logs == {u} and any(f.is_integer(t, 1) for t in terms) else None
    parts = b.parts(operands[0], "subtract")
    exponents = [f.inner(part, "exp") for part in parts] if parts else [None]
    if None in exponents or sorted(parts or ()) != sorted(terms):
        return None
    u, v = exponents
    return b.call("tanh", u if f.opposite(u, v) else f.half(b.call("subtract", u, v)))  # type: ignore[arg-type]


def _bose(f: Forms, u: int) -> int:
    """1/(exp(u) - 1), for positive u by exp(-u)."""
    b = f.builder
    minus = b.call("negate", u)
    large = b.call("negate", b.call("divide", b.call("exp", minus), b.call("expm1", minus)))
    small = b.call("divide", f.integer(1), b.call("expm1", u))
    return b.call("select", b.call("less", f.integer(0), u), large, small)


def over_expm1(f: Forms, operands: Operands, _: Static) -> int | None:
    """1/(exp(u) - 1) and exp(u)/(exp(u) - 1) by the exponential that cannot overflow, with factors above and below."""
    b = f.builder
    below = f.factors(operands[1])
    place = next((k for k, factor in enumerate(below) if f.inner(factor, "expm1") is not None), None)
    if place is None:
        return None
    u = f.inner(below.pop(place), "expm1")
    above = f.factors(operands[0])
    same = next((k for k, factor in enumerate(above) if f.inner(factor, "exp") == u), None)
    if same is None and any(f.inner(factor, "expm1") is not None for factor in above):
        return None
    if same is None:
        above.append(_bose(f, u))  # type: ignore[arg-type]
    else:
        above[same] = b.call("negate", _bose(f, b.call("negate", u)))  # type: ignore[arg-type]
    top = f.product(above)
    return b.call("divide", top, f.product(below)) if below else top


def power_of_expm1(f: Forms, operands: Operands, static: Static) -> int | None:
    """(exp(u) - 1)**-n as a power of the reciprocal."""
    u = f.inner(operands[0], "expm1")
    return None if u is None else f.power(_bose(f, u), static[0])


def exp_over_square(f: Forms, operands: Operands, _: Static) -> int | None:
    """exp(u)/(1 + exp(u))**2 = (sech(u/2)/2)**2, with more factors."""
    return _exp_times_square(f, operands, "sech", lambda base: f.inner(base, "sigmoid"))


def exp_over_square_of_expm1(f: Forms, operands: Operands, _: Static) -> int | None:
    """exp(u)/(exp(u) - 1)**2 = (csch(u/2)/2)**2, with more factors."""
    return _exp_times_square(f, operands, "csch", lambda base: _bose_exponent(f, base))


def _exp_times_square(f: Forms, operands: Operands, name: str, inside: Callable[[int], int | None]) -> int | None:
    b, factors = f.builder, f.factors(f.builder.call("multiply", *operands))
    for k, factor in enumerate(factors):
        base, power = f.power_parts(factor)
        v = inside(base) if power == 2 else None
        for j, other in enumerate(factors) if v is not None else ():
            u = f.inner(other, "exp")
            # csch(u/2)**2 is even, and so is the exponential over the square
            if u is not None and (f.opposite(u, v) or (name == "csch" and u == v)):  # type: ignore[arg-type]
                factors[min(j, k)] = f.power(f.half(b.call(name, f.half(u))), 2)
                del factors[max(j, k)]
                return f.product(factors)
    return None


def _bose_exponent(f: Forms, node: int) -> int | None:
    branches = f.builder.parts(node, "select")
    quotient = None if branches is None else f.builder.parts(branches[2], "divide")
    u = None if quotient is None else f.inner(quotient[1], "expm1")
    return u if u is not None and _bose(f, u) == node else None


# ---- quotients by one exponential among other terms


def over_one_exponential(f: Forms, operands: Operands, _: Static) -> int | None:
    """n/(C + A*exp(u)) by exp(-u) where u > 0: n*exp(-u)/(C*exp(-u) + A), whatever the signs of A and C."""
    b, below = f.builder, f.factors(operands[1])
    place, found = next(((k, t) for k, factor in enumerate(below) if (t := _exponential_term(f, factor))), (0, None))
    if found is None:
        return None
    u, rest, times, less_one = found
    total = below.pop(place)
    minus = b.call("negate", u)
    small = b.call("exp", minus)
    above = f.factors(operands[0])
    same = next((k for k, factor in enumerate(above) if f.inner(factor, "exp") == u), None)
    top = above[:same] + above[same + 1 :] if same is not None else [*above, small]
    last = b.call("negate", b.call("multiply", times, b.call("expm1", minus))) if less_one else times
    bottom = b.call("add", b.call("multiply", rest, small), last)
    large = b.call("divide", f.product(top), f.product([*below, bottom]))
    plain = b.call("divide", operands[0], f.product([*below, total]))
    return b.call("select", b.call("less", f.integer(0), u), large, plain)


def _exponential_term(f: Forms, node: int) -> tuple[int, int, int, bool] | None:
    """(u, C, A, whether it is expm1) of a sum C + A*exp(u) or C + A*expm1(u), C without an exponential as a factor."""
    b = f.builder
    for name in ("add", "subtract"):
        parts = b.parts(node, name)
        if parts is None or f.is_sum_of_exponentials(node):
            continue
        for k in (1, 0):
            factors = f.factors(parts[k])
            place = next((i for i, factor in enumerate(factors) if _exponent(f, factor) is not None), None)
            if place is None or any(_exponent(f, factor) is not None for factor in f.factors(parts[1 - k])):
                continue
            u, less_one = _exponent(f, factors.pop(place)) or (-1, False)
            times, rest = f.product(factors), parts[1 - k]
            if name == "subtract":
                times, rest = (b.call("negate", times), rest) if k == 1 else (times, b.call("negate", rest))
            return u, rest, times, less_one
    return None


def _exponent(f: Forms, node: int) -> tuple[int, bool] | None:
    """(u, whether it is expm1) of exp(u) or expm1(u)."""
    u, v = f.inner(node, "exp"), f.inner(node, "expm1")
    return (u, False) if u is not None else None if v is None else (v, True)
