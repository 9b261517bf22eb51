"""Networks written out in scalars beside the same networks in JAX with matrices: value and gradient, and training.

The weights are numbers that all points share, the inputs arrays of 1,000 points; both sides get NumPy arrays and return
value and all partials point by point. The answers are compared before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from compare.benchmarks.paired import Pair, Timing, in_turn, once
from compare.benchmarks.row import Row

INPUTS, POINTS = 8, 1_000
HIDDEN = (8, 32, 128, 512)
EPOCHS, SAMPLES, RATE = 200, 200, 0.003


def run() -> Iterator[Row]:
    """Batches of each size; the time to the first gradient; an update of the scalar network inside a scan."""
    for hidden in HIDDEN:
        ours, by_hand = _gradients(hidden)
        pair = in_turn(ours, by_hand, rounds=31, repeats=(5, 5))
        name = f"value and gradient, {hidden} hidden units in scalars / in matrices by hand"
        yield Row(name, "a point", pair, "at most 1.2", (POINTS, POINTS))
    large, small = _first_gradient(128), _first_gradient(8)
    yield Row(
        "expression to first gradient, 128 / 8 hidden units", "a gradient", in_turn(large, small, 5), "at most 16"
    )
    yield Row(
        "an update of 128 hidden units in scalars / in matrices by hand", "an update", _updates(128), "at most 1.5"
    )


def _network(hidden: int) -> tuple[sp.Expr, list[Any], list[Any]]:
    x = list(sp.symbols(f"x:{INPUTS}", real=True))
    b, v = sp.symbols(f"b:{hidden}", real=True), sp.symbols(f"v:{hidden}", real=True)
    w = [[sp.Symbol(f"w{j}_{i}", real=True) for i in range(INPUTS)] for j in range(hidden)]
    units = [sp.tanh(sp.Add(b[j], *(w[j][i] * x[i] for i in range(INPUTS)))) for j in range(hidden)]
    output = sp.Add(*(v[j] * units[j] for j in range(hidden)))
    return output, [*(u for row in w for u in row), *b, *v], x


def _numbers(hidden: int) -> tuple[Any, Any, Any, Any]:
    draw = np.random.default_rng(0)
    w, b, v = draw.normal(size=(hidden, INPUTS)), draw.normal(size=hidden), draw.normal(size=hidden)
    return w, b, v, draw.normal(size=(POINTS, INPUTS))


def _forward(parameters: Any, x: Any) -> Any:
    import jax.numpy as jnp

    w, b, v = parameters
    return v @ jnp.tanh(w @ x + b)


def _gradients(hidden: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import jax

    from symdiff import value_and_gradient

    expression, parameters, x = _network(hidden)
    function = value_and_gradient(expression, parameters, [*parameters, *x])
    w, b, v, batch = _numbers(hidden)
    given = [*map(float, (*w.ravel(), *b, *v)), *np.ascontiguousarray(batch.T)]
    by_hand = jax.jit(jax.vmap(jax.value_and_grad(_forward), (None, 0)))
    value, partials = function(*given)
    expected, slopes = by_hand((w, b, v), batch)
    flat = np.concatenate([np.asarray(part).reshape(POINTS, -1) for part in slopes], axis=1).T
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(partials, flat, rtol=1e-10, atol=1e-10)
    return lambda: function(*given), lambda: by_hand((w, b, v), batch)


def _first_gradient(hidden: int) -> Callable[[], Any]:
    import jax

    from symdiff import value_and_gradient

    w, b, v, batch = _numbers(hidden)
    given = [*map(float, (*w.ravel(), *b, *v)), *batch[0]]

    def first() -> Any:
        jax.clear_caches()
        expression, parameters, x = _network(hidden)
        return value_and_gradient(expression, parameters, [*parameters, *x])(*given)

    return first


def _updates(hidden: int) -> Pair:
    """Seconds of the loops of 10 and of 10 + EPOCHS epochs, by their difference, which has no part outside the loop."""
    from symdiff import Model, train

    expression, parameters, x = _network(hidden)
    w, b, v, batch = _numbers(hidden)
    start = [0.3 * part for part in (w, b, v)]
    data = {symbol.name: batch[:SAMPLES, k] for k, symbol in enumerate(x)} | {"y": np.sin(batch[:SAMPLES, 0])}
    target = sp.Symbol("y", real=True)
    values = dict(zip(parameters, map(float, np.concatenate([part.ravel() for part in start])), strict=True))
    model = Model("network", expression, inputs=x, target=target, parameters=values)

    def ours(epochs: int) -> float:
        return train(model, data, epochs=epochs, learning_rate=RATE).seconds

    loops = {epochs: _loop_by_hand(epochs, start, batch[:SAMPLES], data["y"]) for epochs in (10, 10 + EPOCHS)}
    trained = train(model, data, epochs=10, learning_rate=RATE)
    expected = np.concatenate([np.asarray(part).ravel() for part in loops[10]()[0]])
    np.testing.assert_allclose(
        [trained.parameters[symbol.name] for symbol in parameters], expected, rtol=1e-8, atol=1e-9
    )
    pairs: list[tuple[float, float]] = []
    for _ in range(9):
        mine = ours(10 + EPOCHS) - ours(10)
        theirs = once(loops[10 + EPOCHS]) - once(loops[10])
        pairs.append((mine / EPOCHS / SAMPLES, theirs / EPOCHS / SAMPLES))
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    first, second = (Timing.of([pair[k] for pair in pairs]) for k in (0, 1))
    return Pair(first, second, ratios[len(ratios) // 2], (ratios[0], ratios[-1]))


def _loop_by_hand(epochs: int, start: Any, xs: Any, ys: Any) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return (_forward(parameters, x) - y) ** 2

    @jax.jit
    def loop(parameters: Any, xs: Any, ys: Any) -> Any:
        def update(parameters: Any, row: Any) -> Any:
            value, gradient = jax.value_and_grad(loss)(parameters, xs[row], ys[row])
            return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient), value

        return jax.lax.scan(update, parameters, jnp.tile(jnp.arange(SAMPLES), epochs))

    parameters = tuple(jnp.asarray(part) for part in start)
    inputs, outputs = jnp.asarray(xs), jnp.asarray(ys)
    jax.block_until_ready(loop(parameters, inputs, outputs))
    return lambda: loop(parameters, inputs, outputs)
