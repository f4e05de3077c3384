"""Old Excel files: measured, and put into a fresh container, before calamine makes room for them.

Calamine believes the sizes that such a file promises, so that a few bytes could fill the memory.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from beel_mcp.lists.files.sheet import ERROR_CELL, MAX_COLUMNS, Coordinate, SheetFacts
from beel_mcp.messages import Message

# The container (OLE 2, version 4): its sectors, and the marks in the tables that chain them.
_SECTOR: Final = 4_096  # also the least that a stream outside of the small sectors may have
_TABLES: Final = 3  # 1,024 sectors each: 12 MB, and no file read here has more
_END: Final = 0xFFFFFFFE
_TABLE: Final = 0xFFFFFFFD
_NONE: Final = 0xFFFFFFFF
# Records of BIFF5 and BIFF8.
_BOF: Final = 0x0809
_EOF: Final = 0x000A
_BOUNDSHEET: Final = 0x0085
_FILEPASS: Final = 0x002F
_SST: Final = 0x00FC  # the texts that cells share
_LABELSST: Final = 0x00FD
_CONTINUE: Final = 0x003C
_DIMENSIONS: Final = 0x0200
_ROW: Final = 0x0208
_FORMULA: Final = 0x0006
_BOOLERR: Final = 0x0205
_MULRK: Final = 0x00BD
_CELLS: Final = frozenset({0x0203, 0x027E, 0x0204, 0x00D6, _LABELSST, _FORMULA, _BOOLERR, _MULRK})
_ROW_HIDDEN: Final = 0x20
_COLUMNS: Final = 0x007D


class ProtectedError(Exception):
    """The workbook is encrypted."""


def measured(data: bytes) -> tuple[io.BytesIO, list[SheetFacts]]:
    """Give a file that is safe to open, and the facts of its sheets in their order.

    Raises:
        ProtectedError: the workbook is encrypted.
        OSError: this is no such file, or a broken one.
        ValueError: its records do not follow each other, or promise what is not there.
        struct.error: a record is too short.
    """
    book = bytearray(workbook_of(data))
    offsets = []
    texts: list[bytearray] = []
    previous = 0
    for record, start, length in _records(book, 0):
        if record == _FILEPASS:
            raise ProtectedError
        if record == _BOUNDSHEET and length >= 6:
            offsets.append(struct.unpack_from("<I", book, start)[0])
        elif record == _SST or (record == _CONTINUE and previous == _SST):
            texts.append(book[start : start + length])
            record = _SST  # noqa: PLW2901 - another part of it may follow
        previous = record
    lengths = _text_lengths(texts, len(book)) if texts else []
    facts = [_sheet_facts(book, offset, lengths) for offset in offsets]
    return contained(bytes(book)), facts


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
    """Put a workbook into a container that holds nothing else, and makes no promise of its own."""
    count = max(1, -(-len(book) // _SECTOR))
    book = book.ljust(count * _SECTOR, b"\0")
    # The tables, the directory, an empty sector for small streams, which calamine wants, the book.
    chain = [*[_TABLE] * _TABLES, _END, _END, *range(_TABLES + 3, _TABLES + 2 + count), _END]
    tables = struct.pack(f"<{len(chain)}I", *chain).ljust(_TABLES * _SECTOR, b"\xff")
    header = struct.pack(
        f"<8s16xHHHHH6x{9 + _TABLES}I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 4, 0xFFFE),  # version 4, little-endian
        *(12, 6),  # a sector has 2 to the 12th bytes, a small one 2 to the 6th
        *(1, _TABLES, _TABLES),  # sectors of the directory; tables; where the directory begins
        *(0, _SECTOR, _END, 0, _END, 0),  # no small streams, no tables beyond these
        *range(_TABLES),
    )
    root = _directory_entry("Root Entry", 5, first=_TABLES + 1, size=64, child=1)
    stream = _directory_entry("Workbook", 2, first=_TABLES + 2, size=len(book), child=_NONE)
    return io.BytesIO(
        header.ljust(512, b"\xff").ljust(_SECTOR, b"\0")
        + tables
        + (root + stream).ljust(2 * _SECTOR, b"\0")
        + book
    )


def _directory_entry(name: str, kind: int, *, first: int, size: int, child: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    siblings = _NONE, _NONE
    return struct.pack("<64sHBBIII36xIQ", text, len(text), kind, 1, *siblings, child, first, size)


def _records(book: bytearray, offset: int) -> Iterator[tuple[int, int, int]]:
    """Give the number, start and length of each record up to the end of a part."""
    depth = 0
    while offset + 4 <= len(book):
        record, length = struct.unpack_from("<HH", book, offset)
        start = offset + 4
        offset = start + length
        if offset > len(book):
            raise ValueError("a record is cut off")
        depth += (record == _BOF) - (record == _EOF)
        yield record, start, length
        if not depth:
            return


def _text_lengths(parts: Sequence[bytearray], most: int) -> list[int]:
    """Give the number of characters of each shared text, which may go on in the next part."""
    every, different = struct.unpack_from("<II", parts[0])
    if max(every, different) > most:
        raise ValueError("more texts than bytes")
    lengths: list[int] = []
    remaining = iter(parts)
    part, at = next(remaining), 8
    while len(lengths) < different:
        while at >= len(part):
            at -= len(part)
            following = next(remaining, None)
            if following is None:
                return lengths
            part = following
        length, flags = struct.unpack_from("<HB", part, at)
        lengths.append(length)
        at += 3
        formats, phonetics = 0, 0
        if flags & 8:
            (formats,) = struct.unpack_from("<H", part, at)
            at += 2
        if flags & 4:
            (phonetics,) = struct.unpack_from("<I", part, at)
            at += 4
        while length > (fit := (len(part) - at) // (1 + flags % 2)):
            part, length = next(remaining, bytearray()), length - fit
            if not part:
                raise ValueError("a text is cut off")
            flags, at = part[0], 1
        at += length * (1 + flags % 2) + 4 * formats + phonetics
    return lengths


def _sheet_facts(book: bytearray, offset: int, lengths: Sequence[int]) -> SheetFacts:
    """Look through a sheet, and zero the extent that it promises."""
    last_row, last_column, text = 0, 0, 0
    hidden, hidden_columns = set(), set[int]()
    lost: dict[Coordinate, Message] = {}
    for record, start, length in _records(book, offset):
        if record == _ROW and length >= 16:
            row, options = struct.unpack_from("<H10xH", book, start)
            if options & _ROW_HIDDEN:
                hidden.add(row + 1)
        elif record == _COLUMNS and length >= 10:
            hidden_columns.update(_hidden_columns(book, start))
        elif record == _DIMENSIONS:
            book[start : start + length] = bytes(length)
        elif record in _CELLS and length >= 6:
            row, column = struct.unpack_from("<HH", book, start)
            if record == _MULRK:  # several cells, the last column at its end
                (column,) = struct.unpack_from("<H", book, start + length - 2)
            last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
            if record == _LABELSST and length >= 10:
                (index,) = struct.unpack_from("<I", book, start + 6)
                text += lengths[index] if index < len(lengths) else 0
            if _is_error(record, book[start : start + length]):
                lost[row + 1, column] = ERROR_CELL
    return SheetFacts(
        last_row,
        last_column,
        frozenset(hidden),
        lost=lost,
        hidden_columns=frozenset(hidden_columns),
        text=text,
    )


def _hidden_columns(book: bytearray, start: int) -> range:
    first, last, options = struct.unpack_from("<HH4xH", book, start)
    return range(first, min(last + 1, MAX_COLUMNS) if options & 1 else first)


def _is_error(record: int, cell: bytearray) -> bool:
    if record == _BOOLERR:
        return len(cell) >= 8 and cell[7] == 1
    # A formula's result that is no number ends in two full bytes, and begins with its kind.
    return record == _FORMULA and cell[12:14] == b"\xff\xff" and cell[6] == 2
