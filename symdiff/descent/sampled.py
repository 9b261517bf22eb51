"""The mean loss of a batch and its gradient, for models with arrays: samples are mapped, parameters are shared.

The autodiff route differentiates the mean of the mapped loss. A weight matrix then meets the whole batch in one
product, forward and backward; a gradient of its own for each sample would take memory of batch times parameters. The
symbolic route maps the gradient and takes the mean; the chain route does so sample by sample, in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from symdiff import chain
from symdiff.descent.updates import Updates
from symdiff.lowering import node_values
from symdiff.symbolic import gradient_graph

# (parameters by name, the arrays of a batch, its sample numbers) -> (mean loss, gradients in the order of `moving`)
Evaluate = Callable[[Any, Sequence[Any], Any], tuple[Any, list[Any]]]


def batch_at(updates: Updates, arrays: Sequence[Any], rows: Any) -> tuple[Any, ...]:
    """The arrays of the samples of one update; those that are whole as they are."""
    taken = jnp.maximum(rows, 0)
    if rows.ndim:
        # what lies beyond the data's end is not counted, and must be as finite as the batch is
        taken = jnp.where(rows < 0, rows[0], rows)
    return tuple(
        array if symbol.name in updates.whole else array.at[taken].get(mode="promise_in_bounds")
        for symbol, array in zip(updates.columns, arrays, strict=True)
    )


def mean_gradient(updates: Updates) -> Evaluate:
    """The mean loss and its gradient by the route of the options, in JAX."""
    return _of_mapped_loss(updates) if updates.options.route == "autodiff" else _of_mapped_gradient(updates)


def _of_mapped_loss(updates: Updates) -> Evaluate:
    graph, dtype = updates.graph, updates.options.dtype

    def loss(parameters: Any, *sample: Any) -> Any:
        values = node_values(graph, _present(updates, parameters, sample), dtype)
        return jnp.asarray(values[graph.outputs[0]], dtype)

    def mean(parameters: Any, batch: Sequence[Any], rows: Any) -> Any:
        return _mean(updates, _mapped(updates, loss, rows)(parameters, *batch), rows)

    def evaluate(parameters: Any, batch: Sequence[Any], rows: Any) -> tuple[Any, list[Any]]:
        value, gradient = jax.value_and_grad(mean)(parameters, batch, rows)
        return value, [gradient[symbol.name] for symbol in updates.moving]

    return evaluate


def _of_mapped_gradient(updates: Updates) -> Evaluate:
    derived, dtype = gradient_graph(updates.graph, updates.moving), updates.options.dtype

    def one(parameters: Any, *sample: Any) -> Any:
        values = node_values(derived, _present(updates, parameters, sample), dtype)
        value, *partials = (jnp.asarray(values[node], dtype) for node in derived.outputs)
        shapes = [np.shape(parameters[symbol.name]) for symbol in updates.moving]
        return value, [jnp.broadcast_to(p, shape) for p, shape in zip(partials, shapes, strict=True)]

    def evaluate(parameters: Any, batch: Sequence[Any], rows: Any) -> tuple[Any, list[Any]]:
        found = _mapped(updates, one, rows)(parameters, *batch)
        return jax.tree.map(lambda values: _mean(updates, values, rows), found)

    return evaluate


def by_chain(updates: Updates, parameters: Any, arrays: Sequence[Any], rows: Any) -> tuple[Any, list[Any]]:
    """The mean loss and its gradient by the chain route, one sample after the other."""
    graph, dtype = updates.graph, updates.options.dtype
    sources = [graph.inputs.get(symbol, -1) for symbol in updates.moving]
    total: Any = dtype.type(0)
    sums = [np.zeros(np.shape(parameters[symbol.name]), dtype) for symbol in updates.moving]
    present = [row for row in np.atleast_1d(rows).tolist() if row >= 0]
    for row in present:
        sample = [a if s.name in updates.whole else a[row] for s, a in zip(updates.columns, arrays, strict=True)]
        values = chain.forward(graph, _present(updates, parameters, sample), dtype)
        known = [node for node in sources if node >= 0]
        found = chain.adjoints(graph, values, graph.outputs[0], known, keep=False)
        with np.errstate(all="ignore"):
            total = total + values[graph.outputs[0]]
            for k, node in enumerate(sources):
                if node >= 0 and found[node] is not None:
                    sums[k] = sums[k] + found[node]
    count = dtype.type(len(present))
    with np.errstate(all="ignore"):
        return dtype.type(total / count), [np.asarray(partial / count, dtype)[()] for partial in sums]


def _mapped(updates: Updates, function: Callable[..., Any], rows: Any) -> Callable[..., Any]:
    """The function over the samples of a batch; of a batch of one, it itself."""
    if not rows.ndim:
        return function
    axes = [None if symbol.name in updates.whole else 0 for symbol in updates.columns]
    if all(axis is None for axis in axes):
        return function
    return jax.vmap(function, in_axes=(None, *axes))


def _mean(updates: Updates, values: Any, rows: Any) -> Any:
    """The mean over the samples of a batch, of which the last of an epoch may be smaller."""
    if not rows.ndim:
        return values
    if updates.samples % updates.options.batch_size == 0:
        return values.mean(axis=0)
    present = (rows >= 0).reshape(-1, *(1,) * (values.ndim - 1))
    return jnp.where(present, values, 0).sum(axis=0) / present.sum().astype(values.dtype)


def _present(updates: Updates, parameters: Any, sample: Sequence[Any]) -> dict[Any, Any]:
    """Values of the inputs of the graph."""
    return {
        symbol: value for symbol, value in updates.given(parameters, sample).items() if symbol in updates.graph.inputs
    }
