"""An array graph back to SymPy: matrices as matrix expressions, what has indices as sums of entries.

A node with two axes that comes from matrices alone is written as a matrix; any other array is written by its entries,
with an index symbol an axis, and as `Entries` where it stands alone. What is written is read back to the same values,
except that an array of unknown length counts as ending where its indices do.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.tensor.array.expressions.array_expressions import ArrayElement, ArraySymbol

from symdiff.graph import Application, Graph
from symdiff.tensors import entry_rules, matrix_rules
from symdiff.tensors.layout import SLICE
from symdiff.tensors.notation import Entries
from symdiff.tensors.operation import Operation
from symdiff.tensors.products import Decomposition, decomposed
from symdiff.tensors.shapes import Length, Shape, own_length

Indices = tuple[Any, ...]
# what has to be written first: a matrix, or the entry of a node at indices, among indices that are in use
Request = tuple[int, Indices | None, Indices]
Writing = Generator[Request, Any, Any]


class Writer:
    """Writes nodes of one graph; each node once for each way in which it is needed."""

    def __init__(self, graph: Graph, names: Mapping[int, Any]) -> None:
        self.graph = graph
        self.names = names
        self.steps: dict[int, Application] = {step.node: step for step in graph.applications}
        self.products: dict[int, Decomposition] = {}
        self.ends = _ends(graph)
        self.matrices = self._matrices()
        self.open: dict[int, matrix_rules.Body] = {}
        self._written: dict[Request, Any] = {}
        self._taken = {str(symbol) for symbol in graph.symbols.values()} | {str(name) for name in names.values()}
        self._taken |= {s.name for shape in graph.shapes.values() for n in shape for s in sp.sympify(n).free_symbols}

    def write(self, node: int) -> Any:
        """The expression of a node, whether it is named or not."""
        shape = self.graph.shape(node)
        if not shape:
            return self._run(node, (), ())
        if node in self.matrices:
            return self._run(node, None, ())
        indices = self.fresh((), len(shape))
        entry = self._run(node, indices, indices)
        return Entries(entry, *((i, 0, self.length(n) - 1) for i, n in zip(indices, shape, strict=True)))

    def fresh(self, context: Indices, count: int = 1) -> Indices:
        """Index symbols that are not in use: i, j, k, ..."""
        used = self._taken | {index.name for index in context}
        names = itertools.chain("ijklpqst", (f"i{number}" for number in itertools.count(1)))
        unused = (name for name in names if name not in used)
        return tuple(sp.Symbol(next(unused), integer=True) for _ in range(count))

    def length(self, length: Length) -> Any:
        """A length; that of an array of undeclared length is where its indices end."""
        return self.ends.get(length, sp.sympify(length)) if isinstance(length, sp.Symbol) else sp.sympify(length)

    def shape(self, node: int) -> Shape:
        """Shape of a node."""
        return self.graph.shape(node)

    def name(self, node: int, indices: Indices | None) -> Any:
        """The name of a step, or its entry."""
        name = self.names[node]
        return name if not indices else name[indices]

    def _run(self, node: int, indices: Indices | None, context: Indices) -> Any:
        """Write a node and what it needs, without recursion."""
        root: Request = (node, indices, context)
        if root in self._written:
            return self._written[root]
        stack: list[tuple[Request, Writing]] = [(root, self._rule(root))]
        answer: Any = None
        while stack:
            request, rule = stack[-1]
            try:
                needed = rule.send(answer)
            except StopIteration as finished:
                self._written[request] = answer = finished.value
                stack.pop()
                continue
            answer = self._known(needed)
            if answer is None:
                stack.append((needed, self._rule(needed)))
        return self._written[root]

    def _known(self, request: Request) -> Any:
        node, indices, _ = request
        if node in self.names and (indices is not None or isinstance(self.names[node], sp.MatrixExpr)):
            return self.name(node, indices)
        return self._written.get(request)

    def _rule(self, request: Request) -> Writing:
        node, indices, context = request
        if indices is None and node in self.matrices:
            return matrix_rules.matrix(self, node)
        if indices is None:
            return self._function_matrix(node)
        return entry_rules.entry(self, node, indices, context)

    def _function_matrix(self, node: int) -> Writing:
        """A matrix of which only entries can be written."""
        rows, columns = map(self.length, self.graph.shape(node))
        i, j = self.fresh((), 2)
        entry = yield node, (i, j), (i, j)
        return sp.FunctionMatrix(rows, columns, sp.Lambda((i, j), entry))

    def leaf(self, node: int, indices: Indices | None) -> Any:
        """A symbol, a constant, or an entry of a symbol."""
        if node in self.graph.constants:
            return self.graph.constants[node]
        symbol = self.graph.symbols[node]
        if not indices:
            return symbol
        if isinstance(symbol, sp.IndexedBase):
            offset = symbol.offset or 0
            return symbol[tuple(index + offset for index in indices)]
        if isinstance(symbol, ArraySymbol):
            return ArrayElement(symbol, indices)
        return symbol[indices]

    def _matrices(self) -> set[int]:
        """The nodes that are written as matrices."""
        graph = self.graph
        found = {node for node, symbol in graph.symbols.items() if isinstance(symbol, sp.MatrixSymbol)}
        found |= {node for node, name in self.names.items() if isinstance(name, sp.MatrixSymbol)}
        for step in graph.applications:
            name, shape = step.function.name, graph.shape(step.node)
            arrays = [operand for operand in step.operands if graph.shape(operand)]
            alike = all(operand in found for operand in arrays)
            if name == "contract" and alike:
                letters: tuple[str, ...] = step.static[0]  # type: ignore[assignment]
                shapes = [graph.shape(operand) for operand in step.operands]
                product = decomposed(letters[:-1], letters[-1], shapes)
                alike = product is not None
                if product is not None:
                    self.products[step.node] = product
            elif isinstance(step.function, Operation):
                # an inverse is a matrix even of one that is given entry by entry
                alike = (alike or name in ("inverse", "cofactors")) and matrix_rules.writes(name, step.static)
            elif alike:
                alike = all(matrix_rules.spreads(graph.shape(operand), shape) for operand in arrays)
            if alike and len(shape) == 2:
                found.add(step.node)
        return found


def _ends(graph: Graph) -> dict[sp.Symbol, Any]:
    """Where the indices of arrays of undeclared length end, so far as it can be told."""
    ends: dict[sp.Symbol, Any] = {}
    unknown: set[sp.Symbol] = set()
    for step in graph.applications:
        if step.function is not SLICE or step.operands[0] not in graph.symbols:
            continue
        for axis, length in zip(step.static[0], graph.shape(step.operands[0]), strict=True):  # type: ignore[call-overload]
            if not own_length(length):
                continue
            start, count, stride = (axis[1], axis[2], axis[3]) if axis[0] == "range" else (axis[1], 1, 1)
            end = sp.expand(start + (stride * (count - 1) if stride > 0 else 0) + 1)
            farther = sp.expand(end - ends.setdefault(length, end))
            if not farther.is_number:
                unknown.add(length)
            elif farther > 0:
                ends[length] = end
    return {length: end for length, end in ends.items() if length not in unknown}


def array_expressions(graph: Graph, nodes: Sequence[int], names: Mapping[int, Any]) -> list[Any]:
    """SymPy expressions of nodes of a graph with shapes; a node in `names` is written as that name where it is used.

    >>> from symdiff.from_sympy import graph_of
    >>> A, x = sp.MatrixSymbol("A", 3, 2), sp.MatrixSymbol("x", 2, 1)
    >>> g = graph_of([2 * A.T * (A * x).applyfunc(sp.tanh)])
    >>> array_expressions(g, g.outputs, {})
    [2*A.T*tanh(A*x)]
    """
    writer = Writer(graph, names)
    return [writer.write(node) for node in nodes]


# what is no step of its own, however often it is used
_PLAIN = frozenset({"slice", "broadcast", "expand", "identity", "count"})


def step_names(graph: Graph, nodes: Sequence[int], free: Iterator[str]) -> dict[int, Any]:
    """Names for nodes: a symbol for a number, a MatrixSymbol for a matrix, an IndexedBase for any other array."""
    writer = Writer(graph, {})
    names: dict[int, Any] = {}
    short = _short(graph)
    for node in nodes:
        step, shape = writer.steps[node], graph.shape(node)
        if node in short:
            continue
        if step.function.name in _PLAIN or (step.function.name == "contract" and step.static == (("ab", "ba"),)):
            continue
        lengths = tuple(map(writer.length, shape))
        if not shape:
            names[node] = sp.Symbol(next(free), real=True)
        else:
            matrix = node in writer.matrices
            names[node] = sp.MatrixSymbol(next(free), *lengths) if matrix else sp.IndexedBase(next(free), shape=lengths)
    return names


def _short(graph: Graph) -> set[int]:
    """Numbers that are written as quickly as a name: 2/n."""
    sizes: dict[int, int] = dict.fromkeys((*graph.symbols, *graph.constants), 0)
    for step in graph.applications:
        if not graph.shape(step.node) and all(
            operand in sizes and not graph.shape(operand) for operand in step.operands
        ):
            size = 1 + sum(sizes[operand] for operand in step.operands)
            if size <= SHORT:
                sizes[step.node] = size
    return set(sizes)


# operations of a number that gets no name
SHORT = 3
