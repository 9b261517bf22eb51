"""`scipy.special` in every dtype, and how static orders and results are turned for it and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

Static = Any
EXTENDED = np.dtype(np.longdouble)


class _SciPy:
    """`scipy.special`, whose functions refuse extended precision: they get doubles then, and the result is widened."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(scipy.special, name)

        def called(*arguments: Any) -> Any:
            extended = [getattr(a, "dtype", None) == EXTENDED for a in arguments]
            if not any(extended):
                return function(*arguments)
            found = function(*(a.astype(np.float64) if e else a for a, e in zip(arguments, extended, strict=True)))
            return tuple(f.astype(EXTENDED) for f in found) if isinstance(found, tuple) else found.astype(EXTENDED)

        # found once
        setattr(self, name, called)
        return called


sc: Any = _SciPy()


def in_dtype_of(u: Any, y: Any) -> Any:
    """A result `y` in the dtype of `u`."""
    return np.asarray(y).astype(np.asarray(u).dtype)[()]


def order_of(order: Static) -> float | int:
    """A static order as SciPy takes it."""
    return int(order) if int(order) == order else float(order)
