"""The function table: everything known of a function stands in its row, and nowhere else.

To add a function, add a row; `function.Function` explains the columns. ulp figures: measured on 20,000 points each in float64
and float32 for NumPy 2.4 and jax 0.10 on x86-64, then rounded up.

>>> float(FUNCTIONS["tanh"].value(0.0))
0.0
>>> str(FUNCTIONS["log"].domain[0])
'(0, ∞)'
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import Sqrt
from sympy.core.relational import Relational, Unequality
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from symdiff.constants import float_of, nearest
from symdiff.domain import NONNEGATIVE, NONZERO, POSITIVE, REAL, TRUTH
from symdiff.forms.elementary import ball_abs, ball_maximum, ball_power, ball_sign
from symdiff.function import Absence, Function
from symdiff.rows_elementary import ALIASES, ELEMENTARY
from symdiff.rows_special import SPECIAL, SPECIAL_NAMES

ZERO = Absence.ZERO


def _like(y: Any, choice: Any) -> Any:
    return np.asarray(choice).astype(y.dtype)[()]


def _tie(u: Any, v: Any, y: Any) -> Any:
    # 1 where u is larger, 0 where v is, the middle of the subgradient at a tie, and NaN where there is no order
    return _like(y, np.where(np.isnan(y), y, (u > v) + 0.5 * (u == v)))


def _float_power(u: Any, c: Any) -> Any:
    return np.power(u, nearest(c, np.asarray(u).dtype))


def _integer_power(u: Any, n: int) -> Any:
    return u * u if n == 2 else u if n == 1 else _float_power(u, n)


def _exp_ulp(u: Any, _: Any) -> Any:
    # XLA computes exp(a)*exp(b) as exp(a + b), and the sum is rounded
    return 3.0 + np.abs(u)


def _integer_power_ulp(u: Any, n: int, y: Any) -> float:
    # small powers are repeated multiplications
    return max(2.0, min(n, 8))


def _constant_power_ulp(u: Any, c: Any, _: Any) -> Any:
    # an exponent that is rounded, c*(1 + eps), multiplies the result by 1 + c*log(u)*eps
    return 1.5 + np.abs(float_of(c) * np.log(np.where(u > 0, u, 1.0)))


def _power_partial_in_base(u: Any, v: Any, y: Any) -> Any:
    return _like(y, np.where(v == 0, 0.0, v * np.power(u, np.where(v == 0, 1.0, v - 1))))


def _power_rule_in_base(u: Any, v: Any) -> Any:
    # SymPy's u**v*v/u has no value at u = 0, which its own simplification of the power u**v/u has
    return sp.Piecewise((0, sp.Eq(u, 0) & sp.Eq(v, 0)), (sp.powsimp(sp.diff(sp.Pow(u, v), u)), True))


def _power_rule_in_exponent(u: Any, v: Any) -> Any:
    # at u = 0 SymPy's u**v*log(u) has no value, where the derivative is 0 for v > 0
    return sp.Piecewise((0, sp.Eq(u, 0) & (v > 0)), (sp.diff(sp.Pow(u, v), v), True))


def _divisor_rule(u: Any, v: Any) -> Any:
    # SymPy's u/v**2 overflows where the derivative does not
    return sp.Mul(-u / v, 1 / v, evaluate=False)


def _ball_heaviside(u: Any, at_zero: Any) -> Any:
    import flint

    step = (1 + ball_sign(u)) / 2
    if not isinstance(u, flint.arb) or not u.contains(0):
        return step
    # an irrational value to more digits than the ball keeps
    near = sp.Rational(at_zero if sp.sympify(at_zero).is_Rational else sp.N(at_zero, flint.ctx.dps + 10))
    middle = flint.arb(flint.fmpq(int(near.p), int(near.q))) * flint.arb(
        1, 0 if near == at_zero else 2.0**-flint.ctx.prec
    )
    return middle if u.is_zero() else step.union(middle)


def _power_partial_in_exponent(u: Any, v: Any, y: Any) -> Any:
    # u**v*log(u) tends to 0 with u where v > 0
    limit = (u == 0) & (v > 0)
    return _like(y, np.where(limit, 0.0, np.log(np.where(limit, 1.0, u)) * y))


def _ball_constant_power(u: Any, c: Any) -> Any:
    import flint

    exponent = flint.arb(flint.fmpq(int(c.p), int(c.q)))
    return u**exponent if isinstance(u, flint.arb) else (u.log() * exponent).exp()


def _ball_power(u: Any, v: Any) -> Any:
    return (u.log() * v).exp()


def _choice(condition: Any, u: Any, v: Any) -> Any:
    truths = (Relational, BooleanFunction, BooleanAtom)
    return sp.ITE(condition, u, v) if isinstance(u, truths) else sp.Piecewise((u, condition), (v, True))


def _certainly(holds: bool, fails: bool) -> bool | None:
    return True if holds else False if fails else None


def _ball_and(*conditions: bool | None) -> bool | None:
    return False if False in conditions else None if None in conditions else True


def _ball_select(condition: bool | None, u: Any, v: Any) -> Any:
    import flint

    if condition is None:
        return flint.arb.nan() if isinstance(u, flint.arb) else None
    return u if condition else v


def _ball_not(condition: bool | None) -> bool | None:
    return None if condition is None else not condition


# Rows are read as a table: name, SymPy and NumPy form; partials, JAX and ball form; domain, special points, source, accuracy.
# fmt: off
ROWS = (
    Function("add", lambda u, v: u + v, operator.add,
             (1.0, 1.0), "jax.numpy.add", operator.add,
             (REAL, REAL), (((1.0, 2.0), 3),), "IEEE 754, 5.4.1", ulp=0.5, regular=True,
             native=("u + v", "1", "1")),
    Function("subtract", lambda u, v: u - v, operator.sub,
             (1.0, -1.0), "jax.numpy.subtract", operator.sub,
             (REAL, REAL), (((1.0, 2.0), -1),), "IEEE 754, 5.4.1", ulp=0.5, regular=True,
             native=("u - v", "1", "-1")),
    Function("negate", lambda u: -u, operator.neg,
             (-1.0,), "jax.numpy.negative", operator.neg,
             (REAL,), (((2.0,), -2),), "IEEE 754, 5.5.1", ulp=0.0, regular=True,
             native=("-u", "-1")),
    Function("multiply", lambda u, v: u * v, operator.mul,
             (lambda u, v, y: v, lambda u, v, y: u), "jax.numpy.multiply", operator.mul,
             (REAL, REAL), (((2.0, 3.0), 6),), "IEEE 754, 5.4.1", ulp=0.5, regular=True,
             native=("u*v", "v", "u")),
    Function("divide", lambda u, v: u / v, operator.truediv,
             (lambda u, v, y: 1 / v, lambda u, v, y: -y / v), "symdiff.forms.jax_arithmetic.divide", operator.truediv,
             (REAL, NONZERO), (((3.0, 2.0), sp.Rational(3, 2)),), "IEEE 754, 5.4.1", rules=(None, _divisor_rule),
             native=("u/v", "1/v", "-y/v")),
    Function("power_integer", lambda u, n: sp.Pow(u, n), _integer_power,
             (lambda u, n, y: float_of(n) * _integer_power(u, n - 1),), "symdiff.forms.jax_arithmetic.integer_power", ball_power,
             (REAL,), (((0.0, 2), 0), ((-2.0, 3), -8)), "DLMF 4.2(iv)", ulp=_integer_power_ulp,
             native={"n == 2": ("u*u", "2*u"), "n < 10": ("whole_power_(u, n)", "n*whole_power_(u, n - 1)"), "": ("pow(u, n)", "n*pow(u, n - 1)")}),
    Function("power_negative", lambda u, n: sp.Pow(u, -n), lambda u, n: _float_power(u, -n),
             (lambda u, n, y: -float_of(n) * _float_power(u, -n - 1),), "symdiff.forms.jax_arithmetic.negative_power", lambda u, n: 1 / u**n,
             (NONZERO,), (((2.0, 2), sp.Rational(1, 4)), ((-2.0, 3), -sp.Rational(1, 8))), "DLMF 4.2(iv)", ulp=_integer_power_ulp,
             native={"n < 10": ("1/whole_power_(u, n)", "-n/whole_power_(u, n + 1)"), "": ("pow(u, -n)", "-n*pow(u, -n - 1)")}),
    Function("power_constant", lambda u, c: sp.Pow(u, c), _float_power,
             (lambda u, c, y: nearest(c, u.dtype) * _float_power(u, c - 1),),
             "symdiff.forms.jax_arithmetic.constant_power", _ball_constant_power,
             (NONNEGATIVE,), (((4.0, sp.Rational(3, 2)), 8), ((0.0, sp.Rational(3, 2)), 0)), "DLMF 4.2(iv)", ulp=_constant_power_ulp,
             native=("pow(u, n)", "n*pow(u, n - 1)")),
    Function("power", lambda u, v: sp.Pow(u, v), np.power,
             (_power_partial_in_base, _power_partial_in_exponent), "symdiff.forms.jax_arithmetic.power", _ball_power,
             (POSITIVE, REAL), (((2.0, 3.0), 8), ((2.0, -1.0), sp.Rational(1, 2))), "DLMF 4.2.26", ulp=1.5,
             rules=(_power_rule_in_base, _power_rule_in_exponent),
             native=("pow(u, v)", "v == 0 ? 0 : v*pow(u, v == 0 ? 1 : v - 1)", "(u == 0) & (v > 0) ? 0 : log(u)*y")),
    Function("sqrt", lambda u: sp.sqrt(u), np.sqrt,
             (lambda u, y: 0.5 / y,), "jax.numpy.sqrt", lambda u: u.sqrt(),
             (NONNEGATIVE,), (((4.0,), 2), ((0.0,), 0)), "IEEE 754, 5.4.1", ulp=0.5, heads=(Sqrt,), spoken=True,
             native=("sqrt(u)", "C(0.5)/y")),
    Function("exp", sp.exp, np.exp,
             (lambda u, y: y,), "jax.numpy.exp", lambda u: u.exp(),
             (REAL,), (((0.0,), 1), ((1.0,), sp.E)), "DLMF 4.7.1", ulp=_exp_ulp, heads=(sp.exp,), spoken=True,
             native=("exp(u)", "y")),
    Function("log", sp.log, np.log,
             (lambda u, y: 1 / u,), "jax.numpy.log", lambda u: u.log(),
             (POSITIVE,), (((1.0,), 0), ((2.0,), sp.log(2))), "DLMF 4.7.2", ulp=3.0, heads=(sp.log,), spoken=True,
             native=("log(u)", "1/u")),
    Function("sin", sp.sin, np.sin,
             (lambda u, y: np.cos(u),), "jax.numpy.sin", lambda u: u.sin(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.sin(1))), "DLMF 4.20.1", ulp=2.0, heads=(sp.sin,), spoken=True, regular=True,
             native={"any fabs(u) > FAR": ("sin_far_(u)", "cos_far_(u)"), "": ("sin_near_(u)", "cos_near_(u)")}),
    Function("cos", sp.cos, np.cos,
             (lambda u, y: -np.sin(u),), "jax.numpy.cos", lambda u: u.cos(),
             (REAL,), (((0.0,), 1), ((1.0,), sp.cos(1))), "DLMF 4.20.2", ulp=2.0, heads=(sp.cos,), spoken=True, regular=True,
             native={"any fabs(u) > FAR": ("cos_far_(u)", "-sin_far_(u)"), "": ("cos_near_(u)", "-sin_near_(u)")}),
    Function("tan", sp.tan, np.tan,
             (lambda u, y: 1 + y * y,), "jax.numpy.tan", lambda u: u.tan(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.tan(1))), "DLMF 4.20.3", ulp=4.0, heads=(sp.tan,), spoken=True,
             native=("tan(u)", "1 + y*y")),
    Function("abs", sp.Abs, np.abs,
             (lambda u, y: np.sign(u),), "jax.numpy.abs", ball_abs,
             (REAL,), (((-2.0,), 2), ((0.0,), 0)), "DLMF 1.9.7", ulp=0.0, heads=(sp.Abs,), regular=True,
             native=("fabs(u)", "sign_(u)")),
    Function("sign", sp.sign, np.sign,
             (ZERO,), "jax.numpy.sign", ball_sign,
             (REAL,), (((-2.0,), -1), ((0.0,), 0)), "DLMF 4.1", ulp=0.0, heads=(sp.sign,), spoken=True, regular=True,
             native=("sign_(u)",)),
    Function("heaviside", sp.Heaviside, lambda u, h: np.heaviside(u, np.asarray(u).dtype.type(float(h))),
             (ZERO,), "symdiff.forms.jax_arithmetic.heaviside", _ball_heaviside,
             (REAL,), (((2.0, sp.Rational(1, 2)), 1), ((0.0, sp.Rational(1, 2)), sp.Rational(1, 2))), "DLMF 1.16.13", ulp=0.0,
             heads=(sp.Heaviside,), static=(1,), regular=True,
             native=("u > 0 ? 1 : u < 0 ? 0 : u == 0 ? n : u",)),
    Function("maximum", sp.Max, np.maximum,
             (_tie, lambda u, v, y: _tie(v, u, y)), "symdiff.forms.jax_arithmetic.maximum", ball_maximum,
             (REAL, REAL), (((1.0, 2.0), 2),), "IEEE 754, 9.6", ulp=0.0, regular=True,
             native=("maximum_(u, v)", "tie_(u, v, y)", "tie_(v, u, y)")),
    Function("minimum", sp.Min, np.minimum,
             (lambda u, v, y: _tie(v, u, y), _tie), "symdiff.forms.jax_arithmetic.minimum", lambda u, v: -ball_maximum(-u, -v),
             (REAL, REAL), (((1.0, 2.0), 1),), "IEEE 754, 9.6", ulp=0.0, regular=True,
             native=("minimum_(u, v)", "tie_(v, u, y)", "tie_(u, v, y)")),
    Function("less", sp.Lt, np.less,
             (ZERO, ZERO), "jax.numpy.less", lambda u, v: _certainly(u < v, u >= v),
             (REAL, REAL), (((1.0, 2.0), True), ((1.0, 1.0), False)), "IEEE 754, 5.11", ulp=0.0, regular=True,
             native=("u < v",)),
    Function("less_equal", sp.Le, np.less_equal,
             (ZERO, ZERO), "jax.numpy.less_equal", lambda u, v: _certainly(u <= v, u > v),
             (REAL, REAL), (((1.0, 2.0), True), ((1.0, 1.0), True)), "IEEE 754, 5.11", ulp=0.0, regular=True,
             native=("u <= v",)),
    Function("equal", sp.Eq, np.equal,
             (ZERO, ZERO), "jax.numpy.equal", lambda u, v: _certainly(u == v, u != v),
             (REAL, REAL), (((1.0, 2.0), False), ((1.0, 1.0), True)), "IEEE 754, 5.11", ulp=0.0, heads=(sp.Equality,), regular=True,
             native=("u == v",)),
    Function("unequal", sp.Ne, np.not_equal,
             (ZERO, ZERO), "jax.numpy.not_equal", lambda u, v: _certainly(u != v, u == v),
             (REAL, REAL), (((1.0, 2.0), True), ((1.0, 1.0), False)), "IEEE 754, 5.11", ulp=0.0, heads=(Unequality,), regular=True,
             native=("u != v",)),
    Function("and", sp.And, np.logical_and,
             (ZERO, ZERO), "jax.numpy.logical_and", _ball_and,
             (TRUTH, TRUTH), (((True, False), False),), "DLMF front matter", ulp=0.0, regular=True,
             native=("(u != 0) & (v != 0)",)),
    Function("or", sp.Or, np.logical_or,
             (ZERO, ZERO), "jax.numpy.logical_or", lambda p, q: _ball_not(_ball_and(_ball_not(p), _ball_not(q))),
             (TRUTH, TRUTH), (((True, False), True),), "DLMF front matter", ulp=0.0, regular=True,
             native=("(u != 0) | (v != 0)",)),
    Function("not", sp.Not, np.logical_not,
             (ZERO,), "jax.numpy.logical_not", _ball_not,
             (TRUTH,), (((True,), False),), "DLMF front matter", ulp=0.0, heads=(sp.Not,), regular=True,
             native=("u == 0",)),
    Function("select", _choice, np.where,
             (ZERO, lambda c, u, v, y: _like(y, np.where(c, 1.0, 0.0)), lambda c, u, v, y: _like(y, np.where(c, 0.0, 1.0))),
             "jax.numpy.where", _ball_select,
             (TRUTH, REAL, REAL), (((True, 1.0, 2.0), 1), ((False, 1.0, 2.0), 2)), "DLMF front matter", ulp=0.0, regular=True,
             native=("u != 0 ? v : w", "", "u != 0", "u == 0")),
    *ELEMENTARY,
    *SPECIAL,
)
# fmt: on

FUNCTIONS: dict[str, Function] = {row.name: row for row in ROWS}
BY_HEAD: dict[type[sp.Basic], Function] = {head: row for row in ROWS for head in row.heads}
CONSTANTS: dict[str, sp.Expr] = {
    "pi": sp.pi,
    "E": sp.E,
    "EulerGamma": sp.EulerGamma,
    "Catalan": sp.Catalan,
    "GoldenRatio": sp.GoldenRatio,
}


def formula_functions() -> dict[str, Callable[..., sp.Basic]]:
    """What a formula text may call, by name.

    >>> formula_functions()["Max"], formula_functions()["ln"]
    (Max, log)
    """
    spoken = {row.name: row.sympy for row in FUNCTIONS.values() if row.spoken}
    classes = {"Abs": sp.Abs, "abs": sp.Abs, "Max": sp.Max, "Min": sp.Min, "Heaviside": sp.Heaviside}
    classes |= {"re": sp.re, "im": sp.im, "conjugate": sp.conjugate}
    return classes | ALIASES | SPECIAL_NAMES | spoken
