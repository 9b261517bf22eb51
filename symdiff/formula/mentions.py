"""The symbols that a formula text names, whether or not its expression still contains them."""

from __future__ import annotations

import itertools

import sympy as sp

from symdiff.formula.names import Vocabulary
from symdiff.formula.text import cut
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
