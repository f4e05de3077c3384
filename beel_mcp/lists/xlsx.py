"""What an XLSX workbook says about its sheets: where they lie, how far they reach, what hides."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from beel_mcp.lists.grid import ERROR_CELL, LAST_ROW, MAX_COLUMNS, NO_RESULT, Place, SheetFacts

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


def facts_of(sheet: bytes) -> SheetFacts:
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
class _Look:
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
    look = _Look()
    parser = expat.ParserCreate()
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.Parse(sheet, True)  # noqa: FBT003 - the last piece
    return SheetFacts(*look.last, frozenset(look.hidden), lost=look.lost)
