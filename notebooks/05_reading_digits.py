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
# # 5. Can a two-layer network read handwriting?
#
# The data: 1,797 handwritten digits, each an image of 8 by 8 pixels with values from 0 to 16 (Alpaydin and Kaynak 1998; the
# set that scikit-learn ships). The model: 64 pixels in, 64 hidden units with $\tanh$, 10 scores out, one for each digit.

# %%
# %matplotlib inline
import numpy as np
from matplotlib.figure import Figure

import symdiff
from symdiff import models

model = models.load("digits")
images, labels = model.data["x"], model.data["y"]
images.shape, labels.shape

# %%
figure = Figure(figsize=(8, 1.2), layout="constrained")
for axes, image, label in zip(figure.subplots(1, 10), images, labels, strict=False):
    axes.imshow(image.reshape(8, 8), cmap="gray_r")
    axes.set(title=int(np.argmax(label)), xticks=[], yticks=[])
figure

# %%
assert len(images) == len(labels) == 1797
assert (labels.reshape(-1, 10).sum(axis=1) == 1).all()  # one digit each

# %% [markdown]
# ## The model, as mathematics writes it
#
# It is defined once, with matrices, and never unrolled into its 4,810 numbers.

# %%
model.prediction

# %%
sum(int(np.prod(shape)) for symbol, shape in model.shapes.items() if symbol in model.parameters)

# %% [markdown]
# ## The loss
#
# Ten scores $s$ become probabilities by softmax, $p_j = e^{s_j}/\sum_i e^{s_i}$, and the loss is $-\log p$ of the right digit:
# $\log\sum_i e^{s_i} - y^\top s$. Its derivative by the scores is as simple as can be: $p - y$, "what was said minus what is
# true". symdiff derives it from the formula:

# %%
import sympy as sp

s, y = sp.MatrixSymbol("s", 10, 1), sp.MatrixSymbol("y", 10, 1)
ones = sp.OneMatrix(1, 10)
cross_entropy = sp.log((ones * s.applyfunc(sp.exp))[0, 0]) - (y.T * s)[0, 0]
slope = symdiff.value_and_gradient(cross_entropy, [s], args=[s, y])

scores = np.linspace(-2.0, 2.0, 10)[:, None]
truth = np.eye(10)[:, [3]]
value, (gradient,) = slope(scores, truth)
said = np.exp(scores) / np.exp(scores).sum()
np.round(np.ravel(gradient), 4)

# %%
np.testing.assert_allclose(gradient, said - truth, atol=1e-15)

# %% [markdown]
# Scores may become large. Written down naively, $e^{900}$ overflows and the loss is infinite minus infinite; symdiff recognises
# the logarithm of a sum of exponentials, and scales it.

# %%
value, (gradient,) = slope(np.full((10, 1), 900.0), truth)
float(np.squeeze(value)), np.round(np.ravel(gradient), 3)

# %%
assert abs(float(np.squeeze(value)) - np.log(10)) < 1e-12
np.testing.assert_allclose(gradient, 0.1 - truth, atol=1e-15)

# %% [markdown]
# ## Training
#
# A fifth of the images is held out: the network never sees them, and they decide whether it has learned to read or only learned
# by heart. The rest is used in batches of 32, 30 passes, plain gradient descent. (The first weights are drawn by Glorot's rule.)

# %%
from symdiff.held_out import score, split

seen, unseen = split(model.data, 0.2, seed=0)
result = symdiff.train(model, seen, epochs=30, learning_rate=0.1, batch_size=32, shuffle=True, seed=0)
verdict = score(model, result.parameters, unseen)
verdict

# %%
figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
axes.semilogy(result.losses)
axes.set(xlabel="pass", ylabel="mean loss")
figure

# %% [markdown]
# Where is it wrong? Row: the digit written; column: what the network read.

# %%
read = np.asarray(result.predict(x=unseen["x"])).reshape(-1, 10).argmax(axis=1)
written = unseen["y"].reshape(-1, 10).argmax(axis=1)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (written, read), 1)
confusion

# %%
assert verdict["accuracy"] >= 0.96
assert confusion.sum() == len(written) == verdict["samples"]
assert np.trace(confusion) == verdict["correct"]

# %% [markdown]
# The same from the command line: `symdiff train digits`.
