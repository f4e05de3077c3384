"""What an ODS spreadsheet says about its sheets: how far they reach, what hides, what is merged."""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from beel_mcp.lists.grid import Place, SheetFacts

_NOT_SHOWN: Final = ("collapse", "filter")
# A sheet's blank end is written as one row repeated a million times; nothing is made of it.
_MAX_HIDDEN: Final = 10_000


def facts_of(content: bytes) -> dict[str, SheetFacts]:
    """Look through every sheet before the reader unrolls its repeated rows and cells.

    Raises:
        ExpatError: the content is no XML.
        ValueError: a number in it is none.

    """
    look = _Look()
    parser = expat.ParserCreate()
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.Parse(content, True)  # noqa: FBT003 - the last piece
    return look.sheets


@dataclass
class _Look:
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
