"""The network of the embedded model `digits`, beside the same network written by hand: step and compile time.

All take the same mini-batches of 32 in float64, drawn anew in every epoch where it is compiled in, and make the same
updates: plain gradient descent on the mean of log(sum(exp(f))) - y.T*f.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compare.benchmarks.paired import Pair, in_turn
from compare.benchmarks.row import Row

EPOCHS, RATE, BATCH = 5, 0.1, 32
# a whole number of batches, so that all make the same updates
SAMPLES = 1408
UPDATES = EPOCHS * (SAMPLES // BATCH)


def run() -> Iterator[Row]:
    """Step time against JAX by hand and against PyTorch's eager mode, then compile time."""
    updates, start, data = _ours()
    ours, by_hand = _compiled(updates, start, data), _by_hand(start, data)
    scale = (float(UPDATES), float(UPDATES))
    pair = in_turn(ours, by_hand, rounds=41, repeats=(3, 3))
    yield Row("digits network / the same in JAX by hand", "an update", pair, "at most 1.1", scale)
    if importlib.util.find_spec("torch") is not None:
        pair = in_turn(_torch(start, data), ours, rounds=9)
        yield Row("digits network in eager PyTorch / ours", "an update", pair, "above 1", scale)
    pair = _compile_times(updates, start, data)
    yield Row("digits network, trace and compile / the same in JAX by hand", "a run", pair, "at most 1.5")


def _ours() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """What `symdiff.train` makes of the model, its start and its data."""
    from symdiff import models
    from symdiff.descent.options import checked_options
    from symdiff.descent.updates import Updates, loss_graph, samples_for
    from symdiff.training import train

    model = models.load("digits")
    defaults = {name: given.default for name, given in inspect.signature(train).parameters.items()}
    settings = {k: v for k, v in defaults.items() if k not in ("model", "data", "on_epoch")}
    settings |= {"epochs": EPOCHS, "learning_rate": RATE, "batch_size": BATCH, "shuffle": True, "device": "cpu"}
    options = checked_options(SAMPLES, **settings)
    taken = {name: np.asarray(array)[:SAMPLES] for name, array in (model.data or {}).items()}
    samples = samples_for(model, loss_graph(model), taken)
    start = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    return Updates.of(model, samples, options), start, dict(samples.arrays)


def _compiled(updates: Any, start: dict[str, Any], data: dict[str, Any]) -> Callable[[], Any]:
    from symdiff.descent.loops import compiled

    program, place = compiled(updates, EPOCHS), updates.place(0)
    state, packed = updates.start(start), updates.packed(data)
    return lambda: program(place, state, packed)


def _program() -> Any:
    """The network in JAX by hand, its whole run compiled as one loop."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        hidden = jnp.tanh(x / 16 @ parameters["W1"].T + parameters["b1"])
        scores = hidden @ parameters["W2"].T + parameters["b2"]
        return jnp.mean(jax.scipy.special.logsumexp(scores, axis=1) - jnp.sum(y * scores, axis=1))

    @jax.jit
    def train(parameters: Any, xs: Any, ys: Any) -> Any:
        def update(parameters: Any, rows: Any) -> Any:
            value, gradient = jax.value_and_grad(loss)(parameters, xs[rows], ys[rows])
            return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient), value

        key = jax.random.key(0)
        keys = jax.vmap(lambda epoch: jax.random.fold_in(key, epoch))(jnp.arange(EPOCHS))
        rows = jax.vmap(lambda key: jax.random.permutation(key, SAMPLES))(keys)
        return jax.lax.scan(update, parameters, rows.reshape(-1, BATCH))

    return train


def _flat(start: dict[str, Any], data: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Parameters and data as a network by hand has them: one axis for columns."""
    parameters = {name: value[:, 0] if value.shape[1] == 1 else value for name, value in start.items()}
    return parameters, data["x"][:, :, 0], data["y"][:, :, 0]


def _by_hand(start: dict[str, Any], data: dict[str, Any]) -> Callable[[], Any]:
    import jax

    train, arguments = _program(), jax.device_put(_flat(start, data))
    return lambda: jax.block_until_ready(train(*arguments))


def _torch(start: dict[str, Any], data: dict[str, Any]) -> Callable[[], Any]:
    import torch  # pyright: ignore[reportMissingImports] - a peer, in an extra

    torch.set_num_threads(4)
    initial, x, y = _flat(start, data)
    xs, ys = torch.tensor(x), torch.tensor(y)

    def train() -> Any:
        parameters = {name: torch.tensor(value, requires_grad=True) for name, value in initial.items()}
        for _ in range(EPOCHS):
            for rows in torch.randperm(SAMPLES).reshape(-1, BATCH):
                hidden = torch.tanh(xs[rows] / 16 @ parameters["W1"].T + parameters["b1"])
                scores = hidden @ parameters["W2"].T + parameters["b2"]
                loss = torch.nn.functional.cross_entropy(scores, ys[rows])
                gradients = torch.autograd.grad(loss, list(parameters.values()))
                with torch.no_grad():
                    for parameter, gradient in zip(parameters.values(), gradients, strict=True):
                        parameter -= RATE * gradient
        return parameters["W1"].detach().numpy()

    return train


def _compile_times(updates: Any, start: dict[str, Any], data: dict[str, Any], rounds: int = 7) -> Pair:
    """Time from the graph, and from the function by hand, to a compiled run; nothing is kept from round to round."""
    import jax

    from symdiff.descent.loops import compiled

    state, flat = updates.start(start), _flat(start, data)

    def ours() -> None:
        compiled.cache_clear()
        jax.clear_caches()
        compiled(updates, EPOCHS)

    def by_hand() -> None:
        jax.clear_caches()
        _program().lower(*flat).compile()

    del state
    return in_turn(ours, by_hand, rounds=rounds)
