"""What SymPy has no readable form for: functions of each entry, 1×1 matrices as numbers, arrays entry by entry.

All print as text, LaTeX and presentation MathML, and are read back into a graph as any other expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.printing.precedence import PRECEDENCE, PRECEDENCE_TRADITIONAL, precedence


class Products(HadamardProduct):
    r"""A product entry by entry; in text a function call, which needs no brackets, in LaTeX an infix sign, which does.

    >>> A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)
    >>> print(sp.MatMul(Products(A, B), A), sp.latex(sp.MatMul(Products(A, B), A)))
    HadamardProduct(A, B)*A \left(A \circ B\right) A
    """

    precedence = PRECEDENCE["Func"]

    def _sympystr(self, printer: Any) -> str:
        return f"HadamardProduct({', '.join(map(printer._print, self.args))})"


class Powers(HadamardPower):
    """A power entry by entry; in text a function call."""

    precedence = PRECEDENCE["Func"]

    def _sympystr(self, printer: Any) -> str:
        return f"HadamardPower({', '.join(map(printer._print, self.args))})"

    def _mathml_presentation(self, printer: Any) -> Any:
        power = printer.dom.createElement("msup")
        power.appendChild(printer.parenthesize(self.base, PRECEDENCE["Pow"]))
        exponent = printer.dom.createElement("mrow")
        sign = printer.dom.createElement("mo")
        sign.appendChild(printer.dom.createTextNode("&#x2218;"))
        exponent.appendChild(sign)
        exponent.appendChild(printer._print(self.exp))
        power.appendChild(exponent)
        return power


# for printers other than text
PRECEDENCE_TRADITIONAL["Products"] = PRECEDENCE["Mul"]
PRECEDENCE_TRADITIONAL["Powers"] = PRECEDENCE["Pow"]


class Ones(sp.OneMatrix):
    """A matrix of ones that tells its shape; SymPy prints it as the number 1."""

    def _sympystr(self, printer: Any) -> str:
        return f"OneMatrix({', '.join(map(printer._print, self.shape))})"

    def _latex(self, printer: Any) -> str:
        rows, columns = map(printer._print, self.shape)
        return rf"\mathbf{{1}}_{{{rows}}}" if columns == "1" else rf"\mathbf{{1}}_{{{rows} \times {columns}}}"


class Eye(sp.Identity):
    """An identity that tells its size in text; SymPy prints it as the letter I."""

    def _sympystr(self, printer: Any) -> str:
        return f"Identity({printer._print(self.shape[0])})"


class Shown(sp.Dummy):
    """Stands in a scalar formula for a matrix, and prints as that matrix does."""

    matrix: Any

    @property
    def precedence(self) -> int:
        """That of the matrix."""
        return precedence(self.matrix)

    def _sympystr(self, printer: Any) -> Any:
        return printer._print(self.matrix)

    _latex = _mathml_presentation = _pretty = _sympystr


def _shown(matrix: Any) -> Shown:
    symbol = Shown("entry", real=True)
    symbol.matrix = matrix
    return symbol


class Pointwise(sp.MatrixExpr):
    """A scalar function of the entries of matrices of one shape, printed without its Lambda.

    `Pointwise(Lambda((u, v), body), A, B)` has the entries body(A[i, j], B[i, j]); an argument may be a number.

    >>> u, A = sp.Symbol("u", real=True), sp.MatrixSymbol("A", 2, 3)
    >>> Pointwise(sp.Lambda(u, 1 - sp.tanh(u) ** 2), 2 * A)
    1 - tanh(2*A)**2
    """

    def __new__(cls, function: sp.Lambda, *operands: Any) -> Pointwise:
        """A function of as many numbers as there are operands, of which one is a matrix at least."""
        return sp.Basic.__new__(cls, function, *map(sp.sympify, operands))

    @property
    def function(self) -> Any:
        """The function of one entry of each operand."""
        return self.args[0]

    @property
    def operands(self) -> Sequence[Any]:
        """Matrices of one shape, and numbers."""
        return self.args[1:]

    @property
    def shape(self) -> Any:
        """The shape of the matrices."""
        return next(operand.shape for operand in self.operands if getattr(operand, "is_Matrix", False))

    def _entry(self, i: Any, j: Any, **_: Any) -> Any:
        entries = [operand[i, j] if getattr(operand, "is_Matrix", False) else operand for operand in self.operands]
        return self.function(*entries)

    def doit(self, **hints: Any) -> Any:
        """The matrix of the values, where all operands are explicit."""
        operands = [operand.doit(**hints) for operand in self.operands]
        if any(isinstance(operand, sp.MatrixBase) for operand in operands):
            rows, columns = self.shape
            if all(isinstance(operand, sp.MatrixBase) or not operand.is_Matrix for operand in operands):
                return sp.ImmutableDenseMatrix(rows, columns, Pointwise(self.function, *operands)._entry)
        return Pointwise(self.function, *operands)

    @cached_property
    def filled(self) -> Any:
        """The body with the matrices in it, to be printed."""
        return self._shown(self.function.expr)

    def _shown(self, body: Any) -> Any:
        given = dict(zip(self.function.variables, self.operands, strict=True))
        # a power of an entry is no power of the matrix
        powers = {
            power: _shown(Powers(given[power.base], power.exp))
            for power in body.atoms(sp.Pow)
            if getattr(given.get(power.base), "is_Matrix", False) and power.exp.is_number
        }
        body = body.xreplace(powers)
        return body.xreplace({u: _shown(a) if getattr(a, "is_Matrix", False) else a for u, a in given.items()})

    @property
    def precedence(self) -> int:
        """That of the body; a quotient stands in brackets within a product."""
        numerator, denominator = self.filled.as_numer_denom() if self.filled.is_Pow or self.filled.is_Mul else (1, 1)
        own = precedence(self.filled)
        return own if denominator == 1 or numerator is None else min(own, PRECEDENCE["Mul"] - 1)

    def _sympystr(self, printer: Any) -> Any:
        given = dict(zip(self.function.variables, self.operands, strict=True))
        rows, columns = self.shape
        return printer._print(self._shown(_spelled(self.function.expr, set(given), rows, columns)))

    def _pretty(self, printer: Any) -> Any:
        # SymPy's pretty printer would leave the brackets out
        form = printer._print(self.filled)
        return form if self.precedence > PRECEDENCE["Add"] else type(form)(*form.parens())

    def _latex(self, printer: Any) -> Any:
        return printer._print(self.filled)

    _mathml_presentation = _latex


def _spelled(body: Any, entries: set[Any], rows: Any, columns: Any) -> Any:
    """A function of entries as it can be read back in text alone, where it could mean something else.

    A power of a square matrix would be a product with itself, and a number is added to a function of entries only.
    """
    if body in entries or not body.free_symbols & entries:
        return body
    parts = [_spelled(part, entries, rows, columns) for part in body.args]
    if body.is_Pow and rows == columns and body.base not in entries and body.exp.is_number:
        return sp.Function("HadamardPower")(*parts)
    if body.is_Add:
        for place, term in enumerate(body.args):
            others = [part for part in body.args if part.free_symbols & entries]
            bare = any(part.as_coeff_Mul()[1] in entries for part in others)
            if term not in others and (rows == columns or bare or not term.is_number):
                parts[place] = sp.Mul(term, sp.Function("OneMatrix")(rows, columns), evaluate=False)
    changed = any(part is not own for part, own in zip(parts, body.args, strict=True))
    return (
        body.func(*parts, evaluate=False)
        if changed and not body.is_Function
        else body.func(*parts)
        if changed
        else body
    )


class OneByOne(sp.Trace):
    """The number in a matrix of one entry, printed as the matrix: r.T*r as textbooks write it.

    >>> r = sp.MatrixSymbol("r", 3, 1)
    >>> sp.sqrt(OneByOne(r.T * r)) + 1
    sqrt(r.T*r) + 1
    """

    @property
    def precedence(self) -> int:
        """That of the matrix."""
        return precedence(self.args[0])

    def _sympystr(self, printer: Any) -> Any:
        return printer._print(self.args[0])

    _latex = _mathml_presentation = _pretty = _sympystr


class OneEntry(sp.MatrixExpr):
    """The matrix of one entry that holds a number, printed as that number.

    >>> r = sp.MatrixSymbol("r", 3, 1)
    >>> OneEntry(2 * OneByOne(r.T * r)).shape, OneEntry(2 * OneByOne(r.T * r))
    ((1, 1), 2*(r.T*r))
    """

    def __new__(cls, number: Any) -> OneEntry:
        """The number is given."""
        return sp.Basic.__new__(cls, sp.sympify(number))

    @property
    def shape(self) -> Any:
        """One row, one column."""
        return sp.Integer(1), sp.Integer(1)

    def _entry(self, *_: Any, **__: Any) -> Any:
        return self.args[0]

    @property
    def precedence(self) -> int:
        """That of the number."""
        return precedence(self.args[0])

    def _sympystr(self, printer: Any) -> Any:
        return printer._print(self.args[0])

    def _pretty(self, printer: Any) -> Any:
        form = printer._print(self.args[0])
        return form if self.precedence > PRECEDENCE["Add"] else type(form)(*form.parens())

    _latex = _mathml_presentation = _sympystr


class Entries(ExprWithLimits):
    """An array given by its entries: `Entries(expr, (i, 0, n - 1), (j, 0, m - 1))` has the shape (n, m).

    Entry [a, b] is expr at i = a, j = b. The first index belongs to the first axis. Printed in LaTeX as a family,
    `(expr)_{i=0}^{n - 1}`.

    >>> n, i = sp.symbols("n i", integer=True)
    >>> Entries(2 * sp.IndexedBase("x")[i], (i, 0, n - 1))
    Entries(2*x[i], (i, 0, n - 1))
    """

    def __new__(cls, function: Any, *limits: Any) -> Entries:
        """An expression and, for each axis, the index with its first and last number."""
        return sp.Expr.__new__(cls, sp.sympify(function), *(sp.Tuple(*limit) for limit in limits))

    @property
    def shape(self) -> tuple[Any, ...]:
        """The lengths of the axes."""
        return tuple(upper - lower + 1 for _, lower, upper in self.limits)

    def at(self, *places: Any) -> Any:
        """The entry at these places, counted from 0.

        >>> i = sp.Symbol("i", integer=True)
        >>> Entries(i**2, (i, 0, 5)).at(3)
        9
        """
        given = {index: lower + place for (index, lower, _), place in zip(self.limits, places, strict=True)}
        return self.function.xreplace(given)

    @property
    def precedence(self) -> int:
        """Printed with brackets of its own."""
        return PRECEDENCE["Func"]

    def _sympystr(self, printer: Any) -> str:
        return f"Entries({', '.join(printer._print(arg) for arg in self.args)})"

    def _latex(self, printer: Any) -> str:
        below = r",\ ".join(f"{printer._print(index)}={printer._print(lower)}" for index, lower, _ in self.limits)
        above = r",\ ".join(printer._print(upper) for _, _, upper in self.limits)
        return rf"\left({printer._print(self.function)}\right)_{{{below}}}^{{{above}}}"

    def _mathml_presentation(self, printer: Any) -> Any:
        def row(*children: Any) -> Any:
            node = printer.dom.createElement("mrow")
            for child in children:
                if isinstance(child, str):
                    text, child = child, printer.dom.createElement("mo")
                    child.appendChild(printer.dom.createTextNode(text))
                node.appendChild(child)
            return node

        def parted(parts: list[Any]) -> Any:
            return row(*(piece for k, part in enumerate(parts) for piece in ((",", part) if k else (part,))))

        family = printer.dom.createElement("msubsup")
        family.appendChild(row("(", printer._print(self.function), ")"))
        family.appendChild(parted([row(printer._print(i), "=", printer._print(low)) for i, low, _ in self.limits]))
        family.appendChild(parted([printer._print(high) for _, _, high in self.limits]))
        return family
