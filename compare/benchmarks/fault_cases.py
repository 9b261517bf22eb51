"""For every function that has a derivative an expression in which each of its partials matters, and points for them."""

from __future__ import annotations

import sympy as sp

from symdiff.forms.elementary_classes import reduced_sinc, sigmoid
from symdiff.forms.special_classes import (
    beta_derivative,
    binomial_derivative,
    gamma_density,
    polygamma_gap,
    zeta_derivative,
)
from symdiff.functions import FUNCTIONS

x, y = sp.symbols("x y", positive=True)
R = sp.Rational
# operands below and above 10
EXPRESSIONS = {
    "add": x * y + sp.sin(x),
    "subtract": x * y - sp.sin(x),
    "negate": sp.exp(-x * y / 9) + x,
    "multiply": sp.sin(x) * sp.exp(y / 4),
    "divide": (x * y + 1) / (1 + y**2 + x),
    "power_integer": (x * y) ** 3 + sp.sin(x),
    "power_negative": (x * y) ** -2 * sp.sin(x),
    "power_constant": (x + y) ** R(3, 2),
    "power": (1 + x) ** (y / 3),
    "sqrt": sp.sqrt(1 + x * y),
    "exp": sp.exp(x * y / 9) + x,
    "log": sp.log(3 + x * y) * y,
    "sin": sp.sin(x * y) + x,
    "cos": sp.cos(x + y) * x,
    "tan": sp.tan(x * y / 5) + y,
    "tanh": sp.tanh(x * y / 13) + y,
    "sigmoid": sigmoid(x - y) * x,
    "abs": sp.Abs(x - y) * y,
    "maximum": sp.Max(x * y, x + 2 * y),
    "minimum": sp.Min(x * y, x + 2 * y),
    "select": sp.Piecewise((sp.exp(x / 9) * y, x < y), (sp.sin(x) * y, True)),
}
# the other functions, with operands inside their domains
NARROW = x / (9 + x)  # within (0, 1), and no function whose inverse a rewrite would undo
BEYOND = 1 + x * y / 7
FORMS = {
    lambda f: f(x / 8) * y: "cot sec csc erf erfc erfi",
    lambda f: f(x * y / 13) + y: "sinh cosh coth sech csch asinh acsch",
    lambda f: f(NARROW) * y: "asin acos atanh asech erfinv erfcinv",
    lambda f: f(BEYOND) * y: "asec acsc acosh acoth loggamma zeta Ci Chi",
    lambda f: f(x - y / 7) * y: "atan acot softplus expm1 cosm1 exp2 sinc airyai airyaiprime airybi airybiprime",
    lambda f: f(x + y / 7) * y: "log1p log2 log10 real_cbrt gamma factorial Ei Si Shi",
    lambda f: f(x, y): "hypot direction beta binomial",
}
OTHERS = {
    **{name: form(FUNCTIONS[name].sympy) for form, names in FORMS.items() for name in names.split()},
    "logaddexp": FUNCTIONS["logaddexp"].sympy(x / 3, y / 3),
    # of positive operands SymPy makes an atan
    "atan2": sp.atan2(x, y - x),
    "frac": sp.frac(x * y / 7) * y,
    "Mod": sp.Mod(x * y, x + R(1, 7)),
    "reduced_sinc": reduced_sinc(1, x - y / 7) * y,
    "polygamma": sp.polygamma(1, x + y / 7) * y,
    "polygamma_gap": polygamma_gap(0, x, y),
    "beta_derivative": beta_derivative(1, 0, x, y),
    "binomial_derivative": binomial_derivative(0, 1, x, y),
    "gamma_density": gamma_density(1, R(7, 3), x * y / 5) * y,
    "lowergamma": sp.lowergamma(R(7, 3), x * y / 5) * y,
    "uppergamma": sp.uppergamma(R(7, 3), x * y / 5) * y,
    **{str(head): head(2, x + y / 7) * y for head in (sp.besselj, sp.bessely, sp.besseli, sp.besselk)},
    "expint": sp.expint(2, x + y / 7) * y,
    "LambertW": sp.LambertW(x + y / 7) * y,
    "zeta_derivative": zeta_derivative(1, BEYOND) * y,
}
# without compilation each of these takes JAX seconds, not a tenth of one
COSTLY = frozenset(
    "Chi Ci Ei Si Shi expint beta binomial beta_derivative binomial_derivative lowergamma uppergamma gamma_density "  # noqa: SIM905
    "erfi zeta zeta_derivative polygamma polygamma_gap besselj bessely besseli besselk LambertW".split()
)
# what a short run leaves out too
SLOWER = COSTLY | frozenset("airyai airyaiprime airybi airybiprime gamma factorial erfcinv erfinv".split())  # noqa: SIM905
AT = [
    {"x": a, "y": b}
    for a, b in [(0.3, 0.7), (1.25, 0.5), (2.5, 3.75), (12.5, 1.1), (0.45, 13.0), (11.0, 12.5), (7.0, 0.9)]
]


def piecewise(name: str) -> sp.Expr:
    """The expression of a function on one branch, and another on the other.

    >>> piecewise("sqrt")
    Piecewise((sqrt(x*y + 1), x < y), (y*cos(x), True))
    """
    return sp.Piecewise(((EXPRESSIONS | OTHERS)[name], x < y), (sp.cos(x) * y, True))
