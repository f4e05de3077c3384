"""XLSX, XLS and ODS become sheets of lines; nothing is opened that was not measured before."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from beel_mcp.cleaning import quoted
from beel_mcp.lists.files import xls
from beel_mcp.lists.files.container import ListFile, packed
from beel_mcp.lists.files.facts import ods_facts, xlsx_facts
from beel_mcp.lists.files.sheet import (
    LAST_ROW,
    MAX_COLUMNS,
    MAX_TEXT,
    Cell,
    Coordinate,
    Grid,
    Line,
    SheetFacts,
    file_error,
    listed,
)

_MAX_CELLS: Final = LAST_ROW * MAX_COLUMNS
_BROKEN: Final = (
    *(ParseError, ExpatError, struct.error),
    *(OSError, ValueError, KeyError, OverflowError),
)


def read_sheets(file: ListFile, sheet: str | None) -> list[Grid]:
    """Read the named sheet, or each one that is shown and holds anything.

    Raises:
        CallerError: the file cannot be opened safely, or has no such sheet.
    """
    # Its errors, too, come from another language and are not for readers.
    from python_calamine import CalamineError, PasswordError  # noqa: PLC0415 - start-up is measured

    try:
        book = _Workbook.opened(file)
        if sheet is not None:
            return [book.read(book.named(sheet))]
        return [grid for name in book.shown_sheets() if (grid := book.read(name)).lines]
    except (PasswordError, xls.ProtectedError):
        raise file_error("password", file.name) from None
    except (CalamineError, *_BROKEN):
        raise file_error("damaged", file.name) from None
    except BaseException as error:
        # The reader is written in Rust: where it gives up on damaged bytes it "panics", which is
        # no Exception in Python. Anything else, such as a cancel, is not ours to stop.
        if type(error).__name__ != "PanicException":
            raise
        raise file_error("damaged", file.name) from None


@dataclass(frozen=True)
class _Workbook:
    """A workbook that was measured: calamine's view, and what calamine does not tell."""

    name: str
    calamine: Any
    facts: Mapping[str, SheetFacts]

    @classmethod
    def opened(cls, file: ListFile) -> "_Workbook":
        from python_calamine import CalamineWorkbook  # noqa: PLC0415 - start-up is measured

        facts: Mapping[str, SheetFacts] = {}
        in_order: Sequence[SheetFacts] = ()
        if file.format == "xls":
            stream, in_order = xls.measured(file.data)
        else:
            facts = (ods_facts if file.format == "ods" else xlsx_facts)(file.parts)
            stream = packed(file.parts)
        if file.format != "xlsx":  # of which calamine reads a sheet when it is asked for
            _check_room(file.name, in_order or list(facts.values()))
        calamine = CalamineWorkbook.from_filelike(stream)
        names = calamine.sheet_names
        if len(set(names)) < len(names):
            raise ValueError("two sheets of one name, of which one would be measured")
        if file.format == "xls":
            facts = dict(zip(names, in_order, strict=True))
        return cls(file.name, calamine, facts)

    def shown_sheets(self) -> list[str]:
        from python_calamine import SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415 - as above

        return [
            sheet.name
            for sheet in self.calamine.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]

    def named(self, sheet: str) -> str:
        """Find the sheet that was named, by its exact name or else by one spelled alike."""
        names: list[str] = self.calamine.sheet_names
        if sheet in names:
            return sheet
        wanted = sheet.strip().casefold()
        alike = [name for name in names if name.strip().casefold() == wanted]
        if len(alike) == 1:
            return alike[0]
        raise file_error("unknown_sheet", self.name, sheet=quoted(sheet, 40), sheets=listed(names))

    def read(self, sheet: str) -> Grid:
        facts = self.facts.get(sheet)
        if facts is None:
            raise file_error("damaged", self.name)
        if facts.last_row > LAST_ROW or facts.last_column > MAX_COLUMNS or facts.text > MAX_TEXT:
            why = f"the sheet {quoted(sheet, 40)} {_extent(facts)}"
            raise file_error("bomb", self.name, why=why)
        found = self.calamine.get_sheet_by_name(sheet)
        rows = found.to_python(skip_empty_area=False)
        # Calamine counts the rows of merged cells from 0.
        merged = [
            ((top + 1, left), (bottom + 1, right))
            for (top, left), (bottom, right) in found.merged_cell_ranges or ()
        ]
        merged += facts.merged
        # They do not overlap, so that each is a cell of this sheet.
        covered = sum(max(1, min(bottom, len(rows)) - top) for (top, _), (bottom, _) in merged)
        if covered > _MAX_CELLS:
            raise file_error("bomb", self.name, why="it has more merged cells than a list can have")
        return _grid(sheet, rows, facts, merged)


def _check_room(name: str, sheets: Sequence[SheetFacts]) -> None:
    """Refuse a file whose sheets, which calamine reads all at once, take too much together."""
    cells = sum(facts.last_row * facts.last_column for facts in sheets)
    if cells > _MAX_CELLS or sum(facts.text for facts in sheets) > MAX_TEXT:
        largest = max(sheets, key=lambda facts: (facts.text, facts.last_row * facts.last_column))
        raise file_error("bomb", name, why=f"a sheet {_extent(largest)}")


def _extent(facts: SheetFacts) -> str:
    if facts.text > MAX_TEXT:
        return f"holds {facts.text // 1_000_000} MB of text"
    return f"reaches to row {facts.last_row}, column {facts.last_column}"


def _grid(
    sheet: str,
    rows: list[list[Cell]],
    facts: SheetFacts,
    merged: Sequence[tuple[Coordinate, Coordinate]],
) -> Grid:
    lost_rows = {row for row, _ in facts.lost}
    filled = _fill(rows, merged, lost_rows)
    lines = []
    for number, row in enumerate(rows, 1):
        while row and isinstance(row[-1], str) and not row[-1].strip():
            row.pop()
        if row or number in lost_rows:
            lines.append(Line(number, tuple(row)))
    return Grid(
        lines,
        sheet,
        hidden=facts.hidden,
        hidden_columns=facts.hidden_columns,
        filled=filled,
        lost=facts.lost,
    )


def _fill(
    rows: list[list[Cell]], merged: Sequence[tuple[Coordinate, Coordinate]], lost_rows: set[int]
) -> dict[Coordinate, int]:
    """Give each row of a cell merged downwards its value, and remember from which row it came."""
    if not merged:
        return {}
    blank = {
        number
        for number, row in enumerate(rows, 1)
        if number not in lost_rows and all(cell == "" for cell in row)
    }
    filled: dict[Coordinate, int] = {}
    for (top, left), (bottom, _) in merged:
        if top > len(rows) or left >= len(rows[top - 1]) or top in blank:
            continue
        for row in range(top + 1, min(bottom, len(rows)) + 1):
            if row not in blank and rows[row - 1][left] == "":
                rows[row - 1][left] = rows[top - 1][left]
                filled[row, left] = top
    return filled
