import json
import math
import shlex

import numpy as np
import pytest
import sympy as sp

import compare
import symdiff
from compare import checking, rows
from compare.certified import referee
from symdiff import models
from symdiff.errors import InputError, OptionError, ParseError, SymbolError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.parsing import parse

w, x, y, z = sp.symbols("w x y z", real=True)
R = sp.Rational
ROUTES = ("symbolic", "autodiff", "chain")
ROW_KEYS = ["wrt", "at", *ROUTES, "referee", "verdict", "error", "tolerance", "kappa", "reason"]


def check_at(expression, **values):
    return compare.check(expression, at=values)


def without_versions(comparison):
    data = comparison.to_dict()
    data.pop("versions")
    return json.dumps(data, allow_nan=False)


@pytest.mark.parametrize(
    "subject", [x**2 * y, "x**2*y", symdiff.gradient(x**2 * y, [x, y])], ids=["Expr", "text", "Gradient"]
)
def test_an_expression_may_come_in_any_form(subject):
    (by_x, by_y) = check_at(subject, x=3.0, y=5.0).rows
    assert (by_x.wrt, by_y.wrt) == ("x", "y")
    for row, derivative in ((by_x, 30.0), (by_y, 9.0)):
        assert [row.route(name) for name in ROUTES] == [derivative] * 3
        assert (row.verdict.value, row.referee.value, row.at) == ("agree", derivative, {"x": 3.0, "y": 5.0})


def test_of_a_model_the_loss_of_one_sample_is_checked_in_its_parameters_at_its_data():
    found = compare.check(models.load("linear"))
    # d/dw (w*x - y)**2 = 2*x*(w*x - y), with w = 1 and y = 2*x
    assert [(row.wrt, row.at["x"], row.referee.value) for row in found.rows] == [
        ("w", 1.0, -2.0),
        ("w", 2.0, -8.0),
        ("w", 3.0, -18.0),
    ]
    assert (found.subject, found.verdict.value, found.exit_code, found.seed) == ("linear", "agree", 0, None)
    assert found.facts["data"] == "3 samples"


def test_wrt_may_be_symbols_or_names_and_chooses_the_rows():
    for wrt in (y, "y", [y], ["y"]):
        assert [row.wrt for row in compare.check(x * y, wrt, points=2).rows] == ["y", "y"]
    assert [row.wrt for row in compare.check(x * y, [y, "x"], points=1).rows] == ["y", "x"]


def test_a_symbol_that_does_not_occur_has_derivative_zero():
    (row,) = compare.check(x**2, [z], at={x: 3.0, z: 1.0}).rows
    assert ([row.route(name) for name in ROUTES], row.verdict.value, row.referee.digits) == ([0.0] * 3, "agree", "0")


def test_the_same_seed_gives_the_same_bytes():
    expression = sp.sin(x) * sp.exp(-y) / x
    first = without_versions(compare.check(expression, seed=3, points=5))
    assert without_versions(compare.check(expression, seed=3, points=5)) == first
    assert without_versions(compare.check(expression, seed=4, points=5)) != first


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_row_can_be_had_again_by_typing_in_its_point(dtype):
    drawn = compare.check(x * sp.log(y), points=6, dtype=dtype)
    at = [dict(row.at) for row in drawn.rows[::2]]
    typed = compare.check("x*log(y)", at=json.loads(json.dumps(at)), dtype=dtype)
    assert [row.to_dict() for row in typed.rows] == [row.to_dict() for row in drawn.rows]


@pytest.mark.parametrize(
    "expression",
    [
        sp.Piecewise((x**2, x < y), (sp.sin(x), True)),
        sp.Max(x, y) * sigmoid(x),
        x ** R(1, 3) + y / sp.pi,
        sp.Abs(x) * sp.Heaviside(y),
    ],
    ids=str,
)
def test_the_command_holds_all_that_a_check_depends_on(expression):
    found = compare.check(expression, points=3, seed=2, dtype="float32")
    words = shlex.split(found.command)
    assert words[:2] == ["symdiff", "check"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {"--wrt": "x,y", "--points": "3", "--seed": "2", "--dtype": "float32"}
    again = compare.check(parse(words[2]), options["--wrt"].split(","), points=3, seed=2, dtype="float32")
    assert [row.to_dict() for row in again.rows] == [row.to_dict() for row in found.rows]
    assert shlex.split(check_at(x * y, x=1.5, y=-2.0).command)[5:] == ["--at", "x=1.5,y=-2.0"]


def test_float32_means_rounded_inputs_taken_as_exact_and_results_in_float32():
    (row,) = compare.check(x**3, at={"x": 0.1}, dtype="float32").rows
    tenth = np.float32(0.1)
    assert row.at == {"x": float(tenth)}
    assert row.referee.value == pytest.approx(3 * float(tenth) ** 2, rel=1e-15)
    assert all(row.route(name) == float(np.float32(row.route(name))) for name in ROUTES)
    assert row.verdict.value == "agree"
    assert compare.check(x**3, at={"x": 0.1}, dtype=np.float32).dtype == "float32"


def test_json_is_strict_and_has_the_keys_of_the_contract():
    found = compare.check(sp.Abs(x) + sp.log(y), at=[{"x": 0.0, "y": 1.0}, {"x": 1.0, "y": -1.0}, {"x": 2.0, "y": 3.0}])
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["verdict"] == "agree"
    assert (data["exit_code"], data["dtype"]) == (0, "float64")
    for row in data["rows"]:
        assert list(row)[: len(ROW_KEYS)] == ROW_KEYS
        assert set(row) - set(ROW_KEYS) <= {"slopes", "command"}
        assert ("command" in row) == (row["verdict"] != "agree")
        assert set(row["referee"]) == {"value", "radius", "digits"}
        for name in (*ROUTES, "error", "tolerance", "kappa"):
            assert row[name] is not None or row["reason"]
    assert [row["verdict"] for row in data["rows"]] == ["undefined", "agree"] + ["undefined"] * 2 + ["agree"] * 2


def test_an_undefined_point_tells_its_node_both_slopes_and_what_each_route_returns():
    (row,) = check_at(3 * sp.Abs(x - 1), x=1.0).rows
    assert (row.verdict.value, row.slopes, row.error, row.kappa) == ("undefined", (-3.0, 3.0), None, None)
    assert row.reason == (
        "abs has its kink here, at Abs(x - 1): left slope -3, right slope 3; "
        "returned by convention: symbolic 0, autodiff 3, chain 0"
    )
    (row,) = check_at(sp.sqrt(x), x=0.0).rows
    assert row.slopes == (None, None)
    assert "left slope: outside the domain, right slope: infinite" in row.reason


def test_undefined_alone_exits_with_0_and_is_never_worse_than_anything_else():
    alone = check_at(sp.Abs(x), x=0.0)
    assert (alone.verdict.value, alone.exit_code) == ("undefined", 0)
    both = compare.check(sp.Abs(x), at=[{"x": 0.0}, {"x": 1.0}])
    assert (both.verdict.value, both.exit_code) == ("agree", 0)


@pytest.mark.parametrize(
    ("expression", "at", "derivative"),
    [
        (x * sp.Abs(x), {"x": 0.0}, 0.0),
        (sp.Max(x, 0) ** 2 + x, {"x": 0.0}, 1.0),
        (sp.Piecewise((x**2, x < 1), (2 * x - 1, True)), {"x": 1.0}, 2.0),
        (x**y, {"x": -2.0, "y": 3.0}, 12.0),
    ],
    ids=lambda value: str(value) if isinstance(value, sp.Expr) else "",
)
def test_where_both_slopes_are_equal_there_is_a_derivative_and_it_is_judged(expression, at, derivative):
    row = compare.check(expression, "x", at=at).rows[0]
    assert (row.verdict.value, row.referee.value, row.slopes) == ("agree", derivative, None)
    assert row.reason.endswith("but the slopes on both sides are equal")


def test_a_kink_does_not_spoil_the_derivative_in_another_variable():
    by_x, by_y = compare.check(sp.Abs(x) * y, at={"x": 0.0, "y": 2.0}).rows
    assert (by_x.verdict.value, by_x.slopes) == ("undefined", (-2.0, 2.0))
    assert (by_y.verdict.value, by_y.referee.value) == ("agree", 0.0)


def test_nan_in_a_branch_that_is_not_taken_is_harmless():
    expression = sp.Piecewise((sp.sqrt(x) + sp.log(x), x > 0), (x**2, True))
    found = compare.check(expression, at=[{"x": -3.0}, {"x": 4.0}])
    assert [row.referee.value for row in found.rows] == [-6.0, 0.5]
    assert [row.verdict.value for row in found.rows] == ["agree", "agree"]


def test_a_formula_that_loses_digits_is_inaccurate_and_the_problem_is_not_to_blame():
    # x**3 - (x - 1)*(x**2 + x + 1) is 1, the difference of two numbers of 1e18
    one = x**3 - (x - 1) * (x**2 + x + 1)
    found = check_at(y * one, x=1e6, y=1.0)
    by_x, by_y = found.rows
    assert (by_y.verdict.value, by_y.referee.digits) == ("inaccurate", "1.000000000000000000000000")
    assert by_y.kappa == 0.0
    assert by_y.reason.startswith("only 0.0 digits are right; the formula loses more than the problem forces")
    assert (found.verdict.value, found.exit_code) == ("inaccurate", 1)
    # of a true zero no digit can be lost
    assert by_x.verdict.value == "agree"
    assert check_at(y * one, x=0.5, y=1.0).exit_code == 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("formula", ["tanh(x)", "sigmoid(x)", "softplus(x)", "atan(x)", "erf(x)", "log(1 + exp(x))"])
def test_a_function_whose_derivative_is_lowered_well_loses_nothing(formula, dtype):
    at = [{"x": value} for value in (0.0, 1e-30, 0.75, -3.5, 19.0, -45.0, 350.0, 700.0)]
    assert [row.verdict.value for row in compare.check(formula, at=at, dtype=dtype).rows] == ["agree"] * len(at)


def test_an_intermediate_overflow_is_not_an_excuse_but_a_true_infinity_is():
    # the derivative is 1 nearly, and x**200 is 1e400
    (row,) = check_at(x**200 / (1 + x**199), x=100.0).rows
    assert row.verdict.value == "disagree"
    assert all(f"{name} gives nan" in row.reason for name in ROUTES)
    # this is the sigmoid, and computed as such
    (row,) = check_at(sp.exp(x) / (1 + sp.exp(x)), x=800.0).rows
    assert row.verdict.value == "agree"
    (row,) = check_at(sp.exp(x), x=800.0).rows
    assert (row.verdict.value, row.symbolic) == ("agree", math.inf)


def test_an_unsupported_function_is_refused_before_anything_is_evaluated(monkeypatch):
    monkeypatch.setattr(rows, "evaluate", None)
    monkeypatch.setattr(checking, "places", None)
    monkeypatch.setattr(checking, "gradient_graph", None)
    found = compare.check(x + sp.Function("unheard_of")(y))
    assert [row.verdict.value for row in found.rows] == ["unsupported", "unsupported"]
    assert (found.verdict.value, found.exit_code) == ("unsupported", 3)
    assert "unheard_of at expr.args[1]" in found.rows[0].reason
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["rows"][0]["reason"] == found.rows[0].reason


def test_without_python_flint_every_row_is_undecided_with_the_remedy(monkeypatch):
    monkeypatch.setattr(referee, "available", lambda: False)
    found = compare.check(x * y, points=3)
    assert {row.verdict.value for row in found.rows} == {"undecided"}
    assert found.rows[0].reason == "python-flint is not installed; pip install python-flint"
    assert found.rows[0].symbolic is not None
    assert found.exit_code == 3


def test_a_true_zero_is_decided_by_the_tolerance():
    (row,) = check_at(sp.cos(sp.pi * x), x=1.0).rows
    assert row.verdict.value == "agree"
    assert row.kappa is None
    assert abs(row.referee.value) < 1e-17


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"dtype": "float16"}, OptionError, r"^dtype is 'float16'; choose float64 or float32$"),
        ({"dtype": "double precision"}, OptionError, r"^dtype is 'double precision'; choose float64 or float32$"),
        ({"dtype": None}, OptionError, r"^dtype is None; choose float64 or float32$"),
        ({"order": 3}, OptionError, r"^order is 3; give 1 for the gradient or 2 for the Hessian$"),
        ({"points": 0}, OptionError, r"^points is 0; give a whole number of at least 1$"),
        ({"points": 2.5}, OptionError, r"^points is 2.5; give a whole number"),
        ({"points": True}, OptionError, r"^points is True; give a whole number"),
        ({"seed": -1}, OptionError, r"^seed is -1; give a whole number of at least 0$"),
        ({"seed": "a"}, OptionError, r"^seed is 'a'; give a whole number"),
        ({"wrt": "q"}, SymbolError, r"^wrt names 'q', which the expression does not contain; it contains x, y$"),
        ({"wrt": []}, SymbolError, r"^wrt is empty; the expression contains x, y$"),
        ({"wrt": ["x", x]}, SymbolError, r"^wrt names a symbol twice: x, x$"),
        ({"wrt": sp.Symbol("x")}, SymbolError, r"^wrt holds a symbol x whose assumptions differ"),
        ({"at": {"x": 1.0}}, SymbolError, r"^at gives no value for y; give every one of x, y$"),
        ({"at": {"x": 1.0, "y": math.nan}}, OptionError, r"^at gives y = nan; give a finite number$"),
        ({"at": []}, OptionError, r"^at holds no point"),
        (
            {"at": {"x": 1e300, "y": 1.0}, "dtype": "float32"},
            OptionError,
            r"^x = 1e\+300 is beyond the range of float32",
        ),
        ({"subject": "x +"}, ParseError, r"."),
        ({"subject": "3"}, SymbolError, r"^3 contains no symbol, so it has no derivative to check$"),
        ({"subject": x > 0}, InputError, r"^the subject is StrictGreaterThan; give a SymPy expression"),
        ({"subject": sp.Matrix([x])}, InputError, r"^the subject is MutableDenseMatrix; give a SymPy expression"),
        (
            {"subject": symdiff.gradient(x * y, x), "wrt": [y]},
            SymbolError,
            r"^wrt holds y, but the gradient was taken in x",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(given, error, message):
    with pytest.raises(error, match=message) as caught:
        compare.check(**{"subject": x * y, **given})
    assert "\n" not in str(caught.value)


def chain_of(operations):
    """A shared graph of so many operations in three symbols, of moderate values."""
    nodes = [w, x, y]
    for k in range(operations // 3):
        u, v = nodes[-1], nodes[-2 - k % 2]
        inner = sp.Add(sp.sin(u, evaluate=False), v, evaluate=False)
        nodes.append(sp.tanh(inner, evaluate=False))
    return nodes[-1]


def test_a_large_shared_graph_is_checked_without_writing_it_out():
    found = compare.check(chain_of(1000), points=4)
    assert found.operations["model"] > 900
    assert {row.verdict.value for row in found.rows} <= {"agree", "inaccurate"}
    assert "not written out" in str(found.formulas["x"])
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("wrt", "at"), [("x", {"x": 1.0}), (None, {"x": 1.0}), ("x", None)])
def test_who_names_a_symbol_that_cancels_gets_its_derivative(wrt, at):
    found = compare.check("x - x", wrt=wrt, at=at, points=2)
    assert {(row.wrt, row.referee.digits, row.verdict.value) for row in found.rows} == {("x", "0", "agree")}
    assert all(row.route(route) == 0.0 for row in found.rows for route in ROUTES)


def test_a_point_may_name_a_symbol_that_cancels_and_no_other():
    found = compare.check("x - x + y**2", at={"x": 1.0, "y": 3.0})
    assert [(row.wrt, row.referee.value) for row in found.rows] == [("y", 6.0)]
    with pytest.raises(SymbolError, match=r"^at names 'z', which"):
        compare.check("x - x + y**2", at={"x": 1.0, "y": 3.0, "z": 0.0})
