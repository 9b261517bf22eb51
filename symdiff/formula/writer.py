"""SymPy expression to formula text that `symdiff.parsing` reads back."""

from __future__ import annotations

import sympy as sp
from sympy.printing.str import StrPrinter

from symdiff.errors import ModelError

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


class _Writer(StrPrinter):
    def _print_Float(self, expr: sp.Float) -> str:  # noqa: N802 - SymPy finds it by the class's name
        return repr(float(expr))
