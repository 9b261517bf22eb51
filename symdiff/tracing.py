"""One evaluation and its backpropagation, step by step: what is computed, by which rule, and what flows back.

For an output L, the backward pass rests on one line, dL/dw = dL/dz * dz/dw, summed over all nodes z that use w.
A trace keeps every factor of it (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import sympy as sp

from symdiff.data import listed, short
from symdiff.errors import OptionError, SymbolError
from symdiff.formula.mentions import mentioned
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.mimebundle import Shown
from symdiff.symbol_lookup import INPUTS
from symdiff.traces.array_tape import ArrayTape
from symdiff.traces.point import point_of
from symdiff.traces.record import to_dict
from symdiff.traces.steps import BackwardStep, Step, backward_steps, forward_steps, names_of
from symdiff.traces.table import to_text
from symdiff.traces.tape import Tape, record

# what a person reads and a browser opens; the steps themselves have no limit
LARGEST_WRITTEN = 2_000
NARROWEST = 60


@dataclass(frozen=True, eq=False)
class Variable:
    """One node of a trace, as PyTorch shows a tensor: `value` (or `data`), and `grad` once `backward()` was called."""

    trace: Trace
    step: Step

    @property
    def name(self) -> str:
        """The node's name."""
        return self.step.name

    @property
    def value(self) -> Any:
        """The node's number, true or false of a condition; an array where the node has a shape."""
        return self.step.value

    data = value

    @property
    def grad(self) -> Any:
        """Derivative of the output in this node, of the node's shape: its adjoint after `backward()`, else None."""
        return self.step.adjoint if self.trace.backward_called else None

    def __repr__(self) -> str:
        return f"{self.name} = {self.value!r}, grad = {self.grad!r}"


@dataclass(frozen=True, eq=False)
class Trace(Shown):
    """An expression evaluated at a point and differentiated there; `trace` makes one.

    `steps` are the nodes front to back, `backward_steps` back to front; `t["w"]`, `t[w]` and `t["v1"]` single nodes.
    Values, tangents and adjoints are numbers, and arrays where a node is a matrix or an array.

    >>> t = trace("(w*x - y)**2", {"w": 1.0, "x": 2.0, "y": 4.0}, wrt="w")
    >>> t.value, t.gradient
    (4.0, {'w': -8.0})
    >>> t["w"].grad is None
    True
    >>> t.backward()
    >>> t["w"].grad
    -8.0
    """

    tape: Tape | ArrayTape
    steps: tuple[Step, ...]
    backward_steps: tuple[BackwardStep, ...]
    backward_called: bool = False

    @property
    def expression(self) -> sp.Expr:
        """The expression, as it was given."""
        return self.tape.expression

    @property
    def at(self) -> dict[str, Any]:
        """The point: each input's number or array as it was used, rounded to the dtype."""
        return {step.name: step.value for step in self.steps[: len(self.tape.symbols)]}

    @property
    def wrt(self) -> tuple[Any, ...]:
        """Symbols of the gradient; tangents are along the first, if it is a number."""
        return tuple(self.tape.symbols[node] for node in self.tape.wrt)

    @property
    def dtype(self) -> str:
        """Either "float64" or "float32"."""
        return str(self.tape.dtype)

    @property
    def output(self) -> Variable:
        """The node of the whole expression."""
        return Variable(self, self.steps[self.tape.output])

    @property
    def value(self) -> Any:
        """The number of the whole expression, or its array."""
        return self.output.value

    @property
    def gradient(self) -> dict[str, Any]:
        """Derivative of the output, or of the sum of its entries, in each symbol of wrt, by name."""
        return {self.steps[node].name: self.steps[node].adjoint for node in self.tape.wrt}

    def backward(self) -> None:
        """Make every `grad` available. Nothing accumulates: a second call changes nothing, unlike PyTorch's."""
        # a trace never changes otherwise; here it takes on a habit of PyTorch
        object.__setattr__(self, "backward_called", True)

    def __getitem__(self, node: Any) -> Variable:
        """The node of a symbol or of a name; raises SymbolError where there is none."""
        given: Any = node
        if isinstance(given, INPUTS):
            names = [step for step, symbol in zip(self.steps, self.tape.symbols, strict=False) if symbol == given]
        else:
            names = [step for step in self.steps if step.name == given]
        if not names:
            raise SymbolError(f"no node {short(given)} in the trace; there are {listed(s.name for s in self.steps)}")
        return Variable(self, names[0])

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-ready data; a number that is not finite is None, and `reason` beside it says why.

        Keys: `expression` and `dtype` (texts), `at` ({name: number}), `wrt` (names), `output` (node), `value`,
        `reason`, `gradient` ({name: number}), and two lists:

        * `steps`, front to back, the i-th being node i: `node`, `name`, `operation`, `expression` (in the inputs),
          `formula` (in the operands' names), `operands` (nodes), `value` (true or false for a condition), `partials`
          (one an operand, none for a condition: `operand`, `formula`, `value`, `reason`), `tangent`,
          `tangents` ({name: number}), `adjoint`, `reason`. Of arrays each of them is a nested list, a step has its
          `shape`, and a partial its `rule`, such as "adjoint(W) += adjoint(v1)*x.T", `value` being null where it is not
          elementwise.
        * `backward`, back to front: `node`, `name`, `adjoint`, `reason` and `contributions` (`operand`, `formula`,
          `partial`, `value`, `accumulated`, `reason`).

        A step whose expression would be printed with more than 200 nodes (the whole: 2,000) has its `formula` there.
        A trace of arrays has two more keys: `differentiated` names what the adjoints are of, the output or the sum of
        its entries, and `left_out` says it where arrays of more than 100,000 entries are null.

        Raises OptionError for a trace of more than 2,000 nodes.
        """
        self._refuse_large()
        return to_dict(self.tape, self.steps, self.backward_steps)

    def to_text(self, width: int = 100) -> str:
        """Write the passes as tables of plain text, for a terminal or a pipe of `width` columns, at least 60.

        Numbers have six digits, long formulas are cut, partials in constants are left out; `to_dict` has all of it.

        Raises OptionError for a trace of more than 2,000 nodes, or a width below 60.
        """
        if width < NARROWEST:
            raise OptionError(f"width is {width}; give at least {NARROWEST} columns")
        self._refuse_large()
        if isinstance(self.tape, ArrayTape):
            from symdiff.traces.array_rules import Rules
            from symdiff.traces.array_table import array_text

            rules = Rules(self.tape, [step.name for step in self.steps])
            return array_text(self.tape, self.steps, self.backward_steps, rules, width)
        return to_text(self.tape, self.steps, self.backward_steps, width)

    def to_html(self) -> str:
        """Write the passes as a page that walks through them; it needs no network, and no script to be read.

        Numbers have five digits, entries of arrays four; of a long axis only the ends are shown. Above 200 nodes rules
        are text and the picture is drawn by layers.

        Raises OptionError for a trace of more than 2,000 nodes.
        """
        from symdiff.step_through.page import page_of

        self._refuse_large()
        return page_of(self)

    def _repr_html_(self) -> str | None:
        from symdiff.step_through.page import NOTEBOOK_BYTES, part_of

        return part_of(self, NOTEBOOK_BYTES) if len(self) <= LARGEST_WRITTEN else None

    def _refuse_large(self) -> None:
        if len(self.steps) > LARGEST_WRITTEN:
            raise OptionError(
                f"the trace has {len(self.steps):,} nodes, and no more than {LARGEST_WRITTEN:,} are written out; read "
                "t.steps, or take the numbers from symdiff.value_and_gradient(..., route='chain')"
            )

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Trace of {len(self):,} nodes: value {self.value!r}, in {self.dtype}>"


def trace(
    expr: sp.Expr | str, at: Mapping[Any, Any], wrt: Wrt | None = None, dtype: Literal["float64", "float32"] = "float64"
) -> Trace:
    """Evaluate an expression at a point and differentiate it there, keeping every step.

    * `expr`: a SymPy expression, or a formula text as `symdiff.parse` reads it.
    * `at`: a number for every symbol of the expression and for nothing else, by symbol or by name; for a matrix or an
      indexed array an array, and a whole number for a length that follows from no array.
    * `wrt`: symbols or names to differentiate in; all of the point, in its order, where it is left out.
    * `dtype`: "float64" or "float32", in which everything is computed.

    Cost is linear in the operations. Raises SymbolError where a symbol has no number or the expression does not contain
    it, InputError for a number that is not finite, OptionError for another dtype, ShapeError for arrays that do not
    fit, and UnsupportedError for a function without a row in the table or without a derivative in an operand that
    depends on wrt.

    >>> t = trace("(w*x - y)**2", {"w": 1.0, "x": 2.0, "y": 4.0}, wrt=["w"])
    >>> for step in t.steps:
    ...     print(step.name, step.formula, step.value, [(p.formula, p.value) for p in step.partials], step.adjoint)
    w w 1.0 [] -8.0
    x x 2.0 [] -4.0
    y y 4.0 [] 4.0
    v1 w*x 2.0 [('x', 2.0), ('w', 1.0)] -4.0
    v2 v1 - y -2.0 [('1', 1.0), ('-1', -1.0)] -4.0
    v3 v2**2 4.0 [('2*v2', -4.0)] 1.0
    >>> [part.formula for step in t.backward_steps for part in step.contributions]
    ['dv3/dv3 * dv3/dv2', 'dv3/dv2 * dv2/dv1', 'dv3/dv2 * dv2/dy', 'dv3/dv1 * dv1/dw', 'dv3/dv1 * dv1/dx']
    """
    expression = as_expression(expr, "the expression")
    known = free_symbols(expression)
    if isinstance(expr, str):
        # what the text names and simplification took out may have a number, and has the derivative zero
        named = {str(key) for key in at} if isinstance(cast(object, at), Mapping) else set[str]()
        known += tuple(symbol for symbol in mentioned(expr) if symbol not in known and symbol.name in named)
    if not known:
        raise SymbolError(f"the expression {short(expr)} contains no symbol; there is nothing to differentiate in")
    twice = [symbol.name for i, symbol in enumerate(known) if symbol.name in {other.name for other in known[:i]}]
    if twice:
        raise SymbolError(f"the expression contains two symbols called {twice[0]}; rename one, a trace is read by name")
    if dtype not in ("float64", "float32"):
        raise OptionError(f"dtype is {short(dtype)}; choose float64 or float32")
    kind = np.dtype(dtype)
    graph = graph_of([expression])
    if graph.shapes:
        return _trace_of_arrays(graph, expression, known, at, wrt, kind)
    point = point_of(at, known, kind)
    tape = record(graph, expression, point, _targets(wrt, point, known), kind)
    names = names_of(tape)
    return Trace(tape, forward_steps(tape, names), backward_steps(tape, names))


def _targets(wrt: Wrt | None, point: Mapping[Any, Any], known: Sequence[Any]) -> tuple[Any, ...]:
    targets = tuple(point) if wrt is None else find_symbols(wrt, known)
    absent = [symbol for symbol in targets if symbol not in known]
    if absent:
        contained = listed(map(str, known))
        raise SymbolError(f"wrt holds {absent[0]}, which the expression does not contain; it contains {contained}")
    return targets


def _trace_of_arrays(
    graph: Graph, expression: sp.Expr, known: Sequence[Any], at: Mapping[Any, Any], wrt: Wrt | None, kind: np.dtype[Any]
) -> Trace:
    """The trace of an expression of matrices and arrays, for the lengths that the arrays of the point have."""
    from symdiff.array_values import declared_shapes
    from symdiff.tensors.lengths import concrete, length_symbols
    from symdiff.tensors.tidying import tidied
    from symdiff.traces.array_point import array_point
    from symdiff.traces.array_rules import Rules
    from symdiff.traces.array_steps import array_backward, array_names, array_steps
    from symdiff.traces.array_tape import record_arrays

    shapes = declared_shapes(known, [expression])
    lengths = length_symbols(graph)
    symbols = tuple(symbol for symbol in known if symbol not in lengths)
    point, numbers = array_point(at, symbols, shapes, graph, lengths, kind)
    # without what stands there twice, once upright and once transposed
    plainer = min(graph, tidied(graph), key=lambda g: g.operation_count)
    own = {symbol: np.shape(value) for symbol, value in point.items()}
    targets = _targets(wrt, point, symbols)
    tape = record_arrays(concrete(plainer, numbers, own), expression, point, targets, kind)
    rules = Rules(tape, array_names(tape))
    steps = array_steps(tape, rules)
    return Trace(tape, steps, array_backward(tape, rules, steps))
