"""What was decided about a list before: whether it is gone on with, or something new is decided."""

from dataclasses import dataclass

from beel_mcp.context import AppState
from beel_mcp.guards.creating import KIND, Creating, is_overtaken
from beel_mcp.guards.database import JournalError
from beel_mcp.guards.records import Operation
from beel_mcp.lists.batches import Batch


@dataclass(frozen=True)
class Decided:
    """A list as it can be created now, and what was decided about the very same rows."""

    batch: Batch
    before: Operation | None = None  # created them, or some of them
    begun: Operation | None = None  # has left to send exactly what can be created now
    is_renewed: bool = False  # has another batch_id, because a decision is about its rows only once


async def decided_before(state: AppState, batch: Batch) -> Decided:
    """Find out how a list just checked goes on; looking at it needs no journal."""
    try:
        account = await state.beel.account()
        before = state.journal.created_before(batch.payload_digest, account)
        own = state.journal.find_decision(KIND, batch.caller, batch.batch_id)
        begun = next((one for one in (own, before) if one and _goes_on(state, one, batch)), None)
    except JournalError:
        return Decided(batch)
    is_over = own is not None and own is not begun and not own.is_open
    if is_over and batch.importable() and not batch.counts()["unchecked"]:
        return Decided(batch.renewed(), before, begun, is_renewed=True)
    return Decided(batch, before, begun)


def _goes_on(state: AppState, operation: Operation, batch: Batch) -> bool:
    """Whether going on with an operation creates what can be created of a batch, and no other."""
    if operation.caller != batch.caller:
        return False
    if operation.is_open:
        return any(chunk.state == "READY" for chunk in operation.chunks)
    may_send = Creating(state.beel, state.journal, state.writes).may_send
    left = [
        row
        for chunk in filter(may_send, operation.chunks)
        for row in state.journal.private.payload(chunk) or ()
    ]
    wanted = [row.payload() for row in batch.importable()]
    if not left or [row.values for row in left] != wanted:
        return False
    return not is_overtaken(state.journal, operation, left)
