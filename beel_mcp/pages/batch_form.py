"""What a person types into the page of a list, and the corrections that it comes to.

Fields are named row/field, as `12/address.city`; a suggestion that is taken `12/take/nif`, with its
place among those of the cell; a row that is left out `12/drop`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from beel_mcp.language import Language
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.choices import Choice, choices
from beel_mcp.lists.edits import Correction
from beel_mcp.lists.export.marks import marks_of, shown_in
from beel_mcp.lists.inline import UnreadableError, read_value
from beel_mcp.lists.model import FIELDS, ROW_STATUSES, Row, RowStatus, Verdict
from beel_mcp.pages.rendering import say

Place = tuple[int, str]  # row and field
FieldErrors = Mapping[Place, str]
# Two fields for each cell of a page, and some rows more than it has.
_MOST_FIELDS: Final = 5_000
_NAME: Final = re.compile(r"([0-9]{1,7})/(drop|(?:take/)?[a-z_.]+)")


@dataclass(frozen=True)
class Typed:
    """A form as it came, not looked at yet; `batch_id` is of the list that it was typed in."""

    batch_id: str = ""
    kind: RowStatus | None = None
    values: Mapping[Place, str] = field(default_factory=dict)
    taken: Mapping[Place, int] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()

    @property
    def rows(self) -> frozenset[int]:
        """Tell which rows there was something to type for."""
        places = (*self.values, *self.taken)
        return frozenset(row for row, _ in places) | self.dropped


NOTHING_TYPED: Final = Typed()
NO_ERRORS: Final[FieldErrors] = MappingProxyType({})


@dataclass(frozen=True)
class Corrections:
    """What is to be corrected and left out, or why that cannot be."""

    made: tuple[Correction, ...]
    dropped: tuple[int, ...]
    errors: FieldErrors

    @property
    def is_empty(self) -> bool:
        return not (self.made or self.dropped or self.errors)


def read_form(body: bytes) -> Typed:
    """Read a form that was sent; what is none of its fields is passed over."""
    try:
        sent = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return NOTHING_TYPED
    values: dict[Place, str] = {}
    taken: dict[Place, int] = {}
    dropped: set[int] = set()
    plain: dict[str, str] = {}
    for name, text in sent:
        if not (found := _NAME.fullmatch(name)):
            plain[name] = text
            continue
        row, what = int(found[1]), found[2]
        column = what.removeprefix("take/")
        if what == "drop":
            dropped.add(row)
        elif column not in FIELDS:
            continue
        elif column == what:
            values[row, column] = text.replace("\r\n", "\n")
        elif text.isdecimal() and len(text) < 3:
            taken[row, column] = int(text)
    kind: RowStatus | None = next((one for one in ROW_STATUSES if one == plain.get("kind")), None)
    return Typed(plain.get("batch_id", ""), kind, values, taken, frozenset(dropped))


def offered_in(row: Row, verdict: Verdict, column: str) -> tuple[Choice, ...]:
    """Give what a person can take in a cell with one click, each once."""
    found: list[Choice] = []
    for mark in marks_of(row, verdict).get(column, ()):
        found += [choice for choice in choices(mark.problem) if choice not in found]
    return tuple(found)


def typed_in(row: Row, column: str) -> str:
    """Give what stands in the field of a cell before anybody types; an account is not repeated."""
    return "" if is_hidden(column) else shown_in(row, column)


def is_hidden(column: str) -> bool:
    """Whether a page says only the end of what stands in a column."""
    return column.endswith("iban")


def corrections_of(batch: Batch, typed: Typed, language: Language) -> Corrections:
    """Find out what was changed: values typed anew, suggestions taken, rows left out."""
    rows = {row.number: row for row in batch.rows}
    errors: dict[Place, str] = {}
    made = {
        (number, column): text.strip()
        for (number, column), text in typed.values.items()
        if number in rows and text.strip() != typed_in(rows[number], column).strip()
    }
    for (number, column), place in typed.taken.items():
        if not (row := rows.get(number)):
            continue
        offered = offered_in(row, batch.verdict(row), column)
        for other, text in offered[place].items() if place < len(offered) else ():
            if made.setdefault((number, other), text) != text:
                errors[number, column] = say(language, "batch.either")
    for (number, column), text in made.items():
        if number not in typed.dropped and (fault := _fault(column, text, language)):
            errors[number, column] = fault
    return Corrections(
        made=tuple(
            Correction(number, column, text)
            for (number, column), text in made.items()
            if number not in typed.dropped
        ),
        dropped=tuple(sorted(typed.dropped & rows.keys())),
        errors=errors,
    )


def _fault(column: str, text: str, language: Language) -> str:
    """Say why a value cannot be read, if it cannot."""
    try:
        read_value(column, text)
    except UnreadableError as unreadable:
        return unreadable.message.text(language)
    return ""
