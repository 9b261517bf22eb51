import json
import math

import numpy as np
import pytest
from flint import arb, fmpq

from compare.bounds.graph import SAFETY
from compare.judging import FORCED, constants, enclosure, verdict_on
from compare.verdict import Verdict
from symdiff.precision import working

EPS = 2.0**-52
SAME = {"symbolic": 1.0, "autodiff": 1.0, "chain": 1.0}
TIGHT = dict.fromkeys(SAME, 4 * EPS)


def judged(changes=None, truth=1, kappa=1.0, tolerances=None, dtype=np.float64):
    with working(200):
        ball = truth if isinstance(truth, arb) else arb(truth)
    return verdict_on(SAME | (changes or {}), ball, kappa, TIGHT | (tolerances or {}), dtype)


def huge(exponent):
    with working(200):
        return arb(2) ** exponent


def test_routes_within_their_tolerances_agree():
    found = judged({"chain": 1.0 + 3 * EPS})
    assert (found.verdict, found.error, found.tolerance, found.reason) == (Verdict.AGREE, 3 * EPS, 4 * EPS, "")
    assert found.tolerances == TIGHT


@pytest.mark.parametrize("route", SAME)
def test_the_route_beyond_its_own_tolerance_is_named(route):
    found = judged({route: 1.0 + 8 * EPS})
    assert found.verdict is Verdict.DISAGREE
    assert found.reason == f"{route} is off by 1.78e-15, where rounding explains 8.88e-16"
    assert judged({route: 1.0 + 8 * EPS}, tolerances={route: 9 * EPS}).verdict is Verdict.AGREE


def test_two_routes_that_err_apart_are_both_named():
    found = judged({"symbolic": 1.5, "chain": -1.0})
    assert found.verdict is Verdict.DISAGREE
    assert found.reason == (
        "symbolic is off by 0.5, where rounding explains 8.88e-16; chain is off by 2, where rounding explains 8.88e-16"
    )
    assert found.error == 2.0


def test_two_routes_that_agree_against_the_referee_and_the_third_make_the_referee_suspect():
    found = judged({"symbolic": 2.0, "chain": 2.0 + EPS})
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason == (
        "symbolic and chain agree with each other, but not with the referee nor with autodiff: the referee is suspect"
    )


def test_three_routes_that_agree_against_the_referee_make_it_suspect():
    found = judged(truth=2)
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason == (
        "symbolic, autodiff and chain agree with each other, but not with the referee: the referee is suspect"
    )


def test_an_overflow_that_all_routes_share_is_no_reason_to_suspect_the_referee():
    for value in (math.nan, math.inf, 0.0):
        nothing = dict.fromkeys(SAME, math.nan)
        found = judged(dict.fromkeys(SAME, value), tolerances=nothing)
        assert found.verdict is Verdict.DISAGREE
        assert all(name in found.reason for name in SAME)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_where_the_derivative_is_disagrees(value):
    found = judged({"chain": value})
    assert found.verdict is Verdict.DISAGREE
    assert found.reason == f"chain gives {value} where the derivative is finite"
    assert found.error == math.inf


def test_a_derivative_beyond_the_range_is_rightly_infinite_but_not_nan_nor_of_the_other_sign():
    beyond = dict.fromkeys(SAME, math.inf)
    assert judged(beyond, truth=huge(1024)).verdict is Verdict.AGREE
    assert judged(beyond, truth=huge(130), dtype=np.float32).verdict is Verdict.AGREE
    assert judged(beyond, truth=huge(130)).verdict is Verdict.DISAGREE
    assert judged(beyond, truth=-huge(1024)).verdict is Verdict.DISAGREE
    assert judged(beyond | {"chain": math.nan}, truth=huge(1024)).reason.startswith("chain gives nan")


def test_at_the_end_of_the_range_rounding_may_overflow():
    largest = np.finfo(np.float64).max
    one_ulp = dict.fromkeys(SAME, largest * EPS)
    assert judged(dict.fromkeys(SAME, math.inf), truth=largest, tolerances=one_ulp).verdict is Verdict.AGREE
    assert judged(dict.fromkeys(SAME, math.inf), truth=largest * 0.99, tolerances=one_ulp).verdict is Verdict.DISAGREE


def test_a_derivative_below_the_range_is_rightly_zero():
    tiny = dict.fromkeys(SAME, 2.0**-1022)
    assert judged(dict.fromkeys(SAME, 0.0), truth=huge(-1100), tolerances=tiny).verdict is Verdict.AGREE


@pytest.mark.parametrize(
    ("relative", "kappa", "verdict"),
    [
        (2 * EPS**0.5, 1.0, "inaccurate"),
        (0.5 * EPS**0.5, 1.0, "agree"),
        # what the problem itself forces is no fault of the formula
        (2 * EPS**0.5, 1e8, "agree"),
        (2 * FORCED * EPS * 1e8, 1e8, "inaccurate"),
        (2 * EPS**0.5, None, "agree"),
        (0.9, 1e14, "agree"),
    ],
)
def test_inaccurate_is_what_rounding_explains_and_the_problem_does_not_force(relative, kappa, verdict):
    found = judged({"symbolic": 1.0 + relative}, kappa=kappa, tolerances={"symbolic": 1.0})
    assert found.verdict.value == verdict
    if verdict == "inaccurate":
        kept = -math.log10(relative)
        assert found.reason == (
            f"only {kept:.1f} digits are right; the formula loses more than the problem forces (kappa {kappa:.2g})"
        )


def test_where_rounding_explains_nothing_only_the_forced_error_is_allowed():
    nothing = {"chain": math.nan}
    assert judged({"chain": 1.0 + 60 * EPS}, tolerances=nothing).verdict is Verdict.AGREE
    assert judged({"chain": 1.0 + 300 * EPS}, tolerances=nothing).verdict is Verdict.DISAGREE
    # at a condition number of 1e16 every digit is lost: even a division by zero, but no NaN
    assert judged({"chain": math.inf}, kappa=1e16, tolerances=nothing).verdict is Verdict.AGREE
    assert judged({"chain": math.nan}, kappa=1e16, tolerances=nothing).verdict is Verdict.DISAGREE


def test_where_rounding_explains_anything_the_formula_is_inaccurate():
    # as 1/(exp(x) - 1) at 1e-20, where the divisor is rounded to zero
    for value in (math.inf, math.nan, 0.0):
        found = judged({"chain": value}, tolerances={"chain": math.inf})
        assert found.verdict is Verdict.INACCURATE
        assert found.reason.startswith("only 0.0 digits are right")


def test_no_route_is_blamed_where_a_branch_was_chosen_by_rounding_or_no_digit_can_be_right():
    found = judged({"chain": 2.0}, kappa=1e15)
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason.startswith("the problem itself forces the loss of every digit here (kappa 1e+15): chain is off")
    assert judged({"chain": math.nan}, kappa=1e15).verdict is Verdict.DISAGREE
    found = verdict_on(SAME | {"chain": 2.0}, arb(1), None, TIGHT, np.float64, "a seam is near")
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason == "a seam is near: chain is off by 1, where rounding explains 8.88e-16"
    # on the other side of a kink there is a number too
    found = verdict_on(SAME | {"chain": math.nan}, arb(1), None, TIGHT, np.float64, "a seam is near")
    assert found.verdict is Verdict.DISAGREE
    assert verdict_on(SAME, arb(1), None, TIGHT, np.float64, "a seam is near").verdict is Verdict.AGREE


def test_errors_are_measured_from_the_enclosure_not_from_its_middle():
    with working(200):
        wide = arb(1, 2.0**-20)
    assert judged({"chain": 1.0 + 2.0**-21}, truth=wide).error == 0.0
    assert judged({"chain": 1.0 + 2.0**-19}, truth=wide).error == pytest.approx(2.0**-20, rel=1e-6)


def test_the_error_has_digits_that_doubles_do_not_have():
    with working(200):
        tenth = arb(fmpq(1, 10))
    found = verdict_on(dict.fromkeys(SAME, 0.1), tenth, 0.0, TIGHT, np.float64)
    # the double 0.1 minus 1/10, exactly
    assert found.error == pytest.approx(5.551115123125783e-18, rel=1e-12)


def test_an_enclosure_in_json_encloses():
    with working(200):
        third = enclosure(arb(fmpq(1, 3)))
        assert enclosure(arb(0)).digits == "0"
        assert enclosure(arb(0, 1e-30)).value == 0.0
        tiny = enclosure(arb(1, arb(2) ** -2000))
    assert (third.value, third.digits) == (1 / 3, "0.3333333333333333333333333")
    assert 0 < third.radius < 1e-58
    assert tiny.radius > 0.0


def test_the_constants_say_what_verdicts_rest_on():
    assert json.loads(json.dumps(constants("float32"))) == {
        "eps": 2.0**-23,
        "tolerance / running rounding bound": SAFETY,
        "forced relative error / (eps * (1 + kappa))": FORCED,
        "relative error allowed for half of the digits": 2.0**-11.5,
    }
