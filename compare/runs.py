"""Evidence for a training run or a fit: its derivatives checked where it began and where it ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.checking import check
from compare.comparison import Comparison
from compare.courses import course_of
from compare.fingerprint import hashes
from symdiff.fitting import Fit
from symdiff.from_sympy import graph_of
from symdiff.model import Model
from symdiff.training import TrainingResult

# samples of the data at which derivatives are checked; with arrays each is many checks
MOST_SAMPLES, MOST_OF_ARRAYS = 64, 2


def of_training(
    result: TrainingResult, data: Any, settings: Mapping[str, Any], command: str | None = None
) -> Comparison:
    """Check the loss of a trained model before and after, and compare the routes update by update.

    `data` and `settings` are those that `symdiff.train` was given.

    >>> from symdiff import models, train
    >>> linear = models.load("linear")
    >>> found = of_training(train(linear), linear.data, {})
    >>> found.verdict.value, len(found.rows), found.course.worst_drift
    ('agree', 6, 0.0)
    """
    found = _checked(result.model, data, result.parameters, result.dtype)
    return dataclasses.replace(found, course=course_of(result, data, settings), command=command or found.command)


def of_fit(fitted: Fit, data: Any, command: str | None = None) -> Comparison:
    """Check the loss of a fitted model before and after.

    >>> from symdiff import fit, models
    >>> misra = models.load("misra1a")
    >>> found = of_fit(fit(misra), misra.data)
    >>> found.verdict.value, len(found.rows)
    ('agree', 56)
    """
    found = _checked(fitted.model, data, fitted.parameters, "float64")
    of_these_data = dataclasses.replace(fitted, model=fitted.model.replace(data=fitted.model.table(data)))
    return dataclasses.replace(found, fitted=of_these_data, command=command or found.command)


def _checked(model: Model, data: Any, ended: Mapping[str, Any], dtype: str) -> Comparison:
    """Check at the parameters that a run began with and ended at, over its samples or some of them, evenly."""
    table = {name: np.asarray(column) for name, column in model.table(data).items()}
    whole = model.replace(data=table)
    arrays = any(model.shapes.values())
    count = len(next(iter(table.values())))
    most = min(count, MOST_OF_ARRAYS if arrays else MOST_SAMPLES)
    picked = np.linspace(0, count - 1, most).round().astype(int)
    # without a target the data may be one sample, of lengths that belong together
    here = whole if most == count else whole.replace(data={name: column[picked] for name, column in table.items()})
    begun = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    ends = [{name: _given(value) for name, value in values.items()} for values in (begun, ended)]
    found = check(here, at=ends, dtype=dtype)
    facts = dict(found.facts) | {
        "data": f"{count:,} sample{'s' * (count != 1)}",
        "checked at": "the first and the last parameters",
    }
    facts["checked at"] += f", {most:,} of the samples" if most < count else ""
    known = {"formula": found.hashes["formula"]} if "formula" in found.hashes else {}
    known |= hashes(graph_of([model.loss]), whole) if known else {}
    return dataclasses.replace(found, subject=model.name, facts=facts, hashes=known)


def _given(value: Any) -> Any:
    return value.astype(np.float64).tolist() if isinstance(value, np.ndarray) else float(value)
