"""Rows of the function table: trigonometric and hyperbolic functions, their inverses, rounding, stable forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, exp2, expm1, hypot, log1p, log2, log10
from sympy.codegen.numpy_nodes import logaddexp
from sympy.codegen.scipy_nodes import cosm1

from symdiff.domain import NONZERO, POSITIVE, REAL, TRUTH, Domain
from symdiff.forms import elementary as forms
from symdiff.forms.elementary_classes import direction, reduced_sinc, sigmoid, softplus
from symdiff.function import Absence, Function

ZERO = Absence.ZERO
HALF = sp.Rational(1, 2)
# from here on 1 + u**2 is u**2 to all digits
FAR = 2**27
LOG2, LOG10 = math.log(2.0), math.log(10.0)
BETWEEN = Domain(-1.0, 1.0, closed_low=True, closed_high=True, regular=0.5)
INSIDE = Domain(-1.0, 1.0, regular=0.5)
OUTSIDE = Domain(gap=(-1.0, 1.0), regular=2.0)
BEYOND = Domain(gap=(-1.0, 1.0), excluded=(-1.0, 1.0), regular=2.0)
FROM_ONE = Domain(low=1.0, closed_low=True, regular=2.0)
UNIT = Domain(low=0.0, high=1.0, closed_high=True, regular=0.5)
ABOVE_MINUS_ONE = Domain(low=-1.0)


def _circle(u: Any) -> Any:
    # sqrt(1 - u**2)
    return np.sqrt((1 - u) * (1 + u))


def _beyond(u: Any) -> Any:
    # |u|*sqrt(u**2 - 1)
    return np.abs(u) * (np.sqrt(np.abs(u) - 1) * np.sqrt(np.abs(u) + 1))


def _sinc(u: Any) -> Any:
    return forms.reduced_sinc(u, 0)


def _inverse_square(u: Any) -> Any:
    # SymPy would make it u**-2, whose u**2 leaves the range of numbers
    return sp.Pow(1 / u, 2, evaluate=False)


def _bell_rule(u: Any) -> Any:
    # 1/(1 + u**2); far out another form, whose derivative is no product of a square that leaves the range of numbers
    near = u**2 < FAR**2
    safe = sp.Piecewise((sp.Integer(1), near), (u, True))
    # SymPy would take the safe point out again
    inverse = sp.Pow(safe, -1, evaluate=False)
    return sp.Piecewise((1 / (1 + u**2), near), (sp.Pow(inverse, 2, evaluate=False), True), evaluate=False)


def _asec_rule(u: Any) -> Any:
    square = _inverse_square(u)
    root = sp.sqrt(sp.Add(1, sp.Mul(-1, square, evaluate=False), evaluate=False), evaluate=False)
    return sp.Mul(square, sp.Pow(root, -1, evaluate=False), evaluate=False)


def _acoth_rule(u: Any) -> Any:
    square = _inverse_square(u)
    return sp.Mul(square, sp.Pow(sp.Add(square, -1, evaluate=False), -1, evaluate=False), evaluate=False)


def _asech_rule(u: Any) -> Any:
    # -1/(u*sqrt(1 - u**2)), parted so that no product underflows
    root = sp.sqrt(1 - u**2)
    return -1 / u - u / (root * (1 + root))


# fmt: off
ELEMENTARY = (
    Function("tanh", sp.tanh, np.tanh,
             (lambda u, y: forms.sech(u) ** 2,), "symdiff.forms.jax_elementary.tanh", forms.ball_tanh,
             (REAL,), (((0.0,), 0), ((1.0,), sp.tanh(1)), ((400.0,), 1)), "DLMF 4.34.8", ulp=4.0, heads=(sp.tanh,), spoken=True,
             regular=True, rules=(lambda u: sp.sech(u) ** 2,),
             native=("tanh_(u)", "tanh_slope_(u)")),
    Function("sigmoid", sigmoid, forms.sigmoid,
             (lambda u, y: y * forms.sigmoid(-u),), "symdiff.forms.jax_elementary.sigmoid", lambda u: 1 / (1 + (-u).exp()),
             (REAL,), (((0.0,), HALF), ((-800.0,), 0)), "Bishop, PRML 4.59 and 4.88", ulp=3.0,
             heads=(sigmoid,), spoken=True, regular=True, rules=(lambda u: sp.sech(u / 2) ** 2 / 4,),
             native=("sigmoid_(u)", "bell_(u)")),
    Function("cot", sp.cot, lambda u: 1 / np.tan(u),
             (lambda u, y: -1 - y * y,), "symdiff.forms.jax_elementary.cot", lambda u: u.cos() / u.sin(),
             (NONZERO,), (((1.0,), sp.cot(1)), ((-2.0,), sp.cot(-2))), "DLMF 4.20.6", ulp=3.0, heads=(sp.cot,), spoken=True,
             native=("1/tan(u)", "-1 - y*y")),
    Function("sec", sp.sec, lambda u: 1 / np.cos(u),
             (lambda u, y: y * np.tan(u),), "symdiff.forms.jax_elementary.sec", lambda u: 1 / u.cos(),
             (REAL,), (((0.0,), 1), ((1.0,), sp.sec(1))), "DLMF 4.20.5", ulp=3.0, heads=(sp.sec,), spoken=True,
             native=("1/cos_far_(u)", "y*tan(u)")),
    Function("csc", sp.csc, lambda u: 1 / np.sin(u),
             (lambda u, y: -y / np.tan(u),), "symdiff.forms.jax_elementary.csc", lambda u: 1 / u.sin(),
             (NONZERO,), (((1.0,), sp.csc(1)), ((-2.0,), sp.csc(-2))), "DLMF 4.20.4", ulp=3.0, heads=(sp.csc,), spoken=True,
             native=("1/sin(u)", "-y/tan(u)")),
    Function("asin", sp.asin, np.arcsin,
             (lambda u, y: 1 / _circle(u),), "jax.numpy.arcsin", lambda u: u.asin(),
             (BETWEEN,), (((0.0,), 0), ((0.5,), sp.pi / 6), ((1.0,), sp.pi / 2), ((-1.0,), -sp.pi / 2)), "DLMF 4.24.7", ulp=3.0,
             heads=(sp.asin,), spoken=True,
             native=("asin(u)", "1/circle_(u)")),
    Function("acos", sp.acos, np.arccos,
             (lambda u, y: -1 / _circle(u),), "jax.numpy.arccos", lambda u: u.acos(),
             (BETWEEN,), (((0.0,), sp.pi / 2), ((0.5,), sp.pi / 3), ((-1.0,), sp.pi), ((1.0,), 0)), "DLMF 4.24.8", ulp=3.0,
             heads=(sp.acos,), spoken=True,
             native=("acos(u)", "-1/circle_(u)")),
    Function("atan", sp.atan, np.arctan,
             (lambda u, y: 1 / (1 + u * u),), "symdiff.forms.jax_elementary.atan", lambda u: u.atan(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.pi / 4), ((-1e200,), -sp.pi / 2)), "DLMF 4.24.9", ulp=2.0, heads=(sp.atan,),
             spoken=True, regular=True, rules=(_bell_rule,),
             native=("atan(u)", "1/(1 + u*u)")),
    Function("acot", sp.acot, forms.acot,
             (lambda u, y: -1 / (1 + u * u),), "symdiff.forms.jax_elementary.acot", forms.ball_acot,
             (REAL,), (((0.0,), sp.pi / 2), ((1.0,), sp.pi / 4), ((-1.0,), -sp.pi / 4)), "DLMF 4.24.12", ulp=2.0,
             heads=(sp.acot,), spoken=True, regular=True, rules=(lambda u: -_bell_rule(u),),
             native=("acot_(u)", "-1/(1 + u*u)")),
    Function("asec", sp.asec, lambda u: np.arccos(1 / u),
             (lambda u, y: 1 / _beyond(u),), "symdiff.forms.jax_elementary.asec", lambda u: (1 / u).acos(),
             (OUTSIDE,), (((1.0,), 0), ((2.0,), sp.pi / 3), ((-2.0,), 2 * sp.pi / 3), ((-1.0,), sp.pi)), "DLMF 4.24.11",
             ulp=lambda u, y: 4.0 + 1 / np.maximum(_beyond(u) * y, 1e-30), heads=(sp.asec,), spoken=True, rules=(_asec_rule,),
             native=("acos(1/u)", "1/beyond_(u)")),
    Function("acsc", sp.acsc, lambda u: np.arcsin(1 / u),
             (lambda u, y: -1 / _beyond(u),), "symdiff.forms.jax_elementary.acsc", lambda u: (1 / u).asin(),
             (OUTSIDE,), (((1.0,), sp.pi / 2), ((2.0,), sp.pi / 6), ((-2.0,), -sp.pi / 6)), "DLMF 4.24.10",
             ulp=lambda u, y: 4.0 + 1 / np.maximum(_beyond(u) * np.abs(y), 1e-30), heads=(sp.acsc,), spoken=True,
             rules=(lambda u: sp.Mul(-1, _asec_rule(u), evaluate=False),),
             native=("asin(1/u)", "-1/beyond_(u)")),
    Function("atan2", sp.atan2, np.arctan2,
             (lambda u, v, y: v / np.hypot(u, v) / np.hypot(u, v), lambda u, v, y: -u / np.hypot(u, v) / np.hypot(u, v)),
             "symdiff.forms.jax_elementary.atan2", forms.ball_atan2,
             (REAL, REAL), (((1.0, 1.0), sp.pi / 4), ((1.0, -1.0), 3 * sp.pi / 4), ((-1.0, -1.0), -3 * sp.pi / 4), ((0.0, -1.0), sp.pi)),
             "ISO C 7.12.4.4; DLMF 1.9.6", ulp=3.0, heads=(sp.atan2,), spoken=True,
             rules=(lambda u, v: direction(v, u) / hypot(u, v), lambda u, v: -direction(u, v) / hypot(u, v)),
             native=("atan2(u, v)", "v/hypot(u, v)/hypot(u, v)", "-u/hypot(u, v)/hypot(u, v)")),
    Function("sinh", sp.sinh, np.sinh,
             (lambda u, y: np.cosh(u),), "jax.numpy.sinh", forms.ball_sinh,
             (REAL,), (((0.0,), 0), ((1.0,), sp.sinh(1))), "DLMF 4.34.1", ulp=lambda u, y: 16.0 + np.abs(u), heads=(sp.sinh,),
             spoken=True,
             native=("sinh(u)", "cosh(u)")),
    Function("cosh", sp.cosh, np.cosh,
             (lambda u, y: np.sinh(u),), "jax.numpy.cosh", forms.ball_cosh,
             (REAL,), (((0.0,), 1), ((1.0,), sp.cosh(1))), "DLMF 4.34.2", ulp=lambda u, y: 16.0 + np.abs(u), heads=(sp.cosh,),
             spoken=True,
             native=("cosh(u)", "sinh(u)")),
    Function("coth", sp.coth, lambda u: 1 / np.tanh(u),
             (lambda u, y: -forms.csch(u) ** 2,), "symdiff.forms.jax_elementary.coth", lambda u: 1 / forms.ball_tanh(u),
             (NONZERO,), (((1.0,), sp.coth(1)), ((-800.0,), -1)), "DLMF 4.34.11", ulp=6.0, heads=(sp.coth,), spoken=True,
             rules=(lambda u: -sp.csch(u) ** 2,),
             native=("1/tanh_(u)", "-square_(csch_(u))")),
    Function("sech", sp.sech, forms.sech,
             (lambda u, y: -y * np.tanh(u),), "symdiff.forms.jax_elementary.sech", lambda u: 1 / forms.ball_cosh(u),
             (REAL,), (((0.0,), 1), ((1.0,), sp.sech(1)), ((800.0,), 0)), "DLMF 4.34.10", ulp=4.0, heads=(sp.sech,), spoken=True,
             regular=True,
             native=("sech_(u)", "-y*tanh_(u)")),
    Function("csch", sp.csch, forms.csch,
             (lambda u, y: -y / np.tanh(u),), "symdiff.forms.jax_elementary.csch", lambda u: 1 / forms.ball_sinh(u),
             (NONZERO,), (((1.0,), sp.csch(1)), ((-800.0,), 0)), "DLMF 4.34.9", ulp=6.0, heads=(sp.csch,), spoken=True,
             native=("csch_(u)", "-y/tanh_(u)")),
    Function("asinh", sp.asinh, np.arcsinh,
             (lambda u, y: 1 / np.hypot(u.dtype.type(1), u),), "symdiff.forms.jax_elementary.asinh", forms.ball_asinh,
             (REAL,), (((0.0,), 0), ((1.0,), sp.asinh(1)), ((-1.0,), sp.asinh(-1))), "DLMF 4.38.11", ulp=4.0, heads=(sp.asinh,),
             spoken=True, regular=True, rules=(lambda u: 1 / hypot(1, u),),
             native=("asinh(u)", "1/hypot(C(1), u)")),
    Function("acosh", sp.acosh, np.arccosh,
             (lambda u, y: 1 / (np.sqrt(u - 1) * np.sqrt(u + 1)),), "symdiff.forms.jax_elementary.acosh", forms.ball_acosh,
             (FROM_ONE,), (((1.0,), 0), ((2.0,), sp.acosh(2))), "DLMF 4.38.12", ulp=lambda u, y: 8.0 + 1 / np.maximum(np.sqrt(u - 1) * y, 1e-30),
             heads=(sp.acosh,), spoken=True,
             native=("acosh(u)", "1/(sqrt(u - 1)*sqrt(u + 1))")),
    Function("atanh", sp.atanh, np.arctanh,
             (lambda u, y: 1 / ((1 - u) * (1 + u)),), "symdiff.forms.jax_elementary.atanh", forms.ball_atanh,
             (INSIDE,), (((0.0,), 0), ((0.5,), sp.log(3) / 2), ((-0.5,), -sp.log(3) / 2)), "DLMF 4.38.13", ulp=4.0, heads=(sp.atanh,),
             spoken=True,
             native=("atanh(u)", "1/((1 - u)*(1 + u))")),
    Function("acoth", sp.acoth, lambda u: np.arctanh(1 / u),
             (lambda u, y: 1 / ((1 - u) * (1 + u)),), "symdiff.forms.jax_elementary.acoth", lambda u: forms.ball_atanh(1 / u),
             (BEYOND,), (((2.0,), sp.log(3) / 2), ((-2.0,), -sp.log(3) / 2)), "DLMF 4.38.16",
             ulp=lambda u, y: 32.0 + 1 / np.maximum(np.abs((np.abs(u) - 1) * y), 1e-30), heads=(sp.acoth,), spoken=True, rules=(_acoth_rule,),
             native=("atanh(1/u)", "1/((1 - u)*(1 + u))")),
    Function("asech", sp.asech, lambda u: np.arccosh(1 / u),
             (lambda u, y: -1 / (u * _circle(u)),), "symdiff.forms.jax_elementary.asech", lambda u: forms.ball_acosh(1 / u),
             (UNIT,), (((1.0,), 0), ((0.5,), sp.acosh(2))), "DLMF 4.38.15",
             ulp=lambda u, y: 8.0 + 1 / np.maximum(_circle(u) * y, 1e-30), heads=(sp.asech,), spoken=True, rules=(_asech_rule,),
             native=("acosh(1/u)", "-1/(u*circle_(u))")),
    Function("acsch", sp.acsch, lambda u: np.arcsinh(1 / u),
             (lambda u, y: -1 / (np.abs(u) * np.hypot(u.dtype.type(1), u)),), "symdiff.forms.jax_elementary.acsch", lambda u: forms.ball_asinh(1 / u),
             (NONZERO,), (((1.0,), sp.asinh(1)), ((-2.0,), sp.asinh(-HALF))), "DLMF 4.38.14", ulp=4.0, heads=(sp.acsch,), spoken=True,
             rules=(lambda u: -direction(1, u) / sp.Abs(u),),
             native=("asinh(1/u)", "-1/(fabs(u)*hypot(C(1), u))")),
    Function("floor", sp.floor, np.floor,
             (ZERO,), "jax.numpy.floor", forms.ball_floor,
             (REAL,), (((1.5,), 1), ((-1.5,), -2), ((2.0,), 2)), "DLMF front matter", ulp=0.0, heads=(sp.floor,), spoken=True, regular=True,
             native=("floor(u)",)),
    Function("ceiling", sp.ceiling, lambda u: 0.0 - np.floor(-u),
             (ZERO,), "symdiff.forms.jax_elementary.ceiling", lambda u: -forms.ball_floor(-u),
             (REAL,), (((1.5,), 2), ((-1.5,), -1), ((2.0,), 2)), "DLMF front matter", ulp=0.0, heads=(sp.ceiling,), spoken=True, regular=True,
             native=("0 - floor(-u)",)),
    Function("frac", sp.frac, lambda u: u - np.floor(u),
             (1.0,), "symdiff.forms.jax_elementary.frac", lambda u: u - forms.ball_floor(u),
             (REAL,), (((1.5,), HALF), ((-1.25,), sp.Rational(3, 4)), ((2.0,), 0)), "DLMF front matter", ulp=0.5, heads=(sp.frac,),
             spoken=True, regular=True, rules=(lambda u: sp.Integer(1),),
             native=("u - floor(u)", "1")),
    Function("Mod", sp.Mod, np.mod,
             (1.0, lambda u, v, y: -forms.whole_quotient(u, v, y)), "symdiff.forms.jax_arithmetic.modulo", forms.ball_modulo,
             (REAL, NONZERO), (((5.0, 3.0), 2), ((-5.0, 3.0), 1), ((5.0, -3.0), -1), ((-5.0, -3.0), -2)), "Knuth, TAOCP 1.2.4", ulp=0.5,
             heads=(sp.Mod,), spoken=True,
             rules=(lambda u, v: sp.Integer(1), lambda u, v: -sp.floor((u - sp.Mod(u, v)) / v + HALF)),
             native=("modulo_(u, v)", "1", "-rint((u - y)/v)")),
    Function("xor", sp.Xor, np.logical_xor,
             (ZERO, ZERO), "jax.numpy.logical_xor", lambda p, q: None if p is None or q is None else p != q,
             (TRUTH, TRUTH), (((True, False), True), ((True, True), False)), "DLMF front matter", ulp=0.0, regular=True,
             native=("(u != 0) != (v != 0)",)),
    Function("real_cbrt", Cbrt, np.cbrt,
             (lambda u, y: 1 / (3 * y * y),), "jax.numpy.cbrt", forms.ball_cbrt,
             (REAL,), (((8.0,), 2), ((-8.0,), -2), ((0.0,), 0)), "ISO C 7.12.7.1", ulp=4.0, heads=(Cbrt,),
             rules=(lambda u: 1 / (3 * Cbrt(u) ** 2),),
             native=("cbrt(u)", "1/(3*y*y)")),
    Function("sinc", sp.sinc, _sinc,
             (lambda u, y: forms.sinc_slope(u, y),), "symdiff.forms.jax_elementary.sinc", lambda u: forms.ball_reduced_sinc(u, 0),
             (REAL,), (((0.0,), 1), ((1.0,), sp.sin(1))), "DLMF 10.49.3", ulp=4.0, heads=(sp.sinc,), spoken=True, regular=True,
             rules=(lambda u: -u * reduced_sinc(1, u),),
             native=("reduced_sinc_(u, 0)", "sinc_slope_(u, y)")),
    Function("reduced_sinc", lambda u, n: reduced_sinc(n, u), forms.reduced_sinc,
             (lambda u, n, y: -u * forms.reduced_sinc(u, n + 1),), "symdiff.forms.jax_elementary.reduced_sinc", forms.ball_reduced_sinc,
             (REAL,), (((0.0, 1), sp.Rational(1, 3)), ((1.0, 1), sp.sin(1) - sp.cos(1)), ((0.0, 2), sp.Rational(1, 15))),
             "DLMF 10.51.2 and 10.53.1", ulp=16.0, heads=(reduced_sinc,), static=(0,), regular=True,
             native=("reduced_sinc_(u, n)", "-u*reduced_sinc_(u, n + 1)")),
    Function("softplus", softplus, lambda u: np.logaddexp(u, u.dtype.type(0)),
             (lambda u, y: forms.sigmoid(u),), "symdiff.forms.jax_elementary.softplus", lambda u: (1 + u.exp()).log(),
             (REAL,), (((0.0,), sp.log(2)), ((800.0,), 800), ((-800.0,), 0)), "Dugas et al., NIPS 2000", ulp=4.0, heads=(softplus,),
             spoken=True, regular=True,
             native=("softplus_(u)", "sigmoid_(u)")),
    Function("log1p", log1p, np.log1p,
             (lambda u, y: 1 / (1 + u),), "jax.numpy.log1p", forms.ball_log1p,
             (ABOVE_MINUS_ONE,), (((0.0,), 0), ((1.0,), sp.log(2)), ((-0.5,), -sp.log(2))), "ISO C 7.12.6.9", ulp=128.0,
             heads=(log1p,), spoken=True,
             native=("log1p(u)", "1/(1 + u)")),
    Function("expm1", expm1, np.expm1,
             (lambda u, y: np.exp(u),), "symdiff.forms.jax_elementary.expm1", forms.ball_expm1,
             (REAL,), (((0.0,), 0), ((1.0,), sp.E - 1), ((-800.0,), -1)), "ISO C 7.12.6.3", ulp=lambda u, y: 16.0 + np.abs(u),
             heads=(expm1,), spoken=True,
             native=("expm1(u)", "exp(u)")),
    Function("hypot", hypot, np.hypot,
             (lambda u, v, y: u / y, lambda u, v, y: v / y), "symdiff.forms.jax_elementary.hypot", forms.ball_hypot,
             (REAL, REAL), (((3.0, 4.0), 5), ((0.0, 0.0), 0), ((3e200, 4e200), sp.Integer(5e200))), "ISO C 7.12.7.4", ulp=3.0,
             heads=(hypot,), spoken=True, rules=(lambda u, v: direction(u, v), lambda u, v: direction(v, u)),
             native=("hypot(u, v)", "u/y", "v/y")),
    Function("direction", direction, lambda u, v: u / np.hypot(u, v),
             (lambda u, v, y: (v / np.hypot(u, v)) ** 2 / np.hypot(u, v),
              lambda u, v, y: -(u / np.hypot(u, v)) * (v / np.hypot(u, v)) / np.hypot(u, v)),
             "symdiff.forms.jax_elementary.direction", forms.ball_direction,
             (REAL, REAL), (((3.0, 4.0), sp.Rational(3, 5)), ((-3.0, 0.0), -1)), "derivative of hypot", ulp=4.0, heads=(direction,),
             native=("direction_(u, v)", "square_(direction_(v, u))/hypot(u, v)", "-direction_(u, v)*direction_(v, u)/hypot(u, v)")),
    Function("logaddexp", logaddexp, np.logaddexp,
             (lambda u, v, y: forms.sigmoid(u - v), lambda u, v, y: forms.sigmoid(v - u)), "symdiff.forms.jax_elementary.logaddexp",
             forms.ball_logaddexp,
             (REAL, REAL), (((0.0, 0.0), sp.log(2)), ((800.0, 800.0), 800 + sp.log(2)), ((-800.0, 0.0), 0)), "Bishop, PRML 4.62",
             ulp=lambda u, v, y: 4.0 + 4 * np.maximum(np.abs(u), np.abs(v)) / np.maximum(np.abs(y), 1e-300), heads=(logaddexp,),
             spoken=True, regular=True, rules=(lambda u, v: sigmoid(u - v), lambda u, v: sigmoid(v - u)),
             native=("logaddexp_(u, v)", "sigmoid_(u - v)", "sigmoid_(v - u)")),
    Function("cosm1", cosm1, forms.cosm1,
             (lambda u, y: -np.sin(u),), "symdiff.forms.jax_elementary.cosm1", lambda u: -2 * forms.ball_power((u / 2).sin(), 2),
             (REAL,), (((0.0,), 0), ((1.0,), sp.cos(1) - 1)), "DLMF 4.21.31", ulp=4.0, heads=(cosm1,), spoken=True, regular=True,
             native=("cosm1_(u)", "-sin_far_(u)")),
    Function("exp2", exp2, np.exp2,
             (lambda u, y: LOG2 * y,), "jax.numpy.exp2", lambda u: (u * forms.ball_log(2)).exp(),
             (REAL,), (((0.0,), 1), ((3.0,), 8), ((-1.0,), HALF)), "ISO C 7.12.6.2", ulp=lambda u, y: 32.0 + np.abs(u), heads=(exp2,),
             spoken=True,
             native=("exp2(u)", "C(M_LN2)*y")),
    Function("log2", log2, np.log2,
             (lambda u, y: 1 / (LOG2 * u),), "jax.numpy.log2", lambda u: u.log() / forms.ball_log(2),
             (POSITIVE,), (((1.0,), 0), ((8.0,), 3)), "ISO C 7.12.6.10", ulp=3.0, heads=(log2,), spoken=True,
             native=("log2(u)", "1/(C(M_LN2)*u)")),
    Function("log10", log10, np.log10,
             (lambda u, y: 1 / (LOG10 * u),), "jax.numpy.log10", lambda u: u.log() / forms.ball_log(10),
             (POSITIVE,), (((1.0,), 0), ((1000.0,), 3)), "ISO C 7.12.6.8", ulp=3.0, heads=(log10,), spoken=True,
             native=("log10(u)", "1/(C(M_LN10)*u)")),
)
# fmt: on

# names a formula may use besides those of rows
ALIASES = {
    "ceil": sp.ceiling, "ln": sp.log, "max": sp.Max, "min": sp.Min, "cbrt": sp.cbrt, "real_root": sp.real_root,
    # as NumPy spells them
    "arcsin": sp.asin, "arccos": sp.acos, "arctan": sp.atan, "arctan2": sp.atan2,
    "arcsinh": sp.asinh, "arccosh": sp.acosh, "arctanh": sp.atanh,
}  # fmt: skip
