"""The chain route on a long chain: how it grows, and beside micrograd."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from compare.benchmarks.paired import in_turn
from compare.benchmarks.row import Row
from symdiff import chain
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph

NODES, POINTS = 100_000, 10_000
RATE, SHIFT = 0.99999, 1e-5


def run() -> Iterator[Row]:
    """Linear in the nodes; a node at one point and in a batch against micrograd, which knows + * ** and relu only."""
    small, large = _chain(NODES // 10), _chain(NODES)
    point = {symbol: np.float64(0.5) for symbol in large.inputs}
    batch = {symbol: np.linspace(0.1, 0.9, POINTS) for symbol in large.inputs}
    pair = in_turn(lambda: _sweep(large, point), lambda: _sweep(small, point), rounds=9, repeats=(1, 10))
    yield Row("chain route, 100,000 nodes / 10,000 nodes", "a node", pair, "about 1", (len(large), len(small)))
    if importlib.util.find_spec("micrograd") is None:
        return
    beside = _deep(_micrograd(NODES))
    pair = in_turn(lambda: _sweep(large, point), beside, rounds=5)
    yield Row("chain route, one point / micrograd", "a node", pair, "at most 1", (len(large), NODES))
    pair = in_turn(beside, lambda: _sweep(large, batch), rounds=3)
    scale = (float(NODES), float(len(large)) * POINTS)
    yield Row("micrograd / chain route, 10,000 points", "a node and point", pair, "at least 100", scale)


def _chain(nodes: int) -> Graph:
    x, rate, shift = sp.Symbol("x", real=True), sp.Float(RATE), sp.Float(SHIFT)
    expression: sp.Expr = x
    for _ in range(nodes // 2):
        expression = sp.Add(sp.Mul(rate, expression, evaluate=False), shift, evaluate=False)
    return graph_of([expression])


def _sweep(graph: Graph, inputs: dict[sp.Symbol, Any]) -> Any:
    return chain.value_and_gradient(graph, inputs, tuple(graph.inputs))


def _micrograd(nodes: int) -> Callable[[], Any]:
    from micrograd.engine import Value  # pyright: ignore[reportMissingImports] - a peer, in an extra

    def train() -> float:
        x = value = Value(0.5)
        for _ in range(nodes // 2):
            value = value * RATE + SHIFT
        value.backward()
        return x.grad

    return train


def _deep(call: Callable[[], Any]) -> Callable[[], Any]:
    """Micrograd recurses as deep as the graph, which takes a thread with a large stack."""

    def run_deep() -> None:
        previous, size = sys.getrecursionlimit(), threading.stack_size(2**30)
        sys.setrecursionlimit(10**7)
        try:
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(previous)
            threading.stack_size(size)

    return run_deep
