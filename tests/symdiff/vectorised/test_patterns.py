"""Index patterns: what is read by slices is what NumPy's indexing reads, and known patterns need no gather."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff.vectorised.patterns import affine, common_frame, frame_of, is_regular, read, reduced

SOURCE = np.arange(60.0) * 3 + 1

REGULAR = {
    "constant": np.full(12, 7),
    "range": np.arange(5, 25),
    "whole": np.arange(60),
    "stride": np.arange(2, 60, 9),
    "backwards": np.arange(40, 4, -4),
    "repeat": np.repeat(np.arange(3, 9), 4),
    "tile": np.tile(np.arange(3, 9), 4),
    "transposed": np.arange(60).reshape(12, 5).T.ravel(),
    "three axes": np.arange(60).reshape(3, 4, 5).transpose(2, 0, 1).ravel(),
    "bias behind": np.arange(60).reshape(6, 10)[:, 9],
    "weights before a bias": np.arange(60).reshape(6, 10)[:, 1:].ravel(),
    "block at the end": np.arange(60).reshape(6, 10)[3:, 4:].ravel(),
}


@pytest.mark.parametrize("name", REGULAR)
def test_regular_patterns_are_sliced(name):
    index = REGULAR[name]
    frame = frame_of([index])
    split = index.reshape(frame)
    assert is_regular(split, len(SOURCE))
    found = np.asarray(read(jnp.asarray(SOURCE), split))
    np.testing.assert_array_equal(np.broadcast_to(found, frame).ravel(), SOURCE[index])


@pytest.mark.parametrize("index", [np.array([0, 1, 3]), np.array([4, 4, 1, 0, 2, 2]), np.array([1, 0, 0, 1, 1])])
def test_irregular_patterns_are_gathered(index):
    assert affine(index) is None
    np.testing.assert_array_equal(np.asarray(read(jnp.asarray(SOURCE), index)).ravel(), SOURCE[index])


def test_windows_that_overlap_are_gathered():
    index = np.arange(5)[:, None] + np.arange(3)
    assert not is_regular(index, len(SOURCE))
    np.testing.assert_array_equal(np.asarray(read(jnp.asarray(SOURCE), index)), SOURCE[index])


AFFINE = given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(-12, 12)), min_size=1, max_size=4),
    st.integers(0, 6),
    st.booleans(),
)


@settings(max_examples=60)
@AFFINE
def test_any_affine_pattern_is_found_and_read(axes, above, wide):
    found_and_read(axes, above, wide)


@pytest.mark.sweep
@settings(max_examples=1000)
@AFFINE
def test_many_affine_patterns_are_found_and_read(axes, above, wide):
    found_and_read(axes, above, wide)


def found_and_read(axes, above, wide):
    shape = tuple(length for length, _ in axes)
    index = sum(
        stride * np.arange(length).reshape([-1 if a == k else 1 for a in range(len(axes))])
        for k, (length, stride) in enumerate(axes)
    )
    index = np.broadcast_to(index - index.min() + above, shape)
    source = np.random.default_rng(0).normal(size=(int(index.max()) + 1 + above, *((3,) if wide else ())))
    pattern = affine(index.ravel())
    frame = common_frame([pattern], index.size)
    for own in (index, index.ravel().reshape(frame)):
        found = np.asarray(read(jnp.asarray(source), own))
        assert found.shape[: own.ndim] == reduced(own).shape
        np.testing.assert_array_equal(np.broadcast_to(found, (*own.shape, *source.shape[1:])), source[own])
