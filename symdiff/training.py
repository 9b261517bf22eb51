"""Training: gradient descent on a model's mean loss, compiled as one loop."""

from __future__ import annotations

from typing import Any

import jax

from symdiff.descent.options import Device, Precision, checked_options
from symdiff.descent.result import TrainingResult
from symdiff.descent.run import OnEpoch, TrainingRun
from symdiff.descent.updates import Updates, loss_graph, samples_for
from symdiff.errors import DataError, OptionError
from symdiff.model import Model
from symdiff.routes import Route
from symdiff.samples import Samples

__all__ = ["TrainingResult", "train"]


def train(
    model: Model,
    data: Any = None,
    epochs: int = 100,
    learning_rate: float = 0.01,
    batch_size: int = 1,
    shuffle: bool = False,
    seed: int = 0,
    optimizer: Any = None,
    route: Route = "autodiff",
    dtype: Precision = "float64",
    device: Device = "auto",
    checkpoint: Any = None,
    on_epoch: OnEpoch | None = None,
    *,
    resume: bool = False,
    record_gradients: bool = False,
) -> TrainingResult:
    """Minimise the mean of a model's loss over its data, batch by batch: w <- w - learning_rate * dL/dw.

    Every option is checked before anything is compiled. `data` is as for `Model`, by default the model's own.

    * `epochs`: passes over the data.
    * `learning_rate`: the step; without meaning where an optax transformation is given.
    * `batch_size`: samples an update, which takes the gradient of their mean loss; the last of an epoch may have fewer.
    * `shuffle`: take the samples of each epoch in another order, a function of `seed` and the epoch's number alone.
    * `optimizer`: any optax transformation, or a name in `symdiff.descent.optimizers.NAMES`; plain gradient descent by
      default. It sees a dict of scalars by parameter name.
    * `route`: which gradient drives the updates; "chain" does so in a Python loop, slowly.
    * `dtype`: in which everything is computed. `device`: "auto" is the one that JAX prefers.
    * `checkpoint`: a directory, for about ten checkpoints in the course of the run, of which the last two are kept.
    * `on_epoch`: called as on_epoch(epoch, mean loss, parameters) after each epoch, counted from 1; the compiled loop
      then returns to Python after each.
    * `resume`: continue from the newest checkpoint, if there is one, with the result of an unbroken run, bit for bit.
    * `record_gradients`: keep the gradient of every update.

    Parameters that are `fixed` stay, the others keep within their min and max.

    Raises OptionError, DataError or ModelError for what cannot be used; DivergenceError where a loss, a gradient or a
    parameter leaves the finite numbers, naming update and sample.

    >>> from symdiff import models
    >>> result = train(models.load("linear"))
    >>> result.before, round(result.predict(x=4.0), 6), result.steps
    (4.0, 8.0, 300)

    Source: Robbins and Monro, A Stochastic Approximation Method, Ann. Math. Statist. 22, 1951.
    """
    given = model.data if data is None else data
    if given is None:
        raise DataError(f"model {model.name!r} has no data of its own; give data=")
    graph = loss_graph(model)
    table = samples_for(model, graph, given) if graph.shapes else model.table(given)
    samples = table if isinstance(table, Samples) else len(next(iter(table.values())))
    options = checked_options(
        samples.count if isinstance(samples, Samples) else samples,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        optimizer=optimizer,
        route=route,
        dtype=dtype,
        device=device,
        checkpoint=checkpoint,
        resume=resume,
        record_gradients=record_gradients,
    )
    if on_epoch is not None and not callable(on_epoch):
        raise OptionError("on_epoch is not callable; give a function of (epoch, mean loss, parameters)")
    with jax.default_device(options.device):
        updates = Updates.of(model, samples, options)
        packed = updates.packed(table.arrays if isinstance(table, Samples) else table)
        return TrainingRun(model, updates, packed, options, on_epoch).run()
