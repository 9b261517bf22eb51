import math

import numpy as np
import pytest
import sympy as sp

import compare
from compare.stress import RANGES, stressed, typeable
from symdiff.from_sympy import graph_of
from symdiff.model import Model
from symdiff.parameter import Parameter

x, y = sp.symbols("x y", real=True)


def drawn(expression, count=40, dtype="float64", seed=0, bounds=None, symbols=None):
    symbols = symbols or sorted(expression.free_symbols, key=str)
    bases = [dict.fromkeys(symbols, value) for value in (0.75, 2.0)]
    return stressed(graph_of([expression]), symbols, count, seed, dtype, bases, bounds or {})


@pytest.mark.parametrize(
    ("expression", "roots"),
    [
        (sp.Abs(x - 3), [3.0]),
        (sp.Max(x**2, 4), [2.0, -2.0]),
        (1 / (x - 5), [5.0]),
        (sp.log(x + 7), [-7.0]),
        (sp.Piecewise((x, x < sp.Rational(1, 2)), (1, True)), [0.5]),
        (sp.Abs(sp.Abs(x) - 1), [0.0, 1.0, -1.0]),
        (sp.asin(x / 4), [4.0, -4.0]),
        (1 / (sp.exp(x) - 2), [math.log(2)]),
        (sp.sqrt(sp.exp(x) - 10), [math.log(10)]),
    ],
    ids=str,
)
def test_kinks_seams_poles_and_ends_of_domains_are_hit_and_stood_beside(expression, roots):
    points = [point[x] for point in drawn(expression)]
    for root in roots:
        assert min(abs(point - root) for point in points) <= 2 * math.ulp(root)
        beside = [abs(point - root) for point in points if 0 < abs(point - root) < 0.01 * max(1.0, abs(root))]
        assert len(beside) >= 3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_magnitudes_reach_from_tiny_to_huge_and_stay_in_the_range_of_the_dtype(dtype):
    values = np.array([point[x] for point in drawn(sp.exp(x), 200, dtype)])
    small, large = RANGES[dtype]
    assert np.isfinite(values.astype(dtype)).all()
    assert np.abs(values).min() < small**0.8
    assert np.abs(values).max() > large**0.8
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_point_can_be_typed_in_again(dtype):
    for point in drawn(sp.log(sp.sin(x)) / (y - sp.pi), 100, dtype):
        for value in point.values():
            assert np.dtype(dtype).type(float(repr(value))) == np.dtype(dtype).type(value)
            assert typeable(value, dtype) == value
            assert len(np.format_float_scientific(np.dtype(dtype).type(value))) <= (24 if dtype == "float64" else 15)


def test_the_same_seed_gives_the_same_points_and_another_seed_others():
    expression = sp.exp(x) * y
    assert drawn(expression, seed=4) == drawn(expression, seed=4) != drawn(expression, seed=5)


def test_assumptions_and_bounds_are_respected():
    p, n = sp.Symbol("p", positive=True), sp.Symbol("n", integer=True, nonnegative=True)
    points = drawn(sp.Abs(p - n) / (p + n), 60)
    assert all(point[p] > 0 and point[n] >= 0 and point[n] == int(point[n]) for point in points)
    points = drawn(sp.Abs(x) * y, 60, bounds={x: (-1.0, 2.0)})
    assert all(-1.0 <= point[x] <= 2.0 for point in points)
    assert max(abs(point[y]) for point in points) > 1e50


def test_a_stressed_check_finds_a_nan_that_ordinary_points_do_not():
    formula = "x**200/(1 + x**199)"
    found = compare.check(formula, points=32, stress=True)
    assert len(found.rows) == 64
    alarms = [row for row in found.rows if row.verdict.value == "disagree"]
    assert max(abs(row.at["x"]) for row in alarms) > 1e10
    assert found.command == f"symdiff check --stress '{formula}' --wrt x --points 32 --seed 0"
    for row in alarms[:3]:
        assert row.command == f"symdiff check '{formula}' --wrt x --at x={row.at['x']!r}"
        assert compare.check(formula, at=row.at).rows[0].verdict is row.verdict


def test_the_kink_of_a_formula_is_always_among_its_stressed_points():
    found = compare.check(sp.Abs(x - 3) * y, points=16, stress=True)
    at_kink = [row for row in found.rows if row.at["x"] == 3.0 and row.wrt == "x"]
    assert at_kink
    assert {row.verdict.value for row in at_kink if row.at["y"]} == {"undefined"}
    assert all(row.slopes == (-row.at["y"], row.at["y"]) or row.at["y"] < 0 for row in at_kink)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "formula", ["tanh(x)", "x*y", "log(1 + exp(x))", "sqrt(x**2 + y**2)", "x*atan(y)", "Max(x, y)"]
)
def test_stress_raises_no_false_alarm(formula, dtype):
    found = compare.check(formula, points=40, stress=True, dtype=dtype)
    assert [row.reason for row in found.rows if row.verdict.value == "disagree"] == []


def test_a_models_parameters_stay_within_their_bounds():
    w, t = sp.symbols("w t", real=True)
    model = Model(
        "m",
        w * x,
        inputs=[x],
        target=t,
        parameters={w: Parameter(1.0, min=0.5, max=2.0)},
        data={"x": [1.0], "t": [3.0]},
    )
    found = compare.check(model, points=20, stress=True)
    assert len({tuple(row.at.items()) for row in found.rows}) > 10
    assert all(0.5 <= row.at["w"] <= 2.0 for row in found.rows)
