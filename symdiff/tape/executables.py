"""Machines kept between processes: what XLA compiled for a size class, in the user's cache.

Tracing and compiling a machine takes some tenths of a second, and reading it back some hundredths. A file is named by
a hash of all that it depends on (the sources of this package, JAX, the processor, the kinds and the shapes), carries
a checksum, appears whole by a rename, and is read only where it and its folder belong to the user and nobody else may
write there, since it holds code. JAX's own configuration and cache are left as they are. `SYMDIFF_CACHE=0` switches
this off.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import sympy as sp
from jax.experimental import serialize_executable

import symdiff
from symdiff.native.library import CannotBuild, cache_folder, own, processor
from symdiff.tape.tape import Kind

SWITCH = "SYMDIFF_CACHE"
# files in the cache; of more the ones unused for longest go
MOST_FILES = 128
_CHECKSUM = hashlib.sha256().digest_size
# environment variables that change what XLA makes
_VARIABLES = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_NUM_CPU_DEVICES")

Machine = Callable[..., jax.Array]
_loaded: dict[Any, Machine] = {}


def machine(run: Any, kinds: tuple[Kind, ...], arguments: Sequence[Any]) -> Machine:
    """The jitted `run(kinds, *arguments)` as a function of arguments of these shapes, compiled or read back."""
    shapes = tuple((array.shape, array.dtype.str) for array in arguments)
    key = run, kinds, shapes
    known = _loaded.get(key)
    if known is None:
        known = _loaded[key] = _made(run, kinds, shapes, arguments) if is_kept(kinds) else partial(run, kinds)
    return known


def plain() -> bool:
    """Whether JAX is to run compiled code on its first CPU as it always does, without looking into it."""
    config: Any = jax.config
    watched = config.jax_disable_jit or config.jax_debug_nans or config.jax_debug_infs
    return bool(config.jax_enable_x64) and not watched and config.jax_default_device is None


def is_kept(kinds: Sequence[Kind]) -> bool:
    """Whether a machine of these kinds is kept: all are JAX's own or of this package, and none calls the host."""
    if os.environ.get(SWITCH, "").lower() in ("0", "no", "off", "false") or not hasattr(os, "getuid"):
        return False
    paths = [kind.function.jax for kind in kinds if not kind.function.callback]
    return len(paths) == len(kinds) and all(
        isinstance(path, str) and path.startswith(("jax.", "symdiff.")) for path in paths
    )


def _made(run: Any, kinds: tuple[Kind, ...], shapes: Any, arguments: Sequence[Any]) -> Machine:
    file = _file(run, kinds, shapes)
    found = None if file is None else _read(file, arguments)
    if found is None:
        found = run.lower(kinds, *arguments).compile()
        if file is not None:
            _write(file, found)
    return found


def _file(run: Any, kinds: tuple[Kind, ...], shapes: Any) -> Path | None:
    """Where a machine is kept; None where there is no safe folder."""
    told = [
        (k.function.name, k.function.jax, [d.truth for d in k.function.domain], k.moving, sp.srepr(k.static))
        for k in kinds
    ]
    config: Any = jax.config
    text = repr((run.__name__, told, shapes, config.jax_default_matmul_precision))
    name = hashlib.sha256(_surroundings() + text.encode()).hexdigest()[:32]
    try:
        return cache_folder() / f"tape_{name}.bin"
    except (CannotBuild, OSError, RuntimeError):
        return None


@cache
def _surroundings() -> bytes:
    """A hash of what every machine depends on."""
    found = hashlib.sha256()
    for source in sorted(Path(symdiff.__file__).parent.rglob("*.py")):
        found.update(source.read_bytes())
    variables = [os.environ.get(name, "") for name in _VARIABLES]
    versions = [jax.__version__, version("jaxlib"), processor(), str(os.cpu_count()), str(jax.device_count())]
    found.update("\0".join([*variables, *versions]).encode())
    return found.digest()


def _read(file: Path, arguments: Sequence[Any]) -> Machine | None:
    """The machine in a file; None where there is none, or it is not to be trusted."""
    try:
        if not own(file):
            return None
        content = file.read_bytes()
        payload = content[_CHECKSUM:]
        if hashlib.sha256(payload).digest() != content[:_CHECKSUM]:
            return None
        given, result = jax.tree.structure((tuple(arguments), {})), jax.tree.structure(0)
        found = serialize_executable.deserialize_and_load(payload, given, result)
    except Exception:  # whatever is wrong with it, it is compiled anew
        return None
    with suppress(OSError):
        os.utime(file)
    return found


def _write(file: Path, compiled: Any) -> None:
    """Keep a machine, if that can be done."""
    with suppress(Exception):
        payload = serialize_executable.serialize(compiled)[0]
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix="tape_", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.sha256(payload).digest() + payload)
            Path(temporary).replace(file)
        finally:
            Path(temporary).unlink(missing_ok=True)
        files = sorted(file.parent.glob("tape_*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in files[MOST_FILES:]:
            old.unlink(missing_ok=True)
