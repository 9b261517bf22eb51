"""The comparison with peers as a table and as a picture of growth.

Every installed system in turn, each case in a process of its own; an answer is held against symdiff's before its time
counts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from compare.benchmarks.peers.cases import FAMILIES
from compare.benchmarks.peers.measuring import Measured, agrees, measured
from compare.benchmarks.peers.systems import SYSTEMS

# what a system needs beyond the base install
NEEDS = {"casadi": "casadi", "symengine": "symengine", "heyoka": "heyoka", "torch": "torch", "sympy2jax": "sympy2jax"}
REFERENCE = "symdiff"
FIGURES = ("first", "call", "point", "megabytes")


@dataclass(frozen=True)
class PeerRow:
    """One system on one case: the medians over the rounds, in seconds and megabytes, and their spread."""

    family: str
    size: int
    system: str
    figures: dict[str, float]
    spread: dict[str, tuple[float, float]]
    ratios: dict[str, float]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON data; a figure that was not reached is left out."""
        return {
            "name": f"{self.family} {self.size}",
            "system": self.system,
            **self.figures,
            "spread": self.spread,
            "ratios_to_symdiff": self.ratios,
            "note": self.note,
        }

    def cells(self) -> list[str]:
        """What the table shows: seconds to the first gradient, microseconds a call and a point, megabytes, ratios."""
        if not self.figures:
            return [self.system, self.note, "", "", ""]
        first, call, point = (self.figures[name] for name in FIGURES[:3])
        low, high = self.spread["first"]
        return [
            self.system,
            f"{first:.3g} ({low:.3g} to {high:.3g})",
            f"{call * 1e6:,.3g} (×{self.ratios['call']:.2g})",
            f"{point * 1e6:,.3g} (×{self.ratios['point']:.2g})",
            f"{self.figures['megabytes']:.0f}",
        ]


def installed() -> list[str]:
    """The systems that can be run here."""
    return [name for name in SYSTEMS if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None]


def compared(family: str, systems: Sequence[str], rounds: int, limit: float) -> Iterator[PeerRow]:
    """Measure, case by case; a system that failed at one size of a family is not tried at a larger one."""
    given_up: dict[str, str] = {}
    for size in FAMILIES[family][1]:
        runs: dict[str, list[Measured]] = {name: [] for name in systems}
        for _ in range(rounds):
            for name in systems:
                if name not in given_up:
                    found = measured(name, family, size, limit)
                    runs[name].append(found)
                    if found.failed:
                        given_up[name] = found.failed
        yield from _rows(family, size, runs, given_up)


def _rows(family: str, size: int, runs: dict[str, list[Measured]], given_up: dict[str, str]) -> Iterator[PeerRow]:
    truth = next((each.answer for each in runs.get(REFERENCE, []) if not each.failed), None)
    base: dict[str, float] = {}
    for name, found in runs.items():
        good = [each for each in found if not each.failed]
        if not good:
            yield PeerRow(family, size, name, {}, {}, {}, given_up.get(name, "not run"))
            continue
        if not all(agrees(each.answer, truth) for each in good):
            yield PeerRow(family, size, name, {}, {}, {}, "another answer than symdiff's")
            continue
        figures = {key: median(getattr(each, key) for each in good) for key in FIGURES}
        spread = {key: (min(getattr(e, key) for e in good), max(getattr(e, key) for e in good)) for key in FIGURES}
        base = base or figures
        ratios = {key: figures[key] / base[key] for key in FIGURES if base[key]}
        yield PeerRow(family, size, name, figures, spread, ratios, "")


def markdown(rows: Iterable[PeerRow]) -> str:
    """The rows as a table for each case."""
    lines: list[str] = []
    seen: tuple[str, int] | None = None
    for row in rows:
        if (row.family, row.size) != seen:
            seen = (row.family, row.size)
            lines += ["", f"**{row.family} {row.size:,}**", ""]
            lines += ["| system | first answer, s | a call, µs (× symdiff) | a point of 1,000, µs (× symdiff) | MB |"]
            lines += ["|---|---|---|---|---|"]
        lines.append(f"| {' | '.join(row.cells())} |")
    return "\n".join(lines)


def plot(rows: Sequence[PeerRow], path: Path) -> None:
    """Growth with size: the first answer and a point of a batch, one line a system, for networks and random graphs."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "symdiff"
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(2, 2)
    for column, family in enumerate(("network", "random")):
        for line, (key, label) in enumerate((("first", "s to the first gradient"), ("point", "s a point of 1,000"))):
            axes = grid[line][column]
            for system in dict.fromkeys(row.system for row in rows):
                own = [row for row in rows if (row.family, row.system) == (family, system) and row.figures]
                if own:
                    style = {"marker": "s", "linewidth": 2.5} if system.startswith("symdiff") else {"marker": "o"}
                    axes.loglog([row.size for row in own], [row.figures[key] for row in own], label=system, **style)
            axes.set(xlabel="hidden units" if family == "network" else "operations", ylabel=label, title=family)
            axes.grid(alpha=0.3)
    grid[0][0].legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
