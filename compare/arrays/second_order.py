"""Second partials in pairs of entries of arrays, by the three routes, and their rounding bounds.

As `compare.second_order` has it for scalars: the symbolic route accumulates the graph of the gradient once more, JAX
differentiates its own gradient forward and in reverse, and the hand-written rules sweep the graph of the gradient
forward and back. By symmetry each pair is computed in both orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
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
from symdiff.symbolic import gradient_graph
from symdiff.tensors.contraction import ALPHABET, contract
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
        symbolic, allowed = self._rows(self._by_formula)
        by_chain, chain_bound = self._rows(self._by_chain)
        found: list[Way] = []
        for mode in MODES:
            run = self.programs[mode]
            autodiff, bound = self._rows(lambda unit, run=run: self._by_program(run, unit))
            # of a program without a bound, and of the forward sweep, what the other two together explain
            others = allowed + chain_bound
            forward = mode == MODES[0]
            numbers: dict[Route, Matrix] = {
                "symbolic": symbolic,
                "autodiff": autodiff,
                "chain": self._chain_forward() if forward else by_chain,
            }
            bounds: dict[Route, Matrix] = {
                "symbolic": allowed,
                "autodiff": np.where(np.isnan(bound), others, bound),
                "chain": others if forward else chain_bound,
            }
            floor = float(np.finfo(self.dtype).tiny)
            found.append(Way(mode, numbers, {route: SAFETY * (bounds[route] + floor) for route in ROUTES}))
        return found

    def _rows(self, row: Callable[[Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]]) -> tuple[Matrix, Matrix]:
        """The row of each entry, picked from arrays of numbers and of bounds that `row` gives for a unit array."""
        found, bounds = np.zeros((len(self.entries),) * 2), np.zeros((len(self.entries),) * 2)
        shapes = [np.shape(self.arrays[s]) for s in self.wrt]
        for i, one in enumerate(self.entries):
            units = [np.zeros(shape, self.dtype) for shape in shapes]
            units[one.which][one.place] = 1
            numbers, allowed = row(units)
            for j, e in enumerate(self.entries):
                found[i, j] = np.broadcast_to(np.asarray(numbers[e.which], np.float64), shapes[e.which])[e.place]
                bounds[i, j] = np.broadcast_to(np.asarray(allowed[e.which], np.float64), shapes[e.which])[e.place]
        return found, bounds

    @cached_property
    def programs(self) -> Programs:
        """What JAX runs; kept by who checks several points of one shape."""
        return programs_of(self.graph, self.wrt, tuple(self.arrays))

    def _by_formula(self, units: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        second = self.programs.second
        given = dict(self.arrays) | dict(zip(self.programs.directions, units, strict=True))
        inputs = {s: given[s] for s in second.inputs}
        bounds = node_bounds(second, inputs, self.dtype)[1]
        numbers = self.programs.formula(*(jnp.asarray(array) for array in inputs.values()))
        return numbers, [bounds[node] for node in second.outputs[1:]]

    def _by_program(self, run: Any, units: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        given = [*self.arrays.values(), *units]
        numbers = run(*(jnp.asarray(array) for array in given))
        lost = lost_constants(self.programs.derived, self.dtype)
        bounds = rounding_jaxpr.output_bounds(jax.make_jaxpr(run)(*given), given, self.dtype, lost)
        return numbers, [np.nan] * len(self.wrt) if bounds is None else bounds

    def _by_chain(self, units: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        along = self.programs.along
        given = dict(self.arrays) | dict(zip(self.programs.directions, units, strict=True))
        inputs = {s: given[s] for s in along.inputs}
        values = chain.forward(along, inputs, self.dtype)
        present = [along.inputs[s] for s in self.wrt if s in along.inputs]
        adjoints = chain.adjoints(along, values, along.outputs[0], present)
        numbers = [adjoints[along.inputs[s]] if s in along.inputs else None for s in self.wrt]
        bounds = adjoint_bounds(along, given, self.wrt, self.dtype)[0]
        return [0.0 if number is None else number for number in numbers], bounds

    def _chain_forward(self) -> Matrix:
        derived = self.programs.derived
        found = np.zeros((len(self.entries),) * 2)
        values = chain.forward(derived, {s: self.arrays[s] for s in derived.inputs}, self.dtype)
        for j, one in enumerate(self.entries):
            seed = np.zeros(np.shape(self.arrays[one.symbol]), self.dtype)
            seed[one.place] = 1
            moved = chain.tangents(derived, values, {one.symbol: seed})
            for i, e in enumerate(self.entries):
                array = moved[derived.outputs[1 + e.which]]
                shape = np.shape(self.arrays[e.symbol])
                found[i, j] = 0.0 if array is None else np.broadcast_to(np.asarray(array), shape)[e.place]
        return found


@dataclass(frozen=True, eq=False)
class Programs:
    """Graphs and JAX programs of one expression of known lengths: a row of second partials along a direction.

    `along` is the graph of the gradient's product with the arrays `directions`, `second` that of it and its gradient.
    """

    derived: Graph
    along: Graph
    second: Graph
    directions: tuple[Any, ...]
    formula: Callable[..., Any]
    modes: Mapping[str, Callable[..., Any]]

    def __getitem__(self, mode: str) -> Callable[..., Any]:
        return self.modes[mode]


@lru_cache(maxsize=8)
def programs_of(graph: Graph, wrt: tuple[Any, ...], symbols: tuple[Any, ...]) -> Programs:
    """The programs; the same for the same graph."""
    safe = lowerable(graph)
    derived = lowerable(gradient_graph(safe, wrt))
    b = GraphBuilder()
    places = b.splice(derived)
    total = b.constant(sp.Integer(0))
    directions: list[Any] = []
    for symbol, output in zip(wrt, derived.outputs[1:], strict=True):
        shape = safe.shape(safe.inputs[symbol]) if symbol in safe.inputs else ()
        directions.append(sp.Dummy(f"along {symbol.name}", real=True))
        node = b.call("multiply", places[output], b.input(directions[-1], shape))
        rank = len(b.shape(node))
        total = b.call("add", total, contract(b, [node], [ALPHABET[:rank], ""]) if rank else node)
    along = b.finish([total])
    second = lowerable(gradient_graph(along, wrt))

    def formula(*arrays: Any) -> Any:
        values = node_values(second, dict(zip(second.inputs, arrays, strict=True)), arrays[0].dtype)
        return [values[node] for node in second.outputs[1:]]

    gradient = gradient_function(graph, wrt, "autodiff", symbols).build(safe)
    where = [symbols.index(symbol) for symbol in wrt]

    def moved(arrays: Sequence[Any], moving: Sequence[Any]) -> Any:
        full = list(arrays)
        for k, array in zip(where, moving, strict=True):
            full[k] = array
        return gradient(*full)[1]

    def forward(*given: Any) -> Any:
        arrays, units = given[: len(symbols)], given[len(symbols) :]
        at = tuple(arrays[k] for k in where)
        return jax.jvp(lambda *moving: moved(arrays, moving), at, units)[1]

    def reverse(*given: Any) -> Any:
        arrays, units = given[: len(symbols)], given[len(symbols) :]
        return jax.vjp(lambda *moving: moved(arrays, moving), *(arrays[k] for k in where))[1](units)

    modes = {MODES[0]: jax.jit(forward), MODES[1]: jax.jit(reverse)}
    return Programs(derived, along, second, tuple(directions), jax.jit(formula), modes)
