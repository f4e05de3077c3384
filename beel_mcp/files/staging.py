"""PDFs that have arrived and wait for the others: a private folder for each unfinished package."""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.files.safe_dir import unusable

PACKAGES: Final = "packages"  # in the state folder
HANDLE: Final = re.compile(r"pkg_[A-Za-z0-9_-]{16}")
KEPT_FOR: Final = timedelta(hours=24)
PIECE: Final = 65_536
_HELD: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Staging:
    """What is known and kept of one package; it survives a restart."""

    def __init__(self, folder: Path, handle: str) -> None:
        self.handle = handle
        self._folder = folder / handle

    @classmethod
    def new(cls, folder: Path) -> "Staging":
        """Begin a package."""
        staging = cls(folder, f"pkg_{secrets.token_urlsafe(12)}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            staging._folder.mkdir(mode=0o700)
        except OSError as error:
            raise unusable(error) from None
        return staging

    @classmethod
    def find(cls, folder: Path, handle: str) -> "Staging | None":
        """Find an unfinished package by its handle."""
        staging = cls(folder, handle)
        return staging if HANDLE.fullmatch(handle) and staging._folder.is_dir() else None

    def save(self, page: str, content: bytes) -> None:
        """Keep a page of what is known of the package; the old or the new stands, never a half."""
        part = self._folder / f"{page}.part"
        try:
            self._write(part, [content])
            part.replace(self._page(page))
        except OSError as error:
            raise unusable(error) from None

    def load(self, page: str) -> bytes:
        """Give a page that was kept; b"" if none was."""
        try:
            return self._page(page).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise unusable(error) from None

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the package, so that two calls do not work on it at once; False if another does."""
        with ExitStack() as stack:
            try:
                file = os.open(self._folder / "lock", _HELD, 0o600)
                stack.callback(os.close, file)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                raise unusable(error) from None
            yield True

    def size(self, number: int) -> int | None:
        """Tell how long a PDF is that was kept; None if there is none."""
        try:
            return self._pdf(number).stat().st_size
        except OSError:
            return None

    def add(self, number: int, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Keep a PDF under its number in the package; SHA-256 and length."""
        digest, length = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal length
            for piece in pieces:
                digest.update(piece)
                length += len(piece)
                yield piece

        try:
            self._write(self._pdf(number), counted())
        except OSError as error:
            raise unusable(error) from None
        return digest.hexdigest(), length

    def temporary(self) -> BinaryIO:
        """Open a file for an answer of BeeL; it has no name, and is gone when it is closed."""
        path = self._folder / f"answer-{secrets.token_hex(8)}"
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.fdopen(os.open(path, flags, 0o600), "w+b")
            path.unlink()
        except OSError as error:
            raise unusable(error) from None
        return file

    def read(self, number: int) -> Iterator[bytes]:
        """Read a PDF that was kept."""
        with self._pdf(number).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self) -> None:
        """Drop it all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _page(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _pdf(self, number: int) -> Path:
        return self._folder / f"{number}.pdf"

    @staticmethod
    def _write(path: Path, pieces: Iterable[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)


def forget_old(folder: Path, now: datetime) -> None:
    """Drop packages that nobody went on with for a day."""
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        try:
            touched = datetime.fromtimestamp(one.stat().st_mtime, now.tzinfo)
        except OSError:
            continue
        if HANDLE.fullmatch(one.name) and now - touched > KEPT_FOR:
            shutil.rmtree(one, ignore_errors=True)


def purge_packages(folder: Path) -> int:
    """Drop all unfinished packages; how many there were."""
    found = (
        [one for one in folder.iterdir() if HANDLE.fullmatch(one.name)] if folder.is_dir() else []
    )
    for one in found:
        shutil.rmtree(one, ignore_errors=True)
    return len(found)
