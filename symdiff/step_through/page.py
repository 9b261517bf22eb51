"""The step-through of a trace: one HTML page without network, or the same steps as a static part of another page.

The same trace gives the same bytes. Without JavaScript the page is its tables; with it, its own script walks through
them, and a quiz hides an adjoint. What would make the page larger than a megabyte is left out, and the page says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import jinja2
from markupsafe import Markup

from symdiff.pictures.palette import DARK, LIGHT
from symdiff.step_through.lesson import Lesson, lesson
from symdiff.tracing import Trace

TEMPLATES = Path(__file__).parent / "templates"
PAGE_BYTES, NOTEBOOK_BYTES, FORWARD_SHARE = 960_000, 200_000, 0.45
# lines beside the picture; a gradient of more is in the table
LISTED = 8
# steps up to which the tables of a part stand open
OPENED = 30


@dataclass(frozen=True)
class Rows:
    """Rows of a table, and how many did not fit."""

    rows: tuple[Markup, ...]
    left_out: int


def page_of(trace: Trace) -> str:
    """The whole page of a trace.

    >>> from symdiff.tracing import trace
    >>> page = page_of(trace("w*x", {"w": 3, "x": 2}))
    >>> page.startswith("<!doctype html>"), page.count("<tr data-n=")
    (True, 4)
    """
    found = lesson(trace)
    script = (TEMPLATES / "walk.js").read_text(encoding="utf-8")
    return _rendered(
        "page.html.j2",
        found,
        PAGE_BYTES,
        script=Markup(script),  # noqa: S704 our own file
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        adjoints=json.dumps(found.adjoints, allow_nan=False),
        entries=json.dumps(found.entries, ensure_ascii=False),
    )


def part_of(trace: Trace, limit: int = PAGE_BYTES) -> str:
    """The picture and the tables of a trace, to stand in a notebook or a report: no script, at most `limit` bytes.

    >>> from symdiff.tracing import trace
    >>> "<script" in part_of(trace("w*x", {"w": 3, "x": 2}))
    False
    """
    return _rendered("part.html.j2", lesson(trace), limit)


def _rendered(template: str, found: Lesson, limit: int, **more: Any) -> str:
    environment = _environment()
    page = environment.get_template(template)
    context = {"lesson": found, "picture": Markup(found.picture.svg), "listed": LISTED, "opened": OPENED, **more}  # noqa: S704 escapes
    rows = environment.get_template("rows.html.j2").module
    left = limit - len(page.render(context, forward=Rows((), 0), backward=Rows((), 0)).encode())
    # what the forward pass does not need is left for the backward pass, which is the longer one
    forward, spent = _fitting(
        (cast(Any, rows).forward(i, row) for i, row in enumerate(found.forward, 2)),
        len(found.forward),
        left * FORWARD_SHARE,
    )
    first = len(found.forward) + 2
    backward, _ = _fitting(
        (cast(Any, rows).backward(i, row) for i, row in enumerate(found.backward, first)),
        len(found.backward),
        left - spent,
    )
    return page.render(context, forward=forward, backward=backward)


def _fitting(lines: Iterable[Markup], count: int, limit: float) -> tuple[Rows, int]:
    """The first of the lines that fit into so many bytes, and how many bytes they have."""
    kept: list[Markup] = []
    spent = 0
    for line in lines:
        size = len(line.encode())
        if spent + size > limit:
            break
        spent += size
        kept.append(line)
    return Rows(tuple(kept), count - len(kept)), spent


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    names = cast(dict[str, Any], environment.globals)
    names |= {"light": LIGHT, "dark": DARK}
    return environment
