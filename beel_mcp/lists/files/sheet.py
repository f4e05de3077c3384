"""A sheet as it is read from any file, its limits, and the errors of files that cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.messages import Message, read_data

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 5_000
MAX_COLUMNS: Final = 200
# Room for titles above the list and blank rows inside it.
LAST_ROW: Final = 9_999
# Characters in the cells of a sheet: a list of 5,000 rows has about 2 million.
MAX_TEXT: Final = 40_000_000

Cell = str | int | float | bool | date | datetime | time | timedelta
Coordinate = tuple[int, int]  # the number of the row, from 1, and the column, from 0
FileFormat = Literal["csv", "xlsx", "xls", "ods"]


class Line(NamedTuple):
    """A row that is not blank, with its number as the person sees it; blank ends are cut off."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Doubt:
    """In what else a text may be than the encoding it was read in.

    Certain are the letters of the encoding in general, but not those that only another has.
    """

    encoding: str
    rivals: tuple[str, ...]
    is_certain: bool


@dataclass(frozen=True)
class Grid:
    """A sheet, or a text file, before anybody knows which line holds the headers."""

    lines: Sequence[Line]
    sheet: str | None = None
    encoding: str | None = None  # where it was not UTF-8
    doubt: Doubt | None = None
    hidden: frozenset[int] = frozenset()  # rows that the sheet does not show
    hidden_columns: frozenset[int] = frozenset()  # from 0
    filled: Mapping[Coordinate, int] = field(default_factory=dict)  # the row a merged cell is of
    # Why a cell has no value to read.
    lost: Mapping[Coordinate, Message] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetFacts:
    """What calamine does not tell, or only once it has made room for it."""

    last_row: int = 0  # as `Coordinate` counts
    last_column: int = 0  # from 1
    hidden: frozenset[int] = frozenset()
    merged: Sequence[tuple[Coordinate, Coordinate]] = ()
    lost: Mapping[Coordinate, Message] = field(default_factory=dict)
    hidden_columns: frozenset[int] = frozenset()  # from 0
    text: int = 0  # characters in cells that share them or are repeated


ERROR_CELL: Final = Message("sheet.error")
NO_RESULT: Final = Message("sheet.no_result")


def listed(names: Sequence[str]) -> str:
    """Quote up to ten names of sheets or columns, and count the others."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(quoted(name, 40) for name in names[:10]) + more


def file_error(kind: str, name: str, **facts: str | int) -> CallerError:
    """Build the error of a file of this name; its kind and facts are those of the table."""
    words = read_data("file_errors")[kind]
    known = {**facts, "file": quoted(name, 80)}
    return CallerError(
        words["text"].format_map(known),
        code=words["code"],
        remedy=words["remedy"].format_map(known),
    )
