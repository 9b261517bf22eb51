import pytest
import sympy as sp

from symdiff import model_file
from symdiff.errors import DataError, InputError, ModelError
from symdiff.model import Model
from symdiff.parameter import Parameter

w, x, y = sp.symbols("w x y", real=True)

LINE = """\
name = "line"
prediction = "w*x + b"
inputs = ["x"]
target = "y"
[parameters]
w = 1.0
b = 0.0
"""


@pytest.fixture
def model_text(tmp_path):
    def write(text):
        path = tmp_path / "line.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_file_of_the_contract(model_text):
    model = Model.load(
        model_text("""\
name = "quadratic"
prediction = "w*x**2 + w2*x + b"
inputs = ["x"]
target = "y"
loss = "squared_error"            # or a formula in `prediction` and the target
[parameters]
w = 1.0
w2 = { value = 1.0, min = -10.0, max = 10.0, unit = "m/s" }
b = 1
[data]                            # optional: inline columns, or file = "data.csv" beside the model file
x = [1.0, 2.0, 3]
y = [2.0, 4.0, 6.0]
[probe]
x = 4.0
""")
    )
    w2, b = sp.symbols("w2 b", real=True)
    assert model == Model(
        "quadratic",
        w * x**2 + w2 * x + b,
        inputs=[x],
        target=y,
        parameters={w: 1.0, w2: Parameter(1.0, -10.0, 10.0, unit="m/s"), b: 1.0},
        data={"x": [1, 2, 3], "y": [2, 4, 6]},
        probe={"x": 4.0},
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('target = "y"\n', "", 'line\\.toml: target: missing; add target = "y"$'),
        (LINE, "", r'line\.toml: name: missing; add name = "line" \(and 4 more\)$'),
        ("target", "traget", r"line\.toml: traget: unknown key; did you mean 'target'\? \(keys: .*\) \(and 1 more\)$"),
        (
            "w = 1.0",
            "w = { value = 1.0, mn = 0.0 }",
            r"parameters\.w\.mn: unknown key; did you mean 'min'\? \(keys: value, ",
        ),
        ("w = 1.0", "w = { min = 0.0 }", r"parameters\.w\.value: missing; add value = 1\.0"),
        ("w = 1.0", 'w = { value = "one" }', r"line\.toml: parameters\.w\.value: 'one' given; give a number"),
        ("w = 1.0", "w = { value = true }", r"parameters\.w\.value: True given; give a number"),
        ("w = 1.0", "w = { value = 1.0, fixed = 1 }", r"parameters\.w\.fixed: 1 given; give true or false"),
        ("w = 1.0", "w = { value = 1.0, unit = 1 }", r"parameters\.w\.unit: 1 given; give a text in quotes"),
        (
            "w = 1.0",
            'w = "one"',
            r"parameters\.w: 'one' given; give a number, or a table such as \{ value = 1\.0, min = 0\.0 \}",
        ),
        ("w = 1.0", "w = true", r"parameters\.w: True given; give a number, or a table"),
        ("w = 1.0", "w = nan", r"line\.toml: parameters\.w: value is nan; give a finite number"),
        ("w = 1.0", "w = { value = 1.0, max = 0.0 }", r"parameters\.w: value 1\.0 lies above max 0\.0"),
        ("[parameters]\nw = 1.0\nb = 0.0", "parameters = 3", r"parameters: 3 given; give a table"),
        ('name = "line"', "name = 3", r"line\.toml: name: 3 given; give a text in quotes"),
        ('["x"]', '"x"', r"inputs: 'x' given; give a list in brackets"),
        ('["x"]', "[3]", r"inputs\.1: 3 given; give a text in quotes"),
        ('["x"]', '["x", "y"]', r"line\.toml: y is declared as an input and as the target"),
        ("w*x + b", "w*x + c", r"line\.toml: prediction: .*\bc\b"),
        ("w*x + b", "w*x +", r"line\.toml: prediction: .*ends"),
        (
            "[parameters]",
            'loss = "squared"\n[parameters]',
            r"line\.toml: loss: no loss is called 'squared'; did you mean 'squared_error'",
        ),
        ("b = 0.0\n", "b = 0.0\n[probe]\nz = 1.0", r"line\.toml: probe: no input 'z' \(inputs: x\)"),
        (
            "b = 0.0\n",
            "b = 0.0\n[[starts]]\nw = 2.0\n[[starts]]\nw3 = 2.0",
            r"line\.toml: start 2: no parameter 'w3'; did you mean 'w'",
        ),
        ("b = 0.0\n", "b = 0.0\n[[starts]]\nw = '2'", r"line\.toml: starts\.1\.w: '2' given; give a number"),
        ("b = 0.0\n", "b = 0.0\n[starts]\nw = 2.0", r"line\.toml: starts: .* given; give a list"),
        (
            "b = 0.0\n",
            "b = 0.0\n[training]\nepoch = 2",
            r"line\.toml: training: unknown key 'epoch'; did you mean 'epochs'",
        ),
        ("b = 0.0\n", "b = 0.0\n[training]\nepochs = 2.5", r"line\.toml: training\.epochs: 2\.5 given; give a whole"),
        ("b = 0.0\n", "b = 0.0\n[training]\nseed = true", r"line\.toml: training\.seed: True given; give a whole"),
        ("b = 0.0\n", "b = 0.0\n[results]\nepochs = 2", r"line\.toml: results: unknown key \(keys: name, "),
        ("b = 0.0\n", "b = 0.0\nb = 1.0\n", r"line\.toml: line 8, column \d+: .*; correct the TOML"),
        ("w = 1.0", "w = 1.0.0", r"line\.toml: line 6, column 8: .*; correct the TOML"),
        ("w = 1.0", "w = " + "1" * 5000, r"line\.toml: not to be read as TOML"),
        ("w = 1.0", "w = " + "[" * 50_000, r"line\.toml: not to be read as TOML"),
        ("w = 1.0", "w = " + "1" * 400, r"line\.toml: parameters\.w"),
        ("w = 1.0", "w = 2020-01-01", r"parameters\.w: datetime\.date\(2020, 1, 1\) given; give a number, or a table"),
    ],
)
def test_a_malformed_file_is_refused_in_one_line(model_text, old, new, message):
    assert old in LINE
    path = model_text(LINE.replace(old, new))
    with pytest.raises(ModelError, match=message) as caught:
        Model.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_are_no_text(model_text, tmp_path):
    with pytest.raises(ModelError, match=r"line\.toml: cannot be read .*; give a TOML file in UTF-8"):
        Model.load(model_text(b"\xff\xfe"))
    with pytest.raises(ModelError, match=r"cannot be read \(Is a directory\)"):
        Model.load(tmp_path)
    with pytest.raises(ModelError, match=r"none\.toml: no such file; check the path"):
        Model.load(tmp_path / "none.toml")


def test_a_byte_order_mark_and_windows_lines_are_read(model_text):
    assert Model.load(model_text("\ufeff" + LINE.replace("\n", "\r\n"))) == Model.load(model_text(LINE))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("x = [1.0]", r"line\.toml: data: no column 'y' \(columns: x\)"),
        ("x = [1.0, 2.0]\ny = [1.0]", r"line\.toml: data: columns of unequal length"),
        ("x = [1.0, 'two']\ny = [1.0, 2.0]", r"line\.toml: data: column 'x', row 2: 'two' is not a number"),
        ("x = [1.0, nan]\ny = [1.0, 2.0]", r"line\.toml: data: column 'x', row 2: nan"),
        ("x = 1.0\ny = 2.0", r"line\.toml: data: column 'x': a single value"),
        ("x = []\ny = []", r"line\.toml: data: no rows"),
        ('file = "none.csv"', r"line\.toml: data\.file: .*none\.csv: no such file"),
        ('file = "bad.csv"', r"line\.toml: data\.file: .*bad\.csv: line 2, column 'y': 'two' is not a number"),
        ('file = "part.csv"', r"line\.toml: data\.file: .*part\.csv: no column 'y' \(columns: x\)"),
        ('file = ""', r"line\.toml: data\.file: .*: cannot be read \(Is a directory\)"),
    ],
)
def test_malformed_data_is_refused_naming_both_files(model_text, tmp_path, table, message):
    (tmp_path / "bad.csv").write_text("x,y\n1,two\n")
    (tmp_path / "part.csv").write_text("x\n1\n")
    with pytest.raises(DataError, match=message):
        Model.load(model_text(f"{LINE}[data]\n{table}\n"))


def test_data_beside_the_model_file(model_text, tmp_path, monkeypatch):
    (tmp_path / "some.csv").write_text("note,x,y\n0,1,2\n0,2,4\n")
    path = model_text(f'{LINE}[data]\nfile = "some.csv"\n')
    monkeypatch.chdir("/")
    model = Model.load(path)
    assert {name: values.tolist() for name, values in model.data.items()} == {"x": [1.0, 2.0], "y": [2.0, 4.0]}
    with pytest.raises(ModelError, match=r"line\.toml: data: both a file and columns \(x\); give one of them"):
        Model.load(model_text(f'{LINE}[data]\nfile = "some.csv"\nx = [1.0]\n'))


def test_errors_are_input_errors(model_text):
    with pytest.raises(InputError, match="name: 3 given") as caught:
        model_file.load(model_text(LINE.replace('"line"', "3")))
    assert caught.value.exit_code == 2
