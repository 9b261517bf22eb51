"""SymPy classes for functions of science that SymPy itself lacks."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import ArgumentIndexError


class sigmoid(sp.Function):  # noqa: N801 - SymPy names its functions in lower case
    r"""Logistic sigmoid, 1/(1 + exp(-x)).

    Its derivative is written sigmoid(x)*sigmoid(-x), which keeps its digits on both sides, as sigmoid(x)*(1 -
    sigmoid(x)) does not for large x.

    >>> from sympy import Symbol
    >>> sigmoid(Symbol("x")).diff()
    sigmoid(-x)*sigmoid(x)
    """

    nargs = 1

    @classmethod
    def eval(cls, arg: sp.Expr) -> sp.Expr | None:
        """sigmoid(0) is 1/2, and everything else stays as it is."""
        return sp.Rational(1, 2) if arg == 0 else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative in the argument."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return sigmoid(self.args[0]) * sigmoid(-self.args[0])

    def _eval_rewrite_as_exp(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return 1 / (1 + sp.exp(-arg))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)

    def _eval_is_real(self) -> bool | None:
        return self.args[0].is_real

    def _eval_is_positive(self) -> bool | None:
        return self.args[0].is_real

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"
