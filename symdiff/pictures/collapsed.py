"""A diagram too large to be drawn node by node: its layers as boxes that say how many of each operation they hold."""

from __future__ import annotations

from collections import Counter

from symdiff.pictures.diagram import Diagram, Edge, Node
from symdiff.pictures.layers import layers_of

LARGEST = 200
BANDS, SHOWN = 40, 4


def collapsed(diagram: Diagram) -> Diagram:
    """The diagram itself where it has at most 200 nodes, else one of its layers, with counts.

    Inputs are one box and constants another; layers are put together so that there are at most 40 boxes of them.
    """
    if len(diagram.nodes) <= LARGEST:
        return diagram
    # a leaf stands before its first use; here leaves have boxes of their own
    layer = layers_of(len(diagram.nodes), [(edge.source, edge.target) for edge in diagram.edges])
    kinds = [node.kind for node in diagram.nodes]
    used = sorted({k for k, kind in zip(layer, kinds, strict=True) if kind == "operation"})
    together = -(-len(used) // BANDS)
    band = {k: i // together for i, k in enumerate(used)}
    members: dict[tuple[int, str], list[int]] = {}
    for node, kind in enumerate(kinds):
        key = (band[layer[node]], "operation") if kind == "operation" else (-1, kind)
        members.setdefault(key, []).append(node)
    # inputs and constants come before layers
    keys = sorted(members, key=lambda key: (key[0], key[1] != "input"))
    home = {node: i for i, key in enumerate(keys) for node in members[key]}
    nodes = tuple(_group(diagram, key, members[key], used, together) for key in keys)
    counts = Counter((home[edge.source], home[edge.target]) for edge in diagram.edges)
    edges = tuple(
        Edge(a, b, f"{count:,}") for (a, b), count in sorted(counts.items(), key=lambda item: item[0][::-1]) if a != b
    )
    described = f"{diagram.description} Drawn by layers, since it has {len(diagram.nodes):,} nodes."
    legend = (f"{len(diagram.nodes):,} nodes, drawn by layers", "box: how many of each; edge: how many edges")
    return Diagram(nodes, edges, diagram.title, described, legend)


def _group(diagram: Diagram, key: tuple[int, str], members: list[int], used: list[int], together: int) -> Node:
    number, kind = key
    output = any(diagram.nodes[node].output for node in members)
    held = tuple(members)
    if kind != "operation":
        label = f"{len(members):,} {kind}{'s' * (len(members) != 1)}"
        return Node("group", label, below="layer 0", output=output, members=held)
    counts = Counter(diagram.nodes[node].label for node in members)
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{count:,} {label}" for label, count in common[:SHOWN])
    rest = len(members) - sum(count for _, count in common[:SHOWN])
    first, last = number * together + 1, min((number + 1) * together, len(used))
    layers = f"layer {first}" if first == last else f"layers {first} to {last}"
    many = f"{len(members):,} node{'s' * (len(members) != 1)}"
    label = told + (f", {rest:,} more" if rest else "")
    return Node("group", label, below=f"{many}, {layers}", output=output, members=held)
