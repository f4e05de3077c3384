"""Invoices, to be read: list and get. Filters that are not in the routes table are not served."""

import json
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from .call import Call
from .envelope import Answer, not_found
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
# Left out of an answer when there is none; what only proformas have is today's.
OPTIONAL = ("due_date", "payment_date", "scheduled_for", "notes", "rectified_invoice_id")
OPTIONAL_TODAY = ("valid_until", "source_proforma_id", "void_reason")
RECIPIENT = ("legal_name", "trade_name", "nif", "alternative_id", "address", "phone", "email")
RECIPIENT_JSON = ("alternative_id", "address")


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
    for name, clause in (
        ("type", "invoices.type = ?"),
        ("customer_id", "invoices.customer_id = ?"),
        ("date_from", "invoices.issue_date >= ?"),
        ("date_to", "invoices.issue_date <= ?"),
    ):
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
    shapes = [_as_invoice(record, call) for record in found]
    return call.answer(as_page("invoices", shapes, total, call))


def get_invoice(call: Call) -> Answer:
    """GET invoices/{invoice_id}."""
    clauses, values = _visible(call)
    found = call.store.rows(
        f"SELECT invoices.* {JOINED} WHERE {' AND '.join(clauses)} AND invoices.id = ?",
        *values,
        call.path["invoice_id"],
    )
    if not found:
        raise not_found("There is no such invoice")
    return call.answer(_as_invoice(found[0], call))


def _visible(call: Call) -> tuple[list[str], list[Any]]:
    types = invoice_types(call.options.generation)
    clauses = [
        "invoices.company_id = ?",
        "invoices.deleted_at IS NULL",
        f"invoices.type IN ({', '.join('?' * len(types))})",
    ]
    return clauses, [call.company_id, *types]


def _as_invoice(record: Record, call: Call) -> dict[str, Any]:
    names = OPTIONAL if call.is_seeds else (*OPTIONAL, *OPTIONAL_TODAY)
    shape = {
        "id": record["id"],
        "invoice_number": record["invoice_number"],
        "series": {
            "id": str(uuid5(NAMESPACE_URL, f"{record['company_id']}/{record['series']}")),
            "code": record["series"],
        },
        "number": record["number"],
        "type": record["type"],
        "status": record["status"],
        "issue_date": record["issue_date"],
        "issuer": _issuer(record, call),
        "recipient": _recipient(record, call),
        "lines": [_line(line) for line in json.loads(record["lines"])],
        "totals": _totals(record, call),
        **{name: record[name] for name in names if record[name] is not None},
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
    }
    return shape if call.is_seeds else shape | _todays(record, call)


def _todays(record: Record, call: Call) -> dict[str, Any]:
    made = call.store.rows(
        "SELECT id FROM invoices WHERE source_proforma_id = ? AND deleted_at IS NULL", record["id"]
    )
    converted = {"converted_invoice_id": made[0]["id"]} if made else {}
    return {"company_id": record["company_id"], **converted}


def _issuer(record: Record, call: Call) -> dict[str, Any]:
    company = call.store.rows("SELECT * FROM companies WHERE id = ?", record["company_id"])[0]
    return {
        "legal_name": company["legal_name"],
        "trade_name": company["business_display_name"],
        "nif": company["nif"],
        "address": json.loads(company["address"]),
    }


def _recipient(record: Record, call: Call) -> dict[str, Any]:
    customer = call.store.rows("SELECT * FROM customers WHERE id = ?", record["customer_id"])[0]
    # A customer's trade name may be empty, a recipient's may not.
    known = {name: customer[name] for name in RECIPIENT if customer[name]}
    return {"customer_id": customer["id"]} | {
        name: json.loads(value) if name in RECIPIENT_JSON else value
        for name, value in known.items()
    }


def _line(line: dict[str, str]) -> dict[str, Any]:
    quantity, price = Decimal(line["quantity"]), Decimal(line["unit_price"])
    if price < 0:  # the seed pages know only prices above zero, so less is less of it
        quantity, price = -quantity, -price
    base = quantity * price
    return {
        "description": line["description"],
        "quantity": float(quantity),
        "unit_price": float(price),
        "main_tax": {
            "type": "IVA",
            "percentage": float(line["vat_percent"]),
            "regime_key": "01",
        },
        "taxable_base": float(base),
        "line_total": float(base + _vat(base, line)),
    }


def _vat(base: Decimal, line: dict[str, str]) -> Decimal:
    return (base * Decimal(line["vat_percent"]) / 100).quantize(Decimal("0.01"))


def _totals(record: Record, call: Call) -> dict[str, Any]:
    by_rate: dict[str, Decimal] = {}
    for line in json.loads(record["lines"]):
        base = Decimal(line["quantity"]) * Decimal(line["unit_price"])
        by_rate[line["vat_percent"]] = by_rate.get(line["vat_percent"], Decimal()) + base
    totals = {
        "taxable_base": float(record["taxable_base"]),
        "vat_breakdown": [
            {
                "type": float(rate),
                "base": float(base),
                "amount": float(_vat(base, {"vat_percent": rate})),
            }
            for rate, base in by_rate.items()
        ],
        "total_vat": float(record["total_tax"]),
        "total_equivalence_surcharge": 0,
        "total_irpf": 0,
        "invoice_total": float(record["total"]),
    }
    today = {"total_disbursements": 0, "total_to_pay": totals["invoice_total"]}
    return totals if call.is_seeds else totals | today
