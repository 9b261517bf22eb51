"""SymPy classes for derivatives of special functions that SymPy has no name for, or only a form that loses digits."""

from __future__ import annotations

from typing import Any

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


class _Family(sp.Function):
    """Partials of a function of two variables: of order i in the first and j in the second."""

    nargs = 4
    member: type[sp.Function]

    @classmethod
    def eval(cls, i: sp.Expr, j: sp.Expr, u: sp.Expr, v: sp.Expr) -> sp.Expr | None:
        """The partial of order 0 is the function itself."""
        return cls.member(u, v) if i == 0 and j == 0 else None

    def fdiff(self, argindex: int = 3) -> sp.Expr:
        """Derivative in one of the variables."""
        i, j, u, v = self.args
        if argindex not in (3, 4):
            raise ArgumentIndexError(self, argindex)
        return self.func(i + 1, j, u, v) if argindex == 3 else self.func(i, j + 1, u, v)

    def _eval_is_real(self) -> bool | None:
        return True if all(arg.is_real for arg in self.args) else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        import mpmath

        i, j, u, v = self.args
        with mpmath.workprec(4 * prec + 20):
            at = tuple(a._to_mpmath(4 * prec + 20) for a in (u, v))  # type: ignore[attr-defined]
            function = getattr(mpmath, self.member.__name__)
            return sp.Float(mpmath.diff(function, at, (int(i), int(j))), precision=prec)  # type: ignore[arg-type]


class beta_derivative(_Family):  # noqa: N801
    """Partial of order i in u and j in v of the beta function.

    >>> beta_derivative(1, 0, *sp.symbols("u v")).diff("v")
    beta_derivative(1, 1, u, v)
    """

    member = sp.beta


class binomial_derivative(_Family):  # noqa: N801
    """Partial of order i in u and j in v of the binomial coefficient.

    >>> binomial_derivative(0, 1, *sp.symbols("u v")).diff("v")
    binomial_derivative(0, 2, u, v)
    """

    member = sp.binomial


class gamma_density(sp.Function):  # noqa: N801
    """The k-th derivative in x of x**(s - 1)*exp(-x), whose factors may overflow where it does not.

    >>> gamma_density(0, *sp.symbols("s x")).diff("x")
    gamma_density(1, s, x)
    """

    nargs = 3

    def fdiff(self, argindex: int = 3) -> sp.Expr:
        """Derivative in x."""
        k, s, x = self.args
        if argindex != 3:
            raise ArgumentIndexError(self, argindex)
        return gamma_density(k + 1, s, x)

    def _eval_is_real(self) -> bool | None:
        return True if self.args[1].is_real and self.args[2].is_positive else None

    def _eval_rewrite_as_exp(self, k: sp.Expr, s: sp.Expr, x: sp.Expr, **_: Any) -> sp.Expr:
        at = sp.Dummy()
        return sp.diff(at ** (s - 1) * sp.exp(-at), (at, k)).subs(at, x)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)
