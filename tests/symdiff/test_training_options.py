import math

import jax
import optax
import pytest

import symdiff
from symdiff import Parameter, models
from symdiff.errors import DataError, ModelError, OptionError

LINE = models.load("linear")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, r"epochs is 0; give a whole number from 1 to 1000000000$"),
        ({"epochs": 2.0}, r"epochs is 2\.0; give a whole number"),
        ({"epochs": True}, r"epochs is True; give a whole number"),
        ({"learning_rate": 0.0}, r"learning_rate is 0\.0; give a finite number above 0"),
        ({"learning_rate": math.nan}, r"learning_rate is nan; give a finite number above 0"),
        ({"learning_rate": "fast"}, r"learning_rate is 'fast'; give a finite number above 0"),
        ({"batch_size": 4}, r"batch_size is 4, but the data have 3 rows; give 1 to 3$"),
        ({"batch_size": 0}, r"batch_size is 0; give a whole number of at least 1$"),
        ({"shuffle": 1}, r"shuffle is 1; give True or False$"),
        ({"seed": -1}, r"seed is -1; give a whole number from 0 to"),
        ({"optimizer": "adan"}, r"optimizer 'adan' is unknown; did you mean 'adam'\? \(adagrad, adam, adamw, momentum"),
        ({"optimizer": 0.1}, r"optimizer is 0\.1; give an optax transformation such as optax\.adam\(0\.01\)$"),
        (
            {"optimizer": optax.lbfgs()},
            r"optimizer fails on a dict of scalar parameters \(TypeError: .*; give another$",
        ),
        ({"route": "numeric"}, r"route is 'numeric'; choose one of symbolic, autodiff, chain$"),
        ({"dtype": "float16"}, r"dtype is 'float16'; choose one of float64, float32$"),
        ({"dtype": 64}, r"dtype is 64; choose one of float64, float32$"),
        ({"device": "tpu"}, r"device is 'tpu'; choose one of auto, cpu, gpu$"),
        ({"checkpoint": ""}, r"checkpoint is ''; give the path of a directory"),
        ({"resume": True}, r"resume is True, but checkpoint names no directory"),
        ({"on_epoch": 3}, r"on_epoch is not callable; give a function of \(epoch, mean loss, parameters\)$"),
    ],
)
def test_options_are_refused_in_one_line(options, message):
    with pytest.raises(OptionError, match=message) as caught:
        symdiff.train(models.load("linear"), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(any(device.platform == "gpu" for device in jax.devices()), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(OptionError, match=r"device is 'gpu', but JAX finds only: cpu; choose auto or one of these$"):
        symdiff.train(models.load("linear"), device="gpu")
    assert symdiff.train(models.load("linear"), epochs=1).device == "cpu"


def test_missing_data_and_parameters_are_refused():
    with pytest.raises(DataError, match=r"model 'linear' has no data of its own; give data=$"):
        symdiff.train(LINE.replace(data=None))
    with pytest.raises(DataError, match=r"no column 'y'"):
        symdiff.train(LINE, {"x": [1.0]})
    with pytest.raises(ModelError, match=r"all parameters of model 'linear' are fixed; free one to train it$"):
        symdiff.train(LINE.replace(parameters={"w": Parameter(1.0, fixed=True)}))


def test_numbers_that_float32_cannot_hold_are_refused():
    why = r"which float32 cannot hold; use dtype float64$"
    with pytest.raises(OptionError, match=rf"^column 'x' holds -1e\+300, {why}"):
        symdiff.train(LINE, {"x": [1.0, -1e300], "y": [1.0, 1.0]}, dtype="float32")
    with pytest.raises(OptionError, match=rf"^parameter 'w' holds 1e\+300, {why}"):
        symdiff.train(LINE.replace(parameters={"w": 1e300}), dtype="float32")
    # a bound beyond the range is none
    bounded = symdiff.train(LINE.replace(parameters={"w": Parameter(1.0, max=1e300)}), dtype="float32")
    assert bounded.parameters == symdiff.train(LINE, dtype="float32").parameters
