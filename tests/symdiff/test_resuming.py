import os
import signal
import subprocess
import sys

import jax
import optax
import pytest

import symdiff
from symdiff import models
from symdiff.errors import OptionError, OutputError

DATA = {"x": [0.5, 1.5, 2.0, 3.0, 4.5], "y": [1.0, 2.0, 4.0, 6.5, 8.0]}


class StoppedError(Exception):
    pass


def stop_after(epochs):
    def on_epoch(epoch, *_):
        if epoch == epochs:
            raise StoppedError

    return on_epoch


def train(directory=None, **options):
    model = models.load("quadratic")
    options = {"epochs": 40, "learning_rate": 1e-3, "record_gradients": True} | options
    return symdiff.train(model, DATA, checkpoint=directory, **options)


def assert_same(one, other):
    assert one.parameters == other.parameters
    assert one.update_losses.tobytes() == other.update_losses.tobytes()
    assert one.gradients.tobytes() == other.gradients.tobytes()
    assert one.losses.tobytes() == other.losses.tobytes()
    assert (one.before, one.after, one.steps) == (other.before, other.after, other.steps)


def content(directory):
    return {file.name: file.read_bytes() for file in directory.iterdir()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"route": "symbolic", "optimizer": "adam"},
        {"route": "chain", "optimizer": "momentum"},
        {"shuffle": True, "seed": 3, "batch_size": 2, "optimizer": optax.adam(optax.cosine_decay_schedule(0.01, 150))},
        {"dtype": "float32", "optimizer": optax.noisy_sgd(1e-3, key=jax.random.key(5))},
    ],
)
def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(tmp_path, options):
    unbroken = train(**options)
    with pytest.raises(StoppedError):
        train(tmp_path, **options, on_epoch=stop_after(23))
    # a checkpoint every 4 epochs: what came after the one at 20 is lost, and done again
    assert sorted(content(tmp_path)) == ["epoch-000000016.safetensors", "epoch-000000020.safetensors"]
    resumed = train(tmp_path, **options, resume=True)
    assert resumed.resumed_from == 20
    assert_same(resumed, unbroken)
    # once finished, there is nothing left to do
    again = train(tmp_path, **options, resume=True)
    assert again.resumed_from == 40
    assert_same(again, unbroken)


def test_a_finished_run_goes_on_where_more_epochs_are_asked_for(tmp_path):
    train(tmp_path, epochs=30)
    assert_same(train(tmp_path, epochs=47, resume=True), train(epochs=47))
    with pytest.raises(
        OptionError, match=r"epoch-000000047\.safetensors is 47 epochs on; give at least as many epochs$"
    ):
        train(tmp_path, epochs=46, resume=True)


def test_resuming_where_there_is_nothing_begins(tmp_path):
    assert_same(train(tmp_path / "new" / "folder", resume=True), train())


KILLED = """
import os, signal, sys, symdiff
from symdiff import models
def on_epoch(epoch, *_):
    if epoch == 27:
        os.kill(os.getpid(), signal.SIGKILL)
symdiff.train(models.load("quadratic"), {data!r}, epochs=40, learning_rate=1e-3, optimizer="adam", shuffle=True,
              record_gradients=True, checkpoint=sys.argv[1], on_epoch=on_epoch)
"""


def test_a_killed_process_can_be_continued_by_another(tmp_path):
    command = [sys.executable, "-c", KILLED.format(data=DATA), str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, timeout=200, env=os.environ | {"PYTHONHASHSEED": "1"})  # noqa: S603
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    resumed = train(tmp_path, optimizer="adam", shuffle=True, resume=True)
    assert resumed.resumed_from == 24
    assert_same(resumed, train(optimizer="adam", shuffle=True))


def test_a_write_that_fails_leaves_the_checkpoints_before(tmp_path, monkeypatch):
    with pytest.raises(StoppedError):
        train(tmp_path, on_epoch=stop_after(9))
    before = content(tmp_path)

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(
        OutputError, match=r"epoch-000000012\.safetensors': cannot be written \(No space left on device\)"
    ):
        train(tmp_path, resume=True)
    assert content(tmp_path) == before
    monkeypatch.undo()
    # what a killed writer leaves behind is cleared away by the next one
    (tmp_path / ".epoch-000000012.safetensors.0123").write_bytes(b"half")
    assert_same(train(tmp_path, resume=True), train())
    assert sorted(content(tmp_path)) == ["epoch-000000036.safetensors", "epoch-000000040.safetensors"]
