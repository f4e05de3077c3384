"""What a person corrects or leaves out of a list: it makes another list of the same rows."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.batches import Batch
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.customers import checked_row, concerns
from beel_mcp.lists.fields import COLUMNS, NEAR, PARTS
from beel_mcp.lists.reading import UnreadableError, read_value
from beel_mcp.lists.rows import Row, Verdict
from beel_mcp.lists.twins import with_twins, without_remarks

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
    if len(gone) == len(batch.rows):
        raise CallerError("No row would be left of the list.", code="empty_list")
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
    """Refuse corrections that do not fit; a few are named."""
    faults = list(islice(_faults(batch, corrections, gone), _MAX_FAULTS))
    if not faults:
        return
    is_strange = any(one.field not in COLUMNS for one in corrections)
    raise CallerError(
        "The corrections do not fit the list; nothing was changed or checked.",
        field_errors=faults,
        remedy=f"Fields: {', '.join(COLUMNS)}." if is_strange else "",
    )


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
    """Name an unknown field and the nearest right one."""
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
    from beel_mcp.lists.headers import meaning_of  # noqa: PLC0415

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
