"""Columns of numbers: read from a CSV file or taken out of a mapping or table, and checked before they are used."""

from __future__ import annotations

import csv
import difflib
import io
import math
import numbers
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import DataError

Column = NDArray[np.float64]


def read_csv(path: str | os.PathLike[str], names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    r"""Read a comma-separated file of numbers whose first row names the columns.

    Returns one float64 array of shape (rows,) for each column, in the order of the file. A byte order mark, spaces
    around cells and empty lines are passed over; every other cell must be a finite decimal number. With `names`, only
    the cells of these columns, and of entries of them such as `x0` or `x[0]`, must be: the other columns stay text.

    Raises DataError, naming file, line and column, for everything that is not so.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "line.csv"
    >>> _ = file.write_text("x, y\n1, 2\n2, 4\n")
    >>> read_csv(file)
    {'x': array([1., 2.]), 'y': array([2., 4.])}
    >>> _ = file.write_text("x, note\n1, a\n2, b\n")
    >>> read_csv(file, ["x"])
    {'x': array([1., 2.]), 'note': array(['a', 'b'], dtype='<U1')}

    Source: RFC 4180.
    """
    wanted = None if names is None else {_normal(name) for name in names}
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: not a CSV row ({error}); check the quotes") from None
    if not rows:
        raise DataError(f"{path}: the file is empty; give a header row such as 'x,y' and rows of numbers")
    header = _header(*rows[0], path)
    if len(rows) == 1:
        raise DataError(f"{path}: a header and no rows; add at least one row of numbers")
    read = [wanted is None or not wanted.isdisjoint(_meanings(name)) for name in header]
    table = np.empty((len(header), len(rows) - 1))
    for index, (line, row) in enumerate(rows[1:]):
        if len(row) != len(header):
            raise DataError(
                f"{path}: line {line}: {len(row)} cells where the header names {len(header)} columns "
                f"({listed(header)}); give one number for each"
            )
        for column, cell in enumerate(row):
            if not read[column]:
                continue
            try:
                table[column, index] = _decimal(cell)
            except ValueError as error:
                raise DataError(f"{path}: line {line}, column {header[column]!r}: {error}") from None
    return {
        name: table[k] if read[k] else np.array([row[k].strip() for _, row in rows[1:]])
        for k, name in enumerate(header)
    }


def columns(data: Any, names: Iterable[Any], where: str = "data") -> dict[str, Column]:
    """Take the columns called `names` out of `data`, as float64 arrays of one common shape (rows,), copied.

    `data` is a mapping of names or symbols to sequences of numbers, a structured NumPy array, or any table that has
    `columns` and `data[name]` (pandas, polars, narwhals, pyarrow). Columns that are not asked for are not looked at.
    `where` names the data in messages.

    Raises DataError for a missing column, text, NaN, an infinity, more than one dimension, unequal lengths, no rows.

    >>> columns({"x": [1, 2], "y": [2, 4], "note": ["a", "b"]}, ["x", "y"])
    {'x': array([1., 2.]), 'y': array([2., 4.])}
    >>> columns({"x": [1, 2], "Y": [2, 4]}, ["x", "y"])
    Traceback (most recent call last):
        ...
    symdiff.errors.DataError: data: no column 'y'; did you mean 'Y'? (columns: x, Y)
    """
    given = found_in(data, names, where)
    result = {name: _column(values, f"{where}: column {name!r}") for name, values in given.items()}
    check_lengths(result, where, "number")
    return result


def check_lengths(found: Mapping[str, Sized], where: str, what: str) -> None:
    """Raise DataError where columns are of unequal length or empty; `what` stands in each row of them."""
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        unequal = listed([f"{name} has {length}" for name, length in lengths.items()])
        raise DataError(f"{where}: columns of unequal length ({unequal}); give each one {what} a row")
    if 0 in lengths.values():
        raise DataError(f"{where}: no rows; give at least one")


def found_in(data: Any, names: Iterable[Any], where: str = "data") -> dict[str, Any]:
    """What `data` holds under each of the names, as it is; see `columns` for what data may be.

    >>> found_in({"x": [1, 2], "y": "text"}, ["x"])
    {'x': [1, 2]}
    """
    keys = named_columns(data, where)
    present = Counter(map(name_of, keys))
    place = {name_of(key): key for key in keys}
    normal = {unicodedata.normalize("NFKC", name): name for name in place}
    result: dict[str, Any] = {}
    for name in map(name_of, names):
        # a file may write é as two characters where a formula has one
        found = name if name in place else normal.get(unicodedata.normalize("NFKC", name))
        if found is None:
            raise DataError(f"{where}: no column {name!r}{did_you_mean(name, place)} (columns: {listed(place)})")
        if present[found] > 1:
            raise DataError(f"{where}: {present[found]} columns are called {name!r}; rename all but one")
        result[name] = data[place[found]]
    return result


def array_of(values: Any, what: str) -> Column:
    """Numbers of any number of axes as a float64 array; raises DataError naming the first entry that is no number.

    >>> array_of([[1, 2], [3, 4]], "data: x")
    array([[1., 2.],
           [3., 4.]])
    >>> array_of([[1, 2], [3]], "data: x")
    Traceback (most recent call last):
        ...
    symdiff.errors.DataError: data: x: rows of unequal length; give an array of numbers
    """
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise DataError(f"{what}: some entries are masked; fill them in or remove their rows")
    try:
        array: NDArray[Any] = np.asarray(values)
    except ValueError:
        raise DataError(f"{what}: rows of unequal length; give an array of numbers") from None
    except TypeError as error:
        raise DataError(f"{what}: no array ({str(error).splitlines()[0]}); give an array of numbers") from None
    if array.dtype.kind not in "iuf":
        if array.dtype.kind != "O":
            kind = {"b": "truth values", "c": "complex numbers"}.get(
                array.dtype.kind, f"entries of dtype {array.dtype}"
            )
            raise DataError(f"{what}: {kind}; give an array of real numbers")
        entries = [_real(entry, f"{what}, entry {place}") for place, entry in np.ndenumerate(array)]
        array = np.array(entries).reshape(array.shape)
    with np.errstate(over="ignore"):
        result = array.astype(np.float64)
    if not np.isfinite(result).all():
        place = tuple(int(k) for k in np.unravel_index(int(np.argmin(np.isfinite(result))), result.shape))
        raise DataError(f"{what}, entry {place}: {array[place]} is no finite float64; correct it or remove its row")
    return result


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the nearest of the allowed names, or nothing where none is near.

    >>> did_you_mean("vlaue", ["min", "max", "value"])
    "; did you mean 'value'?"
    """
    nearest = {candidate.lower(): candidate for candidate in allowed}
    close = difflib.get_close_matches(name.lower(), nearest, n=1)
    return f"; did you mean {nearest[close[0]]!r}?" if close else ""


def short(value: object) -> str:
    """Return repr(value), cut to 40 characters, for messages.

    >>> short("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    """
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def listed(names: Iterable[str]) -> str:
    """Return the first dozen of the names, separated by commas, for messages.

    >>> listed(["x", "y"]), listed([])
    ('x, y', 'none')
    """
    names = list(names)
    return (", ".join(names[:12]) or "none") + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def name_of(key: Any) -> str:
    """Return a column's name: a text as it is, the name of a symbol.

    >>> name_of("x")
    'x'
    """
    return key if isinstance(key, str) else str(getattr(key, "name", key))


def _text(path: str | os.PathLike[str]) -> str:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read ({reason}); give a CSV file") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start + 1} is not UTF-8 text; save the file as CSV in UTF-8") from None
    if "\0" in text:
        raise DataError(f"{path}: holds zero bytes and is no text; save the file as CSV in UTF-8")
    return text


def _normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name.strip())


def _meanings(column: str) -> set[str]:
    """The names that a column may be of: its own, or that of an array of which it is an entry."""
    name = _normal(column)
    return {name, name.partition("[")[0], name.rstrip("0123456789")}


def _header(line: int, row: list[str], path: object) -> list[str]:
    names = [cell.strip() for cell in row]
    if "" in names:
        column = names.index("") + 1
        raise DataError(f"{path}: line {line}: column {column} has no name; name every column in the first row")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(f"{path}: line {line}: {times} columns are called {name!r}; rename all but one")
    if len(names) == 1 and (sign := next((sign for sign in ";\t|" if sign in name), None)):
        raise DataError(f"{path}: line {line}: the columns are separated by {sign!r}; separate them by commas")
    if all(map(_is_decimal, names)):
        raise DataError(f"{path}: line {line}: numbers where the names should be; add a header row such as 'x,y'")
    return names


def _decimal(cell: str) -> float:
    text = cell.strip()
    if not text:
        raise ValueError("the cell is empty; give a number or remove the row")
    try:
        # float() also reads 1_000 and digits of other scripts, which no other program does
        value = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        value = None
    if value is None:
        raise ValueError(f"{short(text)} is not a number; give a decimal number such as -1.5e-3")
    if not math.isfinite(value):
        raise ValueError(f"{short(text)} is no finite float64; correct the cell or remove the row")
    return value


def _is_decimal(cell: str) -> bool:
    try:
        _decimal(cell)
    except ValueError:
        return False
    return True


def named_columns(data: Any, where: str) -> list[Any]:
    """Return the keys of a mapping, a structured array or a table; raises DataError for what has none.

    >>> named_columns({"x": [1.0]}, "data")
    ['x']
    """
    if isinstance(data, Mapping):
        return list(cast("Mapping[Any, Any]", data))
    found: Any = None
    if isinstance(data, np.ndarray):
        found = cast("NDArray[Any]", data).dtype.names
    elif hasattr(data, "__getitem__"):
        # pyarrow's `columns` are the arrays themselves, and `column_names` their names
        found = getattr(data, "column_names", getattr(data, "columns", None))
    if found is None or callable(found):
        kind = type(data).__name__
        raise DataError(f"{where}: {kind} has no named columns; give a mapping such as {{'x': [1.0, 2.0]}} or a table")
    return list(found)


def _column(values: Any, what: str) -> Column:
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        row = int(np.ma.getmaskarray(values).ravel().argmax()) + 1
        raise DataError(f"{what}, row {row}: masked; fill it in or remove the row")
    try:
        array: NDArray[Any] = np.asarray(values)
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{what}: not a sequence of numbers ({reason}); give one number a row") from None
    if array.ndim != 1:
        found = "a single value" if array.ndim == 0 else f"of shape {array.shape}"
        raise DataError(f"{what}: {found}; give one number a row")
    if array.dtype.kind not in "iuf":
        # NumPy turns [1, "a"] into text throughout; the cells as they were given tell which one is wrong
        cells: Iterable[Any] = values if array.dtype.kind in "OUST" else array
        array = np.array([_real(cell, f"{what}, row {row}") for row, cell in enumerate(cells, start=1)])
    with np.errstate(over="ignore"):  # what overflows is refused below, with its row
        result = array.astype(np.float64)
    if not np.isfinite(result).all():
        row = int(np.argmin(np.isfinite(result)))
        raise DataError(f"{what}, row {row + 1}: {array[row]} is no finite float64; correct it or remove the row")
    return result


def _real(value: Any, what: str) -> float:
    if isinstance(value, bool | np.bool_ | np.timedelta64) or not isinstance(value, numbers.Real):
        value = bool(value) if isinstance(value, np.bool_) else value
        kind = type(cast(object, value)).__name__
        raise DataError(f"{what}: {short(value)} is not a number but {kind}; give a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf
