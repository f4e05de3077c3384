"""Who may be a customer: tax identifiers, the census, and the identifiers of foreigners.

The census of the sandbox knows every NIF with a right control character, except those whose
three characters before the last are `000`: `12345000A` and `B12340006` have a right control
character and are not in the census. Anything else can be tried with a made-up NIF.
"""

import re
from typing import Any

from stdnum.es import nif as spanish_nif

from .options import Generation, SandboxOptions
from .responses import Problem, shown

LOOSE_NIF = re.compile(r"[A-Z0-9]{9}", re.ASCII)
STRICT_NIF = re.compile(r"\d{8}[A-Z]|[ABCDEFGHJKLMNPQRSUVW]\d{7}[A-Z0-9]|[XYZ]\d{7}[A-Z]", re.ASCII)
COMPANY_LETTERS = frozenset("ABCDEFGHJNPQRSUVW")  # a legal person's NIF begins with one
OUTSIDE_CENSUS = "000"
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
        return _check_alternative(other)
    message = "A customer needs a nif or an alternative_id"
    return [Problem("nif", "", message, "CUSTOMER_IDENTIFIER_REQUIRED")]


def check_nif(nif: str | None, options: SandboxOptions, taken: str) -> list[Problem]:
    """Look at the control character, at who has the NIF, and at the census, in this order.

    `taken` says who has it already, if anybody. When the census is down, nobody passes.
    """
    if nif is None:
        return []
    if not spanish_nif.is_valid(nif):
        return [Problem("nif", nif, "The control character is wrong", "NIF_INVALID")]
    if taken and options.nif_unique:
        return [Problem("nif", nif, taken, "CLIENT_DUPLICATE")]
    if options.census_down:
        return [Problem("nif", nif, "The census could not be asked", "EXTERNAL_SERVICE_ERROR")]
    if not is_in_census(nif):
        return [Problem("nif", nif, "The NIF is not in the census", "NIF_INVALID")]
    return []


def _check_alternative(other: dict[str, Any]) -> list[Problem]:
    kind, country = other["type"], other.get("country_code")
    if country == "ES" and kind not in (*PASSPORTS, *NOT_REGISTERED):
        message = "For Spain only PASSPORT and NOT_REGISTERED are possible"
    elif country != "ES" and kind in NOT_REGISTERED:
        message = "NOT_REGISTERED is for Spain only"
    else:
        return []
    return [Problem("alternative_id", shown(other), message, "ALTERNATIVE_ID_INVALID")]
