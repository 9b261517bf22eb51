"""`--report` of check, train and fit: a page with its data beside it, whole or not at all, the same bytes again."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from symdiff import models
from symdiff.cli import main, report

RUNS = ["check x**2 --at x=3", "train linear --epochs 3", "fit misra1a", "check sin(x) --claim 'x: cos(x)' --at x=1"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(line, *more):
    return main([*shlex.split(line), *more])


def files():
    return {str(path) for path in Path().rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("line", RUNS)
def test_a_page_has_its_data_beside_it(line, capsys):
    assert run(line, "--report", "Out.HTML") == 0
    assert files() == {"Out.HTML", "Out.json"}
    assert "report: Out.HTML, data: Out.json" in capsys.readouterr().out
    page, data = Path("Out.HTML").read_text(), json.loads(Path("Out.json").read_text())
    assert page.startswith("<!doctype html>")
    assert "stands beside this page" in page
    assert (data["verdict"], len(data["rows"]) > 0) == ("agree", True)
    # what is said to repeat it does
    words = shlex.split(data["command"])
    assert words[0] == "symdiff"
    first = page
    assert main([*words[1:], "--report", "Again.html"]) == 0
    again = Path("Again.html").read_text()
    assert again.replace("Again", "Out") == first or data["command"] in again


@pytest.mark.parametrize("line", RUNS)
def test_the_same_command_gives_the_same_bytes_under_another_name(line):
    for name in ("a", "b"):
        assert run(line, "--report", f"{name}.html") == 0
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


@pytest.mark.parametrize("ending", ["md", "json"])
def test_text_and_data_stand_alone(ending):
    for line in RUNS[:3]:
        assert run(line, "--report", f"r.{ending}") == 0
        assert files() == {f"r.{ending}"}


def test_the_reports_of_runs_hold_them():
    assert run("train linear --epochs 4 --learning-rate 0.02", "--report", "t.html") == 0
    data = json.loads(Path("t.json").read_text())
    assert data["command"] == "symdiff train linear --epochs 4 --learning-rate 0.02"
    assert data["training"]["options"]["learning_rate"] == "0.02"
    assert [len(route["losses"]) for route in data["training"]["routes"].values()] == [12, 12, 12]
    assert "seconds" not in data["training"]  # no two runs take the same time
    assert run("fit misra1a --start 2", "--report", "f.html") == 0
    data = json.loads(Path("f.json").read_text())
    assert data["command"] == "symdiff fit misra1a --start 2"
    # NIST StRD, Misra1a, certified
    assert data["fit"]["parameters"]["b1"] == pytest.approx(238.94212918, rel=1e-9)
    assert data["fit"]["stderr"]["b1"] == pytest.approx(2.7070075241, rel=1e-7)


def test_data_of_ones_own_are_those_of_the_page():
    Path("d.csv").write_text("x,y\n1,3\n2,5\n3,9\n")
    assert run("fit linear --data d.csv", "--report", "f.html") == 0
    data = json.loads(Path("f.json").read_text())
    # sum(x*y)/sum(x**2) = (3 + 10 + 27)/14
    assert data["fit"]["parameters"]["w"] == pytest.approx(40 / 14, rel=1e-14)
    assert {row["at"]["y"] for row in data["rows"]} == {3.0, 5.0, 9.0}
    assert data["command"] == "symdiff fit linear --data d.csv"


def test_times_stand_on_the_page_only_where_they_are_asked_for():
    assert run("check x**2 --at x=3 --cost", "--report", "c.html") == 0
    assert "First answer" in Path("c.html").read_text()
    assert json.loads(Path("c.json").read_text())["cost"]["wrt"] == ["x"]
    assert run("check x**2 --at x=3", "--report", "d.html") == 0
    assert "First answer" not in Path("d.html").read_text()
    assert "cost" not in json.loads(Path("d.json").read_text())


@pytest.mark.parametrize("line", RUNS[:3])
@pytest.mark.parametrize("theirs", ['{"mine": 1}\n', '{"verdict": "mine"}', "not JSON"])
def test_data_of_somebody_else_are_not_written_over(line, theirs, capsys):
    Path("r.json").write_text(theirs)
    assert run(line, "--report", "r.html") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "r.json, which is no report of symdiff and stays as it is" in captured.err
    assert files() == {"r.json"}
    assert Path("r.json").read_text() == theirs


def test_an_earlier_report_is_written_over():
    assert run(RUNS[0], "--report", "r.html") == 0
    assert run("check x**3 --at x=2", "--report", "r.html") == 0
    assert json.loads(Path("r.json").read_text())["rows"][0]["symbolic"] == 12.0  # 3*2**2
    assert run("check x**3 --at x=3", "--report", "r.html", "--json", "r.json") == 0
    assert json.loads(Path("r.json").read_text())["rows"][0]["symbolic"] == 27.0
    Path("empty.json").touch()
    assert run(RUNS[0], "--report", "empty.html") == 0


def test_what_is_read_is_not_written_over(capsys):
    Path("m.toml").write_text('name = "a"\nprediction = "w*x"\ninputs = ["x"]\ntarget = "y"\n[parameters]\nw = 1.0\n')
    Path("m.json").symlink_to("m.toml")
    assert run("check m.toml", "--report", "m.html") == 2
    assert "is read by this command" in capsys.readouterr().err
    assert files() == {"m.toml", "m.json"}


@pytest.mark.parametrize("line", RUNS[:3])
@pytest.mark.parametrize("blocked", ["r.html", "r.json"])
def test_a_folder_in_the_way_is_one_line(line, blocked, capsys):
    Path(blocked).mkdir()
    assert run(line, "--report", "r.html") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert files() == set()


@pytest.mark.parametrize("line", RUNS[:3])
def test_a_full_disk_is_one_line_and_leaves_nothing(line, capsys, monkeypatch):
    Path("r.html").write_text("the old page")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("symdiff.output_file.os.fsync", full)
    assert run(line, "--report", "r.html") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "No space left on device" in captured.err
    assert files() == {"r.html"}
    assert Path("r.html").read_text() == "the old page"


def test_a_place_where_nobody_may_write_is_one_line(capsys):
    assert run(RUNS[0], "--report", "/proc/r.html") == 2  # not even root may
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "cannot be written" in captured.err


@pytest.mark.parametrize("name", ["<script>alert(1)<", '"><img src=x onerror=alert(1)>'])
def test_no_file_name_becomes_markup(name):
    Path(f"{name}.csv").write_text("x,y\n1,3\n2,5\n3,9\n")
    assert run("fit linear", "--data", f"{name}.csv", "--report", f"{name}.html") == 0
    text = Path(f"{name}.html").read_text()
    assert "<script" not in text
    assert "<img" not in text
    assert "alert(1)" in text[text.index('id="reproduce"') :]


def test_without_matplotlib_one_line_says_so(capsys, monkeypatch):
    found = report.importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "matplotlib" else found(name))
    assert run("train linear --epochs 3", "--report", "r.html") == 0
    err = capsys.readouterr().err
    assert err == "symdiff: note: plots need matplotlib; pip install 'symdiff[report]'\n"
    assert "<figure>" not in Path("r.html").read_text()
    assert run(RUNS[0], "--report", "r.html") == 0
    assert capsys.readouterr().err == ""  # a check has no plots


def test_help_stays_light():
    words = "import sys; from symdiff.cli import main; main(['train', '--help']); print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(Path(models.__file__).parents[2])}
    told = subprocess.run(  # noqa: S603 our own words
        [sys.executable, "-c", words], env=environment, capture_output=True, check=True, text=True
    ).stdout
    assert "--report" in told
    assert not {"matplotlib", "sympy", "jax", "jinja2"} & set(told.splitlines()[-1].split())
