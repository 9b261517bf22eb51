"""Whether two formulas are equal as formulas: their difference, over common kernels, is a rational function that is 0.

Every part that is not rational becomes a kernel, a new symbol: exp of a monomial, log, Abs, a root, any function of
equal arguments. Hyperbolic functions are written in exp, circular ones in exp of an imaginary argument. What holds
between kernels (a root to its power, J**2 = -1) is divided out. Each step is an identity wherever both formulas have a
value. Sizes are limited, so it ends; what is not proved is not refuted by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import sympy as sp

from symdiff.errors import SymdiffError
from symdiff.formula.printed_size import PrintedSize
from symdiff.from_sympy import graph_of

LARGEST, DEEPEST, LONGEST, MOST_TERMS, SECONDS = 400, 40, 12, 4_000, 2.0


class _GivenUp(Exception):  # noqa: N818 - a signal, not an error
    """The difference is too large, or holds what is not understood."""


def proved_equal(first: sp.Expr, second: sp.Expr) -> bool:
    """Whether the two are certainly equal wherever both have a value; False says nothing.

    >>> x = sp.Symbol("x", real=True)
    >>> proved_equal(1 - sp.tanh(x) ** 2, 1 / sp.cosh(x) ** 2), proved_equal(sp.sin(2 * x), 2 * sp.sin(x))
    (True, False)
    """
    if first == second:
        return True
    try:
        if len(set((graph := graph_of([first, second])).outputs)) == 1 and graph.outputs:
            return True
    except SymdiffError:
        return False
    whole = first - second
    nodes, depth = PrintedSize(LARGEST)(whole)
    if nodes > LARGEST or depth > DEEPEST:
        return False
    try:
        return _Kernels().vanishes(whole)
    except (_GivenUp, ArithmeticError, ValueError, TypeError, NotImplementedError, AttributeError, RecursionError):
        return False
    except sp.PolynomialError:
        return False


class _Kernels:
    """Kernels found so far, by what they stand for."""

    def __init__(self) -> None:
        self.symbols: dict[Any, sp.Symbol] = {}
        self.relations: list[tuple[sp.Symbol, int, sp.Expr]] = []
        self.logs: dict[sp.Symbol, sp.Expr] = {}
        self.until = time.thread_time() + SECONDS
        self.unit = sp.Dummy("J")
        self.relations.append((self.unit, 2, sp.Integer(-1)))

    def vanishes(self, expression: sp.Expr) -> bool:
        done: dict[sp.Basic, sp.Expr] = {}
        for node in sp.postorder_traversal(expression):
            if node not in done:
                done[node] = self._checked(self._rational(node, done))
        top = self._numerator(done[expression])
        for symbol, power, value in reversed(self.relations):
            if not top.has(symbol):
                continue
            polynomial = sp.Poly(top, symbol)
            reduced = sum(c * symbol ** (k % power) * value ** (k // power) for (k,), c in polynomial.terms())
            top = self._numerator(sp.sympify(reduced))
        return bool(top == 0)

    def _numerator(self, expression: sp.Expr) -> sp.Expr:
        self._checked(expression)
        top = sp.fraction(sp.together(expression))[0]
        if _terms(top) > MOST_TERMS:
            raise _GivenUp
        return sp.expand(top)

    def _checked(self, expression: sp.Expr) -> sp.Expr:
        if time.thread_time() > self.until:
            raise _GivenUp
        return expression

    def _kernel(self, key: Any, power: int = 0, value: sp.Expr | None = None) -> sp.Symbol:
        if key not in self.symbols:
            self.symbols[key] = sp.Dummy(f"k{len(self.symbols)}")
            if value is not None:
                self.relations.append((self.symbols[key], power, value))
        return self.symbols[key]

    def _rational(self, node: sp.Basic, done: dict[sp.Basic, sp.Expr]) -> Any:
        arguments = [done[a] for a in node.args if a in done]
        if isinstance(node, sp.Symbol):
            return node
        if isinstance(node, sp.Rational):
            return node
        if isinstance(node, sp.Float):
            return sp.Rational(str(node)) if node.is_finite else self._kernel(node)
        if node is sp.E:
            return self.exponential(sp.Integer(1))
        if isinstance(node, sp.Add):
            return sp.Add(*arguments)
        if isinstance(node, sp.Mul):
            return sp.Mul(*arguments)
        if isinstance(node, sp.Pow):
            return self._power(*arguments)
        rule = _RULES.get(type(node).__name__)
        if rule is not None and len(arguments) == 1:
            return rule(self, arguments[0])
        # whatever it is: the same of the same
        return self._kernel(
            (type(node), *(self._plain(a) if isinstance(a, sp.Expr) else a for a in arguments or [node]))
        )

    def _plain(self, expression: sp.Expr) -> sp.Expr:
        if _terms(expression) > 200:
            raise _GivenUp
        return cast(sp.Expr, sp.cancel(self._checked(expression)))

    def _power(self, base: Any, exponent: Any) -> Any:
        if exponent.is_Integer:
            if abs(exponent) > LONGEST:
                raise _GivenUp
            return base**exponent
        if exponent.is_Rational:
            plain = self._plain(base)
            if abs(exponent.p) > LONGEST or exponent.q > LONGEST:
                raise _GivenUp
            return self._kernel(("root", plain, exponent.q), int(exponent.q), plain) ** exponent.p
        return self.exponential(exponent * self.logarithm(base))

    def logarithm(self, u: Any) -> Any:
        """A kernel of its own: log(u*v) is not split."""
        plain = self._plain(u)
        symbol = self._kernel(("log", plain))
        self.logs[symbol] = plain
        return symbol

    def exponential(self, u: Any, kind: str = "exp") -> Any:
        """The product of kernels exp(m/2), over the monomials m of the argument."""
        result: Any = sp.Integer(1)
        if _terms(u) > 200:
            raise _GivenUp
        for term in sp.Add.make_args(sp.expand(self._plain(u))):
            coefficient, monomial = term.as_coeff_Mul(rational=True)
            c = Fraction(int(coefficient.p), int(coefficient.q))
            if abs(c) > LONGEST:
                raise _GivenUp
            if monomial in self.logs and c.denominator == 1 and kind == "exp":
                result *= self.logs[monomial] ** c.numerator
                continue
            parts = 2 if c.denominator <= 2 else c.denominator
            result *= self._kernel((kind, monomial, parts)) ** int(c * parts)
        return result

    def circular(self, u: Any) -> tuple[Any, Any]:
        """Sine and cosine."""
        z = self.exponential(u, "circle")
        return (z - 1 / z) / (2 * self.unit), (z + 1 / z) / 2

    def hyperbolic(self, u: Any) -> tuple[Any, Any]:
        """Hyperbolic sine and cosine."""
        z = self.exponential(u)
        return (z - 1 / z) / 2, (z + 1 / z) / 2

    def absolute(self, u: Any) -> Any:
        """|u|, of which the square is known."""
        plain = self._plain(u)
        return self._kernel(("abs", plain), 2, plain**2)


def _of(pair: Callable[[_Kernels, Any], tuple[Any, Any]], form: Callable[[Any, Any], Any]) -> Any:
    return lambda kernels, u: form(*pair(kernels, u))


_RULES: dict[str, Callable[[_Kernels, Any], Any]] = {
    "exp": lambda k, u: k.exponential(u),
    "log": lambda k, u: k.logarithm(u),
    "sin": _of(_Kernels.circular, lambda s, _: s),
    "cos": _of(_Kernels.circular, lambda _, c: c),
    "tan": _of(_Kernels.circular, lambda s, c: s / c),
    "cot": _of(_Kernels.circular, lambda s, c: c / s),
    "sec": _of(_Kernels.circular, lambda _, c: 1 / c),
    "csc": _of(_Kernels.circular, lambda s, _: 1 / s),
    "sinh": _of(_Kernels.hyperbolic, lambda s, _: s),
    "cosh": _of(_Kernels.hyperbolic, lambda _, c: c),
    "tanh": _of(_Kernels.hyperbolic, lambda s, c: s / c),
    "coth": _of(_Kernels.hyperbolic, lambda s, c: c / s),
    "sech": _of(_Kernels.hyperbolic, lambda _, c: 1 / c),
    "csch": _of(_Kernels.hyperbolic, lambda s, _: 1 / s),
    "Abs": lambda k, u: k.absolute(u),
    "sign": lambda k, u: k.absolute(u) / u,
    **dict.fromkeys(("sigmoid", "logistic", "expit"), lambda k, u: 1 / (1 + 1 / k.exponential(u))),
    "softplus": lambda k, u: k.logarithm(1 + k.exponential(u)),
}


def _terms(expression: sp.Basic) -> int:
    """How many terms an expression may have when multiplied out; counting stops at a large number."""
    counts: dict[sp.Basic, int] = {}
    for node in sp.postorder_traversal(expression):
        if isinstance(node, sp.Add):
            count = sum(counts[a] for a in node.args)
        elif isinstance(node, sp.Mul):
            count = 1
            for a in node.args:
                count = min(count * counts[a], 10**9)
        elif isinstance(node, sp.Pow) and node.exp.is_Integer:
            count = counts[node.base] ** min(abs(int(node.exp)), 30)
        else:
            count = 1
        counts[node] = min(count, 10**9)
    return counts[expression]
