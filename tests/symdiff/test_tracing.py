"""Traces of the source note's exercises by hand-worked numbers, PyTorch's habits, and what is refused."""

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff.errors import InputError, OptionError, ParseError, SymbolError, UnsupportedError
from symdiff.from_sympy import BY_HEAD
from symdiff.function import Absence
from symdiff.tracing import Trace, trace

w, x, y, b = sp.symbols("w x y b", real=True)
DATA = Path(__file__).parents[1] / "data"

# by hand: name, formula, value, [(operand, partial as formula, as number)], d/dw, adjoint
EXERCISE_1 = [
    ("w", "w", 1, [], 1, -8),
    ("x", "x", 2, [], 0, -4),
    ("y", "y", 4, [], 0, 4),
    ("v1", "w*x", 2, [(0, "x", 2), (1, "w", 1)], 2, -4),
    ("v2", "v1 - y", -2, [(3, "1", 1), (2, "-1", -1)], 2, -4),
    ("v3", "v2**2", 4, [(4, "2*v2", -4)], -8, 1),
]
EXERCISE_2 = [
    ("w", "w", 1, [], 1, 2),
    ("b", "b", 2, [], 0, 2),
    ("x", "x", 1, [], 0, 2),
    ("y", "y", 2, [], 0, -2),
    ("v1", "w*x", 1, [(0, "x", 1), (2, "w", 1)], 1, 2),
    ("v2", "v1 + b", 3, [(4, "1", 1), (1, "1", 1)], 1, 2),
    ("v3", "v2 - y", 1, [(5, "1", 1), (3, "-1", -1)], 1, 2),
    ("v4", "v3**2", 1, [(6, "2*v3", 2)], 2, 1),
]
EXERCISES_3_AND_4 = [
    ("w", "w", 1, [], 1, 2),
    ("w2", "w2", 1, [], 0, 2),
    ("b", "b", 1, [], 0, 2),
    ("x", "x", 1, [], 0, 6),
    ("y", "y", 2, [], 0, -2),
    ("v1", "x**2", 1, [(3, "2*x", 2)], 0, 2),
    ("v2", "w*v1", 1, [(0, "v1", 1), (5, "w", 1)], 1, 2),
    ("v3", "w2*x", 1, [(1, "x", 1), (3, "w2", 1)], 0, 2),
    ("v4", "v2 + v3", 2, [(6, "1", 1), (7, "1", 1)], 1, 2),
    ("v5", "v4 + b", 3, [(8, "1", 1), (2, "1", 1)], 1, 2),
    ("v6", "v5 - y", 1, [(9, "1", 1), (4, "-1", -1)], 1, 2),
    ("v7", "v6**2", 1, [(10, "2*v6", 2)], 2, 1),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("(w*x - y)**2", {"w": 1, "x": 2, "y": 4}, EXERCISE_1),
        ("(w*x + b - y)**2", {"w": 1, "b": 2, "x": 1, "y": 2}, EXERCISE_2),
        ("(w*x**2 + w2*x + b - y)**2", {"w": 1, "w2": 1, "b": 1, "x": 1, "y": 2}, EXERCISES_3_AND_4),
    ],
)
def test_every_node_of_the_notes_exercises(text, at, expected, dtype):
    t = trace(text, at, dtype=dtype)
    found = [
        (s.name, s.formula, s.value, [(p.operand, p.formula, p.value) for p in s.partials], s.tangent, s.adjoint)
        for s in t.steps
    ]
    assert found == expected
    assert [s.node for s in t.steps] == list(range(len(t)))
    assert all(s.operands == tuple(p.operand for p in s.partials) for s in t.steps)
    assert t.value == expected[-1][2]
    assert t.gradient == {name: row[5] for name in at for row in expected if row[0] == name}


def test_operations_and_expressions_of_the_first_exercise():
    t = trace((w * x - y) ** 2, {w: 1, x: 2, y: 4}, wrt=[w])
    assert [s.operation for s in t.steps] == ["input", "input", "input", "multiply", "subtract", "power_integer"]
    assert [s.expression for s in t.steps] == [w, x, y, w * x, w * x - y, (w * x - y) ** 2]
    assert t.expression == (w * x - y) ** 2


def test_backward_pass_is_the_chain_rule_line_by_line():
    t = trace((w * x - y) ** 2, {w: 1, x: 2, y: 4}, wrt=[w])
    lines = [
        (step.name, step.adjoint, part.formula, part.operand, part.partial, part.value)
        for step in t.backward_steps
        for part in step.contributions
    ]
    assert lines == [
        ("v3", 1.0, "dv3/dv3 * dv3/dv2", 4, -4.0, -4.0),
        ("v2", -4.0, "dv3/dv2 * dv2/dv1", 3, 1.0, -4.0),
        ("v2", -4.0, "dv3/dv2 * dv2/dy", 2, -1.0, 4.0),
        ("v1", -4.0, "dv3/dv1 * dv1/dw", 0, 2.0, -8.0),
        ("v1", -4.0, "dv3/dv1 * dv1/dx", 1, 1.0, -4.0),
    ]
    assert [step.node for step in t.backward_steps] == [5, 4, 3, 2, 1, 0]


def test_contributions_of_a_node_used_three_times_accumulate():
    # x*exp(x) + x at 0: 1 from the sum, then exp(0) = 1 from the product, then x*exp(x) = 0 from exp
    t = trace(x * sp.exp(x) + x, {x: 0})
    parts = [p for step in t.backward_steps for p in step.contributions if p.operand == 0]
    assert sorted(p.value for p in parts) == [0.0, 1.0, 1.0]
    assert [p.accumulated for p in parts] == np.cumsum([p.value for p in parts]).tolist()
    assert t.gradient == {"x": 2.0}


def test_an_operand_that_stands_twice_has_two_partials():
    t = trace(sp.Mul(x, x, evaluate=False), {x: 3})
    assert [(p.formula, p.value) for p in t.steps[-1].partials] == [("x", 3.0), ("x", 3.0)]
    assert t.gradient == {"x": 6.0}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("model", "loss", "parameters"),
    [("linear", "(w*x - y)**2", ["w"]), ("quadratic", "(w*x**2 + w2*x + b - y)**2", ["w", "w2", "b"])],
)
def test_every_update_of_pytorch(model, loss, parameters, dtype):
    rows = json.loads((DATA / "pytorch_traces.json").read_text())[dtype][model]["rows"]
    kind, tolerance = np.dtype(dtype).type, {"float64": 1e-12, "float32": 1e-5}[dtype]
    values = dict.fromkeys(parameters, kind(1))
    assert len(rows) == 300
    for _, x_value, y_value, *gradient, value in rows:
        t = trace(loss, {**values, "x": x_value, "y": y_value}, wrt=parameters, dtype=dtype)
        assert t.value == pytest.approx(value, rel=tolerance, abs=0)
        assert list(t.gradient.values()) == pytest.approx(gradient, rel=tolerance, abs=0)
        values = {name: values[name] - kind(0.01) * kind(t.gradient[name]) for name in parameters}


def test_grad_is_none_until_backward_and_does_not_accumulate():
    t = symdiff.trace((w * x - y) ** 2, {w: 1, x: 2, y: 4}, wrt=[w])
    variable = t["w"]
    assert isinstance(t, symdiff.Trace)
    assert variable.grad is None
    assert t.output.grad is None
    assert t.backward() is None
    assert variable.grad == t[w].grad == -8.0
    t.backward()
    assert (t["w"].grad, t["v2"].grad, t.output.grad) == (-8.0, -4.0, 1.0)
    assert (t["w"].data, t["v1"].value, t.output.value, t.output.name) == (1.0, 2.0, 4.0, "v3")
    assert t["w"].step is t.steps[0]


def test_tangents_hold_every_direction():
    t = trace((w * x - y) ** 2, {"w": 1, "x": 2, "y": 4}, wrt=["y", "w"])
    assert t.wrt == (y, w)
    assert [s.tangent for s in t.steps] == [0, 0, 1, 0, -1, 4]
    assert t.steps[4].tangents == {"y": -1.0, "w": 2.0}


def test_wrt_is_by_default_everything_in_the_order_of_the_point():
    t = trace("w*x", {"x": 2, "w": 3})
    assert t.gradient == {"x": 3.0, "w": 2.0}
    assert list(t.gradient) == [s.name for s in t.steps[:2]] == ["x", "w"]


def test_names_of_computed_nodes_leave_the_users_names_alone():
    t = trace("v1*v3 + v2", {"v1": 2, "v2": 5, "v3": 3})
    assert [s.name for s in t.steps] == ["v1", "v2", "v3", "v4", "v5"]
    assert (t["v1"].value, t["v4"].value, t["v5"].value) == (2.0, 6.0, 11.0)


def test_constants_are_leaves_and_a_symbol_wins_over_a_constant_of_its_name():
    symbol = sp.Symbol("pi", real=True)
    t = trace(2 * sp.exp(symbol) + sp.pi, {symbol: 0})
    assert (t.steps[0].name, t.steps[0].operation) == ("pi", "input")
    assert {(s.name, s.operation) for s in t.steps[1:3]} == {("2", "constant"), ("pi", "constant")}
    assert t["pi"].value == 0.0
    assert t.value == 2 + math.pi
    # d/d2 of 2*exp(0) + pi
    assert t["2"].step.adjoint == 1.0


def test_float32_computes_in_float32():
    t = trace(x * x / 3, {x: 0.1}, dtype="float32")
    tenth = np.float32(0.1)
    assert t.at == {"x": float(tenth)}
    assert t.value == float(tenth * tenth / np.float32(3))
    assert t.dtype == "float32"


@pytest.mark.parametrize(
    ("at", "value", "slope"),
    [(4.0, 2.0, 0.25), (-2.0, -6.0, 3.0), (0.0, 0.0, 3.0)],
)
def test_a_branch_not_taken_passes_nothing(at, value, slope):
    t = trace(sp.Piecewise((sp.sqrt(x), x > 0), (3 * x, True)), {x: at})
    assert (t.value, t.gradient["x"], t.output.step.tangent) == (value, slope, slope)
    condition = next(s for s in t.steps if s.operation == "less")
    assert condition.value is (at > 0)
    assert (condition.partials, condition.tangent, condition.adjoint) == ((), 0.0, 0.0)
    choice = t.steps[-1].partials
    assert [p.reason for p in choice if p.operand == condition.node] == ["zero by design"]
    assert [p.value for p in choice] == [0.0, float(at > 0), float(at <= 0)]
    assert sorted(str(p.reason) for p in choice) == ["None", "branch not taken", "zero by design"]


def test_no_branch_holds():
    t = trace(sp.Piecewise((x, x > 0)), {x: -1})
    assert math.isnan(t.value)
    assert t.output.step.reason == "no condition of the Piecewise holds"


@pytest.mark.parametrize(
    ("expression", "at", "reason"),
    [
        (sp.log(x), -1, r"x = -1.0 lies outside the domain of log, \(0, ∞\)"),
        (1 / x, 0, "x = 0.0 lies outside the domain of divide, .* without 0"),
        (sp.exp(x), 1000, "beyond the range of float64"),
        (sp.sqrt(x), 0, "the chain rule gives inf here"),
    ],
)
def test_a_number_that_is_not_finite_has_a_reason(expression, at, reason):
    t = trace(expression, {x: at})
    assert re.match(reason, t.output.step.reason or t["x"].step.reason)


def test_an_input_that_cancels_keeps_its_node():
    t = trace(sp.Add(y, sp.Mul(0, x, evaluate=False), evaluate=False), {x: 2, y: 1})
    assert (t["x"].value, t.gradient) == (2.0, {"x": 0.0, "y": 1.0})


def test_a_lone_symbol_is_its_own_output():
    t = trace(x, {x: 2})
    assert (t.value, t.gradient, t.output.name) == (2.0, {"x": 1.0}, "x")


def test_an_operand_without_derivative(monkeypatch):
    row = dataclasses.replace(BY_HEAD[sp.tan], partials=(Absence.NONDIFFERENTIABLE,))
    monkeypatch.setitem(BY_HEAD, sp.tan, row)
    t = trace(sp.tan(x) * w, {x: 0.5, w: 2}, wrt=[w])
    assert t.gradient == {"w": math.tan(0.5)}
    assert t["v1"].step.partials[0].reason == "no derivative in this operand"
    assert math.isnan(t["x"].step.adjoint)
    with pytest.raises(UnsupportedError, match=r"tan has no derivative in .*operand 1"):
        trace(sp.tan(x) * w, {x: 0.5, w: 2}, wrt=[x])


def _horner(depth):
    """x**(n+1) + y*(x**n + ... + 1), built without recursion on its depth."""
    expression = x
    for _ in range(depth):
        expression = expression * x + y
    return expression


@pytest.mark.parametrize("depth", [900, 5000])
def test_deep_graphs(depth):
    t = trace(_horner(depth), {x: 1, y: 1})
    # at x = 1: value n + 1, d/dy = n, d/dx = n + 1 + n*(n - 1)/2
    assert t.value == depth + 1
    assert t.gradient == {"x": depth + 1 + depth * (depth - 1) // 2, "y": depth}
    assert t.steps[-3].expression.has(y)
    assert len(t.backward_steps) == len(t) == 2 * depth + 2


@pytest.mark.parametrize("exponent", [-1, -3])
def test_deep_graph_that_sympy_cannot_simplify_again(exponent):
    expression = x
    for _ in range(300):
        expression = sp.Pow(1 + sp.cos(expression, evaluate=False), exponent, evaluate=False)
    t = trace(expression, {x: 1})
    assert t.steps[-1].expression == expression
    assert len({s.expression for s in t.steps}) == len(t)


def test_the_output_is_the_expression_as_it_was_given():
    expression = sp.Add(x**2, 0, evaluate=False)
    t = trace(expression, {x: 1})
    assert t.output.step.expression is t.expression is expression


def test_constants_in_formulas_keep_their_precedence():
    t = trace(sp.Rational(1, 2) ** x + sp.Max(x, -3), {x: 2})
    assert {s.formula for s in t.steps} >= {"(1/2)**x", "Max(-3, x)"}
    power = next(s for s in t.steps if s.operation == "power")
    # the derivative of 2**-x at 2 is -log(2)/4
    assert [p.formula for p in power.partials][1] == "(1/2)**x*log(1/2)"
    assert power.partials[1].value == pytest.approx(-math.log(2) / 4, rel=1e-15)


def test_expressions_are_the_users_own_where_there_are_any():
    whole = sp.Piecewise((sp.sin(x) / 2, x > 1), (y, x < -1), (x * y + x + 1, True))
    given = {s.expression for s in trace(whole, {x: 0.5, y: 2}).steps}
    assert {whole, sp.sin(x) / 2, x * y + x + 1, x > 1, x < -1} <= given
    # and what lies between is put together
    assert x * y + x in given


POINT = {"w": 1.0, "x": 2.0, "y": 4.0}
BAD_POINTS = [
    ({"w": 1, "x": 2}, SymbolError, "^the point gives no number for y; give one for each of w, x, y$"),
    ({**POINT, "z": 1}, SymbolError, "^the point names 'z', which the expression does not contain"),
    ({**POINT, sp.Symbol("z"): 1}, SymbolError, "^the point names z, which the expression does not contain"),
    ({**POINT, w: 1}, SymbolError, "^the point gives w twice"),
    ({w: 1, x: 2, sp.Symbol("y"): 4}, SymbolError, "y whose assumptions differ"),
    ({**POINT, 3: 1}, SymbolError, r"^the point holds 3 \(int\)"),
    ({**POINT, "w": math.nan}, InputError, "^the point gives w the value nan; give a real number up to"),
    ({**POINT, "w": -math.inf}, InputError, "the value -inf"),
    ({**POINT, "w": "1.0"}, InputError, "the value '1.0'"),
    ({**POINT, "w": True}, InputError, "the value True"),
    ({**POINT, "w": np.bool_(True)}, InputError, "the value np.True_"),
    ({**POINT, "w": 1j}, InputError, "the value 1j"),
    ({**POINT, "w": sp.I}, InputError, "the value I"),
    ({**POINT, "w": None}, InputError, "the value None"),
    ({**POINT, "w": np.array([1.0, 2.0])}, InputError, r"the value array\(\[1., 2.\]\)"),
    ({**POINT, "w": 10**400}, InputError, r"the value 1000.*up to 1.8e\+308 \(float64\)"),
    ([1, 2, 4], InputError, r"^the point is \[1, 2, 4\]; give a mapping"),
    (None, InputError, "^the point is None; give a mapping"),
]


@pytest.mark.parametrize(("at", "error", "message"), BAD_POINTS)
def test_bad_points_get_one_line(at, error, message):
    with pytest.raises(error, match=message) as caught:
        trace((w * x - y) ** 2, at)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), sp.Integer(2), sp.sqrt(4)])
def test_numbers_of_every_kind(value):
    assert trace(x**3, {x: value}).gradient == {"x": 12.0}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("x +", {"x": 1}), ParseError, "complete it"),
        ((sp.Integer(2), {}), SymbolError, "^the expression 2 contains no symbol"),
        ((x + sp.Symbol("x"), {x: 1}), SymbolError, "two symbols called x"),
        ((x > 0, {x: 1}), InputError, "give a SymPy expression"),
        ((sp.Function("f")(x), {x: 1}), UnsupportedError, "no row in the function table for f"),
        ((x * y, {x: 1, y: 1}, [w]), SymbolError, "^wrt holds w, which the expression does not contain"),
        ((x * y, {x: 1, y: 1}, "w"), SymbolError, "^wrt names 'w'"),
        ((x * y, {x: 1, y: 1}, []), SymbolError, "^wrt is empty"),
        ((x * y, {x: 1, y: 1}, [x, "x"]), SymbolError, "^wrt names a symbol twice"),
        ((x, {x: 1}, x, "float16"), OptionError, "^dtype is 'float16'; choose float64 or float32"),
        ((x, {x: 1e39}, x, "float32"), InputError, r"up to 3.4e\+38 \(float32\)"),
    ],
)
def test_bad_arguments_get_one_line(arguments, error, message):
    with pytest.raises(error, match=message):
        trace(*arguments)


@pytest.mark.parametrize("node", ["q", sp.Symbol("q"), 3, None])
def test_unknown_node(node):
    with pytest.raises(SymbolError, match=r"^no node .* in the trace; there are x, v1$"):
        trace(x**2, {x: 1})[node]


def test_a_trace_and_its_steps_are_frozen():
    t = trace(x**2, {x: 1})
    for thing, name in ((t, "steps"), (t.steps[0], "value"), (t.steps[1].partials[0], "value")):
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
            setattr(thing, name, 0)
    assert isinstance(t, Trace)
