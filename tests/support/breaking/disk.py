"""The door to the disk: `os`, files and locks as this package and its libraries call them."""

import io
import os
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from tests.support.breaking.doors import Doors, Passage, is_ours, opened
from tests.support.faulty_os import FaultyFile

fcntl = pytest.importorskip("fcntl", reason="locks of POSIX are among the calls that fail")
CALLS: Final = (
    *("open", "close", "read", "write", "ftruncate", "mkdir", "rmdir", "link", "unlink"),
    *("rename", "replace", "stat", "fstat", "lstat", "scandir", "listdir", "access", "chmod"),
    *("fchmod", "readlink", "statvfs", "utime"),
)
# What a full disk refuses.
NEED_ROOM: Final = frozenset(("create", "write", "flush", "fsync", "mkdir", "link", "truncate"))


class Disk:
    """Counts for files what happens to them."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def step(self, name: str) -> None:
        if not (self._doors.is_dead and name == "close"):
            self._doors.through(Passage("disk", name), lambda: None)

    def watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Make a call of the system that passes the door; what closes has closed by then."""
        doors = self._doors

        def call(*arguments: Any, **named: Any) -> Any:
            if not doors.is_watched or not is_ours(sys._getframe(1)):
                return real(*arguments, **named)
            if name == "close" or (name == "flock" and arguments[1] & fcntl.LOCK_UN):
                real(*arguments, **named)  # what was locked is free, also after a death
                return self.step(name) if name == "close" else None
            makes = name == "open" and _makes(arguments)
            passage = Passage("disk", "create" if makes else name)
            return doors.through(passage, partial(real, *arguments, **named))

        return call

    def watched_file(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Make a call that opens a file: its methods pass the door, too."""
        opening = self.watched(name, real)

        def call(*arguments: Any, **named: Any) -> Any:
            is_watched = self._doors.is_watched and is_ours(sys._getframe(1))
            file = opening(*arguments, **named) if is_watched else real(*arguments, **named)
            return FaultyFile(self, file) if is_watched else file

        return call


def _makes(arguments: tuple[Any, ...]) -> bool:
    """Tell whether a file is opened that may not be there yet, by flags or by a mode."""
    how = arguments[1] if len(arguments) > 1 else 0
    return bool(how & os.O_CREAT) if isinstance(how, int) else bool({*"wax"} & {*how})


def install(doors: Doors, patch: pytest.MonkeyPatch) -> None:
    """Put the doors in the way of this process, until the patches are undone."""
    disk = Disk(doors)
    for name in CALLS:
        patch.setattr(os, name, disk.watched(name, getattr(os, name)))
    patch.setattr(os, "fsync", disk.watched("fsync", lambda _: None))  # no power fails here
    patch.setattr(fcntl, "flock", disk.watched("flock", fcntl.flock))
    patch.setattr(os, "fdopen", disk.watched_file("fdopen", os.fdopen))
    patch.setattr(io, "open", disk.watched_file("open", io.open))
    patch.setattr(sqlite3, "connect", opened(doors, sqlite3.connect))
