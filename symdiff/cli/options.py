"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

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


def point(text: str) -> dict[str, Any]:
    """Read a point such as `w=1,x=-2.5e3,A=[[1,2],[3,4]]`; raises OptionError naming the part that cannot be read.

    >>> point("w=1, x=-2.5e3, b=[1, 2]")
    {'w': 1.0, 'x': -2500.0, 'b': [1.0, 2.0]}
    """
    found: dict[str, Any] = {}
    # commas within brackets part the entries of an array
    for part in re.split(r",(?![^\[\]]*\])(?!\s*\[)", text):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not (name and equals):
            raise OptionError(f"--at {text!r}: {part.strip()!r} is not name=number; write --at w=1,x=2")
        if name in found:
            raise OptionError(f"--at {text!r}: {name} is given twice; give it once")
        found[name] = _array(text, name, number) if number.startswith("[") else _number(text, name, number)
    return found


def _array(text: str, name: str, written: str) -> Any:
    """Nested rows of numbers."""
    nested = re.sub(r"[^\[\],\s]+", lambda match: repr(_number(text, name, match[0])), written)
    try:
        return json.loads(nested)
    except json.JSONDecodeError:
        raise OptionError(f"--at {text!r}: {name} is {written!r}; give rows of numbers such as [[1,2],[3,4]]") from None


def _number(text: str, name: str, written: str) -> float:
    try:
        # float() also reads 1_000 and digits of other scripts
        value = float(written) if written.isascii() and "_" not in written else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(f"--at {text!r}: {name} is {written!r}; give a finite decimal number such as -1.5e-3")
    return value


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
        return found.table(read_csv(data_file), where=data_file)
    if found.data is None:
        raise DataError(f"model {found.name!r} has no data; give them with --data FILE.csv")
    return found.data
