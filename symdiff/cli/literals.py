"""Points as they are typed: `w=1, x=-2.5e3`, and arrays as `W=[[1, 2], [3, 4]]`."""

from __future__ import annotations

import math
import re
from typing import Any

from symdiff.errors import OptionError

DEEPEST = 8
_PIECE = re.compile(r"[\[\],]|[^\[\],]+")


def point(text: str) -> dict[str, Any]:
    """Read a point such as `w=1,W=[[1,2],[3,4]]`; raises OptionError naming the part that cannot be read.

    >>> point("w=1, x=-2.5e3, W=[[1, 2], [3, 4]]")
    {'w': 1.0, 'x': -2500.0, 'W': [[1.0, 2.0], [3.0, 4.0]]}
    """
    found: dict[str, Any] = {}
    for part in _parted(text):
        # an entry such as W[0, 1] has no = in its name
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals):
            hint = "name=number; write --at w=1,x=2" if "[" not in text else "name=number or name=array"
            raise OptionError(f"--at {_cut(text)!r}: {_cut(part.strip())!r} is not {hint}")
        if name in found:
            raise OptionError(f"--at {_cut(text)!r}: {name} is given twice; give it once")
        found[name] = _array(text, name, value) if value.startswith("[") else _number(text, name, value)
    return found


def _parted(text: str) -> list[str]:
    """The text cut at the commas outside of brackets."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text) or [""]:
        depth += (piece == "[") - (piece == "]")
        if depth < 0 or depth > DEEPEST:
            raise OptionError(
                f"--at {_cut(text)!r}: {'] without [' if depth < 0 else 'too many [ in each other'}; {_ARRAYS}"
            )
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    if depth:
        raise OptionError(f"--at {_cut(text)!r}: [ without ]; {_ARRAYS}")
    return parts


_ARRAYS = "write an array as W=[[1,2],[3,4]]"


def _array(text: str, name: str, value: str) -> list[Any]:
    """Nested lists of numbers."""
    whole: list[Any] = []
    open_lists = [whole]
    # what may follow: an entry, or a comma or ]
    wants_entry = True
    for piece in (found.strip() for found in _PIECE.findall(value)):
        if not piece:
            continue
        if piece in ",]":
            if wants_entry or len(open_lists) == 1:
                raise OptionError(f"--at {_cut(text)!r}: {name}: an entry is missing before '{piece}'; {_ARRAYS}")
            if piece == "]":
                open_lists.pop()
            wants_entry = piece == ","
        elif not wants_entry or (len(open_lists) == 1 and whole):
            raise OptionError(f"--at {_cut(text)!r}: {name}: a comma is missing before {_cut(piece)!r}; {_ARRAYS}")
        elif piece == "[":
            inner: list[Any] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        else:
            open_lists[-1].append(_number(text, name, piece))
            wants_entry = False
    return whole[0]


def _number(text: str, name: str, written: str) -> float:
    try:
        # float() also reads 1_000 and digits of other scripts
        value = float(written) if written.isascii() and "_" not in written else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        wrong = f"{name} is {_cut(written)!r}"
        raise OptionError(f"--at {_cut(text)!r}: {wrong}; give a finite decimal number such as -1.5e-3")
    return value


def _cut(text: str) -> str:
    """A long text for a message."""
    return text if len(text) <= 80 else f"{text[:60]}…{text[-16:]}"
