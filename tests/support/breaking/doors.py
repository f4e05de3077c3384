"""The doors of our process to its disk, its journal and BeeL: passages counted, one goes wrong.

A passage is one call of the operating system, one statement of SQLite or one request. What goes
wrong at the n-th is an error in its place, or the death of the process right before or after it.
After a death no door opens any more: whatever still unwinds in this process changes nothing.
"""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

Door = Literal["disk", "journal", "BeeL"]
Moment = Literal["before", "after"]
STANDARD: Final = str(Path(threading.__file__).parent) + "/"
JOURNAL: Final = "journal.sqlite3"


class KilledError(BaseException):
    """Stands for the end of the process: nothing that is there catches it."""


@dataclass(frozen=True)
class Passage:
    """One way through a door; `name` is what a failure is told by."""

    door: Door
    name: str

    def __str__(self) -> str:
        return f"{self.door}: {self.name}"


@dataclass(frozen=True)
class Wrong:
    """What goes wrong: an error made anew for each time, once or for as long; or a death."""

    name: str
    error: Callable[[], Exception] | None = None
    lasts: Callable[[Passage], bool] | None = None
    moment: Moment = "before"

    def __str__(self) -> str:
        return self.name if self.error else f"killed {self.moment}"


@dataclass
class Doors:
    """Counts the passages that `counts` while they are watched; the n-th may go wrong."""

    counts: Callable[[Passage], bool]
    passed: list[Passage] = field(default_factory=list)
    nth: int = 0
    wrong: Wrong | None = None
    is_watched: bool = False
    is_dead: bool = False
    has_fired: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, nth: int = 0, wrong: Wrong | None = None) -> None:
        """Count from now on."""
        self.passed.clear()
        self.nth, self.wrong, self.is_watched, self.has_fired = nth, wrong, True, False

    def leave(self) -> None:
        """Let everything pass, as a machine that is well again, or a new process."""
        self.is_watched = self.is_dead = False

    def through(self, passage: Passage, act: Callable[[], Any]) -> Any:
        """Act, unless this is where it goes wrong."""
        fails_after = self.enter(passage)
        result = act()
        if fails_after:
            self.die()
        return result

    def enter(self, passage: Passage) -> bool:
        """Begin a passage; tell whether the process dies right after it."""
        if self.is_dead:
            raise KilledError(str(passage))
        if not self.is_watched or not self.counts(passage):
            return False
        with self._lock:
            self.passed.append(passage)
            number = len(self.passed)
        if self.wrong is None or number < self.nth:
            return False
        is_it = number == self.nth
        if self.wrong.error is None:
            if is_it and self.wrong.moment == "before":
                self.die()
            return is_it
        if is_it or (self.wrong.lasts and self.wrong.lasts(passage)):
            self.has_fired = True
            raise self.wrong.error()
        return False

    def die(self) -> None:
        self.is_dead = self.has_fired = True
        raise KilledError(str(self.passed[-1]))


def is_ours(frame: Any) -> bool:
    """Tell whether a call of the system is made for this package, by whichever standard module."""
    while frame and (
        frame.f_code.co_filename.startswith(("<frozen", "<string"))
        or (
            frame.f_code.co_filename.startswith(STANDARD)
            and "site-packages" not in frame.f_code.co_filename
        )
    ):
        frame = frame.f_back
    name = frame.f_code.co_filename if frame else ""
    # Words are read once in a process, and the sandbox is another machine.
    is_package = "/beel_mcp/" in name and not name.endswith("/messages.py")
    return (is_package and "/beel_mcp/sandbox/" not in name) or "/filelock/" in name


# The journal

Real = sqlite3.Connection


def connection_class(doors: Doors) -> type[sqlite3.Connection]:
    """Make a connection whose statements pass the door; closing one is what death does, too."""

    class Watched(sqlite3.Connection):
        writes = False  # whether it is in a transaction that writes

        def _pass(self, name: str, act: Callable[[], Any]) -> Any:
            if name.startswith("BEGIN"):
                self.writes = name == "BEGIN IMMEDIATE"
            elif name == "COMMIT" and not self.writes:
                name = "end of reading"
            return doors.through(Passage("journal", name), act)

        def execute(self, sql: str, *values: Any) -> Any:
            if sql == "PRAGMA synchronous = FULL":
                sql = "PRAGMA synchronous = OFF"  # no power fails here, and thousands wait
            return self._pass(_words(sql), partial(Real.execute, self, sql, *values))

        def executemany(self, sql: str, *values: Any) -> Any:
            return self._pass(_words(sql), partial(Real.executemany, self, sql, *values))

        def commit(self) -> None:
            self._pass("COMMIT", partial(Real.commit, self))

        def rollback(self) -> None:
            self._pass("ROLLBACK", partial(Real.rollback, self))

    return Watched


def _words(sql: str) -> str:
    return " ".join(sql.split()[:3])


def opened(doors: Doors, connect: Callable[..., Any]) -> Callable[..., Any]:
    """Make `sqlite3.connect`, with the journal's connections watched."""

    def watched(path: Any, *arguments: Any, **named: Any) -> Any:
        if JOURNAL not in str(path):
            return connect(path, *arguments, **named)
        named["factory"] = connection_class(doors)
        return doors.through(
            Passage("journal", "connect"), partial(connect, path, *arguments, **named)
        )

    return watched
