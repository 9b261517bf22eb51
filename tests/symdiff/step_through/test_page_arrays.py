"""The page of a trace of arrays: shapes, grids, matrix formulas; numbers by hand."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import sympy as sp

import symdiff
from symdiff import models
from symdiff.step_through.arrays import asked, place_in_words

AT = {"W": [[1, 2], [3, 4]], "x": [1, -1], "y": [0, 2]}
LOSS = symdiff.parse(
    "norm(W*x - y)**2",
    symbols=[sp.MatrixSymbol("W", 2, 2), sp.MatrixSymbol("x", 2, 1), sp.MatrixSymbol("y", 2, 1)],
)
X = sp.IndexedBase("X")
TWO_LAYERS = ["∂v7∂W2+=∂v7∂v4·v3T", "∂v7∂v3+=∂v7∂v4·W2T", "∂v7∂v2+=∂v7∂v3∘(1−tanh2(v2))", "∂v7∂W1+=∂v7∂v1·xT"]


class Rows(HTMLParser):
    """Cells of the rows of steps as texts, with | between the rows of a grid and a comma between its entries."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.cells, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append((dict(attrs), []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")
            self.inside = True
        if self.inside and tag in ("mtable", "mtd", "mtr"):
            self.rows[-1][1][-1] += {"mtable": "[", "mtr": "|", "mtd": ","}[tag]

    def handle_endtag(self, tag):
        if self.inside and tag == "mtable":
            self.rows[-1][1][-1] += "]"
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][1][-1] += data.strip()


def steps(text):
    rows = [(kind, [c.replace("[|,", "[").replace("|,", "|") for c in cells]) for kind, cells in Rows(text).rows]
    forward = [cells for kind, cells in rows if "data-n" in kind and "data-t" not in kind]
    return forward, [cells for kind, cells in rows if "data-t" in kind]


def two_layers():
    model = models.find("two_layer")
    at = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    at |= {name: column[1] for name, column in model.data.items()}
    return symdiff.trace(model.loss, at, list(model.parameters))


def test_arrays_are_grids_with_their_shapes_and_rules_are_matrix_formulas():
    # by hand: v1 = W*x = (-1, -1), v2 = v1 - y = (-1, -3), v3 = v2.T*v2 = 10
    forward, backward = steps(symdiff.trace(LOSS, AT).to_html())
    assert forward == [
        ["2", "v1", "W·x", "[1,2|3,4]·[1|−1]", "[−1|−1]2×1", ""],
        ["3", "v2", "v1−y", "[−1|−1]−[0|2]", "[−1|−3]2×1", "∂v2∂v1=1∂v2∂y=−1"],
        ["4", "v3", "v2T·v2", "[−1|−3]T·[−1|−3]", "10", ""],
    ]
    assert backward == [
        ["5", "the start", "v3", "∂v3∂v3", "", "1", "1"],
        ["6", "v3", "v2", "∂v3∂v2+=∂v3∂v3·v2", "1·[−1|−3]", "[−1|−3]2×1", "[−1|−3]2×1"],
        ["7", "v3", "v2", "∂v3∂v2+=∂v3∂v3·v2", "1·[−1|−3]", "[−1|−3]2×1", "[−2|−6]2×1"],
        ["8", "v2", "v1", "∂v3∂v1+=∂v3∂v2", "[−2|−6]", "[−2|−6]2×1", "[−2|−6]2×1"],
        ["9", "v2", "y", "∂v3∂y+=−∂v3∂v2", "−[−2|−6]", "[2|6]2×1", "[2|6]2×1"],
        ["10", "v1", "W", "∂v3∂W+=∂v3∂v1·xT", "[−2|−6]·[1|−1]T", "[−2,2|−6,6]2×2", "[−2,2|−6,6]2×2"],
        ["11", "v1", "x", "∂v3∂x+=WT·∂v3∂v1", "[1,2|3,4]T·[−2|−6]", "[−20|−28]2×1", "[−20|−28]2×1"],
    ]


def test_the_rules_of_a_two_layer_network_are_a_textbook_s():
    _, backward = steps(two_layers().to_html())
    rules = [cells[3] for cells in backward]
    assert [rule for rule in rules if rule in TWO_LAYERS] == TWO_LAYERS


def test_the_entry_asked_for_is_in_the_data_of_the_page_with_its_value():
    trace = two_layers()
    text = trace.to_html()
    data = {
        name: json.loads(unescape(re.search(f'data-{name}="([^"]*)"', text)[1])) for name in ("adjoints", "entries")
    }
    assert len(data["adjoints"]) == len(data["entries"]) == len(trace)
    for step, value, words in zip(trace.steps, data["adjoints"], data["entries"], strict=True):
        if step.shape == (4, 2):
            row, column = map(int, re.fullmatch(r"row (\d), column (\d)", words).groups())
            assert value == step.adjoint[row - 1, column - 1] != 0
        elif step.shape == (4, 1):
            assert value == step.adjoint[int(words.removeprefix("entry ")) - 1, 0]
        else:
            assert words is None or step.name == "W2" or step.name == "x"


def test_rows_hold_the_entry_asked_for_of_what_arrives():
    text = symdiff.trace(LOSS, AT).to_html()
    # of the two entries of x the second is asked for
    assert json.loads(unescape(re.search('data-entries="([^"]*)"', text)[1]))[1] == "entry 2"
    assert text.count('data-short="[−20, −28]" data-shape="2×1" data-entry="-28.0"') == 2


def test_an_entry_is_shown_not_zero_and_named_from_one():
    sparse = np.zeros((64, 64))
    sparse[63, 1] = sparse[30, 30] = 2.0  # the second is not shown
    for node in range(9):
        assert asked(sparse, node) == (63, 1)
    assert place_in_words((63, 1), (64, 64)) == "row 64, column 2"
    assert place_in_words((0, 2), (1, 4)) == place_in_words((2,), (4,)) == "entry 3"
    assert place_in_words((0, 0), (1, 1)) is None


def test_an_array_as_output_is_differentiated_by_the_sum_of_its_entries():
    text = symdiff.trace(symdiff.parse("sin(A)", symbols=[sp.MatrixSymbol("A", 2, 1)]), {"A": [0.0, 1.0]}).to_html()
    assert "the derivative of the sum of the\noutput's entries" in text
    _, backward = steps(text)
    assert backward[0][3:] == ["∂sum(v1)∂v1", "", "[1|1]2×1", "[1|1]2×1"]
    assert backward[1][3] == "∂sum(v1)∂A+=∂sum(v1)∂v1∘cos(A)"


def test_sums_over_data_have_indices():
    loss = symdiff.parse("Sum((w*X[i] - 2)**2, (i, 0, n - 1))/n", symbols=[X, "w"])
    forward, backward = steps(symdiff.trace(loss, {"w": 3.0, "X": [1.0, 2.0]}).to_html())
    assert forward[0][1:5] == ["v1[i]", "w·X[i]", "3·[1,2]", "[3,6]2"]
    assert "∂v1[i]∂w=X[i]=[1,2]" in forward[0][5]
    (into,) = [cells for cells in backward if cells[2] == "w"]
    # 2/n * (w*X - 2) * X, summed: (1*1 + 4*2) = 9
    assert into[6] == "9"
    assert into[4] == ""


def test_long_arrays_are_cut_and_large_pages_bounded():
    big = sp.MatrixSymbol("A", 300, 300)
    x = sp.MatrixSymbol("x", 300, 1)
    trace = symdiff.trace(
        symdiff.parse("norm(A*x)**2", symbols=[big, x]), {"A": np.ones((300, 300)), "x": np.ones(300)}
    )
    text = trace.to_html()
    assert "⋱" in text
    assert len(text.encode()) < 100_000
    assert len(trace._repr_html_().encode()) < 60_000


@pytest.mark.parametrize("name", models.names())
def test_every_embedded_model_has_its_page(name):
    model = models.find(name)
    at = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    at |= {key: column[0] for key, column in model.data.items()}
    trace = symdiff.trace(model.loss, at, list(model.parameters))
    text = trace.to_html()
    forward, backward = steps(text)
    handed = sum(part.operand not in trace.tape.constants for s in trace.backward_steps for part in s.contributions)
    assert (len(forward), len(backward)) == (len(trace.tape.applications), handed + 1)
    assert len(text.encode()) < 1_000_000
    assert "nan" not in text.split("<script>")[0].lower().replace("covariance", "")


def test_names_of_arrays_cannot_break_out():
    odd = sp.MatrixSymbol("</script><img src=x onerror=alert(1)>\x1b\\href{a}{b}", 2, 1)
    text = symdiff.trace(sp.Trace(odd.T * odd), {odd: [1.0, 2.0]}).to_html()
    assert "<img" not in text
    assert "href=" not in text
    assert "\x1b" not in text
    assert text.count("<script") == 1
