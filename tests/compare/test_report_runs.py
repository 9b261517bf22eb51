"""Training runs and fits on a page: the routes' courses, their drift, plots that stand alone, the page as a whole."""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import sympy as sp
from markdown_it import MarkdownIt

from compare.courses import Course, course_of
from compare.report import to_html, to_markdown
from compare.reports import plots
from compare.reports.plots import drift_plot, fit_plot, loss_plot, path_plot
from compare.runs import of_fit, of_training
from symdiff import Model, fit, models, train
from symdiff.routes import ROUTES

PYTORCH = json.loads((Path(__file__).parents[1] / "data/pytorch_traces.json").read_text())
NASTY = "<script>alert(1)</script>\"'$\\x$&_"


def of(name, **settings):
    model = models.load(name)
    return of_training(train(model, **settings), model.data, settings)


@pytest.fixture(scope="module")
def quadratic():
    return of("quadratic")


@pytest.fixture(scope="module")
def drifting():
    """Two routes part by two ulp after the second update, and are one again after the third."""
    result = train(models.load("linear"), epochs=1)
    one = np.array([1.0, 2.0, 4.0, 8.0])
    other = np.array([1.0, 2.0, 4.0 + 2 * np.spacing(4.0), 8.0])
    losses = np.array([1.0, 2.0, 3.0])
    return Course(
        result,
        {"route": "chain"},
        3,
        {"symbolic": losses, "chain": losses},
        {"symbolic": {"w": one}, "chain": {"w": other}},
        {},
    )


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ["linear", "quadratic"])
def test_every_route_takes_the_course_of_pytorch(name, route):
    model = models.load(name)
    course = course_of(train(model), model.data, {})
    rows = np.array(PYTORCH["float64"][name]["rows"])
    assert course.losses[route].tolist() == rows[:, -1].tolist()
    columns = ["w"] if name == "linear" else ["w", "w2", "b"]
    assert sorted(course.paths[route]) == sorted(columns)
    for k, parameter in enumerate(columns):
        path = course.paths[route][parameter]
        assert path[0] == 1.0
        # what PyTorch's gradient did to the parameter, update by update
        assert (path[:-1] - 0.01 * rows[:, 3 + k]).tolist() == path[1:].tolist()


def test_drift_is_counted_in_ulp_and_the_first_update_named(drifting):
    assert drifting.drift("symbolic", "chain").tolist() == [0.0, 2.0, 0.0]
    assert drifting.first_apart("symbolic", "chain") == 2
    assert drifting.first_apart("symbolic", "symbolic") is None
    assert drifting.worst_drift == 2.0
    (told,) = drifting.to_dict()["drift"]
    assert told == {"routes": ["symbolic", "chain"], "first_apart": 2, "largest_ulp": 2.0}


def test_drift_is_drawn_only_where_there_is_some(drifting, quadratic):
    assert "ulp" in drift_plot(drifting)
    assert quadratic.course.worst_drift == 0.0
    assert drift_plot(quadratic.course) is None


def test_a_drift_is_said_in_words(drifting, quadratic):
    text = to_html(dataclasses.replace(quadratic, course=drifting))
    assert "drift by at most 2 ulp" in text
    assert "first after update 2; at most 2 ulp, at the end 0 ulp" in text
    assert "compute the same numbers, bit for bit" in to_html(quadratic)


def test_the_page_of_a_run_has_it_in_its_place_and_its_words(quadratic):
    text = to_html(quadratic, beside=True)
    headings = re.findall(r"<h2 id=\"(\w+)\"", text)
    assert headings[-3:] == ["training", "cost", "reproduce"]
    assert "Exit code" not in text  # of the check, not of the command
    assert text.count("<figure>") == 2
    assert repr(PYTORCH["float64"]["quadratic"]["final"]["w"]) in text
    assert "same name that ends in <code>.json</code>" in text
    text = to_markdown(quadratic)
    assert text.index("## Training") < text.index("## How to reproduce")
    assert repr(PYTORCH["float64"]["quadratic"]["final"]["w"]) in text.replace("\\", "")


def test_a_run_of_arrays_has_a_page_too():
    found = of("two_layer", epochs=3, learning_rate=0.1)
    text = to_html(found)
    assert found.course.updates == 12
    assert found.course.to_dict()["parameters"]["b2"] == found.course.result.parameters["b2"].tolist()
    assert "2 of the samples" in text
    assert "4×2, norm" in text
    assert len(text.encode()) < 1_000_000


def test_the_chain_route_is_left_out_of_runs_too_long_for_it():
    x = np.linspace(-1.0, 1.0, 2_001)
    line = Model("line", "w*x", inputs=["x"], target="y", parameters={"w": 1.0}, data={"x": x, "y": 2 * x})
    found = of_training(train(line, epochs=1), line.data, {"epochs": 1})
    assert list(found.course.paths) == ["symbolic", "autodiff"]
    assert "chain was not run: an epoch has 2,001 updates" in to_html(found)
    assert found.facts["checked at"].endswith("64 of the samples")
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_fit_shows_estimates_errors_and_their_convention():
    misra = models.load("misra1a")
    text = to_html(of_fit(fit(misra), misra.data))
    # NIST StRD, Misra1a: certified estimates and standard deviations, to the digits that are shown
    assert "238.94212917" in text or "238.94212918" in text
    assert "2.7070075" in text
    assert "0.12455138894" in text
    assert "correlation of b1 and b2" in text
    assert "✓" in text[text.index('id="fit"') :]
    assert text.count("<figure>") == 1


def test_a_fit_that_did_not_converge_does_not_look_well():
    misra = models.load("misra1a")
    found = dataclasses.replace(fit(misra), converged=False, reason="the budget is spent")
    text = to_html(of_fit(found, misra.data))
    section = text[text.index('id="fit"') :]
    assert "not converged" in section[:400]
    assert "the budget is spent" in section[:400]


def svg(markup):
    return ET.fromstring(markup)  # noqa: S314 our own text


def drawings(comparison):
    course, fitted = comparison.course, fit(models.load("misra1a"))
    return [loss_plot(course), path_plot(course), fit_plot(fitted, fitted.model.data)]


def test_plots_bring_nothing_of_their_own_into_the_page(quadratic, drifting):
    identifiers = []
    for markup in [*drawings(quadratic), drift_plot(drifting)]:
        root = svg(markup)
        assert root.attrib["role"] == "img"
        title = root[0]
        assert (title.tag, title.attrib["id"]) == ("title", root.attrib["aria-labelledby"])
        assert len(title.text) > 20
        assert not {"style", "metadata", "script"} & {element.tag for element in root.iter()}
        assert "http" not in markup
        # every colour is the page's, so that a plot is dark where the page is
        assert re.findall(r"#[0-9a-f]{6}\b", markup) == []
        assert "var(--text)" in markup
        found = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        targets = {"".join(pair) for pair in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)", markup)}
        assert targets | {title.attrib["id"]} == set(found)
        identifiers += found
    assert len(identifiers) == len(set(identifiers))


def test_axes_carry_plain_numbers(quadratic):
    texts = [element.text for element in svg(loss_plot(quadratic.course)).iter("text")]
    assert {"0.1", "1", "10", "epoch", "mean loss"} <= set(texts)
    assert not any("$" in text for text in texts)


def test_routes_differ_by_dash_and_not_by_colour_alone(quadratic):
    lines = [e.attrib.get("style", "") for e in svg(loss_plot(quadratic.course)).iter("path")]
    curves = {re.sub(r"stroke: var[^;]*;?", "", style) for style in lines if "--series-1" in style}
    assert len(curves) == 3


def test_no_name_becomes_markup_in_a_run_or_a_fit():
    named = {name: sp.Symbol(NASTY + name, real=True) for name in ("a0", "x1", "y1")}
    line = Model(
        NASTY,
        named["a0"] * named["x1"],
        inputs=[named["x1"]],
        target=named["y1"],
        parameters={named["a0"]: 1.0},
        data={named["x1"].name: [1, 2, 3], named["y1"].name: [2, 4, 7]},
    )
    for found in (of_training(train(line, epochs=2), line.data, {"epochs": 2}), of_fit(fit(line), line.data)):
        tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(found))
        inline = {child.type for token in tokens for child in token.children or []}
        assert inline == {"text", "code_inline", "strong_open", "strong_close"}
        text = to_html(found)
        assert "<figure>" in text
        assert "<script" not in text
        assert "&lt;script" in text[text.index("<figure>") :]
        json.dumps(found.to_dict(), allow_nan=False)


def test_the_same_run_gives_the_same_bytes_in_another_process(tmp_path, quadratic):
    script = tmp_path / "again.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_report_runs import of\nfrom compare.report import to_html\n"
        "sys.stdout.buffer.write(to_html(of('quadratic')).encode())\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": "54321"}
    again = subprocess.run(  # noqa: S603 our own script
        [sys.executable, script, Path(__file__).parent], env=environment, capture_output=True, check=True
    )
    assert again.stdout.decode() == to_html(quadratic)
    assert to_html(of("quadratic")) == to_html(quadratic)


def test_without_matplotlib_the_page_says_so_and_has_all_else(monkeypatch, quadratic):
    found = importlib.util.find_spec
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    text = to_html(quadratic)
    assert "<figure>" not in text
    assert text.count("pip install &#39;symdiff[report]&#39;") == 1
    assert 'id="training"' in text


def test_nothing_but_a_plot_loads_matplotlib():
    words = "import sys, compare, symdiff; from symdiff import models; import compare.runs, compare.report\n"
    words += "compare.report.to_html(compare.check('w*x', at={'w': 1, 'x': 2})); print('matplotlib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    again = subprocess.run(  # noqa: S603 our own words
        [sys.executable, "-c", words], env=environment, capture_output=True, check=True, text=True
    )
    assert again.stdout.strip() == "False"
