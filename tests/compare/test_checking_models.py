"""Checks of the embedded models over all their data; the derivatives of NIST's by SymPy and mpmath."""

import mpmath
import pytest
import sympy as sp

import compare
from symdiff import models

ROUTES = ("symbolic", "autodiff", "chain")


def derivative_by_mpmath(model, wrt):
    """The derivative of the loss by SymPy and mpmath at 50 digits: neither our graph nor Arb has a part in it."""
    symbols = sorted(model.loss.free_symbols, key=str)
    function = sp.lambdify(symbols, sp.diff(model.loss, wrt), "mpmath")

    def value(at):
        with mpmath.workdps(50):
            return function(*(mpmath.mpf(at[symbol.name]) for symbol in symbols))

    return value


@pytest.mark.parametrize(("name", "rows"), [("misra1a", 28), ("chwirut2", 162), ("thurber", 259)])
@pytest.mark.parametrize("start", [1, 2])
def test_nist_models_agree_over_all_their_data_at_both_starting_points(name, rows, start):
    model = models.load(name).at_start(start)
    found = compare.check(model)
    assert len(found.rows) == rows
    assert {row.verdict.value for row in found.rows} == {"agree"}
    exact = {parameter.name: derivative_by_mpmath(model, parameter) for parameter in model.parameters}
    for row in found.rows:
        with mpmath.workdps(50):
            expected = exact[row.wrt](row.at)
            assert abs(mpmath.mpf(row.referee.digits) - expected) <= abs(expected) * mpmath.mpf("1e-20")
            for route in ROUTES:
                assert abs(row.route(route) - expected) <= row.tolerances[route]


def test_a_model_may_be_checked_at_other_points_and_in_its_inputs():
    model = models.load("misra1a")
    assert len(compare.check(model, at={"b1": 240.0}).rows) == 28
    (row,) = compare.check(model, "x", at={"x": 100.0, "y": 20.0}).rows
    assert (row.wrt, row.at["b1"], row.verdict.value) == ("x", 500.0, "agree")


@pytest.mark.sweep
@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_embedded_model_agrees_at_every_start(name, dtype):
    model = models.load(name)
    for start in range(1, max(1, len(model.starts)) + 1):
        assert compare.check(model.at_start(start), dtype=dtype).verdict.value == "agree"
