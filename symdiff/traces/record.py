"""A trace as JSON data: numbers with all their digits, null with a reason where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from symdiff.traces.formula import Measure
from symdiff.traces.steps import BackwardStep, Contribution, Partial, Step
from symdiff.traces.tape import Tape

# nodes of the formula as printed; a longer one is given in the names of its operands
LONGEST_WHOLE = 2_000
LONGEST_STEP = 200


def to_dict(tape: Tape, steps: Sequence[Step], backward: Sequence[BackwardStep]) -> dict[str, Any]:
    """Everything in a trace as JSON-ready data; the keys are explained in `Trace.to_dict`."""
    measure = Measure()
    output = steps[tape.output]
    whole = measure.written(tape.expression, LONGEST_WHOLE) or output.formula
    texts = [whole if s is output else measure.written(s.expression, LONGEST_STEP) or s.formula for s in steps]
    inputs = [steps[node] for node in tape.wrt]
    missing = [s.reason for s in inputs if not math.isfinite(s.adjoint)]
    if not math.isfinite(output.value):
        missing = [output.reason]
    return {
        "expression": whole,
        "at": {step.name: step.value for step in steps[: len(tape.symbols)]},
        "wrt": [step.name for step in inputs],
        "dtype": str(tape.dtype),
        "output": output.node,
        "value": _number(output.value),
        "reason": missing[0] if missing else None,
        "steps": [_step(step, text) for step, text in zip(steps, texts, strict=True)],
        "backward": [_backward_step(step) for step in backward],
        "gradient": {step.name: _number(step.adjoint) for step in inputs},
    }


def _number(value: float | bool) -> float | bool | None:
    return value if math.isfinite(value) else None


def _step(step: Step, expression: str) -> dict[str, Any]:
    return {
        "node": step.node,
        "name": step.name,
        "operation": step.operation,
        "expression": expression,
        "formula": step.formula,
        "operands": list(step.operands),
        "value": _number(step.value),
        "partials": [_partial(partial) for partial in step.partials],
        "tangent": _number(step.tangent),
        "tangents": {name: _number(tangent) for name, tangent in step.tangents.items()},
        "adjoint": _number(step.adjoint),
        "reason": step.reason,
    }


def _partial(partial: Partial) -> dict[str, Any]:
    return {
        "operand": partial.operand,
        "formula": partial.formula,
        "value": _number(partial.value),
        "reason": partial.reason,
    }


def _backward_step(step: BackwardStep) -> dict[str, Any]:
    return {
        "node": step.node,
        "name": step.name,
        "adjoint": _number(step.adjoint),
        "contributions": [_contribution(contribution) for contribution in step.contributions],
        "reason": step.reason,
    }


def _contribution(contribution: Contribution) -> dict[str, Any]:
    numbers = (contribution.partial, contribution.value, contribution.accumulated)
    return {
        "operand": contribution.operand,
        "formula": contribution.formula,
        "partial": _number(numbers[0]),
        "value": _number(numbers[1]),
        "accumulated": _number(numbers[2]),
        "reason": None if all(map(math.isfinite, numbers)) else "{} gives {}, in all {}".format(*numbers),
    }
