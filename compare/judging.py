"""From numbers to a verdict: three routes beside an enclosure of the true derivative.

`error` is how far a route lies outside the enclosure, `tolerance` what rounding explains on its own graph, `kappa` the
condition number of the derivative. See the verdicts in `verdict` and the constants below, which every report prints.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from compare.bounds.graph import SAFETY
from compare.certified.balls import Ball
from compare.row import Enclosure
from compare.verdict import Verdict
from symdiff.precision import working

# the relative error that the problem itself forces is this many eps * (1 + kappa)
FORCED = 64.0


@dataclass(frozen=True)
class Finding:
    """Verdict on one row, with the error and tolerance of the route that decided it, and the tolerances of all.

    `wrong` names the routes whose error is not explained.
    """

    verdict: Verdict
    error: float | None
    tolerance: float | None
    reason: str
    tolerances: Mapping[str, float] | None = None
    wrong: tuple[str, ...] = ()

    @property
    def severity(self) -> tuple[int, float]:
        """How bad it is, to choose the worst of several: the verdict first, then how far the tolerance is exceeded."""
        error, tolerance = self.error or 0.0, self.tolerance or 0.0
        return self.verdict.badness, error / tolerance if tolerance > 0.0 and math.isfinite(error) else error


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
    """A ball as numbers, the radius rounded up, and as a decimal string of its certain digits, at most 25."""
    digits = ball.str(25, radius=False) if not ball.contains(0) or ball.is_zero() else ball.mid().str(25, radius=False)
    radius = ball.rad()
    smallest = 0.0 if radius.is_zero() else math.ulp(0.0)
    return Enclosure(float(ball), max(float(radius), smallest), digits)


def verdict_on(
    routes: Mapping[str, float],
    truth: Ball,
    kappa: float | None,
    tolerances: Mapping[str, float],
    dtype: Any,
    doubt: str = "",
) -> Finding:
    """Judge one row: `routes` and `tolerances` by route name, `truth` the referee's ball.

    `doubt` says why no route is to be blamed at this point, if so: then what is not explained is undecided. So it is
    where the problem itself forces the loss of every digit.

    >>> from flint import arb
    >>> same = dict.fromkeys(("symbolic", "autodiff", "chain"), 1.0)
    >>> tolerances = dict.fromkeys(same, 1e-15)
    >>> verdict_on(same, arb(1), 1.0, tolerances, np.float64).verdict
    <Verdict.AGREE: 'agree'>
    >>> verdict_on(same | {"chain": -1.0}, arb(1), 1.0, tolerances, np.float64).reason
    'chain is off by 2, where rounding explains 1e-15'
    """
    eps, tiny, largest = _limits(dtype)
    size = abs(float(truth))
    forced = FORCED * eps * (1.0 + (kappa or 0.0))
    # no number of the dtype lies between the smallest normal one and zero
    least = forced * size + tiny
    explained = {name: _explained(tolerances[name], value, forced, least) for name, value in routes.items()}
    with working(128):
        errors = {name: _error(value, truth, explained[name], tiny, largest) for name, value in routes.items()}
    worst = max(errors, key=lambda name: _excess(errors[name], explained[name]))
    error, tolerance = errors[worst], explained[worst]
    wrong = [name for name in routes if errors[name] > explained[name]]
    if wrong:
        reason = "; ".join(_fault(name, routes[name], errors[name], explained[name]) for name in wrong)
        if not all(math.isfinite(routes[name]) for name in wrong):
            # on the other side of a kink the derivative would be a number too
            doubt = ""
        elif not doubt and forced >= 1.0:
            doubt = f"the problem itself forces the loss of every digit here (kappa {kappa:.2g})"
        if not doubt and (suspicion := _suspect_referee(routes, wrong, tolerances)) is not None:
            return Finding(Verdict.UNDECIDED, error, tolerance, suspicion, explained)
        if doubt:
            return Finding(Verdict.UNDECIDED, error, tolerance, f"{doubt}: {reason}", explained)
        return Finding(Verdict.DISAGREE, error, tolerance, reason, explained, tuple(wrong))
    lost = [name for name in routes if math.isinf(errors[name]) and (math.isnan(routes[name]) or forced < 1.0)]
    if lost:
        fault = _fault(lost[0], routes[lost[0]], math.inf, 0.0)
        reason = f"only 0.0 digits are right; rounding reaches the edge of a domain: {fault}"
        return Finding(Verdict.INACCURATE, math.inf, explained[lost[0]], reason, explained)
    # a true value below the dtype's normal range is rightly rounded to zero
    relative = max(errors.values()) / size if size >= tiny else 0.0
    if kappa is not None and max(math.sqrt(eps), forced) < min(1.0, relative):
        kept = max(0.0, -math.log10(relative))
        reason = f"only {kept:.1f} digits are right; the formula loses more than the problem forces (kappa {kappa:.2g})"
        return Finding(Verdict.INACCURATE, error, tolerance, reason, explained)
    return Finding(Verdict.AGREE, error, tolerance, "", explained)


def _explained(tolerance: float, value: float, forced: float, least: float) -> float:
    """What is allowed of a route: if rounding explains nothing (NaN), the forced error, which may be any number."""
    if not math.isnan(tolerance):
        return tolerance
    return math.inf if forced >= 1.0 and not math.isnan(value) else least


@lru_cache(maxsize=8)
def _limits(dtype: Any) -> tuple[float, float, float]:
    """Rounding unit, smallest normal and largest number."""
    info = np.finfo(dtype)
    return float(info.eps), float(info.tiny), float(info.max)


def _error(value: float, truth: Ball, tolerance: float, smallest: float, largest: float) -> float:
    """Distance from the enclosure; a true value outside the dtype's normal range is rightly zero or infinite."""
    if abs(value) <= smallest and abs(truth) <= smallest:
        # rightly rounded to zero, or flushed to it (Higham, section 2.8)
        return 0.0
    if math.isfinite(value):
        return max(0.0, float(abs(truth - value).lower()))
    if math.isnan(value):
        return math.inf
    # what may be anything is no excuse: it is not near the end of the range
    slack = tolerance if tolerance < largest else 0.0
    beyond = math.copysign(1.0, value) * truth + slack > largest
    return 0.0 if beyond else math.inf


def _excess(error: float, tolerance: float) -> float:
    if error == 0.0:
        return 0.0
    if math.isinf(tolerance):
        # all is explained, but what is no number at all is the worst of it
        return 1.0 if math.isinf(error) else 0.0
    return error / tolerance if tolerance > 0.0 else math.inf


def _suspect_referee(routes: Mapping[str, float], wrong: Sequence[str], tolerances: Mapping[str, float]) -> str | None:
    """Routes whose rules have independent sources do not make the same mistake: then the referee is suspect."""
    together = all(
        abs(routes[a] - routes[b]) <= tolerances[a] + tolerances[b] for a, b in itertools.combinations(wrong, 2)
    )
    if len(wrong) < 2 or not together or not all(math.isfinite(tolerances[name]) for name in wrong):
        return None
    third = next((name for name in routes if name not in wrong), None)
    against = "the referee" if third is None else f"the referee nor with {third}"
    names = f"{', '.join(wrong[:-1])} and {wrong[-1]}"
    return f"{names} agree with each other, but not with {against}: the referee is suspect"


def _fault(name: str, value: float, error: float, tolerance: float) -> str:
    if not math.isfinite(value):
        return f"{name} gives {value} where the derivative is finite"
    return f"{name} is off by {error:.3g}, where rounding explains {tolerance:.3g}"
