"""What a person sees of rows, in a workbook and on a page: columns, marks, words of each kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.workbook import Colour, cell_text
from beel_mcp.lists.model import FIELDS, PARTS, Problem, Row, RowStatus, Verdict, get_value
from beel_mcp.messages import Message

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


class Look(NamedTuple):
    """How rows of a kind are called and shown."""

    name: Message
    meaning: Message
    colour: Colour | None = None


LOOKS: Final[Mapping[RowStatus, Look]] = {
    "valid": Look(Message("kind_of_row.valid"), Message("rows.valid")),
    "warning": Look(Message("kind_of_row.warning"), Message("rows.warning"), "yellow"),
    "error": Look(Message("kind_of_row.error"), Message("rows.error"), "red"),
    "duplicate": Look(Message("kind_of_row.duplicate"), Message("rows.duplicate"), "orange"),
    "nif_invalid": Look(Message("kind_of_row.nif_invalid"), Message("rows.nif_invalid"), "red"),
    "unchecked": Look(Message("kind_of_row.unchecked"), Message("rows.unchecked"), "grey"),
}


class Mark(NamedTuple):
    """A problem in the place where it shows."""

    problem: Problem
    colour: Colour
    is_error: bool


def columns_of(batch: Batch) -> list[str]:
    """Choose the columns: what somebody has, what a problem is about, what BeeL needs."""
    used = set(_OBLIGATORY)
    # What a row has is nearly always what rows before it had: then there is nothing to look at.
    names: set[str] = set()
    parts: dict[str, set[str]] = {name: set() for name in PARTS}
    for row in batch.rows:
        names |= row.values.keys()
        for name in parts.keys() & row.values.keys():
            parts[name] |= row.values[name].keys()
        verdict = batch.verdict(row)
        for problem in (*verdict.errors, *verdict.warnings):
            if problem.field not in used:
                used.update(_columns_with(problem, row))
    used |= names
    used.update(f"{name}.{part}" for name, found in parts.items() for part in found)
    return [column for column in FIELDS if column in used]


def marks_of(row: Row, verdict: Verdict) -> dict[str, list[Mark]]:
    """Find what is wrong by column, errors first; under "" what is about the whole row."""
    found: dict[str, list[Mark]] = {}
    of_errors = LOOKS[verdict.kind].colour or "red"
    for problems, colour in ((verdict.errors, of_errors), (verdict.warnings, "yellow")):
        for problem in problems:
            mark = Mark(problem, colour, problems is verdict.errors)
            for column in _columns_with(problem, row):
                found.setdefault(column, []).append(mark)
    return found


def _columns_with(problem: Problem, row: Row) -> Sequence[str]:
    """Find the columns to mark: of an address that lacks parts each that is empty."""
    parts = [column for column in _OBLIGATORY if column.startswith("address.")]
    missing = [column for column in parts if get_value(row.values, column) is None]
    return missing if problem.field == "address" and missing else [column_of(problem, row)]


def column_of(problem: Problem, row: Row) -> str:
    """Find the column that a problem shows in; nothing if it is about the whole row."""
    field = problem.field.partition("[")[0]
    if field == "nif" and "nif" not in row.values and row.identifier:
        return "alternative_id.number"
    field = _SHOWS_IN.get(field, field)
    return field if field in FIELDS else ""


def shown_in(row: Row, column: str) -> str:
    """Give what a cell shows: the value of the row, or else what could not be read of it."""
    return cell_text(row.values, column) or unread_in(row, column) or ""


def unread_in(row: Row, column: str) -> str | None:
    """Give what stood in a cell and could not be read; None if nothing did."""
    errors: Iterable[Problem] = (one for one in row.errors if column_of(one, row) == column)
    problem = next(iter(errors), None)
    return None if problem is None else problem.value or ""
