"""The systems that are compared: each turns a case into a function of points that returns the derivatives.

symdiff, sympy2jax, `sympy.lambdify` with `jax.grad`, and `sympy.diff` with `lambdify` take the SymPy expression.
CasADi, SymEngine, heyoka and torch have expressions of their own: these are built in a straight line from symdiff's
graph, and reading the SymPy expression is not counted against them. All work in float64, on the CPU, and are given
whole batches.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.benchmarks.peers.cases import Case
from symdiff.constants import nearest
from symdiff.graph import Graph

Derivatives = Callable[[NDArray[np.float64]], Any]
System = Callable[[Case, Graph], Derivatives]


def _symdiff(method: str, route: str = "symbolic") -> System:
    def prepare(case: Case, _: Graph) -> Derivatives:
        import symdiff

        if case.order == 2:
            second = symdiff.hessian(case.expression, list(case.wrt))
            entries = [second[i, j] for i, j in rosenbrock_pairs(len(case.wrt))]
            taken = symdiff.lambdify(list(case.symbols), entries, method=method)  # type: ignore[arg-type]
            return lambda points: np.stack(taken(*points))
        h = symdiff.value_and_gradient(
            case.expression,
            list(case.wrt),
            args=list(case.symbols),
            route=route,  # type: ignore[arg-type]
            method=method,  # type: ignore[arg-type]
        )
        return lambda points: h(*points)[1]

    return prepare


def rosenbrock_pairs(count: int) -> list[tuple[int, int]]:
    """Places of a symmetric tridiagonal matrix, diagonal first: where that Hessian is not zero."""
    return [(i, i) for i in range(count)] + [(i, i + 1) for i in range(count - 1)]


def _casadi(case: Case, graph: Graph) -> Derivatives:
    ca: Any = importlib.import_module("casadi")

    symbols = [ca.SX.sym(symbol.name) for symbol in case.symbols]
    forms = _forms(ca, {"log1p": "log1p", "expm1": "expm1"})
    (f,) = _straight_line(graph, dict(zip(case.symbols, symbols, strict=True)), forms, ca.SX)
    known = dict(zip(case.symbols, symbols, strict=True))
    wrt = ca.vertcat(*(known[symbol] for symbol in case.wrt))
    if case.order == 2:
        second, _ = ca.hessian(f, wrt)
        rows, columns = zip(*rosenbrock_pairs(len(case.wrt)), strict=True)
        out = ca.vertcat(*(second[i, j] for i, j in zip(rows, columns, strict=True)))
    else:
        out = ca.gradient(f, wrt)
    function = ca.Function("f", [ca.vertcat(*symbols)], [out])
    mapped: dict[int, Any] = {}

    def call(points: NDArray[np.float64]) -> Any:
        if points.ndim == 1:
            return np.asarray(function(points))[:, 0]
        count = points.shape[1]
        if count not in mapped:
            mapped[count] = function.map(count)
        return np.asarray(mapped[count](points))

    return call


def _symengine(case: Case, graph: Graph) -> Derivatives:
    se: Any = importlib.import_module("symengine")

    known = {symbol: se.Symbol(symbol.name) for symbol in case.symbols}
    (f,) = _straight_line(graph, known, _forms(se), se.RealDouble)
    symbols = [known[symbol] for symbol in case.symbols]
    if case.order == 2:
        first = [f.diff(known[symbol]) for symbol in case.wrt]
        outputs = [first[i].diff(known[case.wrt[j]]) for i, j in rosenbrock_pairs(len(case.wrt))]
    else:
        outputs = [f.diff(known[symbol]) for symbol in case.wrt]
    function = se.Lambdify(symbols, outputs, cse=True, backend="llvm" if se.have_llvm else "lambda")
    return lambda points: np.moveaxis(np.asarray(function(np.ascontiguousarray(points.T))), -1, 0)


def _heyoka(case: Case, graph: Graph) -> Derivatives:
    hy: Any = importlib.import_module("heyoka")

    known = dict(zip(case.symbols, hy.make_vars(*(symbol.name for symbol in case.symbols)), strict=True))
    if len(case.symbols) == 1:
        known = {case.symbols[0]: hy.make_vars(case.symbols[0].name)}
    (f,) = _straight_line(graph, known, _forms(hy), hy.expression)
    wrt = [known[symbol] for symbol in case.wrt]
    symbols = [known[symbol] for symbol in case.symbols]
    tensors = hy.diff_tensors([f], diff_args=wrt, diff_order=case.order)
    if case.order == 2:
        places = rosenbrock_pairs(len(case.wrt))
        outputs = [tensors[[0, *([(i, 2)] if i == j else [(i, 1), (j, 1)])]] for i, j in places]
    else:
        outputs = list(tensors.gradient)
    function = hy.cfunc(outputs, symbols)
    return lambda points: function(np.ascontiguousarray(points))


def _torch(case: Case, graph: Graph) -> Derivatives:
    torch: Any = importlib.import_module("torch")

    if case.order == 2:
        raise NotImplementedError("no sparse Hessian of a program")
    forms = _forms(torch)
    targets = set(case.wrt)

    def call(points: NDArray[np.float64]) -> Any:
        tensors = {
            symbol: torch.tensor(row, dtype=torch.float64, requires_grad=symbol in targets)
            for symbol, row in zip(case.symbols, points, strict=True)
        }
        (f,) = _straight_line(graph, tensors, forms, lambda v: torch.tensor(v, dtype=torch.float64))
        return torch.stack(torch.autograd.grad(f.sum(), [tensors[symbol] for symbol in case.wrt])).numpy()

    return call


def _sympy2jax(case: Case, _: Graph) -> Derivatives:
    sympy2jax: Any = importlib.import_module("sympy2jax")

    module = sympy2jax.SymbolicModule(case.expression)
    return _by_jax(case, lambda given: module(**{symbol.name: value for symbol, value in given.items()}))


def _lambdify_grad(case: Case, _: Graph) -> Derivatives:
    function = sp.lambdify(case.symbols, case.expression, modules="jax")
    return _by_jax(case, lambda given: function(*(given[symbol] for symbol in case.symbols)))


def _by_jax(case: Case, model: Callable[[Mapping[Any, Any]], Any]) -> Derivatives:
    import jax

    if case.order == 2:
        raise NotImplementedError("no sparse Hessian of a program")
    places = tuple(case.symbols.index(symbol) for symbol in case.wrt)

    def value(*arrays: Any) -> Any:
        return model(dict(zip(case.symbols, arrays, strict=True)))

    one = jax.grad(value, places)
    single, batched = jax.jit(one), jax.jit(jax.vmap(one))
    return lambda points: np.stack((single if points.ndim == 1 else batched)(*points))


def _sympy_diff(case: Case, _: Graph) -> Derivatives:
    import jax

    if case.order == 2:
        outputs = [sp.diff(case.expression, case.wrt[i], case.wrt[j]) for i, j in rosenbrock_pairs(len(case.wrt))]
    else:
        outputs = [sp.diff(case.expression, symbol) for symbol in case.wrt]
    function = jax.jit(sp.lambdify(case.symbols, outputs, modules="jax", cse=True))
    return lambda points: np.stack([np.broadcast_to(each, points.shape[1:]) for each in function(*points)])


def _network_by_hand(case: Case, _: Graph) -> Derivatives:
    """The written-out network as matrices in JAX: what the vectorised form is held against."""
    import jax
    import jax.numpy as jnp

    from compare.benchmarks.peers.cases import NETWORK_INPUTS

    hidden = len(case.wrt) // (NETWORK_INPUTS + 1)
    if case.order == 2 or len(case.symbols) != len(case.wrt) + NETWORK_INPUTS + 1 or not case.symbols[0].name == "w0":
        raise NotImplementedError("a network only")
    split = hidden * NETWORK_INPUTS

    def value(weights: Any, x: Any, y: Any) -> Any:
        return (weights[split:] @ jnp.tanh(weights[:split].reshape(hidden, NETWORK_INPUTS) @ x) - y) ** 2

    single = jax.jit(jax.grad(value))
    batched = jax.jit(jax.vmap(jax.grad(value), in_axes=-1, out_axes=-1))
    count = len(case.wrt)

    def call(points: NDArray[np.float64]) -> Any:
        return (single if points.ndim == 1 else batched)(points[:count], points[count:-1], points[-1])

    return call


def _straight_line(
    graph: Graph,
    known: Mapping[sp.Symbol, Any],
    forms: Mapping[str, Callable[..., Any]],
    constant: Callable[[float], Any],
) -> list[Any]:
    """A graph's outputs in another system's expressions; raises NotImplementedError for a function it lacks."""
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = known[symbol]
    for node, number in graph.constants.items():
        values[node] = constant(float(nearest(number, np.float64)))
    for node, function, operands, static in graph.applications:
        if function.name not in forms:
            raise NotImplementedError(f"no {function.name}")
        values[node] = forms[function.name](*(values[i] for i in operands), *static)
    return [values[node] for node in graph.outputs]


def _forms(module: Any, names: Mapping[str, str] | None = None) -> dict[str, Callable[..., Any]]:
    """The functions of the graph as a module spells them, with the arithmetic of Python's operators."""
    own = ("exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sqrt", "asin", "acos", "atan")
    found: dict[str, Callable[..., Any]] = {
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "negate": operator.neg,
        "power": operator.pow,
        "power_integer": lambda u, n: u ** int(n),
        "power_negative": lambda u, n: 1 / u ** int(n),
        "power_constant": lambda u, c: u ** float(c),
        "sqrt": lambda u: u**0.5,
    }
    for name in own:
        if (form := getattr(module, name, None)) is not None:
            found[name] = form
    return found | {name: getattr(module, spelled) for name, spelled in (names or {}).items()}


SYSTEMS: dict[str, System] = {
    "symdiff": _symdiff("auto"),
    "symdiff tape": _symdiff("tape"),
    "symdiff native": _symdiff("native"),
    "casadi": _casadi,
    "symengine": _symengine,
    "heyoka": _heyoka,
    "torch": _torch,
    "sympy2jax": _sympy2jax,
    "lambdify + jax.grad": _lambdify_grad,
    "sympy.diff + lambdify": _sympy_diff,
    "JAX by hand": _network_by_hand,
}
