"""New draft invoices."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve

from beel_mcp.context import AppState, app_state
from beel_mcp.guards.consent import Consent, NotNeeded, Question, Told
from beel_mcp.guards.drafting import KIND
from beel_mcp.guards.guard import Agreed
from beel_mcp.parameters import CustomerId, InvoiceLines, InvoiceType, Notes, OperationDay
from beel_mcp.summaries.drafts import DraftAnswer
from beel_mcp.tools.declare import write
from beel_mcp.tools.draft_creation import Drafter, draft_agreed
from beel_mcp.tools.guarded import GuardedCall, asked, guarded_call


async def ask_to_draft(
    ctx: Context[AppState],
    customer_id: CustomerId,
    lines: InvoiceLines,
    type: InvoiceType | None,  # noqa: A002 - the argument's name
    date: OperationDay | None,
    notes: Notes | None,
) -> Question:
    """Ask the person where the operator wants a yes for what only adds."""
    state = app_state(ctx)
    if not state.settings.confirm_creates:  # guard: the operator's word for a draft
        return NotNeeded()
    values = _values(customer_id, lines, type, date, notes)
    return await asked(KIND, lambda: _ask(ctx, state, values))


async def create_draft_invoice(
    call: GuardedCall,
    consent: Annotated[Consent, Resolve(ask_to_draft)],
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
    verdict = await call.guard.verdict(consent)
    if isinstance(verdict, Agreed):
        return await draft_agreed(call, verdict)
    if isinstance(verdict, NotNeeded):
        values = _values(customer_id, lines, type, date, notes)
        return await Drafter(call.state, values).create()
    return call.told_draft(verdict)


async def _ask(ctx: Context[AppState], state: AppState, values: dict[str, Any]) -> Question:
    drafter, guard = Drafter(state, values), guarded_call(ctx).guard
    guard.check()
    if answer := await drafter.before():
        return Told(answer)
    return await guard.ask_about(*await drafter.shown())


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


TOOLS = (write(create_draft_invoice),)
