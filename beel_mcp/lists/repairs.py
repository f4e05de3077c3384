"""What spreadsheets and other programs do to a value, undone where that is certain, and told."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from beel_mcp.identity import bare_nif
from beel_mcp.lists.checks import is_nif
from beel_mcp.lists.grid import ERROR_CELL, Cell
from beel_mcp.lists.reading import UnreadableError


class Repair(NamedTuple):
    """A value as it is taken, and what was done to it."""

    value: str
    change: str


_SCIENTIFIC: Final = re.compile(r"([0-9])(?:[.,]([0-9]+))?E\+?([0-9]{1,2})", re.IGNORECASE)
_FLOAT: Final = re.compile(r"(\+?[0-9]{4,15})[.,]0{1,2}")
_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
_SHEET_ERROR: Final = re.compile(
    r"#(?:N/?[AD]|REF|VALUE|VALOR|DIV/0|NAME|NOMBRE|NUM|¡\w+|¿\w+)[!?/]?.*"
)
_SEPARATORS: Final = re.compile(r"[\s.\-]")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "BANK_TRANSFER": ("transferencia", "transferencia bancaria", "transfer", "transferència"),
    "DIRECT_DEBIT": (
        *("domiciliacion", "domiciliación", "domiciliación bancaria", "domiciliacion bancaria"),
        *("recibo domiciliado", "recibo", "giro", "giro bancario", "adeudo", "rebut"),
    ),
    "CASH": ("contado", "efectivo", "al contado", "metálico", "cash", "efectiu", "comptat"),
    "CARD": ("tarjeta", "tarjeta de crédito", "tarjeta de credito", "card", "targeta"),
    "CHECK": ("cheque", "talón", "talon", "check", "xec", "taló"),
    "BIZUM": ("bizum",),
    "NONE": ("ninguna", "ninguno", "sin forma de pago", "none"),
}
_METHOD_OF: Final = {word: method for method, words in _METHODS.items() for word in words}
# The codes of the tax agency, which Contaplus and others write.
_ID_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("02", "2", "nif-iva", "nif iva", "nif/iva", "vat"), "NIF_IVA"),
    **dict.fromkeys(("03", "3", "pasaporte", "passport", "passaport"), "PASSPORT"),
    **dict.fromkeys(("04", "4", "documento oficial", "id del país"), "COUNTRY_ID"),
    **dict.fromkeys(("05", "5", "certificado de residencia"), "RESIDENCE_CERTIFICATE"),
    **dict.fromkeys(("06", "6", "otro", "otro documento"), "OTHER_DOCUMENT"),
    **dict.fromkeys(("07", "7", "no censado"), "NOT_REGISTERED"),
}


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
        raise UnreadableError("Expected text, found true or false.")
    if isinstance(cell, datetime | date | time | timedelta):
        shown = cell.isoformat() if isinstance(cell, date | time) else str(cell)
        raise UnreadableError(
            "A spreadsheet made a date or time of this: type it again as text.", shown
        )
    return cell


def repaired(field: str, text: str) -> Repair | None:
    """Undo what was done to a field's text; None if there is nothing that is certain."""
    if text.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(text)):
        inner = repaired(field, formula[1])
        return inner or Repair(formula[1], "formula of a text replaced by the text")
    repair = REPAIRS.get(field)
    return repair(text) if repair else None


def _nif(text: str) -> Repair | None:
    if is_nif(text):
        return None
    bare = bare_nif(text)
    if bare == text or not is_nif(bare):
        return None
    return Repair(bare, "NIF written without blanks, dots, dashes or ES, in capitals")


def _phone(text: str) -> Repair | None:
    if text.isdigit():
        return None
    if found := _SCIENTIFIC.fullmatch(text):
        decimals, power = found[2] or "", int(found[3])
        # With fewer digits than the power says, some are lost for good.
        if len(decimals) == power >= 8:
            return Repair(found[1] + decimals, "scientific notation written as digits")
        return None
    if found := _FLOAT.fullmatch(text):
        return Repair(found[1], "decimals of a number removed")
    return None


def _digits(text: str) -> Repair | None:
    found = None if text.isdigit() else _FLOAT.fullmatch(text)
    return Repair(found[1], "decimals of a number removed") if found else None


def _iban(text: str) -> Repair | None:
    bare = _SEPARATORS.sub("", text).upper().removeprefix("IBAN")
    if bare == text or not _IBAN.fullmatch(bare):
        return None
    return Repair(bare, "IBAN written without blanks or dashes, in capitals")


def _website(text: str) -> Repair | None:
    if "://" in text or "." not in text or " " in text or "@" in text:
        return None
    return Repair(f"https://{text}", "https:// put in front")


def _method(text: str) -> Repair | None:
    method = _METHOD_OF.get(text.casefold())
    if method in (None, text):
        return None
    return Repair(str(method), "payment method by its name in BeeL")


def _id_type(text: str) -> Repair | None:
    kind = _ID_TYPES.get(text.casefold())
    if kind in (None, text):
        return None
    return Repair(str(kind), "kind of document by its name in BeeL")


def _capitals(text: str) -> Repair | None:
    return Repair(text.upper(), "written in capitals") if text != text.upper() else None


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
