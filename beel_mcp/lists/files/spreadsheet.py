"""XLSX, XLS and ODS become sheets of lines; nothing is opened that was not measured before."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Any, BinaryIO, Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.lists.files import sheet as file_errors
from beel_mcp.lists.files import xls
from beel_mcp.lists.files.container import ListFile, packed
from beel_mcp.lists.files.sheet import (
    ERROR_CELL,
    LAST_ROW,
    MAX_COLUMNS,
    NO_RESULT,
    Cell,
    Coordinate,
    Grid,
    Line,
    SheetFacts,
    listed,
    shown,
)
from beel_mcp.messages import Message

_MAX_MERGED: Final = 100_000
_BROKEN: Final = (ET.ParseError, expat.ExpatError, OSError, ValueError, KeyError, OverflowError)
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
# A sheet without any of these has nothing to tell and lies within the limits: to follow it tag by
# tag takes three times as long as calamine takes to read it.
_TELLING: Final = tuple(
    map(
        re.compile,
        (
            rb'<c(?! r="(?:[A-Z]|[A-F][A-Z]|G[A-R])[1-9][0-9]{0,3}"|[a-zA-Z])',
            rb":c[\s/>]",
            rb"<f[\s/>]",
            rb"hidden",
            rb"e[\"'](?<=[\"']e.)",  # a cell's type is error; begins with what is rare
            rb"\0",  # an encoding of two bytes
        ),
    )
)
_REFERENCE: Final = re.compile("([A-Za-z]{1,3})([0-9]{1,9})")
_ODS_NOT_SHOWN: Final = ("collapse", "filter")
# A sheet's blank end is written as one row repeated a million times; nothing is made of it.
_ODS_MAX_HIDDEN: Final = 10_000


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
        raise file_errors.password_protected(file.name) from None
    except (CalamineError, *_BROKEN):
        raise file_errors.damaged(file.name) from None
    except BaseException as error:
        # The reader is written in Rust: where it gives up on damaged bytes it "panics", which is
        # no Exception in Python. Anything else, such as a cancel, is not ours to stop.
        if type(error).__name__ != "PanicException":
            raise
        raise file_errors.damaged(file.name) from None


@dataclass(frozen=True)
class _Workbook:
    """A workbook that was measured: calamine's view, and what calamine does not tell."""

    name: str
    calamine: Any
    facts: Mapping[str, SheetFacts]

    @classmethod
    def opened(cls, file: ListFile) -> "_Workbook":
        from python_calamine import CalamineWorkbook  # noqa: PLC0415 - start-up is measured

        stream, facts = xls.measured(file.data) if file.format == "xls" else _measured(file)
        calamine = CalamineWorkbook.from_filelike(stream)
        names = calamine.sheet_names
        if len(set(names)) < len(names):
            raise ValueError("two sheets of one name, of which one would be measured")
        by_name = facts if isinstance(facts, Mapping) else dict(zip(names, facts, strict=True))
        return cls(file.name, calamine, by_name)

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
        wanted = sheet.strip().casefold()
        alike = [name for name in names if name.strip().casefold() == wanted]
        if sheet in names:
            return sheet
        if len(alike) == 1:
            return alike[0]
        raise CallerError(
            f"{shown(self.name)} has no sheet {quoted(sheet, 40)}.",
            code="file_sheet",
            remedy=f"Its sheets: {listed(names)}.",
        )

    def read(self, sheet: str) -> Grid:
        facts = self.facts.get(sheet)
        if facts is None:
            raise file_errors.damaged(self.name)
        if facts.last_row > LAST_ROW or facts.last_column > MAX_COLUMNS:
            where = f"row {facts.last_row}, column {facts.last_column}"
            why = f"the sheet {quoted(sheet, 40)} reaches to {where}"
            raise file_errors.bomb(self.name, why)
        found = self.calamine.get_sheet_by_name(sheet)
        rows = found.to_python(skip_empty_area=False)
        # Calamine counts the rows of merged cells from 0.
        merged = [
            ((top + 1, left), (bottom + 1, right))
            for (top, left), (bottom, right) in found.merged_cell_ranges or ()
        ]
        merged += facts.merged
        if len(merged) > _MAX_MERGED:
            raise file_errors.bomb(self.name, "it has more merged cells than a list can have")
        return _grid(sheet, rows, facts, merged)


def _grid(
    sheet: str,
    rows: list[list[Cell]],
    facts: SheetFacts,
    merged: Sequence[tuple[Coordinate, Coordinate]],
) -> Grid:
    lost_rows = {row for row, _ in facts.lost}
    blank = {
        number
        for number, row in enumerate(rows, 1)
        if not any(row) and number not in lost_rows and all(cell == "" for cell in row)
    }
    filled = _fill(rows, merged, blank)
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
    rows: list[list[Cell]], merged: Sequence[tuple[Coordinate, Coordinate]], blank: set[int]
) -> dict[Coordinate, int]:
    """Give each row of a cell merged downwards its value, and remember from which row it came."""
    filled: dict[Coordinate, int] = {}
    for (top, left), (bottom, _) in merged:
        if top > len(rows) or left >= len(rows[top - 1]) or top in blank:
            continue
        for row in range(top + 1, min(bottom, len(rows)) + 1):
            if row not in blank and rows[row - 1][left] == "":
                rows[row - 1][left] = rows[top - 1][left]
                filled[row, left] = top
    return filled


def _measured(file: ListFile) -> tuple[BinaryIO, Mapping[str, SheetFacts]]:
    """Give a file that is safe to open, and the facts of its sheets by their names.

    Raises:
        ExpatError, ParseError: a part is no XML.
        ValueError: a number in it is none.
    """
    if file.format == "ods":
        content = _OdsScanner()
        _scan(file.parts["content.xml"], content)
        return packed(file.parts), content.sheets
    facts = {
        sheet: _xlsx_facts(file.parts[path])
        for sheet, path in _sheet_paths(file.parts).items()
        if path in file.parts
    }
    return packed(file.parts), facts


def _scan(xml: bytes, scanner: "_XlsxScanner | _OdsScanner") -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parser.Parse(xml, True)  # noqa: FBT003 - the last piece


def _sheet_paths(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Find in which part of an XLSX each sheet lies."""
    relations = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ET.fromstring(parts.get("xl/_rels/workbook.xml.rels", b"<x/>"))  # noqa: S314 - without entities, checked
    }
    paths = {}
    for sheet in ET.fromstring(parts["xl/workbook.xml"]).iter():  # noqa: S314 - as above
        if sheet.tag.endswith("}sheet"):
            target = relations.get(sheet.get(_RELATION) or sheet.get(_STRICT_RELATION), "")
            path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
            paths[sheet.get("name", "")] = path
    return paths


def _xlsx_facts(sheet: bytes) -> SheetFacts:
    """Look through a sheet before calamine makes room for it.

    Calamine makes a full rectangle of it, so that two cells far apart would fill the memory.
    """
    if not any(pattern.search(sheet) for pattern in _TELLING):
        return SheetFacts(LAST_ROW, MAX_COLUMNS)
    scanner = _XlsxScanner()
    _scan(sheet, scanner)
    return SheetFacts(*scanner.last, frozenset(scanner.hidden), lost=scanner.lost)


def _coordinate(reference: str) -> Coordinate:
    """Read a reference such as `B12`: row 12, column 1."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise ValueError("not a cell's reference")
    column = 0
    for letter in found[1].upper():
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(found[2]), column - 1


@dataclass(slots=True)
class _XlsxScanner:
    """Follows a sheet of an XLSX tag by tag."""

    row: int = 0
    column: int = -1
    last: Coordinate = (0, 0)
    type: str = ""
    has_formula: bool = False
    has_value: bool = False
    in_value: bool = False
    hidden: set[int] = field(default_factory=set)
    lost: dict[Coordinate, Message] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.hidden.add(self.row)
        elif tag == "c":
            self.column += 1
            if "r" in attributes:
                self.row, self.column = _coordinate(attributes["r"])
            self.type, self.has_formula, self.has_value = attributes.get("t", "n"), False, False
        elif tag == "f":
            self.has_formula = True
        self.in_value = tag in ("v", "t")

    def text(self, text: str) -> None:
        if self.in_value and text.strip():
            self.has_value = True

    def end(self, tag: str) -> None:
        self.in_value = False
        if tag.rpartition(":")[2] != "c":
            return
        if self.has_value:
            self.last = max(self.last[0], self.row), max(self.last[1], self.column + 1)
        if self.type == "e":
            self.lost[self.row, self.column] = ERROR_CELL
        elif self.has_formula and not self.has_value:
            self.lost[self.row, self.column] = NO_RESULT


@dataclass(slots=True)
class _OdsScanner:
    """Follows the content of an ODS tag by tag, and counts what repetition would make of it."""

    sheets: dict[str, SheetFacts] = field(default_factory=dict)
    name: str | None = None
    row: int = 0  # rows before this one
    rows: int = 1  # how often this one stands
    column: int = 0
    columns: int = 1
    used: int = 0  # columns of this row up to the last that holds something
    has_value: bool = False
    last: Coordinate = (0, 0)
    hidden: set[int] = field(default_factory=set)
    merged: list[tuple[Coordinate, Coordinate]] = field(default_factory=list)
    paragraphs: int = 0  # that are open

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.name = attributes.get("table:name", "")
            self.row, self.last, self.hidden, self.merged = 0, (0, 0), set(), []
        elif tag == "table:table-row":
            self.rows = int(attributes.get("table:number-rows-repeated", 1))
            self.column, self.used = 0, 0
            not_shown = attributes.get("table:visibility") in _ODS_NOT_SHOWN
            if not_shown and self.rows < _ODS_MAX_HIDDEN:
                self.hidden.update(range(self.row + 1, self.row + self.rows + 1))
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.columns = int(attributes.get("table:number-columns-repeated", 1))
            self.has_value = "office:value-type" in attributes
            high = int(attributes.get("table:number-rows-spanned", 1))
            wide = int(attributes.get("table:number-columns-spanned", 1))
            if high > 1:
                top_left = self.row + 1, self.column
                self.merged.append((top_left, (self.row + high, self.column + wide - 1)))
        elif tag == "text:p":
            self.paragraphs += 1

    def text(self, text: str) -> None:
        if self.paragraphs and text.strip():
            self.has_value = True

    def end(self, tag: str) -> None:
        if tag in ("table:table-cell", "table:covered-table-cell"):
            self.column += self.columns
            if self.has_value:
                self.used, self.has_value = self.column, False
        elif tag == "table:table-row":
            if self.used:
                self.last = self.row + self.rows, max(self.last[1], self.used)
            self.row += self.rows
        elif tag == "table:table" and self.name is not None:
            self.sheets[self.name] = SheetFacts(*self.last, frozenset(self.hidden), self.merged)
            self.name = None
        elif tag == "text:p":
            self.paragraphs -= 1
