"""Edges of domains and of the range of floating point: what each route gives where a careless rule gives NaN."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff.routes import ROUTES, value_and_gradient
from symdiff.special_functions import sigmoid

x, y = sp.symbols("x y", real=True)
R = sp.Rational

# at the edge x = 0 of the base: (formula, point, partials), None where there is none; DLMF 4.2(iv), style.md 12.3
EDGES = [
    (x**y, (0.0, 2.0), (0.0, 0.0)),
    (x**y, (0.0, 1.0), (1.0, 0.0)),
    (x**y, (0.0, 0.5), (np.inf, 0.0)),
    (x**y, (-2.0, 3.0), (12.0, None)),
    (x**2 * y, (0.0, 3.0), (0.0, 0.0)),
    (x ** R(3, 2) * y, (0.0, 3.0), (0.0, 0.0)),
    (sp.sqrt(x) * y, (0.0, 3.0), (np.inf, 0.0)),
    (x ** R(1, 3) * y, (0.0, 3.0), (np.inf, 0.0)),
    (sp.Max(x, y), (1e308, -1e308), (1.0, 0.0)),
    (sigmoid(x) * y, (-800.0, 1.0), (0.0, 0.0)),
    (sigmoid(x) * y, (40.0, 1.0), (float(mp.exp(-40)), 1.0)),
    (sp.tanh(x) * y, (1000.0, 1.0), (0.0, 1.0)),
]


@pytest.mark.parametrize("route", ROUTES)
def test_edges(route):
    each = [value_and_gradient(formula, [x, y], route=route) for formula, _, _ in EDGES]
    found = [h(*point)[1] for h, (_, point, _) in zip(each, EDGES, strict=True)]
    for got, (formula, point, expected) in zip(found, EDGES, strict=True):
        for k, number in enumerate(expected):
            if number is not None:
                assert float(got[k]) == pytest.approx(number, rel=1e-13, abs=0), f"{formula} at {point} in {[x, y][k]}"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("power", "point"),
    [
        (2, np.float64(1e-100)),
        (3, np.float64(1e-70)),
        (12, np.float64(1e-20)),
        (2, np.float32(1e-12)),
        (6, np.float32(1e-4)),
    ],
    ids=str,
)
def test_negative_powers_overflow_no_earlier_than_their_derivative(route, power, point):
    expected = -power * mp.mpf(float(point)) ** (-power - 1)
    _, (got,) = value_and_gradient(x**-power, x, route=route)(point)
    assert float(got) == pytest.approx(float(expected), rel=32 * float(np.finfo(point.dtype).eps), abs=0)
