"""The largest error measured of each row of the function table; `compare.benchmarks.functions` makes the file."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def function_errors() -> dict[str, dict[str, dict[str, float | None]]]:
    """The largest error, {row: {dtype: {route: units}}}, in units of eps*(1 + condition number); see `row_accuracy`.

    It is over value, first and second derivatives; None where a number was wrong altogether.

    >>> sorted(function_errors()["exp"])
    ['float32', 'float64']
    """
    text = (resources.files("symdiff") / "function_errors.json").read_text()
    return json.loads(text)["rows"]
