"""How a trace of arrays writes its steps: each node in the names of its operands, each adjoint as a matrix formula.

The adjoints are the symbolic route's, derived from one step alone and written as the gradients are:
for v1 = W1*x they read adjoint(W1) += adjoint(v1)*x.T and adjoint(x) += W1.T*adjoint(v1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import sympy as sp

from symdiff.errors import UnsupportedError
from symdiff.graph import Application
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import contribution
from symdiff.tensors.notation import Entries
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import same
from symdiff.tensors.tidying import tidied
from symdiff.tensors.writing import Writer
from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.formula import Measure, rule_text

# of a rule, in nodes of the formula as printed
LONGEST = 200
# what reads the same of matrices and of their entries
_ALIKE = frozenset({"add", "subtract", "negate"})


class Rules:
    """Formulas of the steps of one tape, in the names of its nodes."""

    def __init__(self, tape: ArrayTape, names: Sequence[str]) -> None:
        self.tape = tape
        self.names = names
        self.measure = Measure()
        matrices = Writer(tape.graph, {}).matrices
        self.matrices = {i for i, node in enumerate(tape.nodes) if node in matrices}
        self.symbols: dict[int, Any] = {
            node: self._symbol(node, name) for node, name in enumerate(names) if node not in tape.constants
        }

    def _symbol(self, node: int, name: str) -> Any:
        shape = self.tape.shape(node)
        if not shape:
            return sp.Symbol(name, real=True)
        return sp.MatrixSymbol(name, *shape) if node in self.matrices else sp.IndexedBase(name, shape=shape)

    @cached_property
    def _writer(self) -> Writer:
        nodes = self.tape.nodes
        return Writer(self.tape.graph, {nodes[i]: s for i, s in self.symbols.items() if nodes[i] >= 0})

    def indices(self, node: int) -> tuple[Any, ...]:
        """The indices with which a node is written that is no matrix."""
        if node in self.matrices or node in self.tape.constants:
            return ()
        return self._writer.fresh((), len(self.tape.shape(node)))

    def label(self, node: int) -> str:
        """A node's name, with indices where it is written entry by entry."""
        indices = self.indices(node)
        return self.names[node] + (f"[{', '.join(map(str, indices))}]" if indices else "")

    def formula(self, step: Application) -> str:
        """The node of a step in the names of its operands."""
        if self.is_entrywise(step):
            return rule_text(step.function, step.static, self.texts(step))
        written = self.expression(step)
        return (written is not None and self.measure.written(written, LONGEST)) or self._called(step)

    def is_entrywise(self, step: Application) -> bool:
        """Whether a step is written as its function is, of names or of their entries."""
        function = step.function
        if isinstance(function, Operation):
            return False
        arrays = [i for i in step.operands if self.tape.shape(i)]
        alike = all(self.tape.shape(i) == self.tape.shape(step.node) for i in arrays)
        plain = function.name in _ALIKE and len(arrays) == len(step.operands)
        return step.node not in self.matrices or (alike and (plain or (len(step.operands) == 1 and not step.static)))

    def expression(self, step: Application) -> Any:
        """The node of a step as an expression of its operands; None where there is none."""
        try:
            return _body(self._writer.write(self.tape.nodes[step.node]))
        except UnsupportedError:
            return None

    def partial(self, step: Application, position: int) -> str:
        """A local partial of an elementwise step, for each entry."""
        return rule_text(step.function, step.static, self.texts(step), partial=position)

    def texts(self, step: Application) -> list[str | sp.Basic]:
        """Operands as names, with indices beside an array that is written entry by entry."""
        indices = () if step.node in self.matrices else self.indices(step.node)
        texts: list[str | sp.Basic] = []
        for operand in step.operands:
            shape = self.tape.shape(operand)
            if operand in self.tape.constants and not shape:
                texts.append(self.tape.constants[operand])
            elif not shape or not indices:
                texts.append(self.names[operand])
            else:
                last = indices[len(indices) - len(shape) :]
                own = [0 if same(n, 1) else i for n, i in zip(shape, last, strict=True)]
                texts.append(f"{self.names[operand]}[{', '.join(map(str, own))}]")
        return texts

    def _called(self, step: Application) -> str:
        return f"{step.function.name}({', '.join(self.names[operand] for operand in step.operands)})"

    def adjoint(self, step: Application, position: int) -> str:
        """What a step adds to the adjoint of an operand."""
        if step.function.name == "select":
            return self._branch(step, position)
        written = self.adjoint_expression(step, position)
        told = f"adjoint({self.names[step.node]}) through {self._called(step)}"
        return (written is not None and self.measure.written(written, LONGEST)) or told

    def adjoint_expression(self, step: Application, position: int) -> Any:
        """The same as an expression, in symbols such as `adjoint(v1)`; None where there is none."""
        if step.function.name == "select":
            return None
        b = GraphBuilder()
        graph, nodes = self.tape.graph, self.tape.nodes
        places = self._places(b, step)
        arriving = f"adjoint({self.names[step.node]})"
        shape = self.tape.shape(step.node)
        adjoint = b.input(self._symbol(step.node, arriving), shape)
        whole = Application(nodes[step.node], step.function, tuple(nodes[i] for i in step.operands), step.static)
        try:
            node = contribution(b, graph, whole, position, adjoint, places, textbook=True)  # type: ignore[arg-type]
            derived = tidied(b.finish([node]))
            return _body(Writer(derived, {}).write(derived.outputs[0]))
        except UnsupportedError:
            return None

    def _branch(self, step: Application, position: int) -> str:
        """The adjoint of a branch of a choice: what arrives where that branch is taken."""
        condition = self.texts(step)[0]
        arriving = f"adjoint({self.names[step.node]})" + self.label(step.node)[len(self.names[step.node]) :]
        passed = f"({arriving} if {condition} else 0)" if position == 1 else f"(0 if {condition} else {arriving})"
        copied = self.tape.shape(step.operands[position]) != self.tape.shape(step.node)
        return f"sum of {passed} over its copies" if copied else passed[1:-1]

    def _places(self, b: GraphBuilder, step: Application) -> Mapping[int, int]:
        """The node of a step and its operands as inputs of a graph of their own; constants stay what they are."""
        nodes = self.tape.nodes
        places: dict[int, int] = {}
        pending = [nodes[i] for i in step.operands if i in self.tape.constants]
        needed: set[int] = set()
        while pending:
            node = pending.pop()
            if node not in needed:
                needed.add(node)
                pending += self._fixed[node].operands if node in self._fixed else ()
        for node in sorted(needed):
            if node in self._fixed:
                _, function, operands, static = self._fixed[node]
                places[node] = b.apply(function, tuple(places[i] for i in operands), static)
            else:
                places[node] = b.constant(self.tape.graph.constants[node])
        for node in (*step.operands, step.node):
            if node not in self.tape.constants:
                places[nodes[node]] = b.input(self.symbols[node], self.tape.shape(node))
        return places

    @cached_property
    def _fixed(self) -> dict[int, Application]:
        """Operations that make the arrays of constants, by node of the graph."""
        fixed = {self.tape.nodes[i] for i in self.tape.constants}
        return {step.node: step for step in self.tape.graph.applications if step.node in fixed}


def _body(written: Any) -> Any:
    return written.function if isinstance(written, Entries) else written
