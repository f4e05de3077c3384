"""From a checked batch to customers in BeeL: what may be created, and what became of it."""

from datetime import timedelta

from beel_mcp.api.client import BeelClient
from beel_mcp.context import Timing
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.guards.creating import KIND, Creating, overlapping, unsettled_overlap
from beel_mcp.guards.database import JournalError
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.records import Operation, Planned, PlannedRow
from beel_mcp.guards.settling import Settling
from beel_mcp.guards.writes import Writes
from beel_mcp.lists.batches import Batch
from beel_mcp.summaries.answer import LIST_CAP, plural
from beel_mcp.summaries.batches import CreationAnswer, CreationCounts, problem_groups

# After this long the customers in BeeL may be others than those the list was checked against.
VALIDATION_AGE = timedelta(minutes=15)


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
    if expected_count == importable > 0:
        return
    if not importable:
        raise CallerError("No row of this batch can be created.", code="nothing_importable")
    all_go = skip_problems or importable == len(batch.rows)
    raise CallerError(
        f"expected_count is {expected_count}, but {importable} of {len(batch.rows)} rows can be"
        " created.",
        code="wrong_count",
        field_errors=(FieldError("expected_count", f"must be {importable}"),),
        remedy="Tell the person the right number and ask again."
        if all_go
        else "The other rows have problems: ask the person whether to leave them out.",
    )


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


async def created_before(beel: BeelClient, journal: Journal, batch: Batch) -> str | None:
    """Name the operation that created the very same rows within a day."""
    try:
        before = journal.created_before(batch.payload_digest, await beel.account())
    except JournalError:
        return None  # looking at a list needs no journal; creating does, and says so
    return before.operation_id if before else None


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

    def find(self, batch_id: str) -> Operation | None:
        """Look up what was made of a batch before, in this process or another."""
        return self._journal.find_decision(KIND, self._caller, batch_id)

    async def create(self, batch: Batch) -> tuple[Operation, Operation | None]:
        """Record the decision and carry it out; with the operation that made the same rows before.

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
        before = self._journal.created_before(batch.payload_digest, account)
        operation = self._journal.begin(
            KIND,
            caller=self._caller,
            subject=batch.batch_id,
            payload_digest=batch.payload_digest,
            account=account,
            total=len(batch.rows),
            chunks=[Planned(rows, batch.processing_time_ms)],
        )
        checked_at = batch.validated_at or self._timing.now()
        return await self._carry_out(operation, checked_at.timestamp()), before

    async def go_on(self, operation: Operation, expected_count: int | None) -> Operation:
        """Go on with a decision: wait for it, settle what is unknown, send what was never sent.

        Raises:
            CallerError: another number was agreed to, or it was checked too long ago.
            BeelMcpError: nothing was sent.
        """
        creating = Creating(self._beel, self._journal, self._writes)
        planned = sum(chunk.count for chunk in operation.chunks)
        has_ended = not operation.is_open and not any(map(creating.may_send, operation.chunks))
        if has_ended:
            return operation
        if expected_count != planned:
            raise CallerError(
                f"The creation of this batch was begun with {planned} rows and has not ended.",
                code="wrong_count",
                field_errors=(FieldError("expected_count", f"must be {planned}"),),
            )
        if running := self._writes.running(operation.operation_id):
            await running.wait(self._timing.patience_s)
            return self._journal.get(operation.operation_id)
        if any(chunk.state == "UNKNOWN" for chunk in operation.chunks):
            until = self._journal.time() + self._timing.patience_s
            settling = Settling(self._beel, self._journal, self._timing.sleep)
            await settling.settle(operation.operation_id, until)
            operation = self._journal.get(operation.operation_id)
        if operation.is_open or not any(map(creating.may_send, operation.chunks)):
            return operation
        age = self._journal.time() - operation.started_at
        if age > VALIDATION_AGE.total_seconds():
            raise CallerError(
                "This batch was checked too long ago to create what is left of it.",
                code="batch_expired",
                remedy="Call validate_customers again with the same list: customers that exist"
                " show as duplicates.",
            )
        return await self._carry_out(operation, operation.started_at)

    async def _carry_out(self, operation: Operation, checked_at: float) -> Operation:
        creating = Creating(self._beel, self._journal, self._writes)
        operation_id = operation.operation_id
        running = self._writes.start(operation_id, lambda: creating.run(operation_id, checked_at))
        await running.wait(self._timing.patience_s)
        if running.error and not _has_effect(self._journal.get(operation_id)):
            raise running.error
        return self._journal.get(operation_id)


def _has_effect(operation: Operation) -> bool:
    return any(chunk.state not in ("READY", "NOT_DONE") for chunk in operation.chunks)
