"""Value and gradient by any of the three routes, which share no derivative rule.

symbolic: SymPy's derivatives accumulated over the graph, run by JAX. autodiff: `jax.vjp` of the lowered model. chain:
the hand-written table, swept in reverse in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff import chain
from symdiff.errors import OptionError, SymbolError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.guard import guarded
from symdiff.lowering import floating_dtype, jax_outputs
from symdiff.symbolic import gradient_graph

Route = Literal["symbolic", "autodiff", "chain"]
ROUTES: tuple[Route, ...] = get_args(Route)

ValueAndGradient = Callable[..., tuple[Any, Any]]


def value_and_gradient(
    expr: Any, wrt: Wrt, args: Sequence[sp.Symbol | str] | None = None, route: Route = "symbolic"
) -> ValueAndGradient:
    """A function h(*arrays) -> (value, grads) of one expression.

    The arrays stand for `args`, by default `wrt` and then the other symbols by name. They broadcast to a shape S;
    value has shape S and grads, an array, (len(wrt), *S). Routes "symbolic" and "autodiff" are jitted JAX functions,
    which may be used under jit, vmap and grad; "chain" is NumPy. Integers are computed as float64, float32 stays
    float32.

    Raises SymbolError, OptionError or UnsupportedError before anything is compiled.

    >>> w, x = sp.symbols("w x", real=True)
    >>> value, grads = value_and_gradient(w * x**2, [w], route="chain")(2.0, [1.0, 3.0])
    >>> value, grads
    (array([ 2., 18.]), array([[1., 9.]]))
    """
    if route not in ROUTES:
        raise OptionError(f"route is {route!r}; choose one of {', '.join(ROUTES)}")
    expression = as_expression(expr, "the expression")
    known = free_symbols(expression)
    targets = find_symbols(wrt, known)
    order = _order(known, targets, args)
    evaluate = of_graph(guarded(graph_of([expression])), targets, route)

    def function(*arrays: Any) -> tuple[Any, Any]:
        if len(arrays) != len(order):
            raise OptionError(f"expected {len(order)} arrays ({', '.join(map(str, order))}), got {len(arrays)}")
        return evaluate(dict(zip(order, arrays, strict=True)))

    return function


def _order(known: Sequence[sp.Symbol], targets: Sequence[sp.Symbol], args: Any) -> tuple[sp.Symbol, ...]:
    if args is None:
        return (*targets, *(symbol for symbol in known if symbol not in targets))
    order = find_symbols(args, (*known, *(t for t in targets if t not in known)), "args")
    missing = [symbol for symbol in (*known, *targets) if symbol not in order]
    if missing:
        raise SymbolError(f"{missing[0]} is not among the arguments ({', '.join(map(str, order))}); add it")
    return order


def of_graph(graph: Graph, wrt: Sequence[sp.Symbol], route: Route) -> Callable[[dict[sp.Symbol, Any]], tuple[Any, Any]]:
    """Value and gradient of a graph's first output, by a route, as a function of the arrays of its symbols."""
    if route == "chain":
        return lambda given: _by_chain(graph, wrt, given)
    if route == "symbolic":
        derived = gradient_graph(graph, wrt)
        order = tuple(dict.fromkeys((*graph.inputs, *wrt)))

        @jax.jit
        def symbolic(*arrays: Any) -> tuple[Any, Any]:
            value, *partials = jax_outputs(derived, dict(zip(order, arrays, strict=True)))
            return value, jnp.stack(partials)

        return lambda given: symbolic(*_arrays(given, order))
    order = tuple(dict.fromkeys((*graph.inputs, *wrt)))

    @jax.jit
    def autodiff(*arrays: Any) -> tuple[Any, Any]:
        dtype = floating_dtype(*arrays)
        shape = jnp.broadcast_shapes(*(jnp.shape(a) for a in arrays))
        given = {s: jnp.broadcast_to(jnp.asarray(a, dtype), shape) for s, a in zip(order, arrays, strict=True)}
        fixed = {symbol: array for symbol, array in given.items() if symbol not in wrt}

        def model(*moving: jax.Array) -> jax.Array:
            return jax_outputs(graph, fixed | dict(zip(wrt, moving, strict=True)))[0]

        value, pullback = jax.vjp(model, *(given[symbol] for symbol in wrt))
        return value, jnp.stack(pullback(jnp.ones_like(value)))

    return lambda given: autodiff(*_arrays(given, order))


def _arrays(given: dict[sp.Symbol, Any], order: Sequence[sp.Symbol]) -> list[Any]:
    return [array if isinstance(array := given[symbol], jax.Array) else np.asarray(array) for symbol in order]


def _by_chain(graph: Graph, wrt: Sequence[sp.Symbol], given: dict[sp.Symbol, Any]) -> tuple[Any, Any]:
    arrays = {symbol: np.asarray(array) for symbol, array in given.items()}
    return chain.value_and_gradient(graph, arrays, wrt, floating_dtype(*arrays.values()))
