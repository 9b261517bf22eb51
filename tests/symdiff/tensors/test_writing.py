"""Graphs of arrays back to SymPy: what is written has the same values when it is read, and reads well."""

import random

import numpy as np
import pytest
import sympy as sp
from matrix_formulas import (
    LINE,
    NETWORK,
    A,
    S,
    X,
    draw,
    i,
    j,
    matrix,
    n,
    p,
    q,
    t,
    v,
    value_of,
    w,
    x,
    xs,
    ys,
)  # fmt: skip
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.matexpr import MatrixElement

from symdiff.errors import UnsupportedError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.from_sympy import free_symbols, graph_of
from symdiff.gradients import gradient
from symdiff.parsing import parse
from symdiff.rewriting.rewrites import lowerable
from symdiff.tensors.notation import Entries, OneByOne, Pointwise
from symdiff.tensors.tidying import tidied
from symdiff.to_sympy import expressions_of

B = matrix("B", n, n)
ONES = sp.OneMatrix(n, 1)
IJ = sp.IndexedBase("M", shape=(n, p))


def entry(expression, row, column):
    return MatrixElement(expression, row, column)


FORMULAS = [
    A * B, A * B.T, A.T * B, (A * B).T, A * B * A, A * x, x * x.T, x * v.T * X.T, A.T,
    A + B, A - 2 * B, w * A, A / w, -A, A + B.T,
    sp.Trace(A), sp.Trace(A * B), sp.Trace(A.T * B), sp.Trace(A * B) * A, x.T * A * x,
    HadamardProduct(A, B), HadamardProduct(A, B.T, A), HadamardPower(A, 3), HadamardPower(A, -1),
    A.applyfunc(sp.tanh), (A * B).applyfunc(sigmoid).T, x.applyfunc(sp.exp) * v.T,
    A.applyfunc(sp.Lambda(w, 1 - sp.tanh(w) ** 2)), (2 * A).applyfunc(sp.Lambda(w, w * sp.exp(-w))),
    sp.Determinant(A), sp.log(sp.Determinant(S)), A.I, A.I.T * x, (A + sp.Identity(n)).I, sp.Identity(n) * w,
    A * ONES, ONES.T * A * ONES, sp.OneMatrix(n, n), ONES * x.T, A**3, A**-2,
    A[0:2, 1:3], A[0, 1], A[0, 1] * x, sp.DiagMatrix(x) * A, A * sp.DiagMatrix(A * x), sp.DiagMatrix(x),
    sp.ImmutableMatrix([[w, 1], [w**2, sp.sin(w)]]), sp.ImmutableMatrix(4, 4, range(16)) * w,
    sp.Sum(xs[i], (i, 0, n - 1)), LINE, sp.Product(xs[i] ** 2 + 1, (i, 0, n - 1)),
    sp.Sum(xs[i] * ys[n - 1 - i], (i, 0, n - 1)),
    sp.Sum(xs[i + 1] - xs[i], (i, 0, n - 2)), sp.Sum(i * xs[i], (i, 0, n - 1)), sp.Sum(xs[2] * i, (i, 0, 3)) + xs[0],
    sp.Sum(xs[i] * ys[j], (j, 0, i), (i, 0, n - 1)),
    sp.Sum(sp.KroneckerDelta(i, j) * xs[i] * ys[j], (i, 0, n - 1), (j, 0, n - 1)),
    sp.Sum(A[i, j] * B[j, i] * x[i, 0], (i, 0, n - 1), (j, 0, n - 1)), sp.Sum(entry(A * B, i, i) ** 2, (i, 0, n - 1)),
    sp.Sum(sp.log(sp.Sum(sp.exp(IJ[i, j] * q[j, 0]), (j, 0, p - 1))), (i, 0, n - 1)),
    sp.Sum(sp.Max(xs[i], 0) + sp.Piecewise((ys[i], ys[i] > 0), (w * ys[i], True)), (i, 0, n - 1)),
    Entries(xs[i] * ys[j], (i, 0, n - 1), (j, 0, n - 1)), Entries(w * xs[i], (i, 0, n - 1)),
    sp.Trace(sp.FunctionMatrix(n, n, sp.Lambda((i, j), xs[i] * ys[j]))), OneByOne(x.T * A * x) * A,
    Pointwise(sp.Lambda((w, sp.Symbol("u", real=True)), sp.atan2(w, sp.Symbol("u", real=True))), A, B),
]  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("tidy", [False, True], ids=["as read", "tidied"])
@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: str(formula)[:60])
def test_what_is_written_has_the_value_of_what_was_read(formula, tidy):
    graph = graph_of([formula])
    graph = tidied(graph) if tidy else graph
    (written,) = expressions_of(graph, graph.outputs)
    arrays = draw(free_symbols(formula)) or {w: 1.0}
    expected = value_of(formula, arrays)
    np.testing.assert_allclose(value_of(written, arrays), expected, rtol=1e-12, atol=1e-13)


PARTIALS = [
    (LINE, xs), (LINE, ys), (NETWORK, x), (sp.Product(xs[i], (i, 0, n - 1)), xs), (sp.Determinant(A) ** 2, A),
    (sp.Sum(xs[i + 1] * xs[i] ** 2, (i, 0, n - 2)), xs), (sp.Sum(xs[i] * ys[n - 1 - i], (i, 0, n - 1)), ys),
    (sp.Sum(xs[i] ** 2 * ys[j], (j, 0, i), (i, 0, n - 1)), xs), (sp.Sum(xs[2 * i] ** 2, (i, 0, 1)) + xs[3] ** 3, xs),
    (sp.Sum(sp.log(sp.Sum(sp.exp(IJ[i, j] * q[j, 0]), (j, 0, p - 1))), (i, 0, n - 1)), IJ),
    (sp.Sum(sp.log(sp.Sum(sp.exp(IJ[i, j] * q[j, 0]), (j, 0, p - 1))), (i, 0, n - 1)), q),
    (sp.Trace(A.applyfunc(sigmoid) * B), A), (A[0, 1] ** 2 + sp.Trace(A[0:2, 0:2] ** 2), A),
    (sp.Sum(entry(A * B, i, i) ** 2, (i, 0, n - 1)), A), (sp.Trace(sp.DiagMatrix(A * x) * B * sp.DiagMatrix(x)), x),
    (sp.sqrt(sp.Trace((A - B).T * (A - B))), B), ((sp.Trace(A.I * B) - w) ** 2, A),
    (sp.Sum(sp.KroneckerDelta(i, 2) * xs[i] ** 2, (i, 0, n - 1)), xs),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "symbol"), PARTIALS, ids=[f"{f} in {s}"[-70:] for f, s in PARTIALS])
def test_partials_read_back_are_central_differences(formula, symbol):
    partial = gradient(formula, [symbol])[symbol]
    arrays = draw(free_symbols(formula), seed=3)
    direction = np.random.default_rng(4).normal(size=arrays[symbol].shape)
    step = 1e-5
    ends = [value_of(formula, arrays | {symbol: arrays[symbol] + sign * step * direction}) for sign in (1, -1)]
    slope = float((ends[0] - ends[1]).reshape(())) / (2 * step)
    found = np.sum(np.broadcast_to(value_of(partial, arrays), direction.shape) * direction)
    np.testing.assert_allclose(found, slope, rtol=2e-8, atol=1e-9)


WRITTEN = [
    (x.T * A.T, "x.T*A.T"),
    ((A * B).T, "B.T*A.T"),
    (OneByOne(x.T * A * x) + w, "w + x.T*A*x"),
    (sp.Trace(B.T * A), "Trace(B.T*A)"),
    (sp.Trace(A * B * A), "Trace(A*A*B)"),
    (A * ONES, "A*OneMatrix(n, 1)"),
    (A.I * x, "A**(-1)*x"),
    (HadamardProduct(A, B) * x, "HadamardProduct(A, B)*x"),
    (HadamardPower(A, 2), "HadamardPower(A, 2)"),
    ((A * x).applyfunc(sp.Lambda(w, 1 - sp.tanh(w) ** 2)), "1 - tanh(A*x)**2"),
    (A * (A * x).applyfunc(sp.Lambda(w, 1 - w**2)), "A*(1 - HadamardPower(A*x, 2))"),
    (sp.log(sp.Determinant(A)), "log(Determinant(A))"),
    (sp.Sum(xs[j] * xs[j + 1], (j, 0, n - 2)), "Sum(x[i + 1]*x[i], (i, 0, n - 2))"),
    (Entries(xs[j] ** 2, (j, 0, n - 1)), "Entries(x[i]**2, (i, 0, n - 1))"),
]


@pytest.mark.parametrize(("formula", "text"), WRITTEN, ids=[row[1] for row in WRITTEN])
def test_text(formula, text):
    graph = graph_of([formula])
    assert str(expressions_of(graph, graph.outputs)[0]) == text


def test_diagonal_matrix():
    graph = tidied(graph_of([sp.DiagMatrix(x) * A]))
    assert str(expressions_of(graph, graph.outputs)[0]) == "DiagMatrix(x)*A"


def test_latex_and_mathml_of_what_sympy_has_no_form_for():
    u = sp.Symbol("u", real=True)
    forms = {
        Pointwise(sp.Lambda(u, 1 - sp.tanh(u) ** 2), A * x): (r"1 - \tanh^{2}{\left(A x \right)}", "<mi>tanh</mi>"),
        OneByOne(x.T * x): ("x^{T} x", "<msup><mi>x</mi><mo>T</mo></msup>"),
        Entries(xs[i], (i, 0, n - 1)): (
            r"\left({x}_{i}\right)_{i=0}^{n - 1}",
            "<msubsup><mrow><mo>(</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo></mrow>",
        ),
    }
    for form, (latex, mathml) in forms.items():
        assert sp.latex(form) == latex
        assert mathml in sp.mathml(form, printer="presentation")
    squares = graph_of([(A * x).applyfunc(sp.Lambda(u, u**2))])
    (square,) = expressions_of(squares, squares.outputs)
    assert sp.latex(square) == r"\left(A x\right)^{\circ {2}}"
    assert "<mo>&#x2218;</mo><mn>2</mn>" in sp.mathml(square, printer="presentation")


def test_indices_do_not_clash_with_symbols_of_the_formula():
    i_scalar, array = sp.Symbol("i", real=True), sp.IndexedBase("j")
    graph = graph_of([sp.Sum(i_scalar * array[sp.Symbol("a", integer=True)], (sp.Symbol("a", integer=True), 0, n - 1))])
    assert str(expressions_of(graph, graph.outputs)[0]) == "i*Sum(j[k], (k, 0, n - 1))"


def test_nested_sums_have_indices_of_their_own():
    inner = sp.Sum(sp.exp(xs[i]), (i, 0, n - 1))
    graph = graph_of([sp.Sum(sp.log(ys[i] * inner), (i, 0, n - 1))])
    (written,) = expressions_of(graph, graph.outputs)
    assert written.limits[0][0].name == "i"
    arrays = draw([xs, ys])
    arrays[ys] = np.abs(arrays[ys])
    expected = np.sum(np.log(arrays[ys] * np.sum(np.exp(arrays[xs]))))
    np.testing.assert_allclose(value_of(written, arrays), expected, rtol=1e-14)
    assert {index.name for total in written.atoms(sp.Sum) for index in total.variables} == {"i", "j"}


def test_explicit_matrices_in_place_of_symbols_give_the_entries():
    g = gradient(sp.Trace((A * x).applyfunc(sp.tanh) * x.T), [A])[A]
    a, c = sp.Matrix([[1, 2], [3, 4]]), sp.Matrix([1, -1])
    explicit = g.xreplace({A: a.as_immutable(), x: c.as_immutable()}).doit()
    assert sp.simplify(explicit - sp.diag(*(1 - sp.tanh(e) ** 2 for e in a * c)) * c * c.T) == sp.zeros(2)


def test_an_array_of_unknown_length_ends_where_its_indices_do():
    partial = gradient(sp.Sum(xs[i + 1] * w, (i, 0, n - 3)), [xs])[xs]
    assert partial.limits == (sp.Tuple(i, 0, n - 2),)


def test_what_only_the_lowered_graph_has_is_refused_by_name():
    weighted = sp.Sum(ys[i] * sp.exp(xs[i]), (i, 0, n - 1))
    graph = lowerable(graph_of([sp.log(weighted)]))
    with pytest.raises(UnsupportedError, match="along an axis has no form in SymPy"):
        expressions_of(graph, graph.outputs)


def test_deep_networks_are_written_without_recursion():
    state = x
    for _ in range(60):
        state = (A * state).applyfunc(sp.tanh)
    g = gradient(state.T * t, [A])
    assert len(g.steps) > 60
    arrays = draw([A, x, t])
    arrays[A] = arrays[A] / 5
    assert np.isfinite(value_of(g[A], arrays)).all()


def _drawn(rng, depth):
    if depth == 0:
        return rng.choice([A, B, x * t.T, sp.OneMatrix(n, n), sp.Identity(n), x * v.T * X.T])
    first, second = _drawn(rng, depth - 1), _drawn(rng, depth - 1)
    return rng.choice(
        [
            lambda: first * second, lambda: first + second, lambda: first - w * second, lambda: first.T,
            lambda: HadamardProduct(first, second), lambda: first.applyfunc(sp.tanh), lambda: HadamardPower(first, 2),
            lambda: sp.Inverse(first + 25 * A), lambda: sp.Trace(first) * second, lambda: sp.DiagMatrix(first * x),
        ]
    )()  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(25))
def test_random_formulas(seed):
    rng = random.Random(seed)
    formula = A + _drawn(rng, 3)
    arrays = {symbol: array / 2 for symbol, array in draw([A, B, X, v, x, t, w], seed=seed).items()}
    expected = value_of(formula, arrays)
    graph = graph_of([formula])
    for one in (graph, tidied(graph)):
        (written,) = expressions_of(one, one.outputs)
        np.testing.assert_allclose(value_of(written, arrays), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
        assert sp.latex(written)
        assert sp.mathml(written, printer="presentation")


def test_shares_of_a_graph_are_written_once():
    # x, x*x.T x, ...: a tree of 2**40 leaves, a graph of 40 nodes
    state = A
    for _ in range(40):
        state = HadamardProduct(state, state.applyfunc(sp.sin))
    (written,) = expressions_of(graph := graph_of([state]), graph.outputs)
    assert len({id(part) for part in _parts(written)}) < 2000


def _parts(root):
    seen, pending = {}, [root]
    while pending:
        part = pending.pop()
        if id(part) not in seen:
            seen[id(part)] = part
            pending.extend(part.args)
    return seen.values()


def test_a_penalty_of_one_entry_beside_a_number_is_a_plain_factor():
    """Ridge regression: 2*lam*w + 2*X.T*(X*w - t), The Matrix Cookbook, 84 and 131."""
    lam, weights = sp.Symbol("lam", real=True), sp.MatrixSymbol("w", 3, 1)
    data, goal = sp.MatrixSymbol("X", 5, 3), sp.MatrixSymbol("t", 5, 1)
    loss = parse("norm(X*w - t)**2 + lam*transpose(w)*w", [data, weights, goal, lam])
    (found,) = gradient(loss, [weights]).expressions
    assert str(found) == "2*lam*w + 2*X.T*(X*w - t)"
