"""How a result can be had again: versions and the command line."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any

import sympy as sp

from compare.points import Point
from compare.subject import Subject
from symdiff import models
from symdiff.errors import SymdiffError
from symdiff.model import Model
from symdiff.parsing import parse

PACKAGES = ("symdiff", "sympy", "jax", "jaxlib", "numpy", "python-flint")
# a formula that is longer is not repeated by typing it in
LONGEST_FORMULA = 2_000


def versions() -> dict[str, str]:
    """Version of Python and of every package that a result depends on.

    >>> list(versions())[:3]
    ['python', 'symdiff', 'sympy']
    """
    return dict(_versions())


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """The same, read once: it takes 2 ms."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def command(asked: Subject, at: Any, places: Sequence[Point], points: int | None, seed: int, dtype: str) -> str | None:
    """The command line that repeats a check; None where there is none.

    There is none for a model that is not embedded, whose file is not known here, nor for an expression that its text
    does not give back. `at` are the points as they were given; `points` is None where they were not drawn, and
    `places` are all points. Points drawn under assumptions that a formula text does not carry are written out.

    >>> from compare.subject import read_subject
    >>> x = sp.Symbol("x", real=True)
    >>> command(read_subject(x**2, None), {"x": 2}, [], None, 0, "float64")
    "symdiff check 'x**2' --wrt x --at x=2.0"
    >>> model = models.load("misra1a")
    >>> command(read_subject(model.at_start(2), None), None, [], None, 0, "float32")
    'symdiff check misra1a --wrt b1,b2 --start 2 --dtype float32'
    """
    given = asked.given
    mappings: list[Mapping[Any, Any]] = [] if at is None else [at] if isinstance(at, Mapping) else list(at)
    if isinstance(given, Model):
        found = _embedded(given)
        if found is None:
            return None
        subject, start, moved = given.name, *found
        if moved:
            mappings = list(places) if points is not None else [moved | _by_name(m) for m in mappings or [{}]]
            points = None
    else:
        subject, start = _formula(asked), None
        if subject is None:
            return None
        if points is not None and any(s != sp.Symbol(s.name, real=True) for s in (*asked.symbols, *asked.wrt)):
            mappings, points = list(places), None
    words = ["--wrt", ",".join(symbol.name for symbol in asked.wrt)]
    for mapping in mappings:
        words += ["--at", ",".join(f"{name}={value!r}" for name, value in _by_name(mapping).items())]
    if points is not None:
        words += ["--points", str(points), "--seed", str(seed)]
    return written(subject, words, start, dtype)


def written(subject: str, options: Sequence[str], start: int | None, dtype: str) -> str:
    """A `symdiff check` as it is typed, with the options that are not their defaults.

    >>> written("--ab", ["--wrt", "ab"], None, "float32")
    'symdiff check --wrt ab --dtype float32 -- --ab'
    """
    words = [*options, *(["--start", str(start)] if start is not None else [])]
    words += ["--dtype", dtype] if dtype != "float64" else []
    # two minus signs would be read as the beginning of an option
    formula_last = subject.startswith("--")
    return shlex.join(["symdiff", "check", *([*words, "--", subject] if formula_last else [subject, *words])])


def _by_name(mapping: Mapping[Any, Any]) -> dict[str, float]:
    return {str(key): float(value) for key, value in mapping.items()}


def _embedded(model: Model) -> tuple[int | None, dict[str, float]] | None:
    """Starting point of the embedded model that this is, or the parameters that are elsewhere; None for another."""
    if model.name not in models.names():
        return None
    known = models.load(model.name)
    for start in (None, *range(1, len(known.starts) + 1)):
        if (known if start is None else known.at_start(start)) == model:
            return start, {}
    if known.replace(parameters=model.parameters) != model:
        return None
    before = {symbol: parameter.value for symbol, parameter in known.parameters.items()}
    return None, {s.name: p.value for s, p in model.parameters.items() if p.value != before[s]}


def _formula(asked: Subject) -> str | None:
    """The text of a formula that is read back as the same expression in real symbols."""
    if isinstance(asked.given, str):
        return _no_model(asked.given)
    text = asked.text
    real = {symbol: sp.Symbol(symbol.name, real=True) for symbol in asked.symbols}
    if len(text) > LONGEST_FORMULA or not all(symbol in asked.symbols for symbol in asked.wrt):
        return None
    try:
        return _no_model(text) if parse(text) == asked.expression.xreplace(real) else None
    except SymdiffError:
        return None


def _no_model(text: str) -> str:
    """A formula that the command line does not take for the name of a model or a file."""
    return f"({text})" if text.isidentifier() and (len(text) > 2 or models.is_model(text)) else text
