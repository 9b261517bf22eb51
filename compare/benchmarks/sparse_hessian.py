"""The extended Rosenbrock function's Hessian, its entries that are not zero beside the dense matrix by `jax.hessian`.

`python -m compare.benchmarks.sparse_hessian [--variables 1000]` prints operations and the time of a call. The dense
matrix is that of the function written in JAX with arrays by hand; its entries are compared before anything is timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import click
import numpy as np
import sympy as sp

from compare.benchmarks.paired import in_turn


def expression(variables: int) -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
    """The sum of 100*(x[i+1] - x[i]**2)**2 + (1 - x[i])**2 over all i, written out."""
    x = sp.symbols(f"x0:{variables}", real=True)
    return sp.Add(*(100 * (v - u**2) ** 2 + (1 - u) ** 2 for u, v in pairwise(x))), x


def ways(variables: int) -> tuple[dict[str, float], Callable[[], Any], Callable[[], Any]]:
    """Counts and the seconds of deriving; a call of the sparse Hessian, and one of the dense one.

    >>> counts, ours, dense = ways(5)
    >>> counts["entries"], np.asarray(ours()).shape, np.asarray(dense()).shape
    (9, (9,), (5, 5))
    """
    import jax
    import jax.numpy as jnp

    from symdiff.gradients import gradient
    from symdiff.jacobians import hessian
    from symdiff.lowering import stacked_outputs
    from symdiff.rewriting.rewrites import lowerable

    given, x = expression(variables)
    start = time.perf_counter()
    found = hessian(given, x)
    derived = time.perf_counter() - start
    entries = stacked_outputs(lowerable(found.graph), x)

    def by_hand(v: Any) -> Any:
        return jnp.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)

    dense = jax.jit(jax.hessian(by_hand))
    at = np.random.default_rng(0).uniform(0.5, 1.5, variables)
    numbers = at.tolist()
    rows, columns = np.asarray(found.places).T
    np.testing.assert_allclose(entries(*numbers), np.asarray(dense(at))[rows, columns], rtol=1e-12)
    counts = {
        "entries": len(found.places),
        "operations": found.operations,
        # a dense Hessian by reverse mode is as many gradients of gradients as there are variables
        "dense": variables * gradient(given, x).operations,
        "derived": derived,
    }
    return counts, lambda: entries(*numbers), lambda: dense(at)


@click.command()
@click.option("--variables", type=click.IntRange(min=2), default=1_000, show_default=True)
def main(variables: int) -> None:
    """Print the figures, of the machine as it is."""
    counts, ours, dense = ways(variables)
    pair = in_turn(ours, dense, rounds=31)
    share = counts["operations"] / counts["dense"]
    click.echo(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores; derived in {counts['derived']:.2f} s")
    click.echo(
        f"{counts['entries']:,} entries, {counts['operations']:,} operations, {share:.2%} of the dense Hessian's"
    )
    click.echo(
        f"a call: {pair.first.median * 1e3:.2f} ms, dense by jax.hessian {pair.second.median * 1e3:.2f} ms, "
        f"ratio {pair.ratio:.3g} ({pair.spread[0]:.3g} to {pair.spread[1]:.3g})"
    )


if __name__ == "__main__":
    main()
