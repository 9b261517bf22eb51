"""The symbols that a formula text names, whether or not its expression still contains them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any

import sympy as sp

from symdiff.formula.matrices import INDEXED
from symdiff.formula.names import Vocabulary
from symdiff.formula.order import Tree, tree
from symdiff.formula.text import Token, cut
from symdiff.functions import CONSTANTS, formula_functions


def mentioned(text: str) -> tuple[sp.Symbol, ...]:
    """Return the symbols that stand in a formula, by name; of x - x too, which is simplified to 0.

    Who writes `x - x` may ask for its derivative in x: it is zero. Raises ParseError where the text cannot be cut into
    tokens.

    >>> mentioned("x - x + sin(pi*y)")
    (x, y)
    """
    tokens = cut(text, ())
    followers = [token.text for token in tokens[1:]]
    pairs = itertools.zip_longest(tokens, followers)
    names = {token.text for token, following in pairs if token.kind == "name" and following != "("}
    vocabulary = Vocabulary(None, CONSTANTS, formula_functions())
    meant = (vocabulary.value(name) for name in sorted(names))
    return tuple(symbol for symbol in meant if isinstance(symbol, sp.Symbol))


def numbers_beside(text: str, arrays: Sequence[Any]) -> tuple[sp.Symbol, ...]:
    """Return the symbols of numbers in a formula that holds arrays: names but lengths, constants and the arrays.

    >>> numbers_beside("c*Sum(x[i], (i, 0, n - 1))", [sp.IndexedBase("x")])
    (c, i)
    """
    named = {array.name for array in arrays}
    lengths = {symbol.name for array in arrays for length in array.shape or () for symbol in length.free_symbols}
    tokens = cut(text, named, arrays=True)
    lengths |= bounding(tree(text, tokens), tokens)
    pairs = itertools.zip_longest(tokens, [token.text for token in tokens[1:]])
    names = {token.text for token, following in pairs if token.kind == "name" and following != "("}
    vocabulary = Vocabulary(None, CONSTANTS, formula_functions())
    meant = (vocabulary.value(name) for name in sorted(names - named - lengths))
    return tuple(symbol for symbol in meant if isinstance(symbol, sp.Symbol))


def bounding(arranged: Tree, tokens: Sequence[Token]) -> set[str]:
    """Return the names in the bounds of all sums and products of a formula that are no indices.

    >>> from symdiff.formula.order import tree
    >>> tokens = cut("Sum(x[i], (i, 0, n - 1))", (), arrays=True)
    >>> bounding(tree("Sum(x[i], (i, 0, n - 1))", tokens), tokens)
    {'n'}
    """
    found: set[str] = set()
    indices: set[str] = set()
    for node in ast.walk(arranged.body):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if tokens[int(node.func.id[1:])].text not in INDEXED:
            continue
        for limits in node.args[1:]:
            for place, part in enumerate(limits.elts if isinstance(limits, ast.Tuple) else ()):
                named = [tokens[int(name.id[1:])] for name in ast.walk(part) if isinstance(name, ast.Name)]
                (found if place else indices).update(token.text for token in named if token.kind == "name")
    return found - indices
