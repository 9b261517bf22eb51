import json
from types import SimpleNamespace

import pytest

from symdiff.cli import main


@pytest.fixture
def run(capsys):
    def called(*words):
        code = main(list(words))
        captured = capsys.readouterr()
        return SimpleNamespace(exit_code=code, stdout=captured.out, stderr=captured.err)

    return called


def test_derivatives_of_a_formula_with_declared_shapes(run):
    shapes = ["--shape", "W: m,n", "--shape", "x: n", "--shape", "y: m,1"]
    result = run("derive", "norm(W*x - y)**2", *shapes, "--wrt", "W", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["partials"] == {"W": "2*(W*x - y)*x.T"}


def test_entries_of_an_indexed_array_of_any_length(run):
    result = run("derive", "Sum(c*X[i]**2, (i, 0, n - 1))", "--shape", "X: indexed", "--wrt", "c", "--format", "json")
    assert json.loads(result.stdout)["partials"] == {"c": "Sum(X[i]**2, (i, 0, n - 1))"}


def test_a_check_repeats_its_shapes(run):
    result = run("check", "trace(A.T*A)", "--shape", "A: 2,3", "--points", "4", "--json", "-")
    found = json.loads(result.stdout)
    assert (result.exit_code, {row["verdict"] for row in found["rows"]}) == (0, {"agree"})
    assert "--shape 'A: 2,3'" in found["command"]


@pytest.mark.parametrize(
    ("shape", "formula", "message"),
    [
        ("A 3", "A", "--shape 'A 3' is no name and shape; write 'W: 4,3'"),
        ("A: 3,-1", "A", "--shape 'A: 3,-1': '-1' is no length; write 'W: 4,3'"),
        ("A: 3,2,1", "A", "--shape 'A: 3,2,1': [3, 2, 1] given; write 'W: 4,3'"),
        ("A: 0", "A", "--shape 'A: 0': 0 is no length; write"),
        ("A: indexed ,", "A", "--shape 'A: indexed ,': '' is no length; write"),
        ("A: 3,2", "trace(A*A)", "matrices of shapes 3×2 and 3×2 are multiplied"),
        ("A: 3,2", "A[3, 0]", "the index 3 lies beyond A of shape 3×2; indices count from 0"),
        ("A: 3,2", "A + c", "a number is added to a matrix of shape 3×2; multiply it by ones(3, 2)"),
    ],
)
@pytest.mark.parametrize("command", [("derive", "--wrt", "A"), ("check",), ("trace", "--at", "c=1")])
def test_shapes_that_do_not_fit_are_refused_in_one_line(run, command, shape, formula, message):
    name, *rest = command
    result = run(name, formula, "--shape", shape, *rest)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_shape_is_given_once(run):
    result = run("derive", "trace(A)", "--shape", "A: 2,2", "--shape", "A: 3,3", "--wrt", "A")
    assert (result.exit_code, "A has a shape already" in result.stderr) == (2, True)
