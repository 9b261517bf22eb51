"""Machines kept between processes: the same bits as a compiled one, no stale, foreign or damaged file taken."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import sympy as sp

from symdiff import value_and_gradient
from symdiff.tape import executables
from symdiff.tape.tape import Kind, tape_of

X = sp.symbols("x0:3", real=True)
AT = (0.3, 0.7, 1.1)


def _expression() -> sp.Expr:
    u, v, w = X
    return sp.sin(u * v) * sp.exp(-w) + sp.tanh(u + w) / (2 + v)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(executables, "_loaded", {})
    monkeypatch.delenv(executables.SWITCH, raising=False)
    return tmp_path / "symdiff"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files of machines that were compiled, not read."""
    found: list[str] = []
    write = executables._write

    def told(file: Path, machine: Any) -> None:
        found.append(file.name)
        write(file, machine)

    monkeypatch.setattr(executables, "_write", told)
    return found


def _answer(route: Any = "symbolic") -> list[float]:
    executables._loaded.clear()
    value, partials = value_and_gradient(_expression(), X, route=route, method="tape")(*AT)
    return [float(value), *map(float, partials)]


@pytest.mark.parametrize("route", ["symbolic", "autodiff"])
def test_a_machine_that_was_read_gives_the_bits_of_the_compiled_one(
    folder: Path, compiled: list[str], route: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _answer(route), _answer(route)
    assert first == second
    assert len(compiled) == 1
    assert [file.name for file in folder.glob("tape_*")] == compiled
    monkeypatch.setenv(executables.SWITCH, "0")
    assert _answer(route) == first
    exact = [_expression(), *(sp.diff(_expression(), x) for x in X)]
    expected = [float(e.subs(dict(zip(X, map(sp.Rational, AT), strict=True))).evalf(30)) for e in exact]
    np.testing.assert_allclose(first, expected, rtol=1e-14)


@pytest.mark.usefixtures("folder")
def test_another_process_reads_what_this_one_wrote() -> None:
    first = _answer()
    text = """
import sympy as sp
from symdiff import value_and_gradient
from symdiff.tape import executables
executables._write = lambda *_: print("compiled")
u, v, w = X = sp.symbols("x0:3", real=True)
e = sp.sin(u * v) * sp.exp(-w) + sp.tanh(u + w) / (2 + v)
value, partials = value_and_gradient(e, X, method="tape")(0.3, 0.7, 1.1)
print([float(value), *map(float, partials)])
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == str(first)


@pytest.mark.usefixtures("folder")
def test_expressions_of_a_size_class_share_a_machine(compiled: list[str]) -> None:
    u, v, w = X
    _answer()
    value, partials = value_and_gradient(sp.cos(u) * v - w**3, X, method="tape")(*AT)
    assert len(compiled) == 1
    assert float(value) == pytest.approx(np.cos(0.3) * 0.7 - 1.1**3, rel=1e-15)
    np.testing.assert_allclose(partials, [-np.sin(0.3) * 0.7, np.cos(0.3), -3 * 1.1**2], rtol=1e-15)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_replaced(folder: Path, compiled: list[str], damage: str) -> None:
    first = _answer()
    (file,) = folder.glob("tape_*.bin")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes({"cut": content[: len(content) // 2], "changed": content, "empty": b""}[damage])
    assert _answer() == first
    assert len(compiled) == 2
    assert _answer() == first
    assert len(compiled) == 2


def test_a_file_that_others_may_write_is_not_read(folder: Path, compiled: list[str]) -> None:
    first = _answer()
    (file,) = folder.glob("tape_*.bin")
    file.chmod(0o666)
    assert _answer() == first
    assert len(compiled) == 2
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_write_is_not_used(folder: Path, compiled: list[str]) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    assert len(_answer()) == 4
    assert not list(folder.iterdir())
    assert not compiled


def test_nothing_is_kept_where_it_is_switched_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(executables.SWITCH, "off")
    assert len(_answer()) == 4
    assert not folder.exists()


@pytest.mark.usefixtures("folder")
def test_other_sources_take_another_file(compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _answer()
    monkeypatch.setattr(executables, "_surroundings", lambda: b"another version")
    _answer()
    assert len(set(compiled)) == 2


def test_a_function_of_ones_own_is_not_kept() -> None:
    tape = tape_of(_graph(), X)
    assert executables.is_kept(tape.kinds)
    own = dataclasses.replace(tape.kinds[0].function, jax=lambda u, v: u + v)
    assert not executables.is_kept((Kind(own, ()), *tape.kinds[1:]))
    host = dataclasses.replace(tape.kinds[0].function, callback=True)
    assert not executables.is_kept((Kind(host, ()), *tape.kinds[1:]))


def _graph() -> Any:
    from symdiff.from_sympy import graph_of

    return graph_of([_expression()])


def test_old_machines_go(folder: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(mode=0o700)
    for age in range(3):
        old = folder / f"tape_{age}.bin"
        old.write_bytes(b"")
        os.utime(old, (1000 - age, 1000 - age))
    monkeypatch.setattr(executables, "MOST_FILES", 2)
    _answer()
    assert {file.name for file in folder.iterdir()} == {"tape_0.bin", *compiled}


@pytest.mark.usefixtures("folder")
def test_checks_of_jax_see_the_machine() -> None:
    """jax.debug_nans raises as it does without a cache, which a compiled executable by itself does not."""
    function = value_and_gradient(sp.log(X[0]), [X[0]], method="tape")
    assert np.isnan(float(function(-1.0)[0]))
    with jax.debug_nans(True), pytest.raises(FloatingPointError, match="nan"):
        function(-1.0)
