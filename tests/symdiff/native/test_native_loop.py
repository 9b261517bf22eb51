"""The compiled loop on whole graphs: against the chain route, under JAX's transformations, where it cannot run."""

import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff import chain
from symdiff.errors import NativeWarning, OptionError, UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import lambdify
from symdiff.native import code, library, program
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import value_and_gradient
from symdiff.symbolic import gradient_graph
from symdiff.tape.lowered import by_reverse_mode, outputs_function, value_and_partials

_place = pathlib.Path(__file__).parent.parent / "tape" / "test_machine.py"
_spec = importlib.util.spec_from_file_location("graphs_of_the_machine", _place)
_machine = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_machine)
random_graph, columns, close, X = _machine.random_graph, _machine.columns, _machine.close, _machine.X
EXPRESSION, AT = _machine.EXPRESSION, _machine.AT

x, y, z = sp.symbols("x y z", real=True)


def native(graph, route):
    if route == "symbolic":
        return value_and_partials(gradient_graph(graph, X), X, native=True)
    return by_reverse_mode(graph, X, X, native=True)


def by_chain(graph, given):
    return chain.value_and_gradient(graph, dict(zip(X, map(np.asarray, given), strict=True)), X)


GRAPHS = [(route, operations) for operations in (1_000, 10_000) for route in ("symbolic", "autodiff")]
# the other route at this size is in the tests of the machine, and here in the sweep
GRAPHS += [("autodiff", 100_000), pytest.param("symbolic", 100_000, marks=pytest.mark.sweep)]


@pytest.mark.parametrize(("route", "operations"), GRAPHS)
def test_random_graphs_against_the_chain_route(operations, route):
    graph, given = random_graph(operations), columns(5)
    close(native(graph, route)(*given), by_chain(graph, given), rtol=1e-10)


@pytest.mark.parametrize("points", [1, 2, 7, 8, 9, 255, 256, 257, 1000])
@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_batches_across_the_sizes_of_vectors_and_blocks(points, route):
    graph, given = random_graph(300), columns(points)
    close(native(graph, route)(*given), by_chain(graph, given))


@pytest.mark.parametrize("points", [1, 8, 20_001])
@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_bit_for_bit_repeatable_and_the_same_alone_in_a_batch_and_traced(points, route):
    graph, given = random_graph(300), columns(points)
    first = jax.tree.map(np.asarray, native(graph, route)(*given))
    mapped = jax.vmap(native(graph, route), out_axes=(0, 1))
    for function in (native(random_graph(300), route), jax.jit(native(graph, route)), mapped):
        jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.asarray, function(*given)), first)
    alone = native(graph, route)(*[column[points // 2] for column in given])
    np.testing.assert_array_equal(alone[0], first[0][points // 2])
    np.testing.assert_array_equal(alone[1], first[1][:, points // 2])


class TestTransformations:
    lowered = staticmethod(lambdify([x, y, z], EXPRESSION, method="native"))
    fused = staticmethod(lambdify([x, y, z], EXPRESSION, method="fused"))
    at = tuple(AT.values())
    batch = tuple(np.random.default_rng(2).normal(size=(3, 200)))

    def test_value(self):
        close(self.lowered(*self.at), float(EXPRESSION.subs(AT)), 1e-14)
        close(self.lowered(*self.batch), self.fused(*self.batch), 1e-14)

    @pytest.mark.parametrize("order", [(0,), (1, 2), (0, 1, 2)])
    def test_grad(self, order):
        exact = [float(sp.diff(EXPRESSION, symbol).subs(AT)) for symbol in np.array([x, y, z])[list(order)]]
        close(jax.grad(self.lowered, order)(*self.at), exact, 1e-13)

    def test_second_and_third_derivatives(self):
        exact = np.array(sp.hessian(EXPRESSION, (x, y, z)).subs(AT).tolist(), float)
        close(np.array(jax.hessian(self.lowered, (0, 1, 2))(*self.at)), exact, 1e-13)
        third = jax.grad(jax.grad(jax.grad(self.lowered)))(*self.at)
        close(third, float(sp.diff(EXPRESSION, x, 3).subs(AT)), 1e-12)

    @pytest.mark.parametrize("route", ["symbolic", "autodiff"])
    def test_second_derivatives_of_the_routes(self, route):
        function = value_and_gradient(EXPRESSION, [x, y, z], route=route, method="native")
        exact = np.array(sp.hessian(EXPRESSION, (x, y, z)).subs(AT).tolist(), float)
        close(np.array(jax.jacrev(lambda *a: function(*a)[1], (0, 1, 2))(*self.at)), exact.T, 1e-12)
        close(np.array(jax.jit(jax.jacfwd(lambda *a: function(*a)[1], (0, 1, 2)))(*self.at)), exact.T, 1e-12)

    def test_vmap(self):
        close(jax.vmap(self.lowered)(*self.batch), self.fused(*self.batch), 1e-14)
        close(jax.vmap(self.lowered, (0, None, None))(self.batch[0], 0.5, 0.25), self.fused(self.batch[0], 0.5, 0.25))
        rows = jax.vmap(jax.vmap(self.lowered, (None, 0, None)), (0, None, None))(
            self.batch[0][:5], self.batch[1], 0.25
        )
        close(rows, self.fused(self.batch[0][:5, None], self.batch[1][None, :], 0.25))
        wide = np.stack(self.batch[:2], axis=1)
        found = jax.vmap(self.lowered, (1, None, None), 1)(wide, self.batch[1], 0.25)
        close(found, np.stack([self.fused(self.batch[k], self.batch[1], 0.25) for k in range(2)], axis=1))

    def test_jit_of_vmap_of_grad(self):
        for route in (jax.grad, jax.jacfwd):
            found = jax.jit(jax.vmap(route(self.lowered, (0, 1, 2))))(*self.batch)
            close(found, jax.vmap(jax.grad(self.fused, (0, 1, 2)))(*self.batch), 1e-12)

    def test_inside_a_scan(self):
        def descend(function):
            def step(u, v):
                return u - 0.01 * jax.grad(function)(u, v, 0.5), function(u, v, 0.5)

            return jax.lax.scan(step, 1.0, self.batch[0])

        close(descend(self.lowered), descend(self.fused), 1e-12)

    def test_float32_stays_float32(self):
        single = [array.astype(np.float32) for array in self.batch]
        for function in (self.lowered, jax.jit(self.lowered), jax.vmap(self.lowered)):
            found = function(*single)
            assert found.dtype == np.float32
            close(found, self.fused(*single), 1e-5)

    def test_arrays_of_any_layout(self):
        wide = np.random.default_rng(3).normal(size=(3, 6, 4))
        expected = self.fused(*wide)
        close(self.lowered(*np.asfortranarray(wide)), expected, 1e-14)
        close(self.lowered(*[a[::-1] for a in wide]), expected[::-1], 1e-14)
        packed = np.zeros(24, np.dtype([("tag", np.int8), ("value", np.float64)]))
        packed["value"] = wide[0].ravel()
        odd = np.frombuffer(b"x" + wide[0].tobytes(), np.uint8)[1:].view(np.float64)
        assert not odd.flags.aligned
        for same in (packed["value"], odd):
            close(self.lowered(same, 0.5, 0.25), self.fused(wide[0].ravel(), 0.5, 0.25), 1e-14)
        close(self.lowered(wide[0][:, None], wide[1], 0.5), self.fused(wide[0][:, None], wide[1], 0.5), 1e-14)
        close(self.lowered(jnp.asarray(0.75), 0.5, np.float64(-1.25)), self.lowered(*self.at), 1e-16)
        assert self.lowered(np.zeros((2, 0)), 1.0, 2.0).shape == (2, 0)


def test_what_stands_in_files_is_read_and_not_written():
    given = columns(100)
    before = [column.copy() for column in given]
    for column in given:
        column.setflags(write=False)
    native(random_graph(300), "autodiff")(*given)
    for column, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(column, copy)


def test_constants_inputs_and_repeats_as_outputs():
    f = lambdify([x, y], [sp.Integer(3), x, sp.pi, x, x * y, sp.Integer(0), x * y], method="native")
    found = f(2.0, np.array([1.0, 5.0]))
    assert all(value.shape == (2,) for value in found)
    close(np.stack(found), np.array([[3, 3], [2, 2], [np.pi, np.pi], [2, 2], [2, 10], [0, 0], [2, 10]]), 1e-15)
    assert [float(jax.grad(lambda u, k=k: f(u, 4.0)[k])(2.0)) for k in range(6)] == [0, 1, 0, 1, 4, 0]
    assert float(lambdify([], sp.Integer(7), method="native")()) == 7
    assert float(jax.jit(lambdify([], sp.pi, method="native"))()) == np.pi


def test_partials_that_are_inputs_constants_or_nothing():
    h = value_and_gradient(x * y + z, [x, y, z], route="autodiff", method="native")
    value, partials = h(2.0, 3.0, np.arange(20.0))
    close([value, *partials], [6 + np.arange(20.0), np.full(20, 3.0), np.full(20, 2.0), np.ones(20)], 1e-15)
    value, partials = by_reverse_mode(graph_of([sp.sin(x)]), [y, x], [x, y], native=True)(0.5, 3.0)
    close([value, *partials], [np.sin(0.5), 0, np.cos(0.5)], 1e-15)
    value, partials = by_reverse_mode(graph_of([x]), [x, y], [x, y], native=True)(0.5, 3.0)
    assert [float(value), *partials.tolist()] == [0.5, 1, 0]
    value, partials = by_reverse_mode(graph_of([sp.exp(x) * sp.sqrt(2)]), [x], [x], native=True)(0.0)
    close([value, *partials], [np.sqrt(2), np.sqrt(2)], 1e-15)


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_every_input_used_many_times_keeps_its_own_adjoint(route):
    power = sp.Mul(*X, evaluate=False)
    expression = sum(power * u for u in X) + sum(u - v for u in X for v in X[:3]) - sum(X)
    given = columns(300)
    found = value_and_gradient(expression, X, route=route, method="native")(*given)
    close(found, value_and_gradient(expression, X, route="chain")(*given), 1e-12)


@pytest.mark.parametrize("inner", ["add", "subtract"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_edges_of_one_and_minus_one_first_and_after_others(inner, order):
    builder = GraphBuilder()
    both = builder.input(x), builder.input(y)
    pair = builder.call(inner, both[order[0]], both[order[1]])
    # x*pair, where the share of the product comes before that of the sum, and pair - x*y, where it comes after
    graphs = [builder.call("multiply", both[0], pair), builder.call("subtract", pair, builder.call("multiply", *both))]
    sign = 1 if inner == "add" else -1
    # the coefficients of x and y in pair
    a, b = (1, sign) if order == (0, 1) else (sign, 1)
    exact = [(2 * a * 3.0 + b * 5.0, b * 3.0), (a - 5.0, b - 3.0)]
    for node, expected in zip(graphs, exact, strict=True):
        _, partials = by_reverse_mode(builder.finish([node]), [x, y], [x, y], native=True)(3.0, 5.0)
        assert partials.tolist() == list(expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_one_bad_point_spoils_no_other(bad, route):
    graph, given = random_graph(300), columns(130)
    for column in given:
        column[7] = bad
    clean = np.arange(130) != 7
    expected = by_chain(graph, given)
    value, partials = map(np.asarray, native(graph, route)(*given))
    assert np.isnan(value[7])
    close([value[clean], partials[:, clean]], [expected[0][clean], expected[1][:, clean]])


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
@pytest.mark.parametrize(
    ("expression", "at", "slope"),
    [
        (sp.Piecewise((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)), 0.0, 0.0),
        (sp.Piecewise((sp.log(x), x > 1), (0, True)), -1.0, 0.0),
        (sp.Piecewise((sp.sqrt(x), x > 0), (x, True)), 0.0, 1.0),
        (sp.Max(x, 0) ** 2, -1.0, 0.0),
    ],
)
def test_the_branch_not_taken_does_not_poison(expression, at, slope, route):
    for method in ("native", "fused"):
        _, partials = value_and_gradient(expression, [x], route=route, method=method)(np.full(9, at))
        np.testing.assert_array_equal(partials, np.full((1, 9), slope), err_msg=method)


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_large_loops_within_larger_programs(route):
    graph, given = random_graph(3_000), columns(6)
    function = native(graph, route)
    value, partials = by_chain(graph, given)
    close(jax.jit(function)(*given), (value, partials), 1e-10)
    here = [jnp.asarray(column[0]) for column in given]
    close(jax.jit(lambda: function(*here))(), (value[0], partials[:, 0]), 1e-10)

    def step(at, _):
        value, partials = function(*at)
        return [u - 0.5 * p for u, p in zip(at, partials, strict=True)], value

    _, values = jax.jit(lambda *at: jax.lax.scan(step, list(at), None, length=3))(*here)
    expected, at = [], np.array([column[0] for column in given])
    for _ in range(3):
        value, partials = by_chain(graph, at)
        expected.append(value)
        at = at - 0.5 * partials
    close(values, np.array(expected), 1e-8)


def test_a_function_without_c_form_is_named_and_runs_on_the_machine():
    with pytest.warns(NativeWarning, match="besselj has no C form.*tape machine"):
        f = lambdify([x], sp.besselj(0, x) * x, method="native")
    assert float(f(0.0)) == 0
    # J0'(1) = -J1(1), DLMF 10.6.3; Abramowitz and Stegun, table 9.1
    with pytest.warns(NativeWarning, match="has no C form"):
        assert abs(float(jax.grad(f)(1.0)) - (0.7651976865579666 - 0.4400505857449335)) < 1e-15


def test_an_operand_without_derivative_is_refused():
    builder = GraphBuilder()
    graph = builder.finish([builder.apply(FUNCTIONS["lowergamma"], (builder.input(x), builder.input(y)))])
    with pytest.raises(UnsupportedError, match="lowergamma has no derivative in its operand 1"):
        by_reverse_mode(graph, [x], [x, y], native=True)


@pytest.mark.parametrize("off", ["0", "off", "no", "False"])
def test_switched_off(monkeypatch, off):
    monkeypatch.setenv(library.SWITCH, off)
    with pytest.warns(NativeWarning, match="switched off by the environment variable SYMDIFF_NATIVE.*tape machine"):
        f = lambdify([x], sp.sin(x), method="native")
    assert float(f(0.5)) == pytest.approx(np.sin(0.5), rel=1e-15)


def test_another_device(monkeypatch):
    monkeypatch.setattr(library.jax, "default_backend", lambda: "gpu")
    with pytest.warns(NativeWarning, match="JAX runs on gpu, not on a CPU"):
        lambdify([x], sp.sin(x), method="native")


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_where_other_devices_are_known_xla_chooses(monkeypatch, route):
    monkeypatch.setattr(program, "backends", lambda: {"cpu": None, "cuda": None})
    graph, given = random_graph(100), columns(9)
    function = jax.jit(native(graph, route))
    close(function(*given), by_chain(graph, given))
    # what is lowered for a GPU holds no call of the loop
    for platform, held in (("cpu", True), ("cuda", False)):
        text = function.trace(*given).lower(lowering_platforms=(platform,)).as_text()
        assert ("symdiff_native" in text) == held


def test_too_large(monkeypatch):
    monkeypatch.setattr(code, "LARGEST", 100)
    graph = lowerable(random_graph(300))
    with pytest.raises(OptionError, match=r"takes \d+ steps.*method 'native' at most 100; take method='tape'"):
        outputs_function(graph, X, native=True)


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(OptionError, match="method is 'c'; choose one of auto, fused, tape, native"):
        value_and_gradient(x**2, x, method="c")
    assert issubclass(symdiff.NativeWarning, UserWarning)
