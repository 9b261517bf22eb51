"""Inverse, determinant and logarithm of a determinant.

Adjoints: Giles, Collected matrix derivative results for forward and reverse mode AD (2008), sections 2.2.3 to 2.3.1;
Petersen and Pedersen, The Matrix Cookbook (2012), equations 49, 57 and 60.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.errors import ShapeError, UnsupportedError
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import contract
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape, same, written

# cofactors of a matrix up to this size are computed one by one
LARGEST_BY_MINORS = 6


def _square(name: str) -> Any:
    def shape(shapes: Sequence[Shape]) -> Shape:
        (own,) = shapes
        if len(own) != 2 or not same(own[0], own[1]):
            raise ShapeError(f"the {name} of a matrix of shape {written(own)}; it needs a square one")
        return own if name in ("inverse", "matrix of cofactors") else ()

    return shape


def _refusing(values: Any) -> Any:
    """NumPy raises where a matrix is singular; here it has no finite inverse."""

    def form(matrix: Any) -> Any:
        try:
            return values(matrix)
        except np.linalg.LinAlgError:
            return np.full_like(matrix, np.nan)

    return form


_inverse = _refusing(np.linalg.inv)


def _inverse_adjoint(_: int, adjoint: Any, __: Sequence[Any], ___: Any, value: Any) -> Any:
    return -value.T @ np.broadcast_to(adjoint, value.shape) @ value.T


@lru_cache(maxsize=1)
def _inverse_rule() -> tuple[Graph, sp.MatrixSymbol, sp.MatrixSymbol]:
    """SymPy's derivative of tr(G^T A^-1) in A."""
    from symdiff.from_sympy import graph_of

    n = sp.Symbol("n", integer=True, positive=True)
    a, g = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("G", n, n)
    return graph_of([sp.diff(sp.Trace(g.T * a.I), a)]), a, g


def _inverse_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], __: int
) -> int:
    from symdiff.tensors.layout import broadcast_to

    rule, a, g = _inverse_rule()
    shape = b.shape(operands[0])
    given = {rule.inputs[a]: operands[0], rule.inputs[g]: broadcast_to(b, adjoint, shape)}
    return b.splice(rule, given)[rule.outputs[0]]


INVERSE = Operation(
    name="inverse",
    shape=_square("inverse"),
    value=_inverse,
    jax=jnp.linalg.inv,
    adjoint=_inverse_adjoint,
    derived=_inverse_derived,
    tangent=lambda operands, tangents, static, value: -value @ tangents[0] @ value,
    source="Giles 2008, section 2.2.3; Matrix Cookbook 60",
)


def _cofactors(matrix: Any) -> Any:
    size = len(matrix)
    if size > LARGEST_BY_MINORS:
        return _cofactors_by_svd(np, matrix)
    result = np.empty_like(matrix)
    for row in range(size):
        for column in range(size):
            minor = np.delete(np.delete(matrix, row, 0), column, 1)
            result[row, column] = (-1) ** (row + column) * np.linalg.det(minor)
    return result


def _cofactors_by_svd(numpy: Any, matrix: Any) -> Any:
    """det(A) A^-T also of a singular matrix: A = U S V gives det(U V) U (products of the other singular values) V."""
    u, values, v = numpy.linalg.svd(matrix)
    count = len(values)
    others = numpy.prod(numpy.where(numpy.eye(count, dtype=bool), 1.0, values[None, :]), axis=1)
    result = numpy.linalg.det(u) * numpy.linalg.det(v) * (u * others[None, :]) @ v
    return result.astype(matrix.dtype)


def _no_second(*_: Any) -> int:
    raise UnsupportedError("the second derivative of a determinant has no rule here; write log(Determinant(A)) instead")


COFACTORS = Operation(
    name="cofactors",
    shape=_square("matrix of cofactors"),
    value=_cofactors,
    jax=lambda matrix: _cofactors_by_svd(jnp, matrix),
    adjoint=_no_second,
    derived=_no_second,
    tangent=_no_second,
    source="Horn and Johnson, Matrix Analysis (2013), 0.8.2",
)

DETERMINANT = Operation(
    name="determinant",
    shape=_square("determinant"),
    value=np.linalg.det,
    jax=jnp.linalg.det,
    adjoint=lambda _, adjoint, operands, static, value: adjoint * _cofactors(operands[0]),
    derived=lambda b, _, adjoint, operands, static, value: b.call("multiply", adjoint, b.apply(COFACTORS, operands)),
    tangent=lambda operands, tangents, static, value: np.sum(_cofactors(operands[0]) * tangents[0]),
    source="Jacobi's formula; Giles 2008, section 2.2.4; Matrix Cookbook 49",
)


def _log_determinant(matrix: Any) -> Any:
    sign, size = np.linalg.slogdet(matrix)
    return matrix.dtype.type(size if sign >= 0 else np.nan)


def _log_determinant_jax(matrix: Any) -> Any:
    sign, size = jnp.linalg.slogdet(matrix)
    return jnp.where(jax.lax.stop_gradient(sign) >= 0, size, jnp.nan)


def _log_determinant_derived(
    b: GraphBuilder, _: int, adjoint: int, operands: tuple[int, ...], static: tuple[Any, ...], __: int
) -> int:
    return b.call("multiply", adjoint, contract(b, [b.apply(INVERSE, operands)], ["ij", "ji"]))


LOG_DETERMINANT = Operation(
    name="log_determinant",
    shape=_square("determinant"),
    value=_log_determinant,
    jax=_log_determinant_jax,
    adjoint=lambda _, adjoint, operands, static, value: adjoint * _inverse(operands[0]).T,
    derived=_log_determinant_derived,
    tangent=lambda operands, tangents, static, value: np.sum(_inverse(operands[0]).T * tangents[0]),
    source="Giles 2008, section 2.3.1; Matrix Cookbook 57",
)
