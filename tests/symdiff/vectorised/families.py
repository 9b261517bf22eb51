"""Graphs with many parts that are alike, each with its symbols; and some in which nothing is."""

from functools import cache

import numpy as np
import sympy as sp

from symdiff.from_sympy import graph_of
from symdiff.rewriting.rewrites import lowerable


def network(hidden, inputs=8, columns_first=False):
    """A tanh network written out: (expression, parameters, inputs)."""
    x = sp.symbols(f"x:{inputs}", real=True)
    b, v = sp.symbols(f"b:{hidden}", real=True), sp.symbols(f"v:{hidden}", real=True)
    w = [[sp.Symbol(f"w{j}_{i}", real=True) for i in range(inputs)] for j in range(hidden)]
    units = [sp.tanh(sp.Add(b[j], *(w[j][i] * x[i] for i in range(inputs)))) for j in range(hidden)]
    flat = [w[j][i] for i in range(inputs) for j in range(hidden)] if columns_first else [u for row in w for u in row]
    return sp.Add(*(v[j] * units[j] for j in range(hidden))), (*flat, *b, *v), x


def rosenbrock(n):
    x = sp.symbols(f"x:{n}", real=True)
    return sp.Add(*(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(n - 1))), x


def mixed(n):
    """Terms with quotients, roots, branches and powers, whose places overlap, cross and stand alone."""
    x, a = sp.symbols(f"x:{n}", real=True), sp.symbols(f"a:{n}", positive=True)
    terms = [sp.sqrt(a[i]) * sp.Piecewise((sp.sin(x[i] * a[n - 1 - i]), x[i] > 0), (x[i] ** 3, True)) for i in range(n)]
    terms += [sp.exp(-(x[i] ** 2) / a[i]) / (1 + x[i + 1] ** 2) for i in range(n - 1)]
    return sp.Add(*terms, x[3] * a[5], sp.log(a[0] + sp.Add(*a))), (*x, *a)


def convolution(n, kernel=5):
    """Windows that overlap."""
    x, k = sp.symbols(f"x:{n}", real=True), sp.symbols(f"k:{kernel}", real=True)
    sums = [sp.Add(*(k[j] * x[i + j] for j in range(kernel))) for i in range(n - kernel + 1)]
    return sp.Add(*map(sp.tanh, sums)), (*x, *k)


def quadratic_form(n):
    x = sp.symbols(f"x:{n}", real=True)
    return sp.Add(*((i + 2 * j + 1) * x[i] * x[j] for i in range(n) for j in range(n))), x


def shuffled(n):
    """A sum whose places follow no pattern."""
    x = sp.symbols(f"x:{n}", real=True)
    draw = np.random.default_rng(3)
    pairs = [draw.choice(n, 3, replace=False) for _ in range(4 * n)]
    return sp.Add(*(sp.sin(x[i] + x[j]) * x[k] for i, j, k in pairs)), x


def polynomial(degree):
    """Powers of one variable, and running sums and products that others use."""
    x, y = sp.Symbol("x", real=True), sp.symbols("y:20", real=True)
    c = [sp.Rational(k + 1, 7) for k in range(degree)]
    product, terms = x, []
    for u in y:
        product = sp.Mul(product, u, evaluate=False)
        terms.append(sp.cos(product))
    return sp.Add(*(c[k] * x**k for k in range(degree)), *terms), (x, *y)


@cache
def family(name):
    """(graph, symbols) by name."""
    made = {
        "network": lambda: (lambda e, p, x: (e, (*p, *x)))(*network(12)),
        "network, columns first": lambda: (lambda e, p, x: (e, (*p, *x)))(*network(12, columns_first=True)),
        "network, 3 inputs, inputs first": lambda: (lambda e, p, x: (e, (*x, *p)))(*network(30, 3)),
        "rosenbrock": lambda: rosenbrock(40),
        "mixed": lambda: mixed(30),
        "convolution": lambda: convolution(40),
        "quadratic form": lambda: quadratic_form(12),
        "shuffled": lambda: shuffled(20),
        "polynomial": lambda: polynomial(20),
        "product of 5": lambda: (sp.Mul(*sp.symbols("x:5", real=True)), sp.symbols("x:5", real=True)),
        "product of 100": lambda: (sp.Mul(*sp.symbols("x:100", real=True)), sp.symbols("x:100", real=True)),
        "sum of 200": lambda: (sp.Add(*sp.symbols("x:200", real=True)), sp.symbols("x:200", real=True)),
    }
    expression, symbols = made[name]()
    return lowerable(graph_of([expression])), tuple(symbols)


FAMILIES = (
    "network",
    "network, columns first",
    "network, 3 inputs, inputs first",
    "rosenbrock",
    "mixed",
    "convolution",
    "quadratic form",
    "shuffled",
    "polynomial",
    "product of 5",
    "product of 100",
    "sum of 200",
)
