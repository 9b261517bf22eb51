"""Names, numbers and points as a page or Markdown has them; Markdown's own escaping."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Table:
    """Rows of texts under their heads; `left_out` of them do not stand here."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


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


def table(given: Table) -> MarkdownSafe:
    r"""Write a table, its first column to the left and the others to the right.

    >>> print(table(Table(("name", "value"), (("a|b", "1"),), left_out=2)))
    | name | value |
    | --- | ---: |
    | a\|b | 1 |
    <BLANKLINE>
    2 more are left out; the JSON holds all.
    """
    lines = [given.heads, ("---", *["---:"] * (len(given.heads) - 1)), *given.rows]
    written = [" | ".join(cell if k == 1 else escape_markdown(cell) for cell in line) for k, line in enumerate(lines)]
    more = [f"\n{given.left_out:,} more are left out; the JSON holds all."] if given.left_out else []
    return MarkdownSafe("\n".join([f"| {line} |" for line in written] + more))
