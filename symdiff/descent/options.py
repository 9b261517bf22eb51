"""The options of a training run, checked before anything is compiled."""

from __future__ import annotations

import math
import numbers
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import jax
import numpy as np

from symdiff.data import short
from symdiff.descent.optimizers import optimizer_named
from symdiff.errors import OptionError
from symdiff.routes import ROUTES, Route

Precision = Literal["float64", "float32"]
Device = Literal["auto", "cpu", "gpu"]

# the seed of a JAX key is one 64-bit number
LARGEST_SEED = 2**63 - 1
# the loss of every update is kept
MOST_EPOCHS = 10**9


@dataclass(frozen=True, eq=False)
class TrainingOptions:
    """Checked options; see `symdiff.train` for what each means."""

    epochs: int
    batch_size: int
    shuffle: bool
    seed: int
    optimizer: Any
    optimizer_text: str
    # whether the optimizer is known to treat each entry of an array as it would a scalar
    entrywise: bool
    route: Route
    dtype: np.dtype[Any]
    device: Any
    checkpoint: Path | None
    resume: bool
    record_gradients: bool


def checked_options(samples: int, **given: Any) -> TrainingOptions:
    """Check the options of `symdiff.train` for data of `samples` rows.

    Raises OptionError naming the option, what was given and what is allowed.

    >>> checked_options(3, epochs=0)
    Traceback (most recent call last):
        ...
    symdiff.errors.OptionError: epochs is 0; give a whole number from 1 to 1000000000
    """
    epochs = _whole(given["epochs"], "epochs", 1, MOST_EPOCHS)
    rate = _positive(given["learning_rate"], "learning_rate")
    batch = _whole(given["batch_size"], "batch_size", 1)
    if batch > samples:
        raise OptionError(f"batch_size is {batch}, but the data have {samples} rows; give 1 to {samples}")
    optimizer, text = given["optimizer"], "the given optimizer"
    if optimizer is None or isinstance(optimizer, str):
        name = "sgd" if optimizer is None else optimizer
        optimizer, text = optimizer_named(name, rate), f"{name}({rate!r})"
    if not (callable(getattr(optimizer, "init", None)) and callable(getattr(optimizer, "update", None))):
        raise OptionError(f"optimizer is {short(optimizer)}; give an optax transformation such as optax.adam(0.01)")
    directory = _directory(given["checkpoint"])
    if _truth(given["resume"], "resume") and directory is None:
        raise OptionError("resume is True, but checkpoint names no directory; give the one to resume from")
    return TrainingOptions(
        epochs=epochs,
        batch_size=batch,
        shuffle=_truth(given["shuffle"], "shuffle"),
        seed=_whole(given["seed"], "seed", 0, LARGEST_SEED),
        optimizer=optimizer,
        optimizer_text=text,
        entrywise=text != "the given optimizer",
        route=cast(Route, _choice(given["route"], "route", ROUTES)),
        dtype=np.dtype(_choice(_name_of_dtype(given["dtype"]), "dtype", get_args(Precision))),
        device=_device(_choice(given["device"], "device", get_args(Device))),
        checkpoint=directory,
        resume=given["resume"],
        record_gradients=_truth(given["record_gradients"], "record_gradients"),
    )


def in_dtype(values: Any, dtype: np.dtype[Any], what: str) -> Any:
    """Numbers rounded to the dtype; raises OptionError for one beyond its range.

    >>> in_dtype(1e300, np.dtype("float32"), "parameter 'w'")
    Traceback (most recent call last):
        ...
    symdiff.errors.OptionError: parameter 'w' holds 1e+300, which float32 cannot hold; use dtype float64
    """
    given = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        rounded = given.astype(dtype)
    if not np.isfinite(rounded).all():
        worst = float(given.ravel()[np.argmin(np.isfinite(rounded.ravel()))])
        raise OptionError(f"{what} holds {worst!r}, which {dtype.name} cannot hold; use dtype float64")
    return rounded[()]


def _whole(value: object, name: str, least: int, most: int | None = None) -> int:
    allowed = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise OptionError(f"{name} is {short(value)}; give {allowed}")
    number = int(value)
    if number < least or (most is not None and number > most):
        raise OptionError(f"{name} is {short(number)}; give {allowed}")
    return number


def _positive(value: object, name: str) -> float:
    number = math.nan if isinstance(value, bool) or not isinstance(value, numbers.Real) else float(value)
    if not (math.isfinite(number) and number > 0):
        raise OptionError(f"{name} is {short(value)}; give a finite number above 0, such as 0.01")
    return number


def _truth(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} is {short(value)}; give True or False")
    return value


def _choice(value: object, name: str, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise OptionError(f"{name} is {short(value)}; choose one of {', '.join(allowed)}")
    return value


def _name_of_dtype(value: Any) -> Any:
    try:
        return value if isinstance(value, str) or value is None else np.dtype(value).name
    except TypeError:
        return value


def _directory(value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise OptionError(f"checkpoint is {short(value)}; give the path of a directory, or None for no checkpoints")
    return Path(os.fsdecode(cast("str | os.PathLike[str]", value)))


def _device(name: str) -> Any:
    try:
        return jax.devices(None if name == "auto" else name)[0]
    except RuntimeError:
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise OptionError(f"device is {name!r}, but JAX finds only: {found}; choose auto or one of these") from None
