"""Random expressions: every number of their traces against numerical differentiation in 50 digits.

Formulas are read back from their text and evaluated by mpmath, so that neither the function table nor SymPy's
derivatives take part in the judgement.
"""

import operator
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import pytest
import sympy as sp

from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import as_expression, free_symbols
from symdiff.traces.steps import Step
from symdiff.tracing import Trace, trace

SYMBOLS = sp.symbols("w x y", real=True)
DIGITS = 50
UNARY: tuple[Callable[..., Any], ...] = (
    sp.sin,
    sp.cos,
    sp.tanh,
    sigmoid,
    sp.Abs,
    lambda u: sp.exp(sp.sin(u)),
    lambda u: sp.log(1 + u**2),
    lambda u: sp.sqrt(2 + u**2),
    lambda u: u**3 / 5,
    lambda u: 1 / (1 + u**2),
    lambda u: (1 + u**2) ** sp.Rational(3, 4),
    lambda u: u / 3 - 2,
)
BINARY: tuple[Callable[..., Any], ...] = (
    operator.add,
    operator.sub,
    operator.mul,
    sp.Max,
    sp.Min,
    lambda u, v: u / (2 + sp.cos(v)),
    lambda u, v: (1 + u**2) ** sp.tanh(v),
    lambda u, v: sp.Piecewise((u, u < v), (sp.sin(v), True), evaluate=False),
)
# conditions are no numbers, so their formulas cannot be read back alone
LOGIC: dict[str, Callable[..., Any]] = {
    "less": operator.lt,
    "select": lambda condition, u, v: u if condition else v,
}
MPMATH: list[Any] = [
    {
        "sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
        "Max": max,
        "Min": min,
        "Heaviside": lambda t, h: h if t == 0 else mpmath.mpf(t > 0),
    },
    "mpmath",
]


def _expression(seed: int) -> sp.Expr:
    source = random.Random(seed)
    pool: list[Any] = [*SYMBOLS, sp.Rational(2, 7), sp.pi]
    while len(pool) < 12:
        unary = source.random() < 0.5
        made = source.choice(UNARY)(source.choice(pool)) if unary else source.choice(BINARY)(*source.sample(pool, 2))
        if made.free_symbols:
            pool.append(made)
    return pool[-1] + pool[-2] * pool[-3] + sum(SYMBOLS) / 5


def _point(seed: int) -> dict[str, float]:
    source = random.Random(-seed - 1)
    return {symbol.name: source.uniform(-2, 2) for symbol in SYMBOLS}


@cache
def _reader(formula: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    expression = as_expression(formula, "the formula")
    symbols = free_symbols(expression)
    return sp.lambdify(symbols, expression, MPMATH), tuple(symbol.name for symbol in symbols)


def _read(formula: str, numbers: dict[str, Any]) -> Any:
    function, names = _reader(formula)
    return function(*(numbers[name] for name in names))


def _evaluate(t: Trace, given: dict[int, Any]) -> list[Any]:
    """Every node in high precision; those in `given` have the number given there."""
    values: list[Any] = []
    for step in t.steps:
        values.append(given[step.node] if step.node in given else _value(t, step, values))
    return values


def _value(t: Trace, step: Step, values: list[Any]) -> Any:
    if step.operation == "input":
        return mpmath.mpf(step.value)
    if step.operation in LOGIC:
        return LOGIC[step.operation](*(values[i] for i in step.operands))
    return _read(step.formula, {t.steps[i].name: values[i] for i in step.operands})


def _slope(t: Trace, source: int, target: int, at: Any) -> Any:
    """Derivative of one node in another, which is moved while all before it stay."""
    return mpmath.diff(lambda number: _evaluate(t, {source: number})[target], at)


def _near(found: float, true: Any, scale: Any) -> bool:
    # some thirty operations with bounded conditioning: rounding stays far below 1e-12 of the largest number met
    return abs(found - true) <= 1e-12 * max(1, scale)


@pytest.mark.parametrize("seed", range(25))
def test_every_number_of_a_random_trace(seed):
    expression, at = _expression(seed), _point(seed)
    t = trace(expression, {name: at[name] for name in map(str, free_symbols(expression))})
    with mpmath.workdps(DIGITS):
        values = _evaluate(t, {})
        numbers = {step.name: value for step, value in zip(t.steps, values, strict=True)}
        scale = max(abs(v) for v in values if not isinstance(v, bool)) ** 2
        whole = sp.lambdify(SYMBOLS, expression, MPMATH)
        assert _near(t.value, whole(*(mpmath.mpf(at[s.name]) for s in SYMBOLS)), scale)
        for step, value in zip(t.steps, values, strict=True):
            if isinstance(value, bool):
                assert step.value is value
                continue
            assert _near(step.value, value, scale)
            for partial in step.partials:
                if step.operation != "select":
                    assert _near(partial.value, _read(partial.formula, numbers), scale)
            for source in t.steps[: len(t.at)]:
                true = _slope(t, source.node, step.node, values[source.node])
                assert _near(step.tangents[source.name], true, scale)
            assert step.tangent == step.tangents[t.steps[0].name]
            if step.operation != "constant":  # formulas have constants written in
                assert _near(step.adjoint, _slope(t, step.node, -1, value), scale)
        for source in t.steps[: len(t.at)]:
            assert t.gradient[source.name] == source.adjoint
            assert _near(source.adjoint, t.output.step.tangents[source.name], scale)
