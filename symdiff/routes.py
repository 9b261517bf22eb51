"""Value and gradient by any of the three routes, which share no derivative rule.

symbolic: SymPy's derivatives accumulated over the graph, run by JAX. autodiff: `jax.vjp` of the lowered model. chain:
the hand-written table, swept in reverse in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff import chain
from symdiff.arguments import floating_dtype, real_arrays
from symdiff.collection import collection_paused
from symdiff.errors import OptionError, SymbolError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.lowering import LARGEST_FUSED, MOST_FUSED, Method, check_fused, jax_outputs, on_tape
from symdiff.rewriting.rewrites import lowerable
from symdiff.symbolic import gradient_graph
from symdiff.tape.lowered import by_reverse_mode, value_and_partials
from symdiff.tensors.lengths import length_symbols, with_lengths
from symdiff.vectorised import choice, lowered

Route = Literal["symbolic", "autodiff", "chain"]
ROUTES: tuple[Route, ...] = get_args(Route)

ValueAndGradient = Callable[..., tuple[Any, Any]]


def value_and_gradient(
    expr: Any,
    wrt: Wrt,
    args: Sequence[sp.Symbol | str] | None = None,
    route: Route = "symbolic",
    method: Method = "auto",
) -> ValueAndGradient:
    """A function h(*arrays) -> (value, grads) of one expression.

    The arrays stand for `args`, by default `wrt` and then the other symbols by name. They broadcast to a shape S;
    value has shape S and grads, an array, (len(wrt), *S). Where `wrt` holds matrices or indexed arrays, grads is a
    tuple, one array a symbol, of the axes of S and then those of its symbol. Symbolic lengths follow from the arrays,
    or are given after them, by name. Routes "symbolic" and "autodiff" are jitted JAX functions,
    which may be used under jit, vmap and grad; "chain" is NumPy. Integers are computed as float64, float32 stays
    float32, and half precision (float16, bfloat16) becomes float32. `method` is how JAX runs it, as in `lambdify`.

    Raises SymbolError, OptionError or UnsupportedError before anything is compiled.

    >>> w, x = sp.symbols("w x", real=True)
    >>> value, grads = value_and_gradient(w * x**2, [w], route="chain")(2.0, [1.0, 3.0])
    >>> value, grads
    (array([ 2., 18.]), array([[1., 9.]]))
    """
    if route not in ROUTES:
        raise OptionError(f"route is {route!r}; choose one of {', '.join(ROUTES)}")
    if method not in get_args(Method):
        raise OptionError(f"method is {method!r}; choose one of {', '.join(get_args(Method))}")
    with collection_paused():
        return _of_expression(expr, wrt, args, route, method)


def _of_expression(
    expr: Any, wrt: Wrt, args: Sequence[sp.Symbol | str] | None, route: Route, method: Method
) -> ValueAndGradient:
    expression = as_expression(expr, "the expression")
    known = free_symbols(expression)
    targets = find_symbols(wrt, known)
    order = _order(known, targets, args)
    graph = graph_of([expression])
    if graph.shapes:
        return _of_arrays(graph, targets, route, order)
    # the gradient has about three operations for each
    if route != "chain":
        check_fused(graph, method, MOST_FUSED // 3)
    computed = lowerable(graph)
    if route == "chain":
        by_name = of_graph(computed, targets, route, order)

        def evaluate(*arrays: Any) -> tuple[Any, Any]:
            return by_name(dict(zip(order, arrays, strict=True)))
    else:
        # a thousand arguments by name and back would cost as much as a network's gradient
        evaluate = _in_jax(computed, targets, order, route, method)

    def function(*arrays: Any) -> tuple[Any, Any]:
        if len(arrays) != len(order):
            raise OptionError(f"expected {len(order)} arrays ({', '.join(map(str, order))}), got {len(arrays)}")
        return evaluate(*real_arrays(order, arrays))

    return function


def _of_arrays(
    graph: Graph, targets: Sequence[Any], route: Route, order: Sequence[Any]
) -> Callable[..., tuple[Any, Any]]:
    from symdiff.tensors.running import gradient_function

    sizes = length_symbols(graph)
    arrays = tuple(symbol for symbol in order if symbol not in sizes)
    run = gradient_function(graph, targets, route, arrays)
    stacked = not any(graph.shape(graph.inputs[symbol]) for symbol in targets if symbol in graph.inputs)

    def function(*given: Any) -> tuple[Any, Any]:
        values, lengths = with_lengths(given, order, arrays, run.lengths)
        value, grads = run(values, lengths)
        if stacked:
            return value, (np if route == "chain" else jnp).stack(grads)
        return value, grads

    return function


def _order(known: Sequence[sp.Symbol], targets: Sequence[sp.Symbol], args: Any) -> tuple[sp.Symbol, ...]:
    if args is None:
        return tuple(dict.fromkeys((*targets, *known)))
    order = find_symbols(args, tuple(dict.fromkeys((*known, *targets))), "args")
    given = set(order)
    missing = [symbol for symbol in (*known, *targets) if symbol not in given]
    if missing:
        raise SymbolError(f"{missing[0]} is not among the arguments ({', '.join(map(str, order))}); add it")
    return order


def of_graph(
    graph: Graph,
    wrt: Sequence[sp.Symbol],
    route: Route,
    order: Sequence[sp.Symbol] | None = None,
    method: Method = "auto",
) -> Callable[[Mapping[sp.Symbol, Any]], tuple[Any, Any]]:
    """Value and gradient of a graph's first output, by a route, as a function of the arrays of symbols.

    `order` lists the symbols that will be given: by default the inputs of the graph, then the rest of `wrt`. `method`
    is how JAX runs it, as in `lambdify`.
    """
    symbols = tuple(dict.fromkeys((*graph.inputs, *wrt))) if order is None else tuple(order)
    if route == "chain":
        return lambda given: _by_chain(graph, wrt, {symbol: given[symbol] for symbol in symbols})
    evaluate = _in_jax(graph, wrt, symbols, route, method)
    return lambda given: evaluate(*(given[symbol] for symbol in symbols))


def _in_jax(
    graph: Graph, wrt: Sequence[sp.Symbol], symbols: Sequence[sp.Symbol], route: Route, method: Method
) -> Callable[..., tuple[Any, Any]]:
    """A route that JAX runs, as a function of arrays in the order of the symbols."""
    return (_symbolic if route == "symbolic" else _autodiff)(graph, wrt, symbols, method)


def _symbolic(
    graph: Graph, wrt: Sequence[sp.Symbol], symbols: Sequence[sp.Symbol], method: Method
) -> Callable[..., tuple[Any, Any]]:
    derived = gradient_graph(graph, wrt)
    if method == "vectorised" or (method == "auto" and choice.pays(derived, symbols)):
        choice.checked(derived, symbols)
        return lowered.value_and_partials(derived, symbols)
    if on_tape(derived, method):
        taped = value_and_partials(derived, symbols, native=method == "native")
        return lambda *arrays: taped(*real_arrays(symbols, arrays))

    @jax.jit
    def symbolic(*arrays: Any) -> tuple[Any, Any]:
        value, *partials = jax_outputs(derived, dict(zip(symbols, arrays, strict=True)))
        return value, jnp.stack(partials)

    return symbolic


def _autodiff(
    graph: Graph, wrt: Sequence[sp.Symbol], symbols: Sequence[sp.Symbol], method: Method
) -> Callable[..., tuple[Any, Any]]:
    targets = set(wrt)
    if method == "vectorised" or (method == "auto" and choice.pays(graph, symbols)):
        choice.checked(graph, symbols)
        return lowered.by_reverse_mode(graph, wrt, symbols)
    # reverse mode makes about three operations of one
    if method in ("tape", "native") or (method == "auto" and 3 * graph.operation_count > LARGEST_FUSED):
        taped = by_reverse_mode(graph, wrt, symbols, native=method == "native")
        return lambda *arrays: taped(*real_arrays(symbols, arrays))

    @jax.jit
    def autodiff(*arrays: Any) -> tuple[Any, Any]:
        converted = [jnp.asarray(array) for array in real_arrays(symbols, arrays)]
        shape = np.broadcast_shapes(*(array.shape for array in converted))
        # an array of its own for each point, so that the pulled-back ones are the partials point by point
        given = {symbol: jnp.broadcast_to(a, shape) for symbol, a in zip(symbols, converted, strict=True)}
        fixed = {symbol: array for symbol, array in given.items() if symbol not in targets}

        def model(*moving: jax.Array) -> jax.Array:
            return jax_outputs(graph, fixed | dict(zip(wrt, moving, strict=True)))[0]

        value, pullback = jax.vjp(model, *(given[symbol] for symbol in wrt))
        return value, jnp.stack(pullback(jnp.ones_like(value)))

    return autodiff


def _by_chain(graph: Graph, wrt: Sequence[sp.Symbol], given: Mapping[sp.Symbol, Any]) -> tuple[Any, Any]:
    arrays = dict(zip(given, map(np.asarray, real_arrays(tuple(given), tuple(given.values()))), strict=True))
    return chain.value_and_gradient(graph, arrays, wrt, floating_dtype(*arrays.values()))
