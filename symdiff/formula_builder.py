"""From Python's tree of a formula to SymPy: an allow-list of nodes, walked without recursion.

A node that is not named here is refused. Chains of + and of * are built with one `Add` or `Mul` each. Piecewise, conditions, Max
and Min stay as they are written: to simplify them SymPy would solve inequalities and compare all pairs.
"""

from __future__ import annotations

import ast
import difflib
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sympy as sp

from symdiff.errors import ParseError
from symdiff.formula_order import Tree
from symdiff.formula_size import Sizes
from symdiff.formula_text import Token, error_at, shown

MAX_SECONDS = 5.0  # of processor time: what SymPy does on construction has no other bound in common
MAX_SIMPLIFIED = 100  # nodes of an argument; the f(...) of a larger one is kept as it is written

_RELATIONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge, ast.Eq: sp.Eq, ast.NotEq: sp.Ne
}  # fmt: skip
_COMPARE: dict[str, Callable[..., Any]] = {"Eq": sp.Eq, "Ne": sp.Ne, "Lt": sp.Lt, "Le": sp.Le, "Gt": sp.Gt, "Ge": sp.Ge}
_COMBINE: dict[str, Callable[..., Any]] = {"And": sp.And, "Or": sp.Or, "Not": sp.Not}
_TRUTH = {"True": sp.true, "False": sp.false}
_NO_SYMBOLS = {
    "I": "the imaginary unit is not allowed, since formulas are real",
    **dict.fromkeys(("oo", "inf", "zoo"), "infinity is not allowed, since formulas are finite"),
    "nan": "'not a number' is not allowed, since formulas are finite",
}
# what SymPy raises where it cannot work something out
_FAILURES = (ArithmeticError, MemoryError, NotImplementedError, RecursionError, TypeError, ValueError)

Step = Generator["Step", Any, Any]


@dataclass(frozen=True)
class Builder:
    """Builds the expression of one formula.

    `declared`: the symbols a formula may hold, by name; None for any.
    `constants`, `functions`: what else its names may mean, and what it may call.
    """

    text: str
    tokens: Sequence[Token]
    tree: Tree
    declared: Mapping[str, sp.Symbol] | None
    constants: Mapping[str, sp.Expr]
    functions: Mapping[str, Callable[..., Any]]
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
                    node, f"{type(node).__name__} is not allowed; write names, numbers, + - * / ** and ( )"
                )

    def _leaf(self, node: ast.Name) -> Step:
        yield from ()
        token = self.tokens[int(node.id[1:])]
        value = _number(token.text) if token.kind == "number" else self._named(node, token.text)
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
        coefficient: sp.Expr = sp.S.One
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
        if name in _COMPARE or name in _COMBINE:
            raise self._error(node, f"{name} is a condition where a number belongs; write 'a if condition else b'")
        function = self.functions.get(name)
        if function is None:
            known = ["Piecewise", *self.functions]
            product = f"{shown(name, 30)}*(...)"
            reason = f"unknown function '{shown(name, 30)}'{_similar(name, known)}; allowed are {_listed(known)}"
            raise self._error(node, f"{reason}; for a product write {product}")
        arguments: list[sp.Expr] = []
        for part in node.args:
            arguments.append((yield self._value(part)))
        return self._built(node, lambda: self._applied(function, arguments), self.sizes.call(arguments))

    def _applied(self, function: Callable[..., Any], arguments: list[sp.Expr]) -> sp.Expr:
        if function in (sp.Max, sp.Min):
            flat = [part for given in arguments for part in (given.args if isinstance(given, function) else [given])]
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
            case ast.Call(func=ast.Name() as name) if self._word(name) in _COMPARE:
                return self._compared(node, [_COMPARE[self._word(name)]], node.args)
            case ast.Call(func=ast.Name() as name) if self._word(name) in _COMBINE:
                return self._joined(node, _COMBINE[self._word(name)], node.args)
            case ast.Name() if self._word(node) in _TRUTH and self._word(node) not in (self.declared or ()):
                return self._truth(self._word(node))
            case _:
                raise self._error(node, "a condition is expected here; write one such as x > 0, joined by and, or, not")

    def _truth(self, word: str) -> Step:
        yield from ()
        return _TRUTH[word]

    def _joined(self, node: ast.expr, function: Callable[..., Any], parts: Sequence[ast.expr]) -> Step:
        conditions: list[sp.Basic] = []
        for part in parts:
            conditions.append((yield self._condition(part)))
        return self._built(node, lambda: function(*conditions))

    def _compared(self, node: ast.expr, relations: Sequence[Any], parts: Sequence[ast.expr]) -> Step:
        if len(parts) != len(relations) + 1 or None in relations:
            raise self._error(node, "a comparison takes two numbers; write one such as x > 0 or Eq(x, y)")
        sides: list[sp.Expr] = []
        for part in parts:
            side = yield self._value(part)
            if side.has(sp.Piecewise):
                raise self._error(
                    part, "a Piecewise inside a condition is not allowed; join conditions by and, or, not"
                )
            sides.append(side)
        links: list[sp.Basic] = []
        for relation, left, right in zip(relations, sides, sides[1:], strict=False):
            decided = left.is_Number and right.is_Number
            links.append(self._built(node, partial(relation, left, right, evaluate=decided)))
        return self._built(node, lambda: sp.And(*links)) if len(links) > 1 else links[0]

    def _named(self, node: ast.Name, name: str) -> sp.Expr:
        if self.declared is not None and name in self.declared:
            return self.declared[name]
        if name in self.constants:
            return self.constants[name]
        quoted = f"'{shown(name, 30)}'"
        if name in _NO_SYMBOLS:
            raise self._error(node, f"{_NO_SYMBOLS[name]}; to use {quoted} as a symbol, declare it")
        if name in _TRUTH:
            raise self._error(node, f"{quoted} is a condition where a number belongs; write 1 or 0")
        if name in self.functions or name == "Piecewise" or name in _COMPARE or name in _COMBINE:
            raise self._error(node, f"{quoted} is a function; write {name}(...), or declare it to use it as a symbol")
        if self.declared is None:
            return sp.Symbol(name, real=True)
        known = [*self.declared, *self.constants]
        reason = f"unknown name {quoted}{_similar(name, known)}; declared are {_listed(self.declared) or 'no symbols'}"
        raise self._error(node, reason)

    def _word(self, node: ast.Name) -> str:
        return self.tokens[int(node.id[1:])].text

    def _built(self, node: ast.expr, make: Callable[[], Any], reason: str | None = None) -> Any:
        """Make a part unless there is a reason not to, and see that its numbers are real, finite and not too large."""
        self._permit(node, reason)
        if time.thread_time() - self.started > MAX_SECONDS:
            self._permit(
                node, f"SymPy needs more than {MAX_SECONDS:g} s for the formula up to here; split or simplify it"
            )
        try:
            result = make()
            refused = self.sizes.refused(result)
        except _FAILURES as error:
            refused = f"SymPy cannot work it out ({type(error).__name__}: {shown(str(error))})"
        self._permit(node, refused)
        return result

    def _permit(self, node: ast.expr, reason: str | None) -> None:
        if reason:
            first, last = self.tree.span(node)
            part = self.text[self.tokens[first].start : self.tokens[last].end]
            raise self._error(node, f"'{shown(part, 40)}' is refused: {reason}")

    def _error(self, node: ast.expr, reason: str) -> ParseError:
        first, _ = self.tree.span(node)
        return error_at(self.text, self.tokens[first].start, reason)


def _number(literal: str) -> sp.Expr:
    """The number of a literal: exact where it is an integer, else a Float that rounds to the same float as in Python."""
    if literal.isdecimal():
        return sp.Integer(int(literal))
    mantissa = literal.lower().partition("e")[0].replace(".", "").lstrip("0")
    digits = max(15, len(mantissa))
    value = sp.Float(literal, digits)
    # a longer literal is rounded twice, to its own precision and by float(): take more digits until that does not show
    while float(value) != float(literal):
        digits += 5
        value = sp.Float(literal, digits)
    return value


def _similar(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1) if len(name) <= 40 else []
    return f"; did you mean '{close[0]}'?" if close else ""


def _listed(names: Iterable[str], limit: int = 20) -> str:
    every = sorted(names)
    return shown(", ".join(every[:limit]), 300) + (f" and {len(every) - limit} more" if len(every) > limit else "")
