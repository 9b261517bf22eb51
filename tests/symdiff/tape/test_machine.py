"""The machine on whole graphs: against the chain route, under JAX's transformations, at the edges of its sizes."""

import itertools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from symdiff import chain
from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import lambdify
from symdiff.routes import value_and_gradient
from symdiff.symbolic import gradient_graph
from symdiff.tape import executables, machine
from symdiff.tape.lowered import by_reverse_mode, outputs_function, value_and_partials

X = sp.symbols("x0:8", real=True)
x, y, z = sp.symbols("x y z", real=True)
# conditions, powers with static exponents, branches, several kinds
EXPRESSION = sp.Piecewise((sp.sin(x * y) ** 3, x > y), (sp.exp(-(y**2)) / (1 + z**2), True)) + sp.sqrt(1 + x**2) * z
AT = {x: 0.75, y: 0.5, z: -1.25}


def random_graph(operations, seed=0):
    """Operands are of the last 40 nodes or inputs; the output is the mean of all nodes, so that all parts matter."""
    draw, builder = random.Random(seed), GraphBuilder()
    nodes = [builder.input(symbol) for symbol in X]
    count = 0
    while count < operations:
        u, v = draw.choice(nodes[-40:]), draw.choice(nodes[-40:] + nodes[:8])
        name = draw.choice(("add", "subtract", "multiply", "tanh", "sin", "cos", "sigmoid"))
        if name in ("add", "subtract"):
            # halved, so that nothing grows without bound
            half = builder.constant(sp.Rational(1, 2))
            node, count = builder.call("multiply", half, builder.call(name, u, v)), count + 2
        elif name == "multiply":
            node, count = builder.call("multiply", builder.call("tanh", u), v), count + 2
        else:
            node, count = builder.call(name, u), count + 1
        nodes.append(node)
    total = nodes[-1]
    for node in nodes[8:-1]:
        total = builder.call("add", total, node)
    share = builder.constant(sp.Rational(1, len(nodes)))
    return builder.finish([builder.call("multiply", share, total)])


def columns(points):
    return list(np.random.default_rng(1).uniform(-1, 1, size=(len(X), points)))


def close(found, expected, rtol=1e-11):
    for mine, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        theirs = np.asarray(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max(initial=1e-300))


GRAPHS = [(route, operations) for operations in (1_000, 10_000) for route in ("symbolic", "autodiff")]
# the other route at this size is in the tests of the compiled loop, and here in the sweep
GRAPHS += [("symbolic", 100_000), pytest.param("autodiff", 100_000, marks=pytest.mark.sweep)]


@pytest.mark.parametrize(("route", "operations"), GRAPHS)
def test_random_graphs_against_the_chain_route(operations, route):
    graph, given = random_graph(operations), columns(5)
    assert graph.operation_count > operations / 2
    expected = chain.value_and_gradient(graph, dict(zip(X, given, strict=True)), X)
    taped = value_and_partials(gradient_graph(graph, X), X) if route == "symbolic" else by_reverse_mode(graph, X, X)
    close(taped(*given), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("route", "points"),
    [*(("symbolic", points) for points in (1, 2, 127, 128, 129, 300)), *(("autodiff", n) for n in (1, 128, 129))],
)
def test_batches_across_the_size_of_a_block(points, route):
    graph, given = random_graph(300), columns(points)
    expected = chain.value_and_gradient(graph, dict(zip(X, given, strict=True)), X)
    taped = value_and_partials(gradient_graph(graph, X), X) if route == "symbolic" else by_reverse_mode(graph, X, X)
    close(taped(*given), expected)


@pytest.mark.parametrize("build", [lambda g: outputs_function(g, X), lambda g: by_reverse_mode(g, X, X)])
def test_bit_for_bit_repeatable_and_the_same_in_a_batch(build):
    graph, given = random_graph(300), columns(128)
    first = jax.tree.map(np.asarray, build(graph)(*given))
    again = jax.tree.map(np.asarray, build(random_graph(300))(*given))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    traced = jax.tree.map(np.asarray, jax.jit(build(graph))(*given))
    jax.tree.map(np.testing.assert_array_equal, first, traced)


def _machines():
    """The runs of the machines that were made."""
    return [run for run, *_ in executables._loaded]


def test_one_executable_serves_the_expressions_of_a_size_class():
    given = columns(3)
    executables._loaded.clear()
    for seed in (1, 2, 3):
        graph = random_graph(500 + seed, seed)
        outputs_function(graph, X)(*given)
        by_reverse_mode(graph, X, X)(*given)
    assert _machines() == [machine.run, machine.run_back]
    # fewer inputs and other constants are the same class
    other = random_graph(500, 4)
    outputs_function(other, X[:8])(*given)
    outputs_function(graph_of([sum((k + 3) * sp.sin(k * u) for k in range(1, 9) for u in X)]), X)(*given)
    assert _machines().count(machine.run) <= 2


def test_a_deep_chain_needs_no_recursion():
    builder = GraphBuilder()
    node = builder.input(x)
    for _ in range(30_000):
        node = builder.call("sin", node)
    graph = builder.finish([node])
    expected = chain.value_and_gradient(graph, {x: np.array(1.0)}, [x])
    close(value_and_partials(gradient_graph(graph, [x]), [x])(1.0), expected, rtol=1e-9)
    close(by_reverse_mode(graph, [x], [x])(1.0), expected, rtol=1e-9)


class TestUnderTransformations:
    """Each against the fused lowering, which XLA compiles as a whole."""

    taped = staticmethod(lambdify([x, y, z], EXPRESSION, method="tape"))
    fused = staticmethod(lambdify([x, y, z], EXPRESSION, method="fused"))
    at = tuple(AT.values())
    batch = tuple(np.random.default_rng(2).normal(size=(3, 200)))

    def test_value(self):
        close(self.taped(*self.at), float(EXPRESSION.subs(AT)), 1e-14)
        close(self.taped(*self.batch), self.fused(*self.batch), 1e-14)

    def test_jit(self):
        close(jax.jit(self.taped)(*self.batch), self.fused(*self.batch), 1e-14)

    @pytest.mark.parametrize("order", [(0,), (1, 2), (0, 1, 2)])
    def test_grad(self, order):
        exact = [float(sp.diff(EXPRESSION, symbol).subs(AT)) for symbol in np.array([x, y, z])[list(order)]]
        close(jax.grad(self.taped, order)(*self.at), exact, 1e-13)

    def test_grad_of_grad(self):
        exact = np.array(sp.hessian(EXPRESSION, (x, y, z)).subs(AT).tolist(), float)
        close(np.array(jax.hessian(self.taped, (0, 1, 2))(*self.at)), exact, 1e-13)
        close(np.array(jax.jacrev(jax.grad(self.taped, (0, 1, 2)), (0, 1, 2))(*self.at)), exact, 1e-13)

    def test_third_derivative(self):
        third = jax.grad(jax.grad(jax.grad(self.taped)))(*self.at)
        close(third, float(sp.diff(EXPRESSION, x, 3).subs(AT)), 1e-12)

    def test_vmap(self):
        close(jax.vmap(self.taped)(*self.batch), self.fused(*self.batch), 1e-14)
        close(jax.vmap(self.taped, (0, None, None))(self.batch[0], 0.5, 0.25), self.fused(self.batch[0], 0.5, 0.25))
        rows = jax.vmap(jax.vmap(self.taped, (None, 0, None)), (0, None, None))(self.batch[0][:5], self.batch[1], 0.25)
        close(rows, self.fused(self.batch[0][:5, None], self.batch[1][None, :], 0.25))

    def test_vmap_over_a_later_axis_beside_a_batch(self):
        wide = np.stack(self.batch[:2], axis=1)
        found = jax.vmap(self.taped, (1, None, None), 1)(wide, self.batch[1], 0.25)
        close(found, np.stack([self.fused(self.batch[k], self.batch[1], 0.25) for k in range(2)], axis=1))

    def test_jit_of_vmap_of_grad(self):
        for route in (jax.grad, jax.jacfwd):
            found = jax.jit(jax.vmap(route(self.taped, (0, 1, 2))))(*self.batch)
            close(found, jax.vmap(jax.grad(self.fused, (0, 1, 2)))(*self.batch), 1e-12)

    def test_inside_a_scan(self):
        def descend(function):
            def step(u, v):
                return u - 0.01 * jax.grad(function)(u, v, 0.5), function(u, v, 0.5)

            return jax.lax.scan(step, 1.0, self.batch[0])

        close(descend(self.taped), descend(self.fused), 1e-12)

    def test_float32_stays_float32(self):
        single = [array.astype(np.float32) for array in self.batch]
        for function in (self.taped, jax.jit(self.taped), jax.vmap(self.taped)):
            found = function(*single)
            assert found.dtype == np.float32
            close(found, self.fused(*single), 1e-5)

    def test_shapes_broadcast(self):
        found = self.taped(self.batch[0][:5, None], self.batch[1][:3], 0.5)
        assert found.shape == (5, 3)
        close(found, self.fused(self.batch[0][:5, None], self.batch[1][:3], 0.5), 1e-14)

    def test_jax_arrays_and_numbers_mixed(self):
        close(self.taped(jnp.asarray(0.75), 0.5, np.float64(-1.25)), self.taped(*self.at), 1e-16)


@pytest.mark.parametrize(
    ("route", "operations"),
    [
        ("symbolic", 3_000),
        pytest.param("autodiff", 3_000, marks=pytest.mark.sweep),
        pytest.param("symbolic", 30_000, marks=pytest.mark.sweep),
        ("autodiff", 30_000),
    ],
)
def test_large_tapes_within_larger_programs(operations, route):
    """A tape is a constant there, and XLA's compiler was seen to end the process over large ones."""
    graph, given = random_graph(operations), columns(6)
    function = value_and_partials(gradient_graph(graph, X), X) if route == "symbolic" else by_reverse_mode(graph, X, X)
    value, partials = chain.value_and_gradient(graph, dict(zip(X, given, strict=True)), X)
    close(jax.jit(function)(*given), (value, partials), 1e-10)
    close(jax.jit(jax.vmap(function))(*given), (value, partials.T), 1e-10)
    here = [jnp.asarray(column[0]) for column in given]
    # nothing left to depend on
    close(jax.jit(lambda: function(*here))(), (value[0], partials[:, 0]), 1e-10)

    def step(at, _):
        value, partials = function(*at)
        return [u - 0.5 * p for u, p in zip(at, partials, strict=True)], value

    _, values = jax.jit(lambda *at: jax.lax.scan(step, list(at), None, length=3))(*here)
    expected, at = [], np.array([column[0] for column in given])
    for _ in range(3):
        value, partials = chain.value_and_gradient(graph, dict(zip(X, at, strict=True)), X)
        expected.append(value)
        at = at - 0.5 * partials
    close(values, np.array(expected), 1e-8)


def test_large_tapes_of_constants_alone():
    builder = GraphBuilder()
    total = builder.constant(sp.Integer(0))
    for k in range(2, 2_000):
        total = builder.call("add", total, builder.call("sin", builder.constant(sp.Integer(k))))
    f = outputs_function(builder.finish([total]), ())
    exact = np.sin(np.arange(2, 2_000)).sum()
    close([f()[0], jax.jit(f)()[0]], [exact, exact], 1e-11)
    graph = random_graph(3_000)
    function = outputs_function(graph, X)
    at = [0.25] * len(X)
    close(
        jax.jit(lambda: function(*at))(),
        chain.value_and_gradient(graph, dict(zip(X, map(np.asarray, at), strict=True)), X)[:1],
    )


@pytest.mark.parametrize("operations", [3_000])
def test_gradients_of_large_lowered_functions(operations):
    graph, given = random_graph(operations), columns(6)
    function = outputs_function(graph, X)
    value, partials = chain.value_and_gradient(graph, dict(zip(X, given, strict=True)), X)
    found = jax.jit(jax.vmap(jax.value_and_grad(lambda *a: function(*a)[0], tuple(range(8)))))(*given)
    close((found[0], np.stack(found[1])), (value, partials), 1e-10)
    along = jax.jit(lambda *a: jax.jvp(jax.grad(lambda u: function(u, *a[1:])[0]), (a[0],), (1.0,))[1])
    small = 1e-6
    at = [column[0] for column in given]
    ends = [
        chain.value_and_gradient(
            graph, dict(zip(X, [np.asarray(at[0] + h), *map(np.asarray, at[1:])], strict=True)), X
        )[1][0]
        for h in (small, -small)
    ]
    np.testing.assert_allclose(along(*at), (ends[0] - ends[1]) / (2 * small), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_second_derivatives_of_the_routes(route):
    graph = graph_of([EXPRESSION])
    order = (x, y, z)
    if route == "symbolic":
        function = value_and_partials(gradient_graph(graph, order), order)
    else:
        function = by_reverse_mode(graph, order, order)
    exact = np.array(sp.hessian(EXPRESSION, order).subs(AT).tolist(), float)
    by_rows = jax.jacrev(lambda *a: function(*a)[1], (0, 1, 2))(*AT.values())
    close(np.array(by_rows), exact.T, 1e-12)
    by_columns = jax.jit(jax.jacfwd(lambda *a: function(*a)[1], (0, 1, 2)))(*AT.values())
    close(np.array(by_columns), exact.T, 1e-12)


def test_constants_inputs_and_repeats_as_outputs():
    f = lambdify([x, y], [sp.Integer(3), x, sp.pi, x, x * y, sp.Integer(0)], method="tape")
    found = f(2.0, np.array([1.0, 5.0]))
    assert all(value.shape == (2,) for value in found)
    close(np.stack(found), np.array([[3, 3], [2, 2], [np.pi, np.pi], [2, 2], [2, 10], [0, 0]]), 1e-15)
    gradients = [jax.grad(lambda u, k=k: f(u, 4.0)[k])(2.0) for k in range(6)]
    assert [float(g) for g in gradients] == [0, 1, 0, 1, 4, 0]


def test_no_arguments_at_all():
    assert float(lambdify([], sp.Integer(7), method="tape")()) == 7
    assert float(jax.jit(lambdify([], sp.pi, method="tape"))()) == np.pi


def test_an_input_that_nothing_depends_on():
    graph = graph_of([sp.sin(x)])
    value, partials = by_reverse_mode(graph, [y, x], [x, y])(0.5, 3.0)
    close([value, *partials], [np.sin(0.5), 0, np.cos(0.5)], 1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_point_spoils_no_other(bad):
    graph, given = random_graph(300), columns(130)
    for column in given:
        column[7] = bad
    clean = np.arange(130) != 7
    expected = chain.value_and_gradient(graph, dict(zip(X, given, strict=True)), X)
    for function in (value_and_partials(gradient_graph(graph, X), X), by_reverse_mode(graph, X, X)):
        value, partials = map(np.asarray, function(*given))
        assert np.isnan(value[7])
        assert np.isnan(expected[0][7])
        close([value[clean], partials[:, clean]], [expected[0][clean], expected[1][:, clean]])


def test_the_gradient_of_the_first_output_does_not_look_at_the_others():
    graph = graph_of([x * y, sp.sqrt(x)])
    value, partials = by_reverse_mode(graph, [x, y], [x, y])(0.0, 3.0)
    close([value, *partials], [0, 3, 0])


def test_what_pads_a_batch_brings_no_nan_and_no_infinity():
    # log has no derivative at 0 and none beyond; the points that fill a block are regular for it
    f = lambdify([x], sp.log(x), method="tape")
    with jax.debug_nans(True):
        close(f(np.linspace(1, 2, 130)), np.log(np.linspace(1, 2, 130)), 1e-14)


def test_the_derivative_of_what_is_not_used_is_no_nan():
    f = lambdify([x, y], [x * y, sp.sqrt(x)], method="tape")
    assert float(jax.grad(lambda u: f(u, 3.0)[0])(0.0)) == 3


def test_an_operand_without_derivative_is_refused():
    builder = GraphBuilder()
    graph = builder.finish([builder.apply(FUNCTIONS["lowergamma"], (builder.input(x), builder.input(y)))])
    with pytest.raises(UnsupportedError, match="lowergamma has no derivative in its operand 1"):
        by_reverse_mode(graph, [x], [x, y])


def test_large_expressions_take_the_tape_and_agree_by_all_routes():
    # every step another function of the one before, so that no two are alike
    expression = X[0]
    for k, (u, v) in enumerate(itertools.pairwise(X * 12)):
        expression = sp.sin(expression * u) + v if k % 3 else sp.tanh(expression + v) * u
    given = columns(4)
    expected = value_and_gradient(expression, X, route="chain")(*given)
    executables._loaded.clear()
    close(value_and_gradient(expression, X)(*given), expected)
    close(value_and_gradient(expression, X, route="autodiff")(*given), expected)
    assert _machines() == [machine.run, machine.run_back]
