"""The steps of a trace as people read them: names, formulas, numbers, and a reason where a number is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symdiff.function import Absence
from symdiff.graph import Application
from symdiff.traces.formula import rule_text, unused_names, written
from symdiff.traces.tape import Tape

if TYPE_CHECKING:
    from symdiff.traces.array_tape import ArrayTape

# a number, or true or false for a condition; in a trace of arrays an array of such for a node with a shape
Value = Any

NOT_TAKEN = "branch not taken"
NO_BRANCH = "no condition of the Piecewise holds"


@dataclass(frozen=True)
class Partial:
    """Local partial of a node in one operand.

    `operand` is the operand's number, `formula` SymPy's derivative in the operands' names, `value` the number from the
    chain route's table. `reason` says why nothing passes here, or why the value is not finite; else it is None.

    Of arrays, an elementwise function has one number an entry; of an operation on whole arrays no Jacobian is formed,
    so that `formula` is empty and `value` None, and `rule` is what there is: what the node adds to the adjoint of the
    operand, as a matrix formula. In a trace of numbers `rule` is None.
    """

    operand: int
    formula: str
    value: Value
    reason: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Contribution:
    """What a node hands back to an operand: `value`, its adjoint times its local `partial`.

    `formula` is the chain rule in names, "dv3/dv1 * dv1/dw"; `accumulated` is the operand's adjoint once this is added.
    In a trace of arrays it is the rule, "adjoint(v1)*x.T", and `partial` None where that is not elementwise.
    """

    operand: int
    formula: str
    partial: Value
    value: Value
    accumulated: Value


@dataclass(frozen=True)
class BackwardStep:
    """One node of the backward pass: its finished adjoint, and what it hands back.

    `reason` says why the adjoint is not finite, or that nothing arrives; else it is None.
    """

    node: int
    name: str
    adjoint: Value
    contributions: tuple[Contribution, ...]
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One node v of a trace, in the forward pass.

    `node`
        its number, from 0; operands have smaller numbers.
    `name`
        the input's name, the constant as text, or v1, v2, ... for what is computed.
    `operation`
        "input", "constant", or the function's name in the table.
    `formula`
        v in the names of its operands.
    `operands`, `partials`
        their numbers, and the local partial in each; a condition has no partials, they are zero by design.
    `value`
        the number; True or False for a condition.
    `tangent`, `adjoint`
        dv/d(wrt[0]) and d(output)/dv; 0.0 where there is no dependence. In a trace of arrays each has the shape of the
        value, and there is no tangent (None) where wrt[0] is an array.
    `reason`
        why value, tangent or adjoint is not finite; else None.
    """

    node: int
    name: str
    operation: str
    formula: str
    operands: tuple[int, ...]
    value: Value
    partials: tuple[Partial, ...]
    tangent: Value
    adjoint: Value
    reason: str | None
    tape: Tape | ArrayTape = field(repr=False)

    @property
    def expression(self) -> sp.Expr:
        """The node in the inputs; in a large graph that shares much, this prints as a huge tree."""
        return self.tape.expressions[self.node]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value, () for a number."""
        return np.shape(self.value)

    @property
    def tangents(self) -> dict[str, Value]:
        """The derivative of the node in every symbol of wrt that is a number, by name."""
        columns = self.tape.all_tangents
        return {self.tape.symbols[source].name: column[self.node] for source, column in columns.items()}


def names_of(tape: Tape) -> tuple[str, ...]:
    """Name every node; a computed one never has the name of a symbol or a constant."""
    leaves = [symbol.name for symbol in tape.symbols]
    leaves += [written(tape.constants[node]) for node in range(len(leaves), len(tape) - len(tape.applications))]
    free = unused_names(set(leaves))
    return (*leaves, *(next(free) for _ in tape.applications))


def forward_steps(tape: Tape, names: Sequence[str]) -> tuple[Step, ...]:
    """Every node, front to back.

    Raises UnsupportedError where a symbol of wrt enters an operand in which a function has no derivative.
    """
    applications = {step.node: step for step in tape.applications}
    tangents = tape.tangents(tape.wrt[0])
    adjoints, _ = tape.backward
    found: list[Step] = []
    for node, name in enumerate(names):
        step = applications.get(node)
        value, tangent = tape.values[node].item(), tangents[node]
        adjoint = 0.0 if (arrived := adjoints[node]) is None else arrived
        bad = next((number for number in (value, tangent, adjoint) if not math.isfinite(number)), None)
        reason = None if bad is None else _value_reason(tape, names, node, step) or _product_reason(bad)
        if step is None:
            operation, formula = "constant" if node in tape.constants else "input", name
            operands, partials = (), ()
        else:
            operation, operands = step.function.name, step.operands
            formula = rule_text(step.function, step.static, _operand_texts(tape, names, step))
            partials = () if isinstance(value, bool) else _partials(tape, names, step)
        found.append(Step(node, name, operation, formula, operands, value, partials, tangent, adjoint, reason, tape))
    return tuple(found)


def backward_steps(tape: Tape, names: Sequence[str]) -> tuple[BackwardStep, ...]:
    """Every node, back to front, with what it hands back to each operand."""
    adjoints, handed = tape.backward
    top = names[tape.output]
    found: list[BackwardStep] = []
    for node in reversed(range(len(tape))):
        adjoint, name = adjoints[node], names[node]
        contributions = tuple(
            Contribution(operand, f"d{top}/d{name} * d{name}/d{names[operand]}", slope, value, accumulated)
            for operand, slope, value, accumulated in handed.get(node, ())
        )
        reason = None
        if adjoint is None:
            reason = f"{top} does not depend on {name} here"
        elif not math.isfinite(adjoint):
            reason = _product_reason(adjoint)
        found.append(BackwardStep(node, name, 0.0 if adjoint is None else adjoint, contributions, reason))
    return tuple(found)


def _operand_texts(tape: Tape, names: Sequence[str], step: Application) -> list[str | sp.Basic]:
    return [tape.constants.get(operand, names[operand]) for operand in step.operands]


def _partials(tape: Tape, names: Sequence[str], step: Application) -> tuple[Partial, ...]:
    found: list[Partial] = []
    texts = _operand_texts(tape, names, step)
    at = ", ".join(f"{names[i]} = {_text(tape.values[i])}" for i in step.operands if i not in tape.constants)
    for position, (operand, slope) in enumerate(zip(step.operands, tape.slopes[step.node], strict=True)):
        absence = step.function.partials[position]
        reason = None
        if absence is Absence.NONDIFFERENTIABLE:
            found.append(Partial(operand, absence.value, math.nan, absence.value))
            continue
        if isinstance(absence, Absence):
            reason = absence.value
        elif slope is None:
            reason = NOT_TAKEN
        elif not math.isfinite(slope):
            reason = f"not finite at {at}"
        formula = rule_text(step.function, step.static, texts, partial=position)
        found.append(Partial(operand, formula, 0.0 if slope is None else float(slope), reason))
    return tuple(found)


def _text(value: Any) -> str:
    return repr(value.item())


def _value_reason(tape: Tape, names: Sequence[str], node: int, step: Application | None) -> str | None:
    """Why a value is not finite; None where it is."""
    value = tape.values[node]
    if math.isfinite(value):
        return None
    if step is not None:
        for position, (operand, domain) in enumerate(zip(step.operands, step.function.domain, strict=True)):
            number = tape.values[operand]
            if domain.truth or tape.skips(step, position):
                continue
            if math.isnan(number) and operand in tape.constants:
                return NO_BRANCH
            if not math.isfinite(number):
                return f"{names[operand]} is {_text(number)}"
            if not domain.contains(number):
                given = names[operand] if operand in tape.constants else f"{names[operand]} = {_text(number)}"
                return f"{given} lies outside the domain of {step.function.name}, {domain}"
    if math.isinf(value):
        return f"beyond the range of {tape.dtype}"
    return NO_BRANCH if step is None else "no value at these operands"


def _product_reason(number: float) -> str:
    return f"the chain rule gives {number} here: a local partial is not finite or a product is out of range"
