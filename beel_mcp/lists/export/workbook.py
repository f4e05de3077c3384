"""Lists as files that this server reads again: sheets of a workbook, and a backup in CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from beel_mcp.cleaning import FORMULA
from beel_mcp.lists.model import FIELDS, get_value

MAX_CELL: Final = 32_767  # counted as Excel does, in units of UTF-16
Colour = Literal["red", "orange", "yellow", "grey"]
_COLOURS: Final[Mapping[Colour, str]] = {
    "red": "#FFC7CE",
    "orange": "#FFD8A8",
    "yellow": "#FFEB9C",
    "grey": "#D9D9D9",
}
_TEXT: Final = {"num_format": 49, "valign": "top"}  # 49: text, @
_OPTIONS: Final = {
    "in_memory": True,  # what is in a list belongs in no folder for temporary files
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class Cell(NamedTuple):
    """A text, and how it stands out."""

    text: str
    colour: Colour | None = None
    is_bold: bool = False
    is_wrapped: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet: the widths of its columns in digits, and its rows.

    `has_headers` keeps the first row in sight, with filters.
    """

    name: str
    widths: Sequence[int]
    rows: Iterable[Sequence[Cell]]
    has_headers: bool = False


def workbook_of(sheets: Iterable[Sheet], made_at: datetime) -> bytes:
    """Write sheets as an XLSX file that names nobody; the same sheets give the same bytes."""
    import xlsxwriter  # noqa: PLC0415 - start-up is measured

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        # Without these the file would carry the clock of this machine.
        book.set_properties({"author": "", "created": made_at.replace(tzinfo=None)})
        styles = _Styles(book)
        for sheet in sheets:
            _write(book.add_worksheet(sheet.name), sheet, styles)
    return file.getvalue()


def fits(text: str) -> bool:
    """Whether a cell can hold the whole of a text."""
    return 2 * len(text) <= MAX_CELL or len(text.encode("utf-16-le")) <= 2 * MAX_CELL


class _Styles:
    """The formats of a workbook; each is made once."""

    def __init__(self, book: Any) -> None:
        self._made: dict[tuple[Colour | None, bool, bool, bool], Any] = {}
        self._add = book.add_format
        self.plain = self._add({})

    def of(self, cell: Cell) -> Any:
        # The mark that Excel gives a text that was typed with a ' in front.
        is_quoted = cell.text.startswith(FORMULA)
        key = (*cell[1:], is_quoted)
        if key not in self._made:
            style = {**_TEXT, "bold": cell.is_bold, "text_wrap": cell.is_wrapped}
            border = {"bg_color": _COLOURS[cell.colour], "border": 1} if cell.colour else {}
            self._made[key] = self._add({**style, **border, "quote_prefix": is_quoted})
        return self._made[key]


def _write(page: Any, sheet: Sheet, styles: _Styles) -> None:
    for column, digits in enumerate(sheet.widths):
        # Text from top to bottom: what a person types into a free cell keeps its zeros, too.
        page.set_column(column, column, digits, styles.of(Cell("")))
    last = 0
    for number, cells in enumerate(sheet.rows):
        for column, cell in enumerate(cells):
            _write_cell(page, number, column, cell, styles)
        last = number
    if sheet.has_headers:
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, last, len(sheet.widths) - 1)


def _write_cell(page: Any, row: int, column: int, cell: Cell, styles: _Styles) -> None:
    text, style = cell.text, styles.of(cell)
    if not text:
        if cell.colour:
            page.write_blank(row, column, None, style)
    elif text.startswith("<r>") and text.endswith("</r>"):
        # The writer takes such a text for its own markup, unless it comes in pieces.
        page.write_rich_string(row, column, text[:1], styles.plain, text[1:], style)
    else:
        page.write_string(row, column, text, style)


def backup_csv(customers: Iterable[Mapping[str, Any]]) -> bytes:
    """Write customers as CSV, UTF-8 with a BOM, one column for each field of a customer."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(FIELDS)
    for customer in customers:
        writer.writerow([cell_text(customer, field) for field in FIELDS])
    return text.getvalue().encode("utf-8-sig")


def cell_text(customer: Mapping[str, Any], field: str) -> str:
    """Write a customer's value of a field as the reader of lists takes it; nothing if absent."""
    value = get_value(customer, field)
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"  # no list has an exponent
    return "" if value is None else str(value)
