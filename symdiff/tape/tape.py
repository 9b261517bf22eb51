"""A graph as a tape: arrays of what each step does and to which values, padded to a size class.

Values are numbered: first the inputs, then the constants, each up to a size class, then one value a step. The operands
of steps are numbers of values. The machine stops at the tape's length, so what pads it is never run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.constants import nearest
from symdiff.errors import UnsupportedError
from symdiff.function import Absence, Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import Graph, Static

# operands of a step, at most, and those in which it has derivatives
OPERANDS, MOVING = 3, 2
# the smallest size classes
INPUTS, STEPS = 16, 64
# functions that every machine can do, so that one machine serves most expressions; powers with their exponents
COMMON: tuple[tuple[str, Static], ...] = (
    *(
        (name, ())
        for name in (
            *("add", "subtract", "multiply", "divide", "negate", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid"),
            *("softplus", "log1p", "expm1", "abs", "sign", "maximum", "minimum", "select", "less", "less_equal", "and"),
            *("or", "not", "equal", "power", "sech", "atan", "sinh", "cosh", "hypot"),
        )
    ),
    *(("power_integer", (n,)) for n in (2, 3, 4)),
    *(("power_negative", (n,)) for n in (1, 2, 3)),
)


class Kind(NamedTuple):
    """What a step may do: a function of the table with its static arguments."""

    function: Function
    static: Static

    @property
    def moving(self) -> tuple[int, ...]:
        """Positions of the operands in which there is a derivative."""
        return tuple(k for k, each in enumerate(self.function.partials) if not isinstance(each, Absence))

    @property
    def name(self) -> tuple[str, str]:
        """What kinds are ordered by."""
        return self.function.name, str(self.static)


@dataclass(frozen=True, eq=False)
class Tape:
    """Steps of a graph, all arrays padded to size classes.

    A row of `steps` is (kind, operands): a place in `kinds` and numbers of values; `outputs` are those of the `count`
    values asked for. The first values are those of `symbols`, and after `inputs` of them those of `constants`; the
    value of step s has the number `head + s`. `length` counts the steps before padding.
    """

    kinds: tuple[Kind, ...]
    steps: NDArray[np.int32]
    symbols: tuple[Any, ...]
    constants: tuple[sp.Basic, ...]
    outputs: NDArray[np.int32]
    count: int
    length: int

    @property
    def inputs(self) -> int:
        """How many values are kept for inputs."""
        return size_class(len(self.symbols), INPUTS)

    @property
    def head(self) -> int:
        """How many values stand before those of the steps."""
        return self.inputs + size_class(len(self.constants), INPUTS)

    def constant_values(self, dtype: Any) -> NDArray[Any]:
        """The values between those of the symbols and the steps; truth values are 0 and 1."""
        numbers = [float(c is sp.true) if c in (sp.true, sp.false) else nearest(c, dtype) for c in self.constants]
        found = np.ones(self.head - self.inputs, dtype)
        found[: len(numbers)] = numbers
        return found


def size_class(count: int, smallest: int = STEPS) -> int:
    """The next of 64, 96, 128, 192, 256, ...: powers of two and the middles between them.

    >>> size_class(65), size_class(100), size_class(1000), size_class(3, 16)
    (96, 128, 1024, 16)
    """
    size = smallest
    while size < count:
        middle = size + size // 2
        if middle >= count:
            return middle
        size *= 2
    return size


def tape_of(graph: Graph, symbols: tuple[Any, ...]) -> Tape:
    """The tape of a graph of scalars whose inputs are among `symbols`.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> tape = tape_of(graph_of([sp.sin(x) * x]), (x,))
    >>> tape.length, tape.head, tape.outputs[: tape.count].tolist()
    (2, 32, [33])
    """
    order = {symbol: k for k, symbol in enumerate(symbols)}
    constants = tuple(graph.constants.values())
    inputs = size_class(len(symbols), INPUTS)
    head = inputs + size_class(len(constants), INPUTS)
    nodes = np.flatnonzero(graph.operation >= 0)
    places = np.zeros(len(graph), np.int64)
    for node, symbol in graph.symbols.items():
        places[node] = order[symbol]
    places[list(graph.constants)] = inputs + np.arange(len(constants))
    places[nodes] = head + np.arange(len(nodes))
    kinds = _kinds(graph, nodes)
    numbers = {(kind.function, kind.static): k for k, kind in enumerate(kinds)}
    steps = np.zeros((size_class(len(nodes)), 1 + OPERANDS), np.int32)
    own = [numbers.get((function, ()), -1) for function in graph.functions]
    steps[: len(nodes), 0] = np.asarray(own, np.int32)[graph.operation[nodes]] if own else 0
    for node, static in graph.static.items():
        steps[places[node] - head, 0] = numbers[graph.functions[graph.operation[node]], static]
    starts, arity = graph.offsets[nodes], graph.offsets[nodes + 1] - graph.offsets[nodes]
    for k in range(OPERANDS):
        having = arity > k
        steps[: len(nodes), 1 + k][having] = places[graph.operands[starts[having] + k]]
    outputs = np.zeros(size_class(len(graph.outputs), INPUTS), np.int32)
    outputs[: len(graph.outputs)] = places[list(graph.outputs)]
    return Tape(kinds, steps, tuple(symbols), constants, outputs, len(graph.outputs), len(nodes))


def _kinds(graph: Graph, nodes: NDArray[np.int64]) -> tuple[Kind, ...]:
    """The kinds of a machine that can do the steps of a graph: the common ones, and what is needed besides."""
    common = {(FUNCTIONS[name], static) for name, static in COMMON if name in FUNCTIONS}
    plain = np.ones(len(graph), np.bool_)
    plain[list(graph.static)] = False
    needed = {(graph.functions[code], ()) for code in np.unique(graph.operation[nodes[plain[nodes]]]).tolist()}
    needed |= {(graph.functions[graph.operation[node]], static) for node, static in graph.static.items()}
    needed -= common
    extra = sorted((Kind(function, static) for function, static in needed), key=lambda kind: kind.name)
    return (*(Kind(FUNCTIONS[name], static) for name, static in COMMON if name in FUNCTIONS), *extra)


def edges_of(tape: Tape, moving: set[int]) -> tuple[NDArray[np.int32], int]:
    """The ways that adjoints take from the first output back to the values `moving`, the last first, and their number.

    Steps that the output does not need have none: zero times their infinite partials would be NaN. A row is (value of
    the step, partial, operand): the partials are numbered MOVING a step. Raises UnsupportedError where a function has
    no derivative in what moves.
    """
    slots = [{position: slot for slot, position in enumerate(kind.moving)} for kind in tape.kinds]
    partials = [kind.function.partials for kind in tape.kinds]
    steps = tape.steps[: tape.length].tolist()
    needed = [False] * (tape.head + tape.length)
    needed[tape.outputs[0]] = True
    for step in range(tape.length - 1, -1, -1):
        if needed[tape.head + step]:
            kind, *own = steps[step]
            for position in range(len(partials[kind])):
                needed[own[position]] = True
    active = [False] * (tape.head + tape.length)
    for place in moving:
        active[place] = True
    found: list[tuple[int, int, int]] = []
    for step, (kind, *own) in enumerate(steps):
        if not needed[tape.head + step]:
            continue
        here = slots[kind]
        for position, partial in enumerate(partials[kind]):
            operand = own[position]
            if not active[operand] or partial is Absence.ZERO:
                continue
            if position not in here:
                raise UnsupportedError(tape.kinds[kind].function.not_differentiable(position))
            active[tape.head + step] = True
            found.append((tape.head + step, MOVING * step + here[position], operand))
    edges = np.zeros((size_class(len(found)), 3), np.int32)
    if found:
        edges[: len(found)] = found[::-1]
    return edges, len(found)
