"""What the rewrites look for: sums of exponentials, sums of squares, products, and forms less one.

Every question is about nodes of a graph under construction. Answers about sums are remembered, and products and
denominators are walked only so far, so that all questions together cost time linear in the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import sympy as sp

from symdiff.functions import FUNCTIONS
from symdiff.graph_builder import GraphBuilder

Operands = tuple[int, ...]
Static = tuple[Any, ...]

# factors of a product that are looked at, and terms of a denominator
MOST_FACTORS = 16
MOST_TERMS = 64


@dataclass(eq=False)
class Forms:
    """Questions about the nodes of one graph under construction, and their answers."""

    builder: GraphBuilder
    _logs: dict[int, int | None] = field(default_factory=dict)
    _roots: dict[int, tuple[int, bool] | None] = field(default_factory=dict)

    # ---- small steps

    def integer(self, value: int) -> int:
        """Node of a whole number."""
        return self.builder.constant(sp.Integer(value))

    def is_integer(self, node: int, value: int) -> bool:
        """Whether a node is this whole number."""
        found = self.builder.value_of(node)
        return found is not None and found == value

    def power(self, base: int, exponent: int) -> int:
        """base**exponent for any whole exponent."""
        if exponent >= 0:
            return self.builder.apply(FUNCTIONS["power_integer"], (base,), (exponent,))
        if exponent == -1:
            return self.builder.call("divide", self.integer(1), base)
        return self.builder.apply(FUNCTIONS["power_negative"], (base,), (-exponent,))

    def inner(self, node: int, name: str) -> int | None:
        """The operand of a node that applies the function of that name."""
        parts = self.builder.parts(node, name)
        return None if parts is None else parts[0]

    def power_parts(self, node: int) -> tuple[int, int]:
        """(base, whole exponent) of a node; every node is its own first power."""
        for name, sign in (("power_integer", 1), ("power_negative", -1)):
            parts = self.builder.parts(node, name)
            if parts is not None:
                return parts[0], sign * int(cast("int", self.builder.static_of(node)[0]))
        return node, 1

    def opposite(self, u: int, v: int) -> bool:
        """Whether u is -v."""
        return self.builder.call("negate", u) == v

    def half(self, node: int) -> int:
        """Half of a node; of a doubled one, what was doubled."""
        b = self.builder
        inside = self.inner(node, "negate")
        body = node if inside is None else inside
        parts = b.parts(body, "multiply")
        doubled = [other for two, other in (parts, parts[::-1]) if self.is_integer(two, 2)] if parts else []
        found = doubled[0] if doubled else b.call("divide", body, self.integer(2))
        return found if inside is None else b.call("negate", found)

    def twice(self, node: int) -> int:
        """Two times a node."""
        return self.builder.call("multiply", self.integer(2), node)

    # ---- products

    def factors(self, node: int) -> list[int]:
        """Factors of a product, in order; a long one is left in part as it is."""
        found: list[int] = []
        pending = [node]
        while pending:
            current = pending.pop()
            parts = self.builder.parts(current, "multiply")
            if parts is None or len(found) + len(pending) >= MOST_FACTORS:
                found.append(current)
            else:
                pending += reversed(parts)
        return found

    def product(self, factors: list[int]) -> int:
        """The product of nodes, 1 of none."""
        result = self.integer(1)
        for factor in factors:
            result = self.builder.call("multiply", result, factor)
        return result

    # ---- sums of exponentials

    def log_of(self, node: int) -> int | None:
        """Logarithm of an exponential, of a positive number, or of a sum or a positive multiple of those."""
        pending = [(node, False)]
        while pending:
            current, ready = pending.pop()
            if current in self._logs:
                continue
            terms = self.builder.parts(current, "add")
            if terms is None:
                self._logs[current] = self._log_of_term(current)
            elif ready:
                first, second = (self._logs[term] for term in terms)
                self._logs[current] = None if first is None or second is None else self.log_sum(first, second)
            elif self._logs.get(terms[1], 0) is None:
                self._logs[current] = None
            else:
                pending += [(current, True), (terms[0], False), (terms[1], False)]
        return self._logs[node]

    def _log_of_term(self, node: int) -> int | None:
        b = self.builder
        if (exponent := self.inner(node, "exp")) is not None:
            return exponent
        value: Any = b.value_of(node)
        if value is not None:
            if value == 1:
                return self.integer(0)
            return b.call("log", node) if isinstance(value, sp.Number) and value.is_positive else None
        for name, combine in (("multiply", "add"), ("divide", "subtract")):
            parts = b.parts(node, name)
            if parts is None or all(b.value_of(part) is None for part in parts):
                continue
            logs = [self._log_of_factor(part) for part in parts]
            if None not in logs:
                return b.call(combine, *logs)  # type: ignore[arg-type]
        return None

    def _log_of_factor(self, node: int) -> int | None:
        value: Any = self.builder.value_of(node)
        if isinstance(value, (sp.Number, sp.NumberSymbol)) and value.is_positive:
            return self.builder.call("log", node)
        return self.inner(node, "exp")

    def log_sum(self, u: int, v: int) -> int:
        """log(exp(u) + exp(v))."""
        for zero, other in ((u, v), (v, u)):
            if self.is_integer(zero, 0):
                return self.builder.call("softplus", other)
        return self.builder.call("logaddexp", u, v)

    def is_sum_of_exponentials(self, node: int) -> bool:
        """Whether a node is a sum of exponentials, and of positive numbers and multiples."""
        return self.builder.parts(node, "add") is not None and self.log_of(node) is not None

    def terms(self, total: int) -> list[int]:
        """Terms of a sum; of a long one the first ones are left together."""
        terms = [total]
        while len(terms) < MOST_TERMS and (parts := self.builder.parts(terms[0], "add")) is not None:
            terms[:1] = parts
        return terms

    def share(self, total: int, part: int) -> int | None:
        """part/total of a sum of exponentials and one of its terms; None where it is no term.

        The sigmoid of the difference between the logarithms of the term and of all the others: what is left to 1 is
        never obtained by subtraction.
        """
        b, terms = self.builder, self.terms(total)
        if part not in terms:
            return None
        terms.remove(part)
        rest = self.log_of(terms[0])
        for term in terms[1:]:
            log = self.log_of(term)
            rest = None if rest is None or log is None else self.log_sum(rest, log)
        own = self.log_of(part)
        return None if rest is None or own is None else b.call("sigmoid", b.call("subtract", own, rest))

    # ---- sums of squares

    def root_of(self, node: int) -> tuple[int, bool] | None:
        """(r, whether r can never be 0) with r**2 the node, a sum or product of even powers and positive numbers."""
        pending = [(node, False)]
        while pending:
            current, ready = pending.pop()
            if current in self._roots:
                continue
            parts = next(
                (p for name in ("add", "multiply", "divide") if (p := self.builder.parts(current, name))), None
            )
            if parts is None:
                self._roots[current] = self._root_of_term(current)
            elif ready:
                first, second = (self._roots[part] for part in parts)
                self._roots[current] = None if first is None or second is None else self._joined(current, first, second)
            elif self._roots.get(parts[1], 0) is None:
                self._roots[current] = None
            else:
                pending += [(current, True), (parts[0], False), (parts[1], False)]
        return self._roots[node]

    def _joined(self, node: int, first: tuple[int, bool], second: tuple[int, bool]) -> tuple[int, bool]:
        b = self.builder
        for name in ("multiply", "divide"):
            if b.parts(node, name) is not None:
                return b.call(name, first[0], second[0]), first[1] and second[1]
        return b.call("hypot", first[0], second[0]), first[1] or second[1]

    def _root_of_term(self, node: int) -> tuple[int, bool] | None:
        b = self.builder
        value: Any = b.value_of(node)
        if value is not None:
            if not isinstance(value, (sp.Number, sp.NumberSymbol)) or not value.is_positive:
                return None
            root = sp.sqrt(value) if isinstance(value, sp.Rational) else None
            return b.constant(root) if isinstance(root, sp.Rational) else b.call("sqrt", node), True
        base, exponent = self.power_parts(node)
        if exponent % 2:
            return None
        inside = self.inner(base, "abs")
        return self.power(base if inside is None else inside, exponent // 2), exponent < 0
