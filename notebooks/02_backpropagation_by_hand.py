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
# # 2. Backpropagation, by hand and by machine
#
# Four exercises. Do each with pencil and paper first; then let the machine do it and compare. The answers are in the cells.
#
# The rule is always the same: **forward**, write the value at each node, front to back; **backward**, start with 1 at the loss
# and multiply by the local partial of each step, back to front; where paths meet, add.
#
# The machine shows both passes whole. To go through them one step at a time, and to be asked for the adjoints, write
# `symdiff trace linear --format html --out steps.html` in a shell and open the page.

# %%
from IPython.display import display

import symdiff

w, w2, b, x, y = symdiff.symbols("w w2 b x y")


def machine(loss, at, wrt):
    """Value and gradient by forward and backward pass, with the steps shown."""
    t = symdiff.trace(loss, at, wrt=wrt)
    t.backward()
    display(t)
    return {name: t[name].grad for name in wrt}


# %% [markdown]
# ## Exercise 1
#
# The model is $\hat y = w x$, the loss is $(\hat y - y)^2$. Take $x = 2$, $y = 4$ and the weight $w = 1$. What is
# $\partial\,\mathrm{loss}/\partial w$?
#
# *On paper.* Forward: $\hat y = 1\cdot 2 = 2$; residual $r = 2 - 4 = -2$; loss $= 4$. Backward: $\partial L/\partial r = 2r = -4$;
# $\partial r/\partial\hat y = 1$; $\partial\hat y/\partial w = x = 2$. Together $-4\cdot 1\cdot 2 = -8$.

# %%
one = machine((w * x - y) ** 2, {"w": 1, "x": 2, "y": 4}, ["w"])

# %%
assert one == {"w": -8}

# %% [markdown]
# ## Exercise 2
#
# Add a bias: $\hat y = w x + b$, with $x = 1$, $y = 2$, $w = 1$, $b = 2$. What are the derivatives by $w$ and by $b$?
#
# *On paper.* Forward: $w x = 1$; $\hat y = 3$; $r = 1$; loss $= 1$. Backward: $\partial L/\partial\hat y = 2r = 2$. The sum passes
# it on unchanged to both of its operands: $\partial L/\partial b = 2$, and through the product
# $\partial L/\partial w = 2\cdot x = 2$.

# %%
two = machine((w * x + b - y) ** 2, {"w": 1, "x": 1, "b": 2, "y": 2}, ["w", "b"])

# %%
assert two == {"w": 2, "b": 2}

# %% [markdown]
# ## Exercise 3
#
# The quadratic model $\hat y = w x^2 + w_2 x + b$. Draw its graph, and derive the three formulas
# $\partial L/\partial w$, $\partial L/\partial w_2$, $\partial L/\partial b$.
#
# *On paper.* All three paths begin with $\partial L/\partial\hat y = 2(\hat y - y)$. Then they part: $\partial\hat y/\partial w = x^2$,
# $\partial\hat y/\partial w_2 = x$, $\partial\hat y/\partial b = 1$.

# %%
quadratic = w * x**2 + w2 * x + b
symdiff.picture((quadratic - y) ** 2, {"w": 1, "w2": 1, "b": 1, "x": 2, "y": 4}, ["w", "w2", "b"])

# %%
residual = quadratic - y
on_paper = {w: 2 * residual * x**2, w2: 2 * residual * x, b: 2 * residual}
derived = symdiff.gradient(residual**2, [w, w2, b])
derived

# %% [markdown]
# Is what stands on the paper the same? Written differently is not wrong, so do not compare by eye:

# %%
import compare

judged = compare.check_claim(residual**2, on_paper)
judged

# %%
assert judged.verdict.value == "agree"
assert all((derived[p] - on_paper[p]).expand() == 0 for p in (w, w2, b))

# %% [markdown]
# ## Exercise 4
#
# Now numbers, by machine: all parameters 1, the samples $(1, 2)$, $(2, 4)$, $(3, 6)$. What is the gradient at each sample?
#
# *On paper*, for $(1, 2)$: $\hat y = 3$, residual 1, so the gradient is $(2, 2, 2)$.

# %%
gradients = []
for value_x, value_y in [(1, 2), (2, 4), (3, 6)]:
    at = {"w": 1, "w2": 1, "b": 1, "x": value_x, "y": value_y}
    t = symdiff.trace(residual**2, at, wrt=["w", "w2", "b"])
    t.backward()
    gradients.append([t[name].grad for name in ("w", "w2", "b")])
gradients

# %%
assert gradients == [[2, 2, 2], [24, 12, 6], [126, 42, 14]]

# %% [markdown]
# PyTorch's tape gives the same numbers. If it is installed, this cell asks it; without it the cell says so.

# %%
try:
    import torch
except ImportError:
    print("torch is not installed: nothing to compare with here")
else:
    for (value_x, value_y), ours in zip([(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)], gradients, strict=True):
        weights = [torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in range(3)]
        guess = weights[0] * value_x**2 + weights[1] * value_x + weights[2]
        ((guess - value_y) ** 2).backward()
        assert [float(each.grad) for each in weights] == ours
    print("torch gives the same nine numbers")

# %% [markdown]
# ## One step further
#
# The same pass works for any graph, also one with a nonlinear function in it. A small network with one hidden unit,
# $\hat y = w_2\tanh(w x + b)$:

# %%
network = machine(symdiff.parse("(w2*tanh(w*x + b) - y)**2"), {"w": 1, "w2": 1, "b": 0, "x": 0.5, "y": 1}, ["w", "w2"])

# %% [markdown]
# *On paper*: with $h = \tanh(0.5)$ and $r = h - 1$, $\partial L/\partial w_2 = 2 r h$, and
# $\partial L/\partial w = 2 r \cdot w_2 \cdot (1 - h^2)\cdot x$.

# %%
import math

h = math.tanh(0.5)
assert math.isclose(network["w2"], 2 * (h - 1) * h, rel_tol=1e-14)
assert math.isclose(network["w"], 2 * (h - 1) * (1 - h**2) * 0.5, rel_tol=1e-14)
