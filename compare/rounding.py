"""What rounding explains: a running error bound along a route's own graph.

Each operation y = f(u, ...) passes on the errors of its operands, multiplied by its local partials, and adds its own: the accuracy
of f in units in the last place, from the function table. To first order this bounds the error of every output (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.chain import forward, local_partial
from symdiff.constants import float_of
from symdiff.function import Absence
from symdiff.graph import Graph

Array = np.ndarray[Any, Any]

# the tolerance of a route is this many times its bound: for terms of second order, and for other orders of summation
SAFETY = 4.0


def output_bounds(graph: Graph, inputs: Mapping[sp.Symbol, Array], dtype: Any) -> list[NDArray[np.float64]]:
    """Bound on the rounding error of each output, over a batch of exact inputs, for arithmetic in `dtype`.

    Infinite or NaN where an intermediate result overflows: then rounding explains nothing.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> cancels = output_bounds(graph_of([sp.exp(x) - 1]), {x: np.array(1e-8)}, np.float64)
    >>> bool(1e-17 < cancels[0] < 1e-15)
    True
    """
    bounds = node_bounds(graph, inputs, dtype)[1]
    shape = np.broadcast_shapes(*(np.shape(array) for array in inputs.values())) if inputs else ()
    return [np.broadcast_to(np.asarray(bounds[node], np.float64), shape) for node in graph.outputs]


def node_bounds(graph: Graph, inputs: Mapping[sp.Symbol, Array], dtype: Any) -> tuple[list[Any], list[Any]]:
    """Value of every node, in float64, and the bound on its rounding error in `dtype`."""
    values = forward(graph, {symbol: np.asarray(array, dtype).astype(np.float64) for symbol, array in inputs.items()})
    # results below the smallest normal number may be flushed to zero, as XLA does
    unit, smallest = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    bounds: list[Any] = [0.0] * len(graph)
    for node, constant in graph.constants.items():
        bounds[node] = _constant_bound(constant, dtype)
    with np.errstate(all="ignore"):
        for node, function, operands, static in graph.applications:
            y = values[node]
            arguments = [values[i] for i in operands]
            if np.asarray(y).dtype == np.bool_:
                continue
            ulp = function.ulp(*arguments, *static, y) if callable(function.ulp) else function.ulp
            total = ulp * unit * np.abs(y) + (smallest if np.any(ulp) else 0.0)
            for position, operand in enumerate(operands):
                if function.partials[position] is Absence.ZERO or not np.any(bounds[operand]):
                    continue
                total = total + np.abs(local_partial(function, position, arguments, static, y)) * bounds[operand]
            bounds[node] = total
    return values, bounds


def _constant_bound(constant: sp.Basic, dtype: Any) -> float:
    number = float_of(constant)
    if isinstance(number, bool) or not np.isfinite(number):
        return 0.0
    rounded = float(np.asarray(number, dtype))
    exact = isinstance(constant, sp.Number) and sp.Rational(constant) == sp.Rational(rounded)
    return 0.0 if exact else float(np.finfo(dtype).eps) * abs(number) / 2
