"""The cheap gradient principle: value and gradient cost at most 5 times the value (Griewank and Walther, section 4.6).

Counted in operations it holds for models of arithmetic and the common functions. A node of atan, erf or Shi is one
operation too, though, and its derivative is written out in several of arithmetic (stable forms in up to 43): with such
functions drawn as often as sums the count reached 5.8 times the model's. There, and for each function alone, operations
are weighed by their cost in floating-point operations, in round numbers, as the theorem is stated.
"""

import numpy as np
import pytest
import sympy as sp

from symdiff.function import Absence
from symdiff.functions import ROWS
from symdiff.gradients import gradient
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import gradient_graph

PLAIN = frozenset(
    [
        "add",
        "subtract",
        "multiply",
        "negate",
        "select",
        "less",
        "less_equal",
        "equal",
        "unequal",
        "and",
        "or",
        "not",
        "xor",
        "abs",
        "sign",
        "maximum",
        "minimum",
        "floor",
        "ceiling",
        "heaviside",
        "power_integer",
    ]
)
QUOTIENTS = frozenset(["divide", "sqrt", "power_negative", "Mod"])
ELEMENTARY = frozenset(
    [
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "sec",
        "csc",
        "cot",
        "sinh",
        "cosh",
        "tanh",
        "sech",
        "csch",
        "coth",
        "asin",
        "acos",
        "atan",
        "acot",
        "asec",
        "acsc",
        "asinh",
        "acosh",
        "atanh",
        "acoth",
        "asech",
        "acsch",
        "atan2",
        "power",
        "power_constant",
        "expm1",
        "log1p",
        "log2",
        "log10",
        "exp2",
        "cbrt",
        "hypot",
        "sigmoid",
        "direction",
    ]
)


def cost(graph: Graph) -> int:
    """Floating-point operations: 1 for arithmetic, 5 for a quotient or root, 20 for elementary and 40 for others."""
    return sum(weight(step.function.name, step.static) for step in graph.applications)


def weight(name, static):
    if name == "power_constant" and 2 in (static[0].q, 2 * static[0].q):
        return 10  # a root and a quotient
    return 1 if name in PLAIN else 5 if name in QUOTIENTS else 20 if name in ELEMENTARY else 40


def differentiable(row):
    return [k for k, partial in enumerate(row.partials) if partial is not Absence.NONDIFFERENTIABLE]


def alone(row):
    """A graph of one application of a row, constants where it has no derivative, and what to differentiate in."""
    b = GraphBuilder()
    static = tuple(row.special[0][0][row.arity :])
    operands = []
    for k, domain in enumerate(row.domain):
        operands.append(
            b.input(sp.Symbol(f"u{k}", real=True)) if k in differentiable(row) else b.constant(sp.Integer(1))
        )
        if domain.truth:
            operands[-1] = b.call("less", operands[-1], b.constant(sp.Integer(0)))
    graph = b.finish([b.apply(row, tuple(operands), static)])
    return graph, list(graph.inputs)


SMOOTH = [row for row in ROWS if set(row.partials) != {Absence.ZERO}]


@pytest.mark.parametrize("textbook", [True, False], ids=["textbook", "stable"])
@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
def test_of_every_function(row, textbook):
    graph, wrt = alone(row)
    assert cost(gradient_graph(graph, wrt, textbook)) <= 5 * cost(graph)


def shared(count, seed, rows):
    """Random applications of rows to earlier nodes, near and far."""
    draw = np.random.default_rng([count, seed])
    b = GraphBuilder()
    nodes = [b.input(sp.Symbol(f"x{k}", real=True)) for k in range(10)]
    while len(nodes) < count:
        row = rows[draw.integers(len(rows))]
        static = tuple(row.special[0][0][row.arity :])
        near = [nodes[-1 - int(draw.integers(min(len(nodes), 30)))] for _ in range(row.arity)]
        here = [b.constant(sp.Integer(1)) if k not in differentiable(row) else node for k, node in enumerate(near)]
        nodes.append(b.apply(row, tuple(here), static))
    return b.finish([b.call("add", *[nodes[-1], nodes[-2]])])


BASIC = [row for row in SMOOTH if row.name in PLAIN | QUOTIENTS | ELEMENTARY and not any(d.truth for d in row.domain)]
NAMES = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "power_integer",
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "sinh",
    "cosh",
]
COMMON = [row for row in BASIC if row.name in NAMES]


@pytest.mark.parametrize("rows", [COMMON, BASIC], ids=["common", "elementary"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [30, 300, 3000])
def test_of_random_graphs(count, seed, rows):
    graph = shared(count, seed, rows)
    derived = gradient_graph(graph, list(graph.inputs), textbook=False)
    if rows is COMMON:
        assert derived.operation_count <= 5 * graph.operation_count
    assert cost(derived) <= 5 * cost(graph)


@pytest.mark.parametrize("units", [1, 8, 64])
def test_of_a_network(units):
    x, v = sp.symbols("x:8", real=True), sp.symbols(f"v:{units}", real=True)
    w = [sp.symbols(f"w{j}_:8", real=True) for j in range(units)]
    model = sp.Add(
        *[b * sp.tanh(sp.Add(*[s * t for s, t in zip(row, x, strict=True)])) for b, row in zip(v, w, strict=True)]
    )
    found = gradient(model, [*v, *[s for row in w for s in row]])
    # a unit: 16 operations and its product and sum; then the slope's square and 1 less it, its product, one a weight
    assert found.primal.operation_count == 17 * units + (units - 1)
    assert found.operations == found.primal.operation_count + 11 * units
