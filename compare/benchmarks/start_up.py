"""How long the command line takes to answer at all, beside an import of JAX."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from compare.benchmarks.paired import in_turn
from compare.benchmarks.row import Row


def run() -> Iterator[Row]:
    """`symdiff --help` against `python -c "import jax"`, each a process of its own."""

    def process(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words

    pair = in_turn(lambda: process("-m", "symdiff", "--help"), lambda: process("-c", "import jax"), rounds=9)
    yield Row("symdiff --help / import jax", "whole process", pair, "below 0.25")
