"""Checkpoints of a training run: safetensors files that are written whole, checked when read, and never mixed up.

A file holds named arrays and, as JSON in its header, the epoch, what run it is of (its identity) and a SHA-256 of all.
Source: the safetensors format, https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
import sympy as sp

from symdiff.errors import OptionError, OutputError
from symdiff.graph import Graph
from symdiff.output_file import write_file

FORMAT = 1
KEPT = 2

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, eq=False)
class Saved:
    """What a checkpoint file held: arrays after so many epochs."""

    path: Path
    epoch: int
    arrays: Arrays


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run in one directory; `identity` is what must be equal for a run to be continued.

    >>> import tempfile
    >>> store = Checkpoints(Path(tempfile.mkdtemp()), {"model": "line"})
    >>> store.save(10, {"w": np.array(2.0)})
    >>> saved = store.latest()
    >>> saved.epoch, saved.arrays
    (10, {'w': array(2.)})
    """

    directory: Path
    identity: Mapping[str, Any]

    def open(self, resume: bool) -> Saved | None:
        """Make the directory if need be, and return the checkpoint to continue from, if there is one.

        Raises OptionError where the directory holds another run's checkpoints, or any and `resume` is false: nothing is
        ever overwritten. Raises OutputError where the directory cannot be made.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"checkpoint {self.directory}: cannot be made a directory ({error.strerror})") from None
        saved = self.latest()
        if saved is not None and not resume:
            raise OptionError(
                f"checkpoint {self.directory} holds a run of {saved.epoch} epochs; resume it, or give another directory"
            )
        return saved

    def latest(self) -> Saved | None:
        """The newest checkpoint that is whole; a damaged one is passed over, and logged as a warning of `symdiff`.

        Raises OptionError naming the file where all are damaged, or where one belongs to another run.
        """
        files = self._files()
        damaged: list[str] = []
        for file in files:
            try:
                metadata, arrays = _read(file)
            except (ValueError, KeyError, TypeError, OSError, safetensors.SafetensorError) as error:
                damaged.append(f"checkpoint {file} is damaged ({str(error).splitlines()[0]})")
                continue
            self._same_run(file, metadata["identity"])
            for message in damaged:
                logging.getLogger("symdiff").warning("%s; continuing from %s", message, file.name)
            return Saved(file, metadata["epoch"], arrays)
        if damaged:
            raise OptionError(f"{damaged[0]}, and no earlier one is whole; give another directory")
        return None

    def save(self, epoch: int, arrays: Arrays) -> None:
        """Write a checkpoint, then remove all but the newest two; raises OutputError where it cannot be written."""
        metadata: dict[str, Any] = {"format": FORMAT, "epoch": epoch, "identity": dict(self.identity)}
        metadata["sha256"] = _digest(metadata, arrays)
        text = json.dumps(metadata, sort_keys=True)
        contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
        content = safetensors.numpy.save(contiguous, {"symdiff": text})
        write_file(self.directory / f"epoch-{epoch:09d}.safetensors", content)
        _flush(self.directory)
        leftovers = self.directory.glob(".epoch-*.safetensors.*")  # of a run that was killed while it wrote
        for file in [*self._files()[KEPT:], *leftovers]:
            with contextlib.suppress(OSError):
                file.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("epoch-*.safetensors"), reverse=True)

    def _same_run(self, file: Path, other: Mapping[str, Any]) -> None:
        for key in (*self.identity, *other):
            # a value beside its SHA-256 is there to be read only
            if f"{key}_sha256" not in self.identity and self.identity.get(key) != other.get(key):
                name = key.removesuffix("_sha256")
                there, here = other.get(name), self.identity.get(name)
                values = "" if there == here else f": {there!r} there, {here!r} now"
                what = name.replace("_", " ")
                raise OptionError(f"checkpoint {file} is of a run with another {what}{values}; give another directory")


def flat(tree: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The leaves of a pytree as arrays, by their path.

    >>> flat({"w": 1.0})
    {"['w']": array(1.)}
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(_bits(leaf)) for path, leaf in leaves}


def unflattened(template: Any, arrays: Arrays) -> Any:
    """The inverse of `flat`: a pytree like `template`, its leaves from `arrays`."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    restored = [_unbits(arrays[jax.tree_util.keystr(path)], leaf) for path, leaf in leaves]
    return jax.tree.unflatten(structure, restored)


def graph_digest(graph: Graph) -> str:
    """SHA-256 of a graph, the same in every process: operations, operands, exact constants, names of inputs."""
    parts: list[Any] = [[function.name for function in graph.functions], graph.outputs]
    parts += [graph.operation.tolist(), graph.offsets.tolist(), graph.operands.tolist()]
    parts += [sorted((node, symbol.name) for node, symbol in graph.symbols.items())]
    parts += [sorted((node, sp.srepr(constant)) for node, constant in graph.constants.items())]
    parts += [sorted((node, str(static)) for node, static in graph.static.items())]
    # scalar graphs keep the digest that they had before there were others
    parts += [sorted((node, str(shape)) for node, shape in graph.shapes.items())] if graph.shapes else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def arrays_digest(arrays: Arrays) -> str:
    """SHA-256 of named arrays: names, dtypes, shapes and every bit."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        state.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        state.update(array.tobytes())
    return state.hexdigest()


def program_digest(function: Any, *arguments: Any) -> str:
    """SHA-256 of what JAX makes of a function: two optimizers that compute the same are the same."""
    program = jax.make_jaxpr(function)(*arguments)
    constants = {str(k): np.asarray(_bits(constant)) for k, constant in enumerate(program.consts)}
    # functions that stand in a jaxpr print with their address
    text = re.sub(r"0x[0-9a-f]+", "", str(program))
    return hashlib.sha256((text + arrays_digest(constants)).encode()).hexdigest()


def _digest(metadata: Mapping[str, Any], arrays: Arrays) -> str:
    described = {key: value for key, value in metadata.items() if key != "sha256"}
    return hashlib.sha256((json.dumps(described, sort_keys=True) + arrays_digest(arrays)).encode()).hexdigest()


def _read(file: Path) -> tuple[dict[str, Any], Arrays]:
    content = file.read_bytes()
    arrays = safetensors.numpy.load(content)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = cast("dict[str, Any]", json.loads(header["__metadata__"]["symdiff"]))
    if metadata["format"] != FORMAT:
        raise ValueError(f"format {metadata['format']}, where this version reads {FORMAT}")
    if metadata["sha256"] != _digest(metadata, arrays):
        raise ValueError("its SHA-256 does not fit its content")
    return metadata, arrays


def _bits(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _unbits(array: Any, leaf: Any) -> Any:
    return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf)) if _is_key(leaf) else array


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _flush(directory: Path) -> None:
    # the name is safe on disk only once the directory is
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
