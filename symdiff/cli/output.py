"""What leaves the command line: strict JSON and files, checked before the work and written whole after it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from symdiff.errors import OutputError

STANDARD_OUTPUT = "-"
REPORT_ENDINGS = (".html", ".md", ".json")


def check_targets(*targets: str | None, inputs: tuple[str | None, ...] = ()) -> None:
    """Refuse, before anything is computed, files that cannot be written, or would be over each other or an input.

    Raises OutputError. `-` is standard output.

    >>> check_targets("/no/such/folder/a.json")
    Traceback (most recent call last):
        ...
    symdiff.errors.OutputError: /no/such/folder/a.json: there is no folder /no/such/folder; make it first
    """
    taken: dict[str, str] = {}
    for target in targets:
        if target is None or target == STANDARD_OUTPUT:
            continue
        _check_target(target)
        place = os.path.realpath(target)
        if place in taken:
            raise OutputError(f"{target}: to be written twice; give two different files")
        taken[place] = target
    for given in inputs:
        if given is not None and os.path.exists(given) and os.path.realpath(given) in taken:  # noqa: PTH110 - any text
            raise OutputError(f"{given}: is read by this command and would be written over; give another file")


def check_report(target: str | None) -> None:
    """Refuse a report file of an unknown kind, and what is no file; raises OutputError."""
    if target is None:
        return
    if not target.lower().endswith(REPORT_ENDINGS):
        raise OutputError(f"--report {target}: the ending tells the kind of report; use .html, .md or .json")
    if os.path.exists(target) and not os.path.isfile(target):  # noqa: PTH110, PTH113 - any text
        raise OutputError(f"--report {target}: is no file; give another name")


def _check_target(target: str) -> None:
    try:
        path = Path(target)
        folder = path.parent
        if not target:
            raise OutputError("the name of the file to write is empty; give one")
        if path.is_dir():
            raise OutputError(f"{target}: is a folder; give a file")
        if not folder.is_dir():
            raise OutputError(f"{target}: there is no folder {folder}; make it first")
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise OutputError(f"{target}: cannot be written (permission denied); give a file that you may write to")
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # too long a name, a zero byte
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{target}: cannot be written ({reason}); give another file") from None


def json_text(data: Any) -> str:
    """Write data as strict JSON, which knows neither NaN nor infinity.

    >>> print(json_text({"w": 0.1}))
    {
      "w": 0.1
    }
    """
    return json.dumps(data, indent=2, allow_nan=False)


def write_json(data: Any, target: str) -> None:
    """Write data as JSON to a file or, for `-`, to standard output."""
    if target == STANDARD_OUTPUT:
        click.echo(json_text(data))
    else:
        write_text(json_text(data) + "\n", target)


def write_text(text: str, target: str) -> None:
    """Write a file whole or not at all; a pipe or a device is written to. Raises OutputError."""
    from symdiff.output_file import write_file

    write_file(target, text.encode())
