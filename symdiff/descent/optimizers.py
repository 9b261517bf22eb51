"""Optimizers by name, for the command line; from Python any optax transformation can be given."""

from __future__ import annotations

import functools
from typing import Any

from symdiff.data import did_you_mean, short
from symdiff.errors import OptionError

NAMES = ("adagrad", "adam", "adamw", "momentum", "rmsprop", "sgd")


@functools.lru_cache(maxsize=64)
def _made(name: str, learning_rate: float) -> Any:
    import optax

    if name == "momentum":
        return optax.sgd(learning_rate, momentum=0.9)
    return getattr(optax, name)(learning_rate)


def optimizer_named(name: str, learning_rate: float) -> Any:
    """The optax transformation of a name in `NAMES`, with optax's other settings; `momentum` is sgd with momentum 0.9.

    Raises OptionError for another name.

    >>> optimizer_named("adan", 0.01)
    Traceback (most recent call last):
        ...
    symdiff.errors.OptionError: optimizer 'adan' is unknown; did you mean 'adam'? (adagrad, adam, adamw, ...)

    Source: optax.alias, https://optax.readthedocs.io.
    """
    if name not in NAMES:
        raise OptionError(f"optimizer {short(name)} is unknown{did_you_mean(name, NAMES)} ({', '.join(NAMES)})")
    return _made(name, learning_rate)
