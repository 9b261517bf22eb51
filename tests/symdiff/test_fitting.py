import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import symdiff
from symdiff import Parameter, models
from symdiff.errors import DataError, ModelError

CERTIFIED = Path(__file__).parents[1] / "data" / "nist_strd"
POINTS = {"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0, 5.0]}


def certified(name):
    """NIST's certified (value, standard deviation) by parameter, residual sum of squares, and so on."""
    text = (CERTIFIED / f"{name}.dat").read_text()
    number = r"([-+.\dE]+)"
    rows = re.findall(rf"^ +(b\d) = +{number} +{number} +{number} +{number} *$", text, re.MULTILINE)
    labels = ["Residual Sum of Squares", "Residual Standard Deviation", "Degrees of Freedom"]
    others = [float(re.search(rf"{label}: +{number}", text).group(1)) for label in labels]
    return {row[0]: (float(row[3]), float(row[4])) for row in rows}, *others


def line(**changes):
    parts = {"inputs": ["x"], "target": "y", "parameters": {"w": 0.0, "b": 0.0}, "data": POINTS}
    return symdiff.Model("line", "w*x + b", **(parts | changes))


@pytest.mark.parametrize("start", [1, 2])
@pytest.mark.parametrize(("name", "count"), [("Misra1a", 2), ("Chwirut2", 3), ("Thurber", 7)])
def test_certified_values_from_both_starts(name, count, start):
    parameters, rss, residual_sd, freedom = certified(name)
    fitted = symdiff.fit(models.load(name.lower()).at_start(start))
    assert len(parameters) == len(fitted.parameters) == count
    for key, (value, sd) in parameters.items():
        # NIST gives 11 digits
        assert fitted.parameters[key] == pytest.approx(value, rel=2e-10)
        assert fitted.stderr[key] == pytest.approx(sd, rel=2e-10)
    assert fitted.rss == pytest.approx(rss, rel=2e-10)
    assert fitted.residual_sd == pytest.approx(residual_sd, rel=2e-10)
    assert fitted.degrees_of_freedom == freedom
    assert fitted.converged


# NIST StRD, MGH10: y at x = 50, 55, ..., 125
MGH10 = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]


@pytest.mark.parametrize("b1", [2.0, Parameter(2.0, min=0.0, max=3.0)])
def test_parameters_of_very_different_sizes(b1):
    # certified: b1 = 5.6096364710E-03, b2 = 6.1813463463E+03, b3 = 3.4522363462E+02, from a start that is far away
    parameters = {"b1": b1, "b2": 400000.0, "b3": 25000.0}
    model = symdiff.Model("mgh10", "b1*exp(b2/(x + b3))", inputs=["x"], target="y", parameters=parameters)
    fitted = symdiff.fit(model, {"x": np.arange(50.0, 130.0, 5.0), "y": MGH10})
    values = {"b1": 5.6096364710e-03, "b2": 6.1813463463e03, "b3": 3.4522363462e02}
    assert fitted.parameters == pytest.approx(values, rel=1e-9)


def test_a_step_to_infinite_values_is_taken_back():
    # NIST StRD, BoxBOD, from start 1, where the first steps make exp overflow
    model = symdiff.Model("boxbod", "b1*(1 - exp(-b2*x))", inputs=["x"], target="y", parameters={"b1": 1.0, "b2": 1.0})
    fitted = symdiff.fit(model, {"x": [1, 2, 3, 5, 7, 10], "y": [109, 149, 149, 191, 213, 224]})
    assert fitted.parameters == pytest.approx({"b1": 2.1380940889e02, "b2": 5.4723748542e-01}, rel=1e-9)
    assert fitted.stderr == pytest.approx({"b1": 1.2354515176e01, "b2": 1.0455993237e-01}, rel=1e-9)


def test_a_straight_line_is_that_of_the_textbook():
    # Sxx = 5, Sxy = 5.5, so w = 1.1, b = 2.75 - 1.5*1.1; rss = 2.7, s**2 = 1.35
    fitted = symdiff.fit(line())
    assert fitted.parameters == {"w": pytest.approx(1.1, rel=1e-14), "b": pytest.approx(1.1, rel=1e-14)}
    assert fitted.rss == pytest.approx(2.7, rel=1e-14)
    assert fitted.stderr["w"] == pytest.approx(math.sqrt(1.35 / 5), rel=1e-13)
    assert fitted.stderr["b"] == pytest.approx(math.sqrt(1.35 * (1 / 4 + 1.5**2 / 5)), rel=1e-13)
    assert fitted.covariance[0, 1] == pytest.approx(-1.5 * 1.35 / 5, rel=1e-13)
    assert (fitted.moving, fitted.degrees_of_freedom) == (("w", "b"), 2)
    np.testing.assert_allclose(fitted.predict(x=[0.0, 10.0]), [1.1, 12.1], rtol=1e-13)


def test_a_fixed_parameter_stays():
    # through the origin: w = Sum xy / Sum xx = 22/14
    fitted = symdiff.fit(line(parameters={"w": 0.0, "b": Parameter(0.0, fixed=True)}))
    assert fitted.parameters == {"w": pytest.approx(22 / 14, rel=1e-14), "b": 0.0}
    assert math.isnan(fitted.stderr["b"])
    assert fitted.degrees_of_freedom == 3
    assert re.search(r"^b +0\.0+ +fixed$", fitted.summary(), re.MULTILINE)


@pytest.mark.parametrize("start", [-2.0, 0.25, 0.5])
def test_a_bound_that_holds_is_named(start):
    # with b kept at 0.5: w = Sum x*(y - 0.5) / Sum xx = 19/14, rss = Sum (y - 0.5)**2 - 19**2/14
    fitted = symdiff.fit(line(parameters={"w": 1.0, "b": Parameter(start, max=0.5)}))
    assert fitted.parameters == {"w": pytest.approx(19 / 14, rel=1e-13), "b": 0.5}
    rss = 0.25 + 6.25 + 2.25 + 20.25 - 19**2 / 14
    assert fitted.rss == pytest.approx(rss, rel=1e-13)
    assert fitted.stderr["w"] == pytest.approx(math.sqrt(rss / 2 / 14), rel=1e-13)
    assert fitted.to_dict()["stderr"]["b"] is None
    assert fitted.converged
    assert fitted.reason.endswith("; b is at its bound: the standard errors of the others hold it there")


def test_a_bound_at_zero_holds_too():
    fitted = symdiff.fit(line(parameters={"w": 3.0, "b": Parameter(-2.0, max=0.0)}))
    assert fitted.parameters == {"w": pytest.approx(22 / 14, rel=1e-13), "b": 0.0}
    assert math.isnan(fitted.stderr["b"])
    assert fitted.converged


def test_bounds_that_do_not_hold_change_nothing():
    parameters, *_ = certified("Misra1a")
    model = models.load("misra1a").replace(
        parameters={"b1": Parameter(500.0, min=0.0), "b2": Parameter(1e-4, 0.0, 1.0)}
    )
    fitted = symdiff.fit(model)
    for key, (value, sd) in parameters.items():
        assert fitted.parameters[key] == pytest.approx(value, rel=2e-10)
        assert fitted.stderr[key] == pytest.approx(sd, rel=2e-10)


def test_parameters_that_the_data_do_not_tell_apart_are_named():
    fitted = symdiff.fit(line(parameters={"w": 0.5, "v": 0.25, "b": 0.0}).replace(prediction="(w + v)*x + b"))
    assert fitted.parameters["w"] + fitted.parameters["v"] == pytest.approx(1.1, rel=1e-12)
    assert math.isnan(fitted.stderr["w"])
    assert math.isnan(fitted.stderr["v"])
    assert fitted.reason.endswith("; the data do not tell w, v apart (singular Jacobian): fix one of them")
    # b is determined all the same; one degree of freedom is gone
    assert fitted.stderr["b"] == pytest.approx(math.sqrt(2.7 * (1 / 4 + 1.5**2 / 5)), rel=1e-9)


def test_a_parameter_without_effect_is_named():
    model = line(inputs=["x", "z"], data=POINTS | {"z": [0.0] * 4}, parameters={"w": 0.0, "b": 0.0, "c": 3.0})
    fitted = symdiff.fit(model.replace(prediction="w*x + b + c*z"))
    assert fitted.parameters == {"w": pytest.approx(1.1), "b": pytest.approx(1.1), "c": 3.0}
    assert fitted.reason.endswith("; the prediction does not depend on c here (singular Jacobian): fix it")


def test_a_search_that_did_not_converge_says_why():
    fitted = symdiff.fit(models.load("thurber"), most_evaluations=4)
    assert not fitted.converged
    assert re.match(
        r"no more evaluations were allowed, .* \(relative offset \S+\); start from other values", fitted.reason
    )
    assert "NOT converged after" in fitted.summary()


def test_a_step_outside_the_domain_is_taken_back():
    x = np.linspace(1, 5, 9)
    model = symdiff.Model("log", "log(b*x - 1)", inputs=["x"], target="y", parameters={"b": 1.001})
    fitted = symdiff.fit(model, {"x": x, "y": np.log(30 * x - 1)})
    assert fitted.parameters["b"] == pytest.approx(30.0, rel=1e-12)
    assert fitted.reason == "the residuals are as small as rounding allows"


def test_as_many_rows_as_parameters_leave_no_standard_errors():
    fitted = symdiff.fit(line(data={"x": [1.0, 3.0], "y": [2.0, 5.0]}))
    assert fitted.parameters == {"w": pytest.approx(1.5), "b": pytest.approx(0.5)}
    assert fitted.reason.endswith("as many parameters as rows, so nothing is left to estimate standard errors from")
    values = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
    assert values["stderr"] == {"w": None, "b": None}
    assert values["residual_sd"] is None


def test_the_result_as_json_has_the_keys_of_the_contract():
    keys = {"parameters", "stderr", "rss", "residual_sd", "degrees_of_freedom", "iterations", "converged", "reason"}
    assert set(json.loads(json.dumps(symdiff.fit(line()).to_dict(), allow_nan=False))) == keys


def test_a_scaled_squared_error_is_least_squares_too():
    assert symdiff.fit(line(loss="(y - prediction)**2/2")).parameters["w"] == pytest.approx(1.1, rel=1e-14)


@pytest.mark.parametrize(
    "loss", ["absolute_error", "(prediction - y)**2 + w**2", "-(prediction - y)**2", "(prediction - y)**4"]
)
def test_another_loss_is_refused(loss):
    with pytest.raises(ModelError, match=r"loss: .* the model's loss is another; use `symdiff train`"):
        symdiff.fit(line(loss=loss))


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(
        DataError, match=r"data: 1 rows for 2 parameters; give at least as many rows, or fix parameters$"
    ):
        symdiff.fit(line(), {"x": [1.0], "y": [1.0]})
    with pytest.raises(DataError, match=r"model 'line' has no data of its own; give data=$"):
        symdiff.fit(line(data=None))
    with pytest.raises(DataError, match=r"no column 'y'"):
        symdiff.fit(line(), {"x": [1.0]})
    with pytest.raises(ModelError, match=r"all parameters of model 'line' are fixed; free one to fit it$"):
        symdiff.fit(line(parameters={"w": Parameter(1.0, fixed=True), "b": Parameter(1.0, fixed=True)}))
    with pytest.raises(DataError, match=r"row 2: the prediction is not finite at the start \(w=1\.0, b=-1\.0\)"):
        symdiff.fit(line(parameters={"w": 1.0, "b": -1.0}).replace(prediction="w/(x + b)"))
    with pytest.raises(
        DataError, match=r"row 1: the derivative of the prediction is not finite at the start \(w=1\.0, b=0"
    ):
        symdiff.fit(line(parameters={"w": 1.0, "b": 0.0}).replace(prediction="w*sqrt(x + b)"))
