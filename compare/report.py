"""Write a comparison as one HTML page or as Markdown, from the templates beside this module.

The same comparison gives the same bytes: no time, no random names. The page needs neither network nor script and stays
below a megabyte: what is long is cut, the page says how much, and the JSON holds everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import jinja2
import sympy as sp
from markupsafe import Markup

from compare.claims.outcome import MEANINGS
from compare.comparison import Comparison
from compare.digest import partials, statuses
from compare.formula import as_mathml, as_text, partial_mathml, visible
from compare.reports.conditions import conditions
from compare.reports.details import details
from compare.reports.runs import cost_view, course_view, fit_view, parameter_view
from compare.reports.steps import steps_view
from compare.reports.texts import GLYPHS, NAME, brief, code, coordinates, escape_markdown, exact, short, table
from compare.row import ROUTES, Row
from compare.verdict import Verdict

__all__ = ["GLYPHS", "TEMPLATES", "code", "escape_markdown", "to_html", "to_markdown", "to_notebook"]

TEMPLATES = Path(__file__).parent / "templates"
# The page in order.
SECTIONS = (
    ("verdict", ""),
    ("claims", "Claims"),
    ("status", "Status"),
    ("model", "Model"),
    ("gradient", "Gradient"),
    ("worst", "Worst points"),
    ("steps", "Chain rule"),
    ("undefined", "Undefined points"),
    ("rows", "All checks"),
    ("training", "Training"),
    ("fit", "Fit"),
    ("cost", "Cost"),
    ("reproduce", "Reproduce"),
)
ROWS, PARTIALS, UNDEFINED = 2_000, 200, 100
# formulas that are seen without being asked for
OPENED = 12
PAGE_BYTES, FORMULA_BYTES, UNDEFINED_BYTES = 950_000, 250_000, 100_000
MARKDOWN_ROWS, NOTEBOOK_ROWS = 100, 12


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


def _formula(formula: sp.Basic | str) -> Formula:
    mathml = as_mathml(formula)
    # Nothing but elements of MathML and escaped names: symdiff.formula.mathml checks it.
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


def _context(comparison: Comparison) -> dict[str, Any]:
    found = partials(comparison)
    given = [comparison.formulas.get(partial.wrt, "not given") for partial in found[:PARTIALS]]
    gradient = tuple(zip(found, _formulas(given, FORMULA_BYTES), strict=False))
    meanings = {verdict: verdict.meaning for verdict in Verdict} | (MEANINGS if comparison.claims else {})
    return {
        "comparison": comparison,
        "counts": {verdict: count for verdict, count in comparison.counts.items() if count},
        "meanings": meanings,
        "gradient": Shown(gradient, len(found) - len(gradient)),
        "formulas_open": len(gradient) <= OPENED and all(f.mathml or len(f.text) <= NAME for _, f in gradient),
        "model": _formula(comparison.expression if comparison.model is None else comparison.model),
        "parameters": parameter_view(comparison),
        "statuses": statuses(comparison),
        "conditions": conditions(comparison),
        "worst": details(comparison),
        "steps": steps_view(comparison),
        "training": course_view(comparison),
        "fit": fit_view(comparison),
        "cost": cost_view(comparison),
        # a run has an exit code of its own
        "exit_code": comparison.exit_code if comparison.course is comparison.fitted is None else None,
    }


def _undefined(comparison: Comparison) -> list[Row]:
    return [row for row in comparison.rows if row.verdict is Verdict.UNDEFINED]


def _finish_html(value: Any) -> Any:
    """Spell out control characters and cut what is endless; escaping follows by jinja2 itself."""
    return value if isinstance(value, Markup | int) else visible(str(value))


def _partial_html(wrt: str) -> Markup | str:
    mathml = partial_mathml(wrt)
    return Markup(mathml) if mathml else f"∂/∂{short(wrt)}"  # noqa: S704 as in _formula


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
        "table": table,
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


def to_html(comparison: Comparison, *, beside: bool = False) -> str:
    """Return the comparison as one self-contained page; `beside` says that its JSON stands beside it.

    >>> to_html(Comparison("line", "w*x + b", ("w",), "float64", ())).startswith("<!doctype html>")
    True
    """
    page = _environment("html").get_template("report.html.j2")
    context = _context(comparison) | {"beside": beside}
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


def to_notebook(comparison: Comparison) -> str:
    """Return the verdict and the table of the gradient, as a notebook shows them.

    >>> "undecided" in to_notebook(Comparison("line", "w*x + b", ("w",), "float64", ()))
    True
    """
    shown = _cut(partials(comparison), NOTEBOOK_ROWS)
    return _environment("html").get_template("notebook.html.j2").render(comparison=comparison, gradient=shown)
