"""Lambert's function W, in NumPy or in jax.numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BRANCH_POINT = -math.exp(-1.0)

# W in powers of p = sqrt(2*(1 + e*x)) about the branch point, Corless et al. 1996, (4.22)
BRANCH_SERIES = (
    226287557 / 37623398400, -1963 / 204120, 680863 / 43545600, -221 / 8505, 769 / 17280, -43 / 540, 11 / 72, -1 / 3, 1.0, -1.0,
)  # fmt: skip
ORIGIN_SERIES = (-54 / 5, 125 / 24, -8 / 3, 3 / 2, -1.0, 1.0)
# exp(-1) in two parts
TENTH_LOW = -1.2428753672788363e-17


def lambert(u: Any, branch: int, xp: Any = np) -> Any:
    """W with W*exp(W) = u on branch 0 or -1: series about the branch point and 0, else w*(1 + log(u/w))/(1 + w) repeated.

    Source: Corless et al., Adv. Comput. Math. 5 (1996); Iacono and Boyd, Adv. Comput. Math. 43 (2017), (15).
    """
    e = math.e
    # no larger than is used, so that nothing overflows
    square = 2 * e * ((xp.minimum(u, 0 * u) + math.exp(-1.0)) + TENTH_LOW)
    p = xp.sqrt(xp.where(square > 0, square, 0)) * (1 if branch == 0 else -1)
    series = 0 * u
    for coefficient in BRANCH_SERIES:
        series = series * p + coefficient
    near = xp.abs(p) < 0.05
    x = xp.where(near, -0.25, u)
    if branch == 0:
        tiny = xp.abs(x) < 1e-3
        origin = 0 * u
        for coefficient in ORIGIN_SERIES:
            origin = origin * x + coefficient
        origin = origin * x
        x = xp.where(tiny, 1.0, x)
        log = xp.log(xp.where(x > 3, x, 3.0))
        w = xp.where(x > 3, log - xp.log(log), xp.where(x < -0.15, series, xp.where(x < 0, x, x / (1 + x))))
        w = xp.where(near, -0.3574, w)
    else:
        tiny, origin = near, series
        log = xp.log(-x)
        far = log - xp.log(-log)
        w = xp.where(near, -2.1533, xp.where(x < -0.25, series, far))
    # not log(x/w): XLA makes x/(a/b) to x*b/a, which overflows
    size = xp.log(xp.abs(x))
    for _ in range(6):
        w = w * (1 + size - xp.log(xp.abs(w))) / (1 + w)
    return xp.where(near, series, xp.where(tiny, origin, w))
