"""Array graphs as one would write them by hand: no matrix beside its own transpose, numbers in front of products.

SymPy writes (A*x + b).T as x.T*A.T + b.T, so that a graph holds a residual twice, upright and lying. Here a value is
known as coefficient * node, or coefficient * node.T, and what is equal but for a coefficient or a transposition is one
node: with r = A*x + b, the derivative of r.T*r is then 2*A.T*r and not A.T*r + (r.T*A).T.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

import sympy as sp

from symdiff.functions import FUNCTIONS
from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.contraction import ALPHABET, contract, lengths_of, transpose
from symdiff.tensors.layout import BROADCAST, broadcast_to
from symdiff.tensors.linear_algebra import LOG_DETERMINANT
from symdiff.tensors.operation import Operation
from symdiff.tensors.paths import walked
from symdiff.tensors.plain_contraction import is_ones, merged, reduced, single_letter
from symdiff.tensors.shapes import Length, same


class Pose(Enum):
    """How a value is got from a node: as it is, transposed, or as the one column of a matrix."""

    UPRIGHT = 0
    LYING = 1
    COLUMN = 2


UPRIGHT, LYING, COLUMN = Pose


class Form(NamedTuple):
    """The value coefficient * node, the node in a pose; the coefficient is a scalar node."""

    coefficient: int
    node: int
    pose: Pose = UPRIGHT


def _turned(pose: Pose, turn: bool) -> Pose:
    return pose if not turn or pose is COLUMN else UPRIGHT if pose is LYING else LYING


def tidied(graph: Graph) -> Graph:
    """The same values in fewer, plainer nodes; a graph of scalars is returned as it is.

    >>> from symdiff.from_sympy import graph_of
    >>> A, x = sp.MatrixSymbol("A", 3, 2), sp.MatrixSymbol("x", 2, 1)
    >>> [s.function.name for s in tidied(graph_of([(A * x).T, A * x])).applications]
    ['contract', 'contract']
    """
    if not graph.shapes:
        return graph
    tidy = Tidy()
    for node, symbol in graph.symbols.items():
        tidy.forms[node] = tidy.number(Form(tidy.one, tidy.b.input(symbol, graph.shape(node))))
    for node, value in graph.constants.items():
        tidy.forms[node] = Form(tidy.one, tidy.b.constant(value))
    for step in graph.applications:
        tidy.forms[step.node] = tidy.form(step)
    return tidy.b.finish([tidy.whole(tidy.forms[node]) for node in graph.outputs])


# what is linear in its first operand and knows no orientation of it
LINEAR = frozenset({"expand", "slice", "place", "gather", "scatter", "broadcast"})


class Tidy:
    """One pass over a graph."""

    def __init__(self) -> None:
        self.b = GraphBuilder()
        self.one = self.b.constant(sp.Integer(1))
        self.forms: dict[int, Form] = {}
        # the two terms of a sum of arrays
        self._sums: dict[int, tuple[Form, Form]] = {}
        self._rules: dict[str, Callable[[Application, list[Form]], Form]] = {
            "negate": self._negate,
            "multiply": self._multiply,
            "divide": self._divide,
            "add": self._add,
            "subtract": self._add,
            "contract": self._contract,
            "log": self._log,
            "inverse": self._transposing,
            "cofactors": self._transposing,
        }

    def form(self, step: Application) -> Form:
        """The form of one step, whose operands have theirs."""
        operands = [self.forms[operand] for operand in step.operands]
        rule = self._rules.get(step.function.name)
        if rule is not None:
            return rule(step, operands)
        if step.function.name in LINEAR:
            first, *rest = operands
            if (column := self._column(step, first)) is not None:
                return column
            node = self.b.apply(
                step.function, (self._upright(first), *(self.whole(form) for form in rest)), step.static
            )
            return self._broadcast(first, node) if step.function is BROADCAST else Form(first.coefficient, node)
        if isinstance(step.function, Operation):
            determinant = step.function.name in ("determinant", "log_determinant")
            operands = [form._replace(pose=UPRIGHT) if determinant else form for form in operands]
            return Form(self.one, self.b.apply(step.function, tuple(map(self.whole, operands)), step.static))
        return self._elementwise(step, operands)

    def number(self, form: Form) -> Form:
        """A matrix of one entry as that number times a matrix of a one, so that sums and products see numbers."""
        shape = self.b.shape(form.node)
        if len(shape) != 2 or not all(same(length, 1) for length in shape):
            return form
        return Form(contract(self.b, [form.node], ["ab", ""]), broadcast_to(self.b, self.one, (1, 1)))

    def whole(self, form: Form) -> int:
        """Node of a form's value."""
        return self._times(form.coefficient, self._upright(form))

    def _upright(self, form: Form) -> int:
        if form.pose is COLUMN:
            return contract(self.b, [form.node], ["ab", "a"])
        return transpose(self.b, form.node) if form.pose is LYING else form.node

    def _times(self, coefficient: int, node: int) -> int:
        return self.b.call("multiply", coefficient, node)

    def _scalar(self, form: Form) -> bool:
        return not self.b.shape(form.node)

    def _rank(self, form: Form) -> int:
        return len(self.b.shape(form.node)) - (form.pose is COLUMN)

    def _column(self, step: Application, form: Form) -> Form | None:
        """The column of a matrix that has one, and the matrix of a column."""
        name, shape = step.function.name, self.b.shape(form.node)
        if name == "slice" and len(shape) == 2 and form.pose is not COLUMN:
            axes: Any = step.static[0]
            for whole, single, pose in ((0, 1, UPRIGHT), (1, 0, LYING)):
                own = self._shape(form)
                if axes[single] == ("at", 0) and same(own[single], 1) and _is_whole(axes[whole], own[whole]):
                    node = form.node if form.pose is pose else transpose(self.b, form.node)
                    return Form(form.coefficient, node, COLUMN)
        if form.pose is COLUMN and name in ("expand", "place"):
            full = step.static[0] if name == "expand" else step.static[1]
            if name == "expand" and len(full) == 1:  # type: ignore[arg-type]
                return form._replace(pose=UPRIGHT if full == (1,) else LYING)
            places: Any = step.static[0]
            for whole, single, pose in ((0, 1, UPRIGHT), (1, 0, LYING)):
                if (
                    name == "place"
                    and len(places) == 2
                    and places[single] == ("at", 0)
                    and same(full[single], 1)  # type: ignore[index]
                    and _is_whole(places[whole], full[whole])  # type: ignore[index]
                ):
                    return form._replace(pose=pose)
        return None

    def _broadcast(self, first: Form, node: int) -> Form:
        if not self._scalar(first):
            return Form(first.coefficient, node)
        (inner,) = self.b.parts(node, "broadcast") or (self.one,)
        ones = self.b.apply(BROADCAST, (self.one,), self.b.static_of(node))
        return Form(self._times(first.coefficient, inner), ones)

    def _oriented(self, operands: Sequence[Form]) -> tuple[list[int], Pose]:
        """Nodes that an elementwise function may take together, and the pose of its result."""
        arrays = [form for form in operands if not self._scalar(form)]
        poses = {form.pose for form in arrays if not (is_ones(self.b, form.node) and self._is_square(form))}
        if len(poses) == 1 and len({self._rank(form) for form in arrays}) == 1:
            (pose,) = poses
            return [form.node for form in operands], pose
        return [self._upright(form) for form in operands], UPRIGHT

    def _is_square(self, form: Form) -> bool:
        shape = self.b.shape(form.node)
        return form.pose is not COLUMN and len(shape) == 2 and same(*shape)

    def _elementwise(self, step: Application, operands: list[Form]) -> Form:
        arrays = [form for form in operands if not self._scalar(form)]
        if arrays and all(is_ones(self.b, form.node) and self.b.shape(form.node) == (1, 1) for form in arrays):
            numbers = [form.coefficient if form in arrays else self.whole(form) for form in operands]
            return Form(self.b.apply(step.function, tuple(numbers), step.static), arrays[0].node)
        nodes, pose = self._oriented(operands)
        whole = [self._times(form.coefficient, node) for form, node in zip(operands, nodes, strict=True)]
        return Form(self.one, self.b.apply(step.function, tuple(whole), step.static), pose)

    def _transposing(self, step: Application, operands: list[Form]) -> Form:
        (form,) = operands
        return Form(self.one, self.b.apply(step.function, (self._times(form.coefficient, form.node),)), form.pose)

    def _log(self, step: Application, operands: list[Form]) -> Form:
        node = self.whole(operands[0])
        inner = self.b.parts(node, "determinant")
        if inner is not None:
            # its derivative is a transposed inverse, and not cofactors over a determinant
            return Form(self.one, self.b.apply(LOG_DETERMINANT, inner))
        return self._elementwise(step, operands)

    def _negate(self, _: Application, operands: list[Form]) -> Form:
        (form,) = operands
        if self._scalar(form) and form.coefficient == self.one:
            return Form(self.one, self.b.call("negate", form.node))
        return form._replace(coefficient=self.b.call("negate", form.coefficient))

    def _multiply(self, step: Application, operands: list[Form]) -> Form:
        b, (u, v) = self.b, operands
        coefficient = b.call("multiply", u.coefficient, v.coefficient)
        for first, second in ((u, v), (v, u)):
            if self._scalar(first) and not self._scalar(second):
                return second._replace(coefficient=b.call("multiply", self.whole(first), second.coefficient))
            if is_ones(self.b, first.node) and b.shape(first.node) == self._shape(second):
                return second._replace(coefficient=coefficient)
        nodes, pose = self._oriented(operands)
        return Form(coefficient, b.apply(step.function, tuple(nodes)), pose)

    def _shape(self, form: Form) -> tuple[Length, ...]:
        shape = self.b.shape(form.node)
        return shape[:1] if form.pose is COLUMN else shape[::-1] if form.pose is LYING else shape

    def _divide(self, step: Application, operands: list[Form]) -> Form:
        b, (u, v) = self.b, operands
        if self._scalar(u) and self._scalar(v):
            return self._elementwise(step, operands)
        if self._scalar(v):
            return u._replace(coefficient=b.call("divide", u.coefficient, self.whole(v)))
        nodes, pose = self._oriented(operands)
        node = b.apply(step.function, (nodes[0], self._times(v.coefficient, nodes[1])))
        return Form(u.coefficient, node, pose)

    def _add(self, step: Application, operands: list[Form]) -> Form:
        b, (u, v) = self.b, operands
        name = step.function.name
        if (u.node, u.pose) == (v.node, v.pose):
            total = self._both(name, u.coefficient, v.coefficient)
            return Form(self.one, total) if b.value_of(total) == 0 else u._replace(coefficient=total)
        if (collected := self._collected(name, u, v)) is not None:
            return collected
        nodes, pose = self._oriented(operands)
        if u.coefficient != self.one and not (self._scalar(u) or self._scalar(v)):
            other = "subtract" if name == "add" else "add"
            for op, coefficient in ((name, v.coefficient), (other, b.call("negate", v.coefficient))):
                if coefficient == u.coefficient:
                    return Form(u.coefficient, b.call(op, *nodes), pose)
        whole = [self._times(form.coefficient, node) for form, node in zip(operands, nodes, strict=True)]
        total = b.apply(step.function, tuple(whole))
        if not self._scalar(Form(self.one, total)):
            if name == "subtract":
                operands = [u, v._replace(coefficient=b.call("negate", v.coefficient))]
            first, second = (
                form._replace(pose=UPRIGHT if pose is COLUMN else _turned(form.pose, pose is LYING))
                for form in operands
            )
            self._sums.setdefault(total, (first, second))
        return Form(self.one, total, pose)

    def _both(self, name: str, first: int, second: int) -> int:
        """Sum or difference of two coefficients."""
        if first != second or self.b.value_of(first) is not None:
            return self.b.call(name, first, second)
        return (
            self.b.constant(sp.Integer(0)) if name == "subtract" else self._times(self.b.constant(sp.Integer(2)), first)
        )

    def _collected(self, name: str, u: Form, v: Form) -> Form | None:
        """A third equal term is added to the two that are one already: (a + 2*b) + b is a + 3*b."""
        if u.coefficient != self.one or u.node not in self._sums:
            return None
        if u.pose is COLUMN:
            terms = [form._replace(pose=COLUMN) for form in self._sums[u.node] if form.pose is UPRIGHT]
        else:
            terms = [form._replace(pose=_turned(form.pose, u.pose is LYING)) for form in self._sums[u.node]]
        if len(terms) < 2:
            return None
        for k, term in enumerate(terms):
            if (term.node, term.pose) == (v.node, v.pose):
                total = self._both(name, term.coefficient, v.coefficient)
                other = terms[1 - k]
                if self.b.value_of(total) == 0:
                    return other
                return self._summed([other, term._replace(coefficient=total)][:: 1 if k else -1])
        return None

    def _summed(self, operands: Sequence[Form]) -> Form:
        step = Application(-1, FUNCTIONS["add"], (), ())
        return self._add(step, list(operands))

    def _contract(self, step: Application, operands: list[Form]) -> Form:
        b = self.b
        letters: tuple[str, ...] = step.static[0]  # type: ignore[assignment]
        coefficient = self.one
        nodes: list[int] = []
        parts: list[str] = []
        if len(operands) == 1 and not letters[-1]:
            operands, letters = self._squares(operands[0], letters)
        for form, part in zip(operands, letters[:-1], strict=True):
            coefficient = self.b.call("multiply", coefficient, form.coefficient)
            nodes.append(form.node)
            if form.pose is COLUMN:
                spare = next(c for c in ALPHABET[::-1] if c not in "".join((*letters, *parts)))
                part += spare
            parts.append(part[::-1] if form.pose is LYING else part)
        nodes, parts = merged(b, nodes, parts, letters[-1])
        nodes, parts, result, factor = reduced(b, nodes, parts, letters[-1])
        coefficient = self.b.call("multiply", coefficient, factor)
        if not nodes:
            return Form(self.one, coefficient)
        shapes = [b.shape(node) for node in nodes]
        single = single_letter(parts, shapes, result)
        lengths = lengths_of(shapes, (*parts, result))
        if len(result) == 2 and all(same(lengths[letter], 1) for letter in result):
            # a matrix of one entry is a number, the same whichever factor comes first
            ordered = sorted(zip(nodes, parts, strict=True))
            number = contract(b, [node for node, _ in ordered], [*(part for _, part in ordered), ""])
            return Form(b.call("multiply", coefficient, number), broadcast_to(b, self.one, (1, 1)))
        column = len(result) == 1 and bool(single)
        if column:
            result += single
        path = walked(parts, result, shapes)
        if path is None or len(set(result)) < len(result):
            result = result[:1] if column else result
            return Form(coefficient, contract(b, nodes, [*parts, result]))
        order, lying = path
        if column and lying:
            order, lying = order[::-1], False
        result = result[::-1] if lying else result
        node = contract(b, [nodes[k] for k in order], [*(parts[k] for k in order), result])
        if column:
            return Form(coefficient, node, COLUMN)
        # one matrix alone that is only turned
        inner = b.parts(node, "contract")
        if inner is not None and b.static_of(node)[0] == ("ab", "ba"):
            return Form(coefficient, inner[0], UPRIGHT if lying else LYING)
        return Form(coefficient, node, LYING if lying else UPRIGHT)

    def _squares(self, form: Form, letters: tuple[str, ...]) -> tuple[list[Form], tuple[str, ...]]:
        """A sum of squares is a product with itself: r.T*r."""
        inner = self.b.parts(form.node, "power_integer")
        own = letters[0]
        if inner is None or self.b.static_of(form.node) != (2,) or len(set(own)) < len(own):
            return [form], letters
        base = Form(self.one, inner[0], form.pose)
        return [form._replace(node=inner[0]), base], (own, own, "")


def _is_whole(axis: Any, length: Length) -> bool:
    return axis[0] == "range" and axis[1] == 0 and axis[3] == 1 and same(axis[2], length)
