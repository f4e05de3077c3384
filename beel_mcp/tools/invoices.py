"""Invoices: found, drafted, and drafts deleted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.answer import NAME_LIMIT, next_steps
from beel_mcp.answers.changes import DraftDeletionAnswer
from beel_mcp.answers.creations import DraftAnswer
from beel_mcp.answers.found import FoundInvoice, FoundInvoices, found_summary
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.api.models import Invoice, RecordPage
from beel_mcp.cleaning import clean
from beel_mcp.context import AppState, Beel
from beel_mcp.errors import NextCall
from beel_mcp.tools.declare import guarded, read, write
from beel_mcp.tools.parameters import (
    CustomerId,
    Day,
    InvoiceIds,
    InvoiceLines,
    InvoiceStatuses,
    InvoiceType,
    Limit,
    Notes,
    OperationDay,
    Page,
    Quarter,
    Search,
    SelectionId,
)
from beel_mcp.tools.periods import period
from beel_mcp.usecases.confirmation import Call, ask, chosen
from beel_mcp.usecases.draft_creation import ask_to_draft, create_draft
from beel_mcp.writes.consent.elicitation import Consent, Question


async def find_invoices(
    beel: Beel,
    status: InvoiceStatuses | None = None,
    quarter: Quarter | None = None,
    date_from: Day | None = None,
    date_to: Day | None = None,
    customer_id: CustomerId | None = None,
    search: Search | None = None,
    page: Page = 1,
    limit: Annotated[Limit, Field(description="Invoices per page.")] = 20,
) -> FoundInvoices:
    """Find invoices in BeeL by status, quarter or dates, customer, number or name.

    Gives their invoice_id. Drafts have status DRAFT and mostly no number. For all PDFs of a
    quarter use download_invoices_zip, which needs no list.
    """
    first, last = period(quarter, date_from, date_to)
    wanted = InvoiceFilter(tuple(status or ()), first, last, customer_id, search)
    found = await beel.invoices.list(wanted, page=page, limit=limit)
    again = {
        "status": status,
        "quarter": quarter,
        "date_from": date_from,
        "date_to": date_to,
        "customer_id": customer_id,
        "search": search,
    }
    return _told(found, limit, again)


async def ask_to_delete(
    ctx: Context[AppState], invoice_ids: InvoiceIds | None, selection_id: SelectionId | None
) -> Question:
    """Look up which drafts would go, and ask the person."""
    return await ask(
        ctx,
        "delete_draft_invoice",
        lambda: chosen(ctx, "invoices", invoice_ids, selection_id, most=50),
    )


async def delete_draft_invoice(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_to_delete)],
    invoice_ids: InvoiceIds | None = None,
    selection_id: SelectionId | None = None,
) -> DraftDeletionAnswer:
    """Delete draft invoices from BeeL for good, once the person has agreed; nothing but drafts.

    Get the ids from find_invoices with status DRAFT. Issued invoices are refused: they are voided
    or corrected in BeeL. Asks the person, or returns a plan for confirm_plan.
    """
    result = await call.gate.answer(consent)
    return call.changed(DraftDeletionAnswer, result, "delete_draft_invoice")


def _told(found: RecordPage[Invoice], limit: int, again: Mapping[str, Any]) -> FoundInvoices:
    known = {name: value for name, value in again.items() if value}
    following = {**known, "page": found.page + 1, "limit": limit}
    step = NextCall("find_invoices", following, "the next page") if found.has_more else None
    return FoundInvoices(
        status="done",
        summary=found_summary(
            *("invoice", found.total, found.page, len(found.items)), nothing="No invoices match."
        ),
        invoices=[_found(invoice) for invoice in found.items],
        total=found.total,
        page=found.page,
        has_more=found.has_more,
        page_sum=f"{sum((invoice.totals.total for invoice in found.items), Decimal()):.2f}",
        next=next_steps(step),
    )


def _found(invoice: Invoice) -> FoundInvoice:
    who = invoice.recipient.legal_name or invoice.recipient.trade_name
    return FoundInvoice(
        invoice_id=invoice.id,
        number=clean(invoice.number, NAME_LIMIT) if invoice.number else None,
        date=invoice.issue_date.isoformat(),
        customer=clean(who, NAME_LIMIT) if who else None,
        amount=f"{invoice.totals.total:.2f}",
        status=clean(invoice.status, 20),
    )


async def ask_about_draft(
    ctx: Context[AppState],
    customer_id: CustomerId,
    lines: InvoiceLines,
    type: InvoiceType | None,  # noqa: A002 - the argument's name
    date: OperationDay | None,
    notes: Notes | None,
) -> Question:
    """Ask the person where the operator wants a yes for what only adds."""
    return await ask_to_draft(ctx, _values(customer_id, lines, type, date, notes))


async def create_draft_invoice(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_about_draft)],
    customer_id: CustomerId,
    lines: InvoiceLines,
    type: InvoiceType | None = None,  # noqa: A002 - the argument's name
    date: OperationDay | None = None,
    notes: Notes | None = None,
) -> DraftAnswer:
    """Create a draft invoice for a customer; it is never issued, and has no number yet.

    Decimals are text: "1250.50", rates in percent. The answer has the total as BeeL computed it:
    tell the person. The very same call within 24 hours finds the draft it made.
    """
    return await create_draft(call, consent, _values(customer_id, lines, type, date, notes))


def _values(
    customer_id: str,
    lines: list[Any],
    type: str | None,  # noqa: A002 - the argument's name
    date: str | None,
    notes: str | None,
) -> dict[str, Any]:
    """Put the arguments together as the journal keeps them."""
    given = {"customer_id": customer_id, "lines": lines, "type": type, "date": date}
    return {name: value for name, value in {**given, "notes": notes}.items() if value is not None}


TOOLS = (read(find_invoices), guarded(delete_draft_invoice), write(create_draft_invoice))
