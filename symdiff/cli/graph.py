"""`symdiff graph`: a picture of what is computed from what."""

from __future__ import annotations

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.models_at import note, place_of
from symdiff.cli.output import check_targets
from symdiff.cli.shapes import formula as read_formula
from symdiff.cli.shapes import shape_option
from symdiff.errors import OptionError


@click.command("graph", cls=Command, short_help="A picture of the graph of a formula.")
@click.argument("expr", metavar="EXPR|MODEL")
@click.option("--out", required=True, metavar="FILE", help="The picture to write: .svg, or .dot for Graphviz.")
@click.option("--at", metavar="w=1,x=2", help="A number for every symbol, to draw values, adjoints and partials.")
@click.option("--wrt", metavar="w,b", help="With --at: the symbols to differentiate in; all by default.")
@shape_option
@options.start_option
def graph(expr: str, out: str, at: str | None, wrt: str | None, shapes: tuple[str, ...], start: int | None) -> None:
    """Draw the computational graph of a formula, from its inputs to its output.

    With a point, each box has its value below and its adjoint above, each edge its local partial. Of matrices and
    arrays, which --shape declares, the shapes stand there, and with a point the first entries. Of a model the loss of
    one sample, at the first row of its data and the start of its parameters, but for what --at names.

    Examples: symdiff graph "(w*x - y)**2" --at w=1,x=2,y=4 --out graph.svg, symdiff graph two_layer --out graph.svg,
    symdiff graph "norm(W*x - y)**2" --shape "W: m,n" --shape "x: n,1" --shape "y: m,1" --out graph.svg
    """
    from symdiff.pictures.drawing import check_ending, picture

    check_ending(out, "--out ")
    check_targets(out, inputs=(expr,))
    point = None if at is None else options.point(at)
    place = place_of(expr, start, point, shapes)
    wanted = None if wrt is None else options.names(wrt)
    if place is not None:
        note(place)
        found = picture(place.expression, place.point, wanted or place.wrt)
    elif point is None and wrt is not None:
        raise OptionError(f"--wrt {wrt!r} without a point; give --at as well, such as --at w=1,x=2")
    else:
        found = picture(read_formula(expr, shapes, "graph") if shapes else expr, point, wanted)
    found.save(out)
    nodes, edges = (f"{n:,} {what}{'s' * (n != 1)}" for n, what in ((found.nodes, "node"), (found.edges, "edge")))
    drawn = "" if len(found.diagram.nodes) == found.nodes else ", drawn by layers"
    click.echo(f"{out}: {nodes}, {edges}{drawn}")
