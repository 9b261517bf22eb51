"""A program of groups in JAX: one vector operation a group, in the forms of the function table."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from symdiff.constants import nearest
from symdiff.function import Absence
from symdiff.vectorised.contraction import contracted
from symdiff.vectorised.grouping import CONSTANTS, HEADS, Group, Program, Slot
from symdiff.vectorised.patterns import frame_of, split
from symdiff.vectorised.segments import dimensions, entries, segmented, whole
from symdiff.vectorised.value_forms import form_of

# factors that are multiplied one after the other, in the order of the formula
FEW_FACTORS = 8
# pieces of other groups that the outputs are put together from
MOST_PIECES = 32
# entries of one step from which on a running sum goes step by step, not in parallel
WIDE_STEP = 64


def group_values(program: Program, arguments: Sequence[Any]) -> list[Any]:
    """Values of every group, (size,) or (size, points), from those of the groups of arguments, all of one dtype."""
    dtype = arguments[0].dtype
    constants = np.asarray([nearest(value, dtype) for value in program.constants], dtype)
    repeated, cuts = program.repeated, program.cuts
    values: list[Any] = [segmented(each, cuts[number]) for number, each in enumerate(arguments)]
    values += [constants, np.asarray(program.truths, np.bool_)]
    for number, group in enumerate(program.groups[len(HEADS) :], len(HEADS)):
        found = _FORMS[group.kind](program, group, values)
        points = found.shape[-1:] if group.batched else ()
        found = found.reshape(group.size, *points)
        # XLA would compute what is read often once for each reader
        found = jax.lax.optimization_barrier(found) if number in repeated else found
        values.append(segmented(found, cuts[number]))
    return values


def outputs_of(program: Program, values: Sequence[Any], first: int, last: int, points: int | None) -> jax.Array:
    """The outputs numbered `first` to `last` - 1, (outputs,) or (outputs, points)."""
    types, places = (part[first:last] for part in program.outputs)
    wide = points is not None
    cuts = np.flatnonzero(np.diff(types)) + 1
    if len(cuts) >= MOST_PIECES:
        types, places, values = _joined(program, types, places, values, points)
        cuts = cuts[:0]
    pieces: list[Any] = []
    for part, own in zip(np.split(places, cuts), types[np.concatenate([[0], cuts])], strict=True):
        index = split(part, frame_of([part]))
        piece = entries(values[own], index)
        piece = piece[..., None] if wide and dimensions(values[own]) == 1 else piece
        further = (points,) if wide else ()
        pieces.append(jnp.broadcast_to(piece, (*index.shape, *further)).reshape(part.size, *further))
    return jnp.concatenate(pieces) if len(pieces) > 1 else pieces[0]


def _joined(
    program: Program, types: Any, places: Any, values: Sequence[Any], points: int | None
) -> tuple[Any, Any, list[Any]]:
    """The outputs as entries of one array that holds all groups they are in."""
    used = np.unique(types)
    sizes = [program.groups[own].size for own in used]
    starts = np.zeros(len(program.groups), np.int64)
    starts[used] = np.cumsum([0, *sizes[:-1]])
    arrays: list[Any] = []
    for own in used:
        value = whole(values[own])
        if points is not None and value.ndim == 1:
            value = jnp.broadcast_to(value[:, None], (value.shape[0], points))
        arrays.append(value)
    return np.zeros_like(types), places + starts[types], [jnp.concatenate(arrays)]


def _operand(program: Program, values: Sequence[Any], source: int, index: Any, wide: bool) -> Any:
    found = entries(values[source], index)
    return found[..., None] if wide and not program.groups[source].batched else found


def _filled(found: Any, frame: tuple[int, ...], wide: bool) -> Any:
    return jnp.broadcast_to(found, (*frame, found.shape[-1]) if wide else frame)


def _apply(program: Program, group: Group, values: Sequence[Any]) -> Any:
    function: Any = group.function
    sources = [slot.sources[0] for slot in group.slots]
    indices = [slot.index[0, :, 0] for slot in group.slots]
    frame = frame_of(indices)
    taken = [
        _operand(program, values, source, split(index, frame), group.batched)
        for source, index in zip(sources, indices, strict=True)
    ]
    # as in symdiff.lowering: where no derivative goes in, none comes out, and a constant divisor has none
    still = [partial is Absence.ZERO for partial in function.partials]
    taken = [jax.lax.stop_gradient(each) if s else each for each, s in zip(taken, still, strict=True)]
    plain = function.name == "divide" and sources[1] == CONSTANTS
    form = jnp.divide if plain else form_of(function)
    return _filled(form(*taken, *group.static), frame, group.batched)


def _product(program: Program, group: Group, values: Sequence[Any]) -> Any:
    total = sum(slot.terms for slot in group.slots)
    if total <= FEW_FACTORS:
        sources = [slot.sources[0] for slot in group.slots for _ in range(slot.terms)]
        indices = [slot.index[0, :, t] for slot in group.slots for t in range(slot.terms)]
        frame = frame_of(indices)
        taken = [
            _operand(program, values, source, split(index, frame), group.batched)
            for source, index in zip(sources, indices, strict=True)
        ]
        return _filled(functools.reduce(operator.mul, taken), frame, group.batched)
    parts = [_multiplied(program, slot, values, group.batched) for slot in group.slots]
    return functools.reduce(operator.mul, parts)


def _multiplied(program: Program, slot: Slot, values: Sequence[Any], wide: bool) -> Any:
    """The product of the factors in one slot, (members,) or (members, points)."""
    (source,), members = slot.sources, slot.index.shape[1]
    entries = _operand(program, values, source, slot.index[0], wide)
    points = entries.shape[2:]
    return jnp.prod(jnp.broadcast_to(entries, (members, slot.terms, *points)), axis=1)


def _sum(program: Program, group: Group, values: Sequence[Any]) -> Any:
    total: Any = None
    for slot in group.slots:
        part = _term(program, group, slot, values)
        first = -part if slot.sign < 0 else part
        total = first if total is None else total + first
    return total


def _term(program: Program, group: Group, slot: Slot, values: Sequence[Any]) -> Any:
    """What the terms of one structure add to each member, (members,) or (members, points)."""
    if slot.terms == 1:
        indices = [row[:, 0] for row in slot.index]
        frame = frame_of(indices)
        taken = [
            _operand(program, values, source, split(index, frame), group.batched)
            for source, index in zip(slot.sources, indices, strict=True)
        ]
        found = _filled(functools.reduce(operator.mul, taken), frame, group.batched)
        return found.reshape(group.size, *found.shape[len(frame) :])
    batched = [program.groups[source].batched for source in slot.sources]
    found = contracted(slot, [values[source] for source in slot.sources], batched)
    return found[:, None] if group.batched and not any(batched) else found


def _running(program: Program, group: Group, values: Sequence[Any]) -> Any:
    start, elements = group.slots
    _, chains, length = elements.index.shape
    wide = group.batched
    first = _operand(program, values, start.sources[0], start.index[0], wide)
    rest = _operand(program, values, elements.sources[0], elements.index[0], wide)
    points = np.broadcast_shapes(first.shape[2:], rest.shape[2:])
    first = jnp.broadcast_to(first, (chains, 1, *points))
    rest = jnp.broadcast_to(rest, (chains, length, *points))
    combine: Callable[..., Any] = operator.add if group.name == "add" else operator.mul
    if chains * int(np.prod(points)) < WIDE_STEP:
        found = jax.lax.associative_scan(combine, jnp.concatenate([first, rest], axis=1), axis=1)
        return found[:, 1:]

    def step(before: Any, element: Any) -> tuple[Any, Any]:
        after = combine(before, element)
        return after, after

    _, found = jax.lax.scan(step, first[:, 0], jnp.moveaxis(rest, 1, 0))
    return jnp.moveaxis(found, 0, 1)


_FORMS = {"apply": _apply, "product": _product, "sum": _sum, "running": _running}
