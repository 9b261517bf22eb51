"""Walks the function table: every row against mpmath and Arb, every derivative rule against the values alone.

Reference derivatives are central differences of mpmath's values in 2,000 bits with a step of 2**-200 or less:
truncation and cancellation both lie below 2**-300, and no rule of differentiation is used.
"""

import dataclasses
import importlib.util
import zlib
from pathlib import Path

import flint
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff import symbolic
from symdiff.function import Absence
from symdiff.functions import FUNCTIONS
from symdiff.functions import ROWS as ALL_ROWS
from symdiff.lowering import lambdify, resolve

_spec = importlib.util.spec_from_file_location("mpmath_functions", Path(__file__).parent / "mpmath_functions.py")
mpmath_functions = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mpmath_functions)
ORACLE = mpmath_functions.ORACLE

HALF = sp.Rational(1, 2)
BITS, STEP_BITS = 2000, 200
COUNT = 24


# arithmetic, logic and the commonest functions; test_every_function walks the whole table
NAMES = [
    "add", "subtract", "negate", "multiply", "divide", "power_integer", "power_negative", "power_constant", "power",
    "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "sigmoid", "abs", "sign", "heaviside", "maximum", "minimum",
    "less", "less_equal", "equal", "unequal", "and", "or", "not", "select",
]  # fmt: skip
BASIC = ROWS = [row for row in ALL_ROWS if row.name in NAMES]
# further static arguments than those of the special points
STATIC = {
    "power_integer": [(5,), (8,), (9,), (40,)],
    "power_negative": [(2,), (8,), (9,)],
    "power_constant": [(sp.Rational(1, 3),), (sp.Rational(5, 2),), (sp.Rational(22, 7),)],
    "heaviside": [(sp.Integer(0),), (sp.Integer(1),)],
}
# Hand-written partials reuse the result, whose error is `ulp`, at most twice, and round four times more; XLA and
# SymPy's forms do no worse. Two rows need more: the exponent v - 1 is rounded, which multiplies by
# 1 + eps*|(v - 1)*log(u)|; and in 1 - tanh**2 the digits cancel, so that only the absolute error is small.
ABSOLUTE = {"tanh": 20.0}


def sample(domain, dtype, rng):
    """Points of a domain: moderate ones, several orders of magnitude, and next to its edges and holes."""
    if domain.truth:
        return rng.integers(0, 2, COUNT).astype(bool)
    near = np.array([1e-30, 1e-7, 1e30])
    # saturating functions lose their digits between 4 and 40, on one side or the other
    saturated = rng.uniform(4, 40, 6)
    points = np.concatenate([rng.uniform(0, 4, COUNT - 17), saturated, 10 ** rng.uniform(-6, 6, 8), near])
    if domain.low == -np.inf:
        points *= rng.choice([-1.0, 1.0], COUNT)
    return rng.permutation(points).astype(dtype)


def cases():
    for row in ROWS:
        statics = [tuple(point[row.arity :]) for point, _ in row.special] + STATIC.get(row.name, [])
        for static in dict.fromkeys(statics):
            for dtype in (np.float64, np.float32):
                rng = np.random.default_rng(zlib.crc32(row.name.encode()))
                yield row, static, tuple(sample(domain, dtype, rng) for domain in row.domain), dtype


CASES = list(cases())
IDS = [f"{row.name}{list(static) or ''}-{np.dtype(dtype).name}" for row, static, _, dtype in CASES]
each_case = pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)


@pytest.fixture(scope="module")
def by_jax():
    """Value, JAX's partials, SymPy's partials and the stable rules of all cases, in one compiled function."""

    def derivatives(row, static, operands):
        def f(*moving):
            given = iter(moving)
            return resolve(row.jax)(*(u if u.dtype == bool else next(given) for u in operands), *static)

        moving = [u for u in operands if u.dtype != bool]
        value = f(*moving)
        if value.dtype == bool:
            return value, [], [], []
        by_autodiff = jax.vjp(f, *moving)[1](jnp.ones_like(value))
        names = symbolic.operand_names(row)
        textbook = [symbolic.local_partial(row, k, static) for k in range(row.arity)]
        rules = zip(row.rules or [None] * row.arity, textbook, strict=True)
        stable = [own if rule is None else rule(*names, *static) for rule, own in rules]
        written = lambdify(names, textbook + stable)(*operands)
        return value, by_autodiff, written[: row.arity], written[row.arity :]

    def everything(data):
        return [derivatives(row, static, u) for (row, static, _, _), u in zip(CASES, data, strict=True)]

    return jax.tree.map(np.asarray, jax.jit(everything)([operands for _, _, operands, _ in CASES]))


def exactly(x):
    return bool(x) if isinstance(x, (bool, np.bool_)) else mp.mpf(float(x))


def references(name, static, operands, position=None):
    """mpmath's value at each point, or the difference quotient in one operand."""
    f, result = ORACLE[name], []
    with mp.workprec(BITS):
        for point in zip(*operands, strict=True):
            u = [exactly(x) for x in point]
            if position is None:
                result.append(f(*u, *static))
            else:
                h = mp.ldexp(min(abs(u[position]), 1), -STEP_BITS)
                above, below = ([*u[:position], u[position] + s * h, *u[position + 1 :]] for s in (1, -1))
                result.append((f(*above, *static) - f(*below, *static)) / (2 * h))
    return result


def assert_close(got, expected, allowed, dtype, what):
    """Every error within `allowed` units in the last place; overflow is infinite, subnormals may be flushed to zero."""
    limits = np.finfo(dtype)
    assert got.dtype == dtype, f"{what} is {got.dtype}"
    allowed = np.broadcast_to(allowed, len(expected))
    for i, (g, e, units) in enumerate(zip(np.ravel(got), expected, allowed, strict=True)):
        if abs(e) > float(limits.max):
            assert np.isinf(g), f"{what} at point {i}: {g}, expected {mp.nstr(e, 17)}"
            assert np.sign(g) == mp.sign(e)
            continue
        _, exponent = mp.frexp(e)
        ulp = mp.ldexp(1, exponent - limits.nmant - 1)
        error = abs(mp.mpf(float(g)) - e)
        assert error <= float(units) * ulp + 2 * float(limits.tiny), (
            f"{what} at point {i}: {g}, expected {mp.nstr(e, 17)}: {mp.nstr(error / ulp, 5)} units off, {units} allowed"
        )


def ulp_of(row, operands, static, value):
    return row.ulp(*operands, *static, value) if callable(row.ulp) else row.ulp


def partial_tolerance(row, operands, static, value, expected, dtype):
    units = 4 + 2 * np.broadcast_to(ulp_of(row, operands, static, value), np.shape(value)).astype(float)
    if row.name == "power":
        units = units + (1 + np.abs(operands[1])) * np.abs(np.log(operands[0]))
    if row.name in ABSOLUTE:
        scale = np.array([max(abs(float(e)), np.finfo(dtype).tiny) for e in expected])
        units = units + ABSOLUTE[row.name] / scale
    return units


def test_every_name_here_is_a_row():
    assert set(NAMES) == {row.name for row in BASIC}


@each_case
def test_values(case, by_jax):
    row, static, operands, dtype = CASES[case]
    expected = references(row.name, static, operands)
    with np.errstate(all="ignore"):
        value = row.value(*operands, *static)
        allowed = ulp_of(row, operands, static, value)
    for got, what in ((value, "NumPy"), (by_jax[case][0], "JAX")):
        if value.dtype == bool:
            assert got.tolist() == expected
        else:
            assert_close(got, expected, allowed, dtype, f"{row.name} by {what}")


@each_case
def test_partials(case, by_jax):
    check_partials(CASES[case], by_jax[case])


def check_partials(case, by_jax):
    row, static, operands, dtype = case
    with np.errstate(all="ignore"):
        value = row.value(*operands, *static)
    moving = 0
    for position, partial in enumerate(row.partials):
        if operands[position].dtype == bool:
            assert partial is Absence.ZERO
            continue
        if value.dtype == bool:
            assert partial is Absence.ZERO
            continue
        expected = references(row.name, static, operands, position)
        with np.errstate(all="ignore"):
            allowed = partial_tolerance(row, operands, static, value, expected, dtype)
            by_hand = partial(*operands, *static, value) if callable(partial) else partial
            by_hand = np.zeros_like(value) if by_hand is Absence.ZERO else np.broadcast_to(by_hand, value.shape)
        if not callable(partial):
            by_hand = by_hand.astype(dtype)
        _, by_autodiff, by_sympy, stable = by_jax
        each = {"hand": by_hand, "JAX": by_autodiff[moving], "SymPy": by_sympy[position], "its rule": stable[position]}
        for what, got in each.items():
            assert_close(got, expected, allowed, dtype, f"partial {position} of {row.name} by {what}")
        moving += 1


def ball_of(x):
    """An mpmath number as a ball that allows for the error of the difference quotient; a truth value as it is."""
    if isinstance(x, bool):
        return x
    exact = flint.arb(x)
    return exact + flint.arb(0, 2.0**-150) * max(abs(exact), flint.arb(2) ** -1500)


@pytest.mark.parametrize("case", [i for i, c in enumerate(CASES) if c[3] == np.float64], ids=lambda i: IDS[i])
def test_ball_forms(case):
    row, static, operands, _ = CASES[case]
    with flint.ctx.workprec(BITS):
        values = references(row.name, static, operands)
        slopes = [references(row.name, static, operands, k) for k in range(row.arity) if callable(row.partials[k])]
        for i, point in enumerate(zip(*operands, strict=True)):
            balls = [bool(x) if x.dtype == bool else flint.arb(float(x)) for x in point]
            got = row.ball(*balls, *static)
            if isinstance(values[i], bool):
                assert got is values[i]
                continue
            assert got.overlaps(ball_of(values[i])), f"{row.name} at {point}: {got}, expected {values[i]}"
            assert got.is_exact() or got.rel_accuracy_bits() > 200
            if row.name in KINKED:
                continue
            for position, slope in enumerate(slopes):
                line = [flint.arb_series([u, int(k == position)], 2) for k, u in enumerate(balls)]
                found = row.ball(*line, *static)[1]
                assert found.overlaps(ball_of(slope[i])), f"slope {position} of {row.name} at {point}"


# Arb has no power series of these; the referee follows the branch that holds (compare/certified/referee.py)
KINKED = {"abs", "sign", "heaviside", "maximum", "minimum", "select"}
WRONG = {
    "factor": lambda partial: lambda *a: 1.001 * partial(*a),
    "sign": lambda partial: lambda *a: -partial(*a),
    "dropped term": lambda partial: lambda *a: partial(*a) - 1e-9,
    "dtype": lambda partial: lambda *a: np.asarray(partial(*a), np.float64),
}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("name", ["sin", "divide", "power_constant", "sigmoid"])
def test_a_row_wrong_on_purpose_fails_here_by_name(name, fault, by_jax):
    row = FUNCTIONS[name]
    wrong = dataclasses.replace(row, partials=(*row.partials[:-1], WRONG[fault](row.partials[-1])))
    dtype = np.float32 if fault == "dtype" else np.float64
    case = next(i for i, (r, _, _, d) in enumerate(CASES) if r is row and d == dtype)
    with pytest.raises(AssertionError, match=f"{name} by hand"):
        check_partials((wrong, *CASES[case][1:]), by_jax[case])
