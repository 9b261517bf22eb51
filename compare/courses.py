"""The course of a training run by each route: the same updates three times, and how far apart they drift.

Each update starts from the parameters that the route itself has reached, so a difference of one ulp in a gradient may
grow: the drift after an update is the largest difference of a parameter, in units in its last place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from symdiff.descent.loops import compiled, largest
from symdiff.descent.options import checked_options
from symdiff.descent.updates import Updates, loss_graph, samples_for
from symdiff.model import Model
from symdiff.routes import ROUTES
from symdiff.samples import Samples
from symdiff.training import TrainingResult

# updates that are compared: the chain route takes each in Python; of arrays fewer, since each takes longer
MOST_UPDATES, MOST_OF_ARRAYS = 2_000, 500

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Course:
    """A training run, and its first updates by every route.

    `losses[route]` has one number an update, taken before it; `paths[route][name]` the parameter before the first
    update and after each, of an array its largest magnitude. `absent` says why a route was not run.
    """

    result: TrainingResult
    options: Mapping[str, str]
    per_epoch: int
    losses: Mapping[str, Values]
    paths: Mapping[str, Mapping[str, Values]]
    absent: Mapping[str, str]

    @property
    def updates(self) -> int:
        """How many updates were compared."""
        return min((len(losses) for losses in self.losses.values()), default=0)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The routes that ran, two at a time."""
        return list(itertools.combinations(self.paths, 2))

    def drift(self, one: str, other: str) -> Values:
        """Largest difference of a parameter between two routes after each update, in ulp of the first."""
        apart = [
            np.abs(own - self.paths[other][name]).astype(np.float64) / np.spacing(np.abs(own)).astype(np.float64)
            for name, own in self.paths[one].items()
        ]
        return np.max(apart, axis=0)[1:]

    @property
    def worst_drift(self) -> float:
        """The largest drift between any two routes."""
        return max((float(self.drift(*pair).max()) for pair in self.pairs if self.updates), default=0.0)

    def first_apart(self, one: str, other: str) -> int | None:
        """The update, counted from 1, after which two routes first differ; None where they never do."""
        apart = np.flatnonzero(self.drift(one, other))
        return int(apart[0]) + 1 if len(apart) else None

    def epoch_losses(self, route: str) -> Values:
        """Mean loss of each epoch that was compared whole."""
        whole = self.losses[route][: len(self.losses[route]) // self.per_epoch * self.per_epoch]
        return whole.reshape(-1, self.per_epoch).mean(axis=1)

    def to_dict(self) -> dict[str, Any]:
        """The course as JSON data, without times: the same run gives the same numbers."""
        result = {k: v for k, v in self.result.to_dict().items() if k != "seconds"}
        drifts = [
            {
                "routes": list(pair),
                "first_apart": self.first_apart(*pair),
                "largest_ulp": float(self.drift(*pair).max()),
            }
            for pair in self.pairs
        ]
        return {
            **result,
            "options": dict(self.options),
            "routes": {
                route: {
                    "losses": _numbers(self.losses[route]),
                    "paths": {name: _numbers(path) for name, path in paths.items()},
                }
                for route, paths in self.paths.items()
            },
            "absent": dict(self.absent),
            "drift": drifts,
        }


def course_of(result: TrainingResult, data: Any, settings: Mapping[str, Any]) -> Course:
    """Repeat the first updates of a run by every route; `data` and `settings` are those that `symdiff.train` was given.

    >>> from symdiff import models, train
    >>> linear = models.load("linear")
    >>> found = course_of(train(linear), linear.data, {})
    >>> found.updates, found.worst_drift
    (300, 0.0)
    """
    model = result.model
    given: dict[str, Any] = {"epochs": 100, "learning_rate": 0.01, "batch_size": 1, "shuffle": False, "seed": 0} | dict(
        settings
    )
    given |= {"optimizer": given.get("optimizer"), "dtype": result.dtype, "device": given.get("device", "auto")}
    given |= {"checkpoint": None, "resume": False, "record_gradients": False}
    graph = loss_graph(model)
    table = samples_for(model, graph, data) if graph.shapes else model.table(data)
    samples = table if isinstance(table, Samples) else len(next(iter(table.values())))
    count = samples.count if isinstance(samples, Samples) else samples
    per_epoch = -(-count // given["batch_size"])
    most = MOST_OF_ARRAYS if graph.shapes else MOST_UPDATES
    options = {**given, "epochs": max(1, min(given["epochs"], most // per_epoch))}
    losses: dict[str, Values] = {}
    paths: dict[str, Mapping[str, Values]] = {}
    absent: dict[str, str] = {}
    for route in ROUTES:
        if route == "chain" and per_epoch > most:
            absent[route] = f"an epoch has {per_epoch:,} updates, and this route takes each in Python"
            continue
        losses[route], paths[route] = _run(model, samples, table, {**options, "route": route})
    shown = {name: str(given[name]) for name in ("epochs", "learning_rate", "batch_size", "shuffle", "seed")}
    shown |= {
        "optimizer": str(given["optimizer"] or "sgd") if _named(given["optimizer"]) else "an optax transformation"
    }
    shown |= {"route": str(given.get("route", "autodiff")), "dtype": result.dtype, "device": result.device}
    return Course(result, shown, per_epoch, losses, paths, absent)


def _named(optimizer: object) -> bool:
    return optimizer is None or isinstance(optimizer, str)


def _run(
    model: Model, samples: int | Samples, table: Any, settings: Mapping[str, Any]
) -> tuple[Values, Mapping[str, Values]]:
    """Losses of a run's updates, and the path of each parameter."""
    options = checked_options(samples.count if isinstance(samples, Samples) else samples, **settings)
    with jax.default_device(options.device):
        updates = Updates.of(model, samples, options)
        data = updates.packed(table.arrays if isinstance(table, Samples) else table)
        start = updates.start({symbol.name: p.value for symbol, p in model.parameters.items()})
        program = compiled(updates, options.epochs, record_parameters=True)
        end, record = program(updates.place(0), start, data)
        last = {name: np.asarray(largest(value)) for name, value in end["parameters"].items()}
    before = {name: np.asarray(values) for name, values in record["parameters"].items()}
    return np.asarray(record["losses"]), {name: np.append(path, last[name]) for name, path in before.items()}


def _numbers(values: Sequence[Any] | Values) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
