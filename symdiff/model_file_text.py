"""The text of a model file, as `model_file` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import tomlkit

from symdiff.formula.writer import written
from symdiff.loss import loss_name
from symdiff.model import Model
from symdiff.model_file_arrays import Stored, shape_table
from symdiff.parameter import Parameter


def text_of(model: Model, stored: Stored) -> str:
    """All keys in the contract's order, without tomlkit's documents, which take quadratic time to fill."""
    loss = loss_name(model.loss_formula, model.target, model.prediction) or written(model.loss_formula)
    head = {
        "name": model.name,
        "source": model.source,
        "prediction": written(model.prediction),
        "inputs": [symbol.name for symbol in model.inputs],
        "target": None if model.target is None else model.target.name,
        "loss": loss,
    }
    lines = _lines(head)
    shapes = shape_table((*model.observed, *model.parameters))
    if shapes:
        lines += ["", "[shapes]", *_lines(shapes)]
    parameters = {symbol.name: _entry(parameter, symbol.name, stored) for symbol, parameter in model.parameters.items()}
    lines += ["", "[parameters]", *_lines(parameters)]
    for key, arrays in (("data", model.data), ("probe", model.probe)):
        if arrays is not None:
            told = {name: stored.given(f"{key}.{name}", values) for name, values in arrays.items()}
            lines += ["", f"[{key}]", *_lines(told)]
    for k, start in enumerate(model.starts, start=1):
        lines += ["", "[[starts]]", *_lines({n: stored.given(f"starts.{k}.{n}", value) for n, value in start.items()})]
    if model.training:
        lines += ["", "[training]", *_lines(dict(model.training))]
    return "\n".join([*lines, ""])


def _entry(parameter: Parameter, name: str, stored: Stored) -> object:
    value = stored.given(name, parameter.value)
    fields: dict[str, object] = value if isinstance(value, dict) else {"value": value}
    for key in ("min", "max", "fixed", "unit"):
        fields[key] = getattr(parameter, key)
    fields["init"] = parameter.initial
    given = {key: value for key, value in fields.items() if value is not None and value is not False}
    return value if given.keys() == {"value"} else given


def _lines(table: Mapping[str, object]) -> list[str]:
    return [f"{tomlkit.key(key).as_string()} = {_value(value)}" for key, value in table.items() if value is not None]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(_lines(cast('dict[str, object]', value)))} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, cast('list[object]', value)))}]"
    # Python's shortest text of a float is one of TOML's, and no two floats share one
    return repr(value) if isinstance(value, float) else tomlkit.item(value).as_string()
