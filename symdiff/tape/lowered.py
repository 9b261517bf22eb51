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
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero

from symdiff.graph import Graph
from symdiff.symbolic import gradient_graph
from symdiff.tape import machine
from symdiff.tape.program import Program, on_host
from symdiff.tape.tape import INPUTS, edges_of, size_class, tape_of

Outputs = Callable[..., list[jax.Array]]
ValueAndPartials = Callable[..., tuple[jax.Array, jax.Array]]


def outputs_function(graph: Graph, symbols: Sequence[Any], native: bool = False) -> Outputs:
    """All outputs of a graph as a function of the arrays of `symbols`, which broadcast to one shape.

    With `native` the compiled loop takes the place of the machine, where it can be had.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> f = outputs_function(graph_of([x**3, sp.sin(x)]), [x])
    >>> float(f(2.0)[0]), float(jax.grad(jax.grad(lambda u: f(u)[0]))(2.0))
    (8.0, 12.0)
    """
    program, inner = _of_graph(graph, tuple(symbols), native=native)
    on_device = jax.jit(inner)

    def function(*arrays: Any) -> list[jax.Array]:
        if on_host(arrays):
            return program.each(arrays)
        return (inner if _traced(arrays) else on_device)(*program.converted(arrays))

    return function


def value_and_partials(derived: Graph, symbols: Sequence[Any], native: bool = False) -> ValueAndPartials:
    """The first output of a graph, and the others as one array (outputs - 1, *S); see `outputs_function`."""
    program, inner = _of_graph(derived, tuple(symbols), joined=True, native=native)
    return _value_and_rest(program, inner)


def by_reverse_mode(graph: Graph, wrt: Sequence[Any], symbols: Sequence[Any], native: bool = False) -> ValueAndPartials:
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
    places = [order.index(symbol) for symbol in wrt]
    edges, ways = edges_of(tape, set(places))
    padded = np.zeros(size_class(len(places), INPUTS), np.int32)
    padded[: len(places)] = places
    arguments = (tape.steps, np.int32(tape.length), edges, np.int32(ways), tape.outputs[0], padded)
    taped = Program(tape, machine.run_back, arguments, 1 + len(places))
    program = _native().partials_program(tape, places, taped) if native else taped

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[jax.Array], list[jax.Array]]:
        """Second derivatives: JAX's forward mode through the machine, one direction after the other."""
        moving = _moving(tangents)
        stack, shape = taped.stacked(primals)

        def column(place: Any) -> jax.Array:
            unit = jnp.zeros_like(stack).at[place].set(1)
            return jax.jvp(taped.rows, (stack,), (unit,))[1][: taped.count].reshape(taped.count, *shape)

        columns = jax.lax.map(column, jnp.asarray(moving, jnp.int32))
        found = list(program(*primals))
        return found, [_along(columns[:, k], moving, tangents, value) for k, value in enumerate(found)]

    return _value_and_rest(program, _differentiable(program, rule, joined=True))


def _of_graph(
    graph: Graph, order: tuple[Any, ...], joined: bool = False, native: bool = False
) -> tuple[Program, Callable[..., Any]]:
    """The program of a graph, and the function for JAX, whose outputs are as in `_differentiable`."""
    tape = tape_of(graph, order)
    program = Program(tape, machine.run, (tape.steps, np.int32(tape.length), tape.outputs), tape.count)
    if native:
        program = _native().outputs_program(tape, program)

    @lru_cache(maxsize=8)
    def partials_in(moving: tuple[int, ...]) -> Callable[..., Any]:
        derived = gradient_graph(graph, [order[k] for k in moving])
        return _of_graph(derived, order, joined=tape.count == 1, native=native)[1]

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[jax.Array], list[jax.Array]]:
        moving = _moving(tangents)
        found, width = partials_in(moving)(*primals), len(moving) + 1
        if tape.count == 1:
            value, partials = found
            return [value], [_along(partials, moving, tangents, value)]
        values = found[::width]
        rows = [found[row * width + 1 : (row + 1) * width] for row in range(len(values))]
        return values, [_along(row, moving, tangents, y) for row, y in zip(rows, values, strict=True)]

    return program, _differentiable(program, rule, joined)


def _native() -> Any:
    """The compiled loop's programs, imported when first asked for."""
    from symdiff.native import program

    return program


def _differentiable(program: Program, rule: Any, joined: bool) -> Callable[..., Any]:
    """The outputs, with a rule for JAX, one by one, so that what is not used brings no zero times infinity.

    Or `joined`: the first, and the others as one array, which spares XLA to take it apart and together.
    """

    @jax.custom_jvp
    def inner(*arrays: Any) -> Any:
        found = program(*arrays)
        return (found[0], found[1:]) if joined else list(found)

    def both(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        values, along = rule(primals, tangents)
        if not joined:
            return values, along
        return (values[0], _rest(values)), (along[0], _rest(along))

    inner.defjvp(both, symbolic_zeros=True)
    return inner


def _rest(values: Sequence[jax.Array]) -> jax.Array:
    return jnp.stack(values[1:]) if len(values) > 1 else jnp.zeros((0, *values[0].shape), values[0].dtype)


def _value_and_rest(program: Program, inner: ValueAndPartials) -> ValueAndPartials:
    on_device = jax.jit(inner)

    def function(*arrays: Any) -> tuple[jax.Array, jax.Array]:
        if on_host(arrays):
            return program.first_and_rest(arrays)
        return (inner if _traced(arrays) else on_device)(*program.converted(arrays))

    return function


def _moving(tangents: Sequence[Any]) -> tuple[int, ...]:
    return tuple(k for k, tangent in enumerate(tangents) if not isinstance(tangent, SymbolicZero))


def _along(partials: Any, moving: Sequence[int], tangents: Sequence[Any], value: jax.Array) -> jax.Array:
    """The derivative of one output along the tangents, which broadcast to its shape."""
    if not moving:
        return jnp.zeros_like(value)
    directions = jnp.stack([jnp.broadcast_to(tangents[k], value.shape) for k in moving])
    return (jnp.asarray(partials if isinstance(partials, jax.Array) else jnp.stack(partials)) * directions).sum(axis=0)


def _traced(arrays: Sequence[Any]) -> bool:
    return any(isinstance(array, Tracer) for array in arrays)
