"""Formulas that are right in another form, and wrong ones of every kind."""

import math

import pytest
import sympy as sp

import compare
from compare.verdict import Verdict
from symdiff.errors import InputError, OptionError, ParseError, SymbolError

# expression, claim: right, by textbook or by an identity
RIGHT = [
    ("(w*x-y)**2", "w: 2*x*(w*x-y)"),
    ("(w*x-y)**2", "w: 2*w*x**2-2*x*y"),
    ("(w*x-y)**2", "y: -2*(w*x-y)"),
    ("(w*x-y)**2", "y: 2*y-2*w*x"),
    ("tanh(x)", "x: 1-tanh(x)**2"),
    ("tanh(x)", "x: 1/cosh(x)**2"),
    ("tanh(x)", "x: sech(x)**2"),
    ("tanh(x)", "x: 4/(exp(x)+exp(-x))**2"),
    ("1/(1+exp(-x))", "x: exp(-x)/(1+exp(-x))**2"),
    ("1/(1+exp(-x))", "x: 1/(1+exp(-x))*(1-1/(1+exp(-x)))"),
    ("1/(1+exp(-x))", "x: exp(x)/(1+exp(x))**2"),
    ("1/(1+exp(-x))", "x: 1/(2+2*cosh(x))"),
    ("log(1+exp(x))", "x: 1/(1+exp(-x))"),
    ("log(1+exp(x))", "x: exp(x)/(1+exp(x))"),
    ("log(1+exp(x))", "x: (1+tanh(x/2))/2"),
    ("sin(x)**2", "x: sin(2*x)"),
    ("sin(x)**2", "x: 2*sin(x)*cos(x)"),
    ("sin(x)*cos(x)", "x: cos(2*x)"),
    ("sin(x)*cos(x)", "x: 1-2*sin(x)**2"),
    ("sqrt(x)", "x: 1/(2*sqrt(x))"),
    ("sqrt(x)", "x: sqrt(x)/(2*x)"),
    ("sqrt(x**2+y**2)", "x: x/sqrt(x**2+y**2)"),
    ("x**x", "x: x**x*(1+log(x))"),
    ("x**y", "y: x**y*log(x)"),
    ("x**y", "x: y*x**y/x"),
    ("x**y", "x: y*x**(y-1)"),
    ("log(x**2)", "x: 2/x"),
    ("log(Abs(x))", "x: 1/x"),
    ("Abs(x)", "x: x/Abs(x)"),
    ("Abs(x)", "x: sign(x)"),
    ("Abs(x)**3", "x: 3*x*Abs(x)"),
    ("exp(-x**2/2)", "x: -x*exp(-x**2/2)"),
    ("exp(-(x-m)**2/(2*s**2))/(s*sqrt(2*pi))", "s: ((x-m)**2-s**2)/s**3*exp(-(x-m)**2/(2*s**2))/(s*sqrt(2*pi))"),
    ("Max(x,0)", "x: 1 if x>0 else 0"),
    ("Max(x,y)", "x: 1 if x>y else 0"),
    ("Max(x,0)", "x: Heaviside(x)"),
    ("Piecewise((x**2,x<1),(2*x-1,True))", "x: 2*Min(x,1)"),
    ("Piecewise((x**2,x<1),(2*x-1,True))", "x: 2*x if x < 1 else 2"),
    ("x**3", "x: 3*x**2"),
    ("x**3", "x: 3*x**3/x"),
    ("x**3", "x: x*x+x*x+x*x"),
    ("(x+1)**5", "x: 5*(x**4+4*x**3+6*x**2+4*x+1)"),
    ("a*b*c", "b: a*c"),
    ("a*b/c", "c: -a*b/c**2"),
    ("a/(b+c)", "b: -a/(b+c)**2"),
    ("atan(x)", "x: 1/(1+x**2)"),
    ("asin(x)", "x: 1/sqrt(1-x**2)"),
    ("atan2(y,x)", "x: -y/(x**2+y**2)"),
    ("erf(x)", "x: 2*exp(-x**2)/sqrt(pi)"),
    ("0.1*x**3", "x: 0.3*x**2"),
    ("0.7*x**2", "x: 1.4*x"),
    ("x**0.1", "x: 0.1*x**(-0.9)"),
    ("1.1*sin(3.3*x)", "x: 3.63*cos(3.3*x)"),
    ("x**2/3", "x: 0.6666666666666666*x"),
    ("cos(pi*x)", "x: -pi*sin(pi*x)"),
    ("exp(x)*sin(x)", "x: sqrt(2)*exp(x)*sin(x+pi/4)"),
    ("log(x)/x", "x: (1-log(x))/x**2"),
    ("x*log(x)", "x: 1+log(x)"),
    ("sinh(x)", "x: (exp(x)+exp(-x))/2"),
    ("log(cosh(x))", "x: tanh(x)"),
    ("1/x", "x: -1/x**2"),
    ("x*y*exp(x*y)", "x: y*exp(x*y)*(1+x*y)"),
    ("sin(x)/x", "x: cos(x)/x - sin(x)/x**2"),
    ("(1-cos(x))/x**2", "x: (x*sin(x)-2+2*cos(x))/x**3"),
    ("gamma(x)", "x: gamma(x)*digamma(x)"),
    ("cbrt(x)", "x: 1/(3*cbrt(x)**2)"),
    ("x**2+y**2", "x: 2*x;y: 2*y"),
    ("(w*x+b-y)**2", "w: 2*x*(w*x+b-y);b: 2*(w*x+b-y)"),
    ("x", "x: 1"),
    ("x*0+y", "y: 1"),
    ("tan(x)", "x: 1+tan(x)**2"),
    ("tan(x)", "x: 1/cos(x)**2"),
    ("floor(x)*x", "x: floor(x)"),
    ("m*c**2/sqrt(1-v**2/c**2)", "v: m*v/(1-v**2/c**2)**1.5"),
]
# expression, claim, a part of the guess; None where nothing simple explains it
WRONG = [
    ("(w*x-y)**2", "w: -2*x*(w*x-y)", "sign"),
    ("cos(x)", "x: sin(x)", "sign"),
    ("exp(-x)", "x: exp(-x)", "sign"),
    ("1/x", "x: 1/x**2", "sign"),
    ("x*sin(x)", "x: sin(x)-x*cos(x)", "sign"),
    ("x/y", "y: x/y**2", "sign"),
    ("log(1-x)", "x: 1/(1-x)", "sign"),
    ("(y-w*x)**2", "w: 2*x*(y-w*x)", "sign"),
    ("(w*x-y)**2", "w: x*(w*x-y)", "factor"),
    ("x**3", "x: x**2", "factor"),
    ("sqrt(x)", "x: 1/sqrt(x)", "factor"),
    ("sin(x)", "x: 1.000000001*cos(x)", "factor"),
    ("pi*x**2", "x: 2*x", "factor"),
    ("log(x)/log(10)", "x: 1/x", "factor"),
    ("exp(-x**2/2)/sqrt(2*pi)", "x: -x*exp(-x**2/2)", "factor"),
    ("x**2*y", "x: 4*x*y", "factor"),
    ("sin(3*x)", "x: cos(3*x)", "chain factor"),
    ("(w*x-y)**2", "w: 2*(w*x-y)", "chain factor"),
    ("exp(-x**2)", "x: exp(-x**2)", "chain factor"),
    ("tanh(w*x+b)", "w: 1-tanh(w*x+b)**2", "chain factor"),
    ("log(x**2+1)", "x: 1/(x**2+1)", "chain factor"),
    ("sqrt(1+x**2)", "x: 1/(2*sqrt(1+x**2))", "chain factor"),
    ("sin(x**2+3*x)", "x: cos(x**2+3*x)", "chain factor"),
    ("sin(exp(x))", "x: cos(exp(x))", "missing factor exp(x)"),
    ("x*sin(x**2)", "x: sin(x**2)+x*cos(x**2)", "chain factor"),
    ("(1+exp(-x))**(-2)", "x: -2*(1+exp(-x))**(-3)", "chain factor"),
    ("tanh(2*x)*y+x", "x: y*(1-tanh(2*x)**2)+1", "chain factor"),
    ("Abs(x)**3", "x: 3*x**2", "x > 0"),
    ("x**2*y", "x: x**2", "wrong variable"),
    ("a*b/c", "a: a/c", "wrong variable"),
    ("(w*x-y)**2", "w: 2*w*(w*x-y)", "wrong variable"),
    ("x*sin(y)", "y: sin(y)", "wrong variable"),
    ("x**2*y", "x: x**2;y: 2*x*y", "transposed"),
    ("a*sin(b)", "a: a*cos(b);b: sin(b)", "transposed"),
    ("(w*x+b-y)**2", "w: 2*(w*x+b-y);b: 2*x*(w*x+b-y)", "transposed"),
    ("x**2+3*x+sin(x)", "x: 2*x+3", "dropped"),
    ("x*exp(x)", "x: exp(x)", "dropped"),
    ("x*exp(x)", "x: x*exp(x)", "dropped"),
    ("x**2+y*x", "x: 2*x+y+1", "added"),
    ("x**2+y*x", "x: 2*x+y+x**2*y", "added"),
    ("x*y*z+sin(x)", "x: y*z+cos(x)+y", "added"),
    ("x*log(x)", "x: log(x)", "dropped"),
    ("x**x", "x: x*x**(x-1)", "dropped"),
    ("x**x", "x: x**x*log(x)", "dropped"),
    ("sin(x)*cos(x)*x", "x: cos(x)**2*x - sin(x)**2*x", "dropped"),
    ("x**3+2*x**2", "x: 3*x**2+2*x", ""),
    ("Abs(x)", "x: 1", "x > 0"),
    ("Abs(x)", "x: -1", "x < 0"),
    ("log(Abs(x))", "x: 1/Abs(x)", "x > 0"),
    ("x**2", "x: 2*x if abs(x) < 10 else 2*x+1", "|x| < 10"),
    ("x**2", "x: 2*x if x < 3 or x > 3.001 else 0", ""),
    ("Max(x,y)", "x: 1", "x - y > 0"),
    ("x**2", "x: 2*x if x < 1e5 else 0", "x < 100000"),
    ("x**2*y", "x: 2*x*Abs(y)", "y > 0"),
    ("sqrt(x**2)", "x: 1", "x > 0"),
    ("x**2", "x: 2*x if x != 7 else 0", ""),
    ("x**2*y", "x: 2*x*y if x > y else 2*x*y+1", ""),
    ("Min(x,1)", "x: 1", "x < 1"),
    ("x**4", "x: 4*x**2*Abs(x)", "x > 0"),
    ("x**2", "x: 2", "x = 1"),
    ("sin(x)", "x: 1", "x = 0"),
    ("exp(x)", "x: 1", "x = 0"),
    ("x**2", "x: 4", "x = 2"),
    ("sin(x)", "x: sin(x)", ""),
    ("log(x)", "x: log(x)", ""),
    ("x**5", "x: 5*x**5", ""),
    ("exp(2*x)", "x: 2*x*exp(2*x-1)", ""),
    ("atan(x)", "x: 1/(1-x**2)", ""),
    ("tanh(x)", "x: 1-tanh(x)", ""),
    ("1/(1+exp(-x))", "x: 1/(1+exp(-x))*(1+1/(1+exp(-x)))", ""),
]


def claims_of(text):
    return text.split(";")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("expression", "claim"), RIGHT)
def test_a_right_claim_in_another_form_agrees(expression, claim):
    found = compare.check_claim(expression, claims_of(claim), points=24)
    assert (found.verdict, found.exit_code) == (Verdict.AGREE, 0)
    assert all(outcome.example is None and not outcome.guess for outcome in found.claims)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("expression", "claim", "guess"), WRONG)
def test_a_wrong_claim_disagrees_and_the_mistake_is_named(expression, claim, guess):
    found = compare.check_claim(expression, claims_of(claim), points=24)
    assert (found.verdict, found.exit_code) == (Verdict.DISAGREE, 1)
    outcome = found.claims[0]
    assert outcome.verdict is Verdict.DISAGREE
    assert guess in f"{outcome.mistake}; {outcome.guess}"
    # the example fails by itself when it is typed in again
    again = compare.check_claim(expression, claims_of(claim)[0], at=dict(outcome.example.at))
    assert again.verdict is Verdict.DISAGREE


def test_the_tables_are_as_long_as_they_should_be():
    assert len(RIGHT) >= 60
    assert len(WRONG) >= 60


def test_the_smallest_example_is_simple_and_its_numbers_are_right():
    (outcome,) = compare.check_claim("x**3*y", "x: 3*x*y").claims
    assert all(abs(value) <= 3 and value == round(value) for value in outcome.example.at.values())
    x, y = outcome.example.at["x"], outcome.example.at["y"]
    assert outcome.example.referee.value == 3 * x**2 * y
    assert outcome.example.claim == 3 * x * y != 3 * x**2 * y


@pytest.mark.parametrize(
    ("expression", "claim", "inside"),
    [
        ("x**2", "x: 2*x if x < 1234.5 else 0", lambda x: x >= 1234.5),
        ("x**2", "x: 2*x if x < 3.3 or x > 3.301 else 0", lambda x: 3.3 <= x <= 3.301),
        ("x**2", "x: 2*x if x > -0.001 else 3*x", lambda x: x <= -0.001),
        ("x**2", "x: 2*x + Max(0, x - 100000)", lambda x: x > 100000),
        ("x**2", "x: 2*x + floor(x/50)*0.001", lambda x: math.floor(x / 50) != 0),
    ],
)
def test_a_claim_that_is_wrong_on_a_small_part_is_found(expression, claim, inside):
    found = compare.check_claim(expression, claim, points=8)
    assert found.verdict is Verdict.DISAGREE
    assert inside(found.claims[0].example.at["x"])


@pytest.mark.parametrize("factor", ["1.000000001", "(1 + 1e-12)"])
def test_a_tiny_factor_is_seen(factor):
    found = compare.check_claim("x*sin(x)", f"x: {factor}*(sin(x) + x*cos(x))")
    assert found.claims[0].mistake == "constant factor"
    assert "proved" in found.worst().reason


@pytest.mark.parametrize(
    ("expression", "claim", "proved"),
    [
        ("sin(x)**2", "x: sin(2*x)", True),
        ("tanh(x)", "x: 4/(exp(x) + exp(-x))**2", True),
        ("sqrt(x**2 + 1)", "x: x*sqrt(x**2 + 1)/(x**2 + 1)", True),
        ("Max(x, 0)", "x: 1 if x > 0 else 0", False),
    ],
)
def test_what_is_proved_is_said_to_be(expression, claim, proved):
    found = compare.check_claim(expression, claim)
    assert found.claims[0].proved is proved
    assert all(("proved" in row.reason) is proved for row in found.rows if row.verdict is Verdict.AGREE)


def test_a_removable_form_agrees_and_is_named():
    found = compare.check_claim("x*sin(x)", "x: x*cos(x) + x*sin(x)/Abs(x)*sign(x)", at={"x": 0})
    assert found.verdict is Verdict.AGREE
    assert "only the claim's form is undefined here" in found.rows[0].reason


def test_a_claim_without_a_value_is_wrong_there():
    found = compare.check_claim("x**3", "x: 3*sqrt(x)*sqrt(x**3)")
    assert found.claims[0].mistake == "part of the domain"
    assert "right only for x > 0; undefined elsewhere" in found.claims[0].guess
    row = found.claims[0].example
    assert row.at["x"] < 0
    assert row.to_dict()["claim"] is None
    assert "the claim is undefined here, where the derivative exists" in row.reason


def test_kinks_are_undefined_whatever_is_claimed():
    found = compare.check_claim("Abs(x)", "x: 1 if x > 0 else -1", at=[{"x": 0}, {"x": 2}])
    assert [row.verdict for row in found.rows] == [Verdict.UNDEFINED, Verdict.AGREE]
    assert found.exit_code == 0


def test_rows_carry_the_claimed_number():
    found = compare.check_claim("x**2*y", {"x": "2*x*y", "y": "x"}, at={"x": 3, "y": 5})
    rows = found.to_dict()["rows"]
    assert [(row["wrt"], row["claim"], row["verdict"]) for row in rows] == [("x", 30, "agree"), ("y", 3, "disagree")]
    assert [row["referee"]["value"] for row in rows] == [30, 9]
    assert rows[1]["symbolic"] == rows[1]["autodiff"] == rows[1]["chain"] == 9
    assert (rows[1]["error"], found.exit_code) == (6, 1)


def test_an_unsupported_function_is_a_verdict():
    x = sp.Symbol("x", real=True)
    found = compare.check_claim(x**2, sp.Function("f")(x))
    assert (found.verdict, found.exit_code) == (Verdict.UNSUPPORTED, 3)
    assert found.to_dict()["rows"][0]["claim"] is None


def test_models_are_judged_by_the_loss_of_a_sample():
    from symdiff import models

    right = {"w": "2*x**2*(w*x**2 + w2*x + b - y)", "w2": "2*x*(w*x**2 + w2*x + b - y)"}
    assert compare.check_claim(models.load("quadratic"), right).verdict is Verdict.AGREE
    wrong = compare.check_claim(models.load("quadratic"), right | {"w2": "2*(w*x**2 + w2*x + b - y)"})
    assert [outcome.verdict for outcome in wrong.claims] == [Verdict.AGREE, Verdict.DISAGREE]
    assert wrong.claims[1].guess.startswith("missing chain factor x")


@pytest.mark.parametrize(
    ("subject", "claimed", "wrt", "error", "match"),
    [
        ("x*y", "y", None, SymbolError, "in which of x, y"),
        ("x*y", "q: y", None, SymbolError, "names 'q'"),
        ("x*y", "x: z", None, ParseError, "unknown name 'z'"),
        ("x*y", "x: 2*", None, ParseError, "ends after"),
        ("x*y", ["x: y", "x: y"], None, SymbolError, "two claims are of x"),
        ("x*y", ["y"], ["x", "y"], OptionError, "1 claims for 2 symbols"),
        ("x*y", {}, None, OptionError, "nothing is claimed"),
        ("x*y", None, "x", InputError, "NoneType"),
        ("x*y", {"x": "y"}, ["x", "y"], SymbolError, "of which nothing is claimed"),
        ("x*y", ": y", None, ParseError, "of which symbol"),
    ],
)
def test_bad_claims_are_refused_in_a_line(subject, claimed, wrt, error, match):
    with pytest.raises(error, match=match) as caught:
        compare.check_claim(subject, claimed, wrt)
    assert "\n" not in str(caught.value)


def test_reports_show_claim_example_and_guess(tmp_path):
    found = compare.check_claim("sin(3*x)", "x: cos(3*x)", points=4)
    for name in ("r.html", "r.md", "r.json"):
        found.save(tmp_path / name)
        text = (tmp_path / name).read_text("utf-8").replace("\\", "")
        assert "missing chain factor 3, the derivative of 3*x in x" in text
        assert "cos(3*x)" in text
