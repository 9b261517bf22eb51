"""Sums and products over indices that keep a Piecewise inside where it stands.

SymPy brings every Piecewise that depends on an index to the top of a sum over it, out of inner sums too, whose index
its condition then no longer knows: Sum(Sum(Piecewise((x[i, j], x[i, j] > 0), (0, True)), (j, 0, 2)), (i, 0, 1)) gets a
condition on a free j, and other values (sympy/concrete/expr_with_limits.py, `_common_new`, SymPy 1.14).
"""

from __future__ import annotations

from typing import Any

import sympy as sp


class PlainSum(sp.Sum):
    """A sum whose term is left as it is."""

    def __new__(cls, function: Any, *limits: Any, **_: Any) -> PlainSum:
        """The term, then for each index itself, its first and its last number; the innermost index first."""
        return _plain(cls, function, limits)


class PlainProduct(sp.Product):
    """A product whose term is left as it is."""

    def __new__(cls, function: Any, *limits: Any, **_: Any) -> PlainProduct:
        """The same as of a sum."""
        return _plain(cls, function, limits)


def _plain(cls: type, function: Any, limits: tuple[Any, ...]) -> Any:
    # SymPy puts the limits in order
    ordered = sp.Sum(sp.Dummy(), *limits).limits
    made = sp.Expr.__new__(cls)
    made._args = (sp.sympify(function), *ordered)
    made.is_commutative = True
    return made


def over(head: type, term: Any, *limits: Any) -> Any:
    """SymPy's Sum or Product (or another family) of a term, left as it is where SymPy would change its value.

    >>> x, i, j = sp.IndexedBase("x"), *sp.symbols("i j", integer=True)
    >>> inner = sp.Sum(sp.Piecewise((x[i, j], x[i, j] > 0), (0, True)), (j, 0, 2))
    >>> over(sp.Sum, inner**2, (i, 0, 1)).function == inner**2
    True
    """
    nested = term.atoms(sp.Sum, sp.Product) if isinstance(term, sp.Basic) else ()
    plain = PlainSum if issubclass(head, sp.Sum) else PlainProduct if issubclass(head, sp.Product) else head
    return (plain if any(part.has(sp.Piecewise) for part in nested) else head)(term, *limits)
