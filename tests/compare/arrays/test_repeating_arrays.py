"""The command that a check of arrays prints gives the same rows again; so does that of a single row."""

import json
import shlex

import numpy as np
import pytest
import sympy as sp
from array_models import MODELS, theta

import compare
from compare import Verdict
from symdiff import models
from symdiff.cli import main
from symdiff.errors import OptionError

u = sp.Symbol("u", real=True)
x, large = sp.MatrixSymbol("x", 2, 1), sp.MatrixSymbol("G", 30, 20)
X = sp.IndexedBase("X", shape=(sp.Symbol("n", integer=True, positive=True), 2))
i = sp.Symbol("i", integer=True)
BENT = sp.Sum(sp.Abs(X[i, 0]) * X[i, 1], (i, 0, X.shape[0] - 1))


def repeated(command, capsys):
    words = shlex.split(command)
    assert words[0] == "symdiff"
    main([*words[1:], "--json", "-"])
    return json.loads(capsys.readouterr().out)


def without_commands(rows):
    return [{key: value for key, value in row.items() if key != "command"} for row in rows]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["least_squares", "ridge", "line", "determinant", "product", "triangle", "pca"])
@pytest.mark.parametrize("options", [{"points": 2, "seed": 5}, {"points": 3, "stress": True, "dtype": "float32"}])
def test_the_command_of_a_check_gives_its_rows_again(name, options, capsys):
    found = compare.check(MODELS[name], **options)
    again = repeated(found.command, capsys)
    assert without_commands(again["rows"]) == without_commands(found.to_dict()["rows"])
    assert again["verdict"] == found.verdict.value


def test_given_points_are_written_out(capsys):
    at = [{"A": [[1, 2], [3, 4.5]], "theta": [[1], [-1]], "t": np.array([[0.1], [1e-3]])}]
    found = compare.check(MODELS["least_squares"], [theta], at=at)
    again = repeated(found.command, capsys)
    assert again["rows"] == found.to_dict()["rows"]
    assert "--at 'A=[[1.0,2.0],[3.0,4.5]],theta=[[1.0],[-1.0]],t=[[0.1],[0.001]]'" in found.command


def test_a_row_that_does_not_agree_has_a_command_of_its_own(capsys):
    found = compare.check(BENT, at={"X": [[0, 2], [1, 3]]})
    (row,) = (row for row in found.rows if row.verdict is Verdict.UNDEFINED)
    assert (row.wrt, row.slopes) == ("X[0, 0]", (-2.0, 2.0))
    again = repeated(row.command, capsys)
    (same,) = (other for other in again["rows"] if other["wrt"] == row.wrt)
    assert same["slopes"] == [-2, 2]
    assert same["at"] == dict(row.at)


def test_a_row_of_many_numbers_is_repeated_by_seed(capsys):
    bent = sp.Trace(large.applyfunc(sp.Lambda(u, sp.Abs(u))) * sp.OneMatrix(20, 30))
    found = compare.check(bent, points=4, seed=3, stress=True)
    row = next(row for row in found.rows if row.verdict is Verdict.UNDEFINED)
    assert row.command == found.command
    assert "--shape 'G: 30,20' --points 4 --seed 3" in row.command
    again = repeated(row.command, capsys)
    assert without_commands(again["rows"]) == without_commands(found.to_dict()["rows"])


def test_an_embedded_model_is_repeated_by_name():
    assert compare.check(models.load("gmm")).command == "symdiff check gmm --wrt alphas,means,icf"


def test_a_claim_is_repeated_with_its_shapes(capsys):
    found = compare.check_claim(MODELS["least_squares"], "theta: A.T*(A*theta - t)", points=2)
    again = repeated(found.command, capsys)
    assert again["claims"] == found.to_dict()["claims"]
    assert again["rows"] == found.to_dict()["rows"]


@pytest.mark.parametrize(
    "subject",
    [
        # what a text does not carry
        sp.Sum(sp.log(sp.IndexedBase("p", positive=True)[i]), (i, 0, 2)),
        sp.Trace(x * x.T) * sp.Symbol("c", positive=True),
    ],
)
def test_what_a_text_does_not_say_has_no_command(subject):
    assert compare.check(subject, points=1).command is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=[1,2", "[ without ]; write an array as"),
        ("x=[[1],[a]]", "x is 'a'; give a finite decimal number"),
        ("x=[1,inf]", "x is 'inf'; give a finite decimal number"),
        ("x=[[1],[2]],x=[[1],[2]]", "x is given twice"),
    ],
)
def test_arrays_on_the_command_line_that_cannot_be_read(text, message):
    from symdiff.cli.literals import point

    with pytest.raises(OptionError) as caught:
        point(text)
    assert message in str(caught.value)
