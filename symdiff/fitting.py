"""Least squares: parameters, standard errors and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.errors import DataError, ModelError
from symdiff.least_squares import Residuals, minimised
from symdiff.loss import PREDICTION, fits
from symdiff.mimebundle import Shown
from symdiff.model import Model
from symdiff.prediction import at_probe, predict
from symdiff.tangent_plane import covariance_of

Array = NDArray[np.float64]

# a longer loss formula is not compared with a squared error, since SymPy would take too long
LOSS_NODES = 100


@dataclass(frozen=True, eq=False)
class Fit(Shown):
    """A least-squares fit of p moving parameters to n rows.

    `parameters` has all values, `stderr` the standard errors of those that moved and NaN for those that did not, or
    that the data do not determine. `covariance`, (p, p) in the order of `moving`, is s^2 (J^T J)^-1 with s^2 =
    rss/(n - p) estimated from the residuals (not from measurement errors known beforehand), and J the Jacobian of the
    prediction. `rss` is the residual sum of squares, `residual_sd` is s. `reason` says how the search ended and what
    is to be kept in mind of the result.
    """

    model: Model
    parameters: dict[str, float]
    stderr: dict[str, float]
    moving: tuple[str, ...]
    covariance: Array
    rss: float
    residual_sd: float
    degrees_of_freedom: int
    iterations: int
    converged: bool
    reason: str

    def predict(self, /, **inputs: Any) -> Any:
        """Predict at inputs given by name: a float for numbers, an array of the broadcast shape for arrays."""
        return predict(self.model, self.parameters, inputs)

    @property
    def before(self) -> Any:
        """Prediction at the model's probe before the fit; None where it names none."""
        return at_probe(self.model, {symbol.name: p.value for symbol, p in self.model.parameters.items()})

    @property
    def after(self) -> Any:
        """Prediction at the model's probe after the fit; None where it names none."""
        return at_probe(self.model, self.parameters)

    def summary(self) -> str:
        """The result as a table of text.

        >>> from symdiff import models
        >>> print(fit(models.load("misra1a")).summary())
        misra1a: least squares, 14 rows, 2 parameters
        parameter        estimate  standard error
        b1              238.94213       2.7070075
        b2          0.00055015643   7.2668688e-06
        residual sum of squares 0.12455139, residual standard deviation 0.10187876, degrees of freedom 12
        converged after ... iterations: ...
        """
        rows = self.degrees_of_freedom + len(self.moving)
        width = max(9, *map(len, self.parameters))
        lines = [f"{self.model.name}: least squares, {rows} rows, {len(self.moving)} parameters"]
        lines.append(f"{'parameter':<{width}} {'estimate':>15} {'standard error':>15}")
        for name, value in self.parameters.items():
            error = self.stderr[name]
            shown = f"{error:#.8g}" if math.isfinite(error) else "-" if name in self.moving else "fixed"
            lines.append(f"{name:<{width}} {value:>#15.8g} {shown:>15}")
        lines.append(
            f"residual sum of squares {self.rss:.8g}, residual standard deviation {self.residual_sd:.8g}, "
            f"degrees of freedom {self.degrees_of_freedom}"
        )
        state = "converged" if self.converged else "NOT converged"
        lines.append(f"{state} after {self.iterations} iterations: {self.reason}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values; a number that does not exist is null, and `reason` says why."""
        return {
            "parameters": dict(self.parameters),
            "stderr": {name: _json(error) for name, error in self.stderr.items()},
            "rss": _json(self.rss),
            "residual_sd": _json(self.residual_sd),
            "degrees_of_freedom": self.degrees_of_freedom,
            "iterations": self.iterations,
            "converged": self.converged,
            "reason": self.reason,
        }

    def _repr_html_(self) -> str:
        from symdiff.notebook import fit_html

        return fit_html(self)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        return f"<Fit of {self.model.name!r}: {values}; {'converged' if self.converged else 'NOT converged'}>"


def fit(model: Model, data: Any = None, *, most_evaluations: int = 2000) -> Fit:
    """Minimise the residual sum of squares of a model over its data, from its parameters' values on.

    Levenberg-Marquardt, and a trust region where that leads out of the bounds, with the exact Jacobian (SymPy's
    derivatives, accumulated over the graph) and parameters scaled by its columns; then Gauss-Newton steps to the last
    digits.

    Raises ModelError where no parameter moves or the model's loss is no squared error, DataError for data that are
    missing, malformed, fewer than the moving parameters, or where the prediction is not finite at the start.

    >>> from symdiff import models
    >>> fitted = fit(models.load("misra1a"))
    >>> round(fitted.parameters["b1"], 6), fitted.converged
    (238.942129, True)

    Source: Moré, The Levenberg-Marquardt algorithm, LNM 630, 1978; Bates and Watts, Nonlinear Regression, 1988.
    """
    array = next((symbol.name for symbol, shape in model.shapes.items() if shape), None)
    if array is not None:
        raise ModelError(f"a fit by least squares takes numbers, and {array} is an array; use `symdiff train`")
    _refuse_other_losses(model.loss_formula, model.target)
    given = model.data if data is None else data
    if given is None:
        raise DataError(f"model {model.name!r} has no data of its own; give data=")
    table = model.table(given)
    residuals = Residuals.of(model, table)
    moving = tuple(symbol.name for symbol in residuals.moving)
    rows, count = len(table[model.target.name]), len(moving)
    if rows < count:
        raise DataError(f"data: {rows} rows for {count} parameters; give at least as many rows, or fix parameters")
    _refuse_bad_start(residuals, residuals.start)

    found = minimised(residuals, most_evaluations)
    residual, jacobian = residuals.at(found.values)
    rss = float(residual @ residual)
    freedom = rows - count
    variance = rss / freedom if freedom else math.nan
    covariance, notes = covariance_of(jacobian, found.at_bound, moving)
    if freedom == 0:
        notes.append("as many parameters as rows, so nothing is left to estimate standard errors from")
    covariance = covariance * variance
    errors = dict(zip(moving, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    values = dict(zip(moving, found.values.tolist(), strict=True))
    return Fit(
        model=model,
        parameters={symbol.name: values.get(symbol.name, p.value) for symbol, p in model.parameters.items()},
        stderr={symbol.name: errors.get(symbol.name, math.nan) for symbol in model.parameters},
        moving=moving,
        covariance=covariance,
        rss=rss,
        residual_sd=math.sqrt(variance),
        degrees_of_freedom=freedom,
        iterations=found.iterations,
        converged=found.converged,
        reason="; ".join([found.reason, *notes]),
    )


def _refuse_other_losses(formula: sp.Expr, target: sp.Symbol | None) -> None:
    if target is not None and fits(formula, LOSS_NODES):
        factor = sp.cancel(formula / (PREDICTION - target) ** 2)
        if factor.is_positive and not factor.free_symbols:
            return
    raise ModelError(
        "loss: a fit by least squares minimises (prediction - target)**2, and the model's loss is another; "
        'use `symdiff train`, or model.replace(loss="squared_error")'
    )


def _refuse_bad_start(residuals: Residuals, start: Array) -> None:
    residual, jacobian = residuals.at(start)
    for array, what in ((residual, "prediction"), (jacobian, "derivative of the prediction")):
        bad = ~np.isfinite(array).reshape(len(residual), -1).all(axis=1)
        if bad.any():
            point: Mapping[str, float] = dict(zip((s.name for s in residuals.moving), start.tolist(), strict=True))
            at = ", ".join(f"{name}={value!r}" for name, value in list(point.items())[:12])
            raise DataError(
                f"data: row {int(np.argmax(bad)) + 1}: the {what} is not finite at the start ({at}); "
                "start from other values, or remove the row"
            )


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
