"""The steps of a trace of matrices and arrays: each node with its value, its local rule, and what flows back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from symdiff.function import Absence
from symdiff.graph import Application
from symdiff.tensors.notation import Entries
from symdiff.tensors.operation import Operation
from symdiff.traces.array_rules import Rules
from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.formula import unused_names, written
from symdiff.traces.steps import BackwardStep, Contribution, Partial, Step


def array_names(tape: ArrayTape) -> tuple[str, ...]:
    """Name every node: inputs and constants as they are written, c1, ... families of constants, v1, ... results."""
    leaves = [symbol.name for symbol in tape.symbols]
    indexed = (name for k in count(1) if (name := f"c{k}") not in leaves[: len(tape.symbols)])
    for node in range(len(leaves), len(tape) - len(tape.applications)):
        constant = tape.constants[node]
        leaves.append(next(indexed) if isinstance(constant, Entries) else written(constant))
    free = unused_names(set(leaves))
    return (*leaves, *(next(free) for _ in tape.applications))


def array_steps(tape: ArrayTape, rules: Rules) -> tuple[Step, ...]:
    """Every node, front to back.

    Raises UnsupportedError where a symbol of wrt enters an operand in which a function has no derivative.
    """
    applications = {step.node: step for step in tape.applications}
    tangents = next(iter(tape.all_tangents.values()), None) if not tape.shape(tape.wrt[0]) else None
    adjoints, _ = tape.backward
    found: list[Step] = []
    for node, name in enumerate(rules.names):
        step = applications.get(node)
        value = plain(tape.values[node])
        tangent = None if tangents is None else plain(tangents[node])
        adjoint = plain(np.zeros(tape.shape(node), tape.dtype)[()] if adjoints[node] is None else adjoints[node])
        if step is None:
            operation, formula = "constant" if node in tape.constants else "input", name
            if isinstance(constant := tape.constants.get(node), Entries):
                formula = written(constant)
            operands, partials = (), ()
        else:
            operation, operands, formula = step.function.name, step.operands, rules.formula(step)
            partials = () if _is_condition(value) else _partials(tape, rules, step)
        reason = _reason(tape, rules.names, step, value, tangent, adjoint)
        found.append(Step(node, name, operation, formula, operands, value, partials, tangent, adjoint, reason, tape))
    return tuple(found)


def array_backward(tape: ArrayTape, rules: Rules, steps: Sequence[Step]) -> tuple[BackwardStep, ...]:
    """Every node, back to front, with what it hands back to each operand."""
    adjoints, handed = tape.backward
    top = rules.names[tape.output]
    found: list[BackwardStep] = []
    for step in reversed(steps):
        contributions = tuple(
            Contribution(
                share.operand,
                str(step.partials[share.position].rule).partition(" += ")[2],
                None if share.slope is None else plain(share.slope),
                plain(share.value),
                plain(share.accumulated),
            )
            for share in handed.get(step.node, ())
            if share.operand not in tape.constants
        )
        reason = None
        if adjoints[step.node] is None:
            reason = f"{top} does not depend on {step.name} here"
        elif not np.all(np.isfinite(step.adjoint)):
            reason = _not_finite("adjoint", step.adjoint)
        found.append(BackwardStep(step.node, step.name, step.adjoint, contributions, reason))
    return tuple(found)


def plain(value: Any) -> Any:
    """A Python number, or an array that cannot be written to."""
    if np.ndim(value) == 0:
        return value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array


def _is_condition(value: Any) -> bool:
    return np.asarray(value).dtype == np.bool_


def _partials(tape: ArrayTape, rules: Rules, step: Application) -> tuple[Partial, ...]:
    found: list[Partial] = []
    for position, operand in enumerate(step.operands):
        absence = () if isinstance(step.function, Operation) else step.function.partials[position]
        rule = None
        if operand not in tape.constants and not isinstance(absence, Absence):
            rule = f"adjoint({rules.names[operand]}) += {rules.adjoint(step, position)}"
        if isinstance(step.function, Operation):
            found.append(Partial(operand, "", None, None, rule))
            continue
        slope = tape.slopes[step.node][position]
        if absence is Absence.NONDIFFERENTIABLE:
            found.append(Partial(operand, absence.value, plain(slope), absence.value))
        elif isinstance(absence, Absence):
            found.append(Partial(operand, "0", 0.0, absence.value))
        else:
            finite = np.all(np.isfinite(slope))
            reason = None if finite else _not_finite("local partial", slope)
            found.append(Partial(operand, rules.partial(step, position), plain(slope), reason, rule))
    return tuple(found)


def _reason(
    tape: ArrayTape, names: Sequence[str], step: Application | None, value: Any, tangent: Any, adjoint: Any
) -> str | None:
    """Why a value, tangent or adjoint has entries that are not finite; None where all are."""
    if not np.all(np.isfinite(value)):
        for position, operand in enumerate(step.operands if step is not None else ()):
            given = np.asarray(tape.values[operand])
            if not np.all(np.isfinite(given)):
                return f"{_first(names[operand], given, ~np.isfinite(given))}"
            if step is None or isinstance(step.function, Operation) or step.function.domain[position].truth:
                continue
            domain = step.function.domain[position]
            outside = np.array([not domain.contains(number) for number in given.ravel().tolist()], np.bool_)
            if outside.any():
                wrong = _first(names[operand], given, outside.reshape(given.shape))
                return f"{wrong} lies outside the domain of {step.function.name}, {domain}"
        return _not_finite("value", value)
    for what, number in (("tangent", tangent), ("adjoint", adjoint)):
        if number is not None and not np.all(np.isfinite(number)):
            return _not_finite(what, number)
    return None


def _first(name: str, array: Any, wrong: Any) -> str:
    """The first entry that is wrong, as `v1[0, 2] = nan`."""
    place = tuple(map(int, np.argwhere(wrong)[0]))
    entry = f"[{', '.join(map(str, place))}]" if place else ""
    return f"{name}{entry} = {array[place].item()}"


def _not_finite(what: str, value: Any) -> str:
    count = int(np.sum(~np.isfinite(value)))
    if not np.shape(value):
        return f"the {what} is {value}"
    return f"{count} of {np.size(value)} entries of the {what} are not finite"
