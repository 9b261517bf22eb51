"""Every C form of the function table: value and partials against ball arithmetic, and at NaN, infinities and zeros."""

import collections
import functools
import itertools
import re
from importlib import resources

import mpmath
import numpy as np
import pytest
import sympy as sp

from symdiff.function import Absence
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.graph_builder import GraphBuilder
from symdiff.lowering import lambdify
from symdiff.measuring.accuracy import errors_of
from symdiff.measuring.case import SYMBOLS, cases
from symdiff.native.library import library
from symdiff.native.source import OPERANDS, alternatives, partial_forms
from symdiff.routes import value_and_gradient
from symdiff.symbolic import gradient_graph
from symdiff.tape.lowered import by_reverse_mode, outputs_function

NATIVE = [row for row in ROWS if row.native]


def named(row):
    return pytest.param(row, id=row.name)


@pytest.mark.parametrize("row", [named(row) for row in ROWS if not row.special_function])
def test_every_elementary_row_has_a_c_form(row):
    assert row.native


@pytest.mark.parametrize("row", [named(row) for row in NATIVE])
def test_the_form_has_a_partial_where_the_row_has_one(row):
    for forms in alternatives(row).values():
        assert 1 <= len(forms) <= row.arity + 1
    for form, partial in zip(partial_forms(row), row.partials, strict=True):
        assert (form == "") == (partial is Absence.ZERO)
        if isinstance(partial, float):
            assert float(form) == partial
    allowed = {*OPERANDS[: row.arity], "y"} | set("nm"[: len(row.special[0][0]) - row.arity])
    text = " ".join(itertools.chain.from_iterable(alternatives(row).values()))
    assert set(re.findall(r"\b[a-z]\b(?!\()", text)) <= allowed


def test_the_conditions_of_forms_end_with_the_rest():
    for row in NATIVE:
        assert [condition == "" for condition in alternatives(row)] == [False] * (len(alternatives(row)) - 1) + [True]


def test_every_form_of_our_own_is_used():
    text = (resources.files("symdiff") / "native" / "forms.c").read_text()
    defined = re.findall(r"^static (?:inline )?real (\w+)\(", text, re.MULTILINE)
    rows = " ".join(form for row in NATIVE for forms in alternatives(row).values() for form in forms)
    assert len(defined) > 20
    assert [name for name in defined if (rows + text).count(f"{name}(") < 2] == []


@functools.cache
def measured(dtype, route):
    """Value and first partials of every case, by the row's name."""
    found = collections.defaultdict(list)
    for case in cases(NATIVE, dtype):
        order = [SYMBOLS[k] for k in case.moving]
        inputs = SYMBOLS[: len(case.columns)]
        quantities = collections.defaultdict(lambda points=case.points: np.full(points, np.nan))
        if route == "autodiff" and case.moving:
            value, partials = by_reverse_mode(case.graph, order, inputs, native=True)(*case.columns)
        else:
            derivable = case.moving if route == "autodiff" else [k for k in case.moving if has_native_rule(case, k)]
            graph = gradient_graph(case.graph, [SYMBOLS[k] for k in derivable])
            value, *partials = outputs_function(graph, inputs, native=True)(*case.columns)
        quantities |= {(): np.asarray(value)}
        moved = case.moving if route == "autodiff" else derivable
        quantities |= {(k,): np.asarray(p) for k, p in zip(moved, partials, strict=True)}
        found[case.row.name].append((case, quantities, {(), *((k,) for k in moved)}))
    return found


def has_native_rule(case, k):
    return all(step.function.native for step in gradient_graph(case.graph, [SYMBOLS[k]]).applications)


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [row.name for row in NATIVE])
def test_value_and_partials_of_a_row(name, dtype, route):
    assert measured(dtype, route)[name]
    for case, quantities, told in measured(dtype, route)[name]:
        errors = [error for error in errors_of(case, {route: quantities}) if error.quantity in told]
        wrong = [str(error) for error in errors if not error.allowed]
        assert not wrong, "\n".join(wrong[:20])
        assert {error.quantity for error in errors} == told
        assert quantities[()].dtype == dtype


EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 800.0, -800.0, 1e-30, -1e-30, 1e17]
# outside of their domains C and NumPy differ
BEYOND = {"power_constant": lambda u: u == -np.inf, "loggamma": lambda u: u == -np.inf}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("row", [named(row) for row in NATIVE if not any(domain.truth for domain in row.domain)])
def test_nan_infinities_and_zeros_as_in_numpy(row, dtype):
    columns = [np.array(column, dtype) for column in zip(*itertools.product(EDGES, repeat=row.arity), strict=True)]
    symbols = SYMBOLS[: row.arity]
    known = ~BEYOND[row.name](*columns) if row.name in BEYOND else np.full(columns[0].shape, True)
    derivable = not any(isinstance(partial, Absence) for partial in row.partials)
    for static in {point[row.arity :] for point, _ in row.special}:
        builder = GraphBuilder()
        graph = builder.finish([builder.apply(row, tuple(map(builder.input, symbols)), static)])
        with np.errstate(all="ignore"):
            y = np.asarray(row.value(*columns, *static)).astype(dtype)
            expected = [y]
            if derivable:
                partials = [p(*columns, *static, y) if callable(p) else p for p in row.partials]
                expected += [np.broadcast_to(np.asarray(p, dtype), y.shape) for p in partials]
        if derivable:
            value, partials = by_reverse_mode(graph, symbols, symbols, native=True)(*columns)
            found = [value, *partials]
        else:
            found = outputs_function(graph, symbols, native=True)(*columns)
        tiny = np.finfo(dtype).tiny
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                np.asarray(mine)[known], theirs[known], rtol=450 * np.finfo(dtype).eps, atol=4 * tiny, err_msg=row.name
            )


def test_sin_and_cos_to_two_units_near_their_zeros_and_far_out():
    whole = np.concatenate([np.arange(1.0, 200), 10.0 ** np.arange(3, 22), 2.0 ** np.arange(24, 900, 7)])
    near = np.outer(whole, [np.pi / 2, 1.0, 1e8 / whole[-1]]).ravel()
    points = np.concatenate([near, -near, np.nextafter(near, 0), np.linspace(-4, 4, 999)])
    sine, cosine = lambdify([SYMBOLS[0]], [sp.sin(SYMBOLS[0]), sp.cos(SYMBOLS[0])], method="native")(points)
    for found, name in ((sine, "sin"), (cosine, "cos")):
        with mpmath.workprec(1200):
            exact = [getattr(mpmath, name)(mpmath.mpf(float(u))) for u in points]
            units = [
                abs(mpmath.mpf(float(y)) - e) / np.spacing(abs(float(e))) for y, e in zip(found, exact, strict=True)
            ]
        # the table's bound up to where the reduction of our own ends, glibc's of 4 beyond
        units, small = np.array(units, float), np.abs(points) <= 1e8
        assert units[small].max() <= FUNCTIONS[name].ulp
        assert units[~small].max() <= 4


def test_a_point_does_not_depend_on_what_stands_beside_it():
    symbol = SYMBOLS[0]
    points = np.linspace(-100, 100, 500)
    function = value_and_gradient(sp.sin(symbol) * sp.cos(3 * symbol), [symbol], route="autodiff", method="native")
    value, partials = function(points)
    for far in (1e9, 1e300, np.inf, np.nan):
        other = points.copy()
        other[::7] = far
        known = np.arange(500) % 7 != 0
        beside = function(other)
        np.testing.assert_array_equal(np.asarray(beside[0])[known], np.asarray(value)[known])
        np.testing.assert_array_equal(np.asarray(beside[1])[:, known], np.asarray(partials)[:, known])


def test_the_library_is_there_and_not_the_machine_instead():
    assert len(library().cases) > len(NATIVE)
