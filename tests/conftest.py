"""What every test stands on: float64, JAX without silent promotion, seeds that never change, no setting left behind."""

import collections
import random

import hypothesis
import jax
import numpy as np
import pytest

# the three settings under which JAX refuses what it would otherwise guess
STRICT = {"jax_enable_x64": True, "jax_numpy_dtype_promotion": "strict", "jax_numpy_rank_promotion": "raise"}
for setting, value in STRICT.items():
    jax.config.update(setting, value)

# the same examples in every run, on every machine; the time of one example is nobody's business
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)
    np.random.seed(0)
    yield
    assert {name: getattr(jax.config, name) for name in STRICT} == STRICT


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """What JAX has compiled serves one file: kept to the end it comes to five gigabytes a process."""
    yield
    jax.clear_caches()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a parametrized test marked `sampled(n)` every n-th case runs by default; the others join the sweep."""
    seen = collections.Counter()
    for item in items:
        marker = item.get_closest_marker("sampled")
        if marker is None:
            continue
        (every,) = marker.args
        if seen[item.function] % every:
            item.add_marker(pytest.mark.sweep)
        seen[item.function] += 1
