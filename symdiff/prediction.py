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
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.rewriting.rewrites import lowerable
from symdiff.samples import fitted_to
from symdiff.tensors.running import output_function
from symdiff.tensors.shapes import resolved


def predict(
    model: Model, parameters: Mapping[str, Any], inputs: Mapping[str, Any], dtype: Any = np.float64
) -> float | np.ndarray[Any, Any]:
    """Evaluate the prediction at inputs that broadcast to one shape S: a float where S is (), else an array of shape S.

    Computed in `dtype` by NumPy, each operation rounded; by JAX where the prediction holds arrays: then an input is an
    array of its symbol's shape, and axes in front of those are points. Outside the domain of the formula the result is
    NaN.

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
    read = graph_of([model.prediction])
    if read.shapes:
        return _of_arrays(model, read, parameters, arrays, dtype)
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        found = listed(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"inputs of shapes that do not broadcast ({found}); give equal lengths") from None
    graph = lowerable(read)
    values: dict[sp.Symbol, Any] = {symbol: parameters[symbol.name] for symbol in model.parameters}
    values |= {symbol: arrays[symbol.name] for symbol in model.inputs}
    result = chain.forward(graph, values, dtype)[graph.outputs[0]]
    return float(result) if shape == () else np.array(np.broadcast_to(result, shape), dtype)


def _of_arrays(
    model: Model, graph: Graph, parameters: Mapping[str, Any], arrays: Mapping[str, Any], dtype: Any
) -> float | np.ndarray[Any, Any]:
    """The prediction at one point, or at each row of inputs that have an axis more than their symbols."""
    sizes: dict[Any, int] = {}
    for symbol in model.parameters:
        if symbol in graph.inputs:
            sizes |= zip(graph.shape(graph.inputs[symbol]), np.shape(parameters[symbol.name]), strict=False)
    numbers = {length: sp.Integer(size) for length, size in sizes.items() if isinstance(length, sp.Symbol)}
    values: dict[Any, Any] = {symbol: np.asarray(parameters[symbol.name], dtype) for symbol in model.parameters}
    for symbol in model.inputs:
        array = arrays[symbol.name]
        if symbol in graph.inputs and (shape := graph.shape(graph.inputs[symbol])):
            known = tuple(resolved(tuple(shape), numbers))
            # axes beyond those of one sample belong to a batch of any shape
            extra = array.ndim - len(known) - 1
            front = array.shape[: max(extra, 0)]
            rows = array.reshape(-1, *array.shape[extra + 1 :]) if extra > 0 else array
            fitted, _ = fitted_to(symbol.name, known, rows, "predict")
            array = fitted.reshape(*front, -1, *fitted.shape[1:]) if extra > 0 else fitted
        values[symbol] = array.astype(dtype)
    present = tuple(symbol for symbol in values if symbol in graph.inputs)
    (result,) = output_function(graph, present)([values[symbol] for symbol in present], {})
    found = np.asarray(result, dtype)
    return float(found) if found.shape == () else found


def at_probe(model: Model, parameters: Mapping[str, Any], dtype: Any = np.float64) -> Any:
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
