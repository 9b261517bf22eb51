"""The symbolic route: SymPy's partials accumulated over the graph; gradients, Jacobians, Hessians, named steps."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import Cbrt

from symdiff import symbolic
from symdiff.errors import InputError, SymbolError, UnsupportedError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import graph_of
from symdiff.function import Absence
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.gradients import find_symbols, gradient
from symdiff.jacobians import hessian, jacobian
from symdiff.lowering import lambdify
from symdiff.parsing import parse
from symdiff.to_sympy import expressions_of

w, x, y, b = sp.symbols("w x y b", real=True)
P = sp.Piecewise
POINT = {w: sp.Rational(3, 4), x: sp.Rational(5, 8), y: sp.Rational(9, 4), b: sp.Rational(-7, 8)}

MODELS = [
    w * x,
    (w * x - y) ** 2,
    (w * x + b - y) ** 2,
    (w * x**2 + y * x + b - 2) ** 2,
    y * (1 - sp.exp(-w * x)),
    sp.exp(-w * x) / (y + b * x),
    sigmoid(w * x + b) * sp.tanh(y * x),
    sp.log(1 + sp.exp(w * x)) + sp.sqrt(x**2 + y**2),
    sp.sin(w * x) / x + sp.cos(y) * sp.tan(b),
    (w + x * y) ** b + x ** sp.Rational(5, 3) / y**3,
    sp.Max(w, x, y) * sp.Min(w, b) + sp.Abs(b) * sp.sign(y) + sp.Heaviside(x) * w,
    P((sp.sqrt(x) * w, x > 0), (y, True)),
    P((w**2, w < x), (x * y, y < 1), (sp.log(y) * b, True)),
    P((P((w * x, b > 0), (w / x, True)), w > 0), (0, True)) * y,
    sp.exp(sp.exp(w * x) * sp.exp(w * x)) + sp.exp(w * x),
    sp.Mul(x, x, evaluate=False) * sp.cos(y + sp.Mul(x, x, evaluate=False)) * 2 * w,
]


def number(expression):
    return float(sp.N(sp.sympify(expression).subs(POINT).rewrite(sp.exp, sigmoid), 40))


def symbols_of(expression):
    return [s for s in (w, x, y, b) if s in expression.free_symbols]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_gradient_is_sympys(model):
    wrt = symbols_of(model)
    found = gradient(model, wrt)
    assert [number(e) for e in found] == pytest.approx([number(sp.diff(model, s)) for s in wrt], rel=1e-14, abs=0)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_cheap_gradient_principle(model):
    # Griewank and Walther, section 3.3: value and gradient cost at most 5 times the value
    found = gradient(model, symbols_of(model))
    assert found.operations <= 5 * found.primal.operation_count


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_back_substitution_of_the_steps_gives_the_full_expressions(model):
    found = gradient(model, symbols_of(model))
    names = [name for name, _ in found.steps]
    assert len(set(names)) == len(names)
    assert not set(names) & model.free_symbols
    known = set(model.free_symbols)
    for name, step in found.steps:
        # in order: a step uses inputs and earlier steps
        assert step.free_symbols <= known
        known.add(name)
    written = list(found.stepped)
    assert written[0].free_symbols <= known
    for name, step in reversed(found.steps):
        written = [e.subs(name, step) for e in written]
    assert number(written[0]) == pytest.approx(number(model), rel=1e-14, abs=0)
    assert [number(e) for e in written[1:]] == pytest.approx([number(e) for e in found], rel=1e-14, abs=0)


def test_steps_share_what_is_used_twice():
    found = gradient((w * x - y) ** 2, [w, x])
    steps = dict(found.steps)
    assert w * x - y in steps.values()
    assert str(found[w]) == "2*x*(w*x - y)"
    assert len(found) == 2
    assert found.operations == 6  # w*x, - y, square, 2*(...), times x, times w


def test_names_of_steps_avoid_the_symbols_of_the_model():
    v1, v2 = sp.symbols("v1 v2", real=True)
    found = gradient((v1 * v2 - 1) ** 2, [v1])
    assert not {name.name for name, _ in found.steps} & {"v1", "v2"}


def inside(domain, k):
    """A rational number inside a domain, another one for each operand."""
    if domain.truth:
        return sp.true
    near = [sp.Rational(domain.regular) + sp.Rational(s * (k + 1), 3 * d) for d in (8, 64) for s in (1, -1)]
    return next(p for p in near if domain.contains(np.array([float(p)]))[0])


@pytest.mark.parametrize("row", [r for r in ROWS if set(r.partials) != {Absence.ZERO}], ids=lambda r: r.name)
def test_the_written_partial_is_the_difference_quotient_of_sympys_values(row):
    static = tuple(map(sp.sympify, row.special[0][0][row.arity :]))
    names = symbolic.operand_names(row)
    point = [inside(domain, k) for k, domain in enumerate(row.domain_of(static))]

    def value(expression, at):
        # SymPy evaluates these two only in terms of others
        there = expression.subs(dict(zip(names, at, strict=True)))
        return sp.N(there.rewrite(Cbrt, sp.Pow).rewrite(sp.erfcinv, sp.erfinv), 60)

    for k in range(row.arity):
        if row.partials[k] is Absence.NONDIFFERENTIABLE:
            with pytest.raises(UnsupportedError, match=rf"{row.name} has no derivative in its operand {k + 1}"):
                symbolic.local_partial(row, k, static)
        elif row.partials[k] is not Absence.ZERO:
            moved = [[*point[:k], point[k] + s * sp.Rational(1, 10**20), *point[k + 1 :]] for s in (1, -1)]
            above, below = (value(row.sympy(*names, *static), at) for at in moved)
            expected = (above - below) * 10**20 / 2
            got = value(symbolic.local_partial(row, k, static), point)
            assert abs(got - expected) <= 1e-30 * abs(expected), f"partial {k} of {row.name}: {got}, not {expected}"


def test_structural_zeros_and_refusals():
    assert symbolic.local_partial(FUNCTIONS["less"], 0) == 0
    assert symbolic.local_partial(FUNCTIONS["sign"], 0) == 0
    assert gradient(sp.sign(x) + sp.Heaviside(x), x)[x] == 0


# SymPy's derivative of each is finite where the branch is not taken (peers.md, pain 1); so must ours be
GUARDED = [
    P((sp.sqrt(x), x > 0), (0, True)),
    P((x * sp.log(x), x > 0), (0, True)),
    P((1 / x, sp.Ne(x, 0)), (0, True)),
    P((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)),
    P((sp.exp(-1 / x), x > 0), (0, True)),
    P((sp.sqrt(x), x > 0), (0, True)) + P((sp.sqrt(x) * y, x > 1), (y, True)),
    P((x**2, x < 1), (sp.sqrt(x - 1) ** 3, x < 3), (sp.log(x), True)),
]


def test_the_written_gradient_of_a_guarded_expression_is_finite_off_its_branch():
    points = np.array([-2.0, -1.0, 0.0, 0.5, 1.5, 2.0, 4.0])
    written = lambdify([x, y], [gradient(e, x)[x] for e in GUARDED])(points, 2.0)
    for expression, got in zip(GUARDED, written, strict=True):
        expected = [number(sp.diff(expression, x).subs({x: sp.Rational(p), y: 2})) for p in points]
        np.testing.assert_allclose(got, expected, rtol=1e-14, err_msg=str(expression))


def test_the_gradient_of_branches_is_as_readable_as_sympys():
    assert gradient(GUARDED[0], x)[x] == P((1 / (2 * sp.sqrt(x)), x > 0), (0, True))
    assert gradient(P((x**2, x < 1), (2 * x - 1, True)), x)[x] == P((2 * x, x < 1), (2, True))


def test_a_piecewise_without_a_last_branch_can_be_read_again():
    found = gradient(P((x * y, x > 0)), [x, y])
    assert float(lambdify([x, y], found[x])(1.0, 3.0)) == 3.0
    (value,) = [found.stepped[0]]
    assert np.isnan(float(lambdify([x, y], value.subs(dict(found.steps)))(-1.0, 3.0)))


@pytest.mark.parametrize("model", MODELS[:11], ids=str)
def test_hessian_is_sympys(model):
    wrt = symbols_of(model)
    found = hessian(model, wrt)
    expected = [number(e) for e in sp.hessian(model, wrt).replace(sp.DiracDelta, lambda *_: sp.Integer(0))]
    assert [number(e) for e in found.matrix] == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert number(found[wrt[0], wrt[-1]]) == pytest.approx(number(found[wrt[-1], wrt[0]]), rel=1e-13, abs=0)


def test_jacobian_is_sympys():
    found = jacobian(MODELS[:8], [w, x, b])
    expected = sp.Matrix(MODELS[:8]).jacobian([w, x, b])
    assert found.matrix.shape == (8, 3)
    assert [number(e) for e in found.matrix] == pytest.approx([number(e) for e in expected], rel=1e-14, abs=0)
    assert number(found[2, "b"]) == number(found.matrix[2, 2])
    assert found[-1, w] == found[7, w]
    assert found.operations < sum(gradient(e, [w, x, b]).operations for e in MODELS[:8])


def test_jacobian_of_one_expression_and_of_a_matrix():
    assert jacobian(w * x, [w, x]).matrix == sp.Matrix([[x, w]])
    assert jacobian("w*x", "w")[0, "w"].name == "x"
    matrix = sp.Matrix([[w, x], [w * x, 2]])
    for kind in (sp.Matrix, sp.ImmutableMatrix, sp.ImmutableSparseMatrix):
        assert jacobian(kind(matrix), [w, x]).matrix == sp.Matrix([[1, 0], [0, 1], [x, w], [0, 0]])
    for wrong, name in [(None, "NoneType"), ({w: x}, "dict"), ([w, None], "NoneType")]:
        with pytest.raises(InputError, match=f"an expression is {name}; give a SymPy expression"):
            jacobian(wrong, [w])
    with pytest.raises(InputError, match="no expressions to differentiate"):
        jacobian([], [w])


@pytest.mark.timeout(60)
def test_a_jacobian_costs_what_its_rows_cost():
    # a second where each row costs its own nodes, minutes where it costs those of all rows
    symbols = sp.symbols("s:20", real=True)
    rows = [sp.sin(symbols[i % 20] * symbols[(7 * i + 1) % 20] + i) for i in range(6000)]
    found = jacobian(rows, symbols[:2])
    assert found.rows == 6000
    assert found.operations < 6000 * 6


def test_the_written_gradient_of_a_power_of_zero():
    power = sp.Pow(0, y, evaluate=False)
    assert gradient(power + x, [y, x]).expressions == (P((0, y > 0)), 1)
    # in a chain, and read again
    (found,) = gradient(sp.sin(power * x) + y, [y])
    assert found.subs({y: 3, x: 2}) == 1
    assert not found.has(sp.zoo)
    assert gradient(found, [y])[y].subs({y: 3, x: 2}) == 0


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_speelpenning_product_costs_a_constant_per_factor(count):
    # x1*...*xn: n - 1 products, then 2*(n - 2) for all partials; SymPy's derivatives take n*(n - 2)
    factors = sp.symbols(f"x:{count}", real=True)
    assert gradient(sp.Mul(*factors), factors).operations == (count - 1) + 2 * (count - 2)


@pytest.mark.timeout(60)
def test_many_symbols_and_many_terms():
    # a second or two where the cost is linear, minutes where each symbol is looked for among all others
    symbols = sp.symbols("w:6000", real=True)
    found = gradient(sp.Add(*[s**3 / (i + 1) for i, s in enumerate(symbols)]), symbols)
    assert found[symbols[7]] == 3 * symbols[7] ** 2 / 8
    assert len(found.expressions) == 6000


def test_an_expression_too_deep_for_sympy_is_still_written():
    deep = x
    for _ in range(1500):
        deep = sp.sin(deep + y, evaluate=False)
    found = gradient(deep, [x])
    assert found.operations <= 5 * 3000
    assert len(found.expressions) == 1


def test_absent_symbols_have_zero_derivatives():
    found = gradient(w * x, [b, w])
    assert list(found) == [0, x]
    assert hessian(w * x, [w, b]).matrix == sp.zeros(2, 2)
    assert jacobian([w, sp.Integer(3)], [b, w]).matrix == sp.Matrix([[0, 1], [0, 0]])


def test_symbols_are_found_by_name():
    assert find_symbols("w", [w, x]) == (w,)
    assert find_symbols(["x", w], [w, x]) == (x, w)
    assert gradient("w*x", "w").wrt[0].name == "w"


TWINS = [sp.Symbol("x"), x]


@pytest.mark.parametrize(
    ("wrt", "known", "message"),
    [
        ("q", [w, x], r"'q', which the expression does not contain; it contains w, x"),
        ("w,b", [w, b], r"'w,b', which the expression does not contain"),
        ([sp.Symbol("x")], [x], r"assumptions differ"),
        ("x", TWINS, r"two symbols have that name"),
        ([w, w], [w], r"names a symbol twice"),
        ([w, "w"], [w], r"names a symbol twice"),
        ([], [w], r"wrt is empty"),
        ([w * x], [w, x], r"give symbols or their names"),
        ([3], [w, x], r"give symbols or their names"),
        (w * x, [w, x], r"give a symbol"),
        (3, [w], r"give a symbol"),
        (None, [w], r"give a symbol"),
    ],
    ids=range(12),
)
def test_wrong_symbols(wrt, known, message):
    with pytest.raises(SymbolError, match=message):
        find_symbols(wrt, known)


def test_wrong_indices():
    with pytest.raises(SymbolError, match="taken in w, not in x"):
        gradient(w * x, w)[x]
    for place, message in [
        ((1, w), r"no entry \(1, w\); the Jacobian has 1 rows"),
        ((0, x), "taken in w, not in x"),
        (("a", w), "no row 'a'; give its number"),
        ((1.5, w), "no row 1.5; give its number"),
        ((True, w), "no row True; give its number"),
        (w, r"no entry w; give a row number and a symbol, as in J\[0, x\]"),
        ((0, w, w), r"no entry \(0, w, w\); give a row number"),
        ((0, 0), "no entry 0; give a symbol or its name"),
    ]:
        with pytest.raises(SymbolError, match=message):
            jacobian([w * x], [w])[place]
    for place, message in [(w, r"give two symbols, as in H\[x, y\]"), ((w, 0), "no entry 0; give a symbol")]:
        with pytest.raises(SymbolError, match=message):
            hessian(w * x, [w])[place]
    with pytest.raises(SymbolError, match="the gradient has no entry 0; give a symbol or its name"):
        gradient(w * x, [w])[0]
    with pytest.raises(SymbolError, match="taken in w, not in x"):
        hessian(w * x, [w])[w, x]
    with pytest.raises(UnsupportedError, match="elliptic_k"):
        gradient(sp.elliptic_k(x), x)
    with pytest.raises(InputError, match="give a SymPy expression"):
        gradient(x > 0, x)


def test_latex_and_repr():
    found = gradient(w * x, [w, x])
    assert r"\frac{\partial}{\partial w}" in found._repr_latex_()
    assert "w, x" in repr(found)


def test_a_power_of_many_decimals_is_written_without_questions():
    # asked whether this is real, SymPy makes a polynomial of degree 476190476190476
    x, y = sp.symbols("x y", real=True)
    graph = graph_of([parse("asech(1/4 + tanh(sqrt(x**(1/3/0.7)) + atan2(sqrt(1/3 + y), x + softplus(0.7)))**2/2)")])
    (written,) = expressions_of(graph, graph.outputs)
    at = {x: sp.Float("1.5", 30), y: sp.Float("0.25", 30)}
    power = mpmath.mpf("1.5") ** (mpmath.mpf(1) / 3 / mpmath.mpf("0.7"))
    angle = mpmath.atan2(mpmath.sqrt(mpmath.mpf(7) / 12), 1.5 + mpmath.log1p(mpmath.exp(0.7)))
    expected = mpmath.asech(0.25 + mpmath.tanh(mpmath.sqrt(power) + angle) ** 2 / 2)
    assert float(written.subs(at).doit().evalf(20)) == pytest.approx(float(expected), rel=1e-12)
