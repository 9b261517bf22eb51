import numpy as np
import pytest
import sympy as sp

import compare
from compare import second_order
from compare.certified.referee import judge
from symdiff.from_sympy import graph_of

x, y = sp.symbols("x y", real=True)
ROUTES = ("symbolic", "autodiff", "chain")


def test_every_pair_is_a_row_and_every_route_gives_the_second_partial():
    found = compare.check(x**2 * y**3, at={"x": 3.0, "y": 2.0}, order=2)
    assert [row.wrt for row in found.rows] == ["x,x", "x,y", "y,y"]
    # 2*y**3, 6*x*y**2, 6*x**2*y
    assert [[row.route(name) for name in ROUTES] for row in found.rows] == [[16.0] * 3, [72.0] * 3, [108.0] * 3]
    assert [row.verdict.value for row in found.rows] == ["agree"] * 3
    assert found.command == "symdiff check --order 2 'x**2*y**3' --wrt x,y --at x=3.0,y=2.0"


@pytest.mark.parametrize("expression", [sp.sin(x * y) / x, sp.exp(x) * sp.tanh(y), 1 / (x - y)], ids=str)
def test_the_referee_encloses_second_partials_and_their_condition_numbers(expression):
    (found,) = judge(graph_of([expression]), [{x: 1.3, y: 0.7}], [x, y], order=2)
    at = {x: sp.Rational(1.3), y: sp.Rational(0.7)}
    for partial, pair in zip(found.partials, [(x, x), (x, y), (y, y)], strict=True):
        second = sp.diff(expression, *pair)
        kappa = sum(abs(s * sp.diff(second, s)) for s in (x, y)) / abs(second)
        assert float(partial.ball) == pytest.approx(float(second.subs(at).evalf(40)), rel=1e-15)
        assert partial.kappa == pytest.approx(float(kappa.subs(at).evalf(40)), rel=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "formula",
    ["log(1 + exp(x*y))", "sqrt(x**2 + y**2)", "exp(-x**2)*sin(y)", "x*atan(y)/(1 + x**2)", "tanh(x)**2 + erf(y)*x"],
)
def test_right_hessians_raise_no_alarm_at_drawn_points(formula, dtype):
    found = compare.check(formula, points=24, dtype=dtype, order=2)
    assert {row.verdict.value for row in found.rows} <= {"agree", "inaccurate"}
    assert [row.verdict.value for row in found.rows].count("agree") > 60


def planted(mode, route):
    right = second_order.evaluate_second

    def wrong(*given):
        readings = right(*given)
        for reading in readings:
            if reading.way == mode:
                reading.found.partials[route][1] *= 1 + 1e-9
        return readings

    return wrong


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "way", ["forward over reverse", "reverse over reverse", "forward over reverse, the pair exchanged"]
)
def test_a_fault_in_one_way_of_one_route_is_seen_and_both_are_named(way, route, monkeypatch):
    monkeypatch.setattr("compare.rows.evaluate_second", planted(way, route))
    found = compare.check(x**3 * sp.sin(y), at={"x": 3.0, "y": 2.0}, order=2)
    assert [row.verdict.value for row in found.rows] == ["agree", "disagree", "agree"]
    reason = found.rows[1].reason
    assert reason.startswith(f"{route} is off by")
    assert f"computed {way}" in reason.split("; ")


def test_a_wrong_rule_shows_in_the_second_partials_too(monkeypatch):
    import dataclasses

    from compare import checking
    from symdiff.functions import FUNCTIONS

    right = FUNCTIONS["sin"]
    wrong = dataclasses.replace(right, partials=(lambda u, _: -np.cos(u),))

    def mutant(expressions):
        graph = graph_of(expressions)
        return dataclasses.replace(graph, functions=tuple(wrong if f is right else f for f in graph.functions))

    monkeypatch.setattr(checking, "graph_of", mutant)
    # the gradient of cos is sin's affair only at second order: its rule is spliced in from the table as it is
    (row,) = compare.check(sp.sin(x) ** 2 / 2, at={"x": 1.0}, order=2).rows
    assert row.verdict.value == "disagree"
    assert row.reason.startswith("chain is off")


def test_at_a_kink_second_partials_exist_only_where_both_orders_have_them():
    found = compare.check(x * sp.exp(y) * sp.Abs(x - 1), at={"x": 1.0, "y": 0.0}, order=2)
    assert [row.verdict.value for row in found.rows] == ["undefined", "undefined", "agree"]
    (row,) = compare.check(x * sp.Abs(x), at={"x": 0.0}, order=2).rows
    assert (row.verdict.value, row.slopes) == ("undefined", (-2.0, 2.0))
    (row,) = compare.check(sp.Abs(x) ** 3, at={"x": 0.0}, order=2).rows
    assert (row.verdict.value, row.referee.value) == ("agree", 0.0)
