"""What a notebook is shown: short, escaped, never printed, and the same as plain text, HTML and LaTeX at once."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff import Model, Parameter, fit, gradient, models, train
from symdiff.formula.mathml import as_latex, as_mathml, name_latex

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\\href{javascript:alert(1)}{x}", "$x$ & {y}"]


class Elements(HTMLParser):
    """The elements of a piece of HTML; fails on those that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def hostile(name):
    w, x, y = (sp.Symbol(name + letter, real=True) for letter in "wxy")
    data = {x.name: [1.0, 2.0, 3.0], y.name: [2.0, 4.0, 7.0]}
    return Model(name, w * x, inputs=[x], target=y, parameters={w: Parameter(1.0, unit=name)}, data=data)


def shown(model):
    return [model, gradient(model.loss, list(model.parameters)), train(model, epochs=2), fit(model)]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name):
    for thing in shown(hostile(name)):
        page = Elements(thing._repr_html_())
        assert not {"script", "img", "a"} & {tag for tag, _ in page.found}
        assert not any(key.startswith("on") or key == "href" for _, given in page.found for key in given)
        assert name in "".join(page.texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_a_command_of_latex(name):
    model = hostile(name)
    for latex in (model._repr_latex_(), gradient(model.loss, list(model.parameters))._repr_latex_()):
        inside = latex.removeprefix("$").removesuffix("$")
        assert "\\href" not in inside.replace("\\textbackslash{}href", "")
        assert "<" not in inside
        assert "$" not in inside.replace("\\$", "")


@pytest.mark.parametrize("name", ["linear", "quadratic", "thurber", "two_layer", "digits", "gmm"])
def test_embedded_models_are_shown_short(name):
    text = models.load(name)._repr_html_()
    Elements(text)
    assert len(text) < 40_000
    for parameter in models.load(name).parameters:
        assert str(parameter.name)[0] in text


def test_a_model_tells_what_it_is():
    text = "".join(Elements(models.load("quadratic")._repr_html_()).texts)
    assert "3 samples of x, y" in text
    assert "quadratic" in text
    assert models.load("quadratic")._repr_latex_() == r"$\displaystyle y = b + w x^{2} + w_{2} x$"


def test_results_show_their_numbers():
    misra = fit(models.load("misra1a"))
    text = "".join(Elements(misra._repr_html_()).texts)
    # NIST StRD, Misra1a: certified estimates and standard deviations
    assert "238.9421292" in text
    assert "2.70701" in text
    assert "✓ converged" in text
    stopped = dataclasses.replace(misra, converged=False)._repr_html_()
    assert "✗ not converged" in stopped
    trained = train(models.load("linear"), epochs=1)
    assert "1 epochs, 3 updates in float64" in "".join(Elements(trained._repr_html_()).texts)


def test_many_parameters_are_cut_and_counted():
    names = [f"p{k}" for k in range(100)]
    wide = Model("wide", " + ".join(names), inputs=["x"], target="y", parameters=dict.fromkeys(names, 1.0))
    assert "and 88 more" in wide._repr_html_()
    g = gradient(" + ".join(f"{name}**2" for name in names[:20]), names[:20])
    assert "and 8 more" in g._repr_html_()
    assert g._repr_latex_() is None
    g = gradient(" + ".join(f"{name}**2" for name in names), names)
    assert "p11, …: 299 operations with the value" in g._repr_html_()  # 100 squares, 99 sums, 100 products


def test_what_is_too_large_is_named_and_not_written_out():
    x = sp.Symbol("x", real=True)
    deep = x
    for _ in range(210):
        deep = sp.tanh(deep, evaluate=False)
        assert deep.is_commutative  # which SymPy keeps; asked of the whole at once, it would recurse
    g = gradient(deep, x)
    assert "operations with the value" in g._repr_html_()
    assert g._repr_latex_() is None
    model = Model("deep", deep, inputs=[x], target="y", parameters={"w": 1.0})
    assert len(model._repr_html_()) < 2_000
    assert model._repr_latex_() is None


def test_the_bundle_has_all_forms_and_only_those_that_are_wanted():
    g = gradient("w*x", "w")
    assert set(g._repr_mimebundle_()) == {"text/plain", "text/html", "text/latex"}
    assert g._repr_mimebundle_(include=["text/plain"]) == {"text/plain": repr(g)}
    assert set(g._repr_mimebundle_(exclude=["text/html"])) == {"text/plain", "text/latex"}
    deep = Model("p", "a*b", inputs=["b"], target="y", parameters={"a": 1.0})
    assert set(deep._repr_mimebundle_()) == {"text/plain", "text/html", "text/latex"}
    for other in (train(models.load("linear"), epochs=1), fit(models.load("misra1a"))):
        assert set(other._repr_mimebundle_()) == {"text/plain", "text/html"}
    traced = symdiff.trace("w*x", {"w": 1, "x": 2})
    assert "text/html" in traced._repr_mimebundle_()


def test_showing_prints_nothing_and_changes_nothing(capsys):
    model = models.load("quadratic")
    for thing in shown(model):
        thing._repr_mimebundle_()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert model == models.load("quadratic")


def test_a_function_of_every_entry_is_set_as_the_function():
    matrix = sp.MatrixSymbol("W", 2, 2)
    latex = as_latex(matrix.applyfunc(sp.tanh))
    assert latex == r"\tanh{\left(W \right)}"
    assert "mapsto" not in as_mathml(matrix.applyfunc(sp.tanh))
    x = sp.Symbol("x")
    assert r"\mapsto" in as_latex(matrix.applyfunc(sp.Lambda(x, x**2 + 1)))
    assert as_latex("text") is None


def test_names_in_latex():
    assert [name_latex(name) for name in ("w", "w_1", "alpha", "rate")] == ["w", "w_{1}", r"\alpha", r"\text{rate}"]
    assert name_latex("a^b~c#%") == r"\text{a\textasciicircum{}b\textasciitilde{}c\#\%}"


def test_arrays_are_shown_by_shape_and_norm():
    result = train(models.load("two_layer"), epochs=1, learning_rate=0.1)
    text = result._repr_html_()
    assert "4×2, norm" in text
    assert f"{np.linalg.norm(result.parameters['W1']):.6g}" in text
