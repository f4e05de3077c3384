"""One NIF, looked up in the census of rules.py."""

from typing import Any

from .call import Call
from .envelope import Answer, ApiError, instant
from .fields import wrong_type
from .rules import fits_nif, has_right_control, is_company_nif, is_in_census

LONGEST_NAME = 255


def validate_nif(call: Call) -> Answer:
    """POST nif/validate: 200 whatever the verdict, also for a text that is no NIF at all."""
    nif, legal_name = _read(call.body)
    verdict: dict[str, Any] = {"legal_name": None, "validated_at": None}
    census: dict[str, Any] = {"legal_name_verified": False, "census_status": "NOT_IDENTIFIED"}
    if not fits_nif(nif, "current") or not has_right_control(nif):
        verdict |= {"valid": False, "status": "INVALID", "message": "This is not a NIF"}
        census.pop("census_status")
    elif call.options.census_down:
        message = "The census could not be asked; try again later"
        verdict |= {"valid": False, "status": "PENDING", "message": message}
        census = {}
    elif not is_in_census(nif):
        message = "The NIF is not in the census"
        verdict |= {"valid": False, "status": "INVALID", "message": message}
    elif legal_name is None and not is_company_nif(nif):
        message = "The census finds an individual by NIF and name together"
        verdict |= {"valid": False, "status": "INVALID", "message": message}
    else:
        verdict |= {"valid": True, "status": "VALID", "message": "The NIF is in the census"}
        verdict |= {"legal_name": legal_name, "validated_at": instant(call.cause.time)}
        # Companies are found by NIF alone, so their name proves nothing.
        verified = not is_company_nif(nif)
        census = {"legal_name_verified": verified, "census_status": "IDENTIFIED"}
    return call.answer(verdict if call.is_seeds else verdict | census)


def _read(body: dict[str, Any]) -> tuple[str, str | None]:
    for name in ("nif", "legal_name"):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong_type(name, value, "string")
    nif, legal_name = body.get("nif"), body.get("legal_name")
    if nif is None or not nif.strip():
        raise _unacceptable("FIELD_BLANK", "nif", "Must not be blank")
    if legal_name is not None and not 1 <= len(legal_name) <= LONGEST_NAME:
        message = f"Must have 1 to {LONGEST_NAME} characters"
        raise _unacceptable("VALIDATION_ERROR", "legal_name", message)
    return nif, legal_name


def _unacceptable(code: str, name: str, message: str) -> ApiError:
    return ApiError(422, code, "The NIF cannot be looked up", details={name: message})
