"""What is checked: an expression in all its symbols, in which of them, what it is called, and where a model looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from compare import points as sampling
from compare.collapse import collapsed
from compare.formula import as_text
from compare.points import At, Point
from symdiff.errors import SymbolError
from symdiff.formula.mentions import mentioned
from symdiff.from_sympy import as_expression, free_symbols
from symdiff.gradients import Gradient, Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.parameter import Parameter


@dataclass(frozen=True)
class Subject:
    """An expression to be checked in `wrt`; of a model also its parameters' `values` and its `data`, row by row.

    `given` is what was given; `mentioned` are symbols that a formula text names and its expression no longer contains.
    """

    given: Any
    name: str
    expression: sp.Expr
    symbols: tuple[sp.Symbol, ...]
    wrt: tuple[sp.Symbol, ...]
    values: Mapping[sp.Symbol, float] = field(default_factory=dict[sp.Symbol, float])
    data: tuple[Point, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    mentioned: tuple[sp.Symbol, ...] = ()

    def __post_init__(self) -> None:
        first: dict[str, sp.Symbol] = {}
        for symbol in (*self.symbols, *self.wrt):
            if first.setdefault(symbol.name, symbol) != symbol:
                raise SymbolError(f"two symbols are called {symbol.name}; rename one, a check reports them by name")

    @cached_property
    def text(self) -> str:
        """The expression on one line."""
        return as_text(self.expression) if isinstance(self.given, Model) else self.name

    @property
    def parameters(self) -> dict[str, Parameter]:
        """A model's parameters by name."""
        named = self.given.parameters.items() if isinstance(self.given, Model) else ()
        return {symbol.name: parameter for symbol, parameter in named}

    @property
    def drawn(self) -> bool:
        """Whether points are drawn where none are given."""
        return not self.data


def read_subject(subject: Any, wrt: Wrt | None) -> Subject:
    """Read an expression, a formula text, a Gradient or a Model; raises SymbolError, ParseError or InputError.

    >>> x, y = sp.symbols("x y", real=True)
    >>> read_subject(x * y, "x").wrt
    (x,)
    """
    if isinstance(subject, Model):
        return _of_model(subject, wrt)
    if isinstance(subject, Gradient):
        chosen = subject.wrt if wrt is None else find_symbols(wrt, subject.wrt)
        for symbol in chosen:
            if symbol not in subject.wrt:
                taken = ", ".join(map(str, subject.wrt))
                raise SymbolError(f"wrt holds {symbol}, but the gradient was taken in {taken}; choose among these")
        symbols = free_symbols(subject.expression)
        return Subject(subject, as_text(subject.expression), subject.expression, symbols, chosen)
    expression = as_expression(subject, "the subject")
    symbols = free_symbols(expression)
    every = mentioned(subject) if isinstance(subject, str) else ()
    gone = tuple(symbol for symbol in every if symbol not in symbols)
    if not symbols and not gone and wrt is None:
        raise SymbolError(f"{as_text(expression)} contains no symbol, so it has no derivative to check")
    chosen = find_symbols((symbols or gone) if wrt is None else wrt, symbols + gone)
    return Subject(subject, as_text(expression), expression, symbols, chosen, mentioned=gone)


def _of_model(model: Model, wrt: Wrt | None) -> Subject:
    symbols = free_symbols(model.loss)
    values = {symbol: parameter.value for symbol, parameter in model.parameters.items()}
    facts = {"checked": "the loss of one sample", "prediction": as_text(model.prediction)} | collapsed(model)
    data: tuple[Point, ...] = ()
    if model.data is not None:
        columns = {symbol: model.data[symbol.name].tolist() for symbol in model.observed}
        data = tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
        facts["data"] = f"{len(data):,} sample{'s' * (len(data) != 1)}"
    chosen = tuple(model.parameters) if wrt is None else find_symbols(wrt, symbols)
    return Subject(model, model.name, model.loss, symbols, chosen, values, data, facts)


def places(asked: Subject, graph: Graph, at: At | Sequence[At] | None, count: int, seed: int) -> list[Point]:
    """The points of a check: those given, completed from the model; else the model's data; else drawn."""
    symbols = tuple(dict.fromkeys((*asked.symbols, *asked.wrt)))
    known = {symbol: value for symbol, value in asked.values.items() if symbol in symbols}
    if at is None and asked.data:
        return [{symbol: (known | row)[symbol] for symbol in symbols} for row in asked.data]
    if at is None:
        return [place | known for place in sampling.seeded(graph, symbols, count, seed)]
    observed = {symbol.name for row in asked.data[:1] for symbol in row}
    expanded: list[Point] = []
    for mapping in sampling.mappings(at):
        named = set(map(str, mapping))
        needed = symbols + tuple(s for s in asked.mentioned if s.name in named and s not in symbols)
        # data are filled in row by row, unless some of them are given
        filled = asked.data if observed.isdisjoint(map(str, mapping)) and observed else ({},)
        for row in filled:
            here = {symbol: value for symbol, value in row.items() if symbol in symbols}
            expanded.append(sampling.given(mapping, needed, known | here))
    return expanded
