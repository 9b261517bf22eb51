"""Samples that a training run does not see, and how well the trained model does on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symdiff.data import short
from symdiff.errors import DataError, OptionError
from symdiff.from_sympy import graph_of
from symdiff.loss import loss_name
from symdiff.model import Model
from symdiff.prediction import predict

Arrays = dict[str, Any]


def split(data: Mapping[str, Any], part: float, seed: int = 0) -> tuple[Arrays, Arrays]:
    """Part data of arrays (samples, ...) into those to train on and those held out, drawn by `seed`, each in order.

    Raises OptionError for a part that is no number between 0 and 1, DataError where either has no sample.

    >>> train, held = split({"x": np.arange(10.0)}, 0.2)
    >>> len(train["x"]), len(held["x"])
    (8, 2)
    """
    if not 0 < part < 1:
        raise OptionError(f"held_out is {short(part)}; give a part of the samples, between 0 and 1, such as 0.2")
    count = len(next(iter(data.values())))
    held = int(count * part)
    if not 0 < held < count:
        raise DataError(
            f"held_out {part:g} of {count:,} samples leaves none on one side; give another part or more data"
        )
    order = np.random.default_rng(seed).permutation(count)
    rows = np.sort(order[held:]), np.sort(order[:held])
    return tuple({name: array[chosen] for name, array in data.items()} for chosen in rows)  # type: ignore[return-value]


def score(model: Model, parameters: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """How well the model does on held-out samples: their number, and where it names classes how many it gets right.

    A model names classes where its loss is softmax_cross_entropy (the largest score) or logistic (log-odds above 0).
    `loss` is the mean loss, in float64; null where the loss is another and its data are arrays.

    >>> from symdiff import models
    >>> score(models.load("linear"), {"w": 1.0}, {"x": np.array([1.0, 2.0]), "y": np.array([2.0, 4.0])})
    {'samples': 2, 'loss': 2.5, 'correct': None, 'accuracy': None}
    """
    count = len(next(iter(held.values())))
    target = held[model.target.name]
    found = np.asarray(
        predict(model, parameters, {symbol.name: held[symbol.name] for symbol in model.inputs}), np.float64
    )
    found = np.broadcast_to(found, target.shape)
    name = loss_name(model.loss_formula, model.target, model.prediction)
    right: Any = None
    if name == "softmax_cross_entropy":
        right = found.reshape(count, -1).argmax(axis=1) == target.reshape(count, -1).argmax(axis=1)
    elif name == "logistic":
        right = ((found > 0) == (target > 0.5)).reshape(count, -1).all(axis=1)
    correct = None if right is None else int(right.sum())
    return {
        "samples": count,
        "loss": _mean_loss(model, parameters, held),
        "correct": correct,
        "accuracy": None if correct is None else correct / count,
    }


def _mean_loss(model: Model, parameters: Mapping[str, Any], held: Mapping[str, Any]) -> float:
    import jax

    from symdiff.descent.updates import loss_graph, samples_for
    from symdiff.lowering import lambdify
    from symdiff.tensors.running import output_function

    graph = graph_of([model.loss])
    values = {symbol: np.asarray(parameters[symbol.name], np.float64) for symbol in model.parameters}
    if not graph.shapes:
        symbols = (*values, *model.observed)
        losses = lambdify(symbols, model.loss)(*values.values(), *(held[s.name] for s in model.observed))
        return float(np.mean(losses))
    graph = loss_graph(model)
    samples = samples_for(model, graph, dict(held))
    symbols = tuple(s for s in (*model.parameters, *model.observed) if s in graph.inputs)
    arrays = [values[s] if s in values else samples.arrays[s.name] for s in symbols]
    axes = [None if s in values or s.name in samples.whole else 0 for s in symbols]
    if all(axis is None for axis in axes):
        return float(output_function(graph, symbols)(arrays, {})[0])
    of_one = output_function(graph, symbols)
    return float(np.mean(jax.vmap(lambda *each: of_one(each, {})[0], in_axes=axes)(*arrays)))
