"""What a person corrects or leaves out of a list: it makes another list of the same rows."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.duplicates import with_twins, without_remarks
from beel_mcp.lists.checks.fields import Problem
from beel_mcp.lists.export.workbook import COLUMNS
from beel_mcp.lists.inline import (
    UnreadableError,
    checked_row,
    concerns,
    is_absent,
    kind_of,
    read_value,
    unknown_field,
)
from beel_mcp.lists.model import NAMES, NEAR, PARTS, CustomerRow, Row, Verdict

# A person must be able to read in one sentence what they agree to.
MOST_FIELDS: Final = 12
# What BeeL can do without; of the other fields it has always a value.
CLEARABLE: Final = (
    *("trade_name", "phone", "email", "website", "billing_emails", "contact_person", "notes"),
    *("general_discount", "preferred_payment_method"),
    *("address.floor", "address.door", "address.country_code"),
    *(f"preferred_payment_method.{part}" for part in PARTS["preferred_payment_method"]),
    "alternative_id.country_code",
)
_POINTER: Final = "to empty a field, name it in clear"


class CustomerChanges(CustomerRow):
    """What may stand in `changes`; it makes the schema, and `read_changes` reads."""

    active: bool | None = None
    clear: list[str] | None = None


def read_changes(raw: Any) -> dict[str, Any]:
    """Give the new value of each named field, nested ones with a dot; None empties a field.

    Raises:
        CallerError: something cannot be read, is not a field, or nothing is to change.

    """
    if not isinstance(raw, Mapping):
        raise CallerError(f"changes must be an object, not {kind_of(raw)}.")
    changes: dict[str, Any] = {}
    faults: list[FieldError] = []
    for path, value in _flat(raw, faults):
        try:
            changes[path] = _read(path, value)
        except UnreadableError as unreadable:
            faults.append(FieldError(path, unreadable.message))
    for name in _cleared(raw.get("clear"), faults):
        if any(path == name or path.startswith(f"{name}.") for path in changes):
            faults.append(FieldError(name, "is set and emptied at once"))
        changes[name] = None
    if {"nif", "alternative_id"} <= {path.partition(".")[0] for path in changes}:
        faults.append(FieldError("nif", "a customer has a NIF or an alternative_id; give one"))
    _check(changes, faults)
    return changes


def _check(changes: Mapping[str, Any], faults: Sequence[FieldError]) -> None:
    if faults:
        raise CallerError(
            "The changes cannot be read. Nobody was asked.",
            field_errors=faults[:5],
            remedy=f"The fields are {', '.join(NAMES)}, active, and clear to empty some.",
        )
    if not changes:
        raise CallerError("changes names no field.", remedy=f"Name what is to change; {_POINTER}.")
    if len(changes) > MOST_FIELDS:
        raise CallerError(
            f"changes names {len(changes)} fields; at most {MOST_FIELDS} can be shown at once.",
            remedy="Make the change in two calls.",
        )


def _flat(raw: Mapping[str, Any], faults: list[FieldError]) -> Iterator[tuple[str, Any]]:
    for name, value in raw.items():
        if name == "clear":
            continue
        if name not in (*NAMES, "active"):
            faults.append(FieldError(str(name)[:60], unknown_field(str(name))))
        elif name not in PARTS:
            yield name, value
        elif not isinstance(value, Mapping):
            words = (
                _POINTER if value is None else f"must be an object with {', '.join(PARTS[name])}"
            )
            faults.append(FieldError(name, words))
        else:
            for part, inner in value.items():
                if part in PARTS[name]:
                    yield f"{name}.{part}", inner
                else:
                    faults.append(FieldError(name, unknown_field(str(part), of=name)))


def _read(path: str, value: Any) -> Any:
    if path == "active":
        if isinstance(value, bool):
            return value
        raise UnreadableError("must be true or false")
    read = None if is_absent(value) else read_value(path, value)
    if read is None:
        raise UnreadableError(f"is empty; {_POINTER}" if value is not None else f"null: {_POINTER}")
    return read


def _cleared(raw: Any, faults: list[FieldError]) -> Iterator[str]:
    if raw is None:
        return
    if not isinstance(raw, list | tuple):
        faults.append(FieldError("clear", "must be a list of field names"))
        return
    for name in dict.fromkeys(map(str, raw)):
        if name in CLEARABLE:
            yield name
        elif name.partition(".")[0] in NAMES:
            faults.append(FieldError("clear", f"{name[:60]} cannot be empty in BeeL"))
        else:
            faults.append(FieldError("clear", unknown_field(name)))


_MAX_FAULTS: Final = 5


class Correction(NamedTuple):
    """Another value for one field of one row; an empty one empties the field."""

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
    _refuse(batch, corrections, gone)
    wanted: dict[int, list[Correction]] = {}
    for one in corrections:
        wanted.setdefault(one.row, []).append(one)
    kept = [row for row in batch.rows if row.number not in gone]
    # Which rows are twins may be others now.
    rows = with_twins([_corrected(without_remarks(row), wanted.get(row.number)) for row in kept])
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
            and change.field not in {one.field for one in wanted.get(change.row, ())}
        ),
        origin=_origin(batch.origin, corrections, gone),
    )


def _refuse(batch: Batch, corrections: Sequence[Correction], gone: set[int]) -> None:
    """Refuse what does not fit the list, as a whole; a few faults are named."""
    if faults := list(islice(_faults(batch, corrections, gone), _MAX_FAULTS)):
        is_strange = any("unknown field" in fault.message for fault in faults)
        raise CallerError(
            "The corrections do not fit the list; nothing was changed or checked.",
            field_errors=faults,
            remedy=f"Fields: {', '.join(COLUMNS)}." if is_strange else "",
        )
    if len(gone) == len(batch.rows):
        raise CallerError("No row would be left of the list.", code="empty_list")


def _faults(
    batch: Batch, corrections: Sequence[Correction], gone: set[int]
) -> Iterator[FieldError]:
    known = {row.number for row in batch.rows}
    seen: set[tuple[int, str]] = set()
    for one in corrections:
        name = f"corrections, row {one.row}"
        if one.row not in known:
            yield FieldError(name, _no_row(batch, one.row))
        elif one.row in gone:
            yield FieldError(name, "is corrected and dropped at once")
        elif one.field not in COLUMNS:
            yield FieldError(name, _unknown(one.field))
        elif (one.row, one.field) in seen:
            yield FieldError(name, f"{one.field} is corrected twice")
        seen.add((one.row, one.field))
    for number in sorted(gone - known):
        yield FieldError(f"drop_rows, row {number}", _no_row(batch, number))


def _no_row(batch: Batch, number: int) -> str:
    first, last = batch.rows[0].number, batch.rows[-1].number
    if first < number < last:
        return "is not in the list: it was dropped or empty"
    return f"is not in the list, whose rows are {first} to {last}"


def _unknown(name: str) -> str:
    """Name an unknown field and the nearest right one; of a group one of its parts."""
    asked = f"unknown field {quoted(name, 60)}"
    if name in PARTS:
        return f"{asked}; name a part of it, such as {name}.{PARTS[name][0]}"
    # Cut before comparing: the time that takes grows with the square of the length.
    near = {**NEAR, **{column: column for column in COLUMNS}}
    found = difflib.get_close_matches(name[:60].casefold(), near, n=1)
    meant = near[found[0]] if found else _by_header(name)
    return f"{asked}; did you mean {meant}?" if meant else asked


def _by_header(name: str) -> str | None:
    """Give the field that a column of such a name would fill."""
    # Only reading files needs the headers; a server that reads none starts without them.
    from beel_mcp.lists.files.headers import meaning_of  # noqa: PLC0415

    meaning = meaning_of(name)
    return meaning[0] if meaning and meaning[0] in COLUMNS else None


def _corrected(row: Row, corrections: Sequence[Correction] | None) -> Row:
    """Put a person's values into a row, and look at it again."""
    if not corrections:
        return row
    values = row.payload()
    problems = [*row.errors, *(one for one in row.advice if one.field == "row")]
    for one in corrections:
        problems = [problem for problem in problems if not concerns(problem.field, one.field)]
        try:
            value = read_value(one.field, one.value)
        except UnreadableError as unreadable:
            problems.append(
                Problem(one.field, unreadable.message, unreadable.value, severity="error")
            )
            continue
        _put(values, one.field, value)
    return checked_row(row.number, values, problems)


def _put(values: dict[str, Any], field: str, value: Any) -> None:
    outer, _, inner = field.rpartition(".")
    holder = values.setdefault(outer, {}) if outer else values
    if value is None:
        holder.pop(inner, None)
    else:
        holder[inner] = value
    if outer and not holder:
        del values[outer]


def _readvised(verdict: Verdict, before: Row, now: Row) -> Verdict:
    """Put today's remarks of our own into a verdict in the place of those from before."""
    if before.advice == now.advice:
        return verdict
    said = [one for one in verdict.warnings if one not in before.advice]
    spoken_of = {one.field for one in verdict.errors}
    warnings = (*said, *(one for one in now.advice if one.field not in spoken_of))
    kind = verdict.kind
    if kind in ("valid", "warning"):
        kind = "warning" if warnings else "valid"
    return replace(verdict, kind=kind, warnings=warnings)


def _origin(
    origin: Mapping[str, Any], corrections: Sequence[Correction], gone: set[int]
) -> Mapping[str, Any]:
    """Give the call that would read the same list again, corrected as it is now."""
    if not origin:
        return {}
    every = {(one["row"], one["field"]): one for one in origin.get("corrections", ())}
    every |= {(one.row, one.field): one._asdict() for one in corrections}
    dropped = sorted({*origin.get("drop_rows", ()), *gone})
    kept = [one for one in every.values() if one["row"] not in gone]
    return {
        **{name: origin[name] for name in ("source_path", "sheet", "columns") if name in origin},
        **({"corrections": kept} if kept else {}),
        **({"drop_rows": dropped} if dropped else {}),
    }
