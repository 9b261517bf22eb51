import itertools
import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sympy as sp
from markdown_it import MarkdownIt

from compare.comparison import Comparison, Enclosure, Row, Verdict
from compare.report import GLYPHS, TEMPLATES, code, escape_markdown, to_html, to_markdown

w, b, x = sp.symbols("w b x")
VOID = {"meta", "link", "br", "img", "input", "hr"}
NASTY = (
    "<script>alert(1)</script>|`\"'&{{ 71*73 }}\\href{javascript:x}{y} ](http://evil) <!-- --> $x$ @me \u202e\x1b[31m"
)


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on elements that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def tags(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.texts))


def row(verdict=Verdict.AGREE, wrt="w", **changes):
    given = {
        "at": {"w": 0.1, "x": 2.0},
        "symbolic": 0.1,
        "autodiff": 0.1,
        "chain": 0.1,
        "referee": Enclosure(0.1, 3e-31, "0.100000000000000000000000000001"),
        "error": 5.6e-18,
        "tolerance": 2.2e-17,
        "kappa": 1.5,
        "reason": "",
        **changes,
    }
    return Row(wrt=wrt, verdict=verdict, **given)


def kink(**changes):
    nothing = {"referee": Enclosure(None, None, None), "error": None, "tolerance": None, "kappa": None}
    given = {"autodiff": 1.0, "symbolic": 0.0, "chain": 0.0, "slopes": (-1.0, 1.0), "reason": "kink of Abs(x)"}
    return row(Verdict.UNDEFINED, **nothing, **{**given, **changes})


def comparison(*rows, **changes):
    given = {
        "subject": "line",
        "expression": "w*x + b",
        "wrt": ("w", "b"),
        "dtype": "float64",
        "seed": 7,
        "model": w * x + b,
        "formulas": {"w": x, "b": sp.Integer(1)},
        "operations": {"model": 3},
        "constants": {"tolerance factor": 4.0},
        "facts": {"data": "5 rows"},
        "versions": {"sympy": "1.14.0"},
        "command": "symdiff check line",
        **changes,
    }
    return Comparison(rows=rows, **given)


def nasty():
    rows = (row(wrt=NASTY, at={NASTY: 1.0}, reason=NASTY), kink(wrt=NASTY, at={NASTY: 0.0}, reason=NASTY))
    symbol = sp.Symbol(NASTY)
    table = {NASTY: NASTY}
    return Comparison(
        subject=NASTY,
        expression=NASTY,
        wrt=(NASTY,),
        dtype="float64",
        rows=(*rows, row(Verdict.DISAGREE, wrt="t", at={}, reason=NASTY)),
        model=symbol**2,
        formulas={NASTY: 2 * symbol, "t": NASTY},
        operations={NASTY: 1},
        constants={NASTY: 1.0},
        facts=table,
        versions=table,
        command=NASTY,
    )


def test_the_page_stands_alone_and_is_accessible():
    text = to_html(comparison(row(), row(wrt="b"), kink()))
    page = Page(text)
    assert page.tags("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in page.tags("meta")
    assert "viewport" in [meta.get("name") for meta in page.tags("meta")]
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    assert re.findall(r"https?://[^\s\"<]+", text.replace("http://www.w3.org/1998/Math/MathML", "")) == []
    assert len(page.tags("caption")) == len(page.tags("table")) >= 5
    assert {head.get("scope") for head in page.tags("th")} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["href"].removeprefix("#") for a in page.tags("a")} <= set(ids)
    assert len(page.tags("math")) >= 3


def test_the_sections_stand_in_their_order():
    text = to_html(comparison(row(), kink()))
    headings = re.findall(r"<h2 id=\"(\w+)\"", text)
    assert headings == ["status", "model", "gradient", "worst", "undefined", "rows", "cost", "reproduce"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_reads_without_colour(verdict):
    page = Page(to_html(comparison(row(verdict))))
    assert f"{GLYPHS[verdict]} {verdict}" in page.text
    assert f"Exit code {verdict.exit_code}." in page.text
    assert len(set(GLYPHS.values())) == len(Verdict)
    assert f"# line: {GLYPHS[verdict]} {verdict}" in to_markdown(comparison(row(verdict))).replace("\\", "")


def test_a_worst_point_shows_17_digits_and_the_enclosure():
    shown = row(Verdict.DISAGREE, chain=0.30000000000000004, error=0.2, reason="chain: wrong sign at node 3")
    for text in (Page(to_html(comparison(shown))).text, to_markdown(comparison(shown))):
        assert "0.10000000000000001" in text  # 17 digits of 0.1
        assert "0.30000000000000004" in text
        assert re.search(r"0\.100000000000000000000000000001[ |]+± 3e-31", text)
        assert "chain: wrong sign at node 3" in text


def test_an_undefined_point_shows_slopes_and_what_each_route_returns():
    text = to_html(comparison(row(), kink(symbolic=0.5, chain=0.25)))
    section = text[text.index('id="undefined"') : text.index('id="rows"')]
    cells = re.findall(r'<td class="number">(.*?)</td>', section)
    assert cells == ["-1", "1", "0.5", "1", "0.25"]
    assert "kink of Abs(x)" in section


def test_every_table_of_numbers_names_the_dtype():
    text = to_html(comparison(row(), kink(), dtype="float32"))
    for table in re.findall(r"<table.*?</table>", text, flags=re.DOTALL):
        assert "float32" in table[: table.index("<tbody>")]


@pytest.mark.parametrize("render", [to_html, to_markdown])
def test_the_same_comparison_gives_the_same_bytes_in_another_process(render, tmp_path):
    script = tmp_path / "again.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_report import comparison, row, kink\nimport compare.report, sympy as sp\n"
        f"text = compare.report.{render.__name__}(comparison(row(), kink(), model=sp.sympify('a*b+c*d+exp(k)*a/q')))\n"
        "sys.stdout.buffer.write(text.encode())\n",
        encoding="utf-8",
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "12345"}
    again = subprocess.run(  # noqa: S603 our own script
        [sys.executable, script, Path(__file__).parent], env=environment, capture_output=True, check=True
    )
    here = render(comparison(row(), kink(), model=sp.sympify("a*b+c*d+exp(k)*a/q")))
    assert again.stdout.decode() == here


def test_no_user_text_becomes_markup():
    page = Page(to_html(nasty()))
    assert not {"script", "img", "i"} & {tag for tag, _ in page.elements}
    attributes = {name for _, given in page.elements for name in given}
    assert not any(name.startswith("on") for name in attributes)
    assert {a["href"][0] for a in page.tags("a")} == {"#"}
    shown = NASTY.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")
    places = 0
    for text in page.texts:
        places += shown in text
    assert places >= 12  # title, heading, expression, fact, version, command, reasons, formula, ...
    assert "5183" not in page.text
    assert "\u202e" not in page.text


def test_no_user_text_becomes_markdown():
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(nasty()))
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} == {"text", "code_inline", "strong_open", "strong_close"}
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert [re.sub(r"[\d,]+", "n", block.strip()) for block in blocks] == [
        "<details><summary>n of n checks</summary>",
        "</details>",
    ]
    shown = NASTY.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")
    assert tokens[1].content.count("\n") == 0
    assert "".join(child.content for child in tokens[1].children) == f"{shown}: ✗ disagree"
    cells = [
        "".join(child.content for child in inside.children)
        for token, inside in itertools.pairwise(tokens)
        if token.type == "td_open"
    ]
    # the undefined row whole: no name has split, moved or swallowed a cell
    first = cells.index(f"{shown} = 0.0") - 1
    assert cells[first : first + 8] == [f"∂/∂{shown}", f"{shown} = 0.0", "-1", "1", "0", "1", "0", shown]


def test_markdown_escapes():
    assert code("plain") == "`plain`"
    assert code("`a`") == "`` `a` ``"
    assert code("a|b", cell=True) == r"`a\|b`"
    assert code("") == "(empty)"
    assert escape_markdown("@me & <i>") == "&#64;me &amp; &lt;i&gt;"
    assert escape_markdown("*_[x](y)#") == r"\*\_\[x\](y)\#"


def test_a_large_comparison_stays_below_a_megabyte_and_says_what_is_left_out():
    names = tuple(f"w_{k}" for k in range(500))
    at = dict.fromkeys(names, 1 / 3)
    long = sum(sp.Symbol(name) * sp.tanh(sp.Symbol(name)) for name in names[:60])
    verdicts = (Verdict.DISAGREE, Verdict.UNDEFINED)
    rows = [row(verdicts[k % 2], wrt=names[k % 500], at=at, reason="why " * 2_000) for k in range(3_000)]
    whole = comparison(
        *rows, wrt=names, formulas=dict.fromkeys(names, long), expression="x" * 10**6, subject="s" * 10**5
    )
    page = to_html(whole)
    assert len(page.encode()) < 1_000_000
    assert "300 more partial derivatives are left out here; the JSON holds all." in page
    left_out = re.search(r"([\d,]+) more checks are left out here; the JSON holds all", page)
    shown = re.search(r"<summary>([\d,]+) of 3,000 checks", page)
    assert int(shown[1].replace(",", "")) + int(left_out[1].replace(",", "")) == 3_000
    assert len(to_markdown(whole).encode()) < 1_000_000


def test_two_thousand_ordinary_rows_are_shown():
    page = to_html(comparison(*[row() for _ in range(2_500)]))
    assert re.search(r"<summary>([\d,]+) of 2,500", page)[1] == "2,000"
    assert len(page.encode()) < 1_000_000


def test_a_formula_of_any_depth_can_be_reported():
    deep = x
    for _ in range(20_000):
        deep = sp.tanh(deep, evaluate=False)
    text = to_html(comparison(row(), model=deep, formulas={"w": deep}))
    assert "a formula of more than 10,000 nodes, not written out" in text


@pytest.mark.parametrize("render", [to_html, to_markdown])
def test_nothing_but_a_refusal_can_be_reported(render):
    refused = Row.without_numbers("w", Verdict.UNSUPPORTED, "zeta at args[0] has no row in the function table")
    assert "zeta at args" in render(comparison(refused, seed=None, command=None))
    assert "undecided" in render(comparison())


def test_numbers_that_are_none_are_named():
    text = Page(to_html(comparison(row(Verdict.DISAGREE, symbolic=math.nan, error=math.nan, autodiff=-math.inf)))).text
    assert "symbolic is nan" in text
    assert "autodiff is -inf" in text


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_contrast_on_its_ground(scheme):
    """The contrast of WCAG 2.2, success criterion 1.4.3: at least 4.5."""
    style = (TEMPLATES / "style.css.j2").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*--page[^}]*)\}", style)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme]))
    pairs = [(text, ground) for text in ("text", "muted", "link") for ground in ("page", "panel")]
    pairs += [(verdict, f"{verdict}-back") for verdict in Verdict] + [
        ("text", f"{verdict}-back") for verdict in Verdict
    ]
    for text, ground in pairs:
        bright, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
