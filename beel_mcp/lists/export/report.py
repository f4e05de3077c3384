"""A batch as a workbook for the person: every row, what is wrong with it, how to go on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from beel_mcp.cleaning import clean
from beel_mcp.language import Language, localized
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.marks import LOOKS, columns_of, marks_of, unread_in
from beel_mcp.lists.export.workbook import Cell, Colour, Sheet, cell_text, fits, workbook_of
from beel_mcp.lists.files.cells import raw_of
from beel_mcp.lists.headers import OURS, heading_of
from beel_mcp.lists.inline import UnreadableError, read_value
from beel_mcp.lists.model import ROW_STATUSES, Problem, Row, ValueChange, Verdict
from beel_mcp.messages import Message

_CHANGE_COLUMNS: Final = (
    *(Message("report.row"), Message("report.field"), Message("report.change")),
    *(Message("report.before"), Message("report.after")),
)
_WIDTHS: Final[Mapping[str, int]] = {"legal_name": 34, "address.street": 30, "notes": 40}
_USUAL_WIDTH: Final = 18
_OUR_WIDTHS: Final = (10, 20, 70, 45)
_MOST_LINES: Final = 20
_MOST_LEFT_OUT: Final = 1_000  # rows or columns; answers send here for those they have no room for
_LONGEST_SHOWN: Final = 300
# The reader of lists takes no sheet of more rows than this and a few, and no file that unpacks to
# more than 40 MB; nine changes in each of 5,000 rows fit.
_CHANGES_PER_SHEET: Final = 9_000
_MOST_CHANGES: Final = 45_000


def report_of(batch: Batch, language: Language, made_at: datetime) -> bytes:
    """Write a batch as an XLSX file that the person corrects and the reader of lists reads again.

    A value that could not be read, or that no cell can hold, stands there as a text that keeps
    its row an error until somebody replaces it.
    """
    return workbook_of(_Report(batch, language).sheets(made_at.date()), made_at)


def report_name(language: Language, made_at: datetime) -> str:
    """Name the file of a report."""
    title = localized(language, en="customers checked", es="clientes revisados")
    return f"{title} {made_at.date().isoformat()}.xlsx"


class _Report:
    """The sheets of a batch in the person's language."""

    def __init__(self, batch: Batch, language: Language) -> None:
        self._batch = batch
        self._language = language

    def sheets(self, day: date) -> Iterator[Sheet]:
        columns = columns_of(self._batch)
        widths = [*(_WIDTHS.get(column, _USUAL_WIDTH) for column in columns), *_OUR_WIDTHS]
        customers = self._say(Message("report.customers"))
        if problems := [row for row in self._batch.rows if self._is_problem(row)]:
            name = self._say(Message("report.problems"))
            rows = self._problem_rows(problems)
            yield Sheet(name, (10, 34, *_OUR_WIDTHS[1:]), rows, has_headers=True)
        yield Sheet(customers, widths, self._customer_rows(columns), has_headers=True)
        summary = self._summary_rows(day, customers)
        yield Sheet(self._say(Message("report.summary")), (24, 14, 60), summary)
        changes = self._batch.values_changed[:_MOST_CHANGES]
        name = self._say(Message("report.changes"))
        for start in range(0, len(changes), _CHANGES_PER_SHEET):
            rows = self._change_rows(changes[start : start + _CHANGES_PER_SHEET])
            title = f"{name} {start // _CHANGES_PER_SHEET + 1}" if start else name
            yield Sheet(title, (8, 26, 50, 34, 34), rows, has_headers=True)

    def _say(self, message: Message) -> str:
        return message.text(self._language)

    def _customer_rows(self, columns: Sequence[str]) -> Iterator[Sequence[Cell]]:
        headings = [heading_of(column, self._language) for column in columns]
        yield [Cell(heading, is_bold=True) for heading in (*headings, *OURS[self._language])]
        for row in self._batch.rows:
            verdict = self._batch.verdict(row)
            colours, look = _colours(row, verdict), LOOKS[verdict.kind]
            yield [
                *(Cell(self._value(row, column), colours.get(column)) for column in columns),
                Cell(str(row.number)),
                Cell(self._say(look.name), look.colour),
                Cell(self._problems(verdict), is_wrapped=True),
                Cell(self._suggestions(verdict), is_wrapped=True),
            ]

    def _is_problem(self, row: Row) -> bool:
        """Tell whether a person has to see to a row: what only lacks a check is not theirs."""
        return self._batch.verdict(row).kind not in ("valid", "unchecked")

    def _problem_rows(self, rows: Iterable[Row]) -> Iterator[Sequence[Cell]]:
        """Gather the rows with a problem or a remark; they are corrected in the sheet of all.

        No heading here is one of a list, so that the reader of lists takes the other sheet.
        """
        number, *others = OURS[self._language]
        headings = (number, self._say(Message("report.customer")), *others)
        yield [Cell(heading, is_bold=True) for heading in headings]
        for row in rows:
            verdict = self._batch.verdict(row)
            look = LOOKS[verdict.kind]
            yield [
                Cell(str(row.number)),
                Cell(clean(row.name or row.identifier, _LONGEST_SHOWN)),
                Cell(self._say(look.name), look.colour),
                Cell(self._problems(verdict), is_wrapped=True),
                Cell(self._suggestions(verdict), is_wrapped=True),
            ]

    def _value(self, row: Row, column: str) -> str:
        if text := cell_text(row.values, column):
            return text if fits(text) else self._unread("")
        unread = unread_in(row, column)
        if unread is None:
            return ""
        # What could not be read must not be readable now, either.
        try:
            read_value(column, raw_of(unread))
        except UnreadableError:
            return unread
        return self._unread(unread)

    def _unread(self, value: str) -> str:
        # To the reader of lists it is an error as spreadsheets show them.
        return f"{self._say(Message('report.unreadable'))} {value}".rstrip()

    def _problems(self, verdict: Verdict) -> str:
        problems = (*verdict.errors, *verdict.warnings)
        lines = [self._line(problem, problem.text(self._language)) for problem in problems]
        if known := verdict.existing_customer_id:
            name = verdict.existing_customer_name or known
            lines.append(self._say(Message("report.existing_customer", name=name)))
        return self._lines(lines)

    def _suggestions(self, verdict: Verdict) -> str:
        return self._lines(
            self._line(problem, hint)
            for problem in (*verdict.errors, *verdict.warnings)
            if (hint := problem.hint(self._language))
        )

    def _line(self, problem: Problem, text: str) -> str:
        field = problem.field
        return text if field == "row" else f"{heading_of(field, self._language)}: {text}"

    def _lines(self, lines: Iterable[str]) -> str:
        every = list(dict.fromkeys(lines))
        if (more := len(every) - _MOST_LINES) > 0:
            every[_MOST_LINES:] = [self._say(Message("report.more", count=more))]
        return "\n".join(every)

    def _summary_rows(self, day: date, customers: str) -> Iterator[Sequence[Cell]]:
        batch, say = self._batch, self._say
        is_inline = batch.source == "inline"
        source = say(Message("report.inline")) if is_inline else batch.source
        shown_day = day.isoformat() if self._language == "en" else f"{day:%d/%m/%Y}"
        yield [Cell(say(Message("report.title")), is_bold=True)]
        yield [Cell(say(Message("report.source"))), Cell(clean(source, _LONGEST_SHOWN))]
        yield [Cell(say(Message("report.checked_on"))), Cell(shown_day)]
        yield [Cell(say(Message("report.rows"))), Cell(str(len(batch.rows)))]
        yield []
        counts = batch.counts()
        for kind in ROW_STATUSES:
            if counts[kind]:
                name, meaning, colour = LOOKS[kind]
                yield [Cell(say(name), colour), Cell(str(counts[kind])), Cell(say(meaning))]
        if (more := len(batch.values_changed) - _MOST_CHANGES) > 0:
            yield [Cell(say(Message("report.changes_not_listed"))), Cell(str(more))]
        yield from self._left_out_rows()
        yield []
        numbers = OURS[self._language][0]
        yield [Cell(say(Message("report.correct", sheet=customers, column=numbers)))]
        yield [Cell(say(Message("report.save")))]
        yield [Cell(say(Message("report.give_back")))]

    def _left_out_rows(self) -> Iterator[Sequence[Cell]]:
        """Name the rows and columns that no customer was made of, with a value each."""
        for title, group in (
            (Message("report.rows_left_out"), self._batch.rows_left_out),
            (Message("report.columns_ignored"), self._batch.columns_ignored),
        ):
            for what, value in group[:_MOST_LEFT_OUT]:
                yield [Cell(self._say(title)), Cell(clean(what, _LONGEST_SHOWN)), Cell(value)]

    def _change_rows(self, changes: Sequence[ValueChange]) -> Iterator[Sequence[Cell]]:
        yield [Cell(self._say(header), is_bold=True) for header in _CHANGE_COLUMNS]
        for row, field, change, before, after in changes:
            heading = heading_of(field.lstrip("+"), self._language)
            values = (clean(value or "", _LONGEST_SHOWN) for value in (before, after))
            yield [Cell(text) for text in (str(row), heading, self._say(change), *values)]


def _colours(row: Row, verdict: Verdict) -> dict[str, Colour]:
    """Colour the cells that something is wrong with; an error outshines a remark."""
    return {column: marks[0].colour for column, marks in marks_of(row, verdict).items() if column}
