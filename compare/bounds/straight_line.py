"""A closed jaxpr as a straight line of primitives: calls written out, and nothing computed twice or for nothing.

JAX's own derivative of a function repeats itself: what forward and reverse both need, and constants spread over the
points. Equal operations on equal operands give equal numbers, so one of them is enough, to run and to bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from compare.bounds.jax_primitives import COMPARISONS, ELEMENTWISE, IDENTITIES, LOGIC, STEPS, movement

THREADS = 4
# primitives that only move numbers: NumPy does that too, and compiles nothing for it
MOVING = frozenset({"broadcast_in_dim", "reshape", "squeeze", "concatenate", "stack"})
# of these a scalar operand may be spread over the points first, so that one compiled program serves
POINTWISE = frozenset({*ELEMENTWISE, *COMPARISONS, *LOGIC, "max", "min", "pow"}) - {"clamp"}
# what may be run at made-up numbers: no loop, no effect
HARMLESS = POINTWISE | {"integer_pow", "sign", "select_n", "convert_element_type", *STEPS}
# what IEEE 754 rounds correctly, or not at all: however it is compiled, the numbers are the same
_ARITHMETIC = {"add", "add_any", "sub", "mul", "div", "neg", "abs", "sqrt", "square", "integer_pow", "max", "min"}
EXACT = frozenset({*_ARITHMETIC, *COMPARISONS, *LOGIC, *STEPS, "sign", "select_n", "convert_element_type"})
# so XLA may be quick about it: half of the time
QUICKLY = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0}


class Step(NamedTuple):
    """One primitive and the slots that it reads and writes."""

    primitive: Any
    params: dict[str, Any]
    key: Any  # of the primitive and its parameters, None if they are not hashable
    sources: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class StraightLine:
    """Steps in order, over numbered slots; `constants` and `inputs` are filled before the first step.

    `kinds` are shape and dtype of every slot.
    """

    kinds: tuple[tuple[tuple[int, ...], Any], ...]
    inputs: tuple[int, ...]
    constants: tuple[tuple[int, Any], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many slots there are."""
        return len(self.kinds)

    @cached_property
    def programs(self) -> tuple[Any, ...]:
        """What can be compiled in advance: primitives with their parameters, and the kinds of their operands."""
        taken = [step for step in self.steps if step.key is not None and step.primitive.name in HARMLESS]
        return tuple(dict.fromkeys((step.key, tuple(self.kinds[i] for i in step.sources)) for step in taken))


def body(equation: Any) -> Any:
    """The closed jaxpr of a call, None of any other operation; loops and conditionals stay as they are."""
    if equation.primitive.name in ("while", "scan", "cond"):
        return None
    return equation.params.get("jaxpr") or equation.params.get("call_jaxpr")


def straight_line(closed: Any) -> StraightLine:
    """Write out a closed jaxpr.

    >>> import jax.numpy as jnp
    >>> twice = straight_line(jax.make_jaxpr(lambda x: jnp.where(x > 0, x * x, 1.0) + jnp.square(x) * 0 + x * x)(3.0))
    >>> [step.primitive.name for step in twice.steps].count("mul")
    2
    """
    return _Writer().written(closed)


class _Writer:
    def __init__(self) -> None:
        self.kinds: list[Any] = []
        self.constants: dict[int, Any] = {}
        self.steps: list[Step] = []
        self.effects: set[int] = set()
        self.known: dict[Any, tuple[int, ...]] = {}

    def written(self, closed: Any) -> StraightLine:
        inputs = tuple(self.slot(variable.aval) for variable in closed.jaxpr.invars)
        outputs = self.call(closed, inputs)
        needed, kept = set(outputs), list[Step]()
        for number, step in reversed(list(enumerate(self.steps))):
            if number in self.effects or not needed.isdisjoint(step.targets):
                needed.update(step.sources)
                kept.append(step)
        constants = tuple((slot, value) for slot, value in self.constants.items() if slot in needed)
        return StraightLine(tuple(self.kinds), inputs, constants, tuple(kept[::-1]), outputs)

    def slot(self, like: Any) -> int:
        """A new slot for what has a shape and a dtype like this."""
        self.kinds.append((tuple(like.shape), like.dtype))
        return len(self.kinds) - 1

    def constant(self, value: Any, aval: Any) -> int:
        number = np.asarray(value) if not isinstance(aval.dtype, np.dtype) else np.asarray(value, aval.dtype)
        key = ("constant", number.shape, number.dtype.str, number.tobytes()) if number.ndim == 0 else None
        return self.held(key, number)

    def held(self, key: Any, number: Any) -> int:
        if key is not None and key in self.known:
            return self.known[key][0]
        slot = self.slot(number)
        self.constants[slot] = number
        if key is not None:
            self.known[key] = (slot,)
        return slot

    def call(self, closed: Any, given: Sequence[int]) -> tuple[int, ...]:
        """Slots of the outputs; as deep as JAX's calls are nested, which is not how deep an expression is."""
        jaxpr = closed.jaxpr
        held = [self.held(None, value) for value in closed.consts]
        slots: dict[Any, int] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*held, *given], strict=True))

        def read(atom: Any) -> int:
            return self.constant(atom.val, atom.aval) if hasattr(atom, "val") else slots[atom]

        for equation in jaxpr.eqns:
            operands = tuple(read(atom) for atom in equation.invars)
            inner = body(equation)
            found = self.step(equation, operands) if inner is None else self.call(inner, operands)
            slots.update(zip(equation.outvars, found, strict=True))
        return tuple(read(atom) for atom in jaxpr.outvars)

    def step(self, equation: Any, operands: tuple[int, ...]) -> tuple[int, ...]:
        primitive, params = equation.primitive, equation.params
        if primitive.name in IDENTITIES:
            return operands
        avals = tuple(variable.aval for variable in equation.outvars)
        shape = avals[0].shape if avals else ()
        spread = tuple(self.spread(i, shape) if primitive.name in POINTWISE else i for i in operands)
        if primitive.name == "broadcast_in_dim" and np.ndim(self.constants.get(operands[0], [])) == 0:
            return (self.spread(operands[0], shape),)
        try:
            key = (primitive, tuple(params.items()))
            same = None if equation.effects else self.known.get((key, spread))
        except TypeError:
            key, same = None, None
        if same is not None:
            return same
        targets = tuple(self.slot(aval) for aval in avals)
        if equation.effects:
            self.effects.add(len(self.steps))
        elif key is not None:
            self.known[key, spread] = targets
        self.steps.append(Step(primitive, params, key, spread, targets))
        return targets

    def spread(self, slot: int, shape: tuple[int, ...]) -> int:
        """A scalar constant at every point; any other slot as it is."""
        value = self.constants.get(slot)
        if value is None or np.ndim(value) or not shape:
            return slot
        return self.held(("spread", slot, shape), np.broadcast_to(value, shape))


@lru_cache(maxsize=1024)
def _operation(key: Any) -> Callable[..., Any]:
    primitive, params = key[0], dict(key[1])
    quickly = primitive.name in EXACT and jax.default_backend() == "cpu"
    return jax.jit(lambda *operands: primitive.bind(*operands, **params), compiler_options=QUICKLY if quickly else None)


_begun: set[Any] = set()


def forget() -> None:
    """Forget what has been compiled, as `jax.clear_caches` makes JAX do."""
    _operation.cache_clear()
    _begun.clear()


def _one_by_one() -> bool:
    """Whether nothing is to be compiled, as under `jax.disable_jit`."""
    config: Any = jax.config
    return bool(config.jax_disable_jit)


def run(line: StraightLine, arrays: Sequence[Any]) -> list[Any]:
    """The outputs, as JAX computes one primitive after the other; what only moves numbers is left to NumPy.

    >>> run(straight_line(jax.make_jaxpr(lambda x: x * x)(3.0)), [np.array(3.0)])
    [Array(9., dtype=float64)]
    """
    eager = _one_by_one()
    slots: list[Any] = [None] * line.size
    for slot, value in line.constants:
        slots[slot] = value
    for slot, array in zip(line.inputs, arrays, strict=True):
        slots[slot] = array
    for step in line.steps:
        operands = [slots[i] for i in step.sources]
        name = step.primitive.name
        moving = name in MOVING and isinstance(line.kinds[step.targets[0]][1], np.dtype)
        move = movement(name, step.params, [np.shape(a) for a in operands]) if moving else None
        if move is not None:
            found: Any = move(*map(np.asarray, operands))
        elif eager or step.key is None:
            found = step.primitive.bind(*operands, **step.params)
        else:
            found = _operation(step.key)(*operands)
        if step.primitive.multiple_results:
            for slot, each in zip(step.targets, found, strict=True):
                slots[slot] = each
        else:
            slots[step.targets[0]] = found
    return [slots[i] for i in line.outputs]


def compiling(lines: Iterable[StraightLine]) -> list[Future[None]]:
    """Begin to compile what the programs run, side by side: XLA leaves the interpreter free meanwhile.

    Who runs one before its futures are done compiles it once more.
    """
    if _one_by_one():
        return []
    wanted = dict.fromkeys(full for line in dict.fromkeys(lines) for full in line.programs if full not in _begun)
    if not wanted:
        return []
    _begun.update(wanted)
    pool = ThreadPoolExecutor(THREADS)
    futures = [pool.submit(_compile, *full) for full in wanted]
    pool.shutdown(wait=False)
    return futures


def _compile(key: Any, kinds: Sequence[tuple[tuple[int, ...], Any]]) -> None:
    # at made-up numbers
    _operation(key)(*(np.ones(shape, dtype) for shape, dtype in kinds))
