"""A diagram in the language of Graphviz, which other programs draw (graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from symdiff.pictures.diagram import Diagram, Edge, Node

SHAPES = {"input": "ellipse", "constant": "plaintext", "operation": "box", "group": "box3d"}


def dot(diagram: Diagram) -> str:
    r"""Write a diagram as a directed graph.

    >>> from symdiff.pictures.diagram import Diagram, Edge, Node
    >>> print(dot(Diagram((Node("input", "x"), Node("operation", "sin", "v1")), (Edge(0, 1),), "sin(x)", "")))
    digraph symdiff {
      graph [rankdir=LR, label="sin(x)", tooltip=""];
      n0 [label="x", shape=ellipse];
      n1 [label="v1: sin", shape=box];
      n0 -> n1;
    }
    """
    lines = [
        "digraph symdiff {",
        f"  graph [rankdir=LR, label={_quoted(diagram.title)}, tooltip={_quoted(diagram.description)}];",
        *(f"  n{i} [{_node(node)}];" for i, node in enumerate(diagram.nodes)),
        *(f"  n{edge.source} -> n{edge.target}{_edge(edge)};" for edge in diagram.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _node(node: Node) -> str:
    middle = f"{node.name}: {node.label}" if node.name else node.label
    label = "\n".join(line for line in (node.above, middle, node.below) if line)
    return f"label={_quoted(label)}, shape={SHAPES[node.kind]}" + ", peripheries=2" * node.output


def _edge(edge: Edge) -> str:
    said = [f"label={_quoted(edge.label)}"] if edge.label else []
    said += ["style=dashed"] * edge.idle + ["penwidth=2.5"] * edge.active
    return f" [{', '.join(said)}]" if said else ""


def _quoted(text: str) -> str:
    # in a quoted text of DOT only the quote is escaped, but labels read a backslash as the start of an escape
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
