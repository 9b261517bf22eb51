"""SymPy to graph and back: every class that is understood, every refusal by name, place and remedy."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff import chain
from symdiff.errors import InputError, SymbolError, SymdiffError, UnsupportedError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.functions import ROWS
from symdiff.to_sympy import expressions_of

x, y, z = sp.symbols("x y z", real=True)
POINT = {x: 0.75, y: -1.25, z: 3.5}
P = sp.Piecewise

UNDERSTOOD = [
    x + y + z + 2,
    x - y,
    2 - x,
    -x - y,
    x * y * z * 3,
    -x * y,
    x / y,
    x / 3 - y / 7,
    sp.Rational(2, 3) * x * y / z,
    1 / (x * y),
    x**2 + y**3 + z**9,
    y**-1 + y**-3 + z**-9,
    sp.sqrt(x) + z ** sp.Rational(3, 2) + z ** sp.Rational(-1, 3) + z**-0.5 + z**0.3,
    x**z + z**y + 2**x + sp.pi**y,
    sp.exp(x) + sp.exp(-z) + sp.Pow(sp.E, y, evaluate=False) + sp.Pow(sp.E, 2, evaluate=False),
    sp.log(z) * sp.log(x, 2),
    sp.sin(x) + sp.cos(y) + sp.tan(z) + sp.tanh(x) + sigmoid(y),
    sp.Abs(y) + sp.sign(y) * z + sp.Heaviside(x) + sp.Heaviside(x - 0.75, 0) + sp.Heaviside(y, 1),
    sp.Max(x, y, z, 1) - sp.Min(x, y, z, 1),
    P((x, x > 1), (y, True)),
    P((x, x < 0), (y, y < 0), (z, True)),
    P((P((1, z > 3), (x, True)), sp.And(x > 0, y < 0, sp.Ne(z, 1))), (y, True)),
    P((x, sp.Or(x >= 1, sp.Not(sp.Eq(y, z)))), (y, True)),
    P((x, sp.ITE(x > 0, y > 0, z > 0)), (z, True)),
    P((x, x > y)),
    sp.Float("0.1", 40) * x + sp.EulerGamma + sp.GoldenRatio + sp.Catalan,
    sp.Integer(5),
    sp.Add(x, x, evaluate=False) * sp.Mul(y, y, 3, evaluate=False),
    sp.Pow(x, 1, evaluate=False) + sp.Pow(y, 0, evaluate=False) + sp.Mul(1, z, evaluate=False),
]


def by_sympy(expression):
    """SymPy's own value to 40 digits, at the exact doubles of POINT."""
    return sp.N(expression.subs({s: sp.Rational(v) for s, v in POINT.items()}).rewrite(sp.exp, sigmoid), 40)


@pytest.mark.parametrize("expression", UNDERSTOOD, ids=str)
def test_value_is_sympys(expression):
    graph = graph_of([expression])
    got = chain.forward(graph, {s: POINT[s] for s in graph.inputs})[graph.outputs[0]]
    assert float(got) == pytest.approx(float(by_sympy(sp.sympify(expression))), rel=1e-14, abs=0)


@pytest.mark.parametrize("expression", UNDERSTOOD, ids=str)
def test_written_out_again_it_is_the_same_function(expression):
    graph = graph_of([expression])
    (written,) = expressions_of(graph, graph.outputs)
    assert float(by_sympy(written)) == pytest.approx(float(by_sympy(sp.sympify(expression))), rel=1e-15, abs=0)
    # and can be read again
    assert graph_of([written]).operation_count == pytest.approx(graph.operation_count, abs=4)


def test_every_row_can_be_written_and_read():
    for row in ROWS:
        symbols = zip(row.domain, (x, y, z), strict=False)
        operands = [sp.Symbol(f"p_{s}") if domain.truth else s for domain, s in symbols]
        static = row.special[0][0][row.arity :]
        graph = graph_of([P((1, e), (0, True)) if (e := row.sympy(*operands, *static)).is_Boolean else e])
        if row.name not in ("power_constant", "sqrt", "negate"):
            assert row in {step.function for step in graph.applications}, row.name


def test_a_quotient_of_integers_rounds_once_where_it_can():
    # x/3 is a division; 1/3 rounded first would double the error: 5/3 is 1.6666666666666667, 5*(1/3) is not
    graph = graph_of([x / 3])
    assert [step.function.name for step in graph.applications] == ["divide"]
    assert float(chain.forward(graph, {x: 5.0})[graph.outputs[0]]) == 5.0 / 3.0


HUGE = 10**400


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sp.Rational(HUGE + 1, HUGE) * x, 0.75),
        (sp.Rational(HUGE, 3 * HUGE - 3) * x, 0.25),
        (sp.Rational(1, HUGE) * x, 0.0),
        (sp.Rational(HUGE, 7) * x, np.inf),
        (-sp.Integer(HUGE) * x, -np.inf),
        (x + sp.Float("1e400"), np.inf),
        (x ** (2**53), 0.0),
        (z ** (2**53), np.inf),
        (z ** -(2**52), 0.0),
        (x ** sp.Rational(1, HUGE), 1.0),
        (sp.Rational(2**53 + 1, 2**53) * z, 3.5 * (1 + 2.0**-53)),
        ((HUGE * x) / 10**399, 7.5),
    ],
    ids=range(12),
)
def test_numbers_beyond_the_doubles(expression, expected):
    graph = graph_of([expression])
    got = float(chain.forward(graph, {s: POINT[s] for s in graph.inputs})[graph.outputs[0]])
    assert got == pytest.approx(expected, rel=4e-16, abs=0)


@pytest.mark.parametrize("exponent", [2**53 + 1, HUGE, -(2**52) - 1, -HUGE, 2.0**54], ids=range(5))
def test_whole_exponents_that_lose_their_parity_are_refused(exponent):
    # (-1)**(2**53 + 1) is -1, and the double nearest to the exponent is even
    with pytest.raises(
        UnsupportedError, match=r"power at expr\.args\[\d\] is a whole number outside -2\*\*52 to 2\*\*53"
    ):
        graph_of([sp.sin(x) + x**exponent])


@pytest.mark.parametrize(
    ("symbol", "what"),
    [
        (sp.Symbol("A", commutative=False), "symbol A does not commute"),
        (sp.Symbol("t", imaginary=True), "symbol t is not a real number"),
        (sp.Symbol("t", real=False), "symbol t is not a real number"),
        (sp.Symbol("t", extended_real=False), "symbol t is not a real number"),
        (sp.Symbol("t", infinite=True), "symbol t is not a real number"),
    ],
    ids=range(5),
)
def test_symbols_that_are_no_real_numbers_are_refused_by_name(symbol, what):
    with pytest.raises(SymbolError, match=rf"^{what}.*use Symbol\('{symbol.name}', real=True\)$"):
        graph_of([sp.Add(2, symbol, x)])


def test_symbols_without_assumptions_are_taken_as_real():
    for symbol in (sp.Symbol("a"), sp.Symbol("a", complex=True), sp.Symbol("a", extended_real=True), sp.Dummy()):
        assert graph_of([symbol + 1]).inputs == {symbol: 0} or symbol in graph_of([symbol + 1]).inputs


def test_a_quotient_over_something_is_a_product_with_its_reciprocal():
    # XLA makes (x/y)/z to x/(y*z), which overflows where the quotient does not
    graph = graph_of([sp.Mul(-x / y, 1 / z, evaluate=False)])
    assert [step.function.name for step in graph.applications] == ["divide", "divide", "multiply", "negate"]


f = sp.Function("f")
A = sp.MatrixSymbol("A", 2, 2)
UNSUPPORTED = [
    (sp.elliptic_k(x), "elliptic_k", "the top of the expression"),
    (x + sp.elliptic_k(x), "elliptic_k", r"expr\.args\[1\]"),
    (x * sp.exp(1 + sp.elliptic_k(x)), "elliptic_k", r"expr\.args\[1\]\.args\[0\]\.args\[1\]"),
    (sp.Derivative(f(x), x), "Derivative", "the top"),
    (x + f(x), " f ", r"expr\.args\[1\]"),
    (sp.Integral(sp.exp(-(x**2)), x), "Integral", "the top"),
    (sp.Derivative(sp.Function("f")(x), x), "Derivative", "the top"),
    (x + sp.Determinant(sp.KroneckerProduct(A, A)), "KroneckerProduct", r"expr\.args"),
    (x * sp.Integral(x, (z, 1, 3)), "Integral", r"expr\.args"),
    (sp.fresnels(x) + 1, "fresnels", r"expr\.args\[1\]"),
    (P((x, sp.Contains(x, sp.Interval(0, y))), (1, True)), "Contains", r"expr\.args\[0\]\.args\[1\]"),
    (P((x, sp.Contains(x, sp.Interval(0, sp.pi))), (1, True)), "Contains", r"expr\.args"),
    (x + sp.I, "I", "not a finite real number"),
    (sp.S.NaN, "nan", "not a finite real number"),
    (sp.S.ComplexInfinity, "zoo", "not a finite real number"),
    (sp.oo, "oo", "not a finite real number"),
    (-sp.oo, "-oo", "not a finite real number"),
    (sp.exp(sp.Mul(sp.oo, x, evaluate=False)), "oo", "not a finite real number"),
    (sp.Pow(x, sp.oo, evaluate=False), "oo", "not a finite real number"),
]


@pytest.mark.parametrize(("expression", "name", "place"), UNSUPPORTED, ids=lambda v: str(v))
def test_refusals_name_node_place_and_remedy(expression, name, place):
    with pytest.raises(UnsupportedError, match=place) as caught:
        graph_of([expression])
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert "symdiff functions" in message or "models here are real" in message


def test_the_place_of_a_deep_node_is_its_end_not_its_beginning():
    # the same 40 levels lead to both; only the last step tells them apart
    for last in (0, 1):
        expression = sp.Add(*[(sp.elliptic_k(x), y), (y, sp.elliptic_k(x))][last], evaluate=False)
        for _ in range(40):
            expression = sp.sin(expression, evaluate=False)
        with pytest.raises(UnsupportedError, match=rf"\.args\[0\]\.args\[{last}\]"):
            graph_of([expression])


def test_a_refusal_in_a_shared_deep_expression_is_found_at_once():
    expression = sp.elliptic_k(x)
    for _ in range(60):
        expression = sp.Add(sp.Mul(expression, expression, evaluate=False), expression, evaluate=False)
    with pytest.raises(UnsupportedError, match="elliptic_k"):
        graph_of([expression])


@pytest.mark.parametrize("expression", [sp.Heaviside(x, y), sp.besselj(x, y), sp.polygamma(x, y)], ids=str)
def test_a_variable_where_a_number_has_to_stand_is_refused(expression):
    with pytest.raises(UnsupportedError, match=r"at the top of the expression: argument \d of .* has to be a number"):
        graph_of([expression])


def test_free_symbols():
    assert free_symbols(z * x + P((y, x > 0), (1, True)), sp.Integer(1)) == (x, y, z)
    assert free_symbols() == ()
    expression = x
    for _ in range(5000):
        expression = sp.sin(expression, evaluate=False)
    assert free_symbols(expression) == (x,)


@pytest.mark.parametrize(
    ("expression", "free"),
    [
        (sp.Sum(x * z, (z, 1, y)), (x,)),
        (sp.Product(z, (z, 1, 3)), ()),
        (sp.Integral(x * z, (z, 0, y)), (x, y)),
        (sp.Integral(x * z, z), (x, z)),
        (sp.Sum(x * y * z, (z, 1, y), (y, 1, x)), ()),
        (sp.Sum(z, (z, z, 3)), (z,)),
        (z + sp.Sum(z, (z, 1, 3)), (z,)),
        (sp.Integral(sp.Sum(x * z, (z, 1, y)), (y, 0, 1)), (x,)),
        (sp.Lambda(x, x * y), (y,)),
    ],
    ids=str,
)
def test_indices_that_a_sum_binds_are_no_inputs(expression, free):
    assert free_symbols(expression) == free
    # what a sum ends with is a length, and no input
    lengths = {end for sums in expression.atoms(sp.Sum) for limits in sums.limits for end in limits[2:]}
    assert set(free) == expression.free_symbols - (lengths if isinstance(expression, sp.Sum) else set())


@pytest.mark.parametrize("number", [3, 2.5, np.float64(2.5), np.float32(2.5), np.int64(3), sp.Rational(5, 2)])
def test_numbers_are_expressions(number):
    assert sp.Rational(as_expression(number, "the model")) == sp.Rational(float(number))


def test_a_float_is_taken_as_the_binary_number_it_is():
    assert sp.Rational(as_expression(0.1, "the model")) == sp.Rational(0.1) != sp.Rational(1, 10)


def test_text_is_an_expression():
    assert as_expression("w*x + 1", "the model").free_symbols


@pytest.mark.parametrize(
    "given",
    [None, True, 1j, b"x", [x], {x: 1}, object(), sp.Matrix([x]), x > 0, sp.S.true, np.array([1.0])],
    ids=lambda v: type(v).__name__,
)
def test_what_is_no_expression_is_an_input_error(given):
    with pytest.raises(InputError, match=f"the model is .*{type(given).__name__}.*; give a SymPy expression"):
        as_expression(given, "the model")


@pytest.mark.parametrize("given", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_numbers_that_are_not_finite_are_refused(given):
    with pytest.raises(SymdiffError, match="not a finite real number"):
        graph_of([as_expression(given, "the model")])


def test_sigmoid_is_a_sympy_function():
    assert sigmoid(0) == sp.Rational(1, 2)
    assert sp.diff(sigmoid(x), x) == sigmoid(x) * sigmoid(-x)
    assert sigmoid(sp.Integer(2)).evalf(40) == sp.N(1 / (1 + sp.exp(-2)), 40)
    assert sigmoid(x).is_positive
    with mp.workdps(40):
        assert sp.lambdify(x, sigmoid(x).rewrite(sp.exp), "mpmath")(2) == 1 / (1 + mp.exp(-2))
    assert sp.latex(sigmoid(x) ** 2) == r"\sigma^{2}\left(x\right)"
