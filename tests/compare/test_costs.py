"""Operation counts by hand, and where two lines of cost cross."""

import json

import pytest
import sympy as sp
from click.testing import CliRunner

import compare
from compare.benchmarks.break_even import main
from compare.costs import BreakEven, Operations, RouteCost, break_even, crossing, tree_operations
from symdiff.errors import OptionError, ParseError, SymbolError, UnsupportedError
from symdiff.from_sympy import graph_of

w, x, y = sp.symbols("w x y", real=True)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((10.0, 1.0), (1.0, 2.0), (10, None)),  # 10 + 9 = 1 + 2*9: equal after 9, ahead from 10
        ((10.5, 1.0), (1.0, 2.0), (10, None)),  # 19.5 > 19 after 9, 20.5 < 21 after 10
        ((1.0, 2.0), (10.0, 1.0), (1, 8)),  # equal after 9
        ((1.0, 2.0), (10.5, 1.0), (1, 9)),
        ((1.0, 1.0), (2.0, 1.0), (1, None)),
        ((2.0, 1.0), (1.0, 1.0), (None, None)),
        ((1.0, 1.0), (1.0, 1.0), (None, None)),
        ((1.0, 2.0), (1.5, 1.0), (None, None)),  # behind after the first call
        ((1.0, 1.0), (5.0, 2.0), (1, None)),
    ],
)
def test_where_lines_cross(first, second, expected):
    assert crossing(first, second) == expected

    def ahead(n):
        return first[0] + n * first[1] < second[0] + n * second[1]

    start, end = expected
    for n in range(1, 30):
        assert ahead(n) == (start is not None and n >= start and (end is None or n <= end))


def test_operations_by_hand():
    found = break_even((w * x - y) ** 2, [w, x], routes=["chain"])
    # w*x, less y, squared; twice the difference, times x, times w
    # d2/dw2 = 2*x*x, d2/dx2 = 2*w*w and d2/dwdx = 2*(w*x - y) + 2*w*x
    assert found.operations.shared["model"] == 3
    assert found.operations.shared["gradient"] == 6
    assert found.operations.written["model"] == 3
    # SymPy writes 2*x*(w*x - y) and 2*w*(w*x - y), 4 operations each
    assert found.operations.written["gradient"] == 3 + 2 * 4
    assert [cost.route for cost in found.routes] == ["chain"]
    assert found.pays == {}


def test_trees_of_shared_graphs_are_counted_exactly():
    node = x
    for _ in range(200):
        node = sp.Add(node, sp.Mul(node, node, evaluate=False), evaluate=False)
    # t(n + 1) = 3*t(n) + 2, from t(0) = 0
    assert tree_operations(graph_of([node])) == 3**200 - 1
    found = break_even(node, [x], routes=["chain"])
    assert found.operations.shared["model"] == 400
    assert found.operations.written == {"model": 3**200 - 1, "gradient": None, "hessian": None}
    assert "2.7e+95" in str(found)


def test_every_route_is_timed_and_compared():
    found = compare.break_even("exp(-w*x) + tanh(w*y)", ["w", "x"], points=16)
    assert [cost.route for cost in found.routes] == ["symbolic", "autodiff", "chain"]
    assert all(cost.setup >= 0 and cost.call > 0 for cost in found.routes)
    own, *others = [(cost.setup, cost.call) for cost in found.routes]
    assert {r: (found.pays[r], found.until[r]) for r in found.pays} == {
        "autodiff": crossing(own, others[0]),
        "chain": crossing(own, others[1]),
    }
    read = json.loads(found.to_json())
    assert read["operations"]["shared"]["model"] == 6
    assert read["points"] == 16
    assert read["wrt"] == ["w", "x"]
    assert set(read) == {"wrt", "points", "operations", "routes", "pays", "until"}


def test_what_is_too_large_to_compile_is_named():
    found = break_even("exp(w*x)*w", ["w"], largest=3)
    assert found.routes[0].reason == "not run: 5 operations, more than the limit of 3; raise `largest`"
    assert found.routes[2].call is not None
    assert found.pays == {}


def test_the_table():
    counts = {"model": 1_234, "gradient": 2, "hessian": None}
    costs = (
        RouteCost("symbolic", 0.5, 2e-5),
        RouteCost("autodiff", 0.1, 1.2e-3),
        RouteCost("chain", None, None, "no chain"),
    )
    table = str(BreakEven(("w",), 1, Operations(counts, counts), costs, {"autodiff": 339}, {"autodiff": None}))
    assert table.splitlines() == [
        "operations        shared   written out",
        "model              1,234         1,234",
        "gradient               2             2",
        "hessian      not counted   not counted",
        "",
        "route         first answer   then a call  symbolic pays",
        "symbolic            500 ms         20 µs",
        "autodiff            101 ms        1.2 ms  from 339 calls on",
        "chain         no chain",
    ]


def test_wrong_input():
    for arguments, error, message in [
        ({"points": 0}, OptionError, "points is 0; give a whole number"),
        ({"points": 1.5}, OptionError, "points is 1.5; give a whole number"),
        ({"routes": ["jax"]}, OptionError, "routes holds 'jax'; choose from symbolic, autodiff, chain"),
        ({"routes": []}, OptionError, "routes is empty; choose from"),
        ({"wrt": ["q"]}, SymbolError, "'q', which the expression does not contain"),
        ({"expr": "w*("}, ParseError, "complete it"),
        ({"expr": sp.elliptic_k(w)}, UnsupportedError, "elliptic_k"),
    ]:
        with pytest.raises(error, match=message):
            break_even(**{"expr": w * x, "wrt": [w], **arguments})


def test_the_command(tmp_path):
    path = tmp_path / "costs.json"
    run = CliRunner().invoke(main, ["(w*x - y)**2", "--wrt", "w", "--largest", "1", "--json", str(path)])
    assert run.exit_code == 0
    assert json.loads(path.read_text())["operations"]["shared"]["gradient"] == 5
    run = CliRunner().invoke(main, ["(w*x", "--wrt", "w"])
    assert run.exit_code == 2
    assert run.stderr.count("\n") == 1
    assert "never closed" in run.stderr
