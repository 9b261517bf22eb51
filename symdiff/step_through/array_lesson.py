"""What a trace of arrays says at each step: arrays as grids, what flows back as a matrix formula.

For v1 = W*x the page has ∂L/∂W += ∂L/∂v1 · xᵀ, which is `adjoint(W) += adjoint(v1)*x.T` of the text: the adjoint of an
array has its shape, and its entry [i, j] is the derivative of the output in that entry.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from markupsafe import Markup

from symdiff.formula.mathml import CLOSE, OPEN, name_markup, visible
from symdiff.graph import Application
from symdiff.pictures.labels import amount, number
from symdiff.step_through.arrays import asked, expression_markup, grid, has_entries, operand, place_in_words
from symdiff.step_through.formulas import derivative, math, number_markup, rule_markup, sign
from symdiff.step_through.lesson import LONGEST_FORMULA, Backward, Forward, Shown, Slope, Writer
from symdiff.tensors.operation import Operation
from symdiff.traces.array_point import shape_text
from symdiff.traces.array_rules import Rules
from symdiff.traces.array_tape import ArrayTape, Share
from symdiff.traces.steps import Partial, Step
from symdiff.tracing import Trace


class ArrayWriter(Writer):
    """Writes the steps of a trace of arrays."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.tape = cast(ArrayTape, trace.tape)
        self.rules = Rules(self.tape, [step.name for step in trace.steps])
        # entries are written with indices, which a name that was cut would not go with
        self.labels = [visible(self.rules.label(step.node)) for step in trace.steps]
        if not self.tape.is_number:
            self.top = f"sum({self.top})"
        self.places = [asked(step.adjoint, step.node) if step.shape else () for step in trace.steps]
        self.entries = tuple(
            place_in_words(place, step.shape) for place, step in zip(self.places, trace.steps, strict=True)
        )

    def title(self, mathml: str) -> str:
        """The formula above the page, without the tall parentheses that powers of matrices would get."""
        return mathml.replace('stretchy="true"', 'stretchy="false"')

    def shown(self, node: int, value: Any) -> Shown:
        """A number or a grid that belongs to a node."""
        if np.size(value) == 1:
            return Shown(number(np.ravel(value)[0].item()))
        entry = float(value[self.places[node]])
        written = math(grid(value)) if self.set else amount(value)
        return Shown(written, amount(value), shape_text(np.shape(value)), entry)

    def answer(self, step: Step) -> float | None:
        """The entry of the adjoint to ask for."""
        entry = float(step.adjoint[self.places[step.node]]) if step.shape else step.adjoint
        return entry if np.isfinite(entry) else None

    def forward(self, application: Application, step: Step) -> Forward:
        """What a node computes, and the local partials of what is done entry by entry."""
        formula: Markup | str = visible(step.formula, LONGEST_FORMULA)
        numbers: Markup | str = ""
        if self.set:
            formula, numbers = self._formula(application, formula)
        slopes = tuple(
            self._entrywise(application, step, k, partial)
            for k, partial in enumerate(step.partials)
            if partial.operand not in self.tape.constants and partial.value is not None
        )
        name = math(name_markup(self.labels[step.node])) if self.set else self.labels[step.node]
        return Forward(step.node, name, formula, numbers, self.shown(step.node, step.value), slopes)

    def _formula(self, application: Application, text: str) -> tuple[Markup | str, Markup | str]:
        """The formula of a node in names, and with grids in their place."""
        rules, function, static = self.rules, application.function, application.static
        if rules.is_entrywise(application):
            named = rule_markup(function, static, rules.texts(application))
            # one grid beside another says nothing where entries are copied, or have more than two indices
            shape = self.tape.shape(application.node)
            plain = len(shape) <= 2 and all(self.tape.shape(i) in ((), shape) for i in application.operands)
            operands = [self._placed(i) for i in application.operands] if plain else []
            placed = rule_markup(function, static, operands) if plain else None
        else:
            expression = rules.expression(application)
            named = None if expression is None else expression_markup(expression, {})
            possible = expression is not None and not has_entries(expression)
            placed = expression_markup(expression, self._grids(application)) if possible else None
        return text if named is None else math(named), "" if placed is None else math(placed)

    def _placed(self, node: int) -> Any:
        if node in self.tape.constants and not self.tape.shape(node):
            return self.tape.constants[node]
        return Markup(operand(self.trace.steps[node].value))  # noqa: S704 our own markup

    def _grids(self, application: Application) -> dict[str, str]:
        steps = self.trace.steps
        return {steps[i].name: operand(steps[i].value) for i in (*application.operands, application.node)}

    def seed(self) -> Backward:
        """The start of the backward pass: the output in itself, of an array the sum of its entries."""
        node = self.tape.output
        ones = np.ones(self.tape.shape(node))[()]
        rule = math(derivative(self.top, self.names[node])) if self.set else f"∂{self.top}/∂{self.names[node]}"
        return Backward(node, node, "", self.name(node), rule, "", self.shown(node, ones), self.shown(node, ones))

    def backward(self) -> list[Backward]:
        """Every array or number that is handed back to something else than a constant."""
        _, handed = self.tape.backward
        return [
            self._share(self.applications[step.node], share)
            for step in self.trace.backward_steps
            for share in handed.get(step.node, ())
            if share.operand not in self.tape.constants
        ]

    def _share(self, application: Application, share: Share) -> Backward:
        node, to = application.node, share.operand
        rule: Markup | str = visible(str(self.trace.steps[node].partials[share.position].rule), LONGEST_FORMULA)
        numbers: Markup | str = ""
        if self.set:
            expression = self.rules.adjoint_expression(application, share.position)
            arriving = f"adjoint({self.trace.steps[node].name})"
            above = derivative(self.top, self.names[node])
            entries = expression is not None and has_entries(expression)
            named = None
            if expression is not None:
                # with indices beside it, a fraction stands in parentheses
                named = expression_markup(
                    expression, {arriving: f"<mrow>{OPEN}{above}{CLOSE}</mrow>" if entries else above}
                )
            if named is not None:
                rule = math(derivative(self.top, self.labels[to]), sign("+="), named)
            if named is not None and not entries:
                adjoint = self.trace.steps[node].adjoint
                alone = str(expression) == arriving
                places = self._grids(application) | {arriving: grid(adjoint) if alone else operand(adjoint)}
                numbers = math(expression_markup(expression, places) or "")
        names = self.name(node), self.name(to)
        return Backward(node, to, *names, rule, numbers, self.shown(to, share.value), self.shown(to, share.accumulated))

    def _entrywise(self, application: Application, step: Step, position: int, partial: Partial) -> Slope:
        """A local partial, one number an entry."""
        note = visible(partial.reason) if partial.reason else ""
        value = partial.value
        if np.shape(value) and np.all(value == np.ravel(value)[0]):
            value = np.ravel(value)[0].item()
        written = number(value) if not np.shape(value) else ""
        middle: list[str] = []
        same = partial.formula.replace("-", "−") == written
        if self.set:
            if not same and not (note and not np.any(value)) and not isinstance(application.function, Operation):
                texts = self.rules.texts(application)
                rule = rule_markup(application.function, application.static, texts, position)
                middle = [] if rule is None else [sign("="), rule]
            end = grid(value) if np.shape(value) else number_markup(written)
            above, below = self.labels[step.node], self.labels[partial.operand]
            return Slope(partial.operand, math(derivative(above, below), *middle, sign("="), end), note)
        text = "" if same or note else f" = {visible(partial.formula, LONGEST_FORMULA)}"
        return Slope(
            partial.operand, f"∂{self.names[step.node]}/∂{self.names[partial.operand]}{text} = {amount(value)}", note
        )
