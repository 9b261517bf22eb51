"""Difference quotients stand beside the referee: they confirm what is right and notice what is not."""

import dataclasses

import pytest
import sympy as sp

import compare
from compare.cross_check import crossed
from compare.reports.conditions import conditions
from compare.row import Enclosure
from compare.verdict import Verdict


def last(comparison):
    return conditions(comparison)[-1]


@pytest.mark.parametrize("formula", ["(w*x - y)**2", "sin(x)/x", "besselj(0, x)*log(y)", "Abs(x)*exp(x)", "tan(x)"])
def test_what_is_right_is_confirmed(formula):
    comparison = compare.check(formula, points=16)
    found = crossed(comparison)
    assert found.told > 0.9 * len(comparison.rows)
    assert (found.against, last(comparison).verdict) == (0, Verdict.AGREE)
    assert found.digits > 7


def test_a_referee_that_is_wrong_by_a_millionth_is_noticed():
    comparison = compare.check("exp(x)*y", at=[{"x": 1.0, "y": 2.0}, {"x": 0.5, "y": 3.0}])
    first = comparison.rows[0]
    wrong = dataclasses.replace(first, referee=Enclosure(first.referee.value * (1 + 1e-6), 0.0, None))
    found = crossed(dataclasses.replace(comparison, rows=(wrong, *comparison.rows[1:])))
    assert (found.told, found.against) == (4, 1)
    assert last(dataclasses.replace(comparison, rows=(wrong, *comparison.rows[1:]))).state == "differ"


def test_what_they_cannot_tell_is_said():
    # of a value of 1e16 the slope 1 is lost in rounding
    comparison = compare.check("x + 1e16", at={"x": 1e-3})
    assert (crossed(comparison).blind, last(comparison).state) == (1, "too rough")


def test_second_derivatives_and_arrays_are_not_made():
    column = sp.MatrixSymbol("x", 2, 1)
    for comparison in (compare.check("x**3", order=2, points=2), compare.check(column.T * column, points=1)):
        assert crossed(comparison) is None
        assert last(comparison).state == "not made"
