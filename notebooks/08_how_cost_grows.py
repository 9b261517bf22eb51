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
# # 8. How does the cost grow?
#
# A derivative can be right and useless, if it takes a minute to derive or a second to compute. The *cheap gradient principle*
# (Griewank and Walther, *Evaluating Derivatives*, 2008, chapter 3) says that it need not be: by reverse accumulation, all
# partial derivatives together cost a small multiple of the function, however many inputs it has. This notebook counts.

# %%
# %matplotlib inline
import time

import numpy as np
import sympy as sp
from matplotlib.figure import Figure

import symdiff

# %% [markdown]
# ## A product of many inputs
#
# Take $f = x_1 x_2\cdots x_n$. Each partial derivative is the product of all others: $n$ formulas with $n - 2$ multiplications
# each, about $n^2$ in all. That is what one gets by differentiating one input after the other, and writing each result out.
# Reverse accumulation goes through the product once forward and once back.

# %%
sizes = [10, 15, 20, 30, 40]
one_by_one, accumulated = [], []
for n in sizes:
    inputs = sp.symbols(f"x:{n}", real=True)
    f = sp.Mul(*inputs)
    one_by_one.append(sum(int(sp.count_ops(sp.diff(f, each))) for each in inputs))
    accumulated.append(symdiff.gradient(f, inputs).operations)
dict(zip(sizes, zip(one_by_one, accumulated, strict=True), strict=True))

# %%
figure = Figure(figsize=(6, 3.5), layout="constrained")
axes = figure.subplots()
axes.loglog(sizes, one_by_one, "o-", label="one by one, written out")
axes.loglog(sizes, accumulated, "s-", label="accumulated in reverse")
axes.set(xlabel="inputs", ylabel="operations of the gradient")
axes.legend()
figure


# %%
def growth(counts):
    """Slope on logarithmic axes: 1 is linear, 2 is quadratic."""
    return float(np.polyfit(np.log(sizes), np.log(counts), 1)[0])


assert 1.9 < growth(one_by_one) < 2.2  # a little above 2: n*(n - 2)
assert growth(accumulated) < 1.1
assert all(count <= 5 * (n - 1) for count, n in zip(accumulated, sizes, strict=True))

# %% [markdown]
# ## What is used twice
#
# Let $v_{k+1} = \sin(v_k)\,v_k$. In the formula each step appears twice, so written out it doubles: after 30 steps it would
# hold a billion operations. In the graph a step stands once. SymPy's expression shares memory, so it can be built; whatever
# walks it as a tree never ends. symdiff walks the graph.

# %%
x = sp.Symbol("x", real=True)
v = x
for _ in range(30):
    v = sp.sin(v) * v

begin = time.perf_counter()
g = symdiff.gradient(v, [x])
print(f"{g.operations} operations, derived in {time.perf_counter() - begin:.3f} s")

# %%
f = symdiff.value_and_gradient(v, [x])
value, (slope,) = f(1.0)

by_hand, tangent = 1.0, 1.0
for _ in range(30):
    # the product rule at each step
    by_hand, tangent = np.sin(by_hand) * by_hand, (np.cos(by_hand) * by_hand + np.sin(by_hand)) * tangent

assert g.operations < 500
np.testing.assert_allclose([value, slope], [by_hand, tangent], rtol=1e-12)

# %% [markdown]
# ## A network, written out in scalars
#
# 8 inputs, 8 to 64 hidden units with $\tanh$, every weight a symbol of its own. How long does it take to derive the gradient by
# all weights? (Times are of this machine, and are only printed.)


# %%
def network(hidden):
    """Squared error of a two-layer network of scalars, and its weights."""
    inputs = sp.symbols("x:8", real=True)
    weights, out = [], sp.Integer(0)
    for j in range(hidden):
        row = sp.symbols(f"w{j}_:8", real=True)
        bias, outer = sp.symbols(f"b{j} u{j}", real=True)
        inner = sp.Add(*(a * b for a, b in zip(row, inputs, strict=True)), bias)
        out += outer * sp.tanh(inner)
        weights += [*row, bias, outer]
    return (out - sp.Symbol("y", real=True)) ** 2, weights


for hidden in (8, 16, 32, 64):
    loss, weights = network(hidden)
    begin = time.perf_counter()
    ours = symdiff.gradient(loss, weights)
    seconds = time.perf_counter() - begin
    per_weight = ours.operations / len(weights)
    print(f"{len(weights):4} weights: {seconds:.3f} s, {ours.operations} operations, {per_weight:.1f} a weight")

# %%
small, few = network(8)
large, many = network(64)
ratio = symdiff.gradient(large, many).operations / symdiff.gradient(small, few).operations
assert len(many) == 8 * len(few)
assert 7 < ratio < 9  # eight times as many weights, eight times as many operations

# %% [markdown]
# ## When does deriving pay?
#
# A symbolic gradient costs time to derive and compile, and then less (or more) a call than `jax.grad`. From how many calls on
# it pays depends on the formula; `break_even` measures it.

# %%
import compare

paying = compare.break_even("exp(-(x - a)**2/(2*b**2)) + a*x", ["a", "b"])
paying

# %%
counts = paying.operations.shared
counts

# %%
assert counts["model"] < counts["gradient"] < counts["hessian"]
