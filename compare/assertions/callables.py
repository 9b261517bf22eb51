"""A Python function under test: how it is called, and what JAX's modes make of it, point by point.

JAX runs a function under `jax.vmap` where it can, else one point after the other. Each coordinate has a direction of
its own. A rule of differentiation is linear in its cotangent or tangent, so each is asked for 1 and for `SCALE`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.bounds.jaxpr import output_bounds
from symdiff.errors import InputError, OptionError, SymbolError

Array = NDArray[np.float64]
# multiplying by it rounds nothing
SCALE = -2.0
# what a walk along a program may stumble over that was not made for it
UNWALKABLE = (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError)


@dataclass(frozen=True)
class Callee:
    """A function and its arguments: each a symbol, or nested lists of symbols for an array of them."""

    f: Callable[..., Any]
    layout: tuple[Any, ...]
    symbols: tuple[sp.Symbol, ...]
    elementwise: bool = False

    @property
    def name(self) -> str:
        """What the function is called."""
        return str(getattr(self.f, "__name__", "") or type(self.f).__name__)

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """The arguments from one number, or one column, a symbol."""
        known = dict(zip(self.symbols, given, strict=True))
        return [_assembled(entry, known) for entry in self.layout]


@dataclass(frozen=True)
class Answers:
    """What one mode gave: numbers of shape (partials, points), those for `SCALE` divided by it, and a rounding bound.

    `numbers` is None where the mode does not exist for the function, and `why` says so.
    """

    numbers: Array | None
    scaled: Array | None = None
    bound: Array | None = None
    why: str = ""

    @property
    def present(self) -> Array:
        """The numbers; raises InputError where the mode does not exist."""
        if self.numbers is None:
            raise InputError(f"JAX cannot differentiate the function so: {self.why}")
        return self.numbers


def read_callee(f: Callable[..., Any], symbols: Sequence[sp.Symbol], args: Any, elementwise: bool) -> Callee:
    """Match the function's arguments with symbols: as `args` lists them, else by name; a single one needs no name.

    Raises OptionError for a function that cannot be called so, SymbolError for symbols that are left over.

    >>> x, y = sp.symbols("x y")
    >>> read_callee(lambda y, x: x / y, [x, y], None, False).symbols
    (y, x)
    """
    layout = tuple(_entry(entry, symbols) for entry in _listed(args)) if args is not None else _by_name(f, symbols)
    found = tuple(symbol for entry in layout for symbol in _leaves(entry))
    if len(set(found)) < len(found):
        raise SymbolError(f"args names a symbol twice: {_names(found)}; name each once")
    if missing := [symbol for symbol in symbols if symbol not in found]:
        raise SymbolError(
            f"the definition contains {_names(missing)}, which args ({_names(found)}) leaves out; name every symbol"
        )
    callee = Callee(f, layout, found, elementwise)
    if (signature := _signature(f)) is not None:
        try:
            signature.bind(*layout)
        except TypeError:
            raise OptionError(
                f"{callee.name}{signature} cannot be called with {len(layout)} arguments ({_names(found)}); "
                "give args, one symbol or list of symbols for each argument"
            ) from None
    return callee


def values(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The function's own values, shape (1, points); raises InputError or OptionError if it cannot be called."""
    _check_output(callee, [column[0] for column in columns])
    if callee.elementwise:
        return _whole(columns, lambda *given: callee.f(*callee.arguments(given))[None])
    return _asked(columns, lambda *given: jnp.reshape(callee.f(*callee.arguments(given)), (1,)))


def reverse(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The partials by `jax.vjp`."""

    def pulled(cotangent: float) -> Callable[..., Any]:
        def task(*given: Any) -> Any:
            value, pullback = jax.vjp(lambda *moving: callee.f(*callee.arguments(moving)), *given)
            return jnp.stack(pullback(jnp.full_like(value, cotangent)))

        return task

    return _in_mode(callee, columns, pulled)


def forward(callee: Callee, columns: Sequence[NDArray[Any]]) -> Answers:
    """The partials by `jax.jvp`, one coordinate direction after the other, and last along all of them together."""

    def pushed(size: float) -> Callable[..., Any]:
        def task(*given: Any) -> Any:
            def along(which: Sequence[int]) -> Any:
                tangents = tuple(jnp.full_like(u, size if k in which else 0.0) for k, u in enumerate(given))
                return jax.jvp(lambda *moving: callee.f(*callee.arguments(moving)), tuple(given), tangents)[1]

            every = range(len(given))
            return jnp.stack([*(along([k]) for k in every), along(every)])

        return task

    return _in_mode(callee, columns, pushed)


def claimed(callee: Callee, gradient: Callable[..., Any], columns: Sequence[NDArray[Any]]) -> Answers:
    """What a gradient written by hand returns: one number a symbol, as a tuple, a list, an array or a mapping."""

    def task(*given: Any) -> Any:
        found = gradient(*callee.arguments(given))
        if isinstance(found, Mapping):
            found = [cast("Mapping[Any, Any]", found)[str(symbol)] for symbol in callee.symbols]
        return jnp.concatenate([jnp.ravel(jnp.asarray(leaf, given[0].dtype)) for leaf in jax.tree.leaves(found)])

    try:
        answers = _asked(columns, task)
    except Exception as error:
        raise InputError(f"the gradient raised {_told(error)}; it is called as {callee.name} is") from error
    count = 0 if answers.numbers is None else len(answers.numbers)
    if count != len(callee.symbols):
        raise OptionError(f"the gradient returns {count} numbers for {len(callee.symbols)} ({_names(callee.symbols)})")
    return answers


def _in_mode(callee: Callee, columns: Sequence[NDArray[Any]], task: Callable[[float], Callable[..., Any]]) -> Answers:
    run = _whole if callee.elementwise else _asked
    try:
        once, scaled = run(columns, task(1.0)), run(columns, task(SCALE))
    except Exception as error:
        return Answers(None, why=_told(error))
    return Answers(once.numbers, scaled.present / SCALE, once.bound)


def _asked(columns: Sequence[NDArray[Any]], task: Callable[..., Any]) -> Answers:
    """A task of one point, at all points: mapped by JAX if the function allows it."""
    given = [jnp.asarray(column) for column in columns]
    mapped = jax.vmap(task, out_axes=-1)
    try:
        found = mapped(*given)
    except Exception:
        # Python's `if`, or NumPy, within the function
        found = jnp.stack([task(*point) for point in zip(*given, strict=True)], axis=-1)
        return Answers(np.asarray(found, np.float64))
    return Answers(np.asarray(found, np.float64), bound=_bound(mapped, columns))


def _whole(columns: Sequence[NDArray[Any]], task: Callable[..., Any]) -> Answers:
    found = task(*(jnp.asarray(column) for column in columns))
    return Answers(np.asarray(found, np.float64), bound=_bound(task, columns))


def _bound(function: Callable[..., Any], columns: Sequence[NDArray[Any]]) -> Array | None:
    """What rounding explains along the program that JAX makes of a function; None where it cannot be followed."""
    try:
        found = output_bounds(jax.make_jaxpr(function)(*columns), columns, columns[0].dtype)
    except UNWALKABLE:
        return None
    return None if found is None else found[0]


def _check_output(callee: Callee, point: Sequence[Any]) -> None:
    given = [jnp.asarray([u, u] if callee.elementwise else u) for u in point]
    try:
        value: Any = callee.f(*callee.arguments(given))
    except Exception as error:
        hint = "" if callee.elementwise else "; if it takes arrays, give args=[[x1, x2]], or elementwise=True"
        raise InputError(f"{callee.name} raised {_told(error)}{hint}") from error
    kind = np.asarray(value).dtype if not hasattr(value, "dtype") else value.dtype
    if not jnp.issubdtype(kind, jnp.floating):
        raise OptionError(f"{callee.name} returns {kind}, which has no real derivative; return a floating-point number")
    shape = np.shape(value)
    expected = (2,) if callee.elementwise else ()
    if shape != expected:
        what = "of two points, " if callee.elementwise else "of one point, "
        raise OptionError(f"{callee.name} returns an array of shape {shape} {what}where {expected} is expected")


def _told(error: Exception) -> str:
    first = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {first[:160]}"


def _assembled(entry: Any, known: Mapping[sp.Symbol, Any]) -> Any:
    if isinstance(entry, sp.Symbol):
        return known[entry]
    return jnp.stack([_assembled(part, known) for part in entry], axis=-_depth(entry))


def _depth(entry: Any) -> int:
    return 0 if isinstance(entry, sp.Symbol) else 1 + _depth(entry[0])


def _leaves(entry: Any) -> list[sp.Symbol]:
    return [entry] if isinstance(entry, sp.Symbol) else [leaf for part in entry for leaf in _leaves(part)]


def _listed(args: Any) -> list[Any]:
    if isinstance(args, (sp.Symbol, str)):
        return [args]
    if not isinstance(args, (list, tuple)) or not args:
        raise OptionError(f"args is {args!r}; give a list, one symbol or list of symbols for each argument")
    return list(cast("Sequence[Any]", args))


def _entry(entry: Any, symbols: Sequence[sp.Symbol]) -> Any:
    if isinstance(entry, sp.Symbol):
        alike = next((symbol for symbol in symbols if symbol.name == entry.name and symbol != entry), None)
        if alike is not None:
            raise SymbolError(f"args holds a {entry} whose assumptions differ from those of {entry} in the definition")
        return entry
    if isinstance(entry, str):
        known = {symbol.name: symbol for symbol in symbols}
        return known.get(entry, sp.Symbol(entry, real=True))
    parts: Sequence[Any] = cast("Sequence[Any]", entry) if isinstance(entry, (list, tuple)) else ()
    nested = tuple(_entry(part, symbols) for part in parts)
    if not nested or len({(_depth(part), len(_leaves(part))) for part in nested}) > 1:
        raise OptionError(f"args holds {entry!r}; give symbols, names, or lists of them that are not ragged")
    return nested


def _by_name(f: Callable[..., Any], symbols: Sequence[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    signature = _signature(f)
    if signature is None:
        if len(symbols) == 1:
            return tuple(symbols)
        raise OptionError(f"the arguments of {f!r} cannot be read; give args, one symbol for each argument")
    known = {symbol.name: symbol for symbol in symbols}
    named = parameter_names(f, tuple(known))
    if set(named) == set(known):
        return tuple(known[name] for name in named)
    if len(symbols) == 1 and len(named) == 1:
        return tuple(symbols)
    raise SymbolError(
        f"the function takes ({', '.join(named)}), the definition contains {_names(symbols)}; "
        "give args, one symbol or list of symbols for each argument"
    )


def parameter_names(f: Callable[..., Any], known: Sequence[str] = ()) -> list[str]:
    """Names of the positional parameters, of those with a default only the known ones.

    >>> parameter_names(lambda x, n=2: x**n)
    ['x']
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = _signature(f)
    parameters = [] if signature is None else [p for p in signature.parameters.values() if p.kind in kinds]
    return [p.name for p in parameters if p.name in known or p.default is inspect.Parameter.empty]


def _signature(f: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):
        return None


def _names(symbols: Sequence[sp.Symbol]) -> str:
    return ", ".join(map(str, symbols)) or "no symbols"
