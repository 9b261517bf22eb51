"""Hand-derived derivatives in matrices and indexed arrays: right in whatever form, wrong with example and guess."""

# ruff: noqa: N803, ARG005 - arguments of callables are called as the symbols are, used or not

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import compare
from compare import Verdict
from compare.arrays.rows import ENTRIES
from symdiff.cli import main
from symdiff.errors import OptionError, ParseError, ShapeError, SymbolError
from symdiff.parsing import parse

n, m, k = sp.symbols("n m k", integer=True, positive=True)
lam, v, c = sp.symbols("lam v c", real=True)
i = sp.Symbol("i", integer=True)
X, w, t = sp.MatrixSymbol("X", n, m), sp.MatrixSymbol("w", m, 1), sp.MatrixSymbol("t", n, 1)
A, B, x = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("x", n, 1)
W1, W2 = sp.MatrixSymbol("W1", m, n), sp.MatrixSymbol("W2", k, m)
b1, b2, y = sp.MatrixSymbol("b1", m, 1), sp.MatrixSymbol("b2", k, 1), sp.MatrixSymbol("y", k, 1)
P, Q = sp.IndexedBase("P"), sp.IndexedBase("Q")
SYMBOLS = [X, w, t, A, B, x, W1, W2, b1, b2, y, lam, v]

LEAST = "norm(X*w - t)**2"
RIDGE = "(X*w - t).T*(X*w - t) + lam*w.T*w"
HIDDEN = "tanh(W1*x + b1)"
ERROR = f"(W2*{HIDDEN} + b2 - y)"
LAYERS = f"{ERROR}.T*{ERROR}"
ENTROPY = "logsumexp(W1*x + b1) - dot(w, W1*x + b1)"
LINE = sp.Sum((Q[i] - v * P[i] - c) ** 2, (i, 0, n - 1)) / n
FORMS = {"least": LEAST, "ridge": RIDGE, "layers": LAYERS, "entropy": ENTROPY, "quadratic": "x.T*A*x"}
FORMS |= {"trace": "trace(A*x*x.T*B)", "volume": "log(det(A))", "gram": "trace(A.T*B*A)"}


def judged(name, claim, **options):
    subject = parse(FORMS[name], SYMBOLS) if name in FORMS else LINE
    return compare.check_claim(subject, claim, **{"points": 2, **options})


RIGHT = [
    ("least", "w: 2*X.T*(X*w - t)", True),
    ("least", "w: 2*X.T*X*w - 2*X.T*t", True),
    ("least", "w: 2*((X*w - t).T*X).T", True),
    ("least", "X: 2*(X*w - t)*w.T", True),
    ("least", "w[i]: 2*Sum(X[j, i]*(Sum(X[j, l]*w[l], (l, 0, m - 1)) - t[j]), (j, 0, n - 1))", False),
    ("ridge", "w: 2*(X.T*X + lam*eye(m))*w - 2*X.T*t", True),
    ("ridge", "lam: w.T*w", False),
    ("trace", "A: B.T*x*x.T", True),
    ("trace", "B: (A*x*x.T).T", True),
    ("quadratic", "x: A*x + A.T*x", True),
    ("quadratic", "x: (A.T + A)*x", True),
    ("quadratic", "A[r, s]: x[r]*x[s]", False),
    ("volume", "A: inv(A).T", True),
    ("volume", "A: inv(A.T)", True),
    ("layers", f"b2: 2*{ERROR}", True),
    ("layers", f"W2: 2*W2*{HIDDEN}*{HIDDEN}.T + 2*(b2 - y)*{HIDDEN}.T", True),
    ("layers", f"b1: 2*hadamard(W2.T*{ERROR}, ones(m, 1) - hadamard_power({HIDDEN}, 2))", False),
    ("layers", f"W1: 2*hadamard(W2.T*{ERROR}, ones(m, 1) - hadamard({HIDDEN}, {HIDDEN}))*x.T", False),
    ("entropy", "x: W1.T*softmax(W1*x + b1) - W1.T*w", False),
    ("entropy", "W1: (softmax(W1*x + b1) - w)*x.T", False),
    ("line", "v: -2*Sum(P[i]*(Q[i] - v*P[i] - c), (i, 0, n - 1))/n", True),
    ("line", "P[j]: -2*v*(Q[j] - v*P[j] - c)/n", False),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "claim", "proved"), RIGHT)
def test_a_right_claim_agrees_in_whatever_form(name, claim, proved):
    found = judged(name, claim)
    assert found.verdict is Verdict.AGREE, found.worst()
    assert found.claims[0].proved is proved
    assert found.claims[0].example is None


DELTA = f"W2.T*{ERROR}"
WRONG = [
    ("least", "w: -2*X.T*(X*w - t)", "sign", "times -1"),
    ("least", "w: X.T*(X*w - t)", "constant factor", "times 1/2"),
    ("least", "w: 2/n*X.T*(X*w - t)", "factor", "times 1/n"),
    ("least", "w: 2*(X*w - t).T*X", "transposed", "the claim's transpose is right"),
    ("least", "w: -2*(X*w - t).T*X", "transposed", "its transpose is wrong too: wrong sign"),
    ("least", "X: 2*w*(X*w - t).T", "transposed", "the claim's transpose is right"),
    ("least", "w: 2*X.T*X*w", "dropped term", "-2*X.T*t is missing"),
    ("least", "w: 2*X.T*(X*w + t)", "sign", "-2*X.T*t enters with the opposite sign"),
    ("ridge", "w: 2*X.T*(X*w - t) + lam*w", "constant factor", "2*lam*w is multiplied by 1/2"),
    ("ridge", "w: 2*X.T*(X*w - t) + 2*w", "factor", "2*lam*w is multiplied by 1/lam"),
    ("ridge", "w: 2*X.T*(X*w - t)", "dropped term", "2*lam*w is missing"),
    ("ridge", "lam: 2*w.T*w", "constant factor", "times 2"),
    ("trace", "A: x*x.T*B", "transposed", "the claim's transpose is right"),
    ("trace", "A: B*x*x.T", "transposed", "with B.T in the place of B it is right"),
    ("quadratic", "x: 2*A*x", "part of the domain", "right only where A is symmetric"),
    ("quadratic", "x: A*x", "dropped term", "A.T*x is missing"),
    ("quadratic", "A: x*x.T/2", "constant factor", "times 1/2"),
    ("gram", "A: 2*B*A", "part of the domain", "right only where B is symmetric"),
    ("gram", "A: A*A.T", "wrong variable", "the partial derivative in B"),
    ("volume", "A: inv(A)", "transposed", "the claim's transpose is right"),
    ("volume", "A: -inv(A).T", "sign", "times -1"),
    ("layers", f"b1: 2*{DELTA}", "missing chain factor", f"the elementwise derivative of {HIDDEN}"),
    ("layers", f"W1: 2*{DELTA}*x.T", "missing chain factor", f"the elementwise derivative of {HIDDEN}"),
    ("layers", f"b1: 2*hadamard({DELTA}, ones(m, 1) - {HIDDEN})", "wrong derivative", "it is 1 - y for y = tanh"),
    (
        "layers",
        f"b1: 2*hadamard({DELTA}, hadamard({HIDDEN}, ones(m, 1) - {HIDDEN}))",
        "wrong derivative",
        "y*(1 - y) for y = tanh(W1*x + b1), the derivative of the sigmoid",
    ),
    (
        "layers",
        f"b1: 2*hadamard({DELTA}, ones(m, 1) - hadamard_power(W1*x + b1, 2))",
        "wrong derivative",
        "1 - u**2 for u = W1*x + b1",
    ),
    ("layers", f"W2: 2*{HIDDEN}*{ERROR}.T", "transposed", "the claim's transpose is right"),
    ("entropy", "x: W1.T*(w - softmax(W1*x + b1))", "sign", "times -1"),
    ("entropy", "x: W1.T*softmax(W1*x + b1)", "dropped term", "-W1.T*w is missing"),
    ("line", "v: -2*Sum(P[i]*(Q[i] - v*P[i] - c), (i, 0, n - 1))", "factor", "times n"),
    ("line", "P[j]: -2*(Q[j] - v*P[j] - c)/n", "factor", "times 1/v"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "claim", "kind", "text"), WRONG)
def test_a_wrong_claim_disagrees_and_the_mistake_is_guessed(name, claim, kind, text):
    found = judged(name, claim)
    (outcome,) = found.claims
    assert (found.verdict, found.exit_code) == (Verdict.DISAGREE, 1)
    assert outcome.meaning == "wrong, proved"
    assert (outcome.mistake, text in outcome.guess) == (kind, True), outcome.guess
    assert "and a factor" not in outcome.guess
    example = outcome.example
    symbol = claim.partition(":")[0].partition("[")[0]
    assert example.wrt == symbol or example.wrt.startswith(f"{symbol}[")
    # the example stands among the rows, with its verdict
    assert example in found.rows
    assert example.claim is None or abs(example.claim - example.referee.value) > 0


def test_the_smallest_example_has_few_whole_numbers():
    (outcome,) = judged("least", "w: -2*X.T*(X*w - t)").claims
    x0, t0, w0 = (outcome.example.at[f"{name}[0, 0]"] for name in "Xtw")
    assert all(abs(value) <= 4 and value == round(value) for value in (x0, t0, w0))
    assert outcome.example.referee.value == 2 * x0 * (x0 * w0 - t0)
    assert outcome.example.claim == -2 * x0 * (x0 * w0 - t0)


def test_a_claim_of_another_shape_shows_both():
    with pytest.raises(ShapeError, match=r"has the shape n×1, here 2×1, but w has m×1, here \(4, 1\)"):
        judged("least", "w: 2*X*w")
    with pytest.raises(
        ShapeError, match=r"the claim of w, <lambda>\(...\), has the shape 2×1, but w has the shape 4×1"
    ):
        judged("least", lambda X, w, t: X @ w, wrt="w")
    with pytest.raises(ShapeError, match="the claim of w, 2, is a number, but w has the shape m×1"):
        judged("least", "w: 2")
    transposed = judged("least", "w: 2*(X*w - t).T*X").rows[0]
    assert transposed.claim is None
    assert "the claim is an array of shape (1, 4), the derivative one of shape (4, 1)" in transposed.reason


def test_zero_is_an_array_of_any_shape():
    found = judged("least", {"w": 0})
    assert found.verdict is Verdict.DISAGREE
    assert found.claims[0].example.claim == 0


def _gradient(a, w, t):
    return 2 * a.T @ (a @ w - t)


CALLABLES = [
    (_gradient, Verdict.AGREE, ""),
    (lambda X, w, t: _gradient(X, w, t).ravel(), Verdict.AGREE, ""),
    (lambda X, w, t: np.sum(2 * X * (X @ w - t), axis=0), Verdict.AGREE, ""),
    (lambda X, w, t: 2 * (X.T @ X) @ w - 2 * X.T @ t, Verdict.AGREE, ""),
    (jax.grad(lambda X, w, t: jnp.sum((X @ w - t) ** 2), argnums=1), Verdict.AGREE, ""),
    (lambda X, w, t: _gradient(X, w, t).T, Verdict.DISAGREE, "transposed"),
    (lambda X, w, t: -_gradient(X, w, t), Verdict.DISAGREE, "sign"),
    (lambda X, w, t: _gradient(X, w, t) * (1 + 1e-4), Verdict.DISAGREE, "constant factor"),
    (lambda X, w, t: _gradient(X, w, t) / len(X), Verdict.DISAGREE, "factor"),
    (
        lambda X, w, t: np.where(np.arange(len(w))[:, None] == 1, 0, _gradient(X, w, t)),
        Verdict.DISAGREE,
        "part of the entries",
    ),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("claim", "verdict", "kind"), CALLABLES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_callables_are_judged_by_the_arrays_that_they_return(claim, verdict, kind, dtype):
    found = judged("least", claim, wrt="w", dtype=dtype, args=[X, w, t])
    assert (found.verdict, found.claims[0].mistake) == (verdict, kind), found.worst()
    assert not found.claims[0].proved


def test_a_factor_of_a_billionth_is_no_rounding():
    found = judged("least", lambda X, w, t: _gradient(X, w, t) * (1 + 1e-9), wrt="w")
    assert found.verdict is Verdict.DISAGREE


def test_a_callable_of_several_arrays_is_judged_part_by_part():
    def both(X, w, t):
        return 2 * (X @ w - t) @ w.T, 3 * X.T @ (X @ w - t)

    found = judged("least", both, wrt=["X", "w"])
    assert [outcome.verdict for outcome in found.claims] == [Verdict.AGREE, Verdict.DISAGREE]
    assert "times 3/2" in found.claims[1].guess


def test_one_wrong_entry_of_a_large_array_is_found_and_the_entries_are_counted():
    large = sp.MatrixSymbol("G", 40, 30)

    def claim(G):
        result = 2 * G
        result[25, 27] += 1e-6
        return result

    found = compare.check_claim(sp.Trace(large * large.T), {large: claim}, points=1)
    assert found.claims[0].example.wrt == "G[25, 27]"
    assert len(found.rows) == ENTRIES + 1
    assert found.facts["entries of G"].startswith(f"{ENTRIES} of 1,200 entries of G, drawn by seed 0")


def test_a_claim_at_given_points_is_judged_there_alone():
    at = {"X": [[1, 2], [3, 4]], "w": [[1], [1]], "t": [[3], [7]]}
    found = compare.check_claim(parse(LEAST, SYMBOLS), "w: 5*X.T*(X*w - t)", at=at)
    assert [row.referee.value for row in found.rows] == [0, 0]
    assert found.verdict is Verdict.AGREE
    found = compare.check_claim(parse(LEAST, SYMBOLS), {w: sp.Matrix([[0], [1]])}, at=at)
    assert [row.verdict for row in found.rows] == [Verdict.AGREE, Verdict.DISAGREE]


def test_decimals_are_what_they_are_written_as():
    subject = parse("0.1*w.T*w*(w.T*w)", SYMBOLS)
    found = compare.check_claim(subject, "w: 0.4*w*w.T*w", points=2)
    assert found.verdict is Verdict.AGREE, found.worst()


@pytest.mark.parametrize(
    ("claim", "error", "match"),
    [
        ("w: 2*X.T*(X*w - z)", ParseError, "the claim of w: column 14 .* unknown name 'z'"),
        ("w: X*X", ParseError, "matrices of shapes n×m and n×m are multiplied"),
        ("w[0, 0]: 2", SymbolError, r"the claim is of the entry w\[0, 0\]; claim the array"),
        ("w[i, j, l]: 2", SymbolError, r"w\[i, j, l\], but w has the shape m×1"),
        ("n: 2", SymbolError, "names 'n'"),
        ({"w": lambda X, w: "text"}, OptionError, "the claim of w returns 'text'; it must return an array"),
        ({"w": lambda X, w, t: X @ X}, OptionError, r"raises ValueError at X of shape \(2, 4\)"),
        ({"w": lambda X, z: X}, OptionError, "takes X, z; it is called with the values of w, X, t"),
    ],
)
def test_bad_claims_are_refused_in_one_line(claim, error, match):
    with pytest.raises(error, match=match) as caught:
        judged("least", claim)
    assert "\n" not in str(caught.value)


def test_the_command_judges_claims_of_arrays(capsys):
    shapes = ["--shape", "X: n,m", "--shape", "w: m", "--shape", "t: n"]
    assert main(["check", LEAST, *shapes, "--claim", "w: 2*X.T*(X*w - t)", "--points", "2"]) == 0
    assert "equal, proved" in capsys.readouterr().out
    words = ["check", LEAST, *shapes, "--claim", "w: 2*(X*w - t).T*X", "--points", "2"]
    assert main([*words, "--json", "-"]) == 1
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert (claim["mistake"], claim["example"]["wrt"], claim["example"]["claim"]) == ("transposed", "w[0, 0]", None)
    assert main(words) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "there the claim has no value (the claim is an array of shape (1, 2), the derivative one of" in out
    assert "--shape 'X: n,m'" in out
