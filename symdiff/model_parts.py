"""What `Model` is given, read and checked part by part; each message begins with the part it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, cast

import sympy as sp

from symdiff.data import Column, columns, did_you_mean, listed, name_of, short
from symdiff.errors import InputError, ModelError
from symdiff.formula.text import identifier
from symdiff.from_sympy import free_symbols
from symdiff.loss import PREDICTION
from symdiff.parameter import Parameter
from symdiff.parsing import parse

Symbols = tuple[sp.Symbol, ...]


def declared_symbols(prediction: object, inputs: list[Any], target: Any, parameters: list[Any]) -> dict[str, sp.Symbol]:
    """Find the one symbol of every name that has a role; of a name not in the prediction, a real one is made.

    >>> sorted(declared_symbols(sp.Symbol("w", real=True), ["x"], "y", ["w"]))
    ['w', 'x', 'y']
    """
    found: dict[str, sp.Symbol] = {}
    for symbol in free_symbols(prediction) if isinstance(prediction, sp.Basic) else ():
        if found.setdefault(symbol.name, symbol) != symbol:
            raise ModelError(f"prediction: holds two different symbols called {symbol.name}; make each symbol once")
    roles: dict[str, str] = {}
    given: list[tuple[Any, str]] = [*((key, "an input") for key in inputs), (target, "the target")]
    for key, role in [*given, *((key, "a parameter") for key in parameters)]:
        if not isinstance(key, sp.Symbol) and not (isinstance(key, str) and key):
            raise ModelError(f"{short(key)} cannot be {role}; give a symbol or its name")
        name = name_of(key)
        if name == PREDICTION.name:
            raise ModelError(f"{name} cannot be {role}: it stands for the prediction in a loss; choose another name")
        if name in roles:
            raise ModelError(f"{name} is declared as {roles[name]} and as {role}; declare it once")
        roles[name] = role
        symbol = found.setdefault(name, key if isinstance(key, sp.Symbol) else sp.Symbol(name, real=True))
        if isinstance(key, sp.Symbol) and symbol != key:
            why = "one is declared with other assumptions, such as real=True"
            raise ModelError(f"prediction: its {name} is not the {name} given as {role}: {why}; make each symbol once")
    if not inputs:
        raise ModelError("inputs: none given; name at least one, even where the prediction does not depend on it")
    if not parameters:
        raise ModelError("parameters: none given; a model has at least one, such as {'w': 1.0}")
    return {name: found[name] for name in roles}


def read_prediction(given: Any, inputs: Symbols, target: sp.Symbol, parameters: Symbols) -> sp.Expr:
    """Return the prediction as a scalar expression in inputs and parameters.

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
            read = parse(given, symbols=[*inputs, *parameters, target])
        except InputError as error:
            raise ModelError(f"prediction: {error}") from None
    if not isinstance(read, sp.Expr) or read.is_Matrix:
        raise ModelError(f"prediction: {type(read).__name__} given; give a scalar SymPy expression or a formula text")
    declared = {*inputs, *parameters}
    for symbol in free_symbols(read):
        if symbol == target:
            raise ModelError(f"prediction: holds the target {target.name}, which only the loss may; take it out")
        if symbol not in declared:
            known = f"an input ({listed(map(name_of, inputs))}) nor a parameter ({listed(map(name_of, parameters))})"
            raise ModelError(f"prediction: {symbol.name} is neither {known}; declare it as one of them")
    return read


def read_parameter(given: object, where: str) -> Parameter:
    """Return a parameter, made of a number where a number is given.

    >>> read_parameter(1, "parameters.w").value
    1.0
    """
    try:
        return given if isinstance(given, Parameter) else Parameter(cast(float, given))
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None


def read_start(given: object, parameters: Mapping[sp.Symbol, Parameter], where: str) -> Mapping[str, float]:
    """Return a starting point by name: of some or all parameters, each value within the parameter's bounds.

    >>> dict(read_start({"w": 2}, {sp.Symbol("w", real=True): Parameter(1.0)}, "start 1"))
    {'w': 2.0}
    """
    known = {symbol.name: parameter for symbol, parameter in parameters.items()}
    values: dict[str, float] = {}
    for name, value in _named(given, where, "{'w': 1.0}").items():
        if name not in known:
            raise ModelError(f"{where}: no parameter {name!r}{did_you_mean(name, known)} (parameters: {listed(known)})")
        try:
            values[name] = dataclasses.replace(known[name], value=value).value
        except ModelError as error:
            raise ModelError(f"{where}, {name}: {error}") from None
    if not values:
        raise ModelError(f"{where}: names no parameter; give values such as {{'w': 1.0}}")
    return MappingProxyType(values)


def read_probe(given: object, inputs: Symbols) -> Mapping[str, Column]:
    """Return a value for each input: of shape () where a number is given, else (points,), the same for all.

    >>> dict(read_probe({"x": 4}, (sp.Symbol("x", real=True),)))
    {'x': array(4.)}
    """
    values = _named(given, "probe", "{'x': 4.0}")
    names = dict.fromkeys(symbol.name for symbol in inputs)
    for name in [*values, *names]:
        if name not in names or name not in values:
            problem = f"no input {name!r}{did_you_mean(name, names)}" if name in values else f"no value for {name!r}"
            raise ModelError(f"probe: {problem} (inputs: {listed(names)}); give a value for each input")
    single = {name for name, value in values.items() if isinstance(value, Real | str) or getattr(value, "ndim", 1) == 0}
    checked = columns({name: [values[name]] for name in single}, single, where="probe")
    checked |= columns(values, [name for name in names if name not in single], where="probe")
    return frozen({name: checked[name].reshape(() if name in single else -1) for name in names})


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
