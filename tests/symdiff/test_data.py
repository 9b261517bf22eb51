import math
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from symdiff.data import columns, read_csv
from symdiff.errors import DataError


@pytest.fixture
def csv_file(tmp_path):
    def write(content):
        path = tmp_path / "some.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n1,2\n-0.25,4e3\n",
        "x,y\n1,2\n-0.25,4e3",
        "\ufeffx,y\r\n1,2\r\n-0.25,4e3\r\n",
        " x , y\t\n 1 ,2\n\n-.25 , +4E+03 \n\n",
        '"x","y"\n"1","2"\n"-0.250",4000.\n',
        "x,y\r1,2\r-0.25,4000\r",
    ],
)
def test_the_same_columns_however_they_are_written(csv_file, content):
    read = read_csv(csv_file(content))
    assert {name: values.tolist() for name, values in read.items()} == {"x": [1.0, -0.25], "y": [2.0, 4000.0]}
    assert all(values.dtype == np.float64 and values.flags.c_contiguous for values in read.values())


def test_every_digit_of_a_number_is_read(csv_file):
    numbers = [0.1 + 0.2, math.pi * 1e-300, -math.e * 1e300, 5e-324, 2.0**53 - 1]
    assert read_csv(csv_file("x\n" + "\n".join(map(repr, numbers))))["x"].tolist() == numbers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"some\.csv: the file is empty; give a header row"),
        ("\n\n", "the file is empty"),
        ("x,y\n", "a header and no rows; add at least one row"),
        ("x,y\n1,2\n3,four\n", "line 3, column 'y': 'four' is not a number; give a decimal number"),
        ("x,y\n1,\n", "line 2, column 'y': the cell is empty; give a number or remove the row"),
        ("x,y\n\n\n1,nan\n", "line 4, column 'y': 'nan' is no finite float64"),
        ("x,y\n-inf,1\n", "line 2, column 'x': '-inf' is no finite float64"),
        ("x,y\n1e400,1\n", "line 2, column 'x': '1e400' is no finite float64"),
        ("x,y\n1_000,1\n", "line 2, column 'x': '1_000' is not a number"),
        ("x,y\n١,1\n", "line 2, column 'x': '١' is not a number"),
        ("x,y\n0x10,1\n", "line 2, column 'x': '0x10' is not a number"),
        ("x,y\n1,2\n1\n", r"line 3: 1 cells where the header names 2 columns \(x, y\); give one number for each"),
        ("x,y\n1,2,3\n", "line 2: 3 cells where the header names 2 columns"),
        ("x, x \n1,2\n", "line 1: 2 columns are called 'x'; rename all but one"),
        ("x,\n1,2\n", "line 1: column 2 has no name"),
        ("1,2\n3,4\n", "line 1: numbers where the names should be; add a header row"),
        ("x;y\n1;2\n", "line 1: the columns are separated by ';'; separate them by commas"),
        ("x\ty\n1\t2\n", "line 1: the columns are separated by '.*'; separate them by commas"),
        ('x,y\n1,"2\n3,4\n', r"line \d: not a CSV row \(.*\); check the quotes"),
        (b"x,y\n1," + b"\xe9\n", "byte 7 is not UTF-8 text; save the file as CSV in UTF-8"),
        ("x,y\n1,2\n".encode("utf-16"), "byte 1 is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "byte 1 is not UTF-8 text"),
        (b"PK\x03\x04\x00\x00", "holds zero bytes and is no text"),
        ("x,y\n1," + "7" * 200_000 + "x\n", "line 2: not a CSV row"),
        ("x\n" + "x" * 1000, "line 2, column 'x': 'x{30,}\\.\\.\\. is not a number"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(csv_file, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_csv(csv_file(content))
    assert str(caught.value).startswith(str(csv_file(content)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_truth_value_is_shown_as_it_was_written():
    with pytest.raises(DataError, match=r"^data: column 'x', row 1: True is not a number but bool; give a number$"):
        columns({"x": [True, False]}, ["x"])


def test_columns_that_are_not_asked_for_are_not_read(csv_file):
    file = csv_file("id,x,y,W[0],when\na,1,2,5,\nb,3,4,6,nan\n")
    found = read_csv(file, ["x", "y", "W"])
    assert [found[name].tolist() for name in ("x", "y", "W[0]")] == [[1, 3], [2, 4], [5, 6]]
    assert list(found) == ["id", "x", "y", "W[0]", "when"]
    # what is missing is looked for among all of them
    with pytest.raises(DataError, match=r"no column 'X'; did you mean 'x'\? \(columns: id, x, y, W\[0\], when\)"):
        columns(read_csv(file, ["X"]), ["X"])
    with pytest.raises(DataError, match="line 2, column 'id': 'a' is not a number"):
        read_csv(file, ["id"])


def test_no_file_to_read(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file; check the path"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"cannot be read .*directory.*give a CSV file"):
        read_csv(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_csv("a\0b.csv")


class Table:
    """What pandas, polars and narwhals have in common."""

    def __init__(self, **series):
        self._series = series
        self.columns = list(series)

    def __getitem__(self, name):
        return self._series[name]


class ArrowTable(Table):
    """As pyarrow's: `columns` are the arrays themselves."""

    def __init__(self, **series):
        super().__init__(**series)
        self.column_names, self.columns = self.columns, list(series.values())


@pytest.mark.parametrize(
    "data",
    [
        {"x": [1, 2], "y": (3.0, 4)},
        {sp.Symbol("x"): [1, 2], "y": range(3, 5)},
        {"x": np.array([1, 2], dtype=np.int32), "y": np.array([3, 4], dtype=np.float32)},
        {"x": jnp.array([1, 2]), "y": np.ma.array([3, 4], mask=[False, False])},
        {"x": [sp.Integer(1), Fraction(2)], "y": np.array([3, 4.0], dtype=object)},
        np.array([(1, 3, "a"), (2, 4, "b")], dtype=[("x", "i4"), ("y", "f4"), ("note", "U1")]),
        Table(x=[1, 2], y=np.array([3, 4], dtype=np.uint8), note=["a", None]),
        ArrowTable(x=[1, 2], y=[3, 4]),
    ],
)
def test_columns_of_any_table_become_float64(data):
    taken = columns(data, [sp.Symbol("x"), "y"])
    assert {name: values.tolist() for name, values in taken.items()} == {"x": [1.0, 2.0], "y": [3.0, 4.0]}
    assert {values.dtype for values in taken.values()} == {np.dtype(np.float64)}


def test_columns_are_copies():
    given = np.array([1.0, 2.0])
    columns({"x": given}, ["x"])["x"][0] = 9.0
    assert given[0] == 1.0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": [1]}, r"^data: no column 'y' \(columns: x\)$"),
        ({"x": [1], "Y": [1]}, r"^data: no column 'y'; did you mean 'Y'\? \(columns: x, Y\)$"),
        ({}, r"^data: no column 'x' \(columns: none\)$"),
        ({f"c{i}": [1] for i in range(20)}, r"\(columns: c0, .*, c11 and 8 more\)$"),
        ({"x": [1, 2], "y": [1]}, r"^data: columns of unequal length \(x has 2, y has 1\)"),
        ({"x": [], "y": []}, "^data: no rows; give at least one"),
        ({"x": [1, math.nan], "y": [1, 2]}, "^data: column 'x', row 2: nan is no finite float64"),
        ({"x": [1, 2], "y": [-math.inf, 2]}, "^data: column 'y', row 1: -inf is no finite float64"),
        ({"x": [1, 10**400], "y": [1, 2]}, "^data: column 'x', row 2: inf is no finite float64"),
        ({"x": [1, np.longdouble("1e4000")], "y": [1, 2]}, "^data: column 'x', row 2: .* is no finite float64"),
        ({"x": [1, "a"], "y": [1, 2]}, "^data: column 'x', row 2: 'a' is not a number but str"),
        ({"x": ["1", "2"], "y": [1, 2]}, "^data: column 'x', row 1: '1' is not a number but str"),
        ({"x": [1, None], "y": [1, 2]}, "^data: column 'x', row 2: None is not a number but NoneType"),
        ({"x": [True, False], "y": [1, 2]}, "^data: column 'x', row 1: .*True.* is not a number but bool"),
        ({"x": [1, 2j], "y": [1, 2]}, "^data: column 'x', row 1: .* is not a number but complex"),
        ({"x": np.array(["2020-01-01"], dtype="M8[D]"), "y": [1]}, "row 1: .* is not a number but datetime64"),
        ({"x": np.array([1], dtype="m8[s]"), "y": [1]}, "row 1: .* is not a number but timedelta64"),
        ({"x": np.ma.array([1, 2], mask=[False, True]), "y": [1, 2]}, "^data: column 'x', row 2: masked"),
        ({"x": 1.0, "y": [1]}, "^data: column 'x': a single value; give one number a row"),
        ({"x": "12", "y": [1]}, "^data: column 'x': a single value"),
        ({"x": [[1], [2]], "y": [1, 2]}, r"^data: column 'x': of shape \(2, 1\); give one number a row"),
        ({"x": [[1], [2, 3]], "y": [1, 2]}, "^data: column 'x': not a sequence of numbers"),
        ({"x": [1], sp.Symbol("x"): [2], "y": [1]}, "^data: 2 columns are called 'x'; rename all but one"),
        ([[1, 2], [3, 4]], "^data: list has no named columns; give a mapping"),
        (np.ones((2, 2)), "^data: ndarray has no named columns"),
        ("x", "^data: str has no named columns"),
        (None, "^data: NoneType has no named columns"),
    ],
)
def test_columns_that_cannot_be_used_are_refused_in_one_line(data, message):
    with pytest.raises(DataError, match=message) as caught:
        columns(data, ["x", "y"])
    assert "\n" not in str(caught.value)


def test_the_message_says_where():
    with pytest.raises(DataError, match=r"^line\.toml: data: no column 'x'"):
        columns({}, ["x"], where="line.toml: data")
