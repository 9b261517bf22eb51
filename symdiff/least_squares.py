"""Residuals with their exact Jacobian, their least squares, and what the Jacobian says about the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.optimize
import sympy as sp
from numpy.typing import NDArray

from symdiff import chain
from symdiff.errors import ModelError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.guard import guarded
from symdiff.model import Model
from symdiff.symbolic import gradient_graph

Array = NDArray[np.float64]

# of the search: a step or a decrease beyond the last digit
TOLERANCE = 4 * np.finfo(np.float64).eps
# Gauss-Newton steps after it; each gains digits as long as there are some to gain
MOST_POLISHING_STEPS = 20
# a search has converged where the relative offset is at most this
MOST_OFFSET = 1e-6
# residuals of this size, in units of rounding, count as an exact fit
EXACT = 1e3 * np.finfo(np.float64).eps
# so near to a bound, and pushed towards it, a parameter is put on it
NEAR_BOUND = 1e-6
# what a residual that is not finite counts as, so that a step to it is refused; its square is still finite
REFUSED = 1e150
# share in a direction that the data do not determine, from which a parameter counts as not determined
SHARE = 1e-6


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
            graph=gradient_graph(guarded(graph_of([model.prediction])), tuple(free)),
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
    cache: dict[bytes, tuple[Array, Array]] = {}

    def both(values: Array) -> tuple[Array, Array]:
        if (key := values.tobytes()) not in cache:
            cache.clear()
            cache[key] = residuals.at(values)
        return cache[key]

    def residual(values: Array) -> Array:
        array = both(values)[0]
        return np.where(np.isfinite(array), np.clip(array, -REFUSED, REFUSED), REFUSED)

    bounds: dict[str, Any] = {"bounds": (residuals.low, residuals.high)} if residuals.bounded else {}
    with np.errstate(all="ignore"):
        result = scipy.optimize.least_squares(
            residual,
            residuals.start,
            jac=lambda values: both(values)[1],
            method="trf" if residuals.bounded else "lm",
            ftol=TOLERANCE,
            xtol=TOLERANCE,
            gtol=TOLERANCE,
            x_scale="jac",
            max_nfev=most_evaluations,
            **bounds,
        )
        values, at_bound = _on_bounds(residuals, np.asarray(result.x))
        values, steps = _polished(residuals, values, ~at_bound)
        found, jacobian = residuals.at(values)
        offset = relative_offset(found, jacobian[:, ~at_bound])
    iterations = int(result.njev) + steps
    if float(np.linalg.norm(found)) <= EXACT * float(np.linalg.norm(residuals.target) + np.linalg.norm(found)):
        return Minimum(values, at_bound, iterations, True, "the residuals are as small as rounding allows")
    if offset <= MOST_OFFSET:
        reason = f"no direction lowers the residual sum of squares (relative offset {offset:.1g})"
        return Minimum(values, at_bound, iterations, True, reason)
    cause = "no more iterations were allowed" if result.status == 0 else "the search found no better point nearby"
    reason = f"{cause}, but a direction that lowers the residual sum of squares remains (relative offset {offset:.1g})"
    return Minimum(values, at_bound, iterations, False, f"{reason}; start from other values")


def _on_bounds(residuals: Residuals, values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Put on its bound each parameter that lies near it and is pushed towards it, if that costs nothing."""
    residual, jacobian = residuals.at(values)
    slope = jacobian.T @ residual
    near = NEAR_BOUND * np.maximum(np.abs(values), 1e-300)
    at_low = (values - residuals.low <= np.maximum(near, NEAR_BOUND * np.abs(residuals.low))) & (slope > 0)
    at_high = (residuals.high - values <= np.maximum(near, NEAR_BOUND * np.abs(residuals.high))) & (slope < 0)
    moved = np.where(at_low, residuals.low, np.where(at_high, residuals.high, values))
    new_residual, _ = residuals.at(moved)
    if new_residual @ new_residual <= (residual @ residual) * (1 + NEAR_BOUND):
        return moved, at_low | at_high
    return values, np.zeros(len(values), dtype=np.bool_)


def _polished(residuals: Residuals, values: Array, free: NDArray[np.bool_]) -> tuple[Array, int]:
    """Gauss-Newton steps in the free parameters, as long as each brings the relative offset nearer to zero."""
    residual, jacobian = residuals.at(values)
    offset = relative_offset(residual, jacobian[:, free])
    for step in range(MOST_POLISHING_STEPS):
        if not np.isfinite(offset) or offset == 0.0:
            return values, step
        directions = _Directions.of(jacobian[:, free])
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


@dataclass(frozen=True, eq=False)
class _Directions:
    """Singular value decomposition of a Jacobian whose columns were scaled to length 1, up to its numerical rank."""

    scale: Array
    left: Array
    sizes: Array
    right: Array
    lost: Array

    @classmethod
    def of(cls, jacobian: Array) -> _Directions:
        scale = np.linalg.norm(jacobian, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        left, sizes, right = np.linalg.svd(jacobian / scale, full_matrices=False)
        kept = sizes > max(jacobian.shape) * np.finfo(np.float64).eps * max(float(sizes.max(initial=0.0)), 1e-300)
        return cls(scale, left[:, kept], sizes[kept], right[kept], right[~kept])

    def solved(self, residual: Array) -> Array:
        """The step d with least |J d - r|, shortest in scaled parameters."""
        return self.right.T @ ((self.left.T @ residual) / self.sizes) / self.scale

    def inverse_product(self) -> Array:
        """(J^T J)^-1, of the directions that J determines."""
        root = self.right.T / self.sizes / self.scale[:, None]
        return root @ root.T


def relative_offset(residual: Array, jacobian: Array) -> float:
    """How far residuals are from being orthogonal to the tangent plane: 0 at a least sum of squares.

    sqrt((n - p) / p) |Q^T r| / |r - Q Q^T r| where Q is an orthonormal basis of the p columns of the Jacobian: about
    the distance to the solution, in standard errors.

    >>> relative_offset(np.array([1.0, -1.0]), np.array([[1.0], [1.0]]))
    0.0

    Source: Bates and Watts, A relative offset orthogonality convergence criterion, Technometrics 23, 1981.
    """
    rows, count = jacobian.shape
    if not (np.isfinite(jacobian).all() and np.isfinite(residual).all()):
        return float("inf")
    basis = _Directions.of(jacobian).left
    along = basis.T @ residual
    size, across = float(np.linalg.norm(along)), float(np.linalg.norm(residual - basis @ along))
    if size == 0.0:
        return 0.0
    return size / across * (max(rows - count, 1) / count) ** 0.5 if across > 0 else float("inf")


def covariance_of(jacobian: Array, at_bound: NDArray[np.bool_], names: Sequence[str]) -> tuple[Array, list[str]]:
    """(J^T J)^-1 of the parameters that are not at a bound, NaN for what the data do not determine, and why.

    >>> covariance_of(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([False, False]), ["a", "b"])[1]
    ['the data do not tell a, b apart (singular Jacobian): fix one of them']
    """
    free = np.flatnonzero(~at_bound).tolist()
    covariance = np.full((len(names), len(names)), np.nan)
    notes = [
        f"{names[k]} is at its bound: the standard errors of the others hold it there"
        for k in np.flatnonzero(at_bound).tolist()
    ]
    directions = _Directions.of(jacobian[:, free])
    lost = np.linalg.norm(directions.lost, axis=0) > SHARE if len(directions.lost) else np.zeros(len(free), np.bool_)
    covariance[np.ix_(free, free)] = directions.inverse_product()
    undetermined = [k for k, is_lost in zip(free, lost.tolist(), strict=True) if is_lost]
    covariance[undetermined] = covariance[:, undetermined] = np.nan
    absent = [names[k] for k in undetermined if not jacobian[:, k].any()]
    confused = [names[k] for k in undetermined if jacobian[:, k].any()]
    if absent:
        notes.append(f"the prediction does not depend on {', '.join(absent)} here (singular Jacobian): fix it")
    if confused:
        notes.append(f"the data do not tell {', '.join(confused)} apart (singular Jacobian): fix one of them")
    return covariance, notes
