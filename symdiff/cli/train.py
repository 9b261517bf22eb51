"""`symdiff train`: gradient descent on a model, with progress on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.output import STANDARD_OUTPUT, write_json
from symdiff.cli.report import check_files, repeated, report_option, told, write_report
from symdiff.cli.tables import Column, Screen, screen
from symdiff.errors import OptionError

if TYPE_CHECKING:
    from symdiff import Model, TrainingResult

OnEpoch = Callable[[int, float, dict[str, float]], object]
# with more epochs, the return to Python after each would take much longer than the training
REPORTED_EPOCHS = 2_000
PARAMETERS, PREDICTIONS = 40, 12


@click.command("train", cls=Command, short_help="Train a model by gradient descent.")
@click.argument("name", metavar="MODEL")
@options.data_option
@click.option("--epochs", type=int, default=100, show_default=True, help="Passes over the data.")
@click.option("--learning-rate", type=float, default=0.01, show_default=True)
@click.option("--batch-size", type=int, default=1, show_default=True, help="Samples an update.")
@click.option("--shuffle", is_flag=True, help="Take the samples of every epoch in another order.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order.")
@click.option("--held-out", type=float, metavar="PART", help="Part of the samples to judge the result by, such as 0.2.")
@click.option("--optimizer", default="sgd", show_default=True, help="sgd, momentum, adam, adamw, adagrad or rmsprop.")
@click.option("--route", type=click.Choice(options.ROUTES), default="autodiff", show_default=True)
@click.option("--dtype", type=click.Choice(options.DTYPES), default="float64", show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto", show_default=True)
@click.option("--checkpoint", metavar="DIR", help="Keep checkpoints in this folder.")
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint.")
@options.start_option
@options.json_option
@report_option
def train(
    name: str, data_file: str | None, start: int | None, json_file: str | None, report: str | None, **settings: Any
) -> None:
    """Train a model by gradient descent: w <- w - learning_rate * dL/dw, one sample after the other by default.

    Options that are not given are those of the model's table [training], if it has one, and else the ones below.

    Examples: symdiff train quadratic --epochs 100 --learning-rate 0.01, symdiff train digits
    """
    check_files(report, json_file, inputs=(name, data_file))
    import symdiff
    from symdiff.held_out import score, split

    model = options.model(name, start)
    data: Any = options.data_of(model, data_file)
    settings = _suggested(model, settings)
    part = settings.pop("held_out")
    held: Any = None
    if part is not None:
        if model.target is None:
            raise OptionError(f"--held-out {part:g}: model {model.name!r} has one sample, all its data; leave it out")
        data, held = split(data, part, settings["seed"])
    with _progress(settings["epochs"], settings["route"]) as on_epoch:
        result = symdiff.train(model, data, on_epoch=on_epoch, **settings)
    scored = None if held is None else score(model, result.parameters, held)
    if report is not None:
        from compare.runs import of_training

        write_report(of_training(result, data, settings, repeated(click.get_current_context())), report)
    if json_file is not None:
        write_json({**result.to_dict(), "held_out": scored}, json_file)
    if json_file != STANDARD_OUTPUT:
        show(screen(), model, result)
        if scored is not None:
            click.echo(_told(scored, len(next(iter(data.values()))), settings["seed"]))
        if json_file is not None:
            click.echo(f"JSON: {json_file}")
        if report is not None:
            click.echo(told(report))


def _suggested(model: Model, settings: dict[str, Any]) -> dict[str, Any]:
    """The options as given, and in place of those that were not, the model's own."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    own = {name: value for name, value in model.training.items() if context.get_parameter_source(name) is default}
    return settings | own


def _told(scored: dict[str, Any], trained: int, seed: int) -> str:
    samples = scored["samples"]
    right = ""
    if scored["correct"] is not None:
        right = f": {scored['correct']:,} right, {100 * scored['accuracy']:.2f} %"
    return (
        f"held out {samples:,} of {samples + trained:,} samples, drawn by seed {seed}{right}; "
        f"mean loss {scored['loss']:.10g}"
    )


@contextlib.contextmanager
def _progress(epochs: int, route: str) -> Generator[OnEpoch | None]:
    """Show progress on standard error while a run lasts, if that is a terminal."""
    console = screen(error=True).console
    if not console.is_terminal:
        yield None
    elif epochs > REPORTED_EPOCHS and route != "chain":
        with console.status("training"):
            yield None
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        parts = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*parts, console=console, transient=True) as bar:
            task = bar.add_task("", total=epochs)
            yield lambda epoch, loss, _: bar.update(task, completed=epoch, description=f"loss {loss:.6g}")


def show(view: Screen, model: Model, result: TrainingResult) -> None:
    """Print what training found."""
    target = "" if model.target is None else f"{model.target.name} = "
    view.line(f"{model.name}: {target}{_text(model.prediction)}", "bold")
    epochs = len(result.losses)
    resumed = f", resumed after epoch {result.resumed_from:,}" if result.resumed_from else ""
    view.line(
        f"{epochs:,} epochs, {result.steps:,} updates in {result.seconds:.3g} s on {result.device}{resumed} "
        f"(compiled in {result.compile_seconds:.2g} s)"
    )
    view.line()
    columns = [Column("parameter"), Column(f"start\n{result.dtype}", right=True)]
    columns += [Column(f"trained\n{result.dtype}", right=True), Column("")]
    rows: list[list[str]] = []
    for symbol, parameter in list(model.parameters.items())[:PARAMETERS]:
        note = "fixed" if parameter.fixed else parameter.unit or ""
        rows.append([symbol.name, _shown(parameter.value), _shown(result.parameters[symbol.name]), note])
    used = 4 if any(row[3] for row in rows) else 3
    view.table(columns[:used], [row[:used] for row in rows])
    if len(model.parameters) > PARAMETERS:
        view.line(f"and {len(model.parameters) - PARAMETERS:,} more; --json holds all")
    view.line()
    view.line(f"mean loss ({result.dtype}): first epoch {result.losses[0]:.10g}, last epoch {result.losses[-1]:.10g}")
    for line in predictions(model, result):
        view.verbatim(line)


def predictions(model: Model, result: TrainingResult) -> list[str]:
    """Write the predictions at the model's probe before and after training, as the source note prints them."""
    import numpy as np

    if model.probe is None:
        return []
    if result.model.shapes and any(result.model.shapes.values()):
        return [
            f"predict ({when} training) {line}"
            for when, values in (("before", result.before), ("after", result.after))
            for line in _points(model, values)
        ]
    columns = np.broadcast_arrays(*(model.probe[symbol.name] for symbol in model.inputs))
    points = np.stack([np.ravel(column) for column in columns], axis=1).tolist()[:PREDICTIONS]
    lines: list[str] = []
    for when, values in (("before", result.before), ("after", result.after)):
        for point, value in zip(points, np.ravel(values).tolist(), strict=False):
            at = " ".join(f"{number:g}" for number in point)
            lines.append(f"predict ({when} training) {at} {value!r}")
    return lines


def _shown(value: Any) -> str:
    """A number, or of an array its shape and its norm."""
    import numpy as np

    if not isinstance(value, np.ndarray):
        return repr(value)
    from symdiff.tensors.shapes import written

    return f"{written(value.shape)}, norm {np.linalg.norm(value):.6g}"


def _points(model: Model, values: Any) -> list[str]:
    """Inputs and predictions of a model with arrays, entries in a row."""
    import numpy as np

    rank = len(model.shapes[model.target]) if model.target is not None else 0
    found = np.asarray(values)
    front = found.shape[: found.ndim - rank]
    lines: list[str] = []
    for point in list(np.ndindex(*front))[:PREDICTIONS]:
        inputs: list[str] = []
        for symbol in model.inputs:
            given = np.asarray((model.probe or {})[symbol.name])
            own = given[point] if given.ndim > len(model.shapes[symbol]) else given
            inputs += [f"{number:g}" for number in np.ravel(own).tolist()[:PREDICTIONS]]
        told = " ".join(repr(number) for number in np.ravel(found[point]).tolist()[:PREDICTIONS])
        lines.append(f"{' '.join(inputs)} {told}")
    return lines


def _text(formula: Any) -> str:
    from compare.formula import as_text

    return as_text(formula)
