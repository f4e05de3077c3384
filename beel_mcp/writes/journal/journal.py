"""The write-ahead record: what is about to be sent is on disk before its first byte leaves."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from beel_mcp.api.company import Account
from beel_mcp.writes.journal.database import Database, insert
from beel_mcp.writes.journal.observations import Observations
from beel_mcp.writes.journal.personal_data import (
    PersonalData,
    forget_old,
    forget_settled,
    is_old,
    keep_payload,
    keep_record,
    remember_identifiers,
)
from beel_mcp.writes.journal.plan import Plan
from beel_mcp.writes.journal.plan_store import PlanStore, forget_expired, has_expired, take
from beel_mcp.writes.journal.records import (
    KEY_SPENT,
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

_CHUNK_COLUMNS: Final = tuple(column.name for column in fields(Chunk))
_ACCOUNT_COLUMNS: Final = ("environment", "company_id", "key_fingerprint")
_OPERATION_COLUMNS: Final = (
    *(column.name for column in fields(Operation) if column.name not in ("account", "chunks")),
    *_ACCOUNT_COLUMNS,
)
_SAME_DECISION: Final = (
    "kind = ? AND payload_digest = ? AND ledger_id = ? AND caller = ? AND started_at > ?"
)


class Journal:
    """Decisions, the requests they are made of, and how each ended.

    Looking leaves no trace: the file begins with a decision, or with a list read from a file.
    """

    def __init__(self, folder: Path, now: Clock) -> None:
        self._database, self._now = Database(folder), now
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

    def get(self, operation_id: str) -> Operation:
        """Read an operation that is known to exist."""
        return self._select("operation_id = ?", operation_id)[0]

    def chunk(self, chunk: Chunk) -> Chunk:
        """Read a chunk as it is now."""
        return next(one for one in self.get(chunk.operation_id).chunks if one.chunk == chunk.chunk)

    def may_send(self, chunk: Chunk) -> bool:
        """Tell whether a chunk may be sent: not while its effect is open, and within a day.

        After that BeeL has forgotten the key, and we the rows.
        """
        return chunk.state in UNSENT_STATES and self.personal_data.has_payload(chunk)

    def find(self, operation_id: str, caller: str) -> Operation | None:
        """Look an operation up for its caller; another caller's does not exist."""
        return _first(self._select("operation_id = ? AND caller = ?", operation_id, caller))

    def find_decision(self, kind: str, caller: str, subject: str) -> Operation | None:
        """Find the operation of a subject (a batch, a draft, a plan)."""
        return _first(
            self._select("kind = ? AND caller = ? AND subject = ?", kind, caller, subject)
        )

    def find_confirmed(self, plan_id: str, caller: str) -> Operation | None:
        return _first(self._select("plan_id = ? AND caller = ?", plan_id, caller))

    def open_operations(self, account: Account, caller: str | None = None) -> list[Operation]:
        """List what is in flight or unsettled in a ledger, oldest first."""
        return self._select(
            "ledger_id = ? AND caller = coalesce(?, caller) AND operation_id IN"
            " (SELECT operation_id FROM chunks WHERE state IN ('PENDING', 'UNKNOWN'))"
            " ORDER BY started_at",
            *(account.ledger_id, caller),
        )

    def recent(self, caller: str) -> list[Operation]:
        """List a caller's operations of the last 24 hours, the newest first."""
        newest_first = "caller = ? AND started_at > ? ORDER BY started_at DESC, rowid DESC"
        return self._select(newest_first, caller, self._day_ago)

    def created_before(self, digest: str, account: Account) -> Operation | None:
        """Find the operation that created the very same rows in the last 24 hours."""
        return _first(
            self._select(
                "payload_digest = ? AND ledger_id = ? AND started_at > ? AND operation_id IN"
                " (SELECT operation_id FROM chunks WHERE state = 'COMMITTED')",
                *(digest, account.ledger_id, self._day_ago),
            )
        )

    def last_sent_at(self, account: Account) -> float:
        """Tell when something was last sent to a ledger, or an answer came; 0 for never."""
        if not self.exists():
            return 0.0
        with self._database.reading() as db:
            [at] = db.execute(
                "SELECT max(max(sent_at, coalesce(settled_at, 0))) FROM chunks"
                " JOIN operations USING (operation_id) WHERE ledger_id = ?",
                (account.ledger_id,),
            ).fetchone()
        return at or 0.0

    def begun(self, kind: str, digest: str, account: Account, caller: str) -> Operation | None:
        """Find a decision about the very same rows of which something is left to send."""
        for operation in self.decided(kind, digest, account, caller):
            if any(chunk.state in UNSENT_STATES for chunk in operation.chunks):
                return operation
        return None

    def decided(self, kind: str, digest: str, account: Account, caller: str) -> list[Operation]:
        """List a caller's decisions about the very same rows within a day, the newest first."""
        return self._select(
            f"{_SAME_DECISION} ORDER BY started_at DESC, rowid DESC",
            *(kind, digest, account.ledger_id, caller),
            self._day_ago,
        )

    def _execute(self, sql: str, *values: Any) -> None:
        with self._database.writing() as db:
            db.execute(sql, values)

    def _select(self, where: str, *values: Any) -> list[Operation]:
        if not self.exists():
            return []
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {', '.join(_OPERATION_COLUMNS)} FROM operations WHERE {where}", values
            ).fetchall()
            return [_operation(db, dict(zip(_OPERATION_COLUMNS, row, strict=True))) for row in rows]

    def begin(self, decision: Decision, chunks: Sequence[PlannedChunk]) -> Operation:
        """Record a decision before anything of it is sent. Its idempotency keys are fixed here."""
        self.lease.acquire()
        with self._database.writing() as db:
            operation_id = self._record(db, decision, chunks)
        return self.get(operation_id)

    def take(
        self, plan: Plan, decision: Decision, chunks: Sequence[PlannedChunk]
    ) -> Operation | None:
        """Spend a plan and record what it decided, in one transaction; None if it is not open.

        There is one taker, ever: the plan's row is gone, and the operation bears its id.
        """
        self.lease.acquire()
        with self._database.writing() as db:
            if not take(db, plan, self.time()):  # guard: one taker
                return None
            operation_id = self._record(db, decision, chunks)
        return self.get(operation_id)

    def attach(self, plan: Plan, operation_id: str, confirmed_by: str) -> bool:
        """Spend a plan on an operation that was begun before; tell whether it was open."""
        with self._database.writing() as db:
            if not take(db, plan, self.time()):
                return False
            db.execute(
                "UPDATE operations SET plan_id = ?, confirmed_by = ? WHERE operation_id = ?",
                (plan.plan_id, confirmed_by, operation_id),
            )
        return True

    def _record(
        self, db: sqlite3.Connection, decision: Decision, chunks: Sequence[PlannedChunk]
    ) -> str:
        operation_id = f"op_{secrets.token_urlsafe(12)}"
        account = decision.account
        insert(
            db,
            "operations",
            operation_id=operation_id,
            kind=decision.kind,
            caller=decision.caller,
            subject=decision.subject,
            payload_digest=decision.payload_digest,
            environment=account.environment,
            company_id=account.company_id,
            key_fingerprint=account.key_fingerprint,
            ledger_id=account.ledger_id,
            plan_id=decision.plan_id,
            confirmed_by=decision.confirmed_by,
            terms=json.dumps(dict(decision.terms)),
            total=decision.total,
            owner=self.lease.name,
            started_at=self.time(),
            checked_at=decision.checked_at,
        )
        for number, chunk in enumerate(chunks):
            self._record_chunk(db, decision.kind, (operation_id, number), chunk)
        return operation_id

    def _record_chunk(
        self, db: sqlite3.Connection, kind: str, key: tuple[str, int], chunk: PlannedChunk
    ) -> None:
        operation_id, number = key
        insert(
            db,
            "chunks",
            operation_id=operation_id,
            chunk=number,
            count=len(chunk.rows),
            idempotency_key=f"bmcp1-{kind}-{operation_id}-{number}",
            state="READY" if chunk.outcomes is None else "REJECTED",
            processing_time_ms=chunk.processing_time_ms,
            code=chunk.code,
        )
        if chunk.outcomes is None:
            keep_payload(db, key, chunk.rows)
        else:
            keep_record(db, key, [*map(RowRecord.of, chunk.rows, chunk.outcomes)], self.time())

    def pending(self, chunk: Chunk) -> Chunk:
        """Record that the first byte is about to leave; the chunk with the key it leaves under.

        A key that is spent is no more sent: the chunk gets another one.
        """
        self.lease.acquire()
        with self._database.writing() as db:
            db.execute(
                "UPDATE chunks SET state = 'PENDING', attempts = attempts + 1, sent_at = ?,"
                " idempotency_key = idempotency_key || CASE code WHEN ?"
                " THEN '-' || (attempts + 1) ELSE '' END,"
                " settled_at = NULL, code = NULL WHERE operation_id = ? AND chunk = ?",
                (self.time(), KEY_SPENT, *chunk.chunk_key),
            )
            db.execute(
                "UPDATE operations SET owner = ?, ended_at = NULL WHERE operation_id = ?",
                (self.lease.name, chunk.operation_id),
            )
        return self.chunk(chunk)

    def settle(
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
        """
        with self._database.writing() as db:
            changed = db.execute(
                "UPDATE chunks SET state = ?, settled_at = ?, code = ?, request_id = ?,"
                " done = ?, failed = ?,"
                # A sending that provably did nothing does not count as one.
                " attempts = attempts - (? = 'READY') WHERE operation_id = ? AND chunk = ?"
                " AND (? = 0 OR (state = 'UNKNOWN' AND attempts = ?))",
                (
                    *(state, self.time(), code, request_id, done, failed, state),
                    *(chunk.operation_id, chunk.chunk, by_reading, chunk.attempts),
                ),
            ).rowcount
            if not changed:
                return
            if state == "COMMITTED":
                rows = self.personal_data.payload(chunk) or []
                remember_identifiers(db, chunk.operation_id, rows, self.time())
            if record is not None:
                keep_record(db, chunk.chunk_key, record, self.time())
            forget_settled(db)

    def end(self, operation_id: str) -> None:
        """Record that nothing more of an operation will be sent by itself."""
        sql = "UPDATE operations SET ended_at = ? WHERE operation_id = ?"
        self._execute(sql, self.time(), operation_id)
        self._database.tidy()

    def explain(self, operation_id: str, code: str) -> None:
        """Record why the rest of an operation was not sent."""
        where = "WHERE operation_id = ? AND state = 'READY'"
        self._execute(f"UPDATE chunks SET code = ? {where}", code, operation_id)

    def keep_path(self, operation_id: str, path: str) -> None:
        """Record the file that keeps what the write takes away."""
        self._execute(
            "UPDATE operations SET saved_as = ? WHERE operation_id = ?", path, operation_id
        )

    def recover(self, is_running: Callable[[str], object]) -> None:
        """Mark as UNKNOWN what a dead process left PENDING; delete what has been kept for a day.

        `is_running` tells of this process's operations; others hold a lock while they live.
        """
        if not self.exists():
            return
        with self._database.reading() as db:
            in_flight = db.execute(
                "SELECT DISTINCT owner, operation_id FROM operations JOIN chunks"
                " USING (operation_id) WHERE state = 'PENDING'"
            ).fetchall()
            is_due = is_old(db, self.time()) or has_expired(db, self.time())
        dead = [
            operation_id
            for owner, operation_id in in_flight
            if not (
                is_running(operation_id) if owner == self.lease.name else self.lease.is_alive(owner)
            )
        ]
        if not dead and not is_due:
            return  # most calls: nobody has to wait for a turn to write
        with self._database.writing() as db:
            db.executemany(
                "UPDATE chunks SET state = 'UNKNOWN', code = 'process_ended'"
                " WHERE operation_id = ? AND state = 'PENDING'",
                [(operation_id,) for operation_id in dead],
            )
            forget_old(db, self.time())
            forget_expired(db, self.time())
        self._database.tidy()

    def interrupted(self, account: Account, caller: str) -> list[Operation]:
        """List what a dead process left half sent: nothing of it is unknown, and nobody goes on."""
        where = "ledger_id = ? AND caller = ? AND ended_at IS NULL AND started_at > ?"
        values = (account.ledger_id, caller, self._day_ago)
        return [
            operation
            for operation in self._select(f"{where} ORDER BY started_at", *values)
            if not operation.is_open
            and any(chunk.state == "READY" for chunk in operation.chunks)
            and operation.owner != self.lease.name
            and not self.lease.is_alive(operation.owner)
        ]

    def purge(self) -> tuple[int, int]:
        """Remove the personal data of all that is settled; count what went and what stays."""
        if not self.exists():
            return 0, 0
        self.plans.purge()
        counts = self.personal_data.purge()
        self._database.tidy()
        return counts


def _operation(db: sqlite3.Connection, columns: dict[str, Any]) -> Operation:
    chunks = db.execute(
        f"SELECT {', '.join(_CHUNK_COLUMNS)} FROM chunks WHERE operation_id = ? ORDER BY chunk",
        (columns["operation_id"],),
    ).fetchall()
    account = Account(*map(columns.pop, _ACCOUNT_COLUMNS))
    columns["terms"] = json.loads(columns["terms"])
    return Operation(**columns, account=account, chunks=tuple(Chunk(*chunk) for chunk in chunks))


def _first(operations: Sequence[Operation]) -> Operation | None:
    return operations[0] if operations else None
