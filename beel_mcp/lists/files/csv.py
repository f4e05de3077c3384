"""The bytes of a CSV file become lines of text, whatever encoding and separator it has."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from beel_mcp.lists.files.encoding import decoded
from beel_mcp.lists.files.sheet import MAX_ROWS, Grid, Line, file_error
from beel_mcp.lists.headers import fields_of

_MAX_LINE: Final = 100_000
_SEPARATORS: Final = (";", ",", "\t", "|")  # the template's own comes first, and wins a tie
_RARE_SEPARATORS: Final = "^~¦#*:!$%&§"  # only if they split every line alike
_BLANKED: Final = str.maketrans(dict.fromkeys(f"{''.join(_SEPARATORS)}{_RARE_SEPARATORS}\r\n", " "))
_LINES_SEARCHED: Final = 40
_MOST_LINES: Final = MAX_ROWS + _LINES_SEARCHED  # a title may stand above the list
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)


def read_csv(data: bytes, name: str) -> Grid:
    """Read text in a certain encoding, separated by `;`, `,`, tab, `|`, or any sign of its own.

    A row's number is the one that a spreadsheet shows: the first row is 1, blank rows count,
    a line break inside quotes does not, and neither does Excel's own line `sep=;`.

    Raises:
        CallerError: the file is not such a table; `code` says why, the message what to do.
    """
    text, encoding = decoded(data, name)
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
    return Grid(lines, encoding=encoding.told, doubt=encoding.doubt)


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

    def is_even(mark: str) -> bool:
        return len(lines) > 1 and len({line.count(mark) for line in lines if line.strip()}) == 1

    rare = [mark for mark in _RARE_SEPARATORS if mark in text[:_MAX_LINE] and is_even(mark)]
    best = max((*_SEPARATORS, *rare), key=headers)
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
