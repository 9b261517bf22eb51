"""The step-through as a reader uses it: by keyboard, one step at a time, and the quiz."""

import pytest

import symdiff

POINT = {"w": 1, "x": 2, "y": 4}
# by hand: v1 = w*x = 2, v2 = v1 - y = -2, v3 = v2**2 = 4, and back dv3/dv2 = 2*v2 = -4, dv3/dw = -4*x
STEPS = [
    ("Step 1 of 11, inputs", "The inputs", ["Every value is computed from these."]),
    ("Step 2 of 11, forward", "Forward: v1", ["v1 = w·x = 1·2 = 2", "∂v1∂w=x=2", "∂v1∂x=w=1"]),
    ("Step 3 of 11, forward", "Forward: v2", ["v2 = v1−y = 2−4 = −2", "∂v2∂v1=1", "∂v2∂y=−1"]),
    ("Step 4 of 11, forward", "Forward: v3", ["v3 = v22 = (−2)2 = 4", "∂v3∂v2=2·v2=−4"]),
    ("Step 5 of 11, backward", "Backward: the start", ["∂v3∂v3 = 1"]),
    ("Step 6 of 11, backward", "Backward: from v3 to v2", ["∂v3∂v3·∂v3∂v2 = 1·(−4) = −4", "with ∂v3∂v2=2·v2=−4"]),
    ("Step 7 of 11, backward", "Backward: from v2 to v1", ["∂v3∂v2·∂v2∂v1 = −4·1 = −4", "with ∂v2∂v1=1"]),
    ("Step 8 of 11, backward", "Backward: from v2 to y", ["∂v3∂v2·∂v2∂y = −4·(−1) = 4", "with ∂v2∂y=−1"]),
    ("Step 9 of 11, backward", "Backward: from v1 to w", ["∂v3∂v1·∂v1∂w = −4·2 = −8", "with ∂v1∂w=x=2"]),
    ("Step 10 of 11, backward", "Backward: from v1 to x", ["∂v3∂v1·∂v1∂x = −4·1 = −4", "with ∂v1∂x=w=1"]),
    (
        "Step 11 of 11, result",
        "The gradient",
        ["Nothing is left to hand back: the adjoints of the inputs are the gradient."],
    ),
]
# boxes w, x, y, v1, v2, v3 at each step: what stands in the picture
VALUES = [3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6]
ADJOINTS = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6]


@pytest.fixture(scope="module")
def linear():
    return symdiff.trace("(w*x - y)**2", POINT).to_html()


def position(page):
    return page.locator("#position").inner_text()


def lines(page):
    return ["".join(text.split("\n")) for text in page.locator("#rule > div:not(.arrived)").all_text_contents()]


def shown(page, kind):
    selector = f".symdiff-picture .node text.{kind}"
    return page.evaluate(f"[...document.querySelectorAll('{selector}')].filter((t) => !t.matches('.later')).length")


def test_the_arrow_keys_walk_through_every_step_and_back(open_page, linear):
    page = open_page(linear)
    for i, (where, heading, said) in enumerate(STEPS):
        assert position(page) == where
        assert page.locator("#heading").inner_text() == heading
        assert lines(page)[: len(said)] == said
        assert (shown(page, "value"), shown(page, "adjoint")) == (VALUES[i], ADJOINTS[i])
        page.keyboard.press("ArrowRight")
    assert position(page) == STEPS[-1][0]  # the last step stays
    for where, heading, _ in reversed(STEPS[:-1]):
        page.keyboard.press("ArrowLeft")
        assert (position(page), page.locator("#heading").inner_text()) == (where, heading)
    page.keyboard.press("End")
    assert position(page) == STEPS[-1][0]
    page.keyboard.press("Home")
    assert position(page) == STEPS[0][0]


def test_the_active_node_its_edge_and_its_row_are_marked(open_page, linear):
    page = open_page(linear)
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert position(page) == "Step 9 of 11, backward"  # from v1, box 3, to w, box 0
    assert page.locator(".node.now").get_attribute("data-node") == "3"
    assert page.locator(".node.goal").get_attribute("data-node") == "0"
    assert page.locator(".edge.now").evaluate_all("(e) => e.map((g) => g.dataset.from + g.dataset.to)") == ["03"]
    assert page.locator("tr.now td").first.inner_text() == "9"


def test_what_has_arrived_is_added_up_before_the_eyes_and_read_out(open_page):
    page = open_page(symdiff.trace("x**2 + 3*x", {"x": 5}).to_html())
    page.keyboard.press("End")
    arrived = []
    while page.locator("#heading").inner_text() != "Backward: the start":
        page.keyboard.press("ArrowLeft")
        if page.locator(".arrived").count() and " to x" in page.locator("#heading").inner_text():
            arrived.append((page.locator(".arrived").inner_text(), page.locator("#gathered dd").inner_text()))
            spoken = page.locator("[role=status]").first.inner_text()
            assert spoken.startswith(position(page).split(",")[0])
    # back to front 2*x = 10 and 3 arrive, in either order
    (whole, total), (first, half) = arrived
    assert whole in (
        "Arrived at x so far: 3 + 10 = 13. That was all: its adjoint is complete.",
        "Arrived at x so far: 10 + 3 = 13. That was all: its adjoint is complete.",
    )
    assert total == "13"
    assert first in ("Arrived at x so far: 3. More is to come.", "Arrived at x so far: 10. More is to come.")
    assert half in ("3 + …", "10 + …")


def test_every_control_is_reached_and_worked_by_keyboard(open_page, linear):
    page = open_page(linear)
    reached = {}
    for _ in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')")
        reached.setdefault(name, len(reached))
    order = ["first", "back", "next", "last", "quiz", "slider", "Picture of the graph", "Forward pass", "Backward pass"]
    assert sorted(reached, key=reached.get)[: len(order)] == order
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert position(page) == STEPS[2][0]
    assert page.evaluate("document.activeElement.id") == "next"
    page.locator("#last").focus()
    page.keyboard.press("Enter")
    assert position(page) == STEPS[-1][0]
    page.locator("#back").focus()
    page.keyboard.press("Enter")
    assert position(page) == STEPS[-2][0]
    page.locator("#first").focus()
    page.keyboard.press("Space")
    assert position(page) == STEPS[0][0]
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert position(page) == STEPS[2][0]
    assert page.locator("#slider").get_attribute("aria-valuetext") == "step 3 of 11, forward, v2 is −2"
    page.locator("#quiz").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "answer"
    page.locator("#quiz").focus()
    page.keyboard.press("Enter")
    assert position(page) == STEPS[2][0]


def answer(page, text):
    page.locator("#answer").fill(text)
    page.keyboard.press("Enter")
    return page.locator("#feedback > div").first.inner_text()


def test_the_quiz_hides_what_it_asks_and_judges_answers(open_page, linear):
    page = open_page(linear)
    page.locator("#quiz").click()
    assert page.locator("#asked").inner_text() == "∂v3/∂v2"
    assert shown(page, "adjoint") == 2  # of the output, and the question mark
    assert page.locator(".node[data-node='4'] .adjoint").text_content() == "∂ ?"
    assert not page.locator("#backward").is_visible()
    assert not page.locator("#result").is_visible()
    assert page.locator(".symdiff-picture desc").text_content() == ""
    for malformed in ("", "four", "1,5", "1/0", "1/2/3", "--4", "0x4", "Infinity", "NaN", "1e999", "<b>"):
        assert "no number that can be read" in answer(page, malformed), malformed
    assert "The size is right, the sign is not" in answer(page, "4")
    assert "That is the value of the node" in answer(page, "-2")
    assert "one product arrives" in answer(page, "7")
    assert "Not yet" in answer(page, "-4.005")
    assert answer(page, "-4.003") == "✓ Right."
    assert page.locator("#score").inner_text() == "Right at the first try: 0 of 1"
    assert page.locator(".node[data-node='4'] .adjoint").text_content() == "∂ −4"
    page.keyboard.press("Enter")  # the focus is on the next question
    assert page.locator("#asked").inner_text() == "∂v3/∂v1"
    assert "That is the local partial alone" in answer(page, "1")
    page.locator("#another").click()
    for asked, given in (("w", "−8"), ("x", "-16/4"), ("y", " +4.0e0 ")):
        assert page.locator("#asked").inner_text() == f"∂v3/∂{asked}"
        assert answer(page, given) == "✓ Right."
        page.keyboard.press("Enter")
    assert page.locator("#score").inner_text() == "Right at the first try: 3 of 5"
    assert page.locator("#asked").inner_text() == "∂v3/∂v2"  # from the start again
    page.locator("#reveal").click()
    assert "1·(−4)= −4" in page.locator("#feedback").inner_text().replace("\n", "")


def test_the_quiz_knows_a_product_from_the_sum(open_page):
    page = open_page(symdiff.trace("x**2 + 3*x", {"x": 5}).to_html())
    page.locator("#quiz").click()
    while page.locator("#asked").inner_text()[-1] != "x":
        page.locator("#another").click()
    assert "one of the 2 products" in answer(page, "10")
    assert answer(page, "13") == "✓ Right."


def test_the_arrow_keys_leave_a_written_answer_alone(open_page, linear):
    page = open_page(linear)
    page.locator("#quiz").click()
    page.locator("#answer").fill("12")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("3")
    assert page.locator("#answer").input_value() == "132"
    assert position(page) == "Quiz"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_state_of_the_page_is_legible_and_fits(open_page, linear, scheme, width):
    page = open_page(linear, width, scheme)

    def legible():
        assert page.measure("contrasts")["faint"] == []
        assert page.measure("overflowing") == []

    for _ in range(7):
        page.keyboard.press("ArrowRight")
    legible()
    page.locator("#quiz").click()
    legible()
    for given, said in (("9", "Not yet"), ("9", "Not yet"), ("x", "no number"), ("-4", "Right")):
        assert said in answer(page, given)
        legible()


def test_on_paper_the_picture_is_whole_wherever_the_walk_stands(open_page, linear):
    page = open_page(linear)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.evaluate(
        "window.addEventListener('beforeprint', () => { window.paper = [...document.querySelectorAll("
        "'.node .adjoint:not(.later)')].map((t) => t.textContent); })"
    )
    page.pdf()
    assert page.evaluate("window.paper") == ["∂ −8", "∂ −4", "∂ 4", "∂ −4", "∂ −4", "∂ 1"]
    assert shown(page, "adjoint") == ADJOINTS[6]  # and goes on where it was


def test_names_of_the_user_stay_text(open_page):
    import sympy as sp

    odd = sp.Symbol("</script><img src=x onerror=alert(1)>", real=True)
    page = open_page(symdiff.trace(sp.sin(odd) ** 2, {odd: 1.0}).to_html())
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.locator("#quiz").click()
    assert page.locator("img").count() == 0
    assert page.locator("#inputs + dl").inner_text().startswith("</script><im")


def of_matrices():
    import sympy as sp

    shapes = {"W": (2, 2), "x": (2, 1), "y": (2, 1)}
    loss = symdiff.parse("norm(W*x - y)**2", symbols=[sp.MatrixSymbol(name, *shape) for name, shape in shapes.items()])
    return symdiff.trace(loss, {"W": [[1, 2], [3, 4]], "x": [1, -1], "y": [0, 2]}).to_html()


def test_a_trace_of_matrices_is_walked_and_read_out_without_its_entries(open_page):
    # by hand: v1 = W*x = (-1, -1), v2 = v1 - y = (-1, -3), v3 = 10; back to adjoint(W) = (-2, -6)*x.T
    page = open_page(of_matrices())
    page.keyboard.press("ArrowRight")
    assert lines(page)[0] == "v1 = W·x = 1234·1−1 = −1−1 2×1"
    assert page.locator("[role=status]").first.inner_text() == "Step 2 of 12: forward, v1 is an array of 2×1."
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert position(page) == "Step 10 of 12, backward"
    assert lines(page) == ["∂v3∂W+=∂v3∂v1·xT", "= −2−6·1−1T = −22−66 2×2"]
    assert page.locator(".node[data-node='0'] .adjoint").text_content() == "∂ [−2, 2, −6, 6]"
    assert page.locator("#gathered dd").first.inner_text().split()[-1] == "2×2"
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert "the output" not in page.locator("#heading").inner_text()
    assert page.locator("#gathered dd").first.inner_text() == "nothing yet"


def test_the_quiz_of_matrices_asks_for_one_entry_and_judges_it(open_page):
    page = open_page(of_matrices())
    page.locator("#quiz").click()
    adjoints = {"v2": [-2, -6], "v1": [-2, -6], "y": [2, 6], "W": [[-2, 2], [-6, 6]], "x": [-20, -28]}
    for _ in range(5):
        entry, name = page.locator("#asked").inner_text().split(" of ∂v3/∂")
        value = adjoints[name]
        for place in [int(word) for word in entry.replace(",", "").split() if word.isdigit()]:
            value = value[place - 1]
        if name == "v2":
            assert "one of the 2 products" in answer(page, str(value / 2))
        assert "The size is right, the sign is not" in answer(page, str(-value))
        assert answer(page, str(value)) == "✓ Right."
        assert f"is {value}".replace("-", "−") in page.locator("#feedback").inner_text()
        page.keyboard.press("Enter")
    assert "term" in answer(page, "77")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_matrices_is_legible_and_fits_in_every_state(open_page, scheme):
    from symdiff import models

    model = models.find("digits")
    at = {symbol.name: parameter.value for symbol, parameter in model.parameters.items()}
    at |= {name: column[1] for name, column in model.data.items()}
    made = symdiff.trace(model.loss, at, list(model.parameters)).to_html()
    for width in (360, 1280):
        page = open_page(made, width, scheme)
        for i in range(30):
            page.keyboard.press("ArrowRight")
            if i % 6 == 5:
                assert page.measure("contrasts")["faint"] == []
                assert page.measure("overflowing") == []
                assert page.measure("spilled") == []
        page.locator("#quiz").click()
        assert page.measure("overflowing") == []


def test_a_large_trace_is_walked_by_layers(open_page):
    trace = chain_of_sines(700)
    page = open_page(trace.to_html())
    assert "701 nodes: the picture draws it by layers" in page.locator(".word").first.inner_text()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert position(page) == "Step 1402 of 1403, backward"  # the inputs, 700 forward, the start and 700 back, the end
    assert page.locator("#heading").inner_text() == "Backward: from v1 to x"
    assert (page.locator(".node.now").count(), page.locator(".node.goal").count()) == (1, 1)
    page.locator("#quiz").click()
    assert answer(page, str(trace["v699"].step.adjoint)) == "✓ Right."


def test_a_long_sum_is_cut_and_not_asked_for(open_page):
    import sympy as sp

    x = sp.Symbol("x", real=True)
    expr = sp.Add(*[sp.sin(k * x, evaluate=False) for k in range(2, 22)], evaluate=False)
    page = open_page(symdiff.trace(expr, {x: 0.0}).to_html())
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    total = sum(range(2, 22))  # d/dx sin(k*x) = k at 0
    said = page.locator(".arrived").inner_text()
    assert said.startswith("Arrived at x so far: 8 more + ")
    assert f"= {total}. That was all" in said
    page.locator("#quiz").click()
    first = page.locator("#asked").inner_text()
    asked = {first}
    page.locator("#another").click()
    while page.locator("#asked").inner_text() != first:
        asked.add(page.locator("#asked").inner_text())
        page.locator("#another").click()
    assert len(asked) > 30
    assert not [name for name in asked if name.endswith("∂x")]


def chain_of_sines(count):
    import sympy as sp

    x = sp.Symbol("x", real=True)
    expr = x
    for _ in range(count):
        expr = sp.sin(expr, evaluate=False)
    return symdiff.trace(expr, {x: 1.0})
