"""Rows of the function table: error, gamma, Bessel and Airy functions, exponential integrals, Lambert's W, Riemann's zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp

from symdiff.domain import NONZERO, POSITIVE, REAL, Domain
from symdiff.forms import bessel, exponential_integrals, gamma_kin, lambert_w, riemann_zeta
from symdiff.forms import special_balls as balls
from symdiff.forms.scipy_functions import sc
from symdiff.forms.special_classes import (
    beta_derivative,
    binomial_derivative,
    gamma_density,
    polygamma_gap,
    zeta_derivative,
)
from symdiff.function import Absence, Function

NONDIFFERENTIABLE = Absence.NONDIFFERENTIABLE
HALF = sp.Rational(1, 2)
ROOT_PI = math.sqrt(math.pi)
OPEN = Domain(-1.0, 1.0, regular=0.5)
TWICE = Domain(0.0, 2.0, regular=0.5)
NO_POLES = Domain(poles_from=0)
NO_NEGATIVE_POLES = Domain(poles_from=-1)
BEYOND_MINUS_ONE = Domain(low=-1.0)
NOT_ONE = Domain(excluded=(1.0,), regular=3.0)
# the doubles inside (-1/e, ...)
FROM_BRANCH_POINT = Domain(low=math.nextafter(lambert_w.BRANCH_POINT, 0.0), closed_low=True)
BRANCH_POINT_TO_ZERO = Domain(low=math.nextafter(lambert_w.BRANCH_POINT, 0.0), high=0.0, closed_low=True, regular=-0.2)


def _whole(n: Any, least: int = 0) -> bool:
    return isinstance(n, int) and n >= least


def _orders(i: Any, j: Any) -> bool:
    return _whole(i) and _whole(j)


def _real_line(n: Any) -> tuple[Domain, ...]:
    return (REAL if isinstance(n, int) else POSITIVE,)


def _wave_units(u: Any, y: Any, phase: float, amplitude: float) -> Any:
    # the phase |u|**phase of a wave of amplitude |u|**amplitude is rounded; where the wave is small all its digits may go
    size = np.abs(np.asarray(u, np.float64))
    wave = size**phase * np.maximum(size, 1.0) ** amplitude
    # a finite number of units at zero too: infinity times zero would be no bound
    return 8 * wave / np.maximum(np.abs(np.asarray(y, np.float64)), 1e-280)


def _airy_ulp(u: Any, y: Any, amplitude: float) -> Any:
    # against Arb: left of 0 at most 5.6 units of the wave, right of it 87 and, from the exponent, 0.7*u**1.5
    right = np.maximum(np.asarray(u, np.float64), 0.0)
    return np.where(right > 0, 128.0 + 2 * right**1.5, 16.0 + _wave_units(u, y, 1.5, amplitude))


def _bessel_ulp(u: Any, n: Any, y: Any) -> Any:
    # against Arb: 64 units at order 7 below its zeros, which begin beyond the order; there 5 units of the wave, 9 of one
    # whose order is no integer
    order = float(n)
    wave = _wave_units(u, y, 1.0, -0.5) * (1.0 if order.is_integer() else 2.0)
    before = (order >= 0) & (np.abs(np.asarray(u, np.float64)) < order)
    return 32.0 + 24.0 * abs(order) + np.where(before, 0.0, wave)


def _bessely_rule(u: Any, n: Any) -> sp.Expr:
    # of the terms of SymPy's rule the one farther from order 0 counts where both overflow: only infinity equals its double
    before, after = sp.bessely(n - 1, u), sp.bessely(n + 1, u)
    if not n:
        return (before - after) / 2
    larger = after if n > 0 else before
    overflow = sp.Eq(larger, 2 * larger, evaluate=False)
    alone = -after / 2 if n > 0 else before / 2
    return sp.Piecewise((alone, overflow), ((before - after) / 2, True), evaluate=False)


def _sinhc_rule(u: Any) -> sp.Expr:
    # the derivative of sinh(u)/u cancels near 0, that of its power series does not
    near = u**2 < exponential_integrals.SINHC_EDGE**2
    series: sp.Expr = sp.Integer(0)
    for k in reversed(range(exponential_integrals.SINHC_TERMS)):
        series = series * u**2 + 1 / sp.factorial(2 * k + 1)
    # without a guard too no branch divides by 0; SymPy would take the safe point out again
    safe = sp.Piecewise((sp.Integer(1), near), (u, True))
    outside = sp.Mul(sp.sinh(safe), sp.Pow(safe, -1, evaluate=False), evaluate=False)
    steep = u**2 > exponential_integrals.STEEP**2
    far = _half(_exp_over_rule(sp.Piecewise((sp.Abs(u), steep), (sp.Integer(1), True))))
    return sp.Piecewise((series, near), (far, steep), (outside, True), evaluate=False)


def _half(u: sp.Expr) -> sp.Expr:
    return sp.Mul(HALF, u, evaluate=False)


def _exp_over_rule(u: Any) -> sp.Expr:
    # exp(u)/u by halves, for exp(u) overflows before that does
    half = sp.exp(u / 2)
    return sp.Mul(sp.Mul(half, sp.Pow(u, -1, evaluate=False), evaluate=False), half, evaluate=False)


def _cosh_over_rule(u: Any) -> sp.Expr:
    steep = u > exponential_integrals.STEEP
    safe = sp.Piecewise((sp.Integer(1), steep), (u, True))
    near = sp.Mul(sp.cosh(safe), sp.Pow(safe, -1, evaluate=False), evaluate=False)
    far = _half(_exp_over_rule(sp.Piecewise((u, steep), (sp.Integer(1), True))))
    return sp.Piecewise((far, steep), (near, True), evaluate=False)


def _first_expint(u: sp.Expr) -> sp.Expr:
    return sp.expint(1, u)


# what a formula calls functions with static arguments, which it gives in SymPy's order
SPECIAL_NAMES = {
    "digamma": sp.digamma, "polygamma": sp.polygamma, "expint": sp.expint, "E1": _first_expint, "LambertW": sp.LambertW,
    "besselj": sp.besselj, "bessely": sp.bessely, "besseli": sp.besseli, "besselk": sp.besselk,
}  # fmt: skip

# fmt: off
SPECIAL = (
    Function("erf", sp.erf, sc.erf,
             (lambda u, y: 2 / ROOT_PI * np.exp(-u * u),), "jax.scipy.special.erf", lambda u: u.erf(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.erf(1)), ((800.0,), 1)), "DLMF 7.2.1", ulp=16.0, heads=(sp.erf,), spoken=True,
             regular=True, special_function=True,
             native=("erf(u)", "C(M_2_SQRTPI)*exp(-u*u)")),
    Function("erfc", sp.erfc, sc.erfc,
             (lambda u, y: -2 / ROOT_PI * np.exp(-u * u),), "jax.scipy.special.erfc", lambda u: u.erfc(),
             (REAL,), (((0.0,), 1), ((1.0,), sp.erfc(1)), ((800.0,), 0)), "DLMF 7.2.2", ulp=lambda u, y: 64.0 + 2 * u * u,
             heads=(sp.erfc,), spoken=True, regular=True, special_function=True,
             native=("erfc(u)", "-C(M_2_SQRTPI)*exp(-u*u)")),
    Function("erfi", sp.erfi, sc.erfi,
             (lambda u, y: 2 / ROOT_PI * np.exp(u * u),), "symdiff.forms.jax_error_functions.erfi", lambda u: u.erfi(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.erfi(1))), "DLMF 7.5.1, Dawson's integral", ulp=lambda u, y: 64.0 + 2 * u * u,
             heads=(sp.erfi,), spoken=True, special_function=True),
    Function("erfinv", sp.erfinv, sc.erfinv,
             (lambda u, y: ROOT_PI / 2 * np.exp(y * y),), "jax.scipy.special.erfinv", balls.erfinv,
             (OPEN,), (((0.0,), 0), ((0.5,), sp.erfinv(HALF))), "DLMF 7.17", ulp=64.0, heads=(sp.erfinv,), spoken=True,
             special_function=True),
    Function("erfcinv", sp.erfcinv, sc.erfcinv,
             (lambda u, y: -ROOT_PI / 2 * np.exp(y * y),), "symdiff.forms.jax_error_functions.erfcinv", balls.erfcinv,
             (TWICE,), (((1.0,), 0),), "DLMF 7.17", ulp=256.0, heads=(sp.erfcinv,), spoken=True,
             special_function=True),
    Function("gamma", sp.gamma, sc.gamma,
             (lambda u, y: y * gamma_kin.digamma(u),), "symdiff.forms.jax_gamma.gamma", lambda u: u.gamma(),
             (NO_POLES,), (((5.0,), 24), ((0.5,), sp.sqrt(sp.pi)), ((-0.5,), -2 * sp.sqrt(sp.pi))), "DLMF 5.2.1", ulp=1024.0,
             heads=(sp.gamma,), spoken=True, special_function=True,
             native=("tgamma(u)", "y*digamma_(u)")),
    Function("loggamma", sp.loggamma, sc.gammaln,
             (lambda u, y: sc.digamma(u),), "symdiff.forms.jax_gamma.loggamma", lambda u: u.lgamma(),
             (POSITIVE,), (((1.0,), 0), ((5.0,), sp.log(24)), ((0.5,), sp.log(sp.pi) / 2)), "DLMF 5.2.1", ulp=1024.0,
             heads=(sp.loggamma,), spoken=True, special_function=True,
             native=("lgamma(u)", "digamma_(u)")),
    Function("polygamma", lambda u, n: sp.polygamma(n, u), gamma_kin.polygamma,
             (lambda u, n, y: gamma_kin.polygamma(u, n + 1),), "symdiff.forms.jax_gamma.polygamma", balls.polygamma,
             (NO_POLES,), (((1.0, 0), -sp.EulerGamma), ((1.0, 1), sp.pi**2 / 6), ((0.5, 1), sp.pi**2 / 2), ((1.0, 3), sp.pi**4 / 15)),
             "DLMF 5.15", ulp=gamma_kin.polygamma_ulp, heads=(sp.polygamma,), static=(0,), admits=_whole, special_function=True),
    Function("polygamma_gap", lambda u, v, n: polygamma_gap(n, u, v), gamma_kin.polygamma_gap,
             (lambda u, v, n, y: gamma_kin.polygamma_gap(u, v, n + 1), lambda u, v, n, y: gamma_kin.polygamma(u + v, n + 1)),
             "symdiff.forms.jax_gamma.polygamma_gap", balls.polygamma_gap,
             (POSITIVE, POSITIVE), (((1.0, 1.0, 0), 1), ((1.0, 2.0, 1), -sp.Rational(5, 4))), "DLMF 5.5.2 and 5.11.2", ulp=256.0,
             heads=(polygamma_gap,), static=(0,), admits=_whole, special_function=True),
    Function("beta", sp.beta, gamma_kin.beta,
             (lambda u, v, y: gamma_kin.beta_derivative(u, v, 1, 0), lambda u, v, y: gamma_kin.beta_derivative(u, v, 0, 1)),
             "symdiff.forms.jax_gamma.beta", balls.beta,
             (POSITIVE, POSITIVE), (((1.0, 1.0), 1), ((2.0, 3.0), sp.Rational(1, 12)), ((0.5, 0.5), sp.pi)), "DLMF 5.12.1", ulp=1024.0,
             heads=(sp.beta,), spoken=True, special_function=True,
             rules=(lambda u, v: beta_derivative(1, 0, u, v), lambda u, v: beta_derivative(0, 1, u, v))),
    Function("beta_derivative", lambda u, v, i, j: beta_derivative(i, j, u, v), gamma_kin.beta_derivative,
             (lambda u, v, i, j, y: gamma_kin.beta_derivative(u, v, i + 1, j), lambda u, v, i, j, y: gamma_kin.beta_derivative(u, v, i, j + 1)),
             "symdiff.forms.jax_gamma.beta_derivative", balls.beta_derivative,
             (POSITIVE, POSITIVE), (((1.0, 1.0, 1, 0), -1), ((1.0, 1.0, 0, 1), -1)), "DLMF 5.12.1", ulp=2048.0,
             heads=(beta_derivative,), static=(0, 1), admits=_orders, special_function=True),
    Function("factorial", sp.factorial, lambda u: sc.gamma(u + 1),
             (lambda u, y: y * gamma_kin.digamma(u + 1),), "symdiff.forms.jax_gamma.factorial", lambda u: (u + 1).gamma(),
             (NO_NEGATIVE_POLES,), (((0.0,), 1), ((5.0,), 120), ((0.5,), sp.sqrt(sp.pi) / 2)), "DLMF 5.4.1", ulp=1024.0,
             heads=(sp.factorial,), spoken=True, special_function=True,
             native=("tgamma(u + 1)", "y*digamma_(u + 1)")),
    Function("binomial", sp.binomial, gamma_kin.binomial_derivative,
             (lambda u, v, y: gamma_kin.binomial_derivative(u, v, 1, 0), lambda u, v, y: gamma_kin.binomial_derivative(u, v, 0, 1)),
             "symdiff.forms.jax_gamma.binomial", balls.binomial,
             (BEYOND_MINUS_ONE, REAL), (((5.0, 2.0), 10), ((5.0, 7.0), 0), ((0.5, 2.0), -sp.Rational(1, 8))), "DLMF 1.2.6 and 5.12",
             ulp=2048.0, heads=(sp.binomial,), spoken=True, special_function=True,
             rules=(lambda u, v: binomial_derivative(1, 0, u, v), lambda u, v: binomial_derivative(0, 1, u, v))),
    Function("binomial_derivative", lambda u, v, i, j: binomial_derivative(i, j, u, v), gamma_kin.binomial_derivative,
             (lambda u, v, i, j, y: gamma_kin.binomial_derivative(u, v, i + 1, j),
              lambda u, v, i, j, y: gamma_kin.binomial_derivative(u, v, i, j + 1)),
             "symdiff.forms.jax_gamma.binomial_derivative", balls.binomial_derivative,
             (BEYOND_MINUS_ONE, REAL), (((1.0, 0.0, 1, 0), 0), ((1.0, 0.0, 0, 1), 1), ((0.0, 1.0, 0, 1), -1)), "DLMF 1.2.6 and 5.5.3",
             ulp=4096.0, heads=(binomial_derivative,), static=(0, 1), admits=_orders, special_function=True),
    Function("gamma_density", lambda s, x, k: gamma_density(k, s, x), gamma_kin.gamma_density,
             (NONDIFFERENTIABLE, lambda s, x, k, y: gamma_kin.gamma_density(s, x, k + 1)), "symdiff.forms.jax_gamma.gamma_density",
             balls.gamma_density,
             (REAL, POSITIVE), (((1.0, 1.0, 0), sp.exp(-1)), ((3.0, 2.0, 0), 4 * sp.exp(-2)), ((3.0, 1.0, 1), sp.exp(-1))), "DLMF 8.2.1",
             ulp=2048.0, heads=(gamma_density,), static=(0,), admits=_whole, special_function=True),
    Function("lowergamma", sp.lowergamma, gamma_kin.lowergamma,
             (NONDIFFERENTIABLE, lambda s, x, y: gamma_kin.gamma_density(s, x)), "symdiff.forms.jax_gamma.lowergamma", balls.lowergamma,
             (POSITIVE, POSITIVE), (((1.0, 1.0), 1 - sp.exp(-1)), ((0.5, 1.0), sp.sqrt(sp.pi) * sp.erf(1))), "DLMF 8.2.1", ulp=1024.0,
             heads=(sp.lowergamma,), spoken=True, special_function=True, rules=(None, lambda s, x: gamma_density(0, s, x))),
    Function("uppergamma", sp.uppergamma, gamma_kin.uppergamma,
             (NONDIFFERENTIABLE, lambda s, x, y: -gamma_kin.gamma_density(s, x)), "symdiff.forms.jax_gamma.uppergamma", balls.uppergamma,
             (POSITIVE, POSITIVE), (((1.0, 1.0), sp.exp(-1)), ((0.5, 1.0), sp.sqrt(sp.pi) * sp.erfc(1))), "DLMF 8.2.2", ulp=1024.0,
             heads=(sp.uppergamma,), spoken=True, special_function=True, rules=(None, lambda s, x: -gamma_density(0, s, x))),
    Function("besselj", lambda u, n: sp.besselj(n, u), bessel.besselj,
             (bessel.besselj_slope,), "symdiff.forms.jax_bessel.besselj", balls.besselj,
             (REAL,), (((0.0, 0), 1), ((1.0, 1), sp.besselj(1, 1)), ((2.0, HALF), sp.sin(2) / sp.sqrt(sp.pi))), "DLMF 10.2.2",
             ulp=lambda u, n, y: _bessel_ulp(u, n, y), heads=(sp.besselj,), static=(0,), domain_at=_real_line, callback=True, special_function=True),
    Function("bessely", lambda u, n: sp.bessely(n, u), bessel.bessely,
             (bessel.bessely_slope,), "symdiff.forms.jax_bessel.bessely", balls.bessely,
             (POSITIVE,), (((1.0, 0), sp.bessely(0, 1)), ((1.0, 1), sp.bessely(1, 1)), ((2.0, HALF), -sp.cos(2) / sp.sqrt(sp.pi))),
             "DLMF 10.2.3", ulp=lambda u, n, y: _bessel_ulp(u, n, y), heads=(sp.bessely,), static=(0,), callback=True, special_function=True,
             rules=(_bessely_rule,)),
    Function("besseli", lambda u, n: sp.besseli(n, u), bessel.besseli,
             (bessel.besseli_slope,), "symdiff.forms.jax_bessel.besseli", balls.besseli,
             (REAL,), (((0.0, 0), 1), ((1.0, 1), sp.besseli(1, 1)), ((2.0, HALF), sp.sinh(2) / sp.sqrt(sp.pi))), "DLMF 10.25.2",
             ulp=1024.0, heads=(sp.besseli,), static=(0,), domain_at=_real_line, callback=True, special_function=True),
    Function("besselk", lambda u, n: sp.besselk(n, u), bessel.besselk,
             (bessel.besselk_slope,), "symdiff.forms.jax_bessel.besselk", balls.besselk,
             (POSITIVE,), (((1.0, 0), sp.besselk(0, 1)), ((1.0, 1), sp.besselk(1, 1)), ((2.0, HALF), sp.sqrt(sp.pi) * sp.exp(-2) / 2)),
             "DLMF 10.25.3", ulp=1024.0, heads=(sp.besselk,), static=(0,), callback=True, special_function=True),
    Function("airyai", sp.airyai, bessel.airyai,
             (lambda u, y: bessel.airyaiprime(u),), "symdiff.forms.jax_bessel.airyai", balls.airyai,
             (REAL,), (((0.0,), sp.airyai(0)), ((1.0,), sp.airyai(1))), "DLMF 9.2", ulp=lambda u, y: _airy_ulp(u, y, -0.25), heads=(sp.airyai,), spoken=True,
             callback=True, special_function=True),
    Function("airyaiprime", sp.airyaiprime, bessel.airyaiprime,
             (lambda u, y: u * bessel.airyai(u),), "symdiff.forms.jax_bessel.airyaiprime", balls.airyaiprime,
             (REAL,), (((0.0,), sp.airyaiprime(0)), ((1.0,), sp.airyaiprime(1))), "DLMF 9.2.1", ulp=lambda u, y: _airy_ulp(u, y, 0.25), heads=(sp.airyaiprime,),
             spoken=True, callback=True, special_function=True),
    Function("airybi", sp.airybi, bessel.airybi,
             (lambda u, y: bessel.airybiprime(u),), "symdiff.forms.jax_bessel.airybi", balls.airybi,
             (REAL,), (((0.0,), sp.airybi(0)), ((1.0,), sp.airybi(1))), "DLMF 9.2", ulp=lambda u, y: _airy_ulp(u, y, -0.25), heads=(sp.airybi,), spoken=True,
             callback=True, special_function=True),
    Function("airybiprime", sp.airybiprime, bessel.airybiprime,
             (lambda u, y: u * bessel.airybi(u),), "symdiff.forms.jax_bessel.airybiprime", balls.airybiprime,
             (REAL,), (((0.0,), sp.airybiprime(0)), ((1.0,), sp.airybiprime(1))), "DLMF 9.2.1", ulp=lambda u, y: _airy_ulp(u, y, 0.25), heads=(sp.airybiprime,),
             spoken=True, callback=True, special_function=True),
    Function("expint", lambda u, n: sp.expint(n, u), exponential_integrals.expint,
             (exponential_integrals.expint_slope,), "symdiff.forms.jax_integrals.expint", balls.expint,
             (POSITIVE,), (((1.0, 1), sp.expint(1, 1)), ((1.0, 2), sp.expint(2, 1))), "DLMF 8.19.1", ulp=1024.0, heads=(sp.expint,),
             static=(0,), admits=_whole, special_function=True),
    Function("Ei", sp.Ei, exponential_integrals.ei,
             (lambda u, y: exponential_integrals.exp_over(u),), "symdiff.forms.jax_integrals.Ei", lambda u: u.ei(),
             (NONZERO,), (((1.0,), sp.Ei(1)), ((-1.0,), -sp.expint(1, 1))), "DLMF 6.2.5", ulp=1024.0, heads=(sp.Ei,), spoken=True,
             special_function=True, rules=(_exp_over_rule,)),
    Function("Si", sp.Si, lambda u: sc.sici(u)[0],
             (lambda u, y: np.sinc(u / math.pi),), "symdiff.forms.jax_integrals.Si", lambda u: u.si(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.Si(1))), "DLMF 6.2.9", ulp=64.0, heads=(sp.Si,), spoken=True, regular=True,
             special_function=True, rules=(lambda u: sp.sinc(u),)),
    Function("Shi", sp.Shi, exponential_integrals.shi,
             (lambda u, y: exponential_integrals.sinhc(u),), "symdiff.forms.jax_integrals.Shi", lambda u: u.shi(),
             (REAL,), (((0.0,), 0), ((1.0,), sp.Shi(1)), ((-4.0,), -sp.Shi(4))), "DLMF 6.2.15", ulp=1024.0, heads=(sp.Shi,), spoken=True,
             special_function=True, rules=(_sinhc_rule,)),
    Function("Ci", sp.Ci, lambda u: sc.sici(u)[1],
             (lambda u, y: np.cos(u) / u,), "symdiff.forms.jax_integrals.Ci", lambda u: u.ci(),
             (POSITIVE,), (((1.0,), sp.Ci(1)), ((4.0,), sp.Ci(4))), "DLMF 6.2.11", ulp=1024.0, heads=(sp.Ci,), spoken=True,
             special_function=True),
    Function("Chi", sp.Chi, exponential_integrals.chi,
             (lambda u, y: exponential_integrals.cosh_over(u),), "symdiff.forms.jax_integrals.Chi", lambda u: u.chi(),
             (POSITIVE,), (((1.0,), sp.Chi(1)), ((4.0,), sp.Chi(4))), "DLMF 6.2.16", ulp=1024.0, heads=(sp.Chi,), spoken=True,
             special_function=True, rules=(_cosh_over_rule,)),
    Function("LambertW", lambda u, k: sp.LambertW(u, k), lambert_w.lambert,
             (lambda u, k, y: np.exp(-y) / (1 + y),), "symdiff.forms.jax_lambert_zeta.LambertW", lambda u, k: u.lambertw(k),
             (FROM_BRANCH_POINT,), (((0.0, 0), 0), ((math.e, 0), sp.LambertW(sp.Rational(math.e))), ((-0.25, -1), sp.LambertW(-sp.Rational(1, 4), -1))),
             "Corless et al., Adv. Comput. Math. 5 (1996)", ulp=1024.0, heads=(sp.LambertW,), static=(1,), defaults=(0,),
             admits=lambda k: k in (0, -1), domain_at=lambda k: (FROM_BRANCH_POINT if k == 0 else BRANCH_POINT_TO_ZERO,),
             special_function=True, rules=(lambda u, k: sp.exp(-sp.LambertW(u, k)) / (1 + sp.LambertW(u, k)),)),
    Function("zeta", sp.zeta, lambda u: riemann_zeta.zeta_derivative(u, 0),
             (lambda u, y: riemann_zeta.zeta_derivative(u, 1),), "symdiff.forms.jax_lambert_zeta.zeta", balls.zeta,
             (NOT_ONE,), (((2.0,), sp.pi**2 / 6), ((0.0,), -HALF), ((-1.0,), -sp.Rational(1, 12)), ((-2.0,), 0)), "DLMF 25.2.9 and 25.4.1",
             ulp=4096.0, heads=(sp.zeta,), spoken=True, special_function=True, rules=(lambda u: zeta_derivative(1, u),)),
    Function("zeta_derivative", lambda u, k: zeta_derivative(k, u), riemann_zeta.zeta_derivative,
             (lambda u, k, y: riemann_zeta.zeta_derivative(u, k + 1),), "symdiff.forms.jax_lambert_zeta.zeta_derivative", balls.zeta_derivative,
             (NOT_ONE,), (((0.0, 1), -sp.log(2 * sp.pi) / 2),), "DLMF 25.2.9 and 25.6.11", ulp=4096.0, heads=(zeta_derivative,),
             static=(0,), admits=_whole, special_function=True),
)
# fmt: on
