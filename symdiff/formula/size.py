"""How large the numbers of a formula get: known before SymPy works them out, and checked again in what it returns.

SymPy multiplies out every power of numbers it meets: 9**9**9, (3*x)**n, exp(n*log(3)), 12**(p/q). So each part carries
an upper bound on the bits of such powers; with it the next step is refused before it is taken. What SymPy returns is
walked once, new parts only, and every number in it must be real, finite and of at most MAX_BITS bits, so that sizes do
not pile up from step to step.

SymPy also expands what it is given to answer questions of its own, such as that for the sign of (a + b + c)**1000 or
for the imaginary part of a power. So functions and powers that are not small are opaque: what is made of them, and of
all that holds them, stays as it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import mpmath
import sympy as sp

MAX_BITS = 4_096  # of a number; float64 ends at 1,024
MAX_WORK = 1_000_000  # bits of integers that SymPy forms on the way to a number that may be smaller
MAX_EXACT = 1_000  # for functions, such as a factorial, of which SymPy works out all digits
MAX_SMALL = 30  # nodes of a function or a power that is no polynomial, as it is written
MAX_EXPANDED = 1_000  # and of all parts when they are expanded
MANY = 1e6
DIGITS = 30  # of the values that tell how large a number is

# SymPy works out no digits of these, or not more than of the argument
_TAME = frozenset({
    "abs", "Abs", "acos", "acosh", "acot", "acoth", "acsc", "acsch", "asec", "asech", "asin", "asinh", "atan",
    "atan2", "atanh", "cbrt", "ceil", "ceiling", "conjugate", "cos", "cosh", "cosm1", "cot", "coth", "csc", "csch",
    "erf", "erfc", "erfi", "exp", "expm1", "floor", "frac", "Heaviside", "hypot", "im", "ln", "log", "log10",
    "log1p", "log2", "logaddexp", "max", "Max", "min", "Min", "Mod", "re", "real_root", "sec", "sech", "sigmoid",
    "sign", "sin", "sinc", "sinh", "softplus", "sqrt", "tan", "tanh",
})  # fmt: skip


class Size(NamedTuple):
    """What is known of one part of a formula.

    `nodes`: how many operations and operands it has, written out as a tree.
    `value`: what it is as a float, if it holds no symbols.
    `amount`: the magnitude of its numerical part: of a number itself, of a sum its constant term, else 0.
    `bits`: how many bits its numerical factors get when it is raised to the power 1.
    `logs`: the same for every n*log(c) inside, which exp turns into c**n.
    `terms`, `expanded`: how many terms and nodes it has as an expanded polynomial, at most MANY.
    `opaque`: it or a part of it is too large to have SymPy simplify what is made of it.
    """

    nodes: int
    value: sp.Float | None = None
    amount: float = 0.0
    bits: float = 0.0
    logs: float = 0.0
    terms: float = 1.0
    expanded: float = 1.0
    opaque: bool = False


class Sizes:
    """The sizes of all parts of one formula that were built so far.

    >>> sizes = Sizes()
    >>> sizes.refused(sp.Integer(9) ** 9)
    >>> sizes.power(sp.Integer(9), sp.Integer(9) ** 9)
    'it works out to a number of more than 4,096 bits'
    """

    def __init__(self) -> None:
        self._known: dict[sp.Basic, Size] = {}

    def __getitem__(self, part: sp.Basic) -> Size:
        """Return the size of a part of finite real numbers."""
        self.refused(part)
        return self._known[part]

    def power(self, base: sp.Expr, exponent: sp.Expr) -> str | None:
        """Say why base**exponent must not be worked out, or None if it may; both were built before."""
        if base.is_Number and not base and exponent.is_Number and exponent < 0:
            return "it divides by zero"
        bits, amount = self[base].bits, self[exponent].amount
        if bits and bits * amount > MAX_BITS:
            return f"it works out to a number of more than {MAX_BITS:,} bits"
        # 12**(p/q) forms 2**(2*p mod q) and 3**p, however small p/q is
        if bits and isinstance(exponent, sp.Rational) and max(abs(exponent.p), exponent.q) > MAX_WORK / bits:
            return f"its exponent takes numbers of more than {MAX_WORK:,} bits to work out; round it"
        return self.call("exp", [exponent])

    def product(self, factors: Iterable[sp.Expr]) -> str | None:
        """Say why the product of parts that were built must not be worked out."""
        if sum(self[factor].bits for factor in factors) > 4 * MAX_BITS:
            return f"its numbers multiply out to more than {MAX_BITS:,} bits"
        return None

    def sum(self, terms: Iterable[sp.Expr]) -> str | None:
        """Say why the sum of parts that were built must not be worked out: its common denominator is too large."""
        coefficients = (term.as_coeff_Mul()[0] for term in terms)
        if sum(math.log2(c.q) for c in coefficients if isinstance(c, sp.Rational)) > 16 * MAX_BITS:
            return "its fractions have too large a common denominator"
        return None

    def call(self, name: str, arguments: Iterable[sp.Basic]) -> str | None:
        """Say why a function of parts that were built must not be worked out."""
        for argument in arguments:
            if self[argument].logs > MAX_WORK:
                return "a logarithm in it is multiplied by too large a number"
            if name not in _TAME and isinstance(argument, sp.Rational) and self[argument].amount > MAX_EXACT:
                return f"exact numbers in {name} go up to {MAX_EXACT:,}; write it with a decimal point"
        return None

    def conditions(self, parts: Iterable[sp.Basic]) -> str | None:
        """Say why conditions must not be joined: SymPy would compare them in ways for which it may expand them."""
        if any(self[part].expanded >= MANY for part in parts):
            return "a power of a sum in it has too many terms to be compared"
        return None

    def refused(self, result: sp.Basic) -> str | None:
        """Measure what SymPy returned, new parts only; say why it cannot be part of a formula, or None."""
        todo = [result]
        while todo:
            part = todo[-1]
            new = [] if part in self._known else [argument for argument in part.args if argument not in self._known]
            if new:
                todo += new
                continue
            todo.pop()
            reason = None if part in self._known else self._measure(part)
            if reason:
                return reason
        return None

    def _measure(self, part: sp.Basic) -> str | None:
        sizes = [self._known[argument] for argument in part.args]
        number = (
            isinstance(part, sp.Expr)
            and not part.is_Matrix
            and (all(size.value is not None for size in sizes) if sizes else part.is_number)
        )
        value = _value(part, sizes) if number else None
        if isinstance(value, str):
            return value
        amount = sum(size.amount for size in sizes if size.value is not None) if isinstance(part, sp.Add) else 0.0
        bits, logs = self._bits(part, sizes), self._logs(part, sizes)
        nodes = 1 + sum(size.nodes for size in sizes)
        terms, expanded = _expanded(part, sizes)
        amount = amount if value is None else _magnitude(value)
        opaque = _is_large(part, nodes, expanded) or any(size.opaque for size in sizes)
        self._known[part] = Size(nodes, value, amount, bits, logs, min(terms, MANY), min(expanded, MANY), opaque)
        return None

    def _bits(self, part: sp.Basic, sizes: list[Size]) -> float:
        if isinstance(part, sp.Rational):
            return math.log2(max(abs(part.p), part.q))
        if isinstance(part, sp.Mul):
            return sum(size.bits for size in sizes)
        if isinstance(part, sp.Pow):
            return sizes[0].bits * sizes[1].amount if sizes[0].bits else 0.0
        # a power of one of these is taken of what is inside
        if isinstance(part, (sp.Abs, sp.Max, sp.Min, sp.Piecewise, sp.Tuple)):
            return max((size.bits for size in sizes), default=0.0)
        return 0.0

    def _logs(self, part: sp.Basic, sizes: list[Size]) -> float:
        inside = max((size.logs for size in sizes), default=0.0)
        if not isinstance(part, sp.Mul):
            return inside
        logs = [factor for factor in part.args if isinstance(factor, sp.log)]
        bits = max((self._known[factor.args[0]].bits for factor in logs), default=0.0)
        multiple = math.prod(size.amount for size in sizes if size.value is not None)
        return max(inside, bits * multiple if bits else 0.0)


def _is_large(part: sp.Basic, nodes: int, expanded: float) -> bool:
    """Whether SymPy may take long to answer a question of this part."""
    if not isinstance(part, sp.Expr):
        return False
    polynomial = isinstance(part, (sp.Add, sp.Mul)) or (isinstance(part, sp.Pow) and isinstance(part.exp, sp.Integer))
    if expanded > MAX_EXPANDED + 10 * nodes or (nodes > MAX_SMALL and not polynomial):
        return True
    # exp may make a power of this, and a fractional power of 2.5*sqrt(2)*x can keep SymPy 1.14 busy for minutes
    return isinstance(part, sp.log) and part.args[0].is_Mul and part.args[0].args[0].is_Float


def _expanded(part: sp.Basic, sizes: list[Size]) -> tuple[float, float]:
    """Return how many terms and, about, how many nodes a part has when it is expanded."""
    nodes = 1.0 + sum(size.expanded for size in sizes)
    if isinstance(part, sp.Add):
        return sum(size.terms for size in sizes), nodes
    if isinstance(part, sp.Mul):
        terms = math.prod(size.terms for size in sizes)
        return terms, sum(terms / size.terms * size.expanded for size in sizes)
    if isinstance(part, sp.Pow):
        n = math.floor(min(sizes[1].amount, MANY))  # b**(7/2) is expanded as b**3*b**(1/2), b**(3 + x) as b**3*b**x
        if part.base.is_Atom:
            return 1.0, nodes + n  # a polynomial of this degree
        # (a_1 + ... + a_k)**n has binomial(k + n - 1, n) terms; what may be complex has a real and an imaginary one
        k = max(2.0, sizes[0].terms)
        terms = math.exp(min(math.lgamma(k + n) - math.lgamma(n + 1) - math.lgamma(k), math.log(MANY)))
        return terms, terms * nodes
    return 1.0, nodes


def _value(part: sp.Expr, sizes: list[Size]) -> sp.Float | str:
    """Return a number as a float, or say why it is none: complex, infinite, too large or too small."""
    if isinstance(part, sp.Rational) and math.log2(max(abs(part.p), part.q)) > MAX_BITS:
        return f"it has more than {MAX_BITS:,} bits"
    try:
        exact = zip(part.args, sizes, strict=True)
        value: Any = (
            part.func(*(x if isinstance(x, sp.Rational) else size.value for x, size in exact)) if sizes else part
        )
        value = value.evalf(DIGITS)
        if not isinstance(value, (sp.Float, sp.Rational)) or not value:
            value = part.evalf(DIGITS)  # which takes more digits where they cancel
    except (ArithmeticError, TypeError, ValueError):
        return "it has no value that SymPy can work out"
    if not isinstance(value, (sp.Float, sp.Rational)):
        return "it is not a finite real number"
    value = sp.Float(value, DIGITS)
    if value and abs(mpmath.mag(value.num)) > MAX_BITS:
        return f"it is a number beyond 2**±{MAX_BITS:,}"
    return value


def _magnitude(value: sp.Float) -> float:
    return abs(float(value)) if mpmath.mag(value.num) < 1_024 else math.inf
