"""The write-ahead record: what is about to be sent is on disk before its first byte leaves."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from beel_mcp.api.company import Account
from beel_mcp.writes.journal import entries
from beel_mcp.writes.journal.database import (
    BUSY_S,
    Database,
    JournalBusyError,
    JournalError,
)
from beel_mcp.writes.journal.observations import Observations
from beel_mcp.writes.journal.personal_data import (
    PersonalData,
    forget_old,
    forget_settled,
    has_payload,
    is_old,
    keep_record,
    payload_of,
    purge_settled,
    records_of,
    remember_identifiers,
)
from beel_mcp.writes.journal.plan import Plan
from beel_mcp.writes.journal.plan_store import PlanStore, forget_expired, has_expired, take
from beel_mcp.writes.journal.records import (
    RECORD_TTL,
    UNSENT_STATES,
    Chunk,
    ChunkState,
    Clock,
    Decision,
    Operation,
    PlannedChunk,
    RowRecord,
)
from beel_mcp.writes.journal.workers import ProcessLease

_SAME_DECISION: Final = (
    "kind = ? AND payload_digest = ? AND ledger_id = ? AND caller = ? AND started_at > ?"
)
_OPEN: Final = (
    "ledger_id = ? AND caller = coalesce(?, caller) AND operation_id IN"
    " (SELECT operation_id FROM chunks WHERE state IN ('PENDING', 'UNKNOWN'))"
    " ORDER BY started_at"
)


class Journal:
    """Decisions, the requests they are made of, and how each ended.

    Looking leaves no trace: the file begins with a decision, or with a list read from a file.
    Each method is one transaction, in a thread; two of them may have another call between them.
    """

    def __init__(self, folder: Path, now: Clock, busy_s: float = BUSY_S) -> None:
        self._database, self._now = Database(folder, busy_s), now
        self._recording_s = 3 * busy_s  # what BeeL answered is worth a longer wait
        self.check = self._database.check
        self.lease = ProcessLease(folder)
        self.personal_data = PersonalData(self._database, now)
        self.plans = PlanStore(self._database, now)
        self.observations = Observations(self._database, now)

    def exists(self) -> bool:
        return self._database.exists()

    def close(self) -> None:
        self._database.close()
        self.lease.release()

    def time(self) -> float:
        return self._now().timestamp()

    @property
    def _day_ago(self) -> float:
        return self.time() - RECORD_TTL.total_seconds()

    async def get(self, operation_id: str) -> Operation:
        """Read an operation that is known to exist."""
        return await self._database.read(lambda db: entries.get(db, operation_id))

    async def with_records(
        self, *operation_ids: str
    ) -> list[tuple[Operation, dict[int, list[RowRecord]]]]:
        """Read operations that are known to exist, and what became of each row, at one time."""
        if not operation_ids:
            return []
        now = self.time()
        return await self._database.read(
            lambda db: [
                (found, records_of(db, found, now))
                for found in (entries.get(db, operation_id) for operation_id in operation_ids)
            ]
        )

    async def chunk(self, chunk: Chunk) -> Chunk:
        """Read a chunk as it is now."""
        return await self._database.read(lambda db: entries.chunk_of(db, chunk))

    async def sendable(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Give those of some chunks that may be sent: not while an effect is open, within a day.

        After that BeeL has forgotten the key, and we the rows.
        """
        day_ago, unsent = self._day_ago, [one for one in chunks if one.state in UNSENT_STATES]
        if not unsent:
            return []
        return await self._database.read(
            lambda db: [chunk for chunk in unsent if has_payload(db, chunk, day_ago)]
        )

    async def find(self, operation_id: str, caller: str) -> Operation | None:
        """Look an operation up for its caller; another caller's does not exist."""
        return _first(await self._select("operation_id = ? AND caller = ?", operation_id, caller))

    async def find_decision(self, kind: str, caller: str, subject: str) -> Operation | None:
        """Find the operation of a subject (a batch, a draft, a plan)."""
        return _first(
            await self._select("kind = ? AND caller = ? AND subject = ?", kind, caller, subject)
        )

    async def find_confirmed(self, plan_id: str, caller: str) -> Operation | None:
        return _first(await self._select("plan_id = ? AND caller = ?", plan_id, caller))

    async def open_operations(self, account: Account) -> list[Operation]:
        """List what is in flight or unsettled in a ledger, oldest first."""
        return await self._select(_OPEN, account.ledger_id, None)

    async def unfinished(self, account: Account, caller: str) -> list[Operation]:
        """List what is a caller's and in flight, unsettled, or not wholly sent and not over.

        Of the last nothing is unknown: it waits for its turn, is under way, or its process is dead.
        """
        if not self.exists():
            return []
        where = "ledger_id = ? AND caller = ? AND ended_at IS NULL AND started_at > ?"
        day_ago = self._day_ago

        def read(db: sqlite3.Connection) -> list[Operation]:
            ledger = (account.ledger_id, caller)
            half_sent = entries.select(db, f"{where} ORDER BY started_at", *ledger, day_ago)
            return [*entries.select(db, _OPEN, *ledger), *filter(_is_half_sent, half_sent)]

        return await self._database.read(read)

    async def not_over(
        self, account: Account, caller: str, runs_here: Callable[[str], object]
    ) -> list[tuple[Operation, bool]]:
        """Give what is unfinished, each with whether this process or another one is at it."""
        found = [
            (one, bool(runs_here(one.operation_id)) or await self.lease.runs_elsewhere(one))
            for one in await self.unfinished(account, caller)
        ]
        own = self.lease.name
        return [(one, runs) for one, runs in found if runs or one.is_open or one.owner != own]

    async def recent(self, caller: str) -> list[Operation]:
        """List a caller's operations of the last 24 hours, the newest first."""
        newest_first = "caller = ? AND started_at > ? ORDER BY started_at DESC, rowid DESC"
        return await self._select(newest_first, caller, self._day_ago)

    async def created_before(self, digest: str, account: Account) -> Operation | None:
        """Find the operation that created the very same rows in the last 24 hours."""
        return _first(
            await self._select(
                "payload_digest = ? AND ledger_id = ? AND started_at > ? AND operation_id IN"
                " (SELECT operation_id FROM chunks WHERE state = 'COMMITTED')",
                *(digest, account.ledger_id, self._day_ago),
            )
        )

    async def last_sent_at(self, account: Account) -> float:
        """Tell when something was last sent to a ledger, or an answer came; 0 for never."""
        if not self.exists():
            return 0.0
        [at] = await self._database.read(
            lambda db: db.execute(
                "SELECT max(max(sent_at, coalesce(settled_at, 0))) FROM chunks"
                " JOIN operations USING (operation_id) WHERE ledger_id = ?",
                (account.ledger_id,),
            ).fetchone()
        )
        return at or 0.0

    async def decided(
        self, kind: str, digest: str, account: Account, caller: str
    ) -> list[Operation]:
        """List a caller's decisions about the very same rows within a day, the newest first."""
        return await self._select(
            f"{_SAME_DECISION} ORDER BY started_at DESC, rowid DESC",
            *(kind, digest, account.ledger_id, caller),
            self._day_ago,
        )

    async def _select(self, where: str, *values: Any) -> list[Operation]:
        if not self.exists():
            return []
        return await self._database.read(lambda db: entries.select(db, where, *values))

    async def begin(
        self,
        decision: Decision,
        chunks: Sequence[PlannedChunk],
        seen: Sequence[Operation] | None = None,
    ) -> Operation:
        """Record a decision before anything of it is sent. Its idempotency keys are fixed here.

        `seen` are the decisions of the last day about the very same rows as the caller knows them,
        where no two calls may make one at the same time.

        Raises:
            DecidedMeanwhileError: it is not so any more, or there is one of the same subject.
        """

        def record(db: sqlite3.Connection) -> Operation:
            entries.refuse_decided(db, decision, seen, self._day_ago)
            return self._record(db, decision, chunks)

        return await self._database.write(record)

    async def take(
        self,
        plan: Plan,
        decision: Decision,
        chunks: Sequence[PlannedChunk],
        seen: Sequence[Operation] | None = None,
    ) -> Operation | None:
        """Spend a plan and record what it decided, in one transaction; None if it is not open.

        There is one taker, ever: the plan's row is gone, and the operation bears its id.

        Raises:
            DecidedMeanwhileError: as `begin` does; the plan stays as it is.
        """
        now = self.time()

        def spend(db: sqlite3.Connection) -> Operation | None:
            entries.refuse_decided(db, decision, seen, self._day_ago)
            if not take(db, plan, now):  # guard: one taker
                return None
            return self._record(db, decision, chunks)

        return await self._database.write(spend)

    def _record(
        self, db: sqlite3.Connection, decision: Decision, chunks: Sequence[PlannedChunk]
    ) -> Operation:
        self.lease.acquire()
        return entries.record(db, decision, chunks, owner=self.lease.name, now=self.time())

    async def attach(self, plan: Plan, operation_id: str, confirmed_by: str) -> Operation | None:
        """Spend a plan on an operation that was begun before; None if it is not open.

        Where the same plan was spent on it before, by whom the same yes reached faster, it is.
        """
        now = self.time()

        def spend(db: sqlite3.Connection) -> Operation | None:
            begun = entries.get(db, operation_id)
            if begun.plan_id == plan.plan_id:
                return begun
            if not take(db, plan, now):
                return None
            db.execute(
                "UPDATE operations SET plan_id = ?, confirmed_by = ? WHERE operation_id = ?",
                (plan.plan_id, confirmed_by, operation_id),
            )
            return entries.get(db, operation_id)

        return await self._database.write(spend)

    async def pending(self, chunk: Chunk) -> Chunk:
        """Record that the first byte is about to leave; the chunk with the key it leaves under.

        A key that is spent is no more sent: the chunk gets another one.
        """
        now = self.time()

        def mark(db: sqlite3.Connection) -> Chunk:
            self.lease.acquire()
            return entries.mark_pending(db, chunk, owner=self.lease.name, now=now)

        return await self._database.write(mark)

    async def settle(
        self,
        chunk: Chunk,
        state: ChunkState,
        *,
        record: Sequence[RowRecord] | None = None,
        code: str | None = None,
        request_id: str | None = None,
        by_reading: bool = False,
        done: int = 0,
        failed: int = 0,
    ) -> None:
        """Record how a chunk ended; its payload is deleted, its record is kept for 24 hours.

        With `by_reading` nothing is recorded unless the chunk is still UNKNOWN in the same attempt.

        Raises:
            JournalError: nobody knows how it ended once this process is gone.
        """
        now = self.time()
        facts = (now, code, request_id, done, failed)

        def mark(db: sqlite3.Connection) -> None:
            if not entries.mark_settled(db, chunk, state, facts, by_reading=by_reading):
                return
            if state == "COMMITTED":
                rows = payload_of(db, chunk, now)
                remember_identifiers(db, chunk.operation_id, rows, now)
            if record is not None:
                keep_record(db, chunk.chunk_key, record, now)
            forget_settled(db)

        try:
            await self._database.write(mark, within_s=self._recording_s)
        except JournalError as error:
            raise error.in_doubt(chunk.operation_id) from error

    async def end(self, operation_id: str) -> None:
        """Record that nothing more of an operation will be sent by itself."""
        now = self.time()
        await self._database.write(lambda db: entries.end(db, operation_id, now), tidies=True)

    async def explain(self, operation_id: str, code: str) -> None:
        """Record why the rest of an operation was not sent."""
        await self._database.write(lambda db: entries.explain(db, operation_id, code))

    async def keep_path(self, operation_id: str, path: str) -> None:
        """Record the file that keeps what the write takes away."""
        await self._database.write(lambda db: entries.keep_path(db, operation_id, path))

    async def recover(self, is_running: Callable[[str], object]) -> None:
        """Mark as UNKNOWN what a dead process left PENDING; delete what has been kept for a day.

        `is_running` tells of this process's operations; others hold a lock while they live. Nobody
        waits for it: where others write just now it is left for the next call. Until then what is
        PENDING is as open as what is UNKNOWN, and what is too old is not read any more.
        """
        if not self.exists():
            return
        now = self.time()

        dead, is_due = await self._database.read(
            lambda db: (self._dead(db, is_running), is_old(db, now) or has_expired(db, now))
        )
        if not dead and not is_due and self._database.is_tidy:
            return  # most calls: nobody has to wait for a turn to write

        def mend(db: sqlite3.Connection) -> None:
            entries.mark_lost(db, dead)
            forget_old(db, now)
            forget_expired(db, now)

        with suppress(JournalBusyError):
            await self._database.write(mend, within_s=0, tidies=True)

    def _dead(
        self, db: sqlite3.Connection, is_running: Callable[[str], object]
    ) -> list[entries.Sent]:
        """List what is PENDING and sent by nobody any more."""
        mine, is_alive = self.lease.name, self.lease.is_alive
        return [
            sent
            for owner, sent in entries.in_flight(db)
            if not (is_running(sent.operation_id) if owner == mine else is_alive(owner))
        ]

    async def purge(self) -> tuple[int, int]:
        """Remove the personal data of all that is settled; count what went and what stays."""
        if not self.exists():
            return 0, 0

        def forget(db: sqlite3.Connection) -> tuple[int, int]:
            db.execute("DELETE FROM plans")
            return purge_settled(db)

        return await self._database.write(forget, tidies=True)


def _first(operations: Sequence[Operation]) -> Operation | None:
    return operations[0] if operations else None


def _is_half_sent(operation: Operation) -> bool:
    return not operation.is_open and any(chunk.state == "READY" for chunk in operation.chunks)
