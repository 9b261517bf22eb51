"""The chain route: hand-written local partials, swept forward and in reverse over the graph, in NumPy.

Forward mode carries dv/ds of each node v along one direction s, front to back; reverse mode carries dy/dv of one
output y, back to front (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, sections 3.1 and 3.2). Values are
NumPy scalars at one point and arrays over a batch; the code is the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symdiff.constants import nearest
from symdiff.errors import UnsupportedError
from symdiff.function import Absence, Function
from symdiff.graph import Graph
from symdiff.tensors.operation import Operation

Array = np.ndarray[Any, Any]

# of node values held at once; larger batches are swept in blocks of points
BLOCK_BYTES = 2**28


def forward(graph: Graph, inputs: Mapping[sp.Symbol, Any], dtype: Any = np.float64) -> list[Any]:
    """Value of every node, front to back, given arrays (or scalars) for the input symbols.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [float(v) for v in forward(graph_of([x**2 + 1]), {x: 3.0})]
    [1.0, 3.0, 9.0, 10.0]
    """
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = np.asarray(inputs[symbol], dtype=dtype)[()]
    for node, constant in graph.constants.items():
        values[node] = nearest(constant, dtype)
    with np.errstate(all="ignore"):
        for node, function, operands, static in graph.applications:
            if not operands:
                # an array of constants
                values[node] = function.value(*static).astype(dtype)
            elif len(operands) == 2:
                values[node] = function.value(values[operands[0]], values[operands[1]], *static)
            else:
                values[node] = function.value(*[values[i] for i in operands], *static)
    return values


def tangents(graph: Graph, values: Sequence[Any], seeds: Mapping[sp.Symbol, Any]) -> list[Any]:
    """Forward mode: tangent of every node, from all values and the tangents of the inputs; None is a structural zero.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([x**2 + 1])
    >>> tangents(g, forward(g, {x: 3.0}), {x: 1.0})
    [None, 1.0, 6.0, 6.0]
    """
    result: list[Any] = [None] * len(graph)
    for symbol, seed in seeds.items():
        if symbol in graph.inputs:
            result[graph.inputs[symbol]] = seed
    with np.errstate(all="ignore"):
        for node, function, operands, static in graph.applications:
            total: Any = None
            if isinstance(function, Operation):
                moving = [result[operand] for operand in operands]
                if any(tangent is not None for tangent in moving):
                    result[node] = function.tangent([values[i] for i in operands], moving, static, values[node])
                continue
            for position, operand in enumerate(operands):
                tangent = result[operand]
                partial = function.partials[position]
                if tangent is None or partial is Absence.ZERO:
                    continue
                if not isinstance(partial, float):
                    partial = local_partial(function, position, [values[i] for i in operands], static, values[node])
                total = partial * tangent if total is None else total + partial * tangent
            result[node] = total
    return [float(t) if isinstance(t, np.floating) and t.dtype == np.float64 else t for t in result]


def adjoints(graph: Graph, values: Sequence[Any], output: int, wrt: Sequence[int], *, keep: bool = True) -> list[Any]:
    """Reverse mode: adjoint dy/dv of every node v that lies between the nodes `wrt` and the output y; None elsewhere.

    With `keep=False` an adjoint is let go once it has been passed on, which halves the memory of a batch.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([x**2 + 1])
    >>> node = g.inputs[x]
    >>> float(adjoints(g, forward(g, {x: 3.0}), g.outputs[0], [node])[node])
    6.0
    """
    active = graph.depends_on(wrt).tolist()
    result: list[Any] = [None] * len(graph)
    result[output] = np.asarray(values[output]).dtype.type(1)
    with np.errstate(all="ignore"):
        for node, function, operands, static in reversed(graph.applications):
            adjoint = result[node]
            if adjoint is None or not active[node]:
                continue
            for position, operand in enumerate(operands):
                if not active[operand]:
                    continue
                if isinstance(function, Operation):
                    arguments = [values[i] for i in operands]
                    contribution = function.adjoint(position, adjoint, arguments, static, values[node])
                    if contribution is None:
                        # no derivative by design
                        continue
                    known = result[operand]
                    result[operand] = contribution if known is None else known + contribution
                    continue
                partial = function.partials[position]
                if partial is Absence.ZERO:
                    continue
                if partial == 1.0:
                    contribution = adjoint
                elif partial == -1.0:
                    contribution = -adjoint
                else:
                    arguments = [values[i] for i in operands]
                    contribution = adjoint * local_partial(function, position, arguments, static, values[node])
                if graph.shapes:
                    contribution = collected(contribution, np.shape(values[node]), np.shape(values[operand]))
                known = result[operand]
                result[operand] = contribution if known is None else known + contribution
            if not keep:
                result[node] = None
    return result


def collected(contribution: Any, full: tuple[int, ...], own: tuple[int, ...]) -> Any:
    """What comes back to an operand of shape `own` that was copied to the shape `full`: the sum over the copies."""
    if own == full:
        return contribution
    whole = np.broadcast_to(contribution, full)
    whole = whole.sum(axis=tuple(range(len(full) - len(own))))
    return whole.sum(axis=tuple(axis for axis, length in enumerate(own) if length == 1), keepdims=True).reshape(own)


def local_partial(function: Function, position: int, operands: Sequence[Any], static: Sequence[Any], value: Any) -> Any:
    """Number of one hand-written local partial at given operands and result."""
    partial = function.partials[position]
    if callable(partial):
        return partial(*operands, *static, value)
    if partial is Absence.NONDIFFERENTIABLE:
        raise UnsupportedError(function.not_differentiable(position))
    return 0.0 if partial is Absence.ZERO else partial


def value_and_gradient(
    graph: Graph, inputs: Mapping[sp.Symbol, Array], wrt: Sequence[sp.Symbol], dtype: Any = np.float64
) -> tuple[Array, Array]:
    """Value of the first output and its partials in `wrt`, at one point or a batch.

    `inputs` are arrays that broadcast to one shape S; the value has shape S and the partials (len(wrt), *S).

    >>> from symdiff.from_sympy import graph_of
    >>> w, x = sp.symbols("w x", real=True)
    >>> value_and_gradient(graph_of([w * x]), {w: np.array([1.0, 2.0]), x: np.array(3.0)}, [w, x])
    (array([3., 6.]), array([[3., 3.],
           [1., 2.]]))
    """
    shape = np.broadcast_shapes(*(np.shape(array) for array in inputs.values())) if inputs else ()
    points = math.prod(shape)
    block = max(64, BLOCK_BYTES // (8 * len(graph)))
    if points <= block:
        return _sweep(graph, inputs, wrt, shape, dtype)
    flat = {symbol: np.broadcast_to(array, shape).reshape(-1) for symbol, array in inputs.items()}
    value, partials = np.empty(points, dtype), np.empty((len(wrt), points), dtype)
    for start in range(0, points, block):
        part = slice(start, min(start + block, points))
        size = (part.stop - part.start,)
        value[part], partials[:, part] = _sweep(graph, {s: a[part] for s, a in flat.items()}, wrt, size, dtype)
    return value.reshape(shape), partials.reshape(len(wrt), *shape)


def _sweep(
    graph: Graph, inputs: Mapping[sp.Symbol, Array], wrt: Sequence[sp.Symbol], shape: tuple[int, ...], dtype: Any
) -> tuple[Array, Array]:
    output = graph.outputs[0]
    values = forward(graph, inputs, dtype)
    sources = [graph.inputs[symbol] for symbol in wrt if symbol in graph.inputs]
    found = adjoints(graph, values, output, sources, keep=False)
    partials = np.zeros((len(wrt), *shape), dtype)
    for row, symbol in enumerate(wrt):
        adjoint = found[graph.inputs[symbol]] if symbol in graph.inputs else None
        if adjoint is not None:
            partials[row] = adjoint
    return np.array(np.broadcast_to(values[output], shape), dtype), partials
