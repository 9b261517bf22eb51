"""Arrays of model files: the table of shapes, and values that stand in files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy
import sympy as sp

from symdiff.array_files import array_names, read_array_file
from symdiff.array_values import Array
from symdiff.data import listed, read_csv, short
from symdiff.errors import DataError, ModelError
from symdiff.formula.text import identifier

# arrays of more entries are saved in a file beside the model file
INLINE = 64
MAX_LENGTH = 100_000_000


def declared(shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The symbols of a table of shapes: [m, n] is a matrix, [n] a column, { indexed = [k, m, n] } an IndexedBase.

    A length is a whole number, or a name for a length that follows from the data; { indexed = true } leaves all open.

    >>> declared({"W": [2, "n"], "X": {"indexed": ["n"]}})["W"].shape
    (2, n)
    """
    return {name: _symbol(name, given) for name, given in shapes.items()}


def shape_table(symbols: Iterable[Any]) -> dict[str, Any]:
    """The table of shapes that declares the arrays among symbols.

    >>> shape_table([sp.MatrixSymbol("b", 3, 1), sp.Symbol("w"), sp.IndexedBase("X")])
    {'b': [3], 'X': {'indexed': True}}
    """
    table: dict[str, Any] = {}
    for symbol in symbols:
        if isinstance(symbol, sp.MatrixSymbol):
            rows, columns = map(_written, symbol.shape)
            table[symbol.name] = [rows] if columns == 1 else [rows, columns]
        elif isinstance(symbol, sp.IndexedBase):
            table[symbol.name] = {"indexed": True if symbol.shape is None else [_written(n) for n in symbol.shape]}
    return table


def _symbol(name: str, given: Any) -> Any:
    where = f"shapes.{name}"
    if isinstance(given, dict):
        table = cast("dict[str, Any]", given)
        lengths = table.get("indexed")
        if table.keys() != {"indexed"} or not (lengths is True or (isinstance(lengths, list) and lengths)):
            raise ModelError(f"{where}: {short(given)} given; write {{ indexed = [3, 4] }} or {{ indexed = true }}")
        if lengths is True:
            return sp.IndexedBase(name)
        return sp.IndexedBase(name, shape=tuple(_length(length, where) for length in cast("list[Any]", lengths)))
    if not isinstance(given, list) or len(cast("list[Any]", given)) not in (1, 2):
        raise ModelError(f"{where}: {short(given)} given; write [64] for a column, [10, 64] for a matrix")
    rows, *columns = [_length(length, where) for length in cast("list[Any]", given)]
    return sp.MatrixSymbol(name, rows, *(columns or [1]))


def _length(given: Any, where: str) -> Any:
    if isinstance(given, str) and identifier(given) == given:
        return sp.Symbol(given, integer=True, positive=True)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_LENGTH:
        raise ModelError(
            f"{where}: {short(given)} is no length; give a whole number from 1 to {MAX_LENGTH:,}, or a name such as 'n'"
        )
    return sp.Integer(given)


def _written(length: Any) -> int | str:
    # what would read back as another length is found when the model is read back
    return int(length) if isinstance(length, sp.Integer) else str(length)


@dataclass(frozen=True)
class Beside:
    """The files beside a model file; `unwritten` are those that are about to be saved there, by name."""

    folder: Path
    unwritten: Mapping[str, Mapping[str, Array]] = field(default_factory=dict[str, Mapping[str, Array]])

    def array(self, file: str, key: str | None) -> Any:
        """One array of a file, see `symdiff.array_files.read_array_file`."""
        if file in self.unwritten and key is not None:
            return self.unwritten[file][key]
        return read_array_file(self.folder / file, key)

    def value(self, given: Any, name: str, where: str) -> Any:
        """A value, read from its file where it is a table with `file` and perhaps `key`; else as it is."""
        if not isinstance(given, dict):
            return given
        table = cast("dict[str, Any]", given)
        file, key = table.get("file"), table.get("key")
        if not isinstance(file, str) or not isinstance(key, str | None) or not table.keys() <= {"file", "key"}:
            raise DataError(f'{where}: {short(given)} given; give numbers, or a table such as {{ file = "x.npy" }}')
        try:
            return self.array(file, key if key is not None or file.endswith(".npy") else name)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    def data(self, given: Mapping[str, Any], names: Iterable[str]) -> Any:
        """The columns of a data table: inline, in files of their own, or all in one CSV, .npz or .safetensors file."""
        file = given.get("file")
        if not isinstance(file, str):
            return {name: self.value(value, name, f"data.{name}") for name, value in given.items()}
        if len(given) > 1:
            raise ModelError(
                f"data: both a file and columns ({listed(n for n in given if n != 'file')}); give one of them"
            )
        path = self.folder / file
        try:
            if path.suffix.lower() == ".npy":
                array = read_array_file(path)
                if array.dtype.names is None:
                    array_names(path)  # raises: one array has no name
                return array
            if path.suffix.lower() in (".npz", ".safetensors"):
                wanted = set(names)
                return {name: read_array_file(path, name) for name in array_names(path) if _base(name) in wanted}
            return read_csv(path, names)
        except DataError as error:
            raise DataError(f"data.file: {error}") from None


def _base(name: str) -> str:
    return name.partition("[")[0]


@dataclass
class Stored:
    """Arrays on their way to the file beside a model file; short ones stay inline, as nested lists.

    >>> stored = Stored("net.arrays.safetensors")
    >>> stored.given("b", np.zeros(2)), stored.given("W", np.zeros((9, 9)))
    ([0.0, 0.0], {'file': 'net.arrays.safetensors', 'key': 'W'})
    """

    file: str
    inline: bool = False
    arrays: dict[str, Array] = field(default_factory=dict[str, Array])

    def given(self, key: str, value: Any) -> Any:
        """What the model file says of a value."""
        if not isinstance(value, np.ndarray):
            return value
        if self.inline or value.size <= INLINE:
            return value.tolist()
        self.arrays[key] = value
        return {"file": self.file, "key": key}

    def content(self) -> bytes:
        """The file beside the model file."""
        return safetensors.numpy.save({key: np.ascontiguousarray(array) for key, array in self.arrays.items()})
