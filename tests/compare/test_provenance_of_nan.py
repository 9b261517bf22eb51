"""Where numbers begin to fail: NaN, lost digits, and the node at which a wrong rule parts from the referee."""

import dataclasses

import numpy as np
import pytest
import sympy as sp

import compare
from compare import checking
from compare.explanations.lost_digits import better_form
from compare.explanations.parting import non_finite
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS

x, y = sp.symbols("x y", real=True)


def begins(expression, **at):
    (graph,) = (graph_of([expression]),)
    symbols = {s.name: s for s in graph.inputs}
    return non_finite(graph, {symbols[k]: v for k, v in at.items()}, ["chain"], "float64")


@pytest.mark.parametrize(
    ("expression", "at", "told"),
    [
        (sp.sqrt(x) * sp.sin(x) + 1, {"x": 0.0}, "sqrt(x) is 0 here, and its partial in x is inf"),
        (sp.exp(sp.sqrt(x)) * x, {"x": 0.0}, "sqrt(x) is 0 here, and its partial in x is inf"),
        (sp.asin(x) * y, {"x": 1.0, "y": 0.0}, "asin(x) is 1.5708 here, and its partial in x is inf"),
        (sp.log(x) * y, {"x": 0.0, "y": 1.0}, "log(x) is -inf here"),
        (1 / sp.sin(x) + y, {"x": 0.0, "y": 1.0}, "1/sin(x) is inf here"),
        (sp.log(x - 2) + y, {"x": 1.0, "y": 1.0}, "log(x - 2) is nan here"),
    ],
    ids=str,
)
def test_the_smallest_expression_that_fails_is_named(expression, at, told):
    assert begins(expression, **at) == told


def test_the_branch_of_the_piecewise_is_named():
    expression = sp.Piecewise((sp.sqrt(x) * sp.sin(x), x < 1), (x, True))
    assert begins(expression, x=0.0).endswith("in the branch where x < 1, which is taken")
    expression = sp.Piecewise((x, x < 1), (1 / (x - 2), True))
    assert begins(expression, x=2.0).endswith("in the branch where x < 1 does not hold, which is taken")


def test_an_undefined_row_with_a_nan_tells_where_it_begins():
    (row,) = compare.check(sp.sqrt(x) * sp.sin(x), at={"x": 0.0}).rows
    assert row.verdict.value == "undefined"
    assert "sqrt(x) is 0 here, and its partial in x is inf" in row.reason
    (row,) = compare.check("x**200/(1 + x**199)", at={"x": 100.0}).rows
    assert row.verdict.value == "disagree"
    assert row.command == "symdiff check 'x**200/(1 + x**199)' --wrt x --at x=100.0"


@pytest.mark.parametrize(
    ("expression", "name", "node"),
    [
        (sp.exp(sp.sin(x * y)), "sin", "sin(x*y): its partial in x*y is"),
        (sp.tanh(x) * sp.cos(y) + sp.exp(x), "cos", "cos(y): its partial in y is"),
        (sp.log(2 + sp.sqrt(1 + x**2 * y**2)), "log", "its partial in hypot(x*y, 1) + 2 is"),
    ],
    ids=["sin", "cos", "log"],
)
def test_the_node_at_which_a_wrong_rule_parts_from_the_referee_is_named(expression, name, node, monkeypatch):
    right = FUNCTIONS[name]
    wrong = dataclasses.replace(right, partials=(lambda *given: right.partials[0](*given) * (1 + 1e-9),))

    def mutant(expressions):
        graph = graph_of(expressions)
        return dataclasses.replace(graph, functions=tuple(wrong if f is right else f for f in graph.functions))

    monkeypatch.setattr(checking, "graph_of", mutant)
    row = compare.check(expression, at={"x": 0.7, "y": 1.3}).rows[-1]
    assert row.verdict.value == "disagree"
    assert "chain: it first parts from the referee at" in row.reason
    assert node in row.reason


def test_a_wrong_value_is_named_before_any_partial(monkeypatch):
    right = FUNCTIONS["sin"]
    wrong = dataclasses.replace(right, value=lambda u: np.sin(u) + 1e-6)

    def mutant(expressions):
        graph = graph_of(expressions)
        return dataclasses.replace(graph, functions=tuple(wrong if f is right else f for f in graph.functions))

    monkeypatch.setattr(checking, "graph_of", mutant)
    (row,) = compare.check(sp.sin(x) ** 2, at={"x": 0.7}).rows
    assert row.verdict.value == "disagree"
    assert "chain: it first parts from the referee at sin(x): its value there is 0.644219" in row.reason


def test_an_inaccurate_row_names_the_node_the_digits_and_a_better_form():
    (row,) = compare.check("sqrt(x + 1) - sqrt(x)", at={"x": 1e13}).rows
    assert row.verdict.value == "inaccurate"
    assert "loses 14.8 of 15.7 digits" in row.reason
    assert "write -sqrt(x) + sqrt(x + 1) as 1/(sqrt(x) + sqrt(x + 1))" in row.reason


@pytest.mark.parametrize(
    ("expression", "better"),
    [
        (sp.log(1 + sp.exp(x)), "write log(exp(x) + 1) as softplus(x)"),
        (sp.sqrt(x + 1) - sp.sqrt(x), "write -sqrt(x) + sqrt(x + 1) as 1/(sqrt(x) + sqrt(x + 1))"),
        (x - sp.sin(x), ""),
        (x * y, ""),
    ],
    ids=str,
)
def test_a_better_form_is_told_where_one_is_known(expression, better):
    graph = graph_of([expression])
    assert better_form(graph, graph.outputs[0]) == better


@pytest.mark.parametrize(
    "form", [sp.exp(x) - sp.exp(y), sp.cos(x) - sp.cos(y), sp.sin(x) - sp.sin(y), sp.sqrt(x) - sp.sqrt(y)]
)
def test_every_better_form_is_the_same_function(form):
    text = better_form(graph_of([form]), graph_of([form]).outputs[0])
    before, after = text.removeprefix("write ").split(" as ")
    at = {"x": sp.Rational(7, 10), "y": sp.Rational(3, 10)}
    values = [sp.sympify(part).subs(at).evalf(30) for part in (before, after)]
    assert abs(values[0] - values[1]) < 1e-28


def test_a_choice_between_conditions_is_no_number_to_differentiate():
    z = sp.Symbol("z", real=True)
    either = sp.Piecewise((1, sp.ITE(y < 2, x > 1, x > 3)), (2, True))
    # where the logarithm fails the search goes through the choice, of which JAX has no number for a derivative
    (row,) = compare.check(sp.log(z * either), wrt=[z], at={x: 2.0, y: 1.0, z: 0.0}).rows
    assert row.verdict.value == "undefined"
    assert "is -inf here" in row.reason
