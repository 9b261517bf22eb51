"""Sums that cancel: forms less one, such as exp(u) - 1, and 1 + tanh(u)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symdiff.rewriting.questions import Forms, Operands, Static


def _less_one(f: Forms, node: int, name: str) -> int | None:
    """T - 1 without the cancellation, for a node t that applies the function `name` (or is its square)."""
    b = f.builder
    if name.endswith("**2"):
        base, exponent = f.power_parts(node)
        u = f.inner(base, name[:-3]) if exponent == 2 else None
        other = {"tanh": "sech", "sin": "cos", "cos": "sin", "cosh": "sinh", "sech": "tanh"}[name[:-3]]
        if u is None:
            return None
        square = f.power(b.call(other, u), 2)
        return square if name == "cosh**2" else b.call("negate", square)
    u = f.inner(node, name)
    if u is None:
        return None
    match name:
        case "exp":
            return b.call("expm1", u)
        case "cos":
            return b.call("cosm1", u)
        case "cosh":
            return f.twice(f.power(b.call("sinh", f.half(u)), 2))
        case "tanh":
            return b.call("negate", f.twice(b.call("sigmoid", b.call("negate", f.twice(u)))))
        case "sigmoid":
            return b.call("negate", b.call("sigmoid", b.call("negate", u)))
        case "erf":
            return b.call("negate", b.call("erfc", u))
        case "erfc":
            return b.call("negate", b.call("erf", u))
        case "sqrt":
            return _sqrt_less_one(f, node, u)
        case _:
            return _hypot_less_one(f, node)


def _sqrt_less_one(f: Forms, node: int, radicand: int) -> int | None:
    """sqrt(1 + v) - 1 = v/(1 + sqrt(1 + v)), and with a minus."""
    b = f.builder
    for name in ("add", "subtract"):
        parts = b.parts(radicand, name)
        if parts is None:
            continue
        if f.is_integer(parts[0], 1):
            rest = parts[1] if name == "add" else b.call("negate", parts[1])
        elif name == "add" and f.is_integer(parts[1], 1):
            rest = parts[0]
        else:
            continue
        return b.call("divide", rest, b.call("add", f.integer(1), node))
    return None


def _hypot_less_one(f: Forms, node: int) -> int | None:
    """hypot(1, v) - 1, which sqrt(1 + v**2) - 1 has become: v*(v/(1 + hypot(1, v))) about 0."""
    b, (u, v) = f.builder, f.builder.parts(node, "hypot") or (-1, -1)
    for one, other in ((u, v), (v, u)) if u >= 0 else ():
        if f.is_integer(one, 1):
            near = b.call("multiply", other, b.call("divide", other, b.call("add", f.integer(1), node)))
            # far out the second derivative of that cancels
            inside = b.call("less", b.call("abs", other), f.integer(1))
            return b.call("select", inside, near, b.call("subtract", node, f.integer(1)))
    return None


def _scaled(f: Forms, node: int, number: int) -> int | None:
    """T of a node number*t."""
    b = f.builder
    if f.is_integer(number, 1):
        return node
    product, quotient = b.parts(node, "multiply"), b.parts(node, "divide")
    if product is not None and number in product:
        return product[1] if product[0] == number else product[0]
    value: Any = b.value_of(number)
    if quotient is not None and isinstance(value, sp.Rational) and b.value_of(quotient[1]) == 1 / value:
        return quotient[0]
    return None


def may_cancel(f: Forms, operands: Operands) -> bool:
    """Whether any form less a multiple of one, or with one, can stand here: asked before all rows of sums are tried."""
    u, v = operands
    if f.builder.foldable(u) or f.builder.foldable(v):
        return True
    return v in (f.builder.parts(u, "multiply") or ()) or u in (f.builder.parts(v, "multiply") or ())


def less_one(name: str) -> dict[str, Callable[[Forms, Operands, Static], int | None]]:
    """The match of t - 1, 1 - t, c*t - c and c - c*t, for t of the function `name`."""

    def subtract(f: Forms, operands: Operands, _: Static) -> int | None:
        first, second = operands
        for node, number, sign in ((second, first, -1), (first, second, 1)):
            t = _scaled(f, node, number)
            found = None if t is None else _less_one(f, t, name)
            if found is not None:
                scaled = f.builder.call("multiply", number, found)
                return scaled if sign > 0 else f.builder.call("negate", scaled)
        return _among_terms(f, first, second, name)

    def add(f: Forms, operands: Operands, static: Static) -> int | None:
        b = f.builder
        for node, number in (operands, operands[::-1]):
            # a number that is subtracted stands in SymPy's sum as a negative term
            value: Any = b.value_of(number)
            if isinstance(value, sp.Rational) and value < 0:
                return subtract(f, (node, b.constant(-value)), static)
        return None

    return {"subtract": subtract, "add": add}


def _among_terms(f: Forms, total: int, number: int, name: str) -> int | None:
    """U + v + t - 1 = u + v + (t - 1)."""
    b = f.builder
    if b.parts(total, "add") is None or b.value_of(number) is None:
        return None
    terms = f.terms(total)
    for k, term in enumerate(terms):
        t = _scaled(f, term, number)
        found = None if t is None else _less_one(f, t, name)
        if found is not None:
            terms[k] = b.call("multiply", number, found)
            result = terms[0]
            for other in terms[1:]:
                result = b.call("add", result, other)
            return result
    return None


def one_plus_tanh(f: Forms, operands: Operands, _: Static) -> int | None:
    """1 + tanh(u) = 2*sigmoid(2*u)."""
    u = _with_one(f, operands, "tanh")
    return None if u is None else f.twice(f.builder.call("sigmoid", f.twice(u)))


def one_plus_erf(f: Forms, operands: Operands, _: Static) -> int | None:
    """1 + erf(u) = erfc(-u)."""
    u = _with_one(f, operands, "erf")
    return None if u is None else f.builder.call("erfc", f.builder.call("negate", u))


def one_plus_cos(f: Forms, operands: Operands, _: Static) -> int | None:
    """1 + cos(u) = 2*cos(u/2)**2."""
    u = _with_one(f, operands, "cos")
    return None if u is None else f.twice(f.power(f.builder.call("cos", f.half(u)), 2))


def _with_one(f: Forms, operands: Operands, name: str) -> int | None:
    return next((f.inner(v, name) for u, v in (operands, operands[::-1]) if f.is_integer(u, 1)), None)
