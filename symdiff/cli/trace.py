"""`symdiff trace`: one evaluation and its backpropagation, step by step."""

from __future__ import annotations

import os

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.models_at import note, place_of
from symdiff.cli.output import check_targets, json_text, write_text
from symdiff.cli.shapes import formula as read_formula
from symdiff.cli.shapes import shape_option
from symdiff.cli.tables import screen

NARROWEST, PIPE = 60, 100


@click.command("trace", cls=Command, short_help="Forward and backward pass, step by step.")
@click.argument("expr", metavar="EXPR|MODEL")
@click.option(
    "--at",
    metavar="w=1,x=2",
    help="A number for every symbol, parted by commas; an array as W=[[1,2],[3,4]]. A model has its own.",
)
@click.option("--wrt", metavar="w,b", help="The symbols to differentiate in; all by default.")
@click.option("--dtype", type=click.Choice(options.DTYPES), default="float64", show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of standard output.")
@click.option(
    "--seed", type=options.Whole(0, 2**63 - 1), default=0, show_default=True, help="Of arrays that --at leaves out."
)
@shape_option
@options.start_option
def trace(
    expr: str,
    at: str | None,
    wrt: str | None,
    dtype: str,
    form: str,
    out: str | None,
    seed: int,
    shapes: tuple[str, ...],
    start: int | None,
) -> None:
    """Show the forward pass front to back, and the backward pass back to front.

    Every node with its value, its local partials as formula and number, its tangent and its adjoint. With --format html
    as a page that walks through the steps and asks questions. Of matrices and arrays, which --shape declares, the
    adjoints with their matrix formulas; what --at leaves out is drawn by --seed. Of a model the loss of one sample, at
    the first row of its data and the start of its parameters, but for what --at names.

    Examples: symdiff trace "(w*x - y)**2" --at w=1,x=2,y=4 --wrt w,
    symdiff trace two_layer --format html --out steps.html,
    symdiff trace "norm(W*x - y)**2" --shape "W: 2,2" --shape "x: 2" --shape "y: 2" --at "W=[[1,2],[3,4]],x=[1,-1]"
    """
    import symdiff

    check_targets(out, inputs=(expr,))
    point = None if at is None else options.point(at)
    place = place_of(expr, start, point, shapes)
    wanted = None if wrt is None else options.names(wrt)
    if place is not None:
        note(place)
        subject, point, wanted = place.expression, place.point, wanted or place.wrt
    else:
        if at is None and not shapes:
            raise click.MissingParameter(param_hint="'--at'", param_type="option")
        subject, point = read_formula(expr, shapes, "trace") if shapes else expr, point or {}
    if place is None and not isinstance(subject, str):
        from symdiff.cli.drawn import completed

        point, drawn = completed(subject, point, seed)
        if drawn:
            click.echo(f"symdiff: note: drawn by seed {seed}: {', '.join(drawn)}", err=True)
    found = symdiff.trace(
        subject,
        point,
        wanted,
        "float32" if dtype == "float32" else "float64",
    )
    if form == "json":
        text = json_text(found.to_dict())
    elif form == "html":
        text = found.to_html().rstrip("\n")
    else:
        view = screen()
        # a file and a pipe have no width of their own; COLUMNS may give one
        fixed = view.console.is_terminal or "COLUMNS" in os.environ
        text = found.to_text(max(NARROWEST, view.width if fixed else PIPE))
    if out is None or out == "-":
        click.echo(text)
    else:
        write_text(text + "\n", out)
