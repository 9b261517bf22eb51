"""How the compiled loop is built and kept: once, whole, for its user only; and what is said where it cannot be."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from symdiff.native import library
from symdiff.native.library import CannotBuild

SCRIPT = """
import sympy as sp, symdiff
x = sp.Symbol("x", real=True)
print(float(symdiff.lambdify([x], sp.exp(sp.sin(x)) * sp.Rational(1, 3), method="native")(0.0)))
"""
PATH = os.environ.get("PATH", "")


def started(cache, path=PATH, script=SCRIPT):
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "PATH": str(path), "JAX_PLATFORMS": "cpu"}
    # the tape machine, which takes over, would keep a file of its own there
    environment["SYMDIFF_CACHE"] = "0"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-W", "always::UserWarning", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    printed, told = process.communicate(timeout=250)
    assert process.returncode == 0, told
    assert abs(float(printed) - 1 / 3) < 1e-16
    return told


def files(cache):
    return sorted(path.name for path in (pathlib.Path(cache) / "symdiff").iterdir())


def compiler(folder, text):
    """A folder for the PATH with a compiler of one's own and the shell's tools."""
    folder.mkdir()
    for tool in ("sh", "as", "ld", "cat"):
        if shutil.which(tool):
            (folder / tool).symlink_to(shutil.which(tool))
    (folder / "cc").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "cc").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A cache that two processes built at the same time, and what they said."""
    cache = tmp_path_factory.mktemp("cache")
    return cache, [ended(process) for process in [started(cache) for _ in range(2)]]


def test_processes_that_build_at_the_same_time_leave_one_file(built):
    cache, told = built
    assert not any("NativeWarning" in text for text in told)
    (name,) = files(cache)
    made = cache / "symdiff" / name
    assert made.stat().st_mode & 0o777 == 0o700
    assert (cache / "symdiff").stat().st_mode & 0o777 == 0o700
    # found by the next process, and not built again
    before = made.stat().st_mtime_ns
    ended(started(cache))
    assert made.stat().st_mtime_ns == before


def test_no_compiler(tmp_path):
    (tmp_path / "empty").mkdir()
    told = ended(started(tmp_path, tmp_path / "empty"))
    assert "NativeWarning: there is no compiled loop here, since no C compiler (cc, gcc, clang) is on the PATH" in told


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(tmp_path):
    bin_ = compiler(tmp_path / "bin", 'echo "native.c:1: error: no such thing" >&2; exit 1')
    told = ended(started(tmp_path, bin_))
    assert "fails: native.c:1: error: no such thing; method 'native' runs on the tape machine instead" in told
    assert files(tmp_path) == []


def test_without_vector_mathematics(tmp_path):
    real = next(filter(None, map(shutil.which, library.COMPILERS)))
    refuse = 'for a in "$@"; do [ "$a" = "-lmvec" ] && { echo "error: no -lmvec" >&2; exit 1; }; done'
    told = ended(started(tmp_path, compiler(tmp_path / "bin", f'{refuse}\nexec {real} "$@"')))
    assert "NativeWarning" not in told
    assert len(files(tmp_path)) == 1


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "symdiff").mkdir()
    (tmp_path / "symdiff").chmod(0o777)
    with pytest.raises(CannotBuild, match="belongs to another user or may be written by others"):
        library.cache_folder()
    told = ended(started(tmp_path))
    assert "NativeWarning" in told
    assert files(tmp_path) == []


def test_a_folder_that_is_a_link_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "symdiff").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotBuild, match="belongs to another user or may be written by others"):
        library.cache_folder()


@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_file_that_others_may_write_to_is_not_loaded(built, tmp_path, mode):
    shutil.copytree(built[0], tmp_path, dirs_exist_ok=True)
    (name,) = files(tmp_path)
    (tmp_path / "symdiff" / name).chmod(mode)
    assert f"{name} may be written by others; delete it" in ended(started(tmp_path))


def test_a_relative_cache_folder_is_ignored_as_the_specification_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    assert library.cache_folder() == tmp_path / ".cache" / "symdiff"


def test_a_cache_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    told = ended(started(tmp_path / "file"))
    assert "NativeWarning: there is no compiled loop here" in told
