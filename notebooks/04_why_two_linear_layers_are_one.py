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
# # 4. Why are two linear layers one?
#
# A network with two layers, $\hat y = W_2 (W_1 x + b_1) + b_2$, has more parameters than one with a single layer. Can it do
# more? Without a nonlinear function between the layers it cannot: multiply out,
#
# $$W_2 (W_1 x + b_1) + b_2 = (W_2 W_1)\, x + (W_2 b_1 + b_2),$$
#
# and there stands a single layer with the matrix $W = W_2 W_1$ and the bias $b = W_2 b_1 + b_2$.
#
# ## Shown symbolically
#
# The shapes are symbols, too: $n$ inputs, $m$ hidden units, $k$ outputs. What is shown holds for any sizes.

# %%
import sympy as sp

n, m, k = sp.symbols("n m k", integer=True, positive=True)
W1, b1 = sp.MatrixSymbol("W1", m, n), sp.MatrixSymbol("b1", m, 1)
W2, b2 = sp.MatrixSymbol("W2", k, m), sp.MatrixSymbol("b2", k, 1)
x = sp.MatrixSymbol("x", n, 1)

two_layers = W2 * (W1 * x + b1) + b2
one_layer = (W2 * W1) * x + (W2 * b1 + b2)
sp.expand(two_layers)

# %%
assert sp.expand(two_layers) == sp.expand(one_layer)

# %% [markdown]
# ## Shown by numbers
#
# `lambdify` makes a compiled function of each form; lengths follow from the arrays.

# %%
import numpy as np

import symdiff

arguments = [W1, b1, W2, b2, x]
deep, flat = symdiff.lambdify(arguments, two_layers), symdiff.lambdify(arguments, one_layer)

draw = np.random.default_rng(0)
sizes = [(5, 3), (5, 1), (2, 5), (2, 1), (3, 1)]
numbers = [draw.standard_normal(size) for size in sizes]
deep(*numbers).ravel(), flat(*numbers).ravel()

# %%
np.testing.assert_allclose(deep(*numbers), flat(*numbers), rtol=1e-13)

# %% [markdown]
# ## The same derivative
#
# If both are one function of $x$, they have one derivative by $x$. Take $v^\top \hat y$ with a fixed vector $v$, so that there is
# one number to differentiate. Its gradient by $x$ is $W_1^\top W_2^\top v$, whatever $x$ is: a linear layer.

# %%
v = sp.MatrixSymbol("v", k, 1)
slope = symdiff.gradient(v.T * two_layers, [x])[x]
slope

# %%
assert not slope.has(x)

# %% [markdown]
# ## With something nonlinear between
#
# Now put $\tanh$ between the layers. The step that multiplied out is gone: $\tanh(W_1 x + b_1)$ is not a sum of terms in $x$.
# That it *cannot* be a single layer takes one counterexample. A layer $f(x) = W x + b$ is affine, so
# $f(x) + f(-x) = 2 f(0)$ for every $x$; the network breaks this at once.

# %%
network = W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2
f = symdiff.lambdify(arguments, network)
*weights, point = numbers


def defect(function):
    """How far a function of x is from being affine at one point: f(x) + f(-x) - 2 f(0)."""
    return np.abs(function(*weights, point) + function(*weights, -point) - 2 * function(*weights, 0 * point)).max()


defect(deep), defect(f)

# %%
assert defect(deep) < 1e-13
assert defect(f) > 0.01

# %% [markdown]
# And its derivative by $x$ depends on $x$, through the elementwise derivative of $\tanh$:

# %%
bent = symdiff.gradient(v.T * network, [x])[x]
bent

# %%
assert bent.has(x)

# %% [markdown]
# ## Does it matter? The exclusive or
#
# Four points, and the answer 1 where exactly one of two inputs is 1. The best single layer answers 1/2 everywhere: mean
# squared error 1/4. Two linear layers are no better. With $\tanh$ between, and the weights below, all four are right.

# %%
inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
answers = np.array([0, 1, 1, 0], float)

design = np.column_stack([inputs, np.ones(4)])
best, *_ = np.linalg.lstsq(design, answers)
error_of_one_layer = np.mean((design @ best - answers) ** 2)

steep = 20.0
first, first_bias = steep * np.array([[1.0, 1.0], [1.0, 1.0]]), steep * np.array([[-0.5], [-1.5]])
second, second_bias = np.array([[0.5, -0.5]]), np.array([[0.0]])
guesses = np.array([f(first, first_bias, second, second_bias, each[:, None]).item() for each in inputs])
error_of_one_layer, guesses

# %%
assert abs(error_of_one_layer - 0.25) < 1e-12
assert np.abs(guesses - answers).max() < 1e-3

# %% [markdown]
# symdiff ships two such layers as a model, `collapse`, and says what it found when it is checked (`symdiff check collapse`):

# %%
from compare.collapse import collapsed
from symdiff import models

found = collapsed(models.load("collapse"))
found

# %%
assert found["one linear layer"] == "W2*(W1*x + b1) + b2 = (W2*W1)*x + (W2*b1 + b2)"
assert not collapsed(models.load("two_layer"))  # tanh stands between
