# ruff: noqa: N806 - matrices have capital letters
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import sympy as sp

from symdiff.array_files import read_array_file
from symdiff.errors import DataError, InputError, ModelError, ShapeError
from symdiff.model import Model
from symdiff.parameter import Parameter

NET = """\
name = "net"
prediction = "W2*tanh(W1*x + b1) + b2"
inputs = ["x"]
target = "y"
loss = "softmax_cross_entropy"
seed = 3
[shapes]
x = [3]
y = [2]
W1 = [4, 3]
b1 = [4]
W2 = [2, 4]
b2 = [2]
[parameters]
W1 = { init = "glorot" }
b1 = [0.5, 0, -0.25, 1e-3]
W2 = { init = "he", max = 100.0 }
b2 = { value = [[1.0], [2.0]], unit = "m" }
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "net.toml"
        path.write_text(text)
        return path

    return written


def network(rows, columns, **changes):
    k, m, n = rows, 9, columns
    shapes = {"W1": (m, n), "b1": (m, 1), "W2": (k, m), "b2": (k, 1), "x": (n, 1), "y": (k, 1)}
    W1, b1, W2, b2, x, y = (sp.MatrixSymbol(name, *shape) for name, shape in shapes.items())
    rng = np.random.default_rng(1)
    parameters = {W1: rng.normal(size=(m, n)), b1: rng.normal(size=m), W2: rng.normal(size=(k, m)), b2: np.zeros(k)}
    prediction = W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2
    return Model("net", prediction, **{"inputs": [x], "target": y, "parameters": parameters, **changes})


def test_a_file_with_shapes_inline_values_and_drawn_ones(write):
    model = Model.load(write(NET))
    W1, b1, W2, b2 = model.parameters
    assert [s.shape for s in (W1, b1, W2, b2, *model.inputs, model.target)] == [
        (4, 3), (4, 1), (2, 4), (2, 1), (3, 1), (2, 1)
    ]  # fmt: skip
    assert model.parameters[b1].value.tolist() == [[0.5], [0.0], [-0.25], [0.001]]
    assert model.parameters[b2] == Parameter([[1.0], [2.0]], unit="m")
    assert model.parameters[W1] == Parameter.drawn("glorot", (4, 3), "W1", 3)
    assert model.parameters[W2] == Parameter.drawn("he", (2, 4), "W2", 3, max=100.0)


def test_another_parameter_does_not_change_the_draws_of_the_others(write):
    more = NET.replace('+ b2"', '+ b2 + c*b2"') + 'c = { init = "normal" }\n'
    first, second = Model.load(write(NET)), Model.load(write(more))
    for symbol, parameter in first.parameters.items():
        assert second.parameters[symbol] == parameter


@pytest.mark.parametrize("rows", [2, 30])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "softmax_cross_entropy", "logistic"])
def test_models_with_arrays_come_back_bit_for_bit(tmp_path, rows, loss):
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(50, 20)), "y": rng.normal(size=(50, rows))}
    model = network(rows, 20, loss=loss, data=data, probe={"x": rng.normal(size=20)})
    model.save(tmp_path / "net.toml")
    assert (tmp_path / "net.arrays.safetensors").exists()
    again = Model.load(tmp_path / "net.toml")
    assert again == model
    for symbol, parameter in model.parameters.items():
        assert again.parameters[symbol].value.tobytes() == parameter.value.tobytes()
    assert again.data["x"].tobytes() == data["x"].tobytes()
    assert not again.data["x"].flags.writeable


def test_small_arrays_stay_in_the_model_file(tmp_path):
    model = Model.load(_written(tmp_path, NET)).replace(starts=[{"b1": [1, 2, 3, 4]}])
    model.save(tmp_path / "again.toml")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.toml", "net.toml"]
    assert Model.load(tmp_path / "again.toml") == model


def test_drawn_parameters_keep_their_form_and_their_values(tmp_path):
    model = Model.load(_written(tmp_path, NET))
    model.save(tmp_path / "again.toml")
    again = Model.load(tmp_path / "again.toml")
    assert again == model
    assert again.redrawn(8) == model.redrawn(8) != model


def test_a_sum_over_data_of_any_length(write):
    model = Model.load(
        write("""\
name = "ls"
prediction = "Sum((Y[i] - w*X[i] - b)**2, (i, 0, n - 1))/n"
inputs = ["X", "Y"]
loss = "prediction"
[shapes]
X = { indexed = ["n"] }
Y = { indexed = ["n"] }
[parameters]
w = 1.0
b = 0.0
[data]
X = [1.0, 2.0, 3.0]
Y = [2.0, 4.0, 6.0]
""")
    )
    n, i = sp.Symbol("n", integer=True, positive=True), sp.Symbol("i", integer=True)
    w, b = sp.symbols("w b", real=True)
    X, Y = sp.IndexedBase("X", shape=(n,)), sp.IndexedBase("Y", shape=(n,))
    assert model.loss == sp.Sum((Y[i] - w * X[i] - b) ** 2, (i, 0, n - 1)) / n
    assert model.target is None
    assert {symbol.name: shape for symbol, shape in model.shapes.items()} == {"w": (), "b": (), "X": (3,), "Y": (3,)}
    assert model.data["X"].tolist() == [[1.0, 2.0, 3.0]]
    assert model.data["Y"].tolist() == [[2.0, 4.0, 6.0]]


def test_a_sum_over_data_is_saved(tmp_path):
    X, i, w = sp.IndexedBase("X"), sp.Symbol("i", integer=True), sp.Symbol("w", real=True)
    n = sp.Symbol("n", integer=True, positive=True)
    objective = sp.Sum((X[i] - w) ** 2, (i, 0, n - 1))
    model = Model(
        "mean", objective, inputs=[X], target=None, parameters={w: 0.0}, loss="prediction",
        data={"X": np.arange(100.0)},
    )  # fmt: skip
    model.save(tmp_path / "mean.toml")
    assert Model.load(tmp_path / "mean.toml") == model


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors"])
def test_values_in_files_beside_the_model_file(tmp_path, kind):
    values = np.linspace(0.0, 1.0, 12).reshape(4, 3)
    file = tmp_path / f"weights.{kind}"
    if kind == "npy":
        np.save(file, values)
    elif kind == "npz":
        np.savez_compressed(file, W1=values, other=np.zeros(3))
    else:
        safetensors.numpy.save_file({"W1": values, "other": np.zeros(3)}, file)
    text = NET.replace('{ init = "glorot" }', f'{{ file = "{file.name}", min = -1.0 }}')
    model = Model.load(_written(tmp_path, text))
    assert next(iter(model.parameters.values())) == Parameter(values, min=-1.0)


@pytest.mark.parametrize("names", [["x0", "x1", "x2"], ["x[0]", "x[1]", "x[2]"], ["x[2,0]", "x[0,0]", "x[1, 0]"]])
def test_csv_columns_that_are_entries_of_an_array(tmp_path, names):
    order = [int("".join(filter(str.isdigit, name))[:1]) for name in names]
    header = ",".join([*(f'"{name}"' for name in names), "y0", "y1"])
    rows = [[10 * row + column for column in order] + [0, 1] for row in (1, 2)]
    (tmp_path / "d.csv").write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    model = Model.load(_written(tmp_path, NET + '[data]\nfile = "d.csv"\n'))
    assert model.data["x"].tolist() == [[[10.0], [11.0], [12.0]], [[20.0], [21.0], [22.0]]]
    assert model.data["y"].tolist() == [[[0.0], [1.0]], [[0.0], [1.0]]]


@pytest.mark.parametrize("kind", ["npz", "safetensors", "each"])
def test_data_in_files_of_arrays(tmp_path, kind):
    x, y = np.arange(6.0).reshape(2, 3), np.eye(2)
    if kind == "npz":
        np.savez(tmp_path / "d.npz", x=x, y=y, labels=np.array(["a", "b"]))
    elif kind == "safetensors":
        safetensors.numpy.save_file({"x": x, "y": y}, tmp_path / "d.safetensors")
    else:
        np.save(tmp_path / "x.npy", x)
    table = 'x = { file = "x.npy" }\ny = [[1, 0], [0, 1]]' if kind == "each" else f'file = "d.{kind}"'
    model = Model.load(_written(tmp_path, f"{NET}[data]\n{table}\n"))
    assert model.data["x"].tolist() == x.reshape(2, 3, 1).tolist()
    assert model.data["y"].tolist() == y.reshape(2, 2, 1).tolist()


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("W1 = [4, 3]", "W1 = [4, 5]", ModelError, "^.*prediction: column 9 .* shapes 4×5 and 3×1 are multiplied"),
        ("W1 = [4, 3]", "W1 = [4, 0]", ModelError, r"shapes\.W1: 0 is no length; give a whole number from 1"),
        ("W1 = [4, 3]", "W1 = [4, 3, 2]", ModelError, r"shapes\.W1: \[4, 3, 2\] given; write \[64\] for a column"),
        ("W1 = [4, 3]", "W1 = [true]", ModelError, r"shapes\.W1: True is no length"),
        ("W1 = [4, 3]", "W1 = { index = [3] }", ModelError, r"shapes\.W1: .* write \{ indexed"),
        ("W1 = [4, 3]", "W1 = [4, 3]\nQ = [3]", ModelError, "shapes: 'Q' is no input, target or parameter"),
        ("[0.5, 0, -0.25, 1e-3]", "[0.5, 0.0]", ShapeError, r"parameters\.b1: b1 has the shape 4×1, .* shape \(2\)"),
        ("[0.5, 0, -0.25, 1e-3]", "[[1, 2], [3]]", ModelError, r"parameters\.b1: value is no array: its rows are"),
        ("[0.5, 0, -0.25, 1e-3]", "[1, nan, 2, 3]", ModelError, r"parameters\.b1: value\[1\] is nan; give finite"),
        ("[0.5, 0, -0.25, 1e-3]", '["a", "b"]', ModelError, r"parameters\.b1: value is an array of str"),
        ("[0.5, 0, -0.25, 1e-3]", "[]", ModelError, r"parameters\.b1: value has no entries"),
        ("[0.5, 0, -0.25, 1e-3]", "3.0", ShapeError, r"parameters\.b1: b1 has the shape 4×1, but a single number"),
        ("[0.5, 0, -0.25, 1e-3]", '{ file = "b.npy" }', DataError, r"parameters\.b1: .*b\.npy: no such file"),
        ("[0.5, 0, -0.25, 1e-3]", '{ file = "b.pt" }', DataError, r"parameters\.b1: .*b\.pt: no file of arrays"),
        ("[0.5, 0, -0.25, 1e-3]", '{ value = 1, file = "b" }', ModelError, "both a value and a file"),
        (
            'init = "glorot"',
            'init = "glorott"',
            ModelError,
            r"parameters\.W1\.init: 'glorott' is not known; did you mean 'glorot'\? \(known: glorot, he, ",
        ),
        (
            'init = "glorot"',
            'init = "xavier"',
            ModelError,
            r"parameters\.W1\.init: 'xavier' is not known \(known: glorot",
        ),
        ('loss = "softmax_cross_entropy"', 'loss = "prediction - y"', ShapeError, r"loss: a matrix of shape 2×1 given"),
        ('target = "y"\n', "", ModelError, "target: missing; add target"),
        ("seed = 3", "seed = -1", InputError, r"parameters\.W1: seed is -1; give a whole number"),
    ],
)
def test_model_files_that_do_not_fit_are_refused_in_one_line(write, old, new, error, message):
    assert old in NET
    with pytest.raises(error, match=message) as caught:
        Model.load(write(NET.replace(old, new, 1)))
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("net.toml: ") == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("x = [[1, 2]]\ny = [[1, 0]]", r"data: column 'x', each row: x has the shape 3×1, .* the shape 2×1"),
        ("x = [[1, 2, 3]]", "data: no column 'y'"),
        ("x0 = [1]\nx2 = [1]\ny = [[1, 0]]", r"the entry x\[1\] has no column"),
        ('x0 = [1]\n"x[0]" = [1]\ny = [[1, 0]]', r"'x0' and 'x\[0\]' are the same entry of x"),
        ("x = [[1, 2, 3]]\ny = [[1, 0], [0, 1]]", r"columns of unequal length \(x has 1, y has 2\)"),
        ("x = [[1, 2, inf]]\ny = [[1, 0]]", r"column 'x'\[0, 2\] is inf"),
        ("x = 3.0\ny = [[1, 0]]", "x has the shape 3×1, and a single number is given"),
        ('x = { file = "gone.npy" }\ny = [[1, 0]]', r"data\.x: .*gone\.npy: no such file"),
        ('file = "gone.npz"', r"data\.file: .*gone\.npz: no such file"),
    ],
)
def test_data_that_does_not_fit_is_refused_in_one_line(write, data, message):
    with pytest.raises(InputError, match=message) as caught:
        Model.load(write(f"{NET}[data]\n{data}\n"))
    assert "\n" not in str(caught.value)


def test_files_of_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    np.save(tmp_path / "a.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", w=np.array([Trap()], dtype=object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match="Python objects, which is never read"):
            read_array_file(tmp_path / name, "w" if name == "a.npz" else None)


def test_headers_that_promise_too_much_are_found_out(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }"
    for length, message in ((10**12, "entries; arrays of up to"), (10**6, "not to be read as an array")):
        text = (header % length).ljust(117) + b"\n"
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8)
        (tmp_path / "a.npy").write_bytes(content)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("w.npy", content)
        with pytest.raises(DataError, match=message):
            read_array_file(tmp_path / "a.npz", "w")
        with pytest.raises(DataError, match=r"not to be read as an array|entries; arrays of up to"):
            read_array_file(tmp_path / "a.npy")


def test_damaged_files_and_unknown_keys(tmp_path):
    for name in ("a.npy", "a.npz", "a.safetensors"):
        (tmp_path / name).write_bytes(b"no array at all")
        with pytest.raises(DataError, match="not to be read as an array"):
            read_array_file(tmp_path / name, "w")
    np.savez(tmp_path / "b.npz", weights=np.zeros(2), b=np.zeros(1))
    with pytest.raises(DataError, match=r"no array 'weigths'; did you mean 'weights'\? \(arrays: weights, b\)"):
        read_array_file(tmp_path / "b.npz", "weigths")
    (tmp_path / "c.npy").mkdir()
    with pytest.raises(DataError, match="no regular file"):
        read_array_file(tmp_path / "c.npy")


def test_what_would_read_back_as_another_model_is_not_saved(tmp_path):
    n = sp.Symbol("n")
    x, y, w = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", n, 1), sp.Symbol("w", real=True)
    model = Model("line", w * x, inputs=[x], target=y, parameters={w: 1.0})
    with pytest.raises(ModelError, match="x would read back as an array whose lengths are positive whole numbers"):
        model.save(tmp_path / "line.toml")
    assert not list(tmp_path.iterdir())


def _written(folder, text):
    path = folder / "net.toml"
    path.write_text(text)
    return path
