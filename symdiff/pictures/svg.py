"""A diagram as SVG: text and shapes only, no script, no font, nothing from elsewhere; the same bytes every time."""

from __future__ import annotations

from html import escape

from symdiff.pictures.diagram import Diagram, Edge, Node
from symdiff.pictures.geometry import EDGE_SIZE, HEAD, LABEL_SIZE, MARGIN, NAME_SIZE, NUMBER_SIZE, Box, Route, arranged
from symdiff.pictures.labels import width
from symdiff.pictures.palette import style

TITLE_SIZE, LEGEND_SIZE, LINE = 14.0, 12.0, 18.0
FIXED = """.symdiff-picture text {font-family:system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;text-anchor:middle}
.symdiff-picture .box {stroke-width:1.2}
.symdiff-picture .constant .box {stroke-dasharray:4 3}
.symdiff-picture .output .box {stroke-width:3}
.symdiff-picture .curve {stroke-width:1.4}
.symdiff-picture .active .curve {stroke-width:2.8}
.symdiff-picture .idle .curve {stroke-dasharray:5 4}
.symdiff-picture .label {font-weight:600}
.symdiff-picture .partial {text-anchor:end}
.symdiff-picture .start {text-anchor:start}"""


def svg(diagram: Diagram) -> str:
    """Draw a diagram."""
    places = arranged(diagram)
    words = diagram.title
    wide = max(places.width, 240.0, *(2 * MARGIN + width(line, LEGEND_SIZE) for line in ("", *diagram.legend)))
    longest = max(12, int((wide - 2 * MARGIN) / (0.62 * TITLE_SIZE)))
    words = words if len(words) <= longest else words[: longest - 1] + "…"
    top = MARGIN + TITLE_SIZE
    high = places.height + top + LINE * len(diagram.legend)
    left = (wide - places.width) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symdiff-picture" role="img" width="{_n(wide)}" '
        f'height="{_n(high)}" viewBox="0 0 {_n(wide)} {_n(high)}" aria-label="{_text(diagram.title)}">',
        f"<title>{_text(diagram.title)}</title>",
        f"<desc>{_text(diagram.description)}</desc>",
        f"<style>\n{FIXED}\n{style()}\n</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        _line(words, MARGIN, MARGIN + TITLE_SIZE * 0.6, TITLE_SIZE, "label start"),
        f'<g transform="translate({_n(left)} {_n(top)})">',
        *(_edge(edge, route) for edge, route in zip(diagram.edges, places.routes, strict=True)),
        *(_node(i, node, box) for i, (node, box) in enumerate(zip(diagram.nodes, places.boxes, strict=True))),
        "</g>",
    ]
    for k, line in enumerate(diagram.legend):
        lines.append(_line(line, MARGIN, places.height + top + LINE * k, LEGEND_SIZE, "muted start"))
    return "\n".join([*lines, "</svg>", ""])


def _edge(edge: Edge, route: Route) -> str:
    kind = "edge" + " idle" * edge.idle + " active" * edge.active
    x, y = route.end
    tip = x - HEAD
    parts = [f"M{_n(route.start[0])} {_n(route.start[1])}"]
    for x0, y0, x1, y1 in route.bends:
        parts.append(f"H{_n(x0)}")
        if y0 != y1:
            half = (x0 + x1) / 2
            parts.append(f"C{_n(half)} {_n(y0)} {_n(half)} {_n(y1)} {_n(x1)} {_n(y1)}")
    parts.append(f"H{_n(tip)}")
    head = f"M{_n(x)} {_n(y)}L{_n(tip - 1)} {_n(y - 4)}V{_n(y + 4)}Z"
    label = _line(edge.label, tip - 3, y - 5, EDGE_SIZE, "partial") if edge.label else ""
    return (
        f'<g class="{kind}" data-from="{edge.source}" data-to="{edge.target}">'
        f'<path class="curve" d="{"".join(parts)}"/><path class="head" d="{head}"/>{label}</g>'
    )


def _node(number: int, node: Node, box: Box) -> str:
    round_corners = box.height / 2 if node.kind == "input" else 7.0
    round_corners = min(round_corners, 17.0)
    x, y = box.x + box.width / 2, box.middle
    texts = ""
    shift = 0.0
    if node.name:
        shift = (width(node.name, NAME_SIZE) + 7) / 2
        texts = _line(node.name, box.x + 9, y + 4, NAME_SIZE, "muted start")
    texts += _line(node.label, x + shift, y + 5, LABEL_SIZE, "label")
    if node.above:
        texts += _line(node.above, x, y - 17, NUMBER_SIZE, "adjoint")
    if node.below:
        texts += _line(node.below, x, y + 25, NUMBER_SIZE, "value")
    return (
        f'<g class="node {node.kind}{" output" * node.output}" data-node="{number}"><title>{_text(node.note)}</title>'
        f'<rect class="box" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" '
        f'rx="{_n(round_corners)}"/>{texts}</g>'
    )


def _line(text: str, x: float, y: float, size: float, kind: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}">{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(text, quote=True)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
