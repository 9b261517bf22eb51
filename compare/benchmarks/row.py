"""One line of the benchmark table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compare.benchmarks.paired import Pair


@dataclass(frozen=True)
class Row:
    """What was timed against what, and the mark to reach; `scale` divides both times (nodes, points, updates)."""

    name: str
    unit: str
    pair: Pair
    mark: str
    scale: tuple[float, float] = (1.0, 1.0)

    @property
    def ratio(self) -> float:
        """Median ratio first / second, in the unit."""
        return self.pair.ratio * self.scale[1] / self.scale[0]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON data, times in seconds a unit."""
        first, second = self.pair.first, self.pair.second
        factor = self.scale[1] / self.scale[0]
        return {
            "name": self.name,
            "unit": self.unit,
            "seconds": first.median / self.scale[0],
            "seconds_beside": second.median / self.scale[1],
            "ratio": self.ratio,
            "ratio_spread": [bound * factor for bound in self.pair.spread],
            "mark": self.mark,
        }
