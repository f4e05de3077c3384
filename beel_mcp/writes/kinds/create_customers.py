"""Creates customers chunk by chunk: on the journal first, then in BeeL, then on the journal."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import anyio

from beel_mcp.api.bulk import BulkCreation
from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account
from beel_mcp.errors import (
    ApiError,
    BeelMcpError,
    CallerError,
    ConflictError,
    InvalidRequestError,
    NextCall,
    RefusedError,
    UnknownOutcomeError,
)
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.personal_data import KEPT_FOR
from beel_mcp.writes.journal.records import Chunk, ChunkState, Operation, PlannedRow
from beel_mcp.writes.journal.workers import Writes

logger = logging.getLogger(__name__)

KIND = "create_customers"
Created = tuple[list[dict[str, object]], str | None]
# Longer than one bulk request may take: whoever waits longer is told to come back.
TURN_S = 200.0
MOST_SENDINGS = 2
# After this long the customers in BeeL may be others than those the list was checked against.
VALIDATION_AGE = timedelta(minutes=15)
# A job of many requests sends no further one after this; the next call goes on with it.
JOB_S = 600.0


class Creating:
    """What it takes to create the chunks of one operation; drafting.py creates other records."""

    def __init__(self, beel: BeelClient, journal: Journal, writes: Writes) -> None:
        self.beel = beel
        self.journal = journal
        self._writes = writes

    async def run(self, operation_id: str) -> None:
        """Create what is not created yet, in order; stop at the first chunk that does not go well.

        A chunk that BeeL refused before is left out: the call was made again all the same.

        Raises:
            BeelMcpError: nothing of a chunk was sent, or BeeL did not take the request as such.
        """
        account = await self.beel.account()
        check_books(self.journal.get(operation_id), account)
        async with self._writes.turn(account.ledger_id, TURN_S):
            try:
                await self._go_through(operation_id)
            except BeelMcpError as error:
                self.journal.explain(operation_id, error.code)
                raise
            finally:
                self.journal.end(operation_id)

    async def _go_through(self, operation_id: str) -> None:
        ends_at = anyio.current_time() + JOB_S
        # Read again under the lock: another process may have gone on with it meanwhile.
        for chunk in self.journal.get(operation_id).chunks:
            if chunk.is_open:
                break
            if anyio.current_time() > ends_at:
                self.journal.explain(operation_id, "deadline")
                break
            if self.may_send(chunk) and not await self._create(chunk):
                break

    async def _create(self, chunk: Chunk) -> bool:
        """Send one chunk; tell whether its customers are created."""
        rows = self.journal.private.payload(chunk)
        if rows is None:
            return False
        operation = self.journal.get(chunk.operation_id)
        await self.check(operation, rows)
        self.journal.pending(chunk)
        return await self._send(chunk, rows)

    async def check(self, operation: Operation, rows: Sequence[PlannedRow]) -> None:
        """Look once more, right before they are sent.

        Raises:
            BeelMcpError: they must not be sent.
        """
        self._check_overlap(operation, rows)
        await self._check_again(operation, rows)

    async def _send(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> bool:
        try:
            record, request_id = await self.request(chunk, rows)
        except (InvalidRequestError, ConflictError) as error:
            self.refused(chunk, rows, error)
            return False
        except UnknownOutcomeError as error:
            self._settle(chunk, "UNKNOWN", error)
            return False
        except BeelMcpError as error:
            # Never sent, or turned away at the door (401, 403, 413, 429): nothing happened, and
            # the same decision may be carried out later.
            self._settle(chunk, "READY", error)
            raise
        except Exception:
            self.journal.settle(chunk, "UNKNOWN", code="internal_error")
            raise
        self.journal.settle(chunk, "COMMITTED", record=record, request_id=request_id)
        return True

    async def request(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> Created:
        """Send the request itself; what is recorded of each row, and BeeL's request id.

        Raises:
            BeelMcpError: it did not do what was asked, or nobody knows.
        """
        creation = await self.beel.customers.create_bulk(
            [row.values for row in rows], idempotency_key=chunk.idempotency_key
        )
        return created(rows, creation), creation.request_id

    def _settle(self, chunk: Chunk, state: ChunkState, error: BeelMcpError) -> None:
        self.journal.settle(chunk, state, code=error.code, request_id=error.request_id)

    def refused(self, chunk: Chunk, rows: Sequence[PlannedRow], error: RefusedError) -> None:
        """Record a definite no; if the key was used before, look what became of it first."""
        if error.code == "IDEMPOTENCY_KEY_MISMATCH":
            logger.error("BeeL saw this idempotency key with another body: report this defect")
        # A second sending meets what the first one, given up for lost, may have created late.
        if chunk.attempts > 0 or error.code.startswith("IDEMPOTENCY_KEY"):
            self.journal.settle(chunk, "UNKNOWN", code=error.code, request_id=error.request_id)
            return
        self.journal.settle(
            chunk,
            "REJECTED",
            record=_problems(rows, error),
            code=error.code,
            request_id=error.request_id,
        )

    def may_send(self, chunk: Chunk) -> bool:
        """Tell whether a chunk may be sent: never while its effect is open, and again only once.

        After 24 hours BeeL has forgotten the key, so it is not sent again at all.
        """
        if chunk.state == "READY":
            return True
        age = self.journal.time() - (chunk.sent_at or 0.0)
        return (
            chunk.state == "NOT_DONE"
            and chunk.attempts < MOST_SENDINGS
            and age < KEPT_FOR.total_seconds()
        )

    async def _check_again(self, operation: Operation, rows: Sequence[PlannedRow]) -> None:
        """Ask BeeL once more about rows that it was asked about long ago.

        Raises:
            CallerError: some of them could not be created any more.
        """
        if self.journal.time() - operation.checked_at <= VALIDATION_AGE.total_seconds():
            return
        report = await self.beel.customers.validate_bulk([row.values for row in rows])
        said = zip(rows, report.rows, strict=True)
        others = [row.number for row, one in said if one.status not in ("VALID", "WARNING")]
        if others:
            named = ", ".join(map(str, others[:5])) + (", …" if len(others) > 5 else "")
            raise CallerError(
                f"{len(others)} of these customers cannot be created any more (row {named}); BeeL"
                " was asked again, and nothing more was sent.",
                code="list_outdated",
                remedy="Call validate_customers again with the same list: customers that exist"
                " show as duplicates.",
                next_calls=(checking_call(operation.subject),),
            )

    def _check_overlap(self, operation: Operation, rows: Sequence[PlannedRow]) -> None:
        """Keep customers from being created twice by two of our own operations.

        Raises:
            CallerError: another operation may have created some of them, or has.
        """
        if other := unsettled_overlap(self.journal, operation.account, rows):
            raise overlapping(other)
        if is_overtaken(self.journal, operation, rows):
            raise overtaken(operation.subject)


def check_books(operation: Operation, account: Account) -> None:
    """Keep an operation in the books it belongs to.

    Raises:
        CallerError: the server now works in another environment or company.
    """
    if operation.account.ledger_id != account.ledger_id:
        raise CallerError(
            f"This operation belongs to another company or environment"
            f" ({operation.account.environment}, company {operation.account.company_id or '-'}).",
            code="another_company",
            remedy="Ask the person to start the server with the settings it was begun with.",
        )


def unsettled_overlap(journal: Journal, account: Account, rows: Sequence[PlannedRow]) -> str | None:
    """Find an operation that may have created some of these customers, or may yet.

    After a day it stands in nobody's way any more: no answer is that late, and whoever checks the
    list anew sees who is there.
    """
    mine = {row.identity for row in rows}
    recent = journal.time() - KEPT_FOR.total_seconds()
    for operation in journal.open_operations(account):
        for chunk in operation.chunks:
            theirs = {row.identity for row in journal.private.payload(chunk) or ()}
            if chunk.is_open and (chunk.sent_at or 0.0) > recent and mine & theirs:
                return operation.operation_id
    return None


def overlapping(operation_id: str) -> CallerError:
    """Say that an unsettled operation stands in the way."""
    return CallerError(
        "An earlier creation of some of these customers is not settled: they may exist already."
        " Nothing was sent.",
        code="operation_unsettled",
        retryable=True,
        next_calls=(
            NextCall("check_operation", {"operation_id": operation_id}, "settles it, by reading"),
        ),
    )


def is_overtaken(journal: Journal, operation: Operation, rows: Sequence[PlannedRow]) -> bool:
    """Whether another operation created some of these customers since this one was checked."""
    books, mine = operation.account.ledger_id, operation.operation_id
    return bool(journal.private.created_since(rows, books, operation.checked_at, mine))


def overtaken(batch_id: str) -> CallerError:
    """Say that other calls were faster, and that the list has to be looked at again."""
    return CallerError(
        "Some of these customers were created by another call since the list was checked; nothing"
        " was sent.",
        code="created_meanwhile",
        remedy="Call validate_customers again with the same list.",
        next_calls=(checking_call(batch_id),),
    )


def checking_call(batch_id: str) -> NextCall:
    """Give the call that checks a batch again."""
    return NextCall("validate_customers", {"batch_id": batch_id}, "says what can be created now")


def created(rows: Sequence[PlannedRow], creation: BulkCreation) -> list[dict[str, object]]:
    """Make the record of a creation: row, name, id."""
    ids = {one.index: one.customer_id for one in creation.created}
    return [
        {"row": row.number, "name": row.name, "customer_id": ids.get(index)}
        for index, row in enumerate(rows)
    ]


def _problems(rows: Sequence[PlannedRow], error: ApiError) -> list[dict[str, object]]:
    """Make the record of a refusal: what BeeL says of a row, and the rows that went with it."""
    faults = [
        (fault.index, fault)
        for fault in error.field_errors
        if fault.index is not None and fault.index < len(rows)
    ]
    named = {index for index, _ in faults}
    said = [
        {
            "row": rows[index].number,
            "name": rows[index].name,
            "field": fault.field.rpartition("].")[2] or "row",
            "message": fault.message,
        }
        for index, fault in faults
    ]
    return said + [
        {"row": row.number, "name": row.name, "message": "refused together with the others"}
        for index, row in enumerate(rows)
        if index not in named
    ]
