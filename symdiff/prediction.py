"""What a model predicts at given inputs, with its parameters at given values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from symdiff import chain
from symdiff.data import did_you_mean, listed, short
from symdiff.errors import DataError, SymbolError
from symdiff.from_sympy import graph_of
from symdiff.model import Model
from symdiff.rewriting.rewrites import lowerable


def predict(
    model: Model, parameters: Mapping[str, float], inputs: Mapping[str, Any], dtype: Any = np.float64
) -> float | np.ndarray[Any, Any]:
    """Evaluate the prediction at inputs that broadcast to one shape S: a float where S is (), else an array of shape S.

    Computed in `dtype` by NumPy, each operation rounded. Outside the domain of the formula the result is NaN.

    Raises SymbolError for a missing or unknown input, DataError for one that is no array of numbers.

    >>> from symdiff import models
    >>> predict(models.load("linear"), {"w": 2.0}, {"x": [4.0, 5.0]})
    array([ 8., 10.])
    """
    names = [symbol.name for symbol in model.inputs]
    for name in inputs:
        if name not in names:
            raise SymbolError(f"no input {name!r}{did_you_mean(name, names)} (inputs: {listed(names)})")
    missing = [name for name in names if name not in inputs]
    if missing:
        raise SymbolError(f"no value for input {missing[0]!r}; give one for each of {listed(names)}")
    arrays = {name: _numbers(inputs[name], name, dtype) for name in names}
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        found = listed(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"inputs of shapes that do not broadcast ({found}); give equal lengths") from None
    graph = lowerable(graph_of([model.prediction]))
    values: dict[sp.Symbol, Any] = {symbol: parameters[symbol.name] for symbol in model.parameters}
    values |= {symbol: arrays[symbol.name] for symbol in model.inputs}
    result = chain.forward(graph, values, dtype)[graph.outputs[0]]
    return float(result) if shape == () else np.array(np.broadcast_to(result, shape), dtype)


def at_probe(model: Model, parameters: Mapping[str, float], dtype: Any = np.float64) -> Any:
    """Predictions at the model's probe inputs, a float or an array as the probe is; None where it names none."""
    return None if model.probe is None else predict(model, parameters, model.probe, dtype)


def _numbers(value: Any, name: str, dtype: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
        # objects may be numbers, such as SymPy's; texts and truth values are not
        array = array.astype(np.float64) if array.dtype.kind == "O" else array
    except (ValueError, TypeError):
        array = np.asarray("")
    if array.dtype.kind not in "iuf":
        raise DataError(f"input {name!r} is {short(value)}; give a number or an array of numbers")
    with np.errstate(over="ignore"):
        return array.astype(dtype)
