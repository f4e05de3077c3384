"""Puts a file into the person's folder: whole or not at all, private, and never over another."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from beel_mcp.files.place import is_still, opened, unusable

_TEMPORARY: Final = re.compile(r"\.beel-mcp-[0-9a-f]{16}")
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A name of ours may have been taken for a pipe; it must not hold us up.
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass
class NewFile:
    """A file that is being written; it has its name once the block has ended well."""

    stream: BinaryIO
    path: Path


@contextmanager
def new_file(folder: Path, name: str, *, needed_bytes: int = 0) -> Iterator[NewFile]:
    """Write a file of that name, or of the next free one: `name (2).zip`.

    The folder is used by its descriptor. Leftovers of processes that died are removed first.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.

    """
    try:
        with opened(folder) as place:
            _remove_leftovers(place)
            with _temporary(place) as (temporary, stream):
                made = NewFile(stream, folder / temporary)
                yield made
                stream.flush()
                os.fsync(stream.fileno())
                final = _put_in_place(place, temporary, name)
                _settle(folder, place, stream.fileno(), final)
            made.path = folder / final
    except OSError as error:
        raise unusable(error, needed_bytes) from None


def save_file(folder: Path, name: str, data: bytes) -> Path:
    """Save bytes under a name of ours.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.

    """
    with new_file(folder, name, needed_bytes=len(data)) as made:
        made.stream.write(data)
    return made.path


@contextmanager
def _temporary(place: int) -> Iterator[tuple[str, BinaryIO]]:
    """Write a file that goes again; what was written is on the disk by then, or not wanted."""
    name, stream = _made(place)
    try:
        yield name, stream
    finally:
        try:
            with suppress(OSError):
                os.unlink(name, dir_fd=place)
        finally:
            with suppress(OSError):
                stream.close()


def _made(place: int) -> tuple[str, BinaryIO]:
    """Make a file that is locked as long as we live, which is how others see that we do."""
    while True:
        name = f".beel-mcp-{secrets.token_hex(8)}"
        file = os.open(name, _NEW, 0o600, dir_fd=place)
        try:
            if _lock(file) and os.fstat(file).st_nlink:
                return name, os.fdopen(file, "w+b")
        except BaseException:
            os.close(file)
            with suppress(OSError):
                os.unlink(name, dir_fd=place)
            raise
        os.close(file)  # taken for a leftover in the moment before it was locked


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: then leftovers stay, too
        return True
    return True


def _remove_leftovers(place: int) -> None:
    with os.scandir(place) as entries:
        names = [entry.name for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for name in names:
        with suppress(OSError):
            file = os.open(name, _OLD, dir_fd=place)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=place)
            finally:
                os.close(file)


def _put_in_place(place: int, temporary: str, name: str) -> str:
    """Give the file its name; a link fails where a name is taken, and a rename does not."""
    wanted = PurePath(name)
    for number in count(1):
        final = name if number == 1 else f"{wanted.stem} ({number}){wanted.suffix}"
        try:
            os.link(temporary, final, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
        except FileExistsError:
            continue
        return final
    raise AssertionError


def _settle(folder: Path, place: int, file: int, final: str) -> None:
    """Make the name last, and see that the path leads to our file; otherwise take it back."""
    try:
        found = os.stat(final, dir_fd=place, follow_symlinks=False)
        os.fsync(place)
        is_ours = os.path.samestat(found, os.fstat(file)) and is_still(folder, place)
        error = None if is_ours else OSError(errno.ENOTDIR, "the folder was moved")
    except OSError as failure:
        error = failure
    if error is not None:
        with suppress(OSError):
            os.unlink(final, dir_fd=place)
        raise error
