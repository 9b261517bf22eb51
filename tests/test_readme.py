"""What the README and CONTRIBUTING say is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import symdiff
from symdiff.registration import unregister

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_ci_calls_the_readmes_test_command_word_for_word():
    (command,) = [line for line in README.splitlines() if line.endswith("-m pytest") and "venv" in line]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_python_example_runs_and_says_what_it_claims():
    names = run_example("model = symdiff.Model")
    x, y, w, b = symdiff.symbols("x y w b")
    assert names["g"][w] == 2 * x * (b + w * x - y)
    assert names["t"]["w"].grad == -8.0
    assert names["result"].predict(x=4.0) == pytest.approx(8.0, abs=0.2)
    assert names["c"].verdict == "agree"


def test_the_matrix_example_runs_and_prints_what_it_claims(capsys):
    names = run_example("MatrixSymbol")
    printed = capsys.readouterr().out.splitlines()
    claimed = [line.partition("# ")[2] for line in README.splitlines() if line.startswith("print(network[")]
    assert printed == [*claimed, "agree"]
    # all residuals are zero
    assert (float(names["value"]), names["grads"].tolist()) == (0.0, [0.0, 0.0])


def test_the_function_of_ones_own_is_accepted():
    try:
        names = run_example("symdiff.register")
        assert names["symdiff"].gradient(names["symdiff"].parse("gaussian(2*x)"), "x").operations > 0
    finally:
        unregister("gaussian")


def run_example(holding):
    """Run the example of the README that holds a text, and return its names."""
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if holding in code]
    names = {}
    exec(compile(code.replace('c.save("report.html")', ""), "README.md", "exec"), names)  # noqa: S102 - our own README
    return names


CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.split()[2])
def test_console_examples_print_what_they_show(block):
    typed, *shown = block.rstrip("\n").split("\n")
    words = re.findall(r'"[^"]*"|\S+', typed.removeprefix("$ symdiff "))
    arguments = [word.strip('"') for word in words]
    command = [sys.executable, "-m", "symdiff", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own README
    assert without_numbers(run.stdout.rstrip("\n")) == without_numbers("\n".join(shown)), run.stderr


def without_numbers(text):
    """Rounding errors and versions differ from machine to machine; words and layout do not."""
    return [re.sub(r"[\d.e+-]*\d[\d.e+-]*", "#", line).split() for line in text.split("\n")]


def test_every_path_that_is_named_exists():
    named = re.findall(r"`((?:symdiff|compare|tests|notebooks)/[\w./*]+)`", README + CONTRIBUTING)
    assert named
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []
