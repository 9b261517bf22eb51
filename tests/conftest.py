"""What every test stands on: float64, JAX without silent promotion, seeds that never change, no setting left behind."""

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
