"""Somebody's functions against their definitions: wrong rules are seen, right ones are not."""

import importlib.util
import re
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import compare
from compare import assert_gradients_agree
from compare.verdict import Verdict
from symdiff.errors import InputError, OptionError, SymbolError

_spec = importlib.util.spec_from_file_location("function_cases", Path(__file__).parent / "function_cases.py")
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

x, y = sp.symbols("x y", real=True)


def check_case(case, **options):
    return assert_gradients_agree(case.f, definition=case.definition, args=case.args, **options)


def some(names):
    """Every ninth case now, the others in the sweep: each takes JAX a second or two to compile."""
    return [pytest.param(name, marks=() if k % 9 == 0 else pytest.mark.sweep) for k, name in enumerate(names)]


@pytest.mark.parametrize("name", some(cases.WRONG))
def test_wrong_rules_are_seen(name):
    with pytest.raises(AssertionError, match=r"^disagree: (d |the value of |the derivative of ).* should be "):
        check_case(cases.WRONG[name])


@pytest.mark.parametrize("name", some(cases.RIGHT))
def test_right_rules_are_not_flagged(name):
    found = check_case(cases.RIGHT[name])
    assert found.verdict in (Verdict.AGREE, Verdict.INACCURATE)
    assert {row.mode for row in found.rows} >= {"value", "jax.vjp"}
    assert {row.dtype for row in found.rows} == {"float64", "float32"}


def test_there_are_enough_kinds_of_both():
    assert len(cases.WRONG) >= 30
    assert len(cases.RIGHT) >= 30


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("sign", "the sign is wrong"),
        ("factor 1+1e-9", "a factor of 1 +1e-09"),
        ("factor 2", "a factor of 2"),
        ("swapped partials", "it is what belongs to x"),
        ("only beyond 10", "a factor of 0.966667; only where |x| > "),
        ("only for negative", "only where x < 0"),
        ("float32 only", "only in float32"),
        ("cotangent left out", "not linear in its cotangent or tangent"),
        ("log base", "a factor of 0.693147"),
        ("zero", "it is zero"),
    ],
)
def test_the_message_guesses_the_mistake(name, guess):
    with pytest.raises(AssertionError) as failure:
        check_case(cases.WRONG[name])
    (line,) = [line for line in str(failure.value).splitlines() if line.strip().startswith("probably")]
    assert guess in line


def test_the_message_is_the_worst_row_and_repeats_itself():
    case = cases.WRONG["factor 1+1e-9"]
    with pytest.raises(AssertionError) as failure:
        assert_gradients_agree(case.f, definition=sp.sin(x), at=[{"x": 0.5}, {"x": 1.25}])
    text = str(failure.value)
    # cos(0.5) from a table
    assert "referee    0.87758256189037271611" in text
    assert re.search(r"error      8\.78e-10: [\d.e+]+ ulps, 9\.0 digits are right", text)
    assert "tolerance" in text
    assert "kappa = 0.273" in text
    (repeated,) = re.findall(r"repeat     (.*)", text)
    assert repeated.endswith("definition='sin(x)', at={'x': 0.5}, dtype='float64')")
    with pytest.raises(AssertionError, match=re.escape(text.splitlines()[0])):
        eval(repeated, {"compare": compare, "sin": case.f})  # noqa: S307 - our own message


def test_a_rule_wrong_along_two_directions_at_once_only():
    def rule(arguments, tangents):
        u, v = arguments
        return v * tangents[0] + u * tangents[1] + tangents[0] * tangents[1]

    wrong = cases.forward_rule(lambda u, v: u * v, rule)
    with pytest.raises(AssertionError, match=r"^disagree: .*direction \(1, 1\)|^disagree: .*jax.vjp"):
        assert_gradients_agree(wrong, definition=x * y, args=[x, y], points=4)


def test_kinks_are_listed_and_do_not_fail():
    found = assert_gradients_agree(jnp.abs, definition=sp.Abs(x), args=[x], at=[{"x": 0}, {"x": 2}])
    undefined = [row for row in found.rows if row.verdict is Verdict.UNDEFINED]
    assert {row.at["x"] for row in undefined} == {0.0}
    assert {row.slopes for row in undefined} == {(-1.0, 1.0)}
    assert found.verdict is Verdict.AGREE


def test_inaccurate_fails_only_where_that_is_asked_for():
    assert assert_gradients_agree(jnp.tanh, definition="tanh(x)", at={"x": 30.0}).verdict is Verdict.INACCURATE
    with pytest.raises(AssertionError, match=r"^inaccurate: d tanh/dx by jax\.vjp is 0\.0 and should be 3\.5"):
        assert_gradients_agree(jnp.tanh, definition="tanh(x)", at={"x": 30.0}, accurate=True)


def test_what_cannot_be_decided_fails_at_given_points():
    # sin(pi*n) is zero, which no enclosure of pi says
    with pytest.raises(AssertionError, match=r"^(undecided|disagree): "):
        assert_gradients_agree(lambda x: 1 / jnp.sin(jnp.pi * x), definition=1 / sp.sin(sp.pi * x), at={"x": 1.0})


def test_unsupported_functions_are_named():
    with pytest.raises(AssertionError, match=r"^unsupported: .*(?s:.)*besselj"):
        assert_gradients_agree(lambda x: x, definition=sp.besselj(x, 2), points=2)


def test_elementwise_functions_are_given_whole_arrays():
    seen = []

    def cube(u):
        seen.append(u.shape)
        return u**3

    assert_gradients_agree(cube, definition=x**3, points=5, elementwise=True)
    # five drawn points, and 0, 1, -1
    assert (8,) in seen
    with pytest.raises(AssertionError, match=r"^disagree: "):
        assert_gradients_agree(lambda u: jnp.cumsum(u**3), definition=x**3, points=5, elementwise=True)


def test_a_gradient_written_in_plain_python():
    import math

    assert_gradients_agree(math.sin, math.cos, definition=sp.sin(x), points=8, dtype="float64")
    with pytest.raises(AssertionError, match=r"^disagree: d sin/dx by gradient"):
        assert_gradients_agree(math.sin, lambda u: -math.cos(u), definition=sp.sin(x), points=8)
    assert_gradients_agree(lambda u, v: u * v, lambda u, v: {"x": v, "y": u}, definition=x * y, args=[x, y], points=8)


@pytest.mark.parametrize(
    ("claim", "verdict"), [("2*x*sin(y)", "agree"), ("x*sin(y)", "disagree"), (lambda x, y: 2 * x * np.sin(y), "agree")]
)
def test_a_claimed_gradient_of_a_formula(claim, verdict):
    subject = x**2 * sp.sin(y)
    if verdict == "agree":
        assert assert_gradients_agree(subject, claim, wrt="x").verdict == "agree"
        return
    with pytest.raises(AssertionError, match=r"^disagree: d x\*\*2\*sin\(y\)/dx"):
        assert_gradients_agree(subject, claim, wrt="x")


def test_a_formula_alone_is_checked_by_its_routes():
    assert assert_gradients_agree("x**2*y").verdict == "agree"
    assert assert_gradients_agree(sp.Max(x, y), at={"x": 1, "y": 1}).verdict == "undefined"


BY_ITSELF = [
    "sign", "factor 2", "swapped partials", "missing chain factor", "only beyond 10", "wrong second branch", "zero",
    "cotangent squared", "jvp: dropped tangent", "clipped gradient", "float32 only", "log base", "factor 1+1e-9",
]  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", BY_ITSELF)
def test_without_a_definition_wrong_rules_are_seen_and_the_message_bewares(name):
    case = cases.WRONG[name]
    names = [[str(s) for s in entry] if isinstance(entry, list) else str(entry) for entry in case.args]
    at = [{"p": u} for u in (0.3, 2.5, 40.0)] if names == ["p"] else None
    with pytest.raises(AssertionError, match=r"(?s)^disagree: .*no certified referee"):
        assert_gradients_agree(case.f, args=names, at=at)


RIGHT_BY_ITSELF = [
    "softplus, jax.nn", "softplus, custom_vjp", "softplus, custom_jvp", "logsumexp, custom_vjp", "norm, custom_vjp",
    "tanh", "product, custom_jvp", "relu", "elu", "python branch", "erf", "expm1", "cube", "quotient",
]  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", RIGHT_BY_ITSELF)
def test_without_a_definition_right_rules_are_not_flagged(name):
    case = cases.RIGHT[name]
    names = [
        [[str(s) for s in row] if isinstance(row, list) else str(row) for row in entry]
        if isinstance(entry, list)
        else str(entry)
        for entry in case.args
    ]
    found = assert_gradients_agree(case.f, args=names)
    assert not any(row.certified for row in found.rows)


@pytest.mark.parametrize(
    ("f", "options", "kind", "message"),
    [
        (3j, {}, OptionError, r"f is 3j \(complex\); give"),
        (sp.sin, {}, OptionError, "give a SymPy expression"),
        (jnp.sin, {"definition": x * y}, SymbolError, r"the function takes \(x\), the definition contains x, y"),
        (jnp.sin, {"definition": x * y, "args": [x]}, SymbolError, "contains y, which args"),
        (jnp.sin, {"definition": x * y, "args": [x, y]}, OptionError, "cannot be called with 2 arguments"),
        (jnp.sin, {"definition": x, "args": [sp.Symbol("x")]}, SymbolError, "assumptions differ"),
        (jnp.sin, {"definition": x, "args": [[x, x]]}, SymbolError, "names a symbol twice"),
        (jnp.hypot, {"definition": x + y, "args": [[x, y], []]}, OptionError, r"args holds \[\]"),
        (lambda x: jnp.stack([x, x]), {"definition": x}, OptionError, r"array of shape \(2,\) of one point"),
        (lambda x: jnp.sum(x), {"definition": x, "elementwise": True}, OptionError, r"shape \(\) of two points"),
        (lambda x: x > 0, {"definition": x}, OptionError, "returns bool, which has no real derivative"),
        (lambda x: jax.lax.complex(x, x), {"definition": x}, OptionError, "returns complex128"),
        (lambda x: x[0], {"definition": x}, InputError, r"raised .*give args=\[\[x1, x2\]\]"),
        (lambda x: np.sin(float(x)), {"definition": sp.sin(x)}, InputError, "JAX cannot differentiate .*jax.numpy"),
        (jnp.sin, {"definition": x, "dtype": "float16"}, OptionError, "dtype is 'float16'"),
        (jnp.sin, {"definition": x, "points": 0}, OptionError, "points is 0"),
        (jnp.sin, {"definition": x, "seed": 1.5}, OptionError, "seed is 1.5"),
        (jnp.sin, {"definition": x, "gradient": "cos(x)"}, OptionError, "gradient is 'cos"),
        (jnp.sin, {"definition": x, "gradient": lambda x: (x, x)}, OptionError, "returns 2 numbers for 1"),
        (jnp.sin, {"definition": x, "gradient": lambda: 1}, InputError, "the gradient raised TypeError"),
        (jnp.sin, {"definition": x, "at": {"z": 1}}, SymbolError, "z"),
        (jnp.sin, {"wrt": "x"}, OptionError, "wrt goes with"),
        ("x**2", {"definition": x}, OptionError, "definition goes with a Python function"),
        ("x**2", {"args": [x]}, OptionError, "args goes with a Python function"),
    ],
)
def test_wrong_usage_is_one_clear_line(f, options, kind, message):
    with pytest.raises(kind, match=message) as failure:
        assert_gradients_agree(f, **options)
    assert "\n" not in str(failure.value)


def test_the_comparison_can_be_saved(tmp_path):
    found = assert_gradients_agree(jnp.sin, definition=sp.sin(x), args=[x], points=4)
    for name in ("r.json", "r.html", "r.md"):
        found.save(tmp_path / name)
    assert found.to_dict()["rows"][1]["source"] in ("jax.vjp", "jax.jvp")


@pytest.mark.sweep
def test_beside_check_grads(capsys):
    """A table of what `jax.test_util.check_grads` says of the same functions; run with -s."""
    from jax.test_util import check_grads

    def judged(case, dtype):
        generator = np.random.default_rng(0)
        given = [np.asarray(np.abs(generator.normal(size=shape(entry))) + 0.1, dtype) for entry in case.args]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check_grads(case.f, [jnp.asarray(u) for u in given], order=1, modes=["rev"])
        except AssertionError:
            return "seen"
        except Exception as error:
            return type(error).__name__
        return "missed"

    def shape(entry):
        return np.shape(np.array(entry, object))

    rows = []
    for kind, listed in (("wrong", cases.WRONG), ("right", cases.RIGHT)):
        for name, case in listed.items():
            try:
                check_case(case)
                ours = "missed"
            except AssertionError:
                ours = "seen"
            rows.append((kind, name, ours, judged(case, np.float64), judged(case, np.float32)))
    with capsys.disabled():
        print("\nfunction | ours | check_grads float64 | check_grads float32")
        for kind, name, *found in rows:
            print(f"{kind}: {name} | {' | '.join(found)}")
        for kind in ("wrong", "right"):
            here = [row for row in rows if row[0] == kind]
            print(kind, len(here), *(sum(row[k] == "seen" for row in here) for k in (2, 3, 4)))
    assert all((row[2] == "seen") == (row[0] == "wrong") for row in rows)
    assert jax.config.jax_enable_x64


def test_a_definition_of_arrays_is_refused_in_one_line():
    square = sp.MatrixSymbol("A", 2, 2)
    with pytest.raises(OptionError, match="the definition holds the array A; give one of numbers"):
        compare.assert_gradients_agree(lambda a: 0.0 * a, definition=sp.Trace(square * square))
