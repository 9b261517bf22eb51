"""Lowering: from a graph to a pure JAX function that works under jit, vmap and grad, on CPU and GPU.

The function runs in the widest floating dtype of its arguments; integers count as float64. Constants are rounded
once, from their exact values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.chain import float_of
from symdiff.errors import OptionError, SymbolError
from symdiff.from_sympy import as_expression, graph_of
from symdiff.graph import Graph
from symdiff.guard import guarded
from symdiff.jax_forms import resolve

jax.config.update("jax_enable_x64", True)

Method = Literal["auto", "fused"]

resolve = lru_cache(maxsize=None)(resolve)


def jax_outputs(graph: Graph, arrays: Mapping[sp.Symbol, Any]) -> list[jax.Array]:
    """Outputs of a graph as JAX arrays, each of the broadcast shape of all `arrays`; traceable."""
    given = {symbol: jnp.asarray(array) for symbol, array in arrays.items()}
    dtype = floating_dtype(*given.values())
    shape = jnp.broadcast_shapes(*(array.shape for array in given.values()))
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = given[symbol].astype(dtype)
    for node, constant in graph.constants.items():
        number = float_of(constant)
        values[node] = jnp.asarray(number, bool if isinstance(number, bool) else dtype)
    for node, function, operands, static in graph.applications:
        values[node] = resolve(function.jax)(*(values[i] for i in operands), *static)
    return [jnp.broadcast_to(values[node], shape) for node in graph.outputs]


def floating_dtype(*arrays: Any) -> np.dtype[Any]:
    """The dtype in which arguments are computed: their common one if that is floating, else float64.

    >>> floating_dtype(np.float32(1.0), 2.0), floating_dtype(np.int32(1))
    (dtype('float32'), dtype('float64'))
    """
    common = np.result_type(*arrays) if arrays else np.dtype(np.float64)
    return np.dtype(common) if jnp.issubdtype(common, jnp.floating) else np.dtype(np.float64)


def lambdify(args: sp.Symbol | Sequence[Any], exprs: Any, method: Method = "auto") -> Callable[..., Any]:
    """Turn SymPy expressions into a jitted JAX function of positional arguments, as `sympy.lambdify` orders them.

    Args:
        args: a symbol, or symbols in the order of the arguments; a nested list stands for a nested argument.
        exprs: an expression, or a list, tuple or SymPy matrix of them; the result has the same structure, a matrix
        becoming an
            array of shape (rows, columns, *S), where S is the broadcast shape of the arguments. Constants have shape
            S too.
        method: how the graph is lowered; "auto" chooses by size.

    Raises:
        SymbolError: a symbol of the expressions is not among `args`, or stands there twice.
        UnsupportedError: a function has no row in the table; raised before anything is compiled.

    >>> x, y = sp.symbols("x y", real=True)
    >>> f = lambdify([x, y], sp.sin(x) * y)
    >>> float(f(0.0, 2.0)), float(jax.grad(f)(0.0, 2.0))
    (0.0, 2.0)

    """
    if method not in get_args(Method):
        raise OptionError(f"method is {method!r}; choose one of {', '.join(get_args(Method))}")
    nested: Sequence[Any] = [args] if isinstance(args, (sp.Symbol, str)) else list(args)
    symbols: list[sp.Symbol] = []
    structure = jax.tree.structure(_leaves(nested, symbols))
    if len(set(symbols)) < len(symbols):
        twice = next(s for i, s in enumerate(symbols) if s in symbols[:i])
        raise SymbolError(f"{twice} stands twice among the arguments; name each argument once")
    flat, rebuild = _outputs(exprs)
    graph = guarded(graph_of(flat))
    missing = [symbol for symbol in graph.inputs if symbol not in symbols]
    if missing:
        raise SymbolError(
            f"{', '.join(map(str, missing))} in the expression is not among the arguments "
            f"({', '.join(map(str, symbols))}); add it, or substitute a number"
        )

    @jax.jit
    def function(*arguments: Any) -> Any:
        given = jax.tree.leaves(arguments)
        if jax.tree.structure(list(arguments)) != structure:
            raise OptionError(f"expected {len(nested)} arguments ({', '.join(map(str, nested))}), got {len(arguments)}")
        return rebuild(jax_outputs(graph, dict(zip(symbols, given, strict=True))))

    return function


def _leaves(nested: Sequence[Any], symbols: list[sp.Symbol]) -> list[Any]:
    """The nesting with every symbol replaced by 0; the symbols are appended in order."""
    shape: list[Any] = []
    for item in nested:
        if isinstance(item, sp.Symbol):
            symbols.append(item)
            shape.append(0)
        elif isinstance(item, (list, tuple)):
            inner = _leaves(item, symbols)
            shape.append(inner if isinstance(item, list) else tuple(inner))
        else:
            raise SymbolError(f"argument {item!r} is {type(item).__name__}; give SymPy symbols")
    return shape


def _outputs(exprs: Any) -> tuple[list[sp.Expr], Callable[[list[jax.Array]], Any]]:
    if isinstance(exprs, sp.MatrixBase):
        rows, columns = exprs.shape
        return list(exprs), lambda values: jnp.stack(values).reshape(rows, columns, *values[0].shape)
    if isinstance(exprs, (list, tuple)):
        kind = type(exprs)
        return [as_expression(e, "an output") for e in exprs], lambda values: values if kind is list else tuple(values)
    return [as_expression(exprs, "the output")], lambda values: values[0]
