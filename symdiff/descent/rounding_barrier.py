"""Keep a compiled function to IEEE arithmetic: a product is rounded before it is added, a constant used as it stands.

XLA contracts a*b + c into one fused multiply-add, which rounds once, folds (a + 1) + 2 into a + 3, and multiplies by
1/b where it should divide by b. Each changes a residual near zero by as much as the residual itself. Neither
`lax.reduce_precision` nor `lax.optimization_barrier` prevents it (measured with jax 0.10.2 on x86-64): what the
compiler knows, it uses. So a product that reaches a sum first has a zero subtracted that the compiler cannot know, and
so have constants. This works on the jaxpr, since differentiation makes products and constants of its own. What stays
is that XLA takes numbers below the normal range for zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

# their results are products, or may be rewritten to products by XLA
PRODUCTS = frozenset({"mul", "integer_pow", "square", "pow", "reduce_prod", "dot_general"})
# hand a product on unchanged
FORWARDING = frozenset({"neg", "select_n", "broadcast_in_dim", "concatenate", "slice", "squeeze", "stack"})
# add nothing to their operands, so a product may enter them unrounded
ADDING_NOTHING = frozenset({"mul", "div", "integer_pow", "square", "eq", "ne", "lt", "le", "gt", "ge", "sign"})
# calls whose body is evaluated in place; loops and conditionals stay as they are
CALLS = frozenset({"jit", "pjit", "closed_call", "core_call", "remat2", "custom_jvp_call", "custom_vjp_call"})
BITS = {2: jnp.int16, 4: jnp.int32, 8: jnp.int64}


def separately_rounded(function: Callable[..., Any], zero: Any, *arguments: Any) -> Any:
    """Evaluate `function(*arguments)` with every operation rounded on its own, as NumPy and PyTorch do on a CPU.

    `zero` is an integer 0 that must be an argument of the enclosing `jax.jit`: what is known when compiling has no
    effect. Arguments and result are pytrees of arrays. Loops inside `function` are left alone; put this inside them.
    The product here rounds to 1; fused with the subtraction it does not, and the residual is -2**-60:

    >>> w, x, y = 1 + 2**-30, 1 - 2**-30, 1.0
    >>> residual = lambda w, x, y: w * x - y
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
    """Evaluate a closed jaxpr; with a zero, hide from the compiler what it must not use."""
    jaxpr = program.jaxpr
    values: dict[Any, Any] = dict(zip(jaxpr.constvars, program.consts, strict=True))
    known = set(values)
    values |= zip(jaxpr.invars, arguments, strict=True)
    added: set[Any] = set() if zero is None else _added(jaxpr)
    for equation in jaxpr.eqns:
        name, operands = equation.primitive.name, list[Any]()
        for atom in equation.invars:
            operand = atom.val if isinstance(atom, core.Literal) else values[atom]
            hidden = zero is not None and (isinstance(atom, core.Literal) or atom in known)
            operands.append(_hidden_constant(operand, name, zero) if hidden else operand)
        if zero is not None and name == "div":
            operands[1] = _hidden_divisor(operands[0], operands[1], zero)
        if name in CALLS:
            body = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
            results = _evaluate(body if isinstance(body, core.ClosedJaxpr) else core.ClosedJaxpr(body, ()), operands)
        else:
            results = equation.primitive.bind(*operands, **equation.params)
            results = results if equation.primitive.multiple_results else [results]
        for variable, result in zip(equation.outvars, results, strict=True):
            values[variable] = _hidden(result, zero) if variable in added and name in PRODUCTS else result
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


def _hidden(value: Any, zero: Any) -> Any:
    # subtracting +0.0 changes no number, not even -0.0; a*b - zero may be contracted: it rounds once, as a*b does
    return value - zero.astype(value.dtype) if jnp.issubdtype(value.dtype, jnp.floating) else value


def _hidden_constant(constant: Any, primitive: str, zero: Any) -> Any:
    array = np.asarray(constant)
    if primitive not in ("add", "sub", "mul", "div", "broadcast_in_dim") or array.dtype.kind != "f" or not array.any():
        return constant
    if primitive in ("mul", "div") and (np.abs(np.frexp(array)[0]) == 0.5).all():
        return constant  # a power of two: folding it is exact
    return _hidden(jnp.asarray(constant, array.dtype), zero)


def _hidden_divisor(dividend: Any, divisor: Any, zero: Any) -> Any:
    array, divisors = jnp.asarray(dividend), jnp.asarray(divisor)
    if not array.shape or array.dtype != divisors.dtype or not jnp.issubdtype(array.dtype, jnp.floating):
        return divisor
    # XLA would multiply by the inverse of a divisor that elements share, so each gets one of its own, with equal bits
    bits, cast = BITS[array.dtype.itemsize], jax.lax.bitcast_convert_type
    return cast(
        cast(jnp.broadcast_to(divisors, array.shape), bits) ^ (cast(array, bits) & zero.astype(bits)), array.dtype
    )
