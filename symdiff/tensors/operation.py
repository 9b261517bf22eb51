"""What an operation on whole arrays is; the rows stand in `operations`.

Elementwise functions of arrays are rows of the function table. What is not elementwise (a contraction, a slice, an
inverse) is an operation of this kind: a node of the same graph, with a shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symdiff.domain import Domain
from symdiff.errors import UnsupportedError
from symdiff.function import Absence, Form, Function

if TYPE_CHECKING:
    from symdiff.graph_builder import GraphBuilder


def _no_formula(*_: Any) -> Any:
    raise UnsupportedError("an operation on arrays has no formula in scalars")


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation(Function):
    """One operation Y = f(A, B, ...; n, ...) on arrays A, B, ... with static arguments n, ...

    `name`
        what messages call it.
    `shape(shapes, *n)`
        shape of Y from those of the operands; raises ShapeError.
    `value(A, B, ..., *n)`
        NumPy.
    `jax(A, B, ..., *n)`
        JAX; its derivative is the autodiff route's rule.
    `adjoint(position, G, operands, n, Y)`
        NumPy: the adjoint of one operand from the adjoint G of Y, written by hand for the chain route; None where there
        is none by design.
    `derived(builder, position, G, operands, n, Y)`
        the same as nodes of a graph, for the symbolic route.
    `tangent(operands, tangents, n, Y)`
        NumPy: the tangent of Y from those of the operands, None for an operand that does not move.
    `source`
        where the adjoints are found.

    It has no elementwise partial and no domain, as rows of the function table have them.
    """

    shape: Form
    adjoint: Form
    derived: Callable[[GraphBuilder, int, int, tuple[int, ...], tuple[Any, ...], int], int]
    tangent: Form
    sympy: Form = _no_formula
    ball: Form = _no_formula
    partials: tuple[Form | float | Absence, ...] = ()
    domain: tuple[Domain, ...] = ()
    special: tuple[tuple[tuple[Any, ...], Any], ...] = ()
    regular: bool = True

    def __repr__(self) -> str:
        return f"<operation {self.name}>"
