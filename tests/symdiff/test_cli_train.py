import json
from pathlib import Path

import pytest

from symdiff.cli import main

PYTORCH = json.loads((Path(__file__).parents[1] / "data" / "pytorch_traces.json").read_text())
TRAIN_KEYS = {"parameters", "losses", "before", "after", "steps", "seconds", "device", "dtype"}
FIT_KEYS = {"parameters", "stderr", "rss", "residual_sd", "degrees_of_freedom", "iterations", "converged", "reason"}


def printed(capsys, *words, code=0):
    assert main([*words, "--json", "-"]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


@pytest.mark.parametrize("name", ["linear", "quadratic"])
def test_training_gives_pytorch_s_predictions(name, capsys):
    expected = PYTORCH["float64"][name]
    found = printed(capsys, "train", name, "--epochs", "100", "--learning-rate", "0.01")
    assert set(found) >= TRAIN_KEYS
    assert found["before"] == expected["before"]
    assert found["after"] == pytest.approx(expected["after"], rel=1e-12)
    assert (found["steps"], len(found["losses"]), found["dtype"]) == (300, 100, "float64")


@pytest.mark.parametrize("route", ["symbolic", "chain"])
def test_the_route_and_the_dtype_are_handed_on(route, capsys):
    found = printed(capsys, "train", "linear", "--route", route, "--dtype", "float32")
    assert found["dtype"] == "float32"
    assert found["after"] == pytest.approx(PYTORCH["float32"]["linear"]["after"], rel=1e-5)


def test_the_terminal_shows_parameters_losses_and_predictions(capsys):
    assert main(["train", "linear"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert "predict (before training) 4 4.0" in lines
    assert any(line.startswith("predict (after training) 4 7.99999999999") for line in lines)
    assert any(line.startswith("mean loss (float64): first epoch") for line in lines)
    assert captured.err == ""  # progress only on a terminal


def test_data_from_a_file_replace_the_model_s(tmp_path, capsys):
    table = tmp_path / "d.csv"
    table.write_text("y,x\n3,1\n6,2\n")
    found = printed(capsys, "train", "linear", "--data", str(table), "--epochs", "200", "--learning-rate", "0.1")
    assert found["parameters"]["w"] == pytest.approx(3.0, rel=1e-12)  # y = 3*x exactly
    assert found["steps"] == 400


def test_a_batch_of_all_samples_is_one_update_a_pass(capsys):
    found = printed(capsys, "train", "linear", "--epochs", "1", "--batch-size", "3", "--learning-rate", "0.01")
    # dL/dw = mean of 2*x*(w*x - y) = -2*(1 + 4 + 9)/3 at w = 1
    assert found["parameters"]["w"] == pytest.approx(1 + 0.01 * 28 / 3, rel=1e-14)


def test_a_run_is_resumed_from_its_checkpoint(tmp_path, capsys):
    words = ["train", "quadratic", "--epochs", "20", "--checkpoint", str(tmp_path / "run")]
    whole = printed(capsys, *words)
    assert main(words) == 2
    assert "resume" in capsys.readouterr().err
    assert printed(capsys, *words, "--resume")["parameters"] == whole["parameters"]


def test_a_fit_gives_nist_s_certified_values(capsys):
    found = printed(capsys, "fit", "misra1a", "--start", "2")
    assert set(found) >= FIT_KEYS
    # NIST StRD, Misra1a
    assert found["parameters"]["b1"] == pytest.approx(2.3894212918e02, rel=1e-9)
    assert found["parameters"]["b2"] == pytest.approx(5.5015643181e-04, rel=1e-9)
    assert found["stderr"]["b1"] == pytest.approx(2.7070075241, rel=1e-6)
    assert found["rss"] == pytest.approx(1.2455138894e-01, rel=1e-9)
    assert (found["converged"], found["degrees_of_freedom"]) == (True, 12)


def test_a_fit_prints_its_summary(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["fit", "misra1a"]) == 0
    out = capsys.readouterr().out
    assert "standard error" in out
    assert max(map(len, out.splitlines())) <= 80


def test_models_lists_every_embedded_model(capsys):
    found = {row["name"]: row for row in printed(capsys, "models")["models"]}
    assert {"linear", "affine", "quadratic", "misra1a", "chwirut2", "thurber"} <= set(found)
    assert found["thurber"]["samples"] == 37  # NIST
    assert found["thurber"]["starts"] == 2
    assert found["affine"]["parameters"] == {"w": 1.0, "b": 1.0}
    # as it is read back, and cut where it is long
    assert found["two_layer"]["prediction"] == "W2*tanh(W1*x + b1) + b2"
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in found)
    assert "…" in out
    assert "…" not in found["gmm"]["prediction"]


def test_functions_lists_the_whole_table_with_true_partials(capsys):
    from symdiff.functions import FUNCTIONS

    assert main(["functions", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["functions"]}
    assert list(rows) == list(FUNCTIONS)
    assert rows["tan"]["partials"] == ["tan(u)**2 + 1"]
    assert rows["multiply"]["partials"] == ["v", "u"]
    assert rows["log"]["domain"] == ["(0, ∞)"]
    assert rows["exp"]["routes"]["autodiff"] == "jax.numpy.exp"
    assert all(row["source"] for row in rows.values())
    for name, row in rows.items():
        assert {dtype: set(errors) for dtype, errors in row["largest_error"].items()} == {
            dtype: {"symbolic", "autodiff", "chain"} for dtype in ("float64", "float32")
        }, f"{name} is not measured: python -m compare.benchmarks.functions"


@pytest.mark.parametrize("columns", ["40", "80", "140"])
def test_the_function_table_fits_the_window(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["functions"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert "sigmoid" in out


def test_a_list_can_be_written_to_a_file(tmp_path, capsys):
    file = tmp_path / "models.json"
    assert main(["models", "--json", str(file)]) == 0
    assert "linear" in capsys.readouterr().out
    assert json.loads(file.read_text())["models"]
