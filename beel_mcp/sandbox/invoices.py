"""Invoices: list, get, delete. Filters that are not in the routes table are not served."""

from collections.abc import Sequence
from typing import Any

from .call import Call
from .envelope import Answer, ApiError, instant, not_found
from .invoice_shapes import as_invoice
from .invoice_words import INVOICE_ORDERS, invoice_types
from .store import Record
from .wire import as_page

CONTAINS = {
    "invoice_number": "invoices.invoice_number",
    "recipient_name": "customers.legal_name",
    "recipient_nif": "customers.nif",
    "series_code": "invoices.series",
}
SEARCHED = ("invoices.invoice_number", "customers.legal_name", "customers.nif")
# A customer may be deleted, yet its invoices go on naming it.
JOINED = "FROM invoices JOIN customers ON customers.id = invoices.customer_id"
# What is asked for in a column, and how it must compare.
COMPARED = (
    ("type", "invoices.type = ?"),
    ("customer_id", "invoices.customer_id = ?"),
    ("date_from", "invoices.issue_date >= ?"),
    ("date_to", "invoices.issue_date <= ?"),
    ("rectified_invoice_id", "invoices.rectified_invoice_id = ?"),
    ("taxable_base_min", "CAST(invoices.taxable_base AS REAL) >= ?"),
    ("taxable_base_max", "CAST(invoices.taxable_base AS REAL) <= ?"),
    ("total_min", "CAST(invoices.total AS REAL) >= ?"),
    ("total_max", "CAST(invoices.total AS REAL) <= ?"),
)


def list_invoices(call: Call) -> Answer:
    """GET invoices: the newest first, unless asked otherwise."""
    query = call.query
    clauses, values = _visible(call)
    for name, column in CONTAINS.items():
        if name in query:
            clauses.append(f"instr(fold({column}), fold(?)) > 0")
            values.append(query[name])
    if "search" in query:
        hits = [f"instr(fold({column}), fold(?)) > 0" for column in SEARCHED]
        clauses.append(f"({' OR '.join(hits)})")
        values += [query["search"]] * len(hits)
    if "status" in query:
        clauses.append(f"invoices.status IN ({', '.join('?' * len(query['status']))})")
        values += query["status"]
    for name, clause in COMPARED:
        if name in query:
            clauses.append(clause)
            values.append(query[name])
    # Column names are ours, values are bound.
    matching = f"{JOINED} WHERE {' AND '.join(clauses)}"
    column = INVOICE_ORDERS[query.get("sort_by", "issue_date")]
    turn = "ASC" if query.get("sort_order") == "asc" else "DESC"
    total = call.store.rows(f"SELECT count(*) AS total {matching}", *values)[0]["total"]
    found = call.store.rows(
        f"SELECT invoices.* {matching} ORDER BY {column} {turn}, invoices.id {turn}"
        " LIMIT ? OFFSET ?",
        *values,
        query["limit"],
        (query["page"] - 1) * query["limit"],
    )
    shapes = [as_invoice(record, call) for record in found]
    return call.answer(as_page("invoices", shapes, total, call))


def get_invoice(call: Call) -> Answer:
    """GET invoices/{invoice_id}."""
    return call.answer(as_invoice(_find(call), call))


def delete_invoice(call: Call) -> Answer:
    """DELETE invoices/{invoice_id}: a draft only; the proforma it came from is active again."""
    record = _find(call)
    if record["status"] not in (("DRAFT",) if call.is_seeds else ("DRAFT", "ACTIVE")):
        message = "Only a draft can be deleted"
        raise ApiError(400, "VALIDATION_ERROR", message, details={"status": message})
    moment = instant(call.cause.time)
    gone = {"deleted_at": moment, "updated_at": moment}
    call.store.update_invoice(record, gone, call.cause, kind="invoice_deleted")
    if not call.is_seeds and record["source_proforma_id"]:
        again = {"status": "ACTIVE", "updated_at": moment}
        for proforma in find_invoices(call, [record["source_proforma_id"]]):
            call.store.update_invoice(proforma, again, call.cause, kind="proforma_reactivated")
    return Answer(204)


def find_invoices(call: Call, invoice_ids: Sequence[str]) -> list[Record]:
    """Give those of these invoices that this company has and this generation shows."""
    clauses, values = _visible(call)
    marks = ", ".join("?" * len(invoice_ids))
    return call.store.rows(
        f"SELECT invoices.* {JOINED} WHERE {' AND '.join(clauses)}"
        f" AND invoices.id IN ({marks}) ORDER BY invoices.issue_date, invoices.id",
        *values,
        *invoice_ids,
    )


def _find(call: Call) -> Record:
    found = find_invoices(call, [call.path["invoice_id"]])
    if not found:
        raise not_found("There is no such invoice")
    return found[0]


def _visible(call: Call) -> tuple[list[str], list[Any]]:
    types = invoice_types(call.options.generation)
    clauses = [
        "invoices.company_id = ?",
        "invoices.deleted_at IS NULL",
        f"invoices.type IN ({', '.join('?' * len(types))})",
    ]
    return clauses, [call.company_id, *types]
