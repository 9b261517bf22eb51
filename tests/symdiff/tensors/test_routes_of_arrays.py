"""Value and gradient of models in matrices and sums, by each route, against the same function in JAX by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from models import CASES, W1, W2, Case, X, Y, b1, b2, i, n, network, x, y

import symdiff
from symdiff.errors import InputError, OptionError, ShapeError
from symdiff.routes import ROUTES


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("route", ROUTES)
def test_agrees_with_jax_by_hand(case: Case, route: str) -> None:
    wrt = case.arguments[: case.wrt]
    value, grads = symdiff.value_and_gradient(case.expression, wrt, case.arguments, route)(*case.arrays)
    given = [jnp.asarray(array, float) for array in case.arrays]
    # as one writes JAX by hand
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        expected, partials = jax.jit(jax.value_and_grad(case.by_hand, argnums=tuple(range(case.wrt))))(*given)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for found, partial in zip(grads, partials, strict=True):
        assert np.shape(found) == partial.shape
        np.testing.assert_allclose(found, partial, rtol=1e-10, atol=1e-12 * max(1.0, float(np.max(np.abs(partial)))))


@pytest.mark.parametrize("route", ROUTES)
def test_float32_stays_float32(route: str) -> None:
    case = CASES[0]
    arrays = [np.asarray(array, np.float32) for array in case.arrays]
    value, grads = symdiff.value_and_gradient(case.expression, [W1], case.arguments, route)(*arrays)
    assert (np.asarray(value).dtype, np.asarray(grads[0]).dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("route", ROUTES)
def test_axes_in_front_are_a_batch(route: str) -> None:
    random = np.random.default_rng(0)
    shared = [random.normal(size=shape) for shape in ((4, 3), (4, 1), (2, 4), (2, 1))]
    xs, ys = random.normal(size=(5, 1, 3, 1)), random.normal(size=(6, 2, 1))
    f = symdiff.value_and_gradient(network(sp.tanh), [W1, b2], [W1, b1, W2, b2, x, y], route)
    values, grads = f(*shared, xs, ys)
    assert (np.shape(values), [np.shape(g) for g in grads]) == ((5, 6), [(5, 6, 4, 3), (5, 6, 2, 1)])
    value, single = f(*shared, xs[2, 0], ys[3])
    np.testing.assert_allclose(values[2, 3], value, rtol=1e-13)
    np.testing.assert_allclose(grads[0][2, 3], single[0], rtol=1e-12, atol=1e-13)


def test_lengths_follow_from_arrays_or_are_given() -> None:
    expression = sp.Sum(X[i] ** 2, (i, 0, n - 1))
    numbers = np.arange(5.0)
    assert symdiff.value_and_gradient(expression, X)(numbers)[0] == 30.0
    assert symdiff.value_and_gradient(expression, X, [X, n])(numbers, 3)[0] == 5.0
    assert symdiff.value_and_gradient(expression, X)(numbers, 3)[0] == 5.0
    # of a length that only the formula knows
    harmonic = symdiff.value_and_gradient(sp.Sum(symdiff.symbols("w") / i, (i, 1, n)), "w", ["w", n])
    assert float(harmonic(1.0, 3)[0]) == pytest.approx(11 / 6, abs=1e-15)


def test_an_indexed_array_may_count_from_one() -> None:
    data = sp.IndexedBase("data", offset=1)
    value, grads = symdiff.value_and_gradient(sp.Sum(i * data[i], (i, 1, n)), data)(np.array([10.0, 20.0]))
    assert (float(value), np.asarray(grads[0]).tolist()) == (50.0, [1.0, 2.0])


def test_a_number_of_terms_that_no_index_reaches_is_a_factor() -> None:
    w = symdiff.symbols("w")
    value, grads = symdiff.value_and_gradient(sp.Sum(w**2, (i, 1, 7)) * X[0], [w], [w, X])(3.0, np.ones(1))
    assert (float(value), float(grads[0])) == (63.0, 42.0)


def test_works_under_jit_grad_and_vmap() -> None:
    f = symdiff.lambdify([W1, x], sp.Trace(x.T * W1.T * W1 * x))
    a, v = np.random.default_rng(1).normal(size=(4, 3)), np.random.default_rng(2).normal(size=(5, 3, 1))
    grads = jax.jit(jax.vmap(jax.grad(f), in_axes=(None, 0)))(a, v)
    np.testing.assert_allclose(grads, 2 * np.einsum("ij,sjk,slk->sil", a, v, v), rtol=1e-12)


def test_a_matrix_comes_back_as_an_array() -> None:
    f = symdiff.lambdify([W1, x, n], [W1 * x, n, sp.tanh(W1 * x)])
    a, v = np.ones((2, 3)), np.ones((3, 1))
    product, length, curved = f(a, v, 3)
    assert (product.shape, float(length), curved.shape) == ((2, 1), 3.0, (2, 1))
    assert symdiff.lambdify([W1, x], W1 * x)(a, np.ones((7, 3, 1))).shape == (7, 2, 1)


def test_shapes_that_do_not_fit_are_named_both() -> None:
    f = symdiff.lambdify([W1, x], W1 * x)
    told = r"x is declared with the shape \(n, 1\), but .* has the shape \(2, 1\), against W1 of shape 2×3"
    with pytest.raises(ShapeError, match=told):
        f(np.ones((2, 3)), np.ones((2, 1)))
    with pytest.raises(ShapeError, match=r"x has the shape n×1, .* has the shape \(3,\); give one of 2 axes"):
        f(np.ones((2, 3)), np.ones(3))


def test_shapes_that_contradict_in_the_formula_are_named_with_the_place() -> None:
    told = r"product of shapes m×n and k×m: n and k are summed together, but differ; at .*W1\*W2"
    with pytest.raises(ShapeError, match=told):
        symdiff.lambdify([W1, W2], W1 * W2)


def test_data_of_different_lengths_are_named_both() -> None:
    f = symdiff.value_and_gradient(sp.Sum(X[i] * Y[i], (i, 0, n - 1)), X, [X, Y])
    with pytest.raises(ShapeError, match=r"n would be 3 by X of shape \(3\), but 4 by Y of shape \(4\)"):
        f(np.ones(3), np.ones(4))


def test_an_index_out_of_range_is_named() -> None:
    with pytest.raises(ShapeError, match=r"index 7 of X along axis 0 is out of its range: its shape is \(4\)"):
        symdiff.lambdify([X], sp.Sum(X[i], (i, 0, 7)))(np.ones(4))
    with pytest.raises(ShapeError, match="index 3 of X along axis 0 is out of its range: its shape is"):
        symdiff.lambdify([X, n], sp.Sum(X[i], (i, 0, n)))(np.ones(3), 3)
    with pytest.raises(ShapeError, match="index 2 of M along axis 0 is out of its range: its shape is 2×2"):
        symdiff.gradient(sp.Sum(sp.MatrixSymbol("M", 2, 2)[i, 0], (i, 0, 2)), "M")


def test_a_sum_from_one_over_an_array_from_zero_is_refused() -> None:
    f = symdiff.lambdify([X], sp.Sum(X[i], (i, 1, n)))
    with pytest.raises(
        ShapeError, match=r"indices of X start at 1.*sum .* n - 1, declare IndexedBase\('X', offset=1\)"
    ):
        f(np.ones(4))


def test_a_gradient_needs_a_number() -> None:
    with pytest.raises(InputError, match=r"the expression has the shape m×1; a gradient needs a number"):
        symdiff.value_and_gradient(W1 * x, [W1])


def test_a_length_is_a_whole_number() -> None:
    f = symdiff.lambdify([X, n], sp.Sum(X[i], (i, 0, n - 1)))
    with pytest.raises(ShapeError, match=r"the length n is 2\.5; give a whole number, 0 or more"):
        f(np.ones(4), 2.5)
    with pytest.raises(OptionError, match="expected 1 arrays"):
        symdiff.value_and_gradient(sp.Sum(X[i], (i, 0, n - 1)), X)(np.ones(4), 1, 1)


def test_a_large_product_of_matrices_is_taken_in_the_cheap_order() -> None:
    from symdiff.from_sympy import graph_of

    big = [sp.MatrixSymbol(f"M{k}", 50, 50) for k in range(4)]
    graph = graph_of([big[0] * big[1] * big[2] * big[3] * sp.MatrixSymbol("x", 50, 1)])
    assert {graph.shape(step.node) for step in graph.applications} == {(50, 1)}


def test_the_graph_has_the_size_of_the_formula_however_long_the_data() -> None:
    from symdiff.from_sympy import graph_of

    sizes = {graph_of([sp.Sum((Y[i] - 2 * X[i]) ** 2, (i, 0, count))]).operation_count for count in (9, 10**6)}
    assert len(sizes) == 1
