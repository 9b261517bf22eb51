"""The chain route: one point and batches, forward and reverse mode, dtypes, cost, and numbers from outside."""

import dataclasses
import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff import chain
from symdiff.constants import float_of
from symdiff.errors import UnsupportedError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import graph_of
from symdiff.function import Absence
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.graph_builder import GraphBuilder

x, y, z = sp.symbols("x y z", real=True)
P = sp.Piecewise

MODELS = [
    x * y * z,
    (x * y - z) ** 2,
    x / y + y / z**3,
    sp.exp(-x * y) * sp.log(z) + sp.sqrt(z),
    sp.sin(x * z) * sp.cos(y) + sp.tan(x),
    sp.tanh(x * y) + sigmoid(z - y),
    z**x + z ** sp.Rational(5, 3) + x**9 / 7,
    sp.Max(x, y, z) * sp.Min(x, 2 * y) + sp.Abs(y),
    sp.sign(x) * y + sp.Heaviside(x) * z,
    P((x * y, x > 0), (z, x > -1), (x * z, True)),
    x + 3,
    sp.Integer(7) + 0 * x,
]
# away from the kinks of MODELS, z positive
RNG = np.random.default_rng(20)
BATCH = {x: RNG.uniform(-2, 2, (3, 5)), y: RNG.uniform(-2, 2, (3, 5)), z: RNG.uniform(0.1, 3, (3, 5))}
WRT = [x, y, z]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_value_and_partials_are_those_of_mpmath(model):
    # partials as differences of mpmath's values in 60 digits, no rule used
    values, partials = chain.value_and_gradient(graph_of([model]), BATCH, WRT)
    step = {"Heaviside": lambda u, _: mp.mpf(u > 0)}
    f = sp.lambdify(WRT, sp.sympify(model).rewrite(sp.exp, sigmoid), [step, "mpmath"])
    with mp.workdps(60):
        for index in np.ndindex(3, 5):
            point = [mp.mpf(float(BATCH[s][index])) for s in WRT]
            assert float(values[index]) == pytest.approx(float(f(*point)), rel=1e-13, abs=0)
            for k in range(3):
                h = mp.mpf(10) ** -25
                above, below = ([*point[:k], point[k] + s * h, *point[k + 1 :]] for s in (1, -1))
                quotient = float((f(*above) - f(*below)) / (2 * h))
                assert float(partials[(k, *index)]) == pytest.approx(quotient, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_forward_mode_equals_reverse_mode(model):
    graph = graph_of([model])
    values = chain.forward(graph, BATCH)
    _, by_reverse = chain.value_and_gradient(graph, BATCH, WRT)
    for k, s in enumerate(WRT):
        by_forward = chain.tangents(graph, values, {s: 1.0})[graph.outputs[0]]
        np.testing.assert_allclose(by_reverse[k], 0.0 if by_forward is None else by_forward, rtol=1e-13, atol=1e-300)
    # one sweep along a direction is the gradient's product with it
    direction = {x: 0.5, y: -2.0, z: 0.25}
    along = chain.tangents(graph, values, direction)[graph.outputs[0]]
    total = sum(direction[s] * by_reverse[k] for k, s in enumerate(WRT))
    np.testing.assert_allclose(total, 0.0 if along is None else along, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_batch_is_its_points_one_by_one(model, dtype):
    graph = graph_of([model])
    batch = {s: a.astype(dtype) for s, a in BATCH.items()}
    values, partials = chain.value_and_gradient(graph, batch, WRT, dtype)
    assert (values.dtype, partials.dtype, values.shape, partials.shape) == (dtype, dtype, (3, 5), (3, 3, 5))
    for index in np.ndindex(3, 5):
        value, slopes = chain.value_and_gradient(graph, {s: a[index] for s, a in batch.items()}, WRT, dtype)
        assert (value.shape, slopes.shape) == ((), (3,))
        # NumPy's loops over arrays may differ from those over scalars in the last place
        limit = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(value, values[index], rtol=limit)
        np.testing.assert_allclose(slopes, partials[(slice(None), *index)], rtol=limit, atol=limit)


@pytest.mark.parametrize("points", [0, 1, 63, 64, 65, 200])
def test_blocks_change_nothing(points, monkeypatch):
    graph = graph_of([sp.sin(x * y) / (1 + z**2)])
    batch = {x: np.linspace(-1, 1, points), y: np.array(0.5), z: np.linspace(0, 3, points)}
    whole = chain.value_and_gradient(graph, batch, [z, x])
    swept = []
    sweep = chain.forward
    monkeypatch.setattr(chain, "forward", lambda *a: swept.append(a[1][x].size) or sweep(*a))
    monkeypatch.setattr(chain, "BLOCK_BYTES", 1)
    blocks = chain.value_and_gradient(graph, batch, [z, x])
    assert sum(swept) == points
    assert max(swept) <= 64
    for a, b in zip(whole, blocks, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=4e-16)


def test_blocks_of_a_batch_of_more_axes(monkeypatch):
    graph = graph_of([x * y**2])
    batch = {x: np.arange(10.0)[:, None, None], y: np.arange(1.0, 9.0)[:, None] * np.ones(5)}
    monkeypatch.setattr(chain, "BLOCK_BYTES", 1)
    value, partials = chain.value_and_gradient(graph, batch, [y, x])
    assert (value.shape, partials.shape) == ((10, 8, 5), (2, 10, 8, 5))
    np.testing.assert_array_equal(value, batch[x] * batch[y] ** 2)
    np.testing.assert_array_equal(partials[0], 2 * batch[x] * batch[y])


def test_broadcasting():
    graph = graph_of([x * y + 2])
    value, partials = chain.value_and_gradient(graph, {x: np.ones((4, 1)), y: np.arange(3.0), z: np.ones(())}, [x, z])
    np.testing.assert_array_equal(value, np.broadcast_to([2.0, 3.0, 4.0], (4, 3)))
    np.testing.assert_array_equal(partials, [np.broadcast_to([0.0, 1.0, 2.0], (4, 3)), np.zeros((4, 3))])
    value[0, 0] = 9.0  # results are the caller's own
    partials[0, 0, 0] = 9.0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_float32_stays_float32_in_every_row(row, shape):
    for point, _ in row.special:
        if any(abs(p) > float(np.finfo(np.float32).max) for p in point[: row.arity]):
            continue
        static = point[row.arity :]
        operands = [np.full(shape, p, bool if isinstance(p, bool) else np.float32)[()] for p in point[: row.arity]]
        with np.errstate(all="ignore"):
            value = row.value(*operands, *static)
            slopes = [
                chain.local_partial(row, k, operands, static, value)
                for k in range(row.arity)
                if row.partials[k] is not Absence.NONDIFFERENTIABLE
            ]
        assert np.asarray(value).dtype in (np.float32, bool)
        for slope in slopes:
            assert isinstance(slope, float) or np.asarray(slope).dtype == np.float32
            assert np.shape(slope) in ((), shape)


def test_integers_are_computed_as_float64():
    value, partials = chain.value_and_gradient(graph_of([x**20]), {x: np.array(10, np.int32)}, [x])
    assert (value.dtype, float(value), float(partials[0])) == (np.float64, 1e20, 2e20)


def counting(graph):
    """The graph with rows that count how often their values and partials are asked for."""
    counts = {"values": 0, "partials": 0}

    def counted(form, kind):
        def call(*arguments):
            counts[kind] += 1
            return form(*arguments)

        return call if callable(form) else form

    rows = tuple(
        dataclasses.replace(
            f, value=counted(f.value, "values"), partials=tuple(counted(p, "partials") for p in f.partials)
        )
        for f in graph.functions
    )
    return dataclasses.replace(graph, functions=rows), counts


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_speelpenning_product_costs_a_constant_per_factor(count):
    factors = sp.symbols(f"x:{count}", real=True)
    graph, counts = counting(graph_of([sp.Mul(*factors)]))
    numbers = [Fraction(k + 1, k + 2) for k in range(count)]
    _, partials = chain.value_and_gradient(graph, {s: float(q) for s, q in zip(factors, numbers, strict=True)}, factors)
    assert counts == {"values": count - 1, "partials": 2 * (count - 1)}
    # the product telescopes to 1/(count + 1), so the partial in factor k is (k + 2)/(k + 1)/(count + 1)
    expected = [float(1 / q / (count + 1)) for q in numbers]
    np.testing.assert_allclose(partials, expected, rtol=2e-13)


def test_only_what_lies_between_inputs_and_output_is_swept():
    graph, counts = counting(graph_of([x * y + sp.exp(sp.sin(z))]))
    values = chain.forward(graph, {x: 1.0, y: 2.0, z: 3.0})
    adjoints = chain.adjoints(graph, values, graph.outputs[0], [graph.inputs[x]])
    assert counts["partials"] == 1
    assert adjoints[graph.inputs[z]] is None
    assert float(adjoints[graph.inputs[x]]) == 2.0


def test_adjoints_of_intermediate_nodes_are_kept_on_request():
    graph = graph_of([(x * y - z) ** 2])
    values = chain.forward(graph, {x: 1.0, y: 2.0, z: 4.0})
    inputs = [graph.inputs[s] for s in WRT]
    kept = chain.adjoints(graph, values, graph.outputs[0], inputs)
    # the note's exercise 1: loss 4, adjoint of the residual 2*(2 - 4), of the prediction the same
    assert [float(kept[step.node]) for step in graph.applications] == [-4.0, -4.0, 1.0]
    dropped = chain.adjoints(graph, values, graph.outputs[0], inputs, keep=False)
    assert [float(dropped[i]) for i in inputs] == [float(kept[i]) for i in inputs] == [-8.0, -4.0, 4.0]


def test_an_input_that_is_the_output():
    value, partials = chain.value_and_gradient(graph_of([x]), {x: 3.0}, [x])
    assert (float(value), partials.tolist()) == (3.0, [1.0])
    value, partials = chain.value_and_gradient(graph_of([x]), {x: 3.0, y: np.ones(2)}, [y, x])
    assert (value.tolist(), partials.tolist()) == ([3.0, 3.0], [[0.0, 0.0], [1.0, 1.0]])


def test_a_number_may_stand_for_any_partial_and_refusal_for_a_missing_one():
    b = GraphBuilder()
    u, v = b.input(x), b.input(y)
    tripled = dataclasses.replace(FUNCTIONS["add"], value=lambda p, q: 3 * p + q, partials=(3.0, 1.0))
    graph = b.finish([b.apply(tripled, (u, v))])
    assert chain.value_and_gradient(graph, {x: 1.0, y: 1.0}, [x, y])[1].tolist() == [3.0, 1.0]
    b = GraphBuilder()
    u, v = b.input(x), b.input(y)
    refused = dataclasses.replace(FUNCTIONS["power"], name="order", partials=(1.0, Absence.NONDIFFERENTIABLE))
    graph = b.finish([b.apply(refused, (u, v))])
    assert chain.value_and_gradient(graph, {x: 1.0, y: 1.0}, [x])[1].tolist() == [1.0]
    with pytest.raises(UnsupportedError, match=r"order has no derivative in .*operand 2"):
        chain.value_and_gradient(graph, {x: 1.0, y: 1.0}, [y])
    with pytest.raises(UnsupportedError, match=r"order has no derivative in .*operand 2"):
        chain.tangents(graph, chain.forward(graph, {x: 1.0, y: 1.0}), {y: 1.0})


# exact value, nearest double: Python's own division and decimal reading are correctly rounded
CONSTANTS = [
    (sp.Rational(1, 3), 1 / 3),
    (sp.Rational(10**400 + 1, 10**400), 1.0),
    (sp.Integer(10) ** 400, math.inf),
    (-(sp.Integer(10) ** 401), -math.inf),
    (sp.Rational(1, 10**400), 0.0),
    (sp.Rational(1, 10**320), 1e-320),
    (sp.pi, math.pi),
    (sp.E, math.e),
    (sp.Float("0.1", 50), 0.1),
    (sp.Float("1e400"), math.inf),
    (sp.Float("-1e400"), -math.inf),
    (sp.Float(0.1), 0.1),
    # just above the middle of 1 and 1 + 2**-52: rounding to 30 digits first loses that
    (1 + sp.Rational(1, 2**53) + sp.Rational(1, 10**60), 1 + 2.0**-52),
    (sp.Float(1 + sp.Rational(1, 2**53) + sp.Rational(1, 10**60), 80), 1 + 2.0**-52),
]


@pytest.mark.parametrize(("constant", "expected"), CONSTANTS, ids=lambda v: str(v)[:24])
def test_constants_are_rounded_once(constant, expected):
    assert float_of(constant) == expected


def test_truth_and_nan_are_constants():
    assert float_of(sp.true) is True
    assert float_of(sp.false) is False
    assert math.isnan(float_of(sp.nan))


def test_no_condition_holds():
    value, _ = chain.value_and_gradient(graph_of([P((x, x > 0))]), {x: np.array([-1.0, 2.0])}, [x])
    np.testing.assert_array_equal(value, [np.nan, 2.0])
