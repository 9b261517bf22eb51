"""lambdify: a pure JAX function; shapes, dtypes, names, numbers of any size, and refusals in one line."""

import keyword
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from compare.benchmarks.derivation import expression
from symdiff import lowering
from symdiff.errors import InputError, OptionError, SymbolError, SymdiffError, UnsupportedError
from symdiff.lowering import floating_dtype, lambdify
from symdiff.routes import value_and_gradient

x, y, z = sp.symbols("x y z", real=True)
P = sp.Piecewise


@pytest.fixture(scope="module")
def f():
    return lambdify([x, y], sp.sin(x) * y + x**3)


def test_works_under_jit_vmap_and_grad(f):
    # sin(1/2)*2 + 1/8 and its slope cos(1/2)*2 + 3/4
    assert float(f(0.5, 2.0)) == pytest.approx(2 * math.sin(0.5) + 0.125, rel=1e-15, abs=0)
    assert float(jax.jit(f)(0.5, 2.0)) == pytest.approx(2 * math.sin(0.5) + 0.125, rel=1e-15, abs=0)
    assert float(jax.grad(f)(0.5, 2.0)) == pytest.approx(2 * math.cos(0.5) + 0.75, rel=1e-15, abs=0)
    assert float(jax.grad(f, argnums=1)(0.5, 2.0)) == pytest.approx(math.sin(0.5), rel=1e-15, abs=0)
    mapped = jax.vmap(jax.grad(f), in_axes=(0, None))(jnp.array([0.5, 0.0]), 2.0)
    np.testing.assert_allclose(mapped, [2 * math.cos(0.5) + 0.75, 2.0], rtol=1e-15)
    _, tangent = jax.jvp(f, (0.5, 2.0), (0.0, 1.0))
    assert float(tangent) == pytest.approx(math.sin(0.5), rel=1e-15, abs=0)


def test_argument_order_is_the_one_given():
    assert float(lambdify([y, x], x - y)(1.0, 10.0)) == 9.0
    assert float(lambdify((x, y), x - y)(1.0, 10.0)) == -9.0
    assert float(lambdify(x, x + 1)(1.0)) == 2.0
    assert float(lambdify([z, y, x], x)(1.0, 2.0, 3.0)) == 3.0


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [(((), ()), ()), (((3,), ()), (3,)), (((), (2, 3)), (2, 3)), (((4, 1), (1, 3)), (4, 3)), (((0,), ()), (0,))],
)
def test_results_have_the_broadcast_shape_constants_too(shapes, expected):
    one, constant, absent = lambdify([x, y], [x * y, sp.pi, 2 * y])(*(np.ones(s) for s in shapes))
    assert one.shape == constant.shape == absent.shape == expected
    np.testing.assert_array_equal(constant, np.full(expected, math.pi))


def test_axes_of_different_number_broadcast():
    # under jax_numpy_rank_promotion="raise" too: the library lines the axes up itself
    assert lambdify([x, y], x * y)(np.ones((4, 1)), np.arange(3.0)).shape == (4, 3)


def test_structure_of_outputs_and_arguments():
    found = lambdify([x, y], (x, [y][0], x * y))(2.0, 3.0)
    assert isinstance(found, tuple)
    assert [float(v) for v in found] == [2.0, 3.0, 6.0]
    assert isinstance(lambdify([x], [x])(1.0), list)
    assert lambdify([x], [])(1.0) == []
    matrix = lambdify([x, y], sp.Matrix([[x, y], [1, x * y], [0, 2]]))(np.arange(5.0), 2.0)
    assert matrix.shape == (3, 2, 5)
    np.testing.assert_array_equal(matrix[:, :, 3], [[3, 2], [1, 6], [0, 2]])
    assert lambdify([x], sp.ImmutableSparseMatrix(2, 2, {(0, 1): x}))(4.0).tolist() == [[0, 4], [0, 0]]
    nested = lambdify([[x, y], z], x - y * z)
    assert float(nested([5.0, 2.0], 2.0)) == 1.0
    assert float(lambdify([(x, (y, z))], x - y * z)((5.0, (2.0, 2.0)))) == 1.0
    assert float(lambdify([], sp.Rational(1, 2))()) == 0.5


@pytest.mark.parametrize(
    ("arguments", "dtype"),
    [
        ((2, 3), np.float64),
        ((2.0, 3.0), np.float64),
        ((np.float32(2), np.float32(3)), np.float32),
        ((np.float32(2), 3.0), np.float32),
        ((np.float32(2), 3), np.float32),
        ((np.float32(2), np.float64(3)), np.float64),
        ((np.int32(2), np.int32(3)), np.float64),
        ((np.array([2], np.int8), True), np.float64),
        ((np.array([2.0], np.float16), 3), np.float32),
        ((jnp.bfloat16(2), 3), np.float32),
        ((jnp.float16(2), jnp.bfloat16(3)), np.float32),
        ((jnp.bfloat16(2), np.float64(3)), np.float64),
        ((np.longdouble(2), 3), np.float64),
        ((np.ones(2, np.longdouble) * 2, np.float32(3)), np.float64),
        ((jnp.ones(2, jnp.int4) * 2, jnp.float32(3)), np.float32),
        ((jnp.float32(2), 3.0), np.float32),
        (([2, 2.0], 3), np.float64),
        ((sp.Integer(2), sp.Rational(6, 2)), np.float64),
    ],
    ids=range(18),
)
def test_dtypes(arguments, dtype):
    value, constant = lambdify([x, y], [x ** (2 + sp.Integer(1)) + y, sp.Rational(1, 3)])(*arguments)
    assert value.dtype == constant.dtype == dtype
    np.testing.assert_allclose(value, 8.0 + float(arguments[1]), rtol=1e-15)


def test_integers_do_not_wrap():
    assert float(lambdify([x], x**20)(np.int32(10))) == 1e20
    assert float(lambdify([x], x * 2)(10**30)) == 2e30


def test_floating_dtype():
    assert floating_dtype() == np.float64
    assert floating_dtype(np.ones(2, np.float32), 1.0, 2) == np.float32
    assert floating_dtype(np.int64(1), np.float32(1)) == np.float64


NAMES = [
    *keyword.kwlist,
    *["pi", "e", "E", "I", "nan", "oo", "sin", "exp", "abs", "beta", "gamma", "zeta", "Max", "S", "N", "Q", "O"],
    *["jax", "jnp", "np", "numpy", "sp", "math", "float", "print", "__import__", "self", "args", "x0", "v1"],
    *["a b", "a.b", "a-b", "1x", "", "λ", "𝑥", "x'", 'say "hi"', "\\alpha", "x_{1}", "__import__('os').getpid()", "\n"],
]


def test_a_symbol_may_have_any_name():
    # one model that uses them all, each weighted by its place, beside the constants and functions of the same names
    symbols = [sp.Symbol(name, real=True) for name in NAMES]
    weighted = sp.Add(*[(k + 1) * s for k, s in enumerate(symbols)])
    f = lambdify(symbols, weighted + sp.sin(symbols[0]) + sp.pi + sp.E)
    numbers = [float(k) for k in range(len(NAMES))]
    expected = sum((k + 1) * k for k in range(len(NAMES))) + math.pi + math.e
    assert float(f(*numbers)) == pytest.approx(expected, rel=1e-15, abs=0)
    # each is its own: the slope in one is its weight
    slopes = jax.grad(f, argnums=tuple(range(len(NAMES))))(*numbers)
    assert [float(s) for s in slopes] == [2.0, *range(2, len(NAMES) + 1)]


def test_symbols_of_one_name_and_dummies_are_different_arguments():
    plain, real, dummy = sp.Symbol("a"), sp.Symbol("a", real=True), sp.Dummy("a")
    assert float(lambdify([plain, real, dummy], plain + 10 * real + 100 * dummy)(1.0, 2.0, 3.0)) == 321.0


HUGE = 10**400


def test_numbers_of_any_size():
    expressions = [
        x + HUGE,
        -x * HUGE,
        x * sp.Rational(1, HUGE),
        x * sp.Rational(HUGE + 1, HUGE),
        x + sp.Float("1e-400"),
        x * 10**30,
        x + sp.factorial(30),
        sp.Rational(1, 3) * x,
        x ** (2**53),
        sp.Float("0.1", 60) * x,
    ]
    found = [float(v) for v in lambdify([x], expressions)(0.5)]
    expected = [math.inf, -math.inf, 0.0, 0.5, 0.5, 5e29, 2.6525285981219107e32, 0.5 / 3, 0.0, 0.05]
    assert found == pytest.approx(expected, rel=1e-15, abs=0)


# halfway between two float32 numbers, and next to that, nearer than a double can tell
TIE = sp.Rational(2**24 + 1, 2**24)
NEAR_A_TIE = [
    (TIE + sp.Rational(1, 2**70), 1 + 2.0**-23),
    (TIE - sp.Rational(1, 2**70), 1.0),
    (TIE, 1.0),
    (-TIE - sp.Rational(1, 2**70), -1 - 2.0**-23),
    (-TIE + sp.Rational(1, 2**70), -1.0),
    (3 * TIE + sp.Rational(1, 2**70), 3.0 + 2.0**-22),
    (sp.Rational(2**24 + 1) + sp.Rational(1, 10**30), 2.0**24 + 2),
    (sp.Float(TIE + sp.Rational(1, 2**70), 40), 1 + 2.0**-23),
    (sp.Rational(1, 3), float(np.float32(1) / np.float32(3))),
    (sp.Rational(1, 10**400), 0.0),
    (sp.Integer(10) ** 39, math.inf),
]


@pytest.mark.parametrize(("constant", "expected"), NEAR_A_TIE, ids=range(len(NEAR_A_TIE)))
def test_constants_are_rounded_once_to_float32(constant, expected):
    by_jax = lambdify([x], constant + sp.S.Zero)(np.float32(0))
    (by_chain,) = [value_and_gradient(constant, [x], route="chain")(np.float32(0))[0]]
    assert by_jax.dtype == by_chain.dtype == np.float32
    assert (float(by_jax), float(by_chain)) == (expected, expected)


def test_exponents_are_rounded_once_to_float32():
    # the double nearest to the exponent is a tie of float32, which rounds down to 1
    exponent = TIE + sp.Rational(1, 2**70)
    for route in ("chain", "autodiff", "symbolic"):
        value, _ = value_and_gradient(x**exponent, [x], route=route)(np.float32(2.0**100))
        assert float(value) == pytest.approx(2.0**100 * 2 ** (100 * 2.0**-23), rel=1e-6, abs=0)


@pytest.mark.timeout(60)
def test_many_symbols_are_looked_up_at_once():
    # half a second where each is found in a table, minutes where it is looked for among all others
    symbols = sp.symbols("s:30000", real=True)
    lambdify(symbols, symbols[0] * symbols[-1])
    value_and_gradient(symbols[0] * symbols[-1], [symbols[1]], args=symbols, route="chain")


@pytest.mark.parametrize("number", [3, 2.5, np.int64(3), np.float32(2.5)])
def test_plain_numbers_are_outputs(number):
    np.testing.assert_array_equal(lambdify([x], number)(np.zeros(2)), np.full(2, float(number)))


REFUSED = [
    (lambda: lambdify([x], x + y), SymbolError, r"y in the expression is not among the arguments \(x\)"),
    (lambda: lambdify([sp.Symbol("x")], x), SymbolError, "the argument x differs in its assumptions"),
    (lambda: lambdify([x, y, x], x), SymbolError, "x stands twice"),
    (lambda: lambdify([x, [y, x]], x), SymbolError, "x stands twice"),
    (lambda: lambdify([x, 3], x), SymbolError, "argument 3 is int; give SymPy symbols"),
    (lambda: lambdify(["x"], x), SymbolError, "argument 'x' is str; give SymPy symbols"),
    (lambda: lambdify("x", x), SymbolError, "give .*symbol"),
    (lambda: lambdify(x * y, x), SymbolError, "give .*symbol"),
    (lambda: lambdify(None, x), SymbolError, "give .*symbol"),
    (lambda: lambdify([x], x, method="fast"), OptionError, "method is 'fast'; choose one of auto"),
    (lambda: lambdify([x], None), InputError, "the output is NoneType; give a SymPy expression"),
    (lambda: lambdify([x], [x, "x", [x]]), InputError, "output is list; give a SymPy expression"),
    (lambda: lambdify([x], sp.zeros(0, 3)), InputError, "the matrix is empty"),
    (lambda: lambdify([x], sp.elliptic_k(x)), UnsupportedError, "elliptic_k at the top"),
    (lambda: lambdify([x], [x, 1 / sp.S.Zero]), UnsupportedError, "zoo"),
    (lambda: lambdify([x], float("nan")), UnsupportedError, "nan"),
    (lambda: lambdify([x, y], x)(1.0), OptionError, r"expected 2 arguments.*x, y.*got 1"),
    (lambda: lambdify([x], x)(1.0, 2.0), OptionError, r"expected 1 arguments.*got 2"),
    (lambda: lambdify([[x, y], z], x)(1.0, 2.0), OptionError, r"\[x, y\], z"),
    (lambda: lambdify([x], x)(1j), OptionError, "x has dtype complex128; give real numbers"),
    (lambda: lambdify([x], x)(np.ones(2, np.complex64)), OptionError, "x has dtype complex64; give real numbers"),
    (lambda: lambdify([x], x)(10**400), OptionError, "^x is a number beyond the range of float64"),
    (lambda: lambdify([x], x)(sp.Integer(10) ** 400), OptionError, "^x is a number beyond the range of float64"),
    (lambda: lambdify([x], x)(np.array([1, None])), OptionError, "x has dtype object; give real numbers"),
    (lambda: lambdify([x], x)("1.0"), OptionError, "x .*; give real numbers"),
    (lambda: lambdify([x], x)(None), OptionError, "x is NoneType; give real numbers"),
    (lambda: lambdify([x], x)({"x": 1.0}), OptionError, "x is dict; give real numbers"),
    (lambda: lambdify([x, y], x)(np.ones(2), np.ones(3)), OptionError, r"do not broadcast: x \(2,\), y \(3,\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, SymdiffError)
    assert "\n" not in str(caught.value)


def test_conditions_of_scalars_and_arrays_mix():
    # sympy's own lambdify fails on this one (numerics.md 3.23)
    e = P((x, sp.And(x > 0, y < 1)), (y, sp.Or(x > -1, sp.Not(sp.Eq(y, 2)))), (0, True))
    found = lambdify([x, y], e)(np.array([1.0, -0.5, -2.0]), 2.0)
    assert found.tolist() == [2.0, 2.0, 0.0]


def test_what_xla_would_compile_for_hours_is_refused_at_once(monkeypatch):
    def never(*_):
        raise AssertionError("was compiled")

    monkeypatch.setattr(lowering, "jax_outputs", never)
    given, symbols = expression(3_000, 0)
    wanted = r"method is 'fused', but the expression has 3,\d{3} operations, .* more than {}; choose 'tape' or 'auto'$"
    with pytest.raises(OptionError, match=wanted.replace("{}", "2,000")):
        lambdify(symbols, given, method="fused")
    for route in ("symbolic", "autodiff"):
        with pytest.raises(OptionError, match=wanted.replace("{}", "666")):
            value_and_gradient(given, symbols, route=route, method="fused")
    # the chain route compiles nothing
    value, _ = value_and_gradient(given, symbols, route="chain", method="fused")(*[0.5] * len(symbols))
    assert math.isfinite(float(value))
