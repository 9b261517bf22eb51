"""What a row that does not agree is told: the node at fault, the digits lost, where a NaN begins."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy as sp

from compare.explanations.lost_digits import lost_digits
from compare.explanations.parting import first_overflow, first_parting, node_text, non_finite, told
from compare.formula import LARGEST_FORMULA
from compare.judging import Finding
from compare.points import Point
from compare.second_order import MODES, hessian_graph, pairs
from compare.verdict import Verdict
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, Route
from symdiff.symbolic import gradient_graph

# nodes visited for explanations in one check, so that its cost stays linear
MOST_VISITS = 20_000


class Explainer:
    """Notes on the rows of one check; graphs are derived when first needed, and results at a point kept."""

    def __init__(self, graph: Graph, wrt: Sequence[sp.Symbol], dtype: str, order: int) -> None:
        self.graph, self.wrt, self.dtype, self.order = graph, tuple(wrt), dtype, order
        self._left = MOST_VISITS
        self._known: dict[Any, Any] = {}

    def notes(self, place: Point, where: tuple[int, int], numbers: Mapping[str, float], finding: Finding) -> list[str]:
        """What is to be added to the reason of the row `where` (partial, point)."""
        broken: list[Route] = [name for name in ROUTES if not math.isfinite(numbers[name])]
        found: list[str] = []
        if broken and finding.verdict in (Verdict.DISAGREE, Verdict.INACCURATE, Verdict.UNDEFINED):
            found.append(self._once(("begins", where[1], *broken), lambda: self._begins(place, broken)))
        if finding.verdict is Verdict.DISAGREE:
            for name in ROUTES:
                if name in finding.wrong and name not in broken:
                    text = self._once(("parts", where[1], name), partial(self._parting, place, name))
                    found.append(f"{name}: {text}" if text else "")
            if not any(found):
                # every rule is right: then the number is lost where it leaves the range of the dtype
                found.append(self._once(("overflows", where[1]), lambda: self._overflow(place)))
        if finding.verdict is Verdict.INACCURATE:
            derived = self._kept("derived", self._derived)
            self._left -= len(derived) if self._left > 0 else 0
            if self._left > 0:
                found.append(lost_digits(derived, derived.outputs[where[0]], place, self.dtype))
                safe = self._kept("value", lambda: lowerable(self.graph))
                own = lost_digits(safe, safe.outputs[0], place, self.dtype)
                found.append(f"in the formula {own}" if own and own not in found else "")
        return [text for text in found if text]

    def _begins(self, place: Point, broken: Sequence[Route]) -> str:
        return non_finite(self.graph, place, broken, self.dtype)

    def _overflow(self, place: Point) -> str:
        return first_overflow(self.graph, place, self.dtype)

    def _parting(self, place: Point, route: Route) -> str:
        safe = self._kept("safe", lambda: lowerable(self.graph if self.order == 1 else self._first()))
        parting = first_parting(safe, place, route, self.dtype)
        return "" if parting is None else told(safe, parting)

    def _first(self) -> Graph:
        return gradient_graph(lowerable(self.graph), self.wrt)

    def _derived(self) -> Graph:
        """All that is checked, as the symbolic route computes it: one output a partial."""
        if self.order == 1:
            derived = gradient_graph(lowerable(self.graph), self.wrt)
            return dataclasses.replace(derived, outputs=derived.outputs[1:])
        second = hessian_graph(lowerable(self._first()), self.wrt, MODES[1])
        places = [i * len(self.wrt) + j for i, j in pairs(self.wrt)]
        return dataclasses.replace(second, outputs=tuple(second.outputs[k] for k in places))

    def _kept(self, key: Any, build: Any) -> Any:
        if key not in self._known:
            self._known[key] = build()
        return self._known[key]

    def _once(self, key: Any, build: Any) -> str:
        if key not in self._known and self._left <= 0:
            return ""
        if key not in self._known:
            self._left -= len(self.graph)
        return self._kept(key, build)


def node_at(graph: Graph, what: str, node: int | None) -> str:
    """A finding and the node that it was made at, written out if it is not too long."""
    if node is None or graph.operation_count > LARGEST_FORMULA:
        return what
    return f"{what}, at {node_text(graph, node)}"
