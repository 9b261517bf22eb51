"""Names, numbers and points as a page or Markdown has them; Markdown's own escaping."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from compare.formula import visible
from compare.verdict import Verdict

GLYPHS = {
    Verdict.DISAGREE: "✗",
    Verdict.INACCURATE: "≈",
    Verdict.UNSUPPORTED: "⊘",
    Verdict.UNDECIDED: "?",
    Verdict.AGREE: "✓",
    Verdict.UNDEFINED: "◇",
}
COORDINATES, NAME = 24, 120


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
