"""Rules of a trace as MathML: in names, and with numbers in their place.

A rule is set once, with places held for its operands, and kept cut there; names and numbers are put in between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import sympy as sp
from markupsafe import Markup

from symdiff.formula.mathml import CLOSE, OPEN, converted, inside, name_markup, named_safely
from symdiff.function import Function
from symdiff.graph import Static
from symdiff.symbolic import local_partial, operand_names

MARK = re.compile("<mi>⟦(\\d)⟧</mi>")
# what stands at the start of a row, or between parentheses, needs none of its own
FREE = re.compile(r"(?:<mrow>|<mfrac>|<mtd[^>]*>|<msqrt>|(?:\(|&#x00028;|&#x0002C;)</mo>)$")
BARE = re.compile(r"\d+(?:\.\d+)?|∞|[a-z]+")


def math(*parts: str) -> Markup:
    """Put markup into a `math` element of its own."""
    return Markup(f"<math>{''.join(parts)}</math>")  # noqa: S704 our own markup


def sign(text: str) -> str:
    """A sign between two parts of a formula."""
    return f"<mo>{escape(text)}</mo>"


def number_markup(text: str, bare: bool = True) -> str:
    """A number; in parentheses where it is not bare and has a sign or an exponent.

    >>> number_markup("−4", bare=False)
    '<mrow><mo stretchy="false">(</mo><mn>−4</mn><mo stretchy="false">)</mo></mrow>'
    """
    markup = f"<mn>{escape(text)}</mn>"
    return markup if bare or BARE.fullmatch(text) else f"<mrow>{OPEN}{markup}{CLOSE}</mrow>"


@lru_cache(maxsize=4096)
def constant_markup(value: sp.Basic) -> tuple[str, bool]:
    """A constant, and whether it can stand without parentheses."""
    markup = inside(converted(sp.latex(value), {}, "inline"))
    return markup or f"<mtext>{escape(str(value))}</mtext>", value.is_Symbol or str(value).isalnum()


def derivative(top: str, below: str) -> str:
    """The fraction ∂top/∂below, of names.

    >>> derivative("v3", "w").count("<mo>∂</mo>")
    2
    """
    above, under = (f"<mrow><mo>∂</mo>{name_markup(name)}</mrow>" for name in (top, below))
    return f"<mfrac>{above}{under}</mfrac>"


def rule_markup(
    function: Function, static: Static, operands: Sequence[str | float | bool | sp.Basic], partial: int | None = None
) -> str | None:
    """A function, or its `partial`-th local partial, with its operands put in; None where it cannot be set.

    An operand is a name, a constant, a number already written, as `Number`, or markup.

    >>> from symdiff.functions import FUNCTIONS
    >>> rule_markup(FUNCTIONS["subtract"], (), ["v1", "y"])
    '<mrow><msub><mi>v</mi><mn>1</mn></msub><mo>&#x02212;</mo><mi>y</mi></mrow>'
    """
    pieces = _template(function, static, partial)
    if pieces is None:
        return None
    found: list[str] = []
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            found.append(piece)
            continue
        operand = operands[int(piece)]
        free = FREE.search(pieces[i - 1]) is not None
        if isinstance(operand, Markup):
            found.append(operand)
        elif isinstance(operand, Number):
            found.append(number_markup(operand, free))
        elif isinstance(operand, sp.Basic):
            markup, bare = constant_markup(operand)
            found.append(markup if bare or free else f"<mrow>{OPEN}{markup}{CLOSE}</mrow>")
        else:
            found.append(name_markup(str(operand)))
    return "".join(found)


class Number(str):
    """A number as it is written on the page."""

    __slots__ = ()


@lru_cache(maxsize=4096)
def _template(function: Function, static: Static, partial: int | None) -> tuple[str, ...] | None:
    """The MathML of a rule, cut at its operands: markup at even places, numbers of operands at odd ones."""
    names = operand_names(function)
    rule = (
        function.sympy(*names, *map(sp.sympify, static))
        if partial is None
        else local_partial(function, partial, static)
    )
    if not named_safely(sp.preorder_traversal(rule)):
        return None
    marks = {name: chr(0xE000 + i) for i, name in enumerate(names)}
    latex = sp.latex(rule, symbol_names=marks, mul_symbol="dot")
    markup = inside(converted(latex, {f"⟦{i}⟧": mark for i, mark in enumerate(marks.values())}, "inline"))
    if markup is None:
        return None
    pieces = tuple(MARK.split(markup))
    # SymPy prints the operands of some functions, such as beta, by other names than it is given
    needed = {str(i) for i, name in enumerate(names) if rule.has(name)}
    return pieces if needed == set(pieces[1::2]) else None
