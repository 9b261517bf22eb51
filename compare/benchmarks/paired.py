"""Timing two things in turn, so that a drift of the machine's speed falls on both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Seconds a call: median, fastest and slowest of the counted runs."""

    median: float
    fastest: float
    slowest: float

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        """Summary of single timings."""
        return cls(statistics.median(seconds), min(seconds), max(seconds))


@dataclass(frozen=True)
class Pair:
    """Two timings and the median of the ratios first / second, run by run."""

    first: Timing
    second: Timing
    ratio: float
    spread: tuple[float, float]


def once(call: Callable[[], Any], repeat: int = 1) -> float:
    """Seconds a call, averaged over `repeat` calls; the result of the last is waited for."""
    import jax

    start = time.perf_counter()
    result: Any = None
    for _ in range(repeat):
        result = call()
    jax.block_until_ready(result)
    return (time.perf_counter() - start) / repeat


def in_turn(
    first: Callable[[], Any], second: Callable[[], Any], rounds: int = 15, repeats: tuple[int, int] = (1, 1)
) -> Pair:
    """Time two calls alternately, after one warm-up each; `repeats` calls of each make one timing."""
    once(first)
    once(second)
    pairs = [(once(first, repeats[0]), once(second, repeats[1])) for _ in range(rounds)]
    ratios = [a / b for a, b in pairs]
    spread = (min(ratios), max(ratios))
    return Pair(Timing.of([a for a, _ in pairs]), Timing.of([b for _, b in pairs]), statistics.median(ratios), spread)
