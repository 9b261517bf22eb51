"""Symbolic, automatic and hand-rolled derivatives of one SymPy definition.

Define a model once; derive, trace, check, compile and train it from that one definition:

>>> import symdiff
>>> w, x, y = symdiff.symbols("w x y")
>>> symdiff.gradient((w*x - y)**2, w)[w]
2*x*(w*x - y)

Names are imported when first used: `import symdiff` alone costs next to nothing. JAX runs in float64.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "DataError": "errors",
    "DivergenceError": "errors",
    "InputError": "errors",
    "ModelError": "errors",
    "NativeWarning": "errors",
    "OptionError": "errors",
    "OutputError": "errors",
    "RowError": "errors",
    "ParseError": "errors",
    "SymbolError": "errors",
    "SymdiffError": "errors",
    "SymdiffWarning": "errors",
    "UnsupportedError": "errors",
    "Absence": "function",
    "Function": "function",
    "Domain": "domain",
    "register": "registration",
    "Gradient": "gradients",
    "Hessian": "jacobians",
    "Jacobian": "jacobians",
    "gradient": "gradients",
    "hessian": "jacobians",
    "HessianVectorProduct": "curvature",
    "hessian_vector_product": "curvature",
    "jacobian": "jacobians",
    "lambdify": "lowering",
    "Model": "model",
    "Parameter": "parameter",
    "parse": "parsing",
    "symbols": "parsing",
    "value_and_gradient": "routes",
    "sigmoid": "forms.elementary_classes",
    "Picture": "pictures.drawing",
    "picture": "pictures.drawing",
    "Trace": "tracing",
    "trace": "tracing",
    "TrainingResult": "training",
    "train": "training",
    "Fit": "fitting",
    "fit": "fitting",
}
__all__ = [
    "Absence",
    "DataError",
    "DivergenceError",
    "Domain",
    "Fit",
    "Function",
    "Gradient",
    "Hessian",
    "HessianVectorProduct",
    "InputError",
    "Jacobian",
    "Model",
    "ModelError",
    "NativeWarning",
    "OptionError",
    "OutputError",
    "Parameter",
    "ParseError",
    "Picture",
    "RowError",
    "SymbolError",
    "SymdiffError",
    "SymdiffWarning",
    "Trace",
    "TrainingResult",
    "UnsupportedError",
    "fit",
    "gradient",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "lambdify",
    "parse",
    "picture",
    "register",
    "sigmoid",
    "symbols",
    "trace",
    "train",
    "value_and_gradient",
]

if TYPE_CHECKING:
    from symdiff.curvature import HessianVectorProduct, hessian_vector_product
    from symdiff.domain import Domain
    from symdiff.errors import (
        DataError,
        DivergenceError,
        InputError,
        ModelError,
        NativeWarning,
        OptionError,
        OutputError,
        ParseError,
        RowError,
        SymbolError,
        SymdiffError,
        SymdiffWarning,
        UnsupportedError,
    )
    from symdiff.fitting import Fit, fit
    from symdiff.forms.elementary_classes import sigmoid
    from symdiff.function import Absence, Function
    from symdiff.gradients import Gradient, gradient
    from symdiff.jacobians import Hessian, Jacobian, hessian, jacobian
    from symdiff.lowering import lambdify
    from symdiff.model import Model
    from symdiff.parameter import Parameter
    from symdiff.parsing import parse, symbols
    from symdiff.pictures.drawing import Picture, picture
    from symdiff.registration import register
    from symdiff.routes import value_and_gradient
    from symdiff.tracing import Trace, trace
    from symdiff.training import TrainingResult, train

# whoever imports jax after symdiff gets float64 arrays; who set the variable already has chosen
if "jax" in sys.modules:
    sys.modules["jax"].config.update("jax_enable_x64", True)
else:
    os.environ.setdefault("JAX_ENABLE_X64", "1")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'symdiff' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"symdiff.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
