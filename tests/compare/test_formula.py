from xml.etree import ElementTree

import pytest
import sympy as sp

import symdiff.formula.mathml
from compare.formula import as_mathml, as_text, partial_mathml, visible

NAMES = [
    "<script>alert(1)</script>",
    r"\href{javascript:alert(1)}{x}",
    r"\style{color:red}{x}",
    r"\text{<b>}",
    "x}{",
    "a&b",
    '"onload="alert(1)',
    "it's",
    "]]>",
    "\ue000",
    "x y",
    "%",
    "$x$",
    "λ",
    "_",
    "&lt;",
]


def words(mathml):
    """The text of each leaf of the MathML, which must be well-formed."""
    return ["".join(e.itertext()) for e in ElementTree.fromstring(mathml).iter() if len(e) == 0]  # noqa: S314 our own text


def tags(mathml):
    return {e.tag.split("}")[1] for e in ElementTree.fromstring(mathml).iter()}  # noqa: S314 our own text


@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_out_of_the_mathml(name):
    x = sp.Symbol("x")
    mathml = as_mathml(sp.Symbol(name) ** 2 / x)
    assert visible(name) in words(mathml)
    assert tags(mathml) <= {"math", "mrow", "mfrac", "msup", "mi", "mn"}
    assert "href" not in mathml.replace(r"\href", "")
    assert visible(name) in words(partial_mathml(name))


@pytest.mark.parametrize(
    ("name", "leaves"),
    [
        ("w", ["w"]),
        ("w2", ["w", "2"]),
        ("tau_long", ["τ", "long"]),
        ("alpha_x_1", ["α", "x", ",", "1"]),
        ("rate", ["rate"]),
        ("a_long_name_of_words", ["a_long_name_of_words"]),
        ("pi", ["pi"]),
        ("Omega", ["Ω"]),
    ],
)
def test_names_are_set_as_names(name, leaves):
    assert words(as_mathml(sp.Symbol(name))) == leaves


def test_a_function_whose_name_is_no_word_is_left_as_text():
    applied = sp.Function("<img src=x>")(sp.Symbol("x"))
    assert as_mathml(applied) is None
    assert as_mathml(sp.MatrixSymbol("<b>", 2, 2)) is None
    assert as_text(applied) == "<img src=x>(x)"


@pytest.mark.parametrize(
    "formula",
    [
        "exp(x)/(1 + exp(x))",
        "Piecewise((x, x > 0), (0, True))",
        "Max(x, 0)",
        "Abs(x)",
        "sqrt(tanh(x)**2)",
        "1e-20*x",
        "Sum(x, (k, 1, 3))",
        "besselj(1, x)",
        "f(x)",
    ],
)
def test_ordinary_formulas_are_mathml(formula):
    assert as_mathml(sp.sympify(formula)) is not None


@pytest.mark.parametrize(
    "mathml",
    ["<math><script>1</script></math>", '<math><mi href="x">x</mi></math>', "<math>a<b</math>", "<math>&x;</math>"],
)
def test_what_is_not_presentation_mathml_is_refused(mathml, monkeypatch):
    monkeypatch.setattr(symdiff.formula.mathml, "convert", lambda *_args, **_options: mathml)
    assert as_mathml(sp.Symbol("x")) is None
    assert partial_mathml("x") is None


@pytest.mark.parametrize(
    ("grow", "steps"),
    [(lambda e: sp.tanh(e, evaluate=False), 20_000), (lambda e: sp.Mul(e, e + 1, evaluate=False), 300)],
)
def test_deep_and_doubled_formulas_are_refused_without_recursion(grow, steps):
    formula = sp.Symbol("x")
    for _ in range(steps):
        formula = grow(formula)
    assert as_mathml(formula) is None
    assert "not written out" in as_text(formula)


def test_a_long_formula_is_text():
    assert as_mathml(sum(sp.symbols("x:100"))) is not None
    many = sum(sp.symbols("x:500"))
    assert as_mathml(many) is None
    assert as_text(many).startswith("x0 + x1")


def test_visible_leaves_writing_alone():
    assert visible("λ·x² → ∞") == "λ·x² → ∞"
    assert visible("a\nb\x00\u2066") == r"a\nb\x00\u2066"
