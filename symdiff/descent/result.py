"""What a training run found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.mimebundle import Shown
from symdiff.model import Model
from symdiff.prediction import predict
from symdiff.tensors.shapes import written


@dataclass(frozen=True, eq=False)
class TrainingResult(Shown):
    """What training found; every number in `dtype`. Parameters are floats, or arrays where the model has arrays.

    `losses` has one entry an epoch: the mean over its samples of the loss, each before the update it takes part in.
    `update_losses` has one an update: the mean over its batch. `gradients`, if recorded, has shape
    (updates, moving parameters), in the order of the parameters; of a model with arrays it is a dict by name, each of
    shape (updates, *shape of the parameter). `before` and `after` are predictions at the model's
    probe. `seconds` is the time of the compiled loop in this call, `compile_seconds` what came before it.
    """

    model: Model
    parameters: dict[str, Any]
    losses: NDArray[np.float64]
    update_losses: NDArray[Any]
    gradients: NDArray[Any] | dict[str, NDArray[Any]] | None
    before: Any
    after: Any
    steps: int
    seconds: float
    compile_seconds: float
    device: str
    dtype: str
    resumed_from: int = 0

    def predict(self, /, **inputs: Any) -> Any:
        """Predict at inputs given by name: a float for numbers, an array of the broadcast shape for arrays.

        Raises SymbolError for an unknown or missing input, DataError for one that is no array of numbers.
        """
        return predict(self.model, self.parameters, inputs, np.dtype(self.dtype))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values; a prediction that is no finite number is null."""
        return {
            "parameters": {name: _json(value) for name, value in self.parameters.items()},
            "losses": self.losses.tolist(),
            "before": _json(self.before),
            "after": _json(self.after),
            "steps": self.steps,
            "seconds": self.seconds,
            "device": self.device,
            "dtype": self.dtype,
        }

    def _repr_html_(self) -> str:
        from symdiff.notebook import training_html

        return training_html(self)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={_short(value)}" for name, value in self.parameters.items())
        return (
            f"<TrainingResult of {self.model.name!r}: {values}; loss {self.losses[-1]:.3g} after {self.steps} updates>"
        )


def _json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if value is None or math.isfinite(value) else None


def _short(value: Any) -> str:
    return f"{written(value.shape)} array" if isinstance(value, np.ndarray) else f"{value:.6g}"
