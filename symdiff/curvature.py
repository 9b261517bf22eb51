"""Products of a Hessian with a direction, without the Hessian: forward over reverse on the graph.

The derivative of the gradient along a direction d is H*d: one sweep from front to back over the graph of the gradient,
at a small multiple of the operations of the model however many inputs there are (Pearlmutter, Fast exact multiplication
by the Hessian, Neural Computation 6, 1994; Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, section 5.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.collection import collection_paused
from symdiff.colouring import direct_places, star_colours
from symdiff.errors import InputError, OptionError
from symdiff.from_sympy import free_symbols
from symdiff.gradients import curved, gradient
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.sparsity import Pattern, pattern_of
from symdiff.symbol_lookup import Wrt, listed
from symdiff.symbolic import directional
from symdiff.to_sympy import expressions_of


@dataclass(frozen=True, eq=False)
class HessianVectorProduct:
    """H*d of one expression: the derivative of its gradient along a direction d, whose components are symbols too.

    `graph` has an output for each of `wrt`; its inputs are the symbols of the expression and of `direction`. `args`
    are the symbols that a call takes arrays of: `wrt`, then the other symbols by name.

    >>> x, y = sp.symbols("x y", real=True)
    >>> p = hessian_vector_product(x**2 * y, [x, y])
    >>> p.direction, list(p)
    ((d_x, d_y), [2*d_x*y + 2*d_y*x, 2*d_x*x])
    >>> p([3.0, 5.0], [1.0, 0.0]).tolist()
    [10.0, 6.0]
    """

    wrt: tuple[sp.Symbol, ...]
    args: tuple[sp.Symbol, ...]
    direction: tuple[sp.Symbol, ...]
    graph: Graph
    pattern: Pattern

    def __iter__(self) -> Iterator[sp.Expr]:
        return iter(self.expressions)

    def __len__(self) -> int:
        return len(self.wrt)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The components of the product, in the order of `wrt`, as SymPy expressions."""
        return tuple(expressions_of(self.graph, self.graph.outputs))  # type: ignore[arg-type]

    @property
    def operations(self) -> int:
        """Operations of all components together, each shared one counted once."""
        return self.graph.operation_count

    @cached_property
    def colours(self) -> tuple[int, ...]:
        """A star colouring of the Hessian: one product a colour finds all its entries."""
        return star_colours(self.pattern)

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        from symdiff.lowering import stacked_outputs
        from symdiff.rewriting.rewrites import lowerable

        return stacked_outputs(lowerable(self.graph), (*self.args, *self.direction))

    def __call__(self, values: Sequence[Any] | NDArray[Any], direction: Sequence[Any] | NDArray[Any]) -> Any:
        """H*d, a JAX array (len(wrt), *S), from arrays of `args` and the direction that broadcast to S; traceable."""
        from symdiff.arguments import real_arrays

        for given, names, what in ((values, self.args, "values"), (direction, self.direction, "direction")):
            if len(given) != len(names):
                raise OptionError(f"{what} has {len(given)} arrays; give {len(names)}, one for each of {listed(names)}")
        symbols = (*self.args, *self.direction)
        return self._compiled(*real_arrays(symbols, (*values, *direction)))

    def entries(self, values: Sequence[Any] | NDArray[Any]) -> dict[tuple[int, int], Any]:
        """The Hessian's entries (i, j), i <= j, that are not zero by structure, from one product a colour.

        The arrays of `values` broadcast to S, and each entry has shape S. For many entries at few points; the graph of
        `hessian` holds each entry as an expression instead.

        >>> x, y, z = sp.symbols("x y z", real=True)
        >>> p = hessian_vector_product(x * y + y * z**2, [x, y, z])
        >>> p.colours, {place: float(entry) for place, entry in p.entries([1.0, 2.0, 3.0]).items()}
        ((1, 0, 1), {(0, 1): 1.0, (1, 2): 6.0, (2, 2): 4.0})
        """
        columns = [
            np.asarray(self(values, [1.0 if own == colour else 0.0 for own in self.colours]))
            for colour in range(max(self.colours, default=-1) + 1)
        ]
        told = direct_places(self.pattern, self.colours)
        return {place: columns[self.colours[j]][i] for place, (i, j) in told.items()}


def hessian_vector_product(expr: Any, wrt: Wrt) -> HessianVectorProduct:
    """The Hessian of `expr` in `wrt` times a direction, as expressions and as a function; raises as `gradient` does.

    Takes time and operations linear in those of `expr`, however many entries the Hessian has.

    >>> x, y = sp.symbols("x y", real=True)
    >>> list(hessian_vector_product("x*y", ["x", "y"]))
    [d_y, d_x]
    """
    with collection_paused():
        first = gradient(expr, wrt)
        taken, textbook = curved(first)
        if taken.shapes:
            raise InputError("hessian_vector_product was given arrays; give an expression of scalars, or take jax.jvp")
        known = free_symbols(first.expression)
        args = tuple(dict.fromkeys((*first.wrt, *known)))
        direction = _directions(first.wrt, args)
        builder = GraphBuilder()
        places = builder.splice(taken)
        sources = [taken.inputs.get(symbol, -1) for symbol in first.wrt]
        seeds = {node: builder.input(d) for node, d in zip(sources, direction, strict=True) if node >= 0}
        outputs = directional(builder, taken, places, seeds, textbook)
        pattern = _symmetric(pattern_of(taken, sources))
        return HessianVectorProduct(first.wrt, args, direction, builder.finish(outputs), pattern)


def _symmetric(pattern: Pattern) -> Pattern:
    """The pattern with an entry wherever the transposed one has one: the sweeps see some zeros from one side only."""
    rows = [set(row) for row in pattern]
    for i, row in enumerate(pattern):
        for j in row:
            rows[j].add(i)
    return tuple(tuple(sorted(row)) for row in rows)


def _directions(wrt: Sequence[sp.Symbol], known: Sequence[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    """Symbols d_x of the components, with as many underscores as make each new."""
    taken = {symbol.name for symbol in known}
    found: list[sp.Symbol] = []
    for symbol in wrt:
        name = f"d_{symbol.name}"
        while name in taken:
            name = name.replace("_", "__", 1)
        taken.add(name)
        found.append(sp.Symbol(name, real=True))
    return tuple(found)
