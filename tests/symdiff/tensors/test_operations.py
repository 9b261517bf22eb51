"""Every operation on arrays: shape, value, and the adjoints of chain and symbolic route against those of JAX."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from symdiff.chain import forward
from symdiff.errors import UnsupportedError
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operations import OPERATIONS

_RANDOM = np.random.default_rng(5)


def _array(*shape: int) -> Any:
    return _RANDOM.normal(size=shape)


_SQUARE = _array(4, 4) + 3 * np.eye(4)
_SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
_PLACES = np.array([2.0, 0.0, 2.0])
_AXES = (("range", 2, 2, -1), ("at", 1), ("range", 0, 2, 2))
CASES: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    ("contract", (_array(2, 3), _array(3, 4)), (("ab", "bc", "ac"),)),
    ("contract", (_array(3, 3),), (("aa", ""),)),
    ("contract", (_array(3, 3),), (("aa", "a"),)),
    ("contract", (_array(3, 4),), (("ab", "b"),)),
    ("contract", (_array(3), _array(4), _array(3, 4)), (("a", "b", "ab", "ba"),)),
    ("contract", (_array(3, 3, 2), _array(2)), (("aab", "b", "a"),)),
    ("broadcast", (_array(3, 1),), ((2, 3, 4),)),
    ("broadcast", (np.float64(2.0),), ((2, 3),)),
    ("expand", (_array(3, 2),), ((0, 2),)),
    ("slice", (_array(4, 3, 5),), (_AXES,)),
    ("place", (_array(2, 2),), (_AXES, (4, 3, 5))),
    ("gather", (_array(3, 4), _PLACES[:, None], np.array([1.0, 3.0])), ()),
    ("scatter", (_array(3, 2), _PLACES[:, None], np.array([1.0, 3.0])), ((3, 4),)),
    ("stack", (np.float64(1.0), np.float64(2.0), np.float64(3.0), np.float64(4.0)), ((2, 2),)),
    ("identity", (), (3,)),
    ("count", (), (2, 4)),
    ("inverse", (_SQUARE,), ()),
    ("determinant", (_SQUARE,), ()),
    ("determinant", (_array(8, 8),), ()),
    ("log_determinant", (_SQUARE,), ()),
    ("product", (_array(3, 4),), (0,)),
    ("product", (np.array([1.0, 0.0, 3.0]),), (0,)),
    ("product", (np.array([0.0, 0.0, 3.0]),), (0,)),
    ("log_sum_exp", (_array(3, 4) * 700,), (1,)),
    ("cofactors", (_SQUARE,), ()),
    ("others", (_array(3, 4),), (1,)),
    ("top", (_array(3, 4),), ((1,),)),
]
WITHOUT_SECOND = {"cofactors", "others"}
_IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


def test_every_operation_is_tried() -> None:
    assert {name for name, _, _ in CASES} == set(OPERATIONS)


@pytest.mark.parametrize(("name", "operands", "static"), CASES, ids=_IDS)
def test_shape_and_value(name: str, operands: tuple[Any, ...], static: tuple[Any, ...]) -> None:
    operation = OPERATIONS[name]
    value, expected = operation.value(*operands, *static), operation.jax(*map(jnp.asarray, operands), *static)
    assert operation.shape([np.shape(u) for u in operands], *static) == np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("name", "operands", "static"), CASES, ids=_IDS)
def test_adjoints_and_tangents(name: str, operands: tuple[Any, ...], static: tuple[Any, ...]) -> None:
    operation = OPERATIONS[name]
    if not operands or name in WITHOUT_SECOND:
        return
    arrays = [jnp.asarray(u) for u in operands]
    value, pull = jax.vjp(lambda *given: operation.jax(*given, *static), *arrays)
    adjoint = np.asarray(_array(*value.shape))
    expected = pull(jnp.asarray(adjoint))
    places = 1 if name in ("gather", "scatter") else len(operands)
    for position in range(places):
        found = operation.adjoint(position, adjoint, operands, static, np.asarray(value))
        found = np.zeros_like(operands[position]) if found is None else found
        np.testing.assert_allclose(found, expected[position], rtol=1e-10, atol=1e-10)
        derived = _derived(name, operands, static, position, adjoint)
        np.testing.assert_allclose(
            np.broadcast_to(derived, np.shape(found)), expected[position], rtol=1e-10, atol=1e-10
        )
    directions = [_array(*np.shape(u)) if k < places else None for k, u in enumerate(operands)]
    moved = [jnp.zeros_like(a) if d is None else jnp.asarray(d) for a, d in zip(arrays, directions, strict=True)]
    _, along = jax.jvp(lambda *given: operation.jax(*given, *static), tuple(arrays), tuple(moved))
    found = operation.tangent(operands, directions, static, np.asarray(value))
    np.testing.assert_allclose(found, along, rtol=1e-10, atol=1e-10)


def _derived(name: str, operands: tuple[Any, ...], static: tuple[Any, ...], position: int, adjoint: Any) -> Any:
    """The symbolic route's rule, as a graph of the operands and the adjoint, computed."""
    b = GraphBuilder()
    symbols = [sp.Symbol(f"operand{k}") for k in range(len(operands))]
    nodes = tuple(b.input(symbol, np.shape(u)) for symbol, u in zip(symbols, operands, strict=True))
    seed = sp.Symbol("adjoint")
    value = b.apply(OPERATIONS[name], nodes, static)
    node = OPERATIONS[name].derived(b, position, b.input(seed, adjoint.shape), nodes, static, value)
    graph = b.finish([node])
    given = dict(zip(symbols, operands, strict=True)) | {seed: adjoint}
    return forward(graph, {symbol: given[symbol] for symbol in graph.inputs})[graph.outputs[0]]


def test_the_gradient_of_a_determinant_is_finite_where_the_matrix_is_singular() -> None:
    # the cofactors of a matrix of rank 2, by hand
    cofactors = np.array([[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]])
    found = OPERATIONS["determinant"].adjoint(0, 1.0, [_SINGULAR], (), 0.0)
    np.testing.assert_allclose(found, cofactors, atol=1e-13)
    np.testing.assert_allclose(OPERATIONS["cofactors"].jax(jnp.asarray(_SINGULAR)), cofactors, atol=1e-13)


def test_a_singular_matrix_has_no_inverse_and_a_negative_determinant_no_logarithm() -> None:
    assert np.isnan(OPERATIONS["inverse"].value(np.zeros((2, 2)))).all()
    assert np.isnan(OPERATIONS["log_determinant"].value(np.diag([-1.0, 1.0])))
    assert np.isnan(OPERATIONS["log_determinant"].jax(jnp.diag(jnp.array([-1.0, 1.0]))))


@pytest.mark.parametrize("name", sorted(WITHOUT_SECOND))
def test_what_has_no_second_derivative_says_so(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"second derivative of a .* has no rule here; write "):
        OPERATIONS[name].derived(GraphBuilder(), 0, 0, (0,), (), 0)


def test_a_place_outside_gives_no_number() -> None:
    for places in ([0.0, 3.0], [0.0, -1.0], [0.0, 0.5]):
        for form in (OPERATIONS["gather"].value, OPERATIONS["gather"].jax):
            found = form(jnp.asarray([1.0, 2.0, 3.0]), jnp.asarray(places))
            assert [bool(np.isnan(number)) for number in found] == [False, True]
