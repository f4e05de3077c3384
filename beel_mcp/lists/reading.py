"""One raw value becomes text, a number or a list of addresses, or says why it cannot."""

import math
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from beel_mcp.cleaning import clean

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
