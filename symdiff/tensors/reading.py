"""SymPy's matrices, indexed arrays, sums and products to a graph with shapes, without recursion.

An index that a sum binds is an axis: what depends on it is an array along that axis, and the sum a contraction over it.
Nothing is unrolled, so the graph has the size of the formula, however long the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symdiff.errors import ShapeError, UnsupportedError
from symdiff.from_sympy import ARRAYS, Reader
from symdiff.operands import check_real, children_of
from symdiff.refusals import unsupported
from symdiff.tensors import entries, matrices
from symdiff.tensors.contraction import sum_over
from symdiff.tensors.layout import COUNT, EXPAND
from symdiff.tensors.lengths import length_node
from symdiff.tensors.notation import Entries
from symdiff.tensors.reductions import PRODUCT
from symdiff.tensors.scope import Axis, Scope, Value, aligned, exact, placed
from symdiff.tensors.shapes import written
from symdiff.tensors.sums import over

# characters of a formula in a message
LONGEST_FORMULA = 80
# an expression, and the indices that are bound where it stands
Place = tuple[sp.Basic, Scope]


class ArrayReader(Reader):
    """Reads expressions of scalars, matrices and indexed arrays."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[tuple[int, Scope], Value] = {}
        self._renamed: dict[tuple[int, Scope], Any] = {}

    def read(self, root: sp.Basic) -> int:
        """Node of an expression without free indices."""
        nowhere: Scope = ()
        self.root = root
        pending: list[tuple[sp.Basic, Scope, list[Place] | None]] = [(root, nowhere, None)]
        while pending:
            expression, scope, operands = pending.pop()
            if (id(expression), scope) in self._values:
                continue
            if operands is None:
                operands = self._operands(expression, scope)
                if operands:
                    pending.append((expression, scope, operands))
                    pending.extend((child, inner, None) for child, inner in reversed(operands))
                    continue
            values = [self._values[id(child), inner] for child, inner in operands]
            self._alive.append(expression)
            self._alive.extend(child for child, _ in operands)
            try:
                self._values[id(expression), scope] = self._value(expression, values, scope)
            except ShapeError as error:
                raise ShapeError(f"{error}; at {_short(expression)}") from None
        value = self._values[id(root), nowhere]
        return exact(self.builder, value) if value.shape else value.node

    def _operands(self, expression: sp.Basic, scope: Scope) -> list[Place]:
        """What has to be read first, each with the indices that are bound there."""
        if isinstance(expression, (sp.Sum, sp.Product)):
            return self._summand(expression, scope)
        if isinstance(expression, (Entries, sp.FunctionMatrix)):
            return [(_body(expression), scope + _axes(expression))]
        if isinstance(expression, entries.HEADS):
            return [(child, scope) for child in entries.operands(expression, scope)]
        if isinstance(expression, matrices.HEADS):
            return [(child, scope) for child in matrices.operands(expression)]
        if isinstance(expression, sp.KroneckerDelta):
            return [(expression.args[0], scope), (expression.args[1], scope)]
        if isinstance(expression, ARRAYS) and not isinstance(expression, sp.MatAdd):
            self.refuse(expression)
        if isinstance(expression, sp.Symbol):
            check_real(expression)
        children = children_of(expression)
        return [(child, scope) for child in (self.refuse(expression) if children is None else children)]

    def _cleared(self, expression: Any, scope: Scope) -> Any:
        """A sum within another one over an index of the same name, with an index of its own."""
        known = self._renamed.get((id(expression), scope))
        if known is not None:
            return known
        bound = {axis.index for axis in scope}
        clashing = {index: sp.Dummy(index.name, integer=True) for index in expression.variables if index in bound}
        cleared = expression
        if clashing:
            # bounds stand outside of what the index of their own limits binds
            limits = [sp.Tuple(clashing.get(limit[0], limit[0]), *limit[1:]) for limit in expression.limits]
            inner = [
                limit.xreplace(_later(expression.limits[place + 1 :], clashing)) for place, limit in enumerate(limits)
            ]
            cleared = over(type(expression), expression.function.xreplace(clashing), *inner)
        self._renamed[id(expression), scope] = cleared
        self._alive += [expression, cleared]
        return cleared

    def _summand(self, expression: Any, scope: Scope) -> list[Place]:
        expression = self._cleared(expression, scope)
        inner, conditions = _bound(expression, scope, self.refuse)
        body: sp.Basic = expression.function
        if conditions:
            nothing = sp.Integer(0 if isinstance(expression, sp.Sum) else 1)
            body = sp.Piecewise((body, sp.And(*conditions)), (nothing, True), evaluate=False)
            self._alive.append(body)
        return [(body, inner)]

    def _value(self, expression: Any, values: list[Value], scope: Scope) -> Value:
        b = self.builder
        if isinstance(expression, sp.Symbol):
            axis = next((axis for axis in scope if axis.index == expression), None)
            if axis is None:
                return Value(b.input(expression), ())
            return Value(b.apply(COUNT, (), (_plain(axis.lower), axis.length)), (axis,))
        if isinstance(expression, sp.Sum):
            return self._sum_of(
                values[0], _bound(self._cleared(expression, scope), scope, self.refuse)[0][len(scope) :]
            )
        if isinstance(expression, sp.Product):
            return self._product_of(
                values[0], _bound(self._cleared(expression, scope), scope, self.refuse)[0][len(scope) :]
            )
        if isinstance(expression, (Entries, sp.FunctionMatrix)):
            return self._array(values[0], scope, _axes(expression))
        if isinstance(expression, entries.HEADS):
            return entries.value(self, expression, values, scope)
        if isinstance(expression, matrices.HEADS):
            return matrices.value(self, expression, values, scope)
        nodes, labels, rank = aligned(b, values, scope)
        shape = next((value.shape for value in values if len(value.shape) == rank), ())
        if rank and isinstance(expression, sp.Function):
            self._elementwise(expression, shape)
        if isinstance(expression, sp.KroneckerDelta):
            node = b.call("select", b.call("equal", *nodes), b.constant(sp.Integer(1)), b.constant(sp.Integer(0)))
        else:
            node = self.emit(expression, nodes)
        if rank and len(values) > 1:
            shape = b.shape(node)[-rank:] or shape
        return Value(node, labels, shape)

    def _elementwise(self, expression: sp.Basic, shape: Any) -> None:
        if len(shape) == 2 and shape[0] == shape[1] != 1:
            name = type(expression).__name__
            raise UnsupportedError(
                f"{name} of a square matrix ({written(shape)}) may mean a function of the matrix or of each entry; "
                f"for each entry write A.applyfunc({name})"
            )

    def _sum_of(self, value: Value, axes: Scope) -> Value:
        b = self.builder
        kept = tuple(axis for axis in value.labels if axis not in axes)
        node = value.node
        present = [place for place, axis in enumerate(value.labels) if axis in axes]
        if present:
            node = sum_over(b, exact(b, value), present)
        for axis in axes:
            if axis not in value.labels:
                # every term is the same
                node = b.call("multiply", length_node(b, axis.length), node)
        return Value(node, kept, value.shape)

    def _product_of(self, value: Value, axes: Scope) -> Value:
        b = self.builder
        labels = (*value.labels, *(axis for axis in axes if axis not in value.labels))
        for axis in axes:
            if axis not in value.labels and value.shape:
                raise UnsupportedError("Product of matrices has no rule here; write the matrix product out")
        # new axes stand last, before none of a matrix
        node = exact(b, value)
        extra = [axis for axis in axes if axis not in value.labels]
        if extra:
            inserted = tuple(range(len(value.labels), len(labels)))
            expanded = Value(b.apply(EXPAND, (node,), (inserted,)) if value.labels else node, labels, ())
            node = exact(b, expanded)
        for axis in axes:
            node = b.apply(PRODUCT, (node,), (labels.index(axis),))
            labels = tuple(kept for kept in labels if kept != axis)
        return Value(node, labels, value.shape)

    def _array(self, value: Value, scope: Scope, axes: Scope) -> Value:
        """Indices become the axes of an array."""
        labels = tuple(axis for axis in scope if axis in value.labels)
        whole = Value(placed(self.builder, value, (*labels, *axes), 0), (*labels, *axes))
        return Value(exact(self.builder, whole), labels, tuple(axis.length for axis in axes))

    def refuse(self, expression: sp.Basic) -> Any:
        """Raise UnsupportedError for a node that has no rule."""
        raise UnsupportedError(unsupported(self.root, expression))


def _later(limits: Sequence[Any], names: dict[Any, sp.Symbol]) -> dict[Any, sp.Symbol]:
    """New names of the indices of outer limits, which an inner limit may contain."""
    return {limit[0]: names[limit[0]] for limit in limits if limit[0] in names}


def _axes(expression: Any) -> Scope:
    """The indices of an array that is given entry by entry."""
    if isinstance(expression, Entries):
        return tuple(Axis(*limits) for limits in expression.limits)
    zero = sp.Integer(0)
    return tuple(
        Axis(i, zero, length - 1) for i, length in zip(expression.lamda.variables, expression.shape, strict=True)
    )


def _body(expression: Any) -> sp.Basic:
    return expression.function if isinstance(expression, Entries) else expression.lamda.expr


def _plain(number: sp.Expr) -> Any:
    return int(number) if isinstance(number, sp.Integer) else number


def _bound(expression: Any, scope: Scope, refuse: Any) -> tuple[Scope, list[sp.Basic]]:
    """The scope within a sum, and the conditions under which an index of a range that depends on another one counts."""
    inner = list(scope)
    conditions: list[sp.Basic] = []
    # the first limits are those of the innermost index
    for limits in reversed(expression.limits):
        if len(limits) != 3 or any(limit.has(sp.oo, -sp.oo) for limit in limits[1:]):
            told = f"{expression.func.__name__} over {limits[0]} has no finite bounds"
            raise UnsupportedError(f"{told}; give both, as in ({limits[0]}, 0, n - 1)")
        index, lower, upper = limits
        low, high = (_hull(end, inner, place, expression, refuse) for place, end in enumerate((lower, upper)))
        if low != lower:
            conditions.append(sp.Le(lower, index))
        if high != upper:
            conditions.append(sp.Le(index, upper))
        inner.append(Axis(index, low, high))
    return tuple(inner), conditions


def _hull(end: sp.Expr, scope: Sequence[Axis], place: int, expression: sp.Basic, refuse: Any) -> sp.Expr:
    """The least (place 0) or greatest value of a bound that is linear in outer indices."""
    for axis in reversed(scope):
        if not end.has(axis.index):
            continue
        slope = sp.diff(end, axis.index)
        if not slope.is_number:
            refuse(expression)
        end = end.xreplace({axis.index: axis.lower if (slope > 0) == (place == 0) else axis.upper})
    if not isinstance(end, sp.Expr) or any(part.is_Float for part in sp.preorder_traversal(end)):
        raise ShapeError(f"{end} bounds a sum; bounds are whole numbers or symbolic lengths")
    return sp.expand(end)


def _short(expression: sp.Basic) -> str:
    """A formula for a message."""
    text = str(expression)
    return text if len(text) <= LONGEST_FORMULA else f"{text[: LONGEST_FORMULA - 1]}…"
