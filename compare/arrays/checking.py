"""`check` of an expression with matrices, indexed arrays and sums over data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.arrays.command import command
from compare.arrays.evaluation import Routes
from compare.arrays.lengths import every_length, refuse_lengths
from compare.arrays.places import Place, places_of, shapes_at
from compare.arrays.rows import ENTRIES, Entry, chosen_entries, rows_at
from compare.arrays.second_rows import ENTRIES as SECOND_ENTRIES
from compare.arrays.second_rows import ROWS as SECOND_ROWS
from compare.arrays.second_rows import second_entries, second_rows_at
from compare.arrays.stress import stressed_places
from compare.comparison import Comparison
from compare.explanations.repeating import with_commands
from compare.formula import formulas_of
from compare.row import Row
from compare.subject import Subject
from compare.verdict import Verdict
from symdiff.errors import UnsupportedError
from symdiff.gradients import gradient
from symdiff.graph import Graph
from symdiff.symbolic import gradient_graph
from symdiff.tensors.running import scalar


def check_arrays(
    asked: Subject,
    graph: Graph,
    at: Any,
    points: int,
    seed: int,
    dtype: str,
    common: Mapping[str, Any],
    order: int = 1,
    stress: bool = False,
    bounds: Mapping[Any, tuple[float, float]] | None = None,
) -> Comparison:
    """Compare the three routes with the referee for entries of every partial derivative; see `checking.check`.

    `graph` is that of the definition, `common` what the comparison holds besides what is found here.
    """
    number = scalar(graph)
    lengths = every_length(graph, asked.symbols)
    refuse_lengths(lengths, asked.wrt)
    symbols = tuple(s for s in dict.fromkeys((*asked.symbols, *asked.wrt)) if s not in lengths)
    names = tuple(symbol.name for symbol in asked.wrt)
    try:
        derived = gradient_graph(number, asked.wrt)
        shown = gradient(asked.expression, asked.wrt).graph
    except UnsupportedError as error:
        refused = tuple(Row.without_numbers(name, Verdict.UNSUPPORTED, str(error)) for name in names)
        return Comparison(**common, rows=refused)
    sought = places_of(asked, graph, number, symbols, at, points, seed, dtype)
    found, drawn, facts = sought.places, sought.drawn, {**common["facts"], **sought.facts}
    if stress:
        found += stressed_places(number, symbols, found[0], len(found), seed, dtype, bounds or {})
    routes = Routes(number, asked.wrt, symbols)
    rows: list[Row] = []
    if order == 2:
        count = len(second_entries(asked.wrt, shapes_at(found[0]), seed))
        found = found[: max(1, SECOND_ROWS * 2 // (count * (count + 1)))]
    for k, place in enumerate(found):
        rows += _rows(routes, place, k + 1, seed, dtype, order)
    if found[0].named_lengths and len({tuple(place.named_lengths) for place in found}) == 1:
        facts["lengths"] = ", ".join(f"{symbol.name} = {n}" for symbol, n in found[0].named_lengths)
    total = sum(int(np.size(found[0].arrays[symbol])) for symbol in asked.wrt)
    if order == 2 and total > SECOND_ENTRIES:
        facts["entries"] = f"pairs of {SECOND_ENTRIES} of {total:,} entries, drawn by seed {seed}"
    for symbol in asked.wrt if order == 1 else ():
        count = int(np.prod(np.shape(found[0].arrays[symbol]), dtype=int))
        if count > ENTRIES:
            facts[f"entries of {symbol.name}"] = (
                f"{ENTRIES} of {count:,} entries of {symbol.name}, drawn by seed {seed}"
            )
    repeat = command(asked, at, points if drawn or stress else None, seed, dtype)
    if repeat is not None:
        words = ["--order 2"] * (order == 2) + ["--stress"] * stress
        repeat = " ".join(["symdiff check", *words, repeat.removeprefix("symdiff check ")])
    formulas = dict(zip(names, formulas_of(shown, shown.outputs[1:]), strict=True)) if order == 1 else {}
    by_seed = drawn or stress or any("drawn" in fact for fact in facts.values())
    told: dict[str, Any] = {**common, "wrt": names, "facts": facts, "seed": seed if by_seed else None}
    return Comparison(
        **told,
        rows=with_commands(rows, repeat),
        command=repeat,
        model=asked.expression,
        formulas=formulas,
        operations={"model": graph.operation_count, "model and gradient": derived.operation_count},
        places=tuple(place.numbers for place in found) if any("point" in row.at for row in rows) else (),
    )


def _rows(routes: Routes, place: Place, k: int, seed: int, dtype: str, order: int) -> list[Row]:
    arrays = {symbol: np.asarray(array, dtype) for symbol, array in place.arrays.items()}
    shapes = {symbol: np.shape(array) for symbol, array in arrays.items()}
    fixed = routes.definition(shapes, place.lengths)
    if order == 2:
        pairs_of = second_entries(routes.wrt, shapes, seed)
        return second_rows_at(fixed, routes.wrt, arrays, pairs_of, place.coordinates(k), dtype)
    entries: list[Entry] = chosen_entries(routes.wrt, shapes, seed)
    found = routes.at(arrays, place.lengths, dtype)
    return rows_at(fixed, arrays, entries, found, place.coordinates(k), dtype)
