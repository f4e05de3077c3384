"""XLSX, XLS and ODS become sheets of lines; nothing is opened that was not measured before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.lists import ods, refusals, xls, xlsx
from beel_mcp.lists.containers import open_parts, packed
from beel_mcp.lists.grid import (
    LAST_ROW,
    MAX_COLUMNS,
    Cell,
    Grid,
    Kind,
    Line,
    Place,
    SheetFacts,
)

_MAX_MERGED: Final = 100_000
_BROKEN: Final = (ParseError, ExpatError, OSError, ValueError, KeyError, OverflowError)


@dataclass(frozen=True)
class _Book:
    """A workbook that was measured: the reader's view, and what the reader does not tell."""

    name: str
    workbook: Any
    facts: Mapping[str, SheetFacts]

    def shown_sheets(self) -> list[str]:
        from python_calamine import SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415 - as below

        return [
            sheet.name
            for sheet in self.workbook.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]

    def read(self, sheet: str) -> Grid:
        facts = self.facts.get(sheet)
        if facts is None:
            raise refusals.damaged(self.name)
        if facts.last_row > LAST_ROW or facts.last_column > MAX_COLUMNS:
            where = f"row {facts.last_row}, column {facts.last_column}"
            why = f"the sheet {quoted(sheet, 40)} reaches to {where}"
            raise refusals.bomb(self.name, why)
        found = self.workbook.get_sheet_by_name(sheet)
        rows = found.to_python(skip_empty_area=False)
        merged = [*facts.merged, *_ranges(found.merged_cell_ranges or ())]
        return _grid(self.name, sheet, rows, facts, merged)


def read_sheets(data: bytes, name: str, kind: Kind, sheet: str | None) -> list[Grid]:
    """Read the named sheet, or each one that is shown and holds anything.

    Raises:
        CallerError: the file cannot be opened safely, or has no such sheet.

    """
    # Its errors, too, come from another language and are not for readers.
    from python_calamine import CalamineError, PasswordError  # noqa: PLC0415 - start-up is measured

    try:
        book = _open(data, name, kind)
        names = [_chosen(book, sheet)] if sheet is not None else book.shown_sheets()
        grids = [book.read(each) for each in names]
    except (PasswordError, xls.ProtectedError):
        raise refusals.password(name) from None
    except (CalamineError, *_BROKEN):
        raise refusals.damaged(name) from None
    except BaseException as error:
        # The reader is written in Rust: where it gives up on damaged bytes it "panics", which is
        # no Exception in Python. Anything else, such as a cancel, is not ours to stop.
        if type(error).__name__ != "PanicException":
            raise
        raise refusals.damaged(name) from None
    return grids if sheet is not None else [grid for grid in grids if grid.lines]


def _open(data: bytes, name: str, kind: Kind) -> _Book:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415 - start-up is measured

    if kind == "xls":
        file, measured = xls.measured(data)
        workbook = CalamineWorkbook.from_filelike(file)
        return _Book(name, workbook, dict(zip(workbook.sheet_names, measured, strict=True)))
    parts = open_parts(data, name, kind)
    if kind == "ods":
        facts: Mapping[str, SheetFacts] = ods.facts_of(parts["content.xml"])
    else:
        places = xlsx.sheet_parts(parts)
        facts = {
            sheet: xlsx.facts_of(parts[part]) for sheet, part in places.items() if part in parts
        }
    return _Book(name, CalamineWorkbook.from_filelike(packed(parts)), facts)


def _chosen(book: _Book, sheet: str) -> str:
    """Find the sheet that was named, by its exact name or else by one spelled alike."""
    names: list[str] = book.workbook.sheet_names
    wanted = sheet.strip().casefold()
    alike = [name for name in names if name.strip().casefold() == wanted]
    if sheet in names:
        return sheet
    if len(alike) == 1:
        return alike[0]
    raise CallerError(
        f"{refusals.shown(book.name)} has no sheet {quoted(sheet, 40)}.",
        code="file_sheet",
        remedy=f"Its sheets: {listed(names)}.",
    )


def listed(names: Sequence[str]) -> str:
    """List some names, quoted."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(quoted(name, 40) for name in names[:10]) + more


def _ranges(merged: Sequence[tuple[Place, Place]]) -> list[tuple[Place, Place]]:
    """Count rows from 1, as people do; the reader counts from 0."""
    return [((top + 1, left), (bottom + 1, right)) for (top, left), (bottom, right) in merged]


def _grid(
    name: str,
    sheet: str,
    rows: list[list[Cell]],
    facts: SheetFacts,
    merged: Sequence[tuple[Place, Place]],
) -> Grid:
    lost_rows = {row for row, _ in facts.lost}
    blank = {
        number
        for number, row in enumerate(rows, 1)
        if not any(row) and number not in lost_rows and all(cell == "" for cell in row)
    }
    filled = _fill(name, rows, merged, blank)
    lines = (
        Line(number, tuple(_trimmed(row)))
        for number, row in enumerate(rows, 1)
        if number not in blank
    )
    return Grid(
        [line for line in lines if line.cells or line.number in lost_rows],
        sheet,
        hidden=facts.hidden - blank,
        filled=filled,
        lost=facts.lost,
    )


def _trimmed(row: list[Cell]) -> list[Cell]:
    while row and isinstance(row[-1], str) and not row[-1].strip():
        row.pop()
    return row


def _fill(
    name: str,
    rows: list[list[Cell]],
    merged: Sequence[tuple[Place, Place]],
    blank: set[int],
) -> dict[Place, int]:
    """Give each row of a cell merged downwards its value, and remember from which row it came."""
    filled: dict[Place, int] = {}
    if len(merged) > _MAX_MERGED:
        raise refusals.bomb(name, "it has more merged cells than a list can have")
    for (top, left), (bottom, _) in merged:
        if top > len(rows) or left >= len(rows[top - 1]) or top in blank:
            continue
        for row in range(top + 1, min(bottom, len(rows)) + 1):
            if row not in blank and rows[row - 1][left] == "":
                rows[row - 1][left] = rows[top - 1][left]
                filled[row, left] = top
    return filled
