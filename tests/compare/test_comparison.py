import json
import math
import os
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp

from compare.comparison import Comparison, Enclosure, Row, Verdict
from symdiff.errors import OutputError

NOTHING = Enclosure(None, None, None)
THIRD = Enclosure(1 / 3, 1e-30, "0.333333333333333333333333333333")


def row(verdict=Verdict.AGREE, error=1e-17, tolerance=1e-15, **changes):
    numbers = {"symbolic": 1 / 3, "autodiff": 1 / 3, "chain": 1 / 3, "referee": THIRD, "kappa": 1.0}
    given = {"wrt": "w", "at": {"w": 1.0, "x": 2.0}, "reason": "", **numbers, **changes}
    return Row(verdict=verdict, error=error, tolerance=tolerance, **given)


def comparison(*rows, **changes):
    given = {"subject": "line", "expression": "w*x", "wrt": ("w",), "dtype": "float64", **changes}
    return Comparison(rows=rows, **given)


@pytest.mark.parametrize(
    ("verdicts", "worst", "exit_code"),
    [
        ("agree", "agree", 0),
        ("undefined", "undefined", 0),
        ("agree undefined", "agree", 0),
        ("undefined agree undecided", "undecided", 3),
        ("undecided unsupported agree", "unsupported", 3),
        ("unsupported inaccurate undecided", "inaccurate", 1),
        ("agree inaccurate disagree unsupported undecided undefined", "disagree", 1),
        ("", "undecided", 3),
    ],
)
def test_the_worst_row_decides_and_undefined_only_alone(verdicts, worst, exit_code):
    whole = comparison(*(row(Verdict(name)) for name in verdicts.split()))
    assert (whole.verdict, whole.exit_code) == (worst, exit_code)
    assert whole.to_dict()["verdict"] == worst
    assert whole.to_dict()["exit_code"] == exit_code


def test_every_verdict_has_its_own_meaning():
    assert len({verdict.meaning for verdict in Verdict}) == 6


def test_a_row_has_the_keys_of_the_contract():
    keys = ["wrt", "at", "symbolic", "autodiff", "chain", "referee", "verdict", "error", "tolerance", "kappa", "reason"]
    assert list(row().to_dict()) == keys
    assert list(row().to_dict()["referee"]) == ["value", "radius", "digits"]
    assert list(row(slopes=(-1.0, 1.0)).to_dict()) == [*keys, "slopes"]


def test_what_json_cannot_hold_is_null_with_its_reason():
    odd = row(
        Verdict.DISAGREE,
        error=math.inf,
        symbolic=math.nan,
        chain=None,
        at={"w": -math.inf},
        slopes=(math.nan, 1.0),
        referee=Enclosure(math.inf, 1.0, "1e400"),
        reason="autodiff is wrong",
    ).to_dict()
    assert json.loads(json.dumps(odd, allow_nan=False)) == odd
    assert (odd["symbolic"], odd["chain"], odd["error"], odd["at"]) == (None, None, None, {"w": None})
    assert odd["referee"] == {"value": None, "radius": 1.0, "digits": "1e400"}
    assert odd["slopes"] == [None, 1.0]
    for part in (
        "autodiff is wrong",
        "symbolic is nan",
        "error is inf",
        "w is -inf",
        "referee is inf",
        "left slope is nan",
    ):
        assert part in odd["reason"]
    assert "no number for chain" in odd["reason"]


def test_a_reason_is_not_said_twice():
    assert (
        row(Verdict.DISAGREE, symbolic=math.nan, reason="symbolic is nan at node 3").explanation.count("symbolic") == 1
    )
    refused = Row.without_numbers("w", Verdict.UNSUPPORTED, "zeta at args[0] has no row")
    assert refused.to_dict()["reason"] == "zeta at args[0] has no row"


@pytest.mark.parametrize("number", [0.1, 0.1 + 2**-56, -0.1, 3.5e300])
def test_the_distance_is_exact_where_floats_would_lose_it(number):
    true = abs(Fraction(number) - Fraction(1, 10))
    assert Enclosure(0.1, 0.0, "0.1").distance(number) == float(true)


def test_the_distance_is_counted_from_the_edge_of_the_enclosure():
    assert Enclosure(1.0, 0.25, "1").distance(1.75) == 0.5
    assert Enclosure(1.0, 0.25, "1").distance(1.2) == 0.0


def test_the_distance_of_what_is_no_number():
    assert Enclosure(1.0, 0.0, "1").distance(None) is None
    assert NOTHING.distance(1.0) is None
    assert math.isnan(Enclosure(1.0, 0.0, "1").distance(math.nan))
    assert Enclosure(1.0, 0.0, "1").distance(-math.inf) == math.inf
    assert Enclosure(math.inf, 0.0, "1e400").distance(math.inf) == 0.0
    assert Enclosure(0.0, 0.0, "1e-400").distance(0.0) == 0.0


def test_a_long_decimal_string_is_known_to_its_last_digit_only():
    assert Enclosure(0.1, 0.0, "0.1000000000000000055511151").distance(0.1) == 0.0  # the float itself, rounded
    assert Enclosure(0.1, 0.0, "0.1000000000000000055511151").distance(0.2) == pytest.approx(0.1)


def test_an_infinite_number_in_a_row_that_agrees_is_the_rounded_truth():
    beyond = {"symbolic": math.inf, "referee": Enclosure(1e39, 1e10, "1e39")}
    assert row(Verdict.AGREE, **beyond).distance("symbolic") == 0.0
    assert row(Verdict.DISAGREE, **beyond).distance("symbolic") == math.inf


def test_the_worst_row_is_the_one_with_the_worst_verdict_then_the_largest_error():
    small, large = row(error=1e-16), row(error=5e-16)
    assert comparison(small, large).worst() is large
    lossy = row(Verdict.INACCURATE, error=1e-3, tolerance=1.0)
    lossier = row(Verdict.INACCURATE, error=1e-2, tolerance=1e6)
    assert comparison(large, lossy, lossier, small).worst() is lossier
    wrong, nan = row(Verdict.DISAGREE, error=1.0), row(Verdict.DISAGREE, error=math.nan)
    assert comparison(lossy, wrong, nan, small).worst() is nan
    assert comparison().worst() is None


def test_counts_and_points():
    whole = comparison(row(), row(wrt="b"), row(Verdict.UNDEFINED, at={"w": 0.0}))
    assert {verdict: count for verdict, count in whole.counts.items() if count} == {"agree": 2, "undefined": 1}
    assert whole.points == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row()], "line: agree; 1 check at 1 point in float64: 1 agree; worst error 1e-17 (0.01 of its tolerance)"),
        ([row(at={f"x{k}": 0.0 for k in range(10)})], "x7 = 0 and 2 more."),
        ([row(Verdict.DISAGREE, error=math.nan, chain=math.nan)], "chain is nan in ∂/∂w at w = 1, x = 2."),
        ([Row.without_numbers("w", Verdict.UNSUPPORTED, "zeta has no row.")], "1 unsupported; zeta has no row."),
    ],
)
def test_the_summary_says_what_was_found(rows, said):
    assert said in comparison(*rows).summary()


def test_the_summary_is_one_line_that_cannot_steer_a_terminal():
    text = comparison(row(), subject="a\x1b[31m\nb").summary()
    assert text.isprintable()
    assert r"a\x1b[31m\nb" in text


def test_a_deep_formula_is_named_in_json_without_recursion():
    x = sp.Symbol("x")
    deep = x
    for _ in range(5_000):
        deep = sp.tanh(deep, evaluate=False)
    doubled = x
    for _ in range(200):
        doubled = sp.Add(doubled, sp.Mul(doubled, doubled, evaluate=False), evaluate=False)
    formulas = comparison(row(), formulas={"x": deep, "y": doubled, "z": x**2}).to_dict()["formulas"]
    assert formulas == {
        "x": "(a formula of 5,001 nodes nested 5,000 deep, not written out)",
        "y": "(a formula of more than 10,000 nodes, not written out)",
        "z": "x**2",
    }


@pytest.mark.parametrize("name", ["r.html", "r.json", "r.md", "R.JSON", 'it\'s "r".html'])
def test_save_writes_the_form_that_the_ending_names(tmp_path, name):
    comparison(row()).save(tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.startswith({".html": "<!doctype html>", ".json": "{", ".md": "# line"}[Path(name).suffix.lower()])
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208 the point is that no other file is left


def test_saved_json_is_the_dict(tmp_path):
    whole = comparison(row(symbolic=math.nan), seed=3, versions={"sympy": "1.14"})
    whole.save(str(tmp_path / "r.json"))
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == whole.to_dict()


@pytest.mark.parametrize("name", ["r.txt", "r", "", "r.html.gz"])
def test_save_refuses_another_ending_and_names_the_three(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=r"end its name in \.html, \.json or \.md$"):
        comparison(row()).save(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder.html", "cannot be written .Is a directory"),
        ("missing/r.html", "cannot be written .No such file or directory"),
        ("file/r.html", "cannot be written .Not a directory"),
        ("zero\0byte.html", "cannot be written .embedded null byte"),
        ("/proc/r.html", "give a file in a folder you may write to"),
    ],
)
def test_a_path_that_cannot_be_written_gives_one_line(tmp_path, name, message):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=message) as caught:
        comparison(row()).save(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.html"]


def test_a_failed_write_keeps_the_old_report_and_leaves_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "r.md"
    path.write_text("old", encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        comparison(row()).save(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real.md").touch()
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    comparison(row()).save(tmp_path / "link.md")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_text(encoding="utf-8").startswith("# line")


@pytest.mark.parametrize(("ending", "written"), [("html", r"a\udcff"), ("json", r"a\udcff"), ("md", r"a\\udcff")])
def test_half_a_surrogate_pair_from_a_file_name_can_be_saved(tmp_path, ending, written):
    path = tmp_path / f"r.{ending}"
    comparison(row(), subject="a\udcff").save(path)
    text = path.read_text(encoding="utf-8")
    assert written in text
    assert ending != "json" or json.loads(text)["subject"] == "a\udcff"
