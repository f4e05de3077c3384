"""What every kind of file is read into: lines of cells, and what the sheet shows about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 5_000
MAX_COLUMNS: Final = 200
# Room for titles above the list and blank rows inside it.
LAST_ROW: Final = 9_999

Cell = str | int | float | bool | date | datetime | time | timedelta
Place = tuple[int, int]  # the number of the row, from 1, and the column, from 0
Kind = Literal["csv", "xlsx", "xls", "ods"]


class Line(NamedTuple):
    """A row that is not blank, with its number as the person sees it; blank ends are cut off."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """A sheet, or a text file, before anybody knows which line holds the headers."""

    lines: Sequence[Line]
    sheet: str | None = None
    encoding: str | None = None  # where it was not UTF-8
    hidden: frozenset[int] = frozenset()  # rows that the sheet does not show
    filled: Mapping[Place, int] = field(default_factory=dict)  # from which row a merged cell came
    lost: Mapping[Place, str] = field(default_factory=dict)  # why a cell has no value to read


@dataclass(frozen=True)
class SheetFacts:
    """What the reader of spreadsheets does not tell: extent, hidden rows, merges, lost values."""

    last_row: int = 0
    last_column: int = 0
    hidden: frozenset[int] = frozenset()
    merged: Sequence[tuple[Place, Place]] = ()
    lost: Mapping[Place, str] = field(default_factory=dict)


ERROR_CELL: Final = "The sheet shows an error here: correct the formula or type the value."
NO_RESULT: Final = (
    "A formula without a saved result: open the file in a spreadsheet program and save it."
)
