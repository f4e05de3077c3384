"""The bytes of a CSV file become rows of text, each with its row number."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 500
_MAX_COLUMNS: Final = 200
_MAX_LINE: Final = 100_000
_SEPARATORS: Final = (";", ",")  # the template's own comes first, and wins a tie
_OTHER_KINDS: Final = (
    (b"PK\x03\x04", "a spreadsheet or ZIP"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"{\\rtf", "a text document"),
)
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|head|body|table|\?xml)\b", re.IGNORECASE)
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS_CSV: Final = "Open it in a spreadsheet program and save it as CSV UTF-8."


@dataclass(frozen=True)
class TableRow:
    """A row that is not blank; it has a cell for each header, and more only if they hold text."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The headers of a file and its rows, as text, unchanged."""

    headers: tuple[str, ...]
    rows: tuple[TableRow, ...]


def read_table(data: bytes, name: str) -> Table:
    """Read a CSV file: UTF-8, separated by `;` or `,`, headers in its first row.

    A row's number is the one that a spreadsheet shows: the first row is 1, blank rows count,
    and a line break inside quotes does not.

    Raises:
        CallerError: the file is not such a table; `code` says why, the message what to do.

    """
    text = _text(data, quoted(name, 80))
    records = _records(text, _separator(text), quoted(name, 80))
    headers = next((cells for _, cells in records if cells), ())
    if len(headers) > _MAX_COLUMNS:
        raise CallerError(
            f"{quoted(name, 80)} has {len(headers)} columns; at most {_MAX_COLUMNS} are read.",
            code="file_no_header",
            remedy="Check that the first row holds the names of the columns.",
        )
    rows: list[TableRow] = []
    total = 0
    for number, cells in records:
        total += bool(cells)
        if cells and total <= MAX_ROWS:
            rows.append(TableRow(number, cells + ("",) * (len(headers) - len(cells))))
    _check_size(total, quoted(name, 80))
    return Table(headers, tuple(rows))


def _text(data: bytes, name: str) -> str:
    _check_kind(data, name)
    remedy = (
        "Save it again as CSV UTF-8 (in Excel: Save as, CSV UTF-8), so that accents and ñ survive."
    )
    if data.startswith(_UTF16) or b"\0" in data:
        raise CallerError(f"{name} is not UTF-8 text.", code="file_encoding", remedy=remedy)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind the mark that "utf-8-sig" takes away.
        behind = data.removeprefix(codecs.BOM_UTF8)
        line = len(re.findall(rb"\r\n|\r|\n", behind[: error.start])) + 1
        message = f"{name} is not UTF-8 text: line {line} has a character in another encoding."
    raise CallerError(message, code="file_encoding", remedy=remedy)


def _check_kind(data: bytes, name: str) -> None:
    if len(data) > MAX_BYTES:
        raise CallerError(
            f"{name} is larger than {MAX_BYTES // 1_000_000} MB.",
            code="file_too_large",
            remedy="Keep the columns of BeeL's template only, or split the file.",
        )
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise CallerError(
            f"{name} is empty.",
            code="file_empty",
            remedy="Save the list again and check that it has rows.",
        )
    kinds = [kind for magic, kind in _OTHER_KINDS if data.startswith(magic)]
    if _MARKUP.match(data.removeprefix(codecs.BOM_UTF8)):
        kinds.append("a web page")
    if kinds:
        raise CallerError(
            f"{name} is {kinds[0]}, not a CSV file, whatever its name says.",
            code="file_not_csv",
            remedy=_SAVE_AS_CSV,
        )


def _check_size(total: int, name: str) -> None:
    if not total:
        raise CallerError(
            f"{name} has no rows below its header.",
            code="file_empty",
            remedy="The first row must hold the names of the columns, the customers follow.",
        )
    if total > MAX_ROWS:
        raise CallerError(
            f"{name} has {total} rows; at most {MAX_ROWS} are taken at once.",
            code="too_many_rows",
            remedy=f"Split it into files of up to {MAX_ROWS} rows, each with the header.",
        )


def _separator(text: str) -> str:
    """Take the separator that stands more often in the header, quoted cells aside."""
    lines = re.sub('"[^"]*"', "x", text[:_MAX_LINE]).splitlines()
    header = next((line for line in lines if line.strip(" \t;,")), lines[0] if lines else "")
    return max(_SEPARATORS, key=header.count)


def _records(text: str, separator: str, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give every row with its number, blank ends cut off: a blank row has no cells."""
    reader = csv.reader(_lines(text, name), delimiter=separator, strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            while record and not record[-1].strip():
                record.pop()
            yield number, tuple(record)
    except csv.Error as error:
        # Our own sentence: the module's words are for programmers.
        too_long = "field limit" in str(error)
        fault = "a cell is too long" if too_long else "its quotation marks do not pair up"
        message = f"{name} cannot be read from row {number + 1} on: {fault}."
    else:
        return
    raise CallerError(
        message,
        code="file_not_csv",
        remedy='Put a cell that holds " in quotes and double the " inside. ' + _SAVE_AS_CSV,
    )


def _lines(text: str, name: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > _MAX_LINE:
            raise CallerError(
                f"{name} has a line of more than {_MAX_LINE} characters: not a list of customers.",
                code="file_not_csv",
                remedy=_SAVE_AS_CSV,
            )
        yield line
