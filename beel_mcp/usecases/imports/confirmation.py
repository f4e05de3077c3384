"""What create_customers was asked for: made ready, asked about where wanted, created."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from beel_mcp.answers.answer import next_steps
from beel_mcp.answers.batches import CreationAnswer
from beel_mcp.answers.creations import creation_answer
from beel_mcp.answers.validation import creation_call
from beel_mcp.context import AppState, app_state, caller
from beel_mcp.errors import BeelMcpError, CallerError
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Row
from beel_mcp.usecases.confirmation import asked, guarded_call
from beel_mcp.usecases.imports.creation import (
    Creator,
    check_count,
    check_inline_count,
    left_out,
    nothing_created,
    remarks,
)
from beel_mcp.usecases.imports.validation import Judging, is_old
from beel_mcp.writes.consent.elicitation import NotNeeded, Question, Told
from beel_mcp.writes.journal.records import Operation, PlannedRow
from beel_mcp.writes.kinds.create_customers import KIND
from beel_mcp.writes.kinds.creation_plan import Addition
from beel_mcp.writes.run.gate import Agreed


@dataclass(frozen=True)
class Wanted:
    """The arguments of create_customers."""

    customers: Sequence[Any] | None
    batch_id: str | None
    expected_count: int | None
    skip_problems: bool

    def check(self) -> None:
        """Refuse arguments that do not go together.

        Raises:
            CallerError: they do not.
        """
        inline = self.customers is not None
        if inline == (self.batch_id is not None) or (inline and self.skip_problems):
            raise CallerError(
                "Give either batch_id (from validate_customers) or customers; skip_problems goes"
                " with batch_id."
            )


async def create_wanted(state: AppState, wanted: Wanted) -> CreationAnswer:
    """Create what was asked for, or go on with it.

    Raises:
        BeelMcpError: nothing was sent.
    """
    wanted.check()
    creator = _creator(state)
    if wanted.batch_id and (earlier := creator.find(wanted.batch_id)):
        operation = await creator.go_on(earlier, wanted.expected_count)
        return told(state, operation, replayed=operation == earlier, stopped=creator.stopped)
    ready = await _ready(state, wanted)
    if isinstance(ready, CreationAnswer):
        return ready
    return await _create(state, creator, ready, is_inline=wanted.batch_id is None)


async def create_agreed(state: AppState, agreed: Agreed) -> CreationAnswer:
    """Create what the person agreed to: the batch of the plan, as it was shown.

    Raises:
        BeelMcpError: nothing was sent.
    """
    batch = state.batches.get(agreed.plan.arguments["batch_id"], caller())
    return await _create(state, _creator(state), batch, is_inline=False, agreed=agreed)


async def ask_about_creation(ctx: Context[AppState], wanted: Wanted) -> Question:
    """Ask the person, if the operator wants a yes for what only adds."""
    state = app_state(ctx)
    if not state.settings.confirm_creates:  # guard: the operator's word
        return NotNeeded()
    return await asked(KIND, lambda: _ask(ctx, state, wanted))


async def _ask(ctx: Context[AppState], state: AppState, wanted: Wanted) -> Question:
    wanted.check()
    guard = guarded_call(ctx).guard
    guard.check()
    if wanted.batch_id and (earlier := _creator(state).find(wanted.batch_id)):
        if earlier.confirmed_by is None:  # guard: begun before a yes was wanted
            raise CallerError(
                "The creation of this batch was begun before the operator wanted a person's yes.",
                code="batch_expired",
                remedy="Call validate_customers again with the same list.",
            )
        return NotNeeded()
    ready = await _ready(state, wanted)
    if isinstance(ready, CreationAnswer):
        return Told(ready)
    if wanted.batch_id is None:
        state.batches.add(ready)
    goes = {row.number for row in ready.importable()}
    addition = Addition(ready.batch_id, ready.payload_digest)
    look = addition.look(
        _planned(ready.importable()), _planned(row for row in ready.rows if row.number not in goes)
    )
    return await guard.ask_about(addition, look)


def told(
    state: AppState,
    operation: Operation,
    *,
    replayed: bool = False,
    before: bool = False,
    stopped: BeelMcpError | None = None,
) -> CreationAnswer:
    """Say what became of a creation."""
    return creation_answer(
        operation,
        state.journal.private.records(operation),
        running=state.writes.running(operation.operation_id) is not None,
        replayed=replayed,
        before=before,
        stopped=stopped,
        can_check=any(one.batch_id == operation.subject for one in state.batches.of(caller())),
    )


async def _create(
    state: AppState,
    creator: Creator,
    batch: Batch,
    *,
    is_inline: bool,
    agreed: Agreed | None = None,
) -> CreationAnswer:
    operation, before = await creator.create(batch, agreed)
    answer = told(state, operation, before=before is not None, stopped=creator.stopped)
    return answer.model_copy(update=remarks(batch) if is_inline else {"left_out": left_out(batch)})


async def _ready(state: AppState, wanted: Wanted) -> Batch | CreationAnswer:
    """Give a batch that can be created as it is, checked lately; or say why there is none."""
    if wanted.batch_id:
        batch = await _fresh(state, state.batches.get(wanted.batch_id, caller()))
        check_count(batch, wanted.expected_count, skip_problems=wanted.skip_problems)
    else:
        batch = Batch(caller(), "inline", read_inline(wanted.customers or []))
        batch = (await judging(state).judge(batch)).batch
        check_inline_count(batch, wanted.expected_count)
    if wanted.skip_problems or len(batch.importable()) == len(batch.rows):
        return batch
    # Inline rows have no handle to offer the others with.
    step = next_steps(creation_call(batch)) if wanted.batch_id else None
    return nothing_created(batch).model_copy(update={"next": step})


async def _fresh(state: AppState, batch: Batch) -> Batch:
    """Check again what was checked a while ago: BeeL may have changed since."""
    if not any(check and is_old(check, state.timing.now) for check in batch.checks):
        return batch
    judged = await judging(state).judge(batch)
    state.batches.replace(judged.batch)
    return judged.batch


def judging(state: AppState) -> Judging:
    """Give what asks BeeL about a batch, for as long as a call has."""
    ends_at = anyio.current_time() + state.timing.patience_s
    return Judging(state.beel, state.journal, state.timing.now, ends_at)


def _creator(state: AppState) -> Creator:
    return Creator(state.beel, state.journal, state.writes, state.timing, caller())


def _planned(rows: Iterable[Row]) -> list[PlannedRow]:
    return [PlannedRow(row.number, row.payload()) for row in rows]
