import json
import os
import shlex

import pytest

from symdiff.cli import main

KEYS = {"verdict", "exit_code", "dtype", "rows"}
ROW_KEYS = {"wrt", "at", "symbolic", "autodiff", "chain", "referee", "verdict", "error", "tolerance", "kappa", "reason"}


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def check(capsys, *words):
    code = main(["check", *words, "--json", "-"])
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out, parse_constant=refuse_constant)
    assert found["exit_code"] == code
    return found


def test_json_has_the_keys_of_the_contract_and_nothing_else_is_printed(capsys):
    found = check(capsys, "(w*x - y)**2", "--wrt", "w", "--at", "w=1,x=2,y=4")
    assert set(found) >= KEYS
    (row,) = found["rows"]
    assert set(row) >= ROW_KEYS
    assert set(row["referee"]) >= {"value", "radius", "digits"}
    assert (row["wrt"], row["at"]) == ("w", {"w": 1, "x": 2, "y": 4})
    assert [row[name] for name in ("symbolic", "autodiff", "chain")] == [-8, -8, -8]
    assert found["verdict"] == row["verdict"] == "agree"


def test_a_kink_alone_is_undefined_and_exits_with_0(capsys):
    found = check(capsys, "Abs(x)", "--at", "x=0")
    assert (found["verdict"], found["exit_code"]) == ("undefined", 0)


def test_lost_digits_exit_with_1(capsys):
    # the derivative is 1, as the difference of two numbers of 1e18
    found = check(capsys, "y*(x**3 - (x - 1)*(x**2 + x + 1))", "--at", "x=1e6,y=1", "--wrt", "y")
    assert (found["verdict"], found["exit_code"]) == ("inaccurate", 1)


def test_every_point_given_is_checked_in_every_symbol(capsys):
    found = check(capsys, "x*y", "--at", "x=1,y=2", "--at", "x=-3,y=0.5")
    assert [(row["wrt"], row["symbolic"]) for row in found["rows"]] == [("x", 2), ("y", 1), ("x", 0.5), ("y", -3)]


def test_drawn_points_follow_seed_and_number(capsys):
    first = check(capsys, "sin(x)", "--points", "5", "--seed", "3")
    again = check(capsys, "sin(x)", "--points", "5", "--seed", "3")
    other = check(capsys, "sin(x)", "--points", "5", "--seed", "4")
    assert first == again
    assert len(first["rows"]) == 5
    assert [row["at"] for row in first["rows"]] != [row["at"] for row in other["rows"]]


def test_float32_is_carried_through(capsys):
    found = check(capsys, "0.1*x**3", "--at", "x=0.7", "--dtype", "float32")
    assert found["dtype"] == "float32"
    assert found["rows"][0]["at"]["x"] == 0.699999988079071  # 0.7 rounded to float32, IEEE 754
    assert "--dtype float32" in found["command"]


def test_a_model_is_checked_at_its_data_from_the_start_asked_for(capsys):
    found = check(capsys, "misra1a", "--start", "2")
    assert len(found["rows"]) == 2 * 14  # NIST: two parameters, 14 observations
    assert {(row["at"]["b1"], row["at"]["b2"]) for row in found["rows"]} == {(250.0, 5e-4)}  # NIST's start 2
    assert found["verdict"] == "agree"


@pytest.mark.parametrize(
    "words",
    [
        ["-x**2*y", "--at", "x=1,y=2"],
        ["exp(x)", "--points", "3", "--seed", "7"],
        ["chwirut2", "--start", "2", "--wrt", "b2"],
        ["x**2", "--at", "x=0.3", "--dtype", "float32"],
    ],
)
def test_the_command_it_prints_gives_the_same_result(words, capsys):
    found = check(capsys, *words)
    program, command, *rest = shlex.split(found["command"])
    assert (program, command) == ("symdiff", "check")
    assert check(capsys, *rest) == found


def test_the_terminal_says_the_verdict_first_and_each_number_s_dtype(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["check", "Abs(x)*exp(y)", "--at", "x=1.5,y=0", "--at", "x=0,y=0"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("agree: ")
    for said in ("worst error", "value (float64)", "slope", "undefined", "--at x=1.5,y=0 --at x=0,y=0", "referee"):
        assert said in out
    kink = next(line for line in out.splitlines() if "x=0, y=0" in line and line.startswith("x "))
    assert kink.split()[-5:-3] == ["-1", "1"]  # the slopes of |x| to the left and right of 0
    assert max(map(len, out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in out.splitlines())


@pytest.mark.parametrize("columns", ["40", "60", "80", "120"])
def test_nothing_but_the_command_is_wider_than_the_window(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["check", "thurber"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("symdiff check")]
    assert max(map(len, lines)) <= int(columns)


def test_colour_only_on_request_and_never_with_no_color(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    main(["check", "x**2", "--points", "2"])
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    main(["check", "x**2", "--points", "2"])
    assert "\x1b[1;32magree\x1b[0m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", "x**2", "--points", "2"])
    assert "32m" not in capsys.readouterr().out


def test_files_are_written_and_named(tmp_path, capsys):
    data, page = tmp_path / "a.json", tmp_path / "a.html"
    assert main(["check", "x**2", "--points", "2", "--json", str(data), "--report", str(page)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("agree")
    assert str(data) in out
    assert str(page) in out
    assert json.loads(data.read_text())["verdict"] == "agree"
    assert page.read_text().startswith("<!doctype html>")
    assert sorted(tmp_path.iterdir()) == [page, data]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert main(["check", "x**2", "--at", "x=1", "--json", str(pipe)]) == 0
    assert json.loads(os.read(reader, 2**16))["verdict"] == "agree"
    os.close(reader)
    assert pipe.is_fifo()
    capsys.readouterr()


def test_a_file_is_replaced_whole(tmp_path, capsys):
    file, old = tmp_path / "a.json", tmp_path / "old.json"
    file.write_text("old")
    os.link(file, old)
    assert main(["check", "x**2", "--at", "x=1", "--json", str(file)]) == 0
    assert old.read_text() == "old"  # a new file took the place of the old one
    assert json.loads(file.read_text())["verdict"] == "agree"
    assert len(list(tmp_path.iterdir())) == 2
    capsys.readouterr()
