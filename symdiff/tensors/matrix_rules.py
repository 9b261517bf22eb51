"""How nodes with two axes are written as SymPy's matrix expressions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy as sp
from sympy.matrices.expressions.slice import MatrixSlice
from sympy.tensor.array.expressions.array_expressions import ArrayElement

from symdiff.tensors.notation import Eye, OneByOne, OneEntry, Ones, Pointwise, Powers, Products
from symdiff.tensors.products import Factor, Product
from symdiff.tensors.shapes import Shape, same

if TYPE_CHECKING:
    from symdiff.tensors.writing import Writer

# a scalar function is written in one piece up to so many operations
LARGEST_BODY = 12
# a sum or product of more terms is nested
LONGEST = 100


class Body(NamedTuple):
    """A scalar formula in symbols that stand for entries, what each one stands for, and how many operations it has."""

    formula: Any
    operands: dict[sp.Symbol, Any]
    size: int


def writes(name: str, static: Sequence[Any]) -> bool:
    """Whether an operation on matrices is written as a matrix."""
    if name == "slice":
        return all(axis[0] == "range" for axis in static[0])
    return name in ("broadcast", "identity", "inverse", "cofactors", "stack")


def spreads(shape: Shape, full: Shape) -> bool:
    """Whether a matrix of one shape is written as one of another, along which it is copied."""
    return len(shape) == len(full) == 2


def matrix(w: Writer, node: int) -> Generator[Any, Any, Any]:
    """The matrix expression of a node."""
    if node not in w.steps:
        return w.leaf(node, None)
    step = w.steps[node]
    name, shape = step.function.name, w.shape(node)
    if name == "contract":
        found = w.products[node]
        numbers: list[Any] = []
        for product in found.numbers:
            numbers.append((yield from number(w, step.operands, product)))  # noqa: PERF401
        product = yield from chain(w, step.operands, found.matrix)
        return times(sp.Mul(*numbers), product)
    if name == "identity":
        return Eye(w.length(shape[0]))
    if name == "stack":
        entries: list[Any] = []
        for operand in step.operands:
            entries.append((yield operand, (), ()))  # noqa: PERF401
        return sp.ImmutableDenseMatrix(*shape, entries)
    if name == "broadcast":
        (operand,) = step.operands
        if not w.shape(operand):
            return times((yield operand, (), ()), Ones(*map(w.length, shape)))
        return _spread(w, (yield operand, None, ()), w.shape(operand), shape)
    if name == "inverse":
        inner = yield step.operands[0], None, ()
        return inner if isinstance(inner, sp.Identity) else sp.Inverse(inner)
    if name == "cofactors":
        inner = yield step.operands[0], None, ()
        return sp.MatMul(sp.Determinant(inner), sp.Transpose(sp.Inverse(inner)))
    if name == "slice":
        rows, columns = (
            (axis[1], sp.expand(axis[1] + axis[3] * axis[2]), axis[3])
            for axis in step.static[0]  # type: ignore[attr-defined]
        )
        return MatrixSlice((yield step.operands[0], None, ()), rows, columns)
    return (yield from _elementwise(w, node))


def _elementwise(w: Writer, node: int) -> Generator[Any, Any, Any]:
    step, shape = w.steps[node], w.shape(node)
    name = step.function.name
    values: list[Any] = []
    for operand in step.operands:
        own = w.shape(operand)
        value = yield operand, (None if own else ()), ()
        values.append(_spread(w, value, own, shape) if own else value)
    matrices = [bool(w.shape(operand)) for operand in step.operands]
    if name == "negate":
        return times(sp.Integer(-1), values[0])
    if name == "multiply" and all(matrices):
        factors = [f for v in values for f in (v.args if isinstance(v, Products) and len(v.args) < LONGEST else (v,))]
        coefficients, plain = zip(*map(_parted, factors), strict=True)
        return times(sp.Mul(*coefficients), Products(*plain))
    if name == "multiply":
        return times(*(values if matrices[1] else values[::-1]))
    if name in ("add", "subtract") and all(matrices):
        return plus(values[0], values[1] if name == "add" else times(sp.Integer(-1), values[1]))
    if name == "divide" and matrices == [True, False]:
        return times(1 / values[1], values[0])
    if name == "divide" and all(matrices):
        return Products(values[0], Powers(values[1], sp.Integer(-1)))
    return _pointwise(w, node, values)


def _pointwise(w: Writer, node: int, values: Sequence[Any]) -> Any:
    """A function of each entry; functions of functions are written in one piece."""
    from symdiff.to_sympy import applied

    step = w.steps[node]
    inside: list[Any] = []
    operands: dict[sp.Symbol, Any] = {}
    size = 1
    bodies = {operand: w.open[operand] for operand in step.operands if operand in w.open and operand not in w.names}
    fits = sum(body.size for body in bodies.values()) < LARGEST_BODY
    for operand, value in zip(step.operands, values, strict=True):
        own = w.shape(operand)
        body = bodies.get(operand) if fits and own == w.shape(node) else None
        if body is not None:
            inside.append(body.formula)
            operands |= body.operands
            size += body.size
        elif own or _holds_arrays(value):
            entry = sp.Symbol(f"entry {operand}", real=True)
            inside.append(entry)
            operands[entry] = value
        else:
            inside.append(value)
    formula = applied(step.function, inside, step.static)
    w.open[node] = Body(formula, operands, size)
    if isinstance(formula, sp.Pow) and formula.base in operands and formula.exp.is_number:
        return Powers(operands[formula.base], formula.exp)
    taken = {symbol.name for symbol in formula.free_symbols}
    names = (name for name in (*"uvpq", *(f"u{k}" for k in range(1, 99))) if name not in taken)
    renamed = {entry: sp.Symbol(next(names), real=True) for entry in operands}
    return Pointwise(sp.Lambda(tuple(renamed.values()), formula.xreplace(renamed)), *operands.values())


def _holds_arrays(value: Any) -> bool:
    """Whether a number is more than a formula of scalar symbols."""
    return value.has(sp.Sum, sp.Product, sp.Trace, sp.Determinant, sp.Indexed, sp.MatrixExpr, ArrayElement)


def _spread(w: Writer, value: Any, own: Shape, shape: Shape) -> Any:
    """A matrix copied along its axes of length 1."""
    rows, columns = map(w.length, shape)
    if same(own[0], 1) and not same(shape[0], 1):
        value = product(sp.Integer(1), [Ones(rows, 1), value])
    if same(own[1], 1) and not same(shape[1], 1):
        value = product(sp.Integer(1), [value, Ones(1, columns)])
    return value


def number(w: Writer, operands: Sequence[int], found: Product) -> Generator[Any, Any, Any]:
    """A closed product as a number."""
    whole = yield from chain(w, operands, found)
    coefficient, rest = _parted(whole)
    if not getattr(rest, "is_Matrix", False):
        return sp.Mul(coefficient, rest)
    if isinstance(rest, sp.OneMatrix) and rest.shape == (1, 1):
        return coefficient
    if isinstance(rest, OneEntry):
        return sp.Mul(coefficient, rest.args[0])
    return sp.Mul(coefficient, sp.Trace(rest) if found.trace else OneByOne(rest))


def chain(w: Writer, operands: Sequence[int], found: Product) -> Generator[Any, Any, Any]:
    """A product of matrices."""
    factors: list[Any] = []
    for factor, flip in found.factors:
        value = yield from _factor(w, operands, factor)
        factors.append(transposed(value) if flip else value)
    return product(sp.Integer(1), factors)


def _factor(w: Writer, operands: Sequence[int], factor: Factor) -> Generator[Any, Any, Any]:
    if factor.ones is not None:
        return Ones(w.length(factor.ones), 1)
    values: list[Any] = []
    for k, flip in factor.operands:
        value = yield operands[k], None, ()
        values.append(transposed(value) if flip else value)
    if factor.diagonal:
        return sp.DiagMatrix(values[0])
    return values[0] if len(values) == 1 else Products(*values)


def _parted(value: Any) -> tuple[Any, Any]:
    """The number in front of a product, and the rest."""
    if isinstance(value, sp.MatMul):
        coefficient, rest = value.as_coeff_matrices()
        return coefficient, rest[0] if len(rest) == 1 else sp.MatMul(*rest)
    return sp.Integer(1), value


def product(coefficient: Any, factors: Sequence[Any]) -> Any:
    """A product of matrices, numbers in front, without identities."""
    plain: list[Any] = []
    for factor in factors:
        front, rest = _parted(factor)
        coefficient = sp.Mul(coefficient, front)
        parts = rest.args if isinstance(rest, sp.MatMul) and len(rest.args) < LONGEST else (rest,)
        plain += [part for part in parts if not isinstance(part, sp.Identity)]
    if not plain:
        return times(coefficient, factors[0])
    return times(coefficient, plain[0] if len(plain) == 1 else sp.MatMul(*plain))


def times(coefficient: Any, value: Any) -> Any:
    """A number times a matrix."""
    front, rest = _parted(value)
    coefficient = sp.Mul(coefficient, front)
    if coefficient == 1:
        return rest
    if isinstance(rest, sp.OneMatrix) and rest.shape == (1, 1):
        return OneEntry(coefficient)
    # two factors 2 and c rather than the one (2*c)
    plain = coefficient.is_Mul and all(part.is_Integer or part.is_Symbol for part in coefficient.args)
    front = coefficient.args if plain and not coefficient.could_extract_minus_sign() else (coefficient,)
    return sp.MatMul(*front, *(rest.args if isinstance(rest, sp.MatMul) else (rest,)))


def plus(first: Any, second: Any) -> Any:
    """A sum of matrices in the order in which they are given."""
    terms = [
        t for v in (first, second) for t in (v.args if isinstance(v, sp.MatAdd) and len(v.args) < LONGEST else (v,))
    ]
    return sp.MatAdd(*terms)


def transposed(value: Any) -> Any:
    """The transpose; that of a product is the product of the transposes."""
    if isinstance(value, sp.Transpose):
        return value.arg
    if isinstance(value, (sp.Identity, sp.DiagMatrix)):
        return value
    if isinstance(value, sp.OneMatrix):
        return Ones(*value.shape[::-1])
    if isinstance(value, sp.MatrixBase):
        return value.T
    if isinstance(value, sp.MatMul):
        coefficient, matrices = value.as_coeff_matrices()
        return product(coefficient, [transposed(factor) for factor in reversed(matrices)])
    return sp.Transpose(value)
