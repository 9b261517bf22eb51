"""The updates of a training run: many in one compiled `lax.scan`, or one by one around the chain route.

One update takes the mean loss of a batch, its gradient by the chosen route, and lets the optimizer move the parameters.
Products are rounded before they are added, so that on small models the routes agree with PyTorch bit for bit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sympy as sp

from symdiff import chain
from symdiff.checkpoint import graph_digest
from symdiff.errors import ModelError, OptionError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.guard import guarded
from symdiff.model import Model
from symdiff.rounding_barrier import separately_rounded
from symdiff.routes import of_graph
from symdiff.training_options import TrainingOptions

Array = np.ndarray[Any, Any]
# {"parameters": {name: scalar}, "optimizer": what optax keeps}
State = dict[str, Any]
# arrays whose first axis counts updates: "losses", and if asked for "gradients" and "parameters" before each update
Record = dict[str, Any]
# place (see `Updates.place`); state; data of shape (columns, samples)
Run = Callable[[Any, State, Any], tuple[State, Record]]

# compiled runs that are kept for the next call of the same kind
KEPT_PROGRAMS = 16


@dataclass(frozen=True, eq=False)
class Updates:
    """What an update is: the loss of one sample as a graph, what moves and how, the order of the samples.

    Equal where they would be compiled to the same program. Of the data it only holds how many samples there are.
    """

    graph: Graph
    moving: tuple[sp.Symbol, ...]
    fixed: Mapping[sp.Symbol, Any]
    bounds: Mapping[str, tuple[Any, Any]]
    columns: tuple[sp.Symbol, ...]
    samples: int
    options: TrainingOptions

    @classmethod
    def of(cls, model: Model, samples: int, options: TrainingOptions) -> Updates:
        """Prepare the updates of a model; raises ModelError where no parameter moves."""
        graph = guarded(graph_of([model.loss]))
        number = options.dtype.type
        moving = tuple(symbol for symbol, parameter in model.parameters.items() if not parameter.fixed)
        if not moving:
            raise ModelError(f"all parameters of model {model.name!r} are fixed; free one to train it")
        bounds = {
            symbol.name: (number(-np.inf if p.min is None else p.min), number(np.inf if p.max is None else p.max))
            for symbol, p in model.parameters.items()
            if symbol in moving and not (p.min is None and p.max is None)
        }
        fixed = {symbol: number(p.value) for symbol, p in model.parameters.items() if p.fixed}
        columns = tuple(symbol for symbol in (*model.inputs, model.target) if symbol in graph.inputs)
        return cls(graph, moving, fixed, bounds, columns, samples, options)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Everything that is compiled in."""
        numbers = tuple(self.fixed.items()), tuple(self.bounds.items())
        o = self.options
        options = o.batch_size, o.shuffle, o.seed, o.optimizer, o.route, o.dtype, o.device, o.record_gradients
        return graph_digest(self.graph), self.moving, self.columns, self.samples, *numbers, *options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Updates) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def per_epoch(self) -> int:
        """Updates of one pass over the data; the last one may have fewer samples."""
        return -(-self.samples // self.options.batch_size)

    def place(self, epoch: int) -> Any:
        """Where a run begins, on the device: the barrier's zero, and the number of the epoch, from 0."""
        return self._placed(np.array([0, epoch]))

    def packed(self, data: Mapping[str, Array]) -> Any:
        """The columns that the loss depends on as one array of shape (columns, samples), on the device."""
        rows = [data[symbol.name] for symbol in self.columns]
        return self._placed(np.array(rows, self.options.dtype).reshape(len(rows), self.samples))

    def start(self, values: Mapping[str, float]) -> State:
        """State before the first update; raises OptionError where the optimizer cannot be initialised."""
        number = self.options.dtype.type
        parameters = {s.name: jnp.asarray(number(values[s.name])) for s in self.moving}
        parameters = {name: self._within(name, value) for name, value in parameters.items()}
        with _optimizing():
            kept = self.options.optimizer.init(parameters)
        return self._placed(jax.tree.map(_strong, {"parameters": parameters, "optimizer": kept}))

    def moved(self, state: State, gradient: Any, loss: Any) -> State:
        """State after the optimizer was given a gradient; a parameter never leaves its bounds."""
        parameters = state["parameters"]
        partials = {symbol.name: partial for symbol, partial in zip(self.moving, gradient, strict=True)}
        optimizer = optax.with_extra_args_support(self.options.optimizer)
        with _optimizing():
            changes, kept = optimizer.update(partials, state["optimizer"], parameters, value=loss, grad=partials)
            stepped: Any = optax.apply_updates(parameters, changes)
        new: State = {"parameters": {n: self._within(n, v) for n, v in stepped.items()}, "optimizer": kept}
        return jax.tree.map(lambda after, before: _strong(after, before.dtype), new, state)

    def order(self, epochs: Any) -> jax.Array:
        """Sample numbers of each update, (updates,) or (updates, batch_size), -1 beyond the data's end.

        `epochs` counts from 0; the order of an epoch is a function of the seed and its number alone.
        """
        samples, batch = self.samples, self.options.batch_size
        rows = jnp.broadcast_to(jnp.arange(samples), (len(epochs), samples))
        if self.options.shuffle:
            key = jax.random.key(self.options.seed)
            rows = jax.vmap(lambda epoch: jax.random.permutation(jax.random.fold_in(key, epoch), samples))(epochs)
        absent = self.per_epoch * batch - samples
        padded = jnp.pad(rows.astype(jnp.int32), ((0, 0), (0, absent)), constant_values=-1)
        return padded.reshape(-1) if batch == 1 else padded.reshape(-1, batch)

    def given(self, parameters: Mapping[str, Any], batch: Any) -> dict[sp.Symbol, Any]:
        """Values of all symbols of the loss, the batch being of shape (columns,) or (columns, batch_size)."""
        moving = {symbol: parameters[symbol.name] for symbol in self.moving}
        return moving | dict(self.fixed) | dict(zip(self.columns, batch, strict=True))

    def mean(self, values: Any, partials: Any, rows: Any, numpy: Any) -> tuple[Any, Any]:
        """Mean loss and gradient over the samples of a batch, of which the last of an epoch may be smaller."""
        if self.options.batch_size == 1:
            return values, partials
        values = numpy.broadcast_to(values, rows.shape)
        partials = numpy.broadcast_to(partials, (len(partials), *rows.shape))
        if self.samples % self.options.batch_size == 0:
            return values.mean(), partials.mean(axis=-1)
        present = rows >= 0
        count = present.sum().astype(values.dtype)
        return numpy.where(present, values, 0).sum() / count, numpy.where(present, partials, 0).sum(axis=-1) / count

    def _within(self, name: str, value: Any) -> Any:
        if name not in self.bounds:
            return value
        low, high = self.bounds[name]
        # what has become infinite stays so, to be reported, and is not clipped into a value that looks well
        return jnp.where(jnp.isfinite(value), jnp.clip(value, low, high), value)

    def _placed(self, tree: Any) -> Any:
        return jax.device_put(tree, self.options.device)


@lru_cache(maxsize=KEPT_PROGRAMS)
def compiled(updates: Updates, epochs: int, record_parameters: bool = False) -> Run:
    """Compile a run of that many epochs; the one of an equal call before is used again.

    Raises OptionError where the optimizer cannot work on a dict of scalars.
    """
    state = updates.start(dict.fromkeys((symbol.name for symbol in updates.moving), 0.0))
    try:
        build = _by_chain if updates.options.route == "chain" else _by_loop
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
            return separately_rounded(one, zero, state, data[:, rows], rows)

        return jax.lax.scan(body, state, updates.order(first + jnp.arange(epochs)))

    data = updates.packed({symbol.name: np.zeros(updates.samples) for symbol in updates.columns})
    program = jax.jit(run)
    program.lower(updates.place(0), state, data).compile()  # which calls of it find again
    return lambda place, state, data: jax.block_until_ready(program(place, state, data))


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
            loss, gradient = updates.mean(*found, rows, np)
            steps.append((loss, gradient, parameters))
            state = program(np.array(0), state, gradient, loss)
        losses, gradients, parameters = zip(*steps, strict=True)
        path = {name: np.array([values[name] for values in parameters]) for name in parameters[0]}
        kept = {"gradients": np.array(gradients)} if updates.options.record_gradients else {}
        return state, {"losses": np.array(losses), "parameters": path} | kept

    return run


def _strong(leaf: Any, dtype: Any = None) -> Any:
    """An array of that dtype, not of a weak one, so that the state has one type throughout; random keys as they are."""
    if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
        return leaf
    array = jnp.asarray(leaf)
    return jax.lax.convert_element_type(array, dtype or array.dtype)


@contextlib.contextmanager
def _optimizing() -> Generator[None]:
    """While a caller's optimizer is at work: JAX's default promotions, on which optax relies, and errors in one line."""
    try:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            yield
    except Exception as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        why = f"optimizer fails on a dict of scalar parameters ({type(error).__name__}: {reason}); give another"
        raise OptionError(why) from None
