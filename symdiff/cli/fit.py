"""`symdiff fit`: least squares with standard errors."""

from __future__ import annotations

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.output import STANDARD_OUTPUT, write_json
from symdiff.cli.report import check_files, repeated, report_option, told, write_report
from symdiff.cli.tables import screen


@click.command("fit", cls=Command, short_help="Fit a model by least squares, with standard errors.")
@click.argument("name", metavar="MODEL")
@options.data_option
@options.start_option
@options.json_option
@report_option
def fit(name: str, data_file: str | None, start: int | None, json_file: str | None, report: str | None) -> int:
    """Fit a model to its data by least squares, with standard errors. Exit code 1: it did not converge.

    Example: symdiff fit misra1a --start 2
    """
    check_files(report, json_file, inputs=(name, data_file))
    import symdiff

    model = options.model(name, start)
    data = options.data_of(model, data_file)
    found = symdiff.fit(model, data)
    if report is not None:
        from compare.runs import of_fit

        write_report(of_fit(found, data, repeated(click.get_current_context())), report)
    if json_file is not None:
        write_json(found.to_dict(), json_file)
    if json_file != STANDARD_OUTPUT:
        screen().lines(found.summary())
        if json_file is not None:
            click.echo(f"JSON: {json_file}")
        if report is not None:
            click.echo(told(report))
    return 0 if found.converged else 1
