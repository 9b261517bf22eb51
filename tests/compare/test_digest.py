import math
from dataclasses import replace

import pytest

from compare.comparison import Comparison, Enclosure, Row, Verdict
from compare.digest import digits, partials, statuses, ulps, worst_rows

EPS = 2.0**-52
TRUE = Enclosure(1.0, 0.0, "1")


def row(verdict, symbolic=1.0, autodiff=1.0, chain=1.0, error=0.0, tolerance=4 * EPS, wrt="w", referee=TRUE):
    return Row(wrt, {"w": 1.0}, symbolic, autodiff, chain, referee, verdict, error, tolerance, 2.0, "")


def states(*rows):
    return {status.label: status.state for status in statuses(Comparison("", "w", ("w",), "float64", rows))}


@pytest.mark.parametrize(
    ("value", "dtype", "ulp"),
    [
        (1.0, "float64", 2.0**-52),
        (-1.5, "float64", 2.0**-52),
        (0.999, "float64", 2.0**-53),
        (1e300, "float64", math.ulp(1e300)),
        (5e-324, "float64", 5e-324),
        (1.0, "float32", 2.0**-23),
        (1e-45, "float32", 2.0**-149),
    ],
)
def test_one_unit_in_the_last_place(value, dtype, ulp):
    assert ulps(ulp, value, dtype) == 1.0


def test_no_unit_beside_zero_or_in_an_unknown_dtype():
    assert ulps(1.0, 0.0, "float64") is None
    assert ulps(1.0, math.inf, "float64") is None
    assert ulps(1.0, 1.0, "bfloat16") is None


def test_digits_are_bounded_by_the_dtype():
    assert digits(1e-3, 1.0, "float64") == pytest.approx(3.0)
    assert digits(0.0, 1.0, "float32") == pytest.approx(7.22, abs=0.01)
    assert digits(math.nan, 1.0, "float64") == 0.0
    assert digits(1e300, 1e-300, "float64") == 0.0
    assert digits(0.0, 0.0, "float64") is None


def test_a_wrong_route_is_the_one_that_fails():
    wrong = states(row(Verdict.AGREE), row(Verdict.DISAGREE, chain=-1.0, error=2.0))
    assert wrong == {
        "symbolic = chain": "fails",
        "symbolic = autodiff": "holds",
        "chain = autodiff": "fails",
        "symbolic = referee": "holds",
        "autodiff = referee": "holds",
        "chain = referee": "fails",
    }


def test_two_routes_that_are_wrong_alike_agree_with_each_other_only():
    wrong = states(row(Verdict.DISAGREE, symbolic=math.nan, autodiff=math.nan, error=math.nan, tolerance=None))
    assert wrong["symbolic = autodiff"] == "holds"
    assert [label for label, state in wrong.items() if state == "fails"] == [
        "symbolic = chain",
        "chain = autodiff",
        "symbolic = referee",
        "autodiff = referee",
    ]


def test_each_route_is_held_to_its_own_tolerance():
    given = row(Verdict.DISAGREE, symbolic=1.0 + 4 * EPS, chain=2.0, error=1.0, tolerance=2 * EPS)
    assert states(given)["symbolic = referee"] == "fails"
    known = replace(given, tolerances={"symbolic": 8 * EPS, "autodiff": EPS, "chain": 2 * EPS})
    assert [label for label, state in states(known).items() if state == "fails"] == [
        "symbolic = chain",
        "chain = autodiff",
        "chain = referee",
    ]


def test_rounding_is_no_failure_but_lost_digits_are_named():
    assert set(states(row(Verdict.AGREE, chain=1.0 + EPS, error=EPS)).values()) == {"holds"}
    lossy = states(row(Verdict.INACCURATE, symbolic=1.0 + 1e-6, error=1e-6, tolerance=1e-5))
    assert {label for label, state in lossy.items() if state == "loses"} == {
        "symbolic = chain",
        "symbolic = autodiff",
        "symbolic = referee",
    }


def test_rows_that_the_referee_did_not_decide_are_not_compared():
    kink = row(Verdict.UNDEFINED, chain=5.0, referee=Enclosure(None, None, None))
    open_ = row(Verdict.UNDECIDED, chain=5.0)
    assert set(states(kink, open_).values()) == {"none"}


def test_a_partial_gathers_its_rows():
    rows = (row(Verdict.AGREE, chain=1.0 + EPS, error=EPS), row(Verdict.UNDEFINED), row(Verdict.AGREE, wrt="b"))
    w, b, absent = partials(Comparison("", "", ("w", "b", "c"), "float64", rows))
    assert (w.wrt, w.verdict, w.ratio, w.counts[Verdict.UNDEFINED]) == ("w", "agree", 0.25, 1)
    chain = w.accuracies[2]
    assert (chain.route, chain.ulps, round(chain.digits, 2)) == ("chain", 1.0, 15.65)
    assert b.ratio == 0.0
    assert (absent.verdict, absent.ratio) == ("undecided", None)


def test_worst_rows_show_each_kind_of_trouble_of_each_partial_once():
    bad, worse = row(Verdict.DISAGREE, error=1.0), row(Verdict.DISAGREE, error=2.0)
    lossy, fine, kink = row(Verdict.INACCURATE, wrt="b"), row(Verdict.AGREE), row(Verdict.UNDEFINED)
    chosen = worst_rows(Comparison("", "", ("w", "b"), "float64", (fine, kink, bad, lossy, worse)))
    assert [id(r) for r in chosen] == [id(worse), id(lossy), id(fine)]
