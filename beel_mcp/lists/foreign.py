"""Identifiers from abroad: what they seem to be, and what BeeL takes of them."""

from collections.abc import Mapping
from typing import Final

# Greece writes EL in its numbers and has the code GR.
_EUROPE: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
_IN_SPAIN: Final = ("PASSPORT", "NOT_REGISTERED")


def european(bare: str) -> str | None:
    """Say how BeeL takes a VAT number of another country of the union; None if it is none."""
    country = bare[:2]
    if country not in _EUROPE or not 8 <= len(bare) <= 14 or not bare[2:].isalnum():
        return None
    from stdnum.eu import vat  # noqa: PLC0415 - it loads a module for each country

    if not vat.is_valid(bare):
        return None
    code = "GR" if country == "EL" else country
    return f"alternative_id NIF_IVA {bare} ({code}), if the customer is from there"


def document_fault(document: Mapping[str, str]) -> str | None:
    """Say what BeeL would not take of an `alternative_id` that has its type and number."""
    kind, country = document.get("type"), document.get("country_code")
    if country == "ES" and kind not in _IN_SPAIN:
        return "Of Spain, alternative_id takes only PASSPORT or NOT_REGISTERED."
    if kind == "NOT_REGISTERED" and country not in (None, "ES"):
        return "NOT_REGISTERED is for country_code ES only."
    number = "".join(mark for mark in document.get("number", "").upper() if mark.isalnum())
    if kind == "NIF_IVA" and country in _EUROPE:
        mark = "EL" if country == "GR" else country
        whole = number if number.startswith(mark) else f"{mark}{number}"
        if not european(whole):
            return "The VAT number's check digits do not fit its country: one is mistyped."
    return None
