"""What became of a write: settled by reading, told, and paged through."""

from typing import Annotated

from pydantic import Field

from beel_mcp.context import Beel, Caller, InFlight, Records, Times
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.guards.creating import check_books
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.records import Operation
from beel_mcp.guards.settling import Settling
from beel_mcp.guards.writes import Writes
from beel_mcp.parameters import Page
from beel_mcp.summaries.answer import capped, next_steps, plural
from beel_mcp.summaries.operations import (
    PAGE_SIZE,
    RETRY_AFTER_S,
    OperationAnswer,
    count,
    detail_of,
    open_operation,
    record_rows,
    status_of,
    summary_of,
)
from beel_mcp.tools.declare import read


async def check_operation(
    beel: Beel,
    journal: Records,
    writes: InFlight,
    timing: Times,
    caller: Caller,
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
        return _listed(journal.open_operations(await beel.account(), caller), writes)
    operation = journal.find(operation_id, caller)
    if operation is None:
        kind = "a batch_id" if operation_id.startswith("bat_") else "no operation_id of yours"
        raise CallerError(
            f"This is {kind}: an operation_id starts with op_.",
            code="unknown_operation",
            next_calls=(NextCall("check_operation", {}, "lists what is open"),),
        )
    check_books(operation, await beel.account())
    retry_after_s = None
    if running := writes.running(operation_id):
        ended = await running.wait(timing.patience_s)
        retry_after_s = None if ended else RETRY_AFTER_S
    else:
        settling = Settling(beel, journal, timing.sleep)
        retry_after_s = await settling.settle(operation_id, journal.time() + timing.patience_s)
    return _told(journal, journal.get(operation_id), writes, page, retry_after_s)


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
    rows = record_rows(operation, journal.private.records(operation))
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    has_more = page * PAGE_SIZE < len(rows)
    again = {"operation_id": operation.operation_id}
    following = NextCall("check_operation", {**again, "page": page + 1}, "the next page")
    running = writes.running(operation.operation_id) is not None
    return OperationAnswer(
        status=status_of(operation, running=running),
        detail=detail_of(operation, running=running) or None,
        summary=summary_of(operation, running=running)
        + (f" Page {page} is empty." if rows and not shown else ""),
        operation_id=operation.operation_id,
        tool=operation.kind,
        total=operation.total,
        counts=count(operation),
        rows=shown or None,
        page=page,
        has_more=has_more,
        retry_after_s=retry_after_s,
        next=next_steps(
            NextCall("check_operation", again, f"in {retry_after_s} s") if retry_after_s else None,
            following if has_more else None,
        ),
    )


TOOLS = (read(check_operation),)
