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
# # 6. When do gradients lie?
#
# A program that returns a wrong derivative rarely says so. Here are six ways in which good tools return wrong numbers or none,
# each in a few lines that you can run, and what the truth is. The truth comes from interval arithmetic (the *referee* of
# `compare.check`): an enclosure that certainly contains the derivative.

# %%
import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

import compare
import symdiff

x, y = symdiff.symbols("x y")


def truth(formula, **at):
    """The derivative by x, as the referee encloses it."""
    (row,) = compare.check(formula, wrt=["x"], at=at).rows
    return row


# %% [markdown]
# ## Kinks: the answer is a convention
#
# $|x|$ has no derivative at 0: it comes in with slope -1 and leaves with slope 1. Tools answer anyway, and differently.

# %%
kink = truth("Abs(x)", x=0.0)
from_jax = float(jax.grad(jnp.abs)(0.0))
from_sympy = float(sp.diff(sp.Abs(x), x).subs(x, 0))
kink.verdict.value, kink.slopes, from_jax, from_sympy

# %%
assert kink.verdict.value == "undefined"
assert kink.slopes == (-1, 1)
assert from_jax != from_sympy

# %% [markdown]
# ## Cancellation: the digits are gone
#
# $(1 - \cos x)/x^2$ tends to $1/2$ as $x$ tends to 0, and its derivative there is about $-x/12$. In floating point $\cos(10^{-8})$
# is 1, so the formula says 0, and its derivative is any number.


# %%
def naive(u):
    return (1 - jnp.cos(u)) / u**2


small = 1e-8
naive_slope = float(jax.grad(naive)(small))
row = truth("(1 - cos(x))/x**2", x=small)
naive_slope, row.referee.digits, row.symbolic

# %%
assert abs(float(row.referee.digits) + small / 12) < 1e-20
assert abs(naive_slope - float(row.referee.digits)) > 1  # wrong in every digit
assert row.verdict.value in ("agree", "inaccurate")  # and if ours is bad, it says so

# %% [markdown]
# ## Overflow: infinity minus infinity
#
# $\log(1 + e^x)$ is close to $x$ for large $x$, with slope 1. Written as it stands, $e^{800}$ is infinite and the slope is
# $\infty/\infty$. symdiff recognises the form and computes it stably; so would you, if you write `softplus(x)`.

# %%
overflowing = float(jax.grad(lambda u: jnp.log(1 + jnp.exp(u)))(800.0))
row = truth("log(1 + exp(x))", x=800.0)
overflowing, row.symbolic, row.verdict.value

# %%
assert np.isnan(overflowing)
assert row.symbolic == row.autodiff == row.chain == 1
assert row.verdict.value == "agree"

# %% [markdown]
# ## Branches: NaN from the side not taken
#
# $\sqrt x$ for positive $x$, otherwise 0. At $x = -1$ the slope is 0. JAX computes both branches and multiplies the one that
# is not taken by zero; but the root of $-1$ is NaN, and zero times NaN is NaN.

# %%
poisoned = float(jax.grad(lambda u: jnp.where(u > 0, jnp.sqrt(u), 0.0))(-1.0))
row = truth("Piecewise((sqrt(x), x > 0), (0, True))", x=-1.0)
poisoned, row.autodiff, row.verdict.value

# %%
assert np.isnan(poisoned)
assert row.symbolic == row.autodiff == row.chain == 0

# %% [markdown]
# ## Common subexpressions: a factor lost
#
# To save work, equal parts of a formula are computed once. SymPy's `cse` finds them; when the formula holds an unevaluated
# product, it loses a factor, and everything computed from its result is wrong, in silence.

# %%
square = sp.Mul(x, x, evaluate=False)
formula = 2 * x * sp.cos(y + square)
shared, (rest,) = sp.cse(formula)
for name, part in reversed(shared):
    rest = rest.subs(name, part)
at = {x: 1.5, y: 0.25}
formula.subs(at).evalf(), rest.subs(at).evalf()

# %%
right = 2 * 1.5 * np.cos(0.25 + 1.5**2)
ours = float(symdiff.lambdify([x, y], formula)(1.5, 0.25))
assert abs(float(formula.subs(at).evalf()) - right) < 1e-12
assert abs(float(rest.subs(at).evalf()) - right) > 0.1
assert abs(ours - right) < 1e-14

# %% [markdown]
# ## Powers at zero
#
# $x^y$ has derivative $y x^{y-1}$ by $x$: at $x = 0$, $y = 2$ that is 0. SymPy writes it as $x^y\,y/x$, and $0/0$ is NaN.

# %%
spelled = sp.diff(x**y, x)
value = spelled.subs({y: 2.0, x: 0.0})
(row,) = compare.check("x**y", wrt=["x"], at={"x": 0.0, "y": 2.0}).rows
spelled, value, row.symbolic

# %%
assert value is sp.nan
assert row.symbolic == 0

# %% [markdown]
# ## A checker that is content
#
# The usual way to test a gradient is to compare it with a finite difference. JAX's own checker does so along *one* direction,
# with tolerances made for rounding in the difference, not for the truth. Here is a derivative that is wrong by one part in
# ten thousand, and passes.

# %%
from jax.test_util import check_grads


@jax.custom_jvp
def wrong(u):
    return jnp.sin(u)


@wrong.defjvp
def _(primals, tangents):
    return jnp.sin(primals[0]), 1.0001 * jnp.cos(primals[0]) * tangents[0]


check_grads(wrong, (jnp.float32(1.0),), order=1)  # says nothing: passed

try:
    compare.assert_gradients_agree(wrong, definition="sin(x)", elementwise=True)
except AssertionError as error:
    told = str(error)
print(told)

# %%
assert "disagree" in told

# %% [markdown]
# ## What to take home
#
# * That three tools agree proves little: all of them round.
# * At a kink or a pole, ask what the slopes on both sides are, not what a tool returns.
# * Ask how many digits a formula keeps. `compare.check` prints it, and names the place where they are lost.
