"""Who the key belongs to, which companies it may see, and who a NIF belongs to."""

from typing import Any

from beel_mcp.sandbox.calls import Call
from beel_mcp.sandbox.responses import ApiError, ApiResponse, instant, mistyped
from beel_mcp.sandbox.rules import fits_nif, has_right_control, is_company_nif, is_in_census
from beel_mcp.sandbox.seed import ACCOUNT_ID

ALL_SCOPES = (
    "companies:list",
    "companies:read",
    "customers:read",
    "customers:write",
    "invoices:read",
    "invoices:write",
    "nif:validate",
)
LONGEST_NAME = 255
SHOWN = ("id", "nif", "legal_name", "business_display_name", "entity_type", "created_at")


def get_identity(call: Call) -> ApiResponse:
    """GET me/identity."""
    scopes = ALL_SCOPES if call.options.scopes is None else call.options.scopes
    identity = {
        "account_id": ACCOUNT_ID,
        "email": "demo@taller.example",
        "name": "Taller Demo",
        "logo_url": None,
        "language": "es",
        "credential": {"type": "api_key", "environment": "TEST", "scopes": scopes},
    }
    return call.answer(identity)


def list_companies(call: Call) -> ApiResponse:
    """GET accounts/{account_id}/companies."""
    if call.path["account_id"] != ACCOUNT_ID:
        raise ApiError(403, "ACCOUNT_NOT_ACCESSIBLE", "The key does not reach this account")
    part = call.query.get("search", "").casefold()
    found = [
        {name: company[name] for name in SHOWN} | {"is_primary": bool(company["is_primary"])}
        for company in call.store.companies()
        if any(part in company[name].casefold() for name in SHOWN[1:4])
    ]
    limit = call.query["limit"]
    start = (call.query["page"] - 1) * limit
    page = found[start : start + limit]
    return call.answer_page("companies", page, len(found))


def validate_nif(call: Call) -> ApiResponse:
    """POST nif/validate: 200 whatever the verdict, also for a text that is no NIF at all."""
    nif, legal_name = _read_nif(call.body)
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
        verdict |= {"legal_name": legal_name, "validated_at": instant(call.request.time)}
        # Companies are found by NIF alone, so their name proves nothing.
        verified = not is_company_nif(nif)
        census = {"legal_name_verified": verified, "census_status": "IDENTIFIED"}
    return call.answer(verdict if call.is_legacy else verdict | census)


def _read_nif(body: dict[str, Any]) -> tuple[str, str | None]:
    for name in ("nif", "legal_name"):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise mistyped(name, value, "string")
    nif, legal_name = body.get("nif"), body.get("legal_name")
    if nif is None or not nif.strip():
        raise _unacceptable("FIELD_BLANK", "nif", "Must not be blank")
    if legal_name is not None and not 1 <= len(legal_name) <= LONGEST_NAME:
        message = f"Must have 1 to {LONGEST_NAME} characters"
        raise _unacceptable("VALIDATION_ERROR", "legal_name", message)
    return nif, legal_name


def _unacceptable(code: str, name: str, message: str) -> ApiError:
    return ApiError(422, code, "The NIF cannot be looked up", details={name: message})
