"""What `Model` is given, read and checked part by part; each message begins with the part it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import sympy as sp

from symdiff.array_columns import sampled
from symdiff.array_values import Lengths
from symdiff.data import Column, columns, did_you_mean, listed, name_of, short
from symdiff.errors import DataError, InputError, ModelError, ShapeError
from symdiff.formula.matrices import is_matrix, is_number
from symdiff.formula.text import identifier
from symdiff.from_sympy import free_symbols
from symdiff.initial_values import INITIAL
from symdiff.loss import PREDICTION
from symdiff.parameter import Parameter
from symdiff.parsing import parse
from symdiff.symbol_lookup import INPUTS
from symdiff.tensors.shapes import Shape, told

# scalars, matrix symbols and indexed arrays
Symbols = tuple[Any, ...]
# options of a training run that a model may suggest, and what each is
TRAINING: dict[str, tuple[type, str]] = {
    "epochs": (int, "a whole number such as 100"),
    "learning_rate": (float, "a number such as 0.01"),
    "batch_size": (int, "a whole number such as 32"),
    "shuffle": (bool, "true or false"),
    "seed": (int, "a whole number such as 0"),
    "optimizer": (str, "a name such as 'adam'"),
    "held_out": (float, "a part of the samples, between 0 and 1, such as 0.2"),
}


def declared_symbols(
    prediction: object, inputs: list[Any], target: Any, parameters: list[Any], needed: bool = True
) -> dict[str, Any]:
    """Find the one symbol of every name that has a role; of a name not in the prediction, a real one is made.

    A target is `needed` where the loss compares the prediction with it.

    >>> sorted(declared_symbols(sp.Symbol("w", real=True), ["x"], "y", ["w"]))
    ['w', 'x', 'y']
    """
    found: dict[str, Any] = {}
    for symbol in free_symbols(prediction) if isinstance(prediction, sp.Basic) else ():
        if found.setdefault(symbol.name, symbol) != symbol:
            raise ModelError(f"prediction: holds two different symbols called {symbol.name}; make each symbol once")
    roles: dict[str, str] = {}
    given: list[tuple[Any, str]] = [(key, "an input") for key in inputs]
    given += [(target, "the target")] if needed or target is not None else []
    for key, role in [*given, *((key, "a parameter") for key in parameters)]:
        if not isinstance(key, INPUTS) and not (isinstance(key, str) and key):
            hint = (
                "; without a target the loss is 'prediction', which is then minimised" if key is target is None else ""
            )
            raise ModelError(f"{short(key)} cannot be {role}; give a symbol or its name{hint}")
        name = name_of(key)
        if name == PREDICTION.name:
            raise ModelError(f"{name} cannot be {role}: it stands for the prediction in a loss; choose another name")
        if name in roles:
            raise ModelError(f"{name} is declared as {roles[name]} and as {role}; declare it once")
        roles[name] = role
        symbol = found.setdefault(name, key if isinstance(key, INPUTS) else sp.Symbol(name, real=True))
        if isinstance(key, INPUTS) and symbol != key:
            scalars = isinstance(key, sp.Symbol) and isinstance(symbol, sp.Symbol)
            other = "other assumptions, such as real=True" if scalars else "another shape or of another kind"
            why = f"one is declared with {other}"
            raise ModelError(f"prediction: its {name} is not the {name} given as {role}: {why}; make each symbol once")
    if not inputs:
        raise ModelError("inputs: none given; name at least one, even where the prediction does not depend on it")
    if not parameters:
        raise ModelError("parameters: none given; a model has at least one, such as {'w': 1.0}")
    return {name: found[name] for name in roles}


def read_prediction(given: Any, inputs: Symbols, target: Any, parameters: Symbols) -> sp.Expr:
    """Return the prediction as an expression in inputs and parameters: a number or a matrix.

    A matrix of shape 1×1 is a number where the target is one.

    >>> w, x, y = sp.symbols("w x y", real=True)
    >>> read_prediction("w*x", (x,), y, (w,))
    w*x
    """
    read = given
    if isinstance(given, str):
        odd = next((symbol.name for symbol in (*inputs, *parameters) if identifier(symbol.name) is None), None)
        if odd is not None:
            rule = "no formula text can hold it; write letters, digits and _, no digit first and no __ first"
            raise ModelError(f"prediction: {short(odd)} is no name: {rule}")
        try:
            read = parse(given, symbols=[*inputs, *parameters, *([] if target is None else [target])])
        except InputError as error:
            raise ModelError(f"prediction: {error}") from None
    if not isinstance(read, sp.Expr):
        raise ModelError(f"prediction: {type(read).__name__} given; give a SymPy expression or a formula text")
    if is_matrix(read) and is_number(read) and (target is None or isinstance(target, sp.Symbol)):
        read = sp.Trace(read)
    declared = {*inputs, *parameters}
    for symbol in free_symbols(read):
        if target is not None and symbol == target:
            raise ModelError(f"prediction: holds the target {target.name}, which only the loss may; take it out")
        if symbol not in declared:
            known = f"an input ({listed(map(name_of, inputs))}) nor a parameter ({listed(map(name_of, parameters))})"
            raise ModelError(f"prediction: {symbol.name} is neither {known}; declare it as one of them")
    return read


def read_parameter(given: object, where: str) -> Parameter | Drawn:
    """Return a parameter, made of a number or an array where that is given, or of the name of an initial value.

    >>> read_parameter(1, "parameters.w").value
    1.0
    """
    try:
        if isinstance(given, str) and given in INITIAL:
            return Drawn(given)
        return given if isinstance(given, (Parameter, Drawn)) else Parameter(given)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None


def fitted(parameter: Parameter, symbol: Any, shape: Shape, lengths: Lengths, where: str) -> Parameter:
    """Return a parameter whose value has the shape of its symbol; raises ShapeError, naming both shapes, if it has not.

    >>> x = sp.MatrixSymbol("x", 2, 1)
    >>> fitted(Parameter([1.0, 2.0]), x, (2, 1), Lengths(), "parameters.x").value.shape
    (2, 1)
    """
    if not shape and not parameter.shape:
        return parameter
    value = lengths.fit(symbol, shape, np.asarray(parameter.value), where)
    return parameter if value is parameter.value else dataclasses.replace(parameter, value=value)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A parameter whose initial value is yet to be drawn, when its shape is known."""

    form: str
    others: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])

    @property
    def value(self) -> str:
        """The form of the initial value."""
        return self.form

    def drawn(self, symbol: Any, shape: Shape, seed: int, where: str) -> Parameter:
        """Return the parameter; raises ShapeError where a length is not known."""
        unknown = next((length for length in shape if not isinstance(length, int)), None)
        if unknown is not None:
            raise ShapeError(
                f"{where}: {symbol.name} has the shape {told(shape)}, and the length {unknown} is not known from other "
                "parameters or data; declare a number"
            )
        try:
            return Parameter.drawn(self.form, cast("tuple[int, ...]", shape), symbol.name, seed, **self.others)
        except InputError as error:
            raise type(error)(f"{where}: {error}") from None


def read_start(
    given: object, parameters: Mapping[Any, Parameter], where: str, shapes: Mapping[Any, Shape] | None = None
) -> Mapping[str, Any]:
    """Return a starting point by name: of some or all parameters, each value within the parameter's bounds.

    >>> dict(read_start({"w": 2}, {sp.Symbol("w", real=True): Parameter(1.0)}, "start 1"))
    {'w': 2.0}
    """
    known = {symbol.name: (symbol, parameter) for symbol, parameter in parameters.items()}
    values: dict[str, Any] = {}
    for name, value in _named(given, where, "{'w': 1.0}").items():
        if name not in known:
            raise ModelError(f"{where}: no parameter {name!r}{did_you_mean(name, known)} (parameters: {listed(known)})")
        symbol, parameter = known[name]
        try:
            moved = dataclasses.replace(parameter, value=value)
        except ModelError as error:
            raise ModelError(f"{where}, {name}: {error}") from None
        values[name] = fitted(moved, symbol, (shapes or {}).get(symbol, ()), Lengths(), f"{where}, {name}").value
    if not values:
        raise ModelError(f"{where}: names no parameter; give values such as {{'w': 1.0}}")
    return MappingProxyType(values)


def read_probe(
    given: object, inputs: Symbols, shapes: Mapping[Any, Shape] | None = None, lengths: Lengths | None = None
) -> Mapping[str, Column]:
    """Return a value for each input: of its own shape where one is given, else (points, *shape), the same for all.

    >>> dict(read_probe({"x": 4}, (sp.Symbol("x", real=True),)))
    {'x': array(4.)}
    """
    values = _named(given, "probe", "{'x': 4.0}")
    names = dict.fromkeys(symbol.name for symbol in inputs)
    for name in [*values, *names]:
        if name not in names or name not in values:
            problem = f"no input {name!r}{did_you_mean(name, names)}" if name in values else f"no value for {name!r}"
            raise ModelError(f"probe: {problem} (inputs: {listed(names)}); give a value for each input")
    checked: dict[str, Column] = {}
    single: set[str] = set()
    arrays = {symbol for symbol in inputs if (shapes or {}).get(symbol)}
    for symbol in arrays:
        where = f"probe: {symbol.name!r}"
        shape = cast("Mapping[Any, Shape]", shapes)[symbol]
        found, one = sampled(values[symbol.name], symbol, shape, lengths or Lengths(), where, True)
        checked[symbol.name] = found
        single |= {symbol.name} if one else set()
    scalars = [symbol.name for symbol in inputs if symbol not in arrays]
    alone = [name for name in scalars if isinstance(values[name], Real | str) or getattr(values[name], "ndim", 1) == 0]
    checked |= {
        name: value.reshape(())
        for name, value in columns({name: [values[name]] for name in alone}, alone, where="probe").items()
    }
    checked |= columns(values, [name for name in scalars if name not in alone], where="probe")
    counts = {name: len(checked[name]) for name in names if name not in single and name not in alone}
    if len(set(counts.values())) > 1:
        unequal = listed(f"{name} has {count}" for name, count in counts.items())
        raise DataError(f"probe: points of unequal number ({unequal}); give one value a point, or one for all")
    return frozen({name: checked[name] for name in names})


def read_training(given: object) -> Mapping[str, Any]:
    """Return the options of a training run that a model suggests; what they allow is checked when it is run.

    >>> dict(read_training({"epochs": 30, "learning_rate": 1}))
    {'epochs': 30, 'learning_rate': 1.0}
    """
    read: dict[str, Any] = {}
    for name, value in mapping(given, "training", "{'epochs': 100}").items():
        if name not in TRAINING:
            hint = did_you_mean(str(name), TRAINING)
            raise ModelError(f"training: unknown key {short(name)}{hint} (keys: {listed(TRAINING)})")
        kind, what = TRAINING[name]
        allowed = (int, float) if kind is float else kind
        if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
            raise ModelError(f"training.{name}: {short(value)} given; give {what}")
        read[name] = kind(value)
    return MappingProxyType(read)


def frozen(arrays: dict[str, Column]) -> Mapping[str, Column]:
    """Return the arrays as a mapping that cannot be changed, nor can they.

    >>> frozen(columns({"x": [1.0]}, ["x"]))["x"].flags.writeable
    False
    """
    for array in arrays.values():
        array.setflags(write=False)
    return MappingProxyType(arrays)


def _named(given: object, where: str, example: str) -> dict[str, Any]:
    return {name_of(key): value for key, value in mapping(given, where, example).items()}


def mapping(given: object, where: str, example: str) -> Mapping[Any, Any]:
    """Return what was given if it is a mapping, else raise ModelError showing an example.

    >>> mapping({"w": 1.0}, "parameters", "{'w': 1.0}")
    {'w': 1.0}
    """
    if not isinstance(given, Mapping):
        raise ModelError(f"{where}: {short(given)} given; give a mapping such as {example}")
    return cast("Mapping[Any, Any]", given)


def sequence(given: object, where: str, example: str) -> list[Any]:
    """Return what was given as a list, else raise ModelError showing an example; a text is no list of letters.

    >>> sequence(("x", "z"), "inputs", "['x']")
    ['x', 'z']
    """
    if isinstance(given, str | sp.Basic | Mapping) or not isinstance(given, Iterable):
        raise ModelError(f"{where}: {short(given)} given; give a list such as {example}")
    return list(cast("Iterable[Any]", given))


def line(text: object, where: str) -> str:
    """Return what was given if it is one line of printable text.

    >>> line("linear", "name")
    'linear'
    """
    if not (isinstance(text, str) and text.isprintable() and text.strip()):
        raise ModelError(f"{where}: {short(text)} given; give one line of text")
    return text
