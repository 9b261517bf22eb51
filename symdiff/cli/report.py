"""`--report FILE`: a page with its data beside it, of check, train and fit alike."""

from __future__ import annotations

import contextlib
import importlib.util
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symdiff.cli.output import check_report, check_targets
from symdiff.errors import OutputError

if TYPE_CHECKING:
    from compare import Comparison

# how far into a file its marks are looked for: every report begins with its verdict
MARK, BEGINNING = ('"verdict"', '"exit_code"', '"dtype"'), 2_000
# options that say where to write, and not what was computed
WRITING = frozenset({"report", "json_file", "checkpoint", "resume"})


def report_option(command: Any) -> Any:
    """Add `--report FILE`."""
    text = "Write the report as a page (.html, with a .json of the same name beside it), or as .md or .json."
    return click.option("--report", metavar="FILE.html", help=text)(command)


def check_files(report: str | None, json_file: str | None, inputs: tuple[str | None, ...]) -> None:
    """Refuse, before anything is computed, what cannot be written or would be written over; raises OutputError."""
    check_report(report)
    data = beside(report)
    check_targets(json_file, report, None if data == json_file else data, inputs=inputs)
    if data is not None and data != json_file and not _is_ours(data):
        raise OutputError(
            f"--report {report}: its data go to {data}, which is no report of symdiff and stays as it is; "
            "give another name"
        )


def beside(report: str | None) -> str | None:
    """The JSON file that stands beside a page; None for a report in another form.

    >>> beside("out/report.html"), beside("report.md")
    ('out/report.json', None)
    """
    if report is None or not report.lower().endswith(".html"):
        return None
    return report[: -len(".html")] + ".json"


def write_report(found: Comparison, report: str | None) -> None:
    """Write a report and, of a page, its data beside it, the data first; each whole or not at all."""
    if report is None:
        return
    data = beside(report)
    if data is not None:
        found.save(data)
    ran = found.course is not None or found.fitted is not None
    if ran and data is not None and importlib.util.find_spec("matplotlib") is None:
        click.echo("symdiff: note: plots need matplotlib; pip install 'symdiff[report]'", err=True)
    found.save(report, beside=data is not None)


def told(report: str | None) -> str | None:
    """Say where a report was written; None where there is none."""
    if report is None:
        return None
    from compare.formula import visible

    data = beside(report)
    return f"report: {visible(report)}" + ("" if data is None else f", data: {visible(data)}")


def repeated(context: click.Context) -> str:
    """Write the command that is running, with the options that were given and matter to the result."""
    given = click.core.ParameterSource.COMMANDLINE
    words: list[str] = []
    front: list[str] = []
    for parameter in context.command.params:
        name, value = parameter.name or "", context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            front.append(str(value))
        elif name not in WRITING and context.get_parameter_source(name) is given:
            words.append(parameter.opts[0])
            words += [] if value is True else [f"{value}"]
    return shlex.join(["symdiff", context.info_name or "", *front, *words])


def _is_ours(path: str) -> bool:
    """Whether there is no file, or one that a report may be written over: an earlier report, or what is no file."""
    with contextlib.suppress(OSError, ValueError):
        place = Path(path)
        if place.is_file():
            with place.open("rb") as file:
                beginning = file.read(BEGINNING)
            return not beginning or all(mark.encode() in beginning for mark in MARK)
    return True
