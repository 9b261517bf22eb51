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
# # 3. Training as PyTorch does it, number for number
#
# Three samples, $(1, 2)$, $(2, 4)$, $(3, 6)$; a model $\hat y = w x$ that starts at $w = 1$; one update per sample,
# $w \leftarrow w - 0.01\,\partial L/\partial w$; 100 passes over the data. What does the model then predict at $x = 4$?
#
# ## By hand
#
# The derivative of $(w x - y)^2$ is $2x(w x - y)$, so the whole of training is a loop of five lines:

# %%
samples = [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]

weight = 1.0
for _ in range(100):
    for x, y in samples:
        weight -= 0.01 * (2 * x * (weight * x - y))
weight, weight * 4

# %% [markdown]
# ## By symdiff
#
# The model is defined once. `train` differentiates it, compiles the loop and runs it; the default is one update per sample.

# %%
import symdiff

line = symdiff.Model(
    "line",
    "w*x",
    inputs=["x"],
    target="y",
    parameters={"w": 1.0},
    data={"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]},
    probe={"x": 4.0},
)
trained = symdiff.train(line, epochs=100, learning_rate=0.01, record_gradients=True)
trained.before, trained.after

# %%
assert trained.steps == 300
assert trained.before == 4
assert abs(trained.after - 8) < 1e-12
assert abs(trained.parameters["w"] - weight) < 1e-15

# %% [markdown]
# ## By PyTorch
#
# The same script was run in PyTorch once, and every gradient and loss of its 300 updates written down. (Its numbers are in
# `tests/data/pytorch_traces.json`.) All of them, not just the last one:

# %%
import json
from pathlib import Path

import numpy as np

here = Path.cwd()
root = next(folder for folder in (here, *here.parents) if (folder / "tests" / "data").is_dir())
pytorch = json.loads((root / "tests" / "data" / "pytorch_traces.json").read_text())["float64"]

rows = np.array(pytorch["linear"]["rows"])  # pass, x, y, gradient, loss
gap = np.abs(trained.gradients[:, 0] - rows[:, 3]) / np.abs(rows[:, 3])
print("largest relative gap of a gradient", gap.max())
print("PyTorch predicts", pytorch["linear"]["after"], "and symdiff", trained.after)

# %%
assert len(rows) == 300
assert gap.max() < 1e-12
np.testing.assert_allclose(trained.update_losses, rows[:, 4], rtol=1e-12)

# %% [markdown]
# ## Which gradient drives the updates?
#
# By default JAX's. The formula that SymPy derived and the hand-written chain rule do as well, and reach the same place:

# %%
reached = {
    route: symdiff.train(line, epochs=100, learning_rate=0.01, route=route).after
    for route in ("autodiff", "symbolic", "chain")
}
reached

# %%
assert all(abs(value - trained.after) < 1e-14 for value in reached.values())

# %% [markdown]
# ## The quadratic model
#
# $\hat y = w x^2 + w_2 x + b$ on the same data has more freedom than the data need. It starts at $w = w_2 = b = 1$, where it
# predicts 21 at $x = 4$. After 100 passes it has not arrived: it predicts 8.544, not 8. So says PyTorch, too.

# %%
from symdiff import models

curve = models.load("quadratic")
bent = symdiff.train(curve, epochs=100, learning_rate=0.01, record_gradients=True)
rows = np.array(pytorch["quadratic"]["rows"])
bent.before, bent.after, bent.parameters

# %%
assert bent.before == pytorch["quadratic"]["before"] == 21
assert abs(bent.after - pytorch["quadratic"]["after"]) < 1e-12
np.testing.assert_allclose(bent.gradients, rows[:, 3:6], rtol=1e-12)

# %% [markdown]
# Why is it slow? Near $w = 0$, $w_2 = 2$, $b = 0$ the loss lies in a long flat valley: a change of the three parameters that
# hardly changes the curve at 1, 2 and 3. Plain steps crawl along it. Ten times as many passes get further, and least squares,
# which knows the second derivative, goes there at once:

# %%
longer = symdiff.train(curve, epochs=1000, learning_rate=0.01)
at_once = symdiff.fit(curve)
{"100 passes": bent.after, "1,000 passes": longer.after, "least squares": float(at_once.parameters["w"]) * 16
 + float(at_once.parameters["w2"]) * 4 + float(at_once.parameters["b"])}  # fmt: skip

# %%
assert abs(longer.after - 8) < abs(bent.after - 8)
np.testing.assert_allclose([at_once.parameters[name] for name in ("w", "w2", "b")], [0, 2, 0], atol=1e-9)

# %% [markdown]
# ## The way down
#
# The mean loss of each pass, on a logarithmic axis:

# %%
# %matplotlib inline
from matplotlib.figure import Figure

figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
axes.semilogy(trained.losses, label="w*x")
axes.semilogy(bent.losses, label="w*x**2 + w2*x + b")
axes.set(xlabel="pass", ylabel="mean loss")
axes.legend()
figure

# %%
assert trained.losses[-1] < 1e-24 < bent.losses[-1] < 0.1
