"""The expression graph: plain arrays of operations and operands, every operand before its use.

A node is an input (a symbol), a constant (exact, as SymPy holds it) or an application of a row of the function table.
Nodes are numbered 0, 1, ...; equal computations are one node. Nothing here or in the sweeps over a graph recurses, so
depth has no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.function import Absence, Function
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape

INPUT = -1
CONSTANT = -2

Static = tuple[Any, ...]


class Application(NamedTuple):
    """One node that applies a function: its number, its row of the table, its operands and static arguments."""

    node: int
    function: Function
    operands: tuple[int, ...]
    static: Static


def still(step: Application, position: int) -> bool:
    """Whether the derivative of a step in one operand is zero by design."""
    return not isinstance(step.function, Operation) and step.function.partials[position] is Absence.ZERO


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations as arrays; `outputs` are the nodes asked for.

    `operation[i]` is INPUT, CONSTANT or an index into `functions`; the operands of node i are
    `operands[offsets[i]:offsets[i + 1]]`, all smaller than i. `shapes` lists the nodes that are not scalars.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([(x + 1)**2 * sp.exp((x + 1)**2)])
    >>> [step.function.name for step in g.applications]
    ['add', 'power_integer', 'exp', 'multiply']
    >>> g.operation_count, g.inputs
    (4, {x: 1})
    """

    functions: tuple[Function, ...]
    operation: NDArray[np.int32]
    offsets: NDArray[np.int64]
    operands: NDArray[np.int64]
    symbols: Mapping[int, Any]
    constants: Mapping[int, sp.Basic]
    static: Mapping[int, Static]
    shapes: Mapping[int, Shape]
    outputs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.operation)

    @cached_property
    def applications(self) -> tuple[Application, ...]:
        """The nodes that apply a function, operands first."""
        return self.first_applications(len(self))

    def first_applications(self, count: int) -> tuple[Application, ...]:
        """Up to so many of the `applications`, from the first on, without making the others."""
        nodes = np.flatnonzero(self.operation >= 0)[:count]
        flat, numbers = self.operands.tolist(), nodes.tolist()
        ends = map(slice, self.offsets[nodes].tolist(), self.offsets[nodes + 1].tolist())
        functions = map(self.functions.__getitem__, self.operation[nodes].tolist())
        operands = map(tuple, map(flat.__getitem__, ends))
        columns = zip(numbers, functions, operands, map(self.static.get, numbers, repeat(())), strict=True)
        # a call of the class a node would take most of the time
        return tuple(map(partial(tuple.__new__, Application), columns))

    @cached_property
    def inputs(self) -> dict[sp.Symbol, int]:
        """Node of each input symbol."""
        return {symbol: node for node, symbol in self.symbols.items()}

    @property
    def operation_count(self) -> int:
        """How many nodes apply a function."""
        return int(np.count_nonzero(self.operation >= 0))

    def shape(self, node: int) -> Shape:
        """Shape of a node's value at one point: () for a scalar."""
        return self.shapes.get(node, ())

    def user_counts(self) -> list[int]:
        """By how many nodes and outputs each node is used.

        >>> from symdiff.from_sympy import graph_of
        >>> x = sp.Symbol("x", real=True)
        >>> graph_of([x * x + sp.sin(x)]).user_counts()
        [2, 1, 1, 1]
        """
        counts = [0] * len(self)
        for step in self.applications:
            for operand in set(step.operands):
                counts[operand] += 1
        for node in self.outputs:
            counts[node] += 1
        return counts

    def depends_on(self, sources: Iterable[int]) -> NDArray[np.bool_]:
        """Mark every node whose value depends on one of the `sources`."""
        marked = np.zeros(len(self), dtype=np.bool_)
        marked[list(sources)] = True
        flags = marked.tolist()
        for node, _, operands, _ in self.applications:
            for operand in operands:
                if flags[operand]:
                    flags[node] = True
                    break
        return np.asarray(flags, dtype=np.bool_)
