"""Invoices: found, drafted, and drafts deleted."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.changes import DraftDeletionAnswer
from beel_mcp.answers.creations import DraftAnswer
from beel_mcp.answers.invoices.found import FoundInvoices
from beel_mcp.answers.invoices.mailed import MailAnswer
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.context import AppState, app_state
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.tools.declare import guarded, read, write
from beel_mcp.tools.parameters import (
    CustomerId,
    Day,
    InvoiceIds,
    InvoiceLines,
    InvoiceStatuses,
    InvoiceType,
    Limit,
    MailIds,
    Notes,
    OperationDay,
    Page,
    Quarter,
    Recipients,
    Search,
    SelectionId,
)
from beel_mcp.tools.periods import period
from beel_mcp.usecases.confirmation import Call, ask, chosen
from beel_mcp.usecases.draft_creation import ask_to_draft, create_draft
from beel_mcp.usecases.invoice_sums.grouping import GroupBy
from beel_mcp.usecases.invoice_sums.search import InvoiceQuestion, answer_question
from beel_mcp.usecases.mailing import mail_arguments
from beel_mcp.writes.consent.elicitation import Consent, Question


async def find_invoices(
    ctx: Context[AppState],
    status: InvoiceStatuses | None = None,
    quarter: Quarter | None = None,
    date_from: Day | None = None,
    date_to: Day | None = None,
    customer_id: CustomerId | None = None,
    search: Search | None = None,
    group_by: Annotated[GroupBy, Field(description="Sums for each, without the list.")]
    | None = None,
    select_all: Annotated[bool, Field(description="Keep all ids as selection_id.")] = False,  # noqa: FBT002 - called by name, over MCP
    page: Page = 1,
    limit: Annotated[Limit, Field(description="Invoices per page.")] | None = None,
) -> FoundInvoices:
    """Find invoices in BeeL, and sums of all that match: invoiced, collected, outstanding, overdue.

    By status, quarter or dates, customer, number or name. What somebody owes: search with group_by
    customer. Rectified invoices are never overdue. For all PDFs of a quarter use
    download_invoices_zip.
    """
    first, last = period(quarter, date_from, date_to)
    wanted = InvoiceFilter(tuple(status or ()), first, last, customer_id, search)
    given = {
        "status": status,
        "quarter": quarter,
        "date_from": date_from,
        "date_to": date_to,
        "customer_id": customer_id,
        "search": search,
    }
    again = {name: value for name, value in given.items() if value}
    if not again and (empty := [name for name, value in given.items() if value is not None]):
        raise CallerError(
            "No invoice was looked for: an empty filter would list all.",
            field_errors=[FieldError(name, "is empty: leave it out, or fill it") for name in empty],
        )
    question = InvoiceQuestion(wanted, again, page, limit, group_by, select_all)
    return await answer_question(app_state(ctx), question)


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
    result = await call.answer(consent)
    return await call.changed(DraftDeletionAnswer, result, "delete_draft_invoice")


async def ask_to_send(
    ctx: Context[AppState],
    recipients: Recipients,
    invoice_ids: MailIds | None,
    selection_id: SelectionId | None,
    cc: list[str] | None,
    subject: str | None,
    message: str | None,
) -> Question:
    """Look up which invoices would be mailed, and ask the person."""
    return await ask(
        ctx,
        "send_invoices",
        lambda: mail_arguments(
            ctx, invoice_ids, selection_id, recipients, cc or (), subject, message
        ),
    )


async def send_invoices(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_to_send)],
    recipients: Recipients,
    invoice_ids: MailIds | None = None,
    selection_id: SelectionId | None = None,
    cc: list[str] | None = None,
    subject: str | None = None,
    message: str | None = None,
) -> MailAnswer:
    """Mail invoices as PDFs, to the accountant or a customer, once the person has agreed.

    One mail, from BeeL, which cannot be taken back. Drafts and voided ones stay out. Asks the
    person, or returns a plan for confirm_plan. Never repeat it: check_operation.
    """
    result = await call.answer(consent)
    return await call.changed(MailAnswer, result, "send_invoices")


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


TOOLS = (
    read(find_invoices),
    guarded(delete_draft_invoice),
    write(create_draft_invoice),
    guarded(send_invoices),
)
