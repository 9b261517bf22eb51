"""Vector operations against the chain route, the fused lowering and networks written in JAX with matrices."""

import itertools
import random

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy as sp
from families import FAMILIES, family, network, rosenbrock

from symdiff import chain
from symdiff.errors import OptionError
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import lambdify
from symdiff.routes import of_graph, value_and_gradient
from symdiff.symbolic import gradient_graph
from symdiff.vectorised.choice import is_worthwhile, pays
from symdiff.vectorised.grouping import HEADS, program_of
from symdiff.vectorised.lowered import by_reverse_mode, outputs_function, value_and_partials
from symdiff.vectorised.value_forms import FAST

ROUTES = ("symbolic", "autodiff")


def lowered(route, graph, wrt, symbols):
    if route == "autodiff":
        return by_reverse_mode(graph, wrt, symbols)
    return value_and_partials(gradient_graph(graph, wrt), symbols)


def points(symbols, shapes, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.uniform(0.4, 1.4, shape) for _, shape in zip(symbols, shapes, strict=True)]


def close(found, expected, rtol=1e-12):
    for mine, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        theirs = np.asarray(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max(initial=1e-300))


def by_chain(graph, symbols, given, wrt):
    return chain.value_and_gradient(graph, dict(zip(symbols, map(np.asarray, given), strict=True)), wrt)


SHAPES = {
    "one point": lambda _: (),
    "all arrays": lambda _: (6,),
    "every third an array": lambda k: (6,) if k % 3 == 0 else (),
    "rows and columns": lambda k: ((4, 1), (3,), (), (1, 1))[k % 4],
    "one array of one entry": lambda k: (1,) if k == 0 else (),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        *((name, "every third an array") for name in FAMILIES),
        *(("mixed", shapes) for shapes in SHAPES if shapes != "every third an array"),
        *(("network", "one point"), ("product of 100", "one point"), ("polynomial", "all arrays")),
    ],
)
def test_value_and_gradient_against_the_chain_route(name, route, shapes):
    graph, symbols = family(name)
    given = points(symbols, [SHAPES[shapes](k) for k in range(len(symbols))])
    wrt = symbols[::2] + symbols[1:3]
    found = lowered(route, graph, wrt, symbols)(*given)
    expected = by_chain(graph, symbols, given, wrt)
    assert [part.shape for part in found] == [part.shape for part in expected]
    close(found, expected)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("product of 5", "polynomial")])
def test_there_are_few_operations(name):
    graph, symbols = family(name)
    assert pays(graph, symbols)
    derived = gradient_graph(graph, symbols)
    assert len(program_of(derived, symbols).groups) - len(HEADS) < derived.operation_count / 8


def test_the_operations_of_a_network_do_not_depend_on_its_size():
    counts = set()
    for hidden in (12, 40):
        expression, parameters, x = network(hidden)
        derived = gradient_graph(graph_of([expression]), parameters)
        counts.add(len(program_of(derived, (*parameters, *x)).groups))
    assert len(counts) == 1


def test_a_network_is_contracted_without_a_gather():
    """Weights that all points share meet a batch in a matrix product, and no entry is gathered."""
    graph, symbols = family("network")
    function = value_and_partials(gradient_graph(graph, symbols[:-8]), symbols)
    given = points(symbols, [(5,) if k >= len(symbols) - 8 else () for k in range(len(symbols))])
    names = [equation.primitive.name for equation in jax.make_jaxpr(lambda *a: function(*a))(*given).eqns]
    assert "dot_general" in names
    assert "gather" not in names
    assert names.count("tanh") + names.count("custom_jvp_call") <= 4


def test_against_a_network_in_matrices():
    hidden, inputs = 24, 8
    expression, parameters, x = network(hidden, inputs)
    draw = np.random.default_rng(1)
    w, b, v = draw.normal(size=(hidden, inputs)), draw.normal(size=hidden), draw.normal(size=hidden)
    batch = draw.normal(size=(50, inputs))

    def by_hand(parameters, x):
        w, b, v = parameters
        return v @ jnp.tanh(w @ x + b)

    value, (in_w, in_b, in_v) = jax.vmap(jax.value_and_grad(by_hand), (None, 0))((w, b, v), batch)
    expected = value, jnp.concatenate([in_w.reshape(50, -1), in_b, in_v], axis=1).T
    for route in ROUTES:
        function = value_and_gradient(expression, parameters, (*parameters, *x), route)
        close(function(*w.ravel(), *b, *v, *batch.T), expected)


class TestUnderTransformations:
    expression, symbols = rosenbrock(30)
    vectors = staticmethod(lambdify(symbols, expression, method="vectorised"))
    fused = staticmethod(lambdify(symbols, expression, method="fused"))
    at = tuple(np.random.default_rng(2).normal(size=30))
    batch = tuple(np.random.default_rng(2).normal(size=(30, 7)))

    def test_value(self):
        exact = float(self.expression.subs(dict(zip(self.symbols, self.at, strict=True))))
        close(self.vectors(*self.at), exact, 1e-14)
        close(self.vectors(*self.batch), self.fused(*self.batch), 1e-13)

    def test_jit_and_vmap(self):
        close(jax.jit(self.vectors)(*self.batch), self.fused(*self.batch))
        close(jax.vmap(self.vectors)(*self.batch), self.fused(*self.batch))
        axes = (0, *(None,) * 29)
        close(jax.vmap(self.vectors, axes)(self.batch[0], *self.at[1:]), self.fused(self.batch[0], *self.at[1:]))

    def test_grad_and_hessian(self):
        at = dict(zip(self.symbols, self.at, strict=True))
        first = [float(sp.diff(self.expression, symbol).subs(at)) for symbol in self.symbols[:3]]
        close(jax.grad(self.vectors, (0, 1, 2))(*self.at), first, 1e-13)
        second = np.array(sp.hessian(self.expression, self.symbols[:3]).subs(at).tolist(), float)
        close(np.array(jax.hessian(self.vectors, (0, 1, 2))(*self.at)), second, 1e-13)
        close(np.array(jax.jit(jax.jacrev(jax.grad(self.vectors, (0, 1, 2)), (0, 1, 2)))(*self.at)), second, 1e-13)

    def test_inside_a_scan(self):
        def descend(function):
            def step(at, _):
                value, slopes = jax.value_and_grad(function, tuple(range(30)))(*at)
                return tuple(u - 1e-4 * slope for u, slope in zip(at, slopes, strict=True)), value

            return jax.lax.scan(step, tuple(map(jnp.asarray, self.at)), None, length=5)

        close(descend(self.vectors), descend(self.fused))

    def test_float32_stays_float32(self):
        single = [array.astype(np.float32) for array in self.batch]
        for function in (self.vectors, jax.jit(self.vectors), jax.vmap(self.vectors)):
            found = function(*single)
            assert found.dtype == np.float32
            close(found, self.fused(*self.batch), 1e-5)

    @pytest.mark.parametrize("route", ROUTES)
    def test_second_derivatives_of_the_routes(self, route):
        graph = graph_of([self.expression])
        function = of_graph(graph, self.symbols, route, self.symbols, "vectorised")

        def partials(*moving):
            return function(dict(zip(self.symbols, (*moving, *self.at[2:]), strict=True)))[1][:2]

        at = dict(zip(self.symbols, self.at, strict=True))
        second = np.array(sp.hessian(self.expression, self.symbols[:2]).subs(at).tolist(), float)
        close(np.array(jax.jacrev(partials, (0, 1))(*self.at[:2])), second.T, 1e-13)


@pytest.mark.parametrize("route", ROUTES)
def test_bit_for_bit_repeatable(route):
    graph, symbols = family("mixed")
    given = points(symbols, [(130,) if k % 2 else () for k in range(len(symbols))])
    first = jax.tree.map(np.asarray, lowered(route, graph, symbols, symbols)(*given))
    again = jax.tree.map(np.asarray, lowered(route, graph, symbols, symbols)(*given))
    jax.tree.map(np.testing.assert_array_equal, first, again)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(3))
def test_random_graphs(seed):
    """Irregular, with functions of every kind of operand, running sums and outputs that are inputs and constants."""
    draw, builder = random.Random(seed), GraphBuilder()
    symbols = sp.symbols("x:6", real=True)
    nodes = [builder.input(symbol) for symbol in symbols]
    nodes += [builder.constant(sp.Rational(k, 3)) for k in range(1, 4)]
    running = nodes[0]
    for _ in range(25):
        u, v, w = (draw.choice(nodes[-20:]) for _ in range(3))
        name = draw.choice(("add", "subtract", "multiply", "tanh", "sin", "select", "divide", "add", "sigmoid"))
        if name == "select":
            node = builder.call(name, builder.call("less", u, v), builder.call("tanh", v), w)
        elif name == "divide":
            square = builder.apply(FUNCTIONS["power_integer"], (v,), (2,))
            node = builder.call(name, u, builder.call("add", builder.constant(sp.Integer(1)), square))
        elif name in ("tanh", "sin", "sigmoid"):
            node = builder.call(name, u)
        else:
            node = builder.call("tanh", builder.call(name, u, v))
        running = builder.call("add", running, node)
        nodes += [node, running] if draw.random() < 0.3 else [node]
    graph = builder.finish([running, nodes[1], nodes[7], *nodes[-4:]])
    given = points(symbols, [(3,), (), (3,), (), (3,), ()], seed)
    values = chain.forward(graph, dict(zip(symbols, given, strict=True)), np.dtype(np.float64))
    found = outputs_function(graph, symbols)(*given)
    for k, node in enumerate(graph.outputs):
        assert found[k].shape == (3,)
        close(found[k], np.broadcast_to(values[node], (3,)), 1e-11)
    for route in ROUTES:
        expected = by_chain(graph, symbols, given, symbols)
        one = GraphBuilder()
        places = one.splice(graph)
        close(lowered(route, one.finish([places[graph.outputs[0]]]), symbols, symbols)(*given), expected, 1e-10)


def test_irregular_graphs_are_left_to_the_tape():
    draw, builder = random.Random(0), GraphBuilder()
    symbols = sp.symbols("x:8", real=True)
    nodes = [builder.input(symbol) for symbol in symbols]
    for _ in range(1200):
        u, v = draw.choice(nodes[-40:]), draw.choice(nodes[-40:])
        nodes.append(builder.call("tanh", u) if draw.random() < 0.5 else builder.call("multiply", u, v))
    graph = builder.finish([nodes[-1]])
    assert not pays(graph, symbols)
    for route in ROUTES:
        with pytest.raises(OptionError, match=r"of the \d+ operations more than 250 kinds are unlike.*choose 'tape'"):
            of_graph(graph, symbols, route, symbols, "vectorised")


def test_several_outputs_are_left_alone_where_a_function_is_singular():
    x = sp.symbols("x:40", real=True)
    assert is_worthwhile(graph_of([sp.sin(u) * u for u in x]), x)
    assert not is_worthwhile(graph_of([sp.sqrt(u) * u for u in x]), x)
    assert is_worthwhile(graph_of([sp.Add(*(sp.sqrt(1 + u**2) for u in x))]), x)
    f = lambdify(x, [sp.sqrt(u) * v for u, v in itertools.pairwise(x)])
    at = [0.0, 4.0, *np.ones(38)]
    assert float(jax.grad(lambda u: f(at[0], u, *at[2:])[1])(4.0)) == 0.25


def test_deep_chains_need_no_recursion():
    builder = GraphBuilder()
    x = sp.symbols("x:400", real=True)
    total, outputs = builder.input(x[0]), []
    for symbol in x[1:]:
        total = builder.call("add", total, builder.input(symbol))
        outputs.append(total)
    graph = builder.finish(outputs)
    program = program_of(graph, x)
    assert [group.kind for group in program.groups[len(HEADS) :]] == ["running"]
    given = list(np.arange(400.0))
    close(jnp.stack(outputs_function(graph, x)(*given)), np.cumsum(given)[1:], 1e-15)


def test_a_recurrence_through_functions_is_no_running_sum():
    builder = GraphBuilder()
    x = sp.symbols("x:30", real=True)
    state, outputs = builder.input(x[0]), []
    for symbol in x[1:]:
        state = builder.call("add", state, builder.call("multiply", builder.call("sin", state), builder.input(symbol)))
        outputs.append(state)
    graph = builder.finish(outputs)
    given = list(np.linspace(0.1, 0.5, 30))
    exact, expected = given[0], []
    for u in given[1:]:
        exact = exact + float(mpmath.sin(exact)) * u
        expected.append(exact)
    close(jnp.stack(outputs_function(graph, x)(*given)), np.array(expected), 1e-14)


def test_differences_in_brackets_stay():
    """(b - c) + a keeps digits that (a + b) - c loses."""
    x = sp.symbols("a:20 b:20 c:20", real=True)
    terms = [sp.Add(x[k], sp.Add(x[20 + k], -x[40 + k], evaluate=False), evaluate=False) for k in range(20)]
    f = lambdify(x, [sp.exp(term) - 1 for term in terms], method="vectorised")
    found = f(*[1e-12] * 20, *[1e6] * 20, *[1e6] * 20)
    close(np.stack(found), np.full(20, float(mpmath.expm1(mpmath.mpf(1e-12)))), 1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("path", FAST)
def test_fast_values_keep_the_accuracy_of_the_table(path, dtype):
    function = next(row for row in FUNCTIONS.values() if row.jax == path)
    draw = np.random.default_rng(0)
    u = np.concatenate([scale * draw.normal(size=400) for scale in (1e-5, 0.1, 1, 5, 15)]).astype(dtype)
    exact = {"tanh": mpmath.tanh, "sech": mpmath.sech, "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u))}[function.name]
    with mpmath.workdps(40):
        expected = [exact(mpmath.mpf(float(each))) for each in u]
        found = np.asarray(jax.jit(FAST[path])(u))
        units = [
            abs(mpmath.mpf(float(a)) - b) / float(np.spacing(dtype(abs(b))))
            for a, b in zip(found, expected, strict=True)
        ]
    assert max(units) <= 4


def test_constants_inputs_and_repeats_as_outputs():
    x, y = sp.symbols("x y", real=True)
    f = lambdify([x, y], [sp.Integer(3), x, sp.pi, x, x * y, sp.Integer(0)], method="vectorised")
    found = f(2.0, np.array([1.0, 5.0]))
    assert all(value.shape == (2,) for value in found)
    close(np.stack(found), np.array([[3, 3], [2, 2], [np.pi, np.pi], [2, 2], [2, 10], [0, 0]]), 1e-15)
    assert float(lambdify([], sp.Integer(7), method="vectorised")()) == 7
