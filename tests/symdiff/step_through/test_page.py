"""The page of a trace as text: complete, escaped, bounded, the same every time."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
import sympy as sp

import symdiff
from symdiff.cli import main
from symdiff.errors import OptionError
from symdiff.function import Absence
from symdiff.functions import ROWS
from symdiff.step_through.formulas import rule_markup

VOID = {"meta", "input"}
MEGABYTE = 1_000_000


class Page(HTMLParser):
    """Rows of the steps as texts; fails on an element that is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.rows, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag == "tr" and any(name == "data-n" for name, _ in attrs):
            self.rows.append((dict(attrs), []))
        if tag in ("td", "th") and "tbody" in self.open:
            self.rows[-1][1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.rows and self.rows[-1][1] and "tbody" in self.open:
            self.rows[-1][1][-1] += data.strip()


def page(expr, at, **options):
    return Page(symdiff.trace(expr, at, **options).to_html())


def chain_of(count):
    x = sp.Symbol("x", real=True)
    expr = x
    for i in range(count):
        expr = sp.sin(expr, evaluate=False) if i % 2 else sp.Add(expr, x, evaluate=False)
    return symdiff.trace(expr, {x: 0.75})


def test_the_tables_hold_every_step_of_both_passes():
    # by hand: v1 = w*x = 2, v2 = v1 - y = -2, v3 = v2**2 = 4
    rows = page("(w*x - y)**2", {"w": 1, "x": 2, "y": 4}, wrt="w").rows
    assert [cells for attributes, cells in rows if "data-t" not in attributes] == [
        ["2", "v1", "w·x", "1·2", "2", "∂v1∂w=x=2∂v1∂x=w=1"],
        ["3", "v2", "v1−y", "2−4", "−2", "∂v2∂v1=1∂v2∂y=−1"],
        ["4", "v3", "v22", "(−2)2", "4", "∂v3∂v2=2·v2=−4"],
    ]
    assert [cells for attributes, cells in rows if "data-t" in attributes] == [
        ["5", "the start", "v3", "∂v3∂v3", "", "1", "1"],
        ["6", "v3", "v2", "∂v3∂v3·∂v3∂v2", "1·(−4)", "−4", "−4"],
        ["7", "v2", "v1", "∂v3∂v2·∂v2∂v1", "−4·1", "−4", "−4"],
        ["8", "v2", "y", "∂v3∂v2·∂v2∂y", "−4·(−1)", "4", "4"],
        ["9", "v1", "w", "∂v3∂v1·∂v1∂w", "−4·2", "−8", "−8"],
        ["10", "v1", "x", "∂v3∂v1·∂v1∂x", "−4·1", "−4", "−4"],
    ]


def test_a_branch_that_is_not_taken_and_a_condition_say_so():
    rows = page("Piecewise((sin(x), x > 1), (x**2, True))", {"x": 3.0}).rows
    (select,) = [cells for _, cells in rows if "forv" in cells[2]]
    assert "zero by design" in select[5]
    assert "branch not taken" in select[5]


def test_what_is_not_finite_is_said_with_its_reason():
    text = symdiff.trace("log(x)*exp(1000*y)", {"x": 0.0, "y": 1.0}).to_html()
    Page(text)
    assert "<h3>Not finite</h3>" in text
    assert "beyond the range of float64" in text
    assert "NaN" not in text.split("<script>")[0]


@pytest.mark.parametrize("count", [1, 150, 200, 1000, 1990])
def test_every_page_is_below_a_megabyte(count):
    trace = chain_of(count)
    text = trace.to_html()
    assert len(text.encode()) < MEGABYTE
    steps = len(trace.tape.applications) + 1 + sum(len(step.contributions) for step in trace.backward_steps)
    rows = Page(text).rows
    if count <= 1000:
        assert len(rows) == steps
        assert "left out" not in text.split("<script>")[0]
    else:
        told = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) more steps are left out", text)]
        assert sum(told) == steps - len(rows)
    assert ("drawn by layers" in text) == (len(trace) > 200)


def test_what_does_not_fit_is_left_out_and_counted():
    long = [sp.Symbol(f"{'w' * 60}{i}", real=True) for i in range(500)]
    trace = symdiff.trace(sp.Add(*[sp.sin(w) * w for w in long]), dict.fromkeys(long, 1.0), wrt=long[:1])
    text = trace.to_html()
    assert len(text.encode()) < MEGABYTE
    Page(text)


def test_more_than_2000_nodes_are_refused_in_one_line():
    with pytest.raises(OptionError, match="no more than 2,000"):
        chain_of(2100).to_html()


def test_names_cannot_break_out():
    odd = sp.Symbol("</script><img src=x onerror=alert(1)>\x1b\u202e\"'&{{ 7*7 }}", real=True)
    text = symdiff.trace(sp.sin(odd) * odd, {odd: 1.0}).to_html()
    found = Page(text)
    assert "img" not in found.elements
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert text.count("<script") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "49" not in "".join(found.rows[0][1])
    text.encode()


def test_nothing_comes_from_elsewhere_and_only_its_own_script_may_run():
    text = symdiff.trace("w*x", {"w": 3, "x": 2}).to_html()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    rest = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace('"http://www.w3.org/1998/Math/MathML"', "")
    assert not re.search(r"https?:|url\(|@import|@font|href=|src=", rest)


def test_the_same_trace_gives_the_same_bytes():
    first, second = (symdiff.trace("sin(w*x)/y", {"w": 1, "x": 2, "y": 4}) for _ in range(2))
    assert first.to_html() == second.to_html()
    assert first._repr_html_() == second._repr_html_()


def test_a_notebook_shows_the_picture_and_the_tables_without_a_script():
    text = symdiff.trace("(w*x - y)**2", {"w": 1, "x": 2, "y": 4})._repr_html_()
    found = Page(text)
    assert len(found.rows) == 9
    assert "script" not in found.elements
    assert not [name for name, _ in found.attributes if name == "id"]
    # short tables stand open, long ones do not
    assert text.count("<details open>") == 2
    assert "<details open>" not in chain_of(40)._repr_html_()
    assert len(chain_of(1500)._repr_html_().encode()) < 250_000
    assert chain_of(2100)._repr_html_() is None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_rule_of_the_table_is_set_with_all_its_operands(row):
    static = row.special[0][0][row.arity :]
    names = [f"name{i}" for i in range(row.arity)]
    partials = [k for k, p in enumerate(row.partials) if p is not Absence.NONDIFFERENTIABLE]
    whole = rule_markup(row, static, names)
    if row.name == "beta":  # SymPy prints its operands as u and v whatever it is told; the page has its text
        assert whole is None
        return
    assert all(f"<mn>{i}</mn>" in whole for i in range(row.arity))
    for partial in partials:
        markup = rule_markup(row, static, names, partial)
        assert markup is not None
        assert "⟦" not in markup


def test_the_command_writes_the_page_to_a_file_or_to_standard_output(tmp_path, capsys):
    made = symdiff.trace("w*x", {"w": 3, "x": 2}).to_html()
    command = ["trace", "w*x", "--at", "w=3,x=2", "--format", "html"]
    assert main([*command, "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == made
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out == made
    assert main([*command, "--out", str(tmp_path / "none" / "page.html")]) == 2
    assert "there is no folder" in capsys.readouterr().err
