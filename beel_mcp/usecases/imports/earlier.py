"""What was decided about a list before: a creation that goes on, or one that is over."""

from dataclasses import replace

from beel_mcp.answers.validation import Validation
from beel_mcp.context import AppState
from beel_mcp.lists.batch import Batch
from beel_mcp.usecases.write_context import write_row
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.kinds.create_customers import CustomerCreation, is_overtaken
from beel_mcp.writes.kinds.protocol import unsettled_overlap


async def with_earlier_decisions(state: AppState, checked: Validation) -> Validation:
    """Find out how a list just checked goes on; looking at it needs no journal.

    It gets another batch_id where a decision about its own is over: there is one for each id.
    """
    batch = checked.batch
    try:
        account = await state.beel.account()
        before = await state.journal.created_before(batch.payload_digest, account)
        own = await state.journal.find_decision(CustomerCreation.name, batch.caller, batch.batch_id)
        begun = None
        for earlier in (own, before):
            if earlier and not begun and await _goes_on(state, earlier, batch):
                begun = earlier
        unsettled = None
        if not begun:
            rows = [write_row(row) for row in batch.importable()]
            unsettled = await unsettled_overlap(state.journal, account, rows)
    except JournalError:
        return checked
    found = replace(checked, before=before, begun=begun, unsettled=unsettled)
    is_over = own is not None and own is not begun and not own.is_open
    if is_over and batch.importable() and not batch.counts()["unchecked"]:
        return replace(found, batch=batch.renewed(), is_renewed=True)
    return found


async def _goes_on(state: AppState, operation: Operation, batch: Batch) -> bool:
    """Whether going on with an operation creates what can be created of a batch, and no other."""
    journal = state.journal
    if operation.caller != batch.caller:
        return False
    if operation.is_open:
        return any(chunk.state == "READY" for chunk in operation.chunks)
    left = await journal.personal_data.payload(*await journal.sendable(operation.chunks))
    wanted = [row.payload() for row in batch.importable()]
    if not left or [row.payload for row in left] != wanted:
        return False
    return not await is_overtaken(journal, operation, left)
