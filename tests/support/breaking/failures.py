"""What can go wrong at a door: an error of the system or of SQLite, once or from then on."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from typing import Final

from tests.support.breaking.disk import NEED_ROOM
from tests.support.breaking.doors import Passage, Wrong


def refused(code: int) -> Callable[[], OSError]:
    return lambda: OSError(code, "a word of the system")


def sqlite_error(name: str, words: str) -> Callable[[], sqlite3.Error]:
    """Make an error as SQLite does, with its code."""

    def make() -> sqlite3.Error:
        error = sqlite3.OperationalError(words)
        error.sqlite_errorname = name
        error.sqlite_errorcode = getattr(sqlite3, name)
        return error

    return make


def needs_room(passage: Passage) -> bool:
    """Tell whether a full disk, or a full database, refuses it."""
    if passage.door == "disk":
        return passage.name in NEED_ROOM
    return passage.name.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE", "COMMIT", "CREATE"))


ON_DISK: Final = (
    Wrong("EIO", refused(errno.EIO)),
    Wrong("EACCES", refused(errno.EACCES)),
    Wrong("disk full from then on", refused(errno.ENOSPC), needs_room),
)
IN_JOURNAL: Final = (
    Wrong("disk I/O error", sqlite_error("SQLITE_IOERR", "disk I/O error")),
    Wrong("database is locked", sqlite_error("SQLITE_BUSY", "database is locked")),
    Wrong("full from then on", sqlite_error("SQLITE_FULL", "database is full"), needs_room),
)


def wrongs(passed: list[Passage]) -> Iterator[tuple[int, Passage, Wrong]]:
    """Give what goes wrong at the n-th passage: two errors take turns, and each may be full."""
    for number, passage in enumerate(passed, 1):
        *once, full = ON_DISK if passage.door == "disk" else IN_JOURNAL
        yield number, passage, once[number % 2]
        if needs_room(passage):
            yield number, passage, full
