"""Second partials in pairs of entries of arrays, by the three routes, and their rounding bounds.

As `compare.second_order` has it for scalars: the symbolic route accumulates the graph of the gradient once more, JAX
differentiates its own gradient forward and in reverse, and the hand-written rules sweep the graph of the gradient
forward and back. By symmetry each pair is computed in both orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays.rows import Entry
from compare.bounds import jaxpr as rounding_jaxpr
from compare.bounds.chain_arrays import adjoint_bounds
from compare.bounds.graph import SAFETY, lost_constants, node_bounds
from compare.second_order import MODES
from symdiff import chain
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import node_values
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, Route
from symdiff.symbolic import accumulate, gradient_graph
from symdiff.tensors.layout import sliced
from symdiff.tensors.running import gradient_function

Arrays = Mapping[Any, NDArray[Any]]
Matrix = NDArray[np.float64]  # entries by entries


@dataclass(frozen=True)
class Way:
    """All second partials in chosen entries, computed in one way: numbers and tolerances by route."""

    name: str
    numbers: Mapping[Route, Matrix]
    tolerances: Mapping[Route, Matrix]


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """Second partials of a graph of known lengths in `entries` of some of its arrays.

    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 2, 1)
    >>> entries = [Entry(a, 0, (0, 0)), Entry(a, 0, (1, 0))]
    >>> cubes = graph_of([sp.Trace(a.T * a)])
    >>> ways = SecondOrder(cubes, (a,), entries, {a: np.ones((2, 1))}, "float64").ways()
    >>> [ways[0].numbers[route].tolist() for route in ROUTES]
    [[[2.0, 0.0], [0.0, 2.0]], [[2.0, 0.0], [0.0, 2.0]], [[2.0, 0.0], [0.0, 2.0]]]
    """

    graph: Graph
    wrt: tuple[Any, ...]
    entries: Sequence[Entry]
    arrays: Arrays
    dtype: str

    def ways(self) -> list[Way]:
        """Forward over reverse and reverse over reverse."""
        symbolic, allowed = self._symbolic()
        by_chain, chain_bound = self._chain_reverse()
        found: list[Way] = []
        for mode in MODES:
            autodiff, bound = self._autodiff(mode)
            # of a program without a bound, and of the forward sweep, what the other two together explain
            others = allowed + chain_bound
            numbers: dict[Route, Matrix] = {
                "symbolic": symbolic,
                "autodiff": autodiff,
                "chain": by_chain if mode == MODES[1] else self._chain_forward(),
            }
            bounds = {"symbolic": allowed, "autodiff": others if bound is None else bound, "chain": others}
            if mode == MODES[1]:
                bounds["chain"] = chain_bound
            floor = float(np.finfo(self.dtype).tiny)
            found.append(Way(mode, numbers, {route: SAFETY * (bounds[route] + floor) for route in ROUTES}))
        return found

    @cached_property
    def _safe(self) -> Graph:
        return lowerable(self.graph)

    @cached_property
    def derived(self) -> Graph:
        """Graph of value and gradient."""
        return lowerable(gradient_graph(self._safe, self.wrt))

    @cached_property
    def firsts(self) -> Graph:
        """Graph of the first partials in the entries, one output each."""
        return _in_entries(self.derived, self.derived.outputs[1:], self.entries)

    def _symbolic(self) -> tuple[Matrix, Matrix]:
        b = GraphBuilder()
        places = b.splice(self.firsts)
        present = [self.firsts.inputs[s] for s in self.wrt if s in self.firsts.inputs]
        zero = b.constant(sp.Integer(0))
        nodes: list[int] = []
        for row in accumulate(b, self.firsts, places, self.firsts.outputs, present):
            by_node = dict(zip(present, row, strict=True))
            arrays = [by_node.get(self.firsts.inputs.get(s, -1), zero) for s in self.wrt]
            nodes += [_entry(b, arrays[e.which], e.place) for e in self.entries]
        second = lowerable(b.finish(nodes))
        given = [jnp.asarray(self.arrays[s]) for s in second.inputs]

        def run(*arrays: Any) -> Any:
            values = node_values(second, dict(zip(second.inputs, arrays, strict=True)), np.dtype(self.dtype))
            return [values[node] for node in second.outputs]

        bounds = node_bounds(second, {s: self.arrays[s] for s in second.inputs}, self.dtype)[1]
        return self._square(jax.jit(run)(*given)), self._square([bounds[node] for node in second.outputs])

    def _autodiff(self, mode: str) -> tuple[Matrix, Matrix | None]:
        symbols = tuple(self.arrays)
        gradient = gradient_function(self.graph, self.wrt, "autodiff", symbols).build(self._safe)
        where = [symbols.index(s) for s in self.wrt]

        def run(*arrays: Any) -> list[Any]:
            def moved(*moving: Any) -> Any:
                full = list(arrays)
                for k, array in zip(where, moving, strict=True):
                    full[k] = array
                return gradient(*full)[1]

            at = [arrays[k] for k in where]
            found: list[Any] = []
            pull = jax.vjp(moved, *at)[1] if mode == MODES[1] else None
            for e in self.entries:
                unit = tuple(
                    jnp.zeros_like(a).at[e.place].set(1) if k == e.which else jnp.zeros_like(a)
                    for k, a in enumerate(at)
                )
                rows = pull(unit) if pull is not None else jax.jvp(moved, tuple(at), unit)[1]
                found += [rows[other.which][other.place] for other in self.entries]
            return found

        given = [jnp.asarray(self.arrays[s]) for s in symbols]
        found = self._square(jax.jit(run)(*given))
        bounds = rounding_jaxpr.output_bounds(
            jax.make_jaxpr(run)(*given),
            [self.arrays[s] for s in symbols],
            self.dtype,
            lost_constants(self.derived, self.dtype),
        )
        return found, None if bounds is None else self._square(bounds)

    def _chain_reverse(self) -> tuple[Matrix, Matrix]:
        found, bounds = np.zeros((len(self.entries),) * 2), np.zeros((len(self.entries),) * 2)
        inputs = {s: self.arrays[s] for s in self.firsts.inputs}
        values = chain.forward(self.firsts, inputs, self.dtype)
        for i, node in enumerate(self.firsts.outputs):
            alone = replace(self.firsts, outputs=(node,))
            sources = [alone.inputs[s] for s in self.wrt if s in alone.inputs]
            adjoints = chain.adjoints(alone, values, node, sources)
            allowed = adjoint_bounds(alone, self.arrays, self.wrt, self.dtype)[0]
            for j, e in enumerate(self.entries):
                array = adjoints[alone.inputs[e.symbol]] if e.symbol in alone.inputs else None
                found[i, j] = 0.0 if array is None else np.broadcast_to(array, np.shape(self.arrays[e.symbol]))[e.place]
                bounds[i, j] = allowed[e.which][e.place]
        return found, bounds

    def _chain_forward(self) -> Matrix:
        found = np.zeros((len(self.entries),) * 2)
        values = chain.forward(self.firsts, {s: self.arrays[s] for s in self.firsts.inputs}, self.dtype)
        for j, e in enumerate(self.entries):
            seed = np.zeros(np.shape(self.arrays[e.symbol]), self.dtype)
            seed[e.place] = 1
            moved = chain.tangents(self.firsts, values, {e.symbol: seed})
            for i, node in enumerate(self.firsts.outputs):
                found[i, j] = 0.0 if moved[node] is None else float(np.asarray(moved[node]))
        return found

    def _square(self, numbers: Sequence[Any]) -> Matrix:
        flat = [float(np.asarray(number)) for number in numbers]
        return np.array(flat, np.float64).reshape((len(self.entries),) * 2)


def _in_entries(graph: Graph, nodes: Sequence[int], entries: Sequence[Entry]) -> Graph:
    b = GraphBuilder()
    places = b.splice(graph)
    return b.finish([_entry(b, places[nodes[e.which]], e.place) for e in entries])


def _entry(b: GraphBuilder, node: int, place: Sequence[int]) -> int:
    """One entry of an array that broadcasts to the shape in which `place` stands."""
    shape = b.shape(node)
    own = place[len(place) - len(shape) :]
    if not shape:
        return node
    return sliced(b, node, tuple(("at", 0 if n == 1 else k) for k, n in zip(own, shape, strict=True)))
