"""`symdiff derive`: the partial derivatives of a formula, as text, LaTeX or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.output import json_text
from symdiff.cli.shapes import formula as read_formula
from symdiff.cli.shapes import shape_option

if TYPE_CHECKING:
    import sympy as sp

# nodes of a formula as it would be printed: a shared expression can have exponentially many
LONGEST_TEXT, LONGEST_LATEX = 20_000, 2_000
TOO_LONG = "too long to be written out; the steps hold it"


@click.command("derive", cls=Command, short_help="The partial derivatives of a formula.")
@click.argument("expr")
@click.option("--wrt", required=True, metavar="w,b", help="The symbols to differentiate in, parted by commas.")
@click.option("--order", type=options.Whole(1, 2), default=1, show_default=True, help="1 gradient, 2 second partials.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
@shape_option
def derive(expr: str, wrt: str, order: int, form: str, shapes: tuple[str, ...]) -> None:
    """Derive the partial derivatives of a formula.

    Steps that several of them share are computed once and named v1, v2, ...

    Examples: symdiff derive "(w*x + b - y)**2" --wrt w,b,
    symdiff derive "norm(W*x - y)**2" --shape "W: m,n" --shape "x: n,1" --shape "y: m,1" --wrt W
    """
    expression = read_formula(expr, shapes, "derive")
    named = options.names(wrt)
    symbols = _known(expression, list(named) if shapes else options.symbols(expr, named))
    derived = _first(expression, symbols) if order == 1 else _second(expression, symbols)
    {"text": _print_text, "latex": _print_latex, "json": _print_json}[form](derived)


def _known(expression: sp.Expr, wrt: list[sp.Symbol | str]) -> list[sp.Symbol | str]:
    """Symbols, but names where the formula has a matrix or an indexed array of that name."""
    import sympy as sp

    from symdiff.from_sympy import free_symbols

    arrays = {symbol.name for symbol in free_symbols(expression) if not isinstance(symbol, sp.Symbol)}
    return [str(symbol) if str(symbol) in arrays else symbol for symbol in wrt]


@dataclass(frozen=True)
class Derived:
    """Partial derivatives by the names of their symbols ("w", or "w,b" for a second one), and how they are computed.

    `stepped` are the partials in terms of the names in `steps`; `operations` count value and all partials together.
    """

    expression: sp.Expr
    wrt: tuple[str, ...]
    order: int
    partials: Mapping[str, sp.Expr]
    steps: tuple[tuple[str, sp.Expr], ...]
    stepped: Mapping[str, sp.Expr]
    operations: int


def _first(expression: sp.Expr, wrt: list[sp.Symbol | str]) -> Derived:
    from symdiff import gradient

    found = gradient(expression, wrt)
    names = tuple(symbol.name for symbol in found.wrt)
    steps = tuple((symbol.name, step) for symbol, step in found.steps)
    partials, stepped = dict(zip(names, found, strict=True)), dict(zip(names, found.stepped[1:], strict=True))
    # SymPy writes a function of each entry as a Lambda; the graph is written as its derivatives are
    shown = found.value if found.graph.shapes else expression
    return Derived(shown, names, 1, partials, steps, stepped, found.operations)


def _second(expression: sp.Expr, wrt: list[sp.Symbol | str]) -> Derived:
    from symdiff import hessian

    found = hessian(expression, wrt)
    names = tuple(symbol.name for symbol in found.wrt)
    # the matrix is symmetric: each pair once
    partials = {f"{v},{w}": found[v, w] for i, v in enumerate(names) for w in names[i:]}
    return Derived(expression, names, 2, partials, (), partials, found.operations)


def _print_text(derived: Derived) -> None:
    writer = _Writer()
    for name, partial in derived.partials.items():
        click.echo(f"{_operator(name)} = {writer.text(partial) or f'({TOO_LONG})'}")
    count = f"{derived.operations:,} operation{'s' * (derived.operations != 1)}"
    if derived.steps:
        click.echo("\nComputed once and shared:")
        for name, step in derived.steps:
            click.echo(f"{name} = {writer.text(step) or f'({TOO_LONG})'}")
        click.echo("\nwith which")
        for name, partial in derived.stepped.items():
            click.echo(f"{_operator(name)} = {writer.text(partial) or f'({TOO_LONG})'}")
    what = "the value and all partials together" if derived.order == 1 else "all second partials together"
    click.echo(f"\n{count} for {what}")


def _print_latex(derived: Derived) -> None:
    writer, too_long = _Writer(), rf"\text{{{TOO_LONG}}}"
    for name, partial in derived.partials.items():
        click.echo(f"{_latex_operator(name)} = {writer.latex(partial) or too_long}")


def _print_json(derived: Derived) -> None:
    writer = _Writer()
    texts = {name: writer.text(partial) for name, partial in derived.partials.items()}
    latex = {name: writer.latex(partial) for name, partial in derived.partials.items()}
    data: dict[str, Any] = {
        "expression": writer.text(derived.expression),
        "wrt": list(derived.wrt),
        "order": derived.order,
        "partials": texts,
        "latex": latex,
        "operations": derived.operations,
        "steps": [{"name": name, "expression": writer.text(step)} for name, step in derived.steps],
        "stepped": {name: writer.text(partial) for name, partial in derived.stepped.items()},
    }
    if None in (*texts.values(), *latex.values()):
        data["reason"] = f"null: {TOO_LONG}"
    click.echo(json_text(data))


class _Writer:
    """Formulas as text or LaTeX; None for one that is too long or too deep to be printed."""

    def __init__(self) -> None:
        from symdiff.traces.formula import Measure

        self._measure = Measure()

    def text(self, formula: sp.Expr) -> str | None:
        return self._measure.written(formula, LONGEST_TEXT)

    def latex(self, formula: sp.Expr) -> str | None:
        import sympy as sp

        fits = self._measure.written(formula, LONGEST_LATEX) is not None
        return str(sp.latex(formula)) if fits else None


def _operator(name: str) -> str:
    """Write the operator before a partial derivative, d/dw or d2/(dw db)."""
    first, comma, second = name.partition(",")
    if not comma:
        return f"d/d{first}"
    return f"d2/d{first}2" if first == second else f"d2/(d{first} d{second})"


def _latex_operator(name: str) -> str:
    import sympy as sp

    first, comma, second = (sp.latex(sp.Symbol(part)) if part != "," else part for part in name.partition(","))
    if not comma.strip():
        return rf"\frac{{\partial}}{{\partial {first}}}"
    below = rf"\partial {first}^{{2}}" if first == second else rf"\partial {first} \partial {second}"
    return rf"\frac{{\partial^{{2}}}}{{{below}}}"
