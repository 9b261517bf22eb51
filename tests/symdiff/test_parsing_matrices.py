import numpy as np
import pytest
import sympy as sp

from symdiff.errors import ParseError, SymbolError
from symdiff.formula.matrices import ENTRY
from symdiff.formula.writer import written
from symdiff.from_sympy import graph_of
from symdiff.loss import canonical
from symdiff.parsing import parse
from symdiff.tensors.running import output_function

k, m, n = sp.symbols("k m n", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
c = sp.Symbol("c", real=True)
W1, W2 = sp.MatrixSymbol("W1", m, n), sp.MatrixSymbol("W2", k, m)
b1, b2 = sp.MatrixSymbol("b1", m, 1), sp.MatrixSymbol("b2", k, 1)
x = sp.MatrixSymbol("x", n, 1)
A, B, z = sp.MatrixSymbol("A", 3, 3), sp.MatrixSymbol("B", 3, 3), sp.MatrixSymbol("z", 3, 1)
X, Y = sp.IndexedBase("X"), sp.IndexedBase("Y", shape=(n,))
SYMBOLS = [W1, W2, b1, b2, x, A, B, z, X, Y, c]


def each(body, matrix):
    return matrix.applyfunc(sp.Lambda(ENTRY, body))


FORMULAS = {
    "W2*tanh(W1*x + b1) + b2": W2 * each(sp.tanh(ENTRY), W1 * x + b1) + b2,
    "W2 @ tanh(W1 @ x + b1) - b2": W2 * each(sp.tanh(ENTRY), W1 * x + b1) - b2,
    "x.T*x": x.T * x,
    "x.T*x + 1": sp.Trace(x.T * x) + 1,
    "(x.T*x)*A": sp.Trace(x.T * x) * A,
    "A*z*z.T": A * z * z.T,
    "A**2 + inv(B)": A**2 + B.I,
    "transpose(A*z)": z.T * A.T,
    "(A*z).T*B": z.T * A.T * B,
    "trace(A*B) - det(A)": sp.Trace(A * B) - sp.Determinant(A),
    "norm(x)": sp.sqrt(sp.Trace(x.T * x)),
    "dot(x, x)/2": sp.Trace(x.T * x) / 2,
    "sum(exp(z))": sp.Trace(sp.OneMatrix(1, 3) * each(sp.exp(ENTRY), z)),
    "logsumexp(z)": sp.log(sp.Trace(sp.OneMatrix(1, 3) * each(sp.exp(ENTRY), z))),
    "hadamard(A, B)": sp.HadamardProduct(A, B),
    "hadamard_power(A, 3)": sp.HadamardPower(A, 3),
    "Max(z, 0)": each(sp.Max(ENTRY, 0), z),
    "sqrt(z)": each(sp.sqrt(ENTRY), z),
    "applyfunc(z, log(1 + exp(entry)))": each(sp.log(1 + sp.exp(ENTRY)), z),
    "c*A/2 - 3*B": c * A / 2 - 3 * B,
    "(A + B)*z/c": (A + B) * z / c,
    "A - eye(3) + ones(3, 3) + zeros(3, 3)": A - sp.Identity(3) + sp.OneMatrix(3, 3),
    "ones(n, 1) + x": sp.OneMatrix(n, 1) + x,
    "A[0, 1] + z[2]": A[0, 1] + z[2, 0],
    "Sum((X[i] - c*Y[i])**2, (i, 0, n - 1))/n": sp.Sum((X[i] - c * Y[i]) ** 2, (i, 0, n - 1)) / n,
    "Sum(X[i, j], (j, 0, i), (i, 0, n - 1))": sp.Sum(X[i, j], (j, 0, i), (i, 0, n - 1)),
    "Sum(log(Sum(exp(X[i, j]), (j, 0, k - 1))), (i, 0, m - 1))": sp.Sum(
        sp.log(sp.Sum(sp.exp(X[i, j]), (j, 0, k - 1))), (i, 0, m - 1)
    ),
    "Product(Y[i], (i, 0, n - 1))": sp.Product(Y[i], (i, 0, n - 1)),
    "Sum(z[i]*A[i, j]*z[j], (i, 0, 2), (j, 0, 2))": sp.Sum(z[i, 0] * A[i, j] * z[j, 0], (i, 0, 2), (j, 0, 2)),
    "z.T*z if c > 0 else 0": sp.Piecewise((sp.Trace(z.T * z), c > 0), (0, True)),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_texts_are_the_expressions_that_python_makes(text):
    assert canonical(parse(text, symbols=SYMBOLS)) == canonical(FORMULAS[text])


@pytest.mark.parametrize("text", [*FORMULAS, "softmax(z)", "log(softmax(A*z))", "exp(-z.T*A*z/2)", "log(det(2*pi*A))"])
def test_what_is_written_reads_back(text):
    expression = parse(text, symbols=SYMBOLS)
    assert parse(written(expression), symbols=SYMBOLS) == expression


def test_softmax_of_numbers():
    softmax = parse("softmax(z)", symbols=[z])
    (numbers,) = output_function(graph_of([softmax]), [z])([np.log([[1.0], [2.0], [5.0]])])
    assert np.asarray(numbers).ravel() == pytest.approx([1 / 8, 1 / 4, 5 / 8], rel=1e-15)


def test_indices_are_bound_where_they_stand_only():
    i_of_user = sp.Symbol("i", real=True)
    read = parse("Sum(Y[i], (i, 0, n - 1)) + i", symbols=[Y, i_of_user])
    assert read == sp.Sum(Y[i], (i, 0, n - 1)) + i_of_user
    with pytest.raises(ParseError, match="unknown name 'i'"):
        parse("Sum(Y[i], (i, 0, n - 1)) + i", symbols=[Y])


def test_sums_are_not_worked_out_when_matrices_are_multiplied():
    read = parse("Sum(X[i], (i, 0, 9999999))*z", symbols=[X, z])
    assert read == sp.MatMul(sp.Sum(X[i], (i, 0, 9999999)), z)
    again = parse("norm(Sum(X[i], (i, 0, 9999999))*z) + sum(Sum(X[i], (i, 0, 9999999))*z)", symbols=[X, z])
    assert again.has(sp.Sum)
    within = parse("exp((Sum(X[i], (i, 0, 9999999))*z).T*z)", symbols=[X, z])
    assert within.has(sp.Sum)
    # SymPy's own str of this product would not come to an end
    assert written(read) == "Sum(X[i], (i, 0, 9999999))*z"


def test_names_of_matrix_functions_are_free_in_scalar_formulas():
    assert parse("trace + norm*sum", symbols=["trace", "norm", "sum"]).free_symbols == set(
        sp.symbols("trace norm sum", real=True)
    )
    with pytest.raises(ParseError, match="unknown function 'trace'"):
        parse("trace(x)")
    with pytest.raises(ParseError, match="subscripts and lists are not allowed"):
        parse("x[0]")
    with pytest.raises(ParseError, match="'@' is not allowed"):
        parse("x @ x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A*x", "^column 1 of .*matrices of shapes 3×3 and n×1 are multiplied"),
        ("c + (A*B + z)", "^column 6 of .*matrices of shapes 3×3 and 3×1 are added"),
        ("z*z", r"shapes 3×1 and 3×1 are multiplied; .* write hadamard\(A, B\)"),
        ("A + c", r"a number is added to a matrix of shape 3×3; multiply it by ones\(3, 3\)"),
        ("A/B", "^column 3 of .*a matrix of shape 3×3 stands where a number belongs"),
        ("A**c", "a matrix is taken to the power c; give a whole number"),
        ("z**2", r"a matrix of shape 3×1 is not square; hadamard_power\(A, p\)"),
        ("A**5000", "give one up to 1000"),
        ("det(W1)", "a matrix of shape m×n is not square"),
        ("hadamard(A, z)", "hadamard of shapes 3×3 and 3×1"),
        ("softmax(A)", "softmax of shape 3×3; give a column or a row"),
        ("sum(c)", "sum takes matrices, and a number is given"),
        ("norm(A, B)", "norm takes 1 argument, and 2 are given"),
        ("A[3, 0]", "the index 3 lies beyond A of shape 3×3; indices count from 0"),
        ("A[-1, 0]", "the index -1 lies beyond A"),
        ("A[0]", "A has the shape 3×3, and 1 indices are given; give 2"),
        ("Y[1, 2]", r"Y has the shape \(n\), and 2 indices are given; give 1"),
        ("A[c, 0]", "the index c is no whole number"),
        ("X + 1", r"X is an indexed array; write an entry of it, such as X\[i\]"),
        ("c[0]", "c is a number and has no entries"),
        ("(A*z)[0]", "a subscript follows the name of an array"),
        ("A[0:1, 0]", "':' is not allowed"),
        ("A[", r"ends after '\['"),
        ("A[0", "this bracket is never closed"),
        ("A]", "this bracket was never opened"),
        ("(A]", r"this bracket closes '\('"),
        ("A[0)", r"this parenthesis closes '\['"),
        ("A.T2", "dotted names such as a.b are not allowed"),
        ("A.shape", "dotted names such as a.b are not allowed"),
        ("A.T()", r"an operator is missing between '.T' and '\('"),
        ("Sum(c)", "this Sum has no index"),
        ("Sum(c, i)", r"Sum takes an index and its bounds; write Sum\(x\[i\]"),
        ("Sum(c, (1, 0, 2))", "1 is no index"),
        ("Sum(c, (i, 0, 1), (i, 0, 1))", "this Sum has an index twice"),
        ("Sum(c, (i, 0, c))", "the bound c of i is no whole number"),
        ("Sum(A, (i, 0, 1))", "a matrix of shape 3×3 stands where a number belongs"),
        ("A if c > 0 else B", "a matrix of shape 3×3 stands where a number belongs"),
        ("c if A > 0 else 1", "a matrix of shape 3×3 stands where a number belongs"),
        ("tracee(A)", "unknown function 'tracee'; did you mean 'trace'"),
        ("atan2(z, A)", "a function of each entry of matrices of shapes 3×1 and 3×3; give both the same shape"),
        ("Max(z, c)", "takes matrices of one shape and otherwise numbers"),
        ("1 - tanh(A)", r"a number is added to a matrix of shape 3×3; multiply it by ones\(3, 3\)"),
        ("c + tanh(z)", r"a number is added to a matrix of shape 3×1; multiply it by ones\(3, 1\)"),
        ("1/z", "^column 3 of .*a matrix of shape 3×1 stands where a number belongs"),
        ("1 + Entries(Y[i], (i, 0, n - 1))", r"^column 5 of .*Entries\(...\) is a whole array"),
        ("KroneckerDelta(c, 1)", "KroneckerDelta takes two whole numbers"),
        ("applyfunc(c, entry)", "applyfunc takes a matrix, and a number is given"),
        ("entry", "unknown name 'entry'"),
        ("ones(c, 1)", "a length is a whole number"),
        ("ones(-1, 1)", "a length is a whole number"),
        ("A.__class__", "dotted names"),
        ("Sum(__import__, (i, 0, 1))", "names that begin with two underscores"),
    ],
)
def test_what_is_no_matrix_formula_is_refused_with_its_column(text, message):
    with pytest.raises(ParseError, match=message) as caught:
        parse(text, symbols=SYMBOLS)
    assert str(caught.value).startswith("column ")
    assert "\n" not in str(caught.value)


def test_two_arrays_of_one_name():
    with pytest.raises(SymbolError, match="two symbols are called 'A'"):
        parse("A", symbols=[A, sp.MatrixSymbol("A", 2, 2)])


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("HadamardProduct(A, B)", "hadamard(A, B)"),
        ("3*HadamardPower(A, 2)", "3*hadamard_power(A, 2)"),
        ("A*OneMatrix(3, 1) + ZeroMatrix(3, 1)", "A*ones(3, 1) + zeros(3, 1)"),
        ("(A**(-1)).T - Identity(3)", "inv(A).T - eye(3)"),
        ("Trace(Transpose(A)*B) + Determinant(Inverse(A))", "trace(A.T*B) + det(inv(A))"),
        ("1 - tanh(z)**2", "applyfunc(z, 1 - tanh(entry)**2)"),
        ("1/(exp(-(A*z)) + 1)", "applyfunc(-A*z, 1/(1 + exp(entry)))"),
        ("z.T*(1 - HadamardPower(z, 2))", "z.T*applyfunc(z, 1 - entry**2)"),
        ("2*tanh(A)**2", "2*tanh(A)*tanh(A)"),
        ("c/(z.T*z)*z", "c*z/dot(z, z)"),
    ],
)
def test_what_is_printed_of_gradients_is_read(printed, text):
    assert parse(printed, symbols=SYMBOLS) == parse(text, symbols=SYMBOLS)


@pytest.mark.parametrize(("function", "nodes"), [("softmax", 6), ("tanh", 3)])
def test_a_deep_network_is_read_in_the_size_of_its_text(function, nodes):
    """A softmax stands twice in itself, so that 40 of them are 2**40 terms of a tree."""
    sizes = []
    for depth in (30, 40):
        weights = [sp.MatrixSymbol(f"W{k}", 8, 8) for k in range(depth)]
        text = "x"
        for weight in weights:
            text = f"{function}({weight}*{text})"
        parsed = parse(f"trace(transpose(x)*{text})", [sp.MatrixSymbol("x", 8, 1), *weights])
        sizes.append(len(graph_of([parsed])))
    assert sizes[1] - sizes[0] == 10 * nodes
