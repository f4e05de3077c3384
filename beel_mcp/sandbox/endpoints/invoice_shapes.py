"""Stored invoices in the shapes of the contract, and what they add up to."""

import json
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from beel_mcp.sandbox.amounts import Line, bases_by, share
from beel_mcp.sandbox.calls import Call
from beel_mcp.sandbox.store import Record

# Left out of an answer when there is none; what only proformas have is today's.
OPTIONAL = (
    "operation_date",
    "due_date",
    "payment_date",
    "scheduled_for",
    "notes",
    "rectified_invoice_id",
)
OPTIONAL_IN_CURRENT = ("valid_until", "source_proforma_id", "void_reason")
RECIPIENT = ("legal_name", "trade_name", "nif", "alternative_id", "address", "phone", "email")
RECIPIENT_JSON = ("alternative_id", "address")


def lines_of(record: Record) -> tuple[Line, ...]:
    """Read the lines of an invoice."""
    return tuple(Line(**line) for line in json.loads(record["lines"]))


def has_pdf(record: Record) -> bool:
    """Tell whether there is a PDF: not before there is a number, and not at once."""
    return record["invoice_number"] is not None and bool(record["pdf_ready"])


def as_invoice(record: Record, call: Call) -> dict[str, Any]:
    """Show an invoice as the generation words it."""
    names = OPTIONAL if call.is_legacy else (*OPTIONAL, *OPTIONAL_IN_CURRENT)
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
        "lines": [_line(line) for line in lines_of(record)],
        "totals": _totals(record, call),
        **{name: record[name] for name in names if record[name] is not None},
        "pdf_download_url": f"https://sandbox.invalid/{record['id']}" if has_pdf(record) else None,
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
    }
    return shape if call.is_legacy else shape | _current_fields(record, call)


def _current_fields(record: Record, call: Call) -> dict[str, Any]:
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


def _line(line: Line) -> dict[str, Any]:
    quantity, price = Decimal(line.quantity), Decimal(line.unit_price)
    if price < 0:  # the seed pages know only prices above zero, so less is less of it
        quantity, price = -quantity, -price
    return {
        "description": line.description,
        "quantity": float(quantity),
        "unit_price": float(price),
        "main_tax": {
            "type": line.tax_type,
            "percentage": float(line.vat_percent),
            "regime_key": line.regime_key,
        },
        "discount_percentage": float(line.discount_percent),
        "irpf_rate": int(line.irpf_percent),
        "taxable_base": float(line.base),
        "line_total": float(line.base + share(line.base, line.vat_percent)),
    }


def _totals(record: Record, call: Call) -> dict[str, Any]:
    lines = lines_of(record)
    totals = {
        "taxable_base": float(record["taxable_base"]),
        "vat_breakdown": _vat_breakdown(lines, call),
        "total_vat": float(record["total_tax"]),
        "total_equivalence_surcharge": 0,
        "irpf_breakdown": [
            _row(percent, base)
            for (percent,), base in bases_by(lines, "irpf").items()
            if float(percent)
        ],
        "total_irpf": float(record["total_irpf"]),
        "invoice_total": float(record["total"]),
    }
    current = {"total_disbursements": 0, "total_to_pay": totals["invoice_total"]}
    return totals if call.is_legacy else totals | current


def _vat_breakdown(lines: tuple[Line, ...], call: Call) -> list[dict[str, Any]]:
    """Give a row for each tax, rate and regime; today's rows name the regime, none the tax."""
    return [
        _row(percent, base) | ({} if call.is_legacy else {"regime_key": regime_key})
        for (percent, _, regime_key), base in bases_by(lines, "vat").items()
    ]


def _row(percent: str, base: Decimal) -> dict[str, Any]:
    return {"type": float(percent), "base": float(base), "amount": float(share(base, percent))}
