"""SHA-256 of what was checked, so that two reports can be told to speak of the same thing."""

from __future__ import annotations

from symdiff.descent.checkpoint import arrays_digest, graph_digest
from symdiff.graph import Graph
from symdiff.model import Model


def hashes(graph: Graph, given: object) -> dict[str, str]:
    """Hash the graph of a formula and, of a model, its parameters' values and its data; every bit counts.

    >>> from symdiff import models, parse
    >>> from symdiff.from_sympy import graph_of
    >>> list(hashes(graph_of([parse("w*x")]), "w*x")), list(hashes(graph_of([parse("w*x")]), models.load("linear")))
    (['formula'], ['formula', 'parameters', 'data'])
    """
    found = {"formula": graph_digest(graph)}
    if isinstance(given, Model):
        found["parameters"] = arrays_digest({s.name: p.value for s, p in given.parameters.items()})
        found |= {"data": arrays_digest(given.data)} if given.data is not None else {}
    return found
