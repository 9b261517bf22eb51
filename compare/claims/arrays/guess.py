"""What the mistake in a wrong claim about arrays may be: hypotheses tried in numbers, from the likeliest on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from compare.claims.arrays.evidence import Array, Evidence, everywhere, gathered, ratio, same
from compare.claims.arrays.guess_graph import wrong_partials
from compare.claims.evidence import Guess, cut_text, number_text
from compare.formula import as_text
from symdiff.chain import forward
from symdiff.errors import SymdiffError
from symdiff.from_sympy import graph_of
from symdiff.tensors.lengths import concrete, find_lengths
from symdiff.tensors.notation import Entries

LARGEST_GRAPH = 300


def guesses(e: Evidence, formula: Any, true: Any) -> list[Guess]:
    """The mistakes that explain every number, the likeliest first; none where nothing fits.

    `formula` is what is claimed, None of a callable; `true` the derivative as a formula, or a text.
    """
    if e.arrays[0].shape != e.true[0].shape or any(a.shape != t.shape for a, t in zip(e.arrays, e.true, strict=True)):
        if same((turned := e.turned()).arrays, e.true):
            return [Guess("transposed", "transposed: the claim's transpose is right")]
        inner = _of_shape(turned, None, true) or [Guess("", "wrong in a way that no simple mistake explains")]
        return [Guess("transposed", f"transposed; and its transpose is wrong too: {inner[0].text}")]
    square = all(t.ndim == 2 and t.shape[0] == t.shape[1] > 1 for t in e.true)
    turned = e.turned()
    if square and same(turned.arrays, e.true):
        return [Guess("transposed", "transposed: the claim's transpose is right")]
    found = _of_shape(e, formula, true)
    if not found and square:
        inner = [*_factor(turned)]
        found = [Guess("transposed", f"transposed, and {guess.text}") for guess in inner]
    return found or [*_part(e)]


def _of_shape(e: Evidence, formula: Any, true: Any) -> list[Guess]:
    """Of a claim that has the shape of the derivative."""
    graph = wrong_partials(e) if e.case.number.operation_count <= LARGEST_GRAPH else iter(())
    hypotheses = (_factor(e), _other(e), _terms(e, formula, true), graph, _turned_symbol(e, formula), _symmetric(e))
    return next(([first] for hypothesis in hypotheses if (first := next(hypothesis, None)) is not None), [])


def _factor(e: Evidence) -> Iterator[Guess]:
    factors = ratio(e.arrays, e.true)
    if factors is None:
        return
    if everywhere(factors, lambda _: -1.0):
        yield Guess("sign", "wrong sign: it is the true derivative times -1")
        return
    named = _named(e, factors)
    if named is not None:
        yield Guess("factor", f"wrong by the factor {named}: it is the true derivative times {named}")
    elif everywhere(factors, lambda _: factors[0]):
        text = number_text(factors[0], factors[0] - 1.0)
        yield Guess("constant factor", f"wrong by a constant factor: it is the true derivative times {text}")


def _named(e: Evidence, factors: Sequence[float]) -> str | None:
    """A length or a number of the expression, or one over it or twice it, that a factor is at every point."""
    names: dict[str, list[float]] = {}
    for length in {length for place in e.places for length in place.lengths}:
        if all(length in place.lengths for place in e.places):
            names[str(length)] = [float(place.lengths[length]) for place in e.places]
    for symbol in e.case.symbols:
        if all(np.ndim(place.arrays[symbol]) == 0 for place in e.places):
            names[symbol.name] = [float(place.arrays[symbol]) for place in e.places]
    for name, numbers in names.items():
        if len(set(numbers)) < 2:
            # a length that is the same everywhere is no more than a number
            continue
        for form, apply in (("{}", 1), ("1/{}", -1), ("{}**2", 2), ("1/{}**2", -2)):
            if all(numbers) and everywhere(factors, lambda k, n=numbers, p=apply: n[k] ** p):
                return form.format(name)
            if all(numbers) and everywhere(factors, lambda k, n=numbers, p=apply: -(n[k] ** p)):
                return "-" + form.format(name)
    return None


def _other(e: Evidence) -> Iterator[Guess]:
    own = e.claimed.symbol
    for symbol in e.truths[0]:
        if symbol == own:
            continue
        other = [truth[symbol] for truth in e.truths]
        if not same(other, e.true) and same(e.arrays, other):
            text = f"wrong variable: this is the partial derivative in {symbol}, not in {own}"
            yield Guess("wrong variable", text)
            return


def _terms(e: Evidence, formula: Any, true: Any) -> Iterator[Guess]:
    """Terms of the true derivative that are missing or wrong in the claim, and terms of the claim that are too many."""
    for term in _addends(true):
        arrays = _values(e, term)
        factors = None if arrays is None else ratio(e.difference, arrays)
        if arrays is None or factors is None:
            continue
        told = cut_text(as_text(term))
        if everywhere(factors, lambda _: -1.0):
            yield Guess("dropped term", f"a dropped term: {told} is missing")
        elif everywhere(factors, lambda _: -2.0):
            yield Guess("sign", f"wrong sign of one term: {told} enters with the opposite sign")
        elif (named := _named(e, [1.0 + c for c in factors])) is not None:
            yield Guess("factor", f"wrong factor of one term: {told} is multiplied by {named}")
        elif everywhere(factors, lambda _, f=factors: f[0]):
            text = number_text(1.0 + factors[0], factors[0])
            yield Guess("constant factor", f"wrong factor of one term: {told} is multiplied by {text}")
        else:
            continue
        return
    for term in _addends(true):
        arrays = _values(e, term)
        if arrays is None or not all(a.ndim == 2 and a.shape == a.T.shape for a in arrays):
            continue
        if same(e.difference, [a.T - a for a in arrays]):
            yield Guess("transposed", f"transposed in one term: {cut_text(as_text(term))} enters transposed")
            return
    for term in _addends(formula):
        arrays = _values(e, term)
        if arrays is not None and same(e.difference, arrays):
            yield Guess("added term", f"an added term: {cut_text(as_text(term))} is too much")
            return


def _addends(formula: Any) -> list[Any]:
    """The terms of a sum of matrices, as it is written and multiplied out, or of the entry of an array."""
    if not isinstance(formula, sp.Basic):
        return []
    if isinstance(formula, Entries):
        return [Entries(term, *formula.limits) for term in _addends(formula.function)]
    found = [*sp.Add.make_args(formula), *(formula.args if formula.is_Matrix and formula.is_MatAdd else ())]  # type: ignore[attr-defined]
    try:
        expanded: Any = sp.expand(formula)
        found += expanded.args if getattr(expanded, "is_MatAdd", expanded.is_Add) else ()
    except Exception:  # SymPy's algebra of matrices has errors of its own
        expanded = formula
    return [term for term in dict.fromkeys(found) if term != formula]


def _values(e: Evidence, term: Any) -> list[Array] | None:
    """A term at every point, in the shape of the derivative."""
    found: list[Array] = []
    try:
        graph = graph_of([term])
        for place, true in zip(e.places, e.true, strict=True):
            shapes = {symbol: np.shape(array) for symbol, array in place.arrays.items()}
            own = {symbol: shapes[symbol] for symbol in graph.inputs if symbol in shapes}
            fixed = concrete(graph, find_lengths(graph, own, place.lengths), shapes)
            values = forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})
            array = np.asarray(values[fixed.outputs[0]], np.float64)
            if array.size != true.size or not np.all(np.isfinite(array)):
                return None
            found.append(array.reshape(true.shape))
    except (SymdiffError, KeyError, ValueError):
        return None
    return found


def _turned_symbol(e: Evidence, formula: Any) -> Iterator[Guess]:
    """A square matrix that stands in the claim where its transpose would be right."""
    if not isinstance(formula, sp.Basic):
        return
    for symbol in sorted(formula.atoms(sp.MatrixSymbol), key=str):
        if symbol.shape[0] != symbol.shape[1]:
            continue
        swapped = formula.xreplace({symbol: sp.Transpose(symbol)})
        arrays = _values(e, swapped)
        if arrays is not None and same(arrays, e.true):
            yield Guess("transposed", f"transposed inside: with {symbol}.T in the place of {symbol} it is right")
            return


def _symmetric(e: Evidence) -> Iterator[Guess]:
    """A square matrix for which the claim is right where it is symmetric."""
    for symbol in e.case.symbols:
        shapes = [np.shape(place.arrays[symbol]) for place in e.places]
        if all(len(shape) == 2 and shape[0] == shape[1] for shape in shapes) and any(shape[0] > 1 for shape in shapes):
            moved = [replace(p, arrays={**p.arrays, symbol: (a := p.arrays[symbol]) + a.T}) for p in e.places]
            again = gathered(e.claimed, moved)
            if again is not None and len(again.places) == len(e.places) and same(again.arrays, again.true):
                text = f"valid only on part of the domain: right only where {symbol} is symmetric"
                yield Guess("part of the domain", text)
                return


def _part(e: Evidence) -> Iterator[Guess]:
    """Where in the array a claim is right."""
    wrong = [
        ~np.isclose(a, t, rtol=1e-9, atol=1e-12 * np.max(np.abs(t), initial=0.0))
        for a, t in zip(e.arrays, e.true, strict=True)
    ]
    if all(np.all(w) for w in wrong) or any(w.ndim == 0 for w in wrong):
        return
    square = all(w.ndim == 2 and w.shape[0] == w.shape[1] > 1 for w in wrong)
    if square and all(not np.any(w & ~np.eye(len(w), dtype=bool)) for w in wrong):
        yield Guess("part of the entries", "wrong on the diagonal only")
    elif square and all(not np.any(np.diagonal(w)) for w in wrong):
        yield Guess("part of the entries", "right on the diagonal only")
    else:
        first = next(w for w in wrong if not np.all(w))
        yield Guess(
            "part of the entries",
            f"right in some entries only: wrong in {int(first.sum())} of {first.size} at one point",
        )
