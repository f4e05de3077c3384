"""One raw value becomes text, a number or a list of addresses, or says why it cannot."""

import difflib
import math
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from beel_mcp.cleaning import clean, quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.checks.duplicates import with_twins
from beel_mcp.lists.checks.fields import Problem, advise
from beel_mcp.lists.model import NAMES, NEAR, PARTS, CustomerRow, Row

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


_EXACT_FLOAT: Final = 2**53
_LARGEST: Final = 10**40
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL: Final = re.compile(r"([+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?) ?%?")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")


class UnreadableError(Exception):
    """A value of a kind that its field cannot hold."""

    def __init__(self, message: str, value: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.value = value


def read_value(name: str, raw: Any) -> Any:
    """Read the value of a field, nested ones with a dot; nothing if it is absent or blank.

    Raises:
        UnreadableError: the value is of a kind that the field cannot hold.

    """
    reader = _READERS.get(name)
    if reader is None:
        return None if raw is None else _line(raw) or None
    value = None if is_absent(raw) else reader(raw)
    return None if value in ("", []) else value


def is_text(name: str) -> bool:
    """Whether a field holds one line of text, taken as it is once it is clean."""
    return name not in _READERS


def is_absent(raw: Any) -> bool:
    """Whether a value stands for nothing: null, or text without a character to see."""
    return raw is None or (isinstance(raw, str) and not clean(raw, sys.maxsize))


def kind_of(raw: Any) -> str:
    """Name the kind of a JSON value for a sentence, without showing it."""
    if isinstance(raw, bool):
        return "true or false"
    if raw is None:
        return "null"
    names = ((str, "text"), (Mapping, "an object"), (list | tuple, "a list"))
    return next((name for kind, name in names if isinstance(raw, kind)), "a number")


def change_between(raw: str, value: Any) -> str | None:
    """Say how text of a file differs from what was read from it; nothing if it does not."""
    read = "" if value is None else value
    if raw == read:
        return None
    blanks = " ".join(raw.split())
    if blanks == read:
        return "blanks removed"
    if unicodedata.normalize("NFC", blanks) == read:
        return "accents composed"
    return "invisible characters removed"


def _line(raw: Any) -> str:
    if isinstance(raw, str):
        return clean(raw, sys.maxsize)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _digits(raw)
    raise UnreadableError(f"Expected text, found {kind_of(raw)}.")


def _digits(number: float) -> str:
    """Write a number as people write it: `28001.0` is 28001, and nothing has an exponent."""
    if isinstance(number, int):
        if abs(number) < _LARGEST:
            return str(number)
    elif math.isfinite(number) and abs(number) < _EXACT_FLOAT:
        return f"{Decimal(repr(number + 0)).normalize():f}"  # "+ 0": there is no minus zero
    raise UnreadableError("This number is too long to be exact; send it as text.")


def _lines(raw: Any) -> str:
    """Read text that may have several lines."""
    if not isinstance(raw, str):
        return _line(raw)
    return "\n".join(clean(line, sys.maxsize) for line in _LINE_BREAK.split(raw)).strip()


def _days(raw: Any) -> int:
    text = _line(raw)
    if not _WHOLE.fullmatch(text):
        raise UnreadableError("Expected a whole number of days.", text)
    return int(text)


def _percentage(raw: Any) -> float:
    found = _DECIMAL.fullmatch(_line(raw))
    if not found:
        raise UnreadableError("Expected a percentage such as 5 or 7.5.", _line(raw))
    number = float(found[1].replace(",", "."))
    return int(number) if number.is_integer() else number


def _addresses(raw: Any) -> list[str]:
    if isinstance(raw, str):
        parts: list[Any] = re.split("[;,]", raw)
    elif isinstance(raw, list | tuple):
        parts = list(raw)
    else:
        raise UnreadableError(f"Expected a list of e-mail addresses, found {kind_of(raw)}.")
    return [address for part in parts if not is_absent(part) and (address := _line(part))]


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "notes": _lines,
    "billing_emails": _addresses,
    "preferred_payment_method.payment_term_days": _days,
    "general_discount": _percentage,
}
