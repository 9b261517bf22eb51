"""Matrices in formula texts: sums and products that fit, functions of each entry, and functions of matrices.

SymPy's matrix operators work out everything inside (`doit`), sums included; here only the outermost step is put in
order. A matrix of shape 1×1 counts as a number wherever a number is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from symdiff.formula import algebra
from symdiff.formula.algebra import call, times
from symdiff.formula.indices import is_whole
from symdiff.formula.step import Formula
from symdiff.tensors.notation import Entries, Pointwise
from symdiff.tensors.shapes import length_of, same, written

# the variable of functions of each entry: one for all, so that equal texts give equal expressions
ENTRY = sp.Symbol("entry", real=True)
INDEXED = {"Sum": sp.Sum, "Product": sp.Product, "Entries": Entries}


def is_matrix(value: Any) -> bool:
    """Whether a value is a matrix expression.

    >>> is_matrix(sp.MatrixSymbol("x", 3, 1)), is_matrix(sp.Symbol("x"))
    (True, False)
    """
    return isinstance(value, sp.MatrixExpr)


def is_number(value: Any) -> bool:
    """Whether a value is a number, or a matrix of one entry."""
    return not is_matrix(value) or all(same(length_of(length), 1) for length in value.shape)


def number_of(formula: Formula, node: ast.expr, value: Any) -> Any:
    """The value as a number; raises ParseError for a matrix of more than one entry."""
    if not is_matrix(value):
        return value
    if not is_number(value):
        told = f"a matrix of shape {written(value.shape)} stands where a number belongs"
        raise formula.error(node, f"{told}; take an entry, a trace, a norm or a sum")
    return sp.Trace(value)


def plus(formula: Formula, node: ast.expr, terms: Sequence[Any]) -> Any:
    """A sum that holds a matrix: of matrices of one shape, or of numbers where all matrices have one entry."""
    matrices = [term for term in terms if is_matrix(term)]
    numbers = [term for term in terms if not is_matrix(term)]
    if numbers and all(map(is_number, matrices)):
        return sp.Add(*(sp.Trace(term) if is_matrix(term) else term for term in terms))
    first = next(term for term in matrices if not is_number(term) or not numbers)
    if numbers and all(term.is_number for term in numbers) and not _is_square(first):
        parts = [part for part in map(entrywise, matrices) if part is not None]
        if len(parts) == len(matrices) and all(_same_shape(term, first) for term in matrices):
            body, matrix = parts[0] if len(parts) == 1 else (ENTRY, _added(matrices))
            return applied(matrix, algebra.plus(formula.sizes, [body, sp.Add(*numbers)]))
    if numbers:
        shape = ", ".join(map(str, first.shape))
        reason = f"a number is added to a matrix of shape {written(first.shape)}; multiply it by ones({shape})"
        raise formula.error(node, reason)
    for term in matrices:
        if not _same_shape(term, first):
            shapes = f"{written(first.shape)} and {written(term.shape)}"
            raise formula.error(node, f"matrices of shapes {shapes} are added; give both the same shape")
    return _added(matrices)


def _added(terms: Sequence[Any]) -> Any:
    return _settled(lambda *parts: sp.MatAdd(*parts).doit(deep=False), terms)


def entrywise(value: Any) -> tuple[Any, Any] | None:
    """(body, A) of a matrix that is a function of each entry: its entries are body at entry = A[i, j]; else None.

    >>> entrywise(2 * sp.MatrixSymbol("z", 3, 1).applyfunc(sp.tanh))
    (2*tanh(entry), z)
    """
    coefficient = sp.S.One
    if isinstance(value, sp.MatMul):
        coefficient, factors = value.as_coeff_matrices()
        if len(factors) > 1:
            return None
        (value,) = factors
    if isinstance(value, ElementwiseApplyFunction):
        (variable,) = value.function.variables
        return coefficient * value.function.expr.xreplace({variable: ENTRY}), value.expr
    if isinstance(value, HadamardPower) and value.args[1].is_number:
        return coefficient * ENTRY ** value.args[1], value.args[0]
    return (coefficient * ENTRY, value) if isinstance(value, (HadamardProduct, Pointwise)) else None


def reciprocal(formula: Formula, node: ast.expr, value: Any) -> Any:
    """One over each entry of a function of entries, such as 1/(1 + exp(-z)); raises ParseError for other matrices."""
    return power(formula, node, value, sp.S.NegativeOne) if _has_powers(value) else number_of(formula, node, value)


def _has_powers(value: Any) -> bool:
    """Whether a power is one of each entry: of a function of entries that is not square, where it could be no other."""
    return is_matrix(value) and not is_number(value) and not _is_square(value) and entrywise(value) is not None


def product(formula: Formula, node: ast.expr, coefficient: Any, factors: Sequence[Any]) -> Any:
    """A product that holds a matrix, in the order as it is written."""
    numbers: list[Any] = [coefficient]
    chain: list[Any] = []
    for factor in factors:
        if not is_matrix(factor):
            numbers.append(factor)
        elif not chain or same(length_of(chain[-1].shape[1]), length_of(factor.shape[0])):
            chain.append(factor)
        elif same(length_of(chain[0].shape[0]), 1) and same(length_of(chain[-1].shape[1]), 1):
            numbers.append(sp.Trace(_chained(chain)))
            chain = [factor]
        elif is_number(factor):
            numbers.append(sp.Trace(factor))
        else:
            shapes = f"{written((chain[0].shape[0], chain[-1].shape[1]))} and {written(factor.shape)}"
            hint = "; for the product of each entry write hadamard(A, B)" if _same_shape(chain[0], factor) else ""
            raise formula.error(
                node,
                f"matrices of shapes {shapes} are multiplied; the columns of one must be the rows of the next{hint}",
            )
    scalar = times(formula.sizes, numbers[0], numbers[1:])
    return _chained([scalar, *chain])


def _chained(factors: Sequence[Any]) -> Any:
    return _settled(lambda *parts: sp.MatMul(*parts).doit(deep=False), factors)


def power(formula: Formula, node: ast.expr, base: Any, exponent: Any) -> Any:
    """A matrix to a whole power, or the power of a matrix of one entry."""
    if is_matrix(exponent):
        exponent = number_of(formula, node, exponent)
    if not is_matrix(base):
        return sp.Pow(base, exponent)
    if is_number(base):
        return sp.Pow(sp.Trace(base), exponent)
    if exponent.is_number and _has_powers(base):
        body, matrix = entrywise(base) or (ENTRY, base)
        return applied(matrix, algebra.power(formula.sizes, body, exponent))
    hint = "hadamard_power(A, p) takes each entry to a power"
    if not isinstance(exponent, sp.Integer):
        raise formula.error(node, f"a matrix is taken to the power {exponent}; give a whole number; {hint}")
    if abs(int(exponent)) > MAX_POWER:
        raise formula.error(node, f"a matrix is taken to the power {exponent}; give one up to {MAX_POWER}")
    _square(formula, node, base, hint)
    return _power(base, exponent)


MAX_POWER = 1_000


def each(formula: Formula, node: ast.expr, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """A scalar function of each entry of matrices of one shape; its other arguments are numbers without symbols."""
    matrices = [argument for argument in arguments if is_matrix(argument)]
    others = [argument for argument in arguments if not is_matrix(argument)]
    different = next((matrix for matrix in matrices if not _same_shape(matrix, matrices[0])), None)
    if different is not None:
        shapes = f"{written(matrices[0].shape)} and {written(different.shape)}"
        raise formula.error(node, f"a function of each entry of matrices of shapes {shapes}; give both the same shape")
    if any(other.free_symbols for other in others):
        reason = "a function of several arguments takes matrices of one shape and otherwise numbers"
        raise formula.error(node, f"{reason}; write the others as numbers, or an applyfunc")
    if len(matrices) > 1:
        names = iter(sp.symbols(f"entry:{len(matrices)}", real=True))
        variables = [next(names) if is_matrix(argument) else argument for argument in arguments]
        body = call(formula.sizes, function, variables)
        return Pointwise(sp.Lambda(tuple(v for v in variables if v.is_Symbol), body), *matrices)
    entries = [ENTRY if is_matrix(argument) else argument for argument in arguments]
    return applied(matrices[0], call(formula.sizes, function, entries))


def applied(matrix: Any, body: Any) -> Any:
    """A formula in `entry` at each entry of a matrix."""
    function = sp.Lambda(ENTRY, body)
    if _sums_in([matrix]):
        # SymPy asks the function for its value at a matrix of one entry, and works out every sum in it for that
        return sp.MatrixExpr.__new__(ElementwiseApplyFunction, function, matrix)
    return matrix.applyfunc(function)


def total(matrix: Any) -> Any:
    """The sum of all entries, as a trace.

    >>> total(sp.MatrixSymbol("x", 3, 2)).arg.shape
    (2, 2)
    """
    ones = sp.OneMatrix(matrix.shape[1], matrix.shape[0])
    return sp.Trace(_chained([ones, matrix]) if is_matrix(matrix) else ones * matrix)


def _is_square(matrix: Any) -> bool:
    return same(length_of(matrix.shape[0]), length_of(matrix.shape[1]))


def _same_shape(a: Any, b: Any) -> bool:
    return all(same(length_of(m), length_of(n)) for m, n in zip(a.shape, b.shape, strict=True))


def _square(formula: Formula, node: ast.expr, matrix: Any, hint: str = "") -> None:
    if not same(length_of(matrix.shape[0]), length_of(matrix.shape[1])):
        advice = hint or "give one that is"
        raise formula.error(node, f"a matrix of shape {written(matrix.shape)} is not square; {advice}")


def _lengths(formula: Formula, node: ast.expr, values: Sequence[Any]) -> list[Any]:
    for value in values:
        if is_matrix(value) or not (value.is_integer and value.is_nonnegative is not False) or not _is_length(value):
            raise formula.error(node, "a length is a whole number, or a length of a declared shape; correct it")
    return list(values)


def _is_length(value: Any) -> bool:
    return all(isinstance(symbol, sp.Symbol) for symbol in value.free_symbols)


def _transpose(matrix: Any) -> Any:
    return _settled(lambda a: a.T, [matrix])


def _power(matrix: Any, exponent: Any) -> Any:
    return _settled(lambda a: sp.MatPow(a, exponent).doit(deep=False), [matrix])


def _settled(make: Callable[..., Any], parts: Sequence[Any]) -> Any:
    """What SymPy makes of the parts, with symbols in the place of sums, all terms of which it would write out."""
    sums = {part: sp.Dummy(f"sum{k}", real=True) for k, part in enumerate(_sums_in(parts))}
    if not sums:
        return make(*parts)
    result = make(*(part.xreplace(sums) for part in parts))
    return result.xreplace({symbol: part for part, symbol in sums.items()})


def _sums_in(parts: Sequence[Any]) -> list[Any]:
    """The outermost sums in expressions; what stands in several places, as in softmax, is looked at once."""
    found: dict[Any, None] = {}
    pending, seen = list(reversed(parts)), set[int]()
    while pending:
        part = pending.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (sp.Sum, sp.Product)):
            found[part] = None
        else:
            pending.extend(reversed(part.args))
    return list(found)


def _norm(matrix: Any) -> Any:
    return sp.sqrt(_dot(matrix, matrix))


def _dot(a: Any, b: Any) -> Any:
    return sp.Trace(_chained([_transpose(a), b]))


def _exponentials(matrix: Any) -> Any:
    return applied(matrix, sp.exp(ENTRY))


def _softmax(matrix: Any) -> Any:
    exponentials = _exponentials(matrix)
    return sp.MatMul(1 / total(exponentials), exponentials)


# how many matrices each takes, and what it makes of them
_OF_MATRICES: dict[str, tuple[int, Callable[..., Any]]] = {
    "transpose": (1, _transpose),
    "trace": (1, sp.Trace),
    "det": (1, sp.Determinant),
    "inv": (1, lambda a: _power(a, sp.S.NegativeOne)),
    "norm": (1, _norm),
    "sum": (1, total),
    "dot": (2, _dot),
    "hadamard": (2, sp.HadamardProduct),
    "softmax": (1, _softmax),
    "logsumexp": (1, lambda a: sp.log(total(_exponentials(a)))),
}
_ALIASES = {
    "Transpose": "transpose", "Trace": "trace", "tr": "trace", "Determinant": "det", "Inverse": "inv",
    "HadamardProduct": "hadamard", "HadamardPower": "hadamard_power", "OneMatrix": "ones", "ZeroMatrix": "zeros",
    "Identity": "eye",
}  # fmt: skip
_SQUARE = ("trace", "det", "inv")
_OF_LENGTHS: dict[str, tuple[int, Callable[..., Any]]] = {
    "ones": (2, sp.OneMatrix),
    "zeros": (2, sp.ZeroMatrix),
    "eye": (1, sp.Identity),
}
NAMES = (*_ALIASES, *INDEXED, *_OF_MATRICES, *_OF_LENGTHS, "hadamard_power", "applyfunc", "KroneckerDelta")


def called(formula: Formula, node: ast.Call, name: str, values: Sequence[Any]) -> Any:
    """A function of matrices, by name; raises ParseError for other operands."""
    name = _ALIASES.get(name, name)
    if name == "KroneckerDelta":
        whole = (value.is_integer or isinstance(value, sp.Indexed) for value in values if not is_matrix(value))
        if len(values) != 2 or sum(map(bool, whole)) < 2:
            raise formula.error(node, "KroneckerDelta takes two whole numbers, such as indices: KroneckerDelta(i, j)")
        return sp.KroneckerDelta(*values)
    count, make = _OF_LENGTHS.get(name) or _OF_MATRICES.get(name) or (2, sp.HadamardPower)
    if len(values) < count or (len(values) > count and name != "hadamard"):
        plural = "s" * (count != 1)
        raise formula.error(
            node, f"{name} takes {count} argument{plural}, and {len(values)} are given; correct the call"
        )
    if name in _OF_LENGTHS:
        return make(*_lengths(formula, node, values))
    if name == "hadamard_power":
        matrix, exponent = values
        if not is_matrix(matrix) or is_matrix(exponent):
            raise formula.error(node, "hadamard_power takes a matrix and a number, such as hadamard_power(A, 2)")
        return make(matrix, exponent)
    if name == "trace" and not is_matrix(values[0]):
        return values[0]
    if not all(map(is_matrix, values)):
        raise formula.error(node, f"{name} takes matrices, and a number is given; declare a matrix symbol")
    if name in _SQUARE:
        _square(formula, node, values[0])
    if any(not _same_shape(value, values[0]) for value in values):
        shapes = " and ".join(written(value.shape) for value in values[:2])
        raise formula.error(node, f"{name} of shapes {shapes}; give both the same shape")
    if name in ("softmax", "logsumexp") and not any(same(length_of(length), 1) for length in values[0].shape):
        raise formula.error(node, f"{name} of shape {written(values[0].shape)}; give a column or a row")
    return make(*values)


def entry(formula: Formula, node: ast.expr, array: Any, indices: Sequence[Any]) -> Any:
    """An entry of a matrix or of an indexed array; of a column or a row one index is enough."""
    for index in indices:
        if is_matrix(index) or not is_whole(index):
            raise formula.error(node, f"the index {index} is no whole number; write numbers, or an index of a Sum")
    shape = () if array.shape is None else tuple(array.shape)
    rank = len(shape) or None
    if rank == 2 and len(indices) == 1 and isinstance(array, sp.MatrixSymbol):
        rows, columns = map(length_of, shape)
        if same(columns, 1) or same(rows, 1):
            indices = [indices[0], sp.S.Zero] if same(columns, 1) else [sp.S.Zero, indices[0]]
    if rank is not None and len(indices) != rank:
        shape = written(shape)
        raise formula.error(
            node, f"{array.name} has the shape {shape}, and {len(indices)} indices are given; give {rank}"
        )
    for index, length in zip(indices, shape, strict=False):
        if index.is_negative or (index.is_number and length.is_number and index >= length):
            reason = f"the index {index} lies beyond {array.name} of shape {written(shape)}"
            raise formula.error(node, f"{reason}; indices count from 0")
    return array[tuple(indices)]
