"""Arrays on the page: small grids of their entries, and matrix formulas as MathML, in names or with grids in place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import sympy as sp
from sympy.core.symbol import Str
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import precedence_traditional
from sympy.tensor.array.expressions.array_expressions import ArraySymbol

from symdiff.formula.mathml import converted, inside, name_markup, named_safely
from symdiff.pictures.labels import number
from symdiff.step_through.formulas import number_markup
from symdiff.traces.array_table import ends
from symdiff.traces.formula import Measure

MARK = re.compile("<mi>⟦(\\d+)⟧</mi>")
DIGITS = 4
# of a formula, in nodes as printed
LONGEST = 200


def grid(value: Any) -> str:
    """A number, also that of an array of one entry, or an array as a grid with four digits; of a long axis its ends.

    >>> grid(np.array([1.0, -0.5])).count("<mtd>"), grid(np.zeros((64, 64))).count("<mtd>")
    (2, 36)
    """
    if np.size(value) == 1:
        return number_markup(number(np.ravel(value)[0].item()))
    table = np.asarray(value) if np.ndim(value) == 2 else np.reshape(value, (1, -1))
    rows, columns = (ends(length) for length in table.shape)
    cells = (
        "".join(
            f"<mtd>{_dots(i, j) if i is None or j is None else number_markup(number(table[i, j].item(), DIGITS))}</mtd>"
            for j in columns
        )
        for i in rows
    )
    return f'<mtable class="grid">{"".join(f"<mtr>{row}</mtr>" for row in cells)}</mtable>'


def _dots(row: int | None, column: int | None) -> str:
    sign = "⋱" if row is None and column is None else "⋮" if row is None else "…"
    return f"<mo>{sign}</mo>"


def operand(value: Any) -> str:
    """A value within a formula: a grid, or a number in parentheses where it needs them."""
    return grid(value) if np.size(value) != 1 else number_markup(number(np.ravel(value)[0].item()), bare=False)


def asked(adjoint: Any, node: int) -> tuple[int, ...]:
    """The entry of an adjoint that the quiz asks for: one that the grid shows and, where there is any, not zero.

    >>> asked(np.array([[0.0, 2.0]]), 7)
    (0, 1)
    """
    axes = np.shape(adjoint)
    if len(axes) != 2:
        axes = (int(np.prod(axes)),)
    flat = np.reshape(adjoint, axes)
    shown = list(itertools.product(*([i for i in ends(n) if i is not None] for n in axes)))
    chosen = [place for place in shown if flat[place]] or shown
    place = chosen[5 * node % len(chosen)]
    whole = np.unravel_index(np.ravel_multi_index(place, axes), np.shape(adjoint))
    return tuple(map(int, whole))


def place_in_words(place: tuple[int, ...], shape: tuple[int, ...]) -> str | None:
    """Which entry of an array that is; None where there is but one.

    >>> place_in_words((0, 1), (2, 2)), place_in_words((2, 0), (3, 1)), place_in_words((0,), (1,))
    ('row 1, column 2', 'entry 3', None)
    """
    if not shape or np.prod(shape) == 1:
        return None
    if len(shape) <= 2 and 1 in (*shape, 1)[:2]:
        return f"entry {max(place) + 1}"
    if len(shape) == 1:
        return f"entry {place[0] + 1}"
    if len(shape) == 2:
        return f"row {place[0] + 1}, column {place[1] + 1}"
    return f"entry {', '.join(str(i + 1) for i in place)}"


def has_entries(expression: Any) -> bool:
    """Whether a formula is written by entries, so that no grid can stand in the place of a name."""
    return bool(expression.has(sp.Indexed, sp.Sum, ArraySymbol, sp.FunctionMatrix))


def expression_markup(expression: Any, places: Mapping[str, str]) -> str | None:
    """A matrix formula, with markup in the place of its names; None where it cannot be set.

    >>> A, x = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("x", 2, 1)
    >>> expression_markup(A * x, {})
    '<mrow><mi>A</mi><mo>&#x000B7;</mo><mi>x</mi></mrow>'
    """
    if Measure().written(expression, LONGEST) is None or expression.has(ArraySymbol):
        return None
    # names of matrices never reach the LaTeX; names of functions do
    if not named_safely(node for node in sp.preorder_traversal(expression) if not isinstance(node, Str)):
        return None
    symbols = sorted(expression.atoms(sp.Symbol, sp.MatrixSymbol), key=str)
    marks = {symbol: chr(0xE000 + i) for i, symbol in enumerate(symbols)}
    latex = cast(str, _Latex({"symbol_names": marks, "mul_symbol": "dot"}).doprint(expression))
    private = {f"⟦{i}⟧": mark for i, mark in enumerate(marks.values())}
    markup = inside(converted(latex, private, "inline"))
    if markup is None:
        return None
    names = [str(symbol) for symbol in symbols]
    return MARK.sub(lambda found: places.get(names[int(found[1])]) or name_markup(names[int(found[1])]), markup)


class _Latex(LatexPrinter):  # pyright: ignore[reportUntypedBaseClass] - SymPy has no annotations
    """SymPy's LaTeX, with a dot in products of matrices: two numbers side by side would read as one."""

    def _print_MatMul(self, expr: Any) -> str:  # noqa: N802 - SymPy looks for this name
        def factor(part: Any) -> str:
            if isinstance(part, sp.Mul):
                return cast(str, self._print(part))
            return cast(str, self.parenthesize(part, precedence_traditional(expr), False))

        args = list(expr.args)
        minus = bool(expr.could_extract_minus_sign())
        if minus:
            args = args[1:] if args[0] == -1 else [-args[0], *args[1:]]
        return "- " * minus + r" \cdot ".join(map(factor, args))
