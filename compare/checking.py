"""`check`: one definition, three routes, a referee, and a verdict for every partial derivative at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from compare import judging, provenance
from compare.arrays.checking import check_arrays
from compare.comparison import Comparison
from compare.explanations.repeating import with_commands
from compare.fingerprint import hashes
from compare.formula import formulas_of
from compare.options import dtype_name, rounded, whole_number
from compare.points import At, Point
from compare.row import Row
from compare.rows import rows_of, targets
from compare.second_order import MODES, hessian_graph, pairs
from compare.stress import stressed
from compare.subject import Subject, places, read_subject
from compare.verdict import Verdict
from symdiff.errors import OptionError, UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.gradients import Wrt
from symdiff.model import Model
from symdiff.symbolic import gradient_graph


def check(
    subject: Any,
    wrt: Wrt | None = None,
    at: At | Sequence[At] | None = None,
    points: int = 64,
    seed: int = 0,
    dtype: str = "float64",
    order: int = 1,
    stress: bool = False,
    compiled: bool = False,
) -> Comparison:
    """Compare the three routes with the referee for every partial derivative of `subject`.

    Args:
        subject: an expression (or formula text), a `Gradient`, or a `Model`: then the loss of one sample is checked.
        wrt: symbols or names; by default a model's parameters, else every symbol.
        at: one mapping or a list of mappings from symbols or names to numbers, for arrays to nested lists or NumPy
            arrays, for lengths, which may be left out where they follow from arrays, to whole numbers. A model fills in
            its parameters' values, and its data, row by row, where inputs and target are left out. Default: a model's
            data; else `points` seeded points.
        points: how many points to draw where none are given; fewer are drawn where arrays are large, as `facts` says,
            which also tells how many entries of a large array are looked at.
        seed: of the drawn points.
        dtype: "float64" or "float32": inputs are rounded to it first, and the referee takes the rounded ones as exact.
        order: 1, the gradient; 2, the second partials: of every pair of `wrt` a row, whose `wrt` is "x,y". Each route
            computes them forward over reverse and reverse over reverse, in both orders; the worst number is shown. Of
            arrays a row is of a pair of entries, such as "W[0, 1],b[2]", random ones where there are many.
        stress: add as many points again near poles and edges of domains, at and beside kinks and seams, and of tiny and
            huge magnitude.
        compiled: run the two JAX routes as XLA compiles them, for programs of up to 1,000 operations, and not one
            operation after the other: what `jax.jit` runs, at the price of compiling it, 0.1 s and more a route.
            Expressions of arrays are always run so.

    Raises SymbolError, OptionError and their kin for bad input; an unsupported function is a verdict, not an error.

    >>> x = sp.Symbol("x", real=True)
    >>> c = check(sp.Abs(x) * sp.exp(x), at=[{"x": 1.5}, {"x": 0}])
    >>> [row.verdict.value for row in c.rows], c.rows[1].slopes, c.exit_code
    (['agree', 'undefined'], (-1.0, 1.0), 0)

    """
    kind = dtype_name(dtype)
    if isinstance(order, bool) or order not in (1, 2):
        raise OptionError(f"order is {order!r}; give 1 for the gradient or 2 for the Hessian")
    points, seed = whole_number("points", points, 1), whole_number("seed", seed, 0)
    asked = read_subject(subject, wrt)
    drawn = at is None and asked.drawn
    names = tuple(target.name for target in targets(asked.wrt, order))
    common: dict[str, Any] = {
        "subject": asked.name,
        "expression": asked.text,
        "wrt": names,
        "dtype": kind,
        "seed": seed if drawn or stress else None,
        "facts": dict(asked.facts),
        "constants": judging.constants(kind),
        "versions": provenance.versions(),
        "parameters": asked.parameters,
    }

    def repeated(at_given: Sequence[Point]) -> str | None:
        count = points if drawn or stress else None
        return more_options(provenance.command(asked, at, at_given, count, seed, kind), order, stress, compiled)

    try:
        graph = graph_of([asked.expression])
        common["hashes"] = hashes(graph, asked.given)
        if graph.shapes or not set(graph.inputs) <= set(asked.symbols):
            # arrays, or a length that is left of them
            return check_arrays(asked, graph, at, points, seed, kind, common, order, stress, _bounds(asked))
        derived = gradient_graph(graph, asked.wrt, textbook=True)
    except UnsupportedError as error:
        rows = tuple(Row.without_numbers(name, Verdict.UNSUPPORTED, str(error)) for name in names)
        return Comparison(**common, rows=rows, command=repeated([]))
    symbols = tuple(dict.fromkeys((*graph.inputs, *asked.wrt)))
    at_given = places(asked, graph, at, points, seed)
    command = repeated(at_given)
    if stress:
        at_given += stressed(graph, tuple(at_given[0]), points, seed, kind, at_given, _bounds(asked))
    found = rows_of(graph, asked.wrt, symbols, [rounded(place, kind) for place in at_given], kind, order, compiled)
    operations = {"model": graph.operation_count, "model and gradient": derived.operation_count}
    outputs = derived.outputs[1:]
    if order == 2:
        derived = hessian_graph(derived, asked.wrt, MODES[1])
        operations["Hessian"] = derived.operation_count
        outputs = tuple(derived.outputs[i * len(asked.wrt) + j] for i, j in pairs(asked.wrt))
    formulas = dict(zip(names, formulas_of(derived, outputs), strict=True))
    rows = with_commands(found, command)
    return Comparison(
        **common, rows=rows, command=command, model=asked.expression, formulas=formulas, operations=operations
    )


def more_options(command: str | None, order: int, stress: bool, compiled: bool = False) -> str | None:
    """A command line with the options of a check that it does not have yet.

    >>> more_options("symdiff check x --wrt x", 2, True)
    'symdiff check --order 2 --stress x --wrt x'
    """
    words = ["--order 2"] * (order == 2) + ["--stress"] * bool(stress) + ["--compiled"] * bool(compiled)
    begin = "symdiff check "
    return command if command is None or not words else begin + " ".join([*words, command.removeprefix(begin)])


def _bounds(asked: Subject) -> Mapping[sp.Symbol, tuple[float, float]]:
    """Between which numbers a model's parameters may lie."""
    if not isinstance(asked.given, Model):
        return {}
    wide = float("inf")
    found = asked.given.parameters.items()
    return {s: (-wide if p.min is None else p.min, wide if p.max is None else p.max) for s, p in found}
