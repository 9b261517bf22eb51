"""Pictures of graphs: everything once, nothing over another, and files that other programs read."""

import random
import re
import xml.etree.ElementTree as ET

import pytest
import sympy as sp

import symdiff
from symdiff.errors import OptionError, OutputError, ShapeError, SymbolError
from symdiff.from_sympy import graph_of
from symdiff.pictures.geometry import arranged
from symdiff.pictures.palette import DARK, LIGHT, TEXTS

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?\d+(?:\.\d+)?"
FORMULAS = [
    "(w*x-y)**2",
    "(w*x+b-y)**2",
    "(w*x**2 + w2*x + b - y)**2",
    "Piecewise((sin(x)/y, x > 1), (atan2(x, x), True))",
]


def random_expression(size, seed):
    draw = random.Random(seed)
    nodes = list(symdiff.symbols("a b c d f g"))
    while len(nodes) < size:
        u, v = draw.choice(nodes[-15:]), draw.choice(nodes[-15:])
        made = [sp.Add(u, v, evaluate=False), sp.Mul(u, v, evaluate=False), sp.tanh(u, evaluate=False)]
        nodes.append(draw.choice(made))
    return sp.Add(*nodes[-6:], evaluate=False)


CASES = [*FORMULAS, *(random_expression(size, seed) for seed, size in enumerate((10, 20, 40, 80, 120, 150)))]


def numbers(text):
    return [float(n) for n in re.findall(NUMBER, text)]


def points(path):
    """Points along a path of M, H and C, straight pieces as well."""
    x = y = None
    found = []
    for letter, rest in re.findall(r"([MHC])([^MHC]*)", path):
        given = numbers(rest)
        steps = [k / 24 for k in range(25)]
        if letter == "M":
            x, y = given
        elif letter == "H":
            found += [(x + t * (given[0] - x), y) for t in steps]
            x = given[0]
        else:
            a, b, c, d, e, f = given
            w = [((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3) for t in steps]
            found += [(p * x + q * a + r * c + s * e, p * y + q * b + r * d + s * f) for p, q, r, s in w]
            x, y = e, f
    return found


def read(svg):
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    boxes = {
        int(g.get("data-node")): [float(g.find(f"{SVG}rect").get(k)) for k in ("x", "y", "width", "height")]
        for g in root.iter(f"{SVG}g")
        if g.get("data-node")
    }
    edges = [
        (int(g.get("data-from")), int(g.get("data-to")), points(g.find(f"{SVG}path").get("d")))
        for g in root.iter(f"{SVG}g")
        if g.get("data-from")
    ]
    return root, boxes, edges


@pytest.mark.parametrize("expr", CASES, ids=lambda e: e if isinstance(e, str) else "random")
@pytest.mark.parametrize("numbered", [False, True])
def test_every_node_and_edge_is_drawn_once_and_nothing_runs_through_a_box(expr, numbered):
    graph = graph_of([symdiff.parse(expr) if isinstance(expr, str) else expr])
    assert len(graph) <= 200
    at = {symbol: 0.3 + i for i, symbol in enumerate(graph.inputs)} if numbered else None
    made = symdiff.picture(expr, at)
    root, boxes, edges = read(made.svg)
    assert sorted(boxes) == list(range(len(graph)))
    assert len(boxes) == made.svg.count("data-node=")
    assert len(edges) == len(graph.operands) == made.edges
    order = [*graph.symbols, *graph.constants, *(step.node for step in graph.applications)]
    if not numbered:
        place = {node: i for i, node in enumerate(order)}
        wanted = [(place[o], place[step.node]) for step in graph.applications for o in step.operands]
        assert sorted((a, b) for a, b, _ in edges) == sorted(wanted)
    every = sorted(boxes.items())
    for i, (_, (x, y, w, h)) in enumerate(every):
        for _, (x2, y2, w2, h2) in every[i + 1 :]:
            assert x + w < x2 or x2 + w2 < x or y + h < y2 or y2 + h2 < y
    for a, b, way in edges:
        (xa, ya, wa, ha), (xb, yb, _, hb) = boxes[a], boxes[b]
        assert way[0] == pytest.approx((xa + wa, ya + ha / 2), abs=0.11)
        assert yb <= way[-1][1] <= yb + hb
        assert 0 <= xb - way[-1][0] < 10
        for node, (x, y, w, h) in boxes.items():
            if node not in (a, b):
                assert not any(x < px < x + w and y < py < y + h for px, py in way), (a, b, node)
    width, height = float(root.get("width")), float(root.get("height"))
    assert all(x > 0 and x + w < width and y > 0 and y + h < height for x, y, w, h in boxes.values())


def test_the_check_of_edges_sees_an_edge_that_runs_through_a_box():
    assert any(20 < x < 40 and 5 < y < 15 for x, y in points("M0 0C30 0 30 20 60 20"))


def test_a_point_gives_each_node_its_numbers_and_each_edge_its_partial():
    made = symdiff.picture("(w*x - y)**2", {"w": 1, "x": 2, "y": 4}, "w").diagram
    # by hand: v1 = 2, v2 = -2, v3 = 4; dL/dv2 = 2*v2 = -4, dL/dw = -4*x
    assert [(n.label, n.above, n.below) for n in made.nodes] == [
        ("w", "∂ −8", "= 1"),
        ("x", "∂ −4", "= 2"),
        ("y", "∂ 4", "= 4"),
        ("×", "∂ −4", "= 2"),
        ("−", "∂ −4", "= −2"),
        ("(·)²", "∂ 1", "= 4"),
    ]
    assert [(e.source, e.target, e.label, e.active) for e in made.edges] == [
        (0, 3, "2", True),
        (1, 3, "1", False),
        (3, 4, "1", True),
        (2, 4, "−1", False),
        (4, 5, "−4", True),
    ]


def test_where_the_order_of_operands_matters_they_enter_from_top_to_bottom():
    made = symdiff.picture("sin(y)/x + x/sin(y)").diagram
    routes = arranged(made).routes
    for i, node in enumerate(made.nodes):
        if node.ordered:
            heights = [r.end[1] for e, r in zip(made.edges, routes, strict=True) if e.target == i]
            assert heights == sorted(heights)


def test_names_are_escaped_everywhere_and_control_characters_spelled_out():
    odd = sp.Symbol('</text><script>"&\x1b\ud800', real=True)
    made = symdiff.picture(sp.sin(odd), {odd: 1})
    root, _, _ = read(made.svg)
    assert "<script" not in made.svg
    assert "\x1b" not in made.svg + made.dot
    assert not list(root.iter(f"{SVG}script"))
    assert any("<script>" in "".join(t.itertext()) for t in root.iter(f"{SVG}title"))
    assert '\\"' in made.dot
    made.svg.encode()


def test_the_picture_has_a_role_a_title_a_description_and_nothing_from_elsewhere():
    root, _, _ = read(symdiff.picture("w*x", {"w": 3, "x": 2}).svg)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "w*x"
    assert "the value is 6, ∂/∂w = 2, ∂/∂x = 3" in root.find(f"{SVG}desc").text
    rest = ET.tostring(root, encoding="unicode").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"http|url\(|@import|@font|href", rest)


def test_the_same_input_gives_the_same_bytes():
    expr = random_expression(60, 7)
    first, second = symdiff.picture(expr), symdiff.picture(expr)
    assert first.svg == second.svg
    assert first.dot == second.dot


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_have_contrast(colours):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b  # WCAG 2.1, relative luminance

    for text, grounds in TEXTS.items():
        for ground in grounds:
            dark, light = sorted((luminance(colours[text]), luminance(colours[ground])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_dot_has_one_statement_a_node_and_an_edge():
    made = symdiff.picture("(w*x - y)**2", {"w": 1, "x": 2, "y": 4})
    lines = made.dot.splitlines()
    quoted = r'"(?:[^"\\]|\\.)*"'
    value = rf"(?:{quoted}|[a-zA-Z0-9.]+)"
    options = rf"\[\w+={value}(?:, \w+={value})*\]"
    assert lines[0] == "digraph symdiff {"
    assert lines[-1] == "}"
    assert re.fullmatch(rf"  graph {options};", lines[1])
    assert all(re.fullmatch(rf"  n\d+(?: -> n\d+)?(?: {options})?;", line) for line in lines[2:-1])
    assert len(lines) == 3 + 6 + 5
    assert '  n0 -> n3 [label="2"];' in lines


def test_a_large_graph_is_drawn_by_layers_with_counts():
    x = sp.Symbol("x", real=True)
    expr = x
    for _ in range(3000):
        expr = sp.sin(expr, evaluate=False)
    made = symdiff.picture(expr)
    assert made.nodes == 3001
    groups = made.diagram.nodes
    assert len(groups) <= 42
    assert sum(int(n.label.split()[0].replace(",", "")) for n in groups) == 3001
    _, boxes, _ = read(made.svg)
    assert len(boxes) == len(groups)


def test_arrays_have_shapes_without_a_point():
    A, b = sp.MatrixSymbol("A", 3, 4), sp.MatrixSymbol("b", 4, 1)  # noqa: N806
    made = symdiff.picture((A * b).T * (A * b))
    assert {n.label: n.below for n in made.diagram.nodes if n.kind == "input"} == {"A": "3×4", "b": "4×1"}
    with pytest.raises(ShapeError, match="A has the shape 3×4, but a single number is given"):
        symdiff.picture((A * b).T * (A * b), {"A": 1})


def test_what_cannot_be_drawn_or_written_is_refused(tmp_path):
    with pytest.raises(OptionError, match="without a point"):
        symdiff.picture("w*x", wrt="w")
    with pytest.raises(SymbolError, match="no number for x"):
        symdiff.picture("w*x", {"w": 1})
    with pytest.raises(OutputError, match=r"use \.svg or \.dot"):
        symdiff.picture("w*x").save(tmp_path / "graph.png")
    assert not list(tmp_path.iterdir())
