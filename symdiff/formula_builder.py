"""From Python's tree of a formula to SymPy: an allow-list of nodes, walked without recursion.

A node that is not named here is refused. Chains of + and of * are built with one `Add` or `Mul` each.
Piecewise, conditions, Max and Min stay as they are written: to simplify them SymPy would solve inequalities and compare
all pairs.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sympy as sp

from symdiff.errors import ParseError
from symdiff.formula_names import COMBINE, COMPARE, Vocabulary, number
from symdiff.formula_order import Tree
from symdiff.formula_size import Sizes
from symdiff.formula_text import Token, error_at, shown

MAX_SECONDS = 5.0  # of processor time: what SymPy does on construction has no other bound in common
MAX_SIMPLIFIED = 100  # nodes of an argument; the f(...) of a larger one is kept as it is written

_RELATIONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge, ast.Eq: sp.Eq, ast.NotEq: sp.Ne
}  # fmt: skip
# what SymPy raises where it cannot work something out
_FAILURES = (ArithmeticError, MemoryError, NotImplementedError, RecursionError, TypeError, ValueError)

Step = Generator["Step", Any, Any]


@dataclass(frozen=True)
class Builder:
    """Builds the expression of one formula out of its tree."""

    text: str
    tokens: Sequence[Token]
    tree: Tree
    vocabulary: Vocabulary
    sizes: Sizes = field(default_factory=Sizes)
    started: float = field(default_factory=time.thread_time)

    def expression(self) -> sp.Expr:
        """Build the whole formula; each step yields the steps it needs first."""
        steps: list[Step] = [self._value(self.tree.body)]
        result: Any = None
        while steps:
            try:
                steps.append(steps[-1].send(result))
                result = None
            except StopIteration as done:
                result = done.value
                steps.pop()
        return result

    def _value(self, node: ast.expr) -> Step:
        match node:
            case ast.Name():
                return self._leaf(node)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self._sum(node)
            case ast.BinOp(op=ast.Mult() | ast.Div()) | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._product(node)
            case ast.BinOp(op=ast.Pow()):
                return self._power(node)
            case ast.IfExp():
                return self._branches(node)
            case ast.Call(func=ast.Name() as name):
                return self._call(node, self._word(name))
            case ast.BinOp() | ast.UnaryOp(op=ast.Invert()):
                raise self._error(node, "&, | and ~ join conditions, not numbers; put each comparison in parentheses")
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp():
                raise self._error(node, "a condition stands where a number belongs; write 'a if condition else b'")
            case ast.Tuple():
                raise self._error(node, "commas only part the arguments of a function; write one formula here")
            case _:
                raise self._error(
                    node, f"{type(node).__name__} is not allowed; write numbers, names, calls, + - * / **"
                )

    def _leaf(self, node: ast.Name) -> Step:
        yield from ()
        token = self.tokens[int(node.id[1:])]
        value = number(token.text) if token.kind == "number" else self.vocabulary.value(token.text)
        if isinstance(value, str):
            raise self._error(node, value)
        return self._built(node, lambda: value)

    def _sum(self, node: ast.BinOp) -> Step:
        parts: list[tuple[ast.expr, bool]] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Add, ast.Sub)):
            parts.append((first.right, isinstance(first.op, ast.Sub)))
            first = first.left
        terms: list[sp.Expr] = []
        for part, negative in [(first, False), *reversed(parts)]:
            term = yield self._value(part)
            terms.append(-term if negative else term)
        return self._built(node, lambda: sp.Add(*terms), self.sizes.sum(terms))

    def _product(self, node: ast.expr) -> Step:
        coefficient: Any = sp.S.One
        factors: list[tuple[ast.expr, sp.Expr, bool]] = []
        todo = [(node, False)]
        while todo:
            part, inverse = todo.pop()
            if isinstance(part, ast.UnaryOp) and isinstance(part.op, (ast.USub, ast.UAdd)):
                coefficient = -coefficient if isinstance(part.op, ast.USub) else coefficient
                todo.append((part.operand, inverse))
            elif isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Mult, ast.Div)):
                # denominators are taken apart too, so that 1/(2*(x + 1)) stays 1/2 times 1/(x + 1)
                todo.append((part.right, inverse ^ isinstance(part.op, ast.Div)))
                todo.append((part.left, inverse))
            else:
                factors.append((part, (yield self._value(part)), inverse))
        self._permit(node, self.sizes.product([factor for _, factor, _ in factors]))
        others: list[sp.Expr] = []
        for part, factor, inverse in factors:
            if inverse and factor.is_Number and factor.is_zero:
                raise self._error(part, "this divides by zero; write a denominator that is not 0")
            if factor.is_Number:
                coefficient = coefficient / factor if inverse else coefficient * factor
            else:
                others.append(self._raised(part, factor, sp.S.NegativeOne) if inverse else factor)
        return self._built(node, lambda: sp.Mul(coefficient, *others))

    def _power(self, node: ast.BinOp) -> Step:
        base = yield self._value(node.left)
        exponent = yield self._value(node.right)
        return self._raised(node, base, exponent)

    def _raised(self, node: ast.expr, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        return self._built(node, lambda: sp.Pow(base, exponent), self.sizes.power(base, exponent))

    def _call(self, node: ast.Call, name: str) -> Step:
        if name == "Piecewise":
            return (yield self._pairs(node))
        function = self.vocabulary.function(name)
        if isinstance(function, str):
            raise self._error(node, function)
        arguments: list[sp.Expr] = []
        for part in node.args:
            value = yield self._value(part)
            arguments.append(value)
        return self._built(node, lambda: self._applied(function, arguments), self.sizes.call(name, arguments))

    def _applied(self, function: Any, arguments: list[sp.Expr]) -> sp.Expr:
        if function in (sp.Max, sp.Min):
            flat = [part for given in arguments for part in (given.args if given.func is function else [given])]
            numbers = [part for part in flat if part.is_Number]
            others = [part for part in flat if not part.is_Number]
            return function(*([function(*numbers)] if numbers else []), *others, evaluate=False)
        size = self.sizes[arguments[0]]
        if len(arguments) > 1 or size.number or size.nodes <= MAX_SIMPLIFIED or not isinstance(function, type):
            return function(*arguments)
        return function(*arguments, evaluate=False)

    def _pairs(self, node: ast.Call) -> Step:
        pairs: list[tuple[sp.Expr, sp.Basic]] = []
        for part in node.args:
            if not (isinstance(part, ast.Tuple) and len(part.elts) == 2):
                raise self._error(
                    part, "Piecewise takes pairs; write Piecewise((value, condition), ..., (value, True))"
                )
            value = yield self._value(part.elts[0])
            pairs.append((value, (yield self._condition(part.elts[1]))))
        return self._piecewise(node, pairs)

    def _branches(self, node: ast.expr) -> Step:
        pairs: list[tuple[sp.Expr, sp.Basic]] = []
        while isinstance(node, ast.IfExp):
            value = yield self._value(node.body)
            pairs.append((value, (yield self._condition(node.test))))
            node = node.orelse
        pairs.append(((yield self._value(node)), sp.true))
        return self._piecewise(node, pairs)

    def _piecewise(self, node: ast.expr, pairs: list[tuple[sp.Expr, sp.Basic]]) -> sp.Expr:
        if all(condition is sp.false for _, condition in pairs):
            raise self._error(node, "no condition of this Piecewise can hold; end it with (value, True)")
        return self._built(node, lambda: sp.Piecewise(*pairs, evaluate=False))

    def _condition(self, node: ast.expr) -> Step:
        match node:
            case ast.Compare():
                operators = [_RELATIONS.get(type(operator)) for operator in node.ops]
                return self._compared(node, operators, [node.left, *node.comparators])
            case ast.BoolOp():
                return self._joined(node, sp.And if isinstance(node.op, ast.And) else sp.Or, node.values)
            case ast.BinOp(op=ast.BitAnd()):
                return self._joined(node, sp.And, [node.left, node.right])
            case ast.BinOp(op=ast.BitOr()):
                return self._joined(node, sp.Or, [node.left, node.right])
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return self._joined(node, sp.Not, [node.operand])
            case ast.Call(func=ast.Name() as name) if self._word(name) in COMPARE:
                return self._compared(node, [COMPARE[self._word(name)]], node.args)
            case ast.Call(func=ast.Name() as name) if self._word(name) in COMBINE:
                return self._joined(node, COMBINE[self._word(name)], node.args)
            case ast.Name() if self.vocabulary.truth(self._word(node)) is not None:
                return self._truth(node)
            case _:
                raise self._error(node, "a condition is expected here; write one such as x > 0, joined by and, or, not")

    def _truth(self, node: ast.Name) -> Step:
        yield from ()
        return self._built(node, lambda: self.vocabulary.truth(self._word(node)))

    def _joined(self, node: ast.expr, function: Callable[..., Any], parts: Sequence[ast.expr]) -> Step:
        conditions: list[Any] = []
        for part in parts:
            condition = yield self._condition(part)
            conditions.append(condition)
        return self._built(node, lambda: function(*conditions))

    def _compared(self, node: ast.expr, relations: Sequence[Any], parts: Sequence[ast.expr]) -> Step:
        if len(parts) != len(relations) + 1 or None in relations:
            raise self._error(node, "a comparison takes two numbers; write one such as x > 0 or Eq(x, y)")
        sides: list[sp.Expr] = []
        for part in parts:
            side = yield self._value(part)
            if side.has(sp.Piecewise):
                raise self._error(part, "no Piecewise may stand in a condition; join conditions by and, or, not")
            sides.append(side)
        links: list[Any] = []
        for relation, left, right in zip(relations, sides, sides[1:], strict=False):
            decided = left.is_Number and right.is_Number
            links.append(self._built(node, partial(relation, left, right, evaluate=decided)))
        return self._built(node, lambda: sp.And(*links)) if len(links) > 1 else links[0]

    def _word(self, node: ast.Name) -> str:
        return self.tokens[int(node.id[1:])].text

    def _built(self, node: ast.expr, make: Callable[[], Any], reason: str | None = None) -> Any:
        """Make a part unless there is a reason not to, and see that its numbers are real, finite and not too large."""
        if time.thread_time() - self.started > MAX_SECONDS:
            reason = f"up to here SymPy took more than {MAX_SECONDS:g} s; split or simplify the formula"
        self._permit(node, reason)
        try:
            result = make()
            reason = self.sizes.refused(result)
        except _FAILURES as error:
            raise self._refusal(
                node, f"SymPy cannot work it out ({shown(str(error)) or type(error).__name__})"
            ) from None
        self._permit(node, reason)
        return result

    def _permit(self, node: ast.expr, reason: str | None) -> None:
        if reason:
            raise self._refusal(node, reason)

    def _refusal(self, node: ast.expr, reason: str) -> ParseError:
        first, last = self.tree.span(node)
        part = self.text[self.tokens[first].start : self.tokens[last].end]
        return self._error(node, f"'{shown(part, 40)}' is refused: {reason}")

    def _error(self, node: ast.expr, reason: str) -> ParseError:
        first, _ = self.tree.span(node)
        return error_at(self.text, self.tokens[first].start, reason)
