"""The running error bound along the chain route's reverse sweep over a graph of arrays.

As `chain` has it for scalars: hand-written partials are measured, and the adjoints of whole-array operations bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.bounds.branches import chosen_by_rounding
from compare.bounds.chain import STEPS, partial_and_spread
from compare.bounds.graph import node_bounds, passed_on, spread_on
from compare.bounds.operation_adjoints import adjoint_bound
from compare.bounds.operations import Given
from symdiff.chain import collected
from symdiff.function import Absence
from symdiff.graph import Application, Graph
from symdiff.tensors.operation import Operation

Array = Any


def adjoint_bounds(
    graph: Graph, inputs: Mapping[Any, Array], wrt: Sequence[Any], dtype: Any
) -> tuple[list[NDArray[np.float64]], bool]:
    """Bound the rounding error of the partials in `wrt`, each of its symbol's shape, as the chain route computes them.

    The second result tells whether rounding may have decided a branch or the side of a kink anywhere.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 3, 1)
    >>> graph = graph_of([sp.Trace(a.T * a)])
    >>> (bound,), chosen = adjoint_bounds(graph, {a: np.ones((3, 1))}, [a], np.float64)
    >>> bound.shape, bool((bound < 1e-14).all()), chosen
    ((3, 1), True, False)
    """
    wide: Any = np.float64 if np.dtype(dtype) == np.float32 else np.longdouble
    values, bounds = node_bounds(graph, inputs, dtype)
    # longer numbers for the partials that are measured; linear algebra knows none
    longer = [v if np.asarray(v).dtype == np.bool_ else np.asarray(v, wide)[()] for v in values]
    unit, floor = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    adjoints: dict[int, Array] = {graph.outputs[0]: np.float64(1)}
    errors: dict[int, Array] = {graph.outputs[0]: 0.0}
    chosen = False
    active = graph.depends_on([graph.inputs[symbol] for symbol in wrt if symbol in graph.inputs]).tolist()
    with np.errstate(all="ignore"):
        for step in reversed(graph.applications):
            by_rounding: Array = np.False_
            if not isinstance(step.function, Operation):
                passed = [bounds[i] for i in step.operands]
                by_rounding = chosen_by_rounding(step.function.name, [longer[i] for i in step.operands], passed)
                chosen = chosen or bool(np.any(by_rounding))
            if step.node not in adjoints or not active[step.node]:
                continue
            adjoint, error = adjoints[step.node], errors[step.node]
            for position, operand in enumerate(step.operands):
                if not active[operand] or (
                    not isinstance(step.function, Operation) and step.function.partials[position] is Absence.ZERO
                ):
                    continue
                if isinstance(step.function, Operation):
                    term, own = _through(step, position, adjoint, error, values, bounds, (unit, floor))
                    if term is None:
                        continue
                else:
                    partial, spread = partial_and_spread(step, position, longer, bounds, dtype)
                    spread = spread + STEPS.get(step.function.name, 0.0) * by_rounding
                    term = np.asarray(adjoint * partial, np.float64)
                    # the product of both uncertainties too: a branch that may be the other one is no small change
                    own = passed_on(adjoint, spread) + passed_on(np.abs(partial) + spread, error)
                    # a product below the normal numbers may be flushed to zero (Higham, section 2.8)
                    lost = floor if np.any(np.abs(partial) != 1.0) else 0.0
                    own = spread_on(own + unit * np.abs(term) / 2 + lost, [error, spread])
                    full, shape = np.shape(values[step.node]), np.shape(values[operand])
                    own = np.asarray(own, np.float64)
                    if shape != full:
                        copies = max(1, int(np.prod(full)) // max(1, int(np.prod(shape))))
                        own = collected(own, full, shape) + copies * unit / 2 * collected(np.abs(term), full, shape)
                        term = collected(term, full, shape)
                total = adjoints[operand] + term if operand in adjoints else term
                added = unit * np.abs(total) / 2 if operand in adjoints else 0.0
                adjoints[operand], errors[operand] = total, errors.get(operand, 0.0) + own + added
    found: list[NDArray[np.float64]] = []
    for symbol in wrt:
        bound = np.asarray(errors.get(graph.inputs.get(symbol, -1), 0.0), np.float64) + floor
        found.append(np.broadcast_to(bound, np.shape(inputs[symbol])))
    return found, chosen


def _through(
    step: Application,
    position: int,
    adjoint: Array,
    error: Array,
    values: Sequence[Array],
    bounds: Sequence[Array],
    sizes: tuple[float, float],
) -> tuple[Array, Array]:
    """What an operation passes back to an operand, and the bound on its error; None where nothing comes back."""
    full: Any = np.shape(values[step.node])
    g, e = np.broadcast_to(np.asarray(adjoint, np.float64), full), np.broadcast_to(np.asarray(error, np.float64), full)
    operands = [values[i] for i in step.operands]
    term = step.function.adjoint(position, g, operands, step.static, values[step.node])  # type: ignore[union-attr]
    if term is None:
        return None, None
    given = Given(
        operands,
        [np.broadcast_to(np.asarray(bounds[i], np.float64), np.shape(values[i])) for i in step.operands],
        step.static,
        values[step.node],
        bounds[step.node],
        *sizes,
    )
    return term, np.abs(adjoint_bound(step, position, g, e, given))
