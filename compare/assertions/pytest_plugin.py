"""A pytest plugin: the fixture `gradients_agree`, which is `compare.assert_gradients_agree`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def gradients_agree() -> Callable[..., Any]:
    """`compare.assert_gradients_agree`: a test fails with the worst row.

    def test_softplus(gradients_agree):
        gradients_agree(my_softplus, definition="log(1 + exp(x))")
    """
    # here: a run of pytest without such a test imports neither JAX nor SymPy
    from compare.assertions.asserting import assert_gradients_agree

    return assert_gradients_agree
