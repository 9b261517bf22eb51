"""SymPy's matrix and array expressions, as contractions, elementwise functions and linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    ArrayTensorProduct,
    OneArray,
    PermuteDims,
    ZeroArray,
)

from symdiff.from_sympy import free_symbols, graph_of
from symdiff.tensors.contraction import ALPHABET, contract
from symdiff.tensors.layout import EXPAND, STACK, broadcast_to, identity, sliced
from symdiff.tensors.linear_algebra import DETERMINANT, INVERSE
from symdiff.tensors.notation import OneEntry, Pointwise
from symdiff.tensors.scope import Scope, Value, aligned, exact
from symdiff.tensors.shapes import Length, Shape, length_of, same

if TYPE_CHECKING:
    from symdiff.tensors.reading import ArrayReader

Emit = Callable[["ArrayReader", Any, Sequence[Value], Scope], Value]


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


def _product(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    b = reader.builder
    factors = [value for value in values if not value.shape]
    chain = [value for value in values if value.shape]
    result = _chained(b, chain, scope)
    if not factors:
        return result
    nodes, labels, _ = aligned(b, factors, scope)
    scalar = nodes[0]
    for node in nodes[1:]:
        scalar = b.call("multiply", scalar, node)
    both, labels, _ = aligned(b, [Value(scalar, labels), result], scope)
    return Value(b.call("multiply", *both), labels, result.shape)


def _chained(b: Any, chain: list[Value], scope: Scope) -> Value:
    """A product of matrices in the order that costs the fewest multiplications, by dynamic programming."""
    count = len(chain)
    sizes = [_size(value.shape[0]) for value in chain] + [_size(chain[-1].shape[1])]
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            # of many matrices the order is as written
            choices = range(i, j) if count <= LONGEST_ORDERED else (j - 1,)
            costs = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in choices
                if (i, k) in cost and (k + 1, j) in cost
            }
            split[i, j] = min(costs, key=lambda k: (costs[k], -k)) if costs else j - 1
            cost[i, j] = min(costs.values(), default=0)
    done: dict[tuple[int, int], Value] = {(i, i): value for i, value in enumerate(chain)}
    pending = [(0, count - 1)]
    while pending:
        i, j = pending[-1]
        k = split.get((i, j), i)
        missing = [part for part in ((i, k), (k + 1, j)) if part not in done] if i < j else []
        if missing:
            pending += missing
            continue
        pending.pop()
        if i < j:
            done[i, j] = _two(b, done[i, k], done[k + 1, j], scope)
    return done[0, count - 1]


LONGEST_ORDERED = 40
# what a symbolic length counts as when the order of a product is chosen
TYPICAL_LENGTH = 100


def _size(length: Length) -> int:
    return length if isinstance(length, int) else TYPICAL_LENGTH


def _two(b: Any, left: Value, right: Value, scope: Scope) -> Value:
    labels = tuple(axis for axis in scope if axis in left.labels or axis in right.labels)
    names = {axis: ALPHABET[k] for k, axis in enumerate(labels)}
    i, j, k = ALPHABET[len(labels) : len(labels) + 3]
    first = "".join(names[axis] for axis in left.labels) + i + j
    second = "".join(names[axis] for axis in right.labels) + j + k
    node = contract(b, [exact(b, left), exact(b, right)], [first, second, ALPHABET[: len(labels)] + i + k])
    return Value(node, labels, (left.shape[0], right.shape[1]))


def _letters(value: Value) -> tuple[str, str]:
    """Letters of the indices and of the axes of a value."""
    count = len(value.labels)
    return ALPHABET[:count], ALPHABET[count : count + len(value.shape)]


def _rearranged(reader: ArrayReader, value: Value, own: str, result: str, shape: Shape) -> Value:
    """The value with its own axes named `own`, contracted to those named `result`."""
    b, count = reader.builder, len(value.labels)
    labels = ALPHABET[::-1][:count]
    node = exact(b, value)
    inner = b.parts(node, "contract") if not count else None
    if inner is None:
        return Value(contract(b, [node], [labels + own, labels + result]), value.labels, shape)
    # a contraction of a contraction is one
    letters: tuple[str, ...] = b.static_of(node)[0]
    spare = iter(letter for letter in ALPHABET[::-1] if letter not in own + result)
    names = dict(zip(letters[-1], own, strict=True))
    for letter in "".join(letters[:-1]):
        if letter not in names:
            names[letter] = next(spare)
    parts = ["".join(names[letter] for letter in part) for part in letters[:-1]]
    return Value(contract(b, inner, [*parts, result]), value.labels, shape)


def _transpose(reader: ArrayReader, _: Any, values: Sequence[Value], __: Scope) -> Value:
    (value,) = values
    labels, (i, j) = _letters(value)
    node = contract(reader.builder, [exact(reader.builder, value)], [labels + i + j, labels + j + i])
    return Value(node, value.labels, value.shape[::-1])


def _trace(reader: ArrayReader, _: Any, values: Sequence[Value], __: Scope) -> Value:
    return _rearranged(reader, values[0], "aa", "", ())


def _unlabelled(reader: ArrayReader, expression: Any, value: Value) -> int:
    if value.labels:
        reader.refuse(expression)
    return exact(reader.builder, value)


def _determinant(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    return Value(reader.builder.apply(DETERMINANT, (_unlabelled(reader, expression, values[0]),)), ())


def _power(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    b, base, exponent = reader.builder, values[0], expression.args[1]
    if all(same(length, 1) for length in base.shape):
        return _mapped(reader, expression, base, sp.Symbol("u", real=True) ** exponent, sp.Symbol("u", real=True))
    if not isinstance(exponent, sp.Integer):
        reader.refuse(expression)
    if exponent == 0:
        return Value(identity(b, base.shape[0]), (), base.shape)
    if exponent < 0:
        node = _unlabelled(reader, expression, base)
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
        result = _two(b, result, result, scope)
        result = _two(b, result, base, scope) if digit == "1" else result
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


def _hadamard(reader: ArrayReader, _: Any, values: Sequence[Value], scope: Scope) -> Value:
    b = reader.builder
    nodes, labels, _ = aligned(b, values, scope)
    result = nodes[0]
    for node in nodes[1:]:
        result = b.call("multiply", result, node)
    return Value(result, labels, next(value.shape for value in values if value.shape))


def _hadamard_power(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    if len(values) == 1:
        u = sp.Symbol("u", real=True)
        return _mapped(reader, expression, values[0], u ** expression.args[1], u)
    nodes, labels, _ = aligned(reader.builder, values, scope)
    shape = next(value.shape for value in values if value.shape)
    return Value(reader.builder.call("power", *nodes), labels, shape)


def _sliced(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    node = _unlabelled(reader, expression, values[0])
    axes: list[Any] = []
    for start, stop, step in (expression.rowslice, expression.colslice):
        count = length_of(sp.ceiling(sp.sympify(stop - start) / step))
        axes.append(("range", length_of(start), count, int(step)))
    return Value(sliced(reader.builder, node, tuple(axes)), (), tuple(axis[2] for axis in axes))


def _diagonal_matrix(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    b, (value,) = reader.builder, values
    node, shape = _unlabelled(reader, expression, value), _shape(expression)
    letters = "aa" if isinstance(expression, DiagonalMatrix) else "ab"
    if letters == "ab":
        column = same(value.shape[1], 1)
        node = contract(b, [node], ["ab", "a" if column else "b"])
    else:
        node = contract(b, [node], ["aa", "a"])
    return Value(contract(b, [node, identity(b, shape[0])], ["a", "ab", "ab"]), (), shape)


def _diagonal_of(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    b = reader.builder
    node = contract(b, [_unlabelled(reader, expression, values[0])], ["aa", "a"])
    return Value(b.apply(EXPAND, (node,), ((1,),)), (), _shape(expression))


def _tensor_product(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    parts: list[str] = []
    for value in values:
        start = sum(map(len, parts))
        parts.append(ALPHABET[start : start + len(value.shape)])
    nodes = [_unlabelled(reader, expression, value) for value in values]
    shape = tuple(length for value in values for length in value.shape)
    return Value(contract(reader.builder, nodes, [*parts, "".join(parts)]), (), shape)


def _contraction(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    own = list(ALPHABET[: len(value.shape)])
    for group in expression.contraction_indices:
        for place in group:
            own[place] = own[group[0]]
    summed = {own[group[0]] for group in expression.contraction_indices}
    kept = [place for place, letter in enumerate(own) if letter not in summed]
    result = "".join(own[place] for place in kept)
    return _rearranged(reader, value, "".join(own), result, tuple(value.shape[place] for place in kept))


def _array_diagonal(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    own = list(ALPHABET[: len(value.shape)])
    for group in expression.diagonal_indices:
        for place in group:
            own[place] = own[group[0]]
    joined = [int(group[0]) for group in expression.diagonal_indices]
    alone = [place for place in range(len(own)) if own.count(own[place]) == 1 and place not in joined]
    # joined axes stand last
    kept = alone + joined
    result = "".join(own[place] for place in kept)
    return _rearranged(reader, value, "".join(own), result, tuple(value.shape[place] for place in kept))


def _permuted(reader: ArrayReader, expression: Any, values: Sequence[Value], _: Scope) -> Value:
    (value,) = values
    order = expression.permutation.array_form
    own = ALPHABET[: len(value.shape)]
    result = "".join(own[place] for place in order)
    return _rearranged(reader, value, own, result, tuple(value.shape[place] for place in order))


def _array_sum(reader: ArrayReader, expression: Any, values: Sequence[Value], scope: Scope) -> Value:
    b = reader.builder
    nodes, labels, _ = aligned(b, values, scope)
    result = nodes[0]
    for node in nodes[1:]:
        result = b.call("add", result, node)
    return Value(result, labels, values[0].shape)


_FILLED = (sp.Identity, sp.OneMatrix, sp.ZeroMatrix, ZeroArray, OneArray)
_EMITS: tuple[tuple[Any, Emit], ...] = (
    (sp.MatrixSymbol, _symbol),
    (_FILLED, _filled),
    (sp.MatrixBase, _explicit),
    (sp.MatMul, _product),
    ((sp.Transpose, sp.Adjoint), _transpose),
    (sp.Trace, _trace),
    (sp.Determinant, _determinant),
    (sp.MatPow, _power),
    ((ElementwiseApplyFunction, ArrayElementwiseApplyFunc), _applied),
    (Pointwise, _pointwise),
    (OneEntry, _one_entry),
    (HadamardProduct, _hadamard),
    (HadamardPower, _hadamard_power),
    (MatrixSlice, _sliced),
    ((DiagMatrix, DiagonalMatrix), _diagonal_matrix),
    (DiagonalOf, _diagonal_of),
    (ArrayTensorProduct, _tensor_product),
    (ArrayContraction, _contraction),
    (ArrayDiagonal, _array_diagonal),
    (PermuteDims, _permuted),
    (ArrayAdd, _array_sum),
)
HEADS: tuple[type, ...] = tuple(
    head for heads, _ in _EMITS for head in (heads if isinstance(heads, tuple) else (heads,))
)
