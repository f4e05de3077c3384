"""Who may be a customer: tax identifiers, the census, and the identifiers of foreigners.

The census of the sandbox knows every NIF with a right control character, except those whose
three characters before the last are `000`: `12345000A` and `B12340006` have a right control
character and are not in the census. Anything else can be tried with a made-up NIF.
"""

import re
from typing import Any

from stdnum.es import nif as spanish_nif

from .options import Generation
from .responses import Problem, shown

LOOSE_NIF = re.compile(r"[A-Z0-9]{9}", re.ASCII)
STRICT_NIF = re.compile(r"\d{8}[A-Z]|[ABCDEFGHJKLMNPQRSUVW]\d{7}[A-Z0-9]|[XYZ]\d{7}[A-Z]", re.ASCII)
COMPANY_LETTERS = frozenset("ABCDEFGHJNPQRSUVW")
OUTSIDE_CENSUS = "000"
PASSPORTS = ("PASSPORT", "03")
NOT_REGISTERED = ("NOT_REGISTERED", "07")


def fits_nif(nif: str, generation: Generation) -> bool:
    """Tell whether a text has the shape of a NIF; the seed pages asked for less."""
    pattern = LOOSE_NIF if generation == "legacy" else STRICT_NIF
    return pattern.fullmatch(nif) is not None


def has_right_control(nif: str) -> bool:
    """Tell whether the control character of a DNI, NIE or CIF is the right one."""
    return bool(spanish_nif.is_valid(nif))


def is_in_census(nif: str) -> bool:
    """Ask the make-believe census."""
    return nif[-4:-1] != OUTSIDE_CENSUS


def is_company_nif(nif: str) -> bool:
    """Tell a legal person's NIF from an individual's."""
    return nif[0] in COMPANY_LETTERS


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
        return _check_alternative(other)
    message = "A customer needs a nif or an alternative_id"
    return [Problem("nif", "", message, "CUSTOMER_IDENTIFIER_REQUIRED")]


def check_control(nif: str | None) -> list[Problem]:
    """Look at the control character."""
    if nif is None or has_right_control(nif):
        return []
    return [Problem("nif", nif, "The control character is wrong", "NIF_INVALID")]


def check_census(nif: str | None, *, down: bool) -> list[Problem]:
    """Look the NIF up in the census; when it is down, nobody passes."""
    if nif is None:
        return []
    if down:
        message = "The census could not be asked"
        return [Problem("nif", nif, message, "EXTERNAL_SERVICE_ERROR")]
    if is_in_census(nif):
        return []
    return [Problem("nif", nif, "The NIF is not in the census", "NIF_INVALID")]


def _check_alternative(other: dict[str, Any]) -> list[Problem]:
    kind, country = other["type"], other.get("country_code")
    if country == "ES" and kind not in (*PASSPORTS, *NOT_REGISTERED):
        message = "For Spain only PASSPORT and NOT_REGISTERED are possible"
    elif country != "ES" and kind in NOT_REGISTERED:
        message = "NOT_REGISTERED is for Spain only"
    else:
        return []
    return [Problem("alternative_id", shown(other), message, "ALTERNATIVE_ID_INVALID")]
