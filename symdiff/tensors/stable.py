"""Sums of exponentials in a form that neither overflows nor loses all of them: log-sum-exp and softmax.

A sum over an axis, S = sum_k w_k exp(u_k), is computed as exp(m) S' with m = max_k u_k and S' = sum_k w_k exp(u_k - m).
Then log S = m + log S', and a quotient exp(v)/S is exp(v - m)/S'. Both are true for any m, so m has no derivative.
Source: Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41
(2021). The logarithm of a determinant is taken by its factors, whose product may overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from symdiff.graph import Graph, Static
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import contract, lengths_of
from symdiff.tensors.layout import BROADCAST, EXPAND, broadcast_to
from symdiff.tensors.linear_algebra import LOG_DETERMINANT
from symdiff.tensors.reductions import LOG_SUM_EXP, TOP

# factors of one product that are looked at
MOST_FACTORS = 64


@dataclass
class _Product:
    """A product as sign * exp(sum of exponents) * factors / divisors."""

    exponents: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    factors: list[int] = field(default_factory=list[int])
    divisors: list[int] = field(default_factory=list[int])
    negative: bool = False


@dataclass(frozen=True)
class _Scaled:
    """A sum as exp(top) * rest; with no weights its logarithm is one node."""

    top: int
    rest: int
    logarithm: int | None


def stable_arrays(graph: Graph) -> Graph:
    """The same function with sums of exponentials scaled and logarithms of determinants, in time linear in the graph.

    >>> from symdiff.from_sympy import graph_of
    >>> x, i = sp.IndexedBase("x"), sp.Symbol("i", integer=True)
    >>> g = stable_arrays(graph_of([sp.log(sp.Sum(sp.exp(x[i]), (i, 0, 9)))]))
    >>> [step.function.name for step in g.applications]
    ['slice', 'log_sum_exp']
    """
    names = {step.function.name for step in graph.applications}
    if names.isdisjoint(("exp", "determinant")):
        return graph
    rewriter = _Rewriter(GraphBuilder())
    places = rewriter.builder.leaves(graph)
    for step in graph.applications:
        here = tuple(places[operand] for operand in step.operands)
        found = rewriter.found(step.function.name, here)
        places[step.node] = rewriter.builder.apply(step.function, here, step.static) if found is None else found
    return rewriter.builder.finish([places[node] for node in graph.outputs])


class _Rewriter:
    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self._scaled: dict[int, _Scaled | None] = {}

    def found(self, name: str, operands: tuple[int, ...]) -> int | None:
        """What to compute instead of a function of operands, if there is something."""
        if name == "log":
            return self._log(operands[0])
        if name in ("multiply", "divide"):
            return self._quotient(name, operands)
        return None

    def _log(self, node: int) -> int | None:
        b = self.builder
        matrix = b.parts(node, "determinant")
        if matrix is not None:
            return b.apply(LOG_DETERMINANT, matrix)
        product = self._product([(node, False)])
        if product is None or product.negative:
            return None
        others = [*((n, False) for n in product.factors), *((n, True) for n in product.divisors)]
        if all(self._sum_below(n) is None for n, _ in others):
            return None
        terms: list[tuple[int, bool]] = list(product.exponents)
        for factor, minus in others:
            # the logarithm of a product is a sum of logarithms where the factors are positive, as exponentials are
            logarithm = self._logarithm(factor)
            if logarithm is None:
                return None
            terms.append((logarithm, minus))
        return self._added(terms)

    def _logarithm(self, node: int) -> int | None:
        """Node of the stable logarithm of a factor, None where there is none."""
        b, value = self.builder, self.builder.value_of(node)
        if value is not None and value.is_positive:
            return b.constant(sp.Integer(0)) if value == 1 else b.call("log", node)
        below = self._sum_below(node)
        if below is None:
            return None
        wrappers, scaled = below
        logarithm = scaled.logarithm
        if logarithm is None:
            logarithm = b.call("add", scaled.top, b.call("log", scaled.rest))
        return self._wrapped(logarithm, wrappers)

    def _quotient(self, name: str, operands: tuple[int, ...]) -> int | None:
        b = self.builder
        product = self._product([(operands[0], False), (operands[1], name == "divide")])
        if product is None or not product.exponents:
            return None
        sums = [self._sum_below(node) for node in product.divisors]
        if all(found is None for found in sums):
            return None
        exponents = list(product.exponents)
        divisors: list[int] = []
        for node, found in zip(product.divisors, sums, strict=True):
            if found is None:
                divisors.append(node)
                continue
            exponents.append((self._wrapped(found[1].top, found[0]), True))
            divisors.append(self._wrapped(found[1].rest, found[0]))
        result = b.call("exp", self._added(exponents))
        for divisor in divisors:
            result = b.call("divide", result, divisor)
        for factor in product.factors:
            result = b.call("multiply", factor, result)
        return b.call("negate", result) if product.negative else result

    def _product(self, pending: list[tuple[int, bool]]) -> _Product | None:
        """Factors of a product, each with whether it divides; None where they are too many."""
        b, product, seen = self.builder, _Product(), 0
        while pending:
            node, inverse = pending.pop()
            seen += 1
            if seen > MOST_FACTORS:
                return None
            name, operands = b.operation(node)
            if name == "negate":
                product.negative = not product.negative
                pending.append((operands[0], inverse))
            elif name == "multiply":
                pending += [(operands[1], inverse), (operands[0], inverse)]
            elif name == "divide":
                pending += [(operands[1], not inverse), (operands[0], inverse)]
            elif name == "exp":
                product.exponents.append((operands[0], inverse))
            elif b.value_of(node) != 1:
                (product.divisors if inverse else product.factors).append(node)
        return product

    def _sum_below(self, node: int) -> tuple[list[tuple[str, Static]], _Scaled] | None:
        """A sum of exponentials, and the operations by which its axes were brought into place, innermost first."""
        b = self.builder
        wrappers: list[tuple[str, Static]] = []
        while (name := b.operation(node)[0]) in ("expand", "broadcast"):
            wrappers.insert(0, (name, b.static_of(node)))
            node = b.operation(node)[1][0]
        if node not in self._scaled:
            self._scaled[node] = self._scale(node)
        scaled = self._scaled[node]
        return None if scaled is None else (wrappers, scaled)

    def _wrapped(self, node: int, wrappers: Sequence[tuple[str, Static]]) -> int:
        for name, static in wrappers:
            node = self.builder.apply(EXPAND if name == "expand" else BROADCAST, (node,), static)
        return node

    def _scale(self, node: int) -> _Scaled | None:
        b = self.builder
        operands = b.parts(node, "contract")
        if operands is None:
            return None
        *parts, result = b.static_of(node)[0]
        letters = "".join(dict.fromkeys("".join(parts)))
        if any(len(set(part)) < len(part) for part in parts) or len(result) == len(letters):
            return None
        # the result's axes first, then those that are summed over
        order = result + "".join(letter for letter in letters if letter not in result)
        exponents: list[tuple[int, bool]] = []
        weights: list[tuple[int, str]] = []
        for operand, part in zip(operands, parts, strict=True):
            product = self._product([(operand, False)])
            if product is None or not product.exponents:
                weights.append((operand, part))
                continue
            exponents += [(self._placed(u, part, order), minus) for u, minus in product.exponents]
            rest = self._rest(product)
            if b.value_of(rest) != 1:
                weights.append((broadcast_to(b, rest, b.shape(operand)), part))
        if not exponents:
            return None
        total = self._added(exponents)
        lengths = lengths_of([b.shape(operand) for operand in operands], b.static_of(node)[0])
        total = broadcast_to(b, total, tuple(lengths[letter] for letter in order))
        axes = tuple(range(len(result), len(order)))
        logarithm: int | None = None
        if not weights:
            logarithm = total
            for axis in reversed(axes):
                logarithm = b.apply(LOG_SUM_EXP, (logarithm,), (axis,))
        top = b.apply(TOP, (total,), (axes,))
        inside = b.call("exp", b.call("subtract", total, b.apply(EXPAND, (top,), (axes,))))
        rest = contract(b, [*(w for w, _ in weights), inside], [*(part for _, part in weights), order, result])
        return _Scaled(top, rest, logarithm)

    def _rest(self, product: _Product) -> int:
        b = self.builder
        result = b.constant(sp.Integer(1))
        for factor in product.factors:
            result = b.call("multiply", result, factor)
        for divisor in product.divisors:
            result = b.call("divide", result, divisor)
        return b.call("negate", result) if product.negative else result

    def _placed(self, node: int, letters: str, order: str) -> int:
        """A node with axes named by letters, or the last ones of these, with axes in the order of `order`."""
        b = self.builder
        rank = len(b.shape(node))
        if not rank:
            return node
        own = letters[len(letters) - rank :]
        wanted = "".join(letter for letter in order if letter in own)
        node = contract(b, [node], [own, wanted])
        inserted = tuple(place for place, letter in enumerate(order) if letter not in own)
        return b.apply(EXPAND, (node,), (inserted,)) if inserted else node

    def _added(self, terms: Sequence[tuple[int, bool]]) -> int:
        b = self.builder
        (first, negative), *rest = terms
        result = b.call("negate", first) if negative else first
        for node, minus in rest:
            result = b.call("subtract" if minus else "add", result, node)
        return result
