import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from scipy.special import multigammaln

import symdiff
from symdiff.models.mixture import gaussian_mixture


def by_hand(d, gamma, m, adbench=True):
    """ADBench's objective in JAX: https://github.com/microsoft/ADBench, src/cpp/shared/gmm.h."""
    rows, cols = np.tril_indices(d, -1)
    order = np.lexsort((rows, cols))  # column by column

    def objective(alphas, means, icf, x):
        n, k = x.shape[0], alphas.shape[0]

        def factor(q):
            return jnp.diag(jnp.exp(q[:d])).at[rows[order], cols[order]].set(q[d:])

        factors, trace = jax.vmap(factor)(icf), icf[:, :d].sum(1)
        apart = jnp.einsum("krs,iks->ikr", factors, x[:, None] - means[None])
        points = logsumexp((alphas + trace)[None] - jnp.sum(apart**2, -1) / 2, axis=1).sum()
        nu = d + m + 1
        constant = nu * d * (np.log(gamma) - np.log(2) / 2) - multigammaln(nu / 2, d)
        prior = gamma**2 * jnp.sum(factors**2) / 2 - m * trace.sum() - k * constant
        likelihood = points - n * d / 2 * np.log(2 * np.pi) - n * logsumexp(alphas)
        return likelihood + prior if adbench else likelihood - prior

    return objective


@pytest.mark.parametrize("route", ["symbolic", "autodiff", "chain"])
@pytest.mark.parametrize(
    ("d", "k", "n", "gamma", "m"),
    [(1, 2, 5, 1, 0), pytest.param(2, 3, 7, 1, 0, marks=pytest.mark.sweep), (4, 5, 30, 2, 3)],
)
def test_value_and_gradients_are_those_of_adbench(route, d, k, n, gamma, m):
    rng = np.random.default_rng(d)
    arrays = [rng.normal(size=s) for s in ((k,), (k, d), (k, d * (d + 1) // 2), (n, d))]
    for adbench in (True, False):
        mixture = gaussian_mixture(d, k, gamma, m, adbench=adbench)
        wrt = [mixture.alphas, mixture.means, mixture.icf]
        expected, partials = jax.value_and_grad(by_hand(d, gamma, m, adbench), argnums=(0, 1, 2))(*arrays)
        value, found = symdiff.value_and_gradient(mixture.formula, wrt, [*wrt, mixture.x], route)(*arrays)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        for partial, other in zip(found, partials, strict=True):
            np.testing.assert_allclose(partial, other, rtol=0, atol=1e-12 * np.max(np.abs(other)))


def test_data_of_any_length():
    mixture = gaussian_mixture(2, 2)
    arrays = [np.zeros(2), np.eye(2), np.zeros((2, 3))]
    wrt = [mixture.alphas, mixture.means, mixture.icf]
    objective = symdiff.value_and_gradient(mixture.formula, wrt, [*wrt, mixture.x])
    for n in (1, 4):
        x = np.ones((n, 2))
        np.testing.assert_allclose(objective(*arrays, x)[0], by_hand(2, 1, 0)(*arrays, x), rtol=1e-14)
