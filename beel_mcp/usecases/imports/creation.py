"""From a checked batch to customers in BeeL: what may be created, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio

from beel_mcp.answers.answer import LIST_CAP, plural
from beel_mcp.answers.batches import CreationAnswer, CreationCounts, problem_groups
from beel_mcp.answers.creations import is_whole
from beel_mcp.answers.validation import continuing_call, creation_call
from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account
from beel_mcp.context import AppState, Timing
from beel_mcp.errors import BeelMcpError, CallerError, FieldError, NextCall
from beel_mcp.lists.batch import PART_SIZE, Batch
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Decision, Operation, Planned, PlannedRow
from beel_mcp.writes.journal.workers import Writes
from beel_mcp.writes.kinds.create_customers import (
    KIND,
    Creating,
    check_books,
    is_overtaken,
    overlapping,
    overtaken,
    unsettled_overlap,
)
from beel_mcp.writes.run.gate import Agreed, not_open
from beel_mcp.writes.run.reconciliation import Settling


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


def check_count(batch: Batch, expected_count: int | None, *, skip_problems: bool) -> None:
    """Hold the number that the person agreed to against what would be created.

    Raises:
        CallerError: they differ, or nothing can be created.
    """
    importable = len(batch.importable())
    if expected_count is None:
        raise CallerError(
            f"create_customers needs expected_count with batch_id; {importable} rows of this"
            " batch can be created.",
            field_errors=(FieldError("expected_count", "is required with batch_id"),),
        )
    if unchecked := batch.counts()["unchecked"]:
        raise CallerError(
            f"{plural(unchecked, 'row')} of this batch {'is' if unchecked == 1 else 'are'} not"
            " checked yet.",
            code="unchecked_rows",
            retryable=True,
            next_calls=(continuing_call(batch),),
        )
    if expected_count == importable > 0:
        return
    if not importable:
        raise CallerError(
            "No row of this batch can be created.",
            code="nothing_importable",
            next_calls=(_listing_call(batch),),
        )
    all_go = skip_problems or importable == len(batch.rows)
    raise CallerError(
        f"expected_count is {expected_count}, but {importable} of {len(batch.rows)} rows can be"
        " created.",
        code="wrong_count",
        field_errors=(FieldError("expected_count", f"must be {importable}"),),
        remedy="Tell the person the right number and ask again."
        if all_go
        else "The other rows have problems: ask the person whether to leave them out.",
        next_calls=(call,) if (call := creation_call(batch)) else (),
    )


def _listing_call(batch: Batch) -> NextCall:
    return NextCall("list_batch_rows", {"batch_id": batch.batch_id}, "says why, row by row")


def check_inline_count(batch: Batch, expected_count: int | None) -> None:
    """Hold a number that came with inline rows against them; it may be left out.

    Raises:
        CallerError: another number of customers was given.
    """
    if expected_count not in (None, len(batch.rows)):
        raise CallerError(
            f"expected_count is {expected_count}, but {len(batch.rows)} customers were given.",
            code="wrong_count",
            field_errors=(FieldError("expected_count", f"must be {len(batch.rows)}"),),
        )


def remarks(batch: Batch) -> dict[str, object]:
    """Give what is worth telling about rows that were created without a check before."""
    groups, more = problem_groups(batch)
    return {"problems": groups, "more_problems": more}


def nothing_created(batch: Batch) -> CreationAnswer:
    """Say which rows keep the batch from being created."""
    others = len(batch.rows) - len(batch.importable())
    groups, more = problem_groups(batch)
    return CreationAnswer(
        status="nothing_done",
        summary=f"Nothing was created: {plural(others, 'row')} of {len(batch.rows)}"
        f" {'has' if others == 1 else 'have'} problems.",
        total=len(batch.rows),
        counts=CreationCounts(not_attempted=len(batch.rows)),
        problems=groups,
        more_problems=more,
    )


def left_out(batch: Batch) -> list[int] | None:
    """List the rows that are not created because of their problems; the first ones."""
    importable = {row.number for row in batch.importable()}
    return [row.number for row in batch.rows if row.number not in importable][:LIST_CAP] or None


class Creator:
    """Carries a decision to create out, once, and goes on with it where it stopped."""

    def __init__(
        self, beel: BeelClient, journal: Journal, writes: Writes, timing: Timing, caller: str
    ) -> None:
        self._beel = beel
        self._journal = journal
        self._writes = writes
        self._timing = timing
        self._caller = caller
        self._ends_at = anyio.current_time() + timing.patience_s
        self._creating = Creating(beel, journal, writes)
        self.stopped: BeelMcpError | None = None  # why the rest was not sent

    def _left_s(self) -> float:
        """Tell what is left of the call: settling and waiting share it."""
        return max(self._ends_at - anyio.current_time(), 0.0)

    def find(self, batch_id: str) -> Operation | None:
        """Look up what was made of a batch before, in this process or another."""
        return self._journal.find_decision(KIND, self._caller, batch_id)

    async def create(
        self, batch: Batch, agreed: Agreed | None = None
    ) -> tuple[Operation, Operation | None]:
        """Record the decision and carry it out; with the operation that made the same rows before.

        A plan that was agreed to is spent on it.

        Raises:
            BeelMcpError: nothing was sent.
        """
        account = await self._beel.account()
        # Another call with the same batch may have decided while this one waited.
        if earlier := self.find(batch.batch_id):
            return await self.go_on(earlier, len(batch.importable())), None
        rows = [PlannedRow(row.number, row.payload()) for row in batch.importable()]
        if other := unsettled_overlap(self._journal, account, rows):
            raise overlapping(other)
        checked_at = (batch.validated_at or self._timing.now()).timestamp()
        if self._journal.private.created_since(rows, account.ledger_id, checked_at):
            raise overtaken(batch.batch_id)
        if begun := self._begun(batch, account, rows):
            if agreed:
                self._journal.plans.drop(agreed.plan)
            return await self._carry_out(begun), None
        before = self._journal.created_before(batch.payload_digest, account)
        if before and not is_whole(before):
            before = None  # what it did create shows as duplicates
        decision = Decision(
            *(KIND, self._caller, batch.batch_id, batch.payload_digest, account),
            total=len(batch.rows),
            checked_at=checked_at,
        )
        took_ms = batch.processing_time_ms
        chunks = [
            Planned(rows[start : start + PART_SIZE], took_ms)
            for start in range(0, len(rows), PART_SIZE)
        ]
        operation = self._begin(decision, chunks, agreed)
        return await self._carry_out(operation), before

    def _begin(
        self, decision: Decision, chunks: Sequence[Planned], agreed: Agreed | None
    ) -> Operation:
        if agreed is None:
            return self._journal.begin(decision, chunks)
        plan = agreed.plan
        confirmed = replace(decision, plan_id=plan.plan_id, confirmed_by=agreed.confirmed_by)
        operation = self._journal.take(plan, confirmed, chunks)
        if operation is None:
            raise not_open()
        return operation

    def _begun(
        self, batch: Batch, account: Account, rows: Sequence[PlannedRow]
    ) -> Operation | None:
        """Find the same decision, begun and not carried out: it goes on under its own key."""
        begun = self._journal.begun(KIND, batch.payload_digest, account, self._caller)
        if begun is None or not all(map(self._creating.may_send, begun.chunks)):
            return None
        kept = [row for chunk in begun.chunks for row in self._journal.private.payload(chunk) or ()]
        if [row.values for row in kept] != [row.values for row in rows]:
            return None
        return None if is_overtaken(self._journal, begun, kept) else begun

    async def go_on(self, operation: Operation, expected_count: int | None) -> Operation:
        """Go on with a decision: wait for it, settle what is unknown, send what was never sent.

        Raises:
            CallerError: another number was agreed to, or BeeL would not take the rest any more.
            BeelMcpError: nothing was sent.
        """
        check_books(operation, await self._beel.account())
        planned = sum(chunk.count for chunk in operation.chunks)
        if not operation.is_open and not self._may_go_on(operation):
            return operation
        if expected_count != planned:
            raise CallerError(
                f"The creation of this batch was begun with {planned} rows and has not ended.",
                code="wrong_count",
                field_errors=(FieldError("expected_count", f"must be {planned}"),),
            )
        if running := self._writes.running(operation.operation_id):
            await running.wait(self._left_s())
            return self._journal.get(operation.operation_id)
        if operation.is_open:
            settling = Settling(self._beel, self._journal, self._timing.sleep)
            until = self._journal.time() + self._left_s()
            await settling.settle(operation.operation_id, until)
            operation = self._journal.get(operation.operation_id)
        if operation.is_open or not self._may_go_on(operation):
            return operation
        return await self._carry_out(operation)

    def _may_go_on(self, operation: Operation) -> bool:
        return any(map(self._creating.may_send, operation.chunks))

    async def _carry_out(self, operation: Operation) -> Operation:
        operation_id = operation.operation_id
        running = self._writes.start(operation_id, lambda: self._creating.run(operation_id))
        await running.wait(self._left_s())
        try:
            now = self._journal.get(operation_id)
        except JournalError as error:
            raise in_the_dark(operation_id, "the customers") from error
        if running.error and not _has_effect(now):
            raise running.error
        self.stopped = running.error
        return now


def in_the_dark(operation_id: str, what: str) -> JournalError:
    """Say that nobody here knows what became of a creation."""
    return JournalError(
        f"The journal cannot be read any more: {what} may or may not exist.",
        changed="unknown",
        remedy="Do not repeat the call.",
        next_calls=(NextCall("check_operation", {"operation_id": operation_id}, "finds out"),),
    )


def _has_effect(operation: Operation) -> bool:
    return any(chunk.state not in ("READY", "NOT_DONE") for chunk in operation.chunks)
