"""The loss of one sample, written in the symbol `prediction` and the target, and with the prediction put in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symdiff.data import did_you_mean, listed, short
from symdiff.errors import InputError, ModelError, ShapeError
from symdiff.formula.matrices import ENTRY, total
from symdiff.formula.writer import fits
from symdiff.from_sympy import free_symbols
from symdiff.parsing import parse
from symdiff.tensors.shapes import length_of, same, written

PREDICTION = sp.Symbol("prediction", real=True)


def prediction_symbol(prediction: sp.Basic) -> Any:
    """The symbol that stands for a prediction in a loss: of its shape, where it is a matrix.

    >>> prediction_symbol(sp.MatrixSymbol("W", 3, 2) * sp.MatrixSymbol("x", 2, 1)).shape
    (3, 1)
    """
    if isinstance(prediction, sp.MatrixExpr):
        return sp.MatrixSymbol(PREDICTION.name, *prediction.shape)
    return PREDICTION


def canonical(expression: Any) -> Any:
    """The expression with one and the same variable in all its functions of each entry; SymPy makes one for each.

    >>> x = sp.MatrixSymbol("x", 3, 1)
    >>> x.applyfunc(sp.tanh) == x.applyfunc(sp.tanh)
    False
    >>> canonical(x.applyfunc(sp.tanh)) == canonical(x.applyfunc(sp.tanh))
    True
    """
    variables: dict[Any, Any] = {}
    pending, seen = [expression], set[int]()
    while pending:
        part = pending.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, ElementwiseApplyFunction):
            (variable,) = part.function.variables
            if isinstance(variable, sp.Dummy) or (variable != ENTRY and variable not in expression.free_symbols):
                variables[variable] = ENTRY
        pending.extend(part.args)
    return expression.xreplace(variables) if variables else expression


def _each(body: sp.Expr, matrix: Any) -> Any:
    return matrix.applyfunc(sp.Lambda(ENTRY, body))


def _squared_error(prediction: Any, target: Any) -> Any:
    if not isinstance(prediction, sp.MatrixExpr):
        return (prediction - target) ** 2
    return sp.Trace((prediction - target).T * (prediction - target))


def _absolute_error(prediction: Any, target: Any) -> Any:
    if not isinstance(prediction, sp.MatrixExpr):
        return sp.Abs(prediction - target)
    return total(_each(sp.Abs(ENTRY), prediction - target))


def _softmax_cross_entropy(prediction: Any, target: Any) -> Any:
    if not isinstance(prediction, sp.MatrixExpr) or same(prediction.shape[1], 1) is same(prediction.shape[0], 1):
        shape = written(prediction.shape) if isinstance(prediction, sp.MatrixExpr) else "of one number"
        raise ShapeError(
            f"loss: softmax_cross_entropy takes a column of scores, one for each class, and the prediction is {shape}; "
            "give a column, or use the loss 'logistic' for two classes"
        )
    return sp.log(total(_each(sp.exp(ENTRY), prediction))) - sp.Trace(target.T * prediction)


def _logistic(prediction: Any, target: Any) -> Any:
    if not isinstance(prediction, sp.MatrixExpr):
        return sp.log(1 + sp.exp(prediction)) - target * prediction
    return total(_each(sp.log(1 + sp.exp(ENTRY)), prediction)) - sp.Trace(target.T * prediction)


# of matrices, sums over their entries; the target of softmax_cross_entropy is a distribution over classes (one-hot),
# that of logistic the probability of the class of log-odds `prediction`
LOSSES: dict[str, Callable[[Any, Any], sp.Expr]] = {
    "squared_error": _squared_error,
    "absolute_error": _absolute_error,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "logistic": _logistic,
}

# a formula whose tree has more nodes is not simplified, which in SymPy may take for ever or exceed the recursion limit
SIMPLIFIED_NODES = 200


def loss_formula(given: Any, target: Any, parameters: tuple[Any, ...], prediction: sp.Basic = PREDICTION) -> sp.Expr:
    """Read a loss: the name of one in `LOSSES`, or a formula in `prediction`, the target and the parameters.

    Where the prediction is a matrix, so is the symbol `prediction`, and a loss of shape 1×1 counts as a number.

    Raises ModelError for another symbol, and for a loss without the prediction; ShapeError for one that is no number.

    >>> loss_formula("squared_error", sp.Symbol("y", real=True), ())
    (prediction - y)**2
    """
    stands = prediction_symbol(prediction)
    try:
        read = _read(given, target, parameters, stands) if isinstance(given, str) else given
    except (sp.ShapeError, TypeError) as error:
        raise ShapeError(f"loss: {short(given)} does not fit the shapes of prediction and target ({error})") from None
    if not isinstance(read, sp.Expr):
        raise ModelError(f"loss: {type(read).__name__} given; give {_CHOICE}")
    if read.is_Matrix:
        if not all(same(length_of(length), 1) for length in read.shape):  # type: ignore[attr-defined]
            shape = written(read.shape)  # type: ignore[attr-defined]
            raise ShapeError(f"loss: a matrix of shape {shape} given; give a number, such as its trace or a sum")
        read = sp.Trace(read)
    # a user's own symbol `prediction` need not be declared real
    placeholders = [symbol for symbol in free_symbols(read) if symbol.name == PREDICTION.name]
    for symbol in placeholders:
        if isinstance(symbol, sp.Symbol) is not isinstance(stands, sp.Symbol) or (
            isinstance(stands, sp.MatrixSymbol) and not all(map(same, symbol.shape, stands.shape))
        ):
            needed = (
                f"sp.MatrixSymbol('prediction', {', '.join(map(str, stands.shape))})"
                if stands.is_Matrix
                else "a symbol"
            )
            raise ShapeError(f"loss: `prediction` is there of another shape than the prediction; use {needed}")
    formula = read.xreplace(dict.fromkeys(placeholders, stands))
    if not placeholders:
        whole = "; a formula over all data is the prediction itself, with target=None and loss='prediction'"
        raise ModelError(f"loss: does not hold the symbol 'prediction'; give {_CHOICE}{whole}")
    allowed = [stands, *([] if target is None else [target]), *parameters]
    for symbol in set(free_symbols(formula)).difference(allowed):
        namesake = symbol.name in {known.name for known in allowed}
        why = f"is not the {symbol.name} of the model (other assumptions)" if namesake else "is not allowed"
        raise ModelError(f"loss: the symbol {symbol.name} {why}; use {listed(known.name for known in allowed)}")
    return formula


def loss_name(formula: sp.Expr, target: Any, prediction: sp.Basic = PREDICTION) -> str | None:
    """Return the name in `LOSSES` of a loss formula, or None where it has none.

    >>> loss_name(sp.Abs(PREDICTION - sp.Symbol("y", real=True)), sp.Symbol("y", real=True))
    'absolute_error'
    """
    stands = prediction_symbol(prediction)
    for name, build in LOSSES.items():
        with contextlib.suppress(ShapeError):
            if target is not None and build(stands, target) == formula:
                return name
    return None


def substituted(formula: sp.Expr, prediction: sp.Expr) -> sp.Expr:
    """Put the prediction into a loss formula.

    SymPy's automatic simplification is used only where it finds nothing to change in the prediction: what was built
    with evaluate=False, to study the digits that one form loses, must not turn into another form.

    >>> w, x, y = sp.symbols("w x y", real=True)
    >>> substituted((PREDICTION - y)**2, w*x + 1)
    (w*x - y + 1)**2
    """
    if _is_simplified(prediction):
        return formula.xreplace({prediction_symbol(prediction): prediction})
    with sp.evaluate(False):
        return formula.xreplace({prediction_symbol(prediction): prediction})


def _is_simplified(expression: sp.Expr) -> bool:
    # counted before anything is built: of a deep expression SymPy cannot even build the root again
    if not fits(expression, SIMPLIFIED_NODES):
        return False
    return all(node.func(*node.args) == node for node in sp.preorder_traversal(expression) if node.args)


_NAMES = ", ".join(map(repr, LOSSES))
_CHOICE = f"{_NAMES}, or a formula in 'prediction' and the target such as '(prediction - y)**2/2'"


def _read(text: str, target: Any, parameters: tuple[Any, ...], stands: Any) -> sp.Expr:
    if text in LOSSES:
        if target is None:
            raise ModelError(
                f"loss: {text} needs a target, and the model has none; give one, or loss='prediction' to minimise that"
            )
        check_target(stands, target)
        return LOSSES[text](stands, target)
    if text.isidentifier() and (hint := did_you_mean(text, LOSSES)):
        raise ModelError(f"loss: no loss is called {text!r}{hint} Or give a formula such as '(prediction - y)**2/2'")
    try:
        return parse(text, symbols=[stands, *([] if target is None else [target]), *parameters])
    except InputError as error:
        raise ModelError(f"loss: {error}; give {_CHOICE}") from None


def check_target(prediction: Any, target: Any) -> None:
    """Raise ShapeError, naming both shapes, where a prediction cannot be compared with a target entry by entry."""
    told = [written(s.shape) if isinstance(s, sp.MatrixExpr) else "" for s in (prediction, target)]
    matrices = [isinstance(s, sp.MatrixExpr) for s in (prediction, target)]
    if matrices == [False, False] and isinstance(target, sp.Symbol):
        return
    if matrices == [True, True] and all(
        same(length_of(a), length_of(b)) for a, b in zip(prediction.shape, target.shape, strict=True)
    ):
        return
    kinds = [f"of shape {shape}" if shape else "one number" for shape in told]
    if not matrices[1] and not isinstance(target, sp.Symbol):
        kinds[1] = "an indexed array"
    raise ShapeError(
        f"loss: the prediction is {kinds[0]}, and the target {target.name} is {kinds[1]}; give both the same shape"
    )
