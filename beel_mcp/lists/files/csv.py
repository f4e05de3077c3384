"""The bytes of a CSV file become lines of text, whatever encoding and separator it has."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from beel_mcp.lists.files.encoding import decoded
from beel_mcp.lists.files.sheet import MAX_ROWS, Grid, Line, file_error
from beel_mcp.lists.headers import fields_of, key_of

_MAX_LINE: Final = 100_000
_SEPARATORS: Final = (";", ",", "\t", "|")  # the template's own comes first, and wins a tie
# Any other sign, only if it splits every line alike; these only if they make known headers, too.
_IN_NAMES: Final = frozenset(" .-_/@'()+&\u00b4`\u2019")
_LINE_END: Final = re.compile("\r\n|\r|\n")
_LINES_SEARCHED: Final = 40
_MOST_LINES: Final = MAX_ROWS + _LINES_SEARCHED  # a title may stand above the list
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)


def read_csv(data: bytes, name: str, named: Iterable[str] = ()) -> Grid:
    """Read text in a certain encoding, separated by `;`, `,`, tab, `|`, or any sign of its own.

    A row's number is the one that a spreadsheet shows: the first row is 1, blank rows count,
    a line break inside quotes does not, and neither does Excel's own line `sep=;`. `named` are
    headers that the caller knows.

    Raises:
        CallerError: the file is not such a table; `code` says why, the message what to do.
    """
    text, encoding = decoded(data, name)
    separator = ""
    if line_of_its_own := _SEPARATOR_LINE.match(text):
        separator, text = line_of_its_own[1], text[line_of_its_own.end() :]
    lines: list[Line] = []
    total = 0
    for total, line in enumerate(_lines(text, separator or _separator(text, named), name), 1):
        if total <= _MOST_LINES:  # the others are only counted
            lines.append(line)
    if total > _MOST_LINES:
        raise file_error("too_many_rows", name, total=total - 1, limit=MAX_ROWS)
    return Grid(lines, encoding=encoding.told, doubt=encoding.doubt)


def _separator(text: str, named: Iterable[str] = ()) -> str:
    """Take the separator that makes known headers of a line; else the one most lines agree on."""
    # Inside quotes they separate nothing.
    outside = re.sub('"[^"]*"', lambda cell: re.sub(r"\W", " ", cell[0]), text[:_MAX_LINE])
    lines: list[str] = _LINE_END.split(outside)[:_LINES_SEARCHED]
    wanted = frozenset(map(key_of, named))

    def headers(mark: str) -> int:
        every = ([cell.strip('" ') for cell in line.split(mark)] for line in lines)
        return max(len(fields_of(cells)) + len(wanted & set(map(key_of, cells))) for cells in every)

    def agreeing(mark: str) -> int:
        counts = Counter(line.count(mark) for line in lines if mark in line)
        return max(counts.values(), default=0)

    def is_even(mark: str) -> bool:
        return len(lines) > 1 and len({line.count(mark) for line in lines if line.strip()}) == 1

    first = dict.fromkeys(next((line for line in lines if line.strip()), ""))
    rare = [mark for mark in first if not mark.isalnum() and mark != '"' and is_even(mark)]
    best = max((*_SEPARATORS, *rare), key=headers)
    if headers(best):
        return best
    signs = [mark for mark in rare if mark not in _IN_NAMES]
    usual = max(_SEPARATORS, key=agreeing)
    return usual if agreeing(usual) or not signs else max(signs, key=agreeing)


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
