"""`python -m compare.benchmarks.break_even EXPR --wrt w,b`: what its gradient costs by each route, and when it pays."""

from __future__ import annotations

from pathlib import Path

import click

from compare.costs import MOST_COMPILED, break_even
from symdiff.cli import options
from symdiff.errors import SymdiffError


@click.command()
@click.argument("expr")
@click.option("--wrt", required=True, metavar="w,b", help="The symbols to differentiate in, parted by commas.")
@click.option("--points", type=click.IntRange(min=1), default=1, show_default=True, help="Points a call.")
@click.option("--largest", type=click.IntRange(min=1), default=MOST_COMPILED, help="Operations that are compiled.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def main(expr: str, wrt: str, points: int, largest: int, path: Path | None) -> None:
    """Count the operations of EXPR and its derivatives, and time its gradient by every route."""
    try:
        expression = options.formula(expr, "break_even")
        found = break_even(expression, options.symbols(expr, options.names(wrt)), points=points, largest=largest)
    except SymdiffError as error:
        click.echo(f"break_even: {error}", err=True)
        raise SystemExit(2) from None
    click.echo(str(found))
    if path is not None:
        path.write_text(found.to_json() + "\n")


if __name__ == "__main__":
    main()
