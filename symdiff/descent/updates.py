"""One update of a training run: the mean loss of a batch, its gradient, and a step of the optimizer."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sympy as sp

from symdiff.descent.checkpoint import arrays_digest, graph_digest
from symdiff.descent.options import TrainingOptions, in_dtype
from symdiff.errors import ModelError, OptionError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.rewriting.rewrites import lowerable
from symdiff.samples import Samples, samples_of
from symdiff.tensors.lengths import check_shapes, concrete, find_lengths
from symdiff.tensors.running import scalar

Array = np.ndarray[Any, Any]
# {"parameters": {name: scalar or array}, "optimizer": leaves of what optax keeps}, whose named tuples cost a call
# microseconds
State = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Updates:
    """What an update is: the loss of one sample as a graph, what moves and how, the order of the samples.

    Equal where they would be compiled to the same program. Of the data it only holds how many samples there are, and of
    what shape one is; arrays that are `whole` are the same in every sample.
    """

    graph: Graph
    moving: tuple[sp.Symbol, ...]
    fixed: Mapping[sp.Symbol, Any]
    bounds: Mapping[str, tuple[Any, Any]]
    columns: tuple[sp.Symbol, ...]
    samples: int
    options: TrainingOptions
    whole: frozenset[str] = frozenset()
    # of parameters that move, at the start of a run
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    @classmethod
    def of(cls, model: Model, data: int | Samples, options: TrainingOptions) -> Updates:
        """Prepare the updates of a model on so many samples, or on arrays; raises ModelError where no parameter moves.

        Raises ShapeError where the lengths of arrays do not fit together.
        """
        arrays = isinstance(data, Samples)
        samples = data.count if arrays else data
        graph = _of_lengths(model, data) if arrays else lowerable(graph_of([model.loss]))
        moving = tuple(symbol for symbol, parameter in model.parameters.items() if not parameter.fixed)
        if not moving:
            raise ModelError(f"all parameters of model {model.name!r} are fixed; free one to train it")
        bounds = {
            symbol.name: (_bound(p.min, -np.inf, options.dtype), _bound(p.max, np.inf, options.dtype))
            for symbol, p in model.parameters.items()
            if not (p.fixed or (p.min is None and p.max is None))
        }
        fixed = {
            s: in_dtype(p.value, options.dtype, f"parameter {s.name!r}") for s, p in model.parameters.items() if p.fixed
        }
        columns = tuple(symbol for symbol in model.observed if symbol in graph.inputs)
        shapes = {symbol.name: np.shape(model.parameters[symbol].value) for symbol in moving}
        return cls(
            graph, moving, fixed, bounds, columns, samples, options, data.whole if arrays else frozenset(), shapes
        )

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Everything that is compiled in."""
        # which tells 0.0 and -0.0 apart
        numbers = (
            arrays_digest({symbol.name: value for symbol, value in self.fixed.items()}),
            *(arrays_digest({name: ends[k] for name, ends in self.bounds.items()}) for k in (0, 1)),
            repr((sorted(self.whole), sorted(self.shapes.items()))),
        )
        o = self.options
        options = o.batch_size, o.shuffle, o.seed, id(o.optimizer), o.route, o.dtype, o.device, o.record_gradients
        return graph_digest(self.graph), self.moving, self.columns, self.samples, *numbers, *options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Updates) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def of_arrays(self) -> bool:
        """Whether the loss holds arrays; its samples are then mapped one by one, not broadcast."""
        return bool(self.graph.shapes)

    def data_shape(self, symbol: Any) -> tuple[int, ...]:
        """The shape of the whole array of an input or the target, of a model with arrays."""
        shape: tuple[Any, ...] = self.graph.shape(self.graph.inputs[symbol])
        return shape if symbol.name in self.whole else (self.samples, *shape)

    @property
    def per_epoch(self) -> int:
        """Updates of one pass over the data; the last one may have fewer samples."""
        return -(-self.samples // self.options.batch_size)

    def place(self, epoch: int) -> Any:
        """Where a run begins, on the device: the barrier's zero, and the number of the epoch, from 0."""
        return self._placed(np.array([0, epoch], np.int32))

    def packed(self, data: Mapping[str, Array]) -> Any:
        """What the loss depends on, on the device: columns as one array (columns, samples), else a tuple of arrays."""
        if self.of_arrays:
            arrays = (in_dtype(data[symbol.name], self.options.dtype, symbol.name) for symbol in self.columns)
            return self._placed(tuple(np.asarray(array) for array in arrays))
        rows = [in_dtype(data[symbol.name], self.options.dtype, f"column {symbol.name!r}") for symbol in self.columns]
        return self._placed(np.array(rows, self.options.dtype).reshape(len(rows), self.samples))

    def start(self, values: Mapping[str, Any]) -> State:
        """State before the first update; raises OptionError where the optimizer cannot be initialised."""
        given = {s.name: in_dtype(values[s.name], self.options.dtype, f"parameter {s.name!r}") for s in self.moving}
        parameters = {name: self._within(name, jnp.asarray(value)) for name, value in given.items()}
        with optimizing():
            kept = jax.tree.leaves(self.options.optimizer.init(parameters))
        return self._placed(jax.tree.map(_strong, {"parameters": parameters, "optimizer": kept}))

    def optimizer_state(self, state: State) -> Any:
        """What optax keeps, as the tree that it is."""
        return jax.tree.unflatten(self._structure, state["optimizer"])

    def moved(self, state: State, gradient: Any, loss: Any) -> State:
        """State after the optimizer was given a gradient; a parameter never leaves its bounds."""
        parameters = state["parameters"]
        partials = {symbol.name: partial for symbol, partial in zip(self.moving, gradient, strict=True)}
        optimizer = optax.with_extra_args_support(self.options.optimizer)
        with optimizing():
            before = self.optimizer_state(state)
            changes, kept = optimizer.update(partials, before, parameters, value=loss, grad=partials)
            stepped: Any = optax.apply_updates(parameters, changes)
        moved = {name: self._within(name, value) for name, value in stepped.items()}
        new: State = {"parameters": moved, "optimizer": jax.tree.leaves(kept)}
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

    def zeros(self) -> dict[str, Any]:
        """A zero of the shape of each parameter that moves."""
        return {s.name: np.zeros(self.shapes.get(s.name, ()), self.options.dtype)[()] for s in self.moving}

    @cached_property
    def _structure(self) -> Any:
        return jax.tree.structure(self.options.optimizer.init(self.zeros()))

    def _within(self, name: str, value: Any) -> Any:
        if name not in self.bounds:
            return value
        low, high = self.bounds[name]
        # what has become infinite stays so, to be reported, and is not clipped into a value that looks well
        return jnp.where(jnp.isfinite(value), jnp.clip(value, low, high), value)

    def _placed(self, tree: Any) -> Any:
        return jax.device_put(tree, self.options.device)


def _strong(leaf: Any, dtype: Any = None) -> Any:
    """An array of that dtype, not of a weak one, so that the state has one type throughout; random keys as they are."""
    if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
        return leaf
    array = jnp.asarray(leaf)
    return jax.lax.convert_element_type(array, dtype or array.dtype)


def loss_graph(model: Model) -> Graph:
    """The loss of one sample as a graph, a number, of lengths as the formula has them."""
    return scalar(graph_of([model.loss]))


def samples_for(model: Model, graph: Graph, data: Any) -> Samples:
    """The data of a model with arrays, checked against the shapes in the graph of its loss."""
    sizes: dict[Any, int] = {}
    for symbol, parameter in model.parameters.items():
        if symbol in graph.inputs:
            sizes |= zip(graph.shape(graph.inputs[symbol]), np.shape(parameter.value), strict=False)
    named = {s: graph.shape(graph.inputs[s]) for s in model.observed if s in graph.inputs}
    return samples_of(data, named, {length: size for length, size in sizes.items() if isinstance(length, sp.Symbol)})


def _of_lengths(model: Model, data: Samples) -> Graph:
    graph = lowerable(loss_graph(model))
    check_shapes(graph)
    shapes: dict[Any, tuple[int, ...]] = {s: np.shape(p.value) for s, p in model.parameters.items()}
    shapes |= {s: data.shape(s.name) for s in model.observed if s.name in data.arrays}
    return concrete(graph, find_lengths(graph, shapes, {}), shapes)


def _bound(value: Any, none: float, dtype: np.dtype[Any]) -> Any:
    with np.errstate(over="ignore"):
        return np.asarray(none if value is None else value).astype(dtype)[()]


@contextlib.contextmanager
def optimizing() -> Generator[None]:
    """While a caller's optimizer is at work: the default promotions, on which optax relies, and errors in one line."""
    try:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            yield
    except Exception as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        why = f"optimizer fails on a dict of scalar parameters ({type(error).__name__}: {reason}); give another"
        raise OptionError(why) from None
