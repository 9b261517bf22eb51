"""`symdiff check --claim`."""

import json
import shlex

import pytest

from symdiff.cli import main

SQUARE = "(w*x - y)**2"


def run(capsys, *words):
    code = main(["check", *words, "--json", "-"])
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert found["exit_code"] == code
    return found


def test_a_right_claim_exits_with_0_and_rows_carry_it(capsys):
    found = run(capsys, SQUARE, "--claim", "w: 2*w*x**2 - 2*x*y", "--at", "w=1,x=2,y=4")
    (row,) = found["rows"]
    assert (row["wrt"], row["claim"], row["referee"]["value"], row["verdict"]) == ("w", -8, -8, "agree")
    assert found["exit_code"] == 0
    assert found["claims"][0]["proved"] is True


def test_a_wrong_claim_exits_with_1_and_is_explained(capsys):
    code = main(["check", SQUARE, "--claim", "w: x*(w*x - y)", "--claim", "y: 2*y - 2*w*x"])
    shown = " ".join(capsys.readouterr().out.split())
    assert code == 1
    assert "disagree: ∂/∂w = x*(w*x - y)" in shown
    assert "agree: ∂/∂y = 2*y - 2*w*x (equal, proved)" in shown
    assert "times 1/2" in shown
    assert "the true formula: 2*x*(w*x - y)" in shown
    assert "simplest failing point: w=-1, x=1, y=1 there the claim gives -2, the true value is -4" in shown


def test_the_command_repeats_the_check(capsys):
    found = run(capsys, SQUARE, "--claim", "w: 2*x*(w*x - y)", "--points", "5", "--seed", "3")
    words = shlex.split(found["command"])
    assert words[:2] == ["symdiff", "check"]
    assert run(capsys, *words[2:]) == found


def test_a_model_and_a_kink(capsys):
    assert run(capsys, "linear", "--claim", "w: 2*x*(w*x - y)")["verdict"] in ("agree", "disagree")
    found = run(capsys, "Abs(x)", "--claim", "x: 1", "--at", "x=0")
    assert (found["verdict"], found["exit_code"]) == ("undefined", 0)


def test_reports_are_written(capsys, tmp_path):
    page = tmp_path / "r.html"
    assert main(["check", "sin(3*x)", "--claim", "x: cos(3*x)", "--report", str(page)]) == 1
    capsys.readouterr()
    assert "missing chain factor 3" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([SQUARE, "--claim", "2*x"], "does not say of which symbol"),
        ([SQUARE, "--claim", "w:"], "does not say of which symbol"),
        ([SQUARE, "--claim", "q: 2*x"], "names 'q', which the expression does not contain"),
        ([SQUARE, "--claim", "w: 2*z"], "unknown name 'z'"),
        ([SQUARE, "--claim", "w: 2*"], "complete it"),
        ([SQUARE, "--claim", "w: 2", "--claim", "w: 3"], "two claims are of w"),
        ([SQUARE, "--claim", "w: 2", "--wrt", "y"], "of which nothing is claimed"),
        ([SQUARE, "--claim", "w: 2", "--wrt", "b"], "names 'b'"),
        ([SQUARE, "--claim", "w: __import__('os')"], "column"),
    ],
)
def test_a_bad_claim_is_one_line_and_exits_with_2(capsys, words, match):
    assert main(["check", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert match in captured.err
    assert captured.err.count("\n") == 1
