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

from symdiff import array_columns
from symdiff import model_parts as parts
from symdiff.array_values import Lengths, declared_shapes, exact
from symdiff.data import Column, listed, name_of, short
from symdiff.errors import ModelError
from symdiff.initial_values import initial
from symdiff.loss import LOSSES, canonical, loss_formula, substituted
from symdiff.mimebundle import Shown
from symdiff.parameter import Parameter
from symdiff.tensors.shapes import Shape

# scalars, matrix symbols and indexed arrays
Symbols = tuple[Any, ...]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Model(Shown):
    """A prediction f(x; w) of a target y, with the loss L(f, y) of one sample.

    Arguments, the symbols as SymPy symbols, matrix symbols or IndexedBase, or by name (those that the prediction does
    not hold are real numbers):

    * `prediction`: a SymPy expression in inputs and parameters, a number or a matrix, or a formula text.
    * `inputs`, `target`: what is observed. With target=None and loss="prediction" the prediction itself is minimised: a
      formula over all data at once, such as a sum over the entries of an IndexedBase.
    * `parameters`: mapping to start values, numbers or arrays, or to a `Parameter` with bounds. A value may be the name
      of an initial value, such as "glorot", which is drawn by `seed`; see `symdiff.initial_values.initial`.
    * `loss`: a name in `symdiff.loss.LOSSES`: "squared_error" is (f - y)**2, "absolute_error" is abs(f - y), "logistic"
      is log(1 + exp(f)) - y*f, summed over entries; "softmax_cross_entropy" is log(sum(exp(f))) - sum(y*f). Or a
      formula, as text or expression, in the symbol `prediction` (a MatrixSymbol of its shape, where it is a matrix)
      and the target; in parameters too, where it regularises them.
    * `data`: named columns of shape (samples, *shape of the symbol) for inputs and target; others are not kept. See
      `symdiff.data.columns` and `symdiff.array_columns.table`. With target=None, arrays of the symbols' own shapes are
      one sample.
    * `probe`: at which inputs to predict; for each a value of its shape or a sequence of them.
    * `starts`: starting points, each a mapping of parameters to values. See `at_start`.
    * `source`: where the model comes from, one line.
    * `training`: options that `symdiff train` takes where none are given; see `symdiff.model_parts.TRAINING`.

    The attributes are called the same, and `loss` is an expression with the prediction put in, `loss_formula` the same
    before it was. Data and probe are read-only float64 arrays. `shapes` has the shape of every symbol, in numbers where
    parameters and data tell symbolic lengths. A model never changes; `replace` makes another.

    Raises ModelError where the parts do not fit together, ShapeError where shapes do not, DataError for data and probe.

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
    target: Any
    parameters: Mapping[Any, Parameter]
    loss: sp.Expr
    loss_formula: sp.Expr
    data: Mapping[str, Column] | None
    probe: Mapping[str, Column] | None
    starts: tuple[Mapping[str, Any], ...]
    source: str | None
    training: Mapping[str, Any]
    shapes: Mapping[Any, Shape] = dataclasses.field(init=False)

    def __init__(
        self,
        name: str,
        prediction: sp.Expr | str,
        *,
        inputs: Iterable[Any],
        target: Any,
        parameters: Mapping[Any, Any] | Mapping[str, Any],
        loss: sp.Expr | str = "squared_error",
        data: Any = None,
        probe: Mapping[Any, Any] | None = None,
        starts: Iterable[Mapping[Any, Any]] = (),
        source: str | None = None,
        training: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        store = functools.partial(object.__setattr__, self)  # a frozen dataclass leaves no other way
        given = parts.mapping(parameters, "parameters", "{'w': 1.0}")
        observed = parts.sequence(inputs, "inputs", "['x']")
        compared = isinstance(loss, str) and loss in LOSSES
        symbols = parts.declared_symbols(prediction, observed, target, list(given), compared)
        store("name", parts.line(name, "name"))
        store("source", None if source is None else parts.line(source, "source"))
        store("training", parts.read_training({} if training is None else training))
        store("inputs", tuple(symbols[name_of(key)] for key in observed))
        store("target", None if target is None else symbols[name_of(target)])
        named = {name_of(key): value for key, value in given.items()}
        started = {symbols[name]: parts.read_parameter(value, f"parameters.{name}") for name, value in named.items()}
        store("prediction", parts.read_prediction(prediction, self.inputs, self.target, tuple(started)))
        store("loss_formula", loss_formula(loss, self.target, tuple(started), self.prediction))
        store("loss", substituted(self.loss_formula, self.prediction))
        declared = declared_shapes((*started, *self.observed), [self.loss])
        lengths = Lengths()
        for symbol, parameter in started.items():
            if isinstance(parameter, Parameter):
                where = f"parameters.{symbol.name}"
                started[symbol] = parts.fitted(parameter, symbol, declared[symbol], lengths, where)
        store("shapes", MappingProxyType(declared))
        store("data", None if data is None else parts.frozen(self._table(data, lengths, "data")))
        for symbol, parameter in started.items():
            if isinstance(parameter, parts.Drawn):
                shape = lengths.resolved(declared[symbol])
                started[symbol] = parameter.drawn(symbol, shape, seed, f"parameters.{symbol.name}")
        store("parameters", MappingProxyType(started))
        store("probe", None if probe is None else parts.read_probe(probe, self.inputs, declared, lengths))
        known = {symbol: lengths.resolved(shape) for symbol, shape in declared.items()}
        store("shapes", MappingProxyType(known))
        points = enumerate(parts.sequence(starts, "starts", "[{'w': 1.0}]"), start=1)
        store("starts", tuple(parts.read_start(start, self.parameters, f"start {k}", known) for k, start in points))

    @property
    def observed(self) -> Symbols:
        """The symbols of the data: the inputs, and the target if there is one."""
        return self.inputs if self.target is None else (*self.inputs, self.target)

    def table(self, data: Any, where: str = "data") -> dict[str, Column]:
        """Take the inputs and the target out of data: for each a float64 array of shape (samples, *its shape), copied.

        Raises DataError and ShapeError as `symdiff.array_columns.table` does.

        >>> line = Model("line", "w*x", inputs=["x"], target="y", parameters={"w": 1.0})
        >>> line.table({"x": [1, 2], "y": [2, 4], "note": ["a", "b"]})
        {'x': array([1., 2.]), 'y': array([2., 4.])}
        """
        return self._table(data, Lengths(), where)

    def _table(self, data: Any, lengths: Lengths, where: str) -> dict[str, Column]:
        shapes = {symbol: self.shapes[symbol] for symbol in self.observed}
        whole = self.target is None or any(shapes.values())
        return array_columns.table(data, shapes, lengths, where, whole=whole)

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

    def redrawn(self, seed: int) -> Model:
        """Return this model with its drawn parameters drawn by another seed; what was given stays.

        >>> w, x, y = sp.MatrixSymbol("w", 1, 3), sp.MatrixSymbol("x", 3, 1), sp.MatrixSymbol("y", 1, 1)
        >>> line = Model("line", w * x, inputs=[x], target=y, parameters={w: "glorot"})
        >>> line.redrawn(1) == line, line.redrawn(1).redrawn(0) == line
        (False, True)
        """
        drawn = {
            symbol: dataclasses.replace(parameter, value=initial(parameter.initial, parameter.shape, symbol.name, seed))
            for symbol, parameter in self.parameters.items()
            if parameter.initial is not None
        }
        return self.replace(parameters={**self.parameters, **drawn}) if drawn else self

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
        kept = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.init}
        kept |= {key: dict(value) for key, value in kept.items() if isinstance(value, MappingProxyType)}
        return kept | {"loss": kept.pop("loss_formula"), "starts": [dict(start) for start in self.starts]}

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.inputs, self.target, tuple(self.parameters.items())))

    def __repr__(self) -> str:
        # without the formula: written as a text, a shared expression can be exponentially long
        names = listed(symbol.name for symbol in self.inputs), listed(symbol.name for symbol in self.parameters)
        what = "a formula" if self.target is None else self.target.name
        return f"<Model {self.name!r}: {what} from {names[0]}, parameters {names[1]}>"

    def _repr_html_(self) -> str:
        from symdiff.notebook import model_html

        return model_html(self)

    def _repr_latex_(self) -> str | None:
        from symdiff.notebook import model_latex

        return model_latex(self)

    def _key(self) -> list[object]:
        small = [self.name, self.source, self.inputs, self.target, list(self.parameters.items())]
        starts = [dict(exact(start)) for start in self.starts]  # type: ignore[call-overload]
        formulas = canonical(self.loss_formula), canonical(self.prediction)
        return [*small, starts, dict(self.training), exact(self.data), exact(self.probe), *formulas]
