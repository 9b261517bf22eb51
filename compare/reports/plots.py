"""Plots of a training run or a fit: the routes on one axis, each with a dash of its own, in the colours of the page.

matplotlib is loaded when a plot is wanted; without it a page says so in place of the plot.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from compare.courses import Course
from compare.formula import visible
from compare.reports.svg import INK, MUTED, SERIES, as_markup, settings
from symdiff.fitting import Fit

MISSING = "not drawn: matplotlib is not installed; pip install 'symdiff[report]'"
# routes lie on each other where all is well: the first is drawn wide, the next over it in dashes, the last in dots
STROKES: Mapping[str, Mapping[str, Any]] = {
    "symbolic": {"linewidth": 5.0, "linestyle": "-", "alpha": 0.45},
    "autodiff": {"linewidth": 2.0, "linestyle": (0, (6, 3))},
    "chain": {"linewidth": 1.6, "linestyle": (0, (1, 2))},
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_POINTS, MOST_PARAMETERS, MOST_MARKED = 250, len(SERIES), 1_000
SIZE = (7.6, 3.4)


def available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def loss_plot(course: Course) -> Markup | None:
    """Mean loss of each epoch by each route; None where fewer than two epochs were compared."""
    curves = {route: course.epoch_losses(route) for route in course.losses}
    if not available() or min((len(curve) for curve in curves.values()), default=0) < 2:
        return None

    def draw(axes: Any) -> None:
        for route, curve in curves.items():
            axes.plot(*_thinned(np.arange(1, len(curve) + 1), curve), color=SERIES[0], label=route, **STROKES[route])
        if all((curve > 0).all() for curve in curves.values()):
            _logarithmic(axes, "log")
        axes.set_xlabel("epoch")
        axes.set_ylabel("mean loss")
        axes.legend(loc="upper right", handlelength=4)

    return _drawn(draw, "losses", "Mean loss by epoch, one curve a route")


def path_plot(course: Course) -> Markup | None:
    """The parameters after each update, one colour and marker a parameter, one dash a route."""
    if not available() or course.updates < 2:
        return None
    names = [name for name in course.result.parameters if name in next(iter(course.paths.values()))][:MOST_PARAMETERS]

    def draw(axes: Any) -> None:
        from matplotlib.lines import Line2D

        handles: list[Any] = []
        for k, name in enumerate(names):
            for route, paths in course.paths.items():
                x, y = _thinned(np.arange(len(paths[name])), paths[name])
                marked = {"marker": MARKERS[k], "markevery": max(1, len(x) // 8)} if route == "symbolic" else {}
                axes.plot(x, y, color=SERIES[k], markersize=7, **marked, **STROKES[route])
            handles.append(Line2D([], [], color=SERIES[k], marker=MARKERS[k], linewidth=2))
        dashes = [Line2D([], [], color=MUTED, **STROKES[route]) for route in course.paths]
        labels = [_label(name) for name in names] + list(course.paths)
        axes.set_xlabel("update")
        arrays = any(course.result.model.shapes.values())
        axes.set_ylabel("largest |entry|" if arrays else "parameter")
        axes.legend(handles + dashes, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=4)

    return _drawn(draw, "paths", "Parameters after each update, one curve a parameter and route")


def drift_plot(course: Course) -> Markup | None:
    """How far two routes' parameters lie apart after each update; None where no two ever differ."""
    if not available() or not course.worst_drift:
        return None

    def draw(axes: Any) -> None:
        strokes = ({"linewidth": 3.0, "alpha": 0.5}, {"linestyle": (0, (6, 3))}, {"linestyle": (0, (1, 2))})
        for k, (pair, stroke) in enumerate(zip(course.pairs, strokes, strict=False)):
            apart = course.drift(*pair)
            x, y = _thinned(np.arange(1, len(apart) + 1), apart)
            axes.plot(x, y, color=SERIES[k], label=" and ".join(pair), **{"linewidth": 1.8, **stroke})
        _logarithmic(axes, "symlog", linthresh=1.0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("update")
        axes.set_ylabel("largest difference, ulp")
        axes.legend(loc="best", handlelength=4)

    return _drawn(draw, "drift", "Largest difference between the parameters of two routes after each update, in ulp")


def fit_plot(fitted: Fit, data: Mapping[str, Any]) -> Markup | None:
    """Data, the fitted curve and the residuals; None where the model has not one input."""
    model = fitted.model
    if not available() or len(model.inputs) != 1 or model.target is None:
        return None
    (symbol,) = model.inputs
    x, y = np.asarray(data[symbol.name], float), np.asarray(data[model.target.name], float)
    if not (x.ndim == y.ndim == 1 and 0 < len(x) <= MOST_MARKED):
        return None
    fine = np.linspace(x.min(), x.max(), 200)
    with np.errstate(all="ignore"):
        curve = np.broadcast_to(fitted.predict(**{symbol.name: fine}), fine.shape)
        left = y - np.broadcast_to(fitted.predict(**{symbol.name: x}), x.shape)

    def draw(axes: Any, below: Any) -> None:
        axes.plot(fine, curve, color=SERIES[0], linewidth=2, label="fitted")
        axes.plot(x, y, color=INK, marker="o", linestyle="", markersize=4, label="data")
        axes.set_ylabel(_label(model.target.name))
        axes.legend(loc="best")
        below.axhline(0.0, color=SERIES[0], linewidth=1.5)
        below.plot(x, left, color=INK, marker="o", linestyle="", markersize=4)
        below.set_ylabel("residual")
        below.set_xlabel(_label(symbol.name))

    return _drawn(draw, "fit", "Data with the fitted curve, and the residuals below", rows=2)


def _drawn(draw: Callable[..., None], name: str, title: str, rows: int = 1) -> Markup:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(settings()):
        figure = Figure(figsize=(SIZE[0], SIZE[1] * (1.4 if rows > 1 else 1)), layout="constrained")
        ratios = [2.2, *[1.0] * (rows - 1)]
        axes = figure.subplots(rows, 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": ratios[:rows]})
        draw(*axes[:, 0])
    return as_markup(figure, name, title)


def _logarithmic(axes: Any, scale: str, **how: Any) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale(scale, **how)
    # matplotlib would write powers in its own mathematics, which is not set here
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _thinned(x: Any, y: Any) -> tuple[Any, Any]:
    """Some two hundred points of a curve, evenly, with both ends."""
    if len(x) <= MOST_POINTS:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
    return x[kept], y[kept]


def _label(name: str) -> str:
    # matplotlib hides what begins with an underscore
    return visible(f"\u2009{name}" if name.startswith("_") else name, 24)
