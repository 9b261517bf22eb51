"""A graph as a tape: arrays of what each step does and to which values, padded to a size class.

Values are numbered: first the inputs, then the constants, up to a size class, then one value a step. The operands of
steps are numbers of values. A step beyond the end negates the number one, so that padding makes no 0*inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.constants import nearest
from symdiff.function import Absence, Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import Application, Graph, Static

# operands of a step, at most
OPERANDS = 4
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
    def name(self) -> tuple[str, str]:
        """What kinds are ordered by."""
        return self.function.name, str(self.static)


@dataclass(frozen=True, eq=False)
class Tape:
    """Steps of a graph, all arrays padded to size classes.

    `kind[s]` is a place in `kinds`, `operands[s]` are numbers of values, `outputs` of those asked for. The first values
    are those of `symbols`, then `constants`; the value of step s has the number `head + s`. `length` counts the steps
    before padding.
    """

    kinds: tuple[Kind, ...]
    kind: NDArray[np.int32]
    operands: NDArray[np.int32]
    symbols: tuple[Any, ...]
    constants: tuple[sp.Basic, ...]
    outputs: NDArray[np.int32]
    length: int

    @property
    def head(self) -> int:
        """How many values stand before those of the steps."""
        return size_class(len(self.symbols) + len(self.constants))

    def constant_values(self, dtype: Any) -> NDArray[Any]:
        """The values after those of the symbols up to the head's end; truth values are 0 and 1."""
        numbers = [float(c is sp.true) if c in (sp.true, sp.false) else nearest(c, dtype) for c in self.constants]
        found = np.ones(self.head - len(self.symbols), dtype)
        found[: len(numbers)] = numbers
        return found


def size_class(count: int) -> int:
    """The next of 64, 96, 128, 192, 256, ...: powers of two and the middles between them.

    >>> size_class(65), size_class(100), size_class(1000)
    (96, 128, 1024)
    """
    size = 64
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
    >>> tape.length, tape.head, tape.outputs.tolist()
    (2, 64, [65])
    """
    order = {symbol: k for k, symbol in enumerate(symbols)}
    places = {node: order[symbol] for node, symbol in graph.symbols.items()}
    constants = (sp.Integer(1), *graph.constants.values())
    places |= {node: len(symbols) + 1 + k for k, node in enumerate(graph.constants)}
    head = size_class(len(symbols) + len(constants))
    kinds = _kinds(graph.applications)
    numbers = {(kind.function, kind.static): k for k, kind in enumerate(kinds)}
    padded = size_class(len(graph.applications))
    kind = np.full(padded, numbers[FUNCTIONS["negate"], ()], np.int32)
    operands = np.full((padded, OPERANDS), len(symbols), np.int32)
    for step, (node, function, inputs, static) in enumerate(graph.applications):
        places[node] = head + step
        kind[step] = numbers[function, static]
        operands[step, : len(inputs)] = [places[i] for i in inputs]
    outputs = np.asarray([places[node] for node in graph.outputs], np.int32)
    return Tape(kinds, kind, operands, tuple(symbols), constants, outputs, len(graph.applications))


def _kinds(steps: tuple[Application, ...]) -> tuple[Kind, ...]:
    """The kinds of a machine that can do these steps: the common ones, and what is needed besides."""
    common = {(FUNCTIONS[name], static) for name, static in COMMON if name in FUNCTIONS}
    needed = {(step.function, step.static) for step in steps} - common
    extra = sorted((Kind(function, static) for function, static in needed), key=lambda kind: kind.name)
    return (*(Kind(FUNCTIONS[name], static) for name, static in COMMON if name in FUNCTIONS), *extra)


class Edges(NamedTuple):
    """Ways that adjoints take back, the last step first: a step, the position of an operand, and that operand."""

    step: NDArray[np.int32]
    position: NDArray[np.int32]
    operand: NDArray[np.int32]


def edges_of(tape: Tape, moving: set[int]) -> Edges:
    """The edges that lie between the values `moving` and the end.

    Padding adds to the value of a constant, where nobody looks.
    """
    active = set(moving)
    found: list[tuple[int, int, int]] = []
    for step in range(tape.length):
        partials = tape.kinds[tape.kind[step]].function.partials
        own = tape.operands[step].tolist()
        ways = [
            (step, position, own[position])
            for position, partial in enumerate(partials)
            if partial is not Absence.ZERO and own[position] in active
        ]
        if ways:
            active.add(tape.head + step)
            found += ways
    padded = np.zeros((3, size_class(len(found))), np.int32)
    padded[2] = len(tape.symbols)
    for row, way in enumerate(reversed(found)):
        padded[:, row] = way
    return Edges(*padded)
