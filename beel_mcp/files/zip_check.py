"""Checks a ZIP of PDFs from BeeL to the last byte before anything in it is used."""

import errno
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final

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
_WIDE_SIZES: Final = struct.Struct("<2H2Q")  # kind 1, 16 bytes, unpacked, packed
_LONGEST_LISTED: Final = 2_000  # an entry of the directory, with its name
_LIBRARY_ERRORS: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError),
    *(ValueError, OverflowError, MemoryError),
)


class BadArchiveError(UnknownOutcomeError):
    """A ZIP that is not what was asked for; nothing of it is used."""

    default_code = "bad_archive"


class Archive:
    """A ZIP of PDFs in which every byte belongs to an entry, and entries are as they say.

    Whether their content is whole shows when it is read: only when all of them have been read
    may anything of it be used.
    """

    def __init__(self, file: BinaryIO, most_entries: int) -> None:
        """Check how it is built.

        Raises:
            BadArchiveError: it is not such a ZIP.
        """
        with _distrusted():
            # Before anything is read that the ZIP itself says how long it is.
            directory, count = _directory(file, most_entries)
            self._zip = zipfile.ZipFile(file)
            if len(self._zip.infolist()) != count:
                raise _bad("it has not as many entries as it says")
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
            while piece := _piece(stream):
                if not length and not piece.startswith(PDF_MAGIC):
                    raise _bad("an entry is no PDF")
                length += len(piece)
                yield piece
        if length != entry.file_size or not length:
            raise _bad("an entry is shorter than it says")

    def read_through(self, entries: Iterable[zipfile.ZipInfo]) -> None:
        """Read entries only to see that they are whole."""
        for entry in entries:
            for _ in self.read(entry):
                pass


def _piece(stream: IO[bytes]) -> bytes:
    with _distrusted():
        return stream.read(PIECE)


@contextmanager
def _distrusted() -> Iterator[None]:
    """Turn what the library makes of a bad ZIP into one error of ours, without its words."""
    try:
        yield
    except _LIBRARY_ERRORS as error:
        raise _bad(type(error).__name__) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset before the beginning
            raise
        raise _bad("OSError") from None


def _checked(archive: zipfile.ZipFile, file: BinaryIO, directory: int) -> list[zipfile.ZipInfo]:
    """Check the entries without reading their content; in the order in which they stand."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise _bad("unpacked it is too large")
    names = {unicodedata.normalize("NFC", entry.filename).casefold() for entry in entries}
    if len(names) != len(entries):
        raise _bad("a name stands there twice")
    for entry in entries:
        _check_entry(entry)
    offset = 0
    for entry, following in zip(
        entries, [*(entry.header_offset for entry in entries[1:]), directory], strict=True
    ):
        if entry.header_offset != offset or not _fills(file, entry, following):
            raise _bad("entries overlap, or something stands between them")
        offset = following
    return entries


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if not entry.filename or entry.filename != entry.orig_filename:
        raise _bad("an entry has no name, or half of one")
    if entry.flag_bits & _ENCRYPTED:
        raise _bad("an entry is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _bad("an entry is packed in an odd way")
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
        raise _bad("an entry is not as long as it says")
    mode = entry.external_attr >> 16
    if entry.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
        raise _bad("an entry is no file")
    if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        raise _bad("an entry unpacks to too much")


def _directory(file: BinaryIO, most: int) -> tuple[int, int]:
    """Find the offset of the directory, and how many entries it says it has.

    The end record is the last thing in the file.
    """
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
    return start, total


def _fills(file: BinaryIO, entry: zipfile.ZipInfo, following: int) -> bool:
    """Whether an entry reaches to the offset where the next one, or the directory, begins.

    Behind its data may stand a descriptor that says again what the directory says.
    """
    end = _end_of(file, entry)
    if not 0 < following - end <= _LONGEST_DESCRIPTOR:
        return following == end
    facts = (entry.CRC, entry.compress_size, entry.file_size)
    descriptors = [struct.pack(form, *facts) for form in ("<3L", "<L2Q")]
    descriptors += [_DESCRIPTOR_MAGIC + descriptor for descriptor in descriptors]
    file.seek(end)
    return bool(entry.flag_bits & _HAS_DESCRIPTOR) and file.read(following - end) in descriptors


def _end_of(file: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Hold an entry's own header against the directory; the offset where its data end."""
    file.seek(entry.header_offset)
    magic, _, flags, method, _, _, *sizes, name_length, extra_length = _LOCAL.unpack(
        file.read(_LOCAL.size)
    )
    name, extra = file.read(name_length), file.read(extra_length)
    facts = [(entry.CRC, entry.compress_size, entry.file_size)]
    if flags & _HAS_DESCRIPTOR:
        facts.append((0, 0, 0))  # they stand behind the data
    has_sizes = any(
        sizes == [crc, packed, unpacked]
        or (sizes == [crc, _WIDE, _WIDE] and _WIDE_SIZES.pack(1, 16, unpacked, packed) in extra)
        for crc, packed, unpacked in facts
    )
    own = (magic, flags, method, name.decode("utf-8" if flags & 0x800 else "cp437"))
    listed = (_LOCAL_MAGIC, entry.flag_bits, entry.compress_type, entry.orig_filename)
    if own != listed or not has_sizes:
        raise _bad("an entry and the directory disagree")
    return int(entry.header_offset + _LOCAL.size + name_length + extra_length + entry.compress_size)


def _bad(why: str) -> BadArchiveError:
    return BadArchiveError(
        f"BeeL's ZIP of PDFs cannot be trusted ({why}); nothing of it was used.",
        changed="nothing",
        retryable=True,
    )
