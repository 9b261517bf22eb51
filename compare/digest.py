"""What the rows of a comparison say together: the routes in pairs, each partial derivative, the worst points."""

import itertools
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from compare.comparison import Comparison
from compare.row import ROUTES, Row
from compare.verdict import Verdict

DECIDED = frozenset({Verdict.AGREE, Verdict.INACCURATE, Verdict.DISAGREE})
PRECISION = {"float64": (53, -1074), "float32": (24, -149)}  # significant bits, exponent of the smallest number


def ulps(difference: float | None, value: float | None, dtype: str) -> float | None:
    """Measure a difference in units in the last place of `value`; None where that says nothing, as beside a zero.

    Source: J.-M. Muller et al., Handbook of Floating-Point Arithmetic (2018), section 2.3.2.

    >>> ulps(2.220446049250313e-16, 1.0, "float64")
    1.0
    """
    if difference is None or not value or not math.isfinite(value) or dtype not in PRECISION:
        return None
    bits, smallest = PRECISION[dtype]
    return difference / math.ldexp(1.0, max(math.frexp(value)[1] - bits, smallest))


def digits(difference: float | None, value: float | None, dtype: str) -> float | None:
    """Count the decimal digits to which a number is right, at most those of the dtype; None beside a true zero.

    >>> digits(1e-5, 2.0, "float64")
    5.301029995663981
    """
    if difference is None or not value or not math.isfinite(value) or dtype not in PRECISION:
        return None
    if not math.isfinite(difference):
        return 0.0
    limit = PRECISION[dtype][0] * math.log10(2.0)
    return limit if difference == 0.0 else min(limit, max(0.0, math.log10(abs(value)) - math.log10(difference)))


@dataclass(frozen=True)
class Status:
    """One line of the status matrix: how often two agree, over the rows for which the referee decided.

    `failed` counts the differences that rounding does not explain, `lossy` those that it explains but that cost more
    than half of the digits; `worst_ulps` is the largest difference in units in the last place of the true value.
    """

    label: str
    compared: int
    identical: int
    failed: int
    lossy: int
    worst_ulps: float | None

    @property
    def state(self) -> str:
        """`fails`, `loses` digits, `holds` or, where nothing could be compared, `none`."""
        if not self.compared:
            return "none"
        return "fails" if self.failed else "loses" if self.lossy else "holds"


@dataclass(frozen=True)
class Accuracy:
    """How well one route does on one partial derivative: digits of the worst row, and its units in the last place."""

    route: str
    digits: float | None
    ulps: float | None


@dataclass(frozen=True)
class Partial:
    """One partial derivative over all its rows; `ratio` is the largest error in units of its tolerance."""

    wrt: str
    verdict: Verdict
    counts: dict[Verdict, int]
    accuracies: tuple[Accuracy, ...]
    ratio: float | None
    tolerance: float | None
    kappa: float | None


def _largest(values: Iterable[float | None]) -> float | None:
    """Return the largest; NaN, which no order holds, counts as infinite."""
    return max((math.inf if math.isnan(value) else value for value in values if value is not None), default=None)


def _explained(row: Row, difference: float, routes: Iterable[str]) -> bool:
    """Whether rounding explains a difference: by the row's verdict, else by what it explains of each route in it."""
    if row.verdict is not Verdict.DISAGREE or difference == 0.0:
        return True
    allowed = [row.allowed(route) for route in routes]
    return all(one is not None for one in allowed) and difference <= sum(one or 0.0 for one in allowed)


def _status(label: str, found: list[tuple[Row, float, bool]], routes: Sequence[str], dtype: str) -> Status:
    """Count over rows, the difference in each and whether it is the same number."""
    bits = PRECISION.get(dtype, PRECISION["float64"])[0]
    failed = sum(not _explained(row, difference, routes) for row, difference, _ in found)
    lossy = sum(
        row.verdict is Verdict.INACCURATE and difference > 2.0 ** ((1 - bits) / 2) * abs(row.referee.value or 0.0)
        for row, difference, _ in found
    )
    worst = _largest(ulps(difference, row.referee.value, dtype) for row, difference, _ in found)
    return Status(label, len(found), sum(same for _, _, same in found), failed, lossy, worst)


def _pair(rows: list[Row], one: str, other: str, dtype: str) -> Status:
    found: list[tuple[Row, float, bool]] = []
    for row in rows:
        a, b = row.route(one), row.route(other)
        if a is not None and b is not None:
            same = a == b or (math.isnan(a) and math.isnan(b))
            found.append((row, 0.0 if same else abs(a - b), same))
    return _status(f"{one} = {other}", found, (one, other), dtype)


def _against_referee(rows: list[Row], route: str, dtype: str) -> Status:
    distances = ((row, row.distance(route)) for row in rows)
    found = [(row, d, row.route(route) == row.referee.value) for row, d in distances if d is not None]
    return _status(f"{route} = referee", found, (route,), dtype)


def _claim(rows: list[Row], dtype: str) -> tuple[Status, ...]:
    claimed = ((row, row.referee.distance(row.claim)) for row in rows if row.claimed)
    found = [(row, d, row.claim == row.referee.value) for row, d in claimed if d is not None]
    return (_status("claim = referee", found, (), dtype),) if any(row.claimed for row in rows) else ()


def statuses(comparison: Comparison) -> tuple[Status, ...]:
    """Compare the routes in pairs, then each with the referee.

    >>> [status.label for status in statuses(Comparison("", "", (), "float64", ()))][:3]
    ['symbolic = chain', 'symbolic = autodiff', 'chain = autodiff']
    """
    rows = [row for row in comparison.rows if row.verdict in DECIDED]
    pairs = (("symbolic", "chain"), ("symbolic", "autodiff"), ("chain", "autodiff"))
    return (
        *(_pair(rows, one, other, comparison.dtype) for one, other in pairs),
        *(_against_referee(rows, route, comparison.dtype) for route in ROUTES),
        *_claim(rows, comparison.dtype),
    )


def _accuracy(rows: list[Row], route: str, dtype: str) -> Accuracy:
    distances = [(row.distance(route), row.referee.value) for row in rows]
    kept = [d for distance, value in distances if (d := digits(distance, value, dtype)) is not None]
    return Accuracy(route, min(kept, default=None), _largest(ulps(d, value, dtype) for d, value in distances))


def partials(comparison: Comparison) -> tuple[Partial, ...]:
    """Gather the rows of each partial derivative, in the order of `wrt`.

    >>> partials(Comparison("", "w", ("w",), "float64", ()))[0].verdict
    <Verdict.UNDECIDED: 'undecided'>
    """
    groups: dict[str, list[Row]] = {wrt: [] for wrt in comparison.wrt}
    for row in comparison.rows:
        groups.setdefault(owner(row.wrt, groups), []).append(row)
    found: list[Partial] = []
    for wrt, rows in groups.items():
        decided = [row for row in rows if row.verdict in DECIDED]
        counts = dict.fromkeys(Verdict, 0)
        for row in rows:
            counts[row.verdict] += 1
        ratios = (row.error / row.tolerance for row in decided if row.error is not None and row.tolerance)
        accuracies = tuple(_accuracy(decided, route, comparison.dtype) for route in ROUTES)
        tolerance, kappa = _largest(row.tolerance for row in decided), _largest(row.kappa for row in decided)
        verdict = Verdict.worst(row.verdict for row in rows)
        found.append(Partial(wrt, verdict, counts, accuracies, _largest(ratios), tolerance, kappa))
    return tuple(found)


def owner(wrt: str, symbols: Container[str]) -> str:
    """The symbol that a row belongs to: of an entry of an array, the array.

    >>> owner("W1[0, 2]", ["W1", "b1"]), owner("x", ["x"])
    ('W1', 'x')
    """
    array = wrt.partition("[")[0]
    return array if wrt not in symbols and array in symbols else wrt


def worst_rows(comparison: Comparison, limit: int = 5) -> tuple[Row, ...]:
    """Return the worst row of each partial derivative and verdict, the worst first; undefined ones stand elsewhere.

    >>> worst_rows(Comparison("", "w", ("w",), "float64", ()))
    ()
    """
    ranked = sorted(
        (row for row in comparison.rows if row.verdict is not Verdict.UNDEFINED),
        key=lambda row: row.severity,
        reverse=True,
    )
    first = {(row.wrt, row.verdict): row for row in reversed(ranked)}
    chosen = [row for row in ranked if first[row.wrt, row.verdict] is row]
    return tuple(itertools.islice(chosen, limit))
