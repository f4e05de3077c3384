"""Executes a decision exactly once: journal it, check again, journal each request, send, settle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import anyio

from beel_mcp.api.company import Account
from beel_mcp.errors import (
    BeelMcpError,
    CallerError,
    ConflictError,
    InvalidRequestError,
    UnknownOutcomeError,
)
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.plan import ConfirmedBy, Plan
from beel_mcp.writes.journal.records import (
    KEY_SPENT,
    UNSENT_STATES,
    Chunk,
    ChunkResult,
    Decision,
    Operation,
    PlannedChunk,
    Sleep,
    WriteRow,
)
from beel_mcp.writes.journal.workers import BackgroundWrites, RunningWrite
from beel_mcp.writes.kinds.protocol import AnotherAccountError, Write, WriteContext
from beel_mcp.writes.run.reconciliation import LATE_COMMIT_S, Reconciliation

# Longer than one bulk request may take: whoever waits longer is told to come back.
TURN_S: Final = 200.0
# Two looks that lie far enough apart to prove something fit into this.
LOOKING_S: Final = 60.0
# A creation of many requests sends no further one after this; the next call goes on with it.
OPERATION_S: Final = 600.0
# BeeL's words for a key under which it carries nothing out any more.
_SPENT_KEYS: Final = ("IDEMPOTENCY_KEY_ALREADY_PROCESSED", "IDEMPOTENCY_KEY_MISMATCH")


@dataclass(frozen=True)
class Agreed:
    """A person said yes to this plan, and how; it is still to be taken."""

    plan: Plan
    confirmed_by: ConfirmedBy


class Deadline:
    """The end of a call, on the event loop's clock: settling and waiting share what is left."""

    def __init__(self, seconds: float) -> None:
        self.at = anyio.current_time() + seconds

    @property
    def left_s(self) -> float:
        return max(self.at - anyio.current_time(), 0.0)


class Execution:
    """Executes decisions. Where a plan is given, callers have verified the consent to it.

    `has_sent` tells whether it sent anything itself: an operation that it found, or waited for, may
    be carried out by another call or process.
    """

    def __init__(self, context: WriteContext, writes: BackgroundWrites, sleep: Sleep) -> None:
        self._beel = context.beel
        self._journal = context.journal
        self._writes = writes
        self._sleep = sleep
        self.has_sent = False

    async def begin(
        self,
        decision: Decision,
        chunks: Sequence[PlannedChunk],
        write: Write,
        agreed: Agreed | None = None,
        seen: Sequence[Operation] | None = None,
    ) -> Operation | None:
        """Record a decision, spend the plan that was agreed to, and start; None if it is not open.

        A call that is cancelled meanwhile is too late: nothing is spent without being carried out.

        Raises:
            DecidedMeanwhileError: another call decided the very same, or went on with it.
        """
        operation = await self._decide(decision, chunks, agreed, seen)
        if operation is None:  # guard: no plan, no change
            return None
        # Nothing is awaited between: a write is finished, and only what waits is cancelled.
        self.start(operation.operation_id, write)
        return operation

    async def _decide(
        self,
        decision: Decision,
        chunks: Sequence[PlannedChunk],
        agreed: Agreed | None,
        seen: Sequence[Operation] | None,
    ) -> Operation | None:
        if agreed is None:
            return await self._journal.begin(decision, chunks, seen)
        plan = agreed.plan
        confirmed = replace(decision, plan_id=plan.plan_id, confirmed_by=agreed.confirmed_by)
        return await self._journal.take(plan, confirmed, chunks, seen)

    async def go_on(self, begun: Operation, agreed: Agreed | None) -> Operation:
        """Spend the plan that was agreed to on an operation that was begun before.

        Raises:
            CallerError: the plan is not open any more.
        """
        if agreed is None:
            return await self._journal.get(begun.operation_id)
        attached = await self._journal.attach(agreed.plan, begun.operation_id, agreed.confirmed_by)
        if attached is None:
            raise plan_not_open()
        return attached

    async def take(self, agreed: Agreed, write: Write) -> Operation | None:
        """Spend a plan on just what it showed, and start it; None if it is not open any more."""
        plan = agreed.plan
        decision = Decision(
            kind=plan.kind,
            caller=plan.caller,
            subject=plan.plan_id,
            payload_digest=plan.digest,
            account=plan.account,
            total=plan.preview.requested,
            checked_at=plan.created_at,
            terms=plan.preview.terms,
        )
        return await self.begin(decision, write.chunks(plan.preview), write, agreed)

    def start(self, operation_id: str, write: Write) -> RunningWrite:
        """Start sending what is not sent yet; a call that is cancelled leaves it running."""
        return self._writes.start(operation_id, lambda: self._run(operation_id, write))

    async def finish(
        self, operation: Operation, write: Write, deadline: Deadline
    ) -> tuple[Operation, BeelMcpError | None]:
        """Send what is not sent yet and wait; the operation, and why the rest was not sent.

        Raises:
            BeelMcpError: nothing was sent, or the journal cannot be read any more.
        """
        operation_id = operation.operation_id
        running = self.start(operation_id, write)
        await running.wait(deadline.left_s)
        with in_doubt_if_unread(operation_id):
            now = await self._journal.get(operation_id)
        if running.error and not has_effect(now):
            raise running.error
        return now, running.error and _of_the_rest(running.error)

    async def _run(self, operation_id: str, write: Write) -> None:
        """Wait for the ledger's turn and send; the journal says why something was not sent.

        Raises:
            BeelMcpError: nothing was sent, or not everything.
        """
        is_written = True
        try:
            account = await self._beel.account()
            check_account(await self._journal.get(operation_id), account)
            async with self._writes.turn(account.ledger_id, TURN_S):
                await self._send_all(operation_id, write)
        except JournalError:
            is_written = False  # nor would be why it stopped, and each try takes its time
            raise
        except BeelMcpError as error:
            with suppress(JournalError):  # nothing may hide why it stopped
                await self._journal.explain(operation_id, error.code)
            raise
        finally:
            if is_written:
                with suppress(JournalError):  # check_operation does it as well
                    await self._journal.end(operation_id)

    async def _send_all(self, operation_id: str, write: Write) -> None:
        """Send chunk by chunk, in order; stop at the first that does not go well."""
        ends_at = anyio.current_time() + OPERATION_S
        # Read under the lock: another process may have gone on with it meanwhile.
        operation = await self._journal.get(operation_id)
        if path := await write.prepare(operation):
            await self._journal.keep_path(operation_id, path)
        for chunk in operation.chunks:
            if chunk.is_open:
                break
            if write.all_or_none and anyio.current_time() > ends_at:
                await self._journal.explain(operation_id, "deadline")
                break
            if not await self._journal.sendable([chunk]):
                continue
            if not await self._send(operation, chunk, write):
                break

    async def _send(self, operation: Operation, chunk: Chunk, write: Write) -> bool:
        """Send one request; tell whether the outcome of every row is known then.

        Where rows succeed one by one, what a lost answer left unknown is read, and only what was
        seen to be as it was before is sent again, once. Where they succeed together, they are sent
        again in the same call only if their key is spent: then the first request is over.
        """
        result = await ChunkResult.of(self._journal, chunk)
        if not result.rows:
            return False
        await write.recheck(operation, result.rows)
        await self._attempt(result, result.rows, write)
        lost = result.unknown()
        if lost and write.may_change_key:
            result = await self._under_another_key(operation, result, write)
        elif lost and not write.all_or_none:
            await self._sleep(LATE_COMMIT_S)
            try:
                found = await write.find(result.chunk, lost)
            except BeelMcpError:
                return False  # check_operation goes on reading
            result.add_found(found.outcomes)
            if again := [row for row in lost if row.number in found.unchanged]:
                await self._attempt(result, again, write, is_again=True)
            else:
                await result.settle()
        return not result.unknown()

    async def _under_another_key(
        self, operation: Operation, lost: ChunkResult, write: Write
    ) -> ChunkResult:
        """Look what a repeated failure left; send again, under another key, if that is nothing."""
        chunk = await self._journal.chunk(lost.chunk)
        if chunk.code != KEY_SPENT:
            return lost
        looking = Reconciliation(self._journal, self._sleep)
        try:
            await looking.settle_chunk(chunk, write, self._journal.time() + LOOKING_S)
        except BeelMcpError:
            return lost  # check_operation goes on reading
        result = await ChunkResult.of(self._journal, await self._journal.chunk(chunk))
        if result.chunk.state == "NOT_DONE":  # seen not to be there, twice
            await write.recheck(operation, result.rows)
            await self._attempt(result, result.rows, write)
        return result

    async def _attempt(
        self,
        result: ChunkResult,
        rows: Sequence[WriteRow],
        write: Write,
        *,
        is_again: bool = False,
    ) -> None:
        self.has_sent = True
        result.chunk = await self._journal.pending(result.chunk)
        try:
            outcomes = await write.send(result.chunk, rows)
        except UnknownOutcomeError as error:
            is_spent = error.is_replay or error.code in _SPENT_KEYS
            code = KEY_SPENT if is_spent else error.code
            await result.settle(code=code, request_id=error.request_id)
        except BeelMcpError as error:
            if write.all_or_none and isinstance(error, InvalidRequestError | ConflictError):
                result.add(rows, write.refused(rows, error))
                await result.settle(code=error.code, request_id=error.request_id)
                raise
            # Never sent, or turned away at the door: of these rows nothing happened now. What was
            # lost before this may still be carried out, as one reading cannot tell.
            await result.settle(code=error.code, request_id=error.request_id, is_sent=is_again)
            raise
        except Exception:
            await result.settle(code="internal_error")
            raise
        else:
            result.add(rows, outcomes)
            await result.settle()


def has_effect(operation: Operation) -> bool:
    """Tell whether anything of an operation was sent, whatever came of it."""
    return any(chunk.state not in UNSENT_STATES for chunk in operation.chunks)


def check_account(operation: Operation, account: Account) -> None:
    """Keep an operation in the ledger it belongs to.

    Raises:
        CallerError: the server now works in another environment or company.
    """
    if operation.account.ledger_id != account.ledger_id:  # guard: an operation stays in its ledger
        raise AnotherAccountError(
            f"This operation belongs to another company or environment"
            f" ({operation.account.environment}, company {operation.account.company_id or '-'}).",
            remedy="Ask the person to start the server with the settings it was begun with.",
        )


def plan_not_open() -> CallerError:
    """Say that there is nothing to confirm under this id."""
    return CallerError(
        "There is no open plan with this id: it has expired (a plan lasts 10 minutes), was given up"
        " after wrong statements, what it showed has changed, or it was never made.",
        code="plan_expired",
        remedy="Call the tool that made the plan again, and show the person the new one.",
    )


def _of_the_rest(error: BeelMcpError) -> BeelMcpError:
    """Say of a journal that could not be used what that means where something was done."""
    if not isinstance(error, JournalError) or error.changed != "nothing":
        return error
    return type(error)(error.fact, "the rest was not sent", retry_after_s=error.retry_after_s)


@contextmanager
def in_doubt_if_unread(operation_id: str) -> Iterator[None]:
    """Let the journal say of what was begun, if it cannot be read, that nobody knows its end.

    Raises:
        JournalError: it cannot be read.
    """
    try:
        yield
    except JournalError as error:
        raise error.in_doubt(operation_id) from error
