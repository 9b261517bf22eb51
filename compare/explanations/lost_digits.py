"""Where a formula loses digits that the mathematics does not: the node, how many, and a better form if one is known.

The running error bound of each node is set against the true value there; at the node that loses most, the relative
bound rises most above those of its operands (Higham, Accuracy and Stability, 2nd ed. 2002, sections 1.7 and 3.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from compare.bounds.graph import node_bounds
from compare.certified.referee import node_balls
from compare.explanations.parting import node_text
from compare.formula import as_text, written_out
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.precision import working
from symdiff.rewriting.rewrites import stable

PRECISION = 2048
# digits that one operation must lose to be named, and size of the forms that are compared
NAMED, LARGEST_FORM = 1.0, 60


def lost_digits(derived: Graph, output: int, point: Mapping[sp.Symbol, float], dtype: str) -> str:
    """Name the node of a lowered graph on the way to `output` that loses most; "" where no single one does.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([sp.sqrt(x + 1) - sp.sqrt(x)])
    >>> print(lost_digits(g, g.outputs[0], {x: 1e12}, "float64"))
    -sqrt(x) + sqrt(x + 1) loses 12.4 of 15.7 digits; write -sqrt(x) + sqrt(x + 1) as 1/(sqrt(x) + sqrt(x + 1))
    """
    eps = float(np.finfo(dtype).eps)
    bounds = node_bounds(derived, {s: np.float64(v) for s, v in point.items()}, dtype)[1]
    with working(PRECISION):
        sizes = [None if b[0] is None or isinstance(b[0], bool) else b[0] for b in node_balls(derived, [point])]
        relative = [_relative(bound, ball) for bound, ball in zip(bounds, sizes, strict=True)]
    needed, worst, most = {output}, None, NAMED
    for step in reversed(derived.applications):
        if step.node not in needed:
            continue
        needed.update(step.operands)
        before = max([eps, *(relative[i] for i in step.operands)])
        lost = math.log10(max(relative[step.node], eps) / before) if math.isfinite(before) else 0.0
        if lost > most:
            worst, most = step.node, lost
    if worst is None:
        return ""
    digits = -math.log10(eps)
    gone = min(digits, math.log10(relative[worst] / eps))
    better = better_form(derived, worst)
    return f"{node_text(derived, worst)} loses {gone:.1f} of {digits:.1f} digits" + (f"; {better}" if better else "")


def _relative(bound: Any, ball: Any) -> float:
    """Bound over true size; 1 where every digit is gone."""
    if ball is None or not ball.is_finite() or isinstance(bound, (bool, np.bool_)):
        return 0.0
    size = abs(ball.mid())
    if float(bound) == 0.0 or math.isnan(float(bound)):
        return 0.0
    return 1.0 if size.is_zero() or math.isinf(float(bound)) else min(1.0, float(float(bound) / size))


def better_form(graph: Graph, node: int) -> str:
    """What to write instead of a node: by the table of rewrites, else by one of the classical identities."""
    written = None if graph.operation_count > LARGEST_FORM * 10 else written_out(graph, [node])
    if written is None or not isinstance(expression := written[0], sp.Expr):
        return ""
    alone = graph_of([expression])
    if alone.operation_count > LARGEST_FORM:
        return ""
    rewritten = stable(alone)
    before = [(step.function.name, step.static) for step in alone.applications]
    better: sp.Basic | None = None
    if [(step.function.name, step.static) for step in rewritten.applications] != before:
        (better,) = written_out(rewritten, rewritten.outputs) or [None]
    else:
        better = _difference(expression)
    return "" if better is None or better == expression else f"write {as_text(expression)} as {as_text(better)}"


def _difference(expression: sp.Expr) -> sp.Expr | None:
    """A difference of two values of one function, with the difference of the arguments taken out first."""
    if not isinstance(expression, sp.Add) or len(expression.args) != 2:
        return None
    first, second = sorted(expression.args, key=lambda term: term.could_extract_minus_sign())
    # a factor that both have in common stays outside
    factor, positive = first.as_coeff_Mul()
    negative = -second / factor
    for head, form in _IDENTITIES:
        u, v = (head(term) for term in (positive, negative))
        if u is not None and v is not None:
            return factor * form(u, v)
    return None


def _argument(head: Any) -> Callable[[sp.Basic], Any]:
    return lambda term: term.args[0] if isinstance(term, head) else None


def _under_root(term: Any) -> Any:
    return term.base if isinstance(term, sp.Pow) and term.exp == sp.Rational(1, 2) else None


def _over_root(term: Any) -> Any:
    return term.base if isinstance(term, sp.Pow) and term.exp == -sp.Rational(1, 2) else None


_IDENTITIES: tuple[tuple[Callable[[Any], Any], Callable[[Any, Any], sp.Expr]], ...] = (
    (_under_root, lambda u, v: (u - v) / (sp.sqrt(u) + sp.sqrt(v))),
    (_over_root, lambda u, v: (v - u) / (sp.sqrt(u) * sp.sqrt(v) * (sp.sqrt(u) + sp.sqrt(v)))),
    (_argument(sp.log), lambda u, v: sp.log(1 + sp.Mul(u - v, 1 / v, evaluate=False), evaluate=False)),
    (_argument(sp.cos), lambda u, v: -2 * sp.sin((u + v) / 2) * sp.sin((u - v) / 2)),
    (_argument(sp.sin), lambda u, v: 2 * sp.cos((u + v) / 2) * sp.sin((u - v) / 2)),
    (_argument(sp.exp), lambda u, v: 2 * sp.exp((u + v) / 2) * sp.sinh((u - v) / 2)),
)
