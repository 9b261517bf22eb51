"""Which scalar expressions are understood: their operands, and the arguments that are static."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom

from symdiff.errors import SymbolError
from symdiff.function import Function
from symdiff.functions import BY_HEAD
from symdiff.refusals import unreal

# integers up to here are doubles
EXACT = 2**53
_INEQUALITIES = (sp.StrictLessThan, sp.LessThan, sp.StrictGreaterThan, sp.GreaterThan)
_COMPOUND = (sp.Add, sp.Mul, sp.Max, sp.Min, sp.And, sp.Or, sp.Xor, sp.ITE, *_INEQUALITIES)

# inputs are real numbers, whatever their symbols say
TRANSPARENT = (sp.re, sp.conjugate)


def check_real(symbol: sp.Symbol) -> None:
    """Raise SymbolError for a symbol that is no real number."""
    if symbol.is_real is False or not symbol.is_commutative:
        raise SymbolError(unreal(symbol))


def constant_exponent(expression: sp.Pow) -> sp.Rational | None:
    """The exponent of a power where it is a number, exactly."""
    exponent = expression.exp
    if isinstance(exponent, sp.Float) and exponent.is_finite:
        # the binary number itself, exactly
        return sp.Rational(exponent)
    return exponent if isinstance(exponent, sp.Rational) else None


def _too_large(exponent: sp.Rational | None) -> bool:
    # rounded to a double it would be even, and the sign of a power of a negative base lost; a derivative of a negative
    # power has a larger exponent still, for which there is room
    return exponent is not None and exponent.is_Integer and not -EXACT // 2 <= exponent <= EXACT


def children_of(expression: sp.Basic) -> Sequence[sp.Basic] | None:
    """Operands of an expression that is understood; None where it is not."""
    kind, arguments = type(expression), expression.args
    if kind is sp.Add or kind is sp.Mul or _plain_arity(kind) == len(arguments) > 0:
        return arguments
    if isinstance(expression, sp.Symbol):
        return ()
    if not expression.args:
        if isinstance(expression, sp.Number) and not expression.is_finite:
            return None
        return () if isinstance(expression, (sp.Number, sp.NumberSymbol, BooleanAtom)) else None
    if isinstance(expression, sp.Pow):
        exponent = constant_exponent(expression)
        if _too_large(exponent):
            return None
        return expression.args if exponent is None else expression.args[:1]
    if isinstance(expression, sp.Piecewise):
        pairs = [pair for pair in expression.args if isinstance(pair, ExprCondPair)]
        return [child for pair in pairs for child in pair.args]
    if isinstance(expression, sp.im):
        return ()
    if isinstance(expression, (*_COMPOUND, *TRANSPARENT)):
        return expression.args
    row = BY_HEAD.get(type(expression))
    return None if row is None else _operands(expression, row)


def _plain_arity(kind: type[sp.Basic]) -> int:
    """How many arguments the heads of this class have, if each is an operand; 0 where more has to be asked."""
    row = BY_HEAD.get(kind)
    return 0 if row is None or row.static or row.admits is not None else row.arity


def _operands(expression: sp.Basic, row: Function) -> Sequence[sp.Basic] | None:
    """Arguments that are not static; None where a static one is no number, or there are too few or too many."""
    static = statics(expression, row)
    if static is None or (row.admits is not None and not row.admits(*static)):
        return None
    operands = [argument for place, argument in enumerate(expression.args) if place not in row.static]
    return operands if len(operands) == row.arity or (isinstance(expression, sp.log) and len(operands) == 2) else None


def statics(expression: sp.Basic, row: Function) -> tuple[Any, ...] | None:
    """Static arguments, in the order of the row; None where one that has to be a number is not, or is missing."""
    given = [expression.args[place] if place < len(expression.args) else None for place in row.static]
    if any(
        (argument is None and not row.defaults) or (argument is not None and not argument.is_number)
        for argument in given
    ):
        return None
    return tuple(row.defaults[k] if argument is None else _plain(argument) for k, argument in enumerate(given))


def _plain(number: sp.Basic) -> sp.Basic | int:
    """A static argument: a whole number as Python's, everything else as SymPy has it."""
    return int(number) if isinstance(number, sp.Integer) else number
