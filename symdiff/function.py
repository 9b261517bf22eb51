"""What a row of the function table is; the rows stand in `functions`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symdiff.domain import Domain

Form = Callable[..., Any]


class Absence(enum.Enum):
    """Why a partial derivative has no formula; a function without a row is an `UnsupportedError`."""

    ZERO = "zero by design"
    NONDIFFERENTIABLE = "no derivative in this operand"


@dataclass(frozen=True, eq=False)
class Function:
    """One function y = f(u, v, ...; n, ...) of operands u, v, ... and static arguments n, ... (an exponent, say).

    `name`
        what a formula calls it, if `spoken`.
    `sympy(u, v, ..., n, ...)`
        builds the SymPy expression; its derivative by SymPy is the symbolic route's rule.
    `value(u, v, ..., n, ...)`
        NumPy, elementwise, in the dtype of the operands.
    `partials[k](u, v, ..., n, ..., y)`
        dy/d(operand k), written by hand for the chain route, given the result too; a number where it is constant.
    `jax`
        dotted path of a JAX function of the same arguments as `value`, imported when first needed, or the function
        itself; the autodiff route's rule is JAX's derivative of it.
    `ball(u, v, ..., n, ...)`
        the same on `flint.arb` and `flint.arb_series`, from which the referee gets its derivatives: no rule stands
        beside it. Conditions give True, False or None where the enclosures do not decide.
    `domain`
        one an operand.
    `special`
        points (operands, then static arguments) with the exact value there.
    `source`
        where definition and derivative are found.
    `ulp`
        bound on the error of `value` and `jax`, in units in the last place; a number, or a function of what the
        partials get.
    `heads`
        SymPy classes whose arguments are the operands one for one, but for static ones.
    `static`
        which arguments of the heads, counted from 0, are static: numbers, given after the operands in this order.
    `defaults`
        values of static arguments that a head may leave out, for each of `static`; empty where none may.
    `admits(n, ...)`
        whether there is a function for these static arguments; None where any numbers will do.
    `domain_at(n, ...)`
        the domain where it depends on the static arguments; `domain` is then that of the first special point.
    `rules`
        for each operand the derivative as a SymPy expression of (u, v, ..., n, ...) to compute with in the place of
        SymPy's own, or None: only where SymPy has none, or one that loses digits. Tests hold it against the referee.
    `callback`
        the JAX form calls SciPy on the host, and carries the derivative written in this table.
    `special_function`
        accuracy to hold is that of special functions (1e-10) and not of elementary ones (1e-13).
    `native`
        C expressions of value and partials in u, v, w, the result y and static arguments n, m, for the compiled loop:
        functions of libm and of `native/forms.c`, "" where a partial is zero. Several stand by the condition under
        which they hold, on static arguments, or on operands and after "any", if at any point; the last stands by "".
        Empty where there are none: such a graph needs the tape.
    `regular`
        value and partials are finite at all finite operands of moderate size: a guard need not look after it.
    """

    name: str
    sympy: Form
    value: Form
    partials: tuple[Form | float | Absence, ...]
    jax: str | Form
    ball: Form
    domain: tuple[Domain, ...]
    special: tuple[tuple[tuple[Any, ...], Any], ...]
    source: str
    ulp: float | Form = 1.0
    heads: tuple[type[sp.Basic], ...] = ()
    spoken: bool = False
    regular: bool = False
    rules: tuple[Form | None, ...] = ()
    callback: bool = False
    special_function: bool = False
    static: tuple[int, ...] = ()
    defaults: tuple[Any, ...] = ()
    admits: Form | None = None
    domain_at: Form | None = None
    native: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()

    @property
    def arity(self) -> int:
        """How many operands it takes, static arguments not counted."""
        return len(self.domain)

    def domain_of(self, static: Sequence[Any]) -> tuple[Domain, ...]:
        """One domain an operand, for given static arguments."""
        return self.domain if self.domain_at is None else self.domain_at(*static)

    def not_differentiable(self, position: int) -> str:
        """What to say to who wants the derivative in an operand that has none."""
        return f"{self.name} has no derivative in its operand {position + 1}; keep that operand constant"

    def __repr__(self) -> str:
        return f"<function {self.name}>"
