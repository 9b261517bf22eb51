"""A row opened up: causes, where routes part, remedies; what else a verdict rests on; claims beside the routes."""

import dataclasses
import itertools
import math
import re

import pytest
import sympy as sp

import compare
from compare.comparison import Comparison, Enclosure, Row, Verdict
from compare.digest import statuses
from compare.fingerprint import hashes
from compare.report import to_html, to_markdown, to_notebook
from compare.reports.conditions import conditions
from compare.reports.details import REMEDIES, REMEDY_FLOAT32, details
from symdiff import Model, Parameter, models, parse
from symdiff.from_sympy import graph_of


def row(verdict, reason="", **changes):
    given = {"at": {"w": 1.0}, "symbolic": 2.0, "autodiff": 2.0, "chain": 2.5, "error": 0.5, "tolerance": 1e-15}
    given |= {"referee": Enclosure(2.0, 0.0, "2"), "kappa": 1.0, **changes}
    return Row(wrt="w", verdict=verdict, reason=reason, **given)


def of(*rows, dtype="float64"):
    return Comparison("square", "w**2", ("w",), dtype, rows)


def section(text, name):
    start = text.index(f'id="{name}"')
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text[start : text.index("</section>", start)]))


def test_a_reason_is_told_as_place_cause_and_remedy():
    reason = (
        "chain is off by 0.5, where rounding explains 1e-15; chain: it first parts from the referee at w**2: its "
        "partial in w is 2.5, the referee's 2; write w**2 as w*w"
    )
    (detail,) = details(of(row(Verdict.DISAGREE, reason)))
    assert detail.parts == ("chain: it first parts from the referee at w**2: its partial in w is 2.5, the referee's 2",)
    assert detail.causes == ("chain is off by 0.5, where rounding explains 1e-15",)
    assert detail.remedy == "write w**2 as w*w"
    told = section(to_html(of(row(Verdict.DISAGREE, reason))), "worst")
    for words in (
        "First node where they part chain: it first",
        "Likely cause chain is off",
        "Remedy write w**2 as w*w",
    ):
        assert words in told
    assert "- Remedy: write w" in to_markdown(of(row(Verdict.DISAGREE, reason)))


@pytest.mark.parametrize("verdict", REMEDIES)
def test_every_bad_verdict_has_a_remedy(verdict):
    (detail,) = details(of(row(verdict)))
    assert detail.remedy == REMEDIES[verdict]
    assert details(of(row(Verdict.AGREE)))[0].remedy == ""


def test_lost_digits_in_float32_ask_for_float64_first():
    assert details(of(row(Verdict.INACCURATE), dtype="float32"))[0].remedy == REMEDY_FLOAT32


def test_what_a_check_explains_reaches_its_page():
    found = compare.check("(exp(x) - 1 - x)/x**2", at={"x": 1e-7})
    (detail,) = details(found)
    assert any(cause.startswith("only 1.5 digits are right") for cause in detail.causes)
    kink = section(to_html(compare.check("w*Abs(x)", at={"w": 1, "x": 0})), "status")
    assert "◇ not all inside 1 check stands where there is no derivative" in kink


def test_conditions_say_what_was_found():
    states = {line.name: line.state for line in conditions(of(row(Verdict.AGREE)))}
    assert states == {
        "Referee": "decides",
        "Domain and kinks": "clean",
        "Functions": "supported",
        "Arithmetic": "float64",
        "Difference quotients": "not made",
    }
    refused = Row.without_numbers("w", Verdict.UNSUPPORTED, "zeta has no row")
    nowhere = Row.without_numbers("w", Verdict.UNDEFINED, "a kink", {"w": 0.0})
    worse = conditions(of(refused, nowhere, nowhere, row(Verdict.UNDECIDED), row(Verdict.AGREE)))
    assert [line.state for line in worse[:3]] == ["undecided", "not all inside", "unsupported"]
    assert worse[0].words.startswith("1 check is left open")
    assert worse[1].words.startswith("2 checks stand ")
    assert "24 significant bits" in conditions(of(dtype="float32"))[3].words  # IEEE 754-2019, binary32


def test_a_wrong_claim_stands_beside_the_routes():
    found = compare.check_claim("sin(3*x)", "x: cos(3*x)", at={"x": 0.0})
    (line,) = [status for status in statuses(found) if status.label == "claim = referee"]
    assert (line.state, line.compared, line.failed) == ("fails", 1, 1)
    text = to_html(found)
    assert "A claimed derivative is wrong." in text  # and not: a rule is wrong
    assert "a rule is wrong" not in text
    worst = section(text, "worst")
    assert re.search(r"claim 1 2 \S+ ", worst)  # cos(0) = 1 where 3 is right
    assert "Remedy take ∂/∂x = 3*cos(3*x)" in worst


def test_a_right_claim_holds():
    found = compare.check_claim("sin(3*x)", "x: 3*cos(3*x)", at={"x": 0.5})
    assert [status.state for status in statuses(found)] == ["holds"] * 7
    assert "What was claimed" in to_html(found)


def model(**changes):
    given = {"w": Parameter(1.5, min=0.0, max=2.0, unit="<m>/s"), "b": Parameter(0.25, fixed=True)}
    data = {"x": [1.0, 2.0], "y": [3.0, 4.0]} | changes
    return Model("line", "w*x + b", inputs=["x"], target="y", parameters=given, data=data)


def test_the_model_shows_its_parameters_with_bounds_units_and_data():
    text = to_html(compare.check(model()))
    words = section(text, "model")
    assert "w 1.5 0.0 2.0 &lt;m&gt;/s moves" in words
    assert "b 0.25 fixed" in words
    assert "2 samples" in words
    data = compare.check(model()).hashes["data"]
    assert data in words
    assert data in section(text, "reproduce")


def test_hashes_tell_every_bit():
    first, again = compare.check(model()).hashes, compare.check(model()).hashes
    moved = compare.check(model(y=[3.0, math.nextafter(4.0, 5.0)])).hashes
    assert first == again
    assert (moved["formula"], moved["parameters"]) == (first["formula"], first["parameters"])
    assert moved["data"] != first["data"]
    assert hashes(graph_of([parse("w*x")]), None) != hashes(graph_of([parse("w*y")]), None)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in first.values())
    assert compare.check(model()).to_dict()["hashes"] == first


def test_cost_has_times_only_where_they_were_measured():
    found = compare.check("w*x", at={"w": 1, "x": 2})
    assert "so a page has them only when asked" in to_html(found)
    cost = compare.break_even("w*x", ["w", "x"], routes=["symbolic", "chain"])
    text = section(to_html(dataclasses.replace(found, cost=cost)), "cost")
    assert "differ from run to run" in text
    assert "Each call" in text
    assert "cost" not in found.to_dict()


def test_the_chain_rule_at_the_worst_point():
    text = to_html(compare.check("(w*x - y)**2", wrt="w", at={"w": 1, "x": 2, "y": 4}))
    steps = text[text.index('id="steps"') :]
    assert "symdiff-picture" in steps
    assert "the value is 4, ∂/∂w = −8." in steps  # (2 - 4)**2, and 2*2*(2 - 4)
    large = sum(sp.Symbol(f"x{k}", real=True) ** 2 for k in range(60))
    assert 'id="steps"' not in to_html(compare.check(large, wrt="x0", points=1))
    assert 'id="steps"' not in to_html(compare.check(models.load("two_layer")))


@pytest.mark.parametrize("subject", ["w*x", models.load("misra1a"), models.load("two_layer"), "Abs(x)"])
def test_headings_descend_one_by_one_and_tables_are_named(subject):
    text = to_html(compare.check(subject, points=3) if isinstance(subject, str) else compare.check(subject))
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert text.count("<table") == text.count("<caption>")
    assert text.count("<main>") == text.count("<nav ") == 1
    assert re.search(r'<a class="skip" href="#status">', text)


def test_ten_parameters_at_64_points_stay_below_a_megabyte():
    names = " + ".join(f"sin(a{k}*x)*exp(-b{k}*x)" for k in range(5))
    found = compare.check(f"({names} - y)**2", wrt=[f"{c}{k}" for k in range(5) for c in "ab"])
    assert len(found.rows) == 640
    text = to_html(found)
    assert len(text.encode()) < 1_000_000
    assert "640 of 640 checks" in text


def test_a_notebook_gets_the_verdict_and_a_short_table():
    rows = [row(Verdict.AGREE) for _ in range(3)]
    names = tuple(f"<b>{k}" for k in range(40))
    text = to_notebook(Comparison("<i>", "x", names, "float64", tuple(rows)))
    assert "<i>" not in text
    assert "<b>" not in text
    assert "and 29 more" in text  # 40 names and w, of which 12 are shown
    bundle = of(*rows)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"] == "<Comparison of 'square': agree, 3 checks>"


def test_a_formula_that_is_right_has_no_error_though_its_number_is_rounded():
    comparison = compare.check_claim("x*log(x)", {"x": "log(x) + 1"}, at=[{"x": 0.3}])
    (detail,) = details(comparison)
    claim = detail.routes[-1]
    assert (claim.name, claim.distance, claim.ratio) == ("claim", 0.0, 0.0)
    assert comparison.claims[0].meaning in ("equal, proved", "equal at the one point tried")
