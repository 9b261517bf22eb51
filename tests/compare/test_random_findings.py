"""What checks of random expressions found wrong with the referee, the bounds or the verdicts, each made small."""

from __future__ import annotations

import math

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import compare
import symdiff
from compare.benchmarks.causes import cause
from compare.bounds.chain import adjoint_bounds
from compare.bounds.graph import output_bounds
from compare.certified.referee import judge
from compare.formula import written_out
from compare.judging import verdict_on
from compare.verdict import Verdict
from symdiff.forms.special_balls import zeta_derivative
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.precision import applied, working
from symdiff.rewriting.rewrites import lowerable

x = sp.Symbol("x", real=True)
SAME = dict.fromkeys(("symbolic", "autodiff", "chain"), 1.0)
TIGHT = dict.fromkeys(SAME, 1e-15)


def test_a_power_series_that_arb_refuses_is_undecided_and_no_crash():
    # at the lower precisions the operand of csch cannot be told from zero
    expression = sp.csch(sp.sqrt(sp.sech(x)))
    (found,) = judge(graph_of([expression]), [{x: 200.0}], [x])
    with mpmath.workdps(60):
        expected = mpmath.diff(lambda u: mpmath.csch(mpmath.sqrt(mpmath.sech(u))), 200)
    assert float(found.partials[0].ball) == pytest.approx(float(expected), rel=1e-12)
    with working(64):
        around_zero = flint.arb_series([flint.arb(0, 1e-30), 1], 3)
        with pytest.raises(ValueError, match="leading term"):
            FUNCTIONS["csch"].ball(around_zero)
        assert applied(FUNCTIONS["csch"].ball, [around_zero]).is_nan()


@pytest.mark.parametrize(
    "text", ["log(1 - tanh(x))", "1/(1 - tanh(x))", "acosh(2 - tanh(x))", "asin(1 - (1 - tanh(x)))"]
)
def test_an_edge_that_rounding_reaches_is_a_loss_of_digits_and_no_wrong_rule(text):
    graph = graph_of([symdiff.parse(text)])
    (symbol,) = graph.inputs
    at = {symbol: np.array([17.3])}
    # in float32 tanh is 1 there, in the float64 of the bounds it is not
    chain = adjoint_bounds(graph, at, [symbol], np.float32)[0]
    assert np.isinf(chain).all()
    # half way down nothing is near an edge
    assert np.isfinite(adjoint_bounds(graph, {symbol: np.array([1.5])}, [symbol], np.float32)[0]).all()


def test_a_divisor_that_rounding_makes_zero_explains_any_quotient():
    divided = graph_of([1 / (1 - sp.tanh(x))])
    assert np.isinf(output_bounds(divided, {x: np.array(17.3)}, np.float32)[0])
    assert np.isfinite(output_bounds(divided, {x: np.array(2.0)}, np.float32)[0])


def test_a_product_of_the_reverse_sweep_that_is_below_the_normal_numbers_is_uncertain_by_as_much():
    # the adjoint 1e-20 * 1e-20 may be flushed to zero before it is multiplied by 1e30
    y, z = sp.symbols("y z", real=True)
    at = {x: np.array(1e-20), y: np.array(1e-20), z: np.array(1e30)}
    graph = graph_of([sp.sin(sp.sin(z * x) * y) * y])
    (bound,) = adjoint_bounds(graph, at, [x], np.float32)[0]
    assert bound > 1e30 * float(np.finfo(np.float32).tiny)


def test_what_is_no_number_is_never_excused_by_a_kink_but_by_an_unbounded_error():
    loose = dict.fromkeys(SAME, float("inf"))
    for wrong in (float("nan"), float("-inf"), float("inf")):
        found = verdict_on(SAME | {"chain": wrong}, flint.arb(1), 1.0, loose, np.float32)
        assert found.verdict is Verdict.INACCURATE
        found = verdict_on(SAME | {"chain": wrong}, flint.arb(1), None, TIGHT, np.float32, "a kink is near")
        assert found.verdict is Verdict.DISAGREE
        assert found.wrong == ("chain",)
    # beyond the range of the dtype infinity is the right number, and NaN is not
    great = flint.arb("1e60")
    assert verdict_on(dict.fromkeys(SAME, float("inf")), great, 1.0, TIGHT, np.float32).verdict is Verdict.AGREE
    # and below it zero is, whatever overflowed on the way
    small, nothing = flint.arb("4.7e-182"), dict.fromkeys(SAME, float("nan"))
    assert verdict_on(dict.fromkeys(SAME, 0.0), small, 1.0, nothing, np.float32).verdict is Verdict.AGREE
    several = dict.fromkeys(SAME, float("inf")) | {"autodiff": float("nan")}
    assert verdict_on(several, great, 1.0, loose, np.float32).verdict is Verdict.INACCURATE


@pytest.mark.parametrize("operand", [300.0, 5000.0, 6.4e158])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_zeta_far_out_is_enclosed_by_its_first_terms(operand, order):
    with working(128):
        ball = zeta_derivative(flint.arb(operand), order)
    assert ball.is_finite()
    if operand > 1e100:
        assert abs(ball - (order == 0)) < flint.arb("1e-30")
        return
    with mpmath.workdps(2000):
        terms = (mpmath.log(n) ** order * mpmath.mpf(n) ** -operand for n in range(1, 60))
        expected = (-1) ** order * mpmath.fsum(terms)
        digits = mpmath.nstr(expected, 1900)
    with working(8000):
        assert ball.overlaps(flint.arb(digits) * flint.arb(1, "1e-500"))


def test_a_ball_around_zero_has_powers():
    with working(64):
        ball = FUNCTIONS["power_integer"].ball(flint.arb(0, 1), 2)
        assert ball.is_finite()
        assert ball.contains(1)
        assert FUNCTIONS["cosm1"].ball(flint.arb("1e1000")).contains(-2)
        assert FUNCTIONS["power_integer"].ball(flint.arb(0, 2), 3).contains(-8)


def test_a_sine_of_a_number_longer_than_the_precisions_is_decided():
    # exp(exp(9)) has 11,690 bits before the point
    (found,) = judge(graph_of([sp.sin(sp.exp(sp.exp(x)))]), [{x: 9.0}], [x])
    assert found.undecided is None
    with mpmath.workdps(8000):
        inner = mpmath.exp(mpmath.exp(9))
        expected = mpmath.cos(inner) * inner * mpmath.exp(9)
        ratio = mpmath.mpf(found.partials[0].ball.str(30, radius=False)) / expected
    assert abs(float(ratio) - 1) < 1e-20


def test_a_formula_that_sympy_cannot_write_is_left_out():
    inner = sp.Piecewise((x, x > 1), (x**2, True))
    assert written_out(graph_of([inner]), graph_of([inner]).outputs) == [inner]
    y = sp.Symbol("y", real=True)
    nested = graph_of(
        [
            sp.Piecewise(
                (
                    y,
                    sp.sin(inner) > y,
                ),
                (x, True),
            )
        ]
    )
    assert written_out(nested, nested.outputs) is None


def test_jax_s_stop_of_a_gradient_leaves_a_condition_in_doubt():
    y, z = sp.symbols("y z", real=True)
    at = {"x": 0.1, "y": 0.1, "z": 0.010000000000000002}
    (row, *_) = compare.check(sp.Piecewise((x**2, z > x * y), (x, True)), at=at).rows
    assert min(row.tolerances.values()) > 0.5


@pytest.mark.parametrize("text", ["x*atan(exp(-x**2))", "x*atan(exp(-x**2)/sqrt(1 + x**2))"])
def test_an_operand_that_is_zero_is_not_taken_for_one_that_may_have_overflowed(text):
    graph = lowerable(graph_of([symdiff.parse(text)]))
    bounds, chosen = adjoint_bounds(graph, {x: np.array([-144.5, 2.5])}, [x], np.float64)
    assert not chosen.any()
    # exp(-144.5**2) is below 1e-9000: what is left is 0*x, 1*x and 0*x
    assert (bounds[:, 0] < 1e-12).all()


def test_a_kink_in_a_branch_that_is_not_taken_is_no_doubt_and_in_one_that_may_be_taken_it_is():
    inside = sp.Abs(sp.sin(x) - sp.sin(sp.Float(2)))
    graph = graph_of([sp.Piecewise((inside, x < sp.Symbol("y", real=True)), (sp.cos(x), True))])
    at = {x: np.array([2.0, 2.0]), sp.Symbol("y", real=True): np.array([1.0, 3.0])}
    assert adjoint_bounds(graph, at, [x], np.float64)[1].tolist() == [False, True]
    # where rounding decides the condition, too
    near = graph_of([sp.Piecewise((inside, sp.exp(x) < sp.exp(sp.Float(2))), (sp.cos(x), True))])
    assert adjoint_bounds(near, {x: np.array([2.0])}, [x], np.float64)[1].tolist() == [True]


def test_what_overflows_in_float32_ends_there_though_the_bounds_are_computed_in_float64():
    # cosh(-44.4)**3 is 9e56: the angle is 0, and so is its slope
    y, z = sp.symbols("y z", real=True)
    graph = lowerable(graph_of([sp.atan2(sp.sin(x), sp.cosh(y) ** 3) + z * sp.sin(y)]))
    at = {x: np.array([2.0]), y: np.array([-44.4]), z: np.array([3.0])}
    assert (adjoint_bounds(graph, at, [x, y, z], np.float32)[0] < 1e-4).all()
    # 1/(2*sqrt(exp(147.9))) is 3.8e-33, and all routes give 1/inf: nothing speaks against the referee
    (row,) = compare.check("sqrt(expm1(c) + y)", wrt="y", at={"c": 147.9, "y": 9.25}, dtype="float32").rows
    assert (row.symbolic, row.autodiff, row.chain) == (0.0, 0.0, 0.0)
    assert row.referee.value == pytest.approx(
        float(mpmath.exp(-mpmath.mpf(float(np.float32(147.9))) / 2) / 2), rel=1e-6
    )
    assert row.verdict is Verdict.DISAGREE
    assert "is inf here" in row.reason


@pytest.mark.parametrize(
    "text", ["sinh(v)/gamma(u)", "sinh(v)*gamma(u)**(-1)", "sinh(v)*acot(gamma(u))", "csch(asinh(gamma(u)))"]
)
def test_an_error_is_passed_on_by_a_quotient_that_is_tiny_and_its_partial_nothing(text):
    # gamma(141.86) = 9.5e242 is some 600 units off; the partial of 1/gamma in gamma is 1e-486
    u, v = sp.symbols("u v", real=True)
    graph = graph_of([symdiff.parse(text).xreplace({sp.Symbol("u", real=True): u})])
    at = {u: np.array(141.86), v: np.array(1.0)}
    (bound,) = output_bounds(graph, {s: at[s] for s in graph.inputs}, np.float64)
    value = mpmath.mpf(1) / mpmath.gamma(mpmath.mpf(141.86))
    relative = FUNCTIONS["gamma"].ulp * np.finfo(np.float64).eps
    assert float(relative * value) < bound < float(100 * relative * value)


def test_the_ceiling_of_a_negative_fraction_is_zero_without_a_sign():
    # mathematics has atan2(0, -1) = pi, and the standard of arithmetic atan2(-0, -1) = -pi
    rows = compare.check("y*atan2(ceiling(x), y)", wrt="y", at={"x": -0.25, "y": -2.0}).rows
    assert [row.verdict for row in rows] == [Verdict.AGREE]
    assert rows[0].autodiff == pytest.approx(float(mpmath.pi))
    value, _ = symdiff.value_and_gradient("atan2(ceiling(x), y)", "y", route="autodiff")(-2.0, -0.25)
    assert float(value) == pytest.approx(float(mpmath.pi))


def test_an_operand_that_is_a_pole_exactly_is_a_pole_and_not_open():
    (found,) = judge(graph_of([sp.acsch(sp.Heaviside(x)) + sp.exp(x)]), [{x: -0.5}], [x])
    assert found.irregular is not None
    assert "acsch has a pole" in found.irregular


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bound_of_an_airy_function_that_has_vanished_is_a_number(dtype):
    # Ai(208.5) is below 1e-870
    (bound,) = output_bounds(graph_of([sp.airyai(x) + 1]), {x: np.array(208.5)}, dtype)
    assert bound <= 2 * np.finfo(dtype).eps


def test_below_the_normal_numbers_zero_is_right_and_above_them_nothing_is_excused():
    exact, zero = dict.fromkeys(SAME, 0.0), dict.fromkeys(SAME, 0.0)
    for truth, dtype in (("1.16e-276", np.float32), ("-1.1e-38", np.float32), ("2e-308", np.float64)):
        assert verdict_on(zero, flint.arb(truth), 1.0, exact, dtype).verdict is Verdict.AGREE
    found = verdict_on(dict.fromkeys(SAME, 1.2e-38) | {"chain": 0.0}, flint.arb(1.2e-38), 1.0, exact, np.float32)
    assert (found.verdict, found.wrong) == (Verdict.DISAGREE, ("chain",))
    for wrong in (2e-300, -1e-300, 0.0):
        found = verdict_on(dict.fromkeys(SAME, 1e-300) | {"chain": wrong}, flint.arb(1e-300), 1.0, exact, np.float64)
        assert found.verdict is Verdict.DISAGREE
        assert found.wrong == ("chain",)


def test_an_absolute_value_is_a_rational_number_where_a_jump_is_looked_for():
    (found,) = judge(graph_of([sp.floor(sp.Abs(x) / 3)]), [{x: -3.0}], [x])
    assert found.irregular == "floor jumps here"


def test_a_cause_is_found_only_where_something_leaves_the_range_of_the_dtype():
    (row,) = compare.check("exp(x)**2*sin(x)", at={"x": 40.0}, dtype="float32").rows
    assert cause("exp(x)**2*sin(x)", row, "float32")[0] == "no cause found"
    (row,) = compare.check("log(exp(x)**2 + x)", at={"x": 60.0}, dtype="float32").rows
    assert cause("log(exp(x)**2 + x)", row, "float32") == ("overflow of an inner operand", "exp(2*x)")


def test_a_bessel_function_is_enclosed_at_high_precision_without_arb_s_slow_expansion():
    with working(4096):
        slow = FUNCTIONS["besselk"].ball(flint.arb_series([flint.arb("590.65"), 1], 3), 2)
    with mpmath.workdps(60):
        k0, k1, k2, k3, k4 = (mpmath.besselk(n, mpmath.mpf("590.65")) for n in range(5))
        # DLMF 10.29.5
        expected = [k2, -(k1 + k3) / 2, (k0 + 2 * k2 + k4) / 4]
    for k, number in enumerate(expected):
        assert slow[k].rel_accuracy_bits() > 400
        assert float(slow[k] * math.factorial(k) / flint.arb(mpmath.nstr(number, 50))) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    "power",
    ["binomial(3 + y, tanh(x))**2", "y*binomial(3, tanh(x))*binomial(4, tanh(x))", "binomial(3 + y, tanh(x))**3"],
)
def test_what_is_zero_but_for_its_error_has_powers_and_products_that_are_no_more_certain(power):
    # tanh(-20) is -1 in float64, where a binomial coefficient is zero: its true value is 4e-18
    (row,) = compare.check(power, wrt="y", at={"x": -20.0, "y": 0.5}).rows
    with mpmath.workdps(80):
        forms = {
            "binomial(3 + y, tanh(x))**2": lambda y: mpmath.binomial(3 + y, mpmath.tanh(-20)) ** 2,
            "y*binomial(3, tanh(x))*binomial(4, tanh(x))": lambda y: (
                y * mpmath.binomial(3, mpmath.tanh(-20)) * mpmath.binomial(4, mpmath.tanh(-20))
            ),
            "binomial(3 + y, tanh(x))**3": lambda y: mpmath.binomial(3 + y, mpmath.tanh(-20)) ** 3,
        }
        expected = float(mpmath.diff(forms[power], mpmath.mpf("0.5")))
    assert row.referee.value == pytest.approx(expected, rel=1e-9)
    assert abs(expected) < 1e-30
    assert row.verdict is Verdict.INACCURATE
    # where tanh has all its digits nothing of it is left
    (row,) = compare.check(power, wrt="y", at={"x": -1.0, "y": 0.5}).rows
    assert row.verdict is Verdict.AGREE
    assert row.tolerance < 1e-10


@pytest.mark.parametrize("name", ["sigmoid", "exp", "tanh", "erf", "softplus", "sech"])
def test_an_exponential_far_out_is_as_uncertain_as_what_its_operand_may_be(name):
    # exp(14) is off by more than 1 in float32, and so the sine may be any: 1e4*sin is any number up to 1e4
    graph = graph_of([FUNCTIONS[name].sympy(-50 - 50 * sp.sin(sp.exp(x)))])
    (wide,) = output_bounds(graph, {x: np.array(16.5)}, np.float32)
    # with the sine at -1 the operand is 0
    at_zero = {"sigmoid": 0.5, "exp": 1.0, "tanh": 1.0, "erf": 1.0, "softplus": math.log(2), "sech": 1.0}[name]
    assert wide > 0.9 * at_zero
    (narrow,) = output_bounds(graph, {x: np.array(1.0)}, np.float32)
    assert narrow < 1e-4


def test_an_operand_that_its_bound_takes_to_an_edge_by_rounding_is_at_the_edge():
    # tanh(17.7) is 8 units below 1, which is its bound but for the last digit
    (row,) = compare.check("log(1 + erfinv(tanh(x))**2)", at={"x": 17.7}).rows
    with mpmath.workdps(60):
        expected = mpmath.diff(lambda t: mpmath.log(1 + mpmath.erfinv(mpmath.tanh(t)) ** 2), mpmath.mpf(17.7))
    assert row.referee.value == pytest.approx(float(expected), rel=1e-12)
    assert abs(row.symbolic - row.referee.value) > 1e-4
    assert row.verdict is not Verdict.DISAGREE
    assert math.isinf(row.tolerances["chain"])


@pytest.mark.parametrize(
    ("text", "at", "derivative"),
    [
        # d acos(tanh(x)) = -sech(x), d asin(tanh(x)) = sech(x), d erfinv(tanh(x)) by mpmath at enough digits
        ("acos(tanh(x))", 2735.0, lambda t: -mpmath.sech(t)),
        ("asin(tanh(x))", -8000.0, mpmath.sech),
        ("sqrt(1 - tanh(x)**2)", 3000.0, lambda t: -mpmath.sech(t) * mpmath.tanh(t)),
        ("x*ceiling(erf(x))", 100.0, lambda _: mpmath.mpf(1)),
        ("x*floor(zeta(x))", 6000.0, lambda _: mpmath.mpf(1)),
    ],
)
def test_what_is_a_hair_from_its_limit_is_decided_at_as_many_bits_as_the_hair_needs(text, at, derivative):
    graph = graph_of([symdiff.parse(text)])
    (symbol,) = graph.inputs
    (found,) = judge(graph, [{symbol: at}], [symbol])
    assert found.undecided is None
    with mpmath.workdps(40):
        expected = mpmath.nstr(derivative(mpmath.mpf(at)), 30)
    with working(128):
        assert abs(found.partials[0].ball / flint.arb(expected) - 1) < flint.arb("1e-25")


def test_what_would_need_more_bits_than_the_budget_stays_undecided():
    (found,) = judge(graph_of([sp.acos(sp.tanh(x))]), [{x: 1e5}], [x])
    assert "is open at 4096 bits" in found.undecided


@pytest.mark.parametrize(
    ("text", "at", "dtype"),
    [
        # the base is 1 + 4e-23: moved by its rounding error, its power is 0 or infinite
        ("(1 + y**2/a)**(-a)", {"a": 2.4e23, "y": 3.0}, "float64"),
        # the cosine is flat at 2*pi*330000, but that is off by an eighth
        ("exp(cos(2*pi*x)/2 + cos(2*pi*y)/2)", {"x": 330000.0, "y": -5.257}, "float32"),
    ],
)
def test_an_uncertain_operand_is_no_wrong_rule_of_the_chain_route(text, at, dtype):
    rows = compare.check(text, wrt="y", at=at, dtype=dtype).rows
    numbers = {rows[0].symbolic, rows[0].autodiff, rows[0].chain}
    # the routes say the same, and it is not what is true
    assert max(numbers) - min(numbers) <= 1e-6 * abs(max(numbers))
    assert rows[0].error > 1e-3 * abs(max(numbers))
    assert rows[0].verdict in (Verdict.INACCURATE, Verdict.AGREE)
