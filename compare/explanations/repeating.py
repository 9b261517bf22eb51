"""The one-line command that repeats a single row of a check."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from compare.arrays.command import row_words
from compare.row import Row
from compare.verdict import Verdict

# words that stand before a value which a single row replaces or has no use for
REPLACED = frozenset({"--wrt", "--at", "--points", "--seed"})


def with_commands(rows: Sequence[Row], command: str | None) -> tuple[Row, ...]:
    """The rows, those that do not agree each with the command that repeats it, made from that of the whole check.

    >>> row = Row.without_numbers("x", Verdict.UNDECIDED, "", {"x": 0.5, "y": 2.0})
    >>> with_commands([row], "symdiff check 'x*y' --wrt x,y --points 64 --seed 0")[0].command
    "symdiff check 'x*y' --wrt x --at x=0.5,y=2.0"
    >>> row = Row.without_numbers("X[1]", Verdict.UNDECIDED, "", {"X[0]": 1.0, "X[1]": 2.0})
    >>> with_commands([row], "symdiff check 'X[0]*X[1]' --wrt X --shape 'X: indexed' --points 4")[0].command
    "symdiff check 'X[0]*X[1]' --shape 'X: indexed' --wrt X --at 'X=[1.0,2.0]'"
    """
    if command is None or all(row.verdict is Verdict.AGREE for row in rows):
        return tuple(rows)
    words = shlex.split(command)
    return tuple(row if row.verdict is Verdict.AGREE else replace(row, command=_of(row, words)) for row in rows)


def _of(row: Row, words: Sequence[str]) -> str | None:
    kept: list[str] = []
    if "[" in row.wrt or "point" in row.at or any("[" in name for name in row.at):
        arrays = row_words(row.wrt, row.at)
        if arrays is None:
            # of many numbers: the whole check repeats the row
            return shlex.join(words)
        own = [*arrays]
    else:
        own = ["--wrt", ",".join(dict.fromkeys(row.wrt.split(",")))]
        if row.at:
            own += ["--at", ",".join(f"{name}={value!r}" for name, value in row.at.items())]
    k = 0
    while k < len(words):
        if words[k] == "--":
            return shlex.join([*kept, *own, *words[k:]])
        if words[k] in REPLACED:
            k += 2
        else:
            kept += [] if words[k] == "--stress" else [words[k]]
            k += 1
    return shlex.join([*kept, *own])
