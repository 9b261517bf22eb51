"""Model files: TOML, read strictly and written so that they read back as an equal model."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, cast

import safetensors.numpy
import sympy as sp
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from symdiff.data import columns, did_you_mean, listed, read_csv, short
from symdiff.errors import DataError, InputError, ModelError
from symdiff.formula.writer import written
from symdiff.initial_values import INITIAL
from symdiff.loss import LOSSES, canonical
from symdiff.model import Model
from symdiff.model_file_arrays import Beside, Stored, declared, shape_table
from symdiff.model_file_text import text_of
from symdiff.model_parts import Drawn
from symdiff.output_file import write_file
from symdiff.parameter import Parameter
from symdiff.parsing import parse


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _or_array(given: object, handler: ValidatorFunctionWrapHandler) -> object:
    # nested lists and files are read with the other arrays; None stands where there is a form or a file
    return given if given is None or isinstance(given, (list, dict)) else handler(given)


_Numbers = Annotated[float, WrapValidator(_or_array)]


class _ParameterTable(_Table):
    value: _Numbers = Field(examples=["value = 1.0"])
    init: str | None = None
    file: str | None = None
    key: str | None = None
    min: float | None = None
    max: float | None = None
    fixed: bool = False
    unit: str | None = None


def _parameter_table(given: object) -> object:
    if isinstance(given, dict):
        table = cast("dict[str, object]", given)
        return {"value": None, **table} if table.keys() & {"init", "file"} else table
    if isinstance(given, list):
        return {"value": cast(object, given)}
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise PydanticCustomError("parameter", "give a number, or a table such as { value = 1.0, min = 0.0 }")
    return {"value": given}


class _ModelTable(_Table):
    name: str = Field(examples=['name = "line"'])
    prediction: str = Field(examples=['prediction = "w*x + b"'])
    inputs: list[str] = Field(examples=['inputs = ["x"]'])
    target: str | None = Field(examples=['target = "y"'])
    loss: str = "squared_error"
    seed: int = 0
    shapes: dict[str, Any] = Field(default={})
    source: str | None = None
    parameters: dict[str, Annotated[_ParameterTable, BeforeValidator(_parameter_table)]] = Field(
        examples=["[parameters] with w = 1.0"]
    )
    data: dict[str, Any] | None = None
    probe: dict[str, Any] | None = None
    starts: list[dict[str, _Numbers]] = Field(default=[])
    training: dict[str, Any] = Field(default={})


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model file.

    Keys: `name`, `prediction`, `inputs`, `target`, `[parameters]` (numbers, or tables with `value`, `min`, `max`,
    `fixed`, `unit`); optional `loss`, `[data]` (columns, or `file`, a CSV file beside the model file), `[probe]`. Three
    optional keys extend the contract: `source`, a text, `[[starts]]`, a table of parameter values for each start,
    and `[training]`, the options that `symdiff train` takes where none are given, such as `epochs = 30`.

    Of models with arrays: `[shapes]` declares matrices, `W1 = [10, 64]`, columns, `x = [64]`, and indexed arrays,
    `X = { indexed = ["n"] }`, where a name is a length that follows from the data. Values are nested lists, a table
    with `file` (.npy, .npz or .safetensors beside the model file; `key` is the parameter's name where it is left out),
    or for parameters a form in `symdiff.initial_values.INITIAL`, `{ init = "glorot" }`, drawn by the key `seed`. Data
    may be in one .npz or .safetensors file, or in CSV columns x0, x1, ...; see `symdiff.array_columns.table`. A model
    without `target` minimises its prediction, with loss = "prediction".

    Raises ModelError in one line: the file, the key, what is wrong, what is allowed; DataError for the data.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "line.toml"
    >>> Model("line", "w*x", inputs=["x"], target="y", parameters={"w": 1.0}).save(file)
    >>> load(file)
    <Model 'line': y from x, parameters w>
    >>> _ = file.write_text(file.read_text().replace("target", "traget"))
    >>> load(file)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    symdiff.errors.ModelError: ...line.toml: traget: unknown key; did you mean 'target'? (keys: name, ...

    Source: TOML 1.0.0, https://toml.io/en/v1.0.0.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read ({reason}); give a TOML file in UTF-8") from None
    return _model(text, Path(path))


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file, its data inline, whole or not at all.

    Of a model with arrays, those of more than 64 entries go to a safetensors file beside it, NAME.arrays.safetensors;
    every value comes back bit for bit. The text is read back before any file is touched. Raises ModelError where an
    equal model would not come back, as for symbols that are not declared real, or an expression that no formula text
    gives; OutputError where the path cannot be written.
    """
    why = f"{path}: model {model.name!r} cannot be saved"
    try:
        kinds = declared(shape_table((*model.observed, *model.parameters)))
    except ModelError as error:
        raise ModelError(f"{why}: {error}") from None
    for symbol in (*model.observed, *model.parameters):
        if symbol.name in kinds and symbol != kinds[symbol.name]:
            told = "an array whose lengths are positive whole numbers"
            raise ModelError(f"{why}: {symbol.name} would read back as {told}; declare it so")
        if symbol.name not in kinds and symbol != sp.Symbol(symbol.name, real=True):
            raise ModelError(f"{why}: symbol {symbol.name} would read back as real and no more; declare it so")
    stored = Stored(f"{Path(path).stem}.arrays.safetensors", inline=not kinds)
    try:
        content = text_of(model, stored).encode()
        beside = stored.content() if stored.arrays else b""
        unwritten = {stored.file: safetensors.numpy.load(beside)} if beside else {}
        again = _model(content.decode(), Path(path), Beside(Path(path).parent, unwritten))
    except InputError as error:
        raise ModelError(f"{why}: {str(error).removeprefix(f'{path}: ')}") from None
    except RecursionError:
        raise ModelError(f"{why}: the formula is nested too deeply for a text; keep the model in Python") from None
    except UnicodeEncodeError as error:
        raise ModelError(f"{why}: {short(error.object[error.start])} has no place in a text; rename") from None
    if again != model:
        raise ModelError(f"{why}: {_difference(model, again)}")
    if beside:
        write_file(Path(path).parent / stored.file, beside)
    write_file(path, content)


def _model(text: str, path: Path, beside: Beside | None = None) -> Model:
    beside = beside or Beside(path.parent)
    try:
        given = tomllib.loads(text)
        if isinstance(given.get("loss"), str) and given["loss"] not in LOSSES:
            given.setdefault("target", None)
        table = _ModelTable.model_validate(given)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).rstrip(")").rpartition(" (at ")
        raise ModelError(f"{path}: {place}: {what}; correct the TOML") from None
    except ValidationError as error:
        raise ModelError(f"{path}: {_first(error)}") from None
    except (ValueError, RecursionError) as error:  # whole numbers of thousands of digits, arrays nested as deeply
        raise ModelError(f"{path}: not to be read as TOML ({error}); shorten it") from None
    try:
        symbols = declared(table.shapes)
        used = [*table.inputs, *([] if table.target is None else [table.target]), *table.parameters]
        odd = next((name for name in symbols if name not in used), None)
        if odd is not None:
            raise ModelError(f"shapes: {odd!r} is no input, target or parameter{did_you_mean(odd, used)}; take it out")
        parameters = {n: _parameter(entry, n, beside) for n, entry in table.parameters.items()}
        probe = table.probe and {n: beside.value(value, n, f"probe.{n}") for n, value in table.probe.items()}
        starts = [{n: beside.value(value, n, f"starts.{n}") for n, value in start.items()} for start in table.starts]
        return Model(
            table.name,
            table.prediction,
            inputs=[symbols.get(name, name) for name in table.inputs],
            target=table.target and symbols.get(table.target, table.target),
            parameters={symbols.get(name, name): parameter for name, parameter in parameters.items()},
            loss=table.loss,
            data=None if table.data is None else _data(table, path, beside),
            probe=probe,
            starts=starts,
            source=table.source,
            training=table.training,
            seed=table.seed,
        )
    except InputError as error:
        raise error if str(error).startswith(f"{path}: ") else type(error)(f"{path}: {error}") from None


def _parameter(entry: _ParameterTable, name: str, beside: Beside) -> Parameter | Drawn:
    where = f"parameters.{name}"
    others = entry.model_dump(include={"min", "max", "fixed", "unit"})
    value: Any = entry.value
    if value is not None and entry.file is not None:
        raise ModelError(f"{where}: both a value and a file; give one of them")
    if entry.key is not None and entry.file is None:
        raise ModelError(f"{where}: key without a file; give the file, or take it out")
    if entry.file is not None:
        try:
            value = beside.array(entry.file, entry.key if entry.key or entry.file.endswith(".npy") else name)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
    if value is None and entry.init not in INITIAL:
        near = did_you_mean(entry.init or "", INITIAL)
        raise ModelError(f"{where}.init: {short(entry.init)} is not known{near} (known: {listed(INITIAL)})")
    try:
        if value is None and entry.init is not None:
            return Drawn(entry.init, others)
        return Parameter(value, initial=entry.init, **others)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None


def _data(table: _ModelTable, path: Path, beside: Beside) -> Any:
    given = cast("dict[str, Any]", table.data)
    names = [*table.inputs, *([] if table.target is None else [table.target])]
    if table.shapes or table.target is None:
        return beside.data(given, names)
    file = given.get("file")
    if not isinstance(file, str):
        return columns(given, names, where=f"{path}: data")
    if len(given) > 1:
        others = listed(name for name in given if name != "file")
        raise ModelError(f"{path}: data: both a file and columns ({others}); give one of them")
    try:
        return columns(read_csv(path.parent / file, names), names, where=str(path.parent / file))
    except DataError as error:
        raise DataError(f"{path}: data.file: {error}") from None


def _first(error: ValidationError) -> str:
    """One line for the first of pydantic's errors; an unknown key goes first, since it explains a missing one."""
    details = error.errors(include_url=False)
    first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{key}: {_remedy(first)}{more}"


def _remedy(detail: ErrorDetails) -> str:
    owner = _ModelTable if len(detail["loc"]) == 1 else _ParameterTable
    name = str(detail["loc"][-1])
    if detail["type"] == "extra_forbidden":
        return f"unknown key{did_you_mean(name, owner.model_fields)} (keys: {listed(owner.model_fields)})"
    if detail["type"] == "missing":
        return f"missing; add {(owner.model_fields[name].examples or [name])[0]}"
    wanted = {
        "string_type": "give a text in quotes",
        "float_type": "give a number",
        "bool_type": "give true or false",
        "list_type": "give a list in brackets",
        "dict_type": "give a table",
    }
    return f"{short(detail['input'])} given; {wanted.get(detail['type'], detail['msg'])}"


def _difference(model: Model, again: Model) -> str:
    names = {symbol.name for symbol in (*model.observed, *model.parameters)}
    constants = {str(constant) for f in (model.prediction, model.loss_formula) for constant in f.atoms(sp.NumberSymbol)}
    if names & constants:
        name = min(names & constants)
        return f"a text cannot tell the constant {name} from the symbol {name}; rename the symbol"
    pairs = {"prediction": (model.prediction, again.prediction), "loss": (model.loss_formula, again.loss_formula)}
    for part, (formula, read) in pairs.items():
        odd = [number for number in formula.atoms(sp.Float) if parse(written(number)) != number]
        if odd:
            advice = "make it a float64, or a fixed parameter"
            return f"the number {written(odd[0])} of the {part} would read back with another precision; {advice}"
        if canonical(formula) != canonical(read):
            return f"the {part} would read back as another expression; keep the model in Python"
    return "it would read back as another; keep the model in Python"
