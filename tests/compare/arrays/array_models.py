"""Expressions of arrays that tests check: the models that issue 6 names, and some to its side."""

from __future__ import annotations

import sympy as sp

n, m, k = sp.symbols("n m k", integer=True, positive=True)
i, j, d = sp.symbols("i j d", integer=True)
w, b, lam, u = sp.symbols("w b lam u", real=True)
W1, W2 = sp.MatrixSymbol("W1", m, n), sp.MatrixSymbol("W2", k, m)
b1, b2 = sp.MatrixSymbol("b1", m, 1), sp.MatrixSymbol("b2", k, 1)
x, y, theta = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", k, 1), sp.MatrixSymbol("theta", n, 1)
A, target = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("t", m, 1)
S, mu = sp.MatrixSymbol("S", n, n), sp.MatrixSymbol("mu", n, 1)
B, U = sp.MatrixSymbol("B", 3, 3), sp.MatrixSymbol("U", n, k)
Q, K = sp.MatrixSymbol("Q", m, k), sp.MatrixSymbol("K", n, k)
X, Y, M, alpha = (sp.IndexedBase(name) for name in ("X", "Y", "M", "alpha"))

residual = W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2 - y
misfit = A * theta - target
distance = sp.Sum((X[i, d] - M[j, d]) ** 2, (d, 0, m - 1)) / 2
scores = [(Q * K.T)[row, j] for row in (0, 1)]

MODELS = {
    "two_layer": residual.T * residual,
    "relu_layer": sp.Trace((W1 * x + b1).applyfunc(sp.Lambda(u, sp.Max(u, 0))).T * (W1 * x + b1)),
    "least_squares": misfit.T * misfit,
    "ridge": misfit.T * misfit + lam * theta.T * theta,
    "gaussian": -sp.log(sp.Determinant(S)) / 2 - sp.Trace((x - mu).T * S.I * (x - mu)) / 2,
    "line": sp.Sum((Y[i] - w * X[i] - b) ** 2, (i, 0, n - 1)) / n,
    "log_sum_exp": sp.Sum(sp.log(sp.Sum(sp.exp(X[i, j] * Y[j]), (j, 0, k - 1))), (i, 0, n - 1)),
    "mixture": sp.Sum(sp.log(sp.Sum(sp.exp(alpha[j] - distance), (j, 0, k - 1))), (i, 0, n - 1))
    - n * sp.log(sp.Sum(sp.exp(alpha[j]), (j, 0, k - 1))),
    "pca": sp.Trace((A.T - U * U.T * A.T).T * (A.T - U * U.T * A.T)),
    "attention": sum(
        sp.Sum(sp.exp(score) * Y[j], (j, 0, n - 1)) / sp.Sum(sp.exp(score), (j, 0, n - 1)) for score in scores
    ),
    "determinant": sp.Determinant(B) + sp.Trace(B**3),
    "inverse": sp.Trace(B.I * B.T),
    "product": sp.Product(X[i], (i, 0, n - 1)) * w,
    "triangle": sp.Sum(X[i] * Y[j], (j, 0, i), (i, 0, n - 1)),
}
