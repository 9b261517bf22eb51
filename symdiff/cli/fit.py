"""`symdiff fit`: least squares with standard errors."""

from __future__ import annotations

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.output import STANDARD_OUTPUT, check_targets, write_json
from symdiff.cli.tables import screen


@click.command("fit", cls=Command, short_help="Fit a model by least squares, with standard errors.")
@click.argument("name", metavar="MODEL")
@options.data_option
@options.start_option
@options.json_option
@click.option("--report", hidden=True)
def fit(name: str, data_file: str | None, start: int | None, json_file: str | None, report: str | None) -> int:
    """Fit a model to its data by least squares, with standard errors. Exit code 1: it did not converge.

    Example: symdiff fit misra1a --start 2
    """
    options.later(report=report)
    check_targets(json_file, inputs=(name, data_file))
    import symdiff

    model = options.model(name, start)
    found = symdiff.fit(model, options.data_of(model, data_file))
    if json_file is not None:
        write_json(found.to_dict(), json_file)
    if json_file != STANDARD_OUTPUT:
        screen().lines(found.summary())
        if json_file is not None:
            click.echo(f"JSON: {json_file}")
    return 0 if found.converged else 1
