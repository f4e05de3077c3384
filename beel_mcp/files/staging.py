"""PDFs that have arrived and wait for the others: a private folder for each unfinished package."""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from beel_mcp.files.saving import unusable

HANDLE: Final = re.compile(r"pkg_[A-Za-z0-9_-]{16}")
KEPT_FOR: Final = timedelta(hours=24)
PIECE: Final = 65_536


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
        return staging if HANDLE.fullmatch(handle) and staging._index.is_file() else None

    @property
    def _index(self) -> Path:
        return self._folder / "package.json"

    def save(self, content: Mapping[str, Any]) -> None:
        """Keep what is known of the package; the old or the new stands, never a half."""
        part = self._folder / "package.part"
        try:
            self._write(part, [json.dumps(content, ensure_ascii=False).encode()])
            part.replace(self._index)
        except OSError as error:
            raise unusable(error) from None

    def load(self) -> dict[str, Any]:
        """Give what was kept."""
        loaded: dict[str, Any] = json.loads(self._index.read_text(encoding="utf-8"))
        return loaded

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


def purge(folder: Path) -> int:
    """Drop all unfinished packages; how many there were."""
    found = (
        [one for one in folder.iterdir() if HANDLE.fullmatch(one.name)] if folder.is_dir() else []
    )
    for one in found:
        shutil.rmtree(one, ignore_errors=True)
    return len(found)
