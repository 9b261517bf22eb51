"""Lowering: from a graph to a pure JAX function that works under jit, vmap and grad, on CPU and GPU.

The function runs in float32 or float64, whichever is the widest dtype of its arguments: integers count as float64,
half precision (float16, bfloat16) as float32, extended precision as float64. Constants are rounded once, from their
exact values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.arguments import aligned, floating_dtype, real_arrays
from symdiff.collection import collection_paused
from symdiff.constants import nearest
from symdiff.errors import InputError, OptionError, SymbolError
from symdiff.forms.jax_arithmetic import resolve
from symdiff.from_sympy import as_expression, graph_of
from symdiff.function import Absence
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import lowerable
from symdiff.symbol_lookup import INPUTS
from symdiff.tensors.lengths import length_symbols, with_lengths
from symdiff.tensors.operation import Operation
from symdiff.vectorised import choice

jax.config.update("jax_enable_x64", True)

Method = Literal["auto", "fused", "tape", "native", "vectorised"]
# operations of a graph up to which XLA compiles it as a whole in about a second; from here on the tape is as fast to
# run and faster to compile, measured on random shared graphs
LARGEST_FUSED = 250
# operations that XLA compiles as a whole where a caller wants it so, in about a minute; time grows with their square
MOST_FUSED = 2_000

resolve = lru_cache(maxsize=None)(resolve)


def jax_outputs(graph: Graph, arrays: Mapping[sp.Symbol, Any]) -> list[jax.Array]:
    """Outputs of a graph as JAX arrays, each of the broadcast shape of all `arrays`; traceable."""
    converted = [jnp.asarray(array) for array in real_arrays(tuple(arrays), tuple(arrays.values()))]
    dtype = floating_dtype(*converted)
    shape = np.broadcast_shapes(*(array.shape for array in converted))
    values = node_values(graph, dict(zip(arrays, aligned(converted), strict=True)), dtype)
    return [jnp.broadcast_to(values[node], shape) for node in graph.outputs]


def node_values(graph: Graph, inputs: Mapping[Any, Any], dtype: Any) -> list[Any]:
    """Value of every node in JAX, given the arrays of the inputs, which broadcast together as they are."""
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = inputs[symbol]
    for node, constant in graph.constants.items():
        values[node] = jnp.asarray(nearest(constant, dtype))
    for node, function, operands, static in graph.applications:
        if isinstance(function, Operation):
            values[node] = resolve(function.jax)(*(values[i] for i in operands), *static)
            if not operands:
                values[node] = values[node].astype(dtype)
            continue
        # a constant divisor has no derivative, so JAX's own quotient will do, which is faster to trace
        plain = function.name == "divide" and operands[1] in graph.constants
        form = jnp.divide if plain else resolve(function.jax)
        # where no derivative goes in, none comes out: zero times an infinite one would be NaN
        still = [partial is Absence.ZERO for partial in function.partials]
        taken = [jax.lax.stop_gradient(values[i]) if s else values[i] for i, s in zip(operands, still, strict=True)]
        values[node] = form(*(aligned(taken) if node in graph.shapes else taken), *static)
    return values


def lambdify(args: sp.Symbol | Sequence[Any], exprs: Any, method: Method = "auto") -> Callable[..., Any]:
    """Turn SymPy expressions into a jitted JAX function of positional arguments, as `sympy.lambdify` orders them.

    Args:
        args: a symbol, or symbols in the order of the arguments; a nested list stands for a nested argument.
        exprs: an expression, or a list, tuple or SymPy matrix of them; the result has the same structure, a matrix
        becoming an
            array of shape (rows, columns, *S), where S is the broadcast shape of the arguments. Constants have shape
            S too. Matrix symbols and indexed arrays are arguments as well; a matrix expression becomes an array of the
            axes of S and then its own. Symbolic lengths follow from the arrays, unless they are among `args`.
        method: "fused" lets XLA compile the graph as a whole; "tape" runs it on a machine whose compile time does not
            depend on the expression; "native" runs the same tape by a compiled C loop, on a CPU with a C compiler, and
            elsewhere, with a NativeWarning, on the machine; "vectorised" finds the parts that are alike, such as the
            units of a layer, and runs each kind as one vector operation; "auto" chooses by size and likeness, never
            "native". Graphs with arrays are always fused.

    Raises:
        SymbolError: a symbol of the expressions is not among `args`, or stands there twice.
        UnsupportedError: a function has no row in the table; raised before anything is compiled.
        OptionError: method is "vectorised" and too little of the graph is alike, or "fused" and there are thousands of
            operations.

    >>> x, y = sp.symbols("x y", real=True)
    >>> f = lambdify([x, y], sp.sin(x) * y)
    >>> float(f(0.0, 2.0)), float(jax.grad(f)(0.0, 2.0))
    (0.0, 2.0)

    """
    if method not in get_args(Method):
        raise OptionError(f"method is {method!r}; choose one of {', '.join(get_args(Method))}")
    nested = _sequence(args)
    symbols = _symbols(nested)
    known = set(symbols)
    if len(known) < len(symbols):
        twice = next(symbol for symbol, count in Counter(symbols).items() if count > 1)
        raise SymbolError(f"{twice} stands twice among the arguments; name each argument once")
    flat, rebuild = _outputs(exprs)
    with collection_paused():
        read = graph_of(flat)
        graph = lowerable(read)
    lengths = set(length_symbols(read)) if read.shapes else set[sp.Symbol]()
    missing = [symbol for symbol in graph.inputs if symbol not in known and symbol not in lengths]
    if missing:
        names = {symbol.name for symbol in known}
        twin = next((symbol for symbol in missing if symbol.name in names), None)
        if twin is not None:
            why = "differs in its assumptions from the one in the expression; use one and the same symbol for both"
            raise SymbolError(f"the argument {twin} {why}")
        raise SymbolError(
            f"{', '.join(map(str, missing))} in the expression is not among the arguments "
            f"({', '.join(map(str, symbols))}); add it, or substitute a number"
        )

    if not read.shapes:
        check_fused(graph, method)
    compiled = _of_arrays(read, symbols) if read.shapes else _of_scalars(graph, symbols, method)

    def function(*arguments: Any) -> Any:
        given: list[Any] = []
        if len(arguments) != len(nested) or not all(map(_flattened, nested, arguments, [given] * len(nested))):
            told = ", ".join(map(str, nested))
            raise OptionError(
                f"expected {len(nested)} arguments ({told}), got {len(arguments)} of other nesting or number"
            )
        return rebuild(compiled(given))

    return function


def check_fused(graph: Graph, method: Method, most: int = MOST_FUSED) -> None:
    """Raise OptionError where XLA would take far too long to compile a graph of scalars as a whole."""
    if method == "fused" and graph.operation_count > most:
        raise OptionError(
            f"method is 'fused', but the expression has {graph.operation_count:,} operations, and XLA would take "
            f"minutes or hours to compile more than {most:,}; choose 'tape' or 'auto'"
        )


def on_tape(graph: Graph, method: Method = "auto") -> bool:
    """Whether a graph of scalars is to run as a tape, where its parts are not alike."""
    return method in ("tape", "native") or (method == "auto" and graph.operation_count > LARGEST_FUSED)


def _of_scalars(
    graph: Graph, symbols: Sequence[sp.Symbol], method: Method
) -> Callable[[Sequence[Any]], list[jax.Array]]:
    if method == "vectorised" or (method == "auto" and choice.is_worthwhile(graph, symbols)):
        from symdiff.vectorised import lowered

        choice.checked(graph, symbols)
        vectors = lowered.outputs_function(graph, symbols)
        return lambda given: vectors(*real_arrays(symbols, given))
    if on_tape(graph, method):
        from symdiff.tape.lowered import outputs_function

        taped = outputs_function(graph, symbols, native=method == "native")
        return lambda given: taped(*real_arrays(symbols, given))

    @jax.jit
    def compiled(*arrays: Any) -> list[jax.Array]:
        return jax_outputs(graph, dict(zip(symbols, arrays, strict=True)))

    return lambda given: compiled(*real_arrays(symbols, given))


def stacked_outputs(graph: Graph, symbols: Sequence[sp.Symbol], method: Method = "auto") -> Callable[..., jax.Array]:
    """All outputs of a graph of scalars as one array (outputs, *S), from the arrays of `symbols`; traceable."""
    if method == "vectorised" or (method == "auto" and choice.is_worthwhile(graph, symbols)):
        from symdiff.vectorised import lowered

        choice.checked(graph, symbols)
        pair = lowered.value_and_partials(graph, symbols)
    elif on_tape(graph, method):
        from symdiff.tape.lowered import value_and_partials

        pair = value_and_partials(graph, symbols, native=method == "native")
    else:
        return jax.jit(lambda *arrays: jnp.stack(jax_outputs(graph, dict(zip(symbols, arrays, strict=True)))))
    return lambda *arrays: _joined(*pair(*real_arrays(symbols, arrays)))


@jax.jit
def _joined(first: jax.Array, rest: jax.Array) -> jax.Array:
    return jnp.concatenate([first[None], rest])


def _of_arrays(graph: Graph, symbols: Sequence[Any]) -> Callable[[Sequence[Any]], list[jax.Array]]:
    from symdiff.tensors.running import output_function

    sizes = length_symbols(graph)
    run = output_function(graph, tuple(symbol for symbol in symbols if symbol not in sizes))

    def compiled(given: Sequence[Any]) -> list[jax.Array]:
        arrays, lengths = with_lengths(given, symbols, run.symbols, run.lengths)
        return run(arrays, lengths)

    return compiled


def _sequence(args: Any) -> list[Any]:
    if isinstance(args, (list, tuple)):
        return list(args)
    if isinstance(args, INPUTS):
        return [args]
    raise SymbolError(f"args is {args!r}; give a SymPy symbol or a list of symbols")


def _symbols(nested: Sequence[Any]) -> list[sp.Symbol]:
    """All symbols of nested arguments, in order."""
    found: list[sp.Symbol] = []
    for item in nested:
        if isinstance(item, INPUTS):
            found.append(item)
        elif isinstance(item, (list, tuple)):
            found += _symbols(item)
        else:
            raise SymbolError(f"argument {item!r} is {type(item).__name__}; give SymPy symbols")
    return found


def _flattened(item: Any, argument: Any, found: list[Any]) -> bool:
    """Append the values of one argument in the order of its symbols; False where the nesting differs."""
    if isinstance(item, INPUTS):
        found.append(argument)
        return True
    if not isinstance(argument, (list, tuple)) or len(argument) != len(item):
        return False
    return all(map(_flattened, item, argument, [found] * len(item)))


def _outputs(exprs: Any) -> tuple[list[sp.Expr], Callable[[list[jax.Array]], Any]]:
    if isinstance(exprs, sp.MatrixBase):
        rows, columns = exprs.shape
        if not rows * columns:
            raise InputError("the matrix is empty; give at least one entry")
        return list(exprs), lambda values: jnp.stack(values).reshape(rows, columns, *values[0].shape)
    if isinstance(exprs, (list, tuple)):
        kind = type(exprs)
        return [as_expression(e, "an output") for e in exprs], lambda values: values if kind is list else tuple(values)
    return [as_expression(exprs, "the output")], lambda values: values[0]
