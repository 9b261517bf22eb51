"""The graph: nodes shared by identity and by value numbering, any depth, and trees of any size behind it."""

import math
import sys

import pytest
import sympy as sp

from symdiff import chain
from symdiff.from_sympy import free_symbols, graph_of
from symdiff.functions import FUNCTIONS
from symdiff.graph import CONSTANT, INPUT
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import gradient_graph

x, y, z = sp.symbols("x y z", real=True)


def names(graph):
    return [step.function.name for step in graph.applications]


def value(graph, **point):
    return float(chain.forward(graph, {s: point[s.name] for s in graph.inputs})[graph.outputs[0]])


def test_equal_computations_are_one_node():
    # two trees of the same computation, neither identical nor equal to SymPy
    first, second = sp.Mul(sp.sin(x), y, evaluate=False), sp.Mul(y, sp.sin(x), evaluate=False)
    assert first != second
    assert names(graph_of([first + sp.exp(second)])) == ["sin", "multiply", "exp", "add"]


def test_one_object_used_twice_is_one_node():
    square = sp.Mul(x, x, evaluate=False)
    graph = graph_of([sp.Add(square, sp.cos(square), evaluate=False)])
    assert sorted(names(graph)) == ["add", "cos", "multiply"]


def test_operands_come_before_their_use_and_arrays_describe_the_nodes():
    graph = graph_of([sp.Max(x, y, z) / (x + 3), x + 3])
    for node, function, operands, _ in graph.applications:
        assert all(operand < node for operand in operands)
        assert len(operands) == function.arity == graph.offsets[node + 1] - graph.offsets[node]
    kinds = graph.operation.tolist()
    assert kinds.count(INPUT) == len(graph.symbols) == 3
    assert kinds.count(CONSTANT) == len(graph.constants) == 1
    assert len(kinds) == len(graph) == graph.operation_count + 4
    assert [graph.shape(node) for node in range(len(graph))] == [()] * len(graph)


def test_commuted_operands_are_one_node_only_where_the_function_commutes():
    b = GraphBuilder()
    u, v = b.input(x), b.input(y)
    for name in ("add", "multiply", "maximum", "minimum", "equal", "unequal"):
        assert b.call(name, u, v) == b.call(name, v, u)
    for name in ("subtract", "divide", "power", "less", "less_equal"):
        assert b.call(name, u, v) != b.call(name, v, u)


def test_symbols_of_one_name_with_different_assumptions_are_two_inputs():
    positive, real = sp.Symbol("a", positive=True), sp.Symbol("a", real=True)
    graph = graph_of([positive - real])
    assert set(graph.inputs) == {positive, real}
    values = chain.forward(graph, {positive: 5.0, real: 3.0})
    assert float(values[graph.outputs[0]]) == 2.0
    assert free_symbols(positive * real) == free_symbols(real * positive)


def test_dummies_of_one_name_are_two_inputs():
    one, other = sp.Dummy("a", real=True), sp.Dummy("a", real=True)
    assert len(graph_of([one * other]).inputs) == 2


def test_constants_of_different_kind_stay_different():
    # 2, 2.0, 0.1 and 0.1 to 50 digits are four numbers
    terms = [sp.Integer(2), sp.Float(2.0), sp.Float("0.1"), sp.Float("0.1", 50), sp.Float(2.0)]
    graph = graph_of([sp.sin(x + term) for term in terms])
    assert len(graph.constants) == 4


def test_cse_changes_this_value_and_the_graph_does_not():
    # design.md 6.8: cse returns x**2*cos(x*x + y) for it
    m = sp.Mul(x, x, evaluate=False)
    graph = graph_of([2 * x * sp.cos(y + m)])
    assert value(graph, x=1.5, y=0.25) == pytest.approx(3.0 * float(sp.cos(sp.Rational(5, 2))), rel=1e-15, abs=0)
    # 2*x + 2*x*... of its gradient: 2*cos(y + x**2) - 4*x**2*sin(y + x**2)
    partial = float(2 * sp.cos(sp.Rational(5, 2)) - 9 * sp.sin(sp.Rational(5, 2)))
    derived = gradient_graph(graph, [x])
    assert float(chain.forward(derived, {x: 1.5, y: 0.25})[derived.outputs[1]]) == pytest.approx(
        partial, rel=1e-15, abs=0
    )


FOLDED = [
    (lambda b, u: b.call("add", u, b.constant(sp.Integer(0))), "u"),
    (lambda b, u: b.call("subtract", u, b.constant(sp.Integer(0))), "u"),
    (lambda b, u: b.call("multiply", u, b.constant(sp.Integer(1))), "u"),
    (lambda b, u: b.call("multiply", u, b.constant(sp.Integer(0))), "0"),
    (lambda b, u: b.call("divide", u, b.constant(sp.Integer(1))), "u"),
    (lambda b, u: b.call("divide", b.constant(sp.Integer(0)), u), "u/u"),
    (lambda b, u: b.call("negate", b.call("negate", u)), "u"),
    (lambda b, u: b.apply(FUNCTIONS["power_integer"], (u,), (1,)), "u"),
    (lambda b, u: b.apply(FUNCTIONS["power_integer"], (u,), (0,)), "1"),
    (lambda b, u: b.call("select", b.constant(sp.true), u, b.constant(sp.Integer(0))), "u"),
    (lambda b, u: b.call("select", b.constant(sp.false), b.constant(sp.Integer(0)), u), "u"),
    (lambda b, u: b.call("select", b.call("less", u, u), u, u), "u"),
    (lambda b, _: b.call("divide", b.constant(sp.Integer(1)), b.constant(sp.Integer(3))), "1/3"),
    (lambda b, _: b.call("add", b.constant(sp.Integer(1)), b.constant(sp.Rational(1, 3))), "4/3"),
]


@pytest.mark.parametrize(("build", "expected"), FOLDED, ids=range(len(FOLDED)))
def test_folding(build, expected):
    b = GraphBuilder()
    u = b.input(x)
    node = build(b, u)
    if expected == "u":
        assert node == u
    elif expected == "u/u":
        # 0/u is 0 wherever it is anything, and stays a division or becomes 0
        assert b.value_of(node) in (None, 0)
    else:
        assert b.value_of(node) == sp.Rational(expected)


def test_division_by_zero_is_not_folded():
    b = GraphBuilder()
    zero = b.constant(sp.Integer(0))
    assert b.value_of(b.call("divide", b.constant(sp.Integer(1)), zero)) is None
    assert b.value_of(b.call("divide", zero, zero)) is None


def test_floats_are_not_folded_in_their_own_precision():
    # 0.1 + 0.2 in 53 bits is not 3/10; the sum is left to the arithmetic of the run
    b = GraphBuilder()
    assert b.value_of(b.call("add", b.constant(sp.Float(0.1)), b.constant(sp.Float(0.2)))) is None


def test_splice_substitutes_and_finish_drops_what_nobody_needs():
    b = GraphBuilder()
    inner = graph_of([sp.sin(x) * y, sp.cos(x)])
    u = b.call("exp", b.input(z))
    places = b.splice(inner, {inner.inputs[x]: u})
    graph = b.finish([places[inner.outputs[0]]])
    assert names(graph) == ["exp", "sin", "multiply"]
    assert set(graph.inputs) == {z, y}


def test_depends_on():
    graph = graph_of([sp.sin(x) * sp.exp(y)])
    marked = graph.depends_on([graph.inputs[x]])
    assert [step.function.name for step in graph.applications if marked[step.node]] == ["sin", "multiply"]
    assert not graph.depends_on([]).any()


COUNT = 100_002


def test_a_chain_of_100000_nodes():
    # sin(...*y + x) again and again; value and slope by the same recurrence, written out with Python floats
    expression, v, slope = x, 0.5, 1.0
    for _ in range(COUNT // 3):
        inner = sp.Add(sp.Mul(expression, y, evaluate=False), x, evaluate=False)
        expression, u = sp.sin(inner, evaluate=False), v * 0.75 + 0.5
        v, slope = math.sin(u), math.cos(u) * (slope * 0.75 + 1.0)
    limit = sys.getrecursionlimit()
    graph = graph_of([expression])
    assert graph.operation_count == COUNT
    values = chain.forward(graph, {x: 0.5, y: 0.75})
    reverse = chain.adjoints(graph, values, graph.outputs[0], [graph.inputs[x]])[graph.inputs[x]]
    forward = chain.tangents(graph, values, {x: 1.0})[graph.outputs[0]]
    assert float(values[graph.outputs[0]]) == pytest.approx(v, rel=1e-12, abs=0)
    assert [float(reverse), float(forward)] == pytest.approx([slope, slope], rel=1e-12, abs=0)
    assert gradient_graph(graph, [x]).operation_count <= 5 * COUNT
    assert set(free_symbols(expression)) == {x, y}
    assert sys.getrecursionlimit() == limit


def test_a_small_graph_with_a_huge_tree_costs_what_the_graph_costs():
    # whatever walked the tree would take 2**60 steps and never come back
    expression = x
    for _ in range(60):
        expression = sp.Add(sp.Mul(expression, expression, evaluate=False), expression, evaluate=False)
    graph = graph_of([expression])
    derived = gradient_graph(graph, [x])
    assert graph.operation_count == 120
    assert derived.operation_count <= 5 * 120
    # u -> u*u + u, 60 times, from 1e-9: value and slope by the same recurrence in exact arithmetic
    u, slope = sp.Rational(1, 10**9), sp.Integer(1)
    for _ in range(60):
        u, slope = sp.N(u * u + u, 30), sp.N(slope * (2 * u + 1), 30)
    got = chain.forward(derived, {x: 1e-9})
    assert float(got[derived.outputs[0]]) == pytest.approx(float(u), rel=1e-14, abs=0)
    assert float(got[derived.outputs[1]]) == pytest.approx(float(slope), rel=1e-14, abs=0)


def test_a_builder_of_a_graph_knows_its_nodes_and_folds_beside_them():
    graph = graph_of([-sp.sin(x) * y, x**3 + 2 * y, sp.Piecewise((x, x < y), (y, True))])
    builder = GraphBuilder.of(graph)
    assert [builder.again(step, step.operands) for step in graph.applications] == [s.node for s in graph.applications]
    copied = [builder.apply(step.function, step.operands, step.static) for step in graph.applications]
    assert copied == [step.node for step in graph.applications]
    assert builder.constant(sp.Integer(2)) in range(len(graph))
    # commuted operands, and the sign of a node that was there before
    product = next(s for s in graph.applications if s.function.name == "multiply")
    assert builder.call("multiply", *reversed(product.operands)) == product.node
    negated = next(s for s in graph.applications if s.function.name == "negate")
    assert builder.call("negate", negated.node) == negated.operands[0]
    again = builder.finish(graph.outputs)
    assert names(again) == names(graph)
    assert value(again, x=0.5, y=2.0) == pytest.approx(-2 * math.sin(0.5), rel=1e-15)


def test_the_first_applications_are_those_of_all():
    graph = graph_of([sp.sin(x) ** 2 + sp.cos(y) * x])
    assert graph.first_applications(3) == graph.applications[:3]
    assert graph.operation_count == len(graph.applications) == 5
