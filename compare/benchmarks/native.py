"""Value and gradient by the compiled loop beside heyoka, CasADi's map and the tape machine, in one process.

`python -m compare.benchmarks.native [--cores 1] [--only NAME]` takes random graphs of shared operations, tanh networks
written out in scalars and products, each in a batch of 1,000 points in float64. The timings take turns; a peer counts
if its answer is ours. heyoka compiles each expression and is left out beyond 11,000 operations.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import sympy as sp

POINTS, ROUNDS = 1_000, 15
HEYOKA_UP_TO = 11_000
NAMES = ("random 1,000", "random 10,000", "random 100,000", "network 8", "network 32", "network 128", "network 512",
         "product 100", "product 1,000")  # fmt: skip

Case = tuple[sp.Expr, tuple[sp.Symbol, ...]]


def case(name: str) -> Case:
    """The expression of a row and what it is derived in.

    >>> str(case("product 100")[0]).count("*")
    99
    """
    kind, _, text = name.partition(" ")
    size = int(text.replace(",", ""))
    if kind == "random":
        from compare.benchmarks.derivation import expression

        return expression(size, 0)
    if kind == "product":
        symbols = sp.symbols(f"x0:{size}", real=True)
        return sp.Mul(*symbols), symbols
    inputs = sp.symbols("x0:8", real=True)
    weights = sp.symbols(f"w0:{9 * size}", real=True)
    rows = [weights[8 * k : 8 * k + 8] for k in range(size)]
    units = [sp.tanh(sp.Add(*[w * x for w, x in zip(row, inputs, strict=True)])) for row in rows]
    return sp.Add(*[w * unit for w, unit in zip(weights[8 * size :], units, strict=True)]), (*weights, *inputs)


def by_heyoka(graph: Any, symbols: tuple[sp.Symbol, ...]) -> Callable[[Any], Any]:
    """(value and partials, points) of an array (symbols, points)."""
    hy: Any = importlib.import_module("heyoka")

    names = hy.make_vars(*map(str, symbols))
    forms = {"power_integer": lambda u, n: u**n, "sigmoid": hy.sigmoid}
    forms |= {name: getattr(hy, name) for name in ("exp", "sin", "cos", "tanh")}
    output = translated(graph, dict(zip(symbols, names, strict=True)), forms)
    derived = hy.diff_tensors([output], names, diff_order=1)
    compiled = hy.cfunc([output, *derived.gradient], names)
    return lambda given: compiled(given)


def by_casadi(graph: Any, symbols: tuple[sp.Symbol, ...]) -> Callable[[Any], Any]:
    """The same by a map over scalar graphs."""
    ca: Any = importlib.import_module("casadi")

    names = ca.SX.sym("x", len(symbols))
    forms = {"power_integer": lambda u, n: u**n, "sigmoid": lambda u: 1 / (1 + ca.exp(-u))}
    forms |= {name: getattr(ca, name) for name in ("exp", "sin", "cos", "tanh")}
    output = translated(graph, dict(zip(symbols, ca.vertsplit(names), strict=True)), forms)
    function = ca.Function("f", [names], [output, ca.gradient(output, names)]).map(POINTS)
    return lambda given: np.vstack([np.asarray(part) for part in function(given)])


def translated(graph: Any, values: dict[sp.Symbol, Any], forms: dict[str, Any]) -> Any:
    """The output of a graph in another system's expressions."""
    plain = {
        "add": lambda u, v: u + v,
        "subtract": lambda u, v: u - v,
        "multiply": lambda u, v: u * v,
        "negate": lambda u: -u,
    }
    found = {node: values[symbol] for node, symbol in graph.symbols.items()}
    found |= {node: float(constant) for node, constant in graph.constants.items()}
    for node, function, operands, static in graph.applications:
        form = plain.get(function.name) or forms[function.name]
        found[node] = form(*(found[i] for i in operands), *static)
    return found[graph.outputs[0]]


def ways(expression: sp.Expr, symbols: tuple[sp.Symbol, ...], given: Any) -> dict[str, tuple[float, Callable[[], Any]]]:
    """Of each way the seconds until its first answer in a batch, and a call."""
    import jax

    from symdiff.from_sympy import graph_of
    from symdiff.routes import value_and_gradient

    graph = graph_of([expression])

    def ours(route: Any, method: Any) -> Callable[[Any], Any]:
        function = value_and_gradient(expression, symbols, route=route, method=method)
        return lambda arrays: jax.block_until_ready(function(*arrays))

    makers: dict[str, Callable[[], Callable[[Any], Any]]] = {
        "native, symbolic": lambda: ours("symbolic", "native"),
        "native, autodiff": lambda: ours("autodiff", "native"),
        "tape": lambda: ours("autodiff", "tape"),
        "casadi": lambda: by_casadi(graph, symbols),
        "heyoka": lambda: by_heyoka(graph, symbols),
    }
    if graph.operation_count > HEYOKA_UP_TO:
        del makers["heyoka"]
    found: dict[str, tuple[float, Callable[[], Any]]] = {}
    expected: Any = None
    for name, make in makers.items():
        start = time.perf_counter()
        try:
            function = make()
        except ImportError:
            continue
        answer = function(given)
        seconds = time.perf_counter() - start
        answer = np.vstack([answer[0], answer[1]]) if isinstance(answer, tuple) else np.asarray(answer)
        expected = answer if expected is None else expected
        # rows by their largest number: what cancels cannot agree digit by digit
        scale = np.abs(expected).max(axis=0)
        if np.abs(answer - expected).max() <= 1e-9 * scale.max():
            found[name] = seconds, lambda function=function: function(given)
    return found


@click.command()
@click.option("--cores", default=1, help="Processor cores to use.")
@click.option("--only", help="A row's name, or its beginning.")
def main(cores: int, only: str | None) -> None:
    """A row an expression: operations, then for each way seconds to the first batch, and µs a point (fastest)."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    from symdiff.from_sympy import graph_of
    from symdiff.routes import value_and_gradient

    # what every session pays once
    value_and_gradient(case("product 100")[0], "x0", method="native")(*[1.0] * 100)
    for name in NAMES:
        if only and not name.startswith(only):
            continue
        expression, symbols = case(name)
        given = np.random.default_rng(0).uniform(0.5, 1.1, (len(symbols), POINTS))
        found = ways(expression, symbols, given)
        times: dict[str, list[float]] = {way: [] for way in found}
        for _ in range(ROUNDS):
            for way, (_, call) in found.items():
                start = time.perf_counter()
                call()
                times[way].append((time.perf_counter() - start) / POINTS * 1e6)
        cells = [f"{way} {found[way][0]:.2f} s, {np.median(t):.3g} µs ({min(t):.3g})" for way, t in times.items()]
        click.echo(f"{name}: {graph_of([expression]).operation_count:,} operations; " + "; ".join(cells))


if __name__ == "__main__":
    main()
