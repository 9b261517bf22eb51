import math
import shlex

import pytest
import sympy as sp

import compare
import symdiff
from symdiff import models
from symdiff.cli import main

x, y, z = sp.symbols("x y z", real=True)
p, n = sp.Symbol("p", positive=True), sp.Symbol("n", integer=True)
LINE = 'name = "line"\nprediction = "w*x"\ninputs = ["x"]\ntarget = "y"\n[parameters]\nw = 1.0\n'


def rows_of(found):
    return [row.to_dict() for row in found.rows]


def repeated(command, monkeypatch):
    """What a command line finds, as `symdiff` runs it."""
    kept = []
    right = compare.check

    def check(*given, **options):
        kept.append(right(*given, **options))
        return kept[-1]

    monkeypatch.setattr(compare, "check", check)
    program, *words = shlex.split(command)
    assert program == "symdiff"
    assert main(words) in (0, 1)
    return kept[-1]


CHECKS = {
    "drawn": ((x * y,), {"points": 3, "seed": 5}),
    "float32": ((sp.sin(x) / y,), {"points": 3, "dtype": "float32"}),
    "some symbols": ((x * y * z,), {"wrt": [z, "x"], "points": 2}),
    "one point": ((x * y,), {"at": {"x": 0.1, y: sp.Rational(1, 3)}}),
    "points": ((x**2,), {"at": [{x: 1}, {x: -2.5e-3}]}),
    "positive": ((sp.log(p) * p,), {"points": 4}),
    "integer": ((n * x,), {"points": 4}),
    "text": (("x - x + y**2",), {"wrt": "x", "points": 2}),
    "minus": (("--x*y",), {"points": 2}),
    "minus and a name": (("--xy",), {"points": 2}),
    "name of a model": (("linear",), {"points": 2}),
    "gradient": ((symdiff.gradient(x**2 * y, [y]),), {"points": 2}),
    "model": ((models.load("misra1a"),), {}),
    "start": ((models.load("misra1a").at_start(2),), {"dtype": "float32"}),
    "start and point": ((models.load("misra1a").at_start(2),), {"at": {"b1": 1.5}, "wrt": "b2"}),
    "moved": ((models.load("linear").replace(parameters={"w": 1.75}),), {}),
    "moved at a point": ((models.load("affine").replace(parameters={"w": 1.75, "b": 0.5}),), {"at": {"b": 3.0}}),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_command_repeats_the_check(name, monkeypatch):
    given, options = CHECKS[name]
    found = compare.check(*given, **options)
    assert rows_of(repeated(found.command, monkeypatch)) == rows_of(found)
    assert len(found.rows) > 0


def test_a_model_file_is_named_by_its_path_with_its_start_and_the_points_given(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "my models"
    folder.mkdir()
    path = folder / "line.toml"
    path.write_text(LINE + "[[starts]]\nw = 2.0\n[[starts]]\nw = 3.0\n")
    words = ["check", str(path), "--start", "2", "--at", "x=1.5,y=2", "--dtype", "float32", "--wrt", "w"]
    found = repeated(shlex.join(["symdiff", *words]), monkeypatch)
    last = [line for line in capsys.readouterr().out.splitlines() if line.startswith("symdiff check")]
    assert shlex.split(last[0])[2] == str(path)
    # d/dw (w*x - y)**2 = 2*x*(w*x - y)
    assert found.rows[0].referee.value == 2 * 1.5 * (3.0 * 1.5 - 2.0)
    assert rows_of(repeated(last[0], monkeypatch)) == rows_of(found)


NOT_TO_BE_TYPED = {
    "a model in Python": symdiff.Model("line", "w*x", inputs=["x"], target="y", parameters={"w": 1.0}),
    "an embedded model changed": models.load("linear").replace(loss="absolute_error"),
    "a symbol that a formula reads as a constant": sp.Symbol("pi", real=True) * x,
    "a symbol that is no name": sp.Symbol("x y", real=True) * y,
    "a long formula": sp.Add(*(sp.sin(k * x) for k in range(1, 400))),
}


@pytest.mark.parametrize("name", NOT_TO_BE_TYPED)
def test_there_is_no_command_where_none_would_repeat_it(name):
    subject = NOT_TO_BE_TYPED[name]
    found = compare.check(subject, points=1)
    assert found.command is None
    assert "None" not in found.to_dict()["summary"]


def test_numbers_of_a_point_are_written_so_that_they_read_back():
    found = compare.check(x * y, at={"x": math.pi, y: sp.Rational(1, 3)})
    assert found.command == "symdiff check 'x*y' --wrt x,y --at x=3.141592653589793,y=0.3333333333333333"
