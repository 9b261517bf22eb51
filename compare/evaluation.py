"""The three routes at many points, and how much of their error rounding explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare import pieces
from compare.bounds import chain as rounding_chain
from compare.bounds import graph as rounding
from compare.bounds import jaxpr as rounding_jaxpr
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, Route, of_graph
from symdiff.symbolic import gradient_graph

# of JAX's own operations, of which one of the graph may take dozens: compiling takes 1 ms each here, 2 ms each at five
# times as many, and minutes before long; run one by one they take 0.02 ms each
LARGEST_COMPILED = 1_000
# operations of a graph beyond which JAX takes longer to trace it whole than to run it node by node
LARGEST_WHOLE = 150
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
    partials: dict[Route, NDArray[np.float64]] = {}
    bounds: dict[Route, NDArray[np.float64]] = {}
    bounds["chain"], chosen = rounding_chain.adjoint_bounds(safe, arrays, wrt, dtype)
    if safe.operation_count > LARGEST_WHOLE:
        return _in_pieces(safe, wrt, arrays, dtype, bounds["chain"], chosen)
    for route in ROUTES:
        run = of_graph(safe, wrt, route)
        if route != "chain":
            least = bounds["chain"] if route == "autodiff" else np.zeros_like(bounds["chain"])
            run, bounds[route] = _jax_route(safe, wrt, run, arrays, dtype, compiled, least)
        partials[route] = np.asarray(run(dict(arrays))[1], np.float64)
    return Evaluation(partials, {route: rounding.SAFETY * bounds[route] for route in ROUTES}, chosen)


def _in_pieces(
    graph: Graph,
    wrt: tuple[sp.Symbol, ...],
    arrays: Mapping[sp.Symbol, NDArray[Any]],
    dtype: str,
    chain_bounds: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> Evaluation:
    symbolic, symbolic_bounds = pieces.symbolic(gradient_graph(graph, wrt), arrays, dtype)
    autodiff, autodiff_bounds = pieces.autodiff(graph, wrt, arrays, dtype)
    bounds = {"symbolic": symbolic_bounds, "chain": chain_bounds}
    bounds["autodiff"] = np.maximum(symbolic_bounds, chain_bounds) if autodiff_bounds is None else autodiff_bounds
    chain = np.asarray(of_graph(graph, wrt, "chain")(dict(arrays))[1], np.float64)
    partials: dict[Route, NDArray[np.float64]] = {"symbolic": symbolic, "autodiff": autodiff, "chain": chain}
    return Evaluation(partials, {route: rounding.SAFETY * bounds[route] for route in ROUTES}, chosen)


def _jax_route(
    graph: Graph,
    wrt: tuple[sp.Symbol, ...],
    run: Run,
    arrays: Mapping[sp.Symbol, NDArray[Any]],
    dtype: str,
    compiled: bool,
    least: NDArray[np.float64],
) -> tuple[Run, NDArray[np.float64]]:
    """A route as it is to be run here, compiled or operation by operation, and the bounds along what it runs.

    Where one of JAX's operations has no bound the derived graph's stand in, at `least` those given: a wrong rule of the
    symbolic route makes them too small.
    """
    names, values = tuple(arrays), list(arrays.values())
    program = jax.make_jaxpr(lambda *given: run(dict(zip(names, given, strict=True))))(*values)
    derived = gradient_graph(graph, wrt)
    lost = max(rounding.lost_constants(each, dtype) for each in (graph, derived))
    bounds = rounding_jaxpr.output_bounds(program, values, dtype, lost)
    if bounds is None:
        found = np.maximum(np.stack(rounding.output_bounds(derived, arrays, dtype)[1:]), least)
    else:
        found = bounds[1]
    if compiled and rounding_jaxpr.equation_count(program) <= LARGEST_COMPILED:
        return run, found
    value, partials = rounding_jaxpr.run(program, values)
    return lambda _: (value, partials), found
