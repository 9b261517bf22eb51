"""What holds for every page: legible, light and dark; nothing sticks out; prints whole; mathematics is read out."""

import random
import re

import pytest
import sympy as sp

import compare
import symdiff
from compare.report import to_html
from symdiff import models

NASTY = '</script><img src=x onerror=alert(1)><b>"&\\href{javascript:alert(1)}{x}'
PLACES = {"w": 1.0, "x": 2.0, "y": 4.0, "b": 0.5, "w1": 0.3, "w2": -0.7, "b1": 0.1, "b2": 0.2}


def traced(text):
    names = sorted(symbol.name for symbol in symdiff.parse(text).free_symbols)
    return symdiff.trace(text, {name: PLACES[name] for name in names})


def grown(count, seed=3):
    """The trace of an expression of that many nodes, with values of moderate size."""
    draw = random.Random(seed)
    nodes = list(symdiff.symbols("a b c d f g"))
    at = {symbol: 0.3 + 0.2 * i for i, symbol in enumerate(nodes)}
    while len(nodes) < count - 5:
        u, v = nodes[-6], draw.choice(nodes[-5:])
        make = draw.choice((sp.sin, sp.tanh, lambda u, v=v, **how: sp.Add(u, v, **how)))
        nodes.append(make(u, evaluate=False))
    return symdiff.trace(sp.Add(*nodes[-6:], evaluate=False), at)


def nasty():
    odd, long = sp.Symbol(NASTY, real=True), sp.Symbol("learning rate of the first layer " * 4, real=True)
    return symdiff.trace(sp.sin(odd) * long, {odd: 1.0, long: 2.0})


def of_matrices(name="two_layer"):
    model = models.find(name)
    at = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    return symdiff.trace(model.loss, at | {name: column[1] for name, column in model.data.items()})


def page_of_traces():
    return {
        "matrices": of_matrices,
        "long matrices": lambda: of_matrices("digits"),
        "linear": lambda: traced("(w*x - y)**2"),
        "affine": lambda: traced("(w*x + b - y)**2"),
        "quadratic": lambda: traced("(w*x**2 + w2*x + b - y)**2"),
        "two layers": lambda: traced("(w2*tanh(w1*x + b1) + b2 - y)**2"),
        "branches": lambda: traced("Piecewise((sin(x)/y, x > 3), (log(x)*w, True)) + sqrt(y)"),
        "not finite": lambda: symdiff.trace("log(x)*exp(1000*y)", {"x": 0.0, "y": 1.0}),
        "nasty names": nasty,
        "150 nodes": lambda: grown(150),
        "1,000 nodes": lambda: grown(1000),
    }


def report():
    return to_html(compare.check("x*log(x) + Max(x, 1)", at=[{"x": 0.5}, {"x": 1.0}]))


def wide_report():
    point = {name: PLACES[name] for name in ("w1", "w2", "b1", "b2", "y")}
    formula = "(w2*tanh(w1*x + b1) + b2 - y)**2 + Abs(x - 1)"
    return to_html(compare.check(formula, at=[point | {"x": x} for x in (2.0, 1.0)]))


def nasty_report():
    odd, long = sp.Symbol(NASTY, real=True), sp.Symbol("learning rate of the first layer " * 2, real=True)
    return to_html(compare.check(sp.sin(odd) * long, at=[{odd: 1.0, long: 2.0}]))


PAGES = {name: lambda make=make: make().to_html() for name, make in page_of_traces().items()}
PAGES |= {"report": report, "wide report": wide_report, "report of nasty names": nasty_report}
PICTURES = {name: lambda make=make: symdiff.picture(make()).svg for name, make in page_of_traces().items()}
MADE = {}


@pytest.fixture(params=PAGES)
def page_text(request):
    return MADE.setdefault(request.param, PAGES[request.param]())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_and_nothing_sticks_out(open_page, page_text, scheme):
    for width in (360, 1280):
        page = open_page(page_text, width, scheme)
        for details in page.locator("details").all():
            details.evaluate("d => { d.open = true; }")
        found = page.measure("contrasts")
        assert found["count"] > 10
        assert found["faint"] == []
        assert page.measure("overflowing") == []
        assert page.measure("spilled") == []


def test_the_measures_see_what_is_wrong(open_page):
    page = open_page(
        "<!doctype html><body style='background:#fff'><p style='color:#888'>faint</p>"
        "<div style='overflow:hidden'>"
        "<table style='width:2000px'><tbody><tr><td style='position:absolute;left:1500px'>wide</td></tr>"
        "</tbody></table></div></body>"
    )
    assert page.measure("contrasts")["faint"] == [["faint", 3.54]]  # #888 on white, by the formula of WCAG 2.1
    assert [said[:7] for said in page.measure("overflowing")] == ["the pag", "TD wide"]
    assert len(page.measure("cutOff")) >= 2
    assert page.measure("brokenRows") == ["wide"]
    drawn = symdiff.picture(traced("w*x")).svg
    long = open_page(drawn.replace(">w</text>", ">a name wider than its box</text>"), ending=".svg")
    assert [said.split(" in ")[0] for said in long.measure("crowded")] == ["a name wider than its box"]


def test_in_print_tables_are_whole(open_page, page_text):
    page = open_page(page_text, 1031)  # A4 landscape between margins of 12 mm
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/MediaBox\s*\[0 0 84\d(?:\.\d+)? 59\d", pdf)) >= 1
    page.emulate_media(media="print")
    assert page.measure("cutOff") == []
    assert page.measure("brokenRows") == []
    headers = page.evaluate("[...document.querySelectorAll('thead')].map((h) => getComputedStyle(h).display)")
    assert set(headers) == {"table-header-group"}


def test_mathematics_is_rendered_and_read_out(open_page, page_text):
    page = open_page(page_text)
    if page.locator("math").count() == 0:  # a large trace has its rules as text
        assert "rules stand as text" in page_text
        return
    assert page.evaluate("[...document.querySelectorAll('math')].every((m) => m instanceof MathMLElement)")
    box = page.locator("math").first.bounding_box()
    assert min(box["width"], box["height"]) > 5
    assert "- math" in page.locator("body").aria_snapshot()


def test_without_javascript_everything_is_there_to_read(open_page, page_text):
    page = open_page(page_text, script=False)
    rows = page.locator("tbody tr")
    shown = page.evaluate("[...document.querySelectorAll('tbody tr')].filter((r) => r.checkVisibility()).length")
    hidden = page.evaluate("document.querySelectorAll('details:not([open]) tbody tr').length")
    assert shown + hidden == rows.count() > 0
    for control in page.locator("button, input").all():
        assert not control.is_visible()


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_legible_and_not_crowded(open_page, name):
    made = PICTURES[name]()
    for scheme in ("light", "dark"):
        page = open_page(made, 1280, scheme, ending=".svg")
        found = page.measure("contrasts")
        assert found["count"] > 3
        assert found["faint"] == []
        assert page.measure("crowded") == []
