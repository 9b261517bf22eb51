"""Sums, products, powers and functions in SymPy, simplified as SymPy does it where that cannot take long.

What is opaque (see `formula.size`) SymPy gets to order, not to look into: it would ask for signs and imaginary parts,
and expand what it is given to find out.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.add import _unevaluated_Add  # pyright: ignore[reportPrivateUsage] - sorts, unlike evaluate=False
from sympy.core.mul import _unevaluated_Mul  # pyright: ignore[reportPrivateUsage] - the same

from symdiff.formula.size import MAX_SMALL, Sizes


def plus(sizes: Sizes, terms: list[sp.Expr]) -> sp.Expr:
    """Return the sum of terms.

    >>> x = sp.Symbol("x", real=True)
    >>> plus(Sizes(), [x, sp.Integer(1), x])
    2*x + 1
    """
    opaque = [term for term in terms if sizes[term].opaque]
    rest = sp.Add(*(term for term in terms if not sizes[term].opaque))
    return _unevaluated_Add(rest, *opaque) if opaque else rest


def times(sizes: Sizes, coefficient: Any, factors: list[sp.Expr]) -> sp.Expr:
    """Return the product of a number and of factors."""
    opaque = [factor for factor in factors if sizes[factor].opaque]
    rest = sp.Mul(coefficient, *(factor for factor in factors if not sizes[factor].opaque))
    return _unevaluated_Mul(rest, *opaque) if opaque and rest else rest


def power(sizes: Sizes, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """Return base**exponent.

    >>> x = sp.Symbol("x", real=True)
    >>> power(Sizes(), sp.sqrt(x), sp.Integer(-1)), power(Sizes(), (x + 1) ** 1000, sp.S.Half)
    (1/sqrt(x), sqrt((x + 1)**1000))
    """
    integer = isinstance(exponent, sp.Integer)
    if integer and isinstance(base, sp.Pow):
        base, exponent = base.base, base.exp * exponent
        integer = isinstance(exponent, sp.Integer)
    if base.is_Mul and base.args[0].is_Float and exponent.is_Rational and not integer:
        # SymPy 1.14 can take minutes over a root of 2.5*sqrt(2)*x, not over roots of 2.5 and of sqrt(2)*x
        number, *others = base.args
        rest = times(sizes, sp.Integer(1 if number > 0 else -1), others)
        return times(sizes, sp.Pow(abs(number), exponent), [power(sizes, rest, exponent)])
    parts = sizes[base], sizes[exponent]
    small = integer or sum(part.nodes for part in parts) < MAX_SMALL
    simplified = exponent in (0, 1) or (small and not any(part.opaque for part in parts))
    return sp.Pow(base, exponent, evaluate=simplified)


def call(sizes: Sizes, function: Any, arguments: list[sp.Expr]) -> sp.Expr:
    """Return the function of the arguments; Max and Min only of their numbers, since SymPy compares all pairs."""
    if function in (sp.Max, sp.Min):
        flat = [part for given in arguments for part in (given.args if given.func is function else [given])]
        numbers = [part for part in flat if part.is_Number]
        others = [part for part in flat if not part.is_Number]
        return function(*([function(*numbers)] if numbers else []), *others, evaluate=False)
    if function is sp.real_root and len(arguments) == 2 and arguments[1].is_odd and abs(arguments[1]) != 1:
        # SymPy's own simplifies conditions on whether the radicand is real for minutes; all numbers are real here
        radicand, degree = arguments
        size = power(sizes, call(sizes, sp.Abs, [radicand]), 1 / degree)
        return times(sizes, call(sizes, sp.sign, [radicand]), [size])
    if not isinstance(function, type) or len(arguments) > 1:
        return function(*arguments)
    size = sizes[arguments[0]]
    small = size.nodes < MAX_SMALL and not size.opaque
    return function(*arguments) if small else function(*arguments, evaluate=False)
