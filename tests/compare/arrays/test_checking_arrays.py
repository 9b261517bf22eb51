"""What `check` says of expressions with arrays: true numbers, no false alarm, short reports, plain refusals."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from array_models import MODELS, B, theta, w

import compare
from compare.arrays.rows import ENTRIES
from compare.benchmarks.array_checks import expression


@pytest.mark.sampled(2)
@pytest.mark.parametrize("model", MODELS)
def test_the_models_agree(model):
    found = compare.check(MODELS[model], points=2)
    assert found.verdict is compare.Verdict.AGREE, found.worst()
    assert {row.wrt.partition("[")[0] for row in found.rows} == set(found.wrt)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(6))
def test_random_expressions_raise_no_alarm(seed, dtype):
    found = compare.check(expression(np.random.default_rng([1, seed])), points=1, seed=seed, dtype=dtype)
    assert found.verdict is compare.Verdict.AGREE, (found.subject, found.worst())


def test_the_referee_has_the_exact_gradient_of_least_squares():
    rows, weights, data = [[0.5, -1.25], [2.0, 0.75], [1.0, 3.0]], [0.1, -0.3], [1.5, 0.7, -2.0]
    at = {"A": rows, "theta": [[u] for u in weights], "t": [[u] for u in data]}
    found = compare.check(MODELS["least_squares"], [theta], at=at)
    residual = [
        sum((Fraction(a) * Fraction(b) for a, b in zip(row, weights, strict=True)), -Fraction(t))
        for row, t in zip(rows, data, strict=True)
    ]
    exact = [2 * sum(Fraction(row[k]) * r for row, r in zip(rows, residual, strict=True)) for k in (0, 1)]
    assert [row.wrt for row in found.rows] == ["theta[0, 0]", "theta[1, 0]"]
    for row, number in zip(found.rows, exact, strict=True):
        assert abs(Fraction(row.referee.digits) - number) < Fraction(1, 10**22)


def test_the_referee_has_the_cofactors_of_a_singular_matrix():
    matrix = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    found = compare.check(sp.Determinant(B), [B], at={"B": matrix})
    expected = sp.Matrix(3, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9]).cofactor_matrix()
    assert [row.referee.value for row in found.rows] == [float(entry) for entry in expected]


def test_a_kink_at_an_entry_is_undefined_with_both_slopes():
    u = sp.Symbol("u", real=True)
    x = sp.MatrixSymbol("x", 2, 1)
    found = compare.check(sp.Trace(sp.ones(1, 2) * x.applyfunc(sp.Lambda(u, sp.Abs(u)))), [x], at={"x": [[0.0], [2.0]]})
    assert [row.slopes for row in found.rows if row.wrt == "x[0, 0]"] == [(-1.0, 1.0)]
    assert found.rows[0].verdict is compare.Verdict.UNDEFINED


def test_of_a_large_array_some_entries_are_checked_and_reports_stay_short(tmp_path):
    wide = sp.MatrixSymbol("A", 40, 30)
    found = compare.check(sp.Trace(wide * wide.T), [wide], seed=7)
    names = {row.wrt for row in found.rows}
    assert len(names) == ENTRIES
    assert found.facts["entries of A"] == f"{ENTRIES} of 1,200 entries of A, drawn by seed 7"
    assert all(set(row.at) == {"point"} for row in found.rows)
    assert [row.at["point"] for row in found.rows[:: len(names)]] == list(range(1, found.points + 1))
    for ending in ("json", "md", "html"):
        found.save(tmp_path / f"r.{ending}")
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["points"][0]["A"]["shape"] == [40, 30]
    assert max(len(str(row)) for row in data["rows"]) < 1000
    assert "24 of 1,200 entries of A" in (tmp_path / "r.md").read_text()
    assert re.search(r"^At `point = \d`$", (tmp_path / "r.md").read_text(), re.MULTILINE)


def test_a_few_numbers_are_written_in_each_row():
    found = compare.check(MODELS["line"], [w], at={"X": [1, 2], "Y": [3, 4], "w": 0.5, "b": 0})
    (row,) = found.rows
    assert dict(row.at) == {"X[0]": 1, "X[1]": 2, "Y[0]": 3, "Y[1]": 4, "b": 0, "w": 0.5, "n": 2}


def test_formulas_are_those_of_matrices():
    found = compare.check(MODELS["least_squares"], [theta], points=1)
    assert str(found.formulas["theta"]) == "2*A.T*(A*theta - t)"


def test_stress_looks_at_kinks_and_at_tiny_and_huge_arrays():
    u = sp.Symbol("u", real=True)
    x = sp.MatrixSymbol("x", 2, 1)
    bent = sp.Trace(sp.ones(1, 2) * x.applyfunc(sp.Lambda(u, sp.Max(u - 3, 2 * u))))
    found = compare.check(bent, points=8, stress=True, seed=4)
    assert len({tuple(row.at.values()) for row in found.rows}) == 16
    kinks = [row for row in found.rows if row.at[row.wrt] == -3]
    assert kinks
    assert all((row.verdict, row.slopes) == (compare.Verdict.UNDEFINED, (1.0, 2.0)) for row in kinks)
    sizes = [abs(value) for row in found.rows for value in row.at.values()]
    assert min(sizes) <= 1e-8
    assert max(sizes) >= 1e8
    again = compare.check(bent, points=8, stress=True, seed=4)
    assert [row.at for row in again.rows] == [row.at for row in found.rows]
    assert found.seed == 4


def test_stress_keeps_the_assumptions_on_arrays_and_what_indexes_them():
    i = sp.Symbol("i", integer=True)
    size, place = sp.IndexedBase("s", positive=True), sp.IndexedBase("p")
    found = compare.check(sp.Sum(sp.log(size[i]) * size[place[i]], (i, 0, 2)), [size], points=8, stress=True)
    numbers = [(name, value) for row in found.rows for name, value in row.at.items()]
    assert all(value > 0 for name, value in numbers if name.startswith("s"))
    assert all(value == int(value) for name, value in numbers if name.startswith("p"))
    assert any(value < 1e-3 for name, value in numbers if name.startswith("s"))


def test_an_overflow_of_a_huge_array_is_no_excuse():
    x = sp.MatrixSymbol("x", 3, 1)
    norm = sp.sqrt(sp.Trace(x.T * x))
    assert compare.check(norm, points=4).verdict is compare.Verdict.AGREE
    found = compare.check(norm, points=8, stress=True)
    assert found.verdict is compare.Verdict.DISAGREE
    assert all(max(abs(v) for v in r.at.values()) > 1e150 for r in found.rows if r.verdict is compare.Verdict.DISAGREE)


def test_arrays_are_checked_as_they_are_compiled():
    plain, compiled = (compare.check(MODELS["ridge"], points=2, compiled=each) for each in (False, True))
    assert plain.rows == compiled.rows
