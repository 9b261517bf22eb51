"""SymPy expression to graph, without recursion: a node is found by identity first, then by value numbering.

Sums and products of many terms become binary operations: in a sum, compound terms first, then symbols, then numbers,
then what is subtracted; in a product, numerator over denominator. Powers with a constant exponent are functions of
the base alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.expressions.array_expressions import ArrayElement, ArraySymbol
from sympy.tensor.array.expressions.array_expressions import _CodegenArrayAbstract as ArrayExpression

from symdiff.collection import collection_paused
from symdiff.errors import InputError, UnsupportedError
from symdiff.functions import BY_HEAD, FUNCTIONS
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.operands import EXACT, TRANSPARENT, check_real, children_of, constant_exponent, statics
from symdiff.refusals import unsupported
from symdiff.tensors.notation import Entries


@collection_paused()
def graph_of(expressions: Iterable[sp.Basic]) -> Graph:
    """The graph whose outputs are the given expressions.

    Raises UnsupportedError for an expression with a node that the function table does not know, naming it and its
    place.

    >>> x, y = sp.symbols("x y", real=True)
    >>> len(graph_of([sp.sin(x * y), sp.cos(x * y)]))
    5
    """
    given = list(expressions)
    reader = Reader()
    try:
        return reader.builder.finish([reader.read(expression) for expression in given])
    except ArraysError:
        from symdiff.tensors.lengths import check_shapes
        from symdiff.tensors.reading import ArrayReader

        arrays = ArrayReader()
        graph = arrays.builder.finish([arrays.read(expression) for expression in given])
        check_shapes(graph)
        return graph


def free_symbols(*expressions: sp.Basic) -> tuple[Any, ...]:
    """All symbols of expressions of any depth, by name: scalars, matrices and indexed arrays.

    Symbols that a sum, product or integral binds are not free, and symbolic lengths are no inputs: they follow from
    arrays.

    >>> w, x = sp.symbols("w x", real=True)
    >>> n, i = sp.symbols("n i", integer=True)
    >>> free_symbols(w * x, x + 1, sp.Sum(w, (x, 1, 3)))
    (w, x)
    >>> free_symbols(sp.Sum(w * sp.IndexedBase("y")[i], (i, 0, n - 1)) / n)
    (w, y)
    """
    nothing: frozenset[sp.Basic] = frozenset()
    seen: set[tuple[int, frozenset[sp.Basic]]] = set()
    found: set[Any] = set()
    lengths: set[sp.Basic] = set()
    pending = [(expression, nothing) for expression in expressions]
    while pending:
        expression, bound = pending.pop()
        if (id(expression), bound) in seen:
            continue
        seen.add((id(expression), bound))
        if type(expression) in _ORDINARY:
            pending += [(argument, bound) for argument in expression.args]
            continue
        if isinstance(expression, (sp.MatrixSymbol, sp.IndexedBase, ArraySymbol)):
            found.add(expression)
            for length in expression.shape or ():
                lengths |= length.free_symbols
            continue
        if isinstance(expression, _SIZED):
            lengths |= expression.free_symbols
            continue
        if isinstance(expression, sp.Symbol) and expression not in bound:
            found.add(expression)
        if isinstance(expression, ExprWithLimits) and not isinstance(expression, sp.Integral):
            indices = set(expression.variables)
            lengths |= {s for limits in expression.limits for end in limits[1:] for s in end.free_symbols} - indices
        pending.extend(_scopes(expression, bound))
    return tuple(sorted(found - lengths, key=lambda symbol: (symbol.name, sp.default_sort_key(symbol))))


_SIZED = (sp.Identity, sp.OneMatrix, sp.ZeroMatrix)


def _scopes(expression: sp.Basic, bound: frozenset[sp.Basic]) -> list[tuple[sp.Basic, frozenset[sp.Basic]]]:
    """The arguments of an expression, each with the symbols that are bound in it."""
    if isinstance(expression, sp.Indexed):
        return [(expression.base, bound), *((index, bound) for index in expression.indices)]
    if isinstance(expression, (ExprWithLimits, sp.Lambda)):
        inner = bound | frozenset(expression.bound_symbols)
        # the limits of an inner index may contain the outer ones, which come after it, but not itself
        parts: list[tuple[sp.Basic, frozenset[sp.Basic]]] = [
            (expression.args[isinstance(expression, sp.Lambda)], inner)
        ]
        limits = [part for part in expression.args[1:] if isinstance(expression, ExprWithLimits)]
        for limit in reversed(limits):
            index, *ends = limit.args
            # an integral without limits keeps its variable
            parts += [(end, bound) for end in ends or [index]]
            bound = bound | {index} if ends else bound
        return parts
    return [(argument, bound) for argument in expression.args]


class ArraysError(Exception):
    """An expression holds matrices, indexed arrays or sums; never shown to the user."""


class Reader:
    """Reads expressions of scalars."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        # expressions are known by identity, so whatever was seen must stay alive
        self._nodes: dict[int, int] = {}
        self._alive: list[sp.Basic] = []

    def read(self, root: sp.Basic) -> int:
        """Node of an expression."""
        nodes = self._nodes
        # an expression comes with its operands once these are to be read before it
        pending: list[tuple[sp.Basic, Sequence[sp.Basic] | None]] = [(root, None)]
        while pending:
            expression, children = pending.pop()
            if id(expression) in nodes:
                continue
            if children is None:
                children = children_of(expression)
                if isinstance(expression, sp.Symbol):
                    check_real(expression)
                if children is None:
                    if isinstance(expression, ARRAYS):
                        raise ArraysError
                    raise UnsupportedError(unsupported(root, expression))
                missing = [(child, None) for child in reversed(children) if id(child) not in nodes]
                if missing:
                    pending.append((expression, children))
                    pending += missing
                    continue
            self._alive.append(expression)
            nodes[id(expression)] = self.emit(expression, [nodes[id(child)] for child in children])
        return nodes[id(root)]

    def emit(self, expression: sp.Basic, children: list[int]) -> int:
        """Node of an expression whose operands are read."""
        b = self.builder
        kind = type(expression)
        if kind is sp.Add:
            return self._sum(children)
        if kind is sp.Mul:
            return self._product(children)
        if kind in _SMOOTH and len(children) == (row := BY_HEAD[kind]).arity:
            return b.apply(row, tuple(children))
        if isinstance(expression, sp.Symbol):
            return b.input(expression)
        if not children:
            return b.constant(sp.Integer(0) if isinstance(expression, sp.im) else expression)
        if isinstance(expression, sp.Add):
            return self._sum(children)
        if isinstance(expression, sp.Mul):
            return self._product(children)
        if isinstance(expression, sp.Pow):
            return self._power(expression, children)
        if isinstance(expression, sp.Piecewise):
            return self._piecewise(children)
        if isinstance(expression, sp.ITE):
            return b.call("select", *children)
        if isinstance(expression, TRANSPARENT):
            return children[0]
        if isinstance(expression, sp.log) and len(children) == 2:
            return b.call("divide", b.call("log", children[0]), b.call("log", children[1]))
        if isinstance(expression, (sp.StrictGreaterThan, sp.GreaterThan)):
            name = "less" if isinstance(expression, sp.StrictGreaterThan) else "less_equal"
            return b.call(name, children[1], children[0])
        for heads, name in _FOLDED:
            if isinstance(expression, heads):
                return self.chain(name, children)
        row = BY_HEAD[type(expression)]
        return b.apply(row, tuple(children), statics(expression, row) or ())

    def chain(self, name: str, nodes: Sequence[int]) -> int:
        """Node of a function of two operands, taken from left to right over many."""
        result, function = nodes[0], FUNCTIONS[name]
        for node in nodes[1:]:
            result = self.builder.apply(function, (result, node))
        return result

    def _sum(self, terms: list[int]) -> int:
        b = self.builder

        def rank(node: int) -> int:
            # what can be simplified is a constant or has a sign
            if not b.foldable(node):
                return 1 if b.is_input(node) else 0
            return 3 if b.parts(node, "negate") is not None else 2

        return self.chain("add", sorted(terms, key=rank))

    def _product(self, factors: list[int]) -> int:
        b = self.builder
        numerator: list[int] = []
        denominator: list[int] = []
        for factor in factors:
            quotient = b.parts(factor, "divide")
            value = b.value_of(factor)
            if quotient is not None and b.value_of(quotient[0]) == 1:
                denominator.append(quotient[1])
            elif (
                value is not None and value.is_Rational and not value.is_Integer and max(abs(value.p), value.q) <= EXACT
            ):
                numerator.append(b.constant(sp.Integer(value.p)))
                denominator.append(b.constant(sp.Integer(value.q)))
            else:
                numerator.append(factor)
        top = self.chain("multiply", numerator) if numerator else b.constant(sp.Integer(1))
        if not denominator:
            return top
        bottom = self.chain("multiply", denominator)
        negated = b.parts(top, "negate")
        if b.parts(top if negated is None else negated[0], "divide") is not None:
            # XLA makes (u/v)/w to u/(v*w), which may overflow where the quotient does not
            return b.call("multiply", top, b.call("divide", b.constant(sp.Integer(1)), bottom))
        return b.call("divide", top, bottom)

    def _power(self, expression: sp.Pow, children: list[int]) -> int:
        b = self.builder
        exponent = constant_exponent(expression)
        if len(children) == 2 and expression.base is sp.E:
            return b.apply(FUNCTIONS["exp"], (children[1],))
        if exponent is None:
            return b.call("power", *children)
        base = children[0]
        if exponent == sp.Rational(1, 2):
            return b.call("sqrt", base)
        if exponent == -1:
            return b.call("divide", b.constant(sp.Integer(1)), base)
        if not exponent.is_Integer:
            return b.apply(FUNCTIONS["power_constant"], (base,), (exponent,))
        # a quotient 1/u**n would overflow in its derivative where u**-n does not
        name = "power_integer" if exponent > 0 else "power_negative"
        return b.apply(FUNCTIONS[name], (base,), (abs(int(exponent)),))

    def _piecewise(self, children: list[int]) -> int:
        # where no condition holds there is no value
        result = self.builder.constant(sp.nan)
        for value, condition in zip(reversed(children[0::2]), reversed(children[1::2]), strict=True):
            result = self.builder.call("select", condition, value, result)
        return result


# heads of functions with nothing but operands, which stand for nothing else
_SMOOTH = frozenset(
    (
        sp.exp,
        sp.log,
        sp.sin,
        sp.cos,
        sp.tan,
        sp.tanh,
        sp.sinh,
        sp.cosh,
        sp.asin,
        sp.acos,
        sp.atan,
        sp.atan2,
        sp.Abs,
        sp.erf,
    )
)
_ORDINARY = _SMOOTH | {sp.Add, sp.Mul, sp.Pow}
_FOLDED: tuple[tuple[type[sp.Basic] | tuple[type[sp.Basic], ...], str], ...] = (
    (sp.StrictLessThan, "less"),
    (sp.LessThan, "less_equal"),
    (sp.Max, "maximum"),
    (sp.Min, "minimum"),
    (sp.And, "and"),
    (sp.Or, "or"),
    (sp.Xor, "xor"),
)
# heads that only the reader of arrays knows
ARRAYS = (
    *(sp.MatrixExpr, sp.MatrixBase, sp.Indexed, sp.IndexedBase, sp.Sum, sp.Product, sp.Trace, sp.Determinant),
    *(sp.KroneckerDelta, MatrixElement, ArrayExpression, ArraySymbol, ArrayElement, Entries),
)


def as_expression(value: object, what: str) -> sp.Expr:
    """`value` as a SymPy expression: an Expr as it is, a Python number exactly, a text by `symdiff.parse`."""
    if isinstance(value, (sp.Expr, ArrayExpression)):
        return value
    if isinstance(value, str):
        from symdiff.parsing import parse

        return parse(value)
    if isinstance(value, Real) and value is not True and value is not False:
        return sp.Integer(int(value)) if isinstance(value, Integral) else sp.Float(float(value))
    raise InputError(f"{what} is {type(value).__name__}; give a SymPy expression, a number or a formula text")
