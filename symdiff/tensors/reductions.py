"""Reductions along one axis that are not sums of products: products, and logarithms of sums of exponentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.errors import UnsupportedError
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import sum_over
from symdiff.tensors.layout import EXPAND, broadcast_to
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape


def _without(shapes: Sequence[Shape], axis: int) -> Shape:
    shape = shapes[0]
    return shape[:axis] + shape[axis + 1 :]


def _others(numpy: Any, array: Any, axis: int) -> Any:
    """At each place the product of all other entries along an axis, also where entries are zero."""
    moved = numpy.moveaxis(array, axis, -1)
    one = numpy.ones_like(moved[..., :1])
    before = numpy.cumprod(numpy.concatenate([one, moved[..., :-1]], -1), -1)
    after = numpy.cumprod(numpy.concatenate([one, moved[..., :0:-1]], -1), -1)[..., ::-1]
    return numpy.moveaxis(before * after, -1, axis)


def _no_second(*_: Any) -> int:
    raise UnsupportedError("the second derivative of a Product has no rule here; write exp(Sum(log(...))) instead")


OTHERS = Operation(
    name="others",
    shape=lambda shapes, axis: shapes[0],
    value=lambda array, axis: _others(np, array, axis),
    jax=lambda array, axis: _others(jnp, array, axis),
    adjoint=_no_second,
    derived=_no_second,
    tangent=_no_second,
    source="Griewank and Walther, Evaluating Derivatives (2008), section 3.3 (Speelpenning's product)",
)


def _product_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], node: int
) -> int:
    (axis,) = static
    full = broadcast_to(b, adjoint, b.shape(node))
    return b.call("multiply", b.apply(EXPAND, (full,), ((axis,),)), b.apply(OTHERS, operands, static))


PRODUCT = Operation(
    name="product",
    shape=_without,
    value=lambda array, axis: np.prod(array, axis=axis),
    jax=lambda array, axis: jnp.prod(array, axis=axis),
    adjoint=lambda _, adjoint, operands, static, value: (
        np.expand_dims(np.broadcast_to(adjoint, np.shape(value)), static[0]) * _others(np, operands[0], static[0])
    ),
    derived=_product_derived,
    tangent=lambda operands, tangents, static, value: np.sum(
        np.broadcast_to(tangents[0], operands[0].shape) * _others(np, operands[0], static[0]), axis=static[0]
    ),
    source="Griewank and Walther, Evaluating Derivatives (2008), section 3.3 (Speelpenning's product)",
)


def _top(numpy: Any, array: Any, axes: tuple[int, ...]) -> Any:
    top = numpy.max(array, axis=axes)
    # of infinite exponents nothing can be taken off
    return numpy.where(numpy.isfinite(top), top, 0.0).astype(array.dtype)


TOP = Operation(
    name="top",
    shape=lambda shapes, axes: tuple(n for axis, n in enumerate(shapes[0]) if axis not in axes),
    value=lambda array, axes: _top(np, array, axes),
    jax=lambda array, axes: _top(jnp, jax.lax.stop_gradient(array), axes),
    adjoint=lambda *_: None,
    derived=lambda b, *_: b.constant(sp.Integer(0)),
    tangent=lambda operands, tangents, static, value: np.zeros_like(value),
    source="a sum scaled by its largest exponent does not depend on it, so there is no derivative",
)


def _log_sum_exp(exponents: Any, axis: int) -> Any:
    top = _top(np, exponents, (axis,))
    return np.log(np.sum(np.exp(exponents - np.expand_dims(top, axis)), axis=axis)) + top


def _log_sum_exp_jax(exponents: Any, axis: int) -> Any:
    from jax.scipy.special import logsumexp

    return logsumexp(exponents, axis=axis)


def _share(exponents: Any, axis: int) -> Any:
    """Softmax: scaled by the largest exponent, not by the logarithm of the sum, whose rounding error would go in."""
    terms = np.exp(exponents - np.expand_dims(_top(np, exponents, (axis,)), axis))
    return terms / terms.sum(axis=axis, keepdims=True)


def _log_sum_exp_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], node: int
) -> int:
    (axis,) = static
    full = b.apply(EXPAND, (broadcast_to(b, adjoint, b.shape(node)),), ((axis,),))
    top = b.apply(TOP, operands, ((axis,),))
    terms = b.call("exp", b.call("subtract", operands[0], b.apply(EXPAND, (top,), ((axis,),))))
    total = b.apply(EXPAND, (sum_over(b, terms, [axis]),), ((axis,),))
    return b.call("multiply", full, b.call("divide", terms, total))


LOG_SUM_EXP = Operation(
    name="log_sum_exp",
    shape=_without,
    value=_log_sum_exp,
    jax=_log_sum_exp_jax,
    adjoint=lambda _, adjoint, operands, static, value: (
        np.expand_dims(np.broadcast_to(adjoint, np.shape(value)), static[0]) * _share(operands[0], static[0])
    ),
    derived=_log_sum_exp_derived,
    tangent=lambda operands, tangents, static, value: np.sum(
        tangents[0] * _share(operands[0], static[0]), axis=static[0]
    ),
    source="Blanchard, Higham, Higham, IMA J. Numer. Anal. 41 (2021)",
)
