"""The container of old Excel files: its workbook taken out, and put alone into a fresh one.

The reader of spreadsheets trusts the numbers of this container, so that one damaged byte of them
can ask for more memory than there is. It is therefore given a container that was written here.
"""

import io
import struct
from typing import Final

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
