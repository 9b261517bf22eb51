r"""Formulas and names as MathML that no name can break out of.

latex2mathml escapes nothing and obeys commands such as ``\href``: a symbol called ``<script>`` or ``\href{...}`` would
reach the page. So no name enters the LaTeX: each is replaced by a private character, and after the conversion by its
escaped text. What comes out is checked against the elements and attributes that presentation MathML needs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sympy as sp
from latex2mathml.converter import convert
from sympy.core.symbol import Str
from sympy.printing.latex import LatexPrinter

from symdiff.formula.printed_size import PrintedSize

GREEK = re.compile(  # without pi, which would read as the constant
    "alpha|beta|[gG]amma|[dD]elta|epsilon|zeta|eta|[tT]heta|iota|kappa|[lL]ambda|mu|nu|[xX]i|rho|[sS]igma|tau"
    "|[uU]psilon|[pP]hi|chi|[pP]si|[oO]mega"
)
MATHML_NODES, DEPTH, LATEX_CHARACTERS = 400, 60, 4_000
NAME = re.compile(r"([A-Za-z]+)(\d*)((?:_[A-Za-z0-9]+)*)")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
PRIVATE = re.compile("[\ue000-\uf8ff]")
TAG = re.compile(
    r"</?(?:math|m[inos]|mtext|mrow|mfrac|msqrt|mroot|msub|msup|msubsup|mover|munder|munderover|mtable|mtr|mtd|mspace"
    r"|mpadded)(?: (?:xmlns|display|stretchy|fence|form|columnalign|width|mathvariant|linethickness|minsize|maxsize"
    r'|movablelimits|accent|separator|lspace|rspace|displaystyle|columnspacing|rowspacing)="[^"<>&]*")* ?/?>'
)
# parentheses around what is about one line high, which fonts would stretch too far
LOW = re.compile(
    r'<mo stretchy="true" fence="true" form="prefix">&#x00028;</mo>'
    r'((?:</?(?:mi|mn|mo|mrow|msub|msup|mo stretchy="false"|mspace width="0.167em" /)>|[^<>&]|&#x(?!0002[89];)\w+;)*)'
    r'<mo stretchy="true" fence="true" form="postfix">&#x00029;</mo>'
)
OPEN, CLOSE = '<mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo>'
NESTED = 4
# the name of a function behind a factor; names of symbols are private characters when this is looked for
FACTOR_AND_FUNCTION = re.compile(r"(</mi>|</mn>|</msub>|</msup>)((?:<mrow>|<msup>)*<mi>[A-Za-z]{2,}</mi>)")
ROW_OF_ONE = re.compile(r"<mrow>(<(mi|mn)>[^<>]*</\2>)</mrow>")
SINGLE = re.compile(r"<mrow>(<(mi|mn|msub)>(?:(?!</\2>).)*</\2>)</mrow>")
SPECIAL = {character: f"\\{character}" for character in "{}$#%&_"} | {
    "\\": "\\textbackslash{}",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
}
TEXT = re.compile(r"(?:[^<>&]|&(?:#x[0-9A-F]+|lt|gt|amp|quot|#x27);)*")


def visible(text: str, limit: int = 2_000) -> str:
    r"""Return `text` with control and direction characters spelled out, cut in its middle beyond `limit` characters.

    >>> visible("w\x1b[31m\u202e")
    'w\\x1b[31m\\u202e'
    >>> visible("abcdefghij", limit=7)
    'abc…hij'
    """
    if len(text) > limit:
        text = text[: limit // 2] + "…" + text[len(text) - (limit - 1) // 2 :]
    if text.isascii() and text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c)[0] == "C" else c for c in text)


def _latex_name(name: str, private: dict[str, str]) -> str:
    """Return a symbol's LaTeX: letters, digits and commands of our own; every other part as a private character."""

    def part(text: str) -> str:
        if GREEK.fullmatch(text):
            return f"\\{text}"
        if len(text) == 1 and text.isascii() and text.isalpha():
            return text
        return private.setdefault(text, chr(0xE000 + len(private)))

    match = NAME.fullmatch(name)
    if match is None or name.count("_") > 2:  # a row of words reads better as it was written than below the line
        return part(name)
    base, digits, subscripts = match.groups()
    below = [digits] * bool(digits) + [s if s.isdigit() else part(s) for s in subscripts.split("_")[1:]]
    return part(base) + (f"_{{{','.join(below)}}}" if below else "")


def named_safely(nodes: Iterable[sp.Basic]) -> bool:
    """Whether all names that are printed from elsewhere than a Symbol are plain words."""
    for node in nodes:
        names = [type(node).__name__] if isinstance(node, sp.Function) else []
        names += [str(node)] if isinstance(node, Str) else []
        if any(WORD.fullmatch(name) is None for name in names):
            return False
    return True


def converted(latex: str, private: dict[str, str], display: str) -> str | None:
    """Turn LaTeX into MathML, put the names back, and return None if anything but presentation MathML came out."""
    if len(latex) > LATEX_CHARACTERS:
        return None
    try:
        mathml = convert(latex, display=display)
    except Exception:  # a dozen unrelated types: a formula that the converter does not know is shown as text
        return None
    back = {character: html.escape(visible(text, 80)) for text, character in private.items()}
    mathml = FACTOR_AND_FUNCTION.sub(r'\1<mspace width="0.167em" />\2', mathml)
    for _ in range(NESTED):
        mathml = LOW.sub(rf"{OPEN}\1{CLOSE}", mathml)
    mathml = PRIVATE.sub(lambda match: back.get(match[0], "\ufffd"), mathml)
    return mathml if TEXT.fullmatch(TAG.sub("", mathml)) else None


def as_mathml(formula: sp.Basic | str) -> str | None:
    """Return a formula as block MathML, or None where it is text, too large, or not printable safely.

    Raises nothing: the caller falls back on `as_text`.

    >>> as_mathml(sp.Symbol("<script>"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><mi>&lt;script&gt;</mi></mrow></math>'
    """
    found = _latex(formula)
    return None if found is None else converted(*found, "block")


class Printer(LatexPrinter):
    """SymPy's printer, with a function of every entry of a matrix written as the function of the matrix."""

    def _print_ElementwiseApplyFunction(self, expr: Any) -> str:  # noqa: N802 named by SymPy
        variables, body = expr.function.variables, expr.function.expr
        if len(variables) == 1 and isinstance(body, sp.Function) and body.args == variables:
            name = self._print(body).partition("{\\left(")[0]
            return rf"{name}{{\left({self._print(expr.expr)} \right)}}"
        return str(super()._print_ElementwiseApplyFunction(expr))


def _latex(formula: sp.Basic | str) -> tuple[str, dict[str, str]] | None:
    """LaTeX with private characters for names, and the characters by name; None where it is not to be set."""
    if isinstance(formula, str):
        return None
    nodes, depth = PrintedSize(MATHML_NODES)(formula)
    if nodes > MATHML_NODES or depth > DEPTH or not named_safely(sp.preorder_traversal(formula)):
        return None
    private: dict[str, str] = {}
    symbols = sorted(formula.atoms(sp.Symbol), key=lambda symbol: symbol.name)
    names = {symbol: _latex_name(symbol.name, private) for symbol in symbols}
    return Printer({"symbol_names": names}).doprint(formula), private


def as_latex(formula: sp.Basic | str) -> str | None:
    r"""Return a formula as LaTeX whose names are letters or text, or None where `as_mathml` would return None.

    >>> as_latex(sp.Symbol("\\href{javascript:x}{y}"))
    '\\text{\\textbackslash{}href\\{javascript:x\\}\\{y\\}}'
    """
    found = _latex(formula)
    return None if found is None or len(found[0]) > LATEX_CHARACTERS else _named(*found)


def name_latex(name: str) -> str:
    r"""Return a name as LaTeX in which no command of it is obeyed.

    >>> name_latex("w_1"), name_latex("$x$")
    ('w_{1}', '\\text{\\$x\\$}')
    """
    private: dict[str, str] = {}
    return _named(_latex_name(name, private), private)


def _named(latex: str, private: dict[str, str]) -> str:
    """LaTeX with names put back as text."""
    back = {character: f"\\text{{{_plain(visible(text, 80))}}}" for text, character in private.items()}
    return PRIVATE.sub(lambda match: back.get(match[0], "?"), latex)


def _plain(text: str) -> str:
    return "".join(SPECIAL.get(character, character) for character in text)


def partial_mathml(wrt: str) -> str | None:
    """Return the operator ∂/∂w as inline MathML, or None where it cannot be set.

    >>> partial_mathml("w").count("<mi>w</mi>")
    1
    """
    private: dict[str, str] = {}
    return converted(rf"\frac{{\partial}}{{\partial {_latex_name(wrt, private)}}}", private, "inline")


@lru_cache(maxsize=4096)
def name_markup(name: str) -> str:
    """Return a name as MathML to be put inside a formula.

    >>> name_markup("v12")
    '<msub><mi>v</mi><mn>12</mn></msub>'
    """
    private: dict[str, str] = {}
    markup = inside(converted(_latex_name(name, private), private, "inline"))
    return ROW_OF_ONE.sub(r"\1", markup) if markup else f"<mtext>{html.escape(visible(name, 80))}</mtext>"


def inside(mathml: str | None) -> str | None:
    """Return what stands inside the `math` element, without the row around a single element."""
    if mathml is None:
        return None
    markup = mathml[mathml.index(">") + 1 : mathml.rindex("<")]
    match = SINGLE.fullmatch(markup)
    return match[1] if match else markup
