"""Traces written out: the tables of the terminal and the JSON data."""

import json
import math

import pytest
import sympy as sp

from symdiff.errors import OptionError
from symdiff.traces.table import Cell, table
from symdiff.tracing import trace

w, x, y = sp.symbols("w x y", real=True)

# worked by hand: exercise 1 of the source note
FIRST_EXERCISE = """\
Trace of (w*x - y)**2
at w = 1, x = 2, y = 4, in float64

Forward pass, front to back; the tangent of a node is d(node)/dw
  node  formula  value  local partials       tangent
  w     input        1                             1
  x     input        2                             0
  y     input        4                             0
  v1    w*x          2  dv1/dw = x = 2             2
                        dv1/dx = w = 1
  v2    v1 - y      -2  dv2/dv1 = 1                2
                        dv2/dy = -1
  v3    v2**2        4  dv3/dv2 = 2*v2 = -4       -8

Backward pass, back to front; the adjoint of a node is dv3/d(node)
  node  adjoint  to  adjoint * local partial       adds  so far
  v3          1  v2  dv3/dv3 * dv3/dv2 = 1 * (-4)    -4      -4
  v2         -4  v1  dv3/dv2 * dv2/dv1 = -4 * 1      -4      -4
                 y   dv3/dv2 * dv2/dy = -4 * (-1)     4       4
  v1         -4  w   dv3/dv1 * dv1/dw = -4 * 2       -8      -8
                 x   dv3/dv1 * dv1/dx = -4 * 1       -4      -4
  y           4      input
  x          -4      input
  w          -8      input

Value and gradient
  v3 = 4
  dv3/dw = -8"""


def _shared(levels):
    """x = x*x + x, nested: small as a graph, 2**levels terms as a tree."""
    expression = x
    for _ in range(levels):
        expression = expression * expression + expression
    return expression


def test_the_first_exercise_as_text():
    t = trace((w * x - y) ** 2, {w: 1, x: 2, y: 4}, wrt=[w])
    assert str(t) == t.to_text() == FIRST_EXERCISE


def test_text_of_a_choice_says_what_passes_nothing():
    text = trace(sp.Piecewise((sp.log(x), x > 0), (x + w, True)), {x: -1, w: 2}).to_text()
    assert "false  none: a condition is zero by design" in text
    assert "= 0, zero by design" in text
    assert "= 0, branch not taken" in text
    assert "x = -1.0 lies outside the domain of log, (0, ∞)" in text
    assert "does not depend on" in text


def test_text_leaves_out_what_flows_to_constants():
    text = trace(3 * x + sp.exp(sp.pi), {x: 2}).to_text()
    assert "/d3" not in text
    assert "/dpi" not in text
    assert "to constants only" in text


@pytest.mark.parametrize("width", [80, 100])
def test_the_quadratic_model_fits_a_terminal(width):
    at = {"w": 1 / 3, "w2": -1 / 7, "b": 1e-7, "x": -2.5, "y": 12345.678}
    lines = trace("(w*x**2 + w2*x + b - y)**2", at, wrt=["w", "w2", "b"]).to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    # the columns stay aligned
    header = next(line for line in lines if line.lstrip().startswith("node  formula"))
    rows = lines[lines.index(header) : lines.index("", lines.index(header))]
    assert {len(row) for row in rows if row[2] != " "} == {len(header)}


@pytest.mark.parametrize("width", [100, 140])
def test_long_formulas_and_names_are_cut_and_numbers_are_not(width):
    name = sp.Symbol("a_rather_long_name_of_a_symbol", real=True)
    expression = sum(sp.exp(name * x / k) * sp.Max(sp.sin(name), y) for k in range(1, 9))
    t = trace(expression, {name: 0.123456789, x: -2.5, y: 1e-7})
    lines = t.to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines[0]) == width
    assert "..." in lines[0]
    for step in t.steps:
        assert any(f"  {step.value:.6g}  " in f"{line}  " for line in lines)
    assert lines[-2] == f"  dv33/dx = {t.gradient['x']:.6g}"


@pytest.mark.parametrize("name", ["w\x1b[31m", "w\nx", "w\u202e"])
def test_control_characters_are_spelled_out(name):
    text = trace(sp.Symbol(name, real=True) ** 2, {name: 1}).to_text()
    assert name not in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_shared_graph_does_not_explode():
    t = trace(_shared(30), {x: 0.001})
    # 30 squares and sums that share their operands; the first sum is x**2 + x
    assert "\nTrace of an expression of" in "\n" + t.to_text()
    data = t.to_dict()
    assert max(len(step["expression"]) for step in data["steps"]) < 2_000
    assert data["expression"] == t.output.step.formula
    assert data["steps"][2]["expression"] == "x**2 + x"


def test_a_deep_graph_is_written_without_recursion():
    expression = x
    for _ in range(900):
        expression = sp.cos(expression, evaluate=False)
    t = trace(expression, {x: 1})
    assert t.to_text().startswith("Trace of an expression of 900 operations\n")
    data = t.to_dict()
    assert data["expression"] == "cos(v899)"
    assert [step["expression"] for step in data["steps"][:3]] == ["x", "cos(x)", "cos(cos(x))"]


def test_columns_are_narrowed_no_more_than_needed():
    row = [Cell("a" * 30), Cell("1"), Cell("b" * 20)]
    header = ("first", "number", "second")
    assert table(header, [row], right={1}, flexible={0, 2}, width=50)[1] == (
        "  " + "a" * 8 + "..." + "a" * 7 + "       1  " + "b" * 20
    )


def test_what_is_too_large_to_read_is_refused_and_the_steps_stay():
    expression = x
    for _ in range(1_000):
        expression = expression * x + y
    t = trace(expression, {x: 1, y: 1})
    for write in (t.to_text, t.to_dict, t.__str__):
        with pytest.raises(OptionError, match=r"^the trace has 2,002 nodes, and no more than 2,000 .*read t.steps"):
            write()
    assert t.steps[-1].value == 1001.0
    assert repr(t) == "<Trace of 2,002 nodes: value 1001.0, in float64>"


@pytest.mark.parametrize("width", [59, 0, -1])
def test_width_has_a_lower_limit(width):
    with pytest.raises(OptionError, match=f"^width is {width}; give at least 60 columns"):
        trace(x**2, {x: 1}).to_text(width)


def test_json_of_the_first_exercise():
    data = json.loads(json.dumps(trace((w * x - y) ** 2, {w: 1, x: 2, y: 4}, wrt=[w]).to_dict(), allow_nan=False))
    steps, backward = data.pop("steps"), data.pop("backward")
    assert data == {
        "expression": "(w*x - y)**2",
        "at": {"w": 1.0, "x": 2.0, "y": 4.0},
        "wrt": ["w"],
        "dtype": "float64",
        "output": 5,
        "value": 4.0,
        "reason": None,
        "gradient": {"w": -8.0},
    }
    assert steps[3] == {
        "node": 3,
        "name": "v1",
        "operation": "multiply",
        "expression": "w*x",
        "formula": "w*x",
        "operands": [0, 1],
        "value": 2.0,
        "partials": [
            {"operand": 0, "formula": "x", "value": 2.0, "reason": None},
            {"operand": 1, "formula": "w", "value": 1.0, "reason": None},
        ],
        "tangent": 2.0,
        "tangents": {"w": 2.0},
        "adjoint": -4.0,
        "reason": None,
    }
    assert backward[2] == {
        "node": 3,
        "name": "v1",
        "adjoint": -4.0,
        "contributions": [
            {
                "operand": 0,
                "formula": "dv3/dv1 * dv1/dw",
                "partial": 2.0,
                "value": -8.0,
                "accumulated": -8.0,
                "reason": None,
            },
            {
                "operand": 1,
                "formula": "dv3/dv1 * dv1/dx",
                "partial": 1.0,
                "value": -4.0,
                "accumulated": -4.0,
                "reason": None,
            },
        ],
        "reason": None,
    }
    assert [step["name"] for step in steps] == ["w", "x", "y", "v1", "v2", "v3"]
    assert [step["name"] for step in backward] == ["v3", "v2", "v1", "y", "x", "w"]


def test_json_has_null_and_a_reason_where_a_number_is_missing():
    data = json.loads(json.dumps(trace(w * sp.log(x), {w: 2, x: -1}).to_dict(), allow_nan=False))
    assert (data["value"], data["gradient"]) == (None, {"w": None, "x": -2.0})
    assert "nan" in data["reason"]
    logarithm = data["steps"][2]
    assert logarithm["value"] is None
    assert logarithm["reason"] == "x = -1.0 lies outside the domain of log, (0, ∞)"
    assert data["backward"][-1]["reason"].startswith("the chain rule gives nan")
    assert any(
        part["value"] is None and "nan" in part["reason"] for s in data["backward"] for part in s["contributions"]
    )


def test_json_keeps_every_digit_and_conditions_as_truth_values():
    at = {"x": 0.1, "w": 1 / 3}
    t = trace(sp.Piecewise((x * w, x < 1), (w, True)), at)
    data = json.loads(json.dumps(t.to_dict()))
    assert data["at"] == at
    assert data["value"] == 0.1 * (1 / 3)
    assert [step["value"] for step in data["steps"] if step["operation"] == "less"] == [True]


def test_json_writes_floats_with_the_digits_that_identify_them():
    data = trace(sp.Float(0.1) * x + sp.Rational(1, 3), {x: 1}).to_dict()
    assert data["expression"] == "0.1*x + 1/3"
    assert {step["name"] for step in data["steps"]} >= {"0.1", "1/3"}
    assert math.isclose(data["value"], 0.1 + 1 / 3, rel_tol=1e-15)
