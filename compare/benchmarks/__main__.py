"""`python -m compare.benchmarks [--only NAME] [--json FILE] [--rounds N] [--limit SECONDS] [--plot FILE.svg]`."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import click

from compare.benchmarks import chain_route, data_sum, digits, start_up, training, written_out
from compare.benchmarks.peers import table
from compare.benchmarks.peers.cases import FAMILIES
from compare.provenance import versions

PAIRED = {
    "start-up": start_up.run,
    "training": training.run,
    "chain": chain_route.run,
    "digits": digits.run,
    "data-sum": data_sum.run,
    "written-out": written_out.run,
}


@click.command()
@click.option("--only", type=click.Choice([*PAIRED, *FAMILIES]), help="Run one benchmark.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
@click.option("--rounds", default=1, show_default=True, help="Processes of each system on each family of expressions.")
@click.option("--limit", default=60.0, show_default=True, help="Seconds for one of these processes.")
@click.option("--plot", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw the growth there.")
def main(only: str | None, path: Path | None, rounds: int, limit: float, picture: Path | None) -> None:
    """Time symdiff beside what it is held against, and beside every peer that is installed."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    click.echo(f"{machine}, load {os.getloadavg()[0]:.1f}")
    rows: list[dict[str, Any]] = []
    for name, run in PAIRED.items():
        for row in run() if only in (None, name) else ():
            data = row.to_dict()
            rows.append(data)
            low, high = data["ratio_spread"]
            click.echo(
                f"{data['name']}: {data['ratio']:.3g} (runs {low:.3g} to {high:.3g}; mark: {data['mark']}); "
                f"{data['seconds']:.3g} s and {data['seconds_beside']:.3g} s for {data['unit']}"
            )
    beside: list[table.PeerRow] = []
    for family in FAMILIES if only is None else [name for name in FAMILIES if name == only]:
        found = list(table.compared(family, table.installed(), rounds, limit))
        beside += found
        click.echo(table.markdown(found))
    rows += [row.to_dict() for row in beside]
    if picture is not None:
        table.plot(beside, picture)
    if path is not None:
        path.write_text(json.dumps({"machine": machine, "versions": versions(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
