# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # 1. What is the derivative of a program?
#
# A formula such as $(w x - y)^2$ is a small program: multiply, subtract, square. Each of these steps has a derivative that
# fits on one line. This notebook puts them together into the derivative of the whole, by the chain rule.
#
# You need: school calculus, and a little Python. Run the cells from top to bottom.

# %%
import symdiff

w, x, y = symdiff.symbols("w x y")
loss = (w * x - y) ** 2
loss

# %% [markdown]
# ## The graph
#
# Written as a graph, every step is a box and every operand an arrow. In each box stands its value, computed front to back,
# here for $w = 1$, $x = 2$, $y = 4$.

# %%
symdiff.picture(loss, {"w": 1, "x": 2, "y": 4}, "w")

# %% [markdown]
# The number at an arrow is the *local partial derivative*: how much the box at its end changes when the box at its beginning
# changes by a little, and nothing else does. They are the derivatives of single steps:
#
# | step | local partials | here |
# |---|---|---|
# | $v_1 = w x$ | $\partial v_1/\partial w = x$, $\partial v_1/\partial x = w$ | 2 and 1 |
# | $v_2 = v_1 - y$ | $\partial v_2/\partial v_1 = 1$, $\partial v_2/\partial y = -1$ | 1 and -1 |
# | $v_3 = v_2^2$ | $\partial v_3/\partial v_2 = 2 v_2$ | -4 |
#
# ## The chain rule
#
# From $w$ to the loss there is one path. The chain rule says: multiply along the path.

# %%
value_w, value_x, value_y = 1.0, 2.0, 4.0
v1 = value_w * value_x
v2 = v1 - value_y
v3 = v2**2

by_hand = (2 * v2) * 1 * value_x
v3, by_hand

# %% [markdown]
# symdiff does the same, step by step, and keeps every number. The forward pass computes each node and its local partials;
# the backward pass hands each node's derivative, its *adjoint* (∂ in the picture), to what it was made of. It is what remains
# when the path is walked from the back.

# %%
t = symdiff.trace(loss, {"w": 1, "x": 2, "y": 4}, wrt=["w"])
t.backward()
t

# %% [markdown]
# To walk through these steps one at a time, with a quiz, save them as a page and open it in a browser.

# %%
import tempfile
from pathlib import Path

page = Path(tempfile.mkdtemp()) / "steps.html"
page.write_text(t.to_html(), encoding="utf-8")
page.name

# %%
assert t.value == v3 == 4
assert t["w"].grad == by_hand == -8

# %% [markdown]
# ## More than one path
#
# In $x e^x$ the input is used twice: once by the product, once by the exponential. Then the contributions of all paths are
# *added*. This is the whole of backpropagation: multiply along paths, add over paths.

# %%
twice = symdiff.parse("x*exp(x)")
u = symdiff.trace(twice, {"x": 0.5}, wrt=["x"])
u.backward()
u

# %%
import math

along_the_product = math.exp(0.5)  # the partial of x*e by x, where e = exp(x)
through_the_exponential = 0.5 * math.exp(0.5)  # the partial of x*e by e, times that of e by x
assert math.isclose(u["x"].grad, along_the_product + through_the_exponential, rel_tol=1e-15)

# %% [markdown]
# ## Forwards, or backwards?
#
# The product along a path may be taken from either end. From the front (*forward mode*), each node carries the derivative of
# itself by one input, its *tangent* (`print(t)` has it). From the back (*reverse mode*), each node carries the derivative of the
# output by itself: the *adjoint*. With a thousand inputs and one loss, the front needs a thousand sweeps, the back needs one.
# Networks have many parameters and one loss, so they are trained by reverse mode, and that is what "backpropagation" means.

# %%
forward = {}
for name in ("w", "x", "y"):
    # one forward sweep an input
    forward[name] = symdiff.trace(loss, {"w": 1, "x": 2, "y": 4}, wrt=[name]).steps[-1].tangent

everything = symdiff.trace(loss, {"w": 1, "x": 2, "y": 4})
everything.backward()  # one backward sweep for all of them
backward = {name: everything[name].grad for name in ("w", "x", "y")}
forward, backward

# %%
assert forward == backward == {"w": -8, "x": -4, "y": 4}

# %% [markdown]
# ## Is it true?
#
# A derivative is a claim about what happens next to the point, so it can be tried. Take a small step $h$ and look:

# %%
h = 1e-6
tried = ((value_w + h) * value_x - value_y) ** 2, ((value_w - h) * value_x - value_y) ** 2
slope = (tried[0] - tried[1]) / (2 * h)
slope

# %%
assert abs(slope - by_hand) < 1e-6

# %% [markdown]
# That is a good habit and a weak proof: it says nothing of the digits beyond the step's own error, and notebook 6 shows
# programs that pass it and are wrong. symdiff holds derivatives against intervals that certainly contain the truth instead:

# %%
import compare

c = compare.check(loss, at={"w": 1, "x": 2, "y": 4})
c

# %%
assert c.verdict.value == "agree"
