"""Shapes whose lengths are numbers or SymPy expressions of symbolic lengths, such as (m, n - 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symdiff.errors import ShapeError

Length = int | sp.Expr
Shape = tuple[Length, ...]


def length_of(value: Any) -> Length:
    """A length as Python's integer where it is a number.

    >>> length_of(sp.Integer(3)), length_of(sp.Symbol("n") + 1)
    (3, n + 1)
    """
    return int(value) if isinstance(value, (int, sp.Integer)) else sp.expand(value)


def same(a: Length, b: Length) -> bool:
    """Whether two lengths are known to be equal.

    >>> n = sp.Symbol("n")
    >>> same(n + 1 - 1, n), same(n, 3)
    (True, False)
    """
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return a == b or sp.expand(sp.sympify(a) - b) == 0


def broadcast(shapes: Sequence[Shape], what: str) -> Shape:
    """The shape of an elementwise function of operands of these shapes: lengths are equal, or 1, from the last on.

    Raises ShapeError that names both shapes and `what` was to be computed.

    >>> broadcast([(3, 1), (), (1, 4)], "add")
    (3, 4)
    """
    result: list[Length] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for axis, length in enumerate(shape, len(result) - len(shape)):
            if same(length, 1):
                continue
            if same(result[axis], 1):
                result[axis] = length
            elif not same(result[axis], length):
                told = " and ".join(map(written, dict.fromkeys(s for s in shapes if s)))
                raise ShapeError(f"{what} of shapes {told}: their lengths differ; elementwise operands have one shape")
    return tuple(result)


def written(shape: Sequence[Length | str]) -> str:
    """A shape as it is told to the user.

    >>> written((3, sp.Symbol("n")))
    '3×n'
    >>> written((5,)), written(())
    ('(5)', '()')
    """
    return "×".join(map(str, shape)) if len(shape) > 1 else f"({', '.join(map(str, shape))})"


def symbols_of(static: Any) -> set[sp.Symbol]:
    """The symbols in a shape or in static arguments, however nested.

    >>> symbols_of((("range", sp.Symbol("n") + 1), 2))
    {n}
    """
    if isinstance(static, tuple):
        return {symbol for part in static for symbol in symbols_of(part)}
    return set(static.free_symbols) if isinstance(static, sp.Expr) else set()


def resolved(static: Any, lengths: dict[sp.Symbol, sp.Integer]) -> Any:
    """A shape or static arguments with numbers in place of symbolic lengths.

    >>> n = sp.Symbol("n")
    >>> resolved((("range", n + 1), 2), {n: sp.Integer(3)})
    (('range', 4), 2)
    """
    if isinstance(static, tuple):
        return tuple(resolved(part, lengths) for part in static)
    if isinstance(static, sp.Expr) and static.free_symbols:
        number = static.xreplace(lengths)
        return int(number) if isinstance(number, sp.Integer) else number
    return static


def told(shape: Sequence[Length]) -> str:
    """A declared shape for a message; a length without a name may be any.

    >>> told((3, sp.Symbol("X.shape[1]")))
    '3×any'
    """
    return written(as_declared(shape))


def as_declared(shape: Sequence[Length]) -> tuple[Length | str, ...]:
    """A shape with "any" for the lengths that an array has by itself, which the user gave no name."""
    return tuple("any" if own_length(length) else length for length in shape)


def own_length(length: Length) -> bool:
    """Whether a length is that of an array itself, for which no shape was declared."""
    return not isinstance(length, int) and length.is_Symbol and ".shape[" in str(length)
