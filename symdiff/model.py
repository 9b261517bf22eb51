"""A model: one formula, what its symbols are for, and where to start. Defined once, used by every route."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import sympy as sp

from symdiff import model_parts as parts
from symdiff.data import Column, columns, listed, name_of, short
from symdiff.errors import ModelError
from symdiff.loss import loss_formula, substituted
from symdiff.parameter import Parameter

Symbols = tuple[sp.Symbol, ...]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Model:
    """A prediction f(x; w) of a target y, with the loss L(f, y) of one sample.

    Arguments, the symbols as SymPy symbols or by name (then they are real):

    * `prediction`: a scalar SymPy expression in inputs and parameters, or a formula text.
    * `inputs`, `target`: what is observed.
    * `parameters`: mapping to start values, or to a `Parameter` with bounds.
    * `loss`: "squared_error" is (f - y)**2, "absolute_error" is abs(f - y); or a formula, as text or expression, in the
      symbol `prediction` and the target; in parameters too, where it regularises them.
    * `data`: named columns of shape (samples,) for inputs and target; others are not kept. See `symdiff.data.columns`.
    * `probe`: at which inputs to predict; for each a number or a sequence of numbers.
    * `starts`: starting points, each a mapping of parameters to values. See `at_start`.
    * `source`: where the model comes from, one line.

    The attributes are called the same, and `loss` is an expression with the prediction put in, `loss_formula` the same
    before it was. Data and probe are read-only float64 arrays. A model never changes; `replace` makes another.

    Raises ModelError where the parts do not fit together, DataError for data and probe.

    >>> x, y, w, b = sp.symbols("x y w b", real=True)
    >>> Model("line", w*x + b, inputs=[x], target=y, parameters={w: 1.0, b: Parameter(0.0, min=-1)}).loss
    (b + w*x - y)**2
    >>> Model("line", w*x + b, inputs=[x], target=y, parameters={w: 1.0})
    Traceback (most recent call last):
        ...
    symdiff.errors.ModelError: prediction: b is neither an input (x) nor a parameter (w); declare it as one of them
    """

    name: str
    prediction: sp.Expr
    inputs: Symbols
    target: sp.Symbol
    parameters: Mapping[sp.Symbol, Parameter]
    loss: sp.Expr
    loss_formula: sp.Expr
    data: Mapping[str, Column] | None
    probe: Mapping[str, Column] | None
    starts: tuple[Mapping[str, float], ...]
    source: str | None

    def __init__(
        self,
        name: str,
        prediction: sp.Expr | str,
        *,
        inputs: Iterable[sp.Symbol | str],
        target: sp.Symbol | str,
        parameters: Mapping[sp.Symbol, Any] | Mapping[str, Any],
        loss: sp.Expr | str = "squared_error",
        data: Any = None,
        probe: Mapping[Any, Any] | None = None,
        starts: Iterable[Mapping[Any, float]] = (),
        source: str | None = None,
    ) -> None:
        store = functools.partial(object.__setattr__, self)  # a frozen dataclass leaves no other way
        given = parts.mapping(parameters, "parameters", "{'w': 1.0}")
        observed = parts.sequence(inputs, "inputs", "['x']")
        symbols = parts.declared_symbols(prediction, observed, target, list(given))
        store("name", parts.line(name, "name"))
        store("source", None if source is None else parts.line(source, "source"))
        store("inputs", tuple(symbols[name_of(key)] for key in observed))
        store("target", symbols[name_of(target)])
        named = {name_of(key): value for key, value in given.items()}
        started = {symbols[name]: parts.read_parameter(value, f"parameters.{name}") for name, value in named.items()}
        store("parameters", MappingProxyType(started))
        store("prediction", parts.read_prediction(prediction, self.inputs, self.target, tuple(self.parameters)))
        store("loss_formula", loss_formula(loss, self.target, tuple(self.parameters)))
        store("loss", substituted(self.loss_formula, self.prediction))
        store("data", None if data is None else parts.frozen(columns(data, [*self.inputs, self.target])))
        store("probe", None if probe is None else parts.read_probe(probe, self.inputs))
        points = enumerate(parts.sequence(starts, "starts", "[{'w': 1.0}]"), start=1)
        store("starts", tuple(parts.read_start(start, self.parameters, f"start {k}") for k, start in points))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model file; see `symdiff.model_file.load`."""
        from symdiff import model_file

        return model_file.load(path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file that reads back as an equal model; see `symdiff.model_file.save`."""
        from symdiff import model_file

        model_file.save(self, path)

    def at_start(self, k: int = 1) -> Model:
        """Return this model with its parameters at the k-th of its starting points, counted from 1.

        A model that names none has one, its parameters' own values. Raises ModelError where there is no k-th.

        >>> parts = {"inputs": ["x"], "target": "y", "parameters": {"w": 1.0}}
        >>> Model("line", "w*x", **parts, starts=[{"w": 1.0}, {"w": 5.0}]).at_start(2).parameters
        mappingproxy({w: Parameter(value=5.0, min=None, max=None, fixed=False, unit=None)})
        """
        count = len(self.starts)
        if isinstance(cast(object, k), bool) or not isinstance(cast(object, k), int) or not 1 <= k <= max(1, count):
            points = f"{count} starting points; give a whole number from 1 to {count}"
            few = {0: "no starting point; give 1, its parameters' own values", 1: "1 starting point; give 1"}
            raise ModelError(f"start {short(k)}: model {self.name!r} names {few.get(count, points)}")
        start = self.starts[k - 1] if self.starts else {}
        moved = {
            symbol: dataclasses.replace(parameter, value=start.get(symbol.name, parameter.value))
            for symbol, parameter in self.parameters.items()
        }
        return self.replace(parameters=moved)

    def replace(self, **changes: Any) -> Model:
        """Return this model with some of the constructor's arguments changed.

        >>> line = Model("line", "w*x", inputs=["x"], target="y", parameters={"w": 1.0})
        >>> line.replace(loss="absolute_error").loss
        Abs(w*x - y)
        """
        return Model(**(self._arguments() | changes))

    def __reduce__(self) -> Any:
        # mapping proxies cannot be copied or pickled; the constructor's arguments can
        return functools.partial(Model, **self._arguments()), ()

    def _arguments(self) -> dict[str, Any]:
        kept = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        kept |= {key: dict(value) for key, value in kept.items() if isinstance(value, MappingProxyType)}
        return kept | {"loss": kept.pop("loss_formula"), "starts": [dict(start) for start in self.starts]}

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.inputs, self.target, tuple(self.parameters.items())))

    def __repr__(self) -> str:
        # without the formula: written as a text, a shared expression can be exponentially long
        names = listed(symbol.name for symbol in self.inputs), listed(symbol.name for symbol in self.parameters)
        return f"<Model {self.name!r}: {self.target.name} from {names[0]}, parameters {names[1]}>"

    def _key(self) -> list[object]:
        def exact(arrays: Mapping[str, Column] | None) -> object:
            return arrays and [(name, values.shape, values.tobytes()) for name, values in arrays.items()]

        small = [self.name, self.source, self.inputs, self.target, list(self.parameters.items()), self.starts]
        return [*small, exact(self.data), exact(self.probe), self.loss_formula, self.prediction]
