"""Rules made wrong on purpose, one at a time: the check must see each, and name the route."""

import collections
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import compare
from compare import checking
from symdiff import lowering, symbolic
from symdiff.from_sympy import graph_of
from symdiff.function import Absence
from symdiff.functions import FUNCTIONS
from symdiff.special_classes import beta_derivative, binomial_derivative, gamma_density, polygamma_gap, zeta_derivative
from symdiff.special_functions import reduced_sinc, sigmoid
from symdiff.to_sympy import expressions_of

x, y = sp.symbols("x y", positive=True)
R = sp.Rational
ROUTES = ("symbolic", "autodiff", "chain")
# for each function an expression in which each of its partials matters, with operands below and above 10
EXPRESSIONS = {
    "add": x * y + sp.sin(x),
    "subtract": x * y - sp.sin(x),
    "negate": sp.exp(-x * y / 9) + x,
    "multiply": sp.sin(x) * sp.exp(y / 4),
    "divide": (x * y + 1) / (1 + y**2 + x),
    "power_integer": (x * y) ** 3 + sp.sin(x),
    "power_negative": (x * y) ** -2 * sp.sin(x),
    "power_constant": (x + y) ** R(3, 2),
    "power": (1 + x) ** (y / 3),
    "sqrt": sp.sqrt(1 + x * y),
    "exp": sp.exp(x * y / 9) + x,
    "log": sp.log(3 + x * y) * y,
    "sin": sp.sin(x * y) + x,
    "cos": sp.cos(x + y) * x,
    "tan": sp.tan(x * y / 5) + y,
    "tanh": sp.tanh(x * y / 13) + y,
    "sigmoid": sigmoid(x - y) * x,
    "abs": sp.Abs(x - y) * y,
    "maximum": sp.Max(x * y, x + 2 * y),
    "minimum": sp.Min(x * y, x + 2 * y),
    "select": sp.Piecewise((sp.exp(x / 9) * y, x < y), (sp.sin(x) * y, True)),
}
# the same of the other functions, with operands inside their domains
NARROW = sp.tanh(x / 9)  # within (0, 1)
BEYOND = 1 + x * y / 7
FORMS = {
    lambda f: f(x / 8) * y: "cot sec csc erf erfc erfi",
    lambda f: f(x * y / 13) + y: "sinh cosh coth sech csch asinh acsch",
    lambda f: f(NARROW) * y: "asin acos atanh asech erfinv erfcinv",
    lambda f: f(BEYOND) * y: "asec acsc acosh acoth loggamma zeta Ci Chi",
    lambda f: f(x - y / 7) * y: "atan acot softplus expm1 cosm1 exp2 sinc airyai airyaiprime airybi airybiprime",
    lambda f: f(x + y / 7) * y: "log1p log2 log10 real_cbrt gamma factorial Ei Si Shi",
    lambda f: f(x, y): "hypot direction beta binomial",
}
OTHERS = {
    **{name: form(FUNCTIONS[name].sympy) for form, names in FORMS.items() for name in names.split()},
    "logaddexp": FUNCTIONS["logaddexp"].sympy(x / 3, y / 3),
    # of positive operands SymPy makes an atan
    "atan2": sp.atan2(x, y - x),
    "frac": sp.frac(x * y / 7) * y,
    "Mod": sp.Mod(x * y, x + R(1, 7)),
    "reduced_sinc": reduced_sinc(1, x - y / 7) * y,
    "polygamma": sp.polygamma(1, x + y / 7) * y,
    "polygamma_gap": polygamma_gap(0, x, y),
    "beta_derivative": beta_derivative(1, 0, x, y),
    "binomial_derivative": binomial_derivative(0, 1, x, y),
    "gamma_density": gamma_density(1, R(7, 3), x * y / 5) * y,
    "lowergamma": sp.lowergamma(R(7, 3), x * y / 5) * y,
    "uppergamma": sp.uppergamma(R(7, 3), x * y / 5) * y,
    **{str(head): head(2, x + y / 7) * y for head in (sp.besselj, sp.bessely, sp.besseli, sp.besselk)},
    "expint": sp.expint(2, x + y / 7) * y,
    "LambertW": sp.LambertW(x + y / 7) * y,
    "zeta_derivative": zeta_derivative(1, BEYOND) * y,
}
AT = [
    {"x": a, "y": b}
    for a, b in [(0.3, 0.7), (1.25, 0.5), (2.5, 3.75), (12.5, 1.1), (0.45, 13.0), (11.0, 12.5), (7.0, 0.9)]
]
KINDS = ("sign", "factor", "dropped", "swapped", "missing", "beyond 10")


def moving_operands(row):
    return [k for k, partial in enumerate(row.partials) if not isinstance(partial, Absence)]


def faults(expressions, kinds=KINDS):
    """(function, kind, operand) of every mutation that changes a partial somewhere."""
    for name in expressions:
        moving = moving_operands(FUNCTIONS[name])
        for kind in kinds:
            for operand in moving:
                swappable = len(moving) == 2 and name != "add"
                constant_one = name == "add" or (name == "subtract" and operand == 0)
                # off its branch a guard makes the right partial of `select` meet nothing but zeros
                guarded = name == "select" and kind in ("missing", "beyond 10")
                if (kind != "swapped" or swappable) and not (kind == "missing" and constant_one) and not guarded:
                    yield name, kind, operand


def mutated(kind, partials, which, operands, where):
    """The wrong partial in place of the right one; `partials` and `operands` are those that are differentiated in."""
    right = partials[which]
    return {
        "sign": lambda: -right,
        "factor": lambda: right * (1 + 1e-9),
        "dropped": lambda: right * 0,
        "swapped": lambda: partials[1 - which],
        "missing": lambda: right * 0 + 1,
        "beyond 10": lambda: where(sum(map(abs, operands)) > 10, right * 1.5, right),
    }[kind]()


def in_chain(name, kind, operand, monkeypatch):
    row = FUNCTIONS[name]
    moving = moving_operands(row)

    def wrong(*given):
        *arguments, result = given
        partials = [p(*arguments, result) if callable(p) else p for p in (row.partials[k] for k in moving)]
        found = mutated(kind, partials, moving.index(operand), [arguments[k] for k in moving], np.where)
        return np.asarray(found, np.asarray(result).dtype)[()]

    partials = tuple(wrong if k == operand else partial for k, partial in enumerate(row.partials))
    _replace_in_graph(name, monkeypatch, partials=partials)


def _replace_in_graph(name, monkeypatch, **columns):
    wrong = dataclasses.replace(FUNCTIONS[name], **columns)

    def mutant(expressions):
        graph = graph_of(expressions)
        return dataclasses.replace(graph, functions=tuple(wrong if f.name == name else f for f in graph.functions))

    monkeypatch.setattr(checking, "graph_of", mutant)


def in_symbolic(name, kind, operand, monkeypatch):
    right = symbolic._rule
    moving = moving_operands(FUNCTIONS[name])

    def where(condition, taken, otherwise):
        return sp.Piecewise((sp.nsimplify(taken), condition), (otherwise, True))

    def rule(function, which, static, *options):
        if (function.name, which) != (name, operand):
            return right(function, which, static, *options)
        rules = [right(function, k, static, *options) for k in moving]
        partials = [expressions_of(graph, graph.outputs)[0] for graph, _ in rules]
        names = symbolic.operand_names(function)
        operands, position = [names[k] for k in moving], moving.index(operand)
        wrong = mutated(kind, partials, position, operands, where)
        if kind == "factor":
            wrong = partials[position] * (1 + R(1, 10**9))
        graph = graph_of([sp.sympify(wrong)])
        return graph, tuple(graph.inputs.get(name, -1) for name in names)

    monkeypatch.setattr(symbolic, "_rule", rule)


def in_autodiff(name, kind, operand, monkeypatch):
    row, right = FUNCTIONS[name], lowering.resolve
    form, arity = right(row.jax), row.arity
    moving = moving_operands(row)

    def partial_of(primals, static, k):
        if name == "select":
            return jnp.where(primals[0], 1.0, 0.0) if k == 1 else jnp.where(primals[0], 0.0, 1.0)
        return jax.jvp(
            lambda u: form(*primals[:k], u, *primals[k + 1 :], *static),
            primals[k : k + 1],
            (jnp.ones_like(primals[k]),),
        )[1]

    def wrong(*given):
        operands, static = given[:arity], given[arity:]
        function = jax.custom_jvp(lambda *primals: form(*primals, *static))

        @function.defjvp
        def _(primals, tangents):
            partials = [partial_of(primals, static, k) for k in moving]
            which = moving.index(operand)
            partials[which] = mutated(kind, partials, which, [primals[k] for k in moving], jnp.where)
            terms = [partial * tangents[k] for k, partial in zip(moving, partials, strict=True)]
            return form(*primals, *static), sum(terms)

        return function(*operands)

    monkeypatch.setattr(lowering, "resolve", lambda path: wrong if path == row.jax else right(path))


PLANTED = {"symbolic": in_symbolic, "autodiff": in_autodiff, "chain": in_chain}


def blamed(row):
    return {route for route in ROUTES if f"{route} is off" in row.reason or f"{route} gives" in row.reason}


def test_every_function_that_has_a_derivative_is_among_the_expressions():
    with_partials = {row.name for row in FUNCTIONS.values() if moving_operands(row)}
    assert with_partials == {*EXPRESSIONS, *OTHERS}


@pytest.mark.parametrize("name", [*EXPRESSIONS, *OTHERS])
def test_without_a_fault_there_is_no_alarm(name):
    with jax.disable_jit():
        found = compare.check((EXPRESSIONS | OTHERS)[name], at=AT)
    assert not [row for row in found.rows if row.verdict.value in ("disagree", "undecided")]
    assert [row for row in found.rows if row.verdict.value == "agree"]


def hunt(route, planted, expressions):
    """Plant faults one by one: how many of each kind, and those that were not seen or blamed on another route."""
    counted, missed = collections.Counter(), []
    for name, kind, operand in planted:
        # rules, not compilation, are on trial; another test compiles
        with pytest.MonkeyPatch.context() as monkeypatch, jax.disable_jit():
            PLANTED[route](name, kind, operand, monkeypatch)
            found = compare.check(expressions[name], at=AT)
        alarms = [row for row in found.rows if row.verdict.value == "disagree"]
        counted[kind] += 1
        if found.verdict.value != "disagree" or any(blamed(row) != {route} for row in alarms):
            missed.append((name, kind, operand, found.verdict.value, alarms[0].reason if alarms else ""))
    print(route, dict(counted))
    return counted, "\n".join(map(str, missed))


@pytest.mark.parametrize("route", ROUTES)
def test_every_planted_fault_is_seen_and_its_route_named(route):
    counted, missed = hunt(route, faults(EXPRESSIONS), EXPRESSIONS)
    assert not missed
    assert sum(counted.values()) >= 100
    assert min(counted.values()) >= 10


@pytest.mark.parametrize("route", ROUTES)
def test_the_smallest_fault_is_seen_in_every_function(route):
    counted, missed = hunt(route, faults(OTHERS, ["factor"]), OTHERS)
    assert not missed
    assert counted["factor"] >= len(OTHERS)


@pytest.mark.sweep
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", ["sign", "dropped", "swapped", "missing"])
def test_larger_faults_are_seen_in_every_function(route, kind):
    never = {"frac", "Mod"} if kind == "missing" else set()  # their partials are 1 already
    planted = [fault for fault in faults(OTHERS, [kind]) if fault[0] not in never]
    assert not hunt(route, planted, OTHERS)[1]


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_is_seen_in_compiled_code_and_in_float32_too(route, monkeypatch):
    PLANTED[route]("sin", "beyond 10", 0, monkeypatch)
    for dtype in ("float64", "float32"):
        found = compare.check(EXPRESSIONS["sin"], at=AT, dtype=dtype)
        assert found.exit_code == 1
        beyond = [row for row in found.rows if row.verdict.value == "disagree"]
        assert {tuple(row.at.values()) for row in beyond} == {
            tuple(map(np.dtype(dtype).type, (12.5, 1.1))),
            (11.0, 12.5),
        }
        assert all(blamed(row) == {route} for row in beyond)


def test_a_fault_on_one_branch_is_seen_only_there(monkeypatch):
    PLANTED["chain"]("exp", "sign", 0, monkeypatch)
    found = compare.check(sp.Piecewise((sp.exp(x), x < 1), (x**2, True)), at=[{"x": 0.5}, {"x": 2.0}])
    assert [row.verdict.value for row in found.rows] == ["disagree", "agree"]


def test_a_referee_made_wrong_on_purpose_is_called_suspect(monkeypatch):
    _replace_in_graph("exp", monkeypatch, ball=lambda u: (u * (1 + 1e-6)).exp())
    found = compare.check(x * sp.exp(x), at={"x": 2.0})
    assert (found.verdict.value, found.exit_code) == ("undecided", 3)
    assert found.rows[0].reason == (
        "symbolic, autodiff and chain agree with each other, but not with the referee: the referee is suspect"
    )


def test_the_same_mistake_in_two_routes_makes_the_referee_suspect_and_not_the_third_right(monkeypatch):
    PLANTED["chain"]("sin", "sign", 0, monkeypatch)
    PLANTED["symbolic"]("sin", "sign", 0, monkeypatch)
    found = compare.check(sp.sin(x), at={"x": 1.0})
    assert found.verdict.value == "undecided"
    assert found.rows[0].reason == (
        "symbolic and chain agree with each other, but not with the referee nor with autodiff: the referee is suspect"
    )
