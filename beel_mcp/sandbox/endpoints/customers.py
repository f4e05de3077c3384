"""Customers, one at a time: list, create, get, update, patch, delete."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from beel_mcp.sandbox.calls import FLAG, KEYED, PAGES, TEXT, Call, choice, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, Problem, instant, refuse
from beel_mcp.sandbox.rules import check_identifier, check_nif
from beel_mcp.sandbox.store import CUSTOMER_FIELDS, Record, Where, unpacked_customer

from .customer_body import CLEARED_BY_PUT, Purpose, read_customer

CONTAINS = ("legal_name", "nif", "email", "phone", "city", "province")
# What else than 422 a NIF is refused with.
STATUSES = {"CLIENT_DUPLICATE": 409, "EXTERNAL_SERVICE_ERROR": 502}
SEARCHED = ("legal_name", "trade_name", "nif", "email")
# What a list may be filtered and ordered by, as SQL.
COLUMNS: Mapping[str, str] = {
    "city": "json_extract(address, '$.city')",
    "province": "json_extract(address, '$.province')",
} | {name: name for name in ("legal_name", "nif", "email", "phone", "active", "created_at")}


@route(
    "GET /customers",
    flat="listCustomers",
    company="listCompanyCustomers",
    query={
        **PAGES,
        "active": FLAG,
        **dict.fromkeys(CONTAINS, TEXT),
        "sort_by": choice(tuple(COLUMNS)),
        "sort_order": choice(("asc", "desc")),
    },
)
def list_customers(call: Call) -> ApiResponse:
    """List customers by name, unless asked otherwise."""
    query = call.query
    where = Where("company_id = ? AND deleted_at IS NULL", call.company_id)
    for name in CONTAINS:
        if name in query:
            where.add_contains(query[name], COLUMNS[name])
    if "search" in query:
        where.add_contains(query["search"], *SEARCHED)
    # Today's API shows active customers unless asked otherwise; the seed pages say nothing.
    active = query.get("active", None if call.is_legacy else True)
    if active is not None:
        where.add("active = ?", active)
    direction = "DESC" if query.get("sort_order") == "desc" else "ASC"
    order = f"fold({COLUMNS[query.get('sort_by', 'legal_name')]}) {direction}, id"
    found, total = call.store.select_page("*", "customers", where, order, query)
    shapes = [as_customer(unpacked_customer(row), call) for row in found]
    return call.answer_page("customers", shapes, total)


@route("POST /customers", flat="createCustomer", company="createCompanyCustomer", **KEYED)
def create_customer(call: Call) -> ApiResponse:
    """Create a customer."""
    fields, problems = read_new_customer(call, call.body)
    refuse(problems, "customer")
    _check_nif(call, fields.get("nif"))
    record = new_record(call, fields)
    call.store.insert_customer(record, call.request)
    return call.answer_created(record["id"], as_customer(record, call))


@route("GET /customers/{customer_id}", flat="getCustomer", company="getCompanyCustomer")
def get_customer(call: Call) -> ApiResponse:
    """Give a customer."""
    return call.answer(as_customer(_find(call), call))


# PATCH keeps what PUT clears, so it is no successor.
@route("PUT /customers/{customer_id}", flat="updateCustomer", takes_body=True, successor=None)
def update_customer(call: Call) -> ApiResponse:
    """Replace a customer today, update it on the seed pages."""
    record = _find(call)
    changes = _read_changes(call, "put")
    if not call.is_legacy:
        changes |= dict.fromkeys(CLEARED_BY_PUT - changes.keys())
    return _save(call, record, changes)


@route(
    "PATCH /customers/{customer_id}",
    flat="patchCustomer",
    company="patchCompanyCustomer",
    takes_body=True,
    in_legacy=False,
)
def patch_customer(call: Call) -> ApiResponse:
    """Change only what is sent, an address as a whole."""
    record = _find(call)
    return _save(call, record, _read_changes(call, "patch"))


@route(
    "DELETE /customers/{customer_id}", flat="deactivateCustomer", company="deleteCompanyCustomer"
)
def delete_customer(call: Call) -> ApiResponse:
    """Remove a customer that has no invoices."""
    record = _find(call)
    if call.store.has_invoices(record["id"]):
        message = "The customer has invoices"
        if call.is_legacy:
            raise ApiError(400, "VALIDATION_ERROR", message, details={"customer_id": message})
        raise ApiError(409, "CLIENT_HAS_INVOICES", message)
    if record["id"] in call.options.recurring:
        message = "A recurring invoice is for the customer"
        raise ApiError(400, "REFERENCED_BY_RECURRING_INVOICE", message)
    remove(call, record)
    if call.endpoint.family == "company":
        return ApiResponse(204)
    done = "deactivated" if call.is_legacy else "deleted"
    return call.answer({"message": f"Customer {done} successfully"})


def remove(call: Call, record: Record) -> None:
    """Take a customer out: gone today, only inactive on the seed pages."""
    moment = instant(call.request.time)
    if not call.is_legacy:
        gone = record | {"deleted_at": moment, "updated_at": moment}
        call.store.update_customer(gone, call.request, kind="customer_deleted")
    elif record["active"]:
        idle = record | {"active": False, "updated_at": moment}
        call.store.update_customer(idle, call.request, kind="customer_deactivated")


def read_new_customer(
    call: Call, body: Any, where: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Read a customer to be created, with all that is wrong with its fields."""
    generation = call.options.generation
    fields, problems = read_customer(body, generation, "create", where)
    if not any(problem.field.startswith(("nif", "alternative_id")) for problem in problems):
        problems += check_identifier(fields, generation)
    return fields, problems


def new_record(call: Call, fields: dict[str, Any]) -> Record:
    """Complete the fields of a creation to a row."""
    moment = instant(call.request.time)
    record: Record = dict.fromkeys(CUSTOMER_FIELDS) | {"active": True} | fields
    if not call.is_legacy and "trade_name" not in fields:
        record["trade_name"] = fields["legal_name"]
    return record | {
        "id": str(uuid4()),
        "company_id": call.company_id,
        "created_at": moment,
        "updated_at": moment,
    }


def as_customer(record: Record, call: Call) -> dict[str, Any]:
    """Show a customer; what it does not have is left out."""
    moments = {name: record[name] for name in ("created_at", "updated_at")}
    shape = as_echo(record, call)
    if not call.is_legacy:
        shape.setdefault("general_discount", 0)
    return {"id": record["id"]} | shape | moments


def as_echo(record: Record, call: Call) -> dict[str, Any]:
    """Show what a customer would be, without what only a stored one has."""
    shape = {name: record[name] for name in CUSTOMER_FIELDS if record[name] is not None}
    if call.is_legacy and "website" in shape:
        shape["web"] = shape.pop("website")
    return shape


def _find(call: Call) -> Record:
    record = call.store.get_customer(call.company_id, call.path["customer_id"])
    if record is None:
        raise call.not_found("customer", "CLIENT")
    return record


def _read_changes(call: Call, purpose: Purpose) -> dict[str, Any]:
    changes, problems = read_customer(call.body, call.options.generation, purpose)
    if changes.get("nif") is not None or changes.get("alternative_id") is not None:
        problems += check_identifier(changes, call.options.generation)
    refuse(problems, "customer")
    return changes


def _save(call: Call, record: Record, changes: dict[str, Any]) -> ApiResponse:
    # One identifier takes the place of the other.
    if "nif" in changes:
        changes.setdefault("alternative_id", None)
    elif changes.get("alternative_id") is not None:
        changes["nif"] = None
    saved = record | changes | {"updated_at": instant(call.request.time)}
    if saved["nif"] != record["nif"] or saved["alternative_id"] != record["alternative_id"]:
        refuse(check_identifier(saved, call.options.generation), "customer")
        _check_nif(call, saved["nif"], except_id=record["id"])
    elif not call.is_legacy and saved["legal_name"] != record["legal_name"]:
        _check_nif(call, saved["nif"], except_id=record["id"])  # the census has the name, too
    call.store.update_customer(saved, call.request)
    return call.answer(as_customer(saved, call))


def _check_nif(call: Call, nif: str | None, *, except_id: str = "") -> None:
    is_taken = nif is not None and call.store.has_nif(call.company_id, nif, except_id=except_id)
    taken = "Another customer has this NIF" if is_taken else ""
    problems = check_nif(nif, call.options, taken)
    for problem in problems:
        if problem.code in STATUSES:
            raise ApiError(STATUSES[problem.code], problem.code, problem.message)
    refuse(problems, "customer")
