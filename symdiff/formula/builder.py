"""From Python's tree of a formula to SymPy: an allow-list of nodes, walked without recursion.

A node that is not named here is refused. Chains of + and of * are built with one `Add` or `Mul` each. Piecewise,
conditions, Max and Min stay as they are written: to simplify them SymPy would solve inequalities and compare all pairs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import sympy as sp

from symdiff.formula import matrices
from symdiff.formula.algebra import call, plus, power, times
from symdiff.formula.arity import miscounted
from symdiff.formula.names import COMBINE, COMPARE, JOINED, number
from symdiff.formula.step import Formula
from symdiff.tensors.sums import over

_RELATIONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge, ast.Eq: sp.Eq, ast.NotEq: sp.Ne
}  # fmt: skip

_JOINS: dict[type[ast.operator], Callable[..., Any]] = {ast.BitAnd: sp.And, ast.BitOr: sp.Or, ast.BitXor: sp.Xor}

Step = Generator["Step", Any, Any]


def built(formula: Formula) -> sp.Expr:
    """Build the expression of a formula.

    Raises ParseError for nodes that are not allowed and numbers that are not real, not finite or too large.
    """
    steps = [_value(formula, formula.tree.body)]
    result: Any = None
    while steps:
        try:
            steps.append(steps[-1].send(result))  # it waits for another step
            result = None
        except StopIteration as done:
            result = done.value
            steps.pop()
    return result


def _value(formula: Formula, node: ast.expr) -> Step:
    match node:
        case ast.Name():
            return _leaf(formula, node)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return _sum(formula, node)
        case ast.BinOp(op=ast.Mult() | ast.Div() | ast.MatMult()) | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return _product(formula, node)
        case ast.BinOp(op=ast.Pow()):
            return _power(formula, node)
        case ast.IfExp():
            return _branches(formula, node)
        case ast.Subscript(value=ast.Name() as name):
            return _entry(formula, node, name)
        case ast.Attribute():
            return _transposed(formula, node)
        case ast.Call(func=ast.Name() as name) if formula.arrays and formula.word(name) in matrices.NAMES:
            word = formula.word(name)
            special = {"applyfunc": _applied, **dict.fromkeys(matrices.INDEXED, _over_indices)}
            return special.get(word, _of_matrices)(formula, node, word)
        case ast.Call(func=ast.Name() as name):
            called = {"Piecewise": _pairs, "ITE": _choice}.get(formula.word(name))
            return _call(formula, node, formula.word(name)) if called is None else called(formula, node)
        case ast.BinOp(op=ast.BitXor()):
            raise formula.error_after(node.left, "'^' is not allowed between numbers; write ** for powers")
        case ast.BinOp() | ast.UnaryOp(op=ast.Invert()):
            raise formula.error(node, "&, | and ~ join conditions, not numbers; put each comparison in parentheses")
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp():
            raise formula.error(node, "a condition stands where a number belongs; write 'a if condition else b'")
        case ast.Tuple():
            raise formula.error(node, "commas only part the arguments of a function; write one formula here")
        case _:
            kind = type(node).__name__
            raise formula.error(node, f"{kind} is not allowed; write numbers, names, calls, + - * / ** and ( )")


def _leaf(formula: Formula, node: ast.Name) -> Step:
    yield from ()
    token = formula.tokens[int(node.id[1:])]
    if formula.bound.get(token.text):
        return formula.bound[token.text][-1]
    value = number(token.text) if token.kind == "number" else formula.vocabulary.value(token.text)
    if isinstance(value, str):
        raise formula.error(node, value)
    if isinstance(value, sp.IndexedBase):
        raise formula.error(node, f"{token.text} is an indexed array; write an entry of it, such as {token.text}[i]")
    return formula.made(node, lambda: value)


def _sum(formula: Formula, node: ast.BinOp) -> Step:
    parts: list[tuple[ast.expr, bool]] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Add, ast.Sub)):
        parts.append((first.right, isinstance(first.op, ast.Sub)))
        first = first.left
    terms: list[sp.Expr] = []
    for part, negative in [(first, False), *reversed(parts)]:
        term = yield _value(formula, part)
        if negative and matrices.is_matrix(term):
            terms.append(formula.made(part, partial(matrices.product, formula, part, sp.S.NegativeOne, [term])))
            continue
        terms.append(formula.made(part, partial(times, formula.sizes, sp.S.NegativeOne, [term])) if negative else term)
    if any(map(matrices.is_matrix, terms)):
        return formula.made(node, lambda: matrices.plus(formula, node, terms))
    formula.permit(node, formula.sizes.sum(terms))
    return formula.made(node, lambda: plus(formula.sizes, terms))


def _names_matrix(formula: Formula, node: ast.expr) -> bool:
    """Whether a name of a matrix stands in a part of the tree."""
    names = (formula.word(part) for part in ast.walk(node) if isinstance(part, ast.Name))
    return any(isinstance((formula.vocabulary.declared or {}).get(name), sp.MatrixSymbol) for name in names)


def _product(formula: Formula, node: ast.expr) -> Step:
    coefficient: Any = sp.S.One
    factors: list[tuple[ast.expr, sp.Expr, bool]] = []
    todo = [(node, False)]
    while todo:
        part, inverse = todo.pop()
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, (ast.USub, ast.UAdd)):
            coefficient = -coefficient if isinstance(part.op, ast.USub) else coefficient
            todo.append((part.operand, inverse))
        elif isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Mult, ast.Div, ast.MatMult)):
            # denominators are taken apart too, so that 1/(2*(x + 1)) stays 1/2 times 1/(x + 1), but not x.T*x
            if inverse and formula.arrays and _names_matrix(formula, part):
                product = yield _value(formula, part)
                factors.append((part, product, inverse))
                continue
            todo.append((part.right, inverse ^ isinstance(part.op, ast.Div)))
            todo.append((part.left, inverse))
        else:
            factors.append((part, (yield _value(formula, part)), inverse))
    formula.permit(node, formula.sizes.product([factor for _, factor, _ in factors]))
    mixed = any(matrices.is_matrix(factor) for _, factor, _ in factors)
    others: list[sp.Expr] = []
    for part, factor, inverse in factors:
        if inverse and matrices.is_matrix(factor):
            factor = matrices.reciprocal(formula, part, factor)
            if matrices.is_matrix(factor):
                others.append(factor)
                continue
        if inverse and factor.is_Number and not factor:
            raise formula.error(part, "this divides by zero; write a denominator that is not 0")
        if factor.is_Number:
            coefficient = coefficient / factor if inverse else coefficient * factor
        else:
            others.append(_raised(formula, part, factor, sp.S.NegativeOne) if inverse else factor)
    if mixed and any(map(matrices.is_matrix, others)):
        return formula.made(node, lambda: matrices.product(formula, node, coefficient, others))
    return formula.made(node, lambda: times(formula.sizes, coefficient, others))


def _power(formula: Formula, node: ast.BinOp) -> Step:
    base = yield _value(formula, node.left)
    exponent = yield _value(formula, node.right)
    return _raised(formula, node, base, exponent)


def _raised(formula: Formula, node: ast.expr, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    if matrices.is_matrix(base) or matrices.is_matrix(exponent):
        return formula.made(node, lambda: matrices.power(formula, node, base, exponent))
    formula.permit(node, formula.sizes.power(base, exponent))
    return formula.made(node, lambda: power(formula.sizes, base, exponent))


def _call(formula: Formula, node: ast.Call, name: str) -> Step:
    function = formula.vocabulary.function(name)
    if isinstance(function, str):
        raise formula.error(node, function)
    wrong = miscounted(name, function, len(node.args))
    if wrong:
        raise formula.error(node, wrong)
    arguments: list[sp.Expr] = []
    for part in node.args:
        value = yield _value(formula, part)
        arguments.append(value)
    if any(map(matrices.is_matrix, arguments)):
        return formula.made(node, lambda: matrices.each(formula, node, function, arguments))
    if name == "sqrt":
        return _raised(formula, node, arguments[0], sp.S.Half)
    formula.permit(node, formula.sizes.call(name, arguments))
    return formula.made(node, lambda: call(formula.sizes, function, arguments))


def _of_matrices(formula: Formula, node: ast.Call, name: str) -> Step:
    values: list[Any] = []
    for part in node.args:
        value = yield _value(formula, part)
        values.append(value)
    return formula.made(node, lambda: matrices.called(formula, node, name, values))


def _transposed(formula: Formula, node: ast.Attribute) -> Step:
    value = yield _value(formula, node.value)
    return formula.made(node, lambda: matrices.called(formula, node, "transpose", [value]))  # pyright: ignore[reportArgumentType]


def _applied(formula: Formula, node: ast.Call, _: str) -> Step:
    if len(node.args) != 2:
        raise formula.error(node, "applyfunc takes a matrix and a formula in entry, such as applyfunc(A, entry**2)")
    matrix = yield _value(formula, node.args[0])
    if not matrices.is_matrix(matrix):
        raise formula.error(node.args[0], "applyfunc takes a matrix, and a number is given; declare a matrix symbol")
    meanings = formula.bound.setdefault(matrices.ENTRY.name, [])
    meanings.append(matrices.ENTRY)
    body = yield _value(formula, node.args[1])
    meanings.pop()
    body = matrices.number_of(formula, node.args[1], body)
    return formula.made(node, lambda: matrices.applied(matrix, body))


def _over_indices(formula: Formula, node: ast.Call, name: str) -> Step:
    """A Sum or Product; its indices mean themselves in the term and in each other's bounds."""
    indices: list[sp.Symbol] = []
    for part in node.args[1:]:
        if not (isinstance(part, ast.Tuple) and len(part.elts) == 3 and isinstance(part.elts[0], ast.Name)):
            raise formula.error(part, f"{name} takes an index and its bounds; write {name}(x[i], (i, 0, n - 1))")
        word = formula.tokens[int(part.elts[0].id[1:])]
        if word.kind != "name":
            raise formula.error(part.elts[0], f"{word.text} is no index; write a name such as i")
        indices.append(sp.Symbol(word.text, integer=True))
    if not indices or len(set(indices)) < len(indices):
        wrong = "has no index" if not indices else "has an index twice"
        raise formula.error(node, f"this {name} {wrong}; write {name}(x[i], (i, 0, n - 1))")
    for index in indices:
        formula.bound.setdefault(index.name, []).append(index)
    limits: list[Any] = []
    for index, part in zip(indices, node.args[1:], strict=True):
        ends: list[Any] = []
        for end in part.elts[1:]:  # type: ignore[union-attr]
            value = yield _value(formula, end)
            if matrices.is_matrix(value) or not value.is_integer:
                raise formula.error(end, f"the bound {value} of {index} is no whole number; write numbers and lengths")
            ends.append(value)
        limits.append((index, *ends))
    term = matrices.number_of(formula, node.args[0], (yield _value(formula, node.args[0])))
    for index in indices:
        formula.bound[index.name].pop()
    if name == "Entries" and node is not formula.tree.body:
        raise formula.error(node, "Entries(...) is a whole array; it stands alone, and in a formula its entries do")
    return formula.made(node, lambda: over(matrices.INDEXED[name], term, *limits))


def _entry(formula: Formula, node: ast.Subscript, name: ast.Name) -> Step:
    array = formula.vocabulary.value(formula.word(name))
    if not isinstance(array, (sp.IndexedBase, sp.MatrixSymbol)):
        reason = (
            array if isinstance(array, str) else f"{formula.word(name)} is a number and has no entries; take [ ] away"
        )
        raise formula.error(node, reason)
    indices: list[Any] = []
    for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        index = yield _value(formula, part)
        indices.append(index)
    return formula.made(node, lambda: matrices.entry(formula, node, array, indices))


def _pairs(formula: Formula, node: ast.Call) -> Step:
    pairs: list[tuple[sp.Expr, sp.Basic]] = []
    for part in node.args:
        if not (isinstance(part, ast.Tuple) and len(part.elts) == 2):
            raise formula.error(part, "Piecewise takes pairs; write Piecewise((value, condition), ..., (value, True))")
        value = yield _value(formula, part.elts[0])
        pairs.append((value, (yield _condition(formula, part.elts[1]))))
    return _piecewise(formula, node, pairs)


def _choice(formula: Formula, node: ast.Call) -> Step:
    if len(node.args) != 3:
        raise formula.error(node, "ITE takes 3 arguments; write ITE(condition, value, otherwise)")
    condition = yield _condition(formula, node.args[0])
    value = yield _value(formula, node.args[1])
    return _piecewise(formula, node, [(value, condition), ((yield _value(formula, node.args[2])), sp.true)])


def _branches(formula: Formula, node: ast.IfExp) -> Step:
    pairs: list[tuple[sp.Expr, sp.Basic]] = []
    rest: ast.expr = node
    while isinstance(rest, ast.IfExp):
        value = yield _value(formula, rest.body)
        pairs.append((value, (yield _condition(formula, rest.test))))
        rest = rest.orelse
    pairs.append(((yield _value(formula, rest)), sp.true))
    return _piecewise(formula, node, pairs)


def _piecewise(formula: Formula, node: ast.expr, pairs: list[tuple[sp.Expr, sp.Basic]]) -> sp.Expr:
    pairs = [(matrices.number_of(formula, node, value), condition) for value, condition in pairs]
    if all(condition is sp.false for _, condition in pairs):
        raise formula.error(node, "no condition of this Piecewise can hold; end it with (value, True)")
    return formula.made(node, lambda: sp.Piecewise(*pairs, evaluate=False))


def _condition(formula: Formula, node: ast.expr) -> Step:
    match node:
        case ast.Compare():
            relations = [_RELATIONS.get(type(operator)) for operator in node.ops]
            return _compared(formula, node, relations, [node.left, *node.comparators])
        case ast.BoolOp():
            return _joined(formula, node, sp.And if isinstance(node.op, ast.And) else sp.Or, node.values)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
            return _joined(formula, node, _JOINS[type(node.op)], _chain(node))
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return _joined(formula, node, sp.Not, [node.operand])
        case ast.Call(func=ast.Name() as name) if formula.word(name) in COMPARE:
            return _compared(formula, node, [COMPARE[formula.word(name)]], node.args)
        case ast.Call(func=ast.Name() as name) if formula.word(name) in COMBINE:
            word = formula.word(name)
            if len(node.args) != JOINED.get(word, len(node.args)):
                takes = "1 condition" if JOINED[word] == 1 else f"{JOINED[word]} conditions"
                raise formula.error(node, f"{word} takes {takes}, and {len(node.args)} stand here; correct the call")
            return _joined(formula, node, COMBINE[word], node.args)
        case ast.Name() if formula.vocabulary.truth(formula.word(node)) is not None:
            return _truth(formula, node)
        case _:
            raise formula.error(node, "a condition is expected here; write one such as x > 0, joined by and, or, not")


def _truth(formula: Formula, node: ast.Name) -> Step:
    yield from ()
    return formula.made(node, lambda: formula.vocabulary.truth(formula.word(node)))


def _joined(formula: Formula, node: ast.expr, function: Callable[..., Any], parts: Sequence[ast.expr]) -> Step:
    conditions: list[sp.Basic] = []
    for part in parts:
        condition = yield _condition(formula, part)
        conditions.append(condition)
    return _logical(formula, node, function, conditions)


def _logical(formula: Formula, node: ast.expr, function: Callable[..., Any], conditions: list[sp.Basic]) -> sp.Basic:
    if function is not sp.Not:
        formula.permit(node, formula.sizes.conditions(conditions))
    return formula.made(node, lambda: function(*conditions))


def _compared(formula: Formula, node: ast.expr, relations: Sequence[Any], parts: Sequence[ast.expr]) -> Step:
    if len(parts) != len(relations) + 1 or None in relations:
        raise formula.error(node, "a comparison takes two numbers; write one such as x > 0 or Eq(x, y)")
    sides: list[sp.Expr] = []
    for part in parts:
        side = matrices.number_of(formula, part, (yield _value(formula, part)))
        if side.has(sp.Piecewise):
            raise formula.error(part, "no Piecewise may stand in a condition; join conditions by and, or, not")
        sides.append(side)
    links: list[sp.Basic] = []
    for relation, left, right in zip(relations, sides, sides[1:], strict=False):
        decided = left.is_Number and right.is_Number
        links.append(formula.made(node, partial(relation, left, right, evaluate=decided)))
    return _logical(formula, node, sp.And, links) if len(links) > 1 else links[0]


def _chain(node: ast.BinOp) -> list[ast.expr]:
    """Return the operands of a chain of one operator, such as a & b & c, in their order."""
    operands: list[ast.expr] = []
    rest: ast.expr = node
    while isinstance(rest, ast.BinOp) and type(rest.op) is type(node.op):
        operands.append(rest.right)
        rest = rest.left
    return [rest, *reversed(operands)]
