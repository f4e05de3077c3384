"""Who may be a customer: tax identifiers, the census, and the identifiers of foreigners.

The census of the sandbox knows every NIF with a right control character, except those whose
three characters before the last are `000`: `12345000A` and `B12340006` have a right control
character and are not in the census. Anything else can be tried with a made-up NIF.
"""

import re
from typing import Any

from stdnum.es import dni, nie
from stdnum.es import nif as spanish_nif
from stdnum.eu import vat
from stdnum.exceptions import InvalidChecksum, ValidationError

from .options import Generation, SandboxOptions
from .responses import Problem, shown

LOOSE_NIF = re.compile(r"[A-Z0-9]{9}", re.ASCII)
STRICT_NIF = re.compile(r"\d{8}[A-Z]|[ABCDEFGHJKLMNPQRSUVW]\d{7}[A-Z0-9]|[XYZ]\d{7}[A-Z]", re.ASCII)
COMPANY_LETTERS = frozenset("ABCDEFGHJNPQRSUVW")  # a legal person's NIF begins with one
# Northern Ireland is no member state, nor is Spain another one.
VAT_COUNTRIES = {state.upper() for state in vat.MEMBER_STATES} - {"ES", "XI"}
MESSAGES = {
    "ALTERNATIVE_ID_INVALID": "The number is blank",
    "ALTERNATIVE_ID_COUNTRY_REQUIRED": "This type needs its country",
    "ALTERNATIVE_ID_SPAIN_INVALID_TYPE": "For Spain only PASSPORT and NOT_REGISTERED are possible",
    "ALTERNATIVE_ID_REQUIRES_SPAIN": "NOT_REGISTERED is for Spain only",
    "RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE": "NOT_REGISTERED needs a DNI or an NIE",
    "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY": "NIF_IVA is for another member state of the union",
    "ALTERNATIVE_ID_VAT_INVALID_FORMAT": "Not the VAT number of that country, prefix included",
}
OUTSIDE_CENSUS = "000"
VAT_NUMBERS = ("NIF_IVA", "02")
PASSPORTS = ("PASSPORT", "03")
NOT_REGISTERED = ("NOT_REGISTERED", "07")


def fits_nif(nif: str, generation: Generation) -> bool:
    """Tell whether a text has the shape of a NIF; the seed pages asked for less."""
    pattern = LOOSE_NIF if generation == "legacy" else STRICT_NIF
    return pattern.fullmatch(nif) is not None


def is_in_census(nif: str) -> bool:
    """Ask the make-believe census."""
    return nif[-4:-1] != OUTSIDE_CENSUS


def check_identifier(record: dict[str, Any], generation: Generation) -> list[Problem]:
    """Look at the shape of a customer's identifiers: one of the two, and well formed."""
    nif, other = record.get("nif"), record.get("alternative_id")
    if nif is not None and other is not None:
        message = "Give either nif or alternative_id, not both"
        return [Problem("alternative_id", shown(other), message)]
    if nif is not None:
        if fits_nif(nif, generation):
            return []
        message = "Not the shape of a DNI, NIE or CIF"
        return [Problem("nif", shown(nif), message, "NIF_INVALID_FORMAT")]
    if other is not None:
        return _check_alternative(other, generation)
    message = "A customer needs a nif or an alternative_id"
    return [Problem("nif", "", message, "CUSTOMER_IDENTIFIER_REQUIRED")]


def check_nif(nif: str | None, options: SandboxOptions, taken: str) -> list[Problem]:
    """Look at the control character, at who has the NIF, and at the census, in this order.

    `taken` says who has it already, if anybody. When the census is down, nobody passes.
    """
    if nif is None:
        return []
    is_legacy = options.generation == "legacy"
    if not spanish_nif.is_valid(nif):
        code = "NIF_INVALID" if is_legacy else "NIF_INVALID_CONTROL_DIGIT"
        return [Problem("nif", nif, "The control character is wrong", code)]
    if taken and options.nif_unique:
        return [Problem("nif", nif, taken, "CLIENT_DUPLICATE")]
    if options.census_down:
        return [Problem("nif", nif, "The census could not be asked", "EXTERNAL_SERVICE_ERROR")]
    if not is_in_census(nif):
        code = "NIF_INVALID" if is_legacy else "NIF_NOT_IN_CENSUS"
        return [Problem("nif", nif, "The NIF is not in the census", code)]
    return []


def in_capitals(other: dict[str, Any]) -> dict[str, Any]:
    """Write a VAT number as it is stored today."""
    is_vat = other["type"] in VAT_NUMBERS
    return {**other, "number": other["number"].upper()} if is_vat else other


def _check_alternative(other: dict[str, Any], generation: Generation) -> list[Problem]:
    rule = _first_rule if generation == "legacy" else _broken_rule
    if (broken := rule(other)) is None:
        return []
    code, message = broken
    field = "alternative_id"
    if code == "ALTERNATIVE_ID_COUNTRY_REQUIRED":
        field += ".country_code"
    return [Problem(field, shown(other), message, code)]


def _first_rule(other: dict[str, Any]) -> tuple[str, str] | None:
    """Look at an identifier as the first pages do: one code for all that is wrong."""
    kind, country = other["type"], other.get("country_code")
    code = "ALTERNATIVE_ID_INVALID"
    if country == "ES" and kind not in (*PASSPORTS, *NOT_REGISTERED):
        return code, "For Spain only PASSPORT and NOT_REGISTERED are possible"
    if country != "ES" and kind in NOT_REGISTERED:
        return code, "NOT_REGISTERED is for Spain only"
    return None


def _broken_rule(other: dict[str, Any]) -> tuple[str, str] | None:
    """Name the first rule of today that an identifier breaks, and say it."""
    kind, number, country = other["type"], other["number"].upper(), other.get("country_code")
    is_vat, is_unregistered = kind in VAT_NUMBERS, kind in NOT_REGISTERED
    needs_country = not is_unregistered and kind not in PASSPORTS
    rules = {
        "ALTERNATIVE_ID_INVALID": not number.strip(),
        "ALTERNATIVE_ID_COUNTRY_REQUIRED": needs_country and not country,
        "ALTERNATIVE_ID_SPAIN_INVALID_TYPE": needs_country and country == "ES",
        "ALTERNATIVE_ID_REQUIRES_SPAIN": is_unregistered and country not in (None, "ES"),
        "RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE": is_unregistered and not _is_person(number),
        "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY": is_vat and country not in VAT_COUNTRIES,
        "ALTERNATIVE_ID_VAT_INVALID_FORMAT": is_vat and not _is_vat_number(number, country),
    }
    broken = next((code for code, is_broken in rules.items() if is_broken), None)
    return (broken, MESSAGES[broken]) if broken else None


def _is_person(number: str) -> bool:
    is_valid = dni.is_valid(number) or nie.is_valid(number)
    return STRICT_NIF.fullmatch(number) is not None and bool(is_valid)


def _is_vat_number(number: str, country: str | None) -> bool:
    """Look at prefix, length and characters; the check digits are the business of the country."""
    if not (number.startswith("EL" if country == "GR" else str(country)) and number.isalnum()):
        return False
    try:
        return bool(vat.validate(number) == number)
    except InvalidChecksum:
        return bool(vat.compact(number) == number)
    except ValidationError:
        return False
