"""What each row of the function table is, written a second time: values by mpmath, and no rule of differentiation."""

import operator

import mpmath as mp
import scipy.special
import sympy as sp


def rational(c):
    return mp.mpf(int(c.p)) / int(c.q) if isinstance(c, sp.Rational) else mp.mpf(c)


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
