import math

import numpy as np
import pytest
import sympy as sp

from compare.points import given, mappings, seeded
from compare.subject import places, read_subject
from symdiff.errors import OptionError, SymbolError
from symdiff.from_sympy import graph_of
from symdiff.model import Model

w, x, y = sp.symbols("w x y", real=True)


def test_the_same_seed_gives_the_same_points_and_another_seed_others():
    graph = graph_of([x * y])
    first = seeded(graph, [x, y], 30, 4)
    assert seeded(graph, [x, y], 30, 4) == first
    assert seeded(graph, [x, y], 30, 5) != first


def test_a_drawn_point_can_be_typed_in_again():
    for point in seeded(graph_of([x * y]), [x, y], 200, 0):
        for value in point.values():
            assert float(f"{value:.4g}") == value


def test_magnitudes_are_spread_evenly_from_a_thousandth_to_a_thousand_with_both_signs():
    drawn = np.array([point[x] for point in seeded(graph_of([x]), [x], 3000, 1)])
    assert np.abs(drawn).min() >= 1e-3
    assert np.abs(drawn).max() <= 1e3
    decades = np.histogram(np.log10(np.abs(drawn)), bins=6, range=(-3, 3))[0]
    # 500 expected in each decade, with a standard deviation of 20
    assert decades.min() > 400
    assert 1300 < (drawn < 0).sum() < 1700


@pytest.mark.parametrize(
    ("assumptions", "holds"),
    [
        ({"positive": True}, lambda v: v > 0),
        ({"nonnegative": True}, lambda v: v > 0),
        ({"negative": True}, lambda v: v < 0),
        ({"nonpositive": True}, lambda v: v < 0),
        ({"integer": True}, lambda v: v == int(v) and v != 0),
        ({"integer": True, "positive": True}, lambda v: v == int(v) and v >= 1),
        ({}, lambda v: math.isfinite(v)),
    ],
)
def test_assumptions_of_symbols_are_respected(assumptions, holds):
    symbol = sp.Symbol("n", **assumptions)
    assert all(holds(point[symbol]) for point in seeded(graph_of([symbol**2]), [symbol], 100, 2))


@pytest.mark.parametrize(
    "expression",
    [sp.log(x) + sp.sqrt(y - x), 1 / sp.log(sp.log(x)) + y, sp.sqrt(1 - x**2 - y**2), sp.log(sp.sin(x) - y) * x],
    ids=str,
)
def test_points_at_which_the_expression_has_a_value_come_first(expression):
    value = sp.lambdify([x, y], expression, "numpy")
    with np.errstate(all="ignore"):
        assert all(np.isfinite(value(point[x], point[y])) for point in seeded(graph_of([expression]), [x, y], 64, 0))


def test_a_branch_that_is_not_taken_excludes_no_point():
    expression = sp.Piecewise((sp.log(x), x > 0), (x, True))
    drawn = [point[x] for point in seeded(graph_of([expression]), [x], 64, 0)]
    assert min(drawn) < 0 < max(drawn)


def test_where_nothing_is_finite_the_asked_number_of_points_is_drawn_all_the_same():
    assert len(seeded(graph_of([sp.log(-1 - x**2)]), [x], 7, 0)) == 7


def test_a_point_may_be_given_by_symbols_or_by_names_with_any_real_number():
    assert given({"x": 2, y: sp.Rational(1, 4)}, [x, y]) == {x: 2.0, y: 0.25}
    assert given({x: np.float32(0.1)}, [x]) == {x: float(np.float32(0.1))}
    assert given({x: 1.0}, [x, y], {y: 5.0}) == {x: 1.0, y: 5.0}
    assert mappings([{"x": 1.0}, {"x": 2.0}]) == [{"x": 1.0}, {"x": 2.0}]


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({"q": 1.0}, SymbolError, r"^at names 'q', which the expression does not contain; it contains x, y$"),
        ({w: 1.0, x: 1.0, y: 1.0}, SymbolError, r"^at gives w, which is not in the expression; it contains x, y$"),
        ({x: 1.0}, SymbolError, r"^at gives no value for y; give every one of x, y$"),
        ({x: 1.0, "x": 2.0, y: 0.0}, SymbolError, r"^at gives x twice"),
        ({x: math.nan, y: 0.0}, OptionError, r"^at gives x = nan; give a finite number$"),
        ({x: -math.inf, y: 0.0}, OptionError, r"^at gives x = -inf; give a finite number$"),
        ({x: "2", y: 0.0}, OptionError, r"^at gives x = '2', which is not a number$"),
        ({x: 1j, y: 0.0}, OptionError, r"^at gives x = 1j, which is not a number$"),
        ({x: None, y: 0.0}, OptionError, r"^at gives x = None, which is not a number$"),
        ({x: y, y: 0.0}, OptionError, r"^at gives x = y, which is not a number$"),
        ({x: np.arange(500.0), y: 0.0}, OptionError, r"^at gives x = array\(.{10,60}…, which is not a number$"),
        ({x: 10**400, y: 0.0}, OptionError, r"^at gives x = an integer, which is beyond the range of float64$"),
        ({3: 1.0}, SymbolError, r"^at holds 3 \(int\); give symbols or their names$"),
    ],
)
def test_a_point_that_cannot_be_used_is_refused_in_one_line(mapping, error, message):
    with pytest.raises(error, match=message) as caught:
        given(mapping, [x, y])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([], r"^at holds no point; leave it out to have points drawn$"),
        (5, r"^at holds 5 \(int\); give a mapping such as \{'x': 1.0\}, or a list of them$"),
        ("x=1", r"^at holds 'x=1' \(str\)"),
        ([{"x": 1.0}, 2.0], r"^at holds 2.0 \(float\)"),
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(at, message):
    with pytest.raises(OptionError, match=message):
        mappings(at)


def line(**changes):
    parts = {"inputs": [x], "target": y, "parameters": {w: 3.0}, "data": {"x": [1.0, 2.0], "y": [4.0, 5.0]}}
    return Model("line", w * x, **{**parts, **changes})


def at_places(model, at=None, count=3):
    asked = read_subject(model, None)
    return places(asked, graph_of([asked.expression]), at, count, 0)


def test_a_model_looks_at_its_data_with_its_parameters():
    assert at_places(line()) == [{w: 3.0, x: 1.0, y: 4.0}, {w: 3.0, x: 2.0, y: 5.0}]


def test_a_model_without_data_draws_inputs_and_target_and_keeps_its_parameters():
    drawn = at_places(line(data=None))
    assert [place[w] for place in drawn] == [3.0, 3.0, 3.0]
    assert len({place[x] for place in drawn}) == 3


def test_a_point_of_a_model_is_completed_from_its_data_row_by_row_or_from_its_parameters():
    assert at_places(line(), {"w": 7.0}) == [{w: 7.0, x: 1.0, y: 4.0}, {w: 7.0, x: 2.0, y: 5.0}]
    assert at_places(line(), [{"x": 8.0, "y": 9.0}]) == [{w: 3.0, x: 8.0, y: 9.0}]
    with pytest.raises(SymbolError, match=r"^at gives no value for y; give every one of w, x, y$"):
        at_places(line(), {"x": 8.0})
