"""The three routes at many points, and how much of their error rounding explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare import pieces
from compare.bounds.chain import adjoint_bounds
from compare.bounds.graph import SAFETY, lost_constants, output_bounds
from compare.jax_run import Program, traced
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, Route, of_graph
from symdiff.symbolic import gradient_graph

# operations of a graph beyond which JAX takes longer to trace it whole than to run it node by node
LARGEST_WHOLE = 150


@dataclass(frozen=True)
class Evaluation:
    """Partials and tolerances by route, of shape (len(wrt), points).

    `chosen` tells the points at which rounding may have decided a branch or the side of a kink.
    """

    partials: Mapping[Route, NDArray[np.float64]]
    tolerances: Mapping[Route, NDArray[np.float64]]
    chosen: NDArray[np.bool_]


def evaluate(
    graph: Graph,
    wrt: tuple[sp.Symbol, ...],
    arrays: Mapping[sp.Symbol, NDArray[Any]],
    dtype: str,
    compiled: bool = False,
) -> Evaluation:
    """Run the routes on arrays of one length, in their dtype; JAX's one operation after the other, or compiled.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> found = evaluate(graph_of([x**2]), (x,), {x: np.array([1.0, 2.0])}, "float64")
    >>> found.partials["autodiff"], bool((found.tolerances["autodiff"] < 1e-14).all())
    (array([[2., 4.]]), True)
    """
    safe = lowerable(graph)
    if safe.operation_count > LARGEST_WHOLE:
        return _in_pieces(safe, wrt, arrays, dtype)
    runs: dict[Route, Any] = {route: of_graph(safe, wrt, route, method="fused") for route in ROUTES}
    # traced before anything else is done, so that they are compiled meanwhile
    programs: dict[Route, Program] = {
        "symbolic": traced(runs["symbolic"], arrays, compiled),
        "autodiff": traced(runs["autodiff"], arrays, compiled),
    }
    partials: dict[Route, NDArray[np.float64]] = {}
    bounds: dict[Route, NDArray[np.float64]] = {}
    bounds["chain"], chosen = adjoint_bounds(safe, arrays, wrt, dtype)
    partials["chain"] = np.asarray(runs["chain"](dict(arrays))[1], np.float64)
    derived = gradient_graph(safe, wrt)
    lost = max(lost_constants(each, dtype) for each in (safe, derived))
    for route, program in programs.items():
        along = program.bounds(dtype, lost)
        if along is None:
            # the derived graph's stand in, of autodiff no smaller than the chain's: a wrong symbolic rule may make
            # them too small
            own = np.stack(output_bounds(derived, arrays, dtype)[1:])
            bounds[route] = np.maximum(own, bounds["chain"]) if route == "autodiff" else own
        else:
            bounds[route] = along[1]
    for route, program in programs.items():
        partials[route] = np.asarray(program.outputs()[1], np.float64)
    return Evaluation(partials, {route: SAFETY * bounds[route] for route in ROUTES}, chosen)


def _in_pieces(
    graph: Graph,
    wrt: tuple[sp.Symbol, ...],
    arrays: Mapping[sp.Symbol, NDArray[Any]],
    dtype: str,
) -> Evaluation:
    derived = gradient_graph(graph, wrt)
    begun = pieces.begin(derived, graph, wrt, arrays, dtype)
    chain_bounds, chosen = adjoint_bounds(graph, arrays, wrt, dtype)
    symbolic, symbolic_bounds = pieces.symbolic(derived, arrays, dtype, begun)
    autodiff, autodiff_bounds = pieces.autodiff(graph, wrt, arrays, dtype)
    bounds = {"symbolic": symbolic_bounds, "chain": chain_bounds}
    bounds["autodiff"] = np.maximum(symbolic_bounds, chain_bounds) if autodiff_bounds is None else autodiff_bounds
    chain = np.asarray(of_graph(graph, wrt, "chain")(dict(arrays))[1], np.float64)
    partials: dict[Route, NDArray[np.float64]] = {"symbolic": symbolic, "autodiff": autodiff, "chain": chain}
    return Evaluation(partials, {route: SAFETY * bounds[route] for route in ROUTES}, chosen)
