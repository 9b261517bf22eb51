"""The running error bound of `graph`, along the chain route's forward sweep; see `chain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds.branches import Array, chosen_by_rounding
from compare.bounds.chain import STEPS, partial_and_spread
from compare.bounds.graph import node_bounds, passed_on, some, spread_on
from symdiff.function import Absence
from symdiff.graph import Graph


def tangent_bounds(
    graph: Graph, inputs: Mapping[sp.Symbol, Array], wrt: sp.Symbol, dtype: Any
) -> list[NDArray[np.float64]]:
    """Bound on the rounding error of the derivative in `wrt` of each output, as the chain route sweeps forward.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> (bound,) = tangent_bounds(graph_of([sp.sin(x) * x]), {x: np.array(2.0)}, x, np.float64)
    >>> bool(1e-16 < bound < 1e-14)
    True
    """
    shape = np.broadcast_shapes(*(np.shape(array) for array in inputs.values()))
    wide: Any = np.float64 if np.dtype(dtype) == np.float32 else np.longdouble
    narrow, bounds = node_bounds(graph, inputs, dtype)
    values = [v if np.asarray(v).dtype == np.bool_ else np.asarray(v, wide)[()] for v in narrow]
    unit, floor = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    tangents: dict[int, Array] = {}
    errors: dict[int, Array] = {}
    if wrt in graph.inputs:
        tangents[graph.inputs[wrt]], errors[graph.inputs[wrt]] = wide(1), 0.0
    with np.errstate(all="ignore"):
        for step in graph.applications:
            by_rounding = chosen_by_rounding(
                step.function.name, [values[i] for i in step.operands], [bounds[i] for i in step.operands]
            )
            for position, operand in enumerate(step.operands):
                if operand not in tangents or step.function.partials[position] is Absence.ZERO:
                    continue
                partial, spread = partial_and_spread(step, position, values, bounds, dtype)
                spread = spread + STEPS.get(step.function.name, 0.0) * by_rounding
                term = tangents[operand] * partial
                total = tangents[step.node] + term if step.node in tangents else term
                own = passed_on(tangents[operand], spread) + passed_on(np.abs(partial) + spread, errors[operand])
                lost = floor if some(np.abs(partial) != 1.0) else 0.0
                own = spread_on(own + unit * (np.abs(term) + np.abs(total)) / 2 + lost, [errors[operand], spread])
                tangents[step.node], errors[step.node] = total, errors.get(step.node, 0.0) + own
    with np.errstate(over="ignore"):
        found = [np.asarray(errors.get(node, 0.0), np.float64) + floor for node in graph.outputs]
    return [np.broadcast_to(bound, shape) for bound in found]
