"""A graph of scalars as a pure JAX function that runs on the machine, with derivatives of any order.

JAX differentiates the graph and not the machine: the rule of the function is the gradient graph of the symbolic route,
which is again a function on the machine, so that jit, vmap, grad and grad of grad all work. `by_reverse_mode` is
the autodiff route: local partials by JAX's own rules, accumulated by the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from symdiff.arguments import floating_dtype
from symdiff.graph import Graph
from symdiff.symbolic import gradient_graph
from symdiff.tape import machine
from symdiff.tape.tape import Tape, edges_of, size_class, tape_of

Outputs = Callable[..., list[jax.Array]]


def outputs_function(graph: Graph, symbols: Sequence[Any]) -> Outputs:
    """All outputs of a graph as a function of the arrays of `symbols`, which broadcast to one shape.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> f = outputs_function(graph_of([x**3, sp.sin(x)]), [x])
    >>> float(f(2.0)[0]), float(jax.grad(jax.grad(lambda u: f(u)[0]))(2.0))
    (8.0, 12.0)
    """
    order = tuple(symbols)
    tape = tape_of(graph, order)
    padded = np.zeros(size_class(len(tape.outputs)), np.int32)
    padded[: len(tape.outputs)] = tape.outputs

    @jax.custom_jvp
    def function(*arrays: Any) -> list[jax.Array]:
        head, shape = _head(tape, arrays)
        found = machine.run(tape.kinds, tape.kind, tape.operands, padded, head)
        return [found[k].reshape(shape) for k in range(len(tape.outputs))]

    @lru_cache(maxsize=8)
    def partials_in(moving: tuple[int, ...]) -> Outputs:
        return outputs_function(gradient_graph(graph, [order[k] for k in moving]), order)

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[jax.Array], list[jax.Array]]:
        moving = tuple(k for k, tangent in enumerate(tangents) if not isinstance(tangent, SymbolicZero))
        found = partials_in(moving)(*primals)
        width = len(moving) + 1
        values = found[::width]
        along: list[jax.Array] = []
        for row in range(len(tape.outputs)):
            terms = [found[row * width + 1 + k] * tangents[place] for k, place in enumerate(moving)]
            along.append(sum(terms[1:], terms[0]) if terms else jnp.zeros_like(values[row]))
        return values, along

    function.defjvp(rule, symbolic_zeros=True)
    return function


def by_reverse_mode(graph: Graph, wrt: Sequence[Any], symbols: Sequence[Any]) -> Callable[..., tuple[Any, Any]]:
    """Value of the first output and its partials (len(wrt), *S), as a function of the arrays of `symbols`.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> value, partials = by_reverse_mode(graph_of([x * y**2]), [x, y], [x, y])(3.0, 2.0)
    >>> float(value), partials.tolist()
    (12.0, [4.0, 12.0])
    """
    order = tuple(symbols)
    tape = tape_of(graph, order)
    places = np.asarray([order.index(symbol) for symbol in wrt], np.int32)
    edges = edges_of(tape, set(places.tolist()))

    def function(*arrays: Any) -> tuple[jax.Array, jax.Array]:
        head, shape = _head(tape, arrays)
        found = machine.run_back(tape.kinds, tape.kind, tape.operands, edges, tape.outputs[0], places, head)
        return found[0].reshape(shape), found[1:].reshape(len(places), *shape)

    return function


def _head(tape: Tape, arrays: Sequence[Any]) -> tuple[jax.Array, tuple[int, ...]]:
    """Values before the first step, (head, points), and the shape of the points."""
    dtype = floating_dtype(*arrays)
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))
    points = int(np.prod(shape))
    # scalars take the dtype of arrays, as everywhere
    rows = [jnp.broadcast_to(jnp.asarray(array, dtype), shape).reshape(points) for array in arrays]
    constants = jnp.broadcast_to(jnp.asarray(tape.constant_values(dtype))[:, None], (tape.head - len(rows), points))
    return jnp.concatenate([jnp.stack(rows), constants] if rows else [constants]), shape
