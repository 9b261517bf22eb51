"""SymPy expression to formula text that `symdiff.parsing` reads back."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter

from symdiff.errors import ModelError
from symdiff.formula.matrices import ENTRY

# a longer text than a person or the parser would read; a shared expression can have exponentially many terms
MAX_NODES = 100_000


def written(expression: sp.Basic) -> str:
    """Return `str(expression)`, but with every digit of a float64.

    Raises ModelError for an expression that, written out, has more than 100,000 nodes.

    >>> x = sp.Symbol("x", real=True)
    >>> written(0.1*x**2 + sp.pi + 1.23456789012e-5)
    '0.1*x**2 + 1.23456789012e-05 + pi'
    """
    if not fits(expression, MAX_NODES):
        raise ModelError(f"the formula would be a text of more than {MAX_NODES:,} terms; keep the model in Python")
    return _Writer().doprint(expression)


def fits(expression: sp.Basic, limit: int) -> bool:
    """Whether the expression, written as a tree, has at most `limit` nodes; found in as many steps.

    >>> x = sp.Symbol("x", real=True)
    >>> fits(x + 1, 3), fits(x + 1, 2)
    (True, False)
    """
    count = 0
    pending = [expression]
    while pending and count <= limit:
        pending.extend(pending.pop().args)
        count += 1
    return count <= limit


_LEVELS = {
    sp.MatAdd: PRECEDENCE["Add"],
    sp.MatMul: PRECEDENCE["Mul"],
    sp.MatPow: PRECEDENCE["Pow"],
    sp.Inverse: PRECEDENCE["Pow"],
    sp.Transpose: PRECEDENCE["Pow"],
}


class _Writer(StrPrinter):
    def _print_Float(self, expr: sp.Float) -> str:  # noqa: N802 - SymPy finds it by the class's name
        return repr(float(expr))

    # SymPy asks a product of matrices for its sign to place parentheses, and works out every sum in it for that
    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        own = _LEVELS.get(type(item), PRECEDENCE["Atom"]) if isinstance(item, sp.MatrixExpr) else precedence(item)
        text = self._print(item)
        return f"({text})" if own < level or (not strict and own <= level) else text

    def _print_MatMul(self, expr: Any) -> str:  # noqa: N802 - the same
        first, *rest = expr.args
        sign = "-" if first.is_Number and first.is_negative else ""
        factors = [-first if sign else first, *rest]
        kept = factors[1:] if factors[0] == 1 else factors
        return sign + "*".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in kept)

    def _print_MatAdd(self, expr: Any) -> str:  # noqa: N802 - the same
        terms = [self.parenthesize(term, PRECEDENCE["Add"]) for term in expr.args]
        signed = [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in terms]
        return " ".join(signed).removeprefix("+ ").replace("- ", "-", 1 if signed[0].startswith("-") else 0)

    def _print_ElementwiseApplyFunction(self, expr: Any) -> str:  # noqa: N802 - the same
        (variable,) = expr.function.variables
        body, matrix = expr.function.expr, self._print(expr.expr)
        name = self._print(body.func(ENTRY)) if body.args == (variable,) else ""
        # a function of the entry alone is written as one of the matrix
        head = name.removesuffix(f"({ENTRY.name})")
        if head != name and head.isidentifier():
            return f"{head}({matrix})"
        return f"applyfunc({matrix}, {self._print(body.xreplace({variable: ENTRY}))})"

    def _print_OneMatrix(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"ones({self._print(expr.shape[0])}, {self._print(expr.shape[1])})"

    def _print_ZeroMatrix(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"zeros({self._print(expr.shape[0])}, {self._print(expr.shape[1])})"

    def _print_Identity(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"eye({self._print(expr.shape[0])})"

    def _print_HadamardProduct(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"hadamard({', '.join(map(self._print, expr.args))})"

    def _print_HadamardPower(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"hadamard_power({', '.join(map(self._print, expr.args))})"

    def _print_Indexed(self, expr: Any) -> str:  # noqa: N802 - the same
        return f"{expr.base.label}[{', '.join(map(self._print, expr.indices))}]"
