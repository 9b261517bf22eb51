"""Symbolic lengths: found from the shapes of arrays that are given, and put in place of their symbols.

A graph whose shapes are written with n, m, ... is a formula for data of any length. Before it is computed, each symbol
gets its number, every index is seen to lie within its array, and what remains is a graph of shapes in numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symdiff.constants import float_of
from symdiff.errors import OptionError, ShapeError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.layout import BROADCAST, SLICE, broadcast_to, sliced
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Length, Shape, as_declared, own_length, resolved, symbols_of, written

Lengths = dict[sp.Symbol, int]


def length_symbols(graph: Graph) -> tuple[sp.Symbol, ...]:
    """The symbols that lengths are written with, by name, without those that only stand for an array's own length.

    >>> from symdiff.from_sympy import graph_of
    >>> n = sp.Symbol("n", integer=True)
    >>> x = sp.MatrixSymbol("x", n, 1)
    >>> length_symbols(graph_of([sp.Trace(x * x.T)]))
    (n,)
    """
    found = {symbol for shape in graph.shapes.values() for symbol in symbols_of(shape)}
    found |= {
        symbol
        for step in graph.applications
        if isinstance(step.function, Operation)
        for symbol in symbols_of(step.static)
    }
    return tuple(sorted((s for s in found if not own_length(s)), key=lambda s: s.name))


def length_node(b: GraphBuilder, length: Length) -> int:
    """Node of a length, a number or an expression of symbolic lengths."""
    graph = graph_of([sp.sympify(length)])
    return b.splice(graph)[graph.outputs[0]]


def find_lengths(graph: Graph, shapes: Mapping[Any, tuple[int, ...]], given: Mapping[sp.Symbol, int]) -> Lengths:
    """Number of every length symbol, from the shapes of arrays and from numbers that were given.

    Raises ShapeError where shapes contradict each other, naming both, or where a length cannot be known.
    """
    known: Lengths = dict(given)
    source: dict[sp.Symbol, str] = {symbol: f"{symbol} = {number}" for symbol, number in given.items()}
    pending: list[tuple[Any, Length, int]] = []
    for node, symbol in graph.symbols.items():
        shape = graph.shape(node)
        if not shape:
            continue
        actual = shapes[symbol]
        if len(actual) != len(shape):
            raise ShapeError(misfit(symbol, shape, actual))
        pending += [(symbol, length, number) for length, number in zip(shape, actual, strict=True)]
    # lengths that are symbols alone first, then sums of them
    for symbol, length, number in sorted(pending, key=lambda item: not isinstance(item[1], sp.Symbol)):
        shape = graph.shape(graph.inputs[symbol])
        told = f"{symbol} of shape {written(shapes[symbol])}"
        found = resolved(length, {s: sp.Integer(v) for s, v in known.items()})
        if isinstance(found, int):
            if found != number:
                others = sorted({source[s] for s in symbols_of(length) if s in source} - {told})
                against = f", against {' and '.join(others)}" if others else ""
                raise ShapeError(f"{misfit(symbol, shape, shapes[symbol])}{against}")
            continue
        unknown = symbols_of(found)
        solution = solved_length(found, number, unknown)
        if solution is not None:
            known[next(iter(unknown))] = solution
            source[next(iter(unknown))] = told
    _from_ranges(graph, known, shapes)
    missing = [symbol for symbol in length_symbols(graph) if symbol not in known]
    if missing:
        raise ShapeError(f"the length {missing[0]} follows from no array; give it as an argument")
    return known


def with_lengths(
    given: Sequence[Any], order: Sequence[Any], arrays: Sequence[Any], lengths: Sequence[sp.Symbol]
) -> tuple[list[Any], Lengths]:
    """Arguments as arrays and lengths: lengths stand where `order` has them, or after all else, or are left out.

    Raises OptionError for another number of arguments, ShapeError for a length that is no whole number.
    """
    names = list(order)
    if len(given) == len(order) + len(lengths) and not set(lengths) & set(order):
        names += lengths
    elif len(given) == len(arrays):
        names = list(arrays)
    elif len(given) != len(order):
        told = ", ".join(map(str, order))
        extra = f", and the lengths {', '.join(map(str, lengths))} if they are given" if lengths else ""
        raise OptionError(f"expected {len(order)} arrays ({told}){extra}; got {len(given)}")
    values: dict[Any, Any] = dict(zip(names, given, strict=True))
    return [values[symbol] for symbol in arrays], {s: _whole(s, values[s]) for s in lengths if s in values}


def _whole(symbol: sp.Symbol, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ShapeError(f"the length {symbol} is {type(value).__name__}; give a whole number") from None
    if number != value or number < 0:
        raise ShapeError(f"the length {symbol} is {value}; give a whole number, 0 or more")
    return number


def misfit(symbol: Any, shape: Shape, actual: tuple[int, ...]) -> str:
    """That an array does not have the shape of its symbol, for a message."""
    axes = ", ".join(map(str, as_declared(shape)))
    return f"{symbol} is declared with the shape ({axes}), but the array given has the shape {tuple(actual)}"


def solved_length(length: Length, number: int, unknown: Iterable[sp.Symbol]) -> int | None:
    """The one unknown of length = number, if it is one and the equation is linear."""
    unknown = list(unknown)
    if len(unknown) != 1 or isinstance(length, int):
        return None
    slope = sp.diff(length, unknown[0])
    if not slope.is_Integer:
        return None
    solution = sp.Rational(number - length.xreplace({unknown[0]: sp.Integer(0)}), slope)
    return int(solution) if solution.is_Integer and solution >= 0 else None


def _from_ranges(graph: Graph, known: Lengths, shapes: Mapping[Any, Any]) -> None:
    """Lengths that stand in no declared shape: the range of an index ends where the array does."""
    found: dict[sp.Symbol, dict[Any, int]] = {}
    for step in graph.applications:
        if step.function is not SLICE or step.operands[0] not in graph.symbols:
            continue
        array = graph.symbols[step.operands[0]]
        for axis, (entry, length) in enumerate(zip(step.static[0], graph.shape(step.operands[0]), strict=True)):
            if entry[0] != "range" or not own_length(length):
                continue
            _, start, count, stride = entry
            numbers = {s: sp.Integer(v) for s, v in known.items() if s != length}
            last = resolved(sp.sympify(start + stride * (count - 1) if stride > 0 else start), numbers)
            unknown = symbols_of(last)
            solution = solved_length(last, shapes[array][axis] - 1, unknown)
            if solution is None:
                continue
            symbol = next(iter(unknown))
            told = found.setdefault(symbol, {})
            # of several indices of one array the one that goes farthest ends where the array does
            told[array, axis] = min(told.get((array, axis), solution), solution)
    for symbol, solutions in found.items():
        if symbol in known:
            continue
        (array, _), number = next(iter(solutions.items()))
        for (other, _), its in solutions.items():
            if its != number:
                raise ShapeError(
                    f"{symbol} would be {number} by {array} of shape {written(shapes[array])}, but {its} by {other} of "
                    f"shape {written(shapes[other])}; give arrays of one length, or {symbol} itself"
                )
        known[symbol] = number
        _check_first(graph, symbol, {array for array, _ in solutions})


def _check_first(graph: Graph, symbol: sp.Symbol, arrays: set[Any]) -> None:
    """An index that starts at 1 would silently leave out the first entry of the array whose length it takes."""
    least: dict[Any, int] = {}
    for step in graph.applications:
        if step.function is SLICE and graph.symbols.get(step.operands[0]) in arrays:
            array = graph.symbols[step.operands[0]]
            for entry in step.static[0]:
                first = entry[1] if entry[0] == "at" or entry[3] > 0 else entry[1] + entry[3] * (entry[2] - 1)
                if isinstance(first, (int, sp.Integer)):
                    least[array] = min(least.get(array, int(first)), int(first))
                else:
                    least[array] = 0
    for array, first in least.items():
        if first > 0:
            raise ShapeError(
                f"the indices of {array} start at {first}, but its entries are counted from 0: sum from 0 to "
                f"{symbol} - 1, declare IndexedBase({str(array)!r}, offset=1), or give {symbol} as an argument"
            )


def concrete(graph: Graph, lengths: Mapping[sp.Symbol, int], shapes: Mapping[Any, tuple[int, ...]]) -> Graph:
    """The graph for these lengths; raises ShapeError for an index that leaves its array, naming it and both ends."""
    numbers = {symbol: sp.Integer(number) for symbol, number in lengths.items()}
    for node, symbol in graph.symbols.items():
        if graph.shape(node):
            actual = shapes[symbol]
            numbers |= {
                length: sp.Integer(number)
                for length, number in zip(graph.shape(node), actual, strict=True)
                if isinstance(length, sp.Symbol)
            }
    b = GraphBuilder()
    places = [-1] * len(graph)
    for node, symbol in graph.symbols.items():
        number = numbers.get(symbol)
        shape = resolved(graph.shape(node), numbers)
        places[node] = b.input(symbol, shape) if number is None else b.constant(number)
    for node, value in graph.constants.items():
        places[node] = b.constant(value)
    for step in graph.applications:
        here = tuple(places[operand] for operand in step.operands)
        static = resolved(step.static, numbers) if isinstance(step.function, Operation) else step.static
        if step.function is SLICE:
            _check_range(static[0], b.shape(here[0]), graph.symbols.get(step.operands[0], "an array"))
            places[step.node] = sliced(b, here[0], static[0])
        elif step.function is BROADCAST:
            places[step.node] = broadcast_to(b, here[0], static[0])
        else:
            places[step.node] = b.apply(step.function, here, static)
    found = b.finish([places[node] for node in graph.outputs])
    _check_places(found)
    return found


def _check_places(graph: Graph) -> None:
    """See that computed places, as of x[i + j], lie within arrays, but where a branch guards them."""
    gathers = [step for step in graph.applications if step.function.name == "gather"]
    if not gathers:
        return
    guarded: set[int] = set()
    for step in reversed(graph.applications):
        if step.function.name == "select" or step.node in guarded:
            guarded.update(step.operands)
    given = graph.depends_on(list(graph.inputs.values()))
    wanted = {node for step in gathers if step.node not in guarded for node in step.operands[1:] if not given[node]}
    for step in reversed(graph.applications):
        if step.node in wanted:
            wanted.update(step.operands)
    values = {node: float_of(constant) for node, constant in graph.constants.items() if node in wanted}
    for step in graph.applications:
        if step.node in wanted:
            values[step.node] = step.function.value(*(values[i] for i in step.operands), *step.static)
    for step in gathers:
        if step.node in guarded:
            continue
        shape = graph.shape(step.operands[0])
        for axis, place in enumerate(step.operands[1:]):
            if place in values and np.size(values[place]):
                low, high = int(np.min(values[place])), int(np.max(values[place]))
                entries: list[Any] = [("at", None)] * len(shape)
                entries[axis] = ("range", low, 2, high - low) if high > low else ("at", low)
                _check_range(entries, shape, graph.symbols.get(step.operands[0], "an array"))


def _check_range(axes: Any, shape: Shape, array: Any) -> None:
    for axis, (entry, length) in enumerate(zip(axes, shape, strict=True)):
        _, start, *rest = entry
        count, stride = rest or (1, 1)
        if not isinstance(count, int) or not isinstance(start, int) or not isinstance(length, int):
            continue
        if count < 0:
            raise ShapeError(f"an index of {array} would run over {count} entries; a range ends after it starts")
        ends = (start, start + stride * (count - 1))
        if count and (min(ends) < 0 or max(ends) >= length):
            wrong = max(ends) if max(ends) >= length else min(ends)
            raise ShapeError(
                f"index {wrong} of {array} along axis {axis} is out of its range: its shape is {written(shape)}, and "
                "entries are counted from 0"
            )


def check_shapes(graph: Graph) -> None:
    """See that indices lie within arrays, as far as lengths are numbers; raises ShapeError."""
    for step in graph.applications:
        if step.function is SLICE:
            _check_range(step.static[0], graph.shape(step.operands[0]), graph.symbols.get(step.operands[0], "an array"))
