"""Whether a claimed formula of matrices is certainly equal to the derivative: their difference expands to zero."""

from __future__ import annotations

import contextlib
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symdiff.errors import SymdiffError
from symdiff.formula.printed_size import PrintedSize
from symdiff.from_sympy import graph_of
from symdiff.tensors.notation import Pointwise

LARGEST, DEEPEST = 200, 30


def proved_equal(claimed: sp.Expr, true: Any) -> bool:
    """Whether the two are equal for all arrays of all lengths; False says nothing.

    The same graph proves it; so do products of matrices that, multiplied out, cancel. A function of every entry is a
    matrix of its own, the same for the same argument.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> X, w, t = sp.MatrixSymbol("X", n, 3), sp.MatrixSymbol("w", 3, 1), sp.MatrixSymbol("t", n, 1)
    >>> proved_equal(2 * X.T * X * w - 2 * X.T * t, 2 * X.T * (X * w - t))
    True
    >>> proved_equal(2 * X.T * X * w - X.T * t, 2 * X.T * (X * w - t))
    False
    """
    if not isinstance(true, sp.Basic):
        return False
    try:
        both = graph_of([claimed, true])
        if len(both.outputs) == 2 and len(set(both.outputs)) == 1:
            return True
    except SymdiffError:
        return False
    for formula in (claimed, true):
        nodes, depth = PrintedSize(LARGEST)(formula)
        if nodes > LARGEST or depth > DEEPEST:
            return False
    if not (getattr(claimed, "is_Matrix", False) and getattr(true, "is_Matrix", False)):
        return False
    # SymPy's own algebra of matrices is incomplete, and stops with errors of a dozen kinds
    with contextlib.suppress(Exception):
        known: dict[Any, sp.MatrixSymbol] = {}
        left, right = (_plain(formula, known) for formula in (claimed, true))
        difference: Any = sp.expand(sp.expand(left).doit() - sp.expand(right).doit()).doit()
        return bool(difference.is_ZeroMatrix)
    return False


def _plain(formula: Any, known: dict[Any, sp.MatrixSymbol]) -> Any:
    """The formula with each function of every entry as a matrix symbol; equal functions of equal matrices as one."""
    parts = sorted(formula.atoms(ElementwiseApplyFunction, Pointwise), key=lambda e: e.count_ops())
    for part in parts:
        arguments = part.operands if isinstance(part, Pointwise) else (part.expr,)
        entries = sp.symbols(f"entry:{len(arguments)}", real=True)
        operands = [sp.expand(u).doit() for u in arguments]
        turned = [sp.expand(sp.Transpose(u).doit()).doit() if u.is_Matrix else u for u in operands]
        # of a matrix and its transpose the one that is shorter to write
        swap = len(str(turned)) < len(str(operands))
        shape = part.shape[::-1] if swap else part.shape
        key = sp.srepr(part.function(*entries)), *(turned if swap else operands)
        symbol = known.setdefault(key, sp.MatrixSymbol(f"_f{len(known)}", *shape))
        formula = formula.xreplace({part: symbol.T if swap else symbol})
    return formula
