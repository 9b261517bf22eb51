"""Walks the whole function table: value, first and second derivative of every row, by every route, in both dtypes.

The oracle is mpmath with central differences of its values in 110 or 720 digits, so no rule of differentiation is
used. A result passes within 1e-13*(1 + kappa) of the truth (1e-10 for special functions; times 2**29 in float32),
where kappa is how much relative errors of the operands are magnified in the quantity at hand.
"""

import dataclasses
import functools
import operator

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, Sqrt

from symdiff import chain
from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.function import Absence
from symdiff.functions import FUNCTIONS, ROWS, formula_functions
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import jax_outputs, resolve
from symdiff.routes import ROUTES, value_and_gradient
from symdiff.symbolic import gradient_graph

DIGITS = (110, 720)
STEP, NUDGE = mp.mpf(10) ** -20, mp.mpf(10) ** -18
SYMBOLS = sp.symbols("s0:4", real=True)


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
        ["cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "coth", "sech", "csch", "asinh", "acosh", "atanh", "floor", "frac", "sinc", "log1p", "expm1", "hypot", "atan2"]
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
    **{name: getattr(mp, name) for name in ["erf", "erfc", "erfi", "erfinv", "gamma", "loggamma", "beta", "factorial", "binomial", "zeta"]},
    "erfcinv": erfcinv,
    "polygamma": lambda u, m: mp.psi(m, u),
    "polygamma_gap": lambda u, v, m: mp.psi(m, u + v) - mp.psi(m, u),
    "lowergamma": lambda u, v: mp.gammainc(u, 0, v),
    "uppergamma": lambda u, v: mp.gammainc(u, v),
    **{
        name: lambda u, n, f=getattr(mp, name): f(rational(n), u) for name in ("besselj", "bessely", "besseli", "besselk")
    },
    "airyai": mp.airyai,
    "airybi": mp.airybi,
    "airyaiprime": lambda u: mp.airyai(u, derivative=1),
    "airybiprime": lambda u: mp.airybi(u, derivative=1),
    "expint": lambda u, n: mp.expint(rational(n), u),
    "Ei": mp.ei,
    "Si": mp.si,
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
# further static arguments than those of the special points
STATIC = {
    "power_integer": [(5,), (9,)],
    "power_constant": [(sp.Rational(1, 3),), (sp.Rational(22, 7),)],
    "heaviside": [(0,), (1,)],
    "reduced_sinc": [(3,)],
}
# the largest operand at which an oracle still ends
LARGEST = {"besselk": 8.0, "bessely": 8.0, "power": 40.0, "power_integer": 1e6}


def points_of(row, static, dtype, rng):
    """Random points, several orders of magnitude, neighbourhoods of edges and holes; a column an operand."""
    columns = [_column(domain, dtype, rng, _largest(row, dtype)) for domain in row.domain_of(static)]
    special = [point[: row.arity] for point, _ in row.special if tuple(point[row.arity :]) == static]
    limit = float(np.finfo(dtype).max)
    special = [point for point in special if all(abs(float(u)) < limit for u in point)]
    if row.special_function:
        # mpmath is slow at these
        columns = [column[:14] for column in columns]
    together = [np.concatenate([column, [float(p[k]) for p in special]]) for k, column in enumerate(columns)]
    return [column.astype(dtype) for column in together]


def _largest(row, dtype):
    known = LARGEST.get(row.name)
    return known if known is not None else 40.0 if row.special_function else 1e200 if dtype == np.float64 else 1e18


def _column(domain, dtype, rng, largest):
    if domain.truth:
        return rng.choice([-1.0, 1.0], 33)
    eps = float(np.finfo(dtype).eps)
    tiny = 1e-12 if largest == 40 else 1e-200 if dtype == np.float64 else 1e-18
    sizes = np.concatenate([rng.uniform(0, 4, 12), 10 ** rng.uniform(-3, 3, 12), [tiny, 1e-8, 1e9, largest, 1e-15]])
    sizes = np.minimum(sizes, largest)
    points = list(sizes if domain.low >= 0 else sizes * rng.choice([-1.0, 1.0], sizes.size))
    ends = [e for e in (domain.low, domain.high, *domain.excluded, *(domain.gap or ())) if np.isfinite(e)]
    if np.isfinite(domain.high):
        points += list(rng.uniform(domain.low, domain.high, 24))
    for end in ends:
        points += [end + side * (abs(end) or 1.0) * d for side in (-1, 1) for d in (4 * eps, 1e-5, 0.01)]
    points = np.asarray(points).astype(dtype).astype(float)
    inside = points[domain.contains(points)]
    return np.resize(rng.permutation(inside), 33)


def cases(dtype):
    for index, row in enumerate(row for row in ROWS if row.name in ORACLE):
        statics = [tuple(point[row.arity :]) for point, _ in row.special] + STATIC.get(row.name, [])
        for static in dict.fromkeys(statics):
            yield Case(row, static, points_of(row, static, dtype, np.random.default_rng(index)))


@dataclasses.dataclass
class Case:
    row: object
    static: tuple
    columns: list

    @property
    def moving(self):
        """Positions in which the row has derivatives."""
        if isinstance(ORACLE[self.row.name](*self.exactly(0), *self.static), bool):
            return []
        partials = zip(self.row.domain, self.row.partials, strict=True)
        return [k for k, (u, p) in enumerate(partials) if not u.truth and p is not Absence.NONDIFFERENTIABLE]

    @property
    def graph(self):
        builder = GraphBuilder()
        zero = builder.constant(sp.Integer(0))
        nodes = [builder.input(symbol) for symbol in SYMBOLS[: self.row.arity]]
        operands = [
            builder.call("less", zero, node) if domain.truth else node
            for node, domain in zip(nodes, self.row.domain, strict=True)
        ]
        return builder.finish([builder.apply(self.row, tuple(operands), self.static)])

    @property
    def derived(self):
        """Graph of the value and all partials, and the graph of all their partials."""
        symbols = [SYMBOLS[k] for k in self.moving]
        first = gradient_graph(self.graph, symbols)
        return first, gradient_graph(first, symbols)

    @property
    def inputs(self):
        return dict(zip(SYMBOLS, self.columns, strict=False))

    def exactly(self, i):
        return [
            bool(column[i] > 0) if domain.truth else mp.mpf(float(column[i]))
            for column, domain in zip(self.columns, self.row.domain, strict=True)
        ]

    def smooth(self, i):
        point = self.exactly(i)
        for u, domain in zip(point, self.row.domain, strict=True):
            if not domain.truth and (u in (domain.low, domain.high) or u in (domain.gap or ())):
                return False
        kink = KINKS.get(self.row.name)
        return kink is None or not kink(*point, *self.static)


# ---- the three routes


def by_jax(everything):
    """By autodiff and by the symbolic route, compiled as one: for each case {(): value, (0,): partial, (0, 1): ...}."""

    def routes(case, columns):
        inputs = dict(zip(SYMBOLS, columns, strict=False))

        def value(*moving):
            given = dict(zip((SYMBOLS[k] for k in case.moving), moving, strict=True))
            return jax_outputs(case.graph, inputs | given)[0]

        operands = [columns[k] for k in case.moving]
        autodiff = {(): value(*operands)}
        symbolic = {(): autodiff[()]}
        if case.moving:

            def partials(*moving):
                result, pullback = jax.vjp(value, *moving)
                return pullback(jnp.ones_like(result))

            for j, position in enumerate(case.moving):
                partial, pullback = jax.vjp(lambda *moving, j=j: partials(*moving)[j], *operands)
                autodiff[(position,)] = partial
                for k, second in zip(case.moving, pullback(jnp.ones_like(partial)), strict=True):
                    autodiff[position, k] = second
            outputs = iter(jax_outputs(case.derived[1], inputs))
            for where in [(), *((k,) for k in case.moving)]:
                symbolic[where] = next(outputs)
                for k in case.moving:
                    symbolic[(*where, k)] = next(outputs)
        return {"autodiff": autodiff, "symbolic": symbolic}

    def run(data):
        return [routes(case, columns) for case, columns in zip(everything, data, strict=True)]

    return jax.tree.map(np.asarray, jax.jit(run)([case.columns for case in everything]))


def by_chain(case, dtype):
    """Hand-written partials; second ones are those of the graph of the symbolic first partials, the route having no
    second order of its own."""
    symbols = [SYMBOLS[k] for k in case.moving]
    if not symbols:
        graph = case.graph
        return {(): np.asarray(chain.forward(graph, case.inputs, dtype)[graph.outputs[0]])}
    value, partials = chain.value_and_gradient(case.graph, case.inputs, symbols, dtype)
    found = {(): value} | {(k,): partial for k, partial in zip(case.moving, partials, strict=True)}
    for j, position in enumerate(case.moving):
        graph = dataclasses.replace(case.derived[0], outputs=(case.derived[0].outputs[1 + j],))
        seconds = chain.value_and_gradient(graph, case.inputs, symbols, dtype)[1]
        found |= {(position, k): second for k, second in zip(case.moving, seconds, strict=True)}
    return found


# ---- the oracle


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


def truth(case, i, where):
    """The exact number, and how far relative changes of the operands move it: |exact| times the condition number."""

    def function(*point):
        return ORACLE[case.row.name](*point, *case.static)

    point = case.exactly(i)
    if not case.moving:
        return function(*point), 0.0
    digits = (75, 160, 320) if case.row.special_function else DIGITS
    exact = difference(function, point, where, digits)
    sensitivity = mp.mpf(0)
    for k, u in enumerate(point):
        if isinstance(u, bool):
            continue
        with mp.workdps(40):
            moved = [*point[:k], point[k] * (1 + NUDGE), *point[k + 1 :]]
        with mp.workdps(60):
            sensitivity += abs(difference(function, moved, where, digits) - exact) / NUDGE if point[k] else 0
    return exact, sensitivity


def excess(got, exact, sensitivity, tolerance, dtype, order, slack):
    """How many times the allowed error a number is off; 0 where overflow or underflow is right."""
    info = np.finfo(dtype)
    if isinstance(exact, bool):
        return 0.0 if bool(got) is exact else np.inf
    if abs(exact) > float(info.max) / 4:
        return 0.0 if got * mp.sign(exact) > float(info.max) / 8 else np.inf
    if not np.isfinite(got):
        return np.inf
    # what a second derivative is made of may underflow before the whole does
    allowed = tolerance * (abs(exact) + sensitivity) + float(info.tiny) * (8, 8, 4096)[order] + slack
    return float(abs(mp.mpf(float(got)) - exact) / allowed)


def check(case, routes, dtype):
    """Every quantity at every point by every route; the complaint names row, quantity, route and point."""
    tolerance = (1e-10 if case.row.special_function else 1e-13) * float(np.finfo(dtype).eps) * 2.0**52
    complaints = []
    for i in range(len(case.columns[0])):
        for where in routes["chain"]:
            if (where and not case.smooth(i)) or list(where) != sorted(where):
                continue
            exact, sensitivity = truth(case, i, where)
            # at 0 the step of the difference quotients is absolute
            slack = 1e-35 if any(u == 0 for u in case.exactly(i)) else 0.0
            for route, found in routes.items():
                if where in found:
                    off = excess(found[where][i], exact, sensitivity, tolerance, dtype, len(where), slack)
                    LARGEST_ERRORS[case.row.name, len(where), route, np.dtype(dtype).name] = max(
                        off, LARGEST_ERRORS.get((case.row.name, len(where), route, np.dtype(dtype).name), 0.0)
                    )
                    if off > 1:
                        at = ", ".join(str(column[i]) for column in case.columns)
                        complaints.append(
                            f"{case.row.name}{list(case.static) or ''} derivative {where} by {route} at ({at}): {found[where][i]}, "
                            f"expected {mp.nstr(mp.mpf(exact), 17)}, sensitivity {mp.nstr(mp.mpf(sensitivity), 3)}, {off:.3g} times the error allowed"
                        )
    assert not complaints, "\n".join(complaints[:40])


LARGEST_ERRORS = {}
BOTH = [np.float64, np.float32]
CASES = {dtype: list(cases(dtype)) for dtype in BOTH}
NAMES = [(dtype, i) for dtype in BOTH for i in range(len(CASES[dtype]))]


@functools.cache
def compiled(dtype, special):
    """By JAX, the elementary and the special functions of a dtype each in one program: {index of the case: routes}."""
    chosen = {i: case for i, case in enumerate(CASES[dtype]) if case.row.special_function == special}
    return dict(zip(chosen, by_jax(list(chosen.values())), strict=True))


def test_no_row_is_missing_here():
    missing = {row.name for row in ROWS} - ORACLE.keys()
    assert not missing, f"no oracle for {', '.join(sorted(missing))}; add it to ORACLE"
    assert len(FUNCTIONS) == len(ROWS)


@pytest.mark.parametrize(
    ("dtype", "index"),
    NAMES,
    ids=[
        f"{'special' if CASES[d][i].row.special_function else 'elementary'}-{CASES[d][i].row.name}-{i}-{np.dtype(d).name}"
        for d, i in NAMES
    ],
)
def test_value_first_and_second_derivative(dtype, index):
    case = CASES[dtype][index]
    with np.errstate(all="ignore"):
        check(case, {"chain": by_chain(case, dtype), **compiled(dtype, case.row.special_function)[index]}, dtype)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_complete(row):
    assert len(row.partials) == row.arity == len(row.domain), "a partial and a domain for each operand"
    assert not row.rules or len(row.rules) == row.arity
    assert row.special, "no special points"
    assert row.source.strip(), "no source"
    assert callable(resolve(row.jax))
    for domain in row.domain:
        assert domain.truth or domain.contains(np.array([domain.regular]))[0]
    if row.spoken:
        assert formula_functions()[row.name] is row.sympy


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_special_points_are_what_sympy_says(row):
    for point, expected in row.special:
        exact = row.sympy(*(sp.Rational(u) if isinstance(u, float) else u for u in point))
        if exact.has(Cbrt):
            exact = exact.replace(Cbrt, lambda u: sp.real_root(u, 3))
        assert exact == expected or abs(sp.N(exact - expected, 15)) <= 1e-15 * max(1, abs(float(expected)))
        operands = [np.asarray(u, None if isinstance(u, bool) else np.float64)[()] for u in point[: row.arity]]
        with np.errstate(all="ignore"):
            by_numpy = row.value(*operands, *point[row.arity :])
        for value in (by_numpy, resolve(row.jax)(*map(jnp.asarray, operands), *point[row.arity :])):
            accuracy = 1e-12 if row.special_function else 1e-14
            np.testing.assert_allclose(np.asarray(value, float), float(expected), rtol=accuracy, atol=1e-300)


WRONG = {
    "factor": lambda partial: lambda *a: 1.0000001 * partial(*a),
    "sign": lambda partial: lambda *a: -partial(*a),
    "dropped term": lambda partial: lambda *a: partial(*a) - 1e-9,
}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("name", ["atan2", "sech", "sinc", "acosh"])
def test_a_row_wrong_on_purpose_fails_by_name(name, fault):
    case = next(c for c in CASES[np.float64] if c.row.name == name)
    broken = dataclasses.replace(case.row, partials=(*case.row.partials[:-1], WRONG[fault](case.row.partials[-1])))
    wrong = dataclasses.replace(case, row=broken, columns=[column[:6] for column in case.columns])
    with pytest.raises(AssertionError, match=f"{name} derivative .* by chain"):
        check(wrong, {"chain": by_chain(wrong, np.float64)}, np.float64)


X, Y, Z = sp.Symbol("x", real=True), sp.Symbol("y", real=True), sp.Symbol("z")
# how SymPy and its code-generation classes write the functions: expression, operands, value by mpmath
READ = [
    (sp.log(X, 10), {X: 1000.0}, 3),
    (sp.log(X, Y), {X: 8.0, Y: 2.0}, 3),
    (sp.cbrt(X), {X: 27.0}, 3),
    (sp.real_root(X, 3), {X: -8.0}, -2),
    (sp.real_root(Z, 3), {Z: -8.0}, -2),
    (sp.re(Z) + 2 * sp.conjugate(Z) + 3 * sp.im(Z), {Z: 5.0}, 15),
    (sp.Mod(-X, 3), {X: 1.0}, 2),
    (sp.Heaviside(X), {X: 0.0}, 0.5),
    (sp.Heaviside(X, 0), {X: 0.0}, 0),
    (sp.Heaviside(X, 1), {X: 0.0}, 1),
    (sp.Piecewise((1, sp.Xor(X > 0, X > 1, X > 2)), (0, True)), {X: 2.5}, 1),
    (sp.Piecewise((1, sp.ITE(X > 0, X > 1, X > 2)), (0, True)), {X: 0.5}, 0),
    (Sqrt(X), {X: 4.0}, 2),
    (Cbrt(X), {X: -8.0}, -2),
    (sp.EulerGamma * X, {X: 1.0}, mp.euler),
    (sp.Catalan * X, {X: 1.0}, mp.catalan),
    (sp.GoldenRatio * X, {X: 1.0}, mp.phi),
]


@pytest.mark.parametrize(
    ("expression", "at", "expected"), READ, ids=lambda v: str(v) if isinstance(v, sp.Basic) else ""
)
@pytest.mark.parametrize("route", ROUTES)
def test_heads_are_read(expression, at, expected, route):
    value, _ = value_and_gradient(expression, list(at), route=route)(*at.values())
    np.testing.assert_allclose(value, float(expected), rtol=1e-14)


def test_a_static_argument_must_be_a_number():
    with pytest.raises(UnsupportedError, match="argument 2 of Heaviside has to be a number"):
        graph_of([sp.Heaviside(X, Y)])


@pytest.mark.parametrize("name", ["tanh", "asinh", "sinc", "csch"])
def test_under_jit_vmap_and_batch(name):
    f = resolve(FUNCTIONS[name].jax)
    points = jnp.asarray([[-20.0, -0.3], [1e-9, 30.0]])
    slope = jax.jit(jax.vmap(jax.vmap(jax.grad(f))))
    with mp.workdps(50):
        expected = [[float(mp.diff(ORACLE[name], mp.mpf(float(u)))) for u in row] for row in points]
    np.testing.assert_allclose(slope(points), expected, rtol=1e-12)
