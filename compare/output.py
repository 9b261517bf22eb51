"""Write a file whole or not at all."""

import os
import secrets
from pathlib import Path

from symdiff.errors import OutputError


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write `text` as UTF-8 to `path`, by a temporary file in the same folder that then takes the name.

    A reader never sees half a file, and what was there before stays until the new one is complete. A link is written
    through. Characters that UTF-8 cannot hold (half of a surrogate pair, from a file name) are written as ``\udcff``.

    Raises OutputError where the path is a folder, its folder is missing, or the system refuses to write there.

    >>> write_text("/no/report.md", "")
    Traceback (most recent call last):
    symdiff.errors.OutputError: cannot write '/no/report.md': there is no folder '/no'; make it or choose another
    """
    name = os.fspath(path)
    try:
        target = Path(os.path.realpath(name))
        if target.is_dir():
            raise OutputError(f"cannot write {name!r}: it is a folder; give the name of a file in it")
        if not target.parent.is_dir():
            raise OutputError(
                f"cannot write {name!r}: there is no folder {str(target.parent)!r}; make it or choose another"
            )
        temporary = target.with_name(f".symdiff-{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        if isinstance(error, OutputError):
            raise
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OutputError(f"cannot write {name!r}: {cause}; choose another path") from error
