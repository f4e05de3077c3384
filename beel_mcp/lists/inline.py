"""Customers as they come in a call: each raw value is read by its field, or says why it cannot."""

import math
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from beel_mcp.cleaning import clean, mask_iban
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.checks.duplicates import with_duplicates
from beel_mcp.lists.checks.fields import advise
from beel_mcp.lists.checks.identifiers import is_abroad, respelt_document, spelled_document
from beel_mcp.lists.checks.places import is_whole, mended
from beel_mcp.lists.headers import unknown_part
from beel_mcp.lists.model import FIELDS, NAMES, PARTS, Problem, Row, ValueChange, set_value
from beel_mcp.messages import Message
from beel_mcp.spelling import NO_VALUES, respelt, spelt

MAX_INLINE_ROWS: Final = 500
MAX_FAULTS: Final = 5
_EXACT_FLOAT: Final = 2**53
_LARGEST: Final = 10**40
_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,9})(?: ?(?:d[ií]as|d\.?|days))?", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"([+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?) ?%?")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_NOT_A_GROUP: Final[Mapping[str, Message]] = {
    "alternative_id": Message("value.not_alternative_id"),
    "address": Message("value.not_address"),
    "preferred_payment_method": Message("value.not_payment_method"),
}


class UnreadableError(Exception):
    """A value of a kind that its field cannot hold."""

    def __init__(self, message: Message, value: str | None = None) -> None:
        super().__init__(message.code)
        self.message = message
        self.value = value

    def as_problem(self, field: str) -> Problem:
        return Problem(field, self.message, self.value, severity="error")


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
    _refuse_strange(rows)
    return with_duplicates([_inline_row(number, raw) for number, raw in enumerate(rows, 1)])


def changed_values(rows: Sequence[Mapping[str, Any]]) -> tuple[ValueChange, ...]:
    """Tell which values of the customers of a call `read_inline` wrote anew or filled in."""
    changes = []
    for number, raw in enumerate(rows, 1):
        for field, value in _texts(raw):
            if changed := respelt(field, text := _line(value)):
                shown = (shown_value(field, text), shown_value(field, changed.value))
                changes.append(ValueChange(number, field, changed.change, *shown))
        changes += _respelt_document(number, raw)
        changes += _fill_in(number, *_read_values(raw))
    return tuple(changes)


def _respelt_document(number: int, raw: Mapping[str, Any]) -> Iterator[ValueChange]:
    name = "alternative_id."
    given = {
        field.removeprefix(name): spelt(field, _line(value))
        for field, value in _texts(raw)
        if field.startswith(name)
    }
    for part, text, change in respelt_document(given):
        yield ValueChange(number, name + part, change, given.get(part), text)


def _texts(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in raw.items():
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        yield from (
            (f"{name}.{part}" if part else name, inner)
            for part, inner in parts
            if isinstance(inner, str)
        )


def shown_value(field: str, value: Any) -> str | None:
    """Give a value as it may be shown: no account number stands in an answer."""
    if value is None:
        return None
    return mask_iban(str(value)) if field.endswith("iban") else str(value)


def _refuse_strange(rows: Sequence[Any]) -> None:
    """Refuse the list if rows are no objects or name unknown fields; a few are named."""
    every = (fault for number, raw in enumerate(rows, 1) for fault in _faults(number, raw))
    faults = list(islice(every, MAX_FAULTS + 1))
    if faults:
        more = f"; there are more than these {MAX_FAULTS}" if len(faults) > MAX_FAULTS else ""
        raise CallerError(
            f"The list was not read, because some rows cannot be{more}. No row was checked.",
            field_errors=faults[:MAX_FAULTS],
            remedy=f"The fields of a customer are {', '.join(NAMES)}.",
        )


def _faults(number: int, raw: Any) -> Iterator[FieldError]:
    """Find what refuses the whole call: it shows that the list was not meant for us so."""
    row = f"row {number}"
    if not isinstance(raw, Mapping):
        kind = kind_of(raw).text()
        yield FieldError(row, f"is {kind}, not an object with legal_name, nif, address, …")
        return
    for name, value in raw.items():
        if name not in NAMES and name not in FIELDS:
            yield FieldError(row, unknown_part(str(name)))
        elif name in PARTS and isinstance(value, Mapping):
            for part in value:
                if part not in PARTS[name]:
                    yield FieldError(row, unknown_part(str(part), name))


def _inline_row(number: int, raw: Mapping[str, Any]) -> Row:
    values, problems = _read_values(raw)
    _fill_in(number, values, problems)
    return checked_row(number, values, problems)


def _fill_in(
    number: int, values: Mapping[str, Any], problems: Sequence[Problem]
) -> Sequence[ValueChange]:
    """Put into an address what follows from its other parts with certainty, and tell it."""
    address: dict[str, Any] = values.get("address") or {}
    is_read = not any(concerns(problem.field, "address") for problem in problems)
    if not (address and is_read) or is_abroad(values) or is_whole(address):
        return ()
    changes = []
    for change, parts in mended(address):
        for part, text in parts.items():
            if (before := address.get(part)) != text:
                changes.append(ValueChange(number, f"address.{part}", change, before, text))
        address |= parts
    return changes


def _read_values(raw: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Problem]]:
    values: dict[str, Any] = {}
    no_groups: list[Problem] = []
    unread: list[Problem] = []
    for name, value in raw.items():
        if name not in PARTS:
            unread += read_into(values, name, value)
        elif isinstance(value, Mapping):
            for part, inner in value.items():
                unread += read_into(values, f"{name}.{part}", inner)
        elif not is_absent(value):
            shown = kind_of(value).text()
            no_groups.append(Problem(name, _NOT_A_GROUP[name], shown, severity="error"))
    return values, [*no_groups, *unread]


def read_into(values: dict[str, Any], field: str, raw: Any) -> Iterable[Problem]:
    """Set a field to what is read from a raw value, or give the problem if it cannot be read."""
    try:
        set_value(values, field, read_value(field, raw))
    except UnreadableError as unreadable:
        return (unreadable.as_problem(field),)
    return ()


def checked_row(number: int, values: Mapping[str, Any], problems: Sequence[Problem]) -> Row:
    """Make a row of its values, and add the advice that the problems do not explain.

    A document is written as BeeL takes it, which takes all its parts to see.
    """
    if other := values.get("alternative_id"):
        values = {**values, "alternative_id": spelled_document(other)}
    advice = advise(values)
    if not problems:
        return Row(number, values, advice)
    unread = [problem.field for problem in problems if problem.severity == "error"]
    kept = (
        problem for problem in advice if not any(concerns(problem.field, field) for field in unread)
    )
    return Row(number, values, (*problems, *kept))


def concerns(field: str, other: str) -> bool:
    """Whether two names are of the same field, or one is a part of the other."""
    return field == other or field.startswith(other + ".") or other.startswith(field + ".")


def read_value(name: str, raw: Any) -> Any:
    """Read the value of a field in BeeL's spelling; nothing if it is absent or blank.

    Raises:
        UnreadableError: the value is of a kind that the field cannot hold.
    """
    value = read_plain(name, raw)
    if not isinstance(value, str):
        return value
    if value in NO_VALUES:
        raise UnreadableError(Message("value.no_value"), value)
    return spelt(name, value)


def read_plain(name: str, raw: Any) -> Any:
    """Read the value of a field, nested ones with a dot, as it was written.

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


def kind_of(raw: Any) -> Message:
    """Name the kind of a JSON value for a sentence, without showing it."""
    if isinstance(raw, bool):
        return Message("kind.boolean")
    if raw is None:
        return Message("kind.null")
    if isinstance(raw, str):
        return Message("kind.text")
    if isinstance(raw, Mapping):
        return Message("kind.object")
    return Message("kind.list") if isinstance(raw, list | tuple) else Message("kind.number")


def change_between(raw: str, read: str) -> Message:
    """Say how text of a file differs from what was read from it."""
    blanks = " ".join(raw.split())
    if blanks == read:
        return Message("change.blanks")
    if unicodedata.normalize("NFC", blanks) == read:
        return Message("change.accents")
    return Message("change.invisible")


def _line(raw: Any) -> str:
    if isinstance(raw, str):
        return clean(raw, sys.maxsize)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _digits(raw)
    raise UnreadableError(Message("value.not_text", found=kind_of(raw)))


def _digits(number: float) -> str:
    """Write a number as people write it: `28001.0` is 28001, and nothing has an exponent."""
    if isinstance(number, int):
        if abs(number) < _LARGEST:
            return str(number)
    elif math.isfinite(number) and abs(number) < _EXACT_FLOAT:
        return f"{Decimal(repr(number + 0)).normalize():f}"  # "+ 0": there is no minus zero
    raise UnreadableError(Message("value.inexact"))


def _lines(raw: Any) -> str:
    if not isinstance(raw, str):
        return _line(raw)
    return "\n".join(clean(line, sys.maxsize) for line in _LINE_BREAK.split(raw)).strip()


def _days(raw: Any) -> int:
    if not (found := _WHOLE.fullmatch(_line(raw))):
        raise UnreadableError(Message("value.not_days"), _line(raw))
    return int(found[1])


def _percentage(raw: Any) -> float:
    found = _DECIMAL.fullmatch(_line(raw))
    if not found:
        raise UnreadableError(Message("value.not_percentage"), _line(raw))
    number = float(found[1].replace(",", "."))
    return int(number) if number.is_integer() else number


def _addresses(raw: Any) -> list[str]:
    parts = re.split("[;,]", raw) if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple):
        raise UnreadableError(Message("value.not_addresses", found=kind_of(raw)))
    return [address for part in parts if not is_absent(part) and (address := _line(part))]


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "notes": _lines,
    "billing_emails": _addresses,
    "preferred_payment_method.payment_term_days": _days,
    "general_discount": _percentage,
}
