"""What a trace says at each step, ready for a page: formulas set, numbers written, nothing that needs computing.

Up to 200 nodes every rule is set as MathML, in names and in numbers; a larger trace has its rules as text, since the
page stays below a megabyte.
"""

from __future__ import annotations

import math as floats
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from symdiff.formula.mathml import as_mathml, name_markup, visible
from symdiff.graph import Application
from symdiff.pictures.collapsed import LARGEST
from symdiff.pictures.drawing import Picture, picture
from symdiff.pictures.labels import number
from symdiff.step_through.formulas import Number, derivative, math, number_markup, rule_markup, sign
from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.formula import Measure
from symdiff.traces.steps import BackwardStep, Contribution, Partial, Step
from symdiff.tracing import Trace

LONGEST_NAME, LONGEST_FORMULA = 24, 160
# of the expression above the page: printed nodes, and characters up to which it is set, since MathML has no second line
LONGEST_TITLE, LONGEST_SET = 600, 110


@dataclass(frozen=True)
class Shown:
    """A number as it is written; of an array its grid, and besides a `short` text, its `shape`, and the `entry` asked.

    >>> str(Shown("2"))
    '2'
    """

    written: Markup | str
    short: str = ""
    shape: str = ""
    entry: float | None = None

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True)
class Slope:
    """A local partial: `to` is the operand, `formula` the line ∂v/∂u = rule = number."""

    to: int
    formula: Markup | str
    note: str = ""


@dataclass(frozen=True)
class Forward:
    """One node of the forward pass: its rule in names, and in numbers where that says more."""

    node: int
    name: Markup | str
    formula: Markup | str
    numbers: Markup | str
    value: Shown
    slopes: tuple[Slope, ...]


@dataclass(frozen=True)
class Backward:
    """One product of the backward pass, handed from a node to an operand; the first, to the output, comes from none."""

    node: int
    to: int
    name: Markup | str
    operand: Markup | str
    rule: Markup | str
    numbers: Markup | str
    adds: Shown
    so_far: Shown


@dataclass(frozen=True)
class Named:
    """A node and its number: an input at the start, a derivative at the end."""

    node: int
    name: Markup | str
    number: Shown


@dataclass(frozen=True)
class Lesson:
    """Everything that the page of a trace shows.

    `boxes[node]` is the box of the picture that stands for a node; `adjoints` are exact, None where there is nothing
    to ask, of an array one entry, of which `entries` says in words where it stands; `notes` say why a number is not
    finite. `top` is what is differentiated, the output or the sum of its entries.
    """

    title: str
    formula: Markup | None
    dtype: str
    nodes: int
    output: int
    output_name: Markup | str
    output_value: Shown
    inputs: tuple[Named, ...]
    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]
    gradient: tuple[Named, ...]
    notes: tuple[tuple[str, str], ...]
    adjoints: tuple[float | None, ...]
    picture: Picture
    boxes: Mapping[int, int]
    collapsed: bool
    top: str = ""
    entries: tuple[str | None, ...] = ()

    @property
    def box_of_each(self) -> str:
        """The box of each node, parted by spaces."""
        return " ".join(str(self.boxes[node]) for node in range(self.nodes))

    @property
    def steps(self) -> int:
        """How many steps there are: the inputs, the passes, the gradient."""
        return len(self.forward) + len(self.backward) + 2


def lesson(trace: Trace) -> Lesson:
    """Write down every step of a trace.

    >>> from symdiff.tracing import trace
    >>> found = lesson(trace("w*x", {"w": 3, "x": 2}))
    >>> [(row.node, row.to, str(row.adds), str(row.so_far)) for row in found.backward]
    [(2, 2, '1', '1'), (2, 0, '2', '2'), (2, 1, '3', '3')]
    """
    tape, steps = trace.tape, trace.steps
    if isinstance(tape, ArrayTape):
        from symdiff.step_through.array_lesson import ArrayWriter

        writer: Writer = ArrayWriter(trace)
    else:
        writer = Writer(trace)
    drawn = picture(trace)
    boxes = {node: i for i, box in enumerate(drawn.diagram.nodes) for node in box.members or (i,)}
    # as the graph writes it, without the Lambda that SymPy has for a function of each entry
    whole = steps[tape.output].expression
    text = Measure().written(whole, LONGEST_TITLE)
    mathml = as_mathml(whole) if text is not None and len(text) <= LONGEST_SET else None
    asked = {part.operand for step in trace.backward_steps for part in step.contributions}
    return Lesson(
        title=visible(text or f"an expression of {len(tape.applications):,} operations", LONGEST_TITLE),
        formula=None if mathml is None else Markup(writer.title(mathml)),  # noqa: S704 symdiff.formula.mathml checks it
        dtype=trace.dtype,
        nodes=len(steps),
        output=tape.output,
        output_name=writer.name(tape.output),
        output_value=writer.shown(tape.output, trace.value),
        inputs=tuple(writer.named(step.node, step.value) for step in steps[: len(tape.symbols)]),
        forward=tuple(writer.forward(writer.applications[s.node], s) for s in steps if s.node in writer.applications),
        backward=(writer.seed(), *writer.backward()),
        gradient=tuple(writer.named(node, steps[node].adjoint, of_output=True) for node in tape.wrt),
        notes=tuple(
            (_shown(s.name), visible(s.reason)) for s in steps if s.reason is not None and s.node not in tape.constants
        ),
        adjoints=tuple(writer.answer(s) if s.node in asked else None for s in steps),
        picture=drawn,
        boxes=boxes,
        collapsed=len(drawn.diagram.nodes) < len(steps),
        top=writer.top,
        entries=writer.entries,
    )


class Writer:
    """Writes the steps of one trace, as MathML or, of a large one, as text."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.applications = {step.node: step for step in trace.tape.applications}
        self.set = len(trace.steps) <= LARGEST
        self.names = [_shown(step.name) for step in trace.steps]
        self.top = self.names[trace.tape.output]
        self.entries: tuple[str | None, ...] = ()

    def title(self, mathml: str) -> str:
        """The formula above the page."""
        return mathml

    def shown(self, node: int, value: Any) -> Shown:  # noqa: ARG002 of an array the node tells the entry
        """A number that belongs to a node."""
        return Shown(number(value))

    def answer(self, step: Step) -> float | None:
        """The adjoint to ask for."""
        return step.adjoint if floats.isfinite(step.adjoint) else None

    def name(self, node: int) -> Markup | str:
        """The name of a node."""
        return math(name_markup(self.names[node])) if self.set else self.names[node]

    def named(self, node: int, value: Any, of_output: bool = False) -> Named:
        """A node with a number."""
        if not of_output:
            return Named(node, self.name(node), self.shown(node, value))
        top, below = self.top, self.names[node]
        name = math(derivative(top, below)) if self.set else f"∂{top}/∂{below}"
        return Named(node, name, self.shown(node, value))

    def forward(self, application: Application, step: Step) -> Forward:
        """What a node computes, and its local partials."""
        formula: Markup | str = _cut(step.formula)
        numbers: Markup | str = ""
        if self.set:
            set_formula = rule_markup(application.function, application.static, self._operands(step, False))
            in_numbers = rule_markup(application.function, application.static, self._operands(step, True))
            formula = formula if set_formula is None else math(set_formula)
            numbers = "" if in_numbers is None else math(in_numbers)
        constants = self.trace.tape.constants
        slopes = tuple(
            self._slope(application, step, k, partial)
            for k, partial in enumerate(step.partials)
            if partial.operand not in constants
        )
        return Forward(step.node, self.name(step.node), formula, numbers, self.shown(step.node, step.value), slopes)

    def seed(self) -> Backward:
        """The start of the backward pass: the output in itself."""
        node = self.trace.tape.output
        top = self.names[node]
        rule = math(derivative(top, top)) if self.set else f"∂{top}/∂{top}"
        return Backward(node, node, "", self.name(node), rule, "", Shown("1"), Shown("1"))

    def backward(self) -> list[Backward]:
        """Every product that is handed back to something else than a constant."""
        constants = self.trace.tape.constants
        return [
            self._handed(step, part)
            for step in self.trace.backward_steps
            for part in step.contributions
            if part.operand not in constants
        ]

    def _handed(self, step: BackwardStep, part: Contribution) -> Backward:
        top, node, operand = (self.names[i] for i in (self.trace.tape.output, step.node, part.operand))
        adjoint, slope = number(step.adjoint), number(part.partial)
        if self.set:
            rule: Markup | str = math(derivative(top, node), sign("·"), derivative(node, operand))
            numbers: Markup | str = math(number_markup(adjoint), sign("·"), number_markup(slope, bare=False))
        else:
            rule = f"∂{top}/∂{node} · ∂{node}/∂{operand}"
            numbers = f"{adjoint} · {f'({slope})' if slope.startswith('−') else slope}"
        names = self.name(step.node), self.name(part.operand)
        arrived = Shown(number(part.value)), Shown(number(part.accumulated))
        return Backward(step.node, part.operand, *names, rule, numbers, *arrived)

    def _slope(self, application: Application, step: Step, position: int, partial: Partial) -> Slope:
        value, node, operand = number(partial.value), self.names[step.node], self.names[partial.operand]
        note = visible(partial.reason) if partial.reason else ""
        rule = None
        same = partial.formula.replace("-", "−") == value
        if self.set and not same and not (note and partial.value == 0) and not floats.isnan(partial.value):
            rule = rule_markup(application.function, application.static, self._operands(step, False), position)
        if self.set:
            middle = [] if rule is None else [sign("="), rule]
            return Slope(
                partial.operand, math(derivative(node, operand), *middle, sign("="), number_markup(value)), note
            )
        middle_text = "" if same or note else f" = {_cut(partial.formula)}"
        return Slope(partial.operand, f"∂{node}/∂{operand}{middle_text} = {value}", note)

    def _operands(self, step: Step, in_numbers: bool) -> list[str | Number | object]:
        """What to put into a rule: constants as they are, else names or numbers."""
        constants, steps = self.trace.tape.constants, self.trace.steps
        return [
            constants[i] if i in constants else Number(number(steps[i].value)) if in_numbers else self.names[i]
            for i in step.operands
        ]


def _shown(name: str) -> str:
    return visible(name, LONGEST_NAME)


def _cut(formula: str) -> str:
    return visible(formula, LONGEST_FORMULA)
