"""Formulas in matrices and sums that several test files use, and arrays to evaluate them at."""

import numpy as np
import sympy as sp

from symdiff.from_sympy import graph_of
from symdiff.tensors.running import output_function

n, m, k, p = sp.symbols("n m k p", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
w, b, lam = sp.symbols("w b lambda")
LENGTHS = {n: 4, m: 3, k: 2, p: 3}


def matrix(name, rows, columns=1):
    return sp.MatrixSymbol(name, rows, columns)


W1, b1, W2, b2 = matrix("W1", m, n), matrix("b1", m), matrix("W2", k, m), matrix("b2", k)
x, y, t, mu = matrix("x", n), matrix("y", k), matrix("t", n), matrix("mu", n)
A, S = matrix("A", n, n), matrix("S", n, n)
X, W, v, q = matrix("X", n, p), matrix("W", n, p), matrix("v", p), matrix("q", p)
xs, ys = sp.IndexedBase("x"), sp.IndexedBase("y")

RESIDUAL = W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2 - y
NETWORK = RESIDUAL.T * RESIDUAL
LEAST_SQUARES = (X * v - t).T * (X * v - t)
LINE = sp.Sum((ys[i] - w * xs[i] - b) ** 2, (i, 0, n - 1)) / n


def draw(symbols, seed=0, vector=4):
    """Arrays for symbols; A and S are well conditioned, S is symmetric and positive definite."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for symbol in symbols:
        if isinstance(symbol, sp.IndexedBase):
            arrays[symbol] = rng.normal(
                size=tuple(LENGTHS[length] for length in symbol.shape) if symbol.shape else vector
            )
        elif isinstance(symbol, sp.MatrixSymbol):
            arrays[symbol] = rng.normal(size=tuple(int(sp.sympify(length).subs(LENGTHS)) for length in symbol.shape))
        else:
            arrays[symbol] = rng.normal()
        if symbol == S:
            arrays[symbol] = arrays[symbol] @ arrays[symbol].T + np.eye(4)
        if symbol == A:
            arrays[symbol] = arrays[symbol] + 3 * np.eye(4)
    return arrays


def value_of(expression, arrays):
    """The array that an expression stands for, computed from its graph."""
    graph = graph_of([expression])
    given = {symbol: array for symbol, array in arrays.items() if symbol in graph.inputs}
    run = output_function(graph, tuple(given))
    (value,) = run(list(given.values()), {length: LENGTHS[length] for length in run.lengths})
    return np.asarray(value)
