"""How functions of short arrays are compiled, and that it changes no result."""

import jax
import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff.tensors import short_arrays

x, y = sp.IndexedBase("x"), sp.IndexedBase("y")
w = sp.Symbol("w", real=True)
i, n = sp.Symbol("i", integer=True), sp.Symbol("n", integer=True, positive=True)
squares = sp.Sum((w * x[i] - y[i]) ** 2, (i, 0, n - 1))


@pytest.fixture
def compilations(monkeypatch):
    """The compiler options of every function that is jitted."""
    seen, plain = [], jax.jit
    short_arrays.options()

    def jit(*given, compiler_options=None, **named):
        seen.append(compiler_options)
        return plain(*given, compiler_options=compiler_options, **named)

    monkeypatch.setattr(short_arrays.jax, "jit", jit)
    return seen


@pytest.mark.parametrize("length", [1, 31, 1000, 4096, 4097, 20_000])
def test_sums_of_all_lengths_are_those_of_numpy(length):
    rng = np.random.default_rng(length)
    a, b = rng.normal(size=(2, length))
    value, (slope,) = symdiff.value_and_gradient(squares, [w], [w, x, y])(0.5, a, b)
    residual = 0.5 * a - b
    assert float(value) == pytest.approx(residual @ residual, rel=1e-13)
    assert float(slope) == pytest.approx(2 * residual @ a, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("shape", "short"), [((4096,), True), ((4097,), False), ((64, 64), True), ((65, 64), False)])
def test_short_arrays_and_small_batches_have_options_of_their_own(compilations, shape, short):
    symdiff.value_and_gradient(squares, [w], [w, x, y])(np.zeros(shape[:-1]), np.ones(shape), np.ones(shape))
    assert (short_arrays.options() in compilations) == short


def test_within_a_function_that_is_jitted_there_are_none(compilations):
    function = symdiff.value_and_gradient(squares, [w], [w, x, y])
    value, _ = jax.jit(function)(1.0, np.ones(4), np.zeros(4))
    assert float(value) == 4.0
    assert compilations
    assert set(compilations) == {None}


def test_an_unknown_option_is_left_out(monkeypatch):
    short_arrays.options.cache_clear()
    monkeypatch.setattr(short_arrays, "_OPTIONS", {"xla_no_such_option": True})
    assert short_arrays.options() is None
    short_arrays.options.cache_clear()
