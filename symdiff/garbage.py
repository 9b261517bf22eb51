"""Building a graph makes millions of small objects and no cycles: the collector would look at all of them in vain."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def collection_paused() -> Generator[None]:
    """Leave Python's cyclic garbage collector out while a graph is built, which takes a quarter of the time.

    >>> with collection_paused():
    ...     gc.isenabled()
    False
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
