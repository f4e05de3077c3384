"""The canonical customer: its fields, and how an inline list or a file becomes rows of them."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import clean, quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.checks import Problem, advise
from beel_mcp.lists.fields import COLUMNS, HEADERS, NAMES, NEAR, PARTS, CustomerRow
from beel_mcp.lists.reading import UnreadableError, change_between, is_absent, kind_of, read_value
from beel_mcp.lists.rows import Row, ValueChange
from beel_mcp.lists.tables import Table

# The door of this room for rows: their schema comes with their reading.
__all__ = ["MAX_INLINE_ROWS", "CustomerRow", "ReadRows", "read_csv_rows", "read_inline"]

MAX_INLINE_ROWS: Final = 500
_MAX_FAULTS: Final = 5
_TEMPLATE: Final = tuple(HEADERS)[:9]
_HEADERS: Final = {**{column: column for column in COLUMNS}, **HEADERS}


class ReadRows(NamedTuple):
    """What a file gave: its rows, and how its columns and values were taken."""

    rows: tuple[Row, ...]
    columns_used: tuple[str, ...]
    columns_ignored: tuple[str, ...]
    values_changed: tuple[ValueChange, ...]


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
    return tuple(_inline_row(number, raw) for number, raw in enumerate(rows, 1))


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


def read_csv_rows(table: Table) -> ReadRows:
    """Read a file with the headers of BeeL's template, or a saved one's, in any order and case.

    Raises:
        CallerError: the name's column is missing, or two columns fill the same field.

    """
    used = _columns(table)
    rows: list[Row] = []
    changes: list[ValueChange] = []
    for table_row in table.rows:
        raw = {name: table_row.cells[place] for place, name in used.items()}
        problems = []
        if len(table_row.cells) > len(table.headers):
            message = "More cells than headers: put a value that holds the separator in quotes."
            surplus = table_row.cells[len(table.headers)]
            problems.append(Problem("row", message, surplus, severity="error"))
        rows.append(_row(table_row.number, raw, problems))
        changes += _changes(table_row.number, raw)
    return ReadRows(
        tuple(rows),
        tuple(clean(table.headers[place], 60) for place in used),
        tuple(
            clean(header, 60) or f"column {place + 1} (no header)"
            for place, header in enumerate(table.headers)
            if place not in used
        ),
        tuple(changes),
    )


def _columns(table: Table) -> dict[int, str]:
    """Find which column fills which field."""
    headers = [clean(header, 60) for header in table.headers]
    names = [_HEADERS.get(header.casefold()) for header in headers]
    used = {place: name for place, name in enumerate(names) if name}
    if "legal_name" not in names:
        found = ", ".join(quoted(header, 40) for header in headers[:10])
        raise CallerError(
            f"The file has no column nombre_fiscal (or legal_name) in its first row: {found}.",
            code="file_no_header",
            remedy="Separate columns by ; or , and name them as BeeL's template does: "
            f"{', '.join(_TEMPLATE)}. Or give the customers inline.",
        )
    twice = [name for name, count in Counter(used.values()).items() if count > 1]
    if twice:
        columns = [headers[place] for place, name in used.items() if name == twice[0]]
        raise CallerError(
            f"Two columns of the file fill {twice[0]}: {' and '.join(columns[:2])}.",
            code="file_header_repeated",
            remedy="Rename or remove one of them.",
        )
    return used


def _faults(number: int, raw: Any) -> Iterator[FieldError]:
    """Find what refuses the whole call: it shows that the list was not meant for us so."""
    row = f"row {number}"
    if not isinstance(raw, Mapping):
        yield FieldError(row, f"is {kind_of(raw)}, not an object with legal_name, nif, address, …")
        return
    for name, value in raw.items():
        if name not in NAMES:
            yield FieldError(row, _unknown(str(name)))
        elif name in PARTS and isinstance(value, Mapping):
            strangers = (part for part in value if part not in PARTS[name])
            for part in strangers:
                yield FieldError(row, _unknown(str(part), of=name))


def _unknown(name: str, of: str = "") -> str:
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
    """Read each value by its field, and add the advice that the errors do not explain."""
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
    unread = [error.field for error in errors]
    advice = [
        problem
        for problem in advise(values)
        if not any(_related(problem.field, field) for field in unread)
    ]
    return Row(number, values, (*errors, *advice))


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")


def _changes(number: int, raw: Mapping[str, str]) -> Iterator[ValueChange]:
    for name, text in raw.items():
        if change := change_between(text, read_value(name, text)):
            yield ValueChange(number, name, change)
