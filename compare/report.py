"""Write a comparison as one HTML page or as Markdown, from the templates beside this module.

The same comparison gives the same bytes: no time, no random names. The page needs neither network nor script and stays
below a megabyte: what is long is cut, the page says how much, and the JSON holds everything.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import jinja2
import sympy as sp
from markupsafe import Markup

from compare.comparison import Comparison
from compare.digest import DECIDED, digits, partials, statuses, ulps, worst_rows
from compare.formula import as_mathml, as_text, partial_mathml, visible
from compare.row import ROUTES, Row
from compare.verdict import Verdict

TEMPLATES = Path(__file__).parent / "templates"
# The page in order; a later part of the story (training, cost) is one more template here.
SECTIONS = ("verdict", "claims", "status", "model", "gradient", "worst", "undefined", "rows", "reproduce")
GLYPHS = {
    Verdict.DISAGREE: "✗",
    Verdict.INACCURATE: "≈",
    Verdict.UNSUPPORTED: "⊘",
    Verdict.UNDECIDED: "?",
    Verdict.AGREE: "✓",
    Verdict.UNDEFINED: "◇",
}
ROWS, PARTIALS, UNDEFINED, COORDINATES, NAME = 2_000, 200, 100, 24, 120
PAGE_BYTES, FORMULA_BYTES, UNDEFINED_BYTES = 950_000, 250_000, 100_000
MARKDOWN_ROWS = 100


@dataclass(frozen=True)
class Formula:
    """A formula ready for a page: MathML where it can be set, and its text."""

    mathml: Markup | None
    text: str


@dataclass(frozen=True)
class Shown:
    """The part of a long list that is shown, and how many of its entries are not."""

    rows: tuple[Any, ...]
    left_out: int


def short(text: str) -> str:
    """Cut a name or title to the length of one or two lines.

    >>> len(short("w" * 1000))
    120
    """
    return visible(text, NAME)


def exact(value: float | None) -> str:
    """Write a number with 17 significant digits, which name one float64 and no other.

    >>> exact(0.1)
    '0.10000000000000001'
    """
    return "none" if value is None else f"{value:.17g}"


def brief(value: float | None) -> str:
    """Write a number with three significant digits.

    >>> brief(1.23456e-7)
    '1.23e-07'
    """
    return "none" if value is None else f"{value:.3g}"


def coordinates(at: Mapping[str, float]) -> list[str]:
    """Write each coordinate of a point so that it reads back as the same number.

    >>> coordinates({"w": 1.0, "x": 0.1})
    ['w = 1.0', 'x = 0.1']
    """
    # a length, or the number of a point, is a whole number
    first = itertools.islice(at.items(), COORDINATES)
    shown = [f"{short(name)} = {value if isinstance(value, int) else float(value)!r}" for name, value in first]
    return shown + [f"and {len(at) - COORDINATES:,} more"] * (len(at) > COORDINATES)


def _formula(formula: sp.Basic | str) -> Formula:
    mathml = as_mathml(formula)
    # Nothing but elements of MathML and escaped names: compare.formula checks it.
    return Formula(Markup(mathml) if mathml else None, as_text(formula))  # noqa: S704


def _formulas(formulas: Iterable[sp.Basic | str], budget: int) -> Iterator[Formula]:
    """Set formulas until their bytes are spent; from then on say where they stand."""
    for formula in formulas:
        if budget < 0:
            yield Formula(None, "(left out here; the JSON holds it)")
            continue
        ready = _formula(formula)
        budget -= len(ready.mathml or visible(ready.text).encode())
        yield ready


def _cut(rows: Iterable[Any], limit: int) -> Shown:
    rows = tuple(rows)
    return Shown(rows[:limit], max(0, len(rows) - limit))


def _detail(row: Row, dtype: str) -> dict[str, Any]:
    """Open one row up: each route's number with its distance from the enclosure, in several measures."""
    routes: list[dict[str, Any]] = []
    for name in ROUTES:
        distance = row.distance(name)
        error = distance if row.verdict in DECIDED else None  # a wide enclosure says nothing of a route's own error
        measures = {"ulps": ulps(error, row.referee.value, dtype), "digits": digits(error, row.referee.value, dtype)}
        allowed = row.allowed(name)
        measures["ratio"] = error / allowed if error is not None and allowed else None
        routes.append({"name": name, "value": row.route(name), "distance": distance, **measures})
    return {"row": row, "routes": routes}


def _context(comparison: Comparison) -> dict[str, Any]:
    found = partials(comparison)
    given = [comparison.formulas.get(partial.wrt, "not given") for partial in found[:PARTIALS]]
    gradient = tuple(zip(found, _formulas(given, FORMULA_BYTES), strict=False))
    return {
        "comparison": comparison,
        "counts": {verdict: count for verdict, count in comparison.counts.items() if count},
        "gradient": Shown(gradient, len(found) - len(gradient)),
        "model": _formula(comparison.expression if comparison.model is None else comparison.model),
        "statuses": statuses(comparison),
        "worst": [_detail(row, comparison.dtype) for row in worst_rows(comparison)],
    }


def _undefined(comparison: Comparison) -> list[Row]:
    return [row for row in comparison.rows if row.verdict is Verdict.UNDEFINED]


def _finish_html(value: Any) -> Any:
    """Spell out control characters and cut what is endless; escaping follows by jinja2 itself."""
    return value if isinstance(value, Markup | int) else visible(str(value))


def _partial_html(wrt: str) -> Markup | str:
    mathml = partial_mathml(wrt)
    return Markup(mathml) if mathml else f"∂/∂{short(wrt)}"  # noqa: S704 as in _formula


class MarkdownSafe(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape_markdown(value: Any) -> MarkdownSafe:
    r"""Escape what Markdown, its tables, its mathematics and HTML in it would read as theirs.

    >>> print(escape_markdown("a|b <i> `c` $d$"))
    a\|b &lt;i&gt; \`c\` \$d\$
    """
    if isinstance(value, MarkdownSafe):
        return value
    text = re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", visible(str(value)))
    return MarkdownSafe(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;"))


def code(value: Any, cell: bool = False) -> MarkdownSafe:
    r"""Write text as code that its own backticks cannot end; within a table's cell a bar is escaped even in code.

    >>> print(code("a`b"), code("x|y", cell=True))
    ``a`b`` `x\|y`
    """
    text = visible(str(value)).replace("|", "\\|" if cell else "|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return MarkdownSafe(f"{fence}{space}{text}{space}{fence}") if text.strip() else MarkdownSafe("(empty)")


@cache
def _environment(kind: str) -> jinja2.Environment:
    finalize: Callable[[Any], Any] = _finish_html if kind == "html" else escape_markdown
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=kind == "html",  # noqa: S701 Markdown is escaped by finalize, every value without exception
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # jinja2 annotates neither table, so pyright takes what they hold at first for all that they may hold
    filters, names = cast(dict[str, Any], environment.filters), cast(dict[str, Any], environment.globals)
    filters |= {
        "short": short,
        "exact": exact,
        "brief": brief,
        "coordinates": coordinates,
        "partial": _partial_html,
        "code": code,
    }
    names |= {"glyphs": GLYPHS, "routes": ROUTES, "sections": SECTIONS, "Verdict": Verdict}
    return environment


def _lines(name: str, rows: Sequence[Row], limit: int, budget: int) -> Shown:
    """Write rows of a table with a macro, until their number or their bytes are used up."""
    write = getattr(_environment("html").get_template("lines.html.j2").module, name)
    lines: list[Markup] = []
    for row in itertools.islice(rows, limit):
        line = write(row)
        budget -= len(line.encode())
        if budget < 0:
            break
        lines.append(line)
    return Shown(tuple(lines), len(rows) - len(lines))


def to_html(comparison: Comparison) -> str:
    """Return the comparison as one self-contained page.

    >>> to_html(Comparison("line", "w*x + b", ("w",), "float64", ())).startswith("<!doctype html>")
    True
    """
    page = _environment("html").get_template("report.html.j2")
    context = _context(comparison)
    context["undefined"] = _lines("undefined", _undefined(comparison), UNDEFINED, UNDEFINED_BYTES)
    rest = page.render(context, rows=Shown((), len(comparison.rows)))
    return page.render(context, rows=_lines("check", comparison.rows, ROWS, PAGE_BYTES - len(rest.encode())))


def to_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown for GitHub.

    >>> to_markdown(Comparison("line", "w*x + b", ("w",), "float64", ())).splitlines()[0]
    '# line: ? undecided'
    """
    page = _environment("markdown").get_template("report.md.j2")
    undefined, rows = _cut(_undefined(comparison), UNDEFINED), _cut(comparison.rows, MARKDOWN_ROWS)
    return page.render(_context(comparison), undefined=undefined, rows=rows)
