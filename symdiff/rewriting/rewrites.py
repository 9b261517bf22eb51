"""Rewrites: forms that lose digits, overflow or have no value, recognised in the graph and lowered in a stable form.

Each row names the unstable form and the stable one as SymPy expressions of u, v, ..., so that a test can prove them
equal in ball arithmetic over `sample` and a report can say what to write instead; `match` looks at one node of a graph
under construction. The referee never sees a rewritten graph.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symdiff.collection import collection_paused
from symdiff.functions import FUNCTIONS
from symdiff.graph import Application, Graph, Static
from symdiff.graph_builder import GraphBuilder
from symdiff.guard import guarded
from symdiff.rewriting import hyperbolic, logs, quotients, sinc, squares, sums
from symdiff.rewriting.questions import Forms
from symdiff.rewriting.saturation import saturated
from symdiff.rewriting.seams import smoothed

Match = Callable[[Forms, tuple[int, ...], Static], int | None]


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One unstable form, found at a node that applies the function `top`, and what is computed instead.

    `sample`: between which numbers the operands are drawn where the two forms are proved equal; the stable form may
    have a value where the other has none.
    """

    name: str
    top: str
    unstable: Callable[..., sp.Expr]
    stable: Callable[..., sp.Expr]
    match: Match
    sample: tuple[float, float]
    source: str


def stable(graph: Graph, only: Container[str] | None = None) -> Graph:
    """The same function with every known unstable form (or `only` those named) replaced, in time linear in the graph.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [step.function.name for step in stable(graph_of([sp.log(1 + sp.exp(x))])).applications]
    ['softplus']
    """
    by_top: dict[str, list[Rewrite]] = {}
    for row in REWRITES if only is None else (row for row in REWRITES if row.name in only):
        by_top.setdefault(row.top, []).append(row)
    if not any(step.function.name in by_top for step in graph.applications):
        return graph
    builder, places = GraphBuilder.of(graph), list(range(len(graph)))
    forms = Forms(builder)
    changed = False
    for step in graph.applications:
        here = tuple([places[i] for i in step.operands]) if changed else step.operands
        found = _found(forms, by_top, step, here)
        changed |= found is not None
        if changed:
            places[step.node] = builder.again(step, here) if found is None else found
    return builder.finish([places[node] for node in graph.outputs]) if changed else graph


@collection_paused()
def lowerable(graph: Graph) -> Graph:
    """What a route is to compute: unstable forms replaced, limits set, and guards around branches that may not be taken."""
    if graph.shapes:
        from symdiff.tensors.stable import stable_arrays

        graph = stable_arrays(graph)
    return guarded(saturated(smoothed(stable(graph))))


def readable(graph: Graph) -> Graph:
    """The graph whose first derivative is to be read: rewritten only where the textbook derivative loses digits.

    That of log(1 + exp(x)), exp(x)/(1 + exp(x)), is itself recognised when it is lowered; that of exp(x)/(1 + exp(x))
    is a difference of equal terms at 800, and that of sin(x)/x has no value at 0, where a branch gives one.
    """
    branches = any(step.function.name == "select" for step in graph.applications)
    return stable(graph, CANCELLING | SEAMS if branches else CANCELLING)


def _found(
    forms: Forms, by_top: Mapping[str, Sequence[Rewrite]], step: Application, operands: tuple[int, ...]
) -> int | None:
    """The node to take instead of one step, by the first row that matches."""
    name, negative = step.function.name, False
    if name not in by_top and name not in ("add", "subtract"):
        return None
    # an operand that was rewritten may have got a sign, which belongs to the product or makes a sum a difference
    if name in ("multiply", "divide", "add", "subtract"):
        inner = [forms.inner(operand, "negate") for operand in operands]
        bare = tuple(u if v is None else v for u, v in zip(operands, inner, strict=True))
        signs = tuple(v is not None for v in inner)
        if name in ("multiply", "divide"):
            operands, negative = bare, sum(signs) == 1
        elif signs == (False, True):
            name, operands = "subtract" if name == "add" else "add", bare
        elif name == "add" and signs == (True, False):
            name, operands = "subtract", bare[::-1]
        if name in ("add", "subtract") and not sums.may_cancel(forms, operands):
            return None
    for row in by_top.get(name, ()):
        found = row.match(forms, operands, step.static)
        if found is not None:
            return forms.builder.call("negate", found) if negative else found
    return None


def _call(name: str) -> Callable[..., sp.Expr]:
    return lambda *operands: FUNCTIONS[name].sympy(*operands)


def _log_one_minus_exp(u: sp.Expr) -> sp.Expr:
    return sp.Piecewise((_log1p(-sp.exp(u)), u < -1), (sp.log(-_expm1(u)), True))


def _bose(u: sp.Expr) -> sp.Expr:
    return sp.Piecewise((-sp.exp(-u) / _expm1(-u), u > 0), (1 / _expm1(u), True))


def _over_one_exponential(u: sp.Expr, v: sp.Expr, w: sp.Expr) -> sp.Expr:
    return sp.Piecewise((w * exp(-u) / (w * exp(-u) + v), u > 0), (w / (w + v * exp(u)), True))


def _hypot_less_one(u: sp.Expr) -> sp.Expr:
    return sp.Piecewise((u * (u / (1 + _hypot(1, u))), abs(u) < 1), (_hypot(1, u) - 1, True))


_log1p, _expm1, _sinc, _sigmoid, _hypot = map(_call, ("log1p", "expm1", "sinc", "sigmoid", "hypot"))
_softplus, _logaddexp, _direction = map(_call, ("softplus", "logaddexp", "direction"))
exp, log, cos, sin, tanh, sqrt = sp.exp, sp.log, sp.cos, sp.sin, sp.tanh, sp.sqrt
_SECH2, _SIN2, _COS2 = (sums.less_one(f"{name}**2") for name in ("tanh", "cos", "sin"))
_OVERFLOW = "Blanchard, Higham, Higham, IMA J. Numer. Anal. 41 (2021)"
_MAECHLER = "Maechler, Accurately Computing log(1 - exp(-|a|)) (2012)"
_KAHAN = "Kahan, Branch Cuts for Complex Elementary Functions (1987)"

# Rows are read as a table: name, place; unstable form, stable form; match, sample, source. Earlier rows go first.
# fmt: off
REWRITES: tuple[Rewrite, ...] = (
    Rewrite("log of exponentials", "log", lambda u, v, w: log(exp(u) + 2 * exp(v) + exp(w) + 3),
            lambda u, v, w: _logaddexp(_logaddexp(_logaddexp(u, v + log(2)), w), log(3)),
            logs.log_of_exponentials, (-1e3, 1e3), _OVERFLOW),
    Rewrite("log of a sigmoid", "log", lambda u: log(1 / (1 + exp(-u))), lambda u: -_softplus(-u),
            logs.log_of_sigmoid, (-1e3, 1e3), _MAECHLER),
    Rewrite("log of 1 - exp", "log", lambda u: log(1 - exp(u)), _log_one_minus_exp,
            logs.log_of_one_minus_exp, (-1e3, 0), _MAECHLER),
    Rewrite("log of exp - 1", "log", lambda u: log(exp(u) - 1),
            lambda u: sp.Piecewise((u + _log1p(-exp(-u)), u > 1), (log(_expm1(u)), True)),
            logs.log_of_expm1, (0, 1e3), _MAECHLER),
    Rewrite("log of a difference", "log", lambda u, v: log(exp(u) - exp(u - v)), lambda u, v: u + _log_one_minus_exp(-v),
            logs.log_of_difference, (0, 1e3), _MAECHLER),
    Rewrite("log of cosh", "log", lambda u: log(sp.cosh(u)),
            lambda u: sp.Piecewise((_log1p(2 * sp.sinh(u / 2) ** 2), abs(u) < 1),
                                   (abs(u) + _log1p(exp(-2 * abs(u))) - log(2), True)),
            logs.log_of_cosh, (-1e3, 1e3), "DLMF 4.35.20"),
    Rewrite("log of squares", "log", lambda u, v: log(u**2 + v**2), lambda u, v: 2 * log(_hypot(u, v)),
            squares.log_of_squares, (-1e300, 1e300), "Moler and Morrison, IBM J. Res. Dev. 27 (1983)"),
    Rewrite("log of 1 + u", "log", lambda u: log(1 + u), _log1p, logs.log_of_one_plus, (-1, 1e300), _KAHAN),
    Rewrite("log1p of exponentials", "log1p", lambda u: _log1p(exp(u)), _softplus,
            logs.log1p_of_exponential, (-1e3, 1e3), _MAECHLER),
    Rewrite("tanh of exponentials", "divide", lambda u, v: (exp(u) - exp(v)) / (exp(u) + exp(v)), lambda u, v: tanh((u - v) / 2),
            quotients.tanh_of_exponentials, (-1e3, 1e3), "DLMF 4.28.6"),
    Rewrite("share of exponentials", "divide", lambda u, v, w: exp(u) / (exp(u) + exp(v) + exp(w)),
            lambda u, v, w: _sigmoid(u - _logaddexp(v, w)), quotients.share_of_exponentials, (-1e3, 1e3), _OVERFLOW),
    Rewrite("quotient by exponentials", "divide", lambda u, v: 1 / (exp(u) + exp(v)),
            lambda u, v: exp(-_logaddexp(u, v)), quotients.over_exponentials, (-1e3, 1e3), _OVERFLOW),
    Rewrite("power of exponentials", "power_negative", lambda u: (1 + exp(-u)) ** -3, lambda u: _sigmoid(u) ** 3,
            quotients.power_of_exponentials, (-1e3, 1e3), "Bishop, PRML 4.59"),
    Rewrite("quotient by exp - 1", "divide", lambda u: 1 / (exp(u) - 1), _bose,
            quotients.over_expm1, (-1e3, 1e3), "Planck's law; DLMF 4.2.19"),
    Rewrite("quotient by one exponential", "divide", lambda u, v, w: w / (w + v * exp(u)), _over_one_exponential,
            quotients.over_one_exponential, (-1e3, 1e3), _OVERFLOW),
    Rewrite("power of exp - 1", "power_negative", lambda u: (exp(u) - 1) ** -3, lambda u: _bose(u) ** 3,
            quotients.power_of_expm1, (-1e3, 1e3), "Planck's law; DLMF 4.2.19"),
    Rewrite("exp over a square", "multiply", lambda u: exp(u) / (1 + exp(u)) ** 2, lambda u: (sp.sech(u / 2) / 2) ** 2,
            quotients.exp_over_square, (-1e3, 1e3), "DLMF 4.28.2 and 4.28.9"),
    Rewrite("exp over a square of exp - 1", "multiply", lambda u: exp(u) / (exp(u) - 1) ** 2, lambda u: (sp.csch(u / 2) / 2) ** 2,
            quotients.exp_over_square_of_expm1, (-1e3, 1e3), "DLMF 4.28.1 and 4.28.8"),
    Rewrite("quotient by cosh", "divide", lambda u, v: sp.sinh(u) * v / sp.cosh(u) ** 3, lambda u, v: tanh(u) * v * sp.sech(u) ** 2,
            hyperbolic.over_cosh, (-1e3, 1e3), "DLMF 4.28.9"),
    Rewrite("quotient by sinh", "divide", lambda u: 2 / sp.sinh(u), lambda u: 2 * sp.csch(u), hyperbolic.over_sinh, (-1e3, 1e3), "DLMF 4.28.8"),
    Rewrite("power of cosh", "power_negative", lambda u: sp.cosh(u) ** -3, lambda u: sp.sech(u) ** 3,
            hyperbolic.power_of_cosh, (-1e3, 1e3), "DLMF 4.28.9"),
    Rewrite("power of sinh", "power_negative", lambda u: sp.sinh(u) ** -3, lambda u: sp.csch(u) ** 3,
            hyperbolic.power_of_sinh, (-1e3, 1e3), "DLMF 4.28.8"),
    Rewrite("sinh times sech", "multiply", lambda u: sp.sinh(u) * sp.sech(u) ** 2, lambda u: tanh(u) * sp.sech(u),
            hyperbolic.sinh_times_sech, (-1e3, 1e3), "DLMF 4.28.10"),
    Rewrite("asin of tanh", "asin", lambda u: sp.asin(tanh(u)), lambda u: 2 * sp.atan(tanh(u / 2)),
            hyperbolic.asin_of_tanh, (-1e3, 1e3), "DLMF 4.23(viii)"),
    Rewrite("acos of tanh", "acos", lambda u: sp.acos(tanh(u)), lambda u: sp.atan2(sp.sech(u), tanh(u)),
            hyperbolic.acos_of_tanh, (-1e3, 1e3), "DLMF 4.23(viii)"),
    Rewrite("atanh of tanh", "atanh", lambda u: sp.atanh(tanh(u)), lambda u: u, hyperbolic.atanh_of_tanh, (-1e3, 1e3), "DLMF 4.37(i)"),
    Rewrite("asinh of sinh", "asinh", lambda u: sp.asinh(sp.sinh(u)), lambda u: u, hyperbolic.asinh_of_sinh, (-1e3, 1e3), "DLMF 4.37(i)"),
    *(Rewrite(f"{name} - 1", top, (lambda u, t=t: t(u) - 1) if top == "add" else (lambda u, t=t: 1 - t(u)),
              s if top == "add" else (lambda u, s=s: -s(u)), match, sample, source)
      for name, t, s, matched, sample, source in (
          ("exp", exp, _expm1, sums.less_one("exp"), (-1e3, 700), _KAHAN),
          ("cos", cos, _call("cosm1"), sums.less_one("cos"), (-1e6, 1e6), "DLMF 4.21.31"),
          ("cosh", sp.cosh, lambda u: 2 * sp.sinh(u / 2) ** 2, sums.less_one("cosh"), (-700, 700), "DLMF 4.35.20"),
          ("tanh", tanh, lambda u: -2 * _sigmoid(-2 * u), sums.less_one("tanh"), (-1e3, 1e3), "DLMF 4.28.6"),
          ("sigmoid", _sigmoid, lambda u: -_sigmoid(-u), sums.less_one("sigmoid"), (-1e3, 1e3), "Bishop, PRML 4.60"),
          ("erf", sp.erf, lambda u: -sp.erfc(u), sums.less_one("erf"), (-30, 30), "DLMF 7.2.2"),
          ("erfc", sp.erfc, lambda u: -sp.erf(u), sums.less_one("erfc"), (-30, 30), "DLMF 7.2.2"),
          ("tanh**2", lambda u: tanh(u) ** 2, lambda u: -sp.sech(u) ** 2, _SECH2, (-700, 700), "DLMF 4.35.12"),
          ("sin**2", lambda u: sin(u) ** 2, lambda u: -cos(u) ** 2, _COS2, (-1e6, 1e6), "DLMF 4.21.12"),
          ("cos**2", lambda u: cos(u) ** 2, lambda u: -sin(u) ** 2, _SIN2, (-1e6, 1e6), "DLMF 4.21.12"),
          ("cosh**2", lambda u: sp.cosh(u) ** 2, lambda u: sp.sinh(u) ** 2, sums.less_one("cosh**2"), (-300, 300), "DLMF 4.35.11"),
          ("sech**2", lambda u: sp.sech(u) ** 2, lambda u: -tanh(u) ** 2, sums.less_one("sech**2"), (-700, 700), "DLMF 4.35.12"),
          ("sqrt", lambda u: sqrt(1 + u), lambda u: u / (1 + sqrt(1 + u)), sums.less_one("sqrt"), (-1, 1e300),
           "Higham, Accuracy and Stability, 1.7"),
          ("hypot", lambda u: sqrt(1 + u**2), _hypot_less_one, sums.less_one("hypot"), (-1e200, 1e200),
           "Higham, Accuracy and Stability, 1.7"))
      for top, match in matched.items()),
    Rewrite("1 + tanh", "add", lambda u: 1 + tanh(u), lambda u: 2 * _sigmoid(2 * u), sums.one_plus_tanh, (-1e3, 1e3), "DLMF 4.28.6"),
    Rewrite("1 + erf", "add", lambda u: 1 + sp.erf(u), lambda u: sp.erfc(-u), sums.one_plus_erf, (-30, 30), "DLMF 7.4.2"),
    Rewrite("1 + cos", "add", lambda u: 1 + cos(u), lambda u: 2 * cos(u / 2) ** 2, sums.one_plus_cos, (-1e6, 1e6), "DLMF 4.21.22"),
    Rewrite("root of squares", "sqrt", lambda u, v: sqrt(u**2 + 4 * v**2), lambda u, v: _hypot(u, 2 * v),
            squares.root_of_squares, (-1e300, 1e300), "Moler and Morrison, IBM J. Res. Dev. 27 (1983)"),
    Rewrite("power of squares", "power_constant", lambda u, v: (u**2 + v**2) ** sp.Rational(-3, 2), lambda u, v: _hypot(u, v) ** -3,
            squares.power_of_squares, (-1e100, 1e100), "Moler and Morrison, IBM J. Res. Dev. 27 (1983)"),
    Rewrite("quotient by squares", "divide", lambda u, v: u / (u**2 + v**2), lambda u, v: u / _hypot(u, v) * (1 / _hypot(u, v)),
            squares.over_squares, (-1e300, 1e300), "Moler and Morrison, IBM J. Res. Dev. 27 (1983)"),
    *(Rewrite("component over the length", top, form, lambda u, v: _direction(u, v), match, (-1e300, 1e300), "derivative of hypot")
      for top, form, match in (
          ("divide", lambda u, v: u / sqrt(u**2 + v**2), squares.over_hypot),
          ("multiply", lambda u, v: u * (u**2 + v**2) ** sp.Rational(-1, 2), squares.times_inverse_hypot))),
    Rewrite("sin over its argument", "divide", lambda u: sin(u) / u, _sinc, sinc.over_argument, (-1e6, 1e6), "DLMF 10.49.3"),
    Rewrite("powers of sin over those of its argument", "multiply", lambda u: (cos(u) - 1) * u**-2, lambda u: -_sinc(u / 2) ** 2 / 2,
            sinc.times_inverse_power, (-1e6, 1e6), "DLMF 10.49.3 and 4.21.31"),
    Rewrite("branch at a removable point", "select", lambda u: sp.Piecewise((1, sp.Eq(u, 0)), (sin(u) / u, True)), _sinc,
            sinc.removable_branch, (-1e6, 1e6), "DLMF 10.49.3"),
)
# fmt: on
SEAMS = frozenset({"cos - 1", *(row.name for row in REWRITES[-3:])})
CANCELLING = frozenset(
    {
        *("share of exponentials", "tanh of exponentials", "exp over a square", "exp over a square of exp - 1"),
        *("log of cosh", "log of a difference"),
    }
)
