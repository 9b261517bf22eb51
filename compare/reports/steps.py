"""The chain rule at the worst point of a comparison: the picture of the graph and both passes, as a trace has them."""

from __future__ import annotations

from typing import Any, cast

import sympy as sp
from markupsafe import Markup

from compare.comparison import Comparison
from symdiff.errors import SymdiffError
from symdiff.from_sympy import graph_of
from symdiff.step_through.page import part_of
from symdiff.tracing import trace

# nodes beyond which the steps are no longer a lesson, and bytes that they may take of a page
MOST_NODES, MOST_BYTES = 80, 150_000


def steps_view(comparison: Comparison) -> Markup | None:
    """Trace the expression at the worst row, a formula of scalars that is not too large; else None.

    >>> import compare
    >>> "<svg" in steps_view(compare.check("w*x", at={"w": 1, "x": 2}))
    True
    """
    row, expression = comparison.worst(), comparison.model
    if row is None or not row.at or not isinstance(expression, sp.Expr):
        return None
    try:
        graph = graph_of([expression])
        symbols = list(graph.inputs)
        names = {symbol.name for symbol in symbols}
        if graph.shapes or len(graph) > MOST_NODES or not symbols or not names <= set(row.at):
            return None
        wrt = [symbol for symbol in symbols if symbol.name in ",".join(comparison.wrt).split(",")]
        at = {symbol: row.at[symbol.name] for symbol in symbols}
        found = trace(expression, at, wrt or None, cast(Any, comparison.dtype))
    except SymdiffError:
        return None
    # the part is made of escaped texts, by templates of its own
    return Markup(part_of(found, MOST_BYTES))  # noqa: S704
