"""Training the quadratic model for 100 passes, beside the same loop elsewhere."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compare.benchmarks.paired import in_turn
from compare.benchmarks.row import Row

EPOCHS, RATE = 100, 0.01
X, Y = (1.0, 2.0, 3.0), (2.0, 4.0, 6.0)


def run() -> Iterator[Row]:
    """The compiled run against JAX by hand, and against PyTorch or, without it, the chain route's NumPy loop."""
    ours = _compiled_run()
    by_hand = _jax_by_hand()
    pair = in_turn(ours, by_hand, rounds=41, repeats=(50, 50))
    yield Row("train quadratic / the same loop in JAX by hand", "a compiled run of 300 updates", pair, "at most 1.1")
    torch = importlib.util.find_spec("torch") is not None
    slow, name = (_torch_loop(), "PyTorch") if torch else (_numpy_loop(), "NumPy chain route")
    pair = in_turn(slow, ours, rounds=9, repeats=(1, 50))
    yield Row(f"the same loop in {name} / train quadratic", "300 updates", pair, "at least 500")


def _compiled_run() -> Callable[[], Any]:
    """What `symdiff.train` runs, without the checks before it and the result made after it."""
    from symdiff import models
    from symdiff.data import columns
    from symdiff.descent.loops import compiled
    from symdiff.descent.options import checked_options
    from symdiff.descent.updates import Updates
    from symdiff.training import train

    model = models.load("quadratic")
    defaults = {name: given.default for name, given in inspect.signature(train).parameters.items()}
    options = checked_options(len(X), **{k: v for k, v in defaults.items() if k not in ("model", "data", "on_epoch")})
    updates = Updates.of(model, len(X), options)
    data = updates.packed(columns(model.data, [*model.inputs, model.target]))
    state = updates.start({symbol.name: parameter.value for symbol, parameter in model.parameters.items()})
    program, place = compiled(updates, EPOCHS), updates.place(0)
    return lambda: program(place, state, data)


def _jax_by_hand() -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        w, w2, b = parameters
        return (w * x**2 + w2 * x + b - y) ** 2

    @jax.jit
    def train(parameters: Any, xs: Any, ys: Any) -> Any:
        def update(parameters: Any, sample: Any) -> Any:
            value, gradient = jax.value_and_grad(loss)(parameters, *sample)
            return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient), value

        samples = (jnp.tile(xs, EPOCHS), jnp.tile(ys, EPOCHS))
        return jax.lax.scan(update, parameters, samples)

    start = tuple(jnp.asarray(1.0) for _ in range(3))
    xs, ys = jnp.asarray(X), jnp.asarray(Y)
    return lambda: jax.block_until_ready(train(start, xs, ys))


def _torch_loop() -> Callable[[], Any]:
    import torch  # pyright: ignore[reportMissingImports] - a peer, in an extra

    def train() -> None:
        parameters = [torch.tensor([1.0], requires_grad=True) for _ in range(3)]
        w, w2, b = parameters
        for _ in range(EPOCHS):
            for x, y in zip(X, Y, strict=True):
                loss = (w * x**2 + w2 * x + b - y) ** 2
                loss.backward()
                for parameter in parameters:
                    gradient: Any = parameter.grad
                    parameter.data = parameter.data - RATE * gradient.data
                    gradient.data.zero_()

    return train


def _numpy_loop() -> Callable[[], Any]:
    from symdiff import chain, models
    from symdiff.from_sympy import graph_of

    model = models.load("quadratic")
    graph, symbols = graph_of([model.loss]), tuple(model.parameters)
    (x,) = model.inputs

    def train() -> None:
        values: dict[Any, Any] = dict.fromkeys(symbols, np.float64(1.0))
        for _ in range(EPOCHS):
            for one, target in zip(X, Y, strict=True):
                sample: dict[Any, Any] = {x: np.float64(one), model.target: np.float64(target)}
                _, gradient = chain.value_and_gradient(graph, values | sample, symbols)
                values = {s: v - RATE * g for (s, v), g in zip(values.items(), gradient, strict=True)}

    return train
