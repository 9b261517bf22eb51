"""`symdiff graph` at the command line."""

import pytest

import symdiff
from symdiff.cli import main


@pytest.mark.parametrize("name", ["g.svg", "g.dot", "G.SVG"])
def test_the_file_holds_the_picture(tmp_path, capsys, name):
    out = tmp_path / name
    assert main(["graph", "-(w*x - y)**2", "--at", "w=1,x=2,y=4", "--wrt", "w", "--out", str(out)]) == 0
    made = symdiff.picture("-(w*x - y)**2", {"w": 1, "x": 2, "y": 4}, ["w"])
    assert out.read_text() == (made.dot if name == "g.dot" else made.svg)
    assert capsys.readouterr().out == f"{out}: 7 nodes, 6 edges\n"


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["w*x", "--out", "g.png"], "use .svg or .dot", 2),
        (["w*x", "--out", "-"], "use .svg or .dot", 2),
        (["w*x", "--out", "none/g.svg"], "there is no folder", 2),
        (["w*x", "--out", "folder.svg"], "is a folder", 2),
        (["w*x"], "missing option '--out'", 2),
        (["w*x", "--out", "g.svg", "--wrt", "w"], "--at", 2),
        (["w*x", "--out", "g.svg", "--at", "w=1"], "no number for x", 2),
        (["w*(x", "--out", "g.svg"], "never closed", 2),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(tmp_path, monkeypatch, capsys, words, said, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.svg").mkdir()
    assert main(["graph", *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_a_graph_of_matrices_shows_their_shapes(tmp_path):
    file = tmp_path / "graph.dot"
    shapes = ["--shape", "W: m,n", "--shape", "x: n,1", "--shape", "y: m,1"]
    assert main(["graph", "norm(W*x - y)**2", *shapes, "--out", str(file)]) == 0
    assert "m×n" in file.read_text(encoding="utf-8")
