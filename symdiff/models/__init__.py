"""Embedded models, ready to check and train: each a TOML file in this folder, some with a CSV file beside it.

SymPy is imported only when a model is loaded, so that their names cost nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symdiff.model import Model

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of the embedded models, in alphabetical order.

    >>> "linear" in names()
    True
    """
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


def load(name: str) -> Model:
    """Return the embedded model of that name, with its data; raise ModelError where there is none.

    >>> load("quadratic").prediction
    b + w*x**2 + w2*x
    >>> load("quadratc")
    Traceback (most recent call last):
        ...
    symdiff.errors.ModelError: no embedded model 'quadratc'; did you mean 'quadratic'? (embedded: affine, ...)
    """
    from symdiff.model_file import load as load_file

    if name not in names():
        raise _unknown("embedded model", name)
    return load_file(_FOLDER / f"{name}.toml")


def find(name_or_path: str | os.PathLike[str]) -> Model:
    """Return the embedded model of that name, or else read the model file at that path.

    Raises ModelError where there is neither, and where the file is not a model.

    >>> find("linear").prediction
    w*x
    """
    from symdiff.model_file import load as load_file

    text = os.fspath(name_or_path)
    if text in names():
        return load(text)
    if not is_model(text):
        raise _unknown("model", text)
    return load_file(text)


def is_model(text: str) -> bool:
    """Whether a text means a model, not a formula: it names an embedded one, ends in .toml, or is the path of a file.

    >>> is_model("linear"), is_model("fit.toml"), is_model("w*x + b")
    (True, True, False)
    """
    return text in names() or text.endswith(".toml") or os.path.isfile(text)  # noqa: PTH113 - Path raises on long texts


def _unknown(what: str, name: str) -> Exception:
    from symdiff.data import did_you_mean, listed, short
    from symdiff.errors import ModelError

    hint = did_you_mean(name, names())
    return ModelError(f"no {what} {short(name)}{hint} (embedded: {listed(names())}; or the path of a .toml file)")
