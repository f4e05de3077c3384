"""Customers, one at a time: list, create, get, update, patch, delete."""

from typing import Any
from uuid import uuid4

from .call import Call
from .envelope import Answer, ApiError, instant, not_found
from .fields import CLEARABLE, CustomerReader, Problem, Purpose, refuse
from .rules import check_census, check_control, check_identifier
from .store import CUSTOMER_FIELDS, CustomerFilter, Record
from .wire import as_customer, as_page

CONTAINS = ("legal_name", "nif", "email", "phone", "city", "province")


def list_customers(call: Call) -> Answer:
    """GET customers."""
    query = call.query
    limit = query["limit"]
    wanted = CustomerFilter(
        company_id=call.company_id,
        contains={name: query[name] for name in CONTAINS if name in query},
        # Today's API shows active customers unless asked otherwise; the seed pages say nothing.
        active=query.get("active", None if call.is_seeds else True),
        search=query.get("search"),
        sort_by=query.get("sort_by", "legal_name"),
        descending=query.get("sort_order") == "desc",
        limit=limit,
        offset=(query["page"] - 1) * limit,
    )
    found, total = call.store.find_customers(wanted)
    shapes = [as_customer(record, call) for record in found]
    return call.answer(as_page("customers", shapes, total, call))


def create_customer(call: Call) -> Answer:
    """POST customers."""
    fields, problems = read_new_customer(call, call.body)
    refuse(problems, "customer")
    _settle_nif(call, fields.get("nif"))
    record = new_record(call, fields)
    call.store.insert_customer(record, call.cause)
    headers = {}
    if call.operation.family == "company":
        headers["Location"] = f"{call.cause.path}/{record['id']}"
    return call.answer(as_customer(record, call), status=201, headers=headers)


def get_customer(call: Call) -> Answer:
    """GET customers/{customer_id}."""
    return call.answer(as_customer(_find(call), call))


def update_customer(call: Call) -> Answer:
    """PUT customers/{customer_id}: today a replacement, on the seed pages an update."""
    record = _find(call)
    changes = _read_changes(call, "put")
    if not call.is_seeds:
        absent = CLEARABLE - {"alternative_id"} - changes.keys()
        changes |= dict.fromkeys(absent)
    return _save(call, record, changes)


def patch_customer(call: Call) -> Answer:
    """PATCH customers/{customer_id}: only what is sent changes, an address as a whole."""
    record = _find(call)
    return _save(call, record, _read_changes(call, "patch"))


def delete_customer(call: Call) -> Answer:
    """DELETE customers/{customer_id}."""
    record = _find(call)
    if call.store.has_invoices(record["id"]):
        message = "The customer has invoices"
        if call.is_seeds:
            raise ApiError(400, "VALIDATION_ERROR", message, details={"customer_id": message})
        raise ApiError(409, "CLIENT_HAS_INVOICES", message)
    remove(call, record)
    if call.operation.family == "company":
        return Answer(204)
    done = "deactivated" if call.is_seeds else "deleted"
    return call.answer({"message": f"Customer {done} successfully"})


def remove(call: Call, record: Record) -> None:
    """Take a customer out: gone today, only inactive on the seed pages."""
    moment = instant(call.cause.time)
    if not call.is_seeds:
        gone = record | {"deleted_at": moment, "updated_at": moment}
        call.store.update_customer(gone, call.cause, kind="customer_deleted")
    elif record["active"]:
        idle = record | {"active": False, "updated_at": moment}
        call.store.update_customer(idle, call.cause, kind="customer_deactivated")


def read_new_customer(
    call: Call, body: Any, where: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Read a customer to be created, with all that is wrong with its fields."""
    reader = CustomerReader(call.options.generation, "create", where)
    fields = reader.read(body)
    identifiers = ("nif", "alternative_id")
    if not any(problem.field.startswith(identifiers) for problem in reader.problems):
        reader.problems += check_identifier(fields, call.options.generation)
    return fields, reader.problems


def new_record(call: Call, fields: dict[str, Any]) -> Record:
    """Complete the fields of a creation to a row."""
    moment = instant(call.cause.time)
    record: Record = dict.fromkeys(CUSTOMER_FIELDS) | {"active": True} | fields
    if not call.is_seeds and "trade_name" not in fields:
        record["trade_name"] = fields["legal_name"]
    return record | {
        "id": str(uuid4()),
        "company_id": call.company_id,
        "created_at": moment,
        "updated_at": moment,
    }


def _find(call: Call) -> Record:
    record = call.store.get_customer(call.company_id, call.path["customer_id"])
    if record is None:
        raise not_found("There is no such customer")
    return record


def _read_changes(call: Call, purpose: Purpose) -> dict[str, Any]:
    reader = CustomerReader(call.options.generation, purpose)
    changes = reader.read(call.body)
    if changes.get("nif") is not None or changes.get("alternative_id") is not None:
        reader.problems += check_identifier(changes, call.options.generation)
    refuse(reader.problems, "customer")
    return changes


def _save(call: Call, record: Record, changes: dict[str, Any]) -> Answer:
    # One identifier takes the place of the other.
    if "nif" in changes:
        changes.setdefault("alternative_id", None)
    elif changes.get("alternative_id") is not None:
        changes["nif"] = None
    saved = record | changes | {"updated_at": instant(call.cause.time)}
    if saved["nif"] != record["nif"] or saved["alternative_id"] != record["alternative_id"]:
        refuse(check_identifier(saved, call.options.generation), "customer")
        _settle_nif(call, saved["nif"], except_id=record["id"])
    call.store.update_customer(saved, call.cause)
    return call.answer(as_customer(saved, call))


def _settle_nif(call: Call, nif: str | None, *, except_id: str = "") -> None:
    if nif is None:
        return
    refuse(check_control(nif), "customer")
    is_taken = call.store.has_nif(call.company_id, nif, except_id=except_id)
    if call.options.nif_unique and is_taken:
        raise ApiError(409, "CLIENT_DUPLICATE", "Another customer has this NIF")
    problems = check_census(nif, down=call.options.census_down)
    if problems and call.options.census_down:
        raise ApiError(502, "EXTERNAL_SERVICE_ERROR", problems[0].message)
    refuse(problems, "customer")
