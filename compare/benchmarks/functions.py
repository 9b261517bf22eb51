"""The largest error of each function of the table by each route: what `symdiff functions` prints.

`python -m compare.benchmarks.functions [--points 200]` measures and writes `symdiff/function_errors.json`.
"""

from __future__ import annotations

import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import click

from compare.provenance import versions
from symdiff.functions import ROWS
from symdiff.measuring.accuracy import largest_errors
from symdiff.measuring.case import cases

DTYPES = ("float64", "float32")


def measure(points: int) -> dict[str, dict[str, dict[str, float | None]]]:
    """The largest error over value, first and second derivatives, {row: {dtype: {route: units}}}; None if infinite."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for dtype in DTYPES:
        for deviation in largest_errors(list(cases(ROWS, dtype, points))):
            routes = found.setdefault(deviation.row, {}).setdefault(dtype, {})
            units = math.inf if routes.get(deviation.route, 0.0) is None else routes.get(deviation.route, 0.0)
            largest = max(float(units or 0.0), deviation.units)
            routes[deviation.route] = float(f"{largest:.2g}") if math.isfinite(largest) else None
    return found


@click.command()
@click.option("--points", default=200, help="Random points a function, besides special ones and edges.")
def main(points: int) -> None:
    """Measure the function table and keep the figures beside it."""
    data: dict[str, Any] = {"points": points, "versions": versions(), "rows": measure(points)}
    path = Path(str(resources.files("symdiff") / "function_errors.json"))
    path.write_text(json.dumps(data, indent=1) + "\n")
    click.echo(f"{len(data['rows'])} rows measured, written to {path}")


if __name__ == "__main__":
    main()
