"""Puts a file into the person's folder: whole or not at all, private, and never over another."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.errors import OperatorError

_TEMPORARY: Final = ".beel-mcp-"


@dataclass
class NewFile:
    """A file that is being written; it has its name once the block has ended well."""

    stream: BinaryIO
    path: Path


@contextmanager
def new_file(folder: Path, name: str) -> Iterator[NewFile]:
    """Write a file of that name, or of the next free one: `name (2).zip`.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    temporary = folder / f"{_TEMPORARY}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w+b") as stream:
            made = NewFile(stream, temporary)
            yield made
            stream.flush()
            os.fsync(stream.fileno())
        made.path = _put_in_place(temporary, folder / name)
    except OSError as error:
        raise unusable(error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def save_file(folder: Path, name: str, data: bytes) -> Path:
    """Save bytes under a name of ours.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    with new_file(folder, name) as made:
        made.stream.write(data)
    return made.path


def unusable(error: OSError) -> OperatorError:
    """Say that the files folder cannot be used, without the words of whoever refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OperatorError(
            "There is not enough room for the file; nothing was saved.",
            code="disk_full",
            remedy="Free some space where BEEL_FILES_DIR and BEEL_STATE_DIR are.",
        )
    return OperatorError(
        f"No file can be saved in the files folder ({type(error).__name__}).",
        code="folder_unusable",
        remedy="Check that BEEL_FILES_DIR is a folder of yours that can be written to.",
    )


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
