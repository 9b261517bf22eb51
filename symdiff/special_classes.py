"""SymPy classes for derivatives of special functions that SymPy has no name for, or only a form that loses digits."""

from __future__ import annotations

import sympy as sp
from sympy.core.function import ArgumentIndexError


class zeta_derivative(sp.Function):  # noqa: N801 - SymPy names its functions in lower case
    """The k-th derivative of Riemann's zeta function at s.

    >>> zeta_derivative(1, sp.Symbol("s")).diff()
    zeta_derivative(2, s)
    """

    nargs = 2

    @classmethod
    def eval(cls, k: sp.Expr, s: sp.Expr) -> sp.Expr | None:
        """The derivative of order 0 is the function itself."""
        return sp.zeta(s) if k == 0 else None

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        """Derivative in s."""
        if argindex != 2:
            raise ArgumentIndexError(self, argindex)
        k, s = self.args
        return zeta_derivative(k + 1, s)

    def _eval_is_real(self) -> bool | None:
        return self.args[1].is_real

    def _eval_evalf(self, prec: int) -> sp.Expr:
        import mpmath

        k, s = self.args
        with mpmath.workprec(prec + 20):
            return sp.Float(mpmath.zeta(s._to_mpmath(prec + 20), 1, int(k)), precision=prec)  # type: ignore[attr-defined]


class polygamma_gap(sp.Function):  # noqa: N801
    """polygamma(n, u + v) - polygamma(n, u), which keeps its digits where v is small beside u.

    >>> u, v = sp.symbols("u v")
    >>> polygamma_gap(0, u, v).diff(v)
    polygamma(1, u + v)
    """

    nargs = 3

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        """Derivative in u or v."""
        n, u, v = self.args
        if argindex == 2:
            return polygamma_gap(n + 1, u, v)
        if argindex == 3:
            return sp.polygamma(n + 1, u + v)
        raise ArgumentIndexError(self, argindex)

    def _eval_is_real(self) -> bool | None:
        return True if all(arg.is_real for arg in self.args) else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        n, u, v = self.args
        return (sp.polygamma(n, u + v) - sp.polygamma(n, u)).evalf(prec)
