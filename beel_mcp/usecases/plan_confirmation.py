"""confirm_plan: carries a plan out, and answers as the tool whose plan it was."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from beel_mcp.answers.changes import (
    ChangeAnswer,
    DeactivationAnswer,
    DraftDeletionAnswer,
    UpdateAnswer,
)
from beel_mcp.answers.creations import CreationAnswer, DraftAnswer, creation_answer, draft_answer
from beel_mcp.answers.invoices.mailed import MailAnswer
from beel_mcp.answers.operations import ConfirmationAnswer, confirmed
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.usecases.confirmation import WriteCall
from beel_mcp.usecases.draft_creation import draft_agreed
from beel_mcp.usecases.imports.creation import create_agreed
from beel_mcp.usecases.page_question import OnPageAnswered
from beel_mcp.writes.consent.elicitation import Consent
from beel_mcp.writes.run.execution import Agreed
from beel_mcp.writes.run.gate import Executed, NotConfirmed, Result, Waiting


@dataclass(frozen=True)
class Confirmable:
    """A tool whose plans confirm_plan carries out: how, and how it answers without doing so."""

    carry_out: Callable[[WriteCall, Agreed], Awaitable[WriteAnswer]]
    answer: Callable[[WriteCall, Result], Awaitable[WriteAnswer]]


async def confirm(call: WriteCall, consent: Consent) -> ConfirmationAnswer:
    """Carry out the plan that the person agreed to, or say what happened instead.

    Raises:
        BeelMcpError: nothing was sent.
    """
    verdict = await call.verdict(consent)
    if isinstance(verdict, OnPageAnswered):
        return confirmed(verdict.answer, verdict.tool)
    if isinstance(verdict, Agreed):
        tool = verdict.plan.kind
        return confirmed(await CONFIRMABLE[tool].carry_out(call, verdict), tool)
    if isinstance(verdict, Executed):
        tool = verdict.operation.kind
    elif isinstance(verdict, NotConfirmed | Waiting) and verdict.plan:
        tool = verdict.plan.kind
    else:
        return confirmed(await call.unconfirmed(WriteAnswer, verdict, "confirm_plan"), None)
    return confirmed(await CONFIRMABLE[tool].answer(call, verdict), tool)


def _change(tool: str, answer: type[ChangeAnswer]) -> Confirmable:
    async def carry_out(call: WriteCall, agreed: Agreed) -> WriteAnswer:
        return await call.changed(answer, await call.gate.execute(agreed), tool)

    return Confirmable(carry_out, lambda call, result: call.changed(answer, result, tool))


async def _customers(call: WriteCall, result: Result) -> WriteAnswer:
    if isinstance(result, Executed):
        return creation_answer(await call.outcome(result.operation), result)
    return await call.unconfirmed(CreationAnswer, result, "create_customers")


async def _draft(call: WriteCall, result: Result) -> WriteAnswer:
    if isinstance(result, Executed):
        return draft_answer(await call.outcome(result.operation), result)
    return await call.unconfirmed(DraftAnswer, result, "create_draft_invoice")


CONFIRMABLE: Final[Mapping[str, Confirmable]] = {
    "create_customers": Confirmable(create_agreed, _customers),
    "create_draft_invoice": Confirmable(draft_agreed, _draft),
    "update_customers": _change("update_customers", UpdateAnswer),
    "deactivate_customers": _change("deactivate_customers", DeactivationAnswer),
    "delete_draft_invoice": _change("delete_draft_invoice", DraftDeletionAnswer),
    "send_invoices": _change("send_invoices", MailAnswer),
}
