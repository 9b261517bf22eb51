"""Gradients in matrices and of sums over data: what is printed, and that it is right, against formulas of textbooks."""

import json

import numpy as np
import pytest
import sympy as sp
from matrix_formulas import (
    LEAST_SQUARES,
    LINE,
    NETWORK,
    RESIDUAL,
    W1,
    W2,
    A,
    S,
    W,
    X,
    b,
    b1,
    b2,
    draw,
    i,
    j,
    k,
    lam,
    m,
    matrix,
    mu,
    n,
    p,
    q,
    t,
    v,
    value_of,
    w,
    x,
    xs,
    y,
    ys,
)  # fmt: skip

from symdiff import gradient, hessian, jacobian
from symdiff.errors import InputError, SymbolError, UnsupportedError
from symdiff.tensors.notation import Entries, OneByOne

inv, det, tr = np.linalg.inv, np.linalg.det, np.trace
B, C = matrix("B", n, n), matrix("C", n, n)
c, d = matrix("c", n), matrix("d", n)


def test_two_layer_network_as_a_textbook_prints_it():
    g = gradient(NETWORK, [W1, b1, W2, b2])
    r = "W2*tanh(W1*x + b1) + b2 - y"
    slope = f"HadamardProduct(W2.T*({r}), 1 - tanh(W1*x + b1)**2)"
    assert [str(partial) for partial in g] == [
        f"2*{slope}*x.T",
        f"2*{slope}",
        f"2*({r})*tanh(W1*x + b1).T",
        f"2*({r})",
    ]


def test_steps_of_the_network_are_hidden_layer_residual_and_delta():
    g = gradient(NETWORK, [W1, b1, W2, b2])
    assert [(str(name), name.shape, str(step)) for name, step in g.steps] == [
        ("v1", (m, 1), "tanh(W1*x + b1)"),
        ("v2", (k, 1), "W2*v1 + b2 - y"),
        ("v3", (m, 1), "HadamardProduct(W2.T*v2, 1 - HadamardPower(v1, 2))"),
    ]
    assert [str(e) for e in g.stepped] == ["v2.T*v2", "2*v3*x.T", "2*v3", "2*v2*v1.T", "2*v2"]


def test_network_by_value():
    arrays = draw([W1, b1, W2, b2, x, y])
    g = gradient(NETWORK, [W1, b1, W2, b2])
    h = np.tanh(arrays[W1] @ arrays[x] + arrays[b1])
    r = arrays[W2] @ h + arrays[b2] - arrays[y]
    delta = 2 * arrays[W2].T @ r * (1 - h**2)
    for symbol, expected in {W1: delta @ arrays[x].T, b1: delta, W2: 2 * r @ h.T, b2: 2 * r}.items():
        np.testing.assert_allclose(value_of(g[symbol], arrays), expected, rtol=1e-13, atol=1e-14)


def test_network_in_latex_and_mathml():
    g = gradient(NETWORK, [W1, W2])
    hidden = r"\tanh{\left(W_{1} x + b_{1} \right)}"
    assert sp.latex(g[W2]) == rf"2 \left(W_{{2}} {hidden} + b_{{2}} - y\right) \left({hidden}\right)^{{T}}"
    assert r"\circ \left(1 - \tanh^{2}{\left(W_{1} x + b_{1} \right)}\right)\right) x^{T}" in sp.latex(g[W1])
    assert r"\frac{\partial}{\partial W_{1}} &= 2" in g._repr_latex_()
    assert r"\frac{\partial}{\partial W_{2}} &= 2" in g._repr_latex_()
    mathml = sp.mathml(g[W1], printer="presentation")
    assert "<mo>&#x2218;</mo>" in mathml
    assert "<mi>tanh</mi>" in mathml
    assert "Lambda" not in mathml


PRINTED = [
    (LEAST_SQUARES, v, "2*X.T*(X*v - t)"),
    (LEAST_SQUARES, X, "2*(X*v - t)*v.T"),
    (LEAST_SQUARES / n + lam * v.T * v, v, "2*lambda*v + (2/n)*X.T*(X*v - t)"),
    (sp.Trace(W.T * S * W), W, "S*W + S.T*W"),
    (sp.sqrt(sp.Trace(A.T * A)), A, "1/sqrt(Trace(A.T*A))*A"),
    (sp.Trace(A**3), A, "3*A.T*A.T"),
    (sp.log(sp.Determinant(A)), A, "(A**(-1)).T"),
    (sp.Determinant(A), A, "Determinant(A)*(A**(-1)).T"),
    ((x.T * A * x)[0, 0] / (x.T * x)[0, 0], x, "(-2*x.T*A*x/(x.T*x)**2)*x + 1/(x.T*x)*(A*x + A.T*x)"),
    (LINE, w, "-2*Sum((-b - w*x[i] + y[i])*x[i], (i, 0, n - 1))/n"),
    (LINE, b, "-2*Sum(-b - w*x[i] + y[i], (i, 0, n - 1))/n"),
    (LINE, xs, "Entries(-2*w*(-b - w*x[i] + y[i])/n, (i, 0, n - 1))"),
    (sp.Sum(sp.exp(w * xs[i] * ys[j]), (j, 0, k - 1), (i, 0, n - 1)), w,
     "Sum(exp(w*x[i]*y[j])*x[i]*y[j], (j, 0, k - 1), (i, 0, n - 1))"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "symbol", "printed"), PRINTED, ids=[row[2] for row in PRINTED])
def test_printed_form(formula, symbol, printed):
    assert str(gradient(formula, [symbol])[symbol]) == printed


# Petersen and Pedersen, The Matrix Cookbook (2012): equation, function of X, its derivative there
COOKBOOK = [
    (49, sp.Determinant(A), lambda a: det(a[A]) * inv(a[A]).T),
    (57, sp.log(sp.Determinant(A)), lambda a: inv(a[A]).T),
    (61, c.T * A.I * d, lambda a: -inv(a[A]).T @ a[c] @ a[d].T @ inv(a[A]).T),
    (70, c.T * A * d, lambda a: a[c] @ a[d].T),
    (71, c.T * A.T * d, lambda a: a[d] @ a[c].T),
    (72, c.T * A * c, lambda a: a[c] @ a[c].T),
    (77, c.T * A.T * A * d, lambda a: a[A] @ (a[c] @ a[d].T + a[d] @ a[c].T)),
    (99, sp.Trace(A), lambda a: np.eye(4)),
    (100, sp.Trace(A * B), lambda a: a[B].T),
    (101, sp.Trace(B * A * C), lambda a: a[B].T @ a[C].T),
    (102, sp.Trace(B * A.T * C), lambda a: a[C] @ a[B]),
    (106, sp.Trace(A**2), lambda a: 2 * a[A].T),
    (107, sp.Trace(A**2 * B), lambda a: (a[A] @ a[B] + a[B] @ a[A]).T),
    (108, sp.Trace(A.T * B * A), lambda a: a[B] @ a[A] + a[B].T @ a[A]),
    (111, sp.Trace(A * B * A.T), lambda a: a[A] @ a[B].T + a[A] @ a[B]),
    (115, sp.Trace(A.T * A), lambda a: 2 * a[A]),
    (119, sp.Trace((B * A * C + S) * (B * A * C + S).T),
     lambda a: 2 * a[B].T @ (a[B] @ a[A] @ a[C] + a[S]) @ a[C].T),
    (121, sp.Trace(A**4), lambda a: 4 * np.linalg.matrix_power(a[A], 3).T),
    (124, sp.Trace(B * A.I * C), lambda a: -(inv(a[A]) @ a[C] @ a[B] @ inv(a[A])).T),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "formula", "expected"), COOKBOOK, ids=[f"equation {row[0]}" for row in COOKBOOK])
def test_matrix_cookbook(equation, formula, expected):
    arrays = draw([A, B, C, S, c, d], seed=equation)
    partial = gradient(formula, [A])[A]
    assert isinstance(partial, sp.MatrixExpr)
    np.testing.assert_allclose(value_of(partial, arrays), expected(arrays), rtol=1e-11, atol=1e-11)


def test_gaussian_log_likelihood():
    formula = -sp.log(sp.Determinant(S)) / 2 - sp.Trace((x - mu).T * S.I * (x - mu)) / 2
    g = gradient(formula, [S, mu])
    arrays = draw([S, mu, x])
    residual, precision = arrays[x] - arrays[mu], inv(arrays[S])
    outer = precision.T @ residual @ residual.T @ precision.T
    np.testing.assert_allclose(value_of(g[S], arrays), (outer - precision.T) / 2, rtol=1e-12)
    np.testing.assert_allclose(value_of(g[mu], arrays), precision @ residual, rtol=1e-12)


def test_attention_score_in_its_query():
    # softmax(X q / sqrt(p)) . t: the covariance of keys and values under the softmax
    score = sp.Sum(sp.exp((X * q)[i, 0] / sp.sqrt(p)) * t[i, 0], (i, 0, n - 1)) / sp.Sum(
        sp.exp((X * q)[i, 0] / sp.sqrt(p)), (i, 0, n - 1)
    )
    g = gradient(score, [q, t])
    arrays = draw([X, q, t])
    exponentials = np.exp(arrays[X] @ arrays[q] / np.sqrt(3.0))
    shares = exponentials / exponentials.sum()
    mean = (shares * arrays[t]).sum()
    expected = arrays[X].T @ (shares * (arrays[t] - mean)) / np.sqrt(3.0)
    np.testing.assert_allclose(value_of(g[q], arrays), expected, rtol=1e-12)
    np.testing.assert_allclose(value_of(g[t], arrays), shares, rtol=1e-13)
    assert isinstance(g[q], sp.MatrixExpr)


def test_partial_in_an_indexed_array_is_given_entry_by_entry():
    partial = gradient(LINE, [xs])[xs]
    assert isinstance(partial, Entries)
    assert partial.shape == (n,)
    assert str(partial.at(3)) == "-2*w*(-b - w*x[3] + y[3])/n"
    assert sp.latex(partial).endswith(r"\right)_{i=0}^{n - 1}")


def test_entries_may_be_asked_for_by_name_and_in_turn():
    g = gradient(NETWORK, ["W1", "b1"])
    assert g.wrt == (W1, b1)
    assert g["W1"] == g[W1]
    assert list(g) == [g[W1], g[b1]]
    # seven of the value, W2.T*r, three of the slope, an outer product, and twice the factor 2
    assert repr(g) == "Gradient in W1, b1: 14 operations with the value"
    with pytest.raises(SymbolError, match="taken in W1, b1, not in W2"):
        g[W2]


def test_hessian_of_a_data_sum():
    h = hessian(LINE, [w, b])
    assert str(h[w, w]) == "2*Sum(x[i]**2, (i, 0, n - 1))/n"
    assert str(h[w, b]) == "2*Sum(x[i], (i, 0, n - 1))/n"
    assert h[b, b] == 2
    nonlinear = sp.Sum((ys[i] - sp.exp(-w * xs[i])) ** 2, (i, 0, n - 1))
    arrays = draw([xs, ys, w])
    e = np.exp(-arrays[w] * arrays[xs])
    expected = np.sum(2 * arrays[xs] ** 2 * e * (2 * e - arrays[ys]))
    np.testing.assert_allclose(value_of(hessian(nonlinear, [w])[w, w], arrays), expected, rtol=1e-13)


def test_jacobian_of_data_sums_in_scalars():
    found = jacobian([LINE, RESIDUAL.T * RESIDUAL * w], [w, b])
    assert str(found[0, b]) == "-2*Sum(-b - w*x[i] + y[i], (i, 0, n - 1))/n"
    assert found[1, b] == 0
    arrays = draw([W1, b1, W2, b2, x, y])
    r = arrays[W2] @ np.tanh(arrays[W1] @ arrays[x] + arrays[b1]) + arrays[b2] - arrays[y]
    np.testing.assert_allclose(value_of(found[1, w], arrays), np.sum(r**2), rtol=1e-13)


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        (lambda: hessian(NETWORK, [W1]), "a Hessian in the array W1 is not written out; give scalars in wrt"),
        (lambda: jacobian([NETWORK], [w, W1]), "a Jacobian in the array W1 is not written out; give scalars in wrt"),
    ],
)
def test_second_partials_in_arrays_are_refused(derive, message):
    with pytest.raises(UnsupportedError, match=message):
        derive()


def test_only_a_number_has_a_gradient():
    with pytest.raises(InputError, match=r"the expression has the shape k×1; a gradient needs a number"):
        gradient(RESIDUAL, [W1])
    with pytest.raises(InputError, match=r"the expression has the shape k×1"):
        jacobian([w, RESIDUAL], [w])


def test_a_matrix_of_one_entry_is_a_number():
    partial = gradient(sp.log(OneByOne(x.T * x)), [x])[x]
    assert str(partial) == "(2/(x.T*x))*x"
    arrays = draw([x])
    np.testing.assert_allclose(value_of(partial, arrays), 2 * arrays[x] / np.sum(arrays[x] ** 2), rtol=1e-14)


@pytest.mark.parametrize("form", ["text", "latex", "json"])
def test_derive_command_prints_matrices(form, monkeypatch, capsys):
    from symdiff.cli import main, options

    # reading matrices from text is not what is tested here
    monkeypatch.setattr(options, "formula", lambda text, command: LEAST_SQUARES)
    monkeypatch.setattr(options, "symbols", lambda text, names: [sp.Symbol(name) for name in names])
    assert main(["derive", "(X*v - t).T*(X*v - t)", "--wrt", "v,X", "--format", form]) == 0
    printed = capsys.readouterr().out
    if form == "text":
        assert "d/dv = 2*X.T*(X*v - t)\nd/dX = 2*(X*v - t)*v.T\n" in printed
        assert "v1 = X*v - t\n" in printed
        assert "d/dX = 2*v1*v.T\n" in printed
    elif form == "latex":
        assert r"\frac{\partial}{\partial v} = 2 X^{T} \left(X v - t\right)" in printed
    else:
        data = json.loads(printed)
        assert data["partials"] == {"v": "2*X.T*(X*v - t)", "X": "2*(X*v - t)*v.T"}
        assert data["expression"] == "(X*v - t).T*(X*v - t)"
        assert data["steps"] == [{"name": "v1", "expression": "X*v - t"}]
