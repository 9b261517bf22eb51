"""What stands in a box: the sign of an operation, a name, a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from symdiff.function import Function
from symdiff.graph import Static
from symdiff.tensors.operation import Operation
from symdiff.traces.table import visible

LONGEST = 18
# of an array in a box
ENTRIES, ENTRY_DIGITS = 3, 3
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIGNS: Mapping[str, str] = {
    "add": "+",
    "subtract": "−",
    "negate": "−(·)",
    "multiply": "×",
    "divide": "÷",
    "power": "(·)^(·)",
    "sqrt": "√",
    "abs": "|·|",
    "maximum": "max",
    "minimum": "min",
    "heaviside": "step",
    "less": "<",
    "less_equal": "≤",
    "equal": "=",
    "unequal": "≠",
    "and": "∧",
    "or": "∨",
    "not": "¬",
    "select": "if else",
}


def sign(function: Function, static: Static) -> str:
    """The sign of an operation.

    >>> from symdiff.functions import FUNCTIONS
    >>> [sign(FUNCTIONS[name], ()) for name in ("multiply", "tanh")], sign(FUNCTIONS["power_negative"], (12,))
    (['×', 'tanh'], '(·)⁻¹²')
    """
    name = function.name
    if name == "power_integer":
        return _power(static[0])
    if name == "power_negative":
        return _power(-static[0])
    if name == "power_constant":
        return f"(·)^({_constant(static[0])})"
    if name == "contract":
        return _contraction(static[0])
    if isinstance(function, Operation) or not static:
        return _SIGNS.get(name, name).replace("_", " ")
    return _SIGNS.get(name, f"{name}({', '.join(map(str, static))})")


def _power(exponent: Any) -> str:
    return "(·)" + str(exponent).translate(_SUPERSCRIPTS)


def _contraction(pattern: tuple[str, ...]) -> str:
    *given, left = pattern
    if len(given) > 1:
        return "·" if set("".join(given)) - set(left) else "⊗"
    return "(·)ᵀ" if sorted(given[0]) == sorted(left) else "Σ"


def constant_text(value: sp.Basic) -> str:
    """A constant as a short text.

    >>> constant_text(sp.Float(0.1)), constant_text(sp.Rational(1, 3)), constant_text(sp.pi)
    ('0.1', '1/3', 'π')
    """
    return cut(_constant(value))


def _constant(value: Any) -> str:
    if value is sp.pi:
        return "π"
    text = number(float(value)) if isinstance(value, sp.Float) else str(value)
    return text.replace("-", "−")


def number(value: float | bool, digits: int = 5) -> str:
    """A number to five digits or as many as told, with a real minus sign; a truth in words.

    >>> number(-8.0), number(1/3), number(True), number(1e-300), number(float("-inf"))
    ('−8', '0.33333', 'true', '1e−300', '−∞')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


def amount(value: Any) -> str:
    """A number; of an array its first entries to three digits, row by row.

    >>> amount(2.0), amount(np.array([[1.0, -0.5], [2.0, 3.0]])), amount(np.ones((2, 1)))
    ('2', '[1, −0.5, 2, 3]', '[1, 1]')
    """
    if np.size(value) == 1:
        return number(np.ravel(value)[0].item())
    flat = np.ravel(value)
    shown = [number(entry, ENTRY_DIGITS) for entry in flat[: ENTRIES + (flat.size == ENTRIES + 1)].tolist()]
    return f"[{', '.join(shown if len(shown) == flat.size else [*shown[:ENTRIES], '…'])}]"


def cut(text: str, longest: int = LONGEST) -> str:
    """A text of the user without control characters, and not too long for its place.

    >>> cut("a" * 30)
    'aaaaaaaaaaaaaaaaa…'
    """
    shown = visible(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def width(text: str, size: float) -> float:
    """About how wide a text is in a proportional font of that size, rather too much than too little.

    >>> width("w", 10.0), width("値", 10.0)
    (8.0, 11.0)
    """
    return size * sum(1.1 if ord(c) > 0x2E80 else 0.8 if c in "mwMW@%∞" or c.isupper() else 0.62 for c in text)
