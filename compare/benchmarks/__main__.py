"""`python -m compare.benchmarks [--only NAME] [--json FILE]`."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import click

from compare.benchmarks import chain_route, data_sum, digits, start_up, training, written_out
from compare.provenance import versions

BENCHMARKS = {
    "start-up": start_up.run,
    "training": training.run,
    "chain": chain_route.run,
    "digits": digits.run,
    "data-sum": data_sum.run,
    "written-out": written_out.run,
}


@click.command()
@click.option("--only", type=click.Choice(list(BENCHMARKS)), help="Run one benchmark.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def main(only: str | None, path: Path | None) -> None:
    """Time symdiff beside its peers; ratios are medians over runs taken in turn."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    click.echo(machine)
    rows = []
    for name, run in BENCHMARKS.items():
        if only not in (None, name):
            continue
        for row in run():
            data = row.to_dict()
            rows.append(data)
            low, high = data["ratio_spread"]
            click.echo(
                f"{data['name']}: {data['ratio']:.3g} (runs {low:.3g} to {high:.3g}; mark: {data['mark']}); "
                f"{data['seconds']:.3g} s and {data['seconds_beside']:.3g} s for {data['unit']}"
            )
    if path is not None:
        path.write_text(json.dumps({"machine": machine, "versions": versions(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
