"""A trace as plain text: the forward pass front to back, the backward pass back to front, then the gradient."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from typing import NamedTuple

from symdiff.trace_formula import Measure
from symdiff.trace_steps import BackwardStep, Partial, Step
from symdiff.trace_tape import Tape

LONGEST_NAME = 16
LONGEST_TITLE = 2_000
DOTS = "..."
GAP = "  "


class Cell(NamedTuple):
    """A cell of a table: only `text` may be shortened, what stands around it stays."""

    text: str = ""
    before: str = ""
    after: str = ""

    def fit(self, width: int) -> str:
        """Write the cell in `width` characters, or as few more as what stays needs."""
        return self.before + shortened(self.text, width - len(self.before) - len(self.after)) + self.after

    def __len__(self) -> int:  # type: ignore[override]
        return sum(map(len, (self.before, self.text, self.after)))
