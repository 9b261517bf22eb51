"""Every notebook runs from top to bottom, ends in an assertion, and becomes an .ipynb that a kernel executes."""

import ast
import runpy
from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
NAMES = [path.stem for path in NOTEBOOKS]


def test_there_are_nine_in_order():
    assert [int(name[:2]) for name in NAMES] == list(range(1, 10))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_runs_from_top_to_bottom(path, monkeypatch, capfd):
    monkeypatch.chdir(FOLDER)
    runpy.run_path(str(path), run_name="__main__")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_asks_one_question_and_ends_in_an_assertion(path):
    cells = jupytext.read(path).cells
    title = cells[0].source.splitlines()[0]
    assert title.startswith(f"# {int(path.stem[:2])}. ")
    last = [cell.source for cell in cells if cell.cell_type == "code"][-1]
    assert isinstance(ast.parse(last).body[-1], ast.Assert)


def test_a_kernel_shows_pictures_and_tables():
    notebook = jupytext.read(NOTEBOOKS[0])
    nbformat.validate(notebook)
    done = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(FOLDER))
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"execute_result"}
    assert any("<svg" in output.data.get("text/html", "") + output.data.get("image/svg+xml", "") for output in outputs)


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if "Figure(" in path.read_text(encoding="utf-8")])
def test_plots_are_shown_by_a_kernel(path):
    first = next(cell.source for cell in jupytext.read(path).cells if "import Figure" in cell.source)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(first.splitlines()[0])])
    drawn = "from matplotlib.figure import Figure\nfigure = Figure()\nfigure.subplots()\nfigure"
    notebook.cells.append(nbformat.v4.new_code_cell(drawn))
    done = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert "image/png" in done.cells[1].outputs[0].data
