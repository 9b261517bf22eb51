"""Tables and lines on a terminal: coloured and aligned there, plain text in a pipe, nothing broken in a narrow window.

rich looks after colour (none in a pipe, with NO_COLOR or on a dumb terminal) and width (of the terminal, or COLUMNS).
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST = 40
GAP = 2
# so far a flexible column is cut before the table becomes a list
NARROWEST_COLUMN = 10
# what an encoding without these signs shows instead
PLAIN = str.maketrans({"∂": "d", "∞": "inf", "±": "+-", "κ": "kappa", "…": "..", "─": "-"})
STYLES = {
    "agree": "bold green",
    "undefined": "bold cyan",
    "inaccurate": "bold yellow",
    "disagree": "bold red",
    "undecided": "bold magenta",
    "unsupported": "bold magenta",
}


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether its cells stand to the right, and how they are made to fit, if they may be."""

    heading: str
    right: bool = False
    fit: Literal["", "cut", "wrap"] = ""


@dataclass(frozen=True)
class Screen:
    """Where a command writes its text, by way of rich."""

    console: Console

    @property
    def width(self) -> int:
        """Columns of the terminal, at least 40."""
        return max(NARROWEST, self.console.width)

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write a line, broken between words where it is longer than the screen."""
        self._write("\n".join(_wrapped(text, self.width, indent)), style)

    def prose(self, text: str) -> None:
        """Write a paragraph."""
        self._write("\n".join(textwrap.wrap(text, self.width, break_on_hyphens=False)), "")

    def lines(self, text: str) -> None:
        """Write a text line by line, and break only those that are too long."""
        for line in text.splitlines():
            self.line(line)

    def verbatim(self, text: str, style: str = "") -> None:
        """Write lines as they are, however long."""
        self._write(text, style)

    def heading(self, text: str) -> None:
        """Write an empty line and a heading."""
        self._write("", "")
        self.line(text, "bold")

    def verdict(self, verdict: str, text: str) -> None:
        """Write a line that begins with a verdict in words; colour only repeats what it says."""
        lines = "\n".join(_wrapped(f"{verdict}: {text}", self.width, 0))
        self._write(lines, STYLES.get(verdict, "bold"), len(verdict))

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; in a window too narrow for it, every row as a list of its cells."""
        columns = [dataclasses.replace(column, heading=self._plain(column.heading)) for column in columns]
        rows = [[self._plain(cell) for cell in row] for row in rows]
        widths = column_widths(columns, rows, self.width)
        if widths is None:
            self._list(columns, rows)
        else:
            self._grid(columns, rows, widths)

    def _grid(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        self._row(columns, [column.heading for column in columns], widths, "bold", bottom=True)
        self._write("─" * (sum(widths) + GAP * (len(widths) - 1)), "dim")
        for row in rows:
            cells = [_fitted(*cell) for cell in zip(row, widths, columns, strict=True)]
            self._row(columns, cells, widths)

    def _row(
        self,
        columns: Sequence[Column],
        cells: Sequence[str],
        widths: Sequence[int],
        style: str = "",
        bottom: bool = False,
    ) -> None:
        from rich.text import Text

        height = max(cell.count("\n") + 1 for cell in cells)
        lines = [Text() for _ in range(height)]
        for column, cell, width in zip(columns, cells, widths, strict=True):
            parts = cell.split("\n")
            empty = [""] * (height - len(parts))
            for line, part in zip(lines, [*empty, *parts] if bottom else [*parts, *empty], strict=True):
                space = " " * (width - _cells(part))
                line.append(space if column.right else "")
                line.append(self._plain(part), style or STYLES.get(part, ""))
                line.append(("" if column.right else space) + " " * GAP)
        for line in lines:
            line.rstrip()
            self.console.print(line, soft_wrap=True)

    def _list(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        headings = [column.heading.strip().replace("/\n", "/").replace("\n", " ") for column in columns]
        for row in rows:
            for place, (heading, cell) in enumerate(zip(headings, row, strict=True)):
                if cell:
                    self.line(f"{heading}: {' '.join(cell.split())}", STYLES.get(cell, ""), min(place, 1) * 2)

    def _write(self, text: str, style: str, styled: int | None = None) -> None:
        from rich.text import Text

        shown = Text(self._plain(text))
        shown.stylize(style, 0, styled)
        self.console.print(shown, soft_wrap=True)  # the lines are broken already, rich would do it within numbers too

    def _plain(self, text: str) -> str:
        return text if self.console.encoding.startswith("utf") else text.translate(PLAIN)


def screen(error: bool = False) -> Screen:
    """The screen of standard output, or of standard error."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    return Screen(Console(file=stream, highlight=False, markup=False, emoji=False))


def column_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Width of every column so that a line fits `width`; None where it cannot.

    >>> column_widths([Column("name"), Column("formula", fit="cut")], [["w", "2*x*(w*x - y)"]], 16)
    [4, 10]
    """
    cells = [[column.heading, *(row[i] for row in rows)] for i, column in enumerate(columns)]
    widths = [max(_cells(line) for text in column for line in text.split("\n")) for column in cells]
    flexible = [i for i, column in enumerate(columns) if column.fit]
    while (excess := sum(widths) + GAP * (len(widths) - 1) - width) > 0:
        widest = max(flexible, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= NARROWEST_COLUMN:
            return None
        second = max((widths[i] for i in flexible if i != widest), default=0)
        widths[widest] -= min(excess, max(1, widths[widest] - max(second, NARROWEST_COLUMN)))
    return widths


def shortened(text: str, width: int) -> str:
    """Cut a text that is wider than `width` at its end.

    >>> shortened("2*x*(w*x - y)", 10)
    '2*x*(w*x …'
    """
    if _cells(text) <= width or "\n" in text:
        return text
    total = list(itertools.accumulate(map(_cells, text)))
    return text[: sum(sofar < width for sofar in total)] + "…"


def _fitted(text: str, width: int, column: Column) -> str:
    return (
        "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))
        if column.fit == "wrap"
        else shortened(text, width)
    )


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    first, rest = " " * indent, " " * (indent + 2)
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
