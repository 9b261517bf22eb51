"""Time to compile value and gradient of a sum over data, by the number of its terms: it must not grow.

The sum is least squares, Sum((w*x[i] + b - y[i])**2, (i, 0, n - 1)); timed is the first call of what
`symdiff.value_and_gradient` makes: reading the formula, putting in the length, tracing, compiling, one evaluation (4 ms
of 1,000,000 terms). Nothing is kept between rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from compare.benchmarks.paired import in_turn
from compare.benchmarks.row import Row

SHORT, LENGTHS = 1_000, (100_000, 1_000_000)


def run() -> Iterator[Row]:
    """Each length against 1,000 terms."""
    for length in LENGTHS:
        pair = in_turn(_compile(length), _compile(SHORT), rounds=15)
        name = f"compile a sum of {length:,} terms and its gradient / of {SHORT:,} terms"
        yield Row(name, "a compilation", pair, "0.8 to 1.2")


def _compile(length: int) -> Callable[[], Any]:
    import jax

    from symdiff.from_sympy import graph_of
    from symdiff.tensors.running import gradient_function

    x, y = sp.IndexedBase("x"), sp.IndexedBase("y")
    w, b = sp.symbols("w b", real=True)
    i, n = sp.Symbol("i", integer=True), sp.Symbol("n", integer=True, positive=True)
    expression = sp.Sum((w * x[i] + b - y[i]) ** 2, (i, 0, n - 1))
    symbols = (w, b, x, y)
    column, number = np.zeros(length), np.zeros(())

    def compile_() -> None:
        jax.clear_caches()
        function = gradient_function(graph_of([expression]), (w, b), "autodiff", symbols)
        function((number, number, column, column))

    return compile_
