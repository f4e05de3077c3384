"""XLSX, XLS and ODS become sheets of lines; nothing is opened that was not measured before."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import ParseError
from xml.parsers import expat
from xml.parsers.expat import ExpatError

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.lists.files import sheet as refusals
from beel_mcp.lists.files import xls
from beel_mcp.lists.files.container import open_parts, packed
from beel_mcp.lists.files.sheet import (
    ERROR_CELL,
    LAST_ROW,
    MAX_COLUMNS,
    NO_RESULT,
    Cell,
    Grid,
    Kind,
    Line,
    Place,
    SheetFacts,
)

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
# A cell that is not written as every usual program does, or lies outside of what a list may take.
_UNUSUAL: Final = (
    re.compile(rb'<c(?! r="(?:[A-Z]|[A-F][A-Z]|G[A-R])[1-9][0-9]{0,3}"|[a-zA-Z])'),
    re.compile(rb":c[\s/>]"),
)
# How long an attribute or formula may be is said, so that broken text is not searched for ever.
_ROW: Final = re.compile(rb'<row\b[^>]{0,500}\br="([0-9]{1,4})"[^>]{0,500}>')
_HIDDEN: Final = re.compile(rb'\bhidden="(?:1|true)"')
_REFERENCE: Final = rb'<c r="([A-Z]{1,2}[0-9]{1,4})"'
_ERROR: Final = re.compile(_REFERENCE + rb'[^>]{0,200}\bt="e"[^>]{0,200}>')
_UNCALCULATED: Final = re.compile(
    _REFERENCE
    + rb"[^>]{0,200}>\s*<f\b(?:[^>]{0,300}/>|[^>]{0,300}>[^<]{0,9000}</f>)"
    + rb"\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)


def sheet_parts(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Find in which part of the workbook each sheet lies.

    Raises:
        ParseError: the workbook is no XML.

    """
    relations = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ET.fromstring(parts.get("xl/_rels/workbook.xml.rels", b"<x/>"))  # noqa: S314 - without entities, checked
    }
    found = {}
    for sheet in ET.fromstring(parts["xl/workbook.xml"]).iter():  # noqa: S314 - as above
        if sheet.tag.endswith("}sheet"):
            target = relations.get(sheet.get(_RELATION) or sheet.get(_STRICT_RELATION), "")
            path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
            found[sheet.get("name", "")] = path
    return found


def xlsx_facts(sheet: bytes) -> SheetFacts:
    """Look through a sheet before the reader makes room for it.

    The reader makes a full rectangle of it, so that two cells far apart would fill the memory.

    Raises:
        ExpatError: the sheet is no XML.

    """
    in_two_bytes = b"\0" in sheet[:200]
    if in_two_bytes or any(pattern.search(sheet) for pattern in _UNUSUAL):
        return _looked_through(sheet)
    hidden: frozenset[int] = frozenset()
    if b"hidden=" in sheet:
        rows = _ROW.finditer(sheet)
        hidden = frozenset(int(row[1]) for row in rows if _HIDDEN.search(row[0]))
    lost = dict(_lost(sheet))
    return SheetFacts(LAST_ROW, MAX_COLUMNS, hidden, lost=lost)


def _lost(sheet: bytes) -> Iterator[tuple[Place, str]]:
    if b't="e"' in sheet:
        yield from ((place(found[1]), ERROR_CELL) for found in _ERROR.finditer(sheet))
    if b"<f" in sheet:
        yield from ((place(found[1]), NO_RESULT) for found in _UNCALCULATED.finditer(sheet))


def place(reference: bytes | str) -> Place:
    """Read a reference such as `B12`: row 12, column 1.

    Raises:
        ValueError: it is none.

    """
    text = reference.decode("ascii", "replace") if isinstance(reference, bytes) else reference
    letters = text.rstrip("0123456789")
    if not (letters.isascii() and letters.isalpha() and 0 < len(letters) <= 3):
        raise ValueError("not a cell's reference")
    column = 0
    for letter in letters.upper():
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(text[len(letters) :]), column - 1


@dataclass
class _XlsxScanner:
    """Follows an unusual sheet tag by tag, and remembers what is in it."""

    row: int = 0
    column: int = -1
    last: Place = (0, 0)
    kind: str = ""
    formula: bool = False
    value: bool = False
    reading: bool = False
    hidden: set[int] = field(default_factory=set)
    lost: dict[Place, str] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.hidden.add(self.row)
        elif tag == "c":
            here = self.row, self.column + 1
            self.row, self.column = place(attributes["r"]) if "r" in attributes else here
            self.kind, self.formula, self.value = attributes.get("t", "n"), False, False
        elif tag == "f":
            self.formula = True
        self.reading = tag in ("v", "t")

    def text(self, text: str) -> None:
        if self.reading and text.strip():
            self.value = True

    def end(self, tag: str) -> None:
        self.reading = False
        if tag.rpartition(":")[2] != "c":
            return
        here = self.row, self.column
        if self.value:
            self.last = max(self.last[0], self.row), max(self.last[1], self.column + 1)
        if self.kind == "e":
            self.lost[here] = ERROR_CELL
        elif self.formula and not self.value:
            self.lost[here] = NO_RESULT


def _looked_through(sheet: bytes) -> SheetFacts:
    look = _XlsxScanner()
    parser = expat.ParserCreate()
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.Parse(sheet, True)  # noqa: FBT003 - the last piece
    return SheetFacts(*look.last, frozenset(look.hidden), lost=look.lost)


_NOT_SHOWN: Final = ("collapse", "filter")
# A sheet's blank end is written as one row repeated a million times; nothing is made of it.
_MAX_HIDDEN: Final = 10_000


def ods_facts(content: bytes) -> dict[str, SheetFacts]:
    """Look through every sheet before the reader unrolls its repeated rows and cells.

    Raises:
        ExpatError: the content is no XML.
        ValueError: a number in it is none.

    """
    look = _OdsScanner()
    parser = expat.ParserCreate()
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.Parse(content, True)  # noqa: FBT003 - the last piece
    return look.sheets


@dataclass
class _OdsScanner:
    """Follows the content tag by tag, and counts what repetition would make of it."""

    sheets: dict[str, SheetFacts] = field(default_factory=dict)
    name: str | None = None
    row: int = 0  # rows before this one
    rows: int = 1  # how often this one stands
    column: int = 0
    columns: int = 1
    used: int = 0  # columns of this row up to the last that holds something
    has_value: bool = False
    last: Place = (0, 0)
    hidden: set[int] = field(default_factory=set)
    merged: list[tuple[Place, Place]] = field(default_factory=list)
    paragraph: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.name = attributes.get("table:name", "")
            self.row, self.last, self.hidden, self.merged = 0, (0, 0), set(), []
        elif tag == "table:table-row":
            self.rows = int(attributes.get("table:number-rows-repeated", 1))
            self.column, self.used = 0, 0
            if attributes.get("table:visibility") in _NOT_SHOWN and self.rows < _MAX_HIDDEN:
                self.hidden.update(range(self.row + 1, self.row + self.rows + 1))
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.columns = int(attributes.get("table:number-columns-repeated", 1))
            self.has_value = "office:value-type" in attributes
            high = int(attributes.get("table:number-rows-spanned", 1))
            wide = int(attributes.get("table:number-columns-spanned", 1))
            if high > 1:
                here = self.row + 1, self.column
                self.merged.append((here, (here[0] + high - 1, here[1] + wide - 1)))
        elif tag == "text:p":
            self.paragraph += 1

    def text(self, text: str) -> None:
        if self.paragraph and text.strip():
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
            self.paragraph -= 1


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
        facts: Mapping[str, SheetFacts] = ods_facts(parts["content.xml"])
    else:
        places = sheet_parts(parts)
        facts = {sheet: xlsx_facts(parts[part]) for sheet, part in places.items() if part in parts}
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
