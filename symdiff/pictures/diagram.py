"""What is drawn, without any geometry: boxes with their texts, and edges with theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import sympy as sp

from symdiff.graph import Application, Graph
from symdiff.graph_builder import COMMUTATIVE
from symdiff.pictures.labels import amount, constant_text, cut, number, sign
from symdiff.tensors.shapes import written as shape_text
from symdiff.traces.formula import unused_names
from symdiff.traces.steps import Partial
from symdiff.traces.table import visible
from symdiff.tracing import Trace

Kind = Literal["input", "constant", "operation", "group"]
LONGEST_TITLE = 200


@dataclass(frozen=True)
class Node:
    """One box: `label` in its middle after the `name`, `above` and `below` it; `note` is what pointing at it shows.

    `ordered` says that the order of its operands matters; `members` are the nodes that a group stands for.
    """

    kind: Kind
    label: str
    name: str = ""
    above: str = ""
    below: str = ""
    note: str = ""
    ordered: bool = False
    output: bool = False
    members: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """From an operand to what uses it; `idle` where nothing flows back, `active` on a way from wrt."""

    source: int
    target: int
    label: str = ""
    idle: bool = False
    active: bool = False


@dataclass(frozen=True)
class Diagram:
    """Nodes, each after its operands, and edges in the order of targets and operands.

    `title` is a line, `description` a sentence or two, `legend` the lines beneath the picture.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    title: str
    description: str
    legend: tuple[str, ...] = ()

    @property
    def has_numbers(self) -> bool:
        """Whether any box holds more than one line."""
        return any(node.above or node.below for node in self.nodes)


def of_graph(graph: Graph, title: str) -> Diagram:
    """A diagram of a graph: inputs first, then constants, then what is computed, named v1, v2, ...; shapes of arrays.

    >>> from symdiff.from_sympy import graph_of
    >>> w, x = sp.symbols("w x", real=True)
    >>> d = of_graph(graph_of([w * x]), "w*x")
    >>> [(node.name, node.label) for node in d.nodes], [(edge.source, edge.target) for edge in d.edges]
    ([('', 'w'), ('', 'x'), ('v1', '×')], [(0, 2), (1, 2)])
    """
    order = [*graph.symbols, *graph.constants, *(step.node for step in graph.applications)]
    places = {node: i for i, node in enumerate(order)}
    free = unused_names({str(symbol) for symbol in graph.symbols.values()})
    below = {node: shape_text(shape).strip("()") for node, shape in graph.shapes.items()}
    nodes = [_input(str(s), below.get(n, ""), n in graph.outputs) for n, s in graph.symbols.items()]
    nodes += [_constant(value, n in graph.outputs) for n, value in graph.constants.items()]
    edges: list[Edge] = []
    for step in graph.applications:
        note = f"{step.function.name}, of shape {below[step.node]}" if step.node in below else step.function.name
        nodes.append(
            _operation(step, next(free), below=below.get(step.node, ""), note=note, output=step.node in graph.outputs)
        )
        edges += [Edge(places[operand], places[step.node]) for operand in step.operands]
    legend = ("below the name of an array: its shape",) if graph.shapes else ()
    return Diagram(tuple(nodes), tuple(edges), visible(title), _counted(nodes, edges), legend)


def of_trace(trace: Trace, title: str) -> Diagram:
    """A diagram of a trace: in each box the adjoint above and the value below, on each edge the local partial."""
    tape = trace.tape
    known = {step.node: step for step in tape.applications}
    moving = _reached(set(tape.wrt), tape.applications)
    marked = len(tape.wrt) < len(tape.symbols)
    nodes: list[Node] = []
    edges: list[Edge] = []
    for step in trace.steps:
        output = step.node == tape.output
        if step.node in tape.constants:
            nodes.append(_constant(tape.constants[step.node], output))
            continue
        truth = np.asarray(step.value).dtype == np.bool_
        above, below = "" if truth else f"∂ {amount(step.adjoint)}", f"= {amount(step.value)}"
        if np.size(step.value) != 1:
            below = f"{shape_text(step.shape).strip('()')} = {amount(step.value)}"
        if step.node not in known:
            nodes.append(_input(step.name, below, output, above))
            continue
        note = visible(f"{step.name} = {step.formula}" + (f"; {step.reason}" if step.reason else ""))
        nodes.append(_operation(known[step.node], step.name, above, below, note, output))
        slopes = [_slope(partial) for partial in step.partials]
        for operand, (label, idle) in zip(step.operands, slopes or [("", True)] * len(step.operands), strict=True):
            edges.append(Edge(operand, step.node, label, idle, marked and not idle and operand in moving))
    gradient = ", ".join(f"∂/∂{cut(name)} = {amount(value)}" for name, value in trace.gradient.items())
    point = ", ".join(f"{cut(name)} = {amount(value)}" for name, value in trace.at.items())
    described = f"{_counted(nodes, edges)} At {point}: the value is {amount(trace.value)}, {gradient}."
    legend = ("box: ∂ adjoint above, = value below", "edge: local partial")
    if any(step.shape for step in trace.steps):
        legend = (
            "box: ∂ adjoint above, shape = value below, of an array its first entries, row by row",
            "edge: local partial, where it is the same number for every entry",
        )
    if marked:
        legend += (f"thick: on a way from {cut(', '.join(trace.gradient), 40)}",)
    return Diagram(tuple(nodes), tuple(edges), visible(title), described, legend)


def _slope(partial: Partial) -> tuple[str, bool]:
    """The label of an edge, and whether nothing flows back; of an array the number that all its entries have."""
    if partial.value is None or not np.size(partial.value):
        return "", False
    first = np.ravel(partial.value)[0].item()
    same = bool(np.all(partial.value == first) or np.all(np.isnan(partial.value)))
    return number(first) if same else "", same and first == 0 and bool(partial.reason)


def _input(name: str, below: str, output: bool, above: str = "") -> Node:
    return Node("input", cut(name), above=above, below=below, note=visible(f"input {name}"), output=output)


def _constant(value: sp.Basic, output: bool) -> Node:
    return Node("constant", constant_text(value), note="constant " + constant_text(value), output=output)


def _operation(step: Application, name: str, above: str = "", below: str = "", note: str = "", output: bool = False):
    ordered = len(step.operands) > 1 and step.function not in COMMUTATIVE
    label = cut(sign(step.function, step.static))
    return Node("operation", label, name, above, below, note, ordered, output)


def _reached(sources: set[int], applications: Sequence[Application]) -> set[int]:
    found = set(sources)
    for step in applications:
        if not found.isdisjoint(step.operands):
            found.add(step.node)
    return found


def _counted(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    counts = {kind: sum(node.kind == kind for node in nodes) for kind in ("input", "constant", "operation")}
    told = [f"{count:,} {kind}{'s' * (count != 1)}" for kind, count in counts.items() if count]
    return f"A graph of {', '.join(told)} and {len(edges):,} edge{'s' * (len(edges) != 1)}, from left to right."
