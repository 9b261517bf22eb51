"""Guards: a branch that is not taken is evaluated at a regular point, so that it cannot poison value or gradient.

`where(c, sqrt(x), 0)` differentiated by any machine gives 0 * inf = NaN where c is false. So every nonlinear node
that is needed only when some branch is taken gets its operands replaced, when the branch is not taken, by a point at
which it and its partials are finite (the `regular` point of its domain). Zero adjoints then meet finite partials, at
every order.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder

# a node is needed if, for one of these sets, all of its (condition node, truth) pairs hold; the empty set is "always"
Need = frozenset[frozenset[tuple[int, bool]]]
ALWAYS: Need = frozenset([frozenset()])
# beyond this many alternatives a node counts as always needed
MOST_ALTERNATIVES = 16


def guarded(graph: Graph) -> Graph:
    """The same function with guards around its branches; the graph itself where it has no branches.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = guarded(graph_of([sp.Piecewise((sp.sqrt(x), x > 0), (0, True))]))
    >>> [step.function.name for step in g.applications]
    ['less', 'select', 'sqrt', 'select']
    """
    if all(step.function.name != "select" for step in graph.applications):
        return graph
    return _Guard(graph, _needs(graph)).run()


def _needs(graph: Graph) -> list[Need]:
    needs: list[set[frozenset[tuple[int, bool]]]] = [set() for _ in range(len(graph))]
    for output in graph.outputs:
        needs[output] = set(ALWAYS)
    for node, function, operands, _ in reversed(graph.applications):
        alternatives = needs[node]
        if function.name != "select":
            for operand in operands:
                needs[operand] |= alternatives
        else:
            condition, taken, otherwise = operands
            needs[condition] |= alternatives
            needs[taken] |= {alternative | {(condition, True)} for alternative in alternatives}
            needs[otherwise] |= {alternative | {(condition, False)} for alternative in alternatives}
        for operand in operands:
            needs[operand] = _absorb(needs[operand])
    return [frozenset(need) for need in needs]


def _absorb(need: set[frozenset[tuple[int, bool]]]) -> set[frozenset[tuple[int, bool]]]:
    """Drop alternatives that another one covers: A or (A and B) is A; (A and B) or (A and not B) is A."""
    if len(need) > MOST_ALTERNATIVES or frozenset() in need:
        return set(ALWAYS)
    changed = True
    while changed:
        changed = False
        for alternative in list(need):
            if any(other < alternative for other in need):
                need.discard(alternative)
                changed = True
                continue
            for condition, truth in alternative:
                rest = alternative - {(condition, truth)}
                if rest | {(condition, not truth)} in need:
                    need = {a for a in need if not rest <= a} | {rest}
                    changed = True
                    break
            if changed:
                break
    return need


@dataclass(eq=False)
class _Guard:
    graph: Graph
    needs: list[Need]

    def run(self) -> Graph:
        graph = self.graph
        self.builder = builder = GraphBuilder()
        self.places: dict[int, int] = {node: builder.input(symbol) for node, symbol in graph.symbols.items()}
        self.places |= {node: builder.constant(value) for node, value in graph.constants.items()}
        steps = {step.node: step for step in graph.applications}
        # a condition must come before what it guards, so nodes are placed on demand
        pending = [(output, False) for output in reversed(graph.outputs)]
        open_nodes: set[int] = set()
        while pending:
            node, ready = pending.pop()
            if node in self.places:
                continue
            step = steps[node]
            if ready:
                self.places[node] = self._place(step)
                open_nodes.discard(node)
                continue
            open_nodes.add(node)
            pending.append((node, True))
            pending.extend((operand, False) for operand in reversed(step.operands))
            if self._guards(step):
                conditions = {condition for alternative in self.needs[node] for condition, _ in alternative}
                if conditions & open_nodes:
                    # a condition that itself needs this node: the node is always computed
                    self.needs[node] = ALWAYS
                else:
                    pending.extend((condition, False) for condition in conditions)
        return builder.finish([self.places[output] for output in graph.outputs])

    def _guards(self, step: Application) -> bool:
        if self.needs[step.node] == ALWAYS or step.function.name in ("add", "subtract", "negate", "select"):
            return False
        if all(domain.truth for domain in step.function.domain):
            return False
        entered = any(self.needs[i] != self.needs[step.node] and i not in self.graph.constants for i in step.operands)
        return entered or not step.function.regular

    def _place(self, step: Application) -> int:
        builder = self.builder
        operands = [self.places[operand] for operand in step.operands]
        if self._guards(step) and all(
            condition in self.places for alternative in self.needs[step.node] for condition, _ in alternative
        ):
            taken = self._taken(self.needs[step.node])
            operands = [
                operand
                if domain.truth or original in self.graph.constants
                else builder.call("select", taken, operand, builder.constant(sp.Float(domain.regular)))
                for original, operand, domain in zip(step.operands, operands, step.function.domain_of(step.static), strict=True)
            ]
        return builder.apply(step.function, tuple(operands), step.static)

    def _taken(self, need: Need) -> int:
        builder = self.builder
        anyone: int | None = None
        for alternative in sorted(need, key=sorted):
            every: int | None = None
            for condition, truth in sorted(alternative):
                holds = self.places[condition] if truth else builder.call("not", self.places[condition])
                every = holds if every is None else builder.call("and", every, holds)
            if every is not None:
                anyone = every if anyone is None else builder.call("or", anyone, every)
        return builder.constant(sp.true) if anyone is None else anyone
