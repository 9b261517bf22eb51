"""Logarithms that cancel or overflow: of exponentials, of 1 - exp, of cosh, of sums of squares."""

from __future__ import annotations

from symdiff.rewriting.questions import Forms, Operands, Static


def log_of_exponentials(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(exp(u)), log(exp(u) + exp(v)), log(1 + exp(u)), and of more terms with positive numbers before them."""
    (u,) = operands
    return None if f.builder.value_of(u) is not None else f.log_of(u)


def log_of_sigmoid(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(sigmoid(u)) = -softplus(-u)."""
    b, u = f.builder, f.inner(operands[0], "sigmoid")
    return None if u is None else b.call("negate", b.call("softplus", b.call("negate", u)))


def log1p_of_exponential(f: Forms, operands: Operands, _: Static) -> int | None:
    """log1p(exp(u)) = softplus(u), and of a sum of exponentials."""
    (u,) = operands
    log = None if f.builder.value_of(u) is not None else f.log_of(u)
    return None if log is None else f.builder.call("softplus", log)


def log_of_one_plus(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(1 + u) = log1p(u), log(1 - u) = log1p(-u)."""
    b = f.builder
    difference, terms = b.parts(operands[0], "subtract"), b.parts(operands[0], "add")
    if difference is not None and f.is_integer(difference[0], 1):
        return b.call("log1p", b.call("negate", difference[1]))
    rest = next((v for u, v in (terms, terms[::-1]) if f.is_integer(u, 1)), None) if terms else None
    return None if rest is None else b.call("log1p", rest)


def _log_one_minus_exp(f: Forms, u: int) -> int:
    """log(1 - exp(u)) for u < 0: by log1p where exp(u) is small, by expm1 where it is not."""
    b = f.builder
    small = b.call("log1p", b.call("negate", b.call("exp", u)))
    large = b.call("log", b.call("negate", b.call("expm1", u)))
    return b.call("select", b.call("less", u, f.integer(-1)), small, large)


def log_of_one_minus_exp(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(-expm1(u)), which 1 - exp(u) has become."""
    negated = f.inner(operands[0], "negate")
    u = None if negated is None else f.inner(negated, "expm1")
    return None if u is None else _log_one_minus_exp(f, u)


def log_of_expm1(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(exp(u) - 1): u + log(1 - exp(-u)) where exp(u) may be too large."""
    b, u = f.builder, f.inner(operands[0], "expm1")
    if u is None:
        return None
    large = b.call("add", u, b.call("log1p", b.call("negate", b.call("exp", b.call("negate", u)))))
    return b.call("select", b.call("less", f.integer(1), u), large, b.call("log", operands[0]))


def log_of_difference(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(exp(u) - exp(v)) = u + log(1 - exp(v - u))."""
    b, parts = f.builder, f.builder.parts(operands[0], "subtract")
    logs = [f.inner(part, "exp") for part in parts] if parts else [None]
    if None in logs:
        return None
    u, v = logs
    return b.call("add", u, _log_one_minus_exp(f, b.call("subtract", v, u)))  # type: ignore[arg-type]


def log_of_cosh(f: Forms, operands: Operands, _: Static) -> int | None:
    """log(cosh(u)): log1p(2*sinh(u/2)**2) about 0, |u| + log1p(exp(-2*|u|)) - log(2) outside."""
    b, u = f.builder, f.inner(operands[0], "cosh")
    if u is None:
        return None
    size = b.call("abs", u)
    near = b.call("log1p", f.twice(f.power(b.call("sinh", f.half(u)), 2)))
    tail = b.call("log1p", b.call("exp", b.call("negate", f.twice(size))))
    far = b.call("subtract", b.call("add", size, tail), b.call("log", f.integer(2)))
    return b.call("select", b.call("less", size, f.integer(1)), near, far)
