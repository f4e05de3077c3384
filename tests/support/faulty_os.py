"""An `os` whose n-th call fails, and whose files do, too."""

import os
from typing import Any, BinaryIO, Protocol, Self

CALLS = (
    *(
        "open",
        "close",
        "mkdir",
        "fsync",
        "link",
        "unlink",
        "stat",
        "lstat",
        "fstat",
        "scandir",
        "access",
    ),
    *("listdir", "rename", "replace"),
)
METHODS = ("write", "flush", "read", "seek", "truncate")


class Steps(Protocol):
    """Whoever counts the calls."""

    def step(self, name: str) -> None:
        """Count one; raise where it is the one that fails."""


class FaultyOs:
    """Counts calls, and raises `error` at the n-th; what closes has closed by then."""

    def __init__(self, error: BaseException | None = None, nth: int = 0) -> None:
        self.error, self.nth, self.count = error, nth, 0
        self.failed = ""

    def step(self, name: str) -> None:
        self.count += 1
        if self.error is not None and self.count == self.nth:
            self.failed = name
            raise self.error

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "close":
                real(*args, **kwargs)
                return self.step(name)
            self.step(name)
            return real(*args, **kwargs)

        return call

    def fdopen(self, file: int, mode: str) -> "FaultyFile":
        self.step("fdopen")
        return FaultyFile(self, os.fdopen(file, mode))


class FaultyFile:
    """A file whose calls count, too."""

    def __init__(self, faulty: Steps, file: BinaryIO) -> None:
        self._faulty, self._file = faulty, file

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._file, name)
        if name not in METHODS:
            return real

        def call(*args: Any) -> Any:
            self._faulty.step(name)
            return real(*args)

        return call

    def close(self) -> None:
        self._file.close()
        self._faulty.step("close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
