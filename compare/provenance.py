"""How a result can be had again: versions and the command line."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import sympy as sp

PACKAGES = ("symdiff", "sympy", "jax", "jaxlib", "numpy", "python-flint")


def versions() -> dict[str, str]:
    """Version of Python and of every package that a result depends on.

    >>> list(versions())[:3]
    ['python', 'symdiff', 'sympy']
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def command(subject: str, wrt: Sequence[sp.Symbol], at: Any, points: int | None, seed: int, dtype: str) -> str:
    """The command line that repeats a check; `points` is None where they were not drawn.

    >>> x = sp.Symbol("x", real=True)
    >>> command("x**2", [x], {"x": 2.0}, None, 0, "float64")
    "symdiff check 'x**2' --wrt x --at x=2.0"
    """
    words = ["symdiff", "check", subject, "--wrt", ",".join(str(symbol) for symbol in wrt)]
    mappings: list[Mapping[Any, Any]] = [] if at is None else [at] if isinstance(at, Mapping) else list(at)
    for mapping in mappings:
        words += ["--at", ",".join(f"{key}={value!r}" for key, value in mapping.items())]
    if points is not None:
        words += ["--points", str(points), "--seed", str(seed)]
    if dtype != "float64":
        words += ["--dtype", dtype]
    return shlex.join(words)
