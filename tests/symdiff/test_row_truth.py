"""The truth that rows are measured by, held against mpmath: central differences of values in 75 to 720 digits."""

import operator

import mpmath as mp
import numpy as np
import pytest
import scipy.special
import sympy as sp

from symdiff.functions import FUNCTIONS, ROWS
from symdiff.measuring.case import cases
from symdiff.measuring.truth import truth

DIGITS = (200, 900)
STEP = mp.mpf(10) ** -40


def rational(c):
    return mp.mpf(int(c.p)) / int(c.q) if isinstance(c, sp.Rational) else mp.mpf(c)


def integer_quotient(u, v):
    return u / v == mp.floor(u / v)


def reduced_sinc(u, n):
    # j_n(u)/u**n by its hypergeometric series, DLMF 10.53.1 with 16.2.1
    return mp.hyp0f1(n + mp.mpf(3) / 2, -u * u / 4) / mp.fac2(2 * n + 1)


def acot(u):
    return mp.atan(1 / u) if u else mp.pi / 2


def erfcinv(u):
    # Newton's iteration on erfc, which has the digits at both ends
    y = mp.mpf(float(scipy.special.erfcinv(float(u))))
    for _ in range(10):
        y += (mp.erfc(y) - u) * mp.exp(y * y) * mp.sqrt(mp.pi) / 2
    return y


ORACLE = {
    "add": operator.add,
    "subtract": operator.sub,
    "negate": operator.neg,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power_integer": lambda u, n: u**n,
    "power_negative": lambda u, n: u**-n,
    "power_constant": lambda u, c: u ** rational(c),
    "power": operator.pow,
    "sqrt": mp.sqrt,
    "exp": mp.exp,
    "log": mp.log,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "sigmoid": lambda u: 1 / (1 + mp.exp(-u)),
    "abs": abs,
    "sign": mp.sign,
    "heaviside": lambda u, h: rational(h) if u == 0 else (mp.sign(u) + 1) / 2,
    "maximum": max,
    "minimum": min,
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "unequal": operator.ne,
    "and": lambda p, q: p and q,
    "or": lambda p, q: p or q,
    "not": operator.not_,
    "xor": operator.xor,
    "select": lambda c, u, v: u if c else v,
    **{name: getattr(mp, name) for name in (
        [
        "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "coth", "sech", "csch",
        "asinh", "acosh", "atanh", "floor", "frac", "sinc", "log1p", "expm1", "hypot", "atan2",
    ]
    )},
    "asec": lambda u: mp.acos(1 / u),
    "acsc": lambda u: mp.asin(1 / u),
    "acot": acot,
    "acoth": lambda u: mp.atanh(1 / u),
    "asech": lambda u: mp.acosh(1 / u),
    "acsch": lambda u: mp.asinh(1 / u),
    "ceiling": mp.ceil,
    "Mod": lambda u, v: u - v * mp.floor(u / v),
    "real_cbrt": lambda u: mp.sign(u) * mp.cbrt(abs(u)),
    "sinc": lambda u: reduced_sinc(u, 0),
    "reduced_sinc": reduced_sinc,
    "softplus": lambda u: mp.log1p(mp.exp(u)),
    "direction": lambda u, v: u / mp.sqrt(u * u + v * v),
    "logaddexp": lambda u, v: max(u, v) + mp.log1p(mp.exp(-abs(u - v))),
    "cosm1": lambda u: -2 * mp.sin(u / 2) ** 2,
    "exp2": lambda u: mp.mpf(2) ** u,
    "log2": lambda u: mp.log(u) / mp.log(2),
    "log10": mp.log10,
    **{name: getattr(mp, name) for name in [
        "erf", "erfc", "erfi", "erfinv", "gamma", "loggamma", "beta", "factorial", "binomial",
        "zeta",
    ]},
    "erfcinv": erfcinv,
    "polygamma": lambda u, m: mp.psi(m, u),
    "beta_derivative": lambda u, v, i, j: mp.diff(mp.beta, (u, v), (i, j)),
    "binomial_derivative": lambda u, v, i, j: mp.diff(mp.binomial, (u, v), (i, j)),
    "gamma_density": lambda s, x, k: mp.diff(lambda at: at ** (s - 1) * mp.exp(-at), x, k),
    "polygamma_gap": lambda u, v, m: mp.psi(m, u + v) - mp.psi(m, u),
    "lowergamma": lambda u, v: mp.gammainc(u, 0, v),
    "uppergamma": lambda u, v: mp.gammainc(u, v),
    "besselj": lambda u, n: mp.besselj(rational(n), u),
    "bessely": lambda u, n: mp.bessely(rational(n), u),
    "besseli": lambda u, n: mp.besseli(rational(n), u),
    "besselk": lambda u, n: mp.besselk(rational(n), u),
    "airyai": mp.airyai,
    "airybi": mp.airybi,
    "airyaiprime": lambda u: mp.airyai(u, derivative=1),
    "airybiprime": lambda u: mp.airybi(u, derivative=1),
    "expint": lambda u, n: mp.expint(rational(n), u),
    "Ei": mp.ei,
    "Si": mp.si,
    "Shi": mp.shi,
    "Ci": mp.ci,
    "Chi": mp.chi,
    "LambertW": lambda u, k: mp.re(mp.lambertw(u, k)),
    "zeta_derivative": lambda u, k: mp.zeta(u, derivative=k),
}  # fmt: skip

# where a function has no derivative, besides the ends of its domain
KINKS = {
    **dict.fromkeys(("abs", "sign", "heaviside", "acot", "acsch", "real_cbrt"), lambda u, *_: u == 0),
    **dict.fromkeys(("maximum", "minimum"), operator.eq),
    **dict.fromkeys(("floor", "ceiling", "frac"), lambda u: integer_quotient(u, 1)),
    "Mod": integer_quotient,
    **dict.fromkeys(("hypot", "direction"), lambda u, v: u == 0 and v == 0),
    "atan2": lambda u, v: u == 0 and v <= 0,
}

CASES = list(cases([row for row in ROWS if row.name in ORACLE], np.float64, 60))
NAMES = [f"{case.row.name}-{'-'.join(map(str, case.static))}" for case in CASES]


def difference(function, point, where, digits_of=DIGITS):
    """The partial of `function` at `where` by central differences, from as many digits as the cancellation asks for."""
    for least in digits_of:
        digits = least + sum(int(mp.log10(1 + abs(u))) for u in point)
        with mp.workdps(digits):
            terms = [(mp.mpf(1), list(point))]
            for position in where:
                h = STEP * min(abs(point[position]), 1) or STEP
                # the second difference in one operand is taken about the same point
                terms = [
                    (sign * c / (2 * h), [*p[:position], p[position] + sign * h, *p[position + 1 :]])
                    for c, p in terms
                    for sign in (1, -1)
                ]
            parts = [c * function(*p) for c, p in terms]
            total = mp.fsum(parts)
            if abs(total) > max(map(abs, parts)) * mp.mpf(10) ** (30 - digits):
                return total
    return mp.mpf(0)


def exact_operand(u):
    return u if isinstance(u, bool) else mp.mpf(float(u))


def hold(case, indices):
    """Every quantity at some points, by balls and by differences."""
    decided = 0
    for index in indices:
        point = case.point(index)
        if any(abs(u) > 1e6 for u in point) and case.row.special_function:
            continue
        kink = KINKS.get(case.row.name)
        if kink is not None and kink(*map(exact_operand, point), *case.static):
            continue
        digits = (160, 320) if case.row.special_function else DIGITS
        for where, exact in truth(case.row, case.static, point, case.moving).items():
            if exact is None:
                continue
            given = list(map(exact_operand, point))
            expected = difference(lambda *p: ORACLE[case.row.name](*p, *case.static), given, where, digits)
            if isinstance(exact.value, bool):
                assert exact.value is bool(expected), f"{case.row.name} at {point}"
                decided += 1
                continue
            with mp.workdps(60):
                found = mp.mpf(exact.value.mid().str(50, radius=False))
                allowed = mp.mpf(10) ** -25 * (abs(expected) + mp.mpf(exact.sensitivity.mid().str(20, radius=False)))
                # at 0 the step of the difference quotients is absolute; far below the range of doubles their digits end
                slack = mp.mpf(10) ** (-30 if 0 in point else -400)
                assert abs(found - expected) <= allowed + slack, f"{case.row.name}{case.static} {where} at {point}"
            decided += 1
    return decided


def test_no_row_is_missing_here():
    missing = {row.name for row in ROWS} - ORACLE.keys()
    assert not missing, f"no oracle for {', '.join(sorted(missing))}; add it to ORACLE"
    assert len(FUNCTIONS) == len(ROWS)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_truth_is_what_mpmath_finds(case):
    # the first points are moderate ones and close to edges, in random order
    assert hold(case, range(4)) > 0


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_truth_is_what_mpmath_finds_at_every_point(case):
    assert hold(case, range(case.points)) > 0


@pytest.mark.parametrize("name", ["atan2", "sech", "sinc", "beta"])
def test_a_wrong_ball_form_is_seen(name, monkeypatch):
    [case] = [case for case in CASES if case.row.name == name]
    right = case.row.ball
    monkeypatch.setitem(case.row.__dict__, "ball", lambda *a: right(*a) * (1 + sp.Rational(1, 10**9).__float__()))
    with pytest.raises(AssertionError, match=name):
        hold(case, range(4))
