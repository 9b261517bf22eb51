"""The text of a formula, cut into tokens: which characters, words and numbers there may be, and how many.

These limits hold before `ast` or SymPy see any of the text; `formula_order` says how tokens may follow each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from symdiff.errors import ParseError

MAX_LENGTH = 100_000
MAX_TOKENS = 50_000
MAX_DIGITS = 1_000
MAX_EXPONENT = 400

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"\*\*|<=|>=|==|!=|[-+*/<>&|^~(),]")
# and in formulas of matrices and indexed arrays
_OF_ARRAYS = re.compile(r"@|\[|\]|\.T(?!\w)")
# the length of an array along an axis, as gradients in arrays of undeclared shape have it
_LENGTH = re.compile(r"\.shape\[[0-9]\]")
_WORDS = frozenset({"and", "or", "not", "if", "else"})

# what people write, and what to write instead; two characters before one
_REFUSED = {
    "//": "floor division is not allowed; write / for the quotient",
    "<<": "shifts are not allowed; write a product with a power of two",
    ">>": "shifts are not allowed; write a quotient by a power of two",
    "&&": "'&&' is not allowed; write 'and'",
    "||": "'||' is not allowed; write 'or', or abs(x) for an absolute value",
    ":=": "assignments are not allowed; write one formula",
    "%": "'%' is not allowed; there is no remainder in formulas",
    "@": "'@' is not allowed; write * for products",
    "=": "'=' is not allowed (no assignments, no keyword arguments); write == in a condition",
    "!": "'!' is not allowed; write != or 'not' in a condition",
    ":": "':' is not allowed (no lambdas, slices or annotations); write one formula",
    ";": "';' is not allowed; write one formula",
    ".": "dotted names such as a.b are not allowed; write the plain name of a symbol or function",
    "[": "subscripts and lists are not allowed; write a plain name such as x1, and ( ) to group",
    "]": "subscripts and lists are not allowed; write a plain name such as x1, and ( ) to group",
    "{": "sets and dictionaries are not allowed; write ( ) to group",
    "}": "sets and dictionaries are not allowed; write ( ) to group",
    "'": "strings are not allowed; write names without quotes",
    '"': "strings are not allowed; write names without quotes",
    "`": "quotes are not allowed; write names without them",
    "#": "comments are not allowed; write only the formula",
    "\\": "backslashes are not allowed; a formula may go over several lines without them",
    "$": "'$' is not allowed; write plain names, not LaTeX",
    "²": "raised digits are not allowed; write **2",
    "³": "raised digits are not allowed; write **3",
    "√": "'√' is not allowed; write sqrt(x)",
    "∞": "infinity is not a number here; write a finite formula",
    "≤": "'≤' is not allowed; write <=",
    "≥": "'≥' is not allowed; write >=",
    "≠": "'≠' is not allowed; write !=",
    **dict.fromkeys("·×⋅∙•∗", "only * multiplies; write *"),
    **dict.fromkeys("÷∕⁄", "only / divides; write /"),
    **dict.fromkeys("−–—", "this is not the minus sign of the keyboard; write -"),
}


class Token(NamedTuple):
    """A number, a name (normalised by NFKC) or an operator, and where it stands in the text."""

    kind: str
    text: str
    start: int
    end: int


def shown(text: str, limit: int = 60) -> str:
    """`text` on one line, cut at `limit` characters, what cannot be printed replaced.

    >>> shown("a very long name", limit=8)
    'a very …'
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in cut)


def error_at(text: str, position: int, reason: str) -> ParseError:
    """Return the error `reason` at a position of the text, with the column counted from 1 and what stands around it.

    >>> error_at("x ^ 2", 2, "write ** for powers")
    ParseError("column 3 of 'x ^ 2': write ** for powers")
    """
    before = text.count("\n", 0, position)
    column = position - text.rfind("\n", 0, position)
    place = f"line {before + 1}, column {column}" if before else f"column {column}"
    first = max(0, min(position - 25, len(text) - 58))
    around = ("…" if first else "") + text[first : first + 58] + ("…" if first + 58 < len(text) else "")
    return ParseError(f"{place} of '{shown(around)}': {reason}")


def identifier(name: str) -> str | None:
    """Return the name as Python compares it, normalised by NFKC, or None where it is no name of a symbol.

    >>> identifier("𝑥"), identifier("lambda"), identifier("x·y"), identifier("__x")
    ('x', 'lambda', None, None)
    """
    if not name.isidentifier() or "·" in name or "·" in name or name.startswith("__"):
        return None
    return unicodedata.normalize("NFKC", name)


def cut(text: object, declared: Collection[str], arrays: bool = False) -> list[Token]:
    """Cut a formula into tokens; a declared name is a name even where formulas have another use for the word.

    Formulas of `arrays` have subscripts, transposes `.T` and products `@` too.

    Raises ParseError for what is no text, for characters and words that no formula has, and beyond the limits.

    >>> [token.text for token in cut("2*lambda", [])]
    ['2', '*', 'lambda']
    """
    if not isinstance(text, str):
        raise ParseError(f"a formula is a text, not {type(text).__name__}; give a str such as 'w*x + b'")
    if len(text) > MAX_LENGTH:
        raise ParseError(f"a formula of {len(text):,} characters; at most {MAX_LENGTH:,} are read, so split it")
    found: list[Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        token = _token(text, position, declared, arrays)
        found.append(token)
        position = token.end
        if len(found) > MAX_TOKENS:
            raise error_at(
                text, token.start, f"more than {MAX_TOKENS:,} numbers, names and operators; split the formula"
            )
    if not found:
        raise ParseError("the formula is empty; write one such as 'w*x + b'")
    return found


def _token(text: str, start: int, declared: Collection[str], arrays: bool) -> Token:
    number = _NUMBER.match(text, start)
    if number:
        _check_number(text, number)
        return Token("number", number[0], start, number.end())
    if text[start].isidentifier():
        word = _word(text, start, declared)
        length = _LENGTH.match(text, word.end) if arrays and word.text in declared else None
        return word if length is None else Token("name", word.text + length[0], start, length.end())
    of_arrays = _OF_ARRAYS.match(text, start) if arrays else None
    if of_arrays:
        return Token(of_arrays[0], of_arrays[0], start, of_arrays.end())
    sign, pair = text[start], text[start : start + 2]
    operator = _OPERATOR.match(text, start)
    if operator and pair not in _REFUSED:
        return Token(operator[0], operator[0], start, operator.end())
    name = f"'{sign}'" if sign.isprintable() else "this character"
    unknown = f"{name} (U+{ord(sign):04X}) is not allowed; write names, numbers, + - * / ** and ( )"
    raise error_at(text, start, _REFUSED.get(pair) or _REFUSED.get(sign) or unknown)


def _check_number(text: str, number: re.Match[str]) -> None:
    mantissa, _, exponent = number[0].lower().partition("e")
    if len(mantissa) > MAX_DIGITS + ("." in mantissa):
        raise error_at(text, number.start(), f"a number of more than {MAX_DIGITS:,} digits; round it")
    size = exponent.lstrip("+-0")
    if len(size) > len(str(MAX_EXPONENT)) or int(size or "0") > MAX_EXPONENT:
        raise error_at(text, number.start(), f"the exponent of a number must lie within ±{MAX_EXPONENT}")
    rest = text[number.end() : number.end() + 1]
    if rest and (rest in "jJ" and not text[number.end() + 1 : number.end() + 2].isidentifier()):
        raise error_at(text, number.start(), "complex numbers are not allowed; formulas are real (a product needs *)")
    if rest == "_":
        raise error_at(text, number.start(), "underscores in numbers are not allowed; write the digits together")
    if rest and number[0] == "0" and rest in "xXoObB":
        raise error_at(text, number.start(), "only decimal numbers are allowed; write it in base ten")


def _word(text: str, start: int, declared: Collection[str]) -> Token:
    end = start + 1
    while end < len(text) and text[end] not in "··" and ("_" + text[end]).isidentifier():
        end += 1
    name = identifier(text[start:end])
    if name is None:
        raise error_at(text, start, "names that begin with two underscores are not allowed; rename the symbol")
    kind = name if name in _WORDS and name not in declared else "name"
    return Token(kind, name, start, end)
