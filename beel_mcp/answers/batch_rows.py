"""What is told of the rows of a list: how they were read, and a page with all that is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from beel_mcp.answers.answer import (
    LIST_TEXT_LIMIT,
    NAME_LIMIT,
    ROW_MESSAGE_LIMIT,
    ROW_NAME_LIMIT,
    SHORT_NAME_LIMIT,
    VALUE_LIMIT,
    VIEW,
    PageAnswer,
    capped_fields,
    next_steps,
    plural,
    view_line,
)
from beel_mcp.cleaning import clean, one_word, quoted, safe_text, shortened
from beel_mcp.errors import NextCall
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.inline import shown_value
from beel_mcp.lists.model import FIELDS, Problem, Row, RowStatus, ValueChange, get_value

# What the rows of a page may take of the text; the rest is for the summary and the next call.
ROWS_ROOM = LIST_TEXT_LIMIT - 700
# Of what was read otherwise than it stands in a file: rows and columns that are named, characters.
ROWS = 3
MOST_COLUMNS = 12
HEADER_LIMIT = 50
IGNORED_LIMIT = 25
EXAMPLE_LIMIT = 20
SHOWN_LIMIT = 25


class RowFault(BaseModel):
    """Something about one field of a row."""

    field: str
    message: str
    value: str | None = None
    suggestion: str | None = None

    def words(self) -> str:
        shown = self.value if self.value and self.value not in (self.suggestion or "") else None
        value = f" has {quoted(shown, VALUE_LIMIT)};" if shown else ""
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.field}:{value} {self.message}{hint}"


class BatchRow(BaseModel):
    """One row of a list, and what is known of it."""

    row: int
    name: str
    nif: str | None = None
    kind: str
    errors: list[RowFault] | None = None
    warnings: list[RowFault] | None = None
    existing_customer_id: str | None = None
    read: Annotated[dict[str, str] | None, WithJsonSchema({"type": "object"})] = None

    def line(self) -> str:
        facts = [fault.words() for fault in self.errors or ()]
        facts += [f"remark, {fault.words()}" for fault in self.warnings or ()]
        if self.existing_customer_id:
            facts.append(f"is customer {self.existing_customer_id} in BeeL")
        details = f": {' | '.join(facts)}" if facts else ""
        number = f" {one_word(self.nif)}" if self.nif else ""
        read = "".join(f"; {name}: {quoted(value)}" for name, value in (self.read or {}).items())
        shown = f" [{read[2:]}]" if read else ""
        name = quoted(self.name, ROW_NAME_LIMIT)
        return f"row {self.row} {name}{number}, {self.kind}{shown}{details}"


class BatchRowsAnswer(PageAnswer):
    """A page of the rows of a list."""

    batch_id: str | None = None
    superseded_by: str | None = None
    view: str | None = Field(None, description=VIEW)
    rows: list[BatchRow] | None = None

    def lines(self) -> Sequence[str]:
        return [
            superseded_line(self.superseded_by),
            view_line(self.view),
            *(row.line() for row in self.rows or ()),
        ]


def superseded_line(newer: str | None) -> str:
    """Say that the person corrected a list on its page, and how to go on."""
    return f"The person corrected this list on its page: go on with batch_id {newer}." * bool(newer)


def rows_answer(
    batch: Batch,
    kind: RowStatus | None,
    page: int,
    limit: int,
    newer: str | None = None,
    view: str | None = None,
) -> BatchRowsAnswer:
    """Give a page of rows: as many as were asked for, as far as an answer has room for them.

    `newer` is the batch that the person made of this one, `view` a link for them.
    """
    chosen = batch.of_kind(kind) if kind else batch.rows
    pages = _pages((_told(batch, row) for row in chosen), limit)
    rows = next(islice(pages, min(page - 1, len(chosen)), None), [])
    has_more = next(pages, None) is not None
    what = plural(len(chosen), f"{kind.replace('_', ' ')} row" if kind else "row")
    where = f"page {page}" if rows else f"page {page} is empty"
    asked = page + 1 if rows else 1
    again: dict[str, object] = {"batch_id": batch.batch_id, "page": asked, "limit": limit}
    if kind:
        again["kind"] = kind
    following = NextCall("list_batch_rows", again, "the next page" if rows else "the first page")
    return BatchRowsAnswer(
        status="done",
        summary=f"{what} in this list; {where}.",
        batch_id=batch.batch_id,
        superseded_by=newer,
        view=view,
        rows=rows,
        total=len(chosen),
        page=page,
        has_more=has_more,
        next=next_steps(following if has_more or (chosen and not rows) else None),
    )


def _pages(rows: Iterable[BatchRow], limit: int) -> Iterator[list[BatchRow]]:
    """Divide rows into pages, always in the same way: by number, and by what fits a text."""
    page: list[BatchRow] = []
    room = ROWS_ROOM
    for row in rows:
        size = len(row.line()) + 1
        if page and (len(page) == limit or size > room):
            yield page
            page, room = [], ROWS_ROOM
        page.append(row)
        room -= size
    if page:
        yield page


def _told(batch: Batch, row: Row) -> BatchRow:
    verdict = batch.verdict(row)
    return BatchRow(
        row=row.number,
        name=clean(row.name, ROW_NAME_LIMIT),
        nif=clean(row.identifier, VALUE_LIMIT) or None,
        kind=verdict.kind,
        errors=[_fault(problem) for problem in verdict.errors] or None,
        warnings=[_fault(problem) for problem in verdict.warnings] or None,
        existing_customer_id=verdict.existing_customer_id,
        read=read_under(batch, row) or None,
    )


def read_under(batch: Batch, row: Row) -> dict[str, str]:
    """Give what was read in a row under each column that the caller chose, by its header."""
    return {
        clean(column["header"], SHORT_NAME_LIMIT): clean(
            shown_value(field, get_value(row.values, field)) or "", VALUE_LIMIT
        )
        for column in batch.origin.get("columns", ())
        if (field := column["field"]) in FIELDS
    }


def _fault(problem: Problem) -> RowFault:
    hint = problem.hint()
    return RowFault(
        field=problem.field,
        message=shortened(problem.text(), ROW_MESSAGE_LIMIT),
        value=problem.value and clean(problem.value, VALUE_LIMIT),
        suggestion=hint and shortened(hint, ROW_MESSAGE_LIMIT),
    )


class Change(BaseModel):
    """Values of one field that were not taken as they stand in the file; one is shown."""

    field: str
    change: str
    count: int
    rows: list[int]
    before: str | None = None
    after: str | None = None

    def words(self) -> str:
        rows = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        shown = f", {quoted(self.before, SHOWN_LIMIT)}" if self.before else ""
        way = " to" if shown else ", now"
        after = f"{way} {quoted(self.after, SHOWN_LIMIT)}" if self.after else ""
        return f"- {self.field}: {self.change} [{self.count}: row {rows}{shown}{after}]"


def reading_fields(
    batch: Batch, most: int, most_ignored: int, most_used: int, names_only: int = 0
) -> dict[str, Any]:
    """Give the fields of the answer that are about the file; none for an inline list."""
    used = [clean(column, HEADER_LIMIT) for column in batch.columns_used]
    # An empty column loses nothing: those that hold something are named first.
    columns = sorted(batch.columns_ignored, key=lambda column: not column.value)
    ignored = [column.words(IGNORED_LIMIT, EXAMPLE_LIMIT) for column in columns[:most_ignored]]
    # Of the others the header alone, as many as have room; a sheet has all of them.
    others = columns[most_ignored : most_ignored + names_only]
    ignored += [clean(column.what, IGNORED_LIMIT) for column in others]
    rows = [f"row {row.what} ({quoted(row.value, IGNORED_LIMIT)})" for row in batch.rows_left_out]
    return {
        "read_as": batch.read_as and clean(batch.read_as, 120),
        "columns_read": _columns_read(batch),
        **capped_fields("columns_used", used, most_used),
        "columns_ignored": ignored or None,
        "more_columns_ignored": len(columns) - len(ignored) or None,
        **capped_fields("rows_left_out", rows, ROWS),
        **changed_fields(batch, most),
    }


def changed_fields(batch: Batch, most: int) -> dict[str, Any]:
    """Give what was not taken as it stands in the list, the most frequent kinds first."""
    return capped_fields("values_changed", _groups(batch.values_changed), most)


def changed_sums(changes: Sequence[Change] | None, more: int | None) -> str:
    """Say in how many rows which fields were changed while they were read."""
    if not changes:
        return ""
    sums: Counter[str] = Counter()
    for change in changes:
        sums[change.field] += change.count
    fields = ", ".join(f"{field} in {count}" for field, count in sums.items())
    others = f" and {plural(more, 'more kind')}" if more else ""
    return f"Values changed while reading: {fields}{others}."


def _columns_read(batch: Batch) -> list[str] | None:
    """Show by a row what was read under each column that the caller chose, and in notes."""
    row = batch.rows[0]
    read = list(read_under(batch, row).items())[:MOST_COLUMNS]
    shown = [f"{name} has {quoted(value)} in row {row.number}" for name, value in read]
    # Free text may hold anything, also what tries to give orders: its longest example is shown.
    longest = max(batch.rows, key=lambda one: len(str(one.values.get("notes", ""))))
    if batch.columns_used and (notes := longest.values.get("notes")):
        text = quoted(safe_text(str(notes), NAME_LIMIT), NAME_LIMIT)
        shown.append(f"notes has {text} in row {longest.number}")
    return shown or None


def _groups(changes: Sequence[ValueChange]) -> list[Change]:
    """Gather changes of one kind; the most frequent first."""
    groups: defaultdict[tuple[str, str], list[ValueChange]] = defaultdict(list)
    for change in changes:
        # "taken from row 7" is the same kind of change as "taken from row 9".
        groups[change.field, change.change.code].append(change)
    return sorted(map(_change, groups.values()), key=lambda group: -group.count)


def _change(group: Sequence[ValueChange]) -> Change:
    first = group[0]
    before, after = (text and clean(text, SHOWN_LIMIT) for text in (first.before, first.after))
    return Change(
        field=first.field,
        change=first.change.text(),
        count=len(group),
        rows=list(dict.fromkeys(change.row for change in group))[:ROWS],
        before=None if before == after else before,  # blanks, or the middle of an account
        after=after,
    )
