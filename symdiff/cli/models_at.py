"""A model where a point is wanted: its loss at the first row of its data and at the start of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from symdiff.errors import DataError, OptionError

if TYPE_CHECKING:
    import sympy as sp


@dataclass(frozen=True)
class Place:
    """A formula with a point: `told` says where the point comes from, `wrt` are the parameters that are not fixed."""

    expression: sp.Expr
    point: dict[str, Any]
    wrt: list[str]
    told: str


def place_of(text: str, start: int | None, at: Mapping[str, Any] | None, shapes: tuple[str, ...]) -> Place | None:
    """The loss of a model at its own point, in which `at` replaces what it names; None for the text of a formula.

    Raises OptionError for --start or --shape that do not go with the text, ModelError for a model that cannot be read,
    and DataError where it has no data and `at` does not name all that is observed.

    >>> place_of("linear", None, {"x": 3.0}, ()).point
    {'w': 1.0, 'x': 3.0, 'y': 2.0}
    """
    from symdiff import models

    if not models.is_model(text):
        if start is not None:
            raise OptionError(
                f"--start chooses a starting point of a model, and {text[:40]!r} is a formula; leave it out"
            )
        return None
    if shapes:
        raise OptionError(f"--shape declares a formula's arrays, and the model {text!r} has its own; leave it out")
    from symdiff.cli import options
    from symdiff.from_sympy import free_symbols

    model = options.model(text, start)
    given = dict(at or {})
    own: dict[str, Any] = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    told = "the start of its parameters"
    observed = [symbol.name for symbol in model.observed]
    if model.data is not None:
        rows = {name: model.data[name][0] for name in observed}
        own |= {name: row if row.shape else row.item() for name, row in rows.items()}
        count = len(model.data[observed[0]])
        told = f"{f'row 1 of {count:,} of its data' if count > 1 else 'its data'} and {told}"
    elif missing := [name for name in observed if name not in given]:
        raise DataError(f"model {model.name!r} has no data; give {', '.join(missing)} with --at")
    free = [symbol.name for symbol, parameter in model.parameters.items() if not parameter.fixed]
    contained = {symbol.name for symbol in free_symbols(model.loss)}
    own = {name: value for name, value in own.items() if name in contained}
    free = [name for name in free if name in contained]
    instead = ", but for --at" if given else ""
    return Place(model.loss, own | given, free or list(own), f"the loss of model {model.name!r} at {told}{instead}")


def note(place: Place) -> None:
    """Say on standard error which point was taken."""
    click.echo(f"symdiff: note: {place.told}", err=True)
