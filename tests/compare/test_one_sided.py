import flint
import pytest
import sympy as sp

from compare.certified import expansion
from compare.certified.expansion import FLAT, ZERO, NoExpansion, TooShort, expansion_of, polynomial
from compare.certified.one_sided import common_slope, slopes
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import graph_of
from symdiff.precision import working

x, y = sp.symbols("x y", real=True)
R = sp.Rational
INFINITE = "infinite"
OUTSIDE = "outside the domain"
JUMP = "the function jumps"
POLE = "the function is unbounded"
NO_VALUE = "the function has no value at the point"
AT_0 = {x: 0.0}


def seam(inside, outside, condition):
    return sp.Piecewise((inside, condition), (outside, True))


# expression, point, left slope, right slope: all by hand. A text is the note of a slope that does not exist.
KINKS = [
    (sp.Abs(x), AT_0, -1, 1),
    (sp.Abs(x - 2) * x, {x: 2.0}, -2, 2),
    (sp.Abs(x**2 - 4), {x: -2.0}, -4, 4),
    (sp.beta(x, y), {x: 1.0, y: -0.75}, OUTSIDE, OUTSIDE),
    (sp.binomial(x, y), {x: -2.5, y: 2.0}, OUTSIDE, OUTSIDE),
    (sp.asec(x / 2), {x: 1.0}, OUTSIDE, OUTSIDE),
    # of the branch that is taken only
    (sp.Piecewise((sp.beta(x, -3), x > 5), (sp.Abs(x), True)), AT_0, -1, 1),
    (-3 * sp.Abs(2 * x + 1), {x: -0.5}, 6, -6),
    (sp.Abs(sp.Abs(x) - 1), {x: 1.0}, -1, 1),
    (sp.Abs(sp.Abs(x) - 1), {x: 0.0}, 1, -1),
    (sp.Abs(sp.sin(x)), AT_0, -1, 1),
    (sp.exp(-sp.Abs(x)), AT_0, 1, -1),
    (sp.Abs(x / 10 - R(3, 10)), {x: 3.0}, -0.1, 0.1),
    (sp.Abs(x * y), {x: 0.0, y: -3.0}, -3, 3),
    (x * sp.Abs(x), AT_0, 0, 0),
    (sp.Abs(x) ** 3, AT_0, 0, 0),
    (sp.Abs(x) * sp.sin(x) + x, AT_0, 1, 1),
    (sp.Max(x, 2 * x), AT_0, 1, 2),
    (sp.Min(x, 2 * x), AT_0, 2, 1),
    (sp.Max(x, 0) ** 2, AT_0, 0, 0),
    (sp.Max(x, x**2, 1), {x: 1.0}, 0, 2),
    (sp.Max(x / 3, R(7, 3)), {x: 7.0}, 0, 1 / 3),
    (sp.Min(x**2, x**4, -(x**3)), AT_0, 0, 0),
    (sp.Max(sp.sin(x), x), AT_0, 1, 1),
    (sp.Max(x, y), {x: 1.5, y: 1.5}, 0, 1),
    (seam(x**2, 2 * x - 1, x < 1), {x: 1.0}, 2, 2),
    (seam(x**2, x, x <= 1), {x: 1.0}, 2, 1),
    (seam(x, x + 1, x < 0), AT_0, JUMP, 1),
    (seam(x, x + 1, x <= 0), AT_0, 1, JUMP),
    (seam(-x, x, x < 0) * seam(1, 2, x > 0), AT_0, -2, 1),
    (seam(1 / x, x**2, x > 0), AT_0, 0, POLE),
    (sp.Piecewise((x, x < 1), (x**2, x < 2)), {x: 2.0}, NO_VALUE, "no condition of the Piecewise holds"),
    (seam(sp.sin(x) / x, 1, sp.Ne(x, 0)), AT_0, 0, 0),
    (seam((sp.exp(x) - 1) / x, 1, sp.Ne(x, 0)), AT_0, 0.5, 0.5),
    (seam((1 - sp.cos(x)) / x**2, R(1, 2), sp.Ne(x, 0)), AT_0, 0, 0),
    (seam((1 - sp.cos(x) - x**2 / 2) / x**3, 0, sp.Ne(x, 0)), AT_0, -1 / 24, -1 / 24),
    (seam(sp.sin(x) / x, 2, sp.Ne(x, 0)), AT_0, JUMP, JUMP),
    (sp.sin(x) / x, AT_0, NO_VALUE, NO_VALUE),
    (seam(sp.exp(-1 / x), 0, x > 0), AT_0, 0, 0),
    (seam(sp.exp(-1 / x**2) / x**5, 0, sp.Ne(x, 0)), AT_0, 0, 0),
    (seam(x * sp.tanh(1 / x), 0, sp.Ne(x, 0)), AT_0, -1, 1),
    (seam(x * sigmoid(-1 / x), 0, sp.Ne(x, 0)), AT_0, 1, 0),
    # x**4/24 decides, far beyond the terms that cancel
    (seam(x, 2 * x, 1 - sp.cos(x) - x**2 / 2 < 0), AT_0, 1, 1),
    (sp.sqrt(x), AT_0, OUTSIDE, INFINITE),
    (sp.sqrt(sp.Abs(x)), AT_0, INFINITE, INFINITE),
    (sp.sqrt(x**2 + y**2), {x: 0.0, y: 0.0}, -1, 1),
    (sp.sqrt(x**4 + x**6), AT_0, 0, 0),
    (sp.sqrt(1 - sp.cos(x)), AT_0, -(0.5**0.5), 0.5**0.5),
    (sp.sqrt(x) * sp.sqrt(sp.sin(x)), AT_0, OUTSIDE, 1),
    (sp.sqrt(sp.sqrt(x) + x) ** 4, AT_0, OUTSIDE, 1),
    (x ** R(1, 3), AT_0, OUTSIDE, INFINITE),
    (x ** R(3, 2), AT_0, OUTSIDE, 0),
    (sp.Abs(x) ** R(2, 3), AT_0, INFINITE, INFINITE),
    ((x**2) ** R(3, 4) + sp.Abs(x) ** R(4, 3), AT_0, 0, 0),
    (sp.sin(x ** sp.Float(1.4)) + x, AT_0, OUTSIDE, 1),
    (x**y, {x: -2.0, y: 3.0}, 12, 12),
    (x**y, {x: 0.0, y: 2.0}, 0, 0),
    (x**y, {x: 0.0, y: 1.0}, 1, 1),
    (sp.sign(x), AT_0, JUMP, JUMP),
    (x * sp.sign(x), AT_0, -1, 1),
    (x**2 * sp.sign(x), AT_0, 0, 0),
    (sp.Heaviside(x), AT_0, JUMP, JUMP),
    (sp.Heaviside(x, 0) + x, AT_0, 1, JUMP),
    (sp.Heaviside(x, 1), AT_0, JUMP, 0),
    (x * sp.Heaviside(x), AT_0, 0, 1),
    (1 / x, AT_0, POLE, POLE),
    (sp.log(x), AT_0, "the function has no expansion here", "the function has no expansion here"),
    (sp.Abs(sp.sin(sp.pi * x)), {x: 1.0}, *["whether a leading coefficient is zero is not decided"] * 2),
]


@pytest.mark.parametrize(
    ("expression", "at", "left", "right"), KINKS, ids=lambda v: str(v) if isinstance(v, sp.Expr) else ""
)
def test_slopes_by_hand(expression, at, left, right):
    found = slopes(graph_of([expression]), at, x)
    for side, expected in zip(found, (left, right), strict=True):
        if isinstance(expected, str):
            assert (side.number, side.note) == (None, expected)
        else:
            assert side.note == ""
            assert side.number == pytest.approx(expected, rel=1e-15, abs=0.0)
    common = common_slope(found)
    if isinstance(left, str) or left != right:
        assert common is None
    else:
        assert float(common) == pytest.approx(left, rel=1e-15)


def test_a_kink_in_another_variable_leaves_the_derivative_as_it_is():
    graph = graph_of([sp.Abs(x) + y**2])
    assert [side.number for side in slopes(graph, {x: 0.0, y: 1.5}, y)] == [3.0, 3.0]
    assert [side.number for side in slopes(graph, {x: 0.0, y: 1.5}, sp.Symbol("w"))] == [0.0, 0.0]


def test_slopes_are_enclosed_far_more_tightly_than_doubles_and_the_context_is_put_back():
    before = flint.ctx.prec, flint.ctx.cap
    left, right = slopes(graph_of([sp.Abs(sp.exp(x) - 3 * sp.cos(x) + 2)]), {x: 0.0}, x)
    assert (flint.ctx.prec, flint.ctx.cap) == before
    assert (left.number, right.number) == (-1.0, 1.0)
    (left, right) = slopes(graph_of([sp.pi * x * sp.Abs(x) + sp.pi * x]), {x: 0.0}, x)
    assert common_slope((left, right)).rel_accuracy_bits() > 400


def test_what_cancels_is_not_taken_for_zero():
    with working(128, 4):
        r = polynomial([0, 1])
        cosine = expansion_of(r.full().cos())
        rest = expansion.total(cosine, expansion.total(polynomial([-1]), polynomial([0, 0, flint.fmpq(1, 2)])))
        # cos(r) - 1 + r**2/2 is r**4/24 + ..., of which four terms know nothing but that it is O(r**4)
        assert (rest.empty, rest.exact, rest.shift) == (True, False, 4)
        assert rest.coefficient(3).is_zero()
        with pytest.raises(TooShort):
            rest.coefficient(4)
        with pytest.raises(TooShort):
            _ = rest.sign
        divided = expansion.quotient(rest, r)
        assert (divided.empty, divided.shift) == (True, 3)
    with working(128, 8):
        cosine = expansion_of(polynomial([0, 1]).full().cos())
        rest = expansion.total(cosine, expansion.total(polynomial([-1]), polynomial([0, 0, flint.fmpq(1, 2)])))
        assert (rest.shift, rest.sign) == (4, 1)


def test_polynomials_cancel_exactly_and_what_is_flat_has_no_known_sign():
    with working(128, 4):
        r = polynomial([flint.fmpq(1, 3), 1])
        square = expansion.power(r, 2)
        again = polynomial([flint.fmpq(1, 9), flint.fmpq(2, 3), 1])
        assert expansion.total(square, expansion.negative(again)).sign == 0
        for u, v in ((ZERO, FLAT), (FLAT, ZERO)):
            assert expansion.total(u, v) is FLAT
            assert expansion.product(u, v) is ZERO
        with pytest.raises(TooShort):
            _ = FLAT.sign
        with pytest.raises(NoExpansion, match="division by zero"):
            expansion.quotient(r, ZERO)
