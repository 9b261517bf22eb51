"""Residuals with their exact Jacobian, and the search for their least sum of squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import scipy.optimize
import sympy as sp
from numpy.typing import NDArray

from symdiff import chain
from symdiff.errors import ModelError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.rewriting.rewrites import lowerable
from symdiff.symbolic import gradient_graph
from symdiff.tangent_plane import Directions, relative_offset

Array = NDArray[np.float64]

# of the search: a step or a decrease beyond the last digit
TOLERANCE = 4 * np.finfo(np.float64).eps
# Gauss-Newton steps after it; each gains digits as long as there are some to gain
MOST_POLISHING_STEPS = 20
# a search has converged where the relative offset is at most this
MOST_OFFSET = 1e-6
# residuals of this size, in units of rounding, count as an exact fit
EXACT = 1e3 * np.finfo(np.float64).eps
# what a residual that is not finite counts as: large, but its square is still finite
REFUSED = 1e150
# a parameter is put on a bound if that changes the residuals by at most this share of them
NEAR_BOUND = 1e-6


@dataclass(frozen=True, eq=False)
class Residuals:
    """prediction - target over the rows, as a function of the moving parameters; the Jacobian by the symbolic route."""

    graph: Graph
    moving: tuple[sp.Symbol, ...]
    start: Array
    low: Array
    high: Array
    given: Mapping[sp.Symbol, Any]
    target: Array

    @classmethod
    def of(cls, model: Model, data: Mapping[str, Array]) -> Residuals:
        """Residuals of a model on columns of data; raises ModelError where no parameter moves."""
        free = {symbol: parameter for symbol, parameter in model.parameters.items() if not parameter.fixed}
        if not free:
            raise ModelError(f"all parameters of model {model.name!r} are fixed; free one to fit it")
        given: dict[sp.Symbol, Any] = {symbol: p.value for symbol, p in model.parameters.items() if p.fixed}
        return cls(
            graph=gradient_graph(lowerable(graph_of([model.prediction])), tuple(free)),
            moving=tuple(free),
            start=np.array([p.value for p in free.values()]),
            low=np.array([-np.inf if p.min is None else p.min for p in free.values()]),
            high=np.array([np.inf if p.max is None else p.max for p in free.values()]),
            given=given | {symbol: data[symbol.name] for symbol in model.inputs},
            target=data[model.target.name],
        )

    @cached_property
    def bounded(self) -> bool:
        """Whether any parameter has a bound."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def at(self, values: Array) -> tuple[Array, Array]:
        """Residuals, (rows,), and their partials, (rows, parameters)."""
        point = dict(zip(self.moving, values, strict=True))
        nodes = chain.forward(self.graph, dict(self.given) | point)
        prediction, *partials = (np.broadcast_to(nodes[node], self.target.shape) for node in self.graph.outputs)
        return prediction - self.target, np.stack(partials, axis=1)


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a search ended."""

    values: Array
    at_bound: NDArray[np.bool_]
    iterations: int
    converged: bool
    reason: str


def minimised(residuals: Residuals, most_evaluations: int) -> Minimum:
    """Search for the least residual sum of squares; see `symdiff.fit`."""
    free = _searched(residuals, "lm", most_evaluations)
    within = (free.values >= residuals.low) & (free.values <= residuals.high)
    if not residuals.bounded or (free.converged and within.all()):
        # a minimum that lies within the bounds is one with the bounds too
        return free
    return _searched(residuals, "trf", most_evaluations)


def _searched(residuals: Residuals, method: Literal["lm", "trf"], most_evaluations: int) -> Minimum:
    cache: dict[bytes, tuple[Array, Array]] = {}

    def both(values: Array) -> tuple[Array, Array]:
        if (key := values.tobytes()) not in cache:
            cache.clear()
            cache[key] = residuals.at(values)
        return cache[key]

    bounds: dict[str, Any] = {"bounds": (residuals.low, residuals.high)} if method == "trf" else {}
    with np.errstate(all="ignore"):
        result = scipy.optimize.least_squares(
            lambda values: _refusable(both(values)[0]),
            residuals.start,
            jac=lambda values: both(values)[1],
            method=method,
            ftol=TOLERANCE,
            xtol=TOLERANCE,
            gtol=TOLERANCE,
            x_scale="jac",
            max_nfev=most_evaluations,
            **bounds,
        )
        values, at_bound = np.asarray(result.x), np.zeros(len(residuals.moving), np.bool_)
        if method == "trf":
            values, at_bound = _on_bounds(residuals, values)
        values, steps = _polished(residuals, values, ~at_bound)
        found, jacobian = residuals.at(values)
        offset = relative_offset(found, jacobian[:, ~at_bound])
    converged, reason = _ending(found, residuals.target, offset, out_of_time=result.status == 0)
    return Minimum(values, at_bound, int(result.njev) + steps, converged, reason)


def _refusable(residual: Array) -> Array:
    """Residuals of which none is infinite or NaN, of which MINPACK makes nonsense: so a step to them is taken back."""
    return np.where(np.isfinite(residual), np.clip(residual, -REFUSED, REFUSED), REFUSED)


def _ending(found: Array, target: Array, offset: float, out_of_time: bool) -> tuple[bool, str]:
    """Whether the search has converged, and why or why not."""
    if float(np.linalg.norm(found)) <= EXACT * float(np.linalg.norm(target) + np.linalg.norm(found)):
        return True, "the residuals are as small as rounding allows"
    if offset <= MOST_OFFSET:
        return True, f"no direction lowers the residual sum of squares (relative offset {offset:.1g})"
    cause = "no more evaluations were allowed" if out_of_time else "the search found no better point nearby"
    remains = f"a direction that lowers the residual sum of squares remains (relative offset {offset:.1g})"
    return False, f"{cause}, but {remains}; start from other values"


def _on_bounds(residuals: Residuals, values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Put on its bound each parameter that lies near it and is pushed towards it, if that costs nothing."""
    residual, jacobian = residuals.at(values)
    slope = jacobian.T @ residual
    effect, near = np.linalg.norm(jacobian, axis=0), NEAR_BOUND * np.linalg.norm(residual)
    at_low = (slope > 0) & (effect * (values - residuals.low) <= near)
    at_high = (slope < 0) & (effect * (residuals.high - values) <= near)
    moved = np.where(at_low, residuals.low, np.where(at_high, residuals.high, values))
    new_residual, _ = residuals.at(moved)
    if new_residual @ new_residual <= (residual @ residual) * (1 + NEAR_BOUND**2):
        return moved, at_low | at_high
    return values, np.zeros(len(values), np.bool_)


def _polished(residuals: Residuals, values: Array, free: NDArray[np.bool_]) -> tuple[Array, int]:
    """Gauss-Newton steps in the free parameters, as long as each brings the relative offset nearer to zero."""
    residual, jacobian = residuals.at(values)
    offset = relative_offset(residual, jacobian[:, free])
    for step in range(MOST_POLISHING_STEPS):
        if not np.isfinite(offset) or offset == 0.0:
            return values, step
        directions = Directions.of(jacobian[:, free])
        moved = values.copy()
        moved[free] -= directions.solved(residual)
        new_residual, new_jacobian = residuals.at(moved)
        new_offset = relative_offset(new_residual, new_jacobian[:, free])
        within = np.all((moved >= residuals.low) & (moved <= residuals.high))
        falling = new_residual @ new_residual <= (residual @ residual) * (1 + 1e-12)
        if not (within and falling and new_offset < offset):
            return values, step
        values, residual, jacobian, offset = moved, new_residual, new_jacobian, new_offset
    return values, MOST_POLISHING_STEPS
