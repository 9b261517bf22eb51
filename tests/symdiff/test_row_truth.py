"""The truth that rows are measured by, held against mpmath: central differences of values in 75 to 720 digits."""

import importlib.util
import operator
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff.functions import FUNCTIONS, ROWS
from symdiff.measuring.case import cases
from symdiff.measuring.truth import truth

_spec = importlib.util.spec_from_file_location("mpmath_functions", Path(__file__).parent / "mpmath_functions.py")
mpmath_functions = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mpmath_functions)
ORACLE = mpmath_functions.ORACLE

DIGITS = (200, 900)
STEP = mp.mpf(10) ** -40


def integer_quotient(u, v):
    return u / v == mp.floor(u / v)


# where a function has no derivative, besides the ends of its domain
KINKS = {
    **dict.fromkeys(("abs", "sign", "heaviside", "acot", "acsch", "real_cbrt"), lambda u, *_: u == 0),
    **dict.fromkeys(("maximum", "minimum"), operator.eq),
    **dict.fromkeys(("floor", "ceiling", "frac"), lambda u: integer_quotient(u, 1)),
    "Mod": integer_quotient,
    **dict.fromkeys(("hypot", "direction"), lambda u, v: u == 0 and v == 0),
    "atan2": lambda u, v: u == 0 and v <= 0,
}

CASES = list(cases([row for row in ROWS if row.name in ORACLE], np.float64, 60))
NAMES = [f"{case.row.name}-{'-'.join(map(str, case.static))}" for case in CASES]


def difference(function, point, where, digits_of=DIGITS):
    """The partial of `function` at `where` by central differences, from as many digits as the cancellation asks for."""
    for least in digits_of:
        digits = least + sum(int(mp.log10(1 + abs(u))) for u in point)
        with mp.workdps(digits):
            terms = [(mp.mpf(1), list(point))]
            for position in where:
                h = STEP * min(abs(point[position]), 1) or STEP
                # the second difference in one operand is taken about the same point
                terms = [
                    (sign * c / (2 * h), [*p[:position], p[position] + sign * h, *p[position + 1 :]])
                    for c, p in terms
                    for sign in (1, -1)
                ]
            parts = [c * function(*p) for c, p in terms]
            total = mp.fsum(parts)
            if abs(total) > max(map(abs, parts)) * mp.mpf(10) ** (30 - digits):
                return total
    return mp.mpf(0)


def exact_operand(u):
    return u if isinstance(u, bool) else mp.mpf(float(u))


def hold(case, indices):
    """Every quantity at some points, by balls and by differences."""
    decided = 0
    for index in indices:
        point = case.point(index)
        if any(abs(u) > 1e6 for u in point) and case.row.special_function:
            continue
        kink = KINKS.get(case.row.name)
        if kink is not None and kink(*map(exact_operand, point), *case.static):
            continue
        digits = (160, 320) if case.row.special_function else DIGITS
        for where, exact in truth(case.row, case.static, point, case.moving).items():
            if exact is None:
                continue
            given = list(map(exact_operand, point))
            expected = difference(lambda *p: ORACLE[case.row.name](*p, *case.static), given, where, digits)
            if isinstance(exact.value, bool):
                assert exact.value is bool(expected), f"{case.row.name} at {point}"
                decided += 1
                continue
            with mp.workdps(60):
                found = mp.mpf(exact.value.mid().str(50, radius=False))
                allowed = mp.mpf(10) ** -25 * (abs(expected) + mp.mpf(exact.sensitivity.mid().str(20, radius=False)))
                # at 0 the step of the difference quotients is absolute; far below the range of doubles their digits end
                slack = mp.mpf(10) ** (-30 if 0 in point else -400)
                assert abs(found - expected) <= allowed + slack, f"{case.row.name}{case.static} {where} at {point}"
            decided += 1
    return decided


def test_no_row_is_missing_here():
    missing = {row.name for row in ROWS} - ORACLE.keys()
    assert not missing, f"no oracle for {', '.join(sorted(missing))}; add it to mpmath_functions.py"
    assert len(FUNCTIONS) == len(ROWS)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_truth_is_what_mpmath_finds(case):
    # the first points are moderate ones and close to edges, in random order
    assert hold(case, range(4)) > 0


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_truth_is_what_mpmath_finds_at_every_point(case):
    assert hold(case, range(case.points)) > 0


@pytest.mark.parametrize("name", ["atan2", "sech", "sinc", "beta"])
def test_a_wrong_ball_form_is_seen(name, monkeypatch):
    [case] = [case for case in CASES if case.row.name == name]
    right = case.row.ball
    monkeypatch.setitem(case.row.__dict__, "ball", lambda *a: right(*a) * (1 + sp.Rational(1, 10**9).__float__()))
    with pytest.raises(AssertionError, match=name):
        hold(case, range(4))
