"""A trace as JSON data: numbers with all their digits, null with a reason where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.formula import Measure
from symdiff.traces.steps import BackwardStep, Contribution, Partial, Step
from symdiff.traces.tape import Tape

# nodes of the formula as printed; a longer one is given in the names of its operands
LONGEST_WHOLE = 2_000
LONGEST_STEP = 200
# entries of one array
LARGEST_ARRAY = 100_000


def to_dict(tape: Tape | ArrayTape, steps: Sequence[Step], backward: Sequence[BackwardStep]) -> dict[str, Any]:
    """Everything in a trace as JSON-ready data; the keys are explained in `Trace.to_dict`."""
    measure = Measure()
    output = steps[tape.output]
    whole = measure.written(tape.expression, LONGEST_WHOLE) or output.formula
    texts = [whole if s is output else measure.written(s.expression, LONGEST_STEP) or s.formula for s in steps]
    inputs = [steps[node] for node in tape.wrt]
    missing = [s.reason for s in inputs if not _is_finite(s.adjoint)]
    if not _is_finite(output.value):
        missing = [output.reason]
    large = next((s for s in steps if np.size(s.value) > LARGEST_ARRAY), None)
    told = {}
    if isinstance(tape, ArrayTape):
        told = {"differentiated": output.name if tape.is_number else f"the sum of the entries of {output.name}"}
        if large is not None:
            told["left_out"] = f"arrays of more than {LARGEST_ARRAY:,} entries are null, such as {large.name}"
    return {
        "expression": whole,
        **told,
        "at": {step.name: _number(step.value) for step in steps[: len(tape.symbols)]},
        "wrt": [step.name for step in inputs],
        "dtype": str(tape.dtype),
        "output": output.node,
        "value": _number(output.value),
        "reason": missing[0] if missing else None,
        "steps": [_step(step, text) for step, text in zip(steps, texts, strict=True)],
        "backward": [_backward_step(step) for step in backward],
        "gradient": {step.name: _number(step.adjoint) for step in inputs},
    }


def _is_finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def _number(value: Any) -> Any:
    """A number, or an array as nested lists; None where a number is not finite, and for an array that is too large."""
    if value is None or not np.shape(value):
        return value if value is not None and np.isfinite(value) else None
    if value.size > LARGEST_ARRAY:
        return None
    return value.tolist() if _is_finite(value) else np.asarray(np.where(np.isfinite(value), value, None)).tolist()


def _step(step: Step, expression: str) -> dict[str, Any]:
    return {
        "node": step.node,
        "name": step.name,
        "operation": step.operation,
        "expression": expression,
        "formula": step.formula,
        "operands": list(step.operands),
        **({"shape": list(step.shape)} if isinstance(step.tape, ArrayTape) else {}),
        "value": _number(step.value),
        "partials": [_partial(partial, isinstance(step.tape, ArrayTape)) for partial in step.partials],
        "tangent": _number(step.tangent),
        "tangents": {name: _number(tangent) for name, tangent in step.tangents.items()},
        "adjoint": _number(step.adjoint),
        "reason": step.reason,
    }


def _partial(partial: Partial, arrays: bool) -> dict[str, Any]:
    return {
        "operand": partial.operand,
        "formula": partial.formula,
        "value": _number(partial.value),
        "reason": partial.reason,
        **({"rule": partial.rule} if arrays else {}),
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
    finite = all(_is_finite(number) for number in numbers if number is not None)
    reason = "{} gives {}, in all {}".format(*numbers) if not np.shape(numbers[1]) else "entries are not finite"
    return {
        "operand": contribution.operand,
        "formula": contribution.formula,
        "partial": _number(numbers[0]),
        "value": _number(numbers[1]),
        "accumulated": _number(numbers[2]),
        "reason": None if finite else reason,
    }
