"""SymPy's matrix expressions, as contractions, elementwise functions and linear algebra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.slice import MatrixSlice
from sympy.tensor.array.expressions.array_expressions import (
    ArrayAdd,
    ArrayContraction,
    ArrayDiagonal,
    ArrayElementwiseApplyFunc,
    OneArray,
    PermuteDims,
    ZeroArray,
)

from symdiff.from_sympy import free_symbols, graph_of
from symdiff.tensors.array_expressions import ARRAY_EMITS, Emit, rearranged, unlabelled
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.layout import EXPAND, STACK, broadcast_to, identity, sliced
from symdiff.tensors.linear_algebra import DETERMINANT, INVERSE
from symdiff.tensors.matrix_products import product, two
from symdiff.tensors.notation import OneEntry, Pointwise
from symdiff.tensors.scope import Scope, Value, aligned, exact
from symdiff.tensors.shapes import Shape, length_of, same

if TYPE_CHECKING:
    from symdiff.tensors.reading import ArrayReader


def operands(expression: Any) -> list[sp.Basic]:
    """The matrices and scalars that have to be read first."""
    if isinstance(expression, (sp.MatrixSymbol, *_FILLED)):
        return []
    if isinstance(expression, sp.MatrixBase):
        return list(expression)
    if isinstance(expression, (ElementwiseApplyFunction, ArrayElementwiseApplyFunc)):
        return [expression.args[1]]
    if isinstance(expression, Pointwise):
        return list(expression.operands)
    if isinstance(expression, (MatrixSlice, ArrayContraction, ArrayDiagonal, PermuteDims, sp.MatPow)):
        return [expression.args[0]]
    if isinstance(expression, HadamardPower) and expression.args[1].is_number:
        return [expression.args[0]]
    return list(expression.args)


def value(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    """A matrix expression, its operands being read."""
    return next(emit for heads, emit in _EMITS if isinstance(expression, heads))(reader, expression, values, scope)


def _shape(expression: Any) -> Shape:
    return tuple(map(length_of, expression.shape))


def _symbol(reader: ArrayReader, expression: Any, _: Sequence[Value], __: Scope) -> Value:
    shape = _shape(expression)
    return Value(reader.builder.input(expression, shape), (), shape)


def _filled(reader: ArrayReader, expression: Any, _: Sequence[Value], __: Scope) -> Value:
    b, shape = reader.builder, _shape(expression)
    if isinstance(expression, sp.Identity):
        return Value(identity(b, shape[0]), (), shape)
    number = b.constant(sp.Integer(isinstance(expression, (sp.OneMatrix, OneArray))))
    return Value(broadcast_to(b, number, shape), (), shape)


def _one_entry(reader: ArrayReader, _: Any, values: Sequence[Value], __: Scope) -> Value:
    (value,) = values
    count = len(reader.builder.shape(value.node))
    node = reader.builder.apply(EXPAND, (value.node,), ((count, count + 1),))
    return Value(node, value.labels, (1, 1))


def _explicit(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    if any(value.labels or value.shape for value in values):
        reader.refuse(expression)
    shape = _shape(expression)
    return Value(reader.builder.apply(STACK, tuple(value.node for value in values), (shape,)), (), shape)


def _letters(value: Value) -> tuple[str, str]:
    """Letters of the indices and of the axes of a value."""
    count = len(value.labels)
    return ALPHABET[:count], ALPHABET[count : count + len(value.shape)]


def _transpose(reader: ArrayReader, _: Any, values: Sequence[Value], __: Scope) -> Value:
    (value,) = values
    labels, (i, j) = _letters(value)
    node = contract(reader.builder, [exact(reader.builder, value)], [labels + i + j, labels + j + i])
    return Value(node, value.labels, value.shape[::-1])


def _trace(reader: ArrayReader, _: Any, values: Sequence[Value], __: Scope) -> Value:
    return rearranged(reader, values[0], "aa", "", ())


def _determinant(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    return Value(reader.builder.apply(DETERMINANT, (unlabelled(reader, expression, values[0]),)), ())


def _power(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    b, base, exponent = reader.builder, values[0], expression.args[1]
    if all(same(length, 1) for length in base.shape):
        return _mapped(reader, expression, base, sp.Symbol("u", real=True) ** exponent, sp.Symbol("u", real=True))
    if not isinstance(exponent, sp.Integer):
        reader.refuse(expression)
    if exponent == 0:
        return Value(identity(b, base.shape[0]), (), base.shape)
    if exponent < 0:
        node = unlabelled(reader, expression, base)
        inner = b.parts(node, "contract")
        if inner is not None and b.static_of(node)[0] == ("ab", "ba"):
            # the inverse of a transpose is the transpose of the inverse, which may be there already
            node = contract(b, [b.apply(INVERSE, inner)], ["ij", "ji"])
        else:
            node = b.apply(INVERSE, (node,))
        base = Value(node, (), base.shape)
    # by repeated squaring, from the highest binary digit on
    result = base
    for digit in bin(abs(int(exponent)))[3:]:
        result = two(b, result, result, scope)
        result = two(b, result, base, scope) if digit == "1" else result
    return result


def _mapped(reader: ArrayReader, expression: Any, value: Value, body: sp.Expr, variable: sp.Symbol) -> Value:
    """A scalar function of each entry."""
    b, graph = reader.builder, graph_of([body])
    if any(graph.shape(node) for node in graph.symbols):
        reader.refuse(expression)
    given = {graph.inputs[variable]: value.node} if variable in graph.inputs else {}
    node = b.splice(graph, given)[graph.outputs[0]]
    return Value(node, value.labels, value.shape)


def _applied(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    function = expression.function
    (variable,) = function.variables
    if any(axis.index in free_symbols(function.expr) for axis in scope):
        reader.refuse(expression)
    return _mapped(reader, expression, values[0], function.expr, variable)


def _pointwise(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    b, graph = reader.builder, graph_of([expression.function.expr])
    nodes, labels, _ = aligned(b, values, scope)
    given = dict(zip(expression.function.variables, nodes, strict=True))
    node = b.splice(graph, {graph.inputs[u]: n for u, n in given.items() if u in graph.inputs})[graph.outputs[0]]
    return Value(node, labels, next(value.shape for value in values if value.shape))


def _entrywise(name: str) -> Emit:
    def emit(reader: ArrayReader, _: Any, values: Sequence[Value], scope: Scope) -> Value:
        nodes, labels, _ = aligned(reader.builder, values, scope)
        return Value(reader.chain(name, nodes), labels, next((value.shape for value in values if value.shape), ()))

    return emit


def _hadamard_power(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    if len(values) == 1:
        u = sp.Symbol("u", real=True)
        return _mapped(reader, expression, values[0], u ** expression.args[1], u)
    return _entrywise("power")(reader, expression, values, scope)


def _sliced(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    node = unlabelled(reader, expression, values[0])
    axes: list[Any] = []
    for start, stop, step in (expression.rowslice, expression.colslice):
        count = length_of(sp.ceiling(sp.sympify(stop - start) / step))
        axes.append(("range", length_of(start), count, int(step)))
    return Value(sliced(reader.builder, node, tuple(axes)), (), tuple(axis[2] for axis in axes))


def _diagonal_matrix(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    b, (value,) = reader.builder, values
    node, shape = unlabelled(reader, expression, value), _shape(expression)
    letters = "aa" if isinstance(expression, DiagonalMatrix) else "ab"
    if letters == "ab":
        column = same(value.shape[1], 1)
        node = contract(b, [node], ["ab", "a" if column else "b"])
    else:
        node = contract(b, [node], ["aa", "a"])
    return Value(contract(b, [node, identity(b, shape[0])], ["a", "ab", "ab"]), (), shape)


def _diagonal_of(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    b = reader.builder
    node = contract(b, [unlabelled(reader, expression, values[0])], ["aa", "a"])
    return Value(b.apply(EXPAND, (node,), ((1,),)), (), _shape(expression))


_FILLED = (sp.Identity, sp.OneMatrix, sp.ZeroMatrix, ZeroArray, OneArray)
_EMITS: tuple[tuple[Any, Emit], ...] = (
    (sp.MatrixSymbol, _symbol),
    (_FILLED, _filled),
    (sp.MatrixBase, _explicit),
    (sp.MatMul, product),
    ((sp.Transpose, sp.Adjoint), _transpose),
    (sp.Trace, _trace),
    (sp.Determinant, _determinant),
    (sp.MatPow, _power),
    ((ElementwiseApplyFunction, ArrayElementwiseApplyFunc), _applied),
    (Pointwise, _pointwise),
    (OneEntry, _one_entry),
    (HadamardProduct, _entrywise("multiply")),
    (HadamardPower, _hadamard_power),
    (MatrixSlice, _sliced),
    ((DiagMatrix, DiagonalMatrix), _diagonal_matrix),
    (DiagonalOf, _diagonal_of),
    *ARRAY_EMITS,
    (ArrayAdd, _entrywise("add")),
)
HEADS: tuple[type, ...] = tuple(
    head for heads, _ in _EMITS for head in (heads if isinstance(heads, tuple) else (heads,))
)
