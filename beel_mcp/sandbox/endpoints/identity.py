"""Who the key belongs to, which companies it may see, and who a NIF belongs to."""

from typing import Any

from stdnum.es import nif as spanish_nif

from beel_mcp.sandbox.calls import PAGES, TEXT, Call, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, instant, mistyped
from beel_mcp.sandbox.rules import COMPANY_LETTERS, fits_nif, is_in_census
from beel_mcp.sandbox.seed import ACCOUNT_ID

ALL_SCOPES = (
    "companies:list",
    "companies:read",
    "customers:read",
    "customers:write",
    "emails:read",
    "invoices:read",
    "invoices:write",
    "nif:validate",
)
LONGEST_NAME = 255
SHOWN = ("id", "nif", "legal_name", "business_display_name", "entity_type", "created_at")


@route("GET /v1/me/identity", shared="getIdentity", in_legacy=False)
def get_identity(call: Call) -> ApiResponse:
    """Say whose the key is, and what it may do."""
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


@route(
    "GET /v1/accounts/{account_id}/companies",
    shared="listCompanies",
    scope="companies:list",
    query={**PAGES, "include": TEXT},
    in_legacy=False,
)
def list_companies(call: Call) -> ApiResponse:
    """List the companies of the account."""
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


@route("POST /v1/nif/validate", shared="validateNif", scope="nif:validate", takes_body=True)
def validate_nif(call: Call) -> ApiResponse:
    """Answer 200 whatever the verdict, also for a text that is no NIF at all."""
    nif, legal_name = _read_nif(call.body)
    status, is_company = "INVALID", nif[0] in COMPANY_LETTERS
    census: dict[str, Any] = {"legal_name_verified": False, "census_status": "NOT_IDENTIFIED"}
    if not fits_nif(nif, "current") or not spanish_nif.is_valid(nif):
        message = "This is not a NIF"
        del census["census_status"]
    elif call.options.census_down:
        status, message = "PENDING", "The census could not be asked; try again later"
        census = {}
    elif not is_in_census(nif):
        message = "The NIF is not in the census"
    elif legal_name is None and not is_company:
        message = "The census finds an individual by NIF and name together"
    else:
        status, message = "VALID", "The NIF is in the census"
        # Companies are found by NIF alone, so their name proves nothing.
        census = {"legal_name_verified": not is_company, "census_status": "IDENTIFIED"}
    is_valid = status == "VALID"
    verdict = {
        "legal_name": legal_name if is_valid else None,
        "validated_at": instant(call.request.time) if is_valid else None,
        "valid": is_valid,
        "status": status,
        "message": message,
    }
    return call.answer(verdict if call.is_legacy else verdict | census)


def _read_nif(body: dict[str, Any]) -> tuple[str, str | None]:
    for name in ("nif", "legal_name"):
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise mistyped(name, value, "string")
    nif, legal_name = body.get("nif"), body.get("legal_name")
    if nif is None or not nif.strip():
        code, details = "FIELD_BLANK", {"nif": "Must not be blank"}
    elif legal_name is not None and not 1 <= len(legal_name) <= LONGEST_NAME:
        code, details = (
            "VALIDATION_ERROR",
            {"legal_name": f"Must have 1 to {LONGEST_NAME} characters"},
        )
    else:
        return nif, legal_name
    raise ApiError(422, code, "The NIF cannot be looked up", details=details)
