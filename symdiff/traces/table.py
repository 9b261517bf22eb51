"""A trace as plain text: the forward pass front to back, the backward pass back to front, then the gradient."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from symdiff.traces.formula import Measure
from symdiff.traces.steps import BackwardStep, Step
from symdiff.traces.tape import Tape

# of a cell that is cut
SHORTEST_TEXT = 9
# of the expression in the title, in nodes; it is cut to one line all the same
LONGEST_TITLE = 500
DOTS = "..."
GAP = "  "


@dataclass(frozen=True)
class Cell:
    """A cell of a table: only `text` may be shortened, `before` and `after` always stay."""

    text: str = ""
    before: str = ""
    after: str = ""

    @property
    def width(self) -> int:
        """Characters that the whole cell takes."""
        return len(self.before) + len(self.text) + len(self.after)

    @property
    def narrowest(self) -> int:
        """Characters that it takes when it is cut."""
        return self.width - len(self.text) + min(len(self.text), SHORTEST_TEXT)

    def fit(self, width: int) -> str:
        """Write the cell in `width` characters."""
        return self.before + shortened(self.text, width - len(self.before) - len(self.after)) + self.after


def to_text(tape: Tape, steps: Sequence[Step], backward: Sequence[BackwardStep], width: int) -> str:
    """Write the tables; lines are at most `width` characters long where the numbers leave room for that."""
    names = [shortened(visible(step.name), width // 7) for step in steps]
    output = steps[tape.output]
    whole = (
        Measure().written(tape.expression, LONGEST_TITLE) or f"an expression of {len(tape.applications):,} operations"
    )
    point = ", ".join(f"{names[step.node]} = {number(step.value)}" for step in steps[: len(tape.symbols)])
    top, first = names[output.node], names[tape.wrt[0]]
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
            f"Forward pass, front to back; the tangent of a node is d(node)/d{first}",
            *_forward(tape, steps, names, width),
            *([] if not reasons else ["", "Not finite:", *reasons]),
            "",
            f"Backward pass, back to front; the adjoint of a node is d{top}/d(node)",
            *_backward(tape, backward, names, width),
            "",
            "Value and gradient",
            f"  {top} = {number(output.value)}",
            *(f"  d{top}/d{names[node]} = {number(steps[node].adjoint)}" for node in tape.wrt),
        ]
    )


def _forward(tape: Tape, steps: Sequence[Step], names: Sequence[str], width: int) -> list[str]:
    rows: list[list[Cell]] = []
    for step in steps:
        formula = step.formula if step.operands else step.operation
        partials = _partials(tape, step, names)
        rows.append([*map(Cell, (names[step.node], visible(formula), number(step.value))), partials[0]])
        rows[-1].append(Cell(number(step.tangent)))
        rows += [[Cell(), Cell(), Cell(), partial, Cell()] for partial in partials[1:]]
    return table(("node", "formula", "value", "local partials", "tangent"), rows, {2, 4}, {1, 3}, width)


def _partials(tape: Tape, step: Step, names: Sequence[str]) -> list[Cell]:
    if step.operands and not step.partials:
        return [Cell("none: a condition is zero by design")]
    found: list[Cell] = []
    for partial in step.partials:
        if partial.operand in tape.constants:
            continue
        before, value = f"d{names[step.node]}/d{names[partial.operand]} = ", number(partial.value)
        if partial.value == 0 and partial.reason:
            found.append(Cell(f"0, {partial.reason}", before))
        elif partial.formula == value:
            found.append(Cell(before=before + value))
        else:
            found.append(Cell(visible(partial.formula), before, f" = {value}"))
    return found or [Cell()]


def _backward(tape: Tape, backward: Sequence[BackwardStep], names: Sequence[str], width: int) -> list[str]:
    rows: list[list[Cell]] = []
    for step in backward:
        if step.node in tape.constants:
            continue
        name, adjoint = names[step.node], number(step.adjoint)
        found: list[list[Cell]] = []
        for part in step.contributions:
            if part.operand not in tape.constants:
                to, factor = names[part.operand], number(part.partial)
                product = f" = {adjoint} * {f'({factor})' if factor.startswith('-') else factor}"
                chain = Cell(f"d{names[tape.output]}/d{name} * d{name}/d{to}", after=product)
                found.append([Cell(to), chain, Cell(number(part.value)), Cell(number(part.accumulated))])
        if not found:
            text = step.reason or ("input" if step.node < len(tape.symbols) else "")
            text = text or ("to constants only" if step.contributions else "nothing: zero by design")
            found = [[Cell(), Cell(visible(text)), Cell(), Cell()]]
        rows.append([Cell(name), Cell(adjoint), *found[0]])
        rows += [[Cell(), Cell(), *rest] for rest in found[1:]]
    return table(("node", "adjoint", "to", "adjoint * local partial", "adds", "so far"), rows, {1, 4, 5}, {3}, width)


def table(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], right: Collection[int], flexible: Collection[int], width: int
) -> list[str]:
    """Align columns, those in `right` to the right; the ones in `flexible` are narrowed until a line fits `width`.

    >>> table(("node", "value"), [[Cell("v1"), Cell("2")]], right={1}, flexible=set(), width=80)
    ['  node  value', '  v1        2']
    """
    columns = list(zip([Cell(before=text) for text in header], *rows, strict=True))
    widths = [max(cell.width for cell in column) for column in columns]
    floors = [max(cell.narrowest for cell in column) for column in columns]
    excess = sum(widths) + len(GAP) * len(widths) - width
    for i in sorted(flexible, key=lambda i: floors[i] - widths[i]):
        cut = max(0, min(excess, widths[i] - floors[i]))
        widths[i] -= cut
        excess -= cut
    written: list[str] = []
    for line in zip(*columns, strict=True):
        texts = [cell.fit(widths[i]) for i, cell in enumerate(line)]
        cells = [text.rjust(widths[i]) if i in right else text.ljust(widths[i]) for i, text in enumerate(texts)]
        written.append((GAP + GAP.join(cells)).rstrip())
    return written


def number(value: float | bool) -> str:
    """Write a number with six digits; a trace has them all in its steps and as JSON.

    >>> number(-8.0), number(1 / 3), number(-0.0), number(True)
    ('-8', '0.333333', '0', 'true')
    """
    return str(value).lower() if isinstance(value, bool) else f"{value + 0.0:.6g}"


def shortened(text: str, width: int) -> str:
    """Cut a text that is longer than `width` in its middle.

    >>> shortened("learning_rate_of_layer_1", 16)
    'learnin...ayer_1'
    """
    if len(text) <= width:
        return text
    kept = width - len(DOTS)
    return text[: kept - kept // 2] + DOTS + text[len(text) - kept // 2 :]


def visible(text: str) -> str:
    r"""Spell out control characters, which a name may hold.

    >>> visible("w\x1b[31m")
    'w\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
