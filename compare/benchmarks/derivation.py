"""From a SymPy expression to its first gradient, and what a call costs then, against the operations of the expression.

`python -m compare.benchmarks.derivation [--sizes 1000,10000,100000]` takes seeded random expressions of so many shared
operations, each in a process of its own, and prints the seconds of each stage, the memory beyond what the imports take,
and the slope of the time on log axes. Making the expression is not counted.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import sympy as sp

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
INPUTS, WINDOW, POINTS = 8, 40, 1_000
ROUTES = ("symbolic", "autodiff")


def expression(operations: int, seed: int) -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
    """A random expression of about so many shared operations, each of what was made shortly before it.

    >>> from symdiff.from_sympy import graph_of
    >>> 950 < graph_of([expression(1000, 0)[0]]).operation_count < 1050
    True
    """
    draw, symbols = random.Random(seed), sp.symbols(f"x0:{INPUTS}", real=True)  # noqa: S311
    pool: list[Any] = list(symbols)
    count = WINDOW
    while count < operations:
        u, v = draw.choice(pool[-WINDOW:]), draw.choice(pool[-WINDOW:])
        name = draw.choice(("add", "mul", "sub", "tanh", "sin", "exp", "cos"))
        if name == "mul":
            pool.append(sp.Mul(sp.tanh(u, evaluate=False), v, evaluate=False))
        elif name == "sub":
            pool.append(sp.Add(u, sp.Mul(-1, v, evaluate=False), evaluate=False))
        elif name == "exp":
            square = sp.Pow(sp.tanh(u, evaluate=False), 2, evaluate=False)
            pool.append(sp.exp(sp.Mul(-1, square, evaluate=False), evaluate=False))
        elif name == "add":
            pool.append(sp.Add(u, v, evaluate=False))
        else:
            pool.append(getattr(sp, name)(u, evaluate=False))
        count += {"mul": 2, "exp": 4}.get(name, 1)
    # what nothing uses would not be derived: all ends are summed
    used = {id(part) for node in pool for part in _below(node)}
    return sp.Add(*[node for node in pool if id(node) not in used], evaluate=False), symbols


def _below(node: Any) -> list[Any]:
    """The parts of a node down to those that were made before it; at most four levels are its own."""
    found, pending = [], list(node.args)
    for _ in range(4):
        found += pending
        pending = [part for inner in pending for part in inner.args]
    return found


def measured(operations: int, route: str, seed: int) -> dict[str, float]:
    """Seconds and megabytes of one expression, in this process."""
    import jax

    import symdiff
    from symdiff.from_sympy import graph_of

    given, symbols = expression(operations, seed)
    # what every session pays once: the rules of the functions
    symdiff.value_and_gradient(expression(100, 1)[0], list(symbols), route="chain")
    before = _megabytes()
    start, busy = time.perf_counter(), time.process_time()
    function = symdiff.value_and_gradient(given, list(symbols), route=route)  # type: ignore[arg-type]
    built = time.perf_counter()
    at = np.linspace(0.1, 0.9, INPUTS)
    jax.block_until_ready(function(*at.tolist()))
    called, worked = time.perf_counter(), time.process_time()
    memory = _megabytes() - before
    batch = np.random.default_rng(seed).uniform(0.1, 0.9, (INPUTS, POINTS))
    return {
        "operations": graph_of([given]).operation_count,
        "derived": built - start,
        "first call": called - built,
        "total": called - start,
        "processor": worked - busy,
        "megabytes": memory,
        "call": _call(lambda: jax.block_until_ready(function(*at.tolist()))),
        "point of a batch": _call(lambda: jax.block_until_ready(function(*batch))) / POINTS,
    }


def _call(function: Callable[[], Any]) -> float:
    function()
    times: list[float] = []
    end = time.perf_counter() + 1.0
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 200):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def slope(operations: list[float], seconds: list[float]) -> float:
    """The exponent of the power law closest to the times.

    >>> round(slope([10.0, 100.0], [1.0, 10.0]), 12)
    1.0
    """
    return float(np.polyfit(np.log(operations), np.log(seconds), 1)[0])


@click.command()
@click.option("--sizes", default=",".join(map(str, SIZES)), show_default=True, help="Operations, with commas.")
@click.option("--seed", default=0, show_default=True)
@click.option("--one", hidden=True, nargs=2, type=(int, click.Choice(ROUTES)))
def main(sizes: str, seed: int, one: tuple[int, str] | None) -> None:
    """Print the table, of the machine as it is."""
    if one is not None:
        click.echo(json.dumps(measured(*one, seed)))
        return
    click.echo(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    click.echo(
        "| route | operations | derived, s | first call | total | processor | MB | call, µs | a point of 1,000 |"
    )
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for route in ROUTES:
        rows: list[dict[str, float]] = []
        for size in map(int, sizes.split(",")):
            command = [sys.executable, "-m", "compare.benchmarks.derivation", "--one", str(size), route]
            command += ["--seed", str(seed)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            rows.append(row := json.loads(answer.stdout))
            seconds = f"{row['derived']:.2f} | {row['first call']:.2f} | {row['total']:.2f} | {row['processor']:.2f}"
            calls = f"{row['call'] * 1e6:,.0f} | {row['point of a batch'] * 1e6:,.2f}"
            click.echo(f"| {route} | {row['operations']:,} | {seconds} | {row['megabytes']:.0f} | {calls} |")
        operations = [row["operations"] for row in rows]
        for what in ("derived", "total"):
            click.echo(f"slope of {what}: {slope(operations, [row[what] for row in rows]):.2f}")


if __name__ == "__main__":
    main()
