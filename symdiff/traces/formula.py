"""How a trace writes things down: names of nodes, rules in the operands' names, formulas that are not too long.

A rule is written once, in the placeholders of `symbolic.operand_names`, and the operands' names are put into the text.
Nothing is evaluated on the way: `v1 - y` stays in the order of its operands, and 2*v2 is what SymPy's derivative said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, cast

import sympy as sp
from sympy.printing.str import StrPrinter

from symdiff.formula.printed_size import PrintedSize
from symdiff.function import Function
from symdiff.graph import Static
from symdiff.symbolic import local_partial, operand_names

# printing recurses a few frames a level; Python's default limit is 1,000 frames
DEEPEST = 60
MARK = "\0"


class _Printer(StrPrinter):  # pyright: ignore[reportUntypedBaseClass] - SymPy has no annotations
    """SymPy's text with placeholders filled in: by a constant, in parentheses where needed, or by a mark for a name.

    A Float of double precision is written with the digits that identify it, 0.1 and not 0.100000000000000.
    """

    def __init__(
        self, constants: Mapping[sp.Symbol, sp.Basic] | None = None, marks: Mapping[sp.Symbol, str] | None = None
    ):
        super().__init__({})
        self._constants = constants or {}
        self._marks = marks or {}

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        return cast(str, super().parenthesize(self._constants.get(item, item), level, strict))

    def _print_Symbol(self, expr: sp.Symbol) -> str:  # noqa: N802 - SymPy looks for this name
        if expr in self._constants:
            return cast(str, self._print(self._constants[expr]))
        return self._marks[expr] if expr in self._marks else str(expr.name)

    def _print_Float(self, expr: sp.Float) -> str:  # noqa: N802 - SymPy looks for this name
        return repr(float(expr)) if expr._prec == 53 else cast(str, super()._print_Float(expr))


def written(expr: sp.Basic) -> str:
    """Write an expression or a constant on one line, so that reading it back gives the same numbers.

    >>> written(sp.Float(0.1) * sp.Symbol("x") + sp.pi)
    '0.1*x + pi'
    """
    return cast(str, _Printer().doprint(expr))


def unused_names(taken: Collection[str]) -> Iterator[str]:
    """Yield v1, v2, ... without those that are taken.

    >>> names = unused_names({"v2"})
    >>> next(names), next(names)
    ('v1', 'v3')
    """
    return (name for i in count(1) if (name := f"v{i}") not in taken)


def rule_text(
    function: Function, static: Static, operands: Sequence[str | sp.Basic], partial: int | None = None
) -> str:
    """Write a function, or its `partial`-th local partial as SymPy derives it, in its operands.

    An operand is given as a name or, where it is a constant, as that constant.

    Raises UnsupportedError where there is no derivative in that operand.

    >>> from symdiff.functions import FUNCTIONS
    >>> rule_text(FUNCTIONS["subtract"], (), ["y", "v1"]), rule_text(FUNCTIONS["divide"], (), ["v1", "x"], partial=1)
    ('y - v1', '-v1/x**2')
    >>> rule_text(FUNCTIONS["multiply"], (), [sp.Integer(-3), "x"])
    '(-3)*x'
    """
    constants = tuple(operand if isinstance(operand, sp.Basic) else None for operand in operands)
    pieces = _template(function, static, constants, partial)
    return "".join(str(operands[int(piece)]) if i % 2 else piece for i, piece in enumerate(pieces))


@lru_cache(maxsize=4096)
def _template(
    function: Function, static: Static, constants: tuple[sp.Basic | None, ...], partial: int | None
) -> tuple[str, ...]:
    """The text of a rule, cut at its operands: texts at even places, numbers of operands at odd ones."""
    names = operand_names(function)
    if partial is None:
        rule = function.sympy(*names, *map(sp.sympify, static))
    else:
        rule = local_partial(function, partial, static)
    pairs = list(zip(names, constants, strict=True))
    printer = _Printer(
        {name: constant for name, constant in pairs if constant is not None},
        {name: f"{MARK}{i}{MARK}" for i, (name, constant) in enumerate(pairs) if constant is None},
    )
    return tuple(cast(str, printer.doprint(rule)).split(MARK))


class Measure(PrintedSize):
    """The printed size of formulas, and the text of those that are not too large.

    >>> x = sp.Symbol("x")
    >>> Measure().written(x**2 + 1, 5), Measure().written(x**2 + 1, 4)
    ('x**2 + 1', None)
    """

    def written(self, expr: sp.Basic, longest: int) -> str | None:
        """Write a formula of at most `longest` nodes; None for one that is larger, or too deep to print."""
        size, depth = self(expr)
        return written(expr) if size <= longest and depth <= DEEPEST else None
