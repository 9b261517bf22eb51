"""The formulas of the Feynman lectures, in their ranges: every one decided, and right."""

import csv

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdiff
from compare.benchmarks.feynman import FILE, POINTS, check, formulas

EVERY = {formula.name: formula for formula in formulas()}
DRAWN = np.random.default_rng(5).choice(sorted(EVERY), 14, replace=False).tolist()
# names that collide with SymPy's, and rows whose number of variables is wrong
COLLIDING = ["I.18.12", "II.37.1", "III.19.51"]


def assert_decided(formula, dtype):
    found = check(formula, dtype)
    assert len(found.rows) == POINTS * len(formula.ranges)
    assert [row.reason for row in found.rows if row.verdict.value != "agree"] == []
    return found


def assert_referee_is_right(formula, found):
    """At one point, the referee's digits are those of SymPy's derivative at 40 digits."""
    expression = symdiff.parse(formula.text, symbols=formula.ranges)
    symbols = {symbol.name: symbol for symbol in expression.free_symbols}
    for row in found.rows[: len(formula.ranges)]:
        with mpmath.workdps(40):
            partial = sp.lambdify(list(symbols.values()), sp.diff(expression, symbols[row.wrt]), "mpmath")
            expected = partial(*(mpmath.mpf(row.at[name]) for name in symbols))
            assert abs(mpmath.mpf(row.referee.digits) - expected) <= abs(expected) * mpmath.mpf("1e-15")


def test_the_file_holds_100_formulas_whose_names_are_counted_not_believed():
    assert len(EVERY) == 100
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        told = {row["Filename"]: int(row["# variables"]) for row in csv.DictReader(file) if row["Filename"]}
    wrong = {name for name, formula in EVERY.items() if len(formula.ranges) != told[name]}
    assert wrong == {"I.18.12", "I.18.14", "I.38.12", "II.37.1", "III.10.19", "III.19.51"}
    for formula in EVERY.values():
        symbols = symdiff.parse(formula.text, symbols=formula.ranges).free_symbols
        assert {symbol.name for symbol in symbols} == set(formula.ranges)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", dict.fromkeys([*COLLIDING, *DRAWN]))
def test_a_formula_agrees_everywhere(name, dtype):
    found = assert_decided(EVERY[name], dtype)
    assert_referee_is_right(EVERY[name], found)


@pytest.mark.sweep
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", EVERY)
def test_every_formula_agrees_everywhere(name, dtype):
    found = assert_decided(EVERY[name], dtype)
    assert_referee_is_right(EVERY[name], found)


def test_the_saturated_tanh_keeps_its_digits_in_float32():
    """1 - tanh(u)**2, as SymPy writes it, would be inaccurate here; sech(u)**2, which is computed, is not."""
    formula = EVERY["II.35.21"]
    assert_decided(formula, "float32")
    points = [{name: np.float32(value) for name, value in point.items()} for point in formula.points()]
    u = np.array([p["mom"] * p["B"] / (p["kb"] * p["T"]) for p in points], np.float32)
    exact = np.array([float(mpmath.sech(float(each)) ** 2) for each in u])
    textbook = np.abs((1 - np.tanh(u) ** 2) - exact) / exact
    assert textbook.max() > np.sqrt(np.finfo(np.float32).eps)
