"""A trace of matrices and arrays as plain text: matrices row by row, adjoints with their matrix formulas."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.traces.array_point import shape_text
from symdiff.traces.array_rules import Rules
from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.formula import Measure
from symdiff.traces.steps import BackwardStep, Step
from symdiff.traces.table import DOTS, LONGEST_TITLE, Cell, number, shortened, table, visible

# entries of an axis that are written; of a longer axis the first ones and the last
LONGEST_AXIS, FIRST, LAST = 6, 3, 2
# characters of a matrix formula that are never cut
LONGEST_RULE = 60


def array_text(
    tape: ArrayTape, steps: Sequence[Step], backward: Sequence[BackwardStep], rules: Rules, width: int
) -> str:
    """Write the tables; lines are at most `width` characters long where the numbers leave room for that."""
    names = [shortened(visible(step.name), width // 7) for step in steps]
    output, first = steps[tape.output], steps[tape.wrt[0]]
    whole = Measure().written(output.expression, LONGEST_TITLE) or f"an expression of {len(tape.applications):,} steps"
    inputs = steps[: len(tape.symbols)]
    point = ", ".join(_given(names[step.node], step) for step in inputs)
    moving = "" if first.tangent is None else f"; the tangent of a node is d(node)/d{names[first.node]}"
    top = names[output.node] if tape.is_number else f"(sum({names[output.node]}))"
    reasons = [f"  {names[s.node]}: {visible(s.reason)}" for s in steps if s.reason and s.node not in tape.constants]
    return "\n".join(
        [
            shortened(f"Trace of {visible(whole)}", width),
            *textwrap.wrap(
                f"at {point}, in {tape.dtype}",
                width,
                subsequent_indent="   ",
                break_long_words=False,
                break_on_hyphens=False,
            ),
            "",
            f"Forward pass, front to back{moving}",
            *_forward(tape, steps, names, rules, width),
            *([] if not reasons else ["", "Not finite:", *reasons]),
            "",
            f"Backward pass, back to front; adjoint(v) is d{top}/dv, of the shape of v",
            *_backward(tape, backward, names, width),
            "",
            "Value and gradient",
            *_named(names[output.node], output.value),
            *(line for node in tape.wrt for line in _named(f"d{top}/d{names[node]}", steps[node].adjoint)),
        ]
    )


def _given(name: str, step: Step) -> str:
    return f"{name} of {shape_text(step.shape)}" if step.shape else f"{name} = {number(step.value)}"


def _named(name: str, value: Any) -> list[str]:
    first, *rest = array_lines(value)
    before = f"  {name} = "
    return [before + first, *(" " * len(before) + line for line in rest)]


def _forward(tape: ArrayTape, steps: Sequence[Step], names: Sequence[str], rules: Rules, width: int) -> list[str]:
    tangent = steps[tape.wrt[0]].tangent is not None
    rows: list[list[Cell]] = []
    for step in steps:
        if step.node in tape.constants and not step.shape:
            continue
        formula = step.formula if step.operands or step.formula != step.name else step.operation
        label = names[step.node] if names[step.node] != step.name else visible(rules.label(step.node))
        columns = [
            [Cell(label if step.operands else names[step.node])],
            [Cell(before=shape_text(step.shape))],
            [Cell(before=shortened(visible(formula), LONGEST_RULE))],
            [Cell(before=line) for line in array_lines(step.value)],
            _partials(tape, step, names),
        ]
        if tangent:
            columns.append([Cell(before=line) for line in array_lines(step.tangent)])
        rows += _rows(columns)
    header = ("node", "shape", "formula", "value", "local partials, entry by entry", "tangent")
    return table(header[: 5 + tangent], rows, set(), {0, 4}, width)


def _partials(tape: ArrayTape, step: Step, names: Sequence[str]) -> list[Cell]:
    found: list[Cell] = []
    for partial in step.partials:
        if partial.operand in tape.constants or partial.value is None:
            continue
        before = f"d{names[step.node]}/d{names[partial.operand]} = "
        constant = np.size(partial.value) > 0 and np.all(partial.value == np.ravel(partial.value)[0])
        lines = array_lines(np.ravel(partial.value)[0] if constant else partial.value)
        if partial.value is not None and partial.reason and not np.any(partial.value):
            found.append(Cell(f"0, {partial.reason}", before))
        elif partial.formula == lines[0]:
            found.append(Cell(before=before + lines[0]))
        else:
            one = len(lines) == 1
            found.append(Cell(visible(partial.formula), before, f" = {lines[0]}" if one else " ="))
            found += [] if one else [Cell(before=f"  {line}") for line in lines]
    if step.operands and not step.partials:
        return [Cell("none: a condition is zero by design")]
    return found or [Cell()]


def _backward(tape: ArrayTape, backward: Sequence[BackwardStep], names: Sequence[str], width: int) -> list[str]:
    beside = _backward_rows(tape, backward, names, below=False)
    header = ("node", "adjoint", "what it adds to the adjoints of its operands", "")
    lines = table(header, beside, set(), {2}, width)
    if max(map(len, lines)) <= width:
        return lines
    return table(header[:3], _backward_rows(tape, backward, names, below=True), set(), {2}, width)


def _backward_rows(
    tape: ArrayTape, backward: Sequence[BackwardStep], names: Sequence[str], below: bool
) -> list[list[Cell]]:
    """Rows of the backward pass; what is added stands below its rule where there is no room beside it."""
    rows: list[list[Cell]] = []
    for step in backward:
        # the adjoints of wrt stand below
        if step.node in tape.constants or step.node in tape.wrt:
            continue
        # of a node with several operands the blocks stand one below the other, the adjoint beside the first
        blocks = [
            [
                [Cell(before=f"adjoint({names[part.operand]}) += {shortened(visible(part.formula), LONGEST_RULE)}")],
                [Cell(before=line) for line in array_lines(part.value)],
            ]
            for part in step.contributions
        ]
        if not blocks:
            text = step.reason or ("input" if step.node < len(tape.symbols) else "nothing: zero by design")
            blocks = [[[Cell(visible(text))], [Cell()]]]
        lines = [row for block in blocks for row in (_stacked(block) if below else _rows(block))]
        adjoint = [Cell(before=line) for line in array_lines(step.adjoint)]
        empty = [Cell()] * (1 if below else 2)
        for name, left, right in itertools.zip_longest([Cell(names[step.node])], adjoint, lines):
            rows.append([name or Cell(), left or Cell(), *(right or empty)])
    return rows


def _stacked(block: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    rule, values = block
    return [[cell] for cell in (*rule, *(Cell(before=f"  {cell.before}") for cell in values if cell.before))]


def _rows(columns: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Rows of a table from columns of unequal height."""
    return [[cell or Cell() for cell in row] for row in itertools.zip_longest(*columns)]


def array_lines(value: Any) -> list[str]:
    """Write a number, or an array row by row with four digits; of a long axis only its ends.

    >>> array_lines(np.array([[1.0, -0.5], [0.25, 3.0]]))
    ['[   1  -0.5]', '[0.25     3]']
    >>> array_lines(np.arange(9.0)), array_lines(2.0)
    (['[0, 1, 2, ..., 7, 8]'], ['2'])
    """
    if not np.shape(value):
        return [number(value)]
    if np.ndim(value) == 2:
        places = ends(np.shape(value)[1])
        rows = [_entries(value[k], places) for k in ends(np.shape(value)[0]) if k is not None]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"[{'  '.join(t.rjust(n) for t, n in zip(row, widths, strict=True))}]" for row in rows]
        return [*lines[:FIRST], DOTS, *lines[FIRST:]] if len(value) > LONGEST_AXIS else lines
    flat = np.ravel(value)
    line = f"[{', '.join(_entries(flat, ends(flat.size)))}]"
    return [line if np.ndim(value) == 1 else f"{line} in {shape_text(np.shape(value))}"]


def ends(length: int) -> list[int | None]:
    """Places along an axis that are written; None for what is left out."""
    if length <= LONGEST_AXIS:
        return list(range(length))
    return [*range(FIRST), None, *range(length - LAST, length)]


def _entries(values: Any, places: Sequence[int | None]) -> list[str]:
    return [DOTS if place is None else _entry(values[place]) for place in places]


def _entry(value: Any) -> str:
    return str(bool(value)).lower() if isinstance(value, (bool, np.bool_)) else f"{value + 0.0:.4g}"
