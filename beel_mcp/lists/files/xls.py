"""What an old Excel file says about its sheets: how far they reach, what hides, what is lost."""

import io
import struct
from collections.abc import Iterator
from typing import Final

from beel_mcp.lists.files.sheet import ERROR_CELL, Place, SheetFacts

_SECTOR: Final = 4_096  # of version 4, whose one table of tables is enough for any size read here
_ENTRIES: Final = _SECTOR // 4
_END: Final = 0xFFFFFFFE
_FREE: Final = 0xFFFFFFFF
_TABLE: Final = 0xFFFFFFFD
_SMALLEST: Final = 4_096  # shorter streams would lie elsewhere
_TABLES_IN_HEADER: Final = 109
_STREAM: Final = 2
_ROOT: Final = 5


def workbook_of(data: bytes) -> bytes:
    """Take the stream of the workbook out of its container.

    Raises:
        OSError: this is no such container, or it holds no workbook.

    """
    import olefile  # noqa: PLC0415 - only who reads such a file pays for it

    with olefile.OleFileIO(data) as container:
        name = next((name for name in ("Workbook", "Book") if container.exists(name)), None)
        if name is None:
            raise OSError("no workbook inside")
        with container.openstream(name) as stream:
            return bytes(stream.read())


def contained(book: bytes) -> io.BytesIO:
    """Put a workbook into a container that holds nothing else."""
    book = book.ljust(_SMALLEST, b"\0")
    sectors = -(-len(book) // _SECTOR)
    tables = 1
    while 2 + sectors + tables > tables * _ENTRIES:
        tables += 1
    # First the directory, then an unused sector for small streams, which the reader insists on,
    # then the workbook, then the tables that chain them.
    chain = [_END, _END, *range(3, sectors + 2), _END, *[_TABLE] * tables]
    chain += [_FREE] * (tables * _ENTRIES - len(chain))
    places = [2 + sectors + number for number in range(tables)]
    root = _entry("Root Entry", _ROOT, 1, 64, child=1)
    directory = root + _entry("Workbook", _STREAM, 2, len(book))
    return io.BytesIO(
        b"".join(
            (
                _header(places),
                directory.ljust(2 * _SECTOR, b"\0"),
                book.ljust(sectors * _SECTOR, b"\0"),
                struct.pack(f"<{len(chain)}I", *chain),
            )
        )
    )


def _header(tables: list[int]) -> bytes:
    places = tables + [_FREE] * (_TABLES_IN_HEADER - len(tables))
    fixed = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E,  # minor and major version
        4,
        0xFFFE,  # little-endian
        12,  # a sector has 2 to the 12th bytes, a small one 2 to the 6th
        6,
        1,  # sectors of the directory
        len(tables),
        0,  # the directory's first sector
        0,
        _SMALLEST,
        _END,  # no small sectors, no table of tables beyond the header
        0,
        _END,
        0,
        *places[:1],
    )
    return (fixed + struct.pack("<108I", *places[1:])).ljust(_SECTOR, b"\0")


def _entry(name: str, kind: int, first: int, size: int, child: int = _FREE) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack(
        "<64sHBBIII36xIQ", text, len(text), kind, 1, _FREE, _FREE, child, first, size
    )


# Records of BIFF5 and BIFF8, by their numbers.
_BOF: Final = 0x0809
_EOF: Final = 0x000A
_SHEET: Final = 0x0085
_PASSWORD: Final = 0x002F
_ROW: Final = 0x0208
_FORMULA: Final = 0x0006
_ERROR: Final = 0x0205
_EXTENT: Final = 0x0200
_TEXTS: Final = 0x00FC
_CELLS: Final = frozenset({0x0203, 0x027E, 0x00FD, 0x0204, 0x00D6, _FORMULA, _ERROR})
_MANY: Final = 0x00BD  # several numbers in one record
_HIDDEN: Final = 0x20


class ProtectedError(Exception):
    """The workbook is encrypted."""


def measured(data: bytes) -> tuple[io.BytesIO, list[SheetFacts]]:
    """Look through every sheet, in their order, before the reader makes room for it.

    Gives the workbook back without the sizes that it promises: the reader would believe them.

    Raises:
        ProtectedError: the workbook is encrypted.
        OSError: this is no such file, or a broken one.
        ValueError: its records do not follow each other, or promise what is not there.

    """
    book = bytearray(workbook_of(data))
    starts = []
    for number, start, length in _records(book, 0):
        if number == _PASSWORD:
            raise ProtectedError
        if number == _SHEET and length >= 6:
            starts.append(struct.unpack_from("<I", book, start)[0])
        elif number == _TEXTS and length >= 8 and _count(book, start) > len(book):
            raise ValueError("more texts than bytes")
    facts = [_sheet(book, start) for start in starts]
    return contained(bytes(book)), facts


def _count(book: bytearray, start: int) -> int:
    every, different = struct.unpack_from("<II", book, start)
    return int(max(every, different))


def _records(book: bytearray, offset: int) -> Iterator[tuple[int, int, int]]:
    """Give the number, start and length of each record up to the end of a part."""
    depth = 0
    while offset + 4 <= len(book):
        number, length = struct.unpack_from("<HH", book, offset)
        start = offset + 4
        if start + length > len(book):
            raise ValueError("a record is cut off")
        depth += (number == _BOF) - (number == _EOF)
        yield number, start, length
        if not depth:
            return
        offset = start + length


def _sheet(book: bytearray, offset: int) -> SheetFacts:
    last_row, last_column = 0, 0
    hidden = set()
    lost: dict[Place, str] = {}
    for number, start, length in _records(book, offset):
        if number == _ROW and length >= 16:
            row, options = struct.unpack_from("<H10xH", book, start)
            if options & _HIDDEN:
                hidden.add(row + 1)
        elif number == _EXTENT:
            book[start : start + length] = bytes(length)
        elif (number in _CELLS or number == _MANY) and length >= 6:
            row, column = struct.unpack_from("<HH", book, start)
            if number == _MANY:
                column = struct.unpack_from("<H", book, start + length - 2)[0]
            last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
            if _is_error(book, number, start, length):
                lost[row + 1, column] = ERROR_CELL
    return SheetFacts(last_row, last_column, frozenset(hidden), lost=lost)


def _is_error(book: bytearray, number: int, start: int, length: int) -> bool:
    if number == _ERROR and length >= 8:
        return book[start + 7] == 1
    # The result of a formula is an error if its last two bytes are full and its first is 2.
    return (
        number == _FORMULA
        and length >= 14
        and book[start + 12 : start + 14] == b"\xff\xff"
        and book[start + 6] == 2
    )
