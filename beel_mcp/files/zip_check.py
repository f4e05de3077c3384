"""A ZIP from elsewhere: looked through to the last byte before anything in it is used."""

import errno
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from beel_mcp.errors import UnknownOutcomeError

MOST_BYTES: Final = 52_428_800
MOST_UNPACKED: Final = 200_000_000
MOST_RATIO: Final = 100
PIECE: Final = 65_536
PDF_MAGIC: Final = b"%PDF-"
_END: Final = struct.Struct("<4s4H2LH")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_END_MAGIC: Final = b"PK\x05\x06"
_ENCRYPTED: Final = 0x41  # plain and strong
_HAS_DESCRIPTOR: Final = 0x08
_DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"
_LONGEST_DESCRIPTOR: Final = 24
_LOCATOR_MAGIC: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_WIDE: Final = 0xFFFFFFFF
_WIDE_FIELD: Final = struct.Struct("<2Q")
_LONGEST_LISTED: Final = 2_000  # an entry of the directory, with its name
_STORED: Final = 0
_DEFLATED: Final = 8


class BadArchiveError(UnknownOutcomeError):
    """A ZIP that is not what was asked for; nothing of it is used."""

    default_code = "bad_archive"


class Archive:
    """A ZIP of PDFs in which every byte belongs to an entry, and entries are as they say.

    Whether their content is whole shows when it is read: only when all of them have been read
    may anything of it be used.
    """

    def __init__(self, file: BinaryIO, most_entries: int) -> None:
        """Look at how it is built.

        Raises:
            BadArchiveError: it is not such a ZIP.
        """
        with _distrusted():
            # Before anything is read that the ZIP itself says how long it is.
            directory = _directory(file, most_entries)
            self._zip = zipfile.ZipFile(file)
            self.entries = _checked(self._zip, file, directory)

    def read(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """Read a PDF piece by piece; its length and sum are held against what the ZIP says.

        Raises:
            BadArchiveError: it is no PDF, or not the one that the ZIP speaks of.
        """
        length = 0
        with _distrusted():
            stream = self._zip.open(entry)
        with stream:
            while True:
                with _distrusted():
                    piece = stream.read(PIECE)
                if not piece:
                    break
                if not length and not piece.startswith(PDF_MAGIC):
                    raise _bad("an entry is no PDF")
                length += len(piece)
                yield piece
        if length != entry.file_size or not length:
            raise _bad("an entry is shorter than it says")

    def read_through(self, entries: Iterable[zipfile.ZipInfo]) -> None:
        """Read entries for nothing but to see that they are whole.

        Raises:
            BadArchiveError: one is not.
        """
        for entry in entries:
            for _ in self.read(entry):
                pass


@contextmanager
def _distrusted() -> Iterator[None]:
    """Turn what the library makes of a bad ZIP into one error of ours, without its words."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError) as error:
        raise _bad(type(error).__name__) from None
    except (NotImplementedError, ValueError, OverflowError, MemoryError) as error:
        raise _bad(type(error).__name__) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the beginning
            raise
        raise _bad("OSError") from None


@dataclass(frozen=True)
class _Directory:
    """Where the directory begins, and how many entries it says it has."""

    start: int
    count: int


def _checked(
    archive: zipfile.ZipFile, file: BinaryIO, directory: _Directory
) -> list[zipfile.ZipInfo]:
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    if len(entries) != directory.count:
        raise _bad("it has not as many entries as it says")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise _bad("unpacked it is too large")
    names = {unicodedata.normalize("NFC", entry.filename).casefold() for entry in entries}
    if len(names) != len(entries):
        raise _bad("a name stands there twice")
    for entry in entries:
        _check_entry(entry)
    _check_places(file, entries, directory.start)
    return entries


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if not entry.filename or entry.filename != entry.orig_filename:
        raise _bad("an entry has no name, or half of one")
    if entry.flag_bits & _ENCRYPTED:
        raise _bad("an entry is encrypted")
    if entry.compress_type not in (_STORED, _DEFLATED):
        raise _bad("an entry is packed in an odd way")
    if entry.compress_type == _STORED and entry.file_size != entry.compress_size:
        raise _bad("an entry is not as long as it says")
    mode = entry.external_attr >> 16
    if entry.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
        raise _bad("an entry is no file")
    if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        raise _bad("an entry unpacks to too much")


def _directory(file: BinaryIO, most: int) -> _Directory:
    """Find where the directory begins; the end record is the last thing in the file."""
    size = file.seek(0, 2)
    if size > MOST_BYTES:
        raise _bad("it is too large")
    if size < _END.size:
        raise _bad("it is too short")
    file.seek(max(size - _END.size - _LOCATOR_BYTES, 0))
    locator = file.read(4) if size >= _END.size + _LOCATOR_BYTES else b""
    file.seek(size - _END.size)
    magic, disk, start_disk, here, total, length, start, comment = _END.unpack(file.read(_END.size))
    if magic != _END_MAGIC or comment or disk or start_disk or here != total:
        raise _bad("its end is not where it belongs")
    if not 1 <= total <= most or length > total * _LONGEST_LISTED:
        raise _bad("more entries than were asked for, or none")
    if start + length + _END.size != size or locator == _LOCATOR_MAGIC:
        raise _bad("something stands before or behind its directory")
    return _Directory(start, total)


def _check_places(file: BinaryIO, entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Walk through it from the first byte: each entry begins where the one before it ends."""
    place = 0
    for number, entry in enumerate(entries):
        following = entries[number + 1].header_offset if number + 1 < len(entries) else directory
        if entry.header_offset != place:
            raise _bad("entries overlap, or something stands between them")
        end = _end_of(file, entry)
        gap = following - end
        if not 0 <= gap <= _LONGEST_DESCRIPTOR or not _is_descriptor(file, end, gap, entry):
            raise _bad("entries overlap, or something stands between them")
        place = following


def _is_descriptor(file: BinaryIO, end: int, length: int, entry: zipfile.ZipInfo) -> bool:
    """Tell whether what follows an entry says again what the directory says, or is nothing."""
    if not length:
        return True
    if not entry.flag_bits & _HAS_DESCRIPTOR:
        return False
    facts = (entry.CRC, entry.compress_size, entry.file_size)
    told = [struct.pack(form, *facts) for form in ("<3L", "<L2Q")]
    file.seek(end)
    return file.read(length) in (*told, *(_DESCRIPTOR_MAGIC + one for one in told))


def _end_of(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Hold an entry's own header against the directory; tell where its data end."""
    file.seek(entry.header_offset)
    magic, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = _LOCAL.unpack(
        file.read(_LOCAL.size)
    )
    name = file.read(name_length)
    if magic != _LOCAL_MAGIC or flags != entry.flag_bits or method != entry.compress_type:
        raise _bad("an entry and the directory disagree")
    if name.decode("utf-8" if flags & 0x800 else "cp437") != entry.orig_filename:
        raise _bad("an entry and the directory disagree")
    if packed == unpacked == _WIDE:
        packed, unpacked = _wide_sizes(file.read(extra_length))
    told = {(entry.CRC, entry.compress_size, entry.file_size)}
    if flags & _HAS_DESCRIPTOR:
        told.add((0, 0, 0))
    if (crc, packed, unpacked) not in told:
        raise _bad("an entry and the directory disagree")
    return int(entry.header_offset + _LOCAL.size + name_length + extra_length + entry.compress_size)


def _wide_sizes(extra: bytes) -> tuple[int, int]:
    """Read the sizes that need eight bytes each; the larger one comes first."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == 1 and length == _WIDE_FIELD.size:
            unpacked, packed = _WIDE_FIELD.unpack_from(extra, place + 4)
            return packed, unpacked
        place += 4 + length
    raise _bad("an entry does not say how long it is")


def _bad(why: str) -> BadArchiveError:
    return BadArchiveError(
        f"BeeL's ZIP of PDFs cannot be trusted ({why}); nothing of it was used.",
        changed="nothing",
        retryable=True,
    )
