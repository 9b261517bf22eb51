"""One evaluation and its backpropagation, step by step: what is computed, by which rule, and what flows back.

For an output L and a node z computed from w, the backward pass rests on one line, dL/dw = dL/dz * dz/dw, summed over all nodes z
that use w (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 3). A trace keeps every factor of it.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import sympy as sp

from symdiff.chain import float_of
from symdiff.data import short
from symdiff.errors import InputError, OptionError, SymbolError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Wrt, find_symbols
from symdiff.trace_formula import Measure
from symdiff.trace_record import to_dict
from symdiff.trace_steps import BackwardStep, Step, backward_steps, forward_steps, names_of
from symdiff.trace_table import to_text
from symdiff.trace_tape import Tape, record

# what a person reads and a browser opens; the steps themselves have no limit
LARGEST_WRITTEN = 2_000
LONGEST_EXPRESSION = 2_000


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
    def value(self) -> float | bool:
        """The node's number."""
        return self.step.value

    data = value

    @property
    def grad(self) -> float | None:
        """Derivative of the output in this node: its adjoint after `backward()`, before that None."""
        return self.step.adjoint if self.trace.backward_called else None

    def __repr__(self) -> str:
        return f"{self.name} = {self.value!r}, grad = {self.grad!r}"
