"""Evidence: three routes to one gradient side by side, an arbitrary-precision referee, and a verdict for every number.

>>> import compare
>>> compare.check("x**2", at={"x": 3}).verdict.value
'agree'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "BreakEven": "costs",
    "Comparison": "comparison",
    "Enclosure": "comparison",
    "Row": "comparison",
    "Verdict": "verdict",
    "assert_gradients_agree": "assertions.asserting",
    "break_even": "costs",
    "check": "checking",
    "check_claim": "claims.claim",
}
__all__ = [
    "BreakEven",
    "Comparison",
    "Enclosure",
    "Row",
    "Verdict",
    "assert_gradients_agree",
    "break_even",
    "check",
    "check_claim",
]

if TYPE_CHECKING:
    from compare.assertions.asserting import assert_gradients_agree
    from compare.checking import check
    from compare.claims.claim import check_claim
    from compare.comparison import Comparison, Enclosure, Row
    from compare.costs import BreakEven, break_even
    from compare.verdict import Verdict


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'compare' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"compare.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
