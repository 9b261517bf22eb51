"""What a compiled function is called with: real numbers and arrays of them, brought to one dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.errors import OptionError


def floating_dtype(*arrays: Any) -> np.dtype[Any]:
    """The dtype in which arguments are computed: float32 or float64, their common one if that is floating.

    Python numbers adapt to arrays, as in NumPy; integers count as float64, half precision as float32 and extended
    precision, which JAX does not have, as float64.

    >>> floating_dtype(np.float32(1.0), 2.0), floating_dtype(np.int32(1)), floating_dtype(np.float16(1))
    (dtype('float32'), dtype('float64'), dtype('float32'))
    """
    same = _common_dtype(arrays)
    if same is not None:
        return same
    # a number under jax.grad carries its weakness with it
    common = np.result_type(
        *(1.0 if getattr(a, "weak_type", False) else _dtype(a) for a in arrays), *(() if arrays else (1.0,))
    )
    return common if np.issubdtype(common, np.floating) else np.dtype(np.float64)


def real_arrays(symbols: Sequence[sp.Symbol], values: Sequence[Any]) -> list[Any]:
    """Arguments as arrays of one floating dtype; JAX arrays and tracers stay what they are.

    Raises OptionError for what is no real number, and for shapes that do not broadcast, naming the argument.

    >>> real_arrays([sp.Symbol("x")], [10**30])
    [array(1.e+30)]
    """
    if plain := _in_double(values):
        return plain
    arrays = real_values(symbols, values)
    shapes = [np.shape(array) for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        told = ", ".join(f"{symbol} {shape}" for symbol, shape in zip(symbols, shapes, strict=True))
        raise OptionError(f"the shapes of the arguments do not broadcast: {told}") from None
    dtype = floating_dtype(*arrays)
    return [a.astype(dtype) if isinstance(a, jax.Array) else np.asarray(a, dtype) for a in arrays]


def _in_double(values: Sequence[Any]) -> list[Any]:
    """The values as arrays if all are float64 and broadcast, else nothing; asking of a thousand costs milliseconds."""
    if not set(map(type, values)) <= {float, np.float64, np.ndarray}:
        return []
    arrays = [np.asarray(value) for value in values]
    if {array.dtype for array in arrays} != {np.dtype(np.float64)}:
        return []
    try:
        np.broadcast_shapes(*{array.shape for array in arrays})
    except ValueError:
        return []
    return arrays


def real_values(symbols: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Arguments as real numbers and arrays, each as it is; raises OptionError for anything else, naming it."""
    return [_real(symbol, value) for symbol, value in zip(symbols, values, strict=True)]


def aligned(arrays: Sequence[jax.Array]) -> list[jax.Array]:
    """The same arrays with axes of length 1 in front, so that all but scalars have the same number of axes."""
    most = max((array.ndim for array in arrays), default=0)
    return [jnp.reshape(a, (1,) * (most - a.ndim) + a.shape) if 0 < a.ndim < most else a for a in arrays]


def _common_dtype(arrays: Sequence[Any]) -> np.dtype[Any] | None:
    """The dtype of NumPy arrays that all have the same, float32 or float64; None of anything else."""
    if not arrays or type(arrays[0]) is not np.ndarray:
        return None
    dtype = arrays[0].dtype
    known = dtype in (np.dtype(np.float64), np.dtype(np.float32))
    # of one object, but for arrays of other byte order or from a file
    return dtype if known and all(type(a) is np.ndarray and a.dtype is dtype for a in arrays) else None


def _dtype(array: Any) -> Any:
    if isinstance(array, (bool, int, float)) and not isinstance(array, np.generic):
        return array
    if not jnp.issubdtype(array.dtype, jnp.floating):
        # whole numbers of fewer than eight bits are JAX's own, and NumPy knows no rule for them
        return array.dtype if array.dtype.kind in "biu" else np.dtype(np.int8)
    return np.dtype(np.float32 if array.dtype.itemsize <= 4 else np.float64)


def _real(symbol: sp.Symbol, value: Any) -> Any:
    number = isinstance(value, sp.Basic) and value.is_number and value.is_extended_real
    if number or (isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)):
        try:
            result = float(value)
        except OverflowError:
            result = np.inf
        # SymPy's own conversion gives infinity where Python's raises
        if np.isinf(result) and value not in (sp.oo, -sp.oo):
            raise OptionError(f"{symbol} is a number beyond the range of float64; give a smaller one")
        return result
    if isinstance(value, (list, tuple, complex)) or (hasattr(value, "__array__") and not isinstance(value, jax.Array)):
        try:
            value = np.asarray(value)
        except (TypeError, ValueError):
            raise OptionError(f"{symbol} is no array of equal rows; give real numbers") from None
    if not hasattr(value, "dtype"):
        raise OptionError(f"{symbol} is {type(value).__name__}; give real numbers")
    # JAX knows more floating dtypes than NumPy
    if not any(jnp.issubdtype(value.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_)):
        raise OptionError(f"{symbol} has dtype {value.dtype}; give real numbers")
    return value
