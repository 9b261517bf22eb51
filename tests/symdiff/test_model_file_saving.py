import math
import os
import stat
import tomllib
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symdiff.errors import ModelError, OutputError
from symdiff.model import Model
from symdiff.parameter import Parameter

w, x, y = sp.symbols("w x y", real=True)


def line(prediction=w * x, **changes):
    return Model("line", prediction, **{"inputs": [x], "target": y, "parameters": {w: 1.0}, **changes})


@pytest.fixture
def old_file(tmp_path):
    path = tmp_path / "line.toml"
    path.write_text("# what was there before\n")
    return path


def test_what_is_written_reads_as_the_contract_says(tmp_path):
    parameters = {w: 1e-5, "w2": Parameter(0.0, min=-10, unit="m/s"), "b": Parameter(2.0, fixed=True)}
    model = line(
        w * x**2,
        parameters=parameters,
        data={"x": [1, 2], "y": [2, 4]},
        probe={"x": 4},
        starts=[{"w": 1}, {"w": 2, "b": 3}],
        loss="(prediction - y)**2/2",
        source="Gauss",
    )
    model.save(tmp_path / "m.toml")
    text = (tmp_path / "m.toml").read_text()
    assert tomllib.loads(text) == {
        "name": "line",
        "source": "Gauss",
        "prediction": "w*x**2",
        "inputs": ["x"],
        "target": "y",
        "loss": "(prediction - y)**2/2",
        "parameters": {
            "w": 1e-5,
            "w2": {"value": 0.0, "min": -10.0, "unit": "m/s"},
            "b": {"value": 2.0, "fixed": True},
        },
        "data": {"x": [1.0, 2.0], "y": [2.0, 4.0]},
        "probe": {"x": 4.0},
        "starts": [{"w": 1.0}, {"w": 2.0, "b": 3.0}],
    }
    keys = [
        "name",
        "source",
        "prediction",
        "inputs",
        "target",
        "loss",
        "[parameters]",
        "[data]",
        "[probe]",
        "[[starts]]",
    ]
    assert all(text.index(first) < text.index(second) for first, second in pairwise(keys))


FINITE = st.floats(allow_nan=False, allow_infinity=False)
NORMAL = st.floats(-1e250, 1e250).filter(lambda number: abs(number) > 1e-250)
LINES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1).filter(
    lambda text: text.strip() and text.isprintable()
)


@st.composite
def a_parameter(draw):
    low, value, high = sorted(draw(st.tuples(FINITE, FINITE, FINITE)))
    bounds = {
        "min": draw(st.sampled_from([None, -math.inf, low])),
        "max": draw(st.sampled_from([None, math.inf, high])),
    }
    return Parameter(value, **bounds, fixed=draw(st.booleans()), unit=draw(st.none() | LINES))


@st.composite
def a_model(draw):
    names = draw(
        st.lists(st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,5}", fullmatch=True), min_size=3, max_size=5, unique=True)
    )
    one, target, *rest = [sp.Symbol(name, real=True) for name in names]
    prediction = draw(
        st.sampled_from([one * sum(rest), sp.exp(-one) / rest[0], one ** rest[0] - 1, sp.Max(one, rest[0])])
    )
    rows = draw(st.integers(1, 4))
    column = st.lists(FINITE, min_size=rows, max_size=rows)
    parameters = {symbol: draw(a_parameter()) for symbol in rest}
    return Model(
        draw(LINES),
        prediction * draw(st.sampled_from([0, 1]) | NORMAL),
        inputs=[one],
        target=target,
        parameters=parameters,
        loss=draw(st.sampled_from(["squared_error", "absolute_error", "prediction**2/3"])),
        data=draw(st.none() | st.fixed_dictionaries({one: column, target: column})),
        probe=draw(st.none() | st.fixed_dictionaries({one: FINITE | column})),
        starts=[{symbol: parameters[symbol].value for symbol in rest}] * draw(st.integers(0, 2)),
        source=draw(st.none() | LINES),
    )


@given(a_model())
def test_every_model_that_is_saved_loads_back_equal(tmp_path_factory, model):
    path = tmp_path_factory.getbasetemp() / "model.toml"
    model.save(path)
    assert Model.load(path) == model


@pytest.mark.parametrize(
    "prediction",
    [
        w * x + 0.1 + 0.2,
        0.3 * w * x - 1e15,
        1e14 * w * x**0.123456789012345,
        w * 1e-300 * x - 2.5e10,
        sp.Rational(1, 3) * x ** sp.Rational(2, 3) + sp.pi * w,
        sp.sqrt(x) + sp.E**w,
        sp.Abs(sp.tanh(w * x)) - sp.Max(w, x, 0),
        sp.Piecewise((w * x, x > 0), (w, True)),
        x**-w,
        -(x**2),
    ],
)
def test_formulas_that_are_written_back(prediction, tmp_path):
    line(prediction).save(tmp_path / "m.toml")
    assert Model.load(tmp_path / "m.toml").prediction == prediction


def test_large_data_is_written_and_read_digit_by_digit(tmp_path):
    column = np.random.default_rng(0).normal(size=20_000) * np.logspace(-300, 300, 20_000)
    model = line(data={"x": column, "y": column[::-1]}, probe={"x": column})
    model.save(tmp_path / "m.toml")
    assert Model.load(tmp_path / "m.toml") == model


def test_a_column_called_file(tmp_path):
    model = line(w * sp.Symbol("file", real=True), inputs=["file"], data={"file": [1.0], "y": [2.0]})
    model.save(tmp_path / "m.toml")
    assert Model.load(tmp_path / "m.toml") == model


def nested(depth):
    expression = w * x
    for _ in range(depth):
        expression = sp.Add(sp.sin(expression, evaluate=False), 1, evaluate=False)
    return expression


def shared(depth):
    expression = w * x
    for _ in range(depth):
        expression = sp.Add(sp.sin(expression, evaluate=False), sp.cos(expression, evaluate=False), evaluate=False)
    return expression


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (line(w * sp.Symbol("x"), inputs=["x"]), "symbol x would read back as real and no more; declare it so"),
        (line(parameters={sp.Symbol("w", positive=True): 1.0}, prediction=x), "symbol w would read back as real"),
        (
            line(w * x + sp.Float("0.1", 40)),
            "the number .* of the prediction would read back with another",
        ),
        (line(loss=sp.Symbol("prediction") * sp.Float("0.1", 40)), "the number .* of the loss would read back"),
        (line(sp.Mul(x, x, evaluate=False)), "the prediction would read back as another expression"),
        (line(sp.elliptic_k(w * x)), r"prediction: .*unknown function 'elliptic_k'"),
        (line(w * sp.Symbol("x 1", real=True), inputs=["x 1"]), "prediction: .*x 1"),
        (line(nested(5000)), "nested too deeply|too long"),
        (line(shared(60)), "the formula would be a text of more than 100,000 terms"),
    ],
)
def test_a_model_that_would_not_read_back_is_not_saved(model, message, old_file):
    path, before = old_file, old_file.read_text()
    with pytest.raises(ModelError, match=rf"line\.toml: model 'line' cannot be saved: .*({message})") as caught:
        model.save(path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == before
    assert os.listdir(path.parent) == ["line.toml"]  # noqa: PTH208 - names, not paths


def test_a_failed_write_leaves_the_old_file(old_file, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    path, before = old_file, old_file.read_text()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=r"line\.toml': cannot be written \(No space left on device\)"):
        line().save(path)
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["line.toml"]


def test_paths_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(OutputError, match=r"cannot be written \(No such file or directory\); give a file in a folder"):
        line().save(tmp_path / "none" / "m.toml")
    with pytest.raises(OutputError, match=r"folder\.toml': cannot be written \(Is a directory\)"):
        line().save(tmp_path / "folder.toml")
    with pytest.raises(OutputError, match=r"cannot be written .*null byte"):
        line().save("a\0b.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.toml"]


def test_links_and_permissions_stay(old_file, tmp_path):
    path = old_file
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    line().save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert Model.load(path) == line()
