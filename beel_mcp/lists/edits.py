"""What a person changes: fields of customers in BeeL, values and rows of a list."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import mask_iban, replace_ibans
from beel_mcp.errors import CallerError, FieldError, NextCall
from beel_mcp.identity import bare_nif
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.duplicates import with_duplicates, without_duplicates
from beel_mcp.lists.checks.identifiers import respelt_document, vat_identifier
from beel_mcp.lists.headers import unknown_field, unknown_part
from beel_mcp.lists.inline import (
    MAX_FAULTS,
    UnreadableError,
    checked_row,
    concerns,
    kind_of,
    read_into,
    read_value,
)
from beel_mcp.lists.model import (
    FIELDS,
    IMPORTABLE,
    NAMES,
    PARTS,
    CustomerRow,
    Row,
    Verdict,
    get_value,
)

# A person must be able to read in one sentence what they agree to.
MOST_FIELDS: Final = 12
# What BeeL can do without; of the other fields it has always a value.
CLEARABLE: Final = (
    *("trade_name", "phone", "email", "website", "billing_emails", "contact_person", "notes"),
    *("general_discount", "preferred_payment_method"),
    *("address.number", "address.floor", "address.door"),
    *(f"preferred_payment_method.{part}" for part in PARTS["preferred_payment_method"]),
    "alternative_id.country_code",
)
_POINTER: Final = "to empty a field, name it in clear"


class CustomerChanges(CustomerRow):
    """What may stand in `changes`; it makes the schema, and `read_changes` reads."""

    active: bool | None = None
    clear: list[str] | None = None


def read_changes(raw: Any, customer_ids: Sequence[str] = ()) -> dict[str, Any]:
    """Give the new value of each named field, nested ones with a dot; None empties a field.

    Whose changes they are is for the call that an error proposes.

    Raises:
        CallerError: something cannot be read, is not a field, or nothing is to change.
    """
    if not isinstance(raw, Mapping):
        raise CallerError(f"changes must be an object, not {kind_of(raw).text()}.")
    changes: dict[str, Any] = {}
    faults: list[FieldError] = []
    for field, value in _named_fields(raw, faults):
        read, fault = _read(field, value)
        if fault:
            faults.append(FieldError(field, fault))
        else:
            changes[field] = read
    _spell_document(changes)
    for name in _cleared(raw.get("clear"), faults):
        if any(field == name or field.startswith(f"{name}.") for field in changes):
            faults.append(FieldError(name, "is set and emptied at once"))
        changes[name] = None
    if {"nif", "alternative_id"} <= {field.partition(".")[0] for field in changes}:
        faults.append(FieldError("nif", "a customer has a NIF or an alternative_id; give one"))
    _refuse_changes(changes, faults)
    _refuse_foreign(raw, changes.get("nif"), customer_ids)
    return changes


def _refuse_foreign(raw: Mapping[str, Any], nif: str | None, customer_ids: Sequence[str]) -> None:
    """Refuse a VAT number of another country as a NIF, with the changes that it would take."""
    if not (found := vat_identifier(bare_nif(nif or ""))):
        return
    changes = {name: value for name, value in raw.items() if name != "nif" and value is not None}
    call = {"customer_ids": list(customer_ids), "changes": {**changes, "alternative_id": found}}
    text = json.dumps(call, ensure_ascii=False)
    reason = "if the customer is from there; ask the person"
    next_calls = (NextCall("update_customers", call, reason),) if customer_ids else ()
    raise CallerError(
        "The nif is no Spanish NIF, but a VAT number of another country. Nobody was asked.",
        code="invalid_values",
        field_errors=(FieldError("nif", "of a customer from there is an alternative_id"),),
        # No account number stands in an answer.
        next_calls=next_calls if replace_ibans(text, mask_iban) == text else (),
    )


def _spell_document(changes: dict[str, Any]) -> None:
    """Write a document that is given whole as BeeL takes it."""
    name = "alternative_id."
    given = {
        field.removeprefix(name): value
        for field, value in changes.items()
        if field.startswith(name)
    }
    changes |= {name + part: text for part, text, _ in respelt_document(given)}


def _refuse_changes(changes: Mapping[str, Any], faults: Sequence[FieldError]) -> None:
    if faults:
        raise CallerError(
            "The changes cannot be read. Nobody was asked.",
            field_errors=faults[:MAX_FAULTS],
            remedy=f"The fields are {', '.join(NAMES)}, active, and clear to empty some.",
        )
    if not changes:
        raise CallerError("changes names no field.", remedy=f"Name what is to change; {_POINTER}.")
    if len(changes) > MOST_FIELDS:
        raise CallerError(
            f"changes names {len(changes)} fields; at most {MOST_FIELDS} can be shown at once.",
            remedy="Make the change in two calls.",
        )


def _named_fields(raw: Mapping[str, Any], faults: list[FieldError]) -> Iterator[tuple[str, Any]]:
    """Give each field that is named, those of a group with a dot, and its raw value."""
    for name, value in raw.items():
        if name == "clear":
            continue
        if name not in (*NAMES, *FIELDS, "active"):
            faults.append(FieldError(str(name)[:60], unknown_part(str(name))))
        elif name not in PARTS:
            yield name, value
        elif isinstance(value, Mapping):
            for part, inner in value.items():
                if part in PARTS[name]:
                    yield f"{name}.{part}", inner
                else:
                    faults.append(FieldError(name, unknown_part(str(part), name)))
        else:
            parts = f"must be an object with {', '.join(PARTS[name])}"
            faults.append(FieldError(name, _POINTER if value is None else parts))


def _read(field: str, raw: Any) -> tuple[Any, str]:
    if field == "active":
        return raw, "" if isinstance(raw, bool) else "must be true or false"
    try:
        value = read_value(field, raw)
    except UnreadableError as unreadable:
        return None, unreadable.message.text()
    if value is None:
        return None, f"null: {_POINTER}" if raw is None else f"is empty; {_POINTER}"
    return value, ""


def _cleared(raw: Any, faults: list[FieldError]) -> Iterator[str]:
    if raw is None:
        return
    raw = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(raw, list | tuple):
        faults.append(FieldError("clear", "must be a list of field names"))
        return
    for name in dict.fromkeys(map(str, raw)):
        if name in CLEARABLE:
            yield name
        elif name.partition(".")[0] in NAMES:
            faults.append(FieldError("clear", f"{name[:60]} cannot be empty in BeeL"))
        else:
            faults.append(FieldError("clear", unknown_part(name)))


# In the place of a row's number: every row that has a problem in the field.
EVERY_ROW: Final = 0


class Correction(NamedTuple):
    """Another value for one field of one row, or of `EVERY_ROW`; an empty one empties the field."""

    row: int
    field: str
    value: str


def derive(batch: Batch, corrections: Sequence[Correction], dropped: Iterable[int] = ()) -> Batch:
    """Make a batch with other values and without some rows; what is known of the rest stays.

    What BeeL said of a part whose rows changed is no use any more; its digest tells which.

    Raises:
        CallerError: an unknown row or field, one named twice, or no row left.
    """
    gone = set(dropped)
    corrections = spread(batch, corrections, gone)
    _refuse(batch, corrections, gone)
    by_row: dict[int, list[Correction]] = {}
    for correction in corrections:
        by_row.setdefault(correction.row, []).append(correction)
    # Which rows are duplicates may be others now.
    rows = with_duplicates(
        [
            _corrected(without_duplicates(row), by_row.get(row.number))
            for row in batch.rows
            if row.number not in gone
        ]
    )
    before = {row.number: row for row in batch.rows}
    return batch.with_rows(
        rows,
        verdicts={
            row.number: _readvised(batch.verdicts[row.number], before[row.number], row)
            for row in rows
            if row.number in batch.verdicts
        },
        values_changed=tuple(
            change
            for change in batch.values_changed
            if change.row not in gone
            and change.field not in {made.field for made in by_row.get(change.row, ())}
        ),
        origin=_origin(batch.origin, corrections, gone),
    )


def spread(
    batch: Batch, corrections: Sequence[Correction], gone: Collection[int] = ()
) -> list[Correction]:
    """Give one correction for each row that one of `EVERY_ROW` is about; it stays if there is none.

    A correction of a row of its own goes before it.
    """
    own = {(made.row, made.field) for made in corrections}
    every: list[Correction] = []
    for made in corrections:
        rows = rows_with_problem(batch, made.field) if made.row == EVERY_ROW else []
        left = [row for row in rows if row not in gone and (row, made.field) not in own]
        every += [made._replace(row=row) for row in left] or [made]
    return every


def rows_with_problem(batch: Batch, field: str) -> list[int]:
    """List the numbers of the rows that have a problem in this very field."""
    verdicts = ((row.number, batch.verdict(row)) for row in batch.rows)
    return [
        number
        for number, verdict in verdicts
        if any(problem.field == field for problem in (*verdict.errors, *verdict.warnings))
    ]


def count_changed(before: Batch, after: Batch, corrections: Sequence[Correction]) -> int:
    """Count the corrections that made another value, or another fault, of their field."""
    old, new = ({row.number: row for row in batch.rows} for batch in (before, after))

    def state(row: Row, field: str) -> tuple[Any, ...]:
        unread = [error for error in row.errors if concerns(error.field, field)]
        return get_value(row.values, field), unread

    return sum(state(old[row], field) != state(new[row], field) for row, field, _ in corrections)


def _refuse(batch: Batch, corrections: Sequence[Correction], gone: set[int]) -> None:
    """Refuse what does not fit the list, as a whole; a few faults are named."""
    if faults := list(islice(_faults(batch, corrections, gone), MAX_FAULTS)):
        is_strange = any("unknown field" in fault.message for fault in faults)
        raise CallerError(
            "The corrections do not fit the list; nothing was changed or checked.",
            field_errors=faults,
            remedy=f"Fields: {', '.join(FIELDS)}." if is_strange else "",
        )
    if len(gone) == len(batch.rows):
        raise CallerError("No row would be left of the list.", code="empty_list")


def _faults(
    batch: Batch, corrections: Sequence[Correction], gone: set[int]
) -> Iterator[FieldError]:
    known = {row.number for row in batch.rows}
    seen: set[tuple[int, str]] = set()
    for row, field, _ in corrections:
        name = f"corrections, row {row}"
        if row == EVERY_ROW and field in FIELDS:
            yield FieldError(name, f"stands for all rows with a problem in {field}: there is none")
        elif row not in known:
            yield FieldError(name, _no_row(batch, row))
        elif row in gone:
            yield FieldError(name, "is corrected and dropped at once")
        elif field not in FIELDS:
            yield FieldError(name, unknown_field(field))
        elif (row, field) in seen:
            yield FieldError(name, f"{field} is corrected twice")
        seen.add((row, field))
    for number in sorted(gone - known):
        yield FieldError(f"drop_rows, row {number}", _no_row(batch, number))


def _no_row(batch: Batch, number: int) -> str:
    first, last = batch.rows[0].number, batch.rows[-1].number
    if first < number < last:
        return "is not in the list: it was dropped or empty"
    return f"is not in the list, whose rows are {first} to {last}"


def _corrected(row: Row, corrections: Sequence[Correction] | None) -> Row:
    if not corrections:
        return row
    values = row.payload()
    # What the file said stays said: of the row, of its letters, of what its notes leave out.
    told = (advice for advice in row.advice if advice.message.code.startswith("sheet."))
    problems = [*row.errors, *told]
    for _, field, text in corrections:
        problems = [problem for problem in problems if not concerns(problem.field, field)]
        problems += read_into(values, field, text)
    return checked_row(row.number, values, problems)


def _readvised(verdict: Verdict, before: Row, now: Row) -> Verdict:
    """Put today's remarks of our own into a verdict in the place of those from before."""
    if before.advice == now.advice:
        return verdict
    of_beel = [warning for warning in verdict.warnings if warning not in before.advice]
    with_errors = {error.field for error in verdict.errors}
    warnings = (*of_beel, *(advice for advice in now.advice if advice.field not in with_errors))
    kind = verdict.kind
    if kind in IMPORTABLE:
        kind = "warning" if warnings else "valid"
    return verdict._replace(kind=kind, warnings=warnings)


def _origin(
    origin: Mapping[str, Any], corrections: Sequence[Correction], gone: set[int]
) -> Mapping[str, Any]:
    """Give the call that would read the same list again, corrected as it is now."""
    if not origin:
        return {}
    every = {(made["row"], made["field"]): made for made in origin.get("corrections", ())}
    every |= {(made.row, made.field): made._asdict() for made in corrections}
    dropped = sorted({*origin.get("drop_rows", ()), *gone})
    kept = [made for made in every.values() if made["row"] not in gone]
    return {
        **{name: origin[name] for name in ("source_path", "sheet", "columns") if name in origin},
        **({"corrections": kept} if kept else {}),
        **({"drop_rows": dropped} if dropped else {}),
    }
