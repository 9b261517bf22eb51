"""Initial values of parameters, drawn so that signals keep their size from layer to layer.

A matrix of shape m×n maps n numbers to m, so fan_in = n and fan_out = m. Of an array of other rank fan_out is the first
length and fan_in the product of the others; one axis alone holds the weights of one sum, so fan_out = 1.

Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, eq.
16; He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015, eq. 10.
"""

from __future__ import annotations

import hashlib
import math
import numbers
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from symdiff.array_values import Array
from symdiff.data import did_you_mean, listed, short
from symdiff.errors import OptionError, ShapeError
from symdiff.tensors.shapes import written

MAX_ENTRIES = 100_000_000  # 800 MB


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        return math.prod(shape), 1
    return math.prod(shape[1:]), shape[0]


def _glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    limit = math.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-limit, limit, shape)


def _he(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(0.0, math.sqrt(2 / _fans(shape)[0]), shape)


INITIAL: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "glorot": _glorot,
    "he": _he,
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "zeros": lambda _, shape: np.zeros(shape),
    "ones": lambda _, shape: np.ones(shape),
}


def initial(form: str, shape: Sequence[int], name: str, seed: int = 0) -> Array:
    """Return the initial value of the parameter of this name; it depends on form, shape, name and seed alone.

    * "glorot": uniform on ±sqrt(6/(fan_in + fan_out)), for tanh and its like.
    * "he": normal of variance 2/fan_in, for rectifiers.
    * "normal": normal of variance 1. "zeros" and "ones" are what they say.

    Drawn by NumPy's Generator (PCG64). Raises OptionError for another form or seed, ShapeError for lengths that are no
    positive whole numbers, or too many entries.

    >>> initial("glorot", (2, 3), "W1").shape, initial("ones", (2,), "b").tolist()
    ((2, 3), [1.0, 1.0])
    >>> bool((initial("he", (2, 3), "W1", seed=1) == initial("he", (2, 3), "W2", seed=1)).any())
    False
    """
    if not isinstance(cast(object, form), str) or form not in INITIAL:
        near = did_you_mean(form, INITIAL) if isinstance(cast(object, form), str) else ""
        raise OptionError(f"initial value {short(form)} of {name} is not known{near} (known: {listed(INITIAL)})")
    whole = isinstance(cast(object, seed), numbers.Integral) and not isinstance(cast(object, seed), bool)
    if not whole or not 0 <= seed < 2**63:
        raise OptionError(f"seed is {short(seed)}; give a whole number from 0 to 2**63 - 1")
    lengths = tuple(shape)
    if not all(isinstance(cast(object, length), numbers.Integral) and length > 0 for length in lengths):
        raise ShapeError(
            f"{name} has the shape {written(lengths)}; initial values need lengths that are known, 1 or more"
        )
    if math.prod(lengths) > MAX_ENTRIES:
        raise ShapeError(f"{name} has the shape {written(lengths)}; initial values go up to {MAX_ENTRIES:,} entries")
    words = np.frombuffer(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest(), "<u4")
    sequence = np.random.SeedSequence(int(seed), spawn_key=tuple(map(int, words)))
    return INITIAL[form](np.random.Generator(np.random.PCG64(sequence)), lengths)
