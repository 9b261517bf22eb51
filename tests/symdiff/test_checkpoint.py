import logging
import shutil

import jax
import numpy as np
import optax
import pytest

import symdiff
from symdiff import Parameter, models
from symdiff.descent import checkpoint
from symdiff.descent.checkpoint import Checkpoints, arrays_digest, flat, unflattened
from symdiff.errors import DivergenceError, OptionError, OutputError

DATA = {"x": [0.5, 1.5, 2.0, 3.0, 4.5], "y": [1.0, 2.0, 4.0, 6.5, 8.0]}


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


def truncated(file):
    file.write_bytes(file.read_bytes()[:-9])


def emptied(file):
    file.write_bytes(b"")


def with_another_bit(file):
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


def with_another_epoch(file):
    data = file.read_bytes()
    assert data.count(b'\\"epoch\\": 40') == 1
    file.write_bytes(data.replace(b'\\"epoch\\": 40', b'\\"epoch\\": 44'))


@pytest.mark.parametrize("damage", [truncated, emptied, with_another_bit, with_another_epoch])
def test_a_damaged_checkpoint_is_passed_over_and_named(tmp_path, caplog, damage):
    unbroken = train(tmp_path)
    newest, oldest = sorted(tmp_path.iterdir(), reverse=True)
    damage(newest)
    with caplog.at_level(logging.WARNING, logger="symdiff"):
        resumed = train(tmp_path, resume=True)
    assert resumed.resumed_from == 36
    assert_same(resumed, unbroken)
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"checkpoint {newest} is damaged (")
    assert message.endswith(f"; continuing from {oldest.name}")
    assert "\n" not in message


def test_where_all_checkpoints_are_damaged_none_is_loaded(tmp_path):
    train(tmp_path)
    for file in tmp_path.iterdir():
        truncated(file)
    before = content(tmp_path)
    for resume in (True, False):
        with pytest.raises(
            OptionError, match=r"epoch-000000040\.safetensors is damaged \(.*\), and no earlier one is whole"
        ):
            train(tmp_path, resume=resume)
    assert content(tmp_path) == before


def test_checkpoints_are_not_overwritten_without_resume(tmp_path):
    train(tmp_path)
    before = content(tmp_path)
    with pytest.raises(OptionError, match=r"holds a run of 40 epochs; resume it, or give another directory$"):
        train(tmp_path)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"learning_rate": 1e-4}, r"optimizer: 'sgd\(0\.001\)' there, 'sgd\(0\.0001\)' now"),
        ({"optimizer": optax.sgd(1e-4)}, r"optimizer: 'sgd\(0\.001\)' there, 'the given optimizer' now"),
        ({"seed": 1}, r"seed: 0 there, 1 now"),
        ({"batch_size": 2}, r"batch size: 1 there, 2 now"),
        ({"shuffle": True}, r"shuffle: False there, True now"),
        ({"dtype": "float32"}, r"dtype: 'float64' there, 'float32' now"),
        ({"route": "symbolic"}, r"route: 'autodiff' there, 'symbolic' now"),
        ({"record_gradients": False}, r"record gradients: True there, False now"),
    ],
)
@pytest.mark.parametrize("resume", [True, False])
def test_another_run_is_refused_and_nothing_overwritten(tmp_path, options, what, resume):
    train(tmp_path)
    before = content(tmp_path)
    with pytest.raises(
        OptionError, match=rf"epoch-000000040\.safetensors is of a run with another ({what}); give another"
    ):
        train(tmp_path, **options, resume=resume)
    assert content(tmp_path) == before


def test_another_model_start_or_data_is_refused(tmp_path):
    model = models.load("quadratic")
    symdiff.train(model, checkpoint=tmp_path)
    before = content(tmp_path)
    others = [
        (models.load("affine"), r"another model: 'quadratic' there, 'affine' now"),
        (model.replace(prediction="w*x**3 + w2*x + b"), r"another formula; give"),
        (model.replace(loss="(prediction - y)**2/2"), r"another formula; give"),
        (model.replace(parameters={"w": 1.0, "w2": 1.0, "b": 2.0}), r"another parameters: "),
        (model.replace(parameters={"w": 1.0, "w2": 1.0, "b": Parameter(1.0, max=3.0)}), r"another parameters: "),
        (model.replace(data={"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.5]}), r"another data; give"),
    ]
    for other, message in others:
        with pytest.raises(OptionError, match=message):
            symdiff.train(other, checkpoint=tmp_path, resume=True)
    assert content(tmp_path) == before


def test_two_optimizers_with_other_settings_are_told_apart(tmp_path):
    train(tmp_path, optimizer=optax.adam(0.01))
    # the same mathematics from another object, or by name, is the same optimizer
    assert train(tmp_path, optimizer="adam", learning_rate=0.01, resume=True).resumed_from == 40
    assert train(tmp_path, optimizer=optax.adam(0.01), resume=True).resumed_from == 40
    with pytest.raises(OptionError, match="is of a run with another optimizer; give another directory"):
        train(tmp_path, optimizer=optax.adam(0.01, b1=0.8), resume=True)


def test_divergence_leaves_the_last_checkpoint_as_it_is(tmp_path):
    # w is multiplied by 1 - 2*0.12*3**2 = -1.16 an update; 9*w**2 overflows after log(1.797e308/9)/log(1.16)/2 = 2383.7
    options = {"epochs": 3000, "learning_rate": 0.12, "checkpoint": tmp_path}
    where = r"diverged at update 2385 \(epoch 2385, data row 1\): the loss is inf at w="
    seen = []
    for resume in (False, True):
        with pytest.raises(DivergenceError, match=where):
            symdiff.train(models.load("linear"), {"x": [3.0], "y": [0.0]}, **options, resume=resume)
        seen.append(content(tmp_path))
    assert sorted(seen[0]) == ["epoch-000001800.safetensors", "epoch-000002100.safetensors"]
    assert seen[0] == seen[1]


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"file: cannot be made a directory \(File exists\)$"):
        train(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_trees_come_back_as_they_were():
    tree = {
        "a": (np.float32(1.5), {"b c": np.arange(3, dtype=np.int32)}),
        "key": jax.random.key(3),
        "t": np.array(True),
    }
    back = unflattened(tree, flat(tree))
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    assert back["a"][0].dtype == np.float32
    assert back["a"][1]["b c"].tolist() == [0, 1, 2]
    assert jax.random.key_data(back["key"]).tolist() == jax.random.key_data(tree["key"]).tolist()


def test_digests_see_names_shapes_and_dtypes():
    zeros = np.zeros(4)
    forms = [{"a": zeros}, {"b": zeros}, {"a": zeros.reshape(2, 2)}, {"a": zeros.astype(np.int64)}, {"a": -zeros}]
    assert len({arrays_digest(form) for form in forms}) == len(forms)


def test_two_stores_do_not_mix(tmp_path):
    Checkpoints(tmp_path, {"model": "a"}).save(1, {"w": np.array([1.0])})
    with pytest.raises(OptionError, match=r"another model: 'b' now|another model: 'a' there, 'b' now"):
        Checkpoints(tmp_path, {"model": "b"}).open(resume=True)
    shutil.rmtree(tmp_path)
    assert Checkpoints(tmp_path, {"model": "b"}).open(resume=True) is None
    assert checkpoint.KEPT == 2
