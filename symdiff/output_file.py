"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from pathlib import Path

from symdiff.errors import OutputError


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Put a file in place at once: a reader meanwhile, or after a failure, sees the old one or the new one whole.

    The content goes to a new file beside it, which then takes its place. A link stays a link, permissions are kept. A
    pipe or a device is written to as it is.

    Raises OutputError where the path cannot be written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_file(file, b"done")
    >>> file.read_text()
    'done'
    """
    beside: Path | None = None
    try:
        if _is_special(path):  # /dev/null and its like must not be replaced by a file
            Path(path).write_bytes(content)
            return
        target = Path(os.path.realpath(path))
        beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"{str(path)!r}: cannot be written ({reason}); give a file in a folder you may write to"
        ) from None
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):  # there is none when all went well
                beside.unlink()


def _is_special(path: str | os.PathLike[str]) -> bool:
    """Whether there is something at the path, behind its links, that is no regular file."""
    try:
        return not stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        return False
