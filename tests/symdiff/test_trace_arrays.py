"""Traces of matrices and arrays: numbers against JAX by hand and the scalar trace, rules as a textbook has them."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff import models
from symdiff.cli import main
from symdiff.errors import InputError, OptionError, ShapeError, SymbolError
from symdiff.traces.array_table import array_lines

RANDOM = np.random.default_rng(0)
SHAPES = {"W1": (4, 2), "b1": (4, 1), "W2": (3, 4), "b2": (3, 1), "x": (2, 1), "y": (3, 1)}
SYMBOLS = {name: sp.MatrixSymbol(name, *shape) for name, shape in SHAPES.items()}
POINT = {name: RANDOM.normal(size=shape) for name, shape in SHAPES.items()}
OUTPUT = symdiff.parse("W2*tanh(W1*x + b1) + b2", symbols=SYMBOLS.values())
LOSS = symdiff.parse("norm(W2*tanh(W1*x + b1) + b2 - y)**2", symbols=SYMBOLS.values())
X, Y = sp.IndexedBase("X"), sp.IndexedBase("Y")
LINE = symdiff.parse("Sum((Y[i] - w*X[i] - b)**2, (i, 0, n - 1))/n", symbols=[X, Y, "w", "b"])
DATA = {"X": [1.0, 2.0, 4.0], "Y": [2.0, 3.0, 7.0], "w": 1.5, "b": 0.25}


def _loss_by_hand(u1, b1, u2, b2, x, y):
    return jnp.sum((u2 @ jnp.tanh(u1 @ x + b1) + b2 - y) ** 2)


def test_adjoints_of_a_network_are_those_of_jax():
    t = symdiff.trace(LOSS, POINT)
    names = list(POINT)
    expected = jax.grad(_loss_by_hand, argnums=tuple(range(6)))(*(jnp.asarray(POINT[name]) for name in names))
    for name, grad in zip(names, expected, strict=True):
        assert t[name].grad is None
        np.testing.assert_allclose(t.gradient[name], grad, rtol=1e-13, atol=1e-14)
    t.backward()
    assert t["W1"].grad.shape == (4, 2)
    assert t[SYMBOLS["W1"]].grad is t["W1"].grad
    np.testing.assert_allclose(t.value, _loss_by_hand(*POINT.values()), rtol=1e-14)


def test_adjoints_of_a_network_are_those_of_the_scalar_trace_of_the_unrolled_one():
    entries = {
        name: np.array([[sp.Symbol(f"{name}_{i}_{j}", real=True) for j in range(n)] for i in range(m)])
        for name, (m, n) in SHAPES.items()
    }
    hidden = entries["W1"] @ entries["x"] + entries["b1"]
    hidden = np.vectorize(sp.tanh, otypes=[object])(hidden)
    residual = entries["W2"] @ hidden + entries["b2"] - entries["y"]
    point = {
        symbol: number for name in SHAPES for symbol, number in zip(entries[name].flat, POINT[name].flat, strict=True)
    }
    unrolled = symdiff.trace(sum(r**2 for r in residual.flat), point)
    whole = symdiff.trace(LOSS, POINT)
    for name, symbols in entries.items():
        scalar = [[unrolled.gradient[symbol.name] for symbol in row] for row in symbols]
        np.testing.assert_allclose(whole.gradient[name], scalar, rtol=1e-12, atol=1e-14)


def test_rules_of_a_network_are_a_textbook_s():
    t = symdiff.trace(LOSS, POINT)
    assert [(step.name, step.formula) for step in t.steps[6:]] == [
        ("v1", "W1*x"), ("v2", "v1 + b1"), ("v3", "tanh(v2)"), ("v4", "W2*v3"), ("v5", "v4 + b2"), ("v6", "v5 - y"),
        ("v7", "v6.T*v6"),
    ]  # fmt: skip
    rules = {p.rule for step in t.steps for p in step.partials}
    assert "adjoint(W1) += adjoint(v1)*x.T" in rules
    assert "adjoint(x) += W1.T*adjoint(v1)" in rules
    assert "adjoint(v2) += HadamardProduct(adjoint(v3), 1 - tanh(v2)**2)" in rules
    (partial,) = t["v3"].step.partials
    np.testing.assert_allclose(partial.value, 1 - np.tanh(t["v2"].value) ** 2, rtol=1e-14)
    # no Jacobian of a product
    assert [p.value for p in t["v1"].step.partials] == [None, None]


def test_contributions_add_up_to_the_adjoints():
    t = symdiff.trace(LOSS, POINT)
    totals = {t.output.step.node: np.float64(1)}
    for step in t.backward_steps:
        for part in step.contributions:
            totals[part.operand] = totals.get(part.operand, 0) + part.value
            np.testing.assert_allclose(part.accumulated, totals[part.operand])
    for step in t.steps:
        np.testing.assert_allclose(step.adjoint, totals[step.node])


def test_an_array_is_differentiated_by_the_sum_of_its_entries():
    point = {name: array for name, array in POINT.items() if name != "y"}
    t = symdiff.trace(OUTPUT, point, wrt="W1")

    def total(u1):
        return jnp.sum(POINT["W2"] @ jnp.tanh(u1 @ POINT["x"] + POINT["b1"]) + POINT["b2"])

    np.testing.assert_allclose(t.gradient["W1"], jax.grad(total)(jnp.asarray(POINT["W1"])), rtol=1e-13)
    assert t.value.shape == (3, 1)
    assert t.to_dict()["differentiated"] == "the sum of the entries of v5"
    assert "adjoint(v) is d(sum(v5))/dv" in t.to_text()


def test_a_sum_over_data_and_its_tangents():
    t = symdiff.trace(LINE, DATA, wrt=["w", "b", "X"])
    x, y, w, b = (np.asarray(DATA[name]) for name in "XYwb")
    r = y - w * x - b
    np.testing.assert_allclose(t.gradient["w"], np.mean(-2 * r * x), rtol=1e-14)
    np.testing.assert_allclose(t.gradient["X"], -2 * w * r / 3, rtol=1e-14)
    # forward mode along w and b, which are numbers; the array X has no one direction
    assert t.output.step.tangents.keys() == {"w", "b"}
    np.testing.assert_allclose(t.output.step.tangents["b"], np.mean(-2 * r), rtol=1e-14)
    products = next(step for step in t.steps if step.formula == "w*X[i]")
    np.testing.assert_allclose(products.tangent, x)
    assert symdiff.trace(LINE, DATA, wrt=["X"]).output.step.tangent is None


def test_a_network_of_one_output_has_no_step_that_only_turns_a_number():
    model = models.find("two_layer")
    at = {str(name): parameter.value for name, parameter in model.parameters.items()}
    t = symdiff.trace(model.loss, {**at, **{name: np.asarray(model.data[name])[1] for name in "xy"}})
    formulas = [step.formula for step in t.steps if step.operands]
    assert formulas == ["W1*x", "v1 + b1", "tanh(v2)", "W2*v3", "v4 + b2", "v5 - y", "v6**2"]


def test_branches_and_entries_outside_a_domain():
    formula = symdiff.parse("Sum(X[i]**2 if X[i] > 0 else 0, (i, 0, 2))", symbols=[X])
    t = symdiff.trace(formula, {"X": [1.0, -2.0, 3.0]})
    assert t.gradient["X"].tolist() == [2.0, 0.0, 6.0]
    t = symdiff.trace(symdiff.parse("Sum(log(X[i]), (i, 0, 1))", symbols=[X]), {"X": [1.0, -2.0]})
    assert t["v1"].step.reason == "X[1] = -2.0 lies outside the domain of log, (0, ∞)"
    data = json.loads(json.dumps(t.to_dict(), allow_nan=False))
    assert data["steps"][1]["value"] == [0.0, None]


def test_json_has_every_entry_and_text_the_ends_of_long_axes():
    t = symdiff.trace(LINE, {**DATA, "X": np.arange(50.0), "Y": np.arange(50.0)})
    data = t.to_dict()
    assert data["at"]["X"] == list(range(50))
    assert data["steps"][0]["shape"] == [50]
    assert len(data["gradient"]["Y"]) == 50
    assert "[0, 1, 2, ..., 48, 49]" in t.to_text()
    large = symdiff.trace(LINE, {**DATA, "X": np.zeros(100_001), "Y": np.zeros(100_001)}).to_dict()
    assert large["at"]["X"] is None
    assert large["left_out"] == "arrays of more than 100,000 entries are null, such as X"


def test_long_matrices_are_cut_in_both_directions():
    lines = array_lines(np.arange(80.0).reshape(8, 10))
    assert [line.split() for line in lines[:1]] == [["[", "0", "1", "2", "...", "8", "9]"]]
    assert lines[3] == "..."
    assert len(lines) == 6


def test_single_precision():
    t = symdiff.trace(LOSS, POINT, dtype="float32")
    assert t["W1"].value.dtype == t["v3"].value.dtype == t["W1"].step.adjoint.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"W1": None}, SymbolError, "no array of shape 4×2 for W1"),
        ({"W1": [[1, 2], [3, 4]]}, ShapeError, "W1 has the shape 4×2, but the array given has the shape 2×2"),
        ({"W1": [[1, 2], [3]]}, InputError, "rows are of unequal length"),
        ({"x": [1.0, np.inf]}, InputError, "give finite numbers"),
        ({"x": 1.0}, ShapeError, "x has the shape 2×1, but a single number is given"),
        ({"z": 1.0}, SymbolError, "names 'z'"),
    ],
)
def test_points_that_do_not_fit_are_refused_in_one_line(change, error, message):
    point = {name: value for name, value in {**POINT, **change}.items() if value is not None}
    with pytest.raises(error, match=message) as caught:
        symdiff.trace(LOSS, point)
    assert "\n" not in str(caught.value)


def test_a_number_takes_no_array_and_a_length_is_checked():
    with pytest.raises(ShapeError, match="the point gives w an array, but w is a number"):
        symdiff.trace(LINE, {**DATA, "w": [1.0]})
    with pytest.raises(ShapeError, match="n would be 3 by X"):
        symdiff.trace(LINE, {**DATA, "Y": [1.0, 2.0]})
    with pytest.raises(ShapeError, match=r"the length n is 2\.5"):
        symdiff.trace(LINE, {**DATA, "n": 2.5})
    with pytest.raises(InputError, match=r"beyond 3\.4e\+38 \(float32\)"):
        symdiff.trace(LINE, {**DATA, "X": [1.0, 2.0, 1e300]}, dtype="float32")


def test_a_picture_has_the_first_entries_and_the_shapes():
    # by hand: v1 = W*x = (-1, -1, 5, 0), adjoint(v1) = 2*(v1 - y) = (-2, -2, 0, 0), adjoint(x) = W.T*adjoint(v1)
    shapes = {"W": (4, 2), "x": (2, 1), "y": (4, 1)}
    loss = symdiff.parse("norm(W*x - y)**2", symbols=[sp.MatrixSymbol(name, *shape) for name, shape in shapes.items()])
    at = {"W": [[1, 2], [3, 4], [5, 0], [2, 2]], "x": [1, -1], "y": [0, 0, 5, 0]}
    drawn = symdiff.picture(loss, at, wrt="W").diagram
    texts = {node.name or node.label: (node.above, node.below) for node in drawn.nodes}
    assert texts["W"] == ("∂ [−2, 2, −2, …]", "4×2 = [1, 2, 3, …]")
    assert texts["x"] == ("∂ [−8, −12]", "2×1 = [1, −1]")
    assert texts["v1"] == ("∂ [−2, −2, 0, 0]", "4×1 = [−1, −1, 5, 0]")
    assert texts["v3"] == ("∂ 1", "= 2")
    # the partials of a difference are numbers, and those of a product of matrices are none
    named = [node.name or node.label for node in drawn.nodes]
    labels = {(named[edge.source], named[edge.target]): edge.label for edge in drawn.edges}
    assert (labels["v1", "v2"], labels["y", "v2"], labels["W", "v1"]) == ("1", "−1", "")
    assert [named[e.source] for e in drawn.edges if e.active] == ["W", "v1", "v2", "v2"]
    assert "the value is 2, ∂/∂W = [−2, 2, −2, …]" in drawn.description


def test_the_command_takes_arrays_and_draws_what_is_left_out(capsys):
    shapes = ["--shape", "W: m,2", "--shape", "x: 2", "--shape", "y: m,1"]
    words = ["trace", "norm(W*x - y)**2", *shapes, "--at", "W=[[1, 2], [3, 4]], x=[1, -1]", "--format", "json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert captured.err == "symdiff: note: drawn by seed 0: y\n"
    (w, x, y) = (np.array(data["at"][name]) for name in "Wxy")
    assert w.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    np.testing.assert_allclose(data["gradient"]["W"], 2 * (w @ x - y) @ x.T, rtol=1e-14)
    assert main([*words, "--seed", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["at"]["y"] != data["at"]["y"]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("W=[[1,2],[3,4]", "[ without ]"),
        ("W=1]", "] without ["),
        ("W=[[1,2],[3,x]]", "W is 'x'; give a finite decimal number"),
        ("W=[[1,2],[3,nan]]", "'nan'"),
        ("W=[[1,,2],[3,4]]", "an entry is missing before ','"),
        ("W=[]", "an entry is missing before ']'"),
        ("W=[1 2]", "'1 2'"),
        ("W=[1][2]", "a comma is missing before '['"),
        ("W=" + "[" * 20 + "1" + "]" * 20, "too many [ in each other"),
        ("W=[[1,2],[3]]", "unequal length"),
        ("W=[1,2]", "W has the shape 2×2"),
        ("W=2", "single number"),
    ],
)
def test_arrays_that_cannot_be_read_are_refused_in_one_line(at, message, capsys):
    assert main(["trace", "trace(W)", "--shape", "W: 2,2", "--at", at]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_a_trace_of_too_many_nodes_is_not_written():
    powers = "+".join(f"x[{k}]**{k % 7 + 2}" for k in range(1100))
    t = symdiff.trace(symdiff.parse(powers, symbols=[sp.IndexedBase("x")]), {"x": np.ones(1100)})
    with pytest.raises(OptionError, match="no more than 2,000 are written out"):
        t.to_text()


def test_in_a_narrow_terminal_what_is_added_stands_below_its_rule():
    t = symdiff.trace(LOSS, POINT)
    wide, narrow = t.to_text(200).splitlines(), t.to_text(90).splitlines()
    rule = "adjoint(W1) += adjoint(v1)*x.T"
    (row,) = [line for line in wide if rule in line]
    assert row.endswith("]")
    (place,) = [i for i, line in enumerate(narrow) if line.endswith(rule)]
    assert all(line.rstrip().endswith("]") for line in narrow[place + 1 : place + 5])
    start = next(i for i, line in enumerate(narrow) if line.startswith("Backward pass"))
    assert max(map(len, narrow[start:])) <= 90
