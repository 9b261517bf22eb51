"""`check_claim` of an expression with matrices, indexed arrays and sums over data, entry by entry."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from compare.arrays.command import command
from compare.arrays.evaluation import ArrayEvaluation, Routes
from compare.arrays.lengths import every_length, refuse_lengths
from compare.arrays.places import Place, places_of, shapes_at
from compare.arrays.rows import ENTRIES, Entry, chosen_entries
from compare.claims.arrays.case import Case
from compare.claims.arrays.claimed import Claimed
from compare.claims.arrays.evidence import gathered
from compare.claims.arrays.example import other_places, simple_places, size
from compare.claims.arrays.guess import guesses
from compare.claims.arrays.judging import Judge
from compare.claims.arrays.proof import proved_equal
from compare.claims.evidence import Guess
from compare.claims.outcome import Outcome
from compare.claims.reading import Claim
from compare.claims.rows import row_of
from compare.claims.values import Found
from compare.comparison import Comparison
from compare.formula import as_text, formulas_of
from compare.row import Row
from compare.subject import Subject
from compare.truth import Truth
from compare.verdict import Verdict
from symdiff.errors import SymdiffError
from symdiff.gradients import gradient
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph
from symdiff.tensors.running import scalar

# entries that are looked at besides random ones: those in which a claim is farthest off
WORST = 4
# relative difference of floats from which a claim is looked at by the referee
OFF = 1e-9
# of an example that tells something: how far off it is, and how large the derivative
PLAIN, TYPICAL = 1e-3, (1e-2, 1e4)
# points that a guess rests on, besides those of other lengths
EVIDENCE = 3

Tried = tuple[Entry, Truth, Found]


@dataclass(frozen=True)
class Seen:
    """A claim at one point: its entries that were looked at, each with the truth and what was found."""

    number: int
    place: Place
    entries: tuple[Tried, ...]

    @property
    def wrong(self) -> list[Tried]:
        """The entries in which the claim is wrong; those with a number first."""
        found = [one for one in self.entries if one[2].equal is False]
        return sorted(found, key=lambda one: one[2].ball is None)


def check_array_claims(
    asked: Subject,
    claims: Sequence[Claim],
    graph: Graph,
    at: Any,
    points: int,
    seed: int,
    dtype: str,
    common: Mapping[str, Any],
) -> Comparison:
    """Judge claims about an expression of arrays; see `claims.claim.check_claim`.

    `graph` is that of the definition, `common` what the comparison holds besides what is found here.

    Raises ShapeError where a claim has neither the shape of its derivative nor that of the transpose.
    """
    number = scalar(graph)
    lengths = every_length(graph, asked.symbols)
    refuse_lengths(lengths, asked.wrt)
    symbols = tuple(s for s in dict.fromkeys((*asked.symbols, *asked.wrt)) if s not in lengths)
    shown = gradient(asked.expression, asked.wrt).graph
    formulas = formulas_of(shown, shown.outputs[1:])
    case = Case(asked.expression, number, asked.wrt, symbols, lengths, dtype)
    sought = places_of(asked, graph, number, symbols, at, points, seed, dtype)
    made_up = simple_places(case, seed) if at is None and not isinstance(asked.given, Model) else []
    routes = Routes(number, asked.wrt, symbols)
    facts = {**common["facts"], **sought.facts}
    rows: list[list[Row]] = []
    outcomes: list[Outcome] = []
    places = list(sought.places)
    for which, (claim, true) in enumerate(zip(claims, formulas, strict=True)):
        judge = Judge(Claimed(case, claim, which))
        seen = [_seen(judge, place, k + 1, seed) for k, place in enumerate(sought.places)]
        example = _example(judge, seen, made_up, len(places) + 1, seed)
        if example is not None and example.number > len(places):
            places.append(example.place)
        failed = example is not None
        proved = not failed and claim.formula is not None and proved_equal(claim.formula, true)
        shown_here = seen if example is None or example in seen else [*seen, example]
        own = [_rows(judge, one, routes, proved) for one in shown_here]
        rows.append([row for group in own for row in group])
        guess = _guess(judge, sought.places, made_up, true, seed) if example is not None else None
        first = None if example is None else own[shown_here.index(example)]
        outcomes.append(_outcome(claim, rows[-1], len(shown_here), true, first, guess, proved))
        count = int(np.prod(np.shape(sought.places[0].arrays[claim.symbol]), dtype=int))
        if count > ENTRIES:
            told = f"{ENTRIES} of {count:,} entries of {claim.symbol}, drawn by seed {seed}"
            facts[f"entries of {claim.symbol}"] = f"{told}, and those in which the claim is farthest off"
    if sought.places[0].named_lengths and len({tuple(place.named_lengths) for place in sought.places}) == 1:
        facts["lengths"] = ", ".join(f"{symbol.name} = {n}" for symbol, n in sought.places[0].named_lengths)
    ordered = tuple(row for group in rows for row in group)
    by_seed = sought.drawn or any("drawn" in fact for fact in facts.values())
    repeat = command(asked, at, points if sought.drawn else None, seed, dtype)
    if repeat is not None and all(claim.call is None for claim in claims):
        own = (f"{name}: {claim.text}" for name, claim in zip(common["wrt"], claims, strict=True))
        repeat = " ".join([repeat, *(f"--claim {shlex.quote(text)}" for text in own)])
    else:
        repeat = None
    told_of: dict[str, Any] = {**common, "facts": facts, "seed": seed if by_seed else None}
    return Comparison(
        **told_of,
        rows=ordered,
        command=repeat,
        formulas=dict(zip(common["wrt"], formulas, strict=True)),
        operations={
            "model": graph.operation_count,
            "model and gradient": gradient_graph(number, asked.wrt).operation_count,
        },
        claims=tuple(outcomes),
        places=tuple(place.numbers for place in places) if any("point" in row.at for row in ordered) else (),
    )


def _seen(judge: Judge, place: Place, number: int, seed: int) -> Seen:
    """A claim at a point: all entries of an array that has few, else random ones and those farthest off."""
    entries = _entries(judge, place, seed)
    truths = judge.case.truths(place, entries)
    return Seen(number, place, tuple(zip(entries, truths, judge.at(place, entries, truths), strict=True)))


def _entries(judge: Judge, place: Place, seed: int) -> list[Entry]:
    which, symbol = judge.claimed.which, judge.claimed.symbol
    every = chosen_entries(judge.case.wrt, shapes_at(place), seed)
    chosen = [entry for entry in every if entry.which == which]
    off = _off(judge, place)
    if off is None or off.size <= len(chosen):
        return chosen
    known = {entry.place for entry in chosen}
    worst = [tuple(map(int, np.unravel_index(k, off.shape))) for k in np.argsort(-off, axis=None)[:WORST]]
    return chosen + [Entry(symbol, which, p) for p in worst if p not in known and off[p] > OFF]


def _off(judge: Judge, place: Place) -> Any:
    """How far off the claim is in each entry, in floats, in units of the largest; None where its shape differs."""
    claimed = judge.claimed
    array = claimed.array(place)
    if claimed.turned(array.shape, place):
        return None
    true = judge.case.gradient(place)[claimed.which]
    scale = float(np.max(np.abs(true), initial=0.0)) or 1.0
    off = np.abs(np.asarray(claimed.fitted(array, place), np.float64) - true) / scale
    return np.where(np.isfinite(off), off, np.inf)


def _example(judge: Judge, seen: Sequence[Seen], made_up: Sequence[Place], number: int, seed: int) -> Seen | None:
    """The smallest point at which the claim is plainly wrong, of those made up, then of those asked for."""
    first: Seen | None = None
    for place in made_up:
        try:
            off = _off(judge, place)
            plain = off is None or float(np.max(off)) > PLAIN
            if (off is not None and not np.any(off > OFF)) or (first is not None and not plain):
                continue
            found = _seen(judge, place, number, seed)
        except SymdiffError:
            continue
        # a wrong number tells more than none, unless the shape itself is wrong
        if found.wrong and (found.wrong[0][2].ball is not None or off is None):
            first = first or found
            true = judge.case.gradient(place)[judge.claimed.which]
            if plain and TYPICAL[0] < float(np.max(np.abs(true))) < TYPICAL[1]:
                return found
    failing = [one for one in seen if one.wrong]
    return first or (min(failing, key=lambda one: size(one.place)) if failing else None)


def _rows(judge: Judge, seen: Seen, routes: Routes, proved: bool) -> list[Row]:
    arrays = {symbol: np.asarray(array, judge.case.dtype) for symbol, array in seen.place.arrays.items()}
    found: ArrayEvaluation = routes.at(arrays, seen.place.lengths, judge.case.dtype)
    at = seen.place.coordinates(seen.number)
    rows: list[Row] = []
    for entry, truth, one in seen.entries:
        place = (entry.which, entry.place)
        numbers = {route: float(found.partials[route][place[0]][place[1]]) for route in ROUTES}
        tolerances = {route: float(found.tolerances[route][place[0]][place[1]]) for route in ROUTES}
        row = row_of(judge.claimed.claim, {}, truth, one, numbers, tolerances, proved)
        rows.append(replace(row, wrt=entry.name, at=at))
    return rows


def _guess(judge: Judge, places: Sequence[Place], made_up: Sequence[Place], true: sp.Basic | str, seed: int) -> Guess:
    others = other_places(judge.case, places[0], seed) if made_up else []
    evidence = gathered(judge.claimed, [*places[:EVIDENCE], *others])
    found = [] if evidence is None else guesses(evidence, judge.claimed.claim.formula, true)
    return found[0] if found else Guess("", "no simple mistake explains it")


def _outcome(
    claim: Claim,
    rows: Sequence[Row],
    points: int,
    true: sp.Basic | str,
    example: Sequence[Row] | None,
    guess: Guess | None,
    proved: bool,
) -> Outcome:
    verdict = Verdict.worst(row.verdict for row in rows)
    told = (str(claim.symbol), claim.text, verdict, as_text(true))
    notes = "; ".join(dict.fromkeys(row.reason for row in rows if row.reason.startswith("equal as")))
    if example is None or guess is None:
        return Outcome(*told, proved and verdict is Verdict.AGREE, points, note=notes)
    wrong = [row for row in example if row.verdict is Verdict.DISAGREE]
    first = min(wrong, key=lambda row: row.claim is None)
    # the same shape at every point, and a ball that excludes the truth
    certain = claim.formula is not None
    return Outcome(*told, certain, points, first, guess.kind, guess.text, notes)
