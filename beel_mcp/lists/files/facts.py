"""What an XLSX or ODS says about its sheets, found before calamine makes room for them.

Calamine makes a full rectangle of a sheet, each cell with a text of its own: two cells far apart,
a repeated row or a text that many cells share would fill the memory.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Final, TypeVar
from xml.etree import ElementTree as ET
from xml.parsers import expat

from beel_mcp.lists.files.sheet import (
    ERROR_CELL,
    LAST_ROW,
    MAX_COLUMNS,
    MAX_TEXT,
    NO_RESULT,
    Coordinate,
    SheetFacts,
)
from beel_mcp.messages import Message

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
# A sheet without any of these has nothing to tell and lies within the limits: to follow it tag by
# tag takes three times as long as calamine takes to read it.
_TELLING: Final = (
    re.compile(rb'<c(?! r="(?:[A-Z]|[A-F][A-Z]|G[A-R])[1-9][0-9]{0,3}"|[a-zA-Z])'),
    re.compile(rb":c[\s/>]"),
    re.compile(rb"<f[\s/>]"),
    re.compile(rb"hidden"),
    re.compile(rb"e[\"'](?<=[\"']e.)"),  # the type of a cell with an error; `e` is rare, quotes not
)
_REFERENCE: Final = re.compile("([A-Za-z]{1,3})([0-9]{1,9})")
_ODS_NOT_SHOWN: Final = ("collapse", "filter")
_SMALLEST_CELL: Final = len('<c t="s"><v>0</v></c>')
_Scanner = TypeVar("_Scanner", "_TextScanner", "_XlsxScanner", "_OdsScanner")


def ods_facts(parts: Mapping[str, bytes]) -> Mapping[str, SheetFacts]:
    """Measure each sheet of an ODS, by its name.

    Raises:
        ExpatError: the content is no XML.
        ValueError: a number in it is none.
    """
    return _scanned(parts["content.xml"], _OdsScanner()).sheets


def xlsx_facts(parts: Mapping[str, bytes]) -> Mapping[str, SheetFacts]:
    """Measure each sheet of an XLSX, by its name.

    Raises:
        ExpatError, ParseError: a part is no XML.
        ValueError: a reference in it is none.
    """
    folded = {path.casefold(): part for path, part in parts.items()}
    texts = folded.get("xl/sharedstrings.xml", b"")
    return {
        sheet: _sheet_facts(parts[path], texts)
        for sheet, path in _sheet_paths(parts).items()
        if path in parts
    }


def _scanned(xml: bytes, scanner: _Scanner) -> _Scanner:
    parser = expat.ParserCreate()
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parser.Parse(xml, True)  # noqa: FBT003 - the last piece
    return scanner


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


def _sheet_facts(sheet: bytes, texts: bytes) -> SheetFacts:
    # If every cell held a text of this many bytes, they would still be few enough.
    short = MAX_TEXT // max(1, len(sheet) // _SMALLEST_CELL)
    is_short = _are_short(texts, short)
    is_of_two_bytes = b"\0" in sheet
    if is_short and not is_of_two_bytes and not any(each.search(sheet) for each in _TELLING):
        return SheetFacts(LAST_ROW, MAX_COLUMNS)
    lengths = () if is_short else _scanned(texts, _TextScanner()).lengths
    cells = _scanned(sheet, _XlsxScanner(lengths))
    columns = frozenset(cells.hidden_columns)
    return SheetFacts(
        *cells.last,
        frozenset(cells.hidden),
        lost=cells.lost,
        hidden_columns=columns,
        text=cells.size,
    )


def _are_short(texts: bytes, limit: int) -> bool:
    """Tell that no shared text has more bytes, markup included; False if that is not certain."""
    # An end that is written in either is none.
    if (b"!" in texts and b"<!" in texts) or texts.count(b"<?") > 1:
        return False
    start = 0
    while start + limit < len(texts):
        end = texts.rfind(b"</si>", start, start + limit)
        if end < 0:
            return False
        start = end + len(b"</si>")
    return True


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
class _TextScanner:
    """Follows the shared texts of an XLSX tag by tag."""

    lengths: list[int] = field(default_factory=list)

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "si":
            self.lengths.append(0)

    def text(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text)

    def end(self, tag: str) -> None:
        """Ignore the end of a tag."""


@dataclass(slots=True)
class _XlsxScanner:
    """Follows a sheet of an XLSX tag by tag."""

    lengths: Sequence[int]  # of the shared texts; none where they are short
    size: int = 0  # characters of the shared texts in its cells
    row: int = 0
    column: int = -1
    last: Coordinate = (0, 0)
    type: str = ""
    has_formula: bool = False
    value: str = ""
    in_value: bool = False
    hidden: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    lost: dict[Coordinate, Message] = field(default_factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.hidden.add(self.row)
        elif tag == "col":
            if attributes.get("hidden") in ("1", "true"):
                last = min(int(attributes.get("max", 0)), MAX_COLUMNS)
                self.hidden_columns.update(range(int(attributes.get("min", 1)) - 1, last))
        elif tag == "c":
            self.column += 1
            if "r" in attributes:
                self.row, self.column = _coordinate(attributes["r"])
            self.type, self.has_formula, self.value = attributes.get("t", "n"), False, ""
        elif tag == "f":
            self.has_formula = True
        self.in_value = tag in ("v", "t")

    def text(self, text: str) -> None:
        if self.in_value:
            self.value += text.strip()

    def end(self, tag: str) -> None:
        self.in_value = False
        if tag.rpartition(":")[2] != "c":
            return
        if self.value:
            self.last = max(self.last[0], self.row), max(self.last[1], self.column + 1)
        if self.type == "e":
            self.lost[self.row, self.column] = ERROR_CELL
        elif self.has_formula and not self.value:
            self.lost[self.row, self.column] = NO_RESULT
        elif self.type == "s" and self.lengths and self.value:
            index = int(self.value)
            self.size += self.lengths[index] if index < len(self.lengths) else 0


def _count(attributes: Mapping[str, str], name: str) -> int:
    count = int(attributes.get(name, 1))
    if count < 0:
        raise ValueError("fewer than none")
    return count


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
    cell_size: int = 0  # characters
    row_size: int = 0
    size: int = 0
    last: Coordinate = (0, 0)
    hidden: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    defined: int = 0  # columns that were described
    merged: list[tuple[Coordinate, Coordinate]] = field(default_factory=list)
    paragraphs: int = 0  # that are open

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.name = attributes.get("table:name", "")
            self.row, self.last, self.hidden, self.merged, self.size = 0, (0, 0), set(), [], 0
            self.hidden_columns, self.defined = set(), 0
        elif tag == "table:table-column":
            count = _count(attributes, "table:number-columns-repeated")
            if attributes.get("table:visibility") in _ODS_NOT_SHOWN:
                last = min(self.defined + count, MAX_COLUMNS)
                self.hidden_columns.update(range(self.defined, last))
            self.defined += count
        elif tag == "table:table-row":
            self.rows = _count(attributes, "table:number-rows-repeated")
            self.column, self.used, self.row_size = 0, 0, 0
            not_shown = attributes.get("table:visibility") in _ODS_NOT_SHOWN
            # A sheet's blank end is one row repeated a million times; nothing is made of it.
            if not_shown and self.row + self.rows <= LAST_ROW:
                self.hidden.update(range(self.row + 1, self.row + self.rows + 1))
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.columns = _count(attributes, "table:number-columns-repeated")
            self.has_value = "office:value-type" in attributes
            self.cell_size = len(attributes.get("office:string-value", ""))
            high = _count(attributes, "table:number-rows-spanned")
            wide = _count(attributes, "table:number-columns-spanned")
            if high > 1:
                top_left = self.row + 1, self.column
                self.merged.append((top_left, (self.row + high, self.column + wide - 1)))
        elif tag == "text:p":
            self.paragraphs += 1

    def text(self, text: str) -> None:
        self.cell_size += len(text)
        if self.paragraphs and text.strip():
            self.has_value = True

    def end(self, tag: str) -> None:
        if tag in ("table:table-cell", "table:covered-table-cell"):
            self.column += self.columns
            self.row_size += self.cell_size * self.columns
            if self.has_value:
                self.used, self.has_value = self.column, False
        elif tag == "table:table-row":
            if self.used:
                self.last = self.row + self.rows, max(self.last[1], self.used)
            self.row += self.rows
            self.size += self.row_size * self.rows
        elif tag == "table:table" and self.name is not None:
            self.sheets[self.name] = SheetFacts(
                *self.last,
                frozenset(self.hidden),
                self.merged,
                hidden_columns=frozenset(self.hidden_columns),
                text=self.size,
            )
            self.name = None
        elif tag == "text:p":
            self.paragraphs -= 1
