"""Invoices: list, get, create a draft, delete.

Filters that are not in the routes table are not served, and what only other invoices than drafts
need is refused, never ignored.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from beel_mcp.sandbox.amounts import lines_and_sums
from beel_mcp.sandbox.calls import (
    AMOUNT,
    DATE,
    FLAG,
    KEYED,
    PAGES,
    TEXT,
    UUID,
    Call,
    Parameter,
    choice,
    route,
)
from beel_mcp.sandbox.options import Generation
from beel_mcp.sandbox.responses import ApiError, ApiResponse, Problem, instant, refuse
from beel_mcp.sandbox.store import Record, Where

from .invoice_body import read_invoice
from .invoice_shapes import as_invoice

# The legacy generation knows no proformas.
TYPES: Mapping[Generation, tuple[str, ...]] = {
    "legacy": ("STANDARD", "CORRECTIVE", "SIMPLIFIED"),
    "current": ("STANDARD", "CORRECTIVE", "SIMPLIFIED", "PROFORMA"),
}
# By the API's names; the values are columns of invoices joined with their customers. The contract
# leaves the names open.
ORDERS = {
    "issue_date": "invoices.issue_date",
    "due_date": "invoices.due_date",
    "created_at": "invoices.created_at",
    "invoice_number": "invoices.invoice_number",
    "status": "invoices.status",
    "total": "CAST(invoices.total AS REAL)",
    "recipient_name": "customers.legal_name",
}
CONTAINS = {
    "invoice_number": "invoices.invoice_number",
    "recipient_name": "customers.legal_name",
    "recipient_nif": "customers.nif",
    "series_code": "invoices.series",
}
SEARCHED = ("invoices.invoice_number", "customers.legal_name", "customers.nif")
# A customer may be deleted, yet its invoices go on naming it.
JOINED = "invoices JOIN customers ON customers.id = invoices.customer_id"
# What is asked for in a column, and how it must compare.
COMPARED = {
    "type": "invoices.type = ?",
    "customer_id": "invoices.customer_id = ?",
    "date_from": "invoices.issue_date >= ?",
    "date_to": "invoices.issue_date <= ?",
    "rectified_invoice_id": "invoices.rectified_invoice_id = ?",
    "taxable_base_min": "CAST(invoices.taxable_base AS REAL) >= ?",
    "taxable_base_max": "CAST(invoices.taxable_base AS REAL) <= ?",
    "total_min": "CAST(invoices.total AS REAL) >= ?",
    "total_max": "CAST(invoices.total AS REAL) <= ?",
}
LEGACY_STATUSES = ("SCHEDULED", "DRAFT", "ISSUED", "SENT", "PAID", "OVERDUE", "RECTIFIED", "VOIDED")
STATUSES = (*LEGACY_STATUSES, "CONVERTED", "ACTIVE", "EXPIRED")  # the last are those of proformas
QUERY: Mapping[str, Parameter] = {
    **PAGES,
    # The legacy generation knows one status, today's API a list of them.
    "status": choice(STATUSES, LEGACY_STATUSES, listed=("current",)),
    "type": choice(TYPES["current"], TYPES["legacy"]),
    "customer_id": UUID,
    "date_from": DATE,
    "date_to": DATE,
    **dict.fromkeys(CONTAINS, TEXT),
    **{name: AMOUNT for name in COMPARED if name.endswith(("_min", "_max"))},
    "sort_by": choice(tuple(ORDERS)),
    "sort_order": choice(("asc", "desc")),
}
SERIES = {"STANDARD": "F26", "SIMPLIFIED": "S26"}
MADRID = ZoneInfo("Europe/Madrid")


@route("GET /invoices", flat="listInvoices", query=QUERY)
@route(
    "GET /invoices", company="listCompanyInvoices", query={**QUERY, "rectified_invoice_id": UUID}
)
def list_invoices(call: Call) -> ApiResponse:
    """List invoices, the newest first, unless asked otherwise."""
    query = call.query
    where = _visible(call)
    for name, column in CONTAINS.items():
        if name in query:
            where.add_contains(query[name], column)
    if "search" in query:
        where.add_contains(query["search"], *SEARCHED)
    if "status" in query:
        where.add_any_of("invoices.status", query["status"])
    for name, clause in COMPARED.items():
        if name in query:
            where.add(clause, query[name])
    column = ORDERS[query.get("sort_by", "issue_date")]
    direction = "ASC" if query.get("sort_order") == "asc" else "DESC"
    order = f"{column} {direction}, invoices.id {direction}"
    found, total = call.store.select_page("invoices.*", JOINED, where, order, query)
    return call.answer_page("invoices", [as_invoice(record, call) for record in found], total)


@route("GET /invoices/{invoice_id}", flat="getInvoice", company="getCompanyInvoice")
def get_invoice(call: Call) -> ApiResponse:
    """Give an invoice."""
    return call.answer(as_invoice(find_invoice(call), call))


@route(
    "POST /invoices",
    flat="createInvoice",
    company="createCompanyInvoice",
    query={"wait_for_pdf": FLAG},
    **KEYED,
)
def create_invoice(call: Call) -> ApiResponse:
    """Create a draft without a number. Issuing at once is not in the sandbox."""
    fields, problems = read_invoice(call.body, call.options.generation)
    refuse(problems, "invoice")
    customer_id = fields["recipient"]["customer_id"]
    if call.store.get_customer(call.company_id, customer_id) is None:
        if not call.is_legacy:
            raise call.not_found("customer", "INVOICE_CLIENT")
        refuse([Problem("recipient.customer_id", "", "There is no such customer")], "invoice")
    record = _draft(call, customer_id, fields)
    call.store.insert_invoice(record, call.request)
    [stored] = call.store.rows("SELECT * FROM invoices WHERE id = ?", record["id"])
    return call.answer_created(record["id"], as_invoice(stored, call))


@route("DELETE /invoices/{invoice_id}", flat="deleteInvoice", company="deleteCompanyInvoice")
def delete_invoice(call: Call) -> ApiResponse:
    """Delete a draft; the proforma it came from is active again."""
    record = find_invoice(call)
    if record["status"] not in (("DRAFT",) if call.is_legacy else ("DRAFT", "ACTIVE")):
        message = "Only a draft can be deleted"
        raise ApiError(400, "VALIDATION_ERROR", message, details={"status": message})
    moment = instant(call.request.time)
    gone = {"deleted_at": moment, "updated_at": moment}
    call.store.update_invoice(record, gone, call.request, kind="invoice_deleted")
    if not call.is_legacy and record["source_proforma_id"]:
        again = {"status": "ACTIVE", "updated_at": moment}
        for proforma in find_invoices(call, [record["source_proforma_id"]]):
            call.store.update_invoice(proforma, again, call.request, kind="proforma_reactivated")
    return ApiResponse(204)


def find_invoices(call: Call, invoice_ids: Sequence[str]) -> list[Record]:
    """Give those of these invoices that this company has and this generation shows."""
    where = _visible(call)
    where.add_any_of("invoices.id", invoice_ids)
    order = "invoices.issue_date, invoices.id"
    return call.store.select("invoices.*", JOINED, where, order)


def find_invoice(call: Call) -> Record:
    """Give the invoice of the path."""
    found = find_invoices(call, [call.path["invoice_id"]])
    if not found:
        raise call.not_found("invoice", "INVOICE")
    return found[0]


def _visible(call: Call) -> Where:
    where = Where("invoices.company_id = ? AND invoices.deleted_at IS NULL", call.company_id)
    where.add_any_of("invoices.type", TYPES[call.options.generation])
    return where


def _draft(call: Call, customer_id: str, fields: Mapping[str, Any]) -> Record:
    moment = instant(call.request.time)
    return {
        "id": str(uuid4()),
        "company_id": call.company_id,
        "customer_id": customer_id,
        "series": SERIES[fields["type"]],
        "type": fields["type"],
        "status": "DRAFT",
        "issue_date": call.request.time.astimezone(MADRID).date().isoformat(),
        **{name: fields.get(name) for name in ("operation_date", "due_date", "notes")},
        **lines_and_sums(fields["lines"]),
        "created_at": moment,
        "updated_at": moment,
    }
