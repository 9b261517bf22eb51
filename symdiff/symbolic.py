"""The symbolic route: SymPy's own derivative of each function, accumulated in reverse over the shared graph.

For y = f(...), the adjoint of a node v is the sum over its users z of adjoint(z) * dz/dv. Each local partial dz/dv is
obtained from SymPy once for each function and spliced in, so deriving costs time linear in the operations of the
model, and the gradient has at most a small multiple of them (Griewank and Walther, Evaluating Derivatives, 2nd ed.
2008, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import sympy as sp

from symdiff.collection import collection_paused
from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.function import Absence, Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import Application, Graph, Static, still
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operation import Operation


@lru_cache(maxsize=4096)
def operand_names(function: Function) -> tuple[sp.Symbol, ...]:
    """Names that stand for the operands of a function when a rule of it is written out."""
    names = ("u", "v", "p", "q")
    return tuple(
        sp.Symbol(name) if domain.truth else sp.Symbol(name, real=True)
        for name, domain in zip(names, function.domain, strict=False)
    )


@lru_cache(maxsize=4096)
def local_partial(function: Function, operand: int, static: Static = ()) -> sp.Expr:
    """SymPy's derivative of a function in one operand, in the names of `operand_names`.

    Raises UnsupportedError where the function table says that there is no derivative in this operand.

    >>> from symdiff.functions import FUNCTIONS
    >>> local_partial(FUNCTIONS["tanh"], 0), local_partial(FUNCTIONS["power_integer"], 0, (3,))
    (1 - tanh(u)**2, 3*u**2)
    """
    if function.partials[operand] is Absence.ZERO:
        return sp.Integer(0)
    if function.partials[operand] is Absence.NONDIFFERENTIABLE:
        raise UnsupportedError(function.not_differentiable(operand))
    names = operand_names(function)
    own = sp.diff(function.sympy(*names, *map(sp.sympify, static)), names[operand])
    # what SymPy cannot differentiate it leaves as it is
    rule = _stable(function, operand, static) if own.has(sp.Derivative, sp.Subs) else None
    return own if rule is None else rule


def _stable(function: Function, operand: int, static: Static) -> sp.Expr | None:
    """The rule of the table that takes the place of SymPy's own, if there is one."""
    rule = function.rules[operand] if function.rules else None
    return None if rule is None else rule(*operand_names(function), *map(sp.sympify, static))


@lru_cache(maxsize=4096)
def _rule(function: Function, operand: int, static: Static, textbook: bool) -> tuple[Graph, tuple[int, ...]]:
    """The local partial as a graph, and the node of each operand in it (-1 where it does not occur)."""
    stable = None if textbook else _stable(function, operand, static)
    graph = graph_of([local_partial(function, operand, static) if stable is None else stable])
    return graph, tuple(graph.inputs.get(name, -1) for name in operand_names(function))


def rule(function: Function, operand: int, static: Static = ()) -> tuple[Graph, tuple[int, ...]]:
    """The local partial that is computed with, as a graph, and the node of each operand in it (-1: it does not occur).

    >>> from symdiff.functions import FUNCTIONS
    >>> rule(FUNCTIONS["sin"], 0)[0].operation_count
    1
    """
    return _rule(function, operand, static, False)


def accumulate(
    builder: GraphBuilder,
    graph: Graph,
    places: Sequence[int],
    outputs: Sequence[int],
    wrt: Sequence[int],
    textbook: bool = False,
) -> Iterator[list[int]]:
    """Add to `builder` the adjoints of the nodes `wrt` for each output of `graph`, whose nodes stand there at `places`.

    Yields their nodes in `builder`, a list an output; a node that the output does not depend on gets the constant 0.
    With `textbook` every rule is SymPy's own, to be read; else those of the table's `rules` that keep more digits are
    taken. An output costs time in the nodes that it needs, not in all.
    """
    zero = builder.constant(sp.Integer(0))
    for adjoints, _ in adjoint_sweeps(builder, graph, places, outputs, wrt, textbook):
        yield [adjoints.get(node, zero) for node in wrt]


def adjoint_sweeps(
    builder: GraphBuilder,
    graph: Graph,
    places: Sequence[int],
    outputs: Sequence[int],
    wrt: Sequence[int],
    textbook: bool = False,
) -> Iterator[tuple[dict[int, int], int]]:
    """The sweeps of `accumulate`, of each output the adjoints that are not zero by structure, and the nodes visited."""
    active = graph.depends_on(wrt).tolist()
    steps = {step.node: step for step in graph.applications if active[step.node]}
    one = builder.constant(sp.Integer(1))
    # in a graph of plain numbers nothing has to be asked at each step
    simple = not graph.shapes and not textbook and not builder.applies("select")
    for output in outputs:
        adjoints: dict[int, int] = {output: one}
        visited = _needed(steps, output)
        for node in visited:
            adjoint = adjoints.get(node)
            if adjoint is None:
                continue
            step = steps[node]
            for position, operand in enumerate(step.operands):
                if not active[operand] or still(step, position):
                    continue
                if simple and not builder.applies("select"):
                    partial = _computed(builder, step, position, places)
                    added = builder.apply(_MULTIPLY, (adjoint, partial))
                    known = adjoints.get(operand)
                    adjoints[operand] = added if known is None else builder.apply(_ADD, (known, added))
                    continue
                added = contribution(builder, graph, step, position, adjoint, places, textbook)
                known = adjoints.get(operand)
                adjoints[operand] = added if known is None else sum_of(builder, known, added)
        yield adjoints, len(visited)


def contribution(
    builder: GraphBuilder,
    graph: Graph,
    step: Application,
    position: int,
    adjoint: int,
    places: Sequence[int],
    textbook: bool,
) -> int:
    """What one step adds to the adjoint of one operand."""
    if isinstance(step.function, Operation):
        here = tuple(places[operand] for operand in step.operands)
        return step.function.derived(builder, position, adjoint, here, step.static, places[step.node])
    partial = partial_of(builder, step, position, places, textbook)
    product = product_of(builder, adjoint, partial)
    if not graph.shapes:
        return product
    full, own = graph.shape(step.node), graph.shape(step.operands[position])
    if full == own:
        return product
    from symdiff.tensors.layout import reduced

    # an operand that was copied along an axis collects what comes back along it
    return reduced(builder, product, full, own)


def tangents(builder: GraphBuilder, graph: Graph, places: Sequence[int], source: int) -> list[int]:
    """Add to `builder` the derivatives of the outputs of `graph` in its node `source`, accumulated front to back.

    The rules are those of `accumulate`; where the two differ, one of the sweeps is wrong.
    """
    return directional(builder, graph, places, {source: builder.constant(sp.Integer(1))})


def directional(
    builder: GraphBuilder, graph: Graph, places: Sequence[int], seeds: Mapping[int, int], textbook: bool = False
) -> list[int]:
    """Add to `builder` the derivatives of the outputs of `graph` along a direction, by one sweep from front to back.

    `seeds` gives the direction: to a node of `graph` the node of `builder` that is its component there.
    """
    found = dict(seeds)
    for step in graph.applications:
        total: int | None = None
        for position, operand in enumerate(step.operands):
            if operand not in found or still(step, position):
                continue
            term = product_of(builder, found[operand], partial_of(builder, step, position, places, textbook))
            total = term if total is None else sum_of(builder, total, term)
        if total is not None:
            found[step.node] = total
    zero = builder.constant(sp.Integer(0))
    return [found.get(node, zero) for node in graph.outputs]


def _needed(steps: Mapping[int, Application], output: int) -> list[int]:
    """Those of the steps that an output needs, the last first."""
    needed: set[int] = {output} & steps.keys()
    pending = list(needed)
    while pending:
        for operand in steps[pending.pop()].operands:
            if operand in steps and operand not in needed:
                needed.add(operand)
                pending.append(operand)
    return sorted(needed, reverse=True)


def partial_of(builder: GraphBuilder, step: Application, position: int, places: Sequence[int], textbook: bool) -> int:
    """Node of a local partial of one step."""
    here = [places[operand] for operand in step.operands]
    if textbook and step.function.name == "power" and position == 1 and builder.value_of(here[0]) == 0:
        # 0**v is 0 for v > 0 and has no derivative elsewhere; SymPy's 0**v*log(0) has no value anywhere
        zero = builder.constant(sp.Integer(0))
        return builder.call("select", builder.call("less", zero, here[1]), zero, builder.constant(sp.nan))
    return _computed(builder, step, position, places, textbook)


def _computed(
    builder: GraphBuilder, step: Application, position: int, places: Sequence[int], textbook: bool = False
) -> int:
    """Node of a local partial by its rule."""
    key = (step.function, position, step.static, textbook)
    recipe = builder.kept.get(key)
    if recipe is None:
        recipe = builder.kept[key] = _recipe(builder, *key)
    fixed, steps, output = recipe
    values = [places[operand] for operand in step.operands]
    values += fixed
    for function, operands, static in steps:
        values.append(builder.apply(function, tuple([values[i] for i in operands]), static))
    return values[output]


_ADD, _MULTIPLY = FUNCTIONS["add"], FUNCTIONS["multiply"]


class _Recipe(NamedTuple):
    """A rule for one builder: of values numbered from the operands on, `fixed` nodes, then the steps."""

    fixed: tuple[int, ...]
    steps: tuple[tuple[Function, tuple[int, ...], Static], ...]
    output: int


def _recipe(builder: GraphBuilder, function: Function, position: int, static: Static, textbook: bool) -> _Recipe:
    rule, inputs = _rule(function, position, static, textbook)
    numbers = {source: operand for operand, source in enumerate(inputs) if source >= 0}
    leaves = builder.leaves(rule, dict.fromkeys(numbers, -1))
    fixed = [(node, place) for node, place in enumerate(leaves) if place >= 0]
    numbers |= {node: len(inputs) + k for k, (node, _) in enumerate(fixed)}
    start = len(inputs) + len(fixed)
    numbers |= {step.node: start + k for k, step in enumerate(rule.applications)}
    steps = [(s.function, tuple([numbers[i] for i in s.operands]), s.static) for s in rule.applications]
    return _Recipe(tuple(place for _, place in fixed), tuple(steps), numbers[rule.outputs[0]])


def _gate(builder: GraphBuilder, node: int) -> tuple[int, int] | None:
    """(condition, value) of a node that is `value` where the condition holds and zero elsewhere, else None."""
    inner = builder.parts(node, "negate")
    branches = builder.parts(node if inner is None else inner[0], "select")
    if branches is None:
        return None
    condition, taken, otherwise = branches
    if builder.value_of(otherwise) is sp.nan:
        return None
    if builder.value_of(taken) == 0:
        condition, taken, otherwise = builder.call("not", condition), otherwise, taken
    if builder.value_of(otherwise) != 0:
        return None
    return condition, taken if inner is None else builder.call("negate", taken)


def product_of(builder: GraphBuilder, adjoint: int, partial: int) -> int:
    """Multiply an adjoint by a partial; what is zero off a branch stays zero there, whatever the other factor is."""
    if not builder.applies("select"):
        return builder.call("multiply", adjoint, partial)
    gates = [_gate(builder, factor) for factor in (adjoint, partial)]
    factors = [factor if gate is None else gate[1] for factor, gate in zip((adjoint, partial), gates, strict=True)]
    product = builder.call("multiply", *factors)
    conditions = list(dict.fromkeys(gate[0] for gate in gates if gate is not None))
    if not conditions:
        return product
    condition = conditions[0] if len(conditions) == 1 else builder.call("and", *conditions)
    return builder.call("select", condition, product, builder.constant(sp.Integer(0)))


def sum_of(builder: GraphBuilder, first: int, second: int) -> int:
    """Add two contributions; two halves of one Piecewise become one."""
    if not builder.applies("select"):
        return builder.call("add", first, second)
    a, b = _gate(builder, first), _gate(builder, second)
    if a is not None and b is not None:
        if a[0] == b[0]:
            return builder.call("select", a[0], sum_of(builder, a[1], b[1]), builder.constant(sp.Integer(0)))
        if builder.parts(b[0], "not") == (a[0],):
            return builder.call("select", a[0], a[1], b[1])
        if builder.parts(a[0], "not") == (b[0],):
            return builder.call("select", b[0], b[1], a[1])
        # zero where neither branch is taken, and known to be so
        either = builder.call("or", a[0], b[0])
        return builder.call("select", either, builder.call("add", first, second), builder.constant(sp.Integer(0)))
    return builder.call("add", first, second)


@collection_paused()
def gradient_graph(graph: Graph, wrt: Sequence[sp.Symbol], textbook: bool = False) -> Graph:
    """Graph with outputs (value, partial in wrt[0], ...) of each output of `graph` in turn; see `accumulate`.

    >>> from symdiff.to_sympy import expressions_of
    >>> w, x, y = sp.symbols("w x y", real=True)
    >>> g = gradient_graph(graph_of([(w * x - y) ** 2]), [w])
    >>> expressions_of(g, g.outputs)
    [(w*x - y)**2, 2*x*(w*x - y)]
    """
    builder, places = GraphBuilder.of(graph), range(len(graph))
    sources = [graph.inputs.get(symbol, -1) for symbol in wrt]
    present = [node for node in sources if node >= 0]
    zero = builder.constant(sp.Integer(0))
    outputs: list[int] = []
    rows = accumulate(builder, graph, places, graph.outputs, present, textbook)
    for output, row in zip(graph.outputs, rows, strict=True):
        partials = dict(zip(present, row, strict=True))
        outputs += [places[output], *(_whole(builder, graph, partials.get(node, zero), node) for node in sources)]
    return builder.finish(outputs)


def _whole(builder: GraphBuilder, graph: Graph, partial: int, source: int) -> int:
    """A partial of the shape of what it was taken in."""
    if source not in graph.shapes:
        return partial
    from symdiff.tensors.layout import broadcast_to

    return broadcast_to(builder, partial, graph.shape(source))
