"""Programs of JAX written out: the same numbers as JAX's own, nothing computed twice, and a fault still in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import compare
from compare import pieces
from compare.benchmarks.fault_planting import Fault, planted
from compare.bounds import jaxpr
from compare.bounds.straight_line import EXACT, compiling, run, straight_line
from symdiff.from_sympy import graph_of
from symdiff.routes import of_graph
from symdiff.symbolic import gradient_graph

X = np.array([0.3, 1.7, -2.9, 1e-3])
Y = np.array([2.5, -0.4, 0.8, 12.0])


def names(function, *arrays):
    return [step.primitive.name for step in straight_line(jax.make_jaxpr(function)(*arrays)).steps]


def test_equal_operations_are_run_once_and_those_without_use_never():
    def function(u, v):
        unused = jnp.exp(v)  # noqa: F841
        return jnp.where(u > 0, jnp.tanh(u * v), 1.0), jnp.tanh(u * v) * jnp.where(u > 0, 1.0, 0.0)

    found = names(function, X, Y)
    assert "exp" not in found
    assert [found.count(name) for name in ("tanh", "gt", "select_n")] == [1, 1, 2]


def test_operations_that_differ_in_a_parameter_or_an_operand_stay_apart():
    def function(u, v):
        return jax.lax.integer_pow(u, 2) + jax.lax.integer_pow(u, 3) + u / v + v / u

    found = names(function, X, Y)
    assert (found.count("integer_pow"), found.count("div")) == (2, 2)


def test_constants_that_are_equal_numbers_of_other_kinds_or_signs_stay_apart():
    def function(u):
        return jnp.copysign(1.0, u * 0.0) + 1.0 / jnp.where(u > 0, 0.0, -0.0), jnp.where(u > 0, 1, 2)

    line = straight_line(jax.make_jaxpr(function)(X))
    for ours, theirs in zip(run(line, [X]), function(X), strict=True):
        assert np.asarray(ours).dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_an_effect_is_neither_dropped_nor_merged():
    seen = []

    def function(u):
        jax.debug.callback(seen.append, u[0])
        jax.debug.callback(seen.append, u[0])
        return u * 2

    line = straight_line(jax.make_jaxpr(function)(X))
    run(line, [X])
    jax.effects_barrier()
    assert [float(u) for u in seen] == [0.3, 0.3]


def test_loops_and_several_results_are_run_as_they_are():
    def function(u):
        swept = jax.lax.fori_loop(0, 3, lambda _, a: a * u, u)
        return jnp.stack([swept, jnp.sort(u)]), jax.lax.cond(u[0] > 0, jnp.sin, jnp.cos, u)

    line = straight_line(jax.make_jaxpr(function)(X))
    for ours, theirs in zip(run(line, [X]), function(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)


OPERATIONS = {
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": jnp.divide,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "neg": lambda u, _: -u,
    "abs": lambda u, _: jnp.abs(u),
    "sqrt": lambda u, _: jnp.sqrt(jnp.abs(u)),
    "square": lambda u, _: jnp.square(u),
    "integer_pow": lambda u, _: jax.lax.integer_pow(u, 7) + jax.lax.integer_pow(u, -3),
    "select_n": lambda u, v: jnp.where(u > v, u, v),
    "floor": lambda u, _: jnp.floor(u),
    "sign": lambda u, _: jnp.sign(u),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_quickly_compiled_operations_give_jax_s_own_numbers_to_the_last_bit(name, dtype):
    assert name in EXACT
    draw = np.random.default_rng(5)
    shape = 999
    u, v = (
        (draw.standard_normal(shape) * 10.0 ** draw.integers(-30, 30, shape) ** draw.integers(0, 2, shape)).astype(
            dtype
        )
        for _ in range(2)
    )
    u[:6], v[:6] = [0.0, -0.0, np.inf, np.nan, 5e-324, 1.0], [-0.0, 0.0, np.inf, 1.0, 3.0, np.nan]
    line = straight_line(jax.make_jaxpr(OPERATIONS[name])(u, v))
    assert name in {step.primitive.name for step in line.steps}
    (ours,) = run(line, [u, v])
    # one operation at a time, as JAX runs what nobody has compiled
    theirs = OPERATIONS[name](jnp.asarray(u), jnp.asarray(v))
    assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


def test_compiled_in_advance_or_not_the_numbers_are_the_same():
    def function(u):
        return jnp.sin(u) * jnp.exp(u) ** 3 - jnp.log(jnp.abs(u))

    line = straight_line(jax.make_jaxpr(function)(X))
    pieces.forget()
    first = run(line, [X])
    pieces.forget()
    begun = compiling([line])
    assert begun
    assert compiling([line]) == []
    assert [future.result() for future in begun] == [None] * len(begun)
    np.testing.assert_array_equal(first, run(line, [X]))


def test_written_out_a_program_has_the_bounds_of_its_operations_one_by_one():
    # sin(1.7) to half a unit and two of its own, times itself: 2*|sin|*bound, and half a unit of the product
    (bound,) = jaxpr.output_bounds(jax.make_jaxpr(lambda u: jnp.sin(u) * jnp.sin(u))(1.7), [np.array(1.7)], "d")
    own, eps = np.sin(1.7), np.finfo(float).eps
    assert bound == pytest.approx(2 * own * 2 * eps * own + eps / 2 * own * own, rel=1e-9)


def test_node_by_node_the_routes_give_what_they_give_as_a_whole():
    x, y = sp.symbols("x y", real=True)
    graph = graph_of([sp.sin(x * y) / (1 + x**2) + sp.atan2(y, x) * sp.tanh(x - y) + sp.sqrt(1 + sp.exp(x))])
    arrays = {x: X, y: Y}
    for route, (found, bounds) in {
        "symbolic": pieces.symbolic(gradient_graph(graph, (x, y)), arrays, "float64"),
        "autodiff": pieces.autodiff(graph, (x, y), arrays, "float64"),
    }.items():
        with jax.disable_jit():
            whole = np.asarray(of_graph(graph, (x, y), route)(arrays)[1])
        assert np.all(np.abs(found - whole) <= 2 * bounds)
        assert np.all(bounds < 1e-13 * (1 + np.abs(whole)))


@pytest.mark.parametrize("route", ["symbolic", "autodiff", "chain"])
def test_a_fault_is_seen_in_an_expression_that_is_run_node_by_node(route):
    formula = " + ".join(f"sin({0.1 * k:.1f}*x)*y" for k in range(1, 60))
    with planted(route, Fault("sin", "factor", 0)):
        found = compare.check(formula, points=3)
    pieces.forget()
    wrong = [row for row in found.rows if row.verdict.value == "disagree"]
    assert wrong
    assert {row.wrt for row in wrong} == {"x"}
    assert all(f"{route} is off" in row.reason for row in wrong)
    assert compare.check(formula, points=3).verdict.value == "agree"
