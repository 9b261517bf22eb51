"""From numbers to a verdict: three routes beside an enclosure of the true derivative.

`error` is how far a route lies outside the enclosure, `tolerance` what rounding explains on its own graph, `kappa` the condition
number of the derivative. See the verdicts in `verdict` and the constants below, which every report prints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.comparison import Enclosure
from compare.referee import Ball
from compare.rounding import SAFETY
from compare.verdict import Verdict

# the relative error that the problem itself forces is this many eps * (1 + kappa)
FORCED = 64.0


@dataclass(frozen=True)
class Finding:
    """Verdict on one row, with the error and tolerance of the route that decided it."""

    verdict: Verdict
    error: float | None
    tolerance: float | None
    reason: str


def constants(dtype: Any) -> dict[str, float]:
    """The numbers that verdicts rest on, by what they are called in a report."""
    eps = float(np.finfo(dtype).eps)
    return {
        "eps": eps,
        "tolerance / running rounding bound": SAFETY,
        "forced relative error / (eps * (1 + kappa))": FORCED,
        "relative error allowed for half of the digits": math.sqrt(eps),
    }


def enclosure(ball: Ball) -> Enclosure:
    """A ball as numbers and as a decimal string of its certain digits (at most 25)."""
    digits = ball.str(25, radius=False) if not ball.contains(0) or ball.is_zero() else ball.mid().str(25, radius=False)
    return Enclosure(float(ball.mid()), float(ball.rad()), digits)


def verdict_on(
    routes: Mapping[str, float], truth: Ball, kappa: float | None, tolerances: Mapping[str, float], dtype: Any
) -> Finding:
    """Judge one row: `routes` and `tolerances` by route name, `truth` the referee's ball.

    >>> from flint import arb
    >>> same = dict.fromkeys(("symbolic", "autodiff", "chain"), 1.0)
    >>> tolerances = dict.fromkeys(same, 1e-15)
    >>> verdict_on(same, arb(1), 1.0, tolerances, np.float64).verdict
    <Verdict.AGREE: 'agree'>
    >>> verdict_on(same | {"chain": -1.0}, arb(1), 1.0, tolerances, np.float64).reason
    'chain is off by 2, where rounding explains 1e-15'
    """
    info = np.finfo(dtype)
    eps, size = float(info.eps), abs(float(truth.mid()))
    forced = FORCED * eps * (1.0 + (kappa or 0.0))
    errors = {name: _error(value, truth, float(info.max)) for name, value in routes.items()}
    allowed = {name: t if math.isfinite(t) else forced * size for name, t in tolerances.items()}
    worst = max(errors, key=lambda name: _excess(errors[name], allowed[name]))
    error, tolerance = errors[worst], allowed[worst]
    wrong = [name for name in routes if errors[name] > allowed[name]]
    if wrong:
        if (witnesses := _agreeing_against(routes, wrong, allowed)) is not None:
            reason = f"{witnesses} agree with each other, but neither with the referee nor the third; the referee is suspect"
            return Finding(Verdict.UNDECIDED, error, tolerance, reason)
        parts = [_fault(name, routes[name], errors[name], allowed[name]) for name in wrong]
        return Finding(Verdict.DISAGREE, error, tolerance, "; ".join(parts))
    # a true value below the dtype's normal range is rightly rounded to zero
    relative = max(errors.values()) / size if size >= float(info.tiny) else 0.0
    if kappa is not None and relative > max(math.sqrt(eps), forced):
        kept = max(0.0, -math.log10(relative))
        reason = f"only {kept:.1f} digits are right; the formula loses more than the problem forces (kappa {kappa:.2g})"
        return Finding(Verdict.INACCURATE, error, tolerance, reason)
    return Finding(Verdict.AGREE, error, tolerance, "")


def _error(value: float, truth: Ball, largest: float) -> float:
    """Distance from the enclosure; a true value beyond the dtype's range is rightly infinite."""
    import flint

    if math.isfinite(value):
        return max(0.0, float(abs(flint.arb(value) - truth).lower()))
    beyond = bool(truth > largest) or bool(truth < -largest)
    return 0.0 if beyond and value == math.copysign(math.inf, float(truth.mid())) else math.inf


def _excess(error: float, tolerance: float) -> float:
    if error == 0.0:
        return 0.0
    return error / tolerance if tolerance > 0.0 else math.inf


def _agreeing_against(routes: Mapping[str, float], wrong: list[str], allowed: Mapping[str, float]) -> str | None:
    """The two routes that err together, where the third sides with the referee."""
    if len(wrong) != len(routes) - 1 or len(wrong) != 2:
        return None
    a, b = wrong
    together = abs(routes[a] - routes[b]) <= allowed[a] + allowed[b]
    return f"{a} and {b}" if together else None


def _fault(name: str, value: float, error: float, tolerance: float) -> str:
    if not math.isfinite(value):
        return f"{name} gives {value} where the derivative is finite"
    return f"{name} is off by {error:.3g}, where rounding explains {tolerance:.3g}"
