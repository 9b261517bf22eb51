"""Sparse Jacobians and Hessians, Hessian-vector products: patterns and entries by hand, products beside JAX's."""

import gc
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import symdiff
from compare.benchmarks.derivation import expression
from symdiff.collection import collection_paused
from symdiff.colouring import direct_places, star_colours
from symdiff.curvature import hessian_vector_product
from symdiff.errors import InputError, OptionError, SymbolError
from symdiff.from_sympy import graph_of
from symdiff.gradients import curved, gradient
from symdiff.graph_builder import GraphBuilder
from symdiff.jacobians import hessian, jacobian
from symdiff.sparsity import pattern_of
from symdiff.sweeps import forward_entries, reverse_entries
from symdiff.symbolic import directional


def symbols(count):
    return sp.symbols(f"x:{count}", real=True)


def rosenbrock(x):
    return sp.Add(*[100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)])


def rosenbrock_hessian(v):
    """The entries on and above the diagonal, differentiated by hand."""
    last = len(v) - 1
    found = {(i, i): 1200 * v[i] ** 2 - 400 * v[i + 1] + 2 + 200 * (i > 0) for i in range(last)}
    return found | {(last, last): 200} | {(i, i + 1): -400 * v[i] for i in range(last)}


def arrow(x):
    return sp.Add(*[sp.sin(x[0] * s) for s in x[1:]])


def sources(graph, wrt):
    return [graph.inputs.get(symbol, -1) for symbol in wrt]


def test_rosenbrock_hessian_is_exact():
    x = symbols(9)
    point = {s: sp.Rational(3 * k - 7, k + 2) for k, s in enumerate(x)}
    found = hessian(rosenbrock(x), x)
    expected = rosenbrock_hessian([point[s] for s in x])
    assert {place: found.entries[place].subs(point) for place in found.places} == expected
    assert found[x[4], x[3]] == found[x[3], x[4]] == -400 * x[3]
    assert found[x[0], x[2]] == found.matrix[0, 2] == 0
    assert found.matrix == found.matrix.T
    assert found.matrix.subs(point) == found.sparse_matrix.subs(point)


@pytest.mark.timeout(60)
def test_rosenbrock_of_1000_variables_costs_its_1999_entries():
    x = symbols(1000)
    found = hessian(rosenbrock(x), x)
    assert found.nonzeros == 2998
    assert found.pattern[500] == (499, 500, 501)
    assert found.operations <= 13 * 1000
    # the dense way: the gradient's graph once more for each variable
    assert found.operations < 0.01 * 1000 * gradient(rosenbrock(x), x).operations
    assert found[x[998], x[999]] == -400 * x[998]
    assert sp.SparseMatrix(found.sparse_matrix).nnz() == 2998


def swept(sweep, expression, x, limit):
    """The second partials that a sweep makes with so many products, by place, and the builder that holds them."""
    taken, textbook = curved(gradient(expression, x))
    builder = GraphBuilder()
    return sweep(builder, taken, builder.splice(taken), sources(taken, x), textbook, limit), builder


@pytest.mark.parametrize("sweep", [forward_entries, reverse_entries], ids=lambda s: s.__name__)
@pytest.mark.parametrize("family", [rosenbrock, arrow], ids=lambda f: f.__name__)
@pytest.mark.parametrize("count", [20, 400])
def test_sweeps_are_linear_in_the_variables_of_a_sparse_hessian(sweep, family, count):
    # n**2/2 products at least where the terms of a sum are carried along it
    x = symbols(count)
    assert swept(sweep, family(x), x, 30 * count)[0] is not None
    assert swept(sweep, family(x), x, 2 * count)[0] is None


def test_patterns_by_hand():
    x, y, z, w = sp.symbols("x y z w", real=True)
    g = graph_of([x * y, sp.exp(z), sp.sign(x) + y, sp.Integer(3), sp.floor(z) * w])
    assert pattern_of(g, sources(g, (x, y, z, w))) == ((0, 1), (2,), (1,), (), (3,))
    assert hessian(x * y + z**2 + w, [x, y, z, w]).pattern == ((1,), (0,), (2,), ())
    assert hessian(arrow((x, y, z, w)), [x, y, z, w]).pattern == ((0, 1, 2, 3), (0, 1), (0, 2), (0, 3))
    assert hessian(sp.exp(x * y) * z, [z, w, x]).pattern == ((2,), (), (0, 2))
    assert jacobian([x + y, y * z, 5, w], [x, y, z]).pattern == ((0, 1), (1, 2), (), ())
    assert jacobian([x + y, y * z, 5, w], [x, y, z]).nonzeros == 4


def test_the_pattern_of_a_long_sum_whose_parts_are_used_again():
    # sets that are handed on must not be shared with a later user
    x = symbols(6)
    prefix = list(itertools.accumulate(x, lambda a, b: sp.sin(a * b)))
    g = graph_of(prefix)
    assert pattern_of(g, sources(g, x)) == tuple(tuple(range(k + 1)) for k in range(6))
    found = jacobian(prefix, x)
    point = {s: sp.Rational(k + 2, 3) for k, s in enumerate(x)}
    expected = sp.Matrix(prefix).jacobian(sp.Matrix(x)).subs(point).evalf(30)
    assert np.array(found.matrix.subs(point).evalf(30) - expected, float) == pytest.approx(0, abs=1e-25)


def test_a_jacobian_goes_forward_or_in_reverse_by_its_shape():
    x = symbols(12)
    deep = x[0]
    for _ in range(40):
        deep = sp.sin(deep + 1)
    # one input, 12 outputs of one chain: its derivative once, a product for each output
    tall = jacobian([k * deep for k in range(2, 14)], [x[0]])
    assert tall.operations == 40 + 39 + 40 + 39 + 12  # adds, sines but the last, cosines, their products, multiples
    # 12 inputs, one output that ends in the same chain: backwards, a product for each input
    inner = sp.Mul(*x)
    wide = inner
    for _ in range(40):
        wide = sp.sin(wide + 1)
    found = jacobian([wide], x)
    assert found.operations == gradient(wide, x).operations - 1  # without the last sine


def test_a_tall_jacobian_takes_less_forward():
    x = symbols(2)
    deep = x[0] * x[1]
    for _ in range(30):
        deep = sp.tanh(deep)
    rows = [sp.sin(deep * k + sp.cos(deep) ** k) for k in range(2, 12)]
    graph = graph_of(rows)
    counts = []
    for sweep in (forward_entries, reverse_entries):
        builder = GraphBuilder()
        entries = sweep(builder, graph, builder.splice(graph), sources(graph, x), True, 10**6)
        counts.append(builder.operations_of(entries.values()))
    assert counts[0] < counts[1]
    assert jacobian(rows, x).operations == counts[0]


def test_jacobians_are_those_of_jax():
    x = symbols(5)

    def residuals(np_, v):
        return [
            np_.sin(v[0] * v[1]),
            np_.exp(v[1] - v[2]) * v[3],
            v[4] ** 3 / v[0],
            v[2] + 0 * v[0],
            v[3] * v[4] * v[0],
        ]

    class Names:
        sin, exp = sp.sin, sp.exp

    point = np.array([0.5, -1.25, 2.0, 0.75, 1.5])
    for rows in (5, 1):
        found = jacobian(residuals(Names, x)[:rows], x)
        got = np.array(symdiff.lambdify(x, found.matrix)(*point))
        expected = jax.jacfwd(lambda v, r=rows: jnp.stack(residuals(jnp, v)[:r]))(point)
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_colours_of_known_matrices():
    # Gebremedhin, Manne and Pothen, section 4: an arrow takes two by symmetry
    spokes = (tuple(range(30)), *((0, i) for i in range(1, 30)))
    assert star_colours(spokes) == (0, *[1] * 29)
    assert len(set(star_colours(tuple(tuple(range(6)) for _ in range(6))))) == 6
    assert star_colours(((0,), (1,), (2,))) == (0, 0, 0)
    with pytest.raises(ValueError, match=r"do not tell the entry \(0, 0\) apart"):
        direct_places(((0, 1, 2), (0, 1, 2), (0, 1, 2)), (0, 0, 0))


@pytest.mark.parametrize("seed", range(12))
def test_star_colourings_hold_no_path_of_four_nodes_in_two_colours(seed):
    draw = np.random.default_rng(seed)
    full = draw.random((14, 14)) < draw.uniform(0.1, 0.4)
    full = full | full.T | np.eye(14, dtype=bool)
    pattern = tuple(tuple(np.flatnonzero(row).tolist()) for row in full)
    colours = star_colours(pattern)
    for a, b, c, d in itertools.permutations(range(14), 4):
        if full[a, b] and full[b, c] and full[c, d]:
            assert len({colours[a], colours[b], colours[c], colours[d]}) > 2, (a, b, c, d)
    assert all(colours[i] != colours[j] for i in range(14) for j in pattern[i] if i != j)
    # and the entries of a matrix are found again from its products with the groups
    matrix = np.where(full, draw.standard_normal((14, 14)), 0)
    matrix = matrix + matrix.T
    columns = [matrix @ (np.array(colours) == colour) for colour in range(max(colours) + 1)]
    for (i, j), (row, column) in direct_places(pattern, colours).items():
        assert columns[colours[column]][row] == matrix[i, j]


@pytest.mark.parametrize("family", [rosenbrock, arrow], ids=lambda f: f.__name__)
def test_a_colouring_saves_no_operation_on_a_graph(family):
    # what the docstring of symdiff.sweeps says: one sweep a colour has the operations of the single entries
    x = symbols(40)
    taken, textbook = curved(gradient(family(x), x))
    product = hessian_vector_product(family(x), x)
    builder = GraphBuilder()
    places, one = builder.splice(taken), builder.constant(sp.Integer(1))
    columns = []
    for colour in range(max(product.colours) + 1):
        seeds = {taken.inputs[s]: one for s, own in zip(x, product.colours, strict=True) if own == colour}
        columns.append(directional(builder, taken, places, seeds, textbook))
    told = direct_places(product.pattern, product.colours)
    coloured = builder.operations_of([columns[product.colours[j]][i] for i, j in told.values()])
    entries, single = swept(forward_entries, family(x), x, 10**6)
    assert {place for place in entries if place[0] <= place[1]} == set(told)
    assert single.operations_of([entries[place] for place in told.values()]) == coloured
    assert hessian(family(x), x).operations <= coloured


def test_hessian_vector_products_are_those_of_jax():
    x = symbols(6)

    def model(np_, v):
        return np_.sin(v[0] * v[1]) * v[2] + np_.exp(v[3] * v[0]) / (1 + v[4] ** 2) + np_.log(v[5]) * v[1] ** 3

    class Names:
        sin, exp, log = sp.sin, sp.exp, sp.log

    product = hessian_vector_product(model(Names, x), x)
    draw = np.random.default_rng(7)
    point, direction = draw.uniform(0.5, 2, (6, 10)), draw.standard_normal((6, 10))

    def by_jax(v, d):
        return jax.jvp(jax.grad(lambda u: model(jnp, u)), (v,), (d,))[1]

    expected = jax.vmap(by_jax, (1, 1), 1)(point, direction)
    np.testing.assert_allclose(product(point, direction), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(jax.jit(product)(point, direction), expected, rtol=1e-12, atol=1e-13)
    # linear in the direction, so its derivative along itself is itself
    again = jax.jvp(lambda d: product(point, d), (direction,), (direction,))[1]
    np.testing.assert_allclose(again, expected, rtol=1e-12, atol=1e-13)


def test_hessian_vector_product_of_rosenbrock():
    x = symbols(1000)
    product = hessian_vector_product(rosenbrock(x), x)
    # 8 operations a term; the value, the gradient and a direction at most 5 times that
    assert product.operations <= 5 * 8 * 1000
    assert len(set(product.colours)) == 3
    small = hessian_vector_product(rosenbrock(x[:30]), x[:30])
    point = np.arange(30) / 8 - 1
    found = {place: float(entry) for place, entry in small.entries(point).items()}
    # eighths: every operation is exact
    assert found == rosenbrock_hessian(point.tolist())


def test_products_with_directions_that_are_named_as_symbols_are():
    x, d, twin = sp.Symbol("x", real=True), sp.Symbol("d_x", real=True), sp.Symbol("x")
    product = hessian_vector_product(x**2 * d * twin, [x, twin])
    assert [s.name for s in product.direction] == ["d__x", "d___x"]
    a, b = product.direction
    assert list(product) == [2 * a * d * twin + 2 * b * d * x, 2 * a * d * x]
    assert product.args == (x, twin, d)
    assert product([3.0, 5.0, 2.0], [1.0, 0.0]).tolist() == [20.0, 12.0]
    absent = hessian_vector_product(x**2, [x, sp.Symbol("q", real=True)])
    assert absent([3.0, 1.0], [1.0, 1.0]).tolist() == [2.0, 0.0]


def test_wrong_products():
    x, y = sp.symbols("x y", real=True)
    product = hessian_vector_product(x * y, [x])
    with pytest.raises(OptionError, match=r"values has 1 arrays; give 2, one for each of x, y"):
        product([1.0], [1.0])
    with pytest.raises(OptionError, match=r"direction has 2 arrays; give 1, one for each of d_x"):
        product([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(SymbolError, match="does not contain"):
        hessian_vector_product(x * y, "z")
    a = sp.MatrixSymbol("A", 2, 2)
    with pytest.raises(InputError, match="was given arrays; give an expression of scalars"):
        hessian_vector_product(sp.Trace(a * a), [a])


def test_the_collector_runs_again_after_a_refusal():
    x = sp.Symbol("x", real=True)
    with pytest.raises(symdiff.UnsupportedError):
        gradient(sp.elliptic_k(x), x)
    assert gc.isenabled()
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_product_of_thousands_of_operations_runs_on_the_tape():
    """The reference is the difference quotient of the chain route's gradient."""
    given, x = expression(700, 3)
    product = hessian_vector_product(given, x)
    assert product.operations > 3_000
    at, direction = np.linspace(0.3, 0.9, len(x)), np.linspace(-1.0, 2.0, len(x))
    gradient_at = symdiff.value_and_gradient(given, x, route="chain")
    step = 1e-5
    both = [np.asarray(gradient_at(*(at + sign * step * direction))[1]) for sign in (1, -1)]
    np.testing.assert_allclose(product(at, direction), (both[0] - both[1]) / (2 * step), rtol=1e-6, atol=1e-7)
    batch = product(np.tile(at[:, None], 3), direction)
    np.testing.assert_array_equal(batch[:, 1], product(at, direction))
