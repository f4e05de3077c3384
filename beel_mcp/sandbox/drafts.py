"""New invoices: drafts for a customer. What only other invoices need is refused, never ignored."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from .call import Call
from .draft_fields import InvoiceReader
from .envelope import Answer, instant
from .fields import refuse
from .invoice_shapes import as_invoice
from .seed_invoices import Line, lines_and_sums
from .store import Record

SERIES: Mapping[str, str] = {"STANDARD": "F26", "SIMPLIFIED": "S26"}
MADRID = ZoneInfo("Europe/Madrid")


def create_invoice(call: Call) -> Answer:
    """POST invoices: a draft without a number. Issuing at once is not in the sandbox."""
    reader = InvoiceReader(call.options.generation)
    fields = reader.read(call.body)
    refuse(reader.problems, "invoice")
    customer = call.store.get_customer(call.company_id, fields["customer_id"])
    if customer is None:
        reader.report("recipient.customer_id", "There is no such customer")
    refuse(reader.problems, "invoice")
    record = _draft(call, fields)
    call.store.insert_invoice(record, call.cause)
    stored = call.store.rows("SELECT * FROM invoices WHERE id = ?", record["id"])[0]
    headers = {}
    if call.operation.family == "company":
        headers["Location"] = f"{call.cause.path}/{record['id']}"
    return call.answer(as_invoice(stored, call), status=201, headers=headers)


def _draft(call: Call, fields: Mapping[str, Any]) -> Record:
    moment = instant(call.cause.time)
    lines: tuple[Line, ...] = fields["lines"]
    today: date = call.cause.time.astimezone(MADRID).date()
    return {
        "id": str(uuid4()),
        "company_id": call.company_id,
        "customer_id": fields["customer_id"],
        "series": SERIES[fields["type"]],
        "type": fields["type"],
        "status": "DRAFT",
        "issue_date": today.isoformat(),
        "operation_date": fields.get("operation_date"),
        "due_date": fields.get("due_date"),
        "notes": fields.get("notes"),
        **lines_and_sums(lines),
        "created_at": moment,
        "updated_at": moment,
    }
