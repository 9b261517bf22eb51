"""The fixture, in a run of pytest of its own."""

import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from pathlib import Path

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent.parent
# where symdiff was installed before the entry point was made, the plugin has to be named
INSTALLED = any(point.name == "symdiff" for point in metadata.entry_points(group="pytest11"))
NAMED = () if INSTALLED else ("-p", "compare.assertions.pytest_plugin")
TESTS = """
    import jax.numpy as jnp
    import jax

    @jax.custom_vjp
    def wrong(x):
        return jnp.sin(x)

    wrong.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (-jnp.cos(x) * g,))

    def test_right(gradients_agree):
        assert gradients_agree(jnp.sin, definition="sin(x)", at={"x": 0.5}).verdict == "agree"

    def test_wrong(gradients_agree):
        gradients_agree(wrong, definition="sin(x)", at={"x": 0.5})
"""


def test_a_failing_test_shows_the_worst_row_and_none_of_our_code(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess(*NAMED, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: disagree: d wrong/dx by jax.vjp is -0.8775825618903* and should be 0.8775825618903*"
            ", at x = 0.5 in float64",
            "*referee    0.87758256189037271611*",
            "*probably   the sign is wrong; at every point",
            "*repeat     compare.assert_gradients_agree(wrong, definition='sin(x)', at={'x': 0.5}, dtype='float64')",
        ]
    )
    assert "__tracebackhide__" not in result.stdout.str()


def test_the_fixture_is_described(pytester):
    result = pytester.runpytest_inprocess(*NAMED, "--fixtures")
    result.stdout.fnmatch_lines(["gradients_agree*", "*a test fails with the worst row*"])


def test_pyproject_names_the_plugin():
    with (ROOT / "pyproject.toml").open("rb") as file:
        plugins = tomllib.load(file)["project"]["entry-points"]["pytest11"]
    assert plugins == {"symdiff": "compare.assertions.pytest_plugin"}
    assert hasattr(import_module(plugins["symdiff"]), "gradients_agree")


def test_the_plugin_imports_neither_jax_nor_sympy():
    heavy = "[m for m in ('jax', 'sympy', 'symdiff') if m in sys.modules]"
    code = f"import sys, compare.assertions.pytest_plugin; print({heavy})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603
    assert run.stdout.strip() == "[]"
