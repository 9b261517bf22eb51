"""Arrays given to a check: columns as plain lists, and indices that leave their arrays."""

import numpy as np
import pytest
import sympy as sp

import compare
import symdiff
from symdiff.errors import ShapeError

n, m, p = sp.symbols("n m p", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
k, x, y = sp.IndexedBase("k", shape=(m,)), sp.IndexedBase("x"), sp.IndexedBase("y", shape=(n,))
CONVOLVED = sp.Sum((sp.Sum(k[j] * x[i + j], (j, 0, m - 1)) - y[i]) ** 2, (i, 0, n - 1))
KERNEL, TARGET = [1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_column_may_be_a_plain_list():
    a, w = sp.MatrixSymbol("X", n, p), sp.MatrixSymbol("w", p, 1)
    found = compare.check(sp.Trace((a * w).T * (a * w)), w, at={"X": [[1, 2], [3, 4], [5, 6]], "w": [1, -1]})
    # 2*X.T*X*w by hand
    assert [row.referee.value for row in found.rows] == [-18.0, -24.0]
    with pytest.raises(ShapeError, match=r"X is declared with the shape \(n, p\)"):
        compare.check(sp.Trace((a * w).T * (a * w)), w, at={"X": [1, 2], "w": [1, -1]})


@pytest.mark.parametrize(("length", "wrong"), [(7, 7), (5, 7)])
def test_a_computed_index_that_leaves_its_array_is_refused(length, wrong):
    at = {"k": KERNEL, "x": list(np.arange(float(length))), "y": TARGET}
    with pytest.raises(
        ShapeError, match=rf"index {wrong} of x along axis 0 is out of its range: its shape is \({length}\)"
    ):
        compare.check(CONVOLVED, at=at)
    for route in ("symbolic", "autodiff", "chain"):
        with pytest.raises(ShapeError, match=rf"index {wrong} of x along axis 0"):
            symdiff.value_and_gradient(CONVOLVED, [k], args=[k, x, y], route=route)(*map(np.array, at.values()))


def test_a_computed_index_that_fits_or_is_guarded_is_not():
    at = {"k": KERNEL, "x": list(np.arange(8.0)), "y": TARGET}
    assert compare.check(CONVOLVED, at=at).exit_code == 0
    z = sp.IndexedBase("z", shape=(n,))
    term = "k[j]*Piecewise((z[i + j - 1], (i + j >= 1) & (i + j <= n)), (0, True))"
    text = f"Sum(Sum({term}, (j, 0, m - 1))**2, (i, 0, n - 1))"
    values = np.array([1.0, -2.0, 0.5, 4.0])
    expected = np.sum(np.correlate(np.pad(values, 1), KERNEL, "valid") ** 2)
    value, _ = symdiff.value_and_gradient(symdiff.parse(text, [k, z]), [z], args=[k, z])(np.array(KERNEL), values)
    assert float(value) == pytest.approx(expected, rel=1e-14)
