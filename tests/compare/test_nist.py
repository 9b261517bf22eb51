"""The 27 NIST problems: the gradient of the residual sum of squares at both starting points, by every route."""

import mpmath
import pytest

from compare.benchmarks.nist import by_route, names, problem, relative_errors, truth

# one of each class of model, and ENSO, whose sums cancel most
DEFAULT = ["Bennett5", "ENSO", "Hahn1", "MGH10", "Nelson", "Rat43", "Roszman1"]
LARGEST = 1e-11


def test_all_27_are_read():
    assert len(names()) == 27
    for name in names():
        found = problem(name)
        assert {*found.parameters, *found.data} == found.loss.free_symbols
        assert [len(start) for start in found.starts] == [len(found.parameters)] * 2


# certified values and sums of squares as NIST prints them
@pytest.mark.parametrize(
    ("name", "certified", "rss"),
    [
        ("Misra1a", ["2.3894212918E+02", "5.5015643181E-04"], "1.2455138894E-01"),
        ("Nelson", ["2.5906836021E+00", "5.6177717026E-09", "-5.7701013174E-02"], "3.7976833176E+00"),
        ("MGH10", ["5.6096364710E-03", "6.1813463463E+03", "3.4522363462E+02"], "8.7945855171E+01"),
    ],
)
def test_the_formulas_read_have_nists_residual_sum_of_squares(name, certified, rss):
    found = problem(name)
    loss = found.loss.subs(dict(zip(found.parameters, map(float, certified), strict=True)))
    columns = zip(*(column.tolist() for column in found.data.values()), strict=True)
    total = sum(loss.subs(dict(zip(found.data, row, strict=True))).evalf(30) for row in columns)
    assert abs(float(total) / float(rss) - 1) < 1e-9


@pytest.mark.parametrize("name", DEFAULT)
def test_gradient_at_both_starts(name):
    errors = relative_errors(problem(name))
    assert len(errors) == 6
    assert max(errors.values()) <= LARGEST


@pytest.mark.sweep
@pytest.mark.parametrize("name", [name for name in names() if name not in DEFAULT])
def test_gradient_at_both_starts_of_the_others(name):
    assert max(relative_errors(problem(name)).values()) <= LARGEST


def test_misra1a_against_the_derivative_by_hand():
    """d/db1 of sum (b1*(1 - exp(-b2*x)) - y)**2 is sum 2*r*(1 - exp(-b2*x)), and d/db2 sum 2*r*b1*x*exp(-b2*x)."""
    found = problem("Misra1a")
    data = {symbol.name: column.tolist() for symbol, column in found.data.items()}
    with mpmath.workdps(40):
        b1, b2 = map(mpmath.mpf, found.starts[0])
        decays = [mpmath.exp(-b2 * x) for x in data["x"]]
        twice = [2 * (b1 * (1 - e) - y) for e, y in zip(decays, data["y"], strict=True)]
        first = mpmath.fsum(r * (1 - e) for r, e in zip(twice, decays, strict=True))
        second = mpmath.fsum(r * b1 * x * e for r, e, x in zip(twice, decays, data["x"], strict=True))
        for ours, by_hand in zip(truth(found, found.starts[0]), (first, second), strict=True):
            assert abs(ours / by_hand - 1) < mpmath.mpf("1e-30")
        for route in ("symbolic", "autodiff", "chain"):
            assert by_route(found, found.starts[0], route) == pytest.approx([float(first), float(second)], rel=1e-13)
