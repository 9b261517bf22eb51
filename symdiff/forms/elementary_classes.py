"""SymPy classes for functions of science that SymPy itself lacks."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import hypot
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


class _Real(sp.Function):
    """What the functions below share: real for real arguments, evaluated through `_eval_rewrite_as_exp`."""

    def _eval_is_real(self) -> bool | None:
        return True if all(arg.is_real for arg in self.args) else None

    def _eval_is_extended_real(self) -> bool | None:
        return self._eval_is_real()


class softplus(_Real):  # noqa: N801
    """log(1 + exp(x)).

    >>> softplus(sp.Symbol("x")).diff()
    sigmoid(x)
    """

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative in the argument."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return sigmoid(self.args[0])

    def _eval_rewrite_as_exp(self, arg: sp.Expr, **_: Any) -> sp.Expr:
        return sp.log(1 + sp.exp(arg))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)


class direction(_Real):  # noqa: N801
    """x/sqrt(x**2 + y**2), the cosine of the direction of (x, y).

    Derivatives of hypot and atan2 are written with it, which neither overflow nor cancel.

    >>> x, y = sp.symbols("x y")
    >>> direction(x, y).diff(x)
    direction(y, x)**2/hypot(x, y)
    """

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative in one argument."""
        if argindex not in (1, 2):
            raise ArgumentIndexError(self, argindex)
        x, y = self.args
        across = direction(y, x)
        return (across if argindex == 1 else -direction(x, y)) * across / hypot(x, y)

    def _eval_rewrite_as_Pow(self, x: sp.Expr, y: sp.Expr, **_: Any) -> sp.Expr:  # noqa: N802 - SymPy's name
        return x / sp.sqrt(x**2 + y**2)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.Pow)._eval_evalf(prec)


class reduced_sinc(_Real):  # noqa: N801
    """j_n(x)/x**n with the spherical Bessel function j_n: sin(x)/x and what its derivatives are made of.

    >>> reduced_sinc(1, sp.Symbol("x")).diff()
    -x*reduced_sinc(2, x)
    """

    nargs = 2

    @classmethod
    def eval(cls, n: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        """The value at 0 is 1/(2n + 1)!!, and everything else stays as it is."""
        return 1 / sp.factorial2(2 * n + 1) if x.is_zero else None

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        """Derivative in the second argument."""
        if argindex != 2:
            raise ArgumentIndexError(self, argindex)
        n, x = self.args
        return -x * reduced_sinc(n + 1, x)

    def _eval_rewrite_as_sin(self, n: sp.Expr, x: sp.Expr, **_: Any) -> sp.Expr:
        before, current = sp.cos(x), sp.sin(x) / x
        for order in range(int(n)):  # type: ignore[arg-type]
            before, current = current, ((2 * order + 1) * current - before) / x**2
        return current

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.sin)._eval_evalf(prec)
