"""A batch as a workbook for the person: every row, what is wrong with it, how to go on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from beel_mcp.cleaning import clean
from beel_mcp.language import localized
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.workbook import (
    Cell,
    Colour,
    Sheet,
    cell_text,
    fits,
    workbook_of,
)
from beel_mcp.lists.files.cells import raw_of
from beel_mcp.lists.headers import OURS, heading_of
from beel_mcp.lists.inline import UnreadableError, read_value
from beel_mcp.lists.model import FIELDS, KINDS, Kind, Problem, Row, ValueChange, Verdict
from beel_mcp.settings import Language

# BeeL creates nobody without these.
_OBLIGATORY: Final = (
    *("legal_name", "nif", "address.street", "address.number"),
    *("address.postal_code", "address.city", "address.province"),
)
# Where a problem of several cells shows.
_SHOWS_IN: Final[Mapping[str, str]] = {
    "address": "address.street",
    "alternative_id": "alternative_id.number",
    "preferred_payment_method": "preferred_payment_method.method",
    "surname": "legal_name",
    "street_type": "address.street",
}
_COLOURS: Final[Mapping[Kind, Colour]] = {
    "warning": "yellow",
    "error": "red",
    "duplicate": "orange",
    "nif_invalid": "red",
    "unchecked": "grey",
}
_RESULTS: Final[Mapping[Kind, tuple[str, str]]] = {
    "valid": ("valid", "correcta"),
    "warning": ("valid, with a remark", "correcta, con aviso"),
    "error": ("error", "con errores"),
    "duplicate": ("duplicate", "duplicada"),
    "nif_invalid": ("NIF not valid", "NIF no válido"),
    "unchecked": ("not checked yet", "sin comprobar"),
}
_MEANINGS: Final[Mapping[Kind, tuple[str, str]]] = {
    "valid": ("can be created in BeeL.", "se pueden dar de alta en BeeL."),
    "warning": (
        "can be created in BeeL; look at the remark first.",
        "se pueden dar de alta en BeeL; mire antes el aviso.",
    ),
    "error": ("cannot be created before they are corrected.", "hay que corregirlas antes."),
    "duplicate": (
        "are in BeeL already, or stand in the list twice.",
        "ya están en BeeL o aparecen dos veces en la lista.",
    ),
    "nif_invalid": (
        "the tax agency does not know this NIF with this name.",
        "la AEAT no reconoce ese NIF con ese nombre.",
    ),
    "unchecked": ("BeeL has not looked at these yet.", "BeeL aún no las ha comprobado."),
}
_WIDTHS: Final[Mapping[str, int]] = {"legal_name": 34, "address.street": 30, "notes": 40}
_USUAL_WIDTH: Final = 18
_OUR_WIDTHS: Final = (10, 20, 70, 45)
_MOST_LINES: Final = 20
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
    columns = _columns(batch)
    widths = [*(_WIDTHS.get(column, _USUAL_WIDTH) for column in columns), *_OUR_WIDTHS]
    customers = localized(language, en="Customers", es="Clientes")
    sheets = [
        Sheet(customers, widths, _customer_rows(batch, columns, language), has_headers=True),
        Sheet(
            localized(language, en="Summary", es="Resumen"),
            (24, 14, 60),
            _summary_rows(batch, language, made_at.date(), customers),
        ),
        *_change_sheets(batch.values_changed, language),
    ]
    return workbook_of(sheets, made_at)


def _columns(batch: Batch) -> list[str]:
    """Choose the columns: what somebody has, what something is said about, what BeeL needs."""
    used = set(_OBLIGATORY)
    for row in batch.rows:
        used.update(column for column in FIELDS if cell_text(row.values, column))
        used.update(_colours(row, batch.verdict(row)))
    return [column for column in FIELDS if column in used]


def _customer_rows(
    batch: Batch, columns: Sequence[str], language: Language
) -> Iterator[Sequence[Cell]]:
    headings = [heading_of(column, language) for column in columns]
    yield [Cell(heading, is_bold=True) for heading in (*headings, *OURS[language])]
    for row in batch.rows:
        verdict = batch.verdict(row)
        colours = _colours(row, verdict)
        yield [
            *(Cell(_value(row, column, language), colours.get(column)) for column in columns),
            Cell(str(row.number)),
            Cell(_result(verdict.kind, language), _COLOURS.get(verdict.kind)),
            Cell(_problems(verdict, language), is_wrapped=True),
            Cell(_suggestions(verdict, language), is_wrapped=True),
        ]


def _result(kind: Kind, language: Language) -> str:
    """Say in a word what came of a row."""
    en, es = _RESULTS[kind]
    return localized(language, en=en, es=es)


def _colours(row: Row, verdict: Verdict) -> dict[str, Colour]:
    """Colour the cells that something is wrong with; an error outshines a remark."""
    found: dict[str, Colour] = {}
    for problem in verdict.warnings:
        found[_column_of(problem, row)] = "yellow"
    for problem in verdict.errors:
        found[_column_of(problem, row)] = _COLOURS.get(verdict.kind, "red")
    found.pop("", None)
    return found


def _column_of(problem: Problem, row: Row) -> str:
    """Find the column that a problem shows in; nothing if it is about the whole row."""
    field = problem.field.partition("[")[0]
    if field == "nif" and "nif" not in row.values and row.identifier:
        return "alternative_id.number"
    field = _SHOWS_IN.get(field, field)
    return field if field in FIELDS else ""


def _value(row: Row, column: str, language: Language) -> str:
    if text := cell_text(row.values, column):
        return text if fits(text) else _unread(None, language)
    for problem in row.errors:
        if _column_of(problem, row) == column:
            return _unread_value(column, problem.value, language)
    return ""


def _unread_value(column: str, value: str | None, language: Language) -> str:
    """Give a value that could not be read such that it cannot be read now, either."""
    try:
        read_value(column, raw_of(value or ""))
    except UnreadableError:
        return value or ""
    return _unread(value, language)


def _unread(value: str | None, language: Language) -> str:
    # To the reader of lists it is an error as spreadsheets show them.
    mark = localized(language, en="#¿unreadable?", es="#¿ilegible?")
    return f"{mark} {value}" if value else mark


def _problems(verdict: Verdict, language: Language) -> str:
    lines = [
        _line(problem.field, problem.text(language), language)
        for problem in (*verdict.errors, *verdict.warnings)
    ]
    if known := verdict.existing_customer_id:
        en, es = f"Customer in BeeL: {known}", f"Cliente que ya está en BeeL: {known}"
        lines.append(localized(language, en=en, es=es))
    return _lines(lines, language)


def _suggestions(verdict: Verdict, language: Language) -> str:
    return _lines(
        (
            _line(problem.field, hint, language)
            for problem in (*verdict.errors, *verdict.warnings)
            if (hint := problem.hint(language))
        ),
        language,
    )


def _line(field: str, text: str, language: Language) -> str:
    return text if field == "row" else f"{heading_of(field, language)}: {text}"


def _lines(lines: Iterable[str], language: Language) -> str:
    every = list(dict.fromkeys(lines))
    if (more := len(every) - _MOST_LINES) > 0:
        every[_MOST_LINES:] = [localized(language, en=f"… and {more} more", es=f"… y {more} más")]
    return "\n".join(every)


def _summary_rows(
    batch: Batch, language: Language, day: date, customers: str
) -> Iterator[Sequence[Cell]]:
    inline = localized(language, en="the conversation", es="la conversación")
    source = inline if batch.source == "inline" else clean(batch.source, _LONGEST_SHOWN)
    title = localized(language, en="Customers, checked", es="Clientes revisados")
    yield [Cell(title, is_bold=True)]
    yield [Cell(localized(language, en="List from", es="Lista de")), Cell(source)]
    yield [
        Cell(localized(language, en="Checked on", es="Revisada el")),
        Cell(localized(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")),
    ]
    yield [Cell(localized(language, en="Rows", es="Filas")), Cell(str(len(batch.rows)))]
    yield []
    counts = batch.counts()
    for kind in KINDS:
        if counts[kind]:
            en, es = _MEANINGS[kind]
            yield [
                Cell(_result(kind, language), _COLOURS.get(kind)),
                Cell(str(counts[kind])),
                Cell(localized(language, en=en, es=es)),
            ]
    if (more := len(batch.values_changed) - _MOST_CHANGES) > 0:
        en, es = "Changes not listed here", "Cambios que no aparecen aquí"
        yield [Cell(localized(language, en=en, es=es)), Cell(str(more))]
    yield []
    for step in _steps(language, customers):
        yield [Cell(step)]


def _steps(language: Language, customers: str) -> tuple[str, str, str]:
    correct = localized(
        language,
        en=f"1. Correct the coloured cells of the sheet {customers}: the end of each row says what"
        f" is wrong with them; other rows are named as in {OURS['en'][0]}. To leave a customer"
        " out, delete its row.",
        es=f"1. Corrija en la hoja {customers} las celdas de color: al final de cada fila se dice"
        f" qué les pasa; otras filas se citan por su número en {OURS['es'][0]}. Para dejar fuera"
        " a un cliente, borre su fila.",
    )
    save = localized(
        language,
        en="2. Remove any filters that you have set, and save the file.",
        es="2. Quite los filtros que haya puesto y guarde el archivo.",
    )
    give_back = localized(
        language,
        en="3. Give it back to the assistant: the list will be checked again.",
        es="3. Devuélvaselo al asistente: la lista se comprobará otra vez.",
    )
    return correct, save, give_back


def _change_sheets(changes: Sequence[ValueChange], language: Language) -> Iterator[Sheet]:
    name = localized(language, en="Changes", es="Cambios")
    listed = changes[:_MOST_CHANGES]
    for start in range(0, len(listed), _CHANGES_PER_SHEET):
        rows = _change_rows(listed[start : start + _CHANGES_PER_SHEET], language)
        title = f"{name} {start // _CHANGES_PER_SHEET + 1}" if start else name
        yield Sheet(title, (8, 26, 50, 34, 34), rows, has_headers=True)


def _change_rows(changes: Sequence[ValueChange], language: Language) -> Iterator[Sequence[Cell]]:
    headers = localized(
        language, en="row|field|what was changed|before|after", es="fila|campo|cambio|antes|después"
    )
    yield [Cell(header, is_bold=True) for header in headers.split("|")]
    for change in changes:
        field = heading_of(change.field.lstrip("+"), language)
        values = (clean(value or "", _LONGEST_SHOWN) for value in (change.before, change.after))
        what = change.change.text(language)
        yield [Cell(text) for text in (str(change.row), field, what, *values)]
