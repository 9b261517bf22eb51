"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from symdiff.cli.literals import point as point  # with the other options
from symdiff.errors import DataError, OptionError

if TYPE_CHECKING:
    import sympy as sp

    from symdiff.model import Model

F = TypeVar("F", bound=Callable[..., Any])
ROUTES = ("symbolic", "autodiff", "chain")
DTYPES = ("float64", "float32")
LATER = "comes with a later version of symdiff; leave it out"


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "integer"  # of which click says that a text is not a valid one


def json_option(command: F) -> F:
    """Add `--json FILE`."""
    return click.option(
        "--json", "json_file", metavar="FILE", help="Write the result as JSON; - prints it and no more."
    )(command)


def start_option(command: F) -> F:
    """Add `--start K`."""
    text = "Which of the model's starting points, counted from 1."
    return click.option("--start", type=int, metavar="K", help=text)(command)


def data_option(command: F) -> F:
    """Add `--data FILE`."""
    text = "Data to use instead of the model's: a header row with the names, then numbers."
    return click.option("--data", "data_file", metavar="FILE.csv", help=text)(command)


def later(**given: object) -> None:
    """Refuse options of later versions, rather than ignore them; raises OptionError.

    >>> later(stress=True)
    Traceback (most recent call last):
        ...
    symdiff.errors.OptionError: --stress comes with a later version of symdiff; leave it out
    """
    for name, value in given.items():
        if value not in (None, False, ()):
            raise OptionError(f"--{name} {LATER}")


def names(text: str, option: str = "--wrt") -> list[str]:
    """Read names parted by commas; raises OptionError for an empty one.

    >>> names("w, b")
    ['w', 'b']
    """
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise OptionError(f"{option} {text!r}: an empty name; give names parted by commas, such as w,b")
    return found


def formula(text: str, command: str) -> sp.Expr:
    """Read a formula, and refuse a model where only a formula will do."""
    from symdiff.parsing import parse

    refuse_model(text, command)
    return parse(text)


def symbols(text: str, names: list[str]) -> list[sp.Symbol | str]:
    """Take names for the symbols of a formula text where it has them, also those that simplification takes out.

    >>> symbols("x - x", ["x", "y"])
    [x, 'y']
    """
    from symdiff.formula.mentions import mentioned

    known = {symbol.name: symbol for symbol in mentioned(text)}
    return [known.get(name, name) for name in names]


def refuse_model(text: str, command: str) -> None:
    """Refuse a model where only a formula will do; raises OptionError."""
    from symdiff import models

    if text.isidentifier() and text in models.names():
        raise OptionError(
            f"{command} takes a formula, and {text!r} is an embedded model; give its formula (symdiff models)"
        )
    if text.endswith(".toml"):
        raise OptionError(f"{command} takes a formula, and {text!r} is a model file; give its formula in quotes")


def model(name_or_path: str, start: int | None) -> Model:
    """Find a model and put its parameters at one of its starting points."""
    from symdiff import models

    found = models.find(name_or_path)
    return found if start is None else found.at_start(start)


def data_of(found: Model, data_file: str | None) -> Mapping[str, Any]:
    """Read the data to train on or fit to: the file's columns, else the model's own; raises DataError for none."""
    from symdiff.data import read_csv

    if data_file is not None:
        return found.table(read_csv(data_file, map(str, found.observed)), where=data_file)
    if found.data is None:
        raise DataError(f"model {found.name!r} has no data; give them with --data FILE.csv")
    return found.data
