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
# # 9. Training a real formula on real data
#
# Fourteen measurements of a dental research study (Misra 1978): volume $y$ against pressure $x$, and the law
# $y = b_1(1 - e^{-b_2 x})$. NIST computed the best parameters to eleven digits and publishes them so that software can be
# tested with them. Can gradient descent find them?

# %%
# %matplotlib inline
import numpy as np
import optax
from matplotlib.figure import Figure

import symdiff
from symdiff import models

model = models.load("misra1a")
model.prediction

# %%
certified = {"b1": 2.3894212918e2, "b2": 5.5015643181e-4}  # NIST StRD, Misra1a
certified_rss = 1.2455138894e-1  # residual sum of squares
x, y = np.ravel(model.data["x"]), np.ravel(model.data["y"])


def digits(found, true):
    """Digits that are right."""
    return -np.log10(max(abs(found - true) / abs(true), 1e-16))


# %% [markdown]
# ## Plain gradient descent
#
# All 14 samples in a batch, from NIST's first starting point, at four learning rates. What remains is the sum of squares.

# %%
plain = {}
for rate in (1e-9, 1e-8, 1e-7, 1e-6):
    result = symdiff.train(model, epochs=2000, learning_rate=rate, batch_size=14)
    plain[rate] = result.losses[-1] * 14
    print(f"learning rate {rate:g}: b1 = {result.parameters['b1']:.6g}, b2 = {result.parameters['b2']:.4g}, "
          f"sum of squares {plain[rate]:.4g}; the best is {certified_rss:.4g}")  # fmt: skip

# %%
assert min(plain.values()) > 1e6 * certified_rss

# %% [markdown]
# None comes near. It is not the gradient's fault: it is right, and a check says so. Look at its two components at the start:

# %%
import compare

start = {symbol.name: float(p.value) for symbol, p in model.parameters.items()}
checked = compare.check(model, at=start)
_, gradient = symdiff.value_and_gradient(model.loss, ["b1", "b2"], args=["b1", "b2", "x", "y"])(*start.values(), x, y)
checked.verdict.value, np.round(gradient.mean(axis=1), 3)

# %%
assert checked.verdict.value == "agree"
assert abs(gradient[1].mean() / gradient[0].mean()) > 1e5

# %% [markdown]
# The parameters are of different sizes, 500 and 0.0001, and their slopes the other way round. A step that moves $b_1$ at all
# throws $b_2$ far away. The loss is a valley, flat along one axis and a cliff along the other.
#
# ## Better: units that fit
#
# Write the same law in units in which both parameters are near 1: $b_1 = 100\,a$, $b_2 = c/1000$. And take a step size for each
# parameter from the sizes of its past slopes (Adam, Kingma and Ba 2015).

# %%
scaled = symdiff.Model(
    "scaled", "100*a*(1 - exp(-c*x/1000))", inputs=["x"], target="y", parameters={"a": 5.0, "c": 0.1}, data=model.data
)
still_plain = symdiff.train(scaled, epochs=20_000, learning_rate=1e-5, batch_size=14)
adam = symdiff.train(scaled, epochs=20_000, batch_size=14, optimizer=optax.adam(0.01))
for name, result in {"plain": still_plain, "Adam": adam}.items():
    print(f"{name}: b1 = {100 * result.parameters['a']:.7g}, b2 = {result.parameters['c'] / 1000:.7g}, "
          f"sum of squares {result.losses[-1] * 14:.7g}")  # fmt: skip

# %%
assert still_plain.losses[-1] * 14 < 1e3 * certified_rss
assert abs(adam.losses[-1] * 14 / certified_rss - 1) < 1e-6
assert digits(100 * adam.parameters["a"], certified["b1"]) > 4

# %% [markdown]
# ## Best: least squares
#
# A sum of squares has more structure than a loss: from the derivative of each residual follows an approximation of the second
# derivative, and with it the shape of the valley. The method of Levenberg and Marquardt uses it. From the same start, in the
# original units:

# %%
fitted = symdiff.fit(model)
print(fitted.summary())
{name: round(digits(fitted.parameters[name], certified[name]), 1) for name in certified}

# %%
assert fitted.converged
assert fitted.iterations < 100
assert all(digits(fitted.parameters[name], certified[name]) > 8 for name in certified)
assert digits(fitted.rss, certified_rss) > 8

# %% [markdown]
# It also says how well the data determine the parameters: the standard errors. NIST certifies these as well.

# %%
certified_errors = {"b1": 2.7070075241, "b2": 7.2668688436e-06}
{name: round(digits(fitted.stderr[name], certified_errors[name]), 1) for name in certified_errors}

# %%
assert all(digits(fitted.stderr[name], certified_errors[name]) > 7 for name in certified_errors)

# %%
figure = Figure(figsize=(7, 3.2), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(x, y, "o", label="measured")
grid = np.linspace(0, x.max(), 200)
left.plot(grid, fitted.predict(x=grid), label="fitted")
left.set(xlabel="pressure", ylabel="volume")
left.legend()
right.loglog(np.arange(1, 20_001), np.array(still_plain.losses) * 14, label="plain")
right.loglog(np.arange(1, 20_001), np.array(adam.losses) * 14, label="Adam")
right.axhline(certified_rss, linestyle="--", color="gray", label="the best")
right.set(xlabel="update", ylabel="sum of squares")
right.legend()
figure

# %%
residuals = y - fitted.predict(x=x)
assert abs(np.sum(residuals**2) / certified_rss - 1) < 1e-8

# %% [markdown]
# ## What to take home
#
# * A right gradient is necessary, and not enough: it says which way is down, not how far.
# * If steps are too large in one direction and too small in another, change the units before you change the optimiser.
# * For a sum of squares with few parameters use least squares: `symdiff fit`.
