"""What a notebook shows of models, gradients and results: short tables, formulas as MathML and LaTeX, names escaped.

Nothing is computed for it, nothing is printed, and large things are cut with a word on how much is left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from symdiff.formula.mathml import as_latex, as_mathml, name_latex, name_markup, visible
from symdiff.tensors.shapes import written

if TYPE_CHECKING:
    import sympy as sp

    from symdiff.descent.result import TrainingResult
    from symdiff.fitting import Fit
    from symdiff.gradients import Gradient
    from symdiff.model import Model

# rows of a table or of LaTeX, characters of a text, operations of a gradient that is written out
ROWS, LONGEST, OPERATIONS = 12, 200, 200


def formula_html(formula: sp.Basic | str) -> str:
    """A formula as MathML within a line, or its text, cut.

    >>> import sympy as sp
    >>> formula_html("<i>")
    '<code>&lt;i&gt;</code>'
    """
    mathml = as_mathml(formula)
    if mathml is not None:
        return mathml.replace(' display="block"', "", 1)
    from symdiff.traces.formula import Measure

    text = formula if isinstance(formula, str) else Measure().written(formula, LONGEST)
    return f"<code>{escape(visible(text or '(a formula too large to be shown)', LONGEST))}</code>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], count: int, caption: str = "") -> str:
    """A table of at most `ROWS` rows of `count`; heads and caption are texts, cells are markup, the first a heading.

    >>> table(["name"], [["<b>w</b>"]], 20).count("and 19 more")
    1
    """
    parts = [f"<caption>{escape(caption)}</caption>"] if caption else []
    parts.append("<thead><tr>" + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads) + "</tr></thead>")
    lines: list[str] = []
    for row in itertools.islice(rows, ROWS):
        first, *rest = row
        lines.append(f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>")
    more = f"<p>and {count - len(lines):,} more</p>" if count > len(lines) else ""
    return f"<table>{''.join(parts)}<tbody>{''.join(lines)}</tbody></table>{more}"


def model_html(model: Model) -> str:
    """Prediction and loss as formulas, parameters as a table, data in a line."""
    name = name_math(model.target.name) + "<span> = </span>" if model.target is not None else ""
    lines = [f"<p><strong>{_text(model.name)}</strong></p>", f"<p>{name}{formula_html(model.prediction)}</p>"]
    lines += [] if model.target is None else [f"<p>loss of one sample: {formula_html(model.loss)}</p>"]
    heads = ["parameter", "value", "min", "max", "unit", ""]
    rows = (
        [name_math(s.name), *map(_number, (p.value, p.min, p.max)), _text(p.unit or ""), "fixed" if p.fixed else ""]
        for s, p in model.parameters.items()
    )
    lines.append(table(heads, rows, len(model.parameters)))
    if model.data is not None:
        count = len(next(iter(model.data.values())))
        lines.append(f"<p>{count:,} sample{'s' * (count != 1)} of {_listed(model.data)}</p>")
    return _whole("model", lines)


def gradient_html(found: Gradient) -> str:
    """Each partial derivative as a formula; a graph too large to be written out in a line."""
    if found.operations > OPERATIONS:
        words = f"Gradient in {_listed(symbol.name for symbol in found.wrt)}: {found.operations:,} operations"
        return _whole("gradient", [f"<p>{words} with the value</p>"])
    rows = ([f"∂/∂{name_math(s.name)}", formula_html(found[s])] for s in found.wrt)
    caption = f"{found.operations:,} operations with the value"
    return _whole("gradient", [table(["partial", "formula"], rows, len(found.wrt), caption)])


def gradient_latex(found: Gradient) -> str | None:
    """The partial derivatives as aligned LaTeX; None where they are too large for it."""
    if found.operations > OPERATIONS or len(found.wrt) > ROWS:
        return None
    rows: list[str] = []
    for symbol in found.wrt:
        latex = as_latex(found[symbol])
        if latex is None:
            return None
        rows.append(rf"\frac{{\partial}}{{\partial {name_latex(symbol.name)}}} &= {latex}")
    return r"$\displaystyle \begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}$"


def model_latex(model: Model) -> str | None:
    """The prediction as LaTeX; None where it is too large for it."""
    latex = as_latex(model.prediction)
    if latex is None:
        return None
    name = "" if model.target is None else f"{name_latex(model.target.name)} = "
    return rf"$\displaystyle {name}{latex}$"


def training_html(result: TrainingResult) -> str:
    """Parameters before and after, and the mean loss of the first and the last epoch."""
    model = result.model
    rows = (
        [name_math(s.name), _number(p.value), _number(result.parameters[s.name])] for s, p in model.parameters.items()
    )
    words = f"{len(result.losses):,} epochs, {result.steps:,} updates in {escape(result.dtype)}"
    losses = f"mean loss {result.losses[0]:.6g}, then {result.losses[-1]:.6g}" if len(result.losses) else "no loss"
    lines = [f"<p><strong>{_text(model.name)}</strong>: {words}; {losses}</p>"]
    lines.append(table(["parameter", "start", "trained"], rows, len(model.parameters)))
    return _whole("training", lines)


def fit_html(found: Fit) -> str:
    """Estimates with standard errors, and how the search ended."""
    model, count = found.model, found.degrees_of_freedom + len(found.moving)
    rows = ([name_math(name), _number(value), _error(found, name)] for name, value in found.parameters.items())
    state = "✓ converged" if found.converged else "✗ not converged"
    lines = [f"<p><strong>{_text(model.name)}</strong>: least squares, {count:,} rows</p>"]
    lines.append(table(["parameter", "estimate", "standard error"], rows, len(found.parameters)))
    spread = f"residual standard deviation {found.residual_sd:.6g}, degrees of freedom {found.degrees_of_freedom:,}"
    lines.append(f"<p>{state} after {found.iterations:,} iterations: {_text(found.reason)}; {spread}</p>")
    return _whole("fit", lines)


def _error(found: Fit, name: str) -> str:
    error = found.stderr[name]
    return f"{error:.6g}" if math.isfinite(error) else "not determined" if name in found.moving else "fixed"


def name_math(name: str) -> str:
    """A name as MathML of its own.

    >>> name_math("<b>")
    '<math><mi>&lt;b&gt;</mi></math>'
    """
    return f"<math>{name_markup(name)}</math>"


def _whole(kind: str, lines: Iterable[str]) -> str:
    return f'<div class="symdiff-{kind}">{"".join(lines)}</div>'


def _text(text: str) -> str:
    return escape(visible(text, LONGEST))


def _listed(names: Iterable[str]) -> str:
    shown = list(itertools.islice(names, ROWS + 1))
    return ", ".join(_text(name) for name in shown[:ROWS]) + (", …" if len(shown) > ROWS else "")


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{written(value.shape)}, norm {np.linalg.norm(value):.6g}"
    return f"{float(value):.10g}"
