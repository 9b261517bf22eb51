"""Many updates: in one compiled `lax.scan`, or one by one around the chain route.

Products are rounded before they are added, so that on small models all routes agree with PyTorch bit for bit. Models
with arrays are left to XLA: the sums within a matrix product have no order that could be agreed on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from symdiff import chain
from symdiff.descent import in_vectors
from symdiff.descent.rounding_barrier import separately_rounded
from symdiff.descent.sampled import batch_at, by_chain, mean_gradient
from symdiff.descent.updates import State, Updates
from symdiff.errors import OptionError
from symdiff.routes import of_graph

# arrays whose first axis counts updates: "losses", and if asked for "gradients" and "parameters" before each update
Record = dict[str, Any]
# place (see `Updates.place`); state; data of shape (columns, samples), or a tuple of arrays
Run = Callable[[Any, State, Any], tuple[State, Record]]

# compiled runs that are kept for the next call of the same kind
KEPT_PROGRAMS = 16


@lru_cache(maxsize=KEPT_PROGRAMS)
def compiled(updates: Updates, epochs: int, record_parameters: bool = False) -> Run:
    """Compile a run of that many epochs; the one of an equal call before is used again.

    Raises OptionError where the optimizer cannot work on a dict of scalars.
    """
    state = updates.start(updates.zeros())
    try:
        if updates.of_arrays:
            build = _arrays_by_chain if updates.options.route == "chain" else _arrays_by_loop
        else:
            in_jax = _by_vector_loop if in_vectors.is_alike(updates) else _by_loop
            build = _by_chain if updates.options.route == "chain" else in_jax
        return build(updates, epochs, state, record_parameters)
    except OptionError as error:
        # JAX writes notes of its own on what passes through it
        raise OptionError(str(error)) from None


def _by_loop(updates: Updates, epochs: int, state: State, record_parameters: bool) -> Run:
    """One compiled loop over all updates of all epochs."""
    evaluate = of_graph(updates.graph, updates.moving, updates.options.route)

    def one(state: State, batch: Any, rows: Any) -> tuple[State, Record]:
        loss, gradient = updates.mean(*evaluate(updates.given(state["parameters"], batch)), rows, jnp)
        record: Record = {"losses": loss} | ({"gradients": gradient} if updates.options.record_gradients else {})
        record |= {"parameters": state["parameters"]} if record_parameters else {}
        return updates.moved(state, [gradient[k] for k in range(len(updates.moving))], loss), record

    def run(place: Any, state: State, data: Any) -> tuple[State, Record]:
        zero, first = place

        def body(state: State, rows: Any) -> tuple[State, Record]:
            # a zero that might differ from update to update: what does not, XLA would compute outside and carry along
            unknown = zero & rows.reshape(-1)[0]
            batch = _columns_at(data, rows)
            return separately_rounded(one, unknown, state, batch, rows)

        return jax.lax.scan(body, state, updates.order(first + jnp.arange(epochs, dtype=jnp.int32)))

    data = updates.packed({symbol.name: np.zeros(updates.samples) for symbol in updates.columns})
    program = jax.jit(run)
    program.lower(updates.place(0), state, data).compile()  # which calls of it find again
    return lambda place, state, data: jax.block_until_ready(program(place, state, data))


def _by_vector_loop(updates: Updates, epochs: int, state: State, record_parameters: bool) -> Run:
    """One compiled loop over all updates of all epochs, for a model of many parts that are alike."""
    vectors = in_vectors.VectorUpdates(updates)

    @jax.jit
    def loop(place: Any, carried: Any, data: Any) -> tuple[Any, Record]:
        def body(carried: Any, rows: Any) -> tuple[Any, Record]:
            # a gather, since XLA would slice once for each entry of the gradient
            batch = jnp.take(data, jnp.maximum(rows, 0), axis=1, mode="clip")
            loss, gradient = vectors.evaluate(carried[0], batch, rows)
            record: Record = {"losses": loss}
            if updates.options.record_gradients:
                record["gradients"] = jnp.concatenate([part.reshape(-1) for part in gradient])
            record |= {"parameters": carried[0]} if record_parameters else {}
            return vectors.moved(carried, gradient, loss), record

        return jax.lax.scan(body, carried, updates.order(place[1] + jnp.arange(epochs, dtype=jnp.int32)))

    def run(place: Any, state: State, data: Any) -> tuple[State, Record]:
        carried, record = jax.block_until_ready(loop(place, vectors.packed(state), data))
        if record_parameters:
            record["parameters"] = vectors.by_name(record["parameters"])
        return vectors.unpacked(state, carried), record

    data = updates.packed({symbol.name: np.zeros(updates.samples) for symbol in updates.columns})
    loop.lower(updates.place(0), vectors.packed(state), data).compile()
    return run


def _arrays_by_loop(updates: Updates, epochs: int, state: State, record_parameters: bool) -> Run:
    """One compiled loop over all updates of all epochs, for a model with arrays."""
    evaluate = mean_gradient(updates)

    def run(place: Any, state: State, data: Any) -> tuple[State, Record]:
        def body(state: State, rows: Any) -> tuple[State, Record]:
            parameters = state["parameters"]
            loss, gradient = evaluate(parameters, batch_at(updates, data, rows), rows)
            record: Record = {"losses": loss}
            if updates.options.record_gradients:
                record["gradients"] = {s.name: partial for s, partial in zip(updates.moving, gradient, strict=True)}
            if record_parameters:
                record["parameters"] = {name: largest(value) for name, value in parameters.items()}
            return updates.moved(state, gradient, loss), record

        return jax.lax.scan(body, state, updates.order(place[1] + jnp.arange(epochs, dtype=jnp.int32)))

    program = jax.jit(run)
    shapes = [updates.data_shape(symbol) for symbol in updates.columns]
    data = tuple(jax.ShapeDtypeStruct(shape, updates.options.dtype) for shape in shapes)
    program.lower(updates.place(0), state, data).compile()
    return lambda place, state, data: jax.block_until_ready(program(place, state, data))


def largest(value: Any) -> Any:
    """A number as it is, and of an array the largest magnitude: infinite or NaN where an entry is."""
    return jnp.max(jnp.abs(value)) if np.ndim(value) else value


def _arrays_by_chain(updates: Updates, epochs: int, start: State, _: bool) -> Run:
    """The same updates in a Python loop, for a model with arrays."""
    program = jax.jit(updates.moved)
    program.lower(start, list(updates.zeros().values()), updates.options.dtype.type(0)).compile()

    def run(place: Any, state: State, data: Any) -> tuple[State, Record]:
        arrays, first = [np.asarray(array) for array in data], int(place[1])
        losses: list[Any] = []
        gradients: list[dict[str, Any]] = []
        path: list[dict[str, Any]] = []
        for rows in np.asarray(updates.order(np.arange(first, first + epochs))):
            parameters = jax.device_get(state["parameters"])
            loss, gradient = by_chain(updates, parameters, arrays, rows)
            losses.append(loss)
            path.append({name: np.asarray(largest(value)) for name, value in parameters.items()})
            if updates.options.record_gradients:
                gradients.append({s.name: partial for s, partial in zip(updates.moving, gradient, strict=True)})
            if not np.isfinite(loss):
                break
            state = program(state, gradient, loss)
        record: Record = {"losses": np.array(losses), "parameters": _stacked(path)}
        return state, record | ({"gradients": _stacked(gradients)} if gradients else {})

    return run


def _stacked(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([record[name] for record in records]) for name in records[0]}


def _columns_at(data: Any, rows: Any) -> Any:
    if rows.ndim == 0:
        return jax.lax.dynamic_slice_in_dim(data, rows, 1, axis=1)[:, 0]
    # what lies beyond the data's end is masked later, and may be any row
    return data.at[:, jnp.maximum(rows, 0)].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _by_chain(updates: Updates, epochs: int, state: State, _: bool) -> Run:
    """The same updates in a Python loop, with gradients by our own reverse sweep in NumPy: the slow reference."""

    def move(zero: Any, state: State, gradient: Any, loss: Any) -> State:
        return separately_rounded(updates.moved, zero, state, list(gradient), loss)

    zeros = np.zeros(len(updates.moving), updates.options.dtype)
    program = jax.jit(move)
    program.lower(np.array(0), state, zeros, zeros[0]).compile()

    def run(place: Any, state: State, data: Any) -> tuple[State, Record]:
        steps: list[tuple[Any, Any, dict[str, Any]]] = []
        columns, first = np.asarray(data), int(place[1])
        for rows in np.asarray(updates.order(np.arange(first, first + epochs))):
            parameters = jax.device_get(state["parameters"])
            given = updates.given(parameters, columns[:, rows])
            found = chain.value_and_gradient(updates.graph, given, updates.moving, updates.options.dtype)
            with np.errstate(all="ignore"):
                loss, gradient = updates.mean(*found, rows, np)
            steps.append((loss, gradient, parameters))
            if not np.isfinite(loss):
                break
            state = program(np.array(0), state, gradient, loss)
        losses, gradients, parameters = zip(*steps, strict=True)
        path = {name: np.array([values[name] for values in parameters]) for name in parameters[0]}
        kept = {"gradients": np.array(gradients)} if updates.options.record_gradients else {}
        return state, {"losses": np.array(losses), "parameters": path} | kept

    return run
