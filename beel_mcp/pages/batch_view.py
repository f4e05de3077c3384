"""A list of customers as a person looks at it: counts, and rows with their problems in place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from beel_mcp.cleaning import clean, safe_text
from beel_mcp.language import Language
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.choices import Choice
from beel_mcp.lists.export.marks import LOOKS, Mark, columns_of, marks_of, shown_in
from beel_mcp.lists.inline import shown_value
from beel_mcp.lists.model import IMPORTABLE, ROW_STATUSES, Row, RowStatus, Verdict
from beel_mcp.messages import field_word
from beel_mcp.pages.batch_form import (
    NO_ERRORS,
    NOTHING_TYPED,
    FieldErrors,
    Typed,
    is_hidden,
    offered_in,
    typed_in,
)
from beel_mcp.pages.paging import ROWS_PER_PAGE, Pager, address_of, pager_of
from beel_mcp.pages.rendering import say

ROWS_IN_CARD: Final = 10
_LONGEST_SHOWN: Final = 300
_LONG_FIELDS: Final = ("notes",)


@dataclass(frozen=True)
class Asked:
    """Which rows a person wants to see: of one class or all, a page of them or the whole."""

    kind: RowStatus | None = None
    page: int | None = 1  # none: all of them

    @property
    def is_whole(self) -> bool:
        return self.page is None

    @property
    def in_address(self) -> Mapping[str, str]:
        return {"kind": self.kind} if self.kind else {}


@dataclass(frozen=True)
class ClassView:
    """The rows of one kind: how many, what that means, and where they are listed."""

    name: str
    count: int
    meaning: str
    colour: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class MarkView:
    """What is wrong in a place: a word, its colour, and once in a row the message."""

    word: str
    colour: str
    message: str
    hint: str


@dataclass(frozen=True)
class FieldView:
    """Where another value of a cell is typed, or a suggestion taken."""

    id: str
    name: str
    value: str
    is_long: bool
    is_hidden: bool
    error: str
    take: str  # the name of the choice among the suggestions
    choices: tuple[str, ...]
    taken: int | None


@dataclass(frozen=True)
class CellView:
    """A value in its column."""

    heading: str
    text: str
    marks: tuple[MarkView, ...] = ()
    field: FieldView | None = None


@dataclass(frozen=True)
class RowView:
    """A row: its number and class, what is said of it as a whole, its cells."""

    number: int
    name: str
    colour: str
    marks: tuple[MarkView, ...]
    existing: str | None
    cells: tuple[CellView, ...]
    marked: tuple[tuple[str, str], ...]  # the fields to look at, by id and heading
    is_dropped: bool


@dataclass(frozen=True)
class BatchView:
    """All that the page of a list shows."""

    batch_id: str
    source: str
    total: int
    importable: int
    unchecked: int
    classes: tuple[ClassView, ...]
    kind: str
    class_name: str
    headings: tuple[str, ...]
    rows: tuple[RowView, ...]
    pager: Pager | None  # none beside rows that were typed in
    errors: tuple[tuple[str, int, str, str], ...]  # a field's id, row, heading, what is wrong
    is_open: bool  # for corrections


def batch_view(
    batch: Batch,
    language: Language,
    asked: Asked,
    typed: Typed = NOTHING_TYPED,
    errors: FieldErrors = NO_ERRORS,
) -> BatchView:
    """Show a page of rows; of a form that was not taken, the rows that it was about."""
    chosen = batch.of_kind(asked.kind) if asked.kind else batch.rows
    if typed.rows:
        rows = [row for row in batch.rows if row.number in typed.rows][:ROWS_PER_PAGE]
        return _view(batch, language, asked, rows, None, typed, errors)
    pager = pager_of(asked.page, len(chosen), asked.in_address)
    rows = list(chosen[pager.rows])
    return _view(batch, language, asked, rows, pager, typed, errors)


def card_view(batch: Batch, language: Language) -> BatchView:
    """Show what a card has room for: the counts, and the first rows with something to look at."""
    worth_a_look = (row for row in batch.rows if batch.verdict(row).kind != "valid")
    rows = list(islice(worth_a_look, ROWS_IN_CARD))
    others = batch.counts()["valid"]
    pager = Pager(1, 1, 1, len(rows), len(batch.rows) - others)
    return _view(batch, language, Asked(page=None), rows, pager, NOTHING_TYPED, NO_ERRORS)


def _view(
    batch: Batch,
    language: Language,
    asked: Asked,
    rows: Sequence[Row],
    pager: Pager | None,
    typed: Typed,
    errors: FieldErrors,
) -> BatchView:
    counts, is_inline = batch.counts(), batch.source == "inline"
    drawing = _Drawing(batch, language, typed, errors, is_open=not asked.is_whole)
    return BatchView(
        batch_id=batch.batch_id,
        source=say(language, "batch.inline") if is_inline else clean(batch.source, _LONGEST_SHOWN),
        total=len(batch.rows),
        importable=sum(counts[kind] for kind in IMPORTABLE),
        unchecked=counts["unchecked"],
        classes=tuple(_classes(counts, language, asked.kind)),
        kind=asked.kind or "",
        class_name=LOOKS[asked.kind].name.text(language) if asked.kind else "",
        headings=drawing.headings,
        rows=tuple(map(drawing.row, rows)),
        pager=pager,
        errors=tuple(
            (_id(row, column), row, heading(column, language), text)
            for (row, column), text in errors.items()
        ),
        is_open=not asked.is_whole,
    )


def _classes(
    counts: Mapping[RowStatus, int], language: Language, current: RowStatus | None
) -> Iterator[ClassView]:
    for kind in ROW_STATUSES:
        if counts[kind]:
            look = LOOKS[kind]
            yield ClassView(
                name=look.name.text(language),
                count=counts[kind],
                meaning=look.meaning.text(language),
                colour=look.colour or "green",
                address=address_of({"kind": kind}),
                is_current=kind == current,
            )


def heading(column: str, language: Language) -> str:
    """Name a column by the word that sentences have for it."""
    word = field_word(column, language)
    return word[:1].upper() + word[1:]


def _id(row: int, column: str) -> str:
    return f"f-{row}-{column}"


class _Drawing:
    """Rows of one list in the person's language."""

    def __init__(
        self,
        batch: Batch,
        language: Language,
        typed: Typed,
        errors: FieldErrors,
        *,
        is_open: bool,
    ) -> None:
        self._batch = batch
        self._language = language
        self._columns = columns_of(batch)
        self.headings = tuple(heading(column, language) for column in self._columns)
        self._typed = typed
        self._errors = errors
        self._is_open = is_open

    def row(self, row: Row) -> RowView:
        verdict = self._batch.verdict(row)
        marks, look = marks_of(row, verdict), LOOKS[verdict.kind]
        told: set[int] = set()  # a message that several cells share is said once
        of_row = self._marks(marks.get("", ()), told)
        cells = tuple(
            self._cell(row, verdict, column, name, self._marks(marks.get(column, ()), told))
            for column, name in zip(self._columns, self.headings, strict=True)
        )
        return RowView(
            number=row.number,
            name=look.name.text(self._language),
            colour=look.colour or "green",
            marks=of_row,
            existing=verdict.existing_customer_id,
            cells=cells,
            marked=tuple((cell.field.id, cell.heading) for cell in cells if cell.field),
            is_dropped=row.number in self._typed.dropped,
        )

    def _marks(self, marks: Sequence[Mark], told: set[int]) -> tuple[MarkView, ...]:
        return tuple(self._mark(mark, told) for mark in marks)

    def _mark(self, mark: Mark, told: set[int]) -> MarkView:
        is_new = id(mark.problem) not in told
        told.add(id(mark.problem))
        return MarkView(
            word=say(self._language, "batch.wrong" if mark.is_error else "batch.remark"),
            colour=mark.colour,
            message=mark.problem.text(self._language) if is_new else "",
            hint=mark.problem.hint(self._language) or "" if is_new else "",
        )

    def _cell(
        self,
        row: Row,
        verdict: Verdict,
        column: str,
        name: str,
        marks: tuple[MarkView, ...],
    ) -> CellView:
        text = shown_value(column, shown_in(row, column)) or ""
        is_typed = (row.number, column) in self._typed.values
        is_open = self._is_open and bool(marks or is_typed)
        return CellView(
            heading=name,
            text=safe_text(text, _LONGEST_SHOWN),
            marks=marks,
            field=self._field(row, verdict, column) if is_open else None,
        )

    def _field(self, row: Row, verdict: Verdict, column: str) -> FieldView:
        place = (row.number, column)
        return FieldView(
            id=_id(*place),
            name=f"{row.number}/{column}",
            value=self._typed.values.get(place, typed_in(row, column)),
            is_long=column in _LONG_FIELDS,
            is_hidden=is_hidden(column),
            error=self._errors.get(place, ""),
            take=f"{row.number}/take/{column}",
            choices=tuple(self._choice(one, column) for one in offered_in(row, verdict, column)),
            taken=self._typed.taken.get(place),
        )

    def _choice(self, choice: Choice, column: str) -> str:
        """Say what a suggestion stands for; of other columns with their names."""
        if choice.keys() == {column}:
            return choice[column]
        empty = say(self._language, "batch.empty")
        return "; ".join(
            f"{heading(field, self._language)}: {text or empty}" for field, text in choice.items()
        )
