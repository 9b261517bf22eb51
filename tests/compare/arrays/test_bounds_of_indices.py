"""Places that are computed as whole numbers are exact, so that what rounding explains stays a small number."""

import numpy as np
import pytest
import sympy as sp

import compare
from compare.bounds.whole_numbers import not_rounded
from symdiff import models
from symdiff.models.mixture import gaussian_mixture

i, j = sp.symbols("i j", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
X, place = sp.IndexedBase("X"), sp.IndexedBase("p")


def small(row):
    return all(0 <= tolerance <= 1e-9 * max(1.0, abs(row.referee.value)) for tolerance in row.tolerances.values())


@pytest.mark.parametrize("subject", [models.load("gmm"), gaussian_mixture(3, 2, m=1).formula])
def test_the_mixture_leaves_rounding_little_to_explain(subject):
    found = compare.check(subject, points=2)
    assert found.verdict is compare.Verdict.AGREE
    assert all(small(row) for row in found.rows), max(found.rows, key=lambda row: max(row.tolerances.values()))
    assert not any("rounding may decide" in row.reason for row in found.rows)


def test_places_that_are_data_may_be_shifted():
    found = compare.check(
        sp.Sum(X[2 * place[i] + 1 - i * (i - 1) / 2] ** 2, (i, 0, 2)), [X], at={"p": [0, 1, 3], "X": range(9)}
    )
    assert [row.referee.value for row in found.rows] == [0, 2, 0, 6, 0, 0, 12, 0, 0]
    assert found.verdict is compare.Verdict.AGREE
    assert all(small(row) for row in found.rows)


@pytest.mark.parametrize(
    ("name", "operands", "dtype", "exact"),
    [
        ("add", (3.0, 5.0), np.float64, True),
        ("add", (3.0, 0.5), np.float64, False),
        ("multiply", (2.0**30, 2.0**30), np.float64, False),
        ("multiply", (2.0**13, 2.0**12), np.float32, False),
        ("multiply", (2.0**13, 2.0**12), np.float64, True),
        ("divide", (6.0, 3.0), np.float64, False),
        ("divide", (6.0, 4.0), np.float64, False),
        ("divide", (8.0, -4.0), np.float64, True),
        ("exp", (0.0,), np.float64, False),
    ],
)
def test_only_whole_numbers_that_the_dtype_holds_are_exact(name, operands, dtype, exact):
    value = {"add": np.add, "multiply": np.multiply, "divide": np.divide, "exp": np.exp}[name](*operands)
    assert bool(not_rounded(name, [np.float64(u) for u in operands], value, dtype)) is exact
