import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

import symdiff
from symdiff import cli
from symdiff.cli import main

ROOT = Path(symdiff.__file__).parents[1]
x, y, w, b = sp.symbols("x y w b", real=True)


def run(*words, stdout=subprocess.PIPE, module=("-m", "symdiff"), **environment):
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *module, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=kept | {"PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"} | environment,
        timeout=120,
        check=False,
    )


def equal(text, expected):
    return sp.expand(symdiff.parsing.parse(text) - expected) == 0


def partials(out, order="d"):
    """The lines 'd/dw = ...' before the first empty line."""
    lines = out.split("\n\n")[0].splitlines()
    return dict(line.split(" = ", 1) for line in lines if line.startswith(order))


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["check", "--help"], ["chek"], ["derive", "x"]])
def test_help_and_mistakes_import_nothing_heavy(words):
    heavy = ["jax", "sympy", "numpy", "pydantic", "rich", "flint", "optax", "scipy", "compare"]
    loaded = f"[name for name in {heavy!r} if name in sys.modules]"
    code = f"import sys; from symdiff.cli import main; main({words!r}); sys.exit(str({loaded}))"
    assert run("-c", code, module=()).stderr.decode().splitlines()[-1] == "[]"


def test_help_names_every_command_and_exits_with_0(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name in ("demo", "derive", "trace", "check", "train", "fit", "functions", "models"):
        assert f"\n  {name} " in out


def test_no_words_at_all_print_the_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: symdiff")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert symdiff.__version__ in capsys.readouterr().out


def test_derive_prints_the_partials_of_the_note(capsys):
    assert main(["derive", "(w*x + b - y)**2", "--wrt", "w,b"]) == 0
    out = capsys.readouterr().out
    found = partials(out)
    assert list(found) == ["d/dw", "d/db"]
    assert equal(found["d/dw"], 2 * x * (w * x + b - y))
    assert equal(found["d/db"], 2 * (w * x + b - y))
    assert "v1 = " in out
    assert "operations" in out


def test_derive_writes_steps_that_give_the_partials_back(capsys):
    assert main(["derive", "exp(w*x)*sin(w*x)", "--wrt", "w,x", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= {"expression", "wrt", "order", "partials", "latex", "operations", "steps"}
    values = {}
    for step in found["steps"]:
        values[sp.Symbol(step["name"], real=True)] = symdiff.parsing.parse(step["expression"]).subs(values)
    for name in ("w", "x"):
        whole = symdiff.parsing.parse(found["stepped"][name]).subs(values)
        assert sp.simplify(whole - sp.diff(sp.exp(w * x) * sp.sin(w * x), {"w": w, "x": x}[name])) == 0
        assert equal(found["partials"][name], whole)


def test_derive_of_second_order_gives_each_pair_once(capsys):
    assert main(["derive", "x**2*y**3", "--wrt", "x,y", "--order", "2", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["partials"]) == ["x,x", "x,y", "y,y"]
    assert [symdiff.parsing.parse(text) for text in found["partials"].values()] == [
        2 * y**3,
        6 * x * y**2,
        6 * x**2 * y,
    ]


def test_derive_writes_latex_that_names_the_operator(capsys):
    assert main(["derive", "x**3*y", "--wrt", "x,y", "--order", "2", "--format", "latex"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == r"\frac{\partial^{2}}{\partial x^{2}} = 6 x y"


def test_derive_never_prints_a_formula_that_explodes(capsys):
    text = "x"
    for _ in range(40):
        text = f"tanh({text})"
    assert main(["derive", f"({text})*x", "--wrt", "x", "--format", "json"]) == 0
    captured = capsys.readouterr().out
    assert len(captured) < 1_000_000
    assert json.loads(captured)["steps"]


@pytest.mark.parametrize("formula", ["-x**2", "-x", "--x", "-2*x", "-(x)", "-.5*x", "-x - -x**2"])
@pytest.mark.parametrize("before", [True, False])
def test_a_formula_may_begin_with_a_minus_sign(formula, before, capsys):
    words = [formula, "--wrt", "x"] if before else ["--wrt", "x", formula]
    words = ["--wrt=x", "--", formula] if formula == "--x" else words  # else it reads as an option
    assert main(["derive", *words]) == 0
    expected = sp.diff(symdiff.parsing.parse(formula), x)
    assert equal(partials(capsys.readouterr().out)["d/dx"], expected)


def test_trace_shows_exercise_1_of_the_note(capsys):
    assert main(["trace", "(w*x - y)**2", "--at", "w=1,x=2,y=4", "--wrt", "w", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["value"] == 4
    assert found["gradient"] == {"w": -8}
    assert [step["node"] for step in found["backward"]] == list(range(len(found["steps"])))[::-1]


def test_trace_as_text_fits_its_columns_and_a_file_has_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "70")
    words = ["trace", "(w*x + b - y)**2", "--at", "w=1,b=2,x=1,y=2"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 70
    assert "dv4/dw = 2" in out
    assert main([*words, "--out", str(tmp_path / "t.txt")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "t.txt").read_text() == out


def test_a_point_is_written_as_it_reads(capsys):
    assert main(["trace", "x*y", "--at", " x = -1e-3 , y=+2 ", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["at"] == {"x": -0.001, "y": 2.0}


def test_an_error_of_symdiff_itself_asks_to_be_reported(monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(cli.program.commands["functions"], "invoke", broken)
    monkeypatch.delenv("SYMDIFF_TRACEBACK", raising=False)
    assert main(["functions"]) == 70
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "RuntimeError (first second)" in lines[0]
    assert "SYMDIFF_TRACEBACK=1" in lines[0]
    monkeypatch.setenv("SYMDIFF_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="first"):
        main(["functions"])


def test_an_interrupt_exits_with_130(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.program.commands["models"], "invoke", interrupted)
    assert main(["models"]) == 130
    assert capsys.readouterr().err.strip() == "symdiff: stopped"


def test_control_characters_of_the_input_do_not_reach_the_terminal(capsys):
    assert main(["derive", "x\x1b[31m\u202e", "--wrt", "x"]) == 2
    assert capsys.readouterr().err.rstrip("\n").isprintable()


def test_a_closed_pipe_is_quiet():
    read, write = os.pipe()
    os.close(read)
    found = run("functions", "--json", stdout=write)
    os.close(write)
    assert found.stderr == b""
    assert found.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["--help"], ["derive", "x", "--wrt", "x"]])
def test_a_full_disk_is_one_line(words):
    with Path("/dev/full").open("wb") as full:
        found = run(*words, stdout=full)
    assert found.returncode == 2
    assert len(found.stderr.splitlines()) == 1
    assert b"No space left" in found.stderr


def test_the_module_runs_as_a_command_and_hands_its_exit_code_on():
    found = run("derive", "x**2")
    assert found.returncode == 2
    assert found.stderr.startswith(b"symdiff: missing option '--wrt'")


@pytest.mark.parametrize("order", ["1", "2"])
def test_who_names_a_symbol_that_cancels_gets_its_derivative(order, capsys):
    assert main(["derive", "x - x + y**3", "--wrt", "x,y", "--order", order, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = {"x": "0", "y": "3*y**2"} if order == "1" else {"x,x": "0", "x,y": "0", "y,y": "6*y"}
    assert found["partials"] == expected


def test_a_symbol_that_cancels_may_be_all_there_is(capsys):
    assert main(["derive", "x - x", "--wrt", "x"]) == 0
    assert capsys.readouterr().out.startswith("d/dx = 0\n")
    assert main(["check", "x - x", "--wrt", "x", "--points", "2"]) == 0
    assert capsys.readouterr().out.startswith("agree")
    assert main(["trace", "x - x", "--at", "x=3", "--wrt", "x", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["value"], found["gradient"], found["at"]) == (0, {"x": 0}, {"x": 3})


def test_a_number_for_a_symbol_that_cancels_may_be_given_and_left_out(capsys):
    for at, point in (("x=1,y=2", {"x": 1, "y": 2}), ("y=2", {"y": 2})):
        assert main(["trace", "x - x + y", "--at", at, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["at"] == point
    assert main(["trace", "x - x + y", "--at", "y=2,z=1"]) == 2
    assert "'z'" in capsys.readouterr().err
