"""Names never collide: a symbol may be called like a constant, a function or a keyword, or is refused with a reason."""

import json
import keyword

import jax
import mpmath
import numpy as np
import pytest
import sympy as sp

import compare
import symdiff
from symdiff.cli import main
from symdiff.errors import ModelError, ParseError, SymbolError, UnsupportedError
from symdiff.formula.names import COMBINE, COMPARE
from symdiff.from_sympy import graph_of
from symdiff.functions import BY_HEAD, CONSTANTS, FUNCTIONS, formula_functions
from symdiff.routes import ROUTES

x, y = sp.symbols("x y", real=True)
plain = sp.Symbol("x")
CALLED = sorted({*formula_functions(), *COMPARE, *COMBINE, "Piecewise"})
GRAMMAR = {"if", "else", "and", "or", "not"}
REFUSED = {"I", "nan", "NaN", "inf", "Inf", "oo", "zoo", "None", "True", "False", "π"}
ODD = [*"eEISθ", "pi", "nan", "inf", "oo", "lambda", "sin", "beta", "gamma", "if", "not", "True", "None", "v1"]


def real(name):
    return sp.Symbol(name, real=True)


# ---- formula texts


@pytest.mark.parametrize(
    "name", [*CALLED, *sorted(set(keyword.kwlist) - GRAMMAR - REFUSED), "e", "S", "N", "Symbol", "θ"]
)
def test_a_name_that_is_not_called_is_a_symbol(name):
    assert symdiff.parse(f"{name}*x + 1") == real(name) * x + 1


@pytest.mark.parametrize("name", sorted(GRAMMAR | REFUSED))
def test_what_else_a_name_may_mean_is_refused_unless_it_is_declared(name):
    with pytest.raises(ParseError, match=r"column [36] of"):
        symdiff.parse(f"x*{name}*y")
    assert symdiff.parse(f"x*{name}*y", symbols=["x", "y", name]) == x * real(name) * y


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_constant_is_one_unless_it_is_declared(name):
    assert symdiff.parse(f"{name}*x") == getattr(sp, name) * x
    assert symdiff.parse(f"{name}*x", symbols=["x", name]) == real(name) * x


def test_a_name_may_be_a_function_where_it_is_called_and_a_symbol_elsewhere():
    beta, gamma = real("beta"), real("gamma")
    expected = beta * sp.beta(beta, x) + gamma * sp.gamma(gamma)
    assert symdiff.parse("beta*beta (beta, x) + gamma*gamma(gamma)") == expected
    assert symdiff.parse("beta*beta(beta, x)", symbols=["beta", "x"]) == beta * sp.beta(beta, x)
    with pytest.raises(ParseError, match=r"'beta' is a function; write beta\(\.\.\.\), or declare it"):
        symdiff.parse("beta*x", symbols=["x"])


def test_names_are_compared_as_python_compares_them():
    micro, mu = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
    assert symdiff.parse(f"{micro}*x") == real(mu) * x
    assert symdiff.parse("e\u0301*x") == real("é") * x
    with pytest.raises(SymbolError, match=r"two symbols are called .*once Unicode has normalised"):
        symdiff.parse("x", symbols=[real(micro), real(mu)])
    with pytest.raises(SymbolError, match="two symbols are called 'x', with different assumptions"):
        symdiff.parse("x", symbols=[x, plain])


@pytest.mark.parametrize("text", ["x[0]", "layer.w*x", "__w*x", "x y", "x'"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ParseError, match=r"column \d of .*(write|rename)"):
        symdiff.parse(text)
    with pytest.raises(ParseError, match=r"'.*' is not a name"):
        symdiff.symbols("x·y")


def test_exclusive_or_and_choices_are_read():
    either = sp.Xor(x > 0, y > 0)
    for text in ("1 if Xor(x > 0, y > 0) else 2", "1 if (x > 0) ^ (y > 0) else 2", "ITE(Xor(x > 0, y > 0), 1, 2)"):
        assert symdiff.parse(text) == sp.Piecewise((1, either), (2, True))
    chosen = symdiff.parse("x if ITE(x > 0, y > 1, y > 2) else y")
    assert chosen == sp.Piecewise((x, sp.ITE(x > 0, y > 1, y > 2)), (y, True))
    assert symdiff.parse(str(chosen)) == chosen
    with pytest.raises(ParseError, match=r"column 3 of .*'\^' is not allowed between numbers; write \*\* for powers"):
        symdiff.parse("x ^ 2")
    with pytest.raises(ParseError, match="Not takes 1 condition, and 2 stand here"):
        symdiff.parse("1 if Not(x > 0, y > 0) else 2")


# ---- every function of the table, as a text calls it

# where the class takes arguments that are options or another function, or there is no class
COUNTS = {
    "zeta": {1}, "beta": {2}, "sqrt": {1}, "cbrt": {1}, "E1": {1}, "real_root": {2}, "conjugate": {1},
    **{name: {1, 2, 3, 4} for name in ("Max", "Min", "max", "min")},
}  # fmt: skip
SYMPY = {
    "abs": sp.Abs, "ceil": sp.ceiling, "max": sp.Max, "min": sp.Min, "E1": lambda u: sp.expint(1, u),
}  # fmt: skip


def arguments(name, count):
    """Symbols, but numbers at the places of static arguments."""
    row = BY_HEAD.get(formula_functions()[name])
    given = [x, y, *sp.symbols("u v", real=True)][:count]
    if name == "real_root" and count > 1:
        given[1] = sp.Integer(3)
    elif row is not None:
        for static, place in zip(row.special[0][0][row.arity :], row.static, strict=True):
            if place < count:
                given[place] = sp.sympify(static)
    return given


@pytest.mark.parametrize("name", sorted(formula_functions()))
def test_a_call_is_the_sympy_class_applied_and_has_a_row(name):
    function = SYMPY.get(name) or getattr(sp, name, formula_functions()[name])
    counts = COUNTS.get(name) or set(function.nargs)
    for count in range(1, 5):
        given = arguments(name, count)
        text = f"{name}({', '.join(map(str, given))})"
        if count in counts:
            assert symdiff.parse(text) == function(*given)
            assert graph_of([symdiff.parse(text)]).outputs
        else:
            with pytest.raises(
                ParseError, match=rf"column 1 of .*{name} takes .* argument.*, and {count} (is|are) given"
            ):
                symdiff.parse(text)


def test_every_row_that_is_spoken_or_static_has_a_name():
    internal = {"power_integer", "power_negative", "power_constant", "reduced_sinc", "polygamma_gap", "zeta_derivative"}
    internal |= {"beta_derivative", "binomial_derivative", "gamma_density"}
    heads = {BY_HEAD.get(function) for function in formula_functions().values()}
    for row in FUNCTIONS.values():
        if row.name not in internal and (row.spoken or row.static):
            assert row.name in formula_functions() or row in heads, row.name


def test_another_function_of_the_same_class_is_refused():
    with pytest.raises(
        UnsupportedError, match=r"zeta\(x, y\) at expr\.args\[1\]: zeta is known with 1 argument, not 2"
    ):
        symdiff.gradient(2 * sp.zeta(x, y), [x])


# ---- derivatives and compiled functions


@pytest.mark.parametrize(
    "name", ["pi", "e", "E", "I", "nan", "lambda", "sin", "if", "v1", "x[0]", "x + 1", "\N{MICRO SIGN}"]
)
def test_a_symbol_may_have_any_name(name):
    s = real(name)
    # holds the constants too; in Python they cannot be confused
    expression = s**2 * x * sp.pi + sp.E * sp.exp(x)
    value, slope = 9 * 2 * mpmath.pi + mpmath.e**3, 12 * mpmath.pi
    for route in ROUTES:
        found, (partial,) = symdiff.value_and_gradient(expression, [name], route=route)(3.0, 2.0)
        np.testing.assert_allclose([float(found), float(partial)], [float(value), float(slope)], rtol=1e-14)
    np.testing.assert_allclose(float(symdiff.lambdify([s, x], expression)(3.0, 2.0)), float(value), rtol=1e-14)
    np.testing.assert_allclose(
        float(jax.grad(symdiff.lambdify([s, x], expression))(3.0, 2.0)), float(slope), rtol=1e-14
    )
    assert symdiff.gradient(expression, [name])[s] == 2 * sp.pi * s * x
    assert symdiff.jacobian([s * x, x], [s])[0, name] == x
    assert symdiff.hessian(s**2 * x, [s, x])[name, "x"] == 2 * s
    traced = symdiff.trace(s**2 * x, {name: 3.0, "x": 2.0}, wrt=name)
    assert (traced.value, traced.gradient, traced.at[name]) == (18.0, {name: 12.0}, 3.0)
    checked = compare.check(s**2 * x, wrt=[name], at={name: 3.0, "x": 2.0})
    assert (checked.verdict.value, checked.to_dict()["rows"][0]["symbolic"]) == ("agree", 12.0)


def test_two_symbols_of_one_name_are_told_apart_by_place_and_refused_by_name():
    for a, b in [(plain, x), (sp.Dummy("x"), sp.Dummy("x"))]:
        expression = a * b**2
        assert float(symdiff.lambdify([a, b], expression)(2.0, 3.0)) == 18.0
        for route in ROUTES:
            _, partials = symdiff.value_and_gradient(expression, [a, b], route=route)(2.0, 3.0)
            assert np.asarray(partials).tolist() == [9.0, 12.0]
        assert list(symdiff.gradient(expression, [b, a])) == [2 * a * b, b**2]
        for refused in (
            lambda e=expression: symdiff.gradient(e, ["x"]),
            lambda e=expression: symdiff.hessian(e, ["x"]),
            lambda e=expression: symdiff.jacobian([e], ["x"]),
            lambda e=expression: symdiff.value_and_gradient(e, ["x"]),
            lambda e=expression, a=a, b=b: symdiff.trace(e, {a: 1.0, b: 2.0}),
            lambda e=expression, a=a, b=b: compare.check(e, at={a: 1.0, b: 2.0}),
            lambda e=expression: compare.check(e, points=2),
        ):
            with pytest.raises(SymbolError, match=r"two symbols (have that name|are called x|called x)"):
                refused()
        with pytest.raises(ModelError, match="two different symbols called x"):
            symdiff.Model("m", expression, inputs=[a], target="t", parameters={b: 1.0})


def test_a_symbol_with_other_assumptions_is_not_the_one_that_is_meant():
    for refused in (
        lambda: symdiff.gradient(x**2, [plain]),
        lambda: symdiff.value_and_gradient(x**2, [plain]),
        lambda: symdiff.lambdify([plain], x**2),
        lambda: symdiff.trace(x**2, {plain: 1.0}),
        lambda: compare.check(x**2, at={plain: 1.0}),
    ):
        with pytest.raises(SymbolError, match="assumptions"):
            refused()
    with pytest.raises(ModelError, match="other assumptions"):
        symdiff.Model("m", x * y, inputs=[plain], target="t", parameters={y: 1.0})


def test_a_name_that_looks_the_same_finds_the_symbol():
    micro, mu = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
    assert symdiff.trace(f"{micro}*x", {micro: 3.0, "x": 2.0}).at == {mu: 3.0, "x": 2.0}
    assert symdiff.gradient(real(micro) * x, [mu])[micro] == x
    both = real(micro) * real(mu) ** 2
    assert list(symdiff.gradient(both, [mu, micro])) == [2 * real(micro) * real(mu), real(mu) ** 2]
    model = symdiff.Model(
        "m", "w*é", inputs=["é"], target="t", parameters={"w": 1.0}, data={"e\u0301": [2.0], "t": [1.0]}
    )
    assert model.data["é"].tolist() == [2.0]


def test_a_constant_cannot_be_moved():
    with pytest.raises(SymbolError, match=r"'E', which is a constant, not a symbol, in formulas; .*symbols="):
        symdiff.gradient("E*x", ["E"])
    with pytest.raises(SymbolError, match=r"no number for e \(Euler's number is written E\)"):
        symdiff.trace("e**x", {"x": 1.0})


# ---- models and their files


def product(name, prediction=None, **more):
    parts = {"inputs": [x], "target": "t", "parameters": {real(name): 2.0}} | more
    return symdiff.Model("m", real(name) * x if prediction is None else prediction, **parts)


@pytest.mark.parametrize("name", [*ODD, *sorted(CONSTANTS), "class", "Piecewise", "self", "\N{MICRO SIGN}", "ﬁ"])
def test_a_model_file_keeps_a_symbol_a_symbol(name, tmp_path):
    for model in (product(name), symdiff.Model("m", f"{name}*x", inputs=["x"], target="t", parameters={name: 2.0})):
        model.save(tmp_path / "m.toml")
        again = symdiff.Model.load(tmp_path / "m.toml")
        assert again == model
        assert again.prediction.free_symbols == {real(name), x}


@pytest.mark.parametrize("name", ["pi", "E", "Catalan"])
def test_a_constant_beside_a_symbol_of_its_name_is_not_saved(name, tmp_path):
    model = product(name, real(name) * x + 2 * getattr(sp, name))
    with pytest.raises(ModelError, match=f"cannot tell the constant {name} from the symbol {name}; rename the symbol"):
        model.save(tmp_path / "m.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["1", "x+1", "x 1", "a.b", "x[0]", "__w"])
def test_a_name_that_no_text_can_hold_is_refused(name, tmp_path):
    with pytest.raises(ModelError, match="no formula text can hold it; write letters"):
        symdiff.Model("m", f"{name}*x", inputs=["x"], target="t", parameters={name: 2.0})
    with pytest.raises(ModelError, match="no formula text can hold it"):
        product(name).save(tmp_path / "m.toml")
    assert product(name).prediction == real(name) * x


@pytest.mark.parametrize("route", ROUTES)
def test_training_knows_symbols_by_their_roles(route):
    model = symdiff.Model("m", "lambda*self + E", inputs=["self"], target="pi", parameters={"lambda": 2.0, "E": 0.5})
    result = symdiff.train(model, {"self": [3.0], "pi": [4.0]}, epochs=1, learning_rate=0.125, route=route)
    # f - y = 2*3 + 0.5 - 4 = 2.5; the gradient of its square is 2*2.5*(3, 1)
    assert result.parameters == {"lambda": 2.0 - 0.125 * 15.0, "E": 0.5 - 0.125 * 5.0}
    assert result.predict(self=8.0) == 0.125 * 8.0 - 0.125


# ---- the command line


def test_the_command_line_reads_names_as_symbols(capsys):
    assert main(["check", "beta*x + gamma", "--at", "beta=1,x=3,gamma=2", "--wrt", "beta,gamma", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["wrt"], row["symbolic"]) for row in rows] == [("beta", 3.0), ("gamma", 1.0)]
    assert main(["trace", "lambda*zeta**2", "--at", "lambda=2,zeta=3", "--format", "json"]) == 0
    traced = json.loads(capsys.readouterr().out)
    assert (traced["value"], traced["gradient"]) == (18.0, {"lambda": 9.0, "zeta": 12.0})
    assert main(["derive", "beta(x, y)*beta", "--wrt", "beta"]) == 0
    assert "d/dbeta = beta(x, y)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "I*x"], "imaginary unit"),
        (["check", "pi*x", "--at", "pi=1,x=1"], "'pi', which is a constant"),
        (["derive", "E*x", "--wrt", "E"], "'E', which is a constant"),
        (["trace", "e*x", "--at", "x=1"], "Euler's number is written E"),
        (["check", "zeta(x, s)"], "zeta takes 1 argument, and 2 are given"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_the_command_line_says_what_a_name_means(arguments, said, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err
