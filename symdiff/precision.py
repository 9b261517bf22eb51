"""Ball arithmetic: the working precision, put back afterwards, and ball forms of what they may refuse."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def working(bits: int, terms: int = 3) -> Generator[None]:
    """Work at a precision of so many bits, with power series of so many terms (`flint.ctx`).

    >>> import flint
    >>> with working(200):
    ...     flint.arb(2).sqrt().rel_accuracy_bits() > 190
    True
    """
    import flint

    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = bits, terms
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


def applied(form: Callable[..., Any], operands: Sequence[Any], static: Sequence[Any] = ()) -> Any:
    """A ball form at balls or power series; NaN where it refuses them.

    >>> import flint
    >>> near_zero = flint.arb_series([flint.arb(0, 1e-9), 1], 3)
    >>> applied(lambda u: 1 / u, [near_zero])
    nan
    """
    import flint

    try:
        return form(*operands, *static)
    except (ValueError, ArithmeticError):
        # Arb's power series refuse what its balls answer with NaN
        return flint.arb.nan()
