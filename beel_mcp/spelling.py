"""Words as people write them, in the one spelling that BeeL takes.

Lists, filters, changes and drafts all read by this. Only what is certain is written anew; what
could be two things is left for a person, or refused with its readings.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import quoted, without_accents
from beel_mcp.countries import country_of
from beel_mcp.identity import bare_nif, is_nif
from beel_mcp.messages import Message, read_data

LEGAL_FORMS: Final = re.compile(
    r"\b(?:s\s?l\s?u?|s\s?a\s?u?|s\s?l\s?l|s\s?l\s?p|c\s?b|s\s?c\s?p?|s\s?coop|sociedad limitada"
    r"|sociedad anonima|unipersonal|societat limitada)\b"
)
# What programs write where they have no value. Next to nobody is called so, and asking is cheap.
NO_VALUES: Final = frozenset({"null", "Null", "NULL", "undefined", "None", "NaN", "nan"})
_SCIENTIFIC: Final = re.compile(r"([0-9])(?:[.,]([0-9]+))?E\+?([0-9]{1,2})", re.IGNORECASE)
_FLOAT: Final = re.compile(r"(\+?[0-9]{4,15})[.,]0{1,2}")
_DOTTED_PHONE: Final = re.compile(r"(?:\+[0-9]{1,3} |\+)?[0-9]{2,4}(?:\. ?[0-9]{2,4}){2,4}")
_SEPARATORS: Final = re.compile(r"[\s.\-]")
# What a spreadsheet has in front of text that it shall not calculate with; no 's-Hertogenbosch, no
# name in quotes of its own.
_GUARDED: Final = re.compile(r"'(?![stn][\s-])\s*[^\s'](?:.*[^'])?", re.DOTALL)
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_SHOWN: Final = 30
# Fifteen digits at most: as many as a JSON number gives back whatever reads it.
_DECIMAL: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
# 1.200 is a decimal to a machine and twelve hundred to a Spaniard; 1.25 and 0.120 are one thing.
_DOUBTFUL: Final = re.compile(r"-?[1-9]\d{0,2}\.\d{2}0", re.ASCII)
_MARKS_OF_MONEY: Final = re.compile(r"\s|€|%|EUR", re.IGNORECASE)
_SPANISH_NUMBER: Final = re.compile(
    r"-?\d{1,3}(?:\.\d{3})+(?:,\d{1,6})?|-?\d{1,9},\d{1,6}", re.ASCII
)
_ENGLISH_NUMBER: Final = re.compile(
    r"-?\d{1,3}(?:,\d{3})+(?:\.\d{1,6})?|-?\d{1,9}(?:\.\d{1,6})?", re.ASCII
)
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_SHORT_YEAR: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)


class Respelt(NamedTuple):
    """A value in BeeL's spelling, and what was done to it."""

    value: str
    change: Message


def respelt(field: str, text: str) -> Respelt | None:
    """Write a customer's field as BeeL takes it; None if there is nothing that is certain."""
    if text.startswith("'") and field != "notes" and _GUARDED.fullmatch(text):
        bare = text[1:].lstrip()
        return Respelt(spelt(field, bare), Message("change.guard"))
    return SPELLINGS[field](text) if field in SPELLINGS else None


def spelt(field: str, text: str) -> str:
    """Give the text of a customer's field in BeeL's spelling, or as it is."""
    changed = respelt(field, text)
    return changed.value if changed else text


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """Give what all spellings of a word share: small letters without accents, marks or blanks."""
    return " ".join(re.findall(r"[^\W_]+", without_accents(text)))


@lru_cache(maxsize=20_000)
def plain_name(name: str) -> str:
    """Fold a name and leave out its legal form, if anything is left."""
    plain = folded(name)
    return " ".join(LEGAL_FORMS.sub(" ", plain).split()) or plain


def read_day(text: Any) -> date:
    """Read a day: 2026-07-31, 31/07/2026 or 1/7/2026.

    Raises:
        ValueError: it is none, or could be two; the text says what was given and what is wanted.
    """
    given = text.strip() if isinstance(text, str) else str(text)
    if found := _YEAR_FIRST.fullmatch(given):
        parts = found[1], found[3], found[4]
    elif found := _DAY_FIRST.fullmatch(given):
        parts = found[4], found[3], found[1]
    else:
        raise ValueError(_no_day(given))
    with suppress(ValueError):
        return date(*map(int, parts))
    raise ValueError(_no_day(given))


def _no_day(given: str) -> str:
    if found := _SHORT_YEAR.fullmatch(given):
        readings = []
        for year, month, day in (found.group(3, 2, 1), found.groups()):
            with suppress(ValueError):
                readings.append(date(2000 + int(year), int(month), int(day)).isoformat())
        if readings:
            which = " or ".join(dict.fromkeys(readings))
            return f"is {quoted(given, _SHOWN)}, which could be {which}: ask the person"
    return f"is {quoted(given, _SHOWN)}, which is no day; write it as 2026-07-31 or 31/07/2026"


def read_decimal(value: Any) -> Decimal:
    """Read a decimal from text such as "1250.50", or from a whole number.

    Raises:
        ValueError: it is none, or could be two; the text says what to send.
    """
    if isinstance(value, Decimal):
        return value
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_whole else value.strip() if isinstance(value, str) else ""
    if _DECIMAL.fullmatch(text) and not _DOUBTFUL.fullmatch(text):
        return Decimal(text)
    raise ValueError(_no_decimal(value))


def _no_decimal(value: Any) -> str:
    if isinstance(value, float):
        return f'must be a decimal as text: "{value}"'
    if not isinstance(value, str):
        return 'must be a decimal as text, such as "1250.50"'
    given, readings = quoted(value, _SHOWN), " or ".join(_readings(value))
    if readings:
        return f"is {given}; send {readings}{', whichever is meant' * (' or ' in readings)}"
    return f'is {given}; it must be a decimal such as "1250.50"'


def _readings(text: str) -> list[str]:
    """Spell what a number in another writing may be: 1.200 is 1.2 here and 1200 in Spain."""
    bare = _MARKS_OF_MONEY.sub("", text)
    readings = []
    if _ENGLISH_NUMBER.fullmatch(bare):
        readings.append(bare.replace(",", ""))
    if _SPANISH_NUMBER.fullmatch(bare):
        readings.append(bare.replace(".", "").replace(",", "."))
    kept = [reading for reading in readings if _DECIMAL.fullmatch(reading)]
    spelled = [reading[:-1] if _DOUBTFUL.fullmatch(reading) else reading for reading in kept]
    return [f'"{reading}"' for reading in dict.fromkeys(spelled)]


def _made(before: str, after: str, change: Message) -> Respelt | None:
    return Respelt(after, change) if after != before else None


def _nif(text: str) -> Respelt | None:
    if is_nif(text) or not is_nif(bare := bare_nif(text)):
        return None
    return _made(text, bare, Message("change.nif"))


def _phone(text: str) -> Respelt | None:
    if text.isdigit():
        return None
    if found := _SCIENTIFIC.fullmatch(text):
        decimals, power = found[2] or "", int(found[3])
        # With fewer digits than the power says, some are lost for good.
        is_whole = len(decimals) == power >= 8
        return Respelt(found[1] + decimals, Message("change.scientific")) if is_whole else None
    if _DOTTED_PHONE.fullmatch(text) and 9 <= sum(map(str.isdigit, text)) <= 15:
        return Respelt(" ".join(re.split(r"\. ?", text)), Message("change.phone"))
    return _digits(text)


def _digits(text: str) -> Respelt | None:
    found = None if text.isdigit() else _FLOAT.fullmatch(text)
    return Respelt(found[1], Message("change.decimals")) if found else None


def _iban(text: str) -> Respelt | None:
    bare = _SEPARATORS.sub("", text).upper().removeprefix("IBAN").removeprefix(":")
    return _made(text, bare, Message("change.iban")) if _IBAN.fullmatch(bare) else None


def _website(text: str) -> Respelt | None:
    if "://" in text or "." not in text.strip(".") or " " in text or "@" in text:
        return None
    return Respelt(f"https://{text}", Message("change.https"))


def _method(text: str) -> Respelt | None:
    method = _meanings("payment_method").get(folded(text), text)
    return _made(text, method, Message("change.payment_method"))


def _id_type(text: str) -> Respelt | None:
    kind = _meanings("document_type").get(folded(text), text)
    return _made(text, kind, Message("change.document_type"))


def _country(text: str) -> Respelt | None:
    code = country_of(text)
    if code is None or code == text.upper():
        return _capitals(text) if len(text) < 4 else None  # a name that is not known stays one
    return Respelt(code, Message("change.country_code"))


def _capitals(text: str) -> Respelt | None:
    return _made(text, text.upper(), Message("change.capitals"))


def _swift(text: str) -> Respelt | None:
    return _made(text, _SEPARATORS.sub("", text).upper() or text, Message("change.capitals"))


@cache
def _meanings(table: str) -> dict[str, str]:
    words = read_data("cell_words")[table]
    return {folded(word): name for name, every in words.items() for word in (name, *every)}


SPELLINGS: Final[Mapping[str, Callable[[str], Respelt | None]]] = {
    "nif": _nif,
    "phone": _phone,
    "address.postal_code": _digits,
    "address.number": _digits,
    "address.country_code": _country,
    "alternative_id.country_code": _country,
    "alternative_id.type": _id_type,
    "preferred_payment_method.iban": _iban,
    "preferred_payment_method.swift": _swift,
    "preferred_payment_method.method": _method,
    "website": _website,
}
