"""One cell becomes a value: what a spreadsheet did to it is undone where that is certain."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple

from beel_mcp.identity import bare_nif
from beel_mcp.lists.checks.fields import is_nif
from beel_mcp.lists.files.sheet import ERROR_CELL, Cell
from beel_mcp.lists.inline import UnreadableError
from beel_mcp.messages import Message, read_data

_SCIENTIFIC: Final = re.compile(r"([0-9])(?:[.,]([0-9]+))?E\+?([0-9]{1,2})", re.IGNORECASE)
_FLOAT: Final = re.compile(r"(\+?[0-9]{4,15})[.,]0{1,2}")
_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
_SHEET_ERROR: Final = re.compile(
    r"#(?:N/?[AD]|REF|VALUE|VALOR|DIV/0|NAME|NOMBRE|NUM|¡\w+|¿\w+)[!?/]?.*"
)
_SEPARATORS: Final = re.compile(r"[\s.\-]")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


class Repair(NamedTuple):
    """A value as it is taken, and what was done to it."""

    value: str
    change: Message


def raw_of(cell: Cell) -> str | int | float:
    """Take a cell as text or number.

    Raises:
        UnreadableError: it holds what no field of a customer can be.
    """
    if isinstance(cell, str):
        if cell.startswith("#") and _SHEET_ERROR.fullmatch(cell):
            raise UnreadableError(ERROR_CELL, cell)
        return cell
    if isinstance(cell, bool):
        raise UnreadableError(Message("value.not_text", found=Message("kind.boolean")))
    if isinstance(cell, datetime | date | time | timedelta):
        shown = cell.isoformat() if isinstance(cell, date | time) else str(cell)
        raise UnreadableError(Message("sheet.date"), shown)
    return cell


def repaired(field: str, text: str) -> Repair | None:
    """Undo what was done to a field's text; None if there is nothing that is certain."""
    if text.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(text)):
        inner = repaired(field, formula[1])
        return inner or Repair(formula[1], Message("change.formula"))
    return REPAIRS[field](text) if field in REPAIRS else None


def _repair(before: str, after: str, change: Message) -> Repair | None:
    return Repair(after, change) if after != before else None


def _nif(text: str) -> Repair | None:
    if is_nif(text) or not is_nif(bare := bare_nif(text)):
        return None
    return _repair(text, bare, Message("change.nif"))


def _phone(text: str) -> Repair | None:
    if text.isdigit() or not (found := _SCIENTIFIC.fullmatch(text)):
        return _digits(text)
    decimals, power = found[2] or "", int(found[3])
    # With fewer digits than the power says, some are lost for good.
    is_whole = len(decimals) == power >= 8
    return Repair(found[1] + decimals, Message("change.scientific")) if is_whole else None


def _digits(text: str) -> Repair | None:
    found = None if text.isdigit() else _FLOAT.fullmatch(text)
    return Repair(found[1], Message("change.decimals")) if found else None


def _iban(text: str) -> Repair | None:
    bare = _SEPARATORS.sub("", text).upper().removeprefix("IBAN")
    return _repair(text, bare, Message("change.iban")) if _IBAN.fullmatch(bare) else None


def _website(text: str) -> Repair | None:
    if "://" in text or "." not in text or " " in text or "@" in text:
        return None
    return Repair(f"https://{text}", Message("change.https"))


def _method(text: str) -> Repair | None:
    method = _meanings("payment_method").get(text.casefold(), text)
    return _repair(text, method, Message("change.payment_method"))


def _id_type(text: str) -> Repair | None:
    kind = _meanings("document_type").get(text.casefold(), text)
    return _repair(text, kind, Message("change.document_type"))


def _capitals(text: str) -> Repair | None:
    return _repair(text, text.upper(), Message("change.capitals"))


@cache
def _meanings(table: str) -> dict[str, str]:
    words = read_data("cell_words")[table]
    return {word: name for name, synonyms in words.items() for word in synonyms}


REPAIRS: Final[Mapping[str, Callable[[str], Repair | None]]] = {
    "nif": _nif,
    "phone": _phone,
    "address.postal_code": _digits,
    "address.number": _digits,
    "address.country_code": _capitals,
    "alternative_id.country_code": _capitals,
    "alternative_id.type": _id_type,
    "preferred_payment_method.iban": _iban,
    "preferred_payment_method.swift": _capitals,
    "preferred_payment_method.method": _method,
    "website": _website,
}
