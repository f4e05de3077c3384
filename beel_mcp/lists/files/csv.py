"""The bytes of a CSV file become lines of text, whatever encoding and separator it has."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from beel_mcp.lists.files.sheet import MAX_ROWS, Grid, Line, file_error
from beel_mcp.lists.headers import fields_of

_MAX_LINE: Final = 100_000
_SEPARATORS: Final = (";", ",", "\t")  # the template's own comes first, and wins a tie
_BLANKED: Final = str.maketrans(dict.fromkeys(";,\t\r\n", " "))
_LINES_SEARCHED: Final = 40
_MOST_LINES: Final = MAX_ROWS + _LINES_SEARCHED  # a title may stand above the list
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# Letters of MS-DOS (code page 850) and of UTF-8, as Windows-1252 shows them inside words.
_DOS: Final = re.compile(r"[a-z][\xa4\xa5\xa2\xa3\xa1\u201a\xa0][a-z]", re.IGNORECASE)
_TWICE: Final = re.compile("[\xc2\xc3][\x80-\xbf\u2018-\u203a\u20ac\u2122\u0152\u0153\u0160\u0161]")


def read_csv(data: bytes, name: str) -> Grid:
    """Read text separated by `;`, `,` or tab; UTF-8, UTF-16 with its mark, or Windows-1252.

    A row's number is the one that a spreadsheet shows: the first row is 1, blank rows count,
    a line break inside quotes does not, and neither does Excel's own line `sep=;`.

    Raises:
        CallerError: the file is not such a table; `code` says why, the message what to do.
    """
    text, encoding = _decoded(data, name)
    separator = ""
    if named := _SEPARATOR_LINE.match(text):
        separator, text = named[1], text[named.end() :]
    lines: list[Line] = []
    total = 0
    for total, line in enumerate(_lines(text, separator or _separator(text), name), 1):
        if total <= _MOST_LINES:  # the others are only counted
            lines.append(line)
    if total > _MOST_LINES:
        raise file_error("too_many_rows", name, total=total - 1, limit=MAX_ROWS)
    return Grid(lines, encoding=encoding)


def _decoded(data: bytes, name: str) -> tuple[str, str | None]:
    """Give the text, and the name of its encoding where it was not UTF-8."""
    fault = "is not text: it has zero bytes, as UTF-16 without its mark"
    try:
        if data.startswith(_UTF16):
            return data.decode("utf-16"), "UTF-16"
        if b"\0" not in data:
            return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            fault = f"is not UTF-16 text: byte {error.start} does not fit"
        elif not data.startswith(codecs.BOM_UTF8):
            return _windows(data, name), "Windows-1252"
        else:  # the error counts from behind the mark that "utf-8-sig" takes away
            line = _line_of(data.removeprefix(codecs.BOM_UTF8), error.start)
            fault = f"is not UTF-8 text: line {line} has a character in another encoding"
    raise file_error("encoding", name, fault=fault)


def _line_of(data: bytes, offset: int) -> int:
    return len(_LINE_END.findall(data, 0, offset)) + 1


def _windows(data: bytes, name: str) -> str:
    """Read Windows-1252, which Latin-1 text is, too; refuse what only looks like it.

    Every byte is a character there, so a wrong guess would give wrong names without a word.
    """
    unknown = "has an unknown encoding"
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        fault = f"{unknown}: a character of line {_line_of(data, error.start)} is none of Windows"
        raise file_error("encoding", name, fault=fault) from None
    for pattern, what in ((_DOS, "MS-DOS text"), (_TWICE, "UTF-8 mixed with another encoding")):
        if found := pattern.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise file_error("encoding", name, fault=f"{unknown}: line {line} looks like {what}")
    return text


def _separator(text: str) -> str:
    """Take the separator that makes known headers of a line; else the one most lines agree on."""
    # Inside quotes they separate nothing.
    outside = re.sub('"[^"]*"', lambda cell: cell[0].translate(_BLANKED), text[:_MAX_LINE])
    lines = outside.splitlines()[:_LINES_SEARCHED]

    def headers(mark: str) -> int:
        cells = ([cell.strip('" ') for cell in line.split(mark)] for line in lines)
        return max((len(fields_of(line)) for line in cells), default=0)

    def agreeing(mark: str) -> int:
        counts = Counter(line.count(mark) for line in lines if mark in line)
        return max(counts.values(), default=0)

    best = max(_SEPARATORS, key=headers)
    return best if headers(best) else max(_SEPARATORS, key=agreeing)


def _lines(text: str, separator: str, name: str) -> Iterator[Line]:
    """Give every row that is not blank, with its number."""
    reader = csv.reader(_checked(text, name), delimiter=separator, strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            while record and not record[-1].strip():
                record.pop()
            if record:
                yield Line(number, tuple(record))
    except csv.Error as error:
        # Our own sentence: the module's words are for programmers.
        too_long = "field limit" in str(error)
        why = "a cell is too long" if too_long else "its quotation marks do not pair up"
        raise file_error("csv_record", name, row=number + 1, why=why) from None


def _checked(text: str, name: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > _MAX_LINE:
            raise file_error("csv_line", name, limit=_MAX_LINE)
        yield line
