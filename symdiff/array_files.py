"""Arrays in files: .npy, .npz and .safetensors, looked at before they are read, and never unpickled."""

from __future__ import annotations

import math
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from symdiff.data import did_you_mean, listed, short
from symdiff.errors import DataError

MAX_BYTES = 2 * 1024**3  # of one array, unpacked
MAX_FILE = 4 * 1024**3
KINDS = (".npy", ".npz", ".safetensors")

AnyArray = NDArray[Any]


def read_array_file(path: str | os.PathLike[str], key: str | None = None) -> AnyArray:
    """Return one array of a file: the only one of an .npy file, the one called `key` of the others.

    Raises DataError for a file that is missing, too large, damaged, or holds Python objects, and for a key that it has
    not.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "w.npy"
    >>> np.save(file, [1.0, 2.0])
    >>> read_array_file(file)
    array([1., 2.])

    Source: NEP 1, https://numpy.org/neps/nep-0001-npy-format.html; https://huggingface.co/docs/safetensors.
    """
    kind = _checked(path)
    try:
        if kind == ".npy":
            return _of_npy(path)
        names = array_names(path)
        if key is None and len(names) == 1:
            (key,) = names
        if key is None or key not in names:
            near = "" if key is None else did_you_mean(key, names)
            raise DataError(f"{path}: no array {short(key)}{near} (arrays: {listed(names)}); give one of them as key")
        return _of_npz(path, key) if kind == ".npz" else _of_safetensors(path, key)
    except (
        ValueError,
        KeyError,
        TypeError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        safetensors.SafetensorError,
    ) as error:
        if isinstance(error, DataError):
            raise
        raise _damaged(path, error) from None


def array_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the arrays of an .npz or .safetensors file, without reading any."""
    kind = _checked(path)
    try:
        if kind == ".npz":
            with zipfile.ZipFile(path) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist()]
        if kind == ".safetensors":
            with safetensors.safe_open(os.fspath(path), framework="np") as file:
                return list(file.keys())
    except (ValueError, OSError, zipfile.BadZipFile, safetensors.SafetensorError) as error:
        raise _damaged(path, error) from None
    raise DataError(f"{path}: an .npy file holds one array without a name; give an .npz file, or a file for each array")


def _checked(path: str | os.PathLike[str]) -> str:
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise DataError(f"{path}: no file of arrays; give one that ends in {', '.join(KINDS)}")
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); check the path"
        ) from None
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{path}: no regular file; check the path")
    if found.st_size > MAX_FILE:
        raise DataError(f"{path}: {found.st_size:,} bytes; files of up to {MAX_FILE:,} are read")
    return kind


def _of_npy(path: str | os.PathLike[str]) -> AnyArray:
    # mapped, so that a header which promises more than there is is found out before memory is taken
    mapped = np.lib.format.open_memmap(path, mode="r")
    _permit(path, None, mapped.shape, mapped.dtype)
    return np.array(mapped)


def _of_npz(path: str | os.PathLike[str], key: str) -> AnyArray:
    with zipfile.ZipFile(path) as archive:
        entry = next(info for info in archive.infolist() if info.filename.removesuffix(".npy") == key)
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
            _permit(path, key, shape, dtype)
            if math.prod(shape) * dtype.itemsize > entry.file_size:
                raise ValueError("its header promises more than it holds")
        with archive.open(entry) as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _of_safetensors(path: str | os.PathLike[str], key: str) -> AnyArray:
    with safetensors.safe_open(os.fspath(path), framework="np") as file:
        return np.array(file.get_tensor(key))


def _permit(path: str | os.PathLike[str], key: str | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    name = f"{path}: " if key is None else f"{path}: {key}: "
    if dtype.hasobject:
        raise DataError(f"{name}an array of Python objects, which is never read; save it as float64")
    if math.prod(shape) * dtype.itemsize > MAX_BYTES:
        raise DataError(f"{name}{math.prod(shape):,} entries; arrays of up to {MAX_BYTES:,} bytes are read")


def _damaged(path: object, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if "Python objects" in reason:
        return DataError(f"{path}: an array of Python objects, which is never read; save it as float64")
    return DataError(f"{path}: not to be read as an array ({reason}); save it again")
