"""Updates of a model of many parts that are alike: parameters in a few vectors, the loss in operations on them.

The loop carries an array for each part of the parameters that the loss reads as a whole (all weights of a layer,
say), and the same of what the optimizer keeps, in place of thousands of scalars. As for models with arrays, the
autodiff route differentiates the mean loss of a batch, and sums are left to XLA.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from symdiff.descent.updates import State, Updates, optimizing
from symdiff.symbolic import gradient_graph
from symdiff.vectorised import choice
from symdiff.vectorised.evaluation import group_values, outputs_of
from symdiff.vectorised.grouping import BATCHES, NUMBERS, Program, program_of
from symdiff.vectorised.patterns import frame_of

# vectors that the loop carries for the parameters, at most; where the loss reads more it carries one
MOST_VECTORS = 16

# vectors of the parameters, and the optimizer's state for them
Carried = tuple[tuple[Any, ...], Any]


def is_alike(updates: Updates) -> bool:
    """Whether a run is best made here: many parts of the loss are alike, and the optimizer treats entries alike."""
    return updates.options.entrywise and choice.pays(updates.graph, _symbols(updates))


class VectorUpdates:
    """What `Updates` does, on parameters in vectors."""

    def __init__(self, updates: Updates) -> None:
        self.updates = updates
        self.symbolic = updates.options.route == "symbolic"
        several = updates.options.batch_size > 1
        kinds = [NUMBERS] * (len(updates.moving) + len(updates.fixed))
        kinds += [BATCHES if several else NUMBERS] * len(updates.columns)
        graph = gradient_graph(updates.graph, updates.moving) if self.symbolic else updates.graph
        program = program_of(graph, _symbols(updates), kinds)
        self.program, count = program, len(updates.moving)
        inner = [cut for cut in program.cuts[NUMBERS] if cut < count]
        self.edges = [0, *(inner if len(inner) < MOST_VECTORS else ()), count]
        self.shapes = [_shape_read(program, first, last) for first, last in pairwise(self.edges)]

    def packed(self, state: State) -> Carried:
        """A state in vectors, on the device."""
        parameters, kept = jax.device_get((state["parameters"], self.updates.optimizer_state(state)))
        joined = jax.tree.map(
            lambda part: self._vectors(part) if isinstance(part, dict) else part, kept, is_leaf=_is_dict
        )
        return jax.device_put((self._vectors(parameters), joined), self.updates.options.device)

    def unpacked(self, pattern: State, carried: Carried) -> State:
        """The state that `packed` made these of, on the host; `pattern` is one of the same structure."""
        parameters, kept = jax.device_get(carried)
        leaves = iter(jax.tree.leaves(kept))
        named: list[Any] = []
        for own in jax.tree.leaves(self.updates.optimizer_state(pattern), is_leaf=_is_dict):
            whole = isinstance(own, dict)
            named.append(self.by_name([next(leaves) for _ in self.edges[1:]]) if whole else next(leaves))
        return {"parameters": self.by_name(parameters), "optimizer": jax.tree.leaves(named)}

    def by_name(self, vectors: Any) -> dict[str, Any]:
        """Entries of the vectors, which may have an axis of updates in front, by the name of the parameter."""
        flat = [own.reshape(*own.shape[: own.ndim - len(s)], -1) for own, s in zip(vectors, self.shapes, strict=True)]
        whole = np.concatenate(flat, axis=-1)
        return {symbol.name: whole[..., k] for k, symbol in enumerate(self.updates.moving)}

    def moved(self, carried: Carried, gradient: Any, loss: Any) -> Carried:
        """What is carried after the optimizer was given a gradient; a parameter never leaves its bounds."""
        parameters, kept = carried
        optimizer = optax.with_extra_args_support(self.updates.options.optimizer)
        with optimizing():
            changes, new = optimizer.update(gradient, kept, parameters, value=loss, grad=gradient)
            stepped: Any = optax.apply_updates(parameters, changes)
        if self.updates.bounds:
            stepped = tuple(
                jnp.where(jnp.isfinite(own), jnp.clip(own, low, high), own)
                for own, low, high in zip(stepped, *self._bounds, strict=True)
            )
        return jax.tree.map(lambda after, before: jnp.asarray(after, before.dtype), (stepped, new), carried)

    def evaluate(self, parameters: tuple[Any, ...], columns: Any, rows: Any) -> tuple[Any, tuple[Any, ...]]:
        """Mean loss of a batch, of shape (columns,) or (columns, samples), and its gradient in vectors."""
        updates = self.updates
        if self.symbolic:
            found = self._outputs(parameters, columns, 0, len(updates.moving) + 1)
            value, partials = updates.mean(found[0], found[1:], rows, jnp)
            return value, self._cut(partials)

        def mean(parameters: tuple[Any, ...]) -> Any:
            values = self._outputs(parameters, columns, 0, 1)
            return updates.mean(values[0], values, rows, jnp)[0]

        return jax.value_and_grad(mean)(parameters)

    def _outputs(self, parameters: tuple[Any, ...], columns: Any, first: int, last: int) -> Any:
        dtype = self.updates.options.dtype
        numbers = [*(own.reshape(-1) for own in parameters), np.asarray(list(self.updates.fixed.values()), dtype)]
        batches = columns if self.program.arguments[BATCHES] else None
        if batches is None and self.updates.options.batch_size == 1:
            numbers.append(columns)
        wide = jnp.zeros((0, 1), dtype) if batches is None else batches
        arguments = jnp.concatenate(numbers), wide, jnp.zeros(0, dtype)
        values = group_values(self.program, arguments)
        return outputs_of(self.program, values, first, last, None if batches is None else batches.shape[1])

    @cached_property
    def _bounds(self) -> tuple[Any, Any]:
        none = (-np.inf, np.inf)
        ends = [self.updates.bounds.get(symbol.name, none) for symbol in self.updates.moving]
        low, high = np.asarray(ends, self.updates.options.dtype).T
        return self._cut(low), self._cut(high)

    def _vectors(self, named: Mapping[str, Any]) -> tuple[Any, ...]:
        ordered = [named[symbol.name] for symbol in self.updates.moving]
        return self._cut(np.asarray(ordered, self.updates.options.dtype))

    def _cut(self, vector: Any) -> tuple[Any, ...]:
        ends = pairwise(self.edges)
        return tuple(vector[a:b].reshape(shape) for (a, b), shape in zip(ends, self.shapes, strict=True))


def _symbols(updates: Updates) -> tuple[Any, ...]:
    return (*updates.moving, *updates.fixed, *updates.columns)


def _shape_read(program: Program, first: int, last: int) -> tuple[int, ...]:
    """In which shape an operation reads these numbers: XLA updates them faster over the axes of what is added."""
    for group in program.groups:
        for slot in group.slots:
            for source, index in zip(slot.sources, slot.index, strict=True):
                if source == NUMBERS and np.array_equal(index.ravel(), np.arange(first, last)):
                    return frame_of(list(slot.index), slot.terms)
    return (last - first,)


def _is_dict(part: Any) -> bool:
    return isinstance(part, dict)
