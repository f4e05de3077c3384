"""A sheet as it is read from any file, its limits, and the errors of files that cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.messages import Message

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
class Grid:
    """A sheet, or a text file, before anybody knows which line holds the headers."""

    lines: Sequence[Line]
    sheet: str | None = None
    encoding: str | None = None  # where it was not UTF-8
    hidden: frozenset[int] = frozenset()  # rows that the sheet does not show
    filled: Mapping[Coordinate, int] = field(default_factory=dict)  # the row a merged cell is of
    lost: Mapping[Coordinate, Message] = field(
        default_factory=dict
    )  # why a cell has no value to read


@dataclass(frozen=True)
class SheetFacts:
    """What calamine does not tell, or only once it has made room for it."""

    last_row: int = 0  # as `Coordinate` counts
    last_column: int = 0  # from 1
    hidden: frozenset[int] = frozenset()
    merged: Sequence[tuple[Coordinate, Coordinate]] = ()
    lost: Mapping[Coordinate, Message] = field(default_factory=dict)
    text: int = 0  # characters in cells that share them or are repeated


ERROR_CELL: Final = Message("sheet.error")
NO_RESULT: Final = Message("sheet.no_result")
SAVE_AS_CSV: Final = "Open it in a spreadsheet program and save it as CSV UTF-8 or XLSX."


def shown(name: str) -> str:
    """Quote a file's name for a sentence."""
    return quoted(name, 80)


def listed(names: Sequence[str]) -> str:
    """Quote up to ten names of sheets or columns, and count the others."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(quoted(name, 40) for name in names[:10]) + more


def file_error(name: str, fault: str, code: str, remedy: str) -> CallerError:
    """Build the error of a file: its name, its fault without a full stop, what to do."""
    return CallerError(f"{shown(name)} {fault}.", code=code, remedy=remedy)


def empty(name: str) -> CallerError:
    """Refuse a file that holds nothing."""
    remedy = "Save the list again and check that it has rows."
    return file_error(name, "is empty", "file_empty", remedy)


def no_rows(name: str) -> CallerError:
    """Refuse a header without rows."""
    remedy = "One row must hold the names of the columns, the customers follow."
    return file_error(name, "has no rows below its header", "file_empty", remedy)


def bomb(name: str, why: str) -> CallerError:
    """Refuse what would become much larger once it is opened."""
    remedy = (
        "Copy the list alone, without empty formatted rows, into a new file and save it as XLSX."
    )
    return file_error(name, f"was not opened: {why}", "file_too_large", remedy)


def too_many_rows(name: str, total: int) -> CallerError:
    """Refuse a list of `total` rows."""
    fault = f"has {total} rows; at most {MAX_ROWS} are taken at once"
    remedy = f"Split it into files of up to {MAX_ROWS} rows, each with the header."
    return file_error(name, fault, "too_many_rows", remedy)


def too_many_columns(name: str, count: int) -> CallerError:
    """Refuse a sheet of `count` columns."""
    fault = f"has {count} columns; at most {MAX_COLUMNS} are read"
    remedy = "Check that the first row holds the names of the columns."
    return file_error(name, fault, "file_no_header", remedy)


def wrong_type(name: str, found: str, remedy: str = SAVE_AS_CSV) -> CallerError:
    """Refuse a file that is not what its name says."""
    return file_error(name, f"is {found}, whatever its name says", "file_wrong_type", remedy)


def password_protected(name: str) -> CallerError:
    """Refuse a file that nobody can read without its password."""
    remedy = "The person can open it and save a copy without the password."
    return file_error(name, "is protected with a password", "file_password", remedy)


def damaged(name: str) -> CallerError:
    """Refuse a file that is broken inside."""
    fault = "is damaged: it cannot be opened as a spreadsheet"
    return file_error(name, fault, "file_damaged", SAVE_AS_CSV)
