"""The option `--shape`: which names of a formula are matrices or indexed arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from symdiff.errors import ModelError, OptionError

if TYPE_CHECKING:
    import sympy as sp

F = TypeVar("F", bound=Callable[..., Any])
INDEXED = "indexed"
WRITE = "write 'W: 4,3' for a matrix, 'b: 4' for a column, 'X: indexed' or 'X: indexed n,3' for an indexed array"


def shape_option(command: F) -> F:
    """Add `--shape 'W: 4,3'`."""
    text = (
        "Shape of an array in the formula: 'W: 4,3' a matrix, 'x: n,1' one of any length n, 'b: 4' a column, "
        "'X: indexed n,3' entries X[i, j]; may be repeated."
    )
    return click.option("--shape", "shapes", multiple=True, metavar="'W: 4,3'", help=text)(command)


def arrays(shapes: Sequence[str]) -> list[Any]:
    """The arrays that texts such as `W: 4,3` declare; raises OptionError naming the one that cannot be read.

    >>> [symbol.shape for symbol in arrays(["W: 4,3", "x: n,1", "b: 4"])]
    [(4, 3), (n, 1), (4, 1)]
    """
    from symdiff.formula.text import identifier
    from symdiff.model_file_arrays import declared

    table: dict[str, Any] = {}
    for text in shapes:
        name, colon, rest = (part.strip() for part in text.partition(":"))
        if not colon or not rest or identifier(name) is None:
            raise OptionError(f"--shape {text!r} is no name and shape; {WRITE}")
        if name in table:
            raise OptionError(f"--shape {text!r}: {name} has a shape already; give one")
        first, *more = rest.split(maxsplit=1)
        if first == INDEXED:
            table[name] = {INDEXED: _lengths(more[0]) if more else True}
        else:
            table[name] = _lengths(rest)
        try:
            declared({name: table[name]})
        except ModelError as error:
            reason = str(error).removeprefix(f"shapes.{name}: ").partition("; ")[0]
            raise OptionError(f"--shape {text!r}: {reason}; {WRITE}") from None
    return list(declared(table).values())


def _lengths(text: str) -> list[int | str]:
    words = [word.strip() for word in text.split(",")]
    return [int(word) if word.isascii() and word.isdecimal() and len(word) < 12 else word for word in words]


def formula(text: str, shapes: Sequence[str], command: str) -> sp.Expr:
    """Read a formula, with arrays where shapes are given; other names are real numbers."""
    from symdiff.cli import options

    if not shapes:
        return options.formula(text, command)
    from symdiff.formula.mentions import numbers_beside
    from symdiff.parsing import parse

    options.refuse_model(text, command)
    known = arrays(shapes)
    return parse(text, symbols=[*known, *numbers_beside(text, known)])
