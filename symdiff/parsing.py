"""Symbols and formulas from text, without running any of it.

Each step has its limits and names the column of what it refuses. `formula_text` cuts the text into tokens;
`formula.order` checks how they follow each other and has `ast` arrange them by precedence; `formula.builder` makes a
SymPy expression of an allow-list of nodes, in steps (`formula_step`) that are limited in time and in the size of their
numbers (`formula.size`); `formula.names` says what words mean, `formula.algebra` how far SymPy may simplify.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, cast

import sympy as sp

from symdiff.errors import ParseError, SymbolError
from symdiff.formula.builder import built
from symdiff.formula.matrices import NAMES
from symdiff.formula.mentions import bounding
from symdiff.formula.names import Vocabulary
from symdiff.formula.order import tree
from symdiff.formula.step import Formula
from symdiff.formula.text import MAX_LENGTH, Token, cut, identifier, shown
from symdiff.functions import CONSTANTS, formula_functions
from symdiff.tensors.entries import shape_of


def symbols(names: str) -> Any:
    """Make real symbols: one name gives a `Symbol`, several, parted by spaces or commas, a tuple of them.

    The return type is `Any`: whether it is one symbol or a tuple depends on what the text holds, not on its type.

    Raises ParseError for what is not a name.

    >>> x, w = symbols("x w")
    >>> w*x
    w*x
    >>> symbols("lambda").is_real
    True
    """
    made = [sp.Symbol(name, real=True) for name in _names(names)]
    return tuple(made) if len(made) > 1 else made[0]


def parse(text: str, symbols: Iterable[Any] | None = None) -> sp.Expr:
    """Read a formula, such as `w*x**2 + exp(-b)`, into a SymPy expression. Nothing of the text is ever executed.

    A formula has

    * numbers: integers are exact; 0.1 and 1e-3 are floats of double precision, longer literals keep their digits;
    * names: with `symbols` only those (texts become real symbols), and they win over constants of their name; without,
      every name is a real symbol but those of constants (`pi`, `E`, ...) and of what is no real number (`I`, `nan`,
      `oo`, ...), which are refused. `e` is a symbol: Euler's number is `E`. Before a parenthesis a name is a function,
      elsewhere never: `beta(x, y)*beta` holds both. Greek letters are names like others, and so are Python's keywords,
      but `if`, `else`, `and`, `or`, `not` only if declared. Names are compared after Unicode normalisation (NFKC);
    * + - * / ** and parentheses, and calls of `symdiff.functions.formula_functions()`;
    * `a if condition else b` and `Piecewise((a, condition), ..., (b, True))`, where a condition is made of
      < <= > >= == != (chains too), and or not, & | ^ ~, Eq Ne Lt Le Gt Ge, And Or Not Xor ITE, True and False.

    Where `symbols` holds a MatrixSymbol or an IndexedBase, a formula has also

    * products of matrices, `A*x` or `A@x`, transposes `A.T`, whole powers of matrices; functions of the table at each
      entry of a matrix, `tanh(W*x + b)`, and `applyfunc(A, formula in entry)`; a matrix of one entry may be a number;
    * transpose, trace, det, inv, norm, sum (of all entries), dot, hadamard, hadamard_power, softmax, logsumexp of
      matrices, and ones(m, n), zeros(m, n), eye(n) of numbers or of lengths that a declared shape is written with;
    * as gradients are printed, a number added to a function of entries, `1 - tanh(z)`, and powers of one that is not
      square, `tanh(z)**2` and `1/(1 + exp(-z))`: entry by entry; and Entries(term, (i, 0, n - 1)) alone, an array;
    * entries `x[i]`, `A[i, j]`, counted from 0, and Sum(term, (i, 0, n - 1)), Product(term, (i, 0, n - 1)), with
      several indices too, the first being the innermost; where an IndexedBase is declared without a shape, names in
      bounds that are not declared are lengths (positive whole numbers).

    What SymPy prints with `str` reads back as an equal expression. Sums, products and powers are simplified as SymPy's
    operators do it; Piecewise, conditions, Max and Min stay as they are written.

    Raises ParseError, with the column, for everything else: other syntax, unknown names, limits on length, depth and
    the size of numbers, division by zero, numbers that are not real and finite. Raises SymbolError for `symbols` that
    are none, or two different ones of one name.

    >>> parse("w*x**2 + 1/2")
    w*x**2 + 1/2
    >>> parse("x if x > 0 else 0")
    Piecewise((x, x > 0), (0, True))
    >>> sorted(map(str, parse("2*lambda + pi", symbols=["lambda", "pi"]).free_symbols))
    ['lambda', 'pi']
    >>> sorted(map(str, parse("beta(x, y)*beta").free_symbols))
    ['beta', 'x', 'y']
    >>> W, x = sp.MatrixSymbol("W", 2, 3), sp.MatrixSymbol("x", 3, 1)
    >>> parse("W*x", symbols=[W, x]) == W * x
    True
    >>> parse("Sum(x[i]**2, (i, 0, 2))", symbols=[x])
    Sum(x[i, 0]**2, (i, 0, 2))
    >>> parse("__import__('os').getcwd()")
    Traceback (most recent call last):
        ...
    symdiff.errors.ParseError: column 1 of '__import__('os').getcwd()': names that begin with two underscores are ...
    """
    declared = None if symbols is None else _declared(symbols)
    arrays = any(not isinstance(symbol, sp.Symbol) for symbol in (declared or {}).values())
    tokens = cut(text, declared or (), arrays)
    functions: dict[str, Any] = dict(formula_functions())
    if arrays:
        functions |= dict.fromkeys(NAMES, sp.Function)
        declared = _lengths(declared or {}) | _own_lengths(declared or {}, tokens) | (declared or {})
    arranged = tree(text, tokens)
    if any(isinstance(symbol, sp.IndexedBase) and symbol.shape is None for symbol in (declared or {}).values()):
        open_lengths = {name for name in bounding(arranged, tokens) if name not in functions and name not in CONSTANTS}
        declared = {name: sp.Symbol(name, integer=True, positive=True) for name in open_lengths} | (declared or {})
    vocabulary = Vocabulary(declared, CONSTANTS, functions)
    return built(Formula(text, tokens, arranged, vocabulary, arrays=arrays))


def _names(given: object) -> list[str]:
    if not isinstance(given, str):
        raise ParseError(f"names are a text, not {type(given).__name__}; give a str such as 'x y w b'")
    if len(given) > MAX_LENGTH:
        raise ParseError(f"names of {len(given):,} characters; at most {MAX_LENGTH:,} are read, so split them")
    names: list[str] = []
    for word in filter(None, re.split(r"[\s,]+", given)):
        name = identifier(word)
        if name is None:
            rule = "write letters, digits and _, no digit first and no __ first"
            raise ParseError(f"'{shown(word)}' is not a name; {rule}")
        names.append(name)
    if not names:
        raise ParseError("no name is given; write some, parted by spaces, such as 'x y w b'")
    return names


def _lengths(declared: Mapping[str, Any]) -> dict[str, sp.Symbol]:
    """The symbols with which the declared shapes are written, by name."""
    shapes = [symbol.shape or () for symbol in declared.values() if not isinstance(symbol, sp.Symbol)]
    found = {symbol for shape in shapes for length in shape for symbol in length.free_symbols}
    return {unicodedata.normalize("NFKC", symbol.name): symbol for symbol in found}


def _own_lengths(declared: Mapping[str, Any], tokens: Iterable[Token]) -> dict[str, sp.Symbol]:
    """The lengths of arrays without a declared shape that a formula names, as `X.shape[0]`."""
    found: dict[str, sp.Symbol] = {}
    for token in tokens:
        name, dot, axis = token.text.partition(".shape[")
        if dot and isinstance(declared.get(name), sp.IndexedBase) and declared[name].shape is None:
            found[token.text] = shape_of(declared[name], int(axis[:-1]) + 1)[-1]  # type: ignore[assignment]
    return found


def _declared(given: Iterable[Any]) -> dict[str, Any]:
    """Return the symbols by their normalised names."""
    if not isinstance(cast(object, given), Iterable):
        raise SymbolError(f"symbols must be names or SymPy symbols in a list, not {type(given).__name__}; write [...]")
    declared: dict[str, Any] = {}
    for one in _names(given) if isinstance(given, str) else given:
        if isinstance(one, str):
            (name, *more) = _names(one)
            if more:
                raise ParseError(f"'{shown(one)}' holds more than one name; give each name as a text of its own")
            symbol = sp.Symbol(name, real=True)
        elif isinstance(one, (sp.Symbol, sp.MatrixSymbol, sp.IndexedBase)):
            name, symbol = unicodedata.normalize("NFKC", one.name), one
        else:
            raise SymbolError(f"symbols must be names or SymPy symbols, not {type(one).__name__}; take it out")
        if declared.setdefault(name, symbol) != symbol:
            known = declared[name].name
            why = "with different assumptions" if symbol.name == known else "once Unicode has normalised their names"
            raise SymbolError(f"two symbols are called '{shown(name)}', {why}; give one of them")
    return declared
