"""One ZIP of many PDFs and a manifest; the same invoices give the same bytes."""

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.files.saving import new_file

MANIFEST: Final = "manifest.csv"
PIECE: Final = 65_536
_EPOCH: Final = date(1980, 1, 1)  # the first day that a ZIP can name
_LAST: Final = date(2107, 12, 31)


@dataclass(frozen=True)
class Member:
    """A PDF on its way into the package."""

    name: str
    day: date
    size: int
    pieces: Iterable[bytes]


@dataclass(frozen=True)
class SavedPackage:
    """The file that was written."""

    path: Path
    size_bytes: int
    sha256: str


def save_package(
    folder: Path, name: str, members: Sequence[Member], manifest: bytes
) -> SavedPackage:
    """Write the package under a name of its own; nothing stands there unless all of it does.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    needed = len(manifest) + sum(member.size for member in members)
    with new_file(folder, name, needed_bytes=needed) as made:
        with zipfile.ZipFile(made.stream, "w", zipfile.ZIP_STORED) as package:
            package.writestr(_entry(MANIFEST, _EPOCH, len(manifest)), manifest)
            for member in members:
                entry = _entry(member.name, member.day, member.size)
                with package.open(entry, "w", force_zip64=member.size >= 2**31) as stream:
                    for piece in member.pieces:
                        stream.write(piece)
        size = made.stream.tell()
        digest = _digest(made.stream)
    return SavedPackage(made.path, size, digest)


def _entry(name: str, day: date, size: int) -> zipfile.ZipInfo:
    """Make an entry from facts alone: no clock, no rights of this machine. PDFs are packed."""
    moment = min(max(day, _EPOCH), _LAST)
    entry = zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    entry.file_size = size
    return entry


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
