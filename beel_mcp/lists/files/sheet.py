"""The sentences for files that cannot be read: each names the file, its fault and the remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError

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

SAVE_AS_CSV: Final = "Open it in a spreadsheet program and save it as CSV UTF-8 or XLSX."
_SMALLER: Final = (
    "Copy the list alone, without empty formatted rows, into a new file and save it as XLSX."
)


def shown(name: str) -> str:
    """Quote a file's name for a sentence."""
    return quoted(name, 80)


def empty(name: str) -> CallerError:
    """Say that there is nothing in the file."""
    return CallerError(
        f"{shown(name)} is empty.",
        code="file_empty",
        remedy="Save the list again and check that it has rows.",
    )


def no_rows(name: str) -> CallerError:
    """Say that there is a header and nothing below it."""
    return CallerError(
        f"{shown(name)} has no rows below its header.",
        code="file_empty",
        remedy="One row must hold the names of the columns, the customers follow.",
    )


def too_large(name: str) -> CallerError:
    """Say that the file has too many bytes."""
    return CallerError(
        f"{shown(name)} is larger than {MAX_BYTES // 1_000_000} MB.",
        code="file_too_large",
        remedy="Keep the columns of BeeL's template only, or split the file.",
    )


def bomb(name: str, why: str) -> CallerError:
    """Say that the file would become much larger once it is opened."""
    return CallerError(
        f"{shown(name)} was not opened: {why}.", code="file_too_large", remedy=_SMALLER
    )


def too_many_rows(name: str, total: int) -> CallerError:
    """Say how many rows there are, and how many may be."""
    return CallerError(
        f"{shown(name)} has {total} rows; at most {MAX_ROWS} are taken at once.",
        code="too_many_rows",
        remedy=f"Split it into files of up to {MAX_ROWS} rows, each with the header.",
    )


def too_many_columns(name: str, count: int) -> CallerError:
    """Say how many columns there are, and how many may be."""
    return CallerError(
        f"{shown(name)} has {count} columns; at most {MAX_COLUMNS} are read.",
        code="file_no_header",
        remedy="Check that the first row holds the names of the columns.",
    )


def wrong_type(name: str, found: str, remedy: str = SAVE_AS_CSV) -> CallerError:
    """Say what the file really is."""
    return CallerError(
        f"{shown(name)} is {found}, whatever its name says.",
        code="file_wrong_type",
        remedy=remedy,
    )


def not_csv(name: str, fault: str, remedy: str = SAVE_AS_CSV) -> CallerError:
    """Say why the text is not a table."""
    return CallerError(f"{shown(name)} {fault}.", code="file_not_csv", remedy=remedy)


def encoding(name: str, fault: str) -> CallerError:
    """Say why the bytes are not text of a known encoding."""
    return CallerError(
        f"{shown(name)} {fault}",
        code="file_encoding",
        remedy="Save it again as CSV UTF-8 (in Excel: Save as, CSV UTF-8), so that accents and ñ"
        " survive.",
    )


def password(name: str) -> CallerError:
    """Say that nobody can read the file without its password."""
    return CallerError(
        f"{shown(name)} is protected with a password.",
        code="file_password",
        remedy="The person can open it and save a copy without the password.",
    )


def damaged(name: str) -> CallerError:
    """Say that the file is broken inside."""
    return CallerError(
        f"{shown(name)} is damaged: it cannot be opened as a spreadsheet.",
        code="file_damaged",
        remedy=SAVE_AS_CSV,
    )
