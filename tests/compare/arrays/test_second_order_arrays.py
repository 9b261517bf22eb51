"""Second partials in pairs of entries: exact numbers, no false alarm, faults named, refusals."""

import numpy as np
import pytest
import sympy as sp
from array_models import MODELS, X, i, n, theta

import compare
from compare import Verdict
from compare.arrays.second_rows import ENTRIES
from symdiff.tensors.contraction import CONTRACT
from symdiff.tensors.linear_algebra import INVERSE

S = sp.MatrixSymbol("S", 2, 2)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("model", ["line", "triangle", "inverse", "relu_layer"])
def test_the_models_agree(model, dtype):
    found = compare.check(MODELS[model], points=1, order=2, dtype=dtype)
    assert found.verdict is Verdict.AGREE, found.worst()


def test_the_hessian_of_least_squares_is_that_of_its_matrix():
    rows = [[1, 2], [3, 4], [5, 7]]
    at = {"A": rows, "theta": [[1], [-1]], "t": [[0], [1], [2]]}
    found = compare.check(MODELS["least_squares"], [theta], at=at, order=2)
    exact = 2 * sp.Matrix(rows).T * sp.Matrix(rows)
    assert [(row.wrt, row.referee.value) for row in found.rows] == [
        ("theta[0, 0],theta[0, 0]", float(exact[0, 0])),
        ("theta[0, 0],theta[1, 0]", float(exact[0, 1])),
        ("theta[1, 0],theta[1, 0]", float(exact[1, 1])),
    ]
    assert all(row.symbolic == row.autodiff == row.chain == row.referee.value for row in found.rows)
    assert "--order 2" in found.command


def test_the_hessian_of_a_log_determinant():
    at = {"S": [[4, 1], [2, 3]]}
    found = compare.check(sp.log(sp.Determinant(S)), at=at, order=2)
    # d2 log det S / dS[a, b] dS[c, d] = -inv(S)[b, c] inv(S)[d, a]
    inverse = sp.Matrix(at["S"]).inv()
    names = [(a, b) for a in range(2) for b in range(2)]
    exact = [-inverse[b, c] * inverse[d, a] for k, (a, b) in enumerate(names) for c, d in names[k:]]
    for row, number in zip(found.rows, exact, strict=True):
        assert row.referee.value == pytest.approx(float(number), rel=1e-15)
    assert found.verdict is Verdict.AGREE


def test_of_many_entries_random_pairs_are_checked():
    large = sp.MatrixSymbol("G", 6, 5)
    found = compare.check(sp.Trace(large * large.T), points=1, order=2, seed=9)
    assert found.facts["entries"] == f"pairs of {ENTRIES} of 30 entries, drawn by seed 9"
    assert len(found.rows) == ENTRIES * (ENTRIES + 1) // 2
    first = [row.wrt for row in found.rows]
    assert [row.wrt for row in compare.check(sp.Trace(large * large.T), points=1, order=2, seed=8).rows] != first


def test_at_a_kink_there_is_no_second_partial():
    bent = sp.Sum(sp.Abs(X[i]) * X[i], (i, 0, n - 1))
    found = compare.check(bent, [X], at={"X": [0, 1]}, order=2)
    assert {row.verdict for row in found.rows} == {Verdict.UNDEFINED}
    assert found.exit_code == 0


def _changed(operation, column, change):
    right = getattr(operation, column)

    def wrong(*given):
        found = right(*given)
        return None if found is None else change(np.asarray(found))

    return wrong


@pytest.mark.parametrize(("operation", "model"), [(CONTRACT, "line"), (INVERSE, "inverse")])
@pytest.mark.parametrize("column", ["adjoint", "tangent"])
def test_a_wrong_rule_of_the_chain_route_is_named(operation, model, column):
    wrong = _changed(operation, column, lambda array: array * (1 + 1e-9))
    before = getattr(operation, column)
    object.__setattr__(operation, column, wrong)
    try:
        found = compare.check(MODELS[model], points=1, order=2)
    finally:
        object.__setattr__(operation, column, before)
    faulty = [row for row in found.rows if row.verdict is Verdict.DISAGREE]
    assert faulty
    assert all("chain is off by" in row.reason and "symbolic is off" not in row.reason for row in faulty)
    way = "forward over reverse" if column == "tangent" else "reverse over reverse"
    assert all(way in row.reason for row in faulty)


@pytest.mark.parametrize(("model", "advice"), [("determinant", "write log"), ("product", "write exp")])
def test_what_has_no_second_derivative_is_unsupported(model, advice):
    found = compare.check(MODELS[model], order=2)
    assert (found.verdict, found.exit_code) == (Verdict.UNSUPPORTED, 3)
    assert advice in found.rows[0].reason
