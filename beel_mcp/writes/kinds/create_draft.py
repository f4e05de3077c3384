"""Creates a draft invoice as customers are created: on the journal first, settled when in doubt.

BeeL keeps no draft unique, so each sending knows which drafts its customer had before: one that
is new, and says what was sent, is ours.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.api.models import Invoice, InvoiceLine, InvoiceTotals
from beel_mcp.api.new_draft import DraftLine, NewDraft, read_draft
from beel_mcp.errors import BeelMcpError, RefusedError
from beel_mcp.writes.journal.plan import digest_of
from beel_mcp.writes.journal.records import Chunk, Operation, Picture, PlannedRow
from beel_mcp.writes.kinds.create_customers import Created, Creating
from beel_mcp.writes.run.reconciliation import Settling

KIND: Final = "create_draft_invoice"
MOST_DRAFTS: Final = 2000
_CENT: Final = Decimal("0.01")


class Drafting(Creating):
    """What it takes to create one draft."""

    async def check(self, operation: Operation, rows: Sequence[PlannedRow]) -> None:
        """Look for nothing: what was there before was noted when this was decided."""

    async def request(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> Created:
        """Send the draft."""
        [row] = rows
        draft = draft_of(row)
        key = chunk.idempotency_key
        invoice = await self.beel.invoices.create_draft(draft, idempotency_key=key)
        # What counts is what BeeL keeps; it is there, whether or not it can be read now.
        with suppress(BeelMcpError):
            invoice = await self.beel.invoices.get(invoice.id)
        return [recorded(row, invoice)], None

    def refused(self, chunk: Chunk, rows: Sequence[PlannedRow], error: RefusedError) -> None:
        """Record a definite no, and tell it as BeeL said it."""
        super().refused(chunk, rows, error)
        [now] = self.journal.get(chunk.operation_id).chunks
        if now.state == "REJECTED":
            raise error


class DraftSettling(Settling):
    """Finds out whether a draft came to be whose answer was lost."""

    async def look(self, _: Chunk, rows: Sequence[PlannedRow]) -> tuple[Picture, set[int]]:
        """Look among the drafts that are new: one is ours, several say nothing."""
        [row] = rows
        found = await self._ours(row)
        if len(found) > 1:
            return "mixed", {row.number}
        return ("all", {row.number}) if found else ("none", set())

    async def record(self, _: Chunk, rows: Sequence[PlannedRow]) -> list[dict[str, object]]:
        """Make the record of the draft that was found."""
        [row] = rows
        return [recorded(row, invoice) for invoice in await self._ours(row)]

    async def _ours(self, row: PlannedRow) -> list[Invoice]:
        draft, known = draft_of(row), set(row.values["known"])
        drafts = await drafts_of(self.beel, draft.customer_id)
        new = [await self.beel.invoices.get(one) for one in drafts if one.lower() not in known]
        return [invoice for invoice in new if is_made_of(invoice, draft)]


async def drafts_of(beel: BeelClient, customer_id: str) -> list[str]:
    """List the ids of a customer's drafts.

    Raises:
        BeelMcpError: they cannot be listed, or are too many.
    """
    wanted = InvoiceFilter(("DRAFT",), customer_id=customer_id)
    return [one.id async for one in beel.invoices.list_all(wanted, most=MOST_DRAFTS)]


def planned_row(values: Mapping[str, Any], known: Sequence[str]) -> PlannedRow:
    """Give a draft as the journal keeps it, with the drafts that were there before it."""
    name = values["lines"][0]["description"]
    return PlannedRow(1, {**values, "name": name, "known": [one.lower() for one in known]})


def draft_of(row: PlannedRow) -> NewDraft:
    """Read a draft from the journal."""
    return read_draft(row.values)


def digest(draft: NewDraft) -> str:
    """Tell the very same draft again, however its decimals were written."""
    return digest_of(draft.body())


def recorded(row: PlannedRow, invoice: Invoice) -> dict[str, object]:
    """Make the record of a draft that is in BeeL."""
    name = invoice.recipient.legal_name or row.name
    return {"row": row.number, "name": name, **invoice_facts(invoice)}


def invoice_facts(invoice: Invoice) -> dict[str, str]:
    """Give what an answer tells of a draft, as BeeL has it."""
    return {
        "invoice_id": invoice.id,
        "invoice_status": invoice.status,
        "amount": f"{invoice.totals.total:.2f}",
        "made_of": _made_of(invoice.totals),
    }


def _made_of(totals: InvoiceTotals) -> str:
    """Say what the total is made of: a rate that was meant otherwise shows here."""
    parts = [
        f"base {totals.taxable_base:.2f}",
        f"tax {totals.total_tax + totals.total_surcharge:.2f}",
    ]
    return ", ".join([*parts, f"withheld {totals.total_irpf:.2f}"] if totals.total_irpf else parts)


def is_made_of(invoice: Invoice, draft: NewDraft) -> bool:
    """Tell whether an invoice says what was sent."""
    return (
        invoice.type == draft.type
        and len(invoice.lines) == len(draft.lines)
        and all(map(_is_line, invoice.lines, draft.lines))
    )


def _is_line(line: InvoiceLine, sent: DraftLine) -> bool:
    """Compare text, quantity and price; BeeL may keep fewer decimals than it was given."""
    return (
        (line.description or "").strip() == sent.description.strip()
        and _cents(line.quantity) == _cents(sent.quantity)
        and _cents(line.unit_price) == _cents(sent.unit_price)
    )


def _cents(value: Decimal | None) -> Decimal:
    return (value or Decimal()).quantize(_CENT)
