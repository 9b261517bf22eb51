"""How one entry of a node is written, at given indices: an axis that is summed over gets an index of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from symdiff.errors import UnsupportedError
from symdiff.tensors import matrix_rules
from symdiff.tensors.contraction import lengths_of
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape, same
from symdiff.tensors.sums import over

if TYPE_CHECKING:
    from symdiff.tensors.writing import Writer

Indices = tuple[Any, ...]
Entry = Generator[Any, Any, Any]
# no comprehension holds a yield: each request is made in a loop (PERF401)


def entry(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    """The entry of a node, a number if it has no axes."""
    if node not in w.steps:
        return w.leaf(node, indices)
    step = w.steps[node]
    if not isinstance(step.function, Operation):
        return (yield from _elementwise(w, node, indices, context))
    rule = _RULES.get(step.function.name)
    if rule is not None and not (node in w.matrices and step.function.name == "contract"):
        return (yield from rule(w, node, indices, context))
    if node not in w.matrices:
        raise UnsupportedError(
            f"{step.function.name} along an axis has no form in SymPy; write the graph before it is lowered"
        )
    # of a matrix that is known as a whole
    return MatrixElement((yield node, None, ()), *indices)


def _own(shape: Shape, indices: Indices) -> Indices:
    """The indices of an operand that was copied along axes in front, and along those of length 1."""
    last = indices[len(indices) - len(shape) :]
    return tuple(sp.Integer(0) if same(length, 1) else index for index, length in zip(last, shape, strict=True))


def _elementwise(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    from symdiff.to_sympy import applied

    step = w.steps[node]
    values: list[Any] = []
    for operand in step.operands:
        values.append((yield operand, _own(w.shape(operand), indices), context))  # noqa: PERF401
    return applied(step.function, values, step.static)


def _contract(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    step = w.steps[node]
    found = w.products.get(node)
    if found is not None and not indices:
        numbers: list[Any] = []
        for product in found.numbers:
            numbers.append((yield from matrix_rules.number(w, step.operands, product)))  # noqa: PERF401
        return sp.Mul(*numbers)
    letters: tuple[str, ...] = step.static[0]  # type: ignore[assignment]
    lengths = lengths_of([w.shape(operand) for operand in step.operands], letters)
    places = dict(zip(letters[-1], indices, strict=True))
    summed = [letter for letter in lengths if letter not in places]
    places |= {letter: sp.Integer(0) for letter in summed if same(lengths[letter], 1)}
    summed = [letter for letter in summed if letter not in places]
    fresh = w.fresh(context, len(summed))
    places |= dict(zip(summed, fresh, strict=True))
    factors: list[Any] = []
    for operand, part in zip(step.operands, letters[:-1], strict=True):
        factors.append((yield operand, tuple(places[letter] for letter in part), context + fresh))
    limits = [(index, 0, w.length(lengths[letter]) - 1) for letter, index in zip(summed, fresh, strict=True)]
    body = factors[0] if len(factors) == 1 else sp.Mul(*factors)
    return _sum(body, limits)


def _sum(body: Any, limits: list[Any]) -> Any:
    return over(sp.Sum, body, *limits[::-1]) if limits else body


def _broadcast(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    (operand,) = w.steps[node].operands
    return (yield operand, _own(w.shape(operand), indices), context)


def _expand(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    step = w.steps[node]
    axes: Any = step.static[0]
    return (yield step.operands[0], tuple(i for axis, i in enumerate(indices) if axis not in axes), context)


def _slice(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    step = w.steps[node]
    rest = iter(indices)
    axes: Any = step.static[0]
    places = tuple(sp.sympify(a[1]) if a[0] == "at" else sp.expand(a[1] + a[3] * next(rest)) for a in axes)
    return (yield step.operands[0], places, context)


def _place(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    """Entries of a slice of an array of zeros: that of the slice where it covers an axis, else a sum with deltas."""
    step = w.steps[node]
    axes: Any = step.static[0]
    inner: list[Any] = []
    deltas: list[Any] = []
    limits: list[Any] = []
    for axis, index, length in zip(axes, indices, w.shape(node), strict=True):
        if axis[0] == "at":
            deltas += [] if same(length, 1) else [sp.KroneckerDelta(index, axis[1])]
            continue
        _, start, count, stride = axis
        if start == 0 and stride == 1 and same(w.length(length), w.length(count)):
            inner.append(index)
            continue
        (run,) = w.fresh((*context, *(limit[0] for limit in limits)))
        limits.append((run, 0, w.length(count) - 1))
        deltas.append(sp.KroneckerDelta(index, start + stride * run))
        inner.append(run)
    within = context + tuple(limit[0] for limit in limits)
    value = yield step.operands[0], tuple(inner), within
    return _sum(sp.Mul(value, *deltas), limits)


def _gather(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    array, *places = w.steps[node].operands
    found: list[Any] = []
    for place in places:
        found.append((yield place, _own(w.shape(place), indices), context))  # noqa: PERF401
    return (yield array, tuple(found), context)


def _scatter(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    from symdiff.tensors.shapes import broadcast

    operands = w.steps[node].operands
    full = broadcast([w.shape(operand) for operand in operands], "scatter")
    runs = w.fresh(context, len(full))
    within = context + runs
    values: list[Any] = []
    for operand in operands:
        values.append((yield operand, _own(w.shape(operand), runs), within))  # noqa: PERF401
    deltas = [sp.KroneckerDelta(index, place) for index, place in zip(indices, values[1:], strict=True)]
    limits = [(run, 0, w.length(length) - 1) for run, length in zip(runs, full, strict=True)]
    return _sum(sp.Mul(values[0], *deltas), limits)


def _stack(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    if len(indices) == 2:
        return MatrixElement((yield node, None, ()), *indices)
    branches: list[Any] = []
    for place, operand in enumerate(w.steps[node].operands):
        branches.append(((yield operand, (), context), sp.Eq(indices[0], place)))
    return sp.Piecewise(*branches[:-1], (branches[-1][0], True))


def _identity(_: Writer, __: int, indices: Indices, ___: Indices) -> Entry:
    yield from ()
    return sp.KroneckerDelta(*indices)


def _count(w: Writer, node: int, indices: Indices, _: Indices) -> Entry:
    yield from ()
    return sp.sympify(w.steps[node].static[0]) + indices[0]


def _determinant(w: Writer, node: int, _: Indices, __: Indices) -> Entry:
    found = sp.Determinant((yield w.steps[node].operands[0], None, ()))
    return sp.log(found) if w.steps[node].function.name == "log_determinant" else found


def _reduced(w: Writer, node: int, indices: Indices, context: Indices) -> Entry:
    """A product along an axis, that of the others, or the logarithm of a sum of exponentials."""
    step = w.steps[node]
    axis: Any = step.static[0]
    name = step.function.name
    (run,) = w.fresh(context)
    rest = indices[:axis] + (indices[axis + 1 :] if name == "others" else indices[axis:])
    value = yield step.operands[0], (*rest[:axis], run, *rest[axis:]), (*context, run)
    limits = (run, 0, w.length(w.shape(step.operands[0])[axis]) - 1)
    if name == "log_sum_exp":
        return sp.log(over(sp.Sum, sp.exp(value), limits))
    if name == "others":
        value = sp.Piecewise((1, sp.Eq(run, indices[axis])), (value, True))
    return over(sp.Product, value, limits)


_RULES: dict[str, Any] = {
    "contract": _contract,
    "broadcast": _broadcast,
    "expand": _expand,
    "slice": _slice,
    "place": _place,
    "gather": _gather,
    "scatter": _scatter,
    "stack": _stack,
    "identity": _identity,
    "count": _count,
    "determinant": _determinant,
    "log_determinant": _determinant,
    "product": _reduced,
    "others": _reduced,
    "log_sum_exp": _reduced,
}
