"""The compiled loop as a file: built by the machine's C compiler, kept in the user's cache, registered with XLA.

A file is named by a hash of what it depends on (source, compiler, flags, processor), appears whole by a rename, and
is loaded only if it and its folder belong to the user and nobody else may write there.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jax

from symdiff.functions import FUNCTIONS
from symdiff.native.source import Case, numbered, source_of

# set to 0, no, off or false where nothing is to be compiled
SWITCH = "SYMDIFF_NATIVE"
COMPILERS = ("cc", "gcc", "clang")
# nothing that changes values: no contraction to fused multiply-add, no reassociation, NaN and infinity as they are
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-w")
# tried in this order: what a compiler or a C library lacks is left out
VARIANTS = (
    ("-march=native", "-fopenmp-simd", "-DVECTOR_MATHS", "-lmvec", "-lm"),
    ("-march=native", "-fopenmp-simd", "-lm"),
    ("-lm",),
)
BUILD_SECONDS = 300


@dataclass(frozen=True)
class Library:
    """A loaded loop: the name under which XLA knows it, and the number of each of its cases."""

    target: str
    cases: dict[Case, int]


class CannotBuild(Exception):  # noqa: N818 - a reason, told as a warning
    """Why there is no compiled loop here."""


def library() -> Library:
    """The compiled loop for the function table as it is now, built where it is not yet there.

    Raises CannotBuild with the reason.
    """
    if os.environ.get(SWITCH, "").lower() in ("0", "no", "off", "false"):
        raise CannotBuild(f"it is switched off by the environment variable {SWITCH}")
    if jax.default_backend() != "cpu":
        raise CannotBuild(f"JAX runs on {jax.default_backend()}, not on a CPU")
    if not hasattr(os, "getuid"):
        raise CannotBuild(f"{platform.system()} is not supported")
    target, reason = _library(source_of(tuple(FUNCTIONS.values())))
    if reason:
        raise CannotBuild(reason)
    return Library(target, numbered(FUNCTIONS.values()))


@lru_cache(maxsize=8)
def _library(source: str) -> tuple[str, str]:
    """The target of this source, or the reason why there is none; a failure is not tried again."""
    try:
        return _loaded(source), ""
    except CannotBuild as error:
        return "", str(error)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return "", " ".join(str(error).split())


def _loaded(source: str) -> str:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise CannotBuild("no C compiler (cc, gcc, clang) is on the PATH")
    key = hashlib.sha256("\0".join([source, _version(compiler), repr(VARIANTS), repr(FLAGS), processor()]).encode())
    key.update((Path(jax.ffi.include_dir()) / "xla/ffi/api/c_api.h").read_bytes())
    name = f"symdiff_native_{key.hexdigest()[:24]}"
    file = cache_folder() / f"{name}.so"
    if not file.exists():
        build(source, compiler, file)
    if not own(file):
        raise CannotBuild(f"{file} may be written by others; delete it")
    loaded = ctypes.CDLL(str(file))
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(loaded.symdiff_run), platform="cpu")
    return name


def cache_folder() -> Path:
    """The user's folder for compiled loops, made where it is not there; nobody else may write to it."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # the specification says that a relative path is to be ignored
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    folder = root / "symdiff"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not own(folder):
        raise CannotBuild(f"the cache folder {folder} belongs to another user or may be written by others")
    return folder


def own(path: Path) -> bool:
    """Whether a file or folder, no link, is this user's and only this user may write to it."""
    status = path.lstat()
    mine = status.st_uid == os.getuid()
    return mine and not stat.S_ISLNK(status.st_mode) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def build(source: str, compiler: str, file: Path) -> None:
    """Compile the source to a file, which appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="build_") as workplace:
        text, made = Path(workplace) / "native.c", Path(workplace) / file.name
        text.write_text(source)
        reason = ""
        for variant in VARIANTS:
            order = [compiler, *FLAGS, "-I", jax.ffi.include_dir(), str(text), "-o", str(made), *variant]
            try:
                done = subprocess.run(order, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)  # noqa: S603
            except subprocess.TimeoutExpired:
                reason = f"took more than {BUILD_SECONDS} s"
                continue
            if done.returncode == 0 and _loads(made):
                made.chmod(0o700)
                made.replace(file)
                return
            reason = next((line for line in done.stderr.splitlines() if "error" in line), "the result does not load")
    raise CannotBuild(f"{compiler} fails: {reason}")


def _loads(made: Path) -> bool:
    try:
        ctypes.CDLL(str(made))
    except OSError:
        return False
    return True


def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    return done.stdout


def processor() -> str:
    """What the processor can do, which -march=native makes use of."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), platform.processor())
    models = [line for line in lines if line.startswith(("model", "cpu family"))][:4]
    return " ".join([platform.machine(), platform.libc_ver()[1], flags, *models])
