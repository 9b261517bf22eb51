"""One system on one case, in a process of its own: seconds to the first answer, a call, a point of a batch."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS_TIMED = 1.0
# relative to the largest partial: the systems add in other orders
CLOSE = 1e-9


@dataclass(frozen=True)
class Measured:
    """Seconds and megabytes of one process; `failed` tells why there are none."""

    first: float
    call: float
    point: float
    megabytes: float
    answer: NDArray[np.float64] | None
    failed: str = ""


NAN = float("nan")


def _failed(why: str) -> Measured:
    return Measured(NAN, NAN, NAN, NAN, None, why)


def measured(system: str, family: str, size: int, limit: float) -> Measured:
    """Run `python -m compare.benchmarks.peers.measuring` and read what it found."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.npy"
        words = [sys.executable, "-m", __name__, system, family, str(size), str(path)]
        environment = os.environ | {"JAX_ENABLE_X64": "1"}
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=limit, env=environment, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return _failed(f"over {limit:g} s")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return _failed(last[:100])
        return Measured(**json.loads(done.stdout.splitlines()[-1]), answer=np.load(path))


def agrees(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> bool:
    """Whether two answers are the same derivatives.

    >>> agrees(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-12])), agrees(np.array([1.0]), np.array([1.1]))
    (True, False)
    """
    if one is None or other is None or one.shape != other.shape:
        return False
    return bool(np.max(np.abs(one - other)) <= CLOSE * max(1e-300, float(np.max(np.abs(other)))))


def _one(system: str, family: str, size: int, path: str) -> dict[str, float]:
    from compare.benchmarks.peers.cases import FAMILIES
    from compare.benchmarks.peers.systems import SYSTEMS
    from symdiff.from_sympy import graph_of

    _imported(system)
    case = FAMILIES[family][0](size)
    graph = graph_of([case.expression])
    point, points = np.ascontiguousarray(case.points[:, 0]), np.ascontiguousarray(case.points)
    before = _megabytes()
    start = time.perf_counter()
    derivatives = SYSTEMS[system](case, graph)
    answer = np.asarray(derivatives(point), np.float64)
    first = time.perf_counter() - start
    memory = _megabytes() - before
    np.save(path, answer)
    call = _seconds(lambda: np.asarray(derivatives(point)))
    batch = _seconds(lambda: np.asarray(derivatives(points)))
    return {"first": first, "call": call, "point": batch / points.shape[1], "megabytes": memory}


def _imported(system: str) -> None:
    """Import what a system needs, which is not timed: a tiny case of its own, from beginning to end."""
    from compare.benchmarks.peers.cases import product
    from compare.benchmarks.peers.systems import SYSTEMS
    from symdiff.from_sympy import graph_of

    tiny = product(2)
    try:
        np.asarray(SYSTEMS[system](tiny, graph_of([tiny.expression]))(tiny.points[:, 0]))
    except NotImplementedError:
        import jax.numpy as jnp

        jnp.tanh(jnp.zeros(2)).block_until_ready()


def _seconds(call: Callable[[], Any]) -> float:
    call()
    times: list[float] = []
    end = time.perf_counter() + SECONDS_TIMED
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 1_000):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    chosen, kind, number, target = sys.argv[1:]
    print(json.dumps(_one(chosen, kind, int(number), target)))
