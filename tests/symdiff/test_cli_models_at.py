"""`symdiff trace MODEL` and `symdiff graph MODEL`: at the first row of the data and the start of the parameters."""

import json

import numpy as np
import pytest

from symdiff import models
from symdiff.cli import main


def traced(capsys, *words):
    assert main(["trace", *words, "--format", "json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


@pytest.mark.parametrize(
    ("name", "gradient"),
    [  # by hand, at x = 1, y = 2 and all parameters 1: 2*(f - y)*df/dw
        ("linear", {"w": -2.0}),
        ("affine", {"w": 0.0, "b": 0.0}),
        ("quadratic", {"w": 2.0, "w2": 2.0, "b": 2.0}),
    ],
)
def test_the_models_of_the_lesson(name, gradient, capsys):
    data, said = traced(capsys, name)
    assert data["gradient"] == gradient
    assert data["at"] == dict.fromkeys(gradient, 1.0) | {"x": 1.0, "y": 2.0}
    assert (
        said == f"symdiff: note: the loss of model '{name}' at row 1 of 3 of its data and the start of its parameters\n"
    )


def test_the_two_layer_network(capsys):
    data, _ = traced(capsys, "two_layer")
    model = models.find("two_layer")
    w1, b1, w2, b2 = (p.value for p in model.parameters.values())
    x, y = (np.reshape(model.data[name][0], (-1, 1)) for name in "xy")
    hidden = np.tanh(w1 @ x + b1)
    slope = 2 * (w2 @ hidden + b2 - y)
    np.testing.assert_allclose(data["gradient"]["W2"], slope @ hidden.T, rtol=1e-13)
    np.testing.assert_allclose(data["gradient"]["b1"], (w2.T @ slope) * (1 - hidden**2), rtol=1e-13)
    assert list(data["gradient"]) == ["W1", "b1", "W2", "b2"]


def test_at_start_and_wrt_replace_what_they_name(capsys):
    data, said = traced(capsys, "linear", "--at", "x=3", "--wrt", "x")
    assert (data["at"], data["gradient"]) == ({"w": 1.0, "x": 3.0, "y": 2.0}, {"x": 2.0})
    assert said.endswith(", but for --at\n")
    data, _ = traced(capsys, "misra1a", "--start", "2")
    assert (data["at"]["b1"], data["at"]["b2"]) == (250.0, 0.0005)  # NIST's second start


def test_a_model_file_with_and_without_data(tmp_path, capsys):
    file = tmp_path / "line.toml"
    text = 'name = "line"\nprediction = "w*x"\ninputs = ["x"]\ntarget = "y"\n[parameters]\nw = 2.0\n'
    file.write_text(text, encoding="utf-8")
    assert main(["trace", str(file)]) == 2
    assert "model 'line' has no data; give x, y with --at" in capsys.readouterr().err
    data, _ = traced(capsys, str(file), "--at", "x=1,y=5")
    assert data["gradient"] == {"w": -6.0}
    file.write_text(text + "[data]\nx = [3.0]\ny = [5.0]\n", encoding="utf-8")
    data, said = traced(capsys, str(file))
    assert data["gradient"] == {"w": 6.0}
    assert "at its data and" in said
    assert main(["trace", str(file), "--out", str(file)]) == 2
    assert "would be written over" in capsys.readouterr().err


@pytest.mark.parametrize("name", models.names())
def test_a_picture_of_every_embedded_model(name, tmp_path, capsys):
    out = tmp_path / "graph.svg"
    assert main(["graph", name, "--out", str(out)]) == 0
    assert "start of its parameters" in capsys.readouterr().err
    assert "∂ " in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["linear", "--shape", "x: 2"], "the model 'linear' has its own; leave it out"),
        (["linear", "--at", "q=1"], "names 'q'"),
        (["linear", "--start", "2"], "no starting point"),
        (["w*x", "--start", "1", "--at", "w=1,x=1"], "'w*x' is a formula; leave it out"),
        (["none.toml"], "no such file"),
    ],
)
@pytest.mark.parametrize("command", ["trace", "graph"])
def test_what_does_not_go_together_is_refused_in_one_line(command, words, message, tmp_path, capsys):
    out = ["--out", str(tmp_path / "graph.svg")] if command == "graph" else []
    assert main([command, *words, *out]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert message in lines[-1]
    assert len([line for line in lines if "note" not in line]) == 1
