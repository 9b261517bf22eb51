"""Every row of the function table as a kind of the machine, by both routes, against ball arithmetic."""

import collections
import dataclasses
import functools

import numpy as np
import pytest

from symdiff.functions import ROWS
from symdiff.graph_builder import GraphBuilder
from symdiff.measuring.accuracy import errors_of
from symdiff.measuring.case import SYMBOLS, cases
from symdiff.symbolic import gradient_graph
from symdiff.tape.lowered import by_reverse_mode, outputs_function

# a machine for each: rows that call the host keep theirs from being one function
GROUPS = {
    "elementary": [row for row in ROWS if not row.special_function],
    "special": [row for row in ROWS if row.special_function and not row.callback],
    "host": [row for row in ROWS if row.callback],
}


def together(graphs):
    """One graph with the outputs of all, and for each where they stand there."""
    builder = GraphBuilder()
    for symbol in SYMBOLS:
        builder.input(symbol)
    nodes = []
    for graph in graphs:
        places = builder.splice(graph)
        nodes += [places[node] for node in graph.outputs]
    whole = builder.finish(nodes)
    ends = np.cumsum([len(graph.outputs) for graph in graphs])
    return whole, [slice(end - len(graph.outputs), end) for graph, end in zip(graphs, ends, strict=True)]


def moving(case):
    return [SYMBOLS[k] for k in case.moving]


@functools.cache
def measured(group, dtype, route, fifth):
    """Value and first partials of every fifth row of a group, all by one machine."""
    chosen = list(cases(GROUPS[group][fifth::5], dtype))
    points = max(case.points for case in chosen)
    graphs = [gradient_graph(c.graph, moving(c)) if route == "symbolic" else c.graph for c in chosen]
    whole, places = together(graphs)
    symbolic = outputs_function(whole, SYMBOLS)
    found = []
    for case, place in zip(chosen, places, strict=True):
        columns = [np.resize(column, points) for column in case.columns]
        given = [*columns, *[np.ones(points, dtype)] * (len(SYMBOLS) - len(columns))]
        if route == "symbolic" or not case.moving:
            value, *partials = symbolic(*given)[place]
        else:
            own = dataclasses.replace(whole, outputs=whole.outputs[place])
            value, partials = by_reverse_mode(own, moving(case), SYMBOLS)(*given)
        # of second partials there are none
        quantities = collections.defaultdict(lambda: np.full(points, np.nan))
        quantities |= {(): np.asarray(value)}
        quantities |= {(k,): np.asarray(p) for k, p in zip(case.moving, partials, strict=True)}
        found.append((case, quantities))
    return found


PARAMETERS = [
    pytest.param(group, dtype, route, place % 5, row.name, marks=marks, id=f"{row.name}-{dtype}-{route}")
    for group, rows in GROUPS.items()
    for dtype in ("float64", "float32")
    for route in ("symbolic", "autodiff")
    # XLA takes long over the special functions
    for marks in [pytest.mark.sweep if group != "elementary" and (dtype, route) != ("float64", "symbolic") else ()]
    for place, row in enumerate(rows)
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("group", "dtype", "route", "fifth", "name"), PARAMETERS)
def test_value_and_first_partials_of_a_row(group, dtype, route, fifth, name):
    seen = 0
    for case, quantities in measured(group, dtype, route, fifth):
        if case.row.name != name:
            continue
        errors = [error for error in errors_of(case, {route: quantities}) if len(error.quantity) < 2]
        seen += len(errors)
        wrong = [str(error) for error in errors if not error.allowed]
        assert not wrong, "\n".join(wrong[:20])
        assert {error.quantity for error in errors} == {(), *((k,) for k in case.moving)}
        assert next(iter(quantities.values())).dtype == dtype
    assert seen
