"""The C source of the compiled loop, made from the function table: one case of a switch for what a row's form does.

A case computes the value of a function, and with it those of its partials that are no operand, result or constant; it
is a loop over the points of a block, which the compiler vectorises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from symdiff.function import Function

# partials that need no computing: an operand, the result, a constant
PLAIN = ("", "1", "-1", "u", "v", "w", "y")
OPERANDS = ("u", "v", "w")
# what the loop does besides: y = u + v*w; y = u
SHARE, COPY = "share", "copy"

HEADER = """
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <stdatomic.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "xla/ffi/api/c_api.h"
"""
MACROS = """
#define EACH _Pragma("omp simd") for (int64_t j = 0; j < width; j++)
#define ANY _Pragma("omp simd reduction(|:any)") for (int64_t j = 0; j < width; j++)
#define C(x) ((real)(x))
#define LANES (64 / (int64_t)sizeof(real))
"""
# sin and cos of the same number gcc would make one call, which has no vector form
APART = """#ifdef VECTOR_MATHS
__attribute__((simd("notinbranch"), const)) double cos_apart_double(double) __asm__("cos");
__attribute__((simd("notinbranch"), const)) float cos_apart_float(float) __asm__("cosf");
#define cos_apart(u) _Generic((u), float: cos_apart_float, default: cos_apart_double)(u)
#else
#define cos_apart(u) cos(u)
#endif
"""
# of glibc's vector mathematics those functions whose errors are within what the table says
VECTOR = (
    *("sin", "cos", "exp", "log", "pow", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh"),
    *("atanh", "exp2", "log2", "log10", "log1p", "expm1", "cbrt", "hypot", "erf", "erfc"),
)
# logf is up to 3.8 units off, and 3 is what the table says
TOO_FAR = (("log", "float"),)
# those of two arguments
TWO = ("pow", "atan2", "hypot")


class Case(NamedTuple):
    """What one step of the loop may do: a function, or SHARE, and which of its partials it keeps, by operand."""

    name: str
    kept: tuple[int, ...]


def alternatives(row: Function) -> dict[str, tuple[str, ...]]:
    """C forms of a row by the condition under which they hold."""
    return dict(row.native) if isinstance(row.native, Mapping) else {"": row.native}


def partial_forms(row: Function) -> tuple[str, ...]:
    """Of each operand the C form of the partial, "" where it is zero, as the row has it where nothing is static.

    >>> from symdiff.functions import FUNCTIONS
    >>> partial_forms(FUNCTIONS["divide"]), partial_forms(FUNCTIONS["less"])
    (('1/v', '-y/v'), ('', ''))
    """
    forms = next(iter(alternatives(row).values()))[1:]
    return (*forms, *[""] * (row.arity - len(forms)))


def cases_of(row: Function) -> list[Case]:
    """All cases of a row: with no partial kept, and with each choice of those that have to be."""
    stored = [k for k, form in enumerate(partial_forms(row)) if form not in PLAIN]
    chosen = [()] + [(k,) for k in stored] + ([tuple(stored)] if len(stored) == 2 else [])
    return [Case(row.name, kept) for kept in chosen]


def numbered(rows: Iterable[Function]) -> dict[Case, int]:
    """The number of each case, for rows that have C forms."""
    cases = [case for row in rows if row.native for case in cases_of(row)]
    return {case: number for number, case in enumerate([*cases, *(Case(name, ()) for name in (SHARE, COPY))])}


def _loop(operands: str, statements: str) -> str:
    given = "".join(f" const real {name} = {name}_[j];" for name in operands)
    return f"EACH {{{given} {statements} }}"


def _tested(condition: str, operands: str) -> str:
    """The condition, or, where it begins with "any", whether it holds at a point of the block."""
    own = condition.removeprefix("any ")
    if own == condition:
        return condition
    return f"({{ int any = 0; {_loop(operands, f'any |= {own};').replace('EACH', 'ANY')} any; }})"


def _case(row: Function, case: Case, number: int) -> str:
    operands = "".join(OPERANDS[: row.arity])
    branches = []
    for condition, forms in alternatives(row).items():
        kept = "".join(f" p{k}_[j] = {forms[1 + place]};" for k, place in enumerate(case.kept))
        loop = _loop(operands, f"const real y = {forms[0]};{kept} y_[j] = y;")
        branches.append(f"if ({_tested(condition, operands)}) {loop}" if condition else loop)
    return f"case {number}: /* {row.name} {case.kept} */ {{ {' else '.join(branches)} break; }}"


def _steps(rows: Iterable[Function], numbers: Mapping[Case, int]) -> str:
    named = {row.name: row for row in rows}
    cases = [_case(named[case.name], case, number) for case, number in numbers.items() if case.name in named]
    besides = {
        SHARE: _loop("uvw", "y_[j] = u + v*w;"),
        COPY: _loop("u", "y_[j] = u;"),
    }
    cases += [f"case {numbers[Case(name, ())]}: {{ {text} break; }}" for name, text in besides.items()]
    places = "\n".join(
        f"real *const {name}_ = s[{k}] < 0 ? outside[~s[{k}]] : rows + s[{k}]*width;"
        for k, name in enumerate(("y", *OPERANDS, "p0", "p1"), start=1)
    )
    return f"""
static void NAME(steps)(const Job *job, real *rows, real *const *outside) {{
const int64_t width = job->width / LANES * LANES;
const double *const parameters = job->parameters;
for (int64_t i = 0; i < job->length; i++) {{
const int32_t *const s = job->code + 8*i;
{places}
#define n ((real)parameters[2*s[7]])
#define m ((real)parameters[2*s[7] + 1])
switch (s[0]) {{
{chr(10).join(cases)}
}} }}
#undef n
#undef m
}}
"""


def _single(text: str) -> str:
    # functions of forms.c end in an underscore; each type has its own
    return re.sub(r"\b(\w+)_\(", r"\1_f32(", text)


@lru_cache(maxsize=4)
def source_of(rows: tuple[Function, ...]) -> str:
    """The whole source.

    >>> from symdiff.functions import FUNCTIONS
    >>> "y = tanh_f32(u)" in source_of(tuple(FUNCTIONS.values()))
    True
    """
    folder = resources.files("symdiff") / "native"
    forms, block, runtime = ((folder / name).read_text() for name in ("forms.c", "block.c", "runtime.c"))
    opening, rest = runtime.split("enum {", 1)
    vector = "".join(
        f'__attribute__((simd("notinbranch"))) {real} {name}{end}({", ".join([real] * (1 + (name in TWO)))});\n'
        for name in VECTOR
        for real, end in (("double", ""), ("float", "f"))
        if (name, real) not in TOO_FAR
    )
    steps = forms + block + _steps(rows, numbered(rows))
    parts = [HEADER, "#ifdef VECTOR_MATHS\n", vector, "#endif\n#include <tgmath.h>\n", APART, opening]
    parts.append(MACROS)
    for real, name, text in (("double", "f64", steps), ("float", "f32", _single(steps))):
        parts += [f"#define real {real}\n#define NAME(x) x##_{name}\n", text, "#undef real\n#undef NAME\n"]
    return "".join([*parts, "enum {", rest])
