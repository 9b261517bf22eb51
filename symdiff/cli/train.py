"""`symdiff train`: gradient descent on a model, with progress on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import click

from symdiff.cli import options
from symdiff.cli.command import Command
from symdiff.cli.output import STANDARD_OUTPUT, check_targets, write_json
from symdiff.cli.tables import Column, Screen, screen

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
@click.option("--optimizer", default="sgd", show_default=True, help="sgd, momentum, adam, adamw, adagrad or rmsprop.")
@click.option("--route", type=click.Choice(options.ROUTES), default="autodiff", show_default=True)
@click.option("--dtype", type=click.Choice(options.DTYPES), default="float64", show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto", show_default=True)
@click.option("--checkpoint", metavar="DIR", help="Keep checkpoints in this folder.")
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint.")
@options.start_option
@options.json_option
@click.option("--report", hidden=True)
def train(
    name: str, data_file: str | None, start: int | None, json_file: str | None, report: str | None, **settings: Any
) -> None:
    """Train a model by gradient descent: w <- w - learning_rate * dL/dw, one sample after the other by default.

    Example: symdiff train quadratic --epochs 100 --learning-rate 0.01
    """
    options.later(report=report)
    check_targets(json_file, inputs=(name, data_file))
    import symdiff

    model = options.model(name, start)
    data = options.data_of(model, data_file)
    with _progress(settings["epochs"], settings["route"]) as on_epoch:
        result = symdiff.train(model, data, on_epoch=on_epoch, **settings)
    if json_file is not None:
        write_json(result.to_dict(), json_file)
    if json_file != STANDARD_OUTPUT:
        show(screen(), model, result)
        if json_file is not None:
            click.echo(f"JSON: {json_file}")


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
    view.line(f"{model.name}: {model.target.name} = {_text(model.prediction)}", "bold")
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
        rows.append([symbol.name, repr(parameter.value), repr(result.parameters[symbol.name]), note])
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
    columns = np.broadcast_arrays(*(model.probe[symbol.name] for symbol in model.inputs))
    points = np.stack([np.ravel(column) for column in columns], axis=1).tolist()[:PREDICTIONS]
    lines: list[str] = []
    for when, values in (("before", result.before), ("after", result.after)):
        for point, value in zip(points, np.ravel(values).tolist(), strict=False):
            at = " ".join(f"{number:g}" for number in point)
            lines.append(f"predict ({when} training) {at} {value!r}")
    return lines


def _text(formula: Any) -> str:
    from compare.formula import as_text

    return as_text(formula)
