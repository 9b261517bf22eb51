"""The three routes at many points, and how much of their error rounding explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare import rounding, rounding_chain, rounding_jaxpr
from symdiff.graph import Graph
from symdiff.rewrites import lowerable
from symdiff.routes import ROUTES, Route, of_graph
from symdiff.symbolic import gradient_graph

# beyond this many operations compiling takes longer than linear time, and minutes before long
LARGE = 300
Run = Callable[[dict[sp.Symbol, Any]], tuple[Any, Any]]


@dataclass(frozen=True)
class Evaluation:
    """Partials and tolerances by route, of shape (len(wrt), points).

    `chosen` tells the points at which rounding may have decided a branch or the side of a kink.
    """

    partials: Mapping[Route, NDArray[np.float64]]
    tolerances: Mapping[Route, NDArray[np.float64]]
    chosen: NDArray[np.bool_]


def evaluate(
    graph: Graph, wrt: tuple[sp.Symbol, ...], arrays: Mapping[sp.Symbol, NDArray[Any]], dtype: str
) -> Evaluation:
    """Run the routes on arrays of one length, in their dtype.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> found = evaluate(graph_of([x**2]), (x,), {x: np.array([1.0, 2.0])}, "float64")
    >>> found.partials["autodiff"], bool((found.tolerances["autodiff"] < 1e-14).all())
    (array([[2., 4.]]), True)
    """
    safe = lowerable(graph)
    partials: dict[Route, NDArray[np.float64]] = {}
    bounds: dict[Route, NDArray[np.float64]] = {}
    bounds["chain"], chosen = rounding_chain.adjoint_bounds(safe, arrays, wrt, dtype)
    for route in ROUTES:
        run = of_graph(safe, wrt, route)
        if route != "chain":
            run, bounds[route] = _jax_route(safe, wrt, run, arrays, dtype)
        partials[route] = np.asarray(run(dict(arrays))[1], np.float64)
    return Evaluation(partials, {route: rounding.SAFETY * bounds[route] for route in ROUTES}, chosen)


def _jax_route(
    graph: Graph, wrt: tuple[sp.Symbol, ...], run: Run, arrays: Mapping[sp.Symbol, NDArray[Any]], dtype: str
) -> tuple[Run, NDArray[np.float64]]:
    """A route as it is to be run here, compiled or operation by operation, and the bounds along what it runs."""
    names, values = tuple(arrays), list(arrays.values())
    program = jax.make_jaxpr(lambda *given: run(dict(zip(names, given, strict=True))))(*values)
    bounds = rounding_jaxpr.output_bounds(program, values, dtype)
    if bounds is None:
        found = np.stack(rounding.output_bounds(gradient_graph(graph, wrt), arrays, dtype)[1:])
    else:
        found = bounds[1]
    if graph.operation_count <= LARGE:
        return run, found
    value, partials = rounding_jaxpr.run(program, values)
    return lambda _: (value, partials), found
