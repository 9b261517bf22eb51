"""`symdiff functions` and `symdiff models`: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from symdiff.cli.command import Command, OptionalValue
from symdiff.cli.options import ROUTES
from symdiff.cli.output import STANDARD_OUTPUT, check_targets, write_json
from symdiff.cli.tables import Column, screen

if TYPE_CHECKING:
    from symdiff.function import Function
    from symdiff.model import Model

# characters of a formula in a table; JSON holds all of it
SHOWN = 80
_JSON_HELP = "Write the list as JSON to FILE; without FILE, print it and no more."


@click.command("functions", cls=Command, short_help="The function table.")
@click.option("--json", "json_file", cls=OptionalValue, metavar="[FILE]", help=_JSON_HELP)
def functions(json_file: str | None) -> None:
    """List the function table: each function, its domain, its partial derivatives, its routes and its source."""
    from symdiff.functions import FUNCTIONS

    check_targets(json_file)
    rows = [_function(row) for row in FUNCTIONS.values()]
    if json_file is not None:
        write_json({"functions": rows}, json_file)
    if json_file == STANDARD_OUTPUT:
        return
    view = screen()
    view.line(f"The {len(rows)} functions that a formula is made of. u, v are operands, p a condition, n a constant.")
    view.line("The partials are SymPy's; JAX's and the hand-written ones are independent of them.")
    view.line(
        "Under each route: the largest error seen in value, first and second derivatives, float64 / float32, in units "
        "of eps*(1 + condition number). no: the route has no derivative. host: JAX calls SciPy on the host."
    )
    view.line()
    columns = [Column("name"), Column("SymPy form", fit="wrap"), Column("domain", fit="wrap")]
    columns += [Column("partials", fit="wrap"), *(Column(route) for route in ROUTES), Column("source", fit="wrap")]
    view.table(columns, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    domains = list(dict.fromkeys(row["domain"]))
    partials = [f"d/d{name} = {text}" for name, text in zip(row["operands"], row["partials"], strict=True)]
    partials = partials if len(set(row["partials"])) > 1 else row["partials"][:1]
    return [
        row["name"],
        row["sympy"],
        "; ".join(domains),
        "; ".join(partials),
        *(_error(row, route) for route in ROUTES),
        row["source"],
    ]


def _error(row: dict[str, Any], route: str) -> str:
    if row["routes"][route] is None:
        return "no"
    seen = [errors.get(route) for errors in row["largest_error"].values()]
    shown = " / ".join("?" if units is None else f"{units:.2g}" for units in seen) or "?"
    return shown + (" host" if route == "autodiff" and row["host_callback"] else "")


def _function(row: Function) -> dict[str, Any]:
    """Describe a row of the function table as JSON data; `partials` has one text an operand."""
    import sympy as sp

    from symdiff.function import Absence
    from symdiff.function_errors import function_errors
    from symdiff.symbolic import local_partial, operand_names

    operands = operand_names(row)
    static = (sp.Symbol("n", real=True),) * (len(row.special[0][0]) - row.arity)
    partials = [
        partial.value if isinstance(partial, Absence) else str(local_partial(row, k, static))
        for k, partial in enumerate(row.partials)
    ]
    differentiable = any(partial is not Absence.NONDIFFERENTIABLE for partial in row.partials)
    return {
        "name": row.name,
        "sympy": str(row.sympy(*operands, *static)),
        "operands": [str(operand) for operand in operands],
        "domain": [str(domain) for domain in row.domain],
        "partials": partials,
        "routes": {
            "symbolic": "SymPy's derivative" if differentiable else None,
            "autodiff": row.jax if isinstance(row.jax, str) else row.jax.__name__,
            "chain": "hand-written" if differentiable else None,
        },
        "largest_error": function_errors().get(row.name, {}),
        "host_callback": row.callback,
        "source": row.source,
        "spoken": row.spoken,
    }


@click.command("models", cls=Command, short_help="The embedded models.")
@click.option("--json", "json_file", cls=OptionalValue, metavar="[FILE]", help=_JSON_HELP)
def models(json_file: str | None) -> None:
    """List the embedded models, which check, train and fit know by name."""
    from compare.formula import visible
    from symdiff import models as embedded

    check_targets(json_file)
    rows = [_model(embedded.load(name)) for name in embedded.names()]
    if json_file is not None:
        write_json({"models": rows}, json_file)
    if json_file == STANDARD_OUTPUT:
        return
    view = screen()
    columns = [Column("name"), Column("prediction", fit="wrap"), Column("parameters", fit="wrap")]
    columns += [Column("samples", right=True), Column("starting\npoints", right=True)]
    cells = [
        [
            row["name"],
            visible(row["prediction"] if row["target"] is None else f"{row['target']} = {row['prediction']}", SHOWN),
            ", ".join(row["parameters"]),
            str(row["samples"]),
            str(row["starts"]),
        ]
        for row in rows
    ]
    view.table(columns, cells)
    view.heading("Sources")
    for row in rows:
        view.line(f"{row['name']}: {row['source'] or 'not given'}")


def _model(model: Model) -> dict[str, Any]:
    """Describe a model as JSON data."""
    from compare.formula import as_text

    return {
        "name": model.name,
        "prediction": as_text(model.prediction),
        "loss": as_text(model.loss_formula),
        "inputs": [symbol.name for symbol in model.inputs],
        "target": None if model.target is None else model.target.name,
        "parameters": {symbol.name: _plain(parameter.value) for symbol, parameter in model.parameters.items()},
        "samples": 0 if model.data is None else len(next(iter(model.data.values()))),
        "starts": max(1, len(model.starts)),
        "source": model.source,
    }


def _plain(value: Any) -> Any:
    """A number, or the shape of an array."""
    return value if isinstance(value, float) else {"shape": list(value.shape)}
