"""Plans that wait for a yes, and operations: confirmed, settled by reading, paged through."""

from typing import Annotated

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.answer import capped, next_steps, plural
from beel_mcp.answers.changes import ConfirmationAnswer
from beel_mcp.answers.creations import going_on_call
from beel_mcp.answers.operations import PAGE_SIZE, OperationAnswer, open_operation, saved, tell
from beel_mcp.answers.outcome import RETRY_AFTER_S
from beel_mcp.context import AppState, Beel, Caller, InFlight, Records, Times, Timing
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.tools.declare import confirms, read
from beel_mcp.tools.parameters import Page
from beel_mcp.usecases.confirmation import GuardedCall, asked, confirmed_addition, guarded_call
from beel_mcp.usecases.draft_creation import draft_agreed
from beel_mcp.usecases.imports.confirmation import create_agreed
from beel_mcp.writes.consent.elicitation import Consent, Question
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.journal.workers import Writes
from beel_mcp.writes.kinds.create_customers import KIND as CREATION
from beel_mcp.writes.kinds.create_customers import check_books
from beel_mcp.writes.kinds.create_draft import KIND as NEW_DRAFT
from beel_mcp.writes.kinds.create_draft import DraftSettling
from beel_mcp.writes.run.chunk_result import known_rows
from beel_mcp.writes.run.gate import Agreed
from beel_mcp.writes.run.reconciliation import Checking, Settling

PlanId = Annotated[str, Field(description="From an answer with confirmation_required.")]
Statement = Annotated[str, Field(description="The plan's own sentence, word for word.")]


async def ask_about_plan(ctx: Context[AppState], plan_id: PlanId, statement: Statement) -> Question:
    """Hold the sentence against the plan, and ask the person where the app can."""
    guard = guarded_call(ctx).guard
    return await asked("confirm_plan", lambda: guard.ask_again(plan_id, statement))


async def confirm_plan(
    plan_id: PlanId,
    statement: Statement,
    call: GuardedCall,
    consent: Annotated[Consent, Resolve(ask_about_plan)],
) -> ConfirmationAnswer:
    """Carry out a plan that a tool answered with, because this app cannot ask the person itself.

    Show the person the statement and call this only after they agreed to it. A plan lasts 10
    minutes and runs once; calling again gives its recorded outcome.
    """
    verdict = await call.guard.verdict(consent)
    if not isinstance(verdict, Agreed):
        return call.confirmed(verdict)
    if verdict.plan.kind == CREATION:
        return confirmed_addition(await create_agreed(call, verdict), CREATION)
    if verdict.plan.kind == NEW_DRAFT:
        return confirmed_addition(await draft_agreed(call, verdict), NEW_DRAFT)
    return call.confirmed(await call.guard.carry_out(verdict))


async def check_operation(
    beel: Beel,
    journal: Records,
    writes: InFlight,
    timing: Times,
    caller: Caller,
    call: GuardedCall,
    operation_id: Annotated[
        str | None, Field(description="From the answer of the write; leave out to list open ones.")
    ] = None,
    page: Page = 1,
) -> OperationAnswer:
    """Find out what became of a write whose outcome is unknown, by reading BeeL only.

    Waits if it is still running, and pages through the record of what was done. Without an
    operation_id it lists what is running or unsettled. Call it instead of repeating a write.
    """
    if operation_id is None:
        account = await beel.account()
        unfinished = journal.open_operations(account, caller) + journal.interrupted(account, caller)
        return _listed(unfinished, writes)
    operation = journal.find(operation_id, caller)
    if operation is None:
        kind = "a batch_id" if operation_id.startswith("bat_") else "no operation_id of yours"
        raise CallerError(
            f"This is {kind}: an operation_id starts with op_.",
            code="unknown_operation",
            next_calls=(NextCall("check_operation", {}, "lists what is open"),),
        )
    check_books(operation, await beel.account())
    if running := writes.running(operation_id):
        ended = await running.wait(timing.patience_s)
        retry_after_s = None if ended else RETRY_AFTER_S
    else:
        retry_after_s = await _settle(operation, call, timing)
    operation = journal.get(operation_id)
    if operation.ended_at is None and not operation.is_open and not writes.running(operation_id):
        journal.end(operation_id)  # what was left half done is known to somebody now
    return _told(journal, operation, writes, page, retry_after_s)


async def _settle(operation: Operation, call: GuardedCall, timing: Timing) -> int | None:
    """Look what became of it; seconds to wait if that takes longer than a call."""
    state = call.state
    settling: Settling | Checking
    if operation.kind == CREATION:
        settling = Settling(state.beel, state.journal, timing.sleep)
    elif operation.kind == NEW_DRAFT:
        settling = DraftSettling(state.beel, state.journal, timing.sleep)
    else:
        settling = Checking(state.journal, call.change_of, timing.sleep)
    return await settling.settle(operation.operation_id, state.journal.time() + timing.patience_s)


def _listed(operations: list[Operation], writes: Writes) -> OperationAnswer:
    shown, more = capped(
        [open_operation(one, running=bool(writes.running(one.operation_id))) for one in operations]
    )
    number = plural(len(operations), "operation") if operations else "No operation is"
    return OperationAnswer(
        status="done",
        summary=f"{number} running or of unknown outcome.",
        operations=shown,
        more_operations=more,
        next=next_steps(
            *(
                NextCall(
                    "check_operation", {"operation_id": one.operation_id}, "settles it, by reading"
                )
                for one in shown[:3]
            )
        ),
    )


def _told(
    journal: Journal,
    operation: Operation,
    writes: Writes,
    page: int,
    retry_after_s: int | None,
) -> OperationAnswer:
    running = writes.running(operation.operation_id) is not None
    told = tell(operation, known_rows(journal, operation), running=running)
    shown = told.rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    has_more = page * PAGE_SIZE < len(told.rows)
    again = {"operation_id": operation.operation_id}
    following = NextCall("check_operation", {**again, "page": page + 1}, "the next page")
    is_creation = operation.kind == CREATION and not running and not operation.is_open
    return OperationAnswer(
        status=told.status,
        detail=told.detail or None,
        summary=told.summary + (f" Page {page} is empty." if told.rows and not shown else ""),
        operation_id=operation.operation_id,
        tool=operation.kind,
        total=operation.total,
        counts=told.counts,
        **saved(operation),
        rows=shown or None,
        page=page,
        has_more=has_more,
        retry_after_s=retry_after_s,
        next=next_steps(
            NextCall("check_operation", again, f"in {retry_after_s} s") if retry_after_s else None,
            following if has_more else None,
            going_on_call(operation) if is_creation else None,
        ),
    )


TOOLS = (confirms(confirm_plan), read(check_operation))
