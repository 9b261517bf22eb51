"""The command line that repeats a check of arrays: shapes, and the points by seed or written out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from compare import provenance
from compare.formula import as_text
from compare.points import mappings
from compare.provenance import LONGEST_FORMULA, written
from compare.subject import Subject
from symdiff.errors import SymdiffError
from symdiff.from_sympy import graph_of
from symdiff.model import Model
from symdiff.parsing import parse

# numbers of all given points together that are written out
NUMBERS = 400


def command(asked: Subject, at: Any, points: int | None, seed: int, dtype: str) -> str | None:
    """The command that repeats a check; None where there is none. `points` is how many were drawn, else None.

    There is none for an expression that its text does not give back, for assumptions that a text does not carry, for
    large arrays that were given, and for a model that is not embedded.

    >>> from compare.subject import read_subject
    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> x = sp.MatrixSymbol("x", n, 1)
    >>> command(read_subject(sp.Trace(x * x.T), None), {"x": [[1], [2]]}, None, 0, "float64")
    "symdiff check 'Trace(x*x.T)' --wrt x --shape 'x: n,1' --at 'x=[[1.0],[2.0]]'"
    """
    if isinstance(asked.given, Model):
        try:
            return provenance.command(asked, None, [], None, seed, dtype) if at is None else None
        except (ValueError, TypeError):
            # parameters that are arrays are elsewhere than in the embedded model
            return None
    words = ["--wrt", ",".join(symbol.name for symbol in asked.wrt)]
    shapes = shape_words(asked)
    text = as_text(asked.expression)
    if shapes is None or not _read_back(asked, text):
        return None
    words += shapes
    if at is not None:
        given = [place_text(mapping) for mapping in mappings(at)]
        if any(one is None for one in given):
            return None
        words += [word for one in given for word in ("--at", str(one))]
    elif points is not None:
        words += ["--points", str(points), "--seed", str(seed)]
    return written(text, words, None, dtype)


def shape_words(asked: Subject) -> list[str] | None:
    """`--shape 'W: 4,3'` for every array; None for a shape or assumptions that it cannot say."""
    words: list[str] = []
    for symbol in asked.symbols:
        if isinstance(symbol, sp.Symbol):
            if symbol != sp.Symbol(symbol.name, real=True):
                return None
            continue
        lengths = tuple(symbol.shape or ())
        if not isinstance(symbol, sp.MatrixSymbol | sp.IndexedBase) or not all(map(_sayable, lengths)):
            return None
        told = ",".join(map(str, lengths))
        if isinstance(symbol, sp.IndexedBase):
            if symbol.label != sp.Symbol(symbol.name) or symbol.offset != 0:
                return None
            told = f"indexed {told}".strip()
        words += ["--shape", f"{symbol.name}: {told}"]
    return words


def _sayable(length: Any) -> bool:
    return isinstance(length, (int | sp.Integer, sp.Symbol))


def _read_back(asked: Subject, text: str) -> bool:
    """Whether the formula's text gives back an expression of the same graph."""
    if len(text) > LONGEST_FORMULA:
        return False
    try:
        again = parse(text, symbols=[*asked.symbols, *(s for s in asked.wrt if s not in asked.symbols)])
        return again == asked.expression or len(set(graph_of([again, asked.expression]).outputs)) == 1
    except SymdiffError:
        return False


def place_text(mapping: Mapping[Any, Any]) -> str | None:
    """A point as `--at` takes it, arrays in brackets; None for one of very many numbers.

    >>> place_text({"w": 0.5, "X": np.array([[1.0, 2.0]])})
    'w=0.5,X=[[1.0,2.0]]'
    """
    parts: list[str] = []
    total = 0
    for key, value in mapping.items():
        array = np.asarray(value, np.float64)
        total += array.size
        name = getattr(key, "name", str(key))
        whole = array.ndim == 0 and isinstance(value, int | np.integer)
        number = str(int(value)) if whole else json.dumps(array.tolist(), separators=(",", ":"))
        parts.append(f"{name}={number}")
    return ",".join(parts) if total <= NUMBERS else None


def gathered(at: Mapping[str, float]) -> dict[str, Any]:
    """Entries such as "W[0, 2]" of a row's point as arrays by name; other numbers as they are.

    >>> gathered({"x[0]": 1.0, "x[1]": 2.0, "w": 3.0})
    {'x': [1.0, 2.0], 'w': 3.0}
    """
    found: dict[str, Any] = {}
    entries: dict[str, dict[tuple[int, ...], float]] = {}
    for name, value in at.items():
        array, bracket, rest = name.partition("[")
        if not bracket:
            found[name] = value
            continue
        found.setdefault(array, None)
        entries.setdefault(array, {})[tuple(int(word) for word in rest.rstrip("]").split(","))] = value
    for name, its in entries.items():
        array = np.zeros(tuple(1 + max(axis) for axis in zip(*its, strict=True)))
        for place, value in its.items():
            array[place] = value
        found[name] = array.tolist()
    return found


def row_words(wrt: str, at: Mapping[str, float]) -> Sequence[str] | None:
    """`--wrt` and `--at` that repeat a row of a check of arrays; None where its point is not written in it."""
    if "point" in at:
        return None
    arrays = dict.fromkeys(part.partition("[")[0].strip() for part in wrt.split("],"))
    text = place_text(gathered(at))
    return None if text is None else ["--wrt", ",".join(arrays), "--at", text]
