"""The JAX routes node by node, for graphs whose whole program would take JAX long to trace and XLA long to compile.

Each function of the table becomes two small programs, its JAX form and JAX's pullback of it, which serve every node
that applies it. Values go front to back and adjoints back to front, as `jax.vjp` of the whole would take them; the
rules are JAX's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import lru_cache
from typing import Any

import jax
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds import jaxpr, straight_line
from compare.bounds.graph import lost_constants, node_bounds, output_bounds
from compare.bounds.jaxpr import Bounded
from compare.bounds.straight_line import StraightLine, compiling, run
from symdiff import lowering
from symdiff.constants import nearest
from symdiff.function import Absence
from symdiff.graph import Application, Graph, Static

Arrays = Mapping[sp.Symbol, NDArray[Any]]
Matrix = NDArray[np.float64]
# functions whose pullbacks pass the adjoint on as it is, or with another sign
PASSING = frozenset({"add", "subtract", "negate"})


# shape and dtype of each operand
Kinds = tuple[tuple[tuple[int, ...], str], ...]


@lru_cache(maxsize=1024)
def _form(form: Callable[..., Any], static: Static, kinds: Kinds) -> StraightLine:
    return _traced(lambda *operands: form(*operands, *static), kinds)


@lru_cache(maxsize=1024)
def _pullback(form: Callable[..., Any], static: Static, positions: tuple[int, ...], kinds: Kinds) -> StraightLine:
    """Adjoints of the operands at `positions` from that of the result and all operands."""

    def pull(adjoint: Any, *operands: Any) -> Any:
        def along(*moving: Any) -> Any:
            given = list(operands)
            for position, u in zip(positions, moving, strict=True):
                given[position] = u
            return form(*given, *static)

        return jax.vjp(along, *(operands[k] for k in positions))[1](adjoint)

    return _traced(pull, kinds)


def _traced(function: Callable[..., Any], kinds: Kinds) -> StraightLine:
    return straight_line.straight_line(jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(*kind) for kind in kinds)))


def forget() -> None:
    """Forget what has been traced and compiled, as `jax.clear_caches` makes JAX do."""
    _form.cache_clear()
    _pullback.cache_clear()
    straight_line.forget()


def _kinds(step: Application, shape: tuple[int, ...], dtype: str) -> Kinds:
    truths = [domain.truth for domain in step.function.domain]
    if step.function.name == "select":
        truths = [True, False, False]
    return tuple((shape, "bool" if truth else dtype) for truth in truths)


def begin(derived: Graph, graph: Graph, wrt: tuple[sp.Symbol, ...], arrays: Arrays, dtype: str) -> list[Future[None]]:
    """Begin to compile what `symbolic` runs of the graph with partials and `autodiff` of the other."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    pulls = [pull for _, _, pull in _pullbacks(graph, wrt, shape, dtype)]
    return compiling([*pulls, *_forms(derived, shape, dtype), *_forms(graph, shape, dtype)])


def _forms(graph: Graph, shape: tuple[int, ...], dtype: str) -> list[StraightLine]:
    return [_form(lowering.resolve(s.function.jax), s.static, _kinds(s, shape, dtype)) for s in graph.applications]


def _pullbacks(
    graph: Graph, wrt: tuple[sp.Symbol, ...], shape: tuple[int, ...], dtype: str
) -> list[tuple[Application, tuple[int, ...], StraightLine]]:
    """The applications that pass an adjoint on to `wrt`, last first: to which operands, and the program for it."""
    active = graph.depends_on([graph.inputs[symbol] for symbol in wrt if symbol in graph.inputs]).tolist()
    found: list[tuple[Application, tuple[int, ...], StraightLine]] = []
    for step in reversed(graph.applications):
        if moving := _moving(step, active):
            kinds = ((shape, dtype), *_kinds(step, shape, dtype))
            found.append((step, moving, _pullback(lowering.resolve(step.function.jax), step.static, moving, kinds)))
    return found


def values_of(graph: Graph, arrays: Arrays, dtype: str) -> list[Any]:
    """Value of every node in JAX, one operation after the other, all of the points' shape.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [v.tolist() for v in values_of(graph_of([x + 1]), {x: np.array([1.0, 2.0])}, "float64")]
    [[1.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = np.broadcast_to(np.asarray(arrays[symbol], dtype), shape)
    for node, constant in graph.constants.items():
        values[node] = np.broadcast_to(np.asarray(nearest(constant, dtype)), shape)
    lines = _forms(graph, shape, dtype)
    wait(compiling(lines))
    for line, (node, _, operands, _) in zip(lines, graph.applications, strict=True):
        (values[node],) = run(line, [values[i] for i in operands])
    return values


def symbolic(derived: Graph, arrays: Arrays, dtype: str, begun: Iterable[Future[None]] = ()) -> tuple[Matrix, Matrix]:
    """Partials of a graph with outputs (value, partials) and the bounds on their rounding errors."""
    bounds = output_bounds(derived, arrays, dtype)[1:]
    wait(begun)
    values = values_of(derived, arrays, dtype)
    return np.stack([np.asarray(values[node], np.float64) for node in derived.outputs[1:]]), np.stack(bounds)


def autodiff(graph: Graph, wrt: tuple[sp.Symbol, ...], arrays: Arrays, dtype: str) -> tuple[Matrix, Matrix | None]:
    """Partials in `wrt` of a graph's first output, and bounds on their errors; None if a primitive has no bound."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    values = values_of(graph, arrays, dtype)
    bounds = node_bounds(graph, arrays, dtype)[1]
    unit, floor = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    lost = lost_constants(graph, dtype)
    steps = _pullbacks(graph, wrt, shape, dtype)
    wait(compiling(pull for _, _, pull in steps))
    adjoints: dict[int, Any] = {graph.outputs[0]: np.ones(shape, dtype)}
    errors: dict[int, Any] = {graph.outputs[0]: 0.0}
    known = True
    with np.errstate(all="ignore"):
        for step, moving, pull in steps:
            if step.node not in adjoints:
                continue
            given = [values[i] for i in step.operands]
            found = run(pull, [adjoints[step.node], *given])
            terms = [Bounded(np.asarray(term, np.float64), 0.0) for term in found]
            if step.function.name in PASSING:
                terms = [Bounded(term.value, errors[step.node]) for term in terms]
            elif known:
                inputs = [Bounded(_wide(adjoints[step.node]), errors[step.node])]
                inputs += [_bounded(u, bounds[i]) for u, i in zip(given, step.operands, strict=True)]
                walked = jaxpr.walked(pull, inputs, dtype, lost)
                known = walked is not None
                terms = terms if walked is None else walked
            for position, term, bounded in zip(moving, found, terms, strict=True):
                operand = step.operands[position]
                total = adjoints[operand] + term if operand in adjoints else term
                own = unit * np.abs(_wide(total)) / 2 if operand in adjoints else 0.0
                adjoints[operand] = np.asarray(total)
                errors[operand] = errors.get(operand, 0.0) + bounded.bound + own
    nodes = [graph.inputs.get(symbol, -1) for symbol in wrt]
    partials = np.stack([np.broadcast_to(_wide(adjoints.get(node, 0.0)), shape) for node in nodes])
    allowed = np.stack([np.broadcast_to(np.asarray(errors.get(node, 0.0)) + floor, shape) for node in nodes])
    return partials, allowed if known else None


def _moving(step: Application, active: Sequence[bool]) -> tuple[int, ...]:
    partials = zip(step.operands, step.function.partials, strict=True)
    return tuple(k for k, (i, partial) in enumerate(partials) if active[i] and not isinstance(partial, Absence))


def _wide(array: Any) -> Any:
    found = np.asarray(array)
    return found if found.dtype == np.bool_ else found.astype(np.float64)


def _bounded(value: Any, bound: Any) -> Bounded:
    wide = _wide(value)
    return Bounded(wide, 0.0, np.asarray(bound, np.bool_)) if wide.dtype == np.bool_ else Bounded(wide, bound)
