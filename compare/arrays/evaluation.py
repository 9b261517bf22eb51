"""The three routes on arrays at one point, and how much of their error rounding explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from compare.bounds import jaxpr
from compare.bounds.chain_arrays import adjoint_bounds
from compare.bounds.graph import SAFETY, lost_constants, node_bounds
from symdiff.graph import Graph
from symdiff.routes import ROUTES, Route
from symdiff.symbolic import gradient_graph
from symdiff.tensors.lengths import Lengths, concrete
from symdiff.tensors.running import ArrayFunction, gradient_function

Arrays = Mapping[Any, NDArray[Any]]
Partials = Sequence[NDArray[np.float64]]
# a graph, its gradient, and JAX's gradient as a program
Prepared = tuple[Graph, Graph, Any]


@dataclass(frozen=True)
class ArrayEvaluation:
    """Partials and tolerances by route, one array for each of `wrt`, of its shape.

    `chosen` tells whether rounding may have decided a branch or the side of a kink.
    """

    partials: Mapping[Route, Partials]
    tolerances: Mapping[Route, Partials]
    chosen: bool


@dataclass(frozen=True, eq=False)
class Routes:
    """The routes of a number, as `value_and_gradient` runs them; `symbols` are all arrays that they take.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 2, 1)
    >>> found = Routes(graph_of([sp.Trace(a.T * a)]), (a,), (a,)).at({a: np.array([[1.0], [2.0]])}, {}, "float64")
    >>> [found.partials[route][0].tolist() for route in ROUTES]
    [[[2.0], [4.0]], [[2.0], [4.0]], [[2.0], [4.0]]]
    """

    graph: Graph
    wrt: tuple[Any, ...]
    symbols: tuple[Any, ...]
    _definitions: dict[Any, Graph] = field(default_factory=dict[Any, Graph], init=False, repr=False)
    _prepared: dict[Any, Prepared] = field(default_factory=dict[Any, Prepared], init=False, repr=False)

    @cached_property
    def functions(self) -> dict[Route, ArrayFunction]:
        """Value and gradient by each route."""
        return {route: gradient_function(self.graph, self.wrt, route, self.symbols) for route in ROUTES}

    def definition(self, shapes: Mapping[Any, tuple[int, ...]], lengths: Lengths) -> Graph:
        """The expression for arrays of these shapes, as the referee takes it."""
        key = (tuple(shapes[symbol] for symbol in self.symbols), tuple(lengths.items()))
        if key not in self._definitions:
            self._definitions[key] = concrete(self.graph, lengths, shapes)
        return self._definitions[key]

    def _prepare(self, arrays: Arrays, lengths: Lengths, dtype: str) -> Prepared:
        """What the routes run for arrays of these shapes."""
        shapes = {symbol: np.shape(arrays[symbol]) for symbol in self.symbols}
        key = (tuple(shapes.values()), tuple(lengths.items()), dtype)
        if key not in self._prepared:
            fixed = concrete(self.functions["autodiff"].graph, lengths, shapes)
            program = jax.make_jaxpr(self.functions["autodiff"].build(fixed))(*(arrays[s] for s in self.symbols))
            self._prepared[key] = fixed, gradient_graph(fixed, self.wrt), program
        return self._prepared[key]

    def at(self, arrays: Arrays, lengths: Lengths, dtype: str) -> ArrayEvaluation:
        """Run the routes on arrays in their dtype."""
        fixed, derived, program = self._prepare(arrays, lengths, dtype)
        given = [arrays[symbol] for symbol in self.symbols]
        partials: dict[Route, Partials] = {
            route: [np.asarray(p, np.float64) for p in self.functions[route](given, lengths)[1]] for route in ROUTES
        }
        shapes = [np.shape(arrays[symbol]) for symbol in self.wrt]
        chain, chosen = adjoint_bounds(fixed, arrays, self.wrt, dtype)
        along = node_bounds(derived, arrays, dtype)[1]
        symbolic = [
            np.broadcast_to(np.asarray(along[node], np.float64), shape)
            for node, shape in zip(derived.outputs[1:], shapes, strict=True)
        ]
        lost = max(lost_constants(each, dtype) for each in (fixed, derived))
        walked = jaxpr.output_bounds(program, given, dtype, lost)
        # one of JAX's operations may have no bound
        others = [np.maximum(*pair) for pair in zip(symbolic, chain, strict=True)]
        autodiff = others if walked is None else walked[1:]
        bounds: dict[Route, Partials] = {"symbolic": symbolic, "autodiff": autodiff, "chain": chain}
        tolerances: dict[Route, Partials] = {route: [SAFETY * bound for bound in bounds[route]] for route in ROUTES}
        return ArrayEvaluation(partials, tolerances, chosen)
