"""Plans that wait for a yes, and operations: confirmed, settled by reading, paged through."""

from typing import Annotated

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.operations import (
    ConfirmationAnswer,
    OperationAnswer,
    operation_answer,
    operations_answer,
)
from beel_mcp.context import AppState, Beel
from beel_mcp.tools.declare import confirms, read
from beel_mcp.tools.parameters import Page
from beel_mcp.usecases.confirmation import Call, asked, call_of
from beel_mcp.usecases.plan_confirmation import confirm
from beel_mcp.writes.consent.elicitation import Consent, Question
from beel_mcp.writes.run.execution import check_account

PlanId = Annotated[str, Field(description="From an answer with confirmation_required.")]
Statement = Annotated[str, Field(description="The plan's own sentence, word for word.")]


async def ask_about_plan(ctx: Context[AppState], plan_id: PlanId, statement: Statement) -> Question:
    """Hold the statement against the plan, and ask the person where the app can."""
    call = call_of(ctx)
    return await asked(ctx, call, "confirm_plan", lambda: call.gate.ask_again(plan_id, statement))


async def confirm_plan(
    plan_id: PlanId,
    statement: Statement,
    call: Call,
    consent: Annotated[Consent, Resolve(ask_about_plan)],
) -> ConfirmationAnswer:
    """Carry out a plan that a tool answered with, because this app cannot ask the person itself.

    Show the person the statement and call this only after they agreed to it. A plan lasts 10
    minutes and runs once; calling again gives its recorded outcome.
    """
    return await confirm(call, consent)


async def check_operation(
    beel: Beel,
    call: Call,
    operation_id: Annotated[
        str | None, Field(description="From the answer of the write; leave out to list today's.")
    ] = None,
    page: Page = 1,
) -> OperationAnswer:
    """Find out what became of a write whose outcome is unknown, by reading BeeL only.

    Waits if it is still running, and pages through what was done, old and new values. Without an
    operation_id it lists what is running, unsettled, or ended in the last 24 hours. Call it instead
    of repeating a write.
    """
    async with call.in_doubt(operation_id or ""):
        account = await beel.account()
    if operation_id is None:
        unfinished = await call.open_operations(account)
        return operations_answer(unfinished, *await call.ended_operations(account, page), page)
    operation = await call.find_operation(operation_id)
    check_account(operation, account)
    operation, retry_after_s = await call.settle(operation)
    outcome = await call.outcome(operation)
    return operation_answer(outcome, page=page, retry_after_s=retry_after_s)


TOOLS = (confirms(confirm_plan), read(check_operation))
