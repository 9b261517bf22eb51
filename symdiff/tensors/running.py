"""Value and gradient of a graph with shapes, by any of the three routes, for arrays of one point or of a batch.

An array argument has the axes of its symbol, after those of the batch; batches broadcast. For each set of lengths the
graph is made concrete once, and jitted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff import chain
from symdiff.arguments import floating_dtype, real_values
from symdiff.errors import InputError, ShapeError
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import node_values
from symdiff.rewriting.rewrites import lowerable
from symdiff.symbolic import gradient_graph
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.lengths import concrete, find_lengths, length_symbols
from symdiff.tensors.shapes import same, told, written
from symdiff.tensors.short_arrays import jitted

Run = Callable[..., Any]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(eq=False)
class ArrayFunction:
    """A function of arrays, compiled anew for each set of lengths.

    `build(graph)` makes a function of the arrays of one point from a graph of known lengths; `symbols` is their order.
    """

    graph: Graph
    symbols: tuple[Any, ...]
    build: Callable[[Graph], Run]
    numpy: bool = False
    runs: dict[Any, Run] = field(default_factory=dict[Any, Run])

    @cached_property
    def lengths(self) -> tuple[sp.Symbol, ...]:
        """The symbolic lengths, of which those that follow from no array have to be given."""
        return length_symbols(self.graph)

    def __call__(self, arrays: Sequence[Any], given: Mapping[sp.Symbol, int] | None = None) -> Any:
        """Run on arrays in the order of `symbols`; raises ShapeError where their shapes do not fit."""
        converted = real_values(self.symbols, arrays)
        dtype = floating_dtype(*converted)
        if self.numpy:
            converted = [np.asarray(array, dtype) for array in converted]
        else:
            converted = [jnp.asarray(array, dtype) for array in converted]
        ranks = [_rank(self.graph, symbol) for symbol in self.symbols]
        batch, own = split_batches(self.graph, self.symbols, converted, ranks)
        shapes = dict(zip(self.symbols, own, strict=True))
        lengths = find_lengths(self.graph, shapes, given or {})
        key = (own, tuple(sorted((s.name, n) for s, n in lengths.items())))
        if key not in self.runs:
            fixed = concrete(self.graph, lengths, shapes)
            run = self.build(fixed)
            self.runs[key] = run if self.numpy else jitted(_over_batch(run, ranks), fixed)
        run = self.runs[key]
        return _looped(run, converted, ranks, batch) if self.numpy else run(math.prod(batch), *converted)


def _rank(graph: Graph, symbol: Any) -> int:
    if symbol in graph.inputs:
        return len(graph.shape(graph.inputs[symbol]))
    return len(symbol.shape or ()) if hasattr(symbol, "shape") else 0


def split_batches(
    graph: Graph, symbols: Sequence[Any], arrays: Sequence[Any], ranks: Sequence[int]
) -> tuple[tuple[int, ...], Shapes]:
    """The shape of the batch, and that of each argument at one point."""
    batches: list[tuple[int, ...]] = []
    own: list[tuple[int, ...]] = []
    for symbol, array, rank in zip(symbols, arrays, ranks, strict=True):
        shape = np.shape(array)
        if len(shape) < rank:
            axes = told(graph.shape(graph.inputs[symbol]) if symbol in graph.inputs else symbol.shape)
            raise ShapeError(
                f"{symbol} has the shape {axes}, but the array given has the shape {shape}; give one of {rank} axes"
            )
        batches.append(shape[: len(shape) - rank])
        own.append(shape[len(shape) - rank :])
    try:
        return np.broadcast_shapes(*batches), tuple(own)
    except ValueError:
        given = ", ".join(f"{s} {np.shape(a)}" for s, a in zip(symbols, arrays, strict=True))
        raise ShapeError(
            f"the axes of the arrays before those of one point form a batch, and do not broadcast: {given}"
        ) from None


def _over_batch(run: Run, ranks: Sequence[int]) -> Run:
    """The function mapped over all axes in front of those of one point; an argument without an axis is shared."""

    def mapped(*arrays: jax.Array) -> Any:
        fronts = [array.ndim - rank for array, rank in zip(arrays, ranks, strict=True)]
        depth = max(fronts, default=0)
        whole = np.broadcast_shapes(*(a.shape[:front] for a, front in zip(arrays, fronts, strict=True)))
        function = run
        squeezed: list[jax.Array] = []
        axes: list[list[int | None]] = []
        for array, front in zip(arrays, fronts, strict=True):
            present = [array.shape[front - 1 - k] == whole[depth - 1 - k] for k in range(front)]
            drop = tuple(front - 1 - k for k in range(front) if not present[k])
            squeezed.append(jnp.squeeze(array, drop))
            axes.append([0 if k < front and present[k] else None for k in range(depth)])
        for k in range(depth):
            function = jax.vmap(function, in_axes=tuple(own[k] for own in axes))
        return function(*squeezed)

    return mapped


def _looped(run: Run, arrays: Sequence[Any], ranks: Sequence[int], batch: tuple[int, ...]) -> Any:
    """The function at each point of a batch, in NumPy."""
    if not batch:
        return run(*arrays)
    spread = [np.broadcast_to(a, (*batch, *a.shape[a.ndim - rank :])) for a, rank in zip(arrays, ranks, strict=True)]
    results = [run(*(array[place] for array in spread)) for place in itertools.product(*map(range, batch))]
    if not results:
        raise ShapeError("the batch is empty; give at least one point")
    first, *_ = results
    if isinstance(first, tuple):
        value = np.stack([result[0] for result in results]).reshape(batch)
        grads = tuple(
            np.stack(each).reshape(*batch, *each[0].shape) for each in zip(*(r[1] for r in results), strict=True)
        )
        return value, grads
    return np.stack(results).reshape(*batch, *first.shape)


def scalar(graph: Graph) -> Graph:
    """The graph with its first output as a number; a 1×1 matrix is one. Raises InputError for other shapes."""
    shape = graph.shape(graph.outputs[0])
    if not shape:
        return graph
    if not all(same(length, 1) for length in shape):
        raise InputError(
            f"the expression has the shape {written(shape)}; a gradient needs a number: take an entry, a trace, a norm "
            "or a sum"
        )
    b = GraphBuilder()
    places = b.splice(graph)
    first = contract(b, [places[graph.outputs[0]]], [ALPHABET[: len(shape)], ""])
    return b.finish([first, *(places[node] for node in graph.outputs[1:])])


def gradient_function(
    graph: Graph, wrt: Sequence[Any], route: Literal["symbolic", "autodiff", "chain"], symbols: Sequence[Any]
) -> ArrayFunction:
    """Value and partials of the first output as a function of arrays; the partials are a tuple, one a symbol."""
    order = tuple(symbols)
    places = {symbol: place for place, symbol in enumerate(order)}
    number = scalar(graph)

    def symbolic(fixed: Graph) -> Run:
        derived = gradient_graph(fixed, wrt)

        def run(*arrays: jax.Array) -> Any:
            dtype = floating_dtype(*arrays)
            values = node_values(derived, _present(derived, order, arrays), dtype)
            value, *partials = (values[node] for node in derived.outputs)
            shapes = [arrays[places[symbol]].shape for symbol in wrt]
            return value.astype(dtype), tuple(jnp.broadcast_to(p, s) for p, s in zip(partials, shapes, strict=True))

        return run

    def autodiff(fixed: Graph) -> Run:
        moving = tuple(places[symbol] for symbol in wrt)

        def value_of(*arrays: jax.Array) -> jax.Array:
            dtype = floating_dtype(*arrays)
            values = node_values(fixed, _present(fixed, order, arrays), dtype)
            return jnp.asarray(values[fixed.outputs[0]], dtype)

        return jax.value_and_grad(value_of, argnums=moving)

    def by_chain(fixed: Graph) -> Run:
        def run(*arrays: Any) -> Any:
            dtype = floating_dtype(*arrays)
            values = chain.forward(fixed, _present(fixed, order, arrays), dtype)
            sources = [fixed.inputs[symbol] for symbol in wrt if symbol in fixed.inputs]
            found = chain.adjoints(fixed, values, fixed.outputs[0], sources, keep=False)
            partials = [
                np.zeros(()) if s not in fixed.inputs or found[fixed.inputs[s]] is None else found[fixed.inputs[s]]
                for s in wrt
            ]
            shapes = [np.shape(arrays[places[symbol]]) for symbol in wrt]
            grads = tuple(np.broadcast_to(p, s).astype(dtype) for p, s in zip(partials, shapes, strict=True))
            return np.asarray(values[fixed.outputs[0]], dtype), grads

        return run

    builds = {"symbolic": symbolic, "autodiff": autodiff, "chain": by_chain}
    return ArrayFunction(lowerable(number), order, builds[route], numpy=route == "chain")


def output_function(graph: Graph, symbols: Sequence[Any]) -> ArrayFunction:
    """All outputs of a graph as a function of arrays, each of its own shape."""
    order = tuple(symbols)

    def build(fixed: Graph) -> Run:
        def run(*arrays: jax.Array) -> Any:
            dtype = floating_dtype(*arrays)
            values = node_values(fixed, _present(fixed, order, arrays), dtype)
            return [jnp.broadcast_to(jnp.asarray(values[n], dtype), fixed.shape(n)) for n in fixed.outputs]

        return run

    return ArrayFunction(lowerable(graph), order, build)


def _present(graph: Graph, order: Sequence[Any], arrays: Sequence[Any]) -> dict[Any, Any]:
    return {symbol: array for symbol, array in zip(order, arrays, strict=True) if symbol in graph.inputs}
