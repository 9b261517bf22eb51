"""Models in matrices and sums, each with the same function written in JAX by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy.tensor.array.expressions import ArrayContraction, ArrayTensorProduct, PermuteDims

n, m, k, d = sp.symbols("n m k d", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
u, v = sp.symbols("u v", real=True)
A, B, S = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("S", n, n)
W1, b1 = sp.MatrixSymbol("W1", m, n), sp.MatrixSymbol("b1", m, 1)
W2, b2 = sp.MatrixSymbol("W2", k, m), sp.MatrixSymbol("b2", k, 1)
x, y, z = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", k, 1), sp.MatrixSymbol("z", n, 1)
M = sp.MatrixSymbol("M", 3, 3)
X, Y, Z = sp.IndexedBase("X"), sp.IndexedBase("Y"), sp.IndexedBase("Z")


@dataclass(frozen=True)
class Case:
    """An expression, what it is derived in (its first arguments), its arguments with arrays, and JAX's own form."""

    name: str
    expression: Any
    wrt: int
    arguments: tuple[Any, ...]
    arrays: tuple[Any, ...]
    by_hand: Callable[..., Any]


def _draw(seed: int, *shapes: tuple[int, ...]) -> tuple[Any, ...]:
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape) for shape in shapes)


def _positive(array: Any) -> Any:
    return array @ array.T + np.eye(len(array))


def network(sigma: Any) -> sp.Expr:
    """Squared error of a two-layer network."""
    residual = W2 * (W1 * x + b1).applyfunc(sigma) + b2 - y
    return residual.T * residual


_NETWORK = (W1, b1, W2, b2, x, y)
_SHAPES = ((4, 3), (4, 1), (2, 4), (2, 1), (3, 1), (2, 1))


def _network_by_hand(sigma: Any) -> Callable[..., Any]:
    return lambda W1, b1, W2, b2, x, y: jnp.sum((W2 @ sigma(W1 @ x + b1) + b2 - y) ** 2)


def _sigmoid(t: Any) -> Any:
    return 1 / (1 + sp.exp(-t))


_E = (B * S).applyfunc(sp.exp)
_ROWS = _E * sp.OneMatrix(n, 1) * sp.OneMatrix(1, n)
_square, _low = _draw(1, (3, 3))[0], np.tril(_draw(2, (4, 4))[0])

CASES = [
    Case("tanh network", network(sp.tanh), 4, _NETWORK, _draw(3, *_SHAPES), _network_by_hand(jnp.tanh)),
    Case("sigmoid network", network(_sigmoid), 4, _NETWORK, _draw(4, *_SHAPES), _network_by_hand(jax.nn.sigmoid)),
    Case(
        "relu network", network(lambda t: sp.Max(t, 0)), 4, _NETWORK, _draw(5, *_SHAPES), _network_by_hand(jax.nn.relu)
    ),
    Case(
        "least squares",
        (W1 * x - b1).T * (W1 * x - b1),
        1,
        (x, W1, b1),
        _draw(6, (3, 1), (5, 3), (5, 1)),
        lambda x, W1, b1: jnp.sum((W1 @ x - b1) ** 2),
    ),
    Case(
        "ridge",
        sp.Trace((W1 * x - b1).T * (W1 * x - b1)) + u * sp.Trace(x.T * x),
        2,
        (x, u, W1, b1),
        (*_draw(7, (3, 1)), 0.3, *_draw(8, (5, 3), (5, 1))),
        lambda x, u, W1, b1: jnp.sum((W1 @ x - b1) ** 2) + u * jnp.sum(x**2),
    ),
    Case(
        "principal components",
        sp.Trace(A * S * A.T),
        2,
        (A, S),
        _draw(9, (2, 3), (3, 3)),
        lambda A, S: jnp.trace(A @ S @ A.T),
    ),
    Case(
        "Gaussian log-likelihood",
        -sp.log(sp.Determinant(S)) / 2 - sp.Trace((x - z).T * S.I * (x - z)) / 2 - n * sp.log(2 * sp.pi) / 2,
        2,
        (S, z, x),
        (_positive(_square), *_draw(10, (3, 1), (3, 1))),
        lambda S, z, x: (
            -jnp.linalg.slogdet(S)[1] / 2
            - ((x - z).T @ jnp.linalg.solve(S, x - z))[0, 0] / 2
            - 1.5 * jnp.log(2 * jnp.pi)
        ),
    ),
    Case(
        "attention",
        sp.Trace(sp.HadamardProduct(_E, sp.HadamardPower(_ROWS, -1)) * x * z.T),
        4,
        (B, S, x, z),
        (30 * _square, 30 * _draw(12, (3, 3))[0], *_draw(13, (3, 1), (3, 1))),
        lambda B, S, x, z: jnp.trace(jax.nn.softmax(B @ S, axis=1) @ x @ z.T),
    ),
    Case(
        "determinant and powers",
        sp.Determinant(B) + sp.Trace(B**3) - sp.Trace(B.I * B.T),
        1,
        (B,),
        (_square,),
        lambda B: jnp.linalg.det(B) + jnp.trace(B @ B @ B) - jnp.trace(jnp.linalg.inv(B) @ B.T),
    ),
    Case(
        "elements, slices and an explicit matrix",
        M[0, 1] * M[2, 2] ** 2 + sp.Trace(sp.Matrix([[u, 2], [v, u * v]]) * M[1:3, 0:2]),
        3,
        (M, u, v),
        (_square, 0.5, 2.0),
        lambda M, u, v: M[0, 1] * M[2, 2] ** 2 + jnp.trace(jnp.array([[u, 2], [v, u * v]]) @ M[1:3, 0:2]),
    ),
    Case(
        "diagonals",
        sp.Trace(sp.DiagMatrix(x) * B * sp.DiagMatrix(x)) + sp.Sum(B[i, i] ** 3, (i, 0, n - 1)),
        2,
        (x, B),
        _draw(14, (3, 1), (3, 3)),
        lambda x, B: jnp.trace(jnp.diag(x[:, 0]) @ B @ jnp.diag(x[:, 0])) + jnp.sum(jnp.diag(B) ** 3),
    ),
    Case(
        "array contraction",
        ArrayContraction(ArrayTensorProduct(PermuteDims(A, [1, 0]), A, x, x), (1, 2), (0, 4), (3, 6), (5, 7)),
        2,
        (A, x),
        _draw(15, (4, 3), (3, 1)),
        lambda A, x: (x.T @ A.T @ A @ x)[0, 0],
    ),
    Case(
        "line over data",
        sp.Sum((Y[i] - u * X[i] - v) ** 2, (i, 0, n - 1)) / n,
        2,
        (u, v, X, Y),
        (1.0, 2.0, *_draw(16, (7,), (7,))),
        lambda u, v, X, Y: jnp.mean((Y - u * X - v) ** 2),
    ),
    Case(
        "log-sum-exp of rows",
        sp.Sum(sp.log(sp.Sum(sp.exp(X[i, j] * Y[j]), (j, 0, k - 1))), (i, 0, n - 1)),
        2,
        (X, Y),
        (900 * _draw(17, (5, 4))[0], *_draw(18, (4,))),
        lambda X, Y: jnp.sum(jax.nn.logsumexp(X * Y, axis=1)),
    ),
    Case(
        "cross-entropy",
        -sp.Sum(Y[i] * sp.log(sp.exp(X[i]) / sp.Sum(sp.exp(X[j]), (j, 0, n - 1))), (i, 0, n - 1)),
        2,
        (X, Y),
        (900 * _draw(19, (5,))[0], np.array([0.0, 1.0, 0.0, 0.0, 0.0])),
        lambda X, Y: -jnp.sum(Y * jax.nn.log_softmax(X)),
    ),
    Case(
        "Gaussian mixture",
        sp.Sum(
            sp.log(sp.Sum(Y[j] * sp.exp(-((X[i] - Z[j]) ** 2) / 2 / u**2) / sp.sqrt(2 * sp.pi * u**2), (j, 0, k - 1))),
            (i, 0, n - 1),
        ),
        3,
        (Y, Z, u, X),
        (np.array([0.2, 0.3, 0.5]), *_draw(20, (3,)), 0.7, 100 * _draw(21, (6,))[0]),
        lambda Y, Z, u, X: jnp.sum(
            jax.nn.logsumexp(-((X[:, None] - Z) ** 2) / 2 / u**2, b=Y / jnp.sqrt(2 * jnp.pi * u**2), axis=1)
        ),
    ),
    Case(
        "triangle",
        sp.Sum(X[i] * Y[j] ** 2, (j, 0, i), (i, 0, n - 1)),
        2,
        (X, Y),
        _draw(22, (5,), (5,)),
        lambda X, Y: jnp.sum(jnp.tril(X[:, None] * Y[None, :] ** 2)),
    ),
    Case(
        "neighbours and strides",
        sp.Sum(X[i + 1] * X[i] ** 2, (i, 0, n - 2)) + sp.Sum(X[2 * i] * X[4 - i], (i, 0, 2)),
        1,
        (X,),
        _draw(23, (5,)),
        lambda X: jnp.sum(X[1:] * X[:-1] ** 2) + jnp.sum(X[0:5:2] * X[4:1:-1]),
    ),
    Case(
        "convolution",
        sp.Sum(X[i - j] * Y[j], (j, 0, 2), (i, 2, 5)) ** 2,
        2,
        (X, Y),
        _draw(24, (6,), (3,)),
        lambda X, Y: jnp.sum(jnp.convolve(X, Y, mode="valid")) ** 2,
    ),
    Case(
        "look-up",
        sp.Sum(X[Y[i]] * Z[i] + i * Z[i] ** 2, (i, 0, n - 1)),
        1,
        (X, Y, Z),
        (*_draw(25, (4,)), np.array([3.0, 0.0, 3.0]), *_draw(26, (3,))),
        lambda X, Y, Z: jnp.sum(X[jnp.array([3, 0, 3])] * Z + jnp.arange(3) * Z**2),
    ),
    Case(
        "product with a zero",
        u * sp.Product(X[i] + X[i] ** 2, (i, 0, n - 1)),
        2,
        (X, u),
        (np.array([0.4, 0.0, -1.7, 0.9]), 2.0),
        lambda X, u: u * jnp.prod(X + X**2),
    ),
    Case(
        "branches over data",
        sp.Sum(sp.Piecewise((sp.sqrt(X[i]), X[i] > 0), (-X[i], True)), (i, 0, n - 1)),
        1,
        (X,),
        (np.array([0.0, -1.0, 4.0]) + 0.25,),
        lambda X: jnp.sum(jnp.where(X > 0, jnp.sqrt(jnp.where(X > 0, X, 1.0)), -X)),
    ),
]
