"""A wrong rule in any route is red, and the route is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
import pytest
import sympy as sp
from array_models import MODELS

import compare
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import CONTRACT, contract
from symdiff.tensors.linear_algebra import DETERMINANT, INVERSE
from symdiff.tensors.operation import Operation
from symdiff.tensors.reductions import PRODUCT

CASES = [
    (CONTRACT, "two_layer"),
    (CONTRACT, "least_squares"),
    (CONTRACT, "pca"),
    (INVERSE, "inverse"),
    (INVERSE, "gaussian"),
    (DETERMINANT, "determinant"),
    (PRODUCT, "product"),
]


@contextmanager
def planted(operation: Operation, column: str, form: Callable[..., Any]) -> Iterator[None]:
    """The operation with another form in one of its columns."""
    before = getattr(operation, column)
    object.__setattr__(operation, column, form)
    try:
        yield
    finally:
        object.__setattr__(operation, column, before)


def _chain(operation: Operation, change: Callable[[Any], Any]) -> Callable[..., Any]:
    right = operation.adjoint
    return lambda *given: None if (found := right(*given)) is None else change(np.asarray(found))


def _symbolic(operation: Operation, change: Callable[[GraphBuilder, int], int]) -> Callable[..., Any]:
    right = operation.derived
    return lambda b, *given: change(b, right(b, *given))


def _autodiff(operation: Operation, change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The right value, and a derivative that `change` is applied to."""
    right = operation.jax

    def form(*given: Any) -> Any:
        static = given[-len_static(operation) :] if len_static(operation) else ()
        arrays = given[: len(given) - len(static)]

        @jax.custom_vjp
        def wrong(*arrays: Any) -> Any:
            return right(*arrays, *static)

        def forward(*arrays: Any) -> Any:
            return jax.vjp(lambda *a: right(*a, *static), *arrays)

        wrong.defvjp(forward, lambda pull, g: tuple(change(part) for part in pull(g)))
        return wrong(*arrays)

    return form


def len_static(operation: Operation) -> int:
    return 0 if operation.name in ("inverse", "determinant", "log_determinant") else 1


def _first_entry(array: Any) -> Any:
    changed = np.array(array, copy=True)
    changed.reshape(-1)[:1] *= 1.0 + 1e-6
    return changed


def _transposed(array: Any) -> Any:
    return array.T if array.ndim == 2 and array.shape[0] == array.shape[1] else array[::-1]


def _scaled(b: GraphBuilder, node: int, factor: float) -> int:
    return b.call("multiply", b.constant(sp.Rational(factor)), node)


def _negative(b: GraphBuilder, node: int) -> int:
    return b.call("negate", node)


def _turned(b: GraphBuilder, node: int) -> int:
    shape = b.shape(node)
    square = len(shape) == 2 and shape[0] == shape[1]
    return contract(b, [node], ["ij", "ji"]) if square else b.call("negate", node)


FAULTS: dict[tuple[str, str], Callable[[Operation], tuple[str, Callable[..., Any]]]] = {
    ("chain", "sign"): lambda op: ("adjoint", _chain(op, lambda a: -a)),
    ("chain", "factor"): lambda op: ("adjoint", _chain(op, lambda a: a * (1 + 1e-9))),
    ("chain", "entry"): lambda op: ("adjoint", _chain(op, _first_entry)),
    ("chain", "transposed"): lambda op: ("adjoint", _chain(op, _transposed)),
    ("chain", "dropped"): lambda op: ("adjoint", _chain(op, lambda a: a * 0)),
    ("autodiff", "sign"): lambda op: ("jax", _autodiff(op, lambda a: -a)),
    ("autodiff", "factor"): lambda op: ("jax", _autodiff(op, lambda a: a * (1 + 1e-9))),
    ("autodiff", "entry"): lambda op: ("jax", _autodiff(op, lambda a: a.at[(0,) * a.ndim].multiply(1 + 1e-6))),
    ("autodiff", "transposed"): lambda op: ("jax", _autodiff(op, _transposed)),
    ("autodiff", "dropped"): lambda op: ("jax", _autodiff(op, lambda a: a * 0)),
    ("symbolic", "sign"): lambda op: ("derived", _symbolic(op, _negative)),
    ("symbolic", "factor"): lambda op: ("derived", _symbolic(op, lambda b, node: _scaled(b, node, 1 + 1e-9))),
    ("symbolic", "transposed"): lambda op: ("derived", _symbolic(op, _turned)),
    ("symbolic", "dropped"): lambda op: ("derived", _symbolic(op, lambda b, node: _scaled(b, node, 0.0))),
}


# every fault in two models, the plainest ones in all
PLANTED = [
    (operation, model, route, kind)
    for operation, model in CASES
    for route, kind in FAULTS
    if model in ("two_layer", "inverse") or kind == "factor"
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("operation", "model", "route", "kind"), PLANTED, ids=lambda value: str(value))
def test_a_planted_fault_is_red_and_names_the_route(operation: Operation, model: str, route: str, kind: str) -> None:
    column, form = FAULTS[route, kind](operation)
    with planted(operation, column, form):
        found = compare.check(MODELS[model], points=2)
    wrong = [row for row in found.rows if row.verdict is compare.Verdict.DISAGREE]
    assert found.exit_code == 1, found.summary()
    assert wrong
    assert all(f"{route} is off by" in row.reason for row in wrong), found.worst()
    others = {"symbolic", "autodiff", "chain"} - {route}
    assert not any(f"{other} is off" in row.reason for row in wrong for other in others)
