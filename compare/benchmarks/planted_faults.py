"""Faults planted in each route, one at a time: whether `compare.check` sees them and names the route.

`python -m compare.benchmarks.planted_faults` prints a table by kind and route, beside it what
`jax.test_util.check_grads` sees of the same faults in the autodiff route, and every fault that was missed. Rules are on
trial, not compilation, so JAX runs operation by operation.
"""

from __future__ import annotations

import collections
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click
import jax
import numpy as np
from jax.test_util import check_grads

import compare
from compare.benchmarks.fault_cases import AT, COSTLY, EXPRESSIONS, OTHERS, SLOWER, x, y
from compare.benchmarks.fault_planting import KINDS, Fault, batch, faults, planted, wrong_gradient
from symdiff import lowering
from symdiff.from_sympy import graph_of
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES

# of costly functions every so many faults are taken
EVERY = 5


@dataclass(frozen=True)
class Hunted:
    """What was found of one fault; `named` also demands that no other route was blamed anywhere."""

    route: str
    fault: Fault
    caught: bool
    named: bool
    seen: str
    by_check_grads: bool | None = None


def blamed(row: Any) -> set[str]:
    """The routes that a row says are wrong."""
    return {route for route in ROUTES if f"{route} is off" in row.reason or f"{route} gives" in row.reason}


def hunt(route: str, fault: Fault, beside: bool = False) -> Hunted:
    """Plant a fault and check; with `beside`, which is for the autodiff route, ask `check_grads` too.

    >>> found = hunt("chain", Fault("sin", "factor", 0))
    >>> found.caught, found.named
    (True, True)
    """
    with planted(route, fault), jax.disable_jit():
        found = compare.check(fault.expression, at=AT)
        other = seen_by_check_grads(fault) if beside else None
    alarms = [row for row in found.rows if row.verdict.value == "disagree"]
    named = bool(alarms) and all(blamed(row) == {route} for row in alarms)
    seen = f"{found.verdict}: {alarms[0].reason if alarms else found.findings}"
    return Hunted(route, fault, found.verdict.value == "disagree", named, seen, other)


def seen_by_check_grads(fault: Fault) -> bool:
    """Whether `check_grads(order=1, modes=["rev"])` refuses the model as lowered now, at all points or at any one."""
    graph = lowerable(graph_of([fault.expression]))

    def model(a: Any, b: Any) -> Any:
        return lowering.jax_outputs(graph, {x: a, y: b})[0]

    function = _with_wrong_gradient(model, fault.kind) if fault.operand is None and fault.kind != "branch" else model
    a, b = batch()
    for arrays in [(a, b), *zip(a, b, strict=True)]:
        try:
            check_grads(function, arrays, order=1, modes=["rev"])
        except AssertionError:
            return True
    return False


def _with_wrong_gradient(model: Any, kind: str) -> Any:
    function = jax.custom_vjp(model)

    def backward(arrays: Any, adjoint: Any) -> Any:
        gradient = jax.vjp(model, *arrays)[1](adjoint)
        return tuple(wrong_gradient(kind, arrays[0], jax.numpy.stack(gradient), jax.numpy))

    function.defvjp(lambda *arrays: (model(*arrays), arrays), backward)
    return function


def chosen() -> list[Fault]:
    """The faults of the figures: all of the functions that are quick to check, and a share of the costly ones'."""
    found = list(faults(EXPRESSIONS | {name: None for name in OTHERS if name not in COSTLY}))
    return found + list(faults(name for name in OTHERS if name in COSTLY))[::EVERY]


def sample(seed: int, count: int) -> list[Fault]:
    """A seeded part of the faults in functions that are quick to check, of every kind alike.

    >>> [fault.kind for fault in sample(0, 9)] == list(KINDS)
    True
    """
    draw = np.random.default_rng(seed)
    groups = [list(faults((n for n in EXPRESSIONS | OTHERS if n not in SLOWER), [kind])) for kind in KINDS]
    orders = [draw.permutation(len(group)) for group in groups]
    return [group[order[k]] for k in range(count // len(KINDS)) for group, order in zip(groups, orders, strict=True)]


def table(found: Iterable[Hunted]) -> Iterator[str]:
    """Lines of Markdown: by kind, of each route how many were caught and named, and how many check_grads saw."""
    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for one in found:
        for kind in (one.fault.kind, "all"):
            for what, number in (
                ("all", 1),
                ("caught", one.caught),
                ("named", one.named),
                ("grads", one.by_check_grads or 0),
            ):
                counts[one.route, kind, what] += number
    yield "| kind | " + " | ".join(f"{route}: caught, named of" for route in ROUTES) + " | check_grads, of autodiff's |"
    yield "|---" * (len(ROUTES) + 2) + "|"
    for kind in (*KINDS, "all"):
        cells = [
            ", ".join(str(counts[r, kind, w]) for w in ("caught", "named")) + f" of {counts[r, kind, 'all']}"
            for r in ROUTES
        ]
        yield (
            f"| {kind} | "
            + " | ".join(cells)
            + f" | {counts['autodiff', kind, 'grads']} of {counts['autodiff', kind, 'all']} |"
        )


@click.command()
@click.option("--route", "only", type=click.Choice(ROUTES), help="One route only.")
@click.option("--every", default=1, help="Take every so many faults.")
def main(only: str | None, every: int) -> None:
    """Hunt the faults planted in each route; print the table, then every miss."""
    warnings.simplefilter("ignore")
    start, found = time.perf_counter(), list[Hunted]()
    for route in ROUTES if only is None else [only]:
        for fault in chosen()[::every]:
            found.append(hunt(route, fault, beside=route == "autodiff"))
            if not found[-1].named:
                click.echo(f"{'not named' if found[-1].caught else 'missed'}: {route} {fault} {found[-1].seen}")
        click.echo(f"{route}: {time.perf_counter() - start:.0f} s so far")
    click.echo("\n".join(table(found)))


if __name__ == "__main__":
    main()
