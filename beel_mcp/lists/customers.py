"""The canonical customer: how an inline list becomes rows, and how a row is put together."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.checks import Problem, advise
from beel_mcp.lists.fields import NAMES, NEAR, PARTS, CustomerRow
from beel_mcp.lists.reading import UnreadableError, is_absent, kind_of, read_value
from beel_mcp.lists.rows import Row
from beel_mcp.lists.twins import with_twins

# The door of this room for rows: their schema comes with their reading.
__all__ = ["MAX_INLINE_ROWS", "CustomerRow", "checked_row", "concerns", "read_inline"]

MAX_INLINE_ROWS: Final = 500
_MAX_FAULTS: Final = 5


def read_inline(rows: Sequence[Any]) -> tuple[Row, ...]:
    """Read customers as they came in a call, numbered from 1 by position.

    Raises:
        CallerError: no rows, too many, a row that is no object, or an unknown field.

    """
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise CallerError("customers must be a list of objects, one for each customer.")
    if not rows:
        raise CallerError(
            "The list has no customers.",
            code="empty_list",
            remedy="Give at least one customer with its legal_name, nif and address.",
        )
    if len(rows) > MAX_INLINE_ROWS:
        raise CallerError(
            f"The list has {len(rows)} customers; at most {MAX_INLINE_ROWS} are taken at once.",
            code="too_many_rows",
            remedy=f"Give the first {MAX_INLINE_ROWS} now and the others in further lists.",
        )
    _refuse(rows)
    return with_twins([_inline_row(number, raw) for number, raw in enumerate(rows, 1)])


def _refuse(rows: Sequence[Any]) -> None:
    """Refuse the list if rows are no objects or name unknown fields; a few are named."""
    every = (fault for number, raw in enumerate(rows, 1) for fault in _faults(number, raw))
    faults = list(islice(every, _MAX_FAULTS + 1))
    if faults:
        more = f"; there are more than these {_MAX_FAULTS}" if len(faults) > _MAX_FAULTS else ""
        raise CallerError(
            f"The list was not read, because some rows cannot be{more}. No row was checked.",
            field_errors=faults[:_MAX_FAULTS],
            remedy=f"The fields of a customer are {', '.join(NAMES)}.",
        )


def _faults(number: int, raw: Any) -> Iterator[FieldError]:
    """Find what refuses the whole call: it shows that the list was not meant for us so."""
    row = f"row {number}"
    if not isinstance(raw, Mapping):
        yield FieldError(row, f"is {kind_of(raw)}, not an object with legal_name, nif, address, …")
        return
    for name, value in raw.items():
        if name not in NAMES:
            yield FieldError(row, unknown_field(str(name)))
        elif name in PARTS and isinstance(value, Mapping):
            strangers = (part for part in value if part not in PARTS[name])
            for part in strangers:
                yield FieldError(row, unknown_field(str(part), of=name))


def unknown_field(name: str, of: str = "") -> str:
    """Name an unknown field and the nearest right one, first among its neighbours."""
    asked = f"{of}.{name}" if of else name
    message = f"unknown field {quoted(asked, 60)}"
    # Cut before comparing: the time that takes grows with the square of the length.
    short = name[:60].casefold()
    if of and (near := difflib.get_close_matches(short, PARTS[of], n=1)):
        return f"{message}; did you mean {of}.{near[0]}?"
    if near := difflib.get_close_matches(short, NEAR, n=1, cutoff=0.7):
        return f"{message}; did you mean {NEAR[near[0]]}?"
    return f"{message}; {of} has {', '.join(PARTS[of])}" if of else message


def _inline_row(number: int, raw: Mapping[str, Any]) -> Row:
    flat: dict[str, Any] = {}
    problems = []
    for name, value in raw.items():
        if name not in PARTS:
            flat[name] = value
        elif is_absent(value):
            continue
        elif isinstance(value, Mapping):
            flat.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            message = f"Expected an object with {', '.join(PARTS[name])}."
            problems.append(Problem(name, message, kind_of(value), severity="error"))
    return _row(number, flat, problems)


def _row(number: int, flat: Mapping[str, Any], problems: Sequence[Problem]) -> Row:
    """Read each value by its field."""
    values: dict[str, Any] = {}
    errors = list(problems)
    for name, raw in flat.items():
        try:
            value = read_value(name, raw)
        except UnreadableError as unreadable:
            errors.append(Problem(name, unreadable.message, unreadable.value, severity="error"))
            continue
        if value is not None:
            outer, _, inner = name.rpartition(".")
            (values.setdefault(outer, {}) if outer else values)[inner] = value
    return checked_row(number, values, errors)


def checked_row(number: int, values: Mapping[str, Any], problems: Sequence[Problem]) -> Row:
    """Make a row of its values, and add the advice that the problems do not explain."""
    advice = advise(values)
    if not problems:
        return Row(number, values, advice)
    unread = [problem.field for problem in problems if problem.severity == "error"]
    kept = (
        problem for problem in advice if not any(concerns(problem.field, field) for field in unread)
    )
    return Row(number, values, (*problems, *kept))


def concerns(one: str, other: str) -> bool:
    """Whether two names are of the same field, or one is a part of the other."""
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")
