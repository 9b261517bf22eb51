import contextlib
import io
import json
from pathlib import Path

import pytest

from symdiff.cli import main
from symdiff.cli.demo import FILES, PYTORCH, agreeing_digits, common_digits

TRACES = json.loads((Path(__file__).parents[1] / "data" / "pytorch_traces.json").read_text())["float64"]


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """The tour, taken once: its folder and what it printed."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("tour")
    patch.chdir(folder)
    patch.setenv("COLUMNS", "80")
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        assert main(["demo"]) == 0
    patch.undo()
    return folder / "symdiff-demo", stream.getvalue()


def test_the_tour_prints_the_lines_of_the_note(toured):
    lines = toured[1].splitlines()
    assert lines.count("predict (before training) 4 4.0") == 1
    assert lines.count("predict (before training) 4 21.0") == 1
    after = [float(line.split()[-1]) for line in lines if line.startswith("predict (after training) 4 ")]
    assert after == pytest.approx([TRACES["linear"]["after"], TRACES["quadratic"]["after"]], rel=1e-12)


def test_the_numbers_of_pytorch_are_those_recorded():
    assert {name: TRACES[name]["after"] for name in PYTORCH} == PYTORCH


def test_the_tour_shows_every_part(toured):
    out = toured[1]
    for said in ("2*x*(w*x - y)", "Exercise 1", "dv3/dw = -8", "Exercise 2", "referee", "thurber", "NIST certifies"):
        assert said in out
    assert "disagree" not in out


def test_the_tour_writes_a_report_in_three_forms_and_a_trace(toured):
    folder, out = toured
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert all(f"symdiff-demo/{name}" in out for name in FILES)
    report = json.loads((folder / "report.json").read_text())
    assert (report["verdict"], len(report["rows"])) == ("agree", 7 * 37)  # NIST: 7 parameters, 37 observations
    assert json.loads((folder / "trace.json").read_text())["gradient"] == {"w": -8.0}
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_tour_takes_its_own_folder_again_and_leaves_other_files(toured, monkeypatch, capsys):
    folder, _ = toured
    monkeypatch.chdir(folder.parent)
    (folder / "notes.txt").write_text("mine")
    assert main(["demo"]) == 0
    assert (folder / "notes.txt").read_text() == "mine"
    (folder / "notes.txt").unlink()
    (folder / "report.md").write_text("mine")
    capsys.readouterr()
    assert main(["demo"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "report.md" in captured.err
    assert (folder / "report.md").read_text() == "mine"


def test_digits_in_common():
    assert common_digits(7.9999999999996945, 7.9999999999996945) == (17, 17)
    assert common_digits(8.54, 8.544170120967518) == (3, 16)
    assert common_digits(-1.0, 1.0) == (0, 2)
    assert agreeing_digits(1.002, 1.0) == 2  # -log10(0.002) = 2.7
    assert agreeing_digits(2.0, 1.0) == 0
