"""Second partials by the three routes, each forward over reverse and reverse over reverse, and their rounding bounds.

A Hessian entry H[i, j] is computed in up to four ways by every route: column j of the gradient's tangents or row i of
its adjoints, and the same of H[j, i]. The chain route has hand-written first partials only: its sweeps run over the
graph of the gradient, forward by tangents and back by adjoints (Griewank and Walther, Evaluating Derivatives, 2nd ed.
2008, section 5.4).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds.chain import adjoint_bounds
from compare.bounds.graph import SAFETY, lost_constants, output_bounds
from compare.bounds.tangents import tangent_bounds
from compare.evaluation import Evaluation
from compare.jax_run import traced
from symdiff import chain
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import jax_outputs
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, Route
from symdiff.symbolic import accumulate, gradient_graph, tangents

MODES = ("forward over reverse", "reverse over reverse")
Arrays = Mapping[sp.Symbol, NDArray[Any]]
Matrix = NDArray[np.float64]  # of shape (len(wrt), len(wrt), points)


@dataclass(frozen=True)
class Reading:
    """One way to compute all second partials: `found` by route, one row a pair; `way` says which it is."""

    way: str
    found: Evaluation


def pairs(wrt: Sequence[sp.Symbol]) -> list[tuple[int, int]]:
    """Places in `wrt` of each second partial, of two that are equal by symmetry only one.

    >>> pairs(sp.symbols("x y"))
    [(0, 0), (0, 1), (1, 1)]
    """
    return [(i, j) for i in range(len(wrt)) for j in range(i, len(wrt))]


def hessian_graph(gradient: Graph, wrt: Sequence[sp.Symbol], mode: str) -> Graph:
    """Graph of all second partials, row by row, from that of (value, first partials)."""
    builder = GraphBuilder()
    places = builder.splice(gradient)
    zero = builder.constant(sp.Integer(0))
    sources = [gradient.inputs.get(symbol, -1) for symbol in wrt]
    if mode == MODES[0]:
        nothing = [zero] * len(gradient.outputs)
        columns = [tangents(builder, gradient, places, s) if s >= 0 else nothing for s in sources]
        return builder.finish([columns[j][1 + i] for i in range(len(wrt)) for j in range(len(wrt))])
    present = [node for node in sources if node >= 0]
    outputs: list[int] = []
    for row in accumulate(builder, gradient, places, gradient.outputs[1:], present):
        partials = dict(zip(present, row, strict=True))
        outputs += [partials.get(node, zero) for node in sources]
    return builder.finish(outputs)


def evaluate_second(
    graph: Graph, wrt: tuple[sp.Symbol, ...], arrays: Arrays, dtype: str, compiled: bool = False
) -> list[Reading]:
    """Every way to compute the second partials, in the order of `pairs`.

    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> ways = evaluate_second(graph_of([x**2 * y]), (x, y), {x: np.array([3.0]), y: np.array([5.0])}, "float64")
    >>> [reading.way for reading in ways][:2], ways[0].found.partials["chain"].ravel()
    (['forward over reverse', 'reverse over reverse'], array([10.,  6.,  0.]))
    """
    safe = lowerable(graph)
    derived = lowerable(gradient_graph(safe, wrt))
    shape = (len(wrt), len(wrt), *np.broadcast_shapes(*(np.shape(array) for array in arrays.values())))
    chosen = adjoint_bounds(safe, arrays, wrt, dtype)[1]
    values: dict[tuple[str, Route], Matrix] = {}
    bounds: dict[tuple[str, Route], Matrix] = {}
    for mode in MODES:
        second = hessian_graph(derived, wrt, mode)
        formulas = partial(jax_outputs, second)
        programs: dict[Route, Callable[[Any], Any]] = {"symbolic": formulas, "autodiff": _by_autodiff(safe, wrt, mode)}
        for route, run in programs.items():
            found, bound = _by_jax(run, second, arrays, dtype, compiled)
            values[mode, route], bounds[mode, route] = found.reshape(shape), bound.reshape(shape)
        found, bound, near = _by_chain(derived, wrt, arrays, dtype, mode)
        values[mode, "chain"], bounds[mode, "chain"], chosen = found, bound, chosen | near
    return list(_readings(values, bounds, chosen, pairs(wrt)))


def _readings(
    values: Mapping[tuple[str, Route], Matrix],
    bounds: Mapping[tuple[str, Route], Matrix],
    chosen: NDArray[np.bool_],
    places: Sequence[tuple[int, int]],
) -> Iterator[Reading]:
    several = any(i != j for i, j in places)
    for turned in (False, True)[: 1 + several]:
        for mode in MODES:
            taken = [(j, i) if turned else (i, j) for i, j in places]
            partials: dict[Route, NDArray[np.float64]] = {
                route: np.stack([values[mode, route][place] for place in taken]) for route in ROUTES
            }
            allowed = {route: np.stack([bounds[mode, route][place] for place in taken]) for route in ROUTES}
            tolerances: dict[Route, NDArray[np.float64]] = {route: SAFETY * allowed[route] for route in ROUTES}
            way = f"{mode}, the pair exchanged" if turned else mode
            yield Reading(way, Evaluation(partials, tolerances, chosen))


def _by_autodiff(graph: Graph, wrt: Sequence[sp.Symbol], mode: str) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
    """All second partials by JAX, row by row, of a graph as it is lowered."""

    def run(given: Mapping[sp.Symbol, Any]) -> list[Any]:
        def gradient(*moving: Any) -> Any:
            replaced = {**given, **dict(zip(wrt, moving, strict=True))}
            value, pullback = jax.vjp(
                lambda *m: jax_outputs(graph, {**replaced, **dict(zip(wrt, m, strict=True))})[0], *moving
            )
            return pullback(jnp.ones_like(value))

        point = [jnp.asarray(given[symbol]) for symbol in wrt]
        count = range(len(point))

        def unit(k: int) -> tuple[Any, ...]:
            return tuple(jnp.ones_like(a) if i == k else jnp.zeros_like(a) for i, a in enumerate(point))

        if mode == MODES[0]:
            columns = [jax.jvp(gradient, tuple(point), unit(j))[1] for j in count]
            return [columns[j][i] for i in count for j in count]
        pullback = jax.vjp(gradient, *point)[1]
        return [entry for i in count for entry in pullback(unit(i))]

    return run


def _by_jax(
    run: Callable[[Any], Any], second: Graph, arrays: Arrays, dtype: str, compiled: bool
) -> tuple[Matrix, Matrix]:
    whole = jax.jit(lambda *each: run(dict(zip(arrays, each, strict=True))))
    program = traced(lambda given: whole(*given.values()), arrays, compiled)
    found, bounds = program.outputs(), program.bounds(dtype, lost_constants(second, dtype))
    if bounds is None:
        bounds = output_bounds(second, arrays, dtype)
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    floor = float(np.finfo(dtype).tiny)
    stacked = np.stack([np.broadcast_to(np.asarray(entry, np.float64), shape) for entry in found])
    return stacked, np.stack([np.broadcast_to(bound, shape) + floor for bound in bounds])


def _by_chain(
    derived: Graph, wrt: tuple[sp.Symbol, ...], arrays: Arrays, dtype: str, mode: str
) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    count = len(wrt)
    found, bounds = np.zeros((count, count, *shape)), np.zeros((count, count, *shape))
    chosen = np.zeros(shape, np.bool_)
    if mode == MODES[0]:
        values = chain.forward(derived, arrays, dtype)
        one = np.ones(shape, dtype)
        for j, symbol in enumerate(wrt):
            moved = chain.tangents(derived, values, {symbol: one})
            allowed = tangent_bounds(derived, arrays, symbol, dtype)
            for i, node in enumerate(derived.outputs[1:]):
                found[i, j] = 0.0 if moved[node] is None else moved[node]
                bounds[i, j] = allowed[1 + i]
        return found, bounds, chosen
    for i, node in enumerate(derived.outputs[1:]):
        entry = dataclasses.replace(derived, outputs=(node,))
        found[i] = chain.value_and_gradient(entry, dict(arrays), wrt, dtype)[1]
        bounds[i], near = adjoint_bounds(entry, arrays, wrt, dtype)
        chosen |= near
    return found, bounds, chosen
