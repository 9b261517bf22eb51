"""The three routes share no derivative rule: a rule broken in one of them changes that one, and no other.

For each row of the table and each route, the column that the route takes its rule from is broken so that the value
stays and every partial doubles. That is what the comparison of the routes rests on.
"""

import dataclasses

import jax
import numpy as np
import pytest
import sympy as sp

from symdiff import lowering
from symdiff.from_sympy import graph_of
from symdiff.function import Absence
from symdiff.functions import ROWS
from symdiff.graph_builder import GraphBuilder
from symdiff.routes import ROUTES, of_graph

MOVING = [row for row in ROWS if any(partial is not Absence.ZERO for partial in row.partials)]
SYMBOLS = sp.symbols("a b c", real=True)
# away from kinks and ties, and true where a condition is wanted
POINT = (1.25, 0.75, 2.5)


def inputs(row):
    """A number for each symbol, inside the domain of the operand."""
    found = {}
    for symbol, number, domain in zip(SYMBOLS, POINT, row.domain, strict=False):
        inside = domain.truth or domain.contains(np.array([number]))[0]
        found[symbol] = number if inside else domain.regular
    return found


def moving(row):
    """The symbols in which the row has a derivative."""
    operands = zip(SYMBOLS, row.domain, row.partials, strict=False)
    return [s for s, domain, partial in operands if not domain.truth and partial is not Absence.NONDIFFERENTIABLE]


def application(row):
    """The row applied to symbols, alone in a graph."""
    builder = GraphBuilder()
    condition = graph_of([sp.Piecewise((1, SYMBOLS[0] > 0), (0, True))])
    operands = []
    for domain, symbol in zip(row.domain, SYMBOLS, strict=False):
        if domain.truth:
            less = next(step.node for step in condition.applications if step.function.name == "less")
            operands.append(builder.splice(condition)[less])
        else:
            operands.append(builder.input(symbol))
    return builder.finish([builder.apply(row, tuple(operands), row.special[0][0][row.arity :])])


def with_row(graph, old, new):
    return dataclasses.replace(graph, functions=tuple(new if f is old else f for f in graph.functions))


def doubled_partials(row):
    def twice(partial):
        if isinstance(partial, Absence):
            return partial
        return (lambda *a: 2 * partial(*a)) if callable(partial) else 2 * partial

    return dataclasses.replace(row, partials=tuple(map(twice, row.partials)))


def doubled_sympy(row):
    rules = tuple(rule and (lambda *a, rule=rule: 2 * rule(*a)) for rule in row.rules)
    return dataclasses.replace(row, sympy=lambda *a: 2 * row.sympy(*a), rules=rules)


def doubled_jax(row):
    return dataclasses.replace(row, jax=f"doubled {row.jax}")


BROKEN = {"chain": doubled_partials, "symbolic": doubled_sympy, "autodiff": doubled_jax}


@pytest.fixture(autouse=True)
def doubled(monkeypatch):
    """Paths that begin with "doubled" lead to functions of the same value and twice the derivative."""
    resolve = lowering.resolve

    def resolved(path):
        if not path.startswith("doubled "):
            return resolve(path)
        f = resolve(path.removeprefix("doubled "))

        def twice(*a):
            value = f(*a)
            return value + (value - jax.lax.stop_gradient(value))

        return twice

    monkeypatch.setattr(lowering, "resolve", resolved)


def given(graph, row):
    return {symbol: number for symbol, number in inputs(row).items() if symbol in graph.inputs}


def gradients(graph, row):
    with jax.disable_jit():
        found = {route: of_graph(graph, moving(row), route)(given(graph, row)) for route in ROUTES}
    return {route: (float(value), np.asarray(partials)) for route, (value, partials) in found.items()}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("row", MOVING, ids=lambda row: row.name)
@pytest.mark.parametrize("route", ROUTES)
def test_a_broken_rule_changes_its_own_route_only(route, row):
    graph = application(row)
    sound, broken = gradients(graph, row), gradients(with_row(graph, row, BROKEN[route](row)), row)
    assert np.any(sound[route][1])
    for other in ROUTES:
        assert broken[other][0] == sound[other][0]
        factor = 2 if other == route else 1
        expected = factor * sound[other][1]
        np.testing.assert_allclose(broken[other][1], expected, rtol=1e-15, err_msg=f"{row.name} by {other}")


def test_no_row_is_left_out():
    assert {row.name for row in ROWS} - {row.name for row in MOVING} == {
        *["sign", "heaviside", "floor", "ceiling"],
        *["less", "less_equal", "equal", "unequal", "and", "or", "xor", "not"],
    }


def test_each_route_does_without_the_rules_of_the_others():
    # the chain route's partials raise, SymPy's form raises, JAX's form has no derivative: each route runs on its own
    def refuse(*_):
        raise AssertionError("a rule of another route was used")

    for row in MOVING:
        graph = application(row)
        closed = {
            "partials": tuple(p if isinstance(p, Absence) else refuse for p in row.partials),
            "sympy": refuse,
        }
        for route, own in (("chain", "partials"), ("symbolic", "sympy"), ("autodiff", None)):
            others = {column: form for column, form in closed.items() if column != own}
            broken = with_row(graph, row, dataclasses.replace(row, **others))
            with jax.disable_jit():
                assert np.all(np.isfinite(of_graph(broken, moving(row), route)(given(graph, row))[1])), row.name
