import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from symdiff import models
from symdiff.errors import ModelError
from symdiff.model import Model

NIST = Path(__file__).parents[1] / "data" / "nist_strd"
w, w2, b, x, y = sp.symbols("w w2 b x y", real=True)


def certified(name):
    """Data, both starts, certified parameters and residual sum of squares of a NIST file, as decimal numbers."""
    text = (NIST / f"{name.capitalize()}.dat").read_text()
    rows = [line.split() for line in text[text.rindex("Data:") :].splitlines()[1:] if line.strip()]
    table = re.findall(r"^ +(b\d) = +(\S+) +(\S+) +(\S+) +\S+$", text, flags=re.MULTILINE)
    return {
        "y": [Decimal(row[0]) for row in rows],
        "x": [Decimal(row[1]) for row in rows],
        "starts": [{row[0]: float(row[k]) for row in table} for k in (1, 2)],
        "parameters": {row[0]: Decimal(row[3]) for row in table},
        "rss": Decimal(re.search(r"Residual Sum of Squares: +(\S+)", text)[1]),
        "observations": int(re.search(r"Number of Observations: +(\d+)", text)[1]),
    }


def test_names():
    assert models.names() == (
        *("affine", "breast_cancer", "chwirut2", "collapse", "digits", "gmm", "linear", "logistic", "misra1a"),
        *("quadratic", "thurber", "two_layer", "two_layer_relu", "two_layer_sigmoid"),
    )


@pytest.mark.parametrize(
    ("name", "prediction", "parameters"),
    [("linear", w * x, [w]), ("affine", w * x + b, [w, b]), ("quadratic", w * x**2 + w2 * x + b, [w, w2, b])],
)
def test_models_of_the_note(name, prediction, parameters):
    model = models.load(name)
    assert (model.name, model.prediction, model.inputs, model.target) == (name, prediction, (x,), y)
    assert model.loss == (prediction - y) ** 2
    assert {symbol: parameter.value for symbol, parameter in model.parameters.items()} == dict.fromkeys(parameters, 1.0)
    assert {key: values.tolist() for key, values in model.data.items()} == {"x": [1, 2, 3], "y": [2, 4, 6]}
    assert model.probe["x"] == 4.0


@pytest.mark.parametrize("name", ["misra1a", "chwirut2", "thurber"])
class TestNist:
    def test_data_and_starts_are_nists_digit_by_digit(self, name):
        model, nist = models.load(name), certified(name)
        assert len(model.data["x"]) == nist["observations"]
        for key in ("x", "y"):
            assert model.data[key].tolist() == [float(value) for value in nist[key]]
        assert [dict(start) for start in model.starts] == nist["starts"]
        for k, start in enumerate(nist["starts"], start=1):
            values = {symbol.name: parameter.value for symbol, parameter in model.at_start(k).parameters.items()}
            assert list(values.items()) == list(start.items())
        assert model.at_start(1) == model

    def test_csv_holds_nists_decimals(self, name):
        header, *rows = (Path(models.__file__).parent / f"{name}.csv").read_text().splitlines()
        nist = certified(name)
        assert header == "x,y"
        assert [tuple(map(Decimal, row.split(","))) for row in rows] == list(zip(nist["x"], nist["y"], strict=True))

    def test_formula_gives_the_certified_residual_sum_of_squares(self, name):
        # at the minimum the eleven digits of the parameters change the sum only in second order
        model, nist = models.load(name), certified(name)
        at = {sp.Symbol(key, real=True): sp.Rational(str(value)) for key, value in nist["parameters"].items()}
        loss = model.loss.xreplace(at)
        rows = zip(nist["x"], nist["y"], strict=True)
        rss = sum(loss.xreplace({x: sp.Rational(str(u)), y: sp.Rational(str(v))}).evalf(50) for u, v in rows)
        assert f"{Decimal(str(rss)):.10E}" == f"{nist['rss']:.10E}", "all eleven certified digits"


@pytest.mark.parametrize("name", models.names())
def test_every_model_names_itself_and_its_source_and_can_be_saved(name, tmp_path):
    model = models.load(name)
    assert model.name == name
    assert model.source
    model.save(tmp_path / "copy.toml")
    assert Model.load(tmp_path / "copy.toml") == model


def test_find(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    models.load("linear").replace(name="mine").save(path)
    assert models.find(path) == models.find(str(path)) == Model.load(path)
    assert models.find("linear") == models.load("linear")
    monkeypatch.chdir(tmp_path)
    path.rename(tmp_path / "mine")
    assert models.find("mine").name == "mine"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linear", True),
        ("missing.toml", True),
        (__file__, True),
        ("w*x + b", False),
        ("linear*x", False),
        ("w", False),
        ("", False),
        ("x" * 100_000, False),
        ("x\0", False),
        (str(NIST), False),
    ],
)
def test_is_model(text, expected):
    assert models.is_model(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "liner",
            r"^no model 'liner'; did you mean 'linear'\? \(embedded: affine, .*two_layer.*; or the path of a",
        ),
        ("w*x + b", r"^no model 'w\*x \+ b' \(embedded: "),
        ("", "^no model ''"),
        ("x" * 100_000, r"^no model 'x+\.\.\. \("),
        ("missing.toml", r"^missing\.toml: no such file; check the path"),
        (__file__, r"test_embedded_models\.py: line 1, column \d+: "),
    ],
)
def test_find_refuses_what_is_no_model(text, message):
    with pytest.raises(ModelError, match=message):
        models.find(text)


def test_load_refuses_a_path():
    with pytest.raises(ModelError, match=r"^no embedded model '\.\./linear'; did you mean 'linear'\?"):
        models.load("../linear")


def test_breast_cancer_is_uci_s():
    """Counts and extremes are those of the dataset's description at UCI."""
    data = models.load("breast_cancer").data
    x, label = data["x"][:, :, 0], data["y"]
    assert (x.shape, np.sum(label == 0), np.sum(label == 1)) == ((569, 30), 212, 357)
    # radius, texture, perimeter, area, smoothness: of the mean, and last of the worst
    assert x[:, :5].min(axis=0).tolist() == [6.981, 9.71, 43.79, 143.5, 0.05263]
    assert x[:, :5].max(axis=0).tolist() == [28.11, 39.28, 188.5, 2501.0, 0.1634]
    assert (x[:, 29].min(), x[:, 29].max()) == (0.05504, 0.2075)


def test_columns_of_breast_cancer_are_brought_to_one_size():
    model = models.load("breast_cancer")
    centre, rate = (model.parameters[s].value for s in model.parameters if s.name in ("centre", "rate"))
    scaled = (model.data["x"] - centre) * rate
    assert np.abs(scaled.mean(axis=0)).max() < 0.02
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=0.006)
