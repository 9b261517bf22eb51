"""The families of expressions on which the systems are compared, as SymPy expressions with points to evaluate them at.

A case is a family, a size and an order: 1 for the gradient, 2 for the Hessian. Sources: product of inputs
(B. Speelpenning, Compiling Fast Partial Derivatives, 1980), Helmholtz energy of a mixture (A. Griewank and A. Walther,
Evaluating Derivatives, 2008, section 1.2), extended Rosenbrock function (J. Moré, B. Garbow and K. Hillstrom, ACM TOMS
7, 1981), formulas of the Feynman lectures as in `compare.benchmarks.feynman`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.benchmarks import feynman
from compare.benchmarks.derivation import expression

BATCH = 1_000
NETWORK_INPUTS = 8


@dataclass(frozen=True)
class Case:
    """An expression, the symbols to differentiate by, all of its symbols in order, and points (symbols, BATCH)."""

    expression: sp.Expr
    wrt: tuple[sp.Symbol, ...]
    symbols: tuple[sp.Symbol, ...]
    points: NDArray[np.float64]
    order: int = 1


def network(hidden: int) -> Case:
    """Squared error of a network of 8 inputs with tanh and no biases inside, written out in scalars.

    >>> len(network(8).wrt)
    72
    """
    x = sp.symbols(f"x0:{NETWORK_INPUTS}", real=True)
    first = sp.symbols(f"w0:{hidden * NETWORK_INPUTS}", real=True)
    second = sp.symbols(f"v0:{hidden}", real=True)
    y = sp.Symbol("y", real=True)
    rows = [first[k * NETWORK_INPUTS : (k + 1) * NETWORK_INPUTS] for k in range(hidden)]
    units = [sp.tanh(sp.Add(*(a * b for a, b in zip(row, x, strict=True)))) for row in rows]
    error = sp.Add(*(v * unit for v, unit in zip(second, units, strict=True))) - y
    weights = (*first, *second)
    return _case(error**2, weights, (*weights, *x, y), (-0.5, 0.5))


def product(count: int) -> Case:
    """The product of so many inputs."""
    x = sp.symbols(f"x0:{count}", real=True)
    return _case(sp.Mul(*x), x, x, (0.9, 1.1))


def random_graph(operations: int) -> Case:
    """A seeded random expression of so many shared operations in eight inputs."""
    given, symbols = expression(operations, seed=0)
    return _case(given, symbols, symbols, (0.1, 0.9))


def helmholtz(components: int) -> Case:
    """The Helmholtz energy of a mixture, with one coefficient for each pair of components, in the mole fractions."""
    n = components
    x = sp.symbols(f"x0:{n}", positive=True)
    draw = np.random.default_rng(n)
    b = [sp.Float(float(v)) for v in draw.uniform(0.001, 0.01, n)]
    a = draw.uniform(0.1, 1.0, (n, n))
    volume = sp.Add(*(u * v for u, v in zip(b, x, strict=True)))
    mixed = sp.Add(*(sp.Float(float(a[i, j])) * x[i] * x[j] for i in range(n) for j in range(n)))
    entropy = sp.Add(*(each * sp.log(each / (1 - volume)) for each in x))
    root = sp.sqrt(2)
    ratio = sp.log((1 + (1 + root) * volume) / (1 + (1 - root) * volume))
    return _case(entropy - mixed / (sp.sqrt(8) * volume) * ratio, x, x, (0.5 / n, 1.5 / n))


def feynman_batch(count: int) -> Case:
    """The sum of so many of the Feynman formulas, each in variables of its own."""
    import symdiff

    parts: list[sp.Expr] = []
    symbols: list[sp.Symbol] = []
    points: list[NDArray[np.float64]] = []
    for k, formula in enumerate(feynman.formulas()[:count]):
        own = {name: sp.Symbol(f"{name}_{k}", real=True) for name in formula.ranges}
        parts.append(
            symdiff.parse(formula.text, symbols=formula.ranges).xreplace(
                {sp.Symbol(name, real=True): symbol for name, symbol in own.items()}
            )
        )
        drawn = formula.points(BATCH)
        symbols += own.values()
        points += [np.array([point[name] for point in drawn]) for name in own]
    return Case(sp.Add(*parts), tuple(symbols), tuple(symbols), np.array(points))


def rosenbrock(count: int) -> Case:
    """The Hessian of the extended Rosenbrock function."""
    x = sp.symbols(f"x0:{count}", real=True)
    terms = (100 * (v - u**2) ** 2 + (1 - u) ** 2 for u, v in itertools.pairwise(x))
    return _case(sp.Add(*terms), x, x, (-1.2, 1.2), order=2)


def _case(f: Any, wrt: Any, symbols: Any, ends: tuple[float, float], order: int = 1) -> Case:
    points = np.random.default_rng(0).uniform(*ends, (len(symbols), BATCH))
    return Case(f, tuple(wrt), tuple(symbols), points, order)


FAMILIES: dict[str, tuple[Callable[[int], Case], tuple[int, ...]]] = {
    "network": (network, (8, 32, 128, 512)),
    "product": (product, (100, 1_000)),
    "random": (random_graph, (300, 1_000, 10_000, 100_000)),
    "helmholtz": (helmholtz, (20, 60)),
    "feynman": (feynman_batch, (100,)),
    "rosenbrock": (rosenbrock, (1_000,)),
}
