import shlex
from pathlib import Path

import pytest

from symdiff.cli import main

FILES = {
    "ok.toml": 'name = "a"\nprediction = "w*x"\ninputs = ["x"]\ntarget = "y"\n[parameters]\nw = 1.0\n',
    "number.toml": "name = 1\n",
    "missing.toml": 'name = "a"\nprediction = "w*x"\ninputs = ["x"]\n[parameters]\nw = 1.0\n',
    "broken.toml": "name = \n",
    "ok.csv": "x,y\n1,2\n3,6\n",
    "nan.csv": "x,y\n1,2\n2,nan\n",
    "text.csv": "x,y\n1,two\n",
    "uneven.csv": "x,y\n1,2\n3\n",
    "column.csv": "x\n1\n",
    "empty.csv": "",
    "mine/report.html": "mine",
}

# a command line, and what its one line must say
MISTAKES = [
    ("chek x", "did you mean check"),
    ("plot x", "commands: check, demo"),
    ("--verzion", "--version"),
    ("derive", "missing argument"),
    ("derive x", "missing option '--wrt'"),
    ("derive x --wrt y", "'y', which the expression does not contain; it contains x"),
    ("derive x --wrt ''", "empty name"),
    ("derive x --wrt x,,y", "empty name"),
    ("derive x --wrt x,x", "twice"),
    ("derive x --wtr x", "did you mean --wrt"),
    ("derive x -wrt x", "did you mean --wrt"),
    ("derive x --wrt", "--wrt needs a value"),
    ("derive x --wrt --order 1", "--wrt needs a value"),
    ("derive x --wrt x --wrt y", "--wrt is given twice"),
    ("derive x --wrt x --order 3", "not in the range"),
    ("derive x --wrt x --order two", "not a valid integer"),
    ("derive x --wrt x --format xml", "'text', 'latex', 'json'"),
    ("derive w*x + b --wrt w", "put it in quotes: 'w*x + b'"),
    ("derive 'x +' --wrt x", "column 3"),
    ("derive '__import__(1)' --wrt x", "underscores"),
    ("derive 'foo(x)' --wrt x", "unknown function 'foo'"),
    ("derive '9**9**9**9*x' --wrt x", "bits"),
    ("derive '' --wrt x", "empty"),
    ("derive 'x\0' --wrt x", "column 2"),
    ("derive linear --wrt w", "embedded model"),
    ("derive ok.toml --wrt w", "model file"),
    ("trace x", "missing option '--at'"),
    ("trace x --at x", "not name=number"),
    ("trace x --at x=", "finite decimal number"),
    ("trace x --at x=one", "'one'"),
    ("trace x --at x=nan", "finite decimal number"),
    ("trace x --at x=1e999", "finite decimal number"),
    ("trace x --at x=1_0", "finite decimal number"),
    ("trace x --at x=1,x=2", "given twice"),
    ("trace x --at y=1", "names 'y'"),
    ("trace x*y --at x=1", "for y"),
    ("trace x --at x=1e300 --dtype float32", "float32"),
    ("trace x --at x=1 --wrt z", "'z'"),
    ("trace x --at x=1 --out mine", "is a folder"),
    ("trace x --at x=1 --out no/a.txt", "there is no folder no"),
    ("trace x --at x=1 --out ''", "empty"),
    ("trace 2 --at x=1", "no symbol"),
    ("check thurbr", "did you mean thurber"),
    ("check ok", "did you mean ok.toml"),
    ("check no.toml", "no such file"),
    ("check number.toml", "number.toml: name"),
    ("check missing.toml", "missing.toml: target: missing"),
    ("check broken.toml", "broken.toml: line 1"),
    ("check x --at x=1,y=2", "'y'"),
    ("check x --at ''", "not name=number"),
    ("check x --points 0", "not in the range"),
    ("check x --points many", "not a valid integer"),
    ("check x --seed -1", "not in the range"),
    ("check x --dtype float16", "'float64', 'float32'"),
    ("check x --order 3", "3 is not in the range"),
    ("check x --stress --claim x:1", "leave out --stress"),
    ("check x --claim '1'", "does not say of which symbol"),
    ("check x --start 1", "is a formula"),
    ("check thurber --start 3", "2 starting points"),
    ("check x --json mine", "is a folder"),
    ("check x --json no/x.json", "there is no folder no"),
    ("check x --report a.pdf", ".html, .md or .json"),
    ("check x --json a.html --report a.html", "written twice"),
    ("check ok.toml --json ok.toml", "written over"),
    ("check x y", "one formula or model"),
    ("check 'elliptic_k(x)'", "unknown function 'elliptic_k'"),
    ("train linera", "did you mean 'linear'"),
    ("train 'x**2'", "no model"),
    ("train ok.toml", "no data"),
    ("train linear --data no.csv", "no such file"),
    ("train linear --data nan.csv", "nan.csv: line 3, column 'y'"),
    ("train linear --data text.csv", "'two' is not a number"),
    ("train linear --data uneven.csv", "line 3"),
    ("train linear --data column.csv", "column.csv: no column 'y'"),
    ("train linear --data empty.csv", "empty"),
    ("train linear --data ok.csv --json ok.csv", "written over"),
    ("train linear --epochs 0", "epochs is 0"),
    ("train linear --epochs 1.5", "not a valid integer"),
    ("train linear --learning-rate nan", "learning_rate is nan"),
    ("train linear --batch-size 4", "3 rows"),
    ("train linear --optimizer adan", "did you mean 'adam'"),
    ("train linear --route magic", "'symbolic', 'autodiff', 'chain'"),
    ("train linear --device tpu", "'auto', 'cpu', 'gpu'"),
    ("train linear --resume", "checkpoint"),
    ("train linear --checkpoint ok.csv", "ok.csv"),
    ("train linear --report r.pdf", ".html, .md or .json"),
    ("fit misra1a --report mine", ".html, .md or .json"),
    ("check x --report none/r.html", "no folder"),
    ("check x --cost", "--report FILE.html"),
    ("check two_layer --cost --json c.json", "expressions of scalars"),
    ("check x**2 --report a.html --json a.html", "written twice"),
    ("train linear --start 2", "no starting point"),
    ("fit linear --data nan.csv", "line 3"),
    ("fit ok.toml", "no data"),
    ("fit linear --json mine", "is a folder"),
    ("functions exp", "takes no formula"),
    ("models --json no/x.json", "there is no folder no"),
    ("demo --out ok.csv", "is not a folder"),
    ("demo --out ok.csv/sub", "cannot be used"),
    ("demo --out mine", "stays as it is"),
]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_and_touches_nothing(line, said, capsys):
    assert main(shlex.split(line)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("symdiff: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    assert said in captured.err
    found = {str(path.relative_to(Path.cwd())): path.read_text() for path in Path.cwd().rglob("*") if path.is_file()}
    assert found == FILES


def test_a_diverging_training_exits_with_1_and_says_where(capsys):
    assert main(["train", "quadratic", "--learning-rate", "10"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "epoch" in captured.err


def test_a_lone_name_that_is_near_no_model_is_read_as_a_formula_and_noted(capsys):
    assert main(["check", "temperature", "--points", "2"]) == 0
    assert capsys.readouterr().err.startswith("symdiff: note: 'temperature' is no model")
