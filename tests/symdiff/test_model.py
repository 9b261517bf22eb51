import copy
import math
import pickle

import numpy as np
import pytest
import sympy as sp

from symdiff.errors import DataError, ModelError
from symdiff.model import Model
from symdiff.parameter import Parameter

w, x, y, b = sp.symbols("w x y b", real=True)
DECLARED = {"inputs": [x], "target": y, "parameters": {w: 1.0, b: 0.0}}


def line(**changes):
    arguments = {"name": "line", "prediction": w * x + b, **DECLARED, **changes}
    return Model(arguments.pop("name"), arguments.pop("prediction"), **arguments)


def test_attributes_are_what_was_given():
    model = line(parameters={w: 1, b: Parameter(0.5, min=0, max=2, fixed=True, unit="m")}, source="Gauss")
    assert (model.name, model.prediction, model.inputs, model.target) == ("line", w * x + b, (x,), y)
    assert list(model.parameters.items()) == [(w, Parameter(1.0)), (b, Parameter(0.5, 0.0, 2.0, True, "m"))]
    assert (model.data, model.probe, model.starts, model.source) == (None, None, (), "Gauss")


def test_names_mean_the_symbols_of_the_expression():
    plain = sp.symbols("w x y", real=None)
    model = Model("line", plain[0] * plain[1], inputs=["x"], target="y", parameters={"w": 1.0})
    assert model.inputs == (plain[1],)
    assert list(model.parameters) == [plain[0]]
    assert model.target == y, "a name that is not in the expression becomes a real symbol"


def test_text_and_expression_give_the_same_model():
    assert Model("line", "w*x + b", inputs=["x"], target="y", parameters={"w": 1, "b": 0}) == line()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("squared_error", (w * x + b - y) ** 2),
        ("absolute_error", sp.Abs(w * x + b - y)),
        ("(prediction - y)**2/2 + w**2", (w * x + b - y) ** 2 / 2 + w**2),
        (sp.log(1 + sp.exp(-y * sp.Symbol("prediction"))), sp.log(1 + sp.exp(-y * (w * x + b)))),
    ],
)
def test_loss_of_one_sample(loss, expected):
    assert line(loss=loss).loss == expected


def test_loss_leaves_an_unsimplified_prediction_as_it_is():
    # (x + 1e16) - 1e16 loses all digits of a small x, and is x once SymPy simplifies it
    inner = sp.Add(sp.Add(w * x, 1e16, evaluate=False), -1e16, evaluate=False)
    loss = line(prediction=inner, parameters={w: 1.0}).loss
    assert any(node == inner for node in sp.preorder_traversal(loss))
    assert loss.subs({w: 1.0, x: 1.0, y: 0.0}).doit() == 1.0


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "log(1 + exp(-y*prediction))"])
def test_deep_and_widely_shared_predictions_are_read(loss):
    deep, shared = w * x, w * x
    for _ in range(20_000):
        deep = sp.Add(sp.sin(deep, evaluate=False), b, evaluate=False)
    for _ in range(200):
        shared = sp.Add(sp.sin(shared, evaluate=False), sp.Mul(shared, shared, evaluate=False), evaluate=False)
    for prediction in (deep, shared):
        model = line(prediction=prediction, loss=loss)
        assert model == model.replace()
        assert repr(model) == "<Model 'line': y from x, parameters w, b>"


def test_many_parameters():
    weights = sp.symbols("w0:3000", real=True)
    model = line(prediction=sp.Add(*[weight * x for weight in weights]), parameters=dict.fromkeys(weights, 1.0))
    assert tuple(model.parameters) == weights


def test_data_and_probe_are_float64_and_read_only():
    columns = {"x": [1, 2], y: np.array([2, 4], dtype=np.int32), "note": ["a", "b"]}
    model = line(data=columns, probe={x: 4})
    assert {name: (values.dtype.name, values.tolist()) for name, values in model.data.items()} == {
        "x": ("float64", [1.0, 2.0]),
        "y": ("float64", [2.0, 4.0]),
    }
    assert model.probe["x"].shape == ()
    assert float(model.probe["x"]) == 4.0
    assert line(probe={"x": [4, 5]}).probe["x"].tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match="read-only"):
        model.data["x"][0] = 0.0


def test_two_inputs_probed_at_one_number_and_at_several():
    model = line(prediction=w * x + b * sp.Symbol("z", real=True), inputs=[x, "z"], probe={"z": [1, 2], "x": 3})
    assert {name: values.tolist() for name, values in model.probe.items()} == {"x": 3.0, "z": [1.0, 2.0]}


def test_a_model_does_not_follow_what_it_was_made_from():
    given, column = {w: 1.0, b: 0.0}, np.array([1.0, 2.0])
    model = line(parameters=given, data={"x": column, "y": column})
    given[w] = column[0] = 9.0
    assert model.parameters[w].value == 1.0
    assert model.data["x"].tolist() == [1.0, 2.0]


def test_nothing_of_a_model_can_be_assigned():
    model = line(starts=[{"w": 1}])
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        model.name = "other"
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.parameters[w] = Parameter(2.0)
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.starts[0]["w"] = 2.0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"prediction": w * x - b},
        {"inputs": [x, "z"], "data": {"x": [1.0], "z": [1.0], "y": [0.0]}},
        {"parameters": {w: 1.0, b: 1.0}},
        {"parameters": {b: 0.0, w: 1.0}},
        {"loss": "absolute_error"},
        {"data": {"x": [1.0], "y": [2.0]}},
        {"data": {"x": [1.0], "y": [-0.0]}},
        {"probe": {"x": 4.0}},
        {"probe": {"x": [4.0]}},
        {"starts": [{"w": 1.0}]},
        {"source": "Gauss"},
    ],
)
def test_models_are_equal_only_in_every_part(changes):
    model = line(data={"x": [1.0], "y": [0.0]})
    other = model.replace(**changes)
    assert model != other
    assert other == other.replace()
    assert hash(other) == hash(other.replace())


def test_a_number_is_not_a_sequence_of_one():
    assert line(probe={"x": 4.0}) != line(probe={"x": [4.0]})


def test_models_can_be_copied_and_pickled():
    model = line(
        data={"x": [1.0], "y": [2.0]}, probe={"x": 4}, starts=[{"b": 2}], loss="absolute_error", source="Gauss"
    )
    assert copy.deepcopy(model) == model
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301 - our own bytes


def test_starts():
    model = line(starts=[{"w": 1, "b": 2}, {b: 5}], parameters={w: Parameter(3.0, unit="m"), b: 0.0})
    assert model.at_start().parameters == {w: Parameter(1.0, unit="m"), b: Parameter(2.0)}
    assert model.at_start(2).parameters == {w: Parameter(3.0, unit="m"), b: Parameter(5.0)}
    assert model.at_start(2).starts == model.starts
    assert line().at_start(1) == line()


@pytest.mark.parametrize(
    ("k", "starts", "message"),
    [
        (3, [{"w": 1}, {"w": 2}], r"start 3: model 'line' names 2 starting points; give a whole number from 1 to 2"),
        (0, [{"w": 1}], "start 0: model 'line' names 1 starting point; give 1"),
        (2, [], "start 2: model 'line' names no starting point; give 1, its parameters' own values"),
        (True, [{"w": 1}], "start True: "),
        (1.0, [{"w": 1}], r"start 1\.0: "),
    ],
)
def test_no_such_start(k, starts, message):
    with pytest.raises(ModelError, match=message):
        line(starts=starts).at_start(k)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "^name: '' given; give one line of text"),
        ({"name": "a\nb"}, "^name: .* give one line of text"),
        ({"source": 3}, "^source: 3 given"),
        ({"prediction": 3.0}, "^prediction: float given; give a SymPy expression or a formula text"),
        ({"prediction": x > w}, "^prediction: StrictGreaterThan given"),
        ({"prediction": sp.MatrixSymbol("A", 2, 2)}, "^prediction: A is neither an input"),
        ({"prediction": w * x + sp.Symbol("q")}, r"^prediction: q is neither an input \(x\) nor a parameter \(w, b\)"),
        ({"prediction": "w*x + q"}, r"^prediction: .*\bq\b"),
        ({"prediction": "w*x +"}, "^prediction: .*ends"),
        ({"prediction": w * x + y}, "^prediction: holds the target y"),
        ({"prediction": "w*x + y"}, "^prediction: holds the target y"),
        (
            {"prediction": w * x + sp.Symbol("w")},
            "^prediction: holds two different symbols called w; make each",
        ),
        ({"inputs": [sp.Symbol("x")]}, "^prediction: its x is not the x given as an input: .*assumptions"),
        ({"inputs": "x"}, r"^inputs: 'x' given; give a list such as \['x'\]"),
        ({"inputs": x}, "^inputs: x given; give a list"),
        ({"inputs": []}, "^inputs: none given"),
        ({"inputs": [x, "x"]}, "^x is declared as an input and as an input; declare it once"),
        ({"inputs": [x, 3]}, "^3 cannot be an input; give a symbol or its name"),
        ({"inputs": [""]}, "^'' cannot be an input"),
        ({"target": x}, "^x is declared as an input and as the target"),
        ({"target": None}, "^None cannot be the target"),
        ({"target": "prediction"}, "^prediction cannot be the target: it stands for the prediction in a loss"),
        ({"parameters": {}}, "^parameters: none given"),
        ({"parameters": [w, b]}, r"^parameters: \[w, b\] given; give a mapping"),
        ({"parameters": {w: 1.0, x: 1.0}}, "^x is declared as an input and as a parameter"),
        ({"parameters": {w: 1.0, "w": 1.0}}, "^w is declared as a parameter and as a parameter"),
        ({"parameters": {w: math.nan, b: 1.0}}, r"^parameters\.w: value is nan; give a finite number"),
        ({"parameters": {w: "one", b: 1.0}}, r"^parameters\.w: value is 'one', a str; give a number"),
        ({"loss": "squared_eror"}, "^loss: no loss is called 'squared_eror'; did you mean 'squared_error'?"),
        ({"loss": "(prediction - y)**"}, "^loss: .*ends"),
        ({"loss": "y**2"}, "^loss: does not hold the symbol 'prediction'"),
        ({"loss": sp.Symbol("prediction") * x}, "^loss: the symbol x is not allowed; use prediction, y, w, b"),
        ({"loss": sp.Symbol("prediction") - sp.Symbol("y")}, r"^loss: the symbol y is not the y of the model"),
        (
            {"loss": None},
            "^loss: NoneType given; give 'squared_error', 'absolute_error', 'softmax_cross_entropy', 'logistic', or a "
            "formula",
        ),
        ({"starts": {"w": 1}}, "^starts: .* give a list"),
        ({"starts": [3]}, "^start 1: 3 given; give a mapping"),
        ({"starts": [{"w": 1}, {}]}, "^start 2: names no parameter"),
        ({"starts": [{"bb": 1}]}, r"^start 1: no parameter 'bb'; did you mean 'b'\? \(parameters: w, b\)"),
        ({"starts": [{"w": math.inf}]}, "^start 1, w: value is inf"),
        (
            {"starts": [{"w": 3}], "parameters": {w: Parameter(1, max=2), b: 1}},
            "^start 1, w: value 3.0 lies above max 2.0",
        ),
        ({"probe": 4.0}, "^probe: 4.0 given; give a mapping"),
        ({"probe": {}}, r"^probe: no value for 'x' \(inputs: x\)"),
        ({"probe": {"x": 1, "z": 1}}, r"^probe: no input 'z' \(inputs: x\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_line(changes, message):
    with pytest.raises(ModelError, match=message) as caught:
        line(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"x": [1.0]}}, r"^data: no column 'y' \(columns: x\)"),
        ({"data": {"x": [1.0, 2.0], "y": [1.0]}}, "^data: columns of unequal length"),
        ({"probe": {"x": "four"}}, "^probe: column 'x', row 1: 'four' is not a number"),
        ({"probe": {"x": math.nan}}, "^probe: column 'x', row 1: nan"),
        ({"probe": {"x": []}}, "^probe: no rows"),
    ],
)
def test_data_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        line(**changes)
