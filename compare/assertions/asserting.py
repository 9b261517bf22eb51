"""Gradients held against the referee from within a test: an AssertionError is the report's worst row."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, cast

import sympy as sp

from compare.assertions import against_definition, without_definition
from compare.assertions.failure import message
from compare.assertions.function_row import FunctionRow
from compare.checking import check
from compare.comparison import Comparison
from compare.options import DTYPES, whole_number
from compare.points import At
from compare.row import Row
from compare.verdict import Verdict
from symdiff.errors import OptionError
from symdiff.gradients import Gradient, Wrt
from symdiff.model import Model

SYMBOLIC = (sp.Basic, str, Model, Gradient, int, float)


def assert_gradients_agree(
    f: Any,
    gradient: Any = None,
    *,
    definition: Any = None,
    wrt: Wrt | None = None,
    args: Any = None,
    at: At | Sequence[At] | None = None,
    points: int = 64,
    seed: int = 0,
    dtype: str | None = None,
    elementwise: bool = False,
    accurate: bool = False,
) -> Comparison:
    """Raise AssertionError, its message the worst row, unless the derivatives of `f` agree with the referee's.

    Args:
        f: a SymPy expression, a formula text or a Model; then `gradient` is somebody's claim, and without one the three
            routes are compared, as by `compare.check`. Or a JAX function: then its value, `jax.vjp` of it and, where
            there is one, `jax.jvp` are compared with `definition`, each coordinate on its own.
        gradient: a claimed gradient: formulas, their text, or a function of the arguments of `f`.
        definition: what the function is meant to be, as a SymPy expression, formula text or Model. Without it the modes
            of a function are compared with its own central differences, which certify nothing; messages say so.
        wrt: the symbols in which derivatives are compared; by default all.
        args: the arguments of the function, a symbol or name each, or nested lists of them for an array. By default its
            parameters are matched by name.
        at: one mapping or a list of mappings from symbols or names to numbers; else points are drawn in the domain of
            the definition, and the points (0, ..., 0), (1, ..., 1) and (-1, ..., -1) added.
        points: how many points are drawn.
        seed: of the drawn points.
        dtype: "float64" or "float32"; by default both for a function, float64 for a formula.
        elementwise: call the function with arrays of all points at once, rather than with one point after the other.
        accurate: let `inaccurate` fail too: right rules, in a form that loses digits, as 1 - tanh(x)**2.

    Returns the Comparison. `undefined` points, such as kinks, are listed in it and never fail. What cannot be decided
    fails at given points; of drawn ones such points are left out, unless none remains for a partial.

    Raises AssertionError, and an InputError (a ValueError) for what cannot be compared.

    >>> import jax
    >>> x = sp.Symbol("x", real=True)
    >>> assert_gradients_agree(jax.nn.softplus, definition=sp.log(1 + sp.exp(x)), points=8).verdict
    <Verdict.AGREE: 'agree'>

    """
    __tracebackhide__ = True
    if dtype is not None and (not isinstance(cast(object, dtype), str) or dtype not in DTYPES):
        raise OptionError(f"dtype is {dtype!r}; choose float64 or float32, or leave it out")
    points, seed = whole_number("points", points, 1), whole_number("seed", seed, 0)
    if isinstance(f, SYMBOLIC):
        unused = args if gradient is None else None
        for name, given in (("definition", definition), ("args", unused), ("elementwise", elementwise or None)):
            if given is not None:
                raise OptionError(f"{name} goes with a Python function, but f is {f!r:.60}; leave it out")
        found = _of_formula(f, gradient, wrt, args, at, points, seed, dtype or "float64")
    elif callable(f) and not isinstance(f, type):
        found = _of_function(f, gradient, definition, wrt, args, at, points, seed, dtype, elementwise)
    else:
        raise OptionError(f"f is {f!r:.60} ({type(f).__name__}); give a SymPy expression, a Model or a function")
    failed = _fails(found, accurate, drawn=at is None)
    if failed:
        call = _call(f, gradient, definition, args, elementwise)
        raise AssertionError(message(found, failed, call))
    return found


def _of_formula(
    f: Any, gradient: Any, wrt: Wrt | None, args: Any, at: At | Sequence[At] | None, points: int, seed: int, dtype: str
) -> Comparison:
    if gradient is None:
        return check(f, wrt, at, points, seed, dtype)
    # here: proofs need parts of SymPy that nothing else does
    from compare.claims.claim import check_claim

    return check_claim(f, gradient, wrt, at, points, seed, dtype, args)


def _of_function(
    f: Callable[..., Any],
    gradient: Any,
    definition: Any,
    wrt: Wrt | None,
    args: Any,
    at: At | Sequence[At] | None,
    points: int,
    seed: int,
    dtype: str | None,
    elementwise: bool,
) -> Comparison:
    if gradient is not None and not callable(gradient):
        raise OptionError(f"gradient is {gradient!r:.60}, but f is a function: give a function, or f as a formula")
    dtypes = DTYPES if dtype is None else (dtype,)
    if definition is None:
        if wrt is not None:
            raise OptionError("wrt goes with a formula or a definition; leave it out, or give a definition")
        return without_definition.check_alone(f, gradient, args, at, points, seed, dtypes, elementwise)
    return against_definition.check_function(f, gradient, definition, wrt, args, at, points, seed, dtypes, elementwise)


def _fails(found: Comparison, accurate: bool, *, drawn: bool) -> Comparison | None:
    """The part of a comparison for which it fails; None if it passes."""
    bad = {Verdict.DISAGREE, Verdict.UNSUPPORTED} | ({Verdict.INACCURATE} if accurate else set())
    wrong = [row for row in found.rows if row.verdict in bad]
    if not wrong:
        undecided = [row for row in found.rows if row.verdict is Verdict.UNDECIDED]
        # drawn points are nobody's choice: one that cannot be decided is passed over if another can
        settled = {_subject(row) for row in found.rows if row.verdict is not Verdict.UNDECIDED}
        wrong = [row for row in undecided if not drawn or _subject(row) not in settled]
    if not wrong and found.rows:
        return None
    return dataclasses.replace(found, rows=tuple(wrong))


def _subject(row: Row) -> tuple[str, ...]:
    return row.subject if isinstance(row, FunctionRow) else (row.wrt,)


def _call(f: Any, gradient: Any, definition: Any, args: Any, elementwise: bool) -> str:
    """How the assertion was called, as far as that can be written down."""
    given = {"definition": definition, "args": args, "elementwise": elementwise or None}
    words = [_written(f), *([_written(gradient)] if gradient is not None else [])]
    words += [f"{name}={_written(value)}" for name, value in given.items() if value is not None]
    return ", ".join(itertools.islice(words, 6))


def _written(value: Any) -> str:
    if isinstance(value, sp.Basic):
        from compare.formula import as_text

        return repr(as_text(value)) if not isinstance(value, sp.Symbol) else repr(str(value))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_written, cast('Sequence[Any]', value)))}]"
    return str(getattr(value, "__name__", "") or f"{value!r:.80}")
