"""PDFs that have arrived and wait for the others: a private folder for each unfinished package."""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.files.safe_dir import hold, open_nameless, open_private, replace, unusable

PACKAGES: Final = "packages"  # in the state folder
HANDLE: Final = re.compile(r"pkg_[A-Za-z0-9_-]{16}")
STAGING_TTL: Final = timedelta(hours=24)
PIECE: Final = 65_536


class Staging:
    """The folder of one package: pages of JSON and PDFs by number. It survives a restart.

    All methods raise OperatorError where the disk refuses.
    """

    def __init__(self, folder: Path, handle: str) -> None:
        self.handle = handle
        self._folder = folder / handle
        self._is_removed = False

    @classmethod
    def new(cls, folder: Path) -> "Staging":
        staging = cls(folder, f"pkg_{secrets.token_urlsafe(12)}")
        with _refusals():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            staging._folder.mkdir(mode=0o700)
        return staging

    @classmethod
    def find(cls, folder: Path, handle: str) -> "Staging | None":
        staging = cls(folder, handle)
        return staging if HANDLE.fullmatch(handle) and staging._folder.is_dir() else None

    def save(self, page: str, content: bytes) -> None:
        """Save a page; the old or the new stands, never a half."""
        part = self._folder / f"{page}.part"
        with _refusals():
            _write(part, [content])
            replace(part, self._folder / f"{page}.json")

    def load(self, page: str) -> bytes:
        """Read a page; b"" if there is none."""
        with _refusals():
            try:
                return (self._folder / f"{page}.json").read_bytes()
            except FileNotFoundError:
                return b""

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the package, so that two calls do not work on it at once; False if another does."""
        with ExitStack() as stack:
            with _refusals():
                is_ours = stack.enter_context(hold(self._folder / "lock"))
            yield is_ours
        if self._is_removed:
            self.remove()

    def size(self, number: int) -> int | None:
        """Give the bytes that a PDF has; None if there is none."""
        try:
            return self._pdf(number).stat().st_size
        except OSError:
            return None

    def add(self, number: int, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Save a PDF under its number in the package; SHA-256 and bytes."""
        digest, length = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal length
            for piece in pieces:
                digest.update(piece)
                length += len(piece)
                yield piece

        with _refusals():
            _write(self._pdf(number), counted())
        return digest.hexdigest(), length

    def temporary(self) -> BinaryIO:
        """Open a file for an answer of BeeL; it is gone when it is closed."""
        path = self._folder / f"answer-{secrets.token_hex(8)}"
        with _refusals():
            return open_nameless(path)

    def read(self, number: int) -> Iterator[bytes]:
        with self._pdf(number).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self) -> None:
        """Remove it; what Windows keeps of it while it is held goes when it is held no more."""
        self._is_removed = True
        _remove(self._folder)

    def _pdf(self, number: int) -> Path:
        return self._folder / f"{number}.pdf"


def forget_old(folder: Path, now: datetime) -> None:
    """Remove the packages that no call went on with for a day."""
    for package in _packages(folder):
        try:
            touched = datetime.fromtimestamp(package.stat().st_mtime, now.tzinfo)
        except OSError:
            continue
        if now - touched > STAGING_TTL:
            _remove(package)


def purge_packages(folder: Path) -> int:
    """Remove all unfinished packages; how many there were.

    Raises:
        OSError: one of them is still there.
    """
    packages = _packages(folder)
    for package in packages:
        with suppress(FileNotFoundError):  # another process was faster
            shutil.rmtree(package)
    return len(packages)


def _remove(package: Path) -> None:
    """Remove a package; what the disk does not let go is tried again when it is old."""
    with suppress(OSError):  # `ignore_errors` leaves some out
        shutil.rmtree(package, ignore_errors=True)


def _packages(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if HANDLE.fullmatch(path.name)]


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(open_private(path, os.O_TRUNC), "wb") as file:
        for piece in pieces:
            file.write(piece)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(error) from None
