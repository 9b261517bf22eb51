"""The printed size of formulas: of shared, doubled, deep and wide ones, with a limit and without."""

import sympy as sp

from symdiff.formula.printed_size import PrintedSize

x = sp.Symbol("x")


def test_size_counts_what_would_be_printed():
    shared = sp.tanh(x) + 1
    assert PrintedSize()(sp.Mul(shared, shared, evaluate=False)) == (9, 3)
    assert PrintedSize()(sp.Integer(3)) == (1, 0)


def test_doubled_formulas_are_counted_in_full_or_up_to_the_limit():
    formula = x
    for _ in range(300):
        formula = sp.Mul(formula, formula, evaluate=False)
    # n(k + 1) = 2*n(k) + 1 from n(0) = 1
    assert PrintedSize()(formula) == (2**301 - 1, 300)
    assert PrintedSize(10_000)(formula) == (10_001, 300)


def test_no_more_nodes_are_met_than_the_limit():
    formula = x
    for _ in range(20_000):
        formula = sp.tanh(formula, evaluate=False)
    assert PrintedSize(20_001)(formula) == (20_001, 20_000)
    assert PrintedSize(20_000)(formula) == (20_001, 0)
    assert PrintedSize()(formula) == (20_001, 20_000)


def test_parts_are_known_from_one_formula_to_the_next():
    measure, part = PrintedSize(4), sp.tanh(x) + 1
    assert measure(part) == (4, 2)
    # only two nodes of six are new
    assert measure(sp.sin(sp.cos(part))) == (5, 4)
    assert PrintedSize(4)(sp.sin(sp.cos(part))) == (5, 0)
