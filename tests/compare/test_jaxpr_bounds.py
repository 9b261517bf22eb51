"""Bounds along JAX's own programs: primitives that its derivatives of sliced and stacked arrays are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erf, erfc

import compare
from compare.bounds.jaxpr import output_bounds

AT = {"a": 1.419, "b": -39.15, "c": -41.62}


@pytest.mark.parametrize(
    ("f", "definition", "args", "at"),
    [
        # 1 - p where p is rounded to 1: the true derivative is 2.6e-18
        (lambda v: jax.nn.softmax(v)[0], "exp(a)/(exp(a) + exp(b) + exp(c))", [["a", "b", "c"]], AT),
        (lambda v: jnp.exp(v[0]) / jnp.sum(jnp.exp(v)), "exp(a)/(exp(a) + exp(b) + exp(c))", [["a", "b", "c"]], AT),
        (lambda x: 1 - erf(x), "erfc(x)", ["x"], {"x": 7.641}),
        (lambda x: 1 - erfc(x), "erf(x)", ["x"], {"x": 1e-18}),
        (lambda v: jnp.cumsum(v)[-1] - v[0], "b + c", [["a", "b", "c"]], {"a": 99.05, "b": 0.0243, "c": 0.07039}),
        (lambda v: jnp.cumsum(v[::-1])[-1] - v[0], "b + c", [["a", "b", "c"]], {"a": 99.05, "b": 0.0243, "c": 0.07039}),
    ],
    ids=["softmax", "quotient", "erf", "erfc", "cumsum", "rev"],
)
def test_digits_lost_by_a_function_of_jax_are_no_wrong_rule(f, definition, args, at):
    found = compare.assert_gradients_agree(f, definition=definition, args=args, at=at)
    assert found.verdict.value in ("agree", "inaccurate")


def test_a_wrong_softmax_is_still_seen():
    with pytest.raises(AssertionError, match="disagree"):
        compare.assert_gradients_agree(
            lambda v: jax.nn.softmax(v * (1 + 1e-9))[0],
            definition="exp(a)/(exp(a) + exp(b) + exp(c))",
            args=[["a", "b", "c"]],
            at={"a": 0.5, "b": -1.25, "c": 0.75},
            dtype="float64",
        )


@pytest.mark.parametrize("config", [((2, 3, 0),), ((1, -2, 2),), ((-1, 4, 1),), ((0, 0, 3),)])
def test_padding_is_that_of_jax(config):
    with jax.enable_x64(True):
        program = jax.make_jaxpr(lambda u: jax.lax.pad(jnp.sin(u), 0.0, config))(np.arange(4.0))
        moved = jax.lax.pad(jnp.ones(4), 0.0, config)
    (bound,) = output_bounds(program, [np.arange(1.0, 5.0)], np.float64)
    assert bound.shape == moved.shape
    assert ((bound > 0) == (np.asarray(moved) > 0)).all()
