"""The course of a training run: calls of the compiled loop, and what happens between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from symdiff.descent.checkpoint import (
    Checkpoints,
    Saved,
    arrays_digest,
    flat,
    graph_digest,
    program_digest,
    unflattened,
)
from symdiff.descent.loops import Record, compiled
from symdiff.descent.options import TrainingOptions
from symdiff.descent.result import TrainingResult
from symdiff.descent.updates import State, Updates
from symdiff.errors import DivergenceError, OptionError
from symdiff.model import Model
from symdiff.prediction import at_probe

# in the course of a run, evenly spaced
CHECKPOINTS = 10
# in one call of the compiled loop, at most: their order and losses are held in memory
MOST_UPDATES = 10_000_000

OnEpoch = Callable[[int, float, dict[str, Any]], object]


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """A run ready to start; see `symdiff.train`."""

    model: Model
    updates: Updates
    data: Any
    options: TrainingOptions
    on_epoch: OnEpoch | None

    def run(self) -> TrainingResult:
        """Train to the last epoch, from the newest checkpoint if one is to be resumed."""
        started = time.perf_counter()
        start = state = self.updates.start({symbol.name: p.value for symbol, p in self.model.parameters.items()})
        store = None if self.options.checkpoint is None else Checkpoints(self.options.checkpoint, self._identity(state))
        saved = None if store is None else store.open(self.options.resume)
        done, history = 0, _History([], [])
        if saved is not None:
            done, state, history = self._restored(saved, state)
        resumed_from = done
        chunk = self._chunk(done)
        program = compiled(self.updates, chunk) if done < self.options.epochs else None
        ready, seconds = time.perf_counter(), 0.0

        while program is not None and done < self.options.epochs:
            place = self.updates.place(done)
            begun = time.perf_counter()
            new, record = program(place, state, self.data)
            seconds += time.perf_counter() - begun
            history.add(record)
            if not self._finite(new, history.losses[-1]):
                raise self._divergence(chunk, done, state)
            passed, done, state = done, done + chunk, new
            if self.on_epoch is not None:
                self.on_epoch(done, float(self._epoch_losses(history.losses[-1])[-1]), self._parameters(state))
            if store is not None and self._is_due(passed, done):
                store.save(done, flat(self._tree(state)) | history.arrays())

        parameters, update_losses = self._parameters(state), np.concatenate(history.losses)
        return TrainingResult(
            model=self.model,
            parameters=parameters,
            losses=self._epoch_losses(update_losses),
            update_losses=update_losses,
            gradients=history.all_gradients() if self.options.record_gradients else None,
            before=at_probe(self.model, self._parameters(start), self.options.dtype),
            after=at_probe(self.model, parameters, self.options.dtype),
            steps=len(update_losses),
            seconds=seconds,
            compile_seconds=ready - started,
            device=self.options.device.platform,
            dtype=self.options.dtype.name,
            resumed_from=resumed_from,
        )

    def _chunk(self, done: int) -> int:
        """Epochs in one call: a divisor of what is left, and after a break the same as without one."""
        left = self.options.epochs - done
        most = max(1, min(self.options.epochs, MOST_UPDATES // self.updates.per_epoch))
        most = 1 if self.on_epoch is not None else most
        most = max(1, min(most, self.options.epochs // CHECKPOINTS)) if self.options.checkpoint is not None else most
        unbroken = _largest_divisor(self.options.epochs, most)
        return unbroken if left % unbroken == 0 else _largest_divisor(left, most)

    def _is_due(self, passed: int, done: int) -> bool:
        epochs = self.options.epochs
        return done == epochs or done * CHECKPOINTS // epochs > passed * CHECKPOINTS // epochs

    def _tree(self, state: State) -> dict[str, Any]:
        return {"parameters": state["parameters"], "optimizer": self.updates.optimizer_state(state)}

    def _parameters(self, state: State) -> dict[str, Any]:
        moving = {name: _numbers(value) for name, value in jax.device_get(state["parameters"]).items()}
        fixed = {symbol.name: _numbers(value) for symbol, value in self.updates.fixed.items()}
        return {symbol.name: (moving | fixed)[symbol.name] for symbol in self.model.parameters}

    def _epoch_losses(self, update_losses: NDArray[Any]) -> NDArray[np.float64]:
        samples, batch = self.updates.samples, self.options.batch_size
        sizes = np.minimum(batch, samples - batch * np.arange(self.updates.per_epoch))
        return update_losses.astype(np.float64).reshape(-1, self.updates.per_epoch) @ sizes / samples

    def _finite(self, state: State, losses: NDArray[Any]) -> bool:
        return all(np.isfinite(values).all() for values in (losses, *self._parameters(state).values()))

    def _divergence(self, epochs: int, first: int, state: State) -> DivergenceError:
        """Repeat the epochs in which a number was lost, and say at which update."""
        recording = compiled(self.updates, epochs, record_parameters=True)
        _, record = recording(self.updates.place(first), state, self.data)
        path = {name: np.asarray(values) for name, values in record["parameters"].items()}
        losses = np.asarray(record["losses"])
        # parameters that are not finite come from the update before
        gone = _first(~np.all([np.isfinite(values) for values in path.values()], axis=0)) - 1
        update = min(_first(~np.isfinite(losses)), gone)
        epoch, place = divmod(update, self.updates.per_epoch)
        rows = np.atleast_1d(np.asarray(self.updates.order(np.array([first + epoch])))[place])
        named = ", ".join(str(row + 1) for row in rows[rows >= 0][:6]) + (", ..." if len(rows) > 6 else "")
        number = first * self.updates.per_epoch + update + 1
        which = f", data row{'s' if len(rows) > 1 else ''} {named}"
        if self.updates.of_arrays and all(symbol.name in self.updates.whole for symbol in self.updates.columns):
            which = ""  # every update takes all data
        where = f"update {number} (epoch {first + epoch + 1}{which})"
        what = "gradient or step is not finite" if np.isfinite(losses[update]) else f"loss is {losses[update]}"
        told = {name: f"max |{name}|" if self.updates.shapes.get(name) else name for name in list(path)[:12]}
        at = ", ".join(f"{text}={float(path[name][update])!r}" for name, text in told.items())
        rate = f"lower the learning rate of {self.options.optimizer_text}"
        remedy = "start from other values" if number == 1 else rate
        return DivergenceError(f"training diverged at {where}: the {what} at {at}; {remedy}, or use `symdiff fit`")

    def _identity(self, state: State) -> dict[str, Any]:
        options, zero = self.options, self.options.dtype.type(0)
        zeros = list(self.updates.zeros().values())
        arrays = [np.asarray(a) for a in self.data] if isinstance(self.data, tuple) else np.asarray(self.data)
        data = dict(zip((symbol.name for symbol in self.updates.columns), arrays, strict=True))
        return {
            "model": self.model.name,
            "formula_sha256": graph_digest(self.updates.graph),
            "parameters": [[symbol.name, repr(parameter)] for symbol, parameter in self.model.parameters.items()],
            "batch_size": options.batch_size,
            "shuffle": options.shuffle,
            "seed": options.seed,
            "route": options.route,
            "dtype": options.dtype.name,
            "optimizer": options.optimizer_text,
            "optimizer_sha256": program_digest(self.updates.moved, state, zeros, zero),
            "record_gradients": options.record_gradients,
            "data_sha256": arrays_digest(data),
        }

    def _restored(self, saved: Saved, template: State) -> tuple[int, State, _History]:
        if saved.epoch > self.options.epochs:
            raise OptionError(f"checkpoint {saved.path} is {saved.epoch} epochs on; give at least as many epochs")
        tree = unflattened(self._tree(template), saved.arrays)
        state = {"parameters": tree["parameters"], "optimizer": jax.tree.leaves(tree["optimizer"])}
        state = jax.device_put(state, self.options.device)
        gradients = [_gradients_of(saved.arrays)] if self.options.record_gradients else []
        return saved.epoch, state, _History([saved.arrays["losses"]], gradients)


@dataclass(frozen=True, eq=False)
class _History:
    """Losses, and gradients if they are kept: an array of the scalars', or a dict of arrays by parameter."""

    losses: list[NDArray[Any]]
    gradients: list[Any]

    def add(self, record: Record) -> None:
        self.losses.append(np.asarray(record["losses"]))
        if "gradients" in record:
            self.gradients.append(jax.tree.map(np.asarray, record["gradients"]))

    def all_gradients(self) -> Any:
        return jax.tree.map(lambda *parts: np.concatenate(parts), *self.gradients)

    def arrays(self) -> dict[str, NDArray[Any]]:
        kept = self.all_gradients() if self.gradients else {}
        named = (
            {f"gradients.{name}": array for name, array in kept.items()}
            if isinstance(kept, dict)
            else {"gradients": kept}
        )
        return {"losses": np.concatenate(self.losses)} | named


def _gradients_of(arrays: Mapping[str, Any]) -> Any:
    named = {name.removeprefix("gradients."): a for name, a in arrays.items() if name.startswith("gradients.")}
    return named or arrays["gradients"]


def _numbers(value: Any) -> Any:
    return np.asarray(value) if np.ndim(value) else float(value)


def _first(marked: NDArray[np.bool_]) -> int:
    return int(np.argmax(marked)) if marked.any() else len(marked)


def _largest_divisor(number: int, most: int) -> int:
    small = [k for k in range(1, math.isqrt(number) + 1) if number % k == 0]
    return max((divisor for k in small for divisor in (k, number // k) if divisor <= most), default=1)
