"""The picture of the graph of an expression: what is computed from what, and with a point the numbers of a trace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sympy as sp

from symdiff.data import short
from symdiff.errors import OptionError, OutputError
from symdiff.from_sympy import as_expression, graph_of
from symdiff.gradients import Wrt
from symdiff.output_file import write_file
from symdiff.pictures.collapsed import collapsed
from symdiff.pictures.diagram import LONGEST_TITLE, Diagram, of_graph, of_trace
from symdiff.pictures.dot import dot
from symdiff.pictures.labels import cut
from symdiff.pictures.svg import svg
from symdiff.traces.formula import Measure
from symdiff.tracing import Trace, trace

ENDINGS = (".svg", ".dot")


@dataclass(frozen=True)
class Picture:
    """A graph to look at, as `svg` or `dot` text; `picture` makes one. A notebook shows it as it is.

    `nodes` and `edges` count the whole graph, of which `diagram` is what is drawn.
    """

    diagram: Diagram
    nodes: int
    edges: int

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, for a file or inside a page."""
        return svg(self.diagram)

    @cached_property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return dot(self.diagram)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .svg or .dot file, whole or not at all; raises OutputError."""
        check_ending(path)
        text = self.svg if Path(path).suffix.lower() == ".svg" else self.dot
        write_file(path, text.encode())

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Picture of {self.nodes:,} nodes and {self.edges:,} edges>"


def check_ending(path: str | os.PathLike[str], what: str = "") -> None:
    """Refuse a file of which the ending names no kind of picture; raises OutputError."""
    if Path(path).suffix.lower() not in ENDINGS:
        raise OutputError(f"{what}{str(path)!r}: the ending tells the kind of picture; use .svg or .dot")


def picture(expr: sp.Expr | str | Trace, at: Mapping[Any, Any] | None = None, wrt: Wrt | None = None) -> Picture:
    """Draw the computational graph of an expression: each node once, from the inputs on the left to the output.

    * `expr`: a SymPy expression, a formula text, or a trace.
    * `at`: a number for every symbol; each box then has its value below and its adjoint d(output)/d(node) above, and
      each edge its local partial, as `symdiff.trace` computes them.
    * `wrt`: symbols to differentiate in, of which the ways to the output are drawn thicker; all, where it is left out.

    Graphs of more than 200 nodes are drawn by layers, with counts. Where the order of operands matters, they enter a
    box from top to bottom. Of an array there is its shape, and with a point its first entries.

    Raises what `trace` raises, and OptionError for wrt without a point, or a point for a trace.

    >>> picture("(w*x - y)**2")
    <Picture of 6 nodes and 5 edges>
    >>> [(n.label, n.above, n.below) for n in picture("w*x", {"w": 3, "x": 2}).diagram.nodes]
    [('w', '∂ 2', '= 3'), ('x', '∂ 3', '= 2'), ('×', '∂ 1', '= 6')]
    """
    if isinstance(expr, Trace):
        if at is not None or wrt is not None:
            raise OptionError("a trace has its point and its wrt; give the expression to draw it at another")
        return _picture(of_trace(expr, _title(expr.output.step.expression, len(expr))))
    if at is None and wrt is not None:
        raise OptionError(f"wrt is {short(wrt)} without a point; give at as well, a number for every symbol")
    expression = as_expression(expr, "the expression")
    graph = graph_of([expression])
    title = cut(" ".join(expr.split()), LONGEST_TITLE) if isinstance(expr, str) else _title(expression, len(graph))
    if at is None:
        return _picture(of_graph(graph, title))
    return _picture(of_trace(trace(expr, at, wrt), title))


def _picture(diagram: Diagram) -> Picture:
    return Picture(collapsed(diagram), len(diagram.nodes), len(diagram.edges))


def _title(expression: sp.Expr, nodes: int) -> str:
    text = Measure().written(expression, LONGEST_TITLE)
    return f"an expression of {nodes:,} nodes" if text is None else cut(text, LONGEST_TITLE)
