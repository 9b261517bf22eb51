"""Planting one fault in one route: a derivative rule, or the gradient that the route gives, is made wrong."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from compare.benchmarks.fault_cases import AT, EXPRESSIONS, OTHERS, piecewise
from symdiff import lowering, routes, symbolic
from symdiff.from_sympy import graph_of
from symdiff.function import Absence, Function
from symdiff.functions import FUNCTIONS
from symdiff.to_sympy import expressions_of

# of one rule; the last three are of the whole gradient, or of the choice between branches
RULES = ("sign", "factor", "dropped", "swapped", "missing", "stale", "beyond 10")
KINDS = (*RULES, "branch", "direction")
CONSTANT = ("add", "subtract", "negate", "select", "frac")  # partials that no operand changes
ONE = {("add", 0), ("add", 1), ("subtract", 0), ("frac", 0), ("Mod", 0)}  # partials that are 1 already


@dataclass(frozen=True)
class Fault:
    """What is wrong: the rule of a function in an operand, or, with operand None, the gradient of its expression."""

    name: str
    kind: str
    operand: int | None

    @property
    def expression(self) -> sp.Expr:
        """In which the fault shows."""
        return piecewise(self.name) if self.kind == "branch" else (EXPRESSIONS | OTHERS)[self.name]


def moving_operands(row: Function) -> list[int]:
    """Operands in which a function has a derivative that is not zero by design.

    >>> moving_operands(FUNCTIONS["select"])
    [1, 2]
    """
    return [k for k, partial in enumerate(row.partials) if not isinstance(partial, Absence)]


def faults(names: Iterable[str], kinds: Sequence[str] = KINDS) -> Iterator[Fault]:
    """Every fault of these kinds in these functions that changes a partial at some point.

    >>> [fault.operand for fault in faults(["multiply"], ["sign", "direction"])]
    [0, 1, None]
    """
    for name in names:
        moving = moving_operands(FUNCTIONS[name])
        for kind in kinds:
            if kind in ("branch", "direction") or (kind == "beyond 10" and name in OTHERS):
                yield Fault(name, kind, None)
                continue
            for operand in moving:
                kept = {
                    "swapped": len(moving) == 2 and name != "add",
                    # off its branch a guard makes the right partial of `select` meet nothing but zeros
                    "missing": (name, operand) not in ONE and name != "select",
                    "beyond 10": name != "select",
                    "stale": name not in CONSTANT and (name, operand) != ("Mod", 0),
                }
                if kept.get(kind, True):
                    yield Fault(name, kind, operand)


@contextlib.contextmanager
def planted(route: str, fault: Fault) -> Generator[None]:
    """While it lasts, a route has the fault.

    >>> import compare
    >>> with planted("chain", Fault("sin", "sign", 0)):
    ...     print(compare.check(sp.sin(sp.Symbol("x")), at={"x": 1.0}).verdict)
    disagree
    """
    if fault.kind == "branch":
        with _rules(route, "select", {1: "swapped", 2: "swapped"}):
            yield
    elif fault.operand is None:
        with _gradient(route, fault.kind):
            yield
    else:
        with _rules(route, fault.name, {fault.operand: fault.kind}):
            yield


def _rules(route: str, name: str, wrong: dict[int, str]) -> Any:
    return {"chain": _in_chain, "symbolic": _in_symbolic, "autodiff": _in_autodiff}[route](name, wrong)


def _mutated(kind: str, right: Any, partials: Any, which: int, operands: Any, where: Any) -> Any:
    """The wrong partial in place of the right one; `partials` and `operands` are those that are differentiated in."""
    return {
        "sign": lambda: -right,
        "factor": lambda: right * (1 + 1e-9),
        "dropped": lambda: right * 0,
        "swapped": lambda: partials[1 - which],
        "missing": lambda: right * 0 + 1,
        "beyond 10": lambda: where(sum(map(abs, operands)) > 10, right * 1.5, right),
        "stale": lambda: right,
    }[kind]()


def before(array: Any, xp: Any = np) -> Any:
    """The value at the point before, along a batch.

    >>> before(np.array([1, 2, 3])).tolist()
    [3, 1, 2]
    """
    return xp.roll(array, 1) if np.ndim(array) else array


def _in_chain(name: str, wrong: dict[int, str]) -> Any:
    row = FUNCTIONS[name]
    moving = moving_operands(row)

    def rule(kind: str, operand: int) -> Callable[..., Any]:
        def partial(*given: Any) -> Any:
            *arguments, result = [before(u) for u in given] if kind == "stale" else given
            partials = [p(*arguments, result) if callable(p) else p for p in (row.partials[k] for k in moving)]
            which, operands = moving.index(operand), [arguments[k] for k in moving]
            found = _mutated(kind, partials[which], partials, which, operands, np.where)
            return np.asarray(found, np.asarray(result).dtype)[()]

        return partial

    partials = tuple(rule(wrong[k], k) if k in wrong else partial for k, partial in enumerate(row.partials))
    return replaced_in_graph(name, partials=partials)


def replaced_in_graph(name: str, **columns: Any) -> Any:
    """While it lasts, `compare.check` sees the row of a function with other columns."""
    row = dataclasses.replace(FUNCTIONS[name], **columns)

    def mutant(expressions: Any) -> Any:
        graph = graph_of(expressions)
        return dataclasses.replace(graph, functions=tuple(row if f.name == name else f for f in graph.functions))

    return mock.patch("compare.checking.graph_of", mutant)


def _in_symbolic(name: str, wrong: dict[int, str]) -> Any:
    right = vars(symbolic)["_rule"]
    moving = moving_operands(FUNCTIONS[name])

    def where(condition: Any, taken: Any, otherwise: Any) -> Any:
        return sp.Piecewise((sp.nsimplify(taken), condition), (otherwise, True))

    def rule(function: Function, operand: int, static: Any, *options: Any) -> Any:
        if function.name != name or operand not in wrong:
            return right(function, operand, static, *options)
        kind = wrong[operand]
        rules = [right(function, k, static, *options) for k in moving]
        partials = [expressions_of(graph, graph.outputs)[0] for graph, _ in rules]
        names, which = symbolic.operand_names(function), moving.index(operand)
        own = partials[which]
        found = _mutated(kind, own, partials, which, [names[k] for k in moving], where)
        if kind == "factor":
            found = own * (1 + sp.Rational(1, 10**9))
        if kind == "stale":
            # a function that occurs in no rule marks the places
            found = own.subs({names[k]: sp.erfi(names[k]) for k in moving}, simultaneous=True)
        graph = graph_of([sp.sympify(found)])
        if kind == "stale":
            graph = dataclasses.replace(graph, functions=tuple(_stale(f) for f in graph.functions))
        return graph, tuple(graph.inputs.get(symbol, -1) for symbol in names)

    return mock.patch("symdiff.symbolic._rule", rule)


def _stale(function: Function) -> Function:
    if function.name != "erfi":
        return function
    return dataclasses.replace(function, name="stale", value=before, partials=(1.0,), jax=lambda u: before(u, jnp))


def _in_autodiff(name: str, wrong: dict[int, str]) -> Any:
    row, right = FUNCTIONS[name], lowering.resolve
    form, arity, moving = right(row.jax), row.arity, moving_operands(row)

    def partial_of(primals: Any, static: Any, k: int) -> Any:
        if name == "select":
            return jnp.where(primals[0], 1.0, 0.0) if k == 1 else jnp.where(primals[0], 0.0, 1.0)
        along = lambda u: form(*primals[:k], u, *primals[k + 1 :], *static)  # noqa: E731
        return jax.jvp(along, (primals[k],), (jnp.ones_like(primals[k]),))[1]

    def mutant(*given: Any) -> Any:
        operands, static = given[:arity], given[arity:]
        function = jax.custom_jvp(lambda *primals: form(*primals, *static))

        def jvp(primals: Any, tangents: Any) -> Any:
            partials = [partial_of(primals, static, k) for k in moving]
            found = list(partials)
            for operand, kind in wrong.items():
                which, own = moving.index(operand), partials[moving.index(operand)]
                if kind == "stale":
                    own = partial_of([before(u, jnp) for u in primals], static, operand)
                found[which] = _mutated(kind, own, partials, which, [primals[k] for k in moving], jnp.where)
            terms = [partial * tangents[k] for k, partial in zip(moving, found, strict=True)]
            return form(*primals, *static), sum(terms[1:], terms[0])

        function.defjvp(jvp)
        return function(*operands)

    return mock.patch("symdiff.lowering.resolve", lambda path: mutant if path == row.jax else right(path))


def wrong_gradient(kind: str, x: Any, gradient: Any, xp: Any) -> Any:
    """A gradient, shape (2, points), with an error orthogonal to (1, 1), or with one where |x| > 10 only."""
    if kind == "beyond 10":
        return gradient * xp.where(abs(x) > 10, 1.5, 1.0)[None]
    size = 1e-3 * abs(gradient).max(axis=0)
    return gradient + xp.stack([size, -size])


def _gradient(route: str, kind: str) -> Any:
    name = {"chain": "_by_chain", "symbolic": "_symbolic", "autodiff": "_autodiff"}[route]
    right = vars(routes)[name]

    def by_chain(graph: Any, wrt: Any, given: Any) -> Any:
        value, gradient = right(graph, wrt, given)
        x = next(array for symbol, array in given.items() if symbol.name == "x")
        return value, wrong_gradient(kind, x, gradient, np)

    def by_jax(graph: Any, wrt: Any, symbols: Any, method: Any) -> Any:
        run, which = right(graph, wrt, symbols, method), [symbol.name for symbol in symbols].index("x")

        def evaluate(*arrays: Any) -> Any:
            value, gradient = run(*arrays)
            return value, wrong_gradient(kind, arrays[which], gradient, jnp)

        return evaluate

    return mock.patch(f"symdiff.routes.{name}", by_chain if route == "chain" else by_jax)


def batch() -> list[Any]:
    """The points as arrays, one a symbol."""
    return [np.array([place[name] for place in AT]) for name in ("x", "y")]
