"""A checked list as a workbook: every row with its problems beside it, to correct and give back."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from beel_mcp.cleaning import clean
from beel_mcp.language import say
from beel_mcp.lists.batches import Batch, Kind, Row, Verdict
from beel_mcp.lists.checks import Problem, mask_iban
from beel_mcp.lists.fields import COLUMNS, cell_text
from beel_mcp.lists.headings import heading, own_headings
from beel_mcp.lists.spanish import in_spanish
from beel_mcp.settings import Language

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# What every customer needs; these columns are there even if the list had none of them.
_NEEDED: Final = (
    "legal_name",
    "nif",
    "address.street",
    "address.number",
    "address.postal_code",
    "address.city",
    "address.province",
)
_COLOURS: Final[Mapping[Kind, str]] = {
    "warning": "#FFF2CC",
    "error": "#F8CBAD",
    "nif_invalid": "#F8CBAD",
    "duplicate": "#FFD58A",
    "unchecked": "#E0E0E0",
}
_WORDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "valid": ("right", "correcta"),
    "warning": ("can be created; please look", "se puede dar de alta; conviene mirarla"),
    "error": ("to correct", "por corregir"),
    "duplicate": ("already there, or repeated", "repetida, o ya es cliente"),
    "nif_invalid": ("NIF to correct", "NIF por corregir"),
    "unchecked": ("not checked yet", "sin comprobar todavía"),
}
# What a sheet, or a CSV made of it, might take for a formula.
_LIVE: Final = re.compile("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_WIDTHS: Final = {"legal_name": 32, "address.street": 28, "email": 28, "notes": 30}
_WIDTH: Final = 16


def report_of(batch: Batch, language: Language, today: date) -> bytes:
    """Write a checked list as XLSX: the rows, a summary, and what was changed while reading."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - start-up is measured

    file = io.BytesIO()
    # Rows go out as they are written: the sheet never stands in memory as a whole.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, options) as book:
        book.set_properties({"created": datetime(today.year, today.month, today.day)})  # noqa: DTZ001
        writer = _Writer(book, batch, language)
        writer.rows(book.add_worksheet(say(language, en="Customers", es="Clientes")))
        writer.summary(book.add_worksheet(say(language, en="Summary", es="Resumen")), today)
        if batch.values_changed:
            writer.changes(book.add_worksheet(say(language, en="Changes", es="Cambios")))
    return file.getvalue()


class _Writer:
    """Writes the sheets of one report; every cell is text."""

    def __init__(self, book: "Workbook", batch: Batch, language: Language) -> None:
        self._book = book
        self._batch = batch
        self._language = language
        self._formats: dict[tuple[str, bool], Format] = {}
        self._bold = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})

    def rows(self, sheet: "Worksheet") -> None:
        """Write the list, with four columns of our own after those of the customers."""
        columns = _columns(self._batch)
        headings = [heading(column, self._language) for column in columns]
        every = [*headings, *own_headings(self._language)]
        widths = [_WIDTHS.get(column, _WIDTH) for column in columns]
        for place, width in enumerate([*widths, 8, 20, 60, 36]):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, len(self._batch.rows), len(every) - 1)
        self._line(sheet, 0, every, self._bold)
        for number, row in enumerate(self._batch.rows, 1):
            self._row(sheet, number, row, columns)

    def _row(self, sheet: "Worksheet", number: int, row: Row, columns: Sequence[str]) -> None:
        verdict = self._batch.verdict(row)
        colour = _COLOURS.get(verdict.kind, "")
        problems = (*verdict.errors, *verdict.warnings)
        doubtful = {problem.field for problem in problems}
        for place, column in enumerate(columns):
            is_marked = column in doubtful or column.partition(".")[0] in doubtful
            self._cell(sheet, number, place, cell_text(row.values, column), colour * is_marked)
        told = [
            str(row.number),
            say(self._language, en=_WORDS[verdict.kind][0], es=_WORDS[verdict.kind][1]),
            "\n".join(self._words(problem) for problem in problems),
            "\n".join(self._hints(verdict)),
        ]
        for place, text in enumerate(told, len(columns)):
            self._cell(sheet, number, place, text, colour * (place == len(columns) + 1))

    def _words(self, problem: Problem) -> str:
        name = heading(problem.field, self._language)
        return f"{name}: {self._said(problem.message)}"

    def _hints(self, verdict: Verdict) -> list[str]:
        hints = [
            f"{heading(one.field, self._language)}: {self._said(one.suggestion)}"
            for one in (*verdict.errors, *verdict.warnings)
            if one.suggestion
        ]
        if known := verdict.existing_customer_id:
            hints.append(say(self._language, en=f"customer {known}", es=f"cliente {known}"))
        return hints

    def _said(self, text: str) -> str:
        return in_spanish(text) if self._language == "es" else text

    def summary(self, sheet: "Worksheet", today: date) -> None:
        """Say where the list came from, how it stands, and what to do with the sheet."""
        counts = self._batch.counts()
        lines = [
            (say(self._language, en="List", es="Lista"), clean(self._batch.source, 120)),
            (say(self._language, en="Checked on", es="Comprobada el"), today.isoformat()),
            *(
                (say(self._language, en=words[0], es=words[1]).capitalize(), str(counts[kind]))
                for kind, words in _WORDS.items()
                if counts[kind]
            ),
            ("", ""),
            *((sentence, "") for sentence in _instructions(self._language)),
        ]
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 40)
        for number, line in enumerate(lines):
            self._line(sheet, number, line)

    def changes(self, sheet: "Worksheet") -> None:
        """List every value that was not taken as it stood in the file."""
        english = ("Row", "Field", "What was changed", "Before", "After")
        spanish = ("Fila", "Campo", "Qué se cambió", "Antes", "Después")
        for place, width in enumerate((8, 22, 50, 34, 34)):
            sheet.set_column(place, place, width)
        self._line(sheet, 0, spanish if self._language == "es" else english, self._bold)
        for number, change in enumerate(self._batch.values_changed, 1):
            name, what = heading(change.field, self._language), self._said(change.change)
            values = [
                mask_iban(v) if v and change.field.endswith("iban") else v or ""
                for v in (change.before, change.after)
            ]
            self._line(sheet, number, (str(change.row), name, what, *values))

    def _line(
        self, sheet: "Worksheet", number: int, texts: Sequence[str], form: "Format | None" = None
    ) -> None:
        for place, text in enumerate(texts):
            if form:
                sheet.write_string(number, place, text, form)
            else:
                self._cell(sheet, number, place, text, "")

    def _cell(self, sheet: "Worksheet", number: int, place: int, text: str, colour: str) -> None:
        if text:
            sheet.write_string(number, place, text, self._format(colour, text))
        elif colour:
            sheet.write_blank(number, place, None, self._format(colour, ""))

    def _format(self, colour: str, text: str) -> "Format":
        """Give the format of a cell: text in any case, and marked as such where it looks live."""
        key = colour, bool(_LIVE.match(text))
        if key not in self._formats:
            facts: dict[str, Any] = {"num_format": "@", "valign": "top", "text_wrap": "\n" in text}
            if colour:
                facts["bg_color"] = colour
            if key[1]:
                facts["quote_prefix"] = True
            self._formats[key] = self._book.add_format(facts)
        return self._formats[key]


def _columns(batch: Batch) -> list[str]:
    """Choose the columns: what is needed, what any row has, and what a problem speaks of."""
    found = set(_NEEDED)
    for row in batch.rows:
        verdict = batch.verdict(row)
        found.update(problem.field for problem in (*verdict.errors, *verdict.warnings))
        for name, value in row.values.items():
            if isinstance(value, Mapping):
                found.update(f"{name}.{part}" for part in value)
            else:
                found.add(name)
    return [column for column in COLUMNS if column in found]


def _instructions(language: Language) -> tuple[str, ...]:
    if language == "es":
        return (
            "Corrija las celdas de color en la hoja Clientes y borre las filas que no quiera.",
            "Guarde el archivo con el mismo formato (xlsx).",
            "Pida al asistente que compruebe la lista con este archivo.",
        )
    return (
        "Correct the coloured cells of the sheet Customers, and delete rows you do not want.",
        "Save the file in the same format (xlsx).",
        "Ask the assistant to check the list in this file.",
    )
