"""Single points of the function table: special values, kinks and edges, each beside its convention."""

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from symdiff import symbolic
from symdiff.functions import FUNCTIONS, ROWS, formula_functions
from symdiff.lowering import lambdify, resolve


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_complete(row):
    assert len(row.partials) == row.arity == len(row.domain)
    assert row.special, "no special points"
    assert row.source.strip(), "no source"
    assert callable(resolve(row.jax))
    for domain in row.domain:
        assert domain.truth or domain.contains(np.array([domain.regular]))[0]
    for head in row.heads:
        assert issubclass(head, sp.Basic)
    if row.spoken:
        assert formula_functions()[row.name] is row.sympy


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_special_points(row):
    for point, expected in row.special:
        operands, static = point[: row.arity], point[row.arity :]
        exact = row.sympy(*map(sp.sympify, operands), *static)
        by_numpy = row.value(*map(np.asarray, operands), *static)
        by_jax = resolve(row.jax)(*map(jnp.asarray, operands), *static)
        for got in (by_numpy, by_jax):
            np.testing.assert_allclose(np.asarray(got, float), float(expected), rtol=1e-15, atol=0)
        ball = row.ball(*(u if isinstance(u, bool) else flint.arb(u) for u in operands), *static)
        assert ball is expected if isinstance(expected, bool) else ball.overlaps(flint.arb(float(expected), 1e-15))
        # to 15 digits, as tanh(400) is not 1 but rounds to it
        assert (exact == expected) or abs(sp.N(exact - expected, 15)) <= 1e-15


# where no derivative exists, each source of rules has its convention (design.md 6.6): hand, JAX, SymPy
KINKS = [
    ("abs", (0.0,), [(0.0,), (1.0,), (0.0,)]),
    ("maximum", (1.0, 1.0), [(0.5, 0.5)] * 3),
    ("minimum", (1.0, 1.0), [(0.5, 0.5)] * 3),
    ("sqrt", (0.0,), [(np.inf,)] * 3),
]


@pytest.mark.parametrize(("name", "point", "expected"), KINKS, ids=lambda v: v if isinstance(v, str) else "")
def test_conventions_at_kinks(name, point, expected):
    row = FUNCTIONS[name]
    operands = [np.float64(x) for x in point]
    with np.errstate(divide="ignore"):
        value = row.value(*operands)
        by_hand = [partial(*operands, value) for partial in row.partials]
    by_autodiff = jax.vjp(resolve(row.jax), *map(jnp.asarray, operands))[1](jnp.asarray(1.0))
    written = [symbolic.local_partial(row, k) for k in range(row.arity)]
    by_sympy = lambdify(symbolic.operand_names(row), written)(*operands)
    assert [tuple(map(float, found)) for found in (by_hand, by_autodiff, by_sympy)] == expected


# x**y at x = 0 and at negative x, the table of ChainRules (style.md 12.3): (x, y), d/dx, d/dy; None where undefined
POWERS = [
    ((0.0, 2.0), 0.0, 0.0),
    ((0.0, 1.0), 1.0, 0.0),
    ((0.0, 0.5), np.inf, 0.0),
    ((-2.0, 3.0), 12.0, None),
    ((-2.0, 2.5), None, None),
]


@pytest.mark.parametrize(("point", "in_base", "in_exponent"), POWERS)
def test_hand_written_partials_of_power_at_its_edge(point, in_base, in_exponent):
    row = FUNCTIONS["power"]
    u, v = map(np.float64, point)
    with np.errstate(all="ignore"):
        found = [partial(u, v, row.value(u, v)) for partial in row.partials]
    np.testing.assert_equal([float(p) for p in found], [np.nan if p is None else p for p in (in_base, in_exponent)])
