"""Rules made wrong on purpose, one at a time: the check must see each, and name the route."""

import jax
import numpy as np
import pytest
import sympy as sp

import compare
from compare.benchmarks.fault_cases import AT, EXPRESSIONS, OTHERS, SLOWER, x
from compare.benchmarks.fault_planting import KINDS, Fault, faults, moving_operands, planted, replaced_in_graph
from compare.benchmarks.planted_faults import blamed, chosen, hunt, sample, seen_by_check_grads, table
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES

QUICK = [name for name in EXPRESSIONS | OTHERS if name not in SLOWER]


def test_every_function_that_has_a_derivative_is_among_the_expressions():
    with_partials = {row.name for row in FUNCTIONS.values() if moving_operands(row)}
    assert with_partials == {*EXPRESSIONS, *OTHERS}


@pytest.mark.parametrize("name", [*EXPRESSIONS, *OTHERS])
def test_no_rewrite_takes_the_function_out_of_its_expression(name):
    assert name in {row.name for row in lowerable(graph_of([(EXPRESSIONS | OTHERS)[name]])).functions}


def no_alarm(name, kind):
    with jax.disable_jit():
        found = compare.check(Fault(name, kind, None).expression, at=AT)
    assert not [row for row in found.rows if row.verdict.value in ("disagree", "undecided")]
    assert [row for row in found.rows if row.verdict.value == "agree"]


@pytest.mark.parametrize("name", QUICK)
def test_without_a_fault_there_is_no_alarm(name):
    no_alarm(name, "sign")


@pytest.mark.sweep
@pytest.mark.parametrize("name", [*EXPRESSIONS, *OTHERS])
def test_without_a_fault_there_is_no_alarm_between_branches_nor_in_costly_functions(name):
    no_alarm(name, "sign")
    no_alarm(name, "branch")


def missed(route, planted_faults):
    found = [hunt(route, fault) for fault in planted_faults]
    print("\n".join(table(found)))
    return [(one.fault, one.seen) for one in found if not one.named]


@pytest.mark.parametrize("route", ROUTES)
def test_planted_faults_are_seen_and_the_route_named(route):
    drawn = sample(ROUTES.index(route), 63)
    assert {fault.kind for fault in drawn} == set(KINDS)
    assert len(set(drawn)) == 63
    assert not missed(route, drawn)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ROUTES)
def test_every_planted_fault_is_seen_and_its_route_named(route, kind):
    assert not missed(route, faults(EXPRESSIONS | OTHERS, [kind]))


def test_the_figures_rest_on_at_least_600_faults_in_each_route_over_every_function():
    faulty = chosen()
    assert len(set(faulty)) == len(faulty) >= 600
    assert {fault.name for fault in faulty} == {*EXPRESSIONS, *OTHERS}


def test_check_grads_sees_a_wrong_sign_and_not_the_smallest_factor():
    for kind, seen in (("sign", True), ("factor", False), ("direction", True)):
        fault = Fault("sin", kind, None if kind == "direction" else 0)
        with planted("autodiff", fault), jax.disable_jit():
            assert seen_by_check_grads(fault) is seen


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_is_seen_in_compiled_code_and_in_float32_too(route):
    with planted(route, Fault("sin", "beyond 10", 0)):
        for dtype in ("float64", "float32"):
            found = compare.check(EXPRESSIONS["sin"], at=AT, dtype=dtype)
            assert found.exit_code == 1
            beyond = [row for row in found.rows if row.verdict.value == "disagree"]
            assert {tuple(row.at.values()) for row in beyond} == {
                tuple(map(np.dtype(dtype).type, (12.5, 1.1))),
                (11.0, 12.5),
            }
            assert all(blamed(row) == {route} for row in beyond)


def test_a_fault_on_one_branch_is_seen_only_there():
    with planted("chain", Fault("exp", "sign", 0)):
        found = compare.check(sp.Piecewise((sp.exp(x), x < 1), (x**2, True)), at=[{"x": 0.5}, {"x": 2.0}])
    assert [row.verdict.value for row in found.rows] == ["disagree", "agree"]


def test_a_referee_made_wrong_on_purpose_is_called_suspect():
    with replaced_in_graph("exp", ball=lambda u: (u * (1 + 1e-6)).exp()):
        found = compare.check(x * sp.exp(x), at={"x": 2.0})
    assert (found.verdict.value, found.exit_code) == ("undecided", 3)
    assert found.rows[0].reason == (
        "symbolic, autodiff and chain agree with each other, but not with the referee: the referee is suspect"
    )


def test_the_same_mistake_in_two_routes_makes_the_referee_suspect_and_not_the_third_right():
    with planted("chain", Fault("sin", "sign", 0)), planted("symbolic", Fault("sin", "sign", 0)):
        found = compare.check(sp.sin(x), at={"x": 1.0})
    assert found.verdict.value == "undecided"
    assert found.rows[0].reason == (
        "symbolic and chain agree with each other, but not with the referee nor with autodiff: the referee is suspect"
    )
