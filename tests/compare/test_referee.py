import dataclasses
import math
import random

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

from compare.certified import balls, local_partials, referee
from compare.certified.balls import array
from compare.certified.referee import judge
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import graph_of
from symdiff.function import Absence, Function
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.graph import Application
from symdiff.precision import working

w, x, y, z = sp.symbols("w x y z", real=True)
R = sp.Rational

# operands, tried in turn: those inside the domain of each operand are kept
CANDIDATES = (R(3, 8), -R(7, 4), R(9, 4), -R(5, 16), R(11, 2), -R(29, 8), R(1, 16))
BITS, DIGITS = 400, 130
STEP = sp.Rational(1, 10**30)


def certification_points(row: Function, count=4):
    """Operands and static arguments inside the domain, no two operands equal."""
    static = {point[row.arity :] for point, _ in row.special}
    for fixed in sorted(static, key=str):
        columns = []
        for shift, domain in enumerate(row.domain_of(fixed)):
            inside = [c for c in CANDIDATES if not domain.truth and domain.contains(np.asarray(float(c)))]
            column = [True, False] if domain.truth else inside
            assert column, f"{row.name}: no candidate lies in {domain}"
            columns.append(column[shift:] + column[:shift])
        for k in range(count):
            yield tuple(column[k % len(column)] for column in columns), fixed


# of which SymPy and mpmath know no value: the same function by another name
BY_IDENTITY = {
    "real_cbrt": lambda u: sp.sign(u) * sp.Abs(u) ** R(1, 3),
    "erfcinv": lambda u: sp.erfinv(1 - u),  # DLMF 7.17.1
}


def value_by_sympy(row, operands, static):
    """The function by SymPy and mpmath, which know nothing of Arb."""
    found = BY_IDENTITY.get(row.name, row.sympy)(*map(sp.sympify, operands), *map(sp.sympify, static))
    return bool(found) if found in (sp.true, sp.false) else mpmath.mpf(str(sp.N(found, DIGITS)))


def differences(row, operands, static, *axes):
    """First and second derivative along the sum of some axes, by central differences."""
    moved = [tuple(u + s * STEP if k in axes else u for k, u in enumerate(operands)) for s in (-1, 0, 1)]
    low, middle, high = (value_by_sympy(row, point, static) for point in moved)
    step = mpmath.mpf(1) / 10**30
    return (high - low) / (2 * step), (high - 2 * middle + low) / step**2


def mistakes(row: Function) -> list[str]:
    """Where the referee's value or partials of a row differ from mpmath's; of each, the row and what it is."""
    wrong: list[str] = []

    def compare(what, point, ball, expected, digits):
        number = mpmath.mpf(ball.str(100, radius=False)) if ball.rad() < 1e-60 else mpmath.nan
        scale = max(1, abs(expected))
        if not abs(number - expected) <= scale * mpmath.mpf(10) ** -digits:
            wrong.append(f"{row.name}: {what} at {point} is {ball.str(10)}, not {mpmath.nstr(expected, 10)}")

    with mpmath.workdps(DIGITS), working(BITS):
        for operands, static in certification_points(row):
            given = [u if isinstance(u, bool) else balls.exact(u) for u in operands]
            value = row.ball(*given, *static)
            expected = value_by_sympy(row, operands, static)
            if isinstance(expected, bool):
                if value is not expected:
                    wrong.append(f"{row.name}: the condition at {operands} is {value}, not {expected}")
                continue
            compare("the value", operands, value, expected, 90)
            step = Application(row.arity, row, tuple(range(row.arity)), static)
            columns = [array([u], 1) for u in given]
            moving = [not domain.truth for domain in row.domain]
            first, second = local_partials.local_partials(step, columns, array([value], 1), moving)
            for k, partial in enumerate(row.partials):
                if partial is Absence.NONDIFFERENTIABLE:
                    # no number is better than a wrong one
                    if one_ball(first[k]).is_finite():
                        wrong.append(f"{row.name}: partial {k} at {operands} is {first[k]}, without a rule")
                    moving[k] = False
                if not moving[k]:
                    continue
                slope, curvature = differences(row, operands, static, k)
                compare(f"partial {k}", operands, one_ball(first[k]), slope, 50)
                compare(f"second partial {k},{k}", operands, one_ball(second.get((k, k))), curvature, 40)
                for j in range(k):
                    if moving[j]:
                        both, own = (
                            differences(row, operands, static, j, k)[1],
                            differences(row, operands, static, j)[1],
                        )
                        mixed = (both - own - curvature) / 2
                        compare(f"second partial {j},{k}", operands, one_ball(second.get((j, k))), mixed, 40)
    return wrong


def one_ball(factor):
    return flint.arb(0 if factor is None else factor) if factor is None or isinstance(factor, int) else factor[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_rule_is_certified_against_values_of_another_implementation(row):
    assert mistakes(row) == []


WRONG_BALLS = {
    "exp": lambda u: u.exp() * (1 + flint.arb(2) ** -200),
    "log": lambda u: u.log() + 1,
    "sin": lambda u: u.cos(),
    "tanh": lambda u: u.sin(),
    "sqrt": lambda u: u,
    "sigmoid": lambda u: 1 / (1 + u.exp()),
    "power": lambda u, v: (v.log() * u).exp(),
    "power_integer": lambda u, n: u ** (n + 1),
    "power_constant": lambda u, c: u ** flint.arb(flint.fmpq(int(c.q), int(c.p))),
    "less": lambda u, v: bool(u > v),
    "maximum": lambda u, v: u.min(v),
    "and": lambda p, q: p or q,
}


@pytest.mark.parametrize("name", WRONG_BALLS)
def test_a_wrong_ball_column_is_caught_and_its_row_named(name):
    found = mistakes(dataclasses.replace(FUNCTIONS[name], ball=WRONG_BALLS[name]))
    assert found
    assert all(text.startswith(f"{name}: ") for text in found)


@pytest.mark.parametrize("name", [name for name in local_partials.ARITHMETIC if name != "select"])
@pytest.mark.parametrize("fault", ["sign", "second"])
def test_a_wrong_rule_of_arithmetic_is_caught_and_its_row_named(name, fault, monkeypatch):
    right = local_partials.ARITHMETIC[name]

    def wrong(operands, value):
        first, second = right(operands, value)
        if fault == "sign":
            return [None if p is None else -p for p in first], second
        place = (0, 0) if len(first) == 1 else (0, 1)
        return first, {**second, place: second.get(place, 0) + array([flint.arb(1)], 1)}

    monkeypatch.setitem(local_partials.ARITHMETIC, name, wrong)
    found = mistakes(FUNCTIONS[name])
    assert found
    assert all(text.startswith(f"{name}: ") for text in found)


def test_only_arithmetic_and_piecewise_linear_functions_have_rules():
    linear = {"abs", "maximum", "minimum", "select"}
    assert set(local_partials.ARITHMETIC) == {"add", "subtract", "negate", "multiply", "divide"} | linear
    without = [row.name for row in ROWS if all(partial is Absence.ZERO for partial in row.partials)]
    steps = {"sign", "heaviside", "floor", "ceiling"}
    assert set(without) == steps | {"less", "less_equal", "equal", "unequal", "and", "or", "not", "xor"}


HESSIANS = [
    (x * y * z, {x: 1.5, y: -2.25, z: 0.75}),
    (sp.exp(x * y) + z, {x: 0.3, y: -1.7, z: 5.0}),
    (sp.log(x**2 + y**2), {x: 0.3, y: -1.7}),
    (x / (y + z), {x: 2.0, y: 1e-3, z: -3.0}),
    (x**3 / y**2, {x: -1.1, y: 0.7}),
    (sp.sin(x * y) * sp.cos(x - y), {x: 20.5, y: 3.25}),
    (sp.tan(x) * sp.sqrt(y), {x: 1.5, y: 0.001}),
    (sp.tanh(x * y + z) ** 2, {x: 0.5, y: 2.5, z: -3.0}),
    (sigmoid(x - y * x), {x: 1.25, y: 3.5}),
    ((x * y) ** R(5, 3) - x, {x: 1.5, y: 2.0}),
    (x**y, {x: 2.5, y: -1.75}),
    (1 / (x**2 + sp.exp(-y) * x) + sp.sqrt(x + y), {x: 0.3, y: 0.9}),
    (sp.Abs(x - y) * x**2, {x: 0.25, y: 1.0}),
    (sp.Max(x * y, x**2) + sp.Min(x, y) ** 2, {x: 0.75, y: 2.5}),
    (sp.Piecewise((x**3 * y, x < y), (sp.sin(x), True)), {x: 0.75, y: 2.5}),
    (sp.log(1 + sp.exp(x)) / sp.sqrt(1 + (x * y) ** 2), {x: 7.5, y: 0.125}),
]


@pytest.mark.parametrize(
    ("expression", "at"), HESSIANS, ids=lambda value: str(value) if isinstance(value, sp.Expr) else ""
)
def test_partials_and_condition_numbers_are_those_of_exact_second_derivatives(expression, at):
    exact = {symbol: sp.Rational(value) for symbol, value in at.items()}
    (found,) = judge(graph_of([expression]), [at], list(at))
    for symbol, partial in zip(at, found.partials, strict=True):
        slope = expression.diff(symbol)
        expected = sp.N(slope.subs(exact), 50)
        assert abs(sp.Float(partial.ball.str(45, radius=False), 50) - expected) <= abs(expected) * sp.Float("1e-20")
        total = sum(abs(exact[other] * slope.diff(other).subs(exact)) for other in at)
        assert partial.kappa == pytest.approx(float(sp.N(total, 50) / abs(expected)), rel=1e-14)


def test_all_branches_of_the_hessian_agree_on_random_polynomials():
    generator = random.Random(7)
    symbols = (w, x, y, z)
    for _ in range(20):
        terms = [generator.randint(-9, 9) * math.prod(generator.choices(symbols, k=3)) for _ in range(5)]
        expression = sp.Add(*terms, w * x)
        at = {symbol: generator.randint(-40, 40) / 8 for symbol in symbols}
        exact = {symbol: sp.Rational(value) for symbol, value in at.items()}
        (found,) = judge(graph_of([expression]), [at], symbols)
        for symbol, partial in zip(symbols, found.partials, strict=True):
            slope = expression.diff(symbol)
            value = slope.subs(exact)
            assert sp.Rational(str(partial.ball.fmpq())) == value
            total = sum(abs(exact[other] * slope.diff(other).subs(exact)) for other in symbols)
            expected = 0.0 if total == 0 else None if value == 0 else pytest.approx(float(total / abs(value)))
            assert partial.kappa == expected


def test_a_symbol_that_does_not_occur_has_an_exactly_zero_partial():
    (found,) = judge(graph_of([x**2]), [{x: 3.0}], [y, x])
    assert found.partials[0].ball.is_zero()
    assert (found.partials[0].kappa, float(found.partials[1].ball)) == (0.0, 6.0)


def test_a_constant_has_exactly_zero_partials():
    for constant in (sp.pi, sp.Integer(3), sp.sqrt(2)):
        (found,) = judge(graph_of([constant]), [{}], [x])
        assert found.partials[0].ball.is_zero()


def test_a_partial_that_vanishes_at_a_point_has_no_condition_number_unless_nothing_moves_it():
    at = {x: 0.0, y: 2.0}
    (found,) = judge(graph_of([x * y + y**3]), [at], [x, y])
    assert [float(partial.ball) for partial in found.partials] == [2.0, 12.0]
    (found,) = judge(graph_of([x**2]), [at], [x])
    assert (float(found.partials[0].ball), found.partials[0].kappa) == (0.0, 0.0)
    (found,) = judge(graph_of([x**2 - 4 * x]), [{x: 2.0}], [x])
    assert (float(found.partials[0].ball), found.partials[0].kappa) == (0.0, None)


def test_points_are_judged_together_as_they_are_one_by_one():
    expression = sp.Piecewise((sp.log(x) * y, x > 0), (sp.Abs(x * y), True)) + sp.Max(x, y)
    points = [{x: a, y: b} for a in (-1.5, 0.0, 0.5, 2.0) for b in (-1.0, 0.5, 2.0)]
    graph = graph_of([expression])
    together = judge(graph, points, [x, y])
    for point, judged in zip(points, together, strict=True):
        (alone,) = judge(graph, [point], [x, y])
        assert (alone.irregular, alone.undecided, alone.node) == (judged.irregular, judged.undecided, judged.node)
        assert [p.ball.str() for p in alone.partials] == [p.ball.str() for p in judged.partials]
        assert [p.kappa for p in alone.partials] == [p.kappa for p in judged.partials]


def test_a_batch_is_cut_into_blocks_without_a_seam(monkeypatch):
    points = [{x: k / 7} for k in range(1, 20)]
    graph = graph_of([sp.sin(x) / x])
    whole = judge(graph, points, [x])
    monkeypatch.setattr(referee, "LARGEST_BLOCK", 3 * len(graph))
    assert [j.partials[0].ball.str() for j in judge(graph, points, [x])] == [j.partials[0].ball.str() for j in whole]


def test_precision_is_raised_until_the_enclosure_is_tight():
    # the derivative at tiny x is -x/12 + x**3/180 - ...; 300 digits cancel twice
    (found,) = judge(graph_of([(1 - sp.cos(x)) / x**2]), [{x: 1e-300}], [x])
    assert float(found.partials[0].ball) == pytest.approx(-1e-300 / 12, rel=1e-15)
    assert found.partials[0].kappa == pytest.approx(1.0, rel=1e-12)


def test_a_true_zero_never_resolves_relatively_but_an_absolute_radius_decides():
    graph = graph_of([sp.cos(sp.pi * x)])
    (open_,) = judge(graph, [{x: 1.0}], [x])
    assert open_.undecided == "the derivative in x is not enclosed tightly enough at 4096 bits"
    (decided,) = judge(graph, [{x: 1.0}], [x], np.array([[1e-30]]))
    assert decided.undecided is None
    assert abs(float(decided.partials[0].ball)) < 1e-30


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        (sp.Abs(sp.sin(sp.pi * x)), {x: 1.0}),
        (sp.Max(sp.sin(sp.pi * x), 0), {x: 2.0}),
        (sp.Piecewise((x**2, sp.cos(sp.pi * x) < 0), (x, True)), {x: 0.5}),
        (sp.sqrt(sp.sin(sp.pi * x)), {x: 1.0}),
        (1 / sp.sin(sp.pi * x), {x: 3.0}),
        (sp.log(sp.sin(sp.pi * x)), {x: 1.0}),
    ],
    ids=lambda value: str(value) if isinstance(value, sp.Expr) else "",
)
def test_what_balls_leave_open_is_never_guessed(expression, at):
    (found,) = judge(graph_of([expression]), [at], [x])
    assert found.partials == ()
    assert found.irregular is None
    assert found.undecided is not None
    assert found.undecided.endswith("at 4096 bits")


@pytest.mark.parametrize(
    ("expression", "at", "name", "what"),
    [
        (sp.Abs(x / 10 - R(3, 10)), {x: 3.0}, "abs", "abs has its kink here"),
        (sp.Max(x / 3, R(7, 3)), {x: 7.0}, "maximum", "two arguments of Max tie"),
        (sp.Min(x * y, x + y), {x: 2.0, y: 2.0}, "minimum", "two arguments of Min tie"),
        (sp.Piecewise((x, x / 3 < R(1, 3)), (x**2, True)), {x: 1.0}, "less", "a condition is at its boundary"),
        (sp.sign((x - 1) ** 2), {x: 1.0}, "sign", "sign jumps here"),
        (sp.Heaviside(x + y), {x: 0.5, y: -0.5}, "heaviside", "heaviside jumps here"),
        (sp.sqrt(x / 10 - R(3, 10)), {x: 3.0}, "sqrt", "sqrt has its infinite slope here"),
        (x ** R(1, 3), {x: 0.0}, "power_constant", "a fractional power has the end of its domain here"),
        (1 / (x / 10 - R(3, 10)), {x: 3.0}, "divide", "divide has a pole or an end of its domain (-∞, ∞) without 0"),
        (sp.log(x / 7 - R(3, 7)), {x: 3.0}, "log", "log has a pole or an end of its domain (0, ∞) at 0"),
        (sp.log(x), {x: -1.5}, "log", "log is outside its domain (0, ∞) at -1.5"),
        (sp.sqrt(x - 2), {x: 1.5}, "sqrt", "sqrt is outside its domain [0, ∞) at -0.5"),
        (x**y, {x: -2.0, y: 0.5}, "power", "power is outside its domain (0, ∞) at -2.0"),
        (sp.Piecewise((x, x < 1)), {x: 3.0}, "select", "no condition of the Piecewise holds here"),
    ],
    ids=lambda value: str(value) if isinstance(value, sp.Expr) else "",
)
def test_exact_ties_poles_and_ends_of_domains_are_certified_at_their_node(expression, at, name, what):
    graph = graph_of([expression])
    (found,) = judge(graph, [at], list(at))
    assert (found.undecided, found.partials) == (None, ())
    assert found.irregular.startswith(what)
    assert {step.node: step.function.name for step in graph.applications}[found.node] == name


def test_a_point_beside_a_kink_is_regular_however_near():
    # the double 0.3 is 1.1e-17 less than 3/10, and 0.1*3 is not 0.3
    (found,) = judge(graph_of([sp.Abs(x - R(3, 10))]), [{x: 0.3}], [x])
    assert float(found.partials[0].ball) == -1.0
    (found,) = judge(graph_of([sp.Max(3 * x, y)]), [{x: 0.1, y: 0.3}], [x, y])
    assert [float(partial.ball) for partial in found.partials] == [3.0, 0.0]


def test_the_first_culprit_is_named():
    graph = graph_of([sp.log(sp.sqrt(x))])
    (found,) = judge(graph, [{x: -1.0}], [x])
    names = {step.node: step.function.name for step in graph.applications}
    assert names[found.node] == "sqrt"


def test_a_branch_that_is_not_taken_does_no_harm():
    expression = sp.Piecewise((sp.log(-x) + sp.sqrt(x - 5) / (x - 1), x < -10), (x**2, True))
    (found,) = judge(graph_of([expression]), [{x: 1.0}], [x])
    assert float(found.partials[0].ball) == 2.0


def test_constants_are_as_precise_as_everything_else():
    expression = sp.sin(sp.pi * x) * sp.E**x + sp.Float(0.1) * x + R(1, 3) * x
    (found,) = judge(graph_of([expression]), [{x: 0.375}], [x])
    exact = expression.subs(sp.Float(0.1), sp.Rational(0.1)).diff(x).subs(x, R(3, 8))
    assert abs(sp.Float(found.partials[0].ball.str(36, radius=False), 40) - sp.N(exact, 40)) < 1e-34


def test_the_context_of_python_flint_is_left_as_it_was():
    before = flint.ctx.prec, flint.ctx.cap
    judge(graph_of([sp.sin(x) ** 2]), [{x: 2.0}], [x])
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_without_python_flint_nothing_is_decided(monkeypatch):
    monkeypatch.setattr(referee, "available", lambda: False)
    found = judge(graph_of([x**2]), [{x: 2.0}] * 3, [x])
    assert [judged.undecided for judged in found] == ["python-flint is not installed; pip install python-flint"] * 3
