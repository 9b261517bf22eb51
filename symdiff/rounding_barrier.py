"""Keep a compiled function to IEEE arithmetic: each product rounded before it is added, each constant used as it stands.

XLA contracts a*b + c into one fused multiply-add, which rounds once, and folds (a + 1) + 2 into a + 3. Both change a
residual w*x - y near zero by as much as the residual itself. Neither `lax.reduce_precision` nor
`lax.optimization_barrier` prevents it (measured with jax 0.10.2 on x86-64): what the compiler knows, it uses. So a
product that reaches a sum first has a zero subtracted that the compiler cannot know, and so have constants. This works
on the jaxpr, since differentiation makes products and constants of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

# their results are, or may be rewritten by XLA to, a product
PRODUCTS = frozenset({"mul", "integer_pow", "square", "pow", "reduce_prod", "dot_general"})
# hand a product on unchanged
FORWARDING = frozenset(
    {"neg", "broadcast_in_dim", "reshape", "squeeze", "convert_element_type", "select_n", "concatenate", "slice"}
)
# add nothing to their operands, so a product may enter them unrounded
ADDING_NOTHING = frozenset({"mul", "div", "integer_pow", "square", "eq", "ne", "lt", "le", "gt", "ge", "sign"})
# calls whose body is evaluated in place; loops and conditionals stay as they are
CALLS = frozenset({"jit", "pjit", "closed_call", "core_call", "checkpoint", "custom_jvp_call", "custom_vjp_call"})


def separately_rounded(function: Callable[..., Any], zero: Any, *arguments: Any) -> Any:
    """Evaluate `function(*arguments)` with every operation rounded on its own, as NumPy and PyTorch do on a CPU.

    `zero` is an integer 0 that must be an argument of the enclosing `jax.jit`: what is known when compiling has no
    effect. Arguments and result are pytrees of arrays. Loops inside `function` are left alone; put this inside them.

    >>> w, x, y = 1 + 2**-30, 1 - 2**-30, 1.0
    >>> residual = lambda w, x, y: w * x - y
    >>> float(residual(w, x, y)), float(jax.jit(residual)(w, x, y))
    (0.0, -8.673617379884035e-19)
    >>> float(jax.jit(lambda zero, *a: separately_rounded(residual, zero, *a))(0, w, x, y))
    0.0
    """
    leaves, structure = jax.tree.flatten(arguments)
    shape: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        result, returned = jax.tree.flatten(function(*jax.tree.unflatten(structure, leaves)))
        shape.append(returned)
        return result

    # once to find the operations, once to have the calls among them in place
    traced = jax.make_jaxpr(flat)(*leaves)
    inlined = jax.make_jaxpr(lambda *leaves: _evaluate(traced, leaves))(*leaves)
    return jax.tree.unflatten(shape[0], _evaluate(inlined, leaves, jnp.asarray(zero)))


def _evaluate(program: Any, arguments: Sequence[Any], zero: jax.Array | None = None) -> list[Any]:
    """Evaluate a closed jaxpr; with a zero, also protect what `_added` says and the constants."""
    jaxpr = program.jaxpr
    values: dict[Any, Any] = dict(zip(jaxpr.constvars, program.consts, strict=True))
    known = set(values)
    values |= zip(jaxpr.invars, arguments, strict=True)
    added: set[Any] = set() if zero is None else _added(jaxpr)

    for equation in jaxpr.eqns:
        operands: list[Any] = []
        for atom in equation.invars:
            operand = atom.val if isinstance(atom, core.Literal) else values[atom]
            if zero is not None and (isinstance(atom, core.Literal) or atom in known):
                operand = _as_unknown(operand, equation.primitive.name, zero)
            operands.append(operand)
        if equation.primitive.name in CALLS:
            body = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
            closed = body if isinstance(body, core.ClosedJaxpr) else core.ClosedJaxpr(body, ())
            results = _evaluate(closed, operands)
        else:
            results = equation.primitive.bind(*operands, **equation.params)
            results = results if equation.primitive.multiple_results else [results]
        for variable, result in zip(equation.outvars, results, strict=True):
            protect = zero is not None and variable in added and equation.primitive.name in PRODUCTS
            values[variable] = _opaque(result, zero) if protect else result
    return [atom.val if isinstance(atom, core.Literal) else values[atom] for atom in jaxpr.outvars]


def _added(jaxpr: Any) -> set[Any]:
    """Variables that may become a term of a sum, here or in whatever comes after."""
    found = {atom for atom in jaxpr.outvars if isinstance(atom, core.Var)}
    for equation in reversed(jaxpr.eqns):
        name = equation.primitive.name
        if name in ADDING_NOTHING or (name in FORWARDING and not found.intersection(equation.outvars)):
            continue
        found.update(atom for atom in equation.invars if isinstance(atom, core.Var))
    return found


def _as_unknown(constant: Any, primitive: str, zero: jax.Array) -> Any:
    """Hide a constant of a sum, product or quotient from the compiler, except where folding it is exact."""
    array = np.asarray(constant)
    if primitive not in ("add", "sub", "mul", "div", "broadcast_in_dim") or array.dtype.kind != "f" or not array.any():
        return constant
    if primitive in ("mul", "div") and (np.abs(np.frexp(array)[0]) == 0.5).all():
        return constant
    return _opaque(jnp.asarray(constant, array.dtype), zero)


def _opaque(value: Any, zero: jax.Array) -> Any:
    # subtracting +0.0 changes no number, not even -0.0; a*b - zero may be contracted: it rounds once, as a*b does
    return value - zero.astype(value.dtype) if jnp.issubdtype(value.dtype, jnp.floating) else value
