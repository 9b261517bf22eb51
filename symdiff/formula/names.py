"""What the words and literals of a formula mean."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sympy as sp

from symdiff.formula.text import shown

COMPARE: dict[str, Callable[..., Any]] = {"Eq": sp.Eq, "Ne": sp.Ne, "Lt": sp.Lt, "Le": sp.Le, "Gt": sp.Gt, "Ge": sp.Ge}
COMBINE: dict[str, Callable[..., Any]] = {"And": sp.And, "Or": sp.Or, "Not": sp.Not, "Xor": sp.Xor, "ITE": sp.ITE}

_TRUTH = {"True": sp.true, "False": sp.false}
_CALLED = {"Piecewise", *COMPARE, *COMBINE}
# how many conditions each of them joins, where not any number
JOINED = {"Not": 1, "ITE": 3}
_NO_SYMBOLS = {
    "I": "the imaginary unit is not allowed, since formulas are real",
    **dict.fromkeys(
        ("oo", "inf", "Inf", "infinity", "Infinity", "zoo"), "infinity is not allowed, since formulas are finite"
    ),
    **dict.fromkeys(("nan", "NaN"), "'not a number' is not allowed, since formulas are finite"),
    "π": "write pi for the constant",
    "None": "it is not a number; write 0 for none",
}


@dataclass(frozen=True)
class Vocabulary:
    """The names of one formula.

    `declared`: the symbols it may hold, by name; they win over all else where they are not called. None for any.
    `constants`: what a name that is not declared means.
    `functions`: what it may call. Their names without a call are names like others.

    >>> Vocabulary({"w": sp.Symbol("w")}, {"pi": sp.pi}, {}).value("W")
    "unknown name 'W'; did you mean 'w'?; declared: w"
    """

    declared: Mapping[str, sp.Symbol] | None
    constants: Mapping[str, sp.Expr]
    functions: Mapping[str, Callable[..., Any]]

    def value(self, name: str) -> sp.Expr | str:
        """Return the symbol or constant of this name, or why there is none."""
        if self.declared is not None and name in self.declared:
            return self.declared[name]
        if name in self.constants:
            return self.constants[name]
        quoted = f"'{shown(name, 30)}'"
        if name in _NO_SYMBOLS:
            return f"{_NO_SYMBOLS[name]}; to use {quoted} as a symbol, declare it"
        if name in _TRUTH:
            return f"{quoted} is a condition where a number belongs; write 1 or 0"
        if self.declared is None:
            return sp.Symbol(name, real=True)
        if name in self.functions or name in _CALLED:
            return f"{quoted} is a function; write {name}(...), or declare it to use it as a symbol"
        near = _near(name, [*self.declared, *self.constants])
        return f"unknown name {quoted}{near}; declared: {_listed(self.declared) or 'no symbols'}"

    def function(self, name: str) -> Callable[..., Any] | str:
        """Return the function of this name, or why there is none."""
        if name in COMPARE or name in COMBINE:  # but ITE of numbers, which the builder takes before
            return f"{name} is a condition where a number belongs; write 'a if condition else b'"
        if name in self.functions:
            return self.functions[name]
        quoted = shown(name, 30)
        if self.declared is not None and name in self.declared:
            return f"'{quoted}' is a symbol, not a function; write {quoted}*(...) for a product"
        known = ["Piecewise", *self.functions]
        near = _near(name, known)
        return f"unknown function '{quoted}'{near}; allowed: {_listed(known)}; write {quoted}*(...) for a product"

    def truth(self, name: str) -> sp.Basic | None:
        """Return the condition that a name means: True and False where they are not declared, else none."""
        return None if self.declared is not None and name in self.declared else _TRUTH.get(name)


def number(literal: str) -> sp.Expr:
    """Return the number of a literal: an integer exactly, else a Float that rounds to Python's float of the literal.

    >>> number("7"), number("0.1"), number("0.12345678901234567890")
    (7, 0.100000000000000, 0.12345678901234567890)
    """
    if literal.isdecimal():
        return sp.Integer(int(literal))
    mantissa = literal.lower().partition("e")[0].replace(".", "").lstrip("0")
    digits, double = max(15, len(mantissa)), float(literal)
    if math.isinf(double) or (mantissa and not double):
        return sp.Float(literal, digits)
    if digits > 15 and Decimal(literal) != Decimal(repr(double)):
        value = sp.Float(literal, digits)
        # rounded twice, to its own digits and by float(), it may come out as another double: then take the double
        return value if float(value) == double else sp.Float(double)
    return sp.Float(double)  # all digits that Python prints of a float, and no more


def _near(name: str, known: Iterable[str]) -> str:
    by_case = {candidate.lower(): candidate for candidate in known}
    # difflib compares every pair of letters: no long names
    close = difflib.get_close_matches(name.lower(), by_case, n=1) if len(name) <= 40 else []
    return f"; did you mean '{shown(by_case[close[0]], 30)}'?" if close else ""


def _listed(names: Iterable[str], limit: int = 20) -> str:
    every = sorted(names)
    rest = f" and {len(every) - limit} more" if len(every) > limit else ""
    return shown(", ".join(every[:limit]), 200) + rest
