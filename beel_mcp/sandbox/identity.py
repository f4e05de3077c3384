"""Who the key belongs to, and which companies it may see."""

from .call import Call
from .envelope import Answer, ApiError
from .seed import ACCOUNT_ID
from .wire import as_page

ALL_SCOPES = (
    "companies:list",
    "companies:read",
    "customers:read",
    "customers:write",
    "invoices:read",
    "invoices:write",
    "nif:validate",
)
SHOWN = ("id", "nif", "legal_name", "business_display_name", "entity_type", "created_at")


def get_identity(call: Call) -> Answer:
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


def list_companies(call: Call) -> Answer:
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
    return call.answer(as_page("companies", page, len(found), call))
