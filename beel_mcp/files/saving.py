"""Puts a file into the person's folder: whole or not at all, private, and never over another."""

import os
import secrets
from itertools import count
from pathlib import Path
from typing import Final

from beel_mcp.errors import OperatorError

_TEMPORARY: Final = ".beel-mcp-"


def save_file(folder: Path, name: str, data: bytes) -> Path:
    """Save bytes under a name of ours, or under the next free one: `name (2).csv`.

    Raises:
        OperatorError: the folder cannot be written to; nothing was saved.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = folder / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            _write(temporary, data)
            return _put_in_place(temporary, folder / name)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OperatorError(
            f"No file can be saved in the files folder ({type(error).__name__}).",
            code="folder_unusable",
            remedy="Check that BEEL_FILES_DIR is a folder of yours with free space.",
        ) from None


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(temporary: Path, wanted: Path) -> Path:
    """Give the file its name; a link fails where a name is taken, and a rename does not."""
    for number in count(1):
        name = wanted.name if number == 1 else f"{wanted.stem} ({number}){wanted.suffix}"
        final = wanted.with_name(name)
        try:
            os.link(temporary, final)
        except FileExistsError:
            continue
        folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return final
    raise AssertionError
