"""The plane that a Jacobian spans: steps in it, the distance from it, and how well it determines the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# share in a direction that the data do not determine, from which a parameter counts as not determined
SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Directions:
    """Singular value decomposition of a Jacobian whose columns were scaled to length 1, up to its numerical rank."""

    scale: Array
    left: Array
    sizes: Array
    right: Array
    lost: Array

    @classmethod
    def of(cls, jacobian: Array) -> Directions:
        """Decompose a Jacobian of shape (rows, parameters)."""
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
    basis = Directions.of(jacobian).left
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
    directions = Directions.of(jacobian[:, free])
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
