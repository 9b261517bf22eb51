"""What JAX computes of a route, compiled or one operation after the other, and the rounding bounds along it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds import jaxpr, straight_line

# of JAX's own operations, of which one of the graph may take dozens: compiling takes 1 ms each here, 2 ms each at five
# times as many, and minutes before long; run one by one they take 0.02 ms each
LARGEST_COMPILED = 1_000


@dataclass(frozen=True)
class Program:
    """A route traced at arrays; what it runs one by one is being compiled meanwhile."""

    run: Callable[[dict[sp.Symbol, Any]], Any]
    arrays: Mapping[sp.Symbol, NDArray[Any]]
    line: straight_line.StraightLine
    compiled: bool
    begun: Sequence[Future[None]]

    def bounds(self, dtype: str, lost: float) -> list[NDArray[np.float64]] | None:
        """Bounds on the errors of the outputs; None if a primitive has no bound; see `compare.bounds.jaxpr`."""
        return jaxpr.bounds_along(self.line, tuple(self.arrays.values()), dtype, lost)

    def outputs(self) -> list[Any]:
        """The arrays that it returns, one after the other."""
        if self.compiled:
            return jax.tree.leaves(self.run(dict(self.arrays)))
        wait(self.begun)
        return straight_line.run(self.line, tuple(self.arrays.values()))


def traced(
    run: Callable[[dict[sp.Symbol, Any]], Any], arrays: Mapping[sp.Symbol, NDArray[Any]], compiled: bool
) -> Program:
    """Trace a jitted function of the arrays of symbols; with `compiled`, if it is not too long, to be run as it is.

    >>> x = sp.Symbol("x", real=True)
    >>> traced(lambda given: given[x] * 2, {x: np.array([1.0, 3.0])}, False).outputs()
    [Array([2., 6.], dtype=float64)]
    """
    closed = jax.make_jaxpr(lambda *each: run(dict(zip(arrays, each, strict=True))))(*arrays.values())
    whole = compiled and jaxpr.equation_count(closed) <= LARGEST_COMPILED
    line = straight_line.straight_line(closed)
    return Program(run, arrays, line, whole, [] if whole else straight_line.compiling([line]))
