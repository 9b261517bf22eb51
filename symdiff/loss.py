"""The loss of one sample, written in the symbol `prediction` and the target, and with the prediction put in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symdiff.data import did_you_mean, listed
from symdiff.errors import InputError, ModelError
from symdiff.formula.writer import fits
from symdiff.from_sympy import free_symbols
from symdiff.parsing import parse

PREDICTION = sp.Symbol("prediction", real=True)

LOSSES: dict[str, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    "squared_error": lambda prediction, target: (prediction - target) ** 2,
    "absolute_error": lambda prediction, target: sp.Abs(prediction - target),
}

# a formula whose tree has more nodes is not simplified, which in SymPy may take for ever or exceed the recursion limit
SIMPLIFIED_NODES = 200


def loss_formula(given: Any, target: sp.Symbol, parameters: tuple[sp.Symbol, ...]) -> sp.Expr:
    """Read a loss: the name of one in `LOSSES`, or a formula in `prediction`, the target and the parameters.

    Raises ModelError for another symbol, and for a loss without the prediction.

    >>> loss_formula("squared_error", sp.Symbol("y", real=True), ())
    (prediction - y)**2
    """
    read = _read(given, target, parameters) if isinstance(given, str) else given
    if not isinstance(read, sp.Expr) or read.is_Matrix:
        raise ModelError(f"loss: {type(read).__name__} given; give {_CHOICE}")
    # a user's own symbol `prediction` need not be declared real
    placeholders = [symbol for symbol in free_symbols(read) if symbol.name == PREDICTION.name]
    formula = read.xreplace(dict.fromkeys(placeholders, PREDICTION))
    if not placeholders:
        raise ModelError(f"loss: does not hold the symbol 'prediction'; give {_CHOICE}")
    allowed = [PREDICTION, target, *parameters]
    for symbol in set(free_symbols(formula)).difference(allowed):
        namesake = symbol.name in {known.name for known in allowed}
        why = f"is not the {symbol.name} of the model (other assumptions)" if namesake else "is not allowed"
        raise ModelError(f"loss: the symbol {symbol.name} {why}; use {listed(known.name for known in allowed)}")
    return formula


def loss_name(formula: sp.Expr, target: sp.Symbol) -> str | None:
    """Return the name in `LOSSES` of a loss formula, or None where it has none.

    >>> loss_name(sp.Abs(PREDICTION - sp.Symbol("y", real=True)), sp.Symbol("y", real=True))
    'absolute_error'
    """
    return next((name for name, build in LOSSES.items() if build(PREDICTION, target) == formula), None)


def substituted(formula: sp.Expr, prediction: sp.Expr) -> sp.Expr:
    """Put the prediction into a loss formula.

    SymPy's automatic simplification is used only where it finds nothing to change in the prediction: what was built
    with evaluate=False, to study the digits that one form loses, must not turn into another form.

    >>> w, x, y = sp.symbols("w x y", real=True)
    >>> substituted((PREDICTION - y)**2, w*x + 1)
    (w*x - y + 1)**2
    """
    if _is_simplified(prediction):
        return formula.xreplace({PREDICTION: prediction})
    with sp.evaluate(False):
        return formula.xreplace({PREDICTION: prediction})


def _is_simplified(expression: sp.Expr) -> bool:
    # counted before anything is built: of a deep expression SymPy cannot even build the root again
    if not fits(expression, SIMPLIFIED_NODES):
        return False
    return all(node.func(*node.args) == node for node in sp.preorder_traversal(expression) if node.args)


_NAMES = ", ".join(map(repr, LOSSES))
_CHOICE = f"{_NAMES}, or a formula in 'prediction' and the target such as '(prediction - y)**2/2'"


def _read(text: str, target: sp.Symbol, parameters: tuple[sp.Symbol, ...]) -> sp.Expr:
    if text in LOSSES:
        return LOSSES[text](PREDICTION, target)
    if text.isidentifier() and (hint := did_you_mean(text, LOSSES)):
        raise ModelError(f"loss: no loss is called {text!r}{hint} Or give a formula such as '(prediction - y)**2/2'")
    try:
        return parse(text, symbols=[PREDICTION, target, *parameters])
    except InputError as error:
        raise ModelError(f"loss: {error}; give {_CHOICE}") from None
