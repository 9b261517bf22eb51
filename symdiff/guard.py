"""Guards: a branch that is not taken is evaluated at a regular point, so that it cannot poison value or gradient.

`where(c, sqrt(x), 0)` differentiated by any machine gives 0 * inf = NaN where c is false. So every nonlinear node
that is needed only when some branch is taken gets its operands replaced, when the branch is not taken, by a point at
which it and its partials are finite (the `regular` point of its domain). Zero adjoints then meet finite partials, at
every order. So it is with the operand of Max and Min that is not taken, where it holds what may overflow. Through a
condition no derivative flows: it is computed on its own, without guards, so that a branch may be guarded by a condition
on its own nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symdiff.extremes import EXTREMES, may_overflow, opened
from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operation import Operation

LINEAR = frozenset({"add", "subtract", "negate", "select"})
# beyond this many alternatives a node counts as always needed
MOST_ALTERNATIVES = 16


@dataclass(frozen=True, eq=False)
class Branch:
    """A chain of branches, outermost last: within `outer`, the condition node has this truth. None is "always"."""

    condition: int
    truth: bool
    outer: Branch | None
    depth: int


# a node is needed in any of these branches
Need = frozenset["Branch | None"]
ALWAYS: Need = frozenset({None})


def guarded(graph: Graph) -> Graph:
    """The same function with guards around its branches; the graph itself where it has no branches.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = guarded(graph_of([sp.Piecewise((sp.sqrt(x), x > 0), (0, True))]))
    >>> [step.function.name for step in g.applications]
    ['less', 'select', 'sqrt', 'select']
    """
    graph = _with_open_extremes(graph)
    if all(step.function.name != "select" for step in graph.applications):
        return graph
    return _Guard(graph, _needs(graph)).run()


def _with_open_extremes(graph: Graph) -> Graph:
    """The graph with each Max and Min written as branches of which an operand holds a node that may overflow."""
    if all(step.function.name not in EXTREMES for step in graph.applications):
        return graph
    branching, stands_for = opened(graph)
    needs = _needs(branching)
    which: set[int] = set()
    seen: set[int] = set()
    for step in filter(may_overflow, branching.applications):
        for need in needs[step.node]:
            branch = need
            while branch is not None and id(branch) not in seen:
                seen.add(id(branch))
                which.update({stands_for[branch.condition]} if branch.condition in stands_for else ())
                branch = branch.outer
    return opened(graph, which)[0] if which else graph


def _needs(graph: Graph) -> list[Need]:
    needs: list[set[Branch | None]] = [set() for _ in range(len(graph))]
    interned: dict[tuple[int, bool, int], Branch] = {}

    def within(outer: Branch | None, condition: int, truth: bool) -> Branch:
        branch = Branch(condition, truth, outer, 1 if outer is None else outer.depth + 1)
        return interned.setdefault((condition, truth, id(outer)), branch)

    for output in graph.outputs:
        needs[output] = {None}
    for node, function, operands, _ in reversed(graph.applications):
        alternatives = needs[node]
        if function.name != "select":
            if isinstance(function, Operation):
                # an entry of an operand belongs to no one entry of the result, unless the condition is for all
                alternatives = {b if b is not None and _scalar(graph, b) else None for b in alternatives}
            for operand in operands:
                needs[operand] |= alternatives
        else:
            condition, taken, otherwise = operands
            needs[taken] |= {within(branch, condition, True) for branch in alternatives}
            needs[otherwise] |= {within(branch, condition, False) for branch in alternatives}
        for operand in operands:
            needs[operand] = _absorbed(needs[operand], interned)
    return [frozenset(need) for need in needs]


def _scalar(graph: Graph, branch: Branch) -> bool:
    """Whether all conditions of a branch are numbers."""
    inner: Branch | None = branch
    while inner is not None and not graph.shape(inner.condition):
        inner = inner.outer
    return inner is None


def _steering(graph: Graph) -> set[int]:
    """All nodes that conditions are made of."""
    found = {step.operands[0] for step in graph.applications if step.function.name == "select"}
    for step in reversed(graph.applications):
        if step.node in found:
            found.update(step.operands)
    return found


def _absorbed(need: set[Branch | None], interned: dict[tuple[int, bool, int], Branch]) -> set[Branch | None]:
    """Drop a branch within another one, and join the two branches of one condition."""
    while len(need) > 1:
        if None in need or len(need) > MOST_ALTERNATIVES:
            return {None}
        branches = [branch for branch in need if branch is not None]
        pair = next((b for b in branches if interned.get((b.condition, not b.truth, id(b.outer))) in need), None)
        if pair is not None:
            need = (need - {pair, interned[pair.condition, not pair.truth, id(pair.outer)]}) | {pair.outer}
            continue
        inner = next((b for b in branches if _inside(b, branches)), None)
        if inner is None:
            break
        need = need - {inner}
    return need


def _inside(branch: Branch, others: list[Branch]) -> bool:
    shallowest = min(other.depth for other in others)
    outer = branch.outer
    while outer is not None and outer.depth >= shallowest:
        if any(outer is other for other in others):
            return True
        outer = outer.outer
    return False


@dataclass(eq=False)
class _Guard:
    graph: Graph
    needs: list[Need]

    def run(self) -> Graph:
        graph = self.graph
        self.builder = builder = GraphBuilder()
        self.places = builder.leaves(graph)
        self.steering = list(self.places)
        self.taken: dict[int, int] = {}
        steers = _steering(graph)
        for step in graph.applications:
            if step.node in steers:
                operands = tuple(self.steering[operand] for operand in step.operands)
                self.steering[step.node] = builder.apply(step.function, operands, step.static)
        for step in graph.applications:
            if self.needs[step.node]:
                self.places[step.node] = self._place(step)
        return builder.finish([self.places[output] for output in graph.outputs])

    def _guards(self, step: Application) -> bool:
        function, constants = step.function, self.graph.constants
        if (
            self.needs[step.node] == ALWAYS
            or function.name in LINEAR | EXTREMES
            or all(d.truth for d in function.domain)
        ):
            return False
        if function.name == "multiply" and any(operand in constants for operand in step.operands):
            return False
        entered = any(self.needs[i] != self.needs[step.node] and i not in constants for i in step.operands)
        return entered or not function.regular

    def _place(self, step: Application) -> int:
        builder = self.builder
        if step.function.name == "select":
            condition, *branches = step.operands
            return builder.apply(step.function, (self.steering[condition], *(self.places[b] for b in branches)))
        operands = [self.places[operand] for operand in step.operands]
        if self._guards(step):
            alternatives = [self._taken(branch) for branch in self.needs[step.node] if branch is not None]
            taken = min(alternatives)
            for alternative in sorted(alternatives)[1:]:
                taken = builder.call("or", taken, alternative)
            operands = [
                operand
                if domain.truth or original in self.graph.constants
                else builder.call("select", taken, operand, builder.constant(sp.Float(domain.regular)))
                for original, operand, domain in zip(
                    step.operands, operands, step.function.domain_of(step.static), strict=True
                )
            ]
        return builder.apply(step.function, tuple(operands), step.static)

    def _taken(self, branch: Branch) -> int:
        """Node that holds where all conditions of a branch do; outer branches are shared."""
        chain = [branch]
        while chain[-1].outer is not None and id(chain[-1]) not in self.taken:
            chain.append(chain[-1].outer)
        for inner in reversed(chain):
            if id(inner) not in self.taken:
                condition = self.steering[inner.condition]
                holds = condition if inner.truth else self.builder.call("not", condition)
                within = None if inner.outer is None else self.taken[id(inner.outer)]
                self.taken[id(inner)] = holds if within is None else self.builder.call("and", within, holds)
        return self.taken[id(branch)]
