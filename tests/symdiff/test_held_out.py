import json

import numpy as np
import pytest

from symdiff import models
from symdiff.cli import main
from symdiff.errors import DataError, OptionError
from symdiff.held_out import score, split
from symdiff.prediction import predict


@pytest.fixture
def train(capsys):
    def run(*words, code=0):
        assert main(["train", *words]) == code
        return capsys.readouterr()

    return run


def test_every_sample_is_on_one_side_and_keeps_its_row():
    data = {"x": np.arange(20.0).reshape(10, 2), "y": np.arange(10.0)}
    kept, held = split(data, 0.3, seed=4)
    assert (len(kept["y"]), len(held["y"])) == (7, 3)
    assert sorted([*kept["y"], *held["y"]]) == list(range(10))
    for side in (kept, held):
        np.testing.assert_array_equal(side["x"][:, 0], 2 * side["y"])
    assert split(data, 0.3, seed=5)[1]["y"].tolist() != held["y"].tolist()


@pytest.mark.parametrize("part", [0.0, 1.0, -0.5, float("nan")])
def test_a_part_lies_between_0_and_1(part):
    with pytest.raises(OptionError, match="give a part of the samples, between 0 and 1"):
        split({"x": np.zeros(9)}, part)


def test_both_sides_need_a_sample():
    with pytest.raises(DataError, match=r"held_out 0\.1 of 9 samples leaves none on one side"):
        split({"x": np.zeros(9)}, 0.1)


def test_score_of_iris_is_numpy_s():
    model = models.load("logistic")
    # R: glm(y ~ ., binomial), Fisher's iris without setosa
    parameters = {"w": np.array([[-2.4652], [-6.6809], [9.4294], [18.2861]]), "b": -42.6378}
    z = model.data["x"][:, :, 0] @ parameters["w"][:, 0] + parameters["b"]
    y = model.data["y"]
    found = score(model, parameters, model.data)
    assert found["correct"] == np.sum((z > 0) == (y == 1)) == 98
    assert found["loss"] == pytest.approx(np.mean(np.logaddexp(0, z) - y * z), rel=1e-12)
    # R's residual deviance, 11.899 on 95 degrees of freedom
    assert 2 * 100 * found["loss"] == pytest.approx(11.899, abs=5e-4)


def test_digits_are_told_from_a_held_out_fifth(train):
    result = train("digits", "--json", "-")
    found = json.loads(result.out)
    held = found["held_out"]
    assert held["samples"] == 359
    assert held["accuracy"] == held["correct"] / 359 >= 0.96
    model = models.load("digits")
    _, samples = split(model.data, 0.2, 0)
    parameters = {name: np.array(value) for name, value in found["parameters"].items()}
    named = predict(model, parameters, {"x": samples["x"]})[:, :, 0].argmax(axis=1)
    assert np.sum(named == samples["y"][:, :, 0].argmax(axis=1)) == held["correct"]


def test_tumours_are_told_from_a_held_out_fifth(train):
    found = json.loads(train("breast_cancer", "--json", "-").out)
    held, parameters = found["held_out"], found["parameters"]
    _, samples = split(models.load("breast_cancer").data, 0.2, 0)
    taken = {name: np.array(parameters[name])[:, 0] for name in ("w", "centre", "rate")}
    z = (samples["x"][:, :, 0] - taken["centre"]) * taken["rate"] @ taken["w"] + parameters["b"]
    label = samples["y"]
    assert held["samples"] == 113
    assert held["correct"] == np.sum((z > 0) == (label == 1)) >= 0.96 * 113
    assert held["loss"] == pytest.approx(np.mean(np.logaddexp(0, z) - label * z), rel=1e-12)


def test_options_given_go_before_those_of_the_model(train):
    result = train("digits", "--epochs", "1", "--held-out", "0.5")
    assert "1 epochs, 29 updates" in result.out
    assert "held out 898 of 1,797 samples, drawn by seed 0: " in result.out


def test_nothing_is_held_out_unless_asked(train):
    found = json.loads(train("linear", "--epochs", "2", "--json", "-").out)
    assert found["held_out"] is None
    assert "held out" not in train("linear", "--epochs", "2").out


def test_a_model_of_one_sample_has_none_to_hold_out(train):
    result = train("gmm", "--held-out", "0.2", code=2)
    assert "--held-out 0.2: model 'gmm' has one sample, all its data; leave it out" in result.err
