"""Checks of what the programs run: constants lost in the dtype, steps that rounding takes, compiled programs."""

import math

import numpy as np
import pytest

import compare
from compare import evaluation, rows
from compare.truth import CHOSEN

ROUTES = ("symbolic", "autodiff", "chain")


@pytest.mark.parametrize("constant", ["1e-320", "1e-60", "1e-45", "1e-40", "1e-400"])
def test_a_constant_that_is_zero_in_the_dtype_is_rounding_and_no_wrong_rule(constant):
    # the derivative, the constant itself, lies below float32's normal range: it is rightly rounded to zero
    found = compare.check(f"{constant}*x", points=4, dtype="float32")
    assert {row.verdict.value for row in found.rows} == {"agree"}
    assert found.rows[0].referee.value == pytest.approx(float(constant), rel=1e-4, abs=1e-322)


def test_a_constant_that_is_flushed_and_multiplied_up_again_costs_the_digits():
    # XLA flushes 1e-320 to zero, and exp(700) is 1e304: the derivative is 1.0e-16
    found = compare.check("1e-320*exp(x)", at={"x": 700.0})
    (row,) = found.rows
    assert (row.verdict.value, found.exit_code) == ("inaccurate", 1)
    assert row.error <= row.tolerance


def test_a_fault_beside_a_lost_constant_is_seen_all_the_same(monkeypatch):
    # sin(x) + 1e-40*x: what is lost is 1e-40, and not a part of cos(x)
    right = rows.evaluate

    def wrong(*given):
        found = right(*given)
        found.partials["chain"][...] *= 1.001
        return found

    monkeypatch.setattr(rows, "evaluate", wrong)
    found = compare.check("sin(x) + 1e-40*x", at={"x": 0.5}, dtype="float32")
    assert found.rows[0].reason.startswith("chain is off by 0.000878")  # cos(0.5)/1000


# 0.7 as a double is less than 7/10 and 0.1 is more than 1/10, so exactly these are 6, 4 and nearly 1
STEPPED = [
    ("floor(0.7*x)*y", {"x": 10.0, "y": 2.0}, 6.0),
    ("ceiling(0.1*x)*y", {"x": 30.0, "y": 2.0}, 4.0),
    ("frac(0.7*x)*y", {"x": 10.0, "y": 2.0}, 1.0),
    ("Mod(0.7*x, 1)*y", {"x": 10.0, "y": 2.0}, 1.0),
    ("acot(0.7*x - 7)*y", {"x": 10.0, "y": 2.0}, -math.pi / 2),
    ("atan2(0.7*x - 7, -1)*y", {"x": 10.0, "y": 2.0}, -math.pi),
]


@pytest.mark.parametrize(("formula", "at", "slope"), STEPPED, ids=[formula for formula, _, _ in STEPPED])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_that_rounding_may_have_taken_is_no_wrong_rule(formula, at, slope, dtype):
    beside = at | {"x": at["x"] + 0.25}
    found = compare.check(formula, wrt="y", at=[at, beside], dtype=dtype)
    stepped, row = found.rows
    assert stepped.referee.value == pytest.approx(slope, rel=1e-14)
    assert (stepped.verdict.value, stepped.reason) == ("agree", CHOSEN)
    # nothing is excused beside the step
    assert (row.verdict.value, row.reason) == ("agree", "")
    assert row.tolerance < 1e-4


@pytest.mark.parametrize("terms", [3, 40])
def test_compiled_and_operation_by_operation_a_check_says_the_same(terms):
    formula = " + ".join(f"tanh({0.1 * k:.1f}*{'xyz'[k % 3]} - {k % 7})" for k in range(1, terms + 1))
    compiled = compare.check(formula, points=3, compiled=True)
    walked = compare.check(formula, points=3)
    for one, other in zip(compiled.rows, walked.rows, strict=True):
        assert (one.verdict, one.tolerances) == (other.verdict, other.tolerances)
        for route in ROUTES:
            assert abs(one.route(route) - other.route(route)) <= one.tolerances[route]


@pytest.mark.parametrize(("terms", "expected"), [(1, True), (40, False)])
def test_what_counts_is_the_length_of_the_program_and_not_that_of_the_formula(terms, expected, monkeypatch):
    # 40 hyperbolic tangents are 159 operations of the graph, and 2,000 of JAX's
    runs = []
    right = evaluation.of_graph

    def of_graph(graph, wrt, route, **options):
        run = right(graph, wrt, route, **options)

        def recorded(given):
            runs.append((route, isinstance(next(iter(given.values())), np.ndarray)))
            return run(given)

        return recorded

    monkeypatch.setattr(evaluation, "of_graph", of_graph)
    compare.check(" + ".join(f"tanh({0.1 * k:.1f}*x)" for k in range(1, terms + 1)), points=2, compiled=True)
    assert {(route, True) in runs for route in ("symbolic", "autodiff")} == {expected}
