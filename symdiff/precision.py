"""The working precision of ball arithmetic, put back afterwards."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


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
