"""Linear layers in a row: without an activation between them they are one linear layer, with one they are not.

A prediction that is affine in its one input column x, f = A*x + c, is such a layer, however many products it is
written with. Shown are the identity in symbols, its value in exact rational arithmetic, and a point where it fails once
tanh stands between the layers: for every affine f, f(u) + f(v) - f(u + v) - f(0) = 0, whatever its A and c.

Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from symdiff.formula.writer import written
from symdiff.model import Model

# digits to which SymPy evaluates what is no rational number
DIGITS = 30
POINTS = 16


def collapsed(model: Model, seed: int = 0) -> dict[str, str]:
    """What to say of a model whose layers are one linear layer; nothing of others.

    >>> from symdiff import models
    >>> collapsed(models.load("collapse"))["one linear layer"]
    'W2*(W1*x + b1) + b2 = (W2*W1)*x + (W2*b1 + b2)'
    >>> collapsed(models.load("two_layer"))
    {}
    """
    f: Any = model.prediction
    if len(model.inputs) != 1 or not isinstance(f, sp.MatAdd):
        return {}
    (x,) = model.inputs
    layers = _inner(f, x)
    expanded = f.expand()
    if layers is None or expanded == f or not isinstance(expanded, sp.MatAdd):
        return {}
    slopes = [term for term in expanded.args if term.has(x)]
    constants = [term for term in expanded.args if not term.has(x)]
    if not constants or not all(isinstance(t, sp.MatMul) and t.args[-1] == x and t.count(x) == 1 for t in slopes):
        return {}
    matrix = sp.MatAdd(*(sp.MatMul(*term.args[:-1]) for term in slopes)).doit()
    constant = sp.MatAdd(*constants).doit()
    if (sp.MatAdd(sp.MatMul(matrix, x), constant)).expand() != expanded:
        return {}
    one = f"({written(matrix)})*{x.name} + ({written(constant)})"
    numbers = _random(model, seed)
    pairs = [(_value(f, at), _value(matrix * x + constant, at)) for at in numbers]
    equal = sum(left == right for left, right in pairs)
    activated = f.xreplace({layers: layers.applyfunc(sp.Lambda(_ENTRY, sp.tanh(_ENTRY)))})
    told = {
        "one linear layer": f"{written(f)} = {one}",
        "the same in numbers": f"equal at {equal} of {len(pairs)} random points in exact rational arithmetic",
    }
    return told | _failing(activated, f"{one}", matrix * x + constant, x, numbers)


_ENTRY = sp.Symbol("entry", real=True)


def _inner(f: Any, x: Any) -> Any:
    """The sum that holds the input within a product: the first layer."""
    for term in f.args:
        for factor in term.args if isinstance(term, sp.MatMul) else ():
            if isinstance(factor, sp.MatAdd) and factor.has(x):
                return _inner(factor, x) or factor
    return None


def _random(model: Model, seed: int) -> list[Mapping[Any, sp.Matrix]]:
    rng = np.random.default_rng(seed)
    shapes = {s: model.shapes[s] for s in (*model.parameters, *model.inputs)}
    return [
        {s: sp.ImmutableMatrix(*shape, [sp.Rational(int(k), 4) for k in rng.integers(-8, 9, int(np.prod(shape)))])  # type: ignore[arg-type]
         for s, shape in shapes.items()}
        for _ in range(POINTS)
    ]  # fmt: skip


def _value(expression: Any, at: Mapping[Any, sp.Matrix]) -> sp.Matrix:
    return sp.ImmutableMatrix(expression.xreplace(dict(at)).doit().as_explicit())


def _failing(activated: Any, one: str, linear: Any, x: Any, numbers: list[Mapping[Any, sp.Matrix]]) -> dict[str, str]:
    """The first point where the activated layers are not that linear layer, and none at all."""
    for at in numbers:
        left, right = (_value(part, at).evalf(DIGITS) for part in (activated, linear))
        u, zero = at[x], at[x] * 0
        v = sp.ones(*u.shape) - u
        f = [_value(activated, {**at, x: place}) for place in (u, v, u + v, zero)]
        apart = (f[0] + f[1] - f[2] - f[3]).evalf(DIGITS)
        if abs(left[0] - right[0]) > sp.Float(10) ** -6 and abs(apart[0]) > sp.Float(10) ** -6:
            where = ", ".join(f"{s.name} = {value.tolist()}" for s, value in at.items())
            return {
                "with tanh between": f"{written(activated)} = {one} is false",
                "where it fails": f"{where}: {left[0]:.10f} on the left, {right[0]:.10f} on the right (first entry)",
                "no other layer": (
                    f"there f(u) + f(v) - f(u + v) - f(0) = {apart[0]:.10f} for u = x and v = 1 - x; for every A*x + c "
                    "it is 0"
                ),
            }
    return {}
