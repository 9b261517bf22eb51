"""A graph of scalars as a pure JAX function of vector operations, and the two routes to its gradient.

Arguments are stacked before the first operation: numbers in one vector, arrays over points in one matrix, so that
weights that all points share meet a batch in a matrix product. A graph is grouped anew for each choice of arguments
that are arrays, which is known when it is called. JAX differentiates the vector operations by its own rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from symdiff.arguments import floating_dtype
from symdiff.graph import Graph
from symdiff.vectorised.evaluation import group_values, outputs_of
from symdiff.vectorised.grouping import BATCHES, LIFTED, NUMBERS, Program, program_of
from symdiff.vectorised.patterns import read

Run = Callable[[Program, Sequence[Any], int | None], Any]

# combinations of numbers and arrays among the arguments that a function keeps programs for
KEPT_PROGRAMS = 16


def outputs_function(graph: Graph, symbols: Sequence[Any]) -> Callable[..., list[jax.Array]]:
    """All outputs of a graph as a function of the arrays of `symbols`, which broadcast to one shape.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.symbols("x:30", real=True)
    >>> f = outputs_function(graph_of([sum(u**2 for u in x), x[3]]), x)
    >>> [float(value) for value in f(*range(30))]
    [8555.0, 3.0]
    """
    return _Lowered(graph, symbols, _all_outputs).outputs


def value_and_partials(derived: Graph, symbols: Sequence[Any]) -> Callable[..., tuple[jax.Array, jax.Array]]:
    """The first output of a graph, and the others as one array (outputs - 1, *S); see `outputs_function`."""
    return _Lowered(derived, symbols, _first_and_rest).value_and_rest


def by_reverse_mode(
    graph: Graph, wrt: Sequence[Any], symbols: Sequence[Any]
) -> Callable[..., tuple[jax.Array, jax.Array]]:
    """Value of the first output and its partials (len(wrt), *S) by JAX's rules, as a function of arrays of `symbols`.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> value, partials = by_reverse_mode(graph_of([x * y**2]), [x, y], [x, y])(3.0, 2.0)
    >>> float(value), partials.tolist()
    (12.0, [4.0, 12.0])
    """
    order = {symbol: k for k, symbol in enumerate(symbols)}
    moving = tuple(order[symbol] for symbol in wrt)
    return _Lowered(graph, symbols, partial(_pulled_back, moving), frozenset(moving)).value_and_rest


def _all_outputs(program: Program, arguments: Sequence[Any], points: int | None) -> Any:
    count = len(program.outputs[0])
    found = outputs_of(program, group_values(program, arguments), 0, count, points)
    return [found[k] for k in range(count)]


def _first_and_rest(program: Program, arguments: Sequence[Any], points: int | None) -> Any:
    count, values = len(program.outputs[0]), group_values(program, arguments)
    first = outputs_of(program, values, 0, 1, points)[0]
    if count == 1:
        return first, jnp.zeros((0, *first.shape), first.dtype)
    return first, outputs_of(program, values, 1, count, points)


def _pulled_back(moving: tuple[int, ...], program: Program, arguments: Sequence[Any], points: int | None) -> Any:
    # an array of its own for each point, so that the pulled-back ones are the partials point by point
    lifted = arguments[LIFTED]
    if points is not None:
        lifted = jnp.broadcast_to(lifted[:, None], (lifted.shape[0], points))
    whole = (arguments[NUMBERS], arguments[BATCHES], lifted)

    def model(*whole: Any) -> Any:
        return outputs_of(program, group_values(program, whole), 0, 1, points)[0]

    value, pullback = jax.vjp(model, *whole)
    found = pullback(jnp.ones_like(value))
    places = {k: (kind, place) for kind, part in enumerate(program.arguments) for place, k in enumerate(part)}
    kinds = sorted({places[k][0] for k in moving})
    starts = dict(zip(kinds, np.cumsum([0, *(found[kind].shape[0] for kind in kinds)]), strict=False))
    index = np.asarray([starts[places[k][0]] + places[k][1] for k in moving], np.int64)
    joined = jnp.concatenate([found[kind] for kind in kinds]) if len(kinds) > 1 else found[kinds[0]]
    rows = read(joined, index)
    return value, jnp.broadcast_to(rows, (len(moving), *rows.shape[1:]))


class _Known(NamedTuple):
    """The common shape of arguments, their points unless there is one, and what computes with them."""

    shape: tuple[int, ...]
    points: int | None
    program: Program
    compiled: Any


class _Lowered:
    """A run of a graph's programs; each choice of arguments that are arrays has a program and a compiled function."""

    def __init__(self, graph: Graph, symbols: Sequence[Any], run: Run, moving: frozenset[int] = frozenset()) -> None:
        self.graph, self.symbols, self.run, self.moving = graph, tuple(symbols), run, moving
        self._programs: dict[tuple[int, ...], tuple[Program, Any]] = {}
        self._known: dict[tuple[tuple[int, ...], ...], _Known] = {}

    def outputs(self, *arrays: Any) -> list[jax.Array]:
        """All outputs, each of the common shape of the arrays."""
        shape, found = self._found(arrays)
        return found if shape is None else _reshaped(found, shape)

    def value_and_rest(self, *arrays: Any) -> tuple[jax.Array, jax.Array]:
        """The first output, and the others as one array."""
        shape, (value, rest) = self._found(arrays)
        return (value, rest) if shape is None else (value.reshape(shape), rest.reshape(rest.shape[0], *shape))

    def _found(self, arrays: Sequence[Any]) -> tuple[tuple[int, ...] | None, Any]:
        """The shape to give to each result, if it is not what it has, and the results over one axis of points."""
        shapes = tuple([getattr(array, "shape", ()) for array in arrays])
        known = self._known.get(shapes) or self._of_shapes(shapes)
        shape, points, program, compiled = known
        types, dtype = set(map(type, arrays)), _common_dtype(arrays)
        if jax.default_backend() == "cpu" and not any(issubclass(each, Tracer) for each in types):
            found = compiled(_stacked(program, arrays, shape, points, dtype, np), points)
        else:
            found = self.run(program, _stacked(program, arrays, shape, points, dtype, jnp), points)
        return (None if shape in ((), (points,)) else shape), found

    def _of_shapes(self, shapes: tuple[tuple[int, ...], ...]) -> _Known:
        """What is made once for the shapes of the arguments, and kept."""
        different = {*shapes}
        shape = np.broadcast_shapes(*different)
        sizes = {own: math.prod(own) for own in (*different, shape)}
        points = None if sizes[shape] == 1 else sizes[shape]
        still = NUMBERS if points is None else LIFTED
        kinds = tuple(
            BATCHES if sizes[own] != 1 else still if k in self.moving else NUMBERS for k, own in enumerate(shapes)
        )
        while len(self._known) >= KEPT_PROGRAMS:
            del self._known[next(iter(self._known))]
        self._known[shapes] = found = _Known(shape, points, *self._program(kinds))
        return found

    def _program(self, kinds: tuple[int, ...]) -> tuple[Program, Any]:
        known = self._programs.get(kinds)
        if known is None:
            program = program_of(self.graph, self.symbols, kinds)
            known = program, jax.jit(partial(self.run, program), static_argnums=1)
            while len(self._programs) >= KEPT_PROGRAMS:
                del self._programs[next(iter(self._programs))]
            self._programs[kinds] = known
        return known


def _common_dtype(arrays: Sequence[Any]) -> Any:
    found = {getattr(array, "dtype", None) for array in arrays}
    # asking NumPy about a thousand arrays takes milliseconds
    return np.dtype(np.float64) if found <= {np.dtype(np.float64), None} else floating_dtype(*arrays)


def _stacked(
    program: Program, arrays: Sequence[Any], shape: tuple[int, ...], points: int | None, dtype: Any, numpy: Any
) -> tuple[Any, Any, Any]:
    """The arguments by their groups: (numbers,), (batches, points), (lifted,)."""
    found: list[Any] = []
    for kind, part in enumerate(program.arguments):
        if kind == BATCHES:
            stack = _rows([arrays[k] for k in part], shape, points or 1, dtype, numpy)
        elif numpy is np:
            numbers = [arrays[k].reshape(()) if getattr(arrays[k], "ndim", 0) else arrays[k] for k in part]
            stack = np.asarray(numbers or np.zeros(0), dtype)
        else:
            stack = jnp.stack([jnp.asarray(arrays[k], dtype).reshape(()) for k in part]) if part else np.zeros(0, dtype)
        found.append(stack)
    return found[0], found[1], found[2]


def _rows(arrays: Sequence[Any], shape: tuple[int, ...], points: int, dtype: Any, numpy: Any) -> Any:
    if numpy is not np and arrays:
        return jnp.stack([jnp.broadcast_to(jnp.asarray(a, dtype), shape).reshape(points) for a in arrays])
    stack = np.empty((len(arrays), points), dtype)
    for row, array in zip(stack, arrays, strict=True):
        row.reshape(shape)[...] = array
    return stack


@partial(jax.jit, static_argnums=1)
def _reshaped(found: list[jax.Array], shape: tuple[int, ...]) -> list[jax.Array]:
    return [value.reshape(shape) for value in found]
