"""`register`: a row of one's own for the function table, checked before it is accepted."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import sympy as sp

from symdiff.errors import RowError, SymdiffError
from symdiff.forms.jax_arithmetic import resolve
from symdiff.function import Function
from symdiff.functions import BY_HEAD, CONSTANTS, FUNCTIONS, formula_functions
from symdiff.measuring.accuracy import RowDeviation, errors_of, limit_of
from symdiff.measuring.case import RowCase, cases
from symdiff.measuring.routes import by_route
from symdiff.precision import working

DTYPES = ("float64", "float32")


def register(row: Function) -> None:
    """Add a row to the function table for the rest of this process; all routes, checks and formulas then know it.

    Before, value, first and second derivatives by each route are compared with the row's ball form at random points of
    its domain, near its edges and at its special points, in float64 and float32. In units of eps*(1 + kappa), with
    kappa the condition number of the quantity, they may be off by 450 (450,000 for `special_function`); see
    `row_accuracy`. The table stays as it was where a row is refused.

    Raises RowError for a row that is incomplete, whose name or class is taken, or that fails the comparison, with the
    worst number.

    >>> import jax.numpy as jnp, symdiff
    >>> class gaussian(sp.Function):
    ...     def fdiff(self, argindex=1):
    ...         return -2 * self.args[0] * self
    >>> register(symdiff.Function(
    ...     "gaussian", gaussian, lambda u: np.exp(-u * u), (lambda u, y: -2 * u * y,), lambda u: jnp.exp(-u * u),
    ...     lambda u: (-u * u).exp(), (symdiff.Domain(),), (((0.0,), 1), ((1.0,), sp.exp(-1))), "DLMF 7.2.1",
    ...     ulp=lambda u, y: 4.0 + u * u, heads=(gaussian,), spoken=True))
    >>> symdiff.gradient(symdiff.parse("gaussian(2*x)"), "x")["x"]
    -8*x*gaussian(2*x)
    >>> unregister("gaussian")
    """
    if type(row) is not Function:
        raise RowError(f"a row has to be a symdiff.Function, not {type(row).__name__}")
    if FUNCTIONS.get(row.name) is row:
        return
    _complete(row)
    _special_points(row)
    # the symbolic route has to read the row's own class while it is measured
    FUNCTIONS[row.name] = row
    BY_HEAD.update(dict.fromkeys(row.heads, row))
    try:
        for dtype in DTYPES:
            _accurate(row, dtype)
    except BaseException:
        unregister(row.name)
        raise


def unregister(name: str) -> None:
    """Take out of the table a row that was put there by `register`."""
    row = FUNCTIONS.pop(name)
    for head in row.heads:
        del BY_HEAD[head]


def _complete(row: Function) -> None:
    """Raise RowError for what can be seen without computing anything."""
    if not str(row.name).isidentifier():
        raise RowError(f"the name {row.name!r} of a row is no identifier; give one like 'gaussian'")
    if row.name in FUNCTIONS or row.name in formula_functions() or row.name in CONSTANTS:
        raise RowError(f"the name {row.name!r} is taken in the function table; choose another")
    for head in row.heads:
        if not inspect.isclass(head) or not issubclass(head, sp.Basic):
            raise RowError(f"{row.name}: {head!r} in heads is no SymPy class")
        if head in BY_HEAD:
            raise RowError(f"{row.name}: the SymPy class {head.__name__} belongs to the row {BY_HEAD[head].name!r}")
    for column in ("domain", "partials", "special"):
        if not isinstance(getattr(row, column), tuple) or not getattr(row, column):
            raise RowError(f"{row.name}: {column} is {getattr(row, column)!r}; give a tuple with at least one entry")
    if len(row.partials) != row.arity or len(row.rules) not in (0, row.arity):
        raise RowError(
            f"{row.name} has {row.arity} operands (domain), {len(row.partials)} partials and {len(row.rules)} rules; "
            "give one partial an operand, and one rule an operand or none"
        )
    if not row.source.strip():
        raise RowError(f"{row.name}: source is empty; say where definition and derivative are found")
    try:
        resolve(row.jax)
    except (ImportError, AttributeError, ValueError) as error:
        raise RowError(f"{row.name}: the JAX form {row.jax!r} cannot be imported: {error}") from None
    for point, _ in row.special:
        if len(point) < row.arity:
            raise RowError(f"{row.name}: the special point {point} has fewer numbers than the {row.arity} operands")
    for k, domain in enumerate(row.domain):
        if not domain.truth and not domain.contains(np.array([domain.regular]))[0]:
            raise RowError(f"{row.name}: the regular point {domain.regular} of operand {k + 1} is outside {domain}")


def _special_points(row: Function) -> None:
    """Raise RowError where SymPy's, NumPy's or JAX's value at a special point is not the one given."""
    for point, expected in row.special:
        exact = _told(row, "sympify", lambda expected=expected: sp.N(sp.sympify(expected), 30))
        operands = [np.asarray(u, None if isinstance(u, bool) else np.float64)[()] for u in point[: row.arity]]
        static = point[row.arity :]
        forms = {
            "the NumPy form": lambda o=operands, s=static: row.value(*o, *s),
            "the JAX form": lambda o=operands, s=static: resolve(row.jax)(*map(np.asarray, o), *s),
            "the ball form": lambda o=operands, s=static: _by_ball(row, o, s),
        }
        for name, form in forms.items():
            with np.errstate(all="ignore"):
                found = float(_told(row, name, form))
            unit = limit_of(row) * 2.0**-52
            if not math.isclose(found, float(exact), rel_tol=unit, abs_tol=1e-300):
                raise RowError(f"{row.name} at {point} is {found} by {name}, and {exact} by the special points")


def _by_ball(row: Function, operands: list[Any], static: tuple[Any, ...]) -> Any:
    import flint

    with working(128):
        found = row.ball(*(u if isinstance(u, np.bool_) else flint.arb(float(u)) for u in operands), *static)
    return found if isinstance(found, (bool, type(None))) else found.mid()


def _accurate(row: Function, dtype: str) -> None:
    """Raise RowError where a route is off, or the ball form says nothing."""
    measured: list[RowCase] = _told(row, "the ball form", lambda: list(cases([row], dtype)))
    routes = _told(row, "a route", lambda: by_route(measured))
    for case, found in zip(measured, routes, strict=True):
        deviations: list[RowDeviation] = _told(row, "the ball form", lambda c=case, f=found: list(errors_of(c, f)))
        known = {deviation.quantity for deviation in deviations}
        wanted = {(), *((k,) for k in case.moving)}
        if not wanted <= known:
            where = min(wanted - known)
            what = f"derivative in operand {where[0] + 1}" if where else "value"
            raise RowError(
                f"{row.name}: the ball form gives no {what} at any point of the domain, so nothing can be checked"
            )
        wrong = [deviation for deviation in deviations if not deviation.allowed]
        if wrong:
            # a wrong value makes derivatives wrong: what comes first is the cause
            worst = min(wrong, key=lambda deviation: (len(deviation.quantity), -deviation.units))
            raise RowError(f"the row is refused: {worst}")


def _told(row: Function, what: str, form: Any) -> Any:
    """form(), with any error of the row's own code told as the row's."""
    try:
        return form()
    except RowError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0] if not isinstance(error, SymdiffError) else str(error)
        raise RowError(f"{row.name}: {what} fails with {type(error).__name__}: {reason}") from error
