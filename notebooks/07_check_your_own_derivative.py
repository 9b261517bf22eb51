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
# # 7. Is my own derivative right?
#
# You derived a gradient by hand, or copied one from a paper, or wrote a fast rule for a function of your own. This notebook
# shows how to have it judged. The judge compares with an enclosure of the true derivative, not with your formula's look:
# written differently is not wrong, and right at a hundred points is not right.

# %%
import compare
import symdiff

w, x, y = symdiff.symbols("w x y")
loss = (w * x - y) ** 2

# %% [markdown]
# ## Written differently

# %%
other_form = compare.check_claim(loss, {w: "2*w*x**2 - 2*x*y"})
other_form

# %%
assert other_form.verdict.value == "agree"

# %% [markdown]
# ## Wrong, and how
#
# The usual mistakes have a pattern: a sign, a factor, the inner derivative forgotten, the wrong variable. A wrong claim is
# answered with the simplest point at which it fails, and a guess.

# %%
mistakes = {
    "sign": "2*x*(w*x + y)",
    "factor": "x*(w*x - y)",
    "inner derivative": "2*(w*x - y)",
    "wrong variable": "2*w*(w*x - y)",
}
answers = {name: compare.check_claim(loss, {w: claimed}) for name, claimed in mistakes.items()}
for name, answer in answers.items():
    print(f"{name}: {answer.verdict.value}")
    for outcome in answer.claims:
        print("   ", outcome.guess)

# %%
assert all(answer.verdict.value == "disagree" and answer.exit_code == 1 for answer in answers.values())

# %% [markdown]
# ## Right at most places
#
# $\sqrt{x^2}$ looks like $x$, with derivative 1. On half of the line it is $-1$.

# %%
half = compare.check_claim("sqrt(x**2)", {"x": "1"})
half

# %%
assert half.verdict.value == "disagree"

# %% [markdown]
# And what is right everywhere, but for a billionth, is found as well: tolerances are those of rounding, not of taste.

# %%
almost = compare.check_claim("x**3", {"x": "3*x**2*(1 + 1e-9)"})
assert almost.verdict.value == "disagree"

# %% [markdown]
# ## A Python function
#
# A claim may be a callable of the symbols, in the order in which they are named.

# %%


def slope_by_hand(weight, point, answer):
    return 2 * point * (weight * point - answer)


callable_claim = compare.check_claim(loss, {w: slope_by_hand}, args=["w", "x", "y"])
callable_claim

# %%
assert callable_claim.verdict.value == "agree"

# %% [markdown]
# ## A rule for JAX
#
# With `jax.custom_vjp` you tell JAX the derivative, and JAX believes you. Here is a softplus whose author forgot that the
# derivative of $\log(1 + e^u)$ is $e^u/(1 + e^u)$ and not $1/(1 + e^u)$.

# %%
import jax
import jax.numpy as jnp


@jax.custom_vjp
def softplus(u):
    return jnp.logaddexp(u, 0.0)


def forward(u):
    return softplus(u), u


def backward(u, adjoint):
    return (adjoint / (1 + jnp.exp(u)),)


softplus.defvjp(forward, backward)

try:
    compare.assert_gradients_agree(softplus, definition="log(1 + exp(x))", elementwise=True)
except AssertionError as error:
    told = str(error)
print(told)

# %%
assert "disagree" in told


@jax.custom_vjp
def mended(u):
    return jnp.logaddexp(u, 0.0)


mended.defvjp(lambda u: (mended(u), u), lambda u, adjoint: (adjoint * jax.nn.sigmoid(u),))
compare.assert_gradients_agree(mended, definition="log(1 + exp(x))", elementwise=True)

# %% [markdown]
# In a test with pytest the same is a fixture, `gradients_agree`. From a shell:
#
#     symdiff check "(w*x - y)**2" --claim "w: 2*x*(w*x + y)"
#
# Exit code 0: agrees. 1: does not. 2: could not be read. 3: could not be decided.

# %%
import subprocess
import sys

shell = subprocess.run(
    [sys.executable, "-m", "symdiff", "check", "(w*x - y)**2", "--claim", "w: 2*x*(w*x + y)"],
    capture_output=True,
    text=True,
    check=False,
)
print(shell.stdout)

# %%
assert shell.returncode == 1
