"""The printed gradients of arrays, read back by parse, have the values of the gradients."""

import models as formulas
import numpy as np
import pytest
import sympy as sp
from matrix_formulas import LENGTHS, A, draw, n, x
from test_gradients_of_arrays import COOKBOOK

import symdiff
from symdiff import models
from symdiff.from_sympy import free_symbols, graph_of
from symdiff.tensors.lengths import find_lengths
from symdiff.tensors.running import output_function
from symdiff.traces.formula import written

# what stands in brackets and is indexed, (A*x)[i, 0] or M[1:, :2], is no formula text
NOT_READ = {"elements, slices and an explicit matrix", "diagonals"}
CASES = [case for case in formulas.CASES if case.name not in NOT_READ]
u = sp.Symbol("u", real=True)


def _same(partial, whole, arrays, lengths):
    read = symdiff.parse(written(partial), symbols=free_symbols(whole))
    values = []
    for expression in (read, partial):
        graph = graph_of([expression])
        given = {symbol: arrays[symbol] for symbol in graph.inputs if symbol in arrays}
        run = output_function(graph, tuple(given))
        (value,) = run(list(given.values()), {length: lengths[length] for length in run.lengths})
        values.append(np.asarray(value))
    # a matrix of one entry may be read as a number
    found, expected = (np.squeeze(value) for value in values)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("row", COOKBOOK, ids=lambda row: f"equation {row[0]}")
def test_rules_of_the_matrix_cookbook(row):
    _, formula, _ = row
    _same(symdiff.gradient(formula, [A])[A], formula, draw(free_symbols(formula)), LENGTHS)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_models_of_arrays(case):
    arrays = {s: np.asarray(a, np.float64) for s, a in zip(case.arguments, case.arrays, strict=True)}
    lengths = find_lengths(graph_of([case.expression]), {s: a.shape for s, a in arrays.items()}, {})
    for partial in symdiff.gradient(case.expression, list(case.arguments[: case.wrt])):
        _same(partial, case.expression, arrays, lengths)


OF_ONE_SHAPE = [pytest.param(name, marks=pytest.mark.sweep) for name in ("two_layer_relu", "two_layer_sigmoid")]


@pytest.mark.parametrize("name", ["two_layer", *OF_ONE_SHAPE, "gmm", "logistic", "digits"])
def test_embedded_models(name):
    model = models.find(name)
    parameters = {str(symbol): parameter.value for symbol, parameter in model.parameters.items()}
    point = symdiff.trace(model.loss, {**parameters, **{k: np.asarray(v)[0] for k, v in model.data.items()}}).at
    arrays = {symbol: np.asarray(point[symbol.name]) for symbol in free_symbols(model.loss) if symbol.name in point}
    lengths = find_lengths(graph_of([model.loss]), {s: a.shape for s, a in arrays.items()}, {})
    for partial in symdiff.gradient(model.loss, list(parameters)):
        _same(partial, model.loss, arrays, lengths)


def test_functions_of_entries_of_square_matrices_are_written_so_that_they_mean_no_products():
    sigmoid = sp.Lambda(u, 1 / (1 + sp.exp(-u)))
    for formula in (sp.Trace(A.applyfunc(sp.tanh) * A), sp.Trace(A.applyfunc(sigmoid))):
        partial = symdiff.gradient(formula, [A])[A]
        _same(partial, formula, draw([A]), LENGTHS)
    assert "HadamardPower(tanh(A), 2)" in written(symdiff.gradient(sp.Trace(A.applyfunc(sp.tanh)), [A])[A])


def test_a_choice_in_an_inner_sum_stays_there():
    # SymPy's own Sum would take the condition on j out of the sum over j
    rows = sp.IndexedBase("X")
    text = "Sum(Sum(X[i, j] if X[i, j] > 0 else 0, (j, 0, 2))**2, (i, 0, n - 1))"
    formula = symdiff.parse(text, symbols=[rows])
    array = np.array([[1.0, -2.0, 3.0], [-1.0, 0.5, 0.25]])
    kept = np.where(array > 0, array, 0).sum(axis=1, keepdims=True)
    for route in ("symbolic", "autodiff", "chain"):
        value, (grad,) = symdiff.value_and_gradient(formula, [rows], route=route)(array)
        np.testing.assert_allclose(value, np.sum(kept**2))
        np.testing.assert_allclose(grad, 2 * kept * (array > 0))
    _same(symdiff.gradient(formula, [rows])[rows], formula, {rows: array}, LENGTHS | _length("n", 2))


def _length(name, number):
    return {sp.Symbol(name, integer=True, positive=True): number}


def test_the_identity_is_written_with_its_size():
    formula = sp.Trace((A + sp.Identity(n)).I * x * x.T)
    partial = symdiff.gradient(formula, [A])[A]
    assert "Identity(n)" in written(partial)
    _same(partial, formula, draw([A, x]), LENGTHS)
