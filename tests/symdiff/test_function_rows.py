"""Single points of the function table: special values, kinks and edges, each beside its convention."""

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from symdiff import symbolic
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.lowering import lambdify, resolve


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_ball_forms_enclose_the_special_values(row):
    with flint.ctx.workprec(128):
        for point, expected in row.special:
            operands, static = point[: row.arity], point[row.arity :]
            ball = row.ball(*(u if isinstance(u, bool) else flint.arb(u) for u in operands), *static)
            if isinstance(expected, bool):
                assert ball is expected
                continue
            # the table says what the value rounds to, as 0 for exp(-800)
            rounded = flint.arb(float(expected), 1e-15 * abs(float(expected)) + 1e-300)
            assert ball.overlaps(rounded), f"{row.name} at {point}: {ball}, expected {expected}"
            assert ball.rad() <= 1e-30 * max(1, abs(ball))


@pytest.mark.parametrize(
    ("ball", "static", "ends"),
    [
        (flint.arb(0), sp.Integer(7), (7, 7)),
        (flint.arb(0), sp.Rational(1, 3), (sp.Rational(1, 3), sp.Rational(1, 3))),
        (flint.arb(0, 1), sp.Integer(7), (0, 7)),
        (flint.arb(0, 1), sp.Integer(-2), (-2, 1)),
        (flint.arb(1, 1), sp.Integer(5), (1, 5)),
        (flint.arb(-1, 1), sp.Rational(1, 2), (0, 1)),
        (flint.arb(2, 1), sp.Integer(5), (1, 1)),
        (flint.arb(-2, 1), sp.Integer(5), (0, 0)),
    ],
    ids=range(8),
)
def test_the_ball_of_a_step_holds_the_value_at_zero(ball, static, ends):
    found = FUNCTIONS["heaviside"].ball(ball, static)
    for end in ends:
        exact = flint.arb(flint.fmpq(int(sp.Rational(end).p), int(sp.Rational(end).q)))
        assert found.overlaps(exact)
        assert found.contains(exact) or not exact.is_exact()


def test_the_rule_of_a_power_is_sympys_own():
    # the chain route's partial is written by hand; the symbolic route's comes from sp.diff, patched here to be seen
    row, (u, v) = FUNCTIONS["power"], sp.symbols("u v", real=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sp, "diff", lambda *_: sp.Integer(42))
        assert [rule(u, v).args[-1].expr for rule in row.rules] == [42, 42]
    at_zero = {v: sp.Rational(3, 2), u: 0}
    assert [rule(u, v).subs(at_zero) for rule in row.rules] == [0, 0]
    assert row.rules[0](u, v).subs({u: 0, v: 1}) == 1


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
