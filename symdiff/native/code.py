"""A tape as code of the compiled loop: steps there, edges back, and rows that are used again when free.

Reverse mode as in `tape.machine`: the adjoint of a node is the sum over its users of adjoint times local partial. What
is an operand, a result or a constant is not stored again as a partial, an adjoint with one user along a partial of
1 is that of the user, and a row is free after its last use, so that few rows are held at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symdiff.constants import float_of
from symdiff.errors import OptionError, UnsupportedError
from symdiff.function import Absence
from symdiff.native.source import COPY, OPERANDS, PLAIN, SHARE, Case, partial_forms
from symdiff.tape.tape import Kind, Tape, size_class

# steps with edges, so that rows can be numbered and held for the points of one block
LARGEST = 2**24
WIDTH = 8
NOTHING = -1


class Code(NamedTuple):
    """What the loop is called with; the code is padded to a size class.

    The first rows are those of the constants, of which the last two are 1 and 0; `rows` are all that are held at once.
    Steps are (case, result, three operands, two partials, parameters), numbers of rows but for the last; ~k is the
    row of input k, or of output k - inputs.
    """

    code: NDArray[np.int32]
    length: int
    rows: int
    parameters: NDArray[np.float64]
    outputs: int


class Missing(Exception):  # noqa: N818 - a reason, told as a warning
    """A function has no C form."""


def values_code(tape: Tape, cases: dict[Case, int]) -> Code:
    """Code for all outputs of a tape."""
    wanted = tape.outputs[: tape.count].tolist()
    writer = _Writer(tape, cases)
    for number in _needed(tape, wanted):
        writer.step(number, ())
    return writer.finished([writer.place(output) for output in wanted])


def partials_code(tape: Tape, cases: dict[Case, int], wrt: Sequence[int]) -> Code:
    """Code for the first output of a tape and its partials in the values `wrt`.

    Raises UnsupportedError where a function has no derivative in what moves.
    """
    output = int(tape.outputs[0])
    writer = _Writer(tape, cases)
    steps = tape.steps[: tape.length].tolist()
    active = [False] * (tape.head + tape.length)
    for place in wrt:
        active[place] = True
    edges: list[tuple[int, int, str, int]] = []
    forms = [partial_forms(kind.function) for kind in tape.kinds]
    for number in _needed(tape, [output]):
        kind, *own = steps[number]
        function, moving = tape.kinds[kind].function, list[int]()
        for position, partial in enumerate(function.partials):
            if not active[own[position]] or partial is Absence.ZERO:
                continue
            if partial is Absence.NONDIFFERENTIABLE:
                raise UnsupportedError(function.not_differentiable(position))
            moving.append(position)
        stored = tuple(k for k in moving if forms[kind][k] not in PLAIN)
        rows = writer.step(number, stored)
        names = dict(zip((*OPERANDS, "y"), (*map(writer.place, own), writer.place(tape.head + number)), strict=True))
        for position in moving:
            form = forms[kind][position]
            active[tape.head + number] = True
            edges.append((tape.head + number, own[position], form, rows.get(position, names.get(form, NOTHING))))
    adjoints = {output: writer.one}
    for result, operand, form, factor in reversed(edges):
        share = adjoints.get(result)
        if share is not None and form:
            adjoints[operand] = writer.edge(adjoints.get(operand, NOTHING), share, form, factor)
    return writer.finished([writer.place(output), *(adjoints.get(place, writer.zero) for place in wrt)])


def _needed(tape: Tape, outputs: Sequence[int]) -> list[int]:
    """The steps that the outputs need, in order."""
    steps = tape.steps[: tape.length].tolist()
    arity = [kind.function.arity for kind in tape.kinds]
    needed = [False] * (tape.head + tape.length)
    for output in outputs:
        needed[output] = True
    for number in range(tape.length - 1, -1, -1):
        if needed[tape.head + number]:
            kind, *own = steps[number]
            for operand in own[: arity[kind]]:
                needed[operand] = True
    return [number for number in range(tape.length) if needed[tape.head + number]]


class _Writer:
    """Collects code whose results all have names of their own; `finished` gives them rows."""

    def __init__(self, tape: Tape, cases: dict[Case, int]) -> None:
        self.tape, self.cases = tape, cases
        self.steps = tape.steps[: tape.length].tolist()
        self.one, self.zero = tape.head, tape.head + 1
        self.fixed = tape.head + 2
        self.code: list[tuple[int, ...]] = []
        self.count = self.fixed + tape.length
        self.numbers: dict[tuple[int, tuple[int, ...]], int] = {}

    def place(self, value: int) -> int:
        """The name of a value of the tape: after the inputs and constants stand 1 and 0."""
        return value if value < self.tape.head else value + 2

    def _fresh(self) -> int:
        self.count += 1
        return self.count - 1

    def step(self, number: int, stored: tuple[int, ...]) -> dict[int, int]:
        """A step of the tape that keeps these partials; where they are, by operand."""
        kind, *own = self.steps[number]
        case = self.numbers.get((kind, stored))
        if case is None:
            case = self.numbers[kind, stored] = self._case(self.tape.kinds[kind], stored)
        function = self.tape.kinds[kind].function
        places = [self.place(operand) for operand in own[: function.arity]]
        places += [NOTHING] * (3 - len(places))
        kept = [self._fresh() for _ in stored]
        self.code.append((case, self.fixed + number, *places, *kept, *[NOTHING] * (2 - len(kept)), kind))
        return dict(zip(stored, kept, strict=True))

    def _case(self, kind: Kind, stored: tuple[int, ...]) -> int:
        found = self.cases.get(Case(kind.function.name, stored))
        if found is None:
            raise Missing(kind.function.name)
        return found

    def edge(self, known: int, share: int, form: str, factor: int) -> int:
        """What an adjoint becomes by one more share, times 1, -1 or the partial in a row."""
        if form not in ("1", "-1") and share == self.one:
            share, form = factor, "1"
        if known == NOTHING:
            if form == "1":
                return share
            return self._call("negate", share) if form == "-1" else self._call("multiply", share, factor)
        if form in ("1", "-1"):
            return self._call("add" if form == "1" else "subtract", known, share)
        return self._call(SHARE, known, share, factor)

    def _call(self, name: str, *operands: int) -> int:
        found = self._fresh()
        self.code.append((self.cases[Case(name, ())], found, *operands, *[NOTHING] * (5 - len(operands)), 0))
        return found

    def finished(self, outputs: Sequence[int]) -> Code:
        """The code with a place for each name."""
        places: dict[int, int] = {}
        for number, name in enumerate(outputs):
            # what is no result of a step, or stands there already, is copied
            if name < self.fixed or name in places:
                name = self._call(COPY, name)
            places[name] = ~(self.tape.inputs + number)
        if len(self.code) > LARGEST:
            raise OptionError(
                f"the expression takes {len(self.code):,} steps with edges, and method 'native' at most {LARGEST:,}; "
                "take method='tape'"
            )
        named = np.asarray(self.code, np.int64).reshape(-1, WIDTH)
        rows, used = _rows_of(named, places, self.tape.inputs, self.fixed, self.count)
        made = np.zeros((size_class(len(named)), WIDTH), np.int32)
        made[: len(named)] = named
        # names that are nothing get some row, which is not looked at
        made[: len(named), 1:7] = rows[named[:, 1:7]]
        parameters = np.zeros((len(self.tape.kinds), 2))
        for row, kind in zip(parameters, self.tape.kinds, strict=True):
            numbers = [float_of(n) for n in kind.static[:2]] if kind.function.native else []
            row[: len(numbers)] = numbers
        return Code(made, len(named), used, parameters, len(outputs))


def _rows_of(
    named: NDArray[np.int64], places: Mapping[int, int], inputs: int, fixed: int, count: int
) -> tuple[NDArray[np.int64], int]:
    """A row for each name, and their number; those of inputs and outputs lie elsewhere, and are negative.

    Constants keep the first rows. A step writes each point after it has read it, so that its results may take the rows
    of its operands.
    """
    last = np.full(count + 1, NOTHING)
    for column in range(1, 7):
        np.maximum.at(last, named[:, column], np.arange(len(named)))
    ends, rows = last.tolist(), [0] * (count + 1)
    rows[:inputs] = range(-1, -1 - inputs, -1)
    rows[inputs:fixed] = range(fixed - inputs)
    free: list[int] = []
    used = fixed - inputs
    for number, (_, result, u, v, w, p, q, _) in enumerate(named.tolist()):
        ended = [name for name in {u, v, w} if name >= fixed and ends[name] == number and name not in places]
        free += [rows[name] for name in ended]
        made = [name for name in (result, p, q) if name != NOTHING]
        for name in made:
            if name in places:
                rows[name] = places[name]
            elif free:
                rows[name] = free.pop()
            else:
                rows[name] = used
                used += 1
        free += [rows[name] for name in made if ends[name] == number and name not in places]
    return np.asarray(rows), used
