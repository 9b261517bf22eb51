r"""Formulas and names for people: bounded text, and MathML that no name can break out of.

latex2mathml escapes nothing and obeys commands such as ``\href``: a symbol called ``<script>`` or ``\href{...}`` would
reach the page. So no name enters the LaTeX: each is replaced by a private character, and after the conversion by its
escaped text. What comes out is checked against the elements and attributes that presentation MathML needs.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

import sympy as sp
from latex2mathml.converter import convert
from sympy.core.symbol import Str
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symdiff.formula.printed_size import PrintedSize
from symdiff.formula.writer import written
from symdiff.graph import Graph
from symdiff.to_sympy import expressions_of

GREEK = re.compile(  # without pi, which would read as the constant
    "alpha|beta|[gG]amma|[dD]elta|epsilon|zeta|eta|[tT]heta|iota|kappa|[lL]ambda|mu|nu|[xX]i|rho|[sS]igma|tau"
    "|[uU]psilon|[pP]hi|chi|[pP]si|[oO]mega"
)
MATHML_NODES, TEXT_NODES, DEPTH, LATEX_CHARACTERS = 400, 10_000, 60, 4_000
# operations up to which formulas are written out: to build one, SymPy may take exponential time
LARGEST_FORMULA = 300
NAME = re.compile(r"([A-Za-z]+)(\d*)((?:_[A-Za-z0-9]+)*)")
PRIVATE = re.compile("[\ue000-\uf8ff]")
TAG = re.compile(
    r"</?(?:math|m[inos]|mtext|mrow|mfrac|msqrt|mroot|msub|msup|msubsup|mover|munder|munderover|mtable|mtr|mtd|mspace"
    r"|mpadded)(?: (?:xmlns|display|stretchy|fence|form|columnalign|width|mathvariant|linethickness|minsize|maxsize"
    r'|movablelimits|accent|separator|lspace|rspace|displaystyle|columnspacing|rowspacing)="[^"<>&]*")* ?/?>'
)
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


def as_text(formula: sp.Basic | str) -> str:
    """Write a formula on one line, or say how large it is where printing would not end.

    >>> as_text(2*sp.Symbol("w"))
    '2*w'
    """
    if isinstance(formula, str):
        return formula
    nodes, depth = PrintedSize(TEXT_NODES)(formula)
    if nodes > TEXT_NODES:
        return f"(a formula of more than {TEXT_NODES:,} nodes, not written out)"
    if depth > DEPTH:
        return f"(a formula of {nodes:,} nodes nested {depth:,} deep, not written out)"
    # SymPy writes a function of every entry of a matrix as Lambda(_d, tanh(_d)).(x)
    return written(formula) if formula.has(ElementwiseApplyFunction) else str(formula)


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


def _named_safely(nodes: Iterable[sp.Basic]) -> bool:
    """Whether all names that are printed from elsewhere than a Symbol are plain words."""
    for node in nodes:
        names = [type(node).__name__] if isinstance(node, sp.Function) else []
        names += [str(node)] if isinstance(node, Str) else []
        if any(NAME.fullmatch(name) is None for name in names):
            return False
    return True


def _convert(latex: str, private: dict[str, str], display: str) -> str | None:
    """Turn LaTeX into MathML, put the names back, and return None if anything but presentation MathML came out."""
    if len(latex) > LATEX_CHARACTERS:
        return None
    try:
        mathml = convert(latex, display=display)
    except Exception:  # a dozen unrelated types: a formula that the converter does not know is shown as text
        return None
    back = {character: html.escape(visible(text, 80)) for text, character in private.items()}
    mathml = PRIVATE.sub(lambda match: back.get(match[0], "\ufffd"), mathml)
    return mathml if TEXT.fullmatch(TAG.sub("", mathml)) else None


def as_mathml(formula: sp.Basic | str) -> str | None:
    """Return a formula as block MathML, or None where it is text, too large, or not printable safely.

    Raises nothing: the caller falls back on `as_text`.

    >>> as_mathml(sp.Symbol("<script>"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><mi>&lt;script&gt;</mi></mrow></math>'
    """
    if isinstance(formula, str):
        return None
    nodes, depth = PrintedSize(MATHML_NODES)(formula)
    if nodes > MATHML_NODES or depth > DEPTH or not _named_safely(sp.preorder_traversal(formula)):
        return None
    private: dict[str, str] = {}
    symbols = sorted(formula.atoms(sp.Symbol), key=lambda symbol: symbol.name)
    latex = sp.latex(formula, symbol_names={symbol: _latex_name(symbol.name, private) for symbol in symbols})
    return _convert(latex, private, "block")


def partial_mathml(wrt: str) -> str | None:
    """Return the operator ∂/∂w as inline MathML, or None where it cannot be set.

    >>> partial_mathml("w").count("<mi>w</mi>")
    1
    """
    private: dict[str, str] = {}
    return _convert(rf"\frac{{\partial}}{{\partial {_latex_name(wrt, private)}}}", private, "inline")


def written_out(graph: Graph, nodes: Sequence[int]) -> list[sp.Basic] | None:
    """SymPy expressions of nodes; None where SymPy fails, or would multiply out conditions on a Piecewise.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([sp.sin(x) ** 2])
    >>> written_out(g, g.outputs)
    [sin(x)**2]
    """
    needed = set(nodes)
    for step in reversed(graph.applications):
        if step.node in needed:
            needed.update(step.operands)
    branched: set[int] = set()
    for step in graph.applications:
        if step.node not in needed:
            continue
        if step.function.name == "select":
            if step.operands[0] in branched:
                return None
            branched.add(step.node)
        elif not branched.isdisjoint(step.operands):
            branched.add(step.node)
    try:
        return expressions_of(graph, nodes)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        # SymPy's simplification of what it is given stumbles over functions of huge or undefined numbers
        return None


def formulas_of(
    graph: Graph,
    nodes: Sequence[int],
    write: Callable[[Graph, Sequence[int]], Sequence[sp.Basic] | None] = written_out,
) -> Sequence[sp.Basic | str]:
    """Nodes as `write` has them, or for each a text that says how large the graph is.

    >>> from symdiff.from_sympy import graph_of
    >>> g = graph_of([sp.Symbol("x", real=True) + 1])
    >>> formulas_of(g, g.outputs), formulas_of(g, g.outputs, lambda graph, nodes: None)
    ([x + 1], ['(one of the outputs of 1 operations, not written out)'])
    """
    count = graph.operation_count
    found = None if count > LARGEST_FORMULA else write(graph, nodes)
    return found or [f"(one of the outputs of {count:,} operations, not written out)"] * len(nodes)
