import jax
import jax.numpy as jnp
import numpy as np
import pytest

from symdiff.descent.rounding_barrier import separately_rounded

DTYPES = [np.float64, np.float32]


def compiled(function, *arguments):
    """The function in a loop of three rounds with the barrier, as training runs it; the result of the last round."""

    def run(zero, arguments):
        def body(carry, _):
            return carry, separately_rounded(function, zero, *arguments)

        return jax.tree.map(lambda out: out[-1], jax.lax.scan(body, 0, None, length=3)[1])

    return np.asarray(jax.jit(run)(np.int32(0), arguments))


def samples(dtype, count=3):
    # nearly cancelling: what contraction would change is then a large share of the result
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0.5, 2, (2, 200)).astype(dtype)
    return [u, v, (u * v).astype(dtype), *rng.uniform(0.5, 2, (count, 200)).astype(dtype)][:count]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "formula",
    [
        lambda u, v, w: u * v - w,
        lambda u, v, w: w - u * v,
        lambda u, v, w: -(u * v) + w,
        lambda u, v, w: u * v - v * u * (w / w),
        lambda u, v, w: (u * v * u) - w * u,
        lambda u, v, w: (u - 0.1) - 0.7 + v - w,
        lambda u, v, w: (((u + 3.3) + 1e5) - 1e5) + v + w,
        lambda u, v, w: u / 3.0 - v / 7.0 + w / 3.0,
        lambda u, v, w: u / v[0] - w / v[1],
        lambda u, v, w: u * 0.1 - v * w * 0.1,
    ],
)
def test_rounds_each_operation_as_numpy_does(formula, dtype):
    u, v, w = samples(dtype)
    expected = formula(u, v, w)
    assert expected.dtype == dtype
    np.testing.assert_array_equal(compiled(formula, u, v, w), expected)


def test_powers_are_rounded_before_they_are_subtracted():
    u = samples(np.float64)[0]
    np.testing.assert_array_equal(compiled(lambda u, v: u**2 - v, u, u * u), np.zeros_like(u))
    np.testing.assert_array_equal(compiled(lambda u, v: jnp.square(u) - v, u, u * u), np.zeros_like(u))
    np.testing.assert_array_equal(compiled(lambda u, v: u**3 - v, u, u * u * u), np.zeros_like(u))


def test_products_that_differentiation_makes_are_rounded_too():
    u, v, w = samples(np.float64)
    # d/du (u*v - w)**2 / 2 = v*(u*v - w), which is 0 where w is the rounded product
    half_square = jax.vmap(jax.grad(lambda u, v, w: (u * v - w) ** 2 / 2))
    np.testing.assert_array_equal(compiled(half_square, u, v, w), np.zeros_like(u))


@jax.custom_jvp
def product(u, v):
    return u * v


@product.defjvp
def product_jvp(primals, tangents):
    (u, v), (u_dot, v_dot) = primals, tangents
    return product(u, v), u_dot * v + u * v_dot


@jax.custom_vjp
def other_product(u, v):
    return u * v


other_product.defvjp(lambda u, v: (u * v, (u, v)), lambda saved, bar: (bar * saved[1], bar * saved[0]))


@pytest.mark.parametrize(
    "times", [jax.jit(jax.jit(jnp.multiply)), product, other_product, jax.checkpoint(jnp.multiply)]
)
def test_products_inside_calls_are_found(times):
    u, v, w = samples(np.float64)
    np.testing.assert_array_equal(compiled(lambda u, v, w: times(u, v) - w, u, v, w), np.zeros_like(u))
    slope = jax.vmap(jax.grad(lambda u, v, w: (times(u, v) - w) ** 2))
    np.testing.assert_array_equal(compiled(slope, u, v, w), np.zeros_like(u))


def test_a_product_behind_a_selection_is_rounded():
    u, v, w = samples(np.float64)
    picked = compiled(lambda u, v, w: jnp.where(u > 1, u * v, w) - w, u, v, w)
    np.testing.assert_array_equal(picked, np.zeros_like(u))


def test_a_sum_of_products_over_an_axis_is_rounded():
    u = np.array([1 + 2.0**-30, -1.0])
    v = np.array([1 - 2.0**-30, 1.0])
    # the exact sum is -2**-60; with the first product rounded to 1 it is 0
    assert compiled(lambda u, v: (u * v).sum(), u, v) == 0.0


def test_every_special_value_passes_unchanged():
    values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 2.3e-308, 1.7976931348623157e308])
    ones = np.ones_like(values)
    assert compiled(lambda u, v: u * v, values, ones).tobytes() == values.tobytes()


def test_loops_and_conditionals_inside_are_evaluated_as_they_are():
    def function(n, x):
        looped = jax.lax.fori_loop(0, n, lambda _, y: y + 1.0, x)
        return jax.lax.cond(looped > 3.0, lambda y: {"y": -y}, lambda y: {"y": y}, looped)["y"]

    assert compiled(function, 4, 0.5) == -4.5
    assert compiled(function, 1, 0.5) == 1.5
