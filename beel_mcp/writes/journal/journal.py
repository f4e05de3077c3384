"""The write-ahead record: what is about to be sent is on disk before its first byte leaves."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from beel_mcp.api.company import Account
from beel_mcp.writes.journal.database import Database
from beel_mcp.writes.journal.personal_data import (
    KEPT_FOR,
    PrivateRecords,
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
    Chunk,
    ChunkState,
    Clock,
    Decision,
    Observation,
    Operation,
    Picture,
    Planned,
)
from beel_mcp.writes.journal.workers import Owner


class Lookups:
    """What can be asked of the journal. Looking leaves no trace, not even a file."""

    def __init__(self, folder: Path, now: Clock) -> None:
        self._database = Database(folder)
        self._now = now
        self.private = PrivateRecords(self._database)
        self.plans = PlanStore(self._database, now)

    def exists(self) -> bool:
        """Tell whether anything was ever recorded in this folder."""
        return self._database.exists()

    def time(self) -> float:
        """Tell the time in seconds since 1970."""
        return self._now().timestamp()

    def get(self, operation_id: str) -> Operation:
        """Read an operation that is known to exist."""
        return self._select("operation_id = ?", operation_id)[0]

    def find(self, operation_id: str, caller: str) -> Operation | None:
        """Look an operation up for its caller; another caller's does not exist."""
        return _first(self._select("operation_id = ? AND caller = ?", operation_id, caller))

    def find_decision(self, kind: str, caller: str, subject: str) -> Operation | None:
        """Look up what was made of a batch."""
        where = "kind = ? AND caller = ? AND subject = ?"
        return _first(self._select(where, kind, caller, subject))

    def find_confirmed(self, plan_id: str, caller: str) -> Operation | None:
        """Look up what was made of a plan."""
        return _first(self._select("plan_id = ? AND caller = ?", plan_id, caller))

    def open_operations(self, account: Account, caller: str | None = None) -> list[Operation]:
        """List what is in flight or unsettled in these books, oldest first."""
        return self._select(
            "books = ? AND caller = coalesce(?, caller) AND operation_id IN (SELECT operation_id"
            " FROM chunks WHERE state IN ('PENDING', 'UNKNOWN')) ORDER BY started_at",
            *(account.ledger_id, caller),
        )

    def recent(self, caller: str) -> list[Operation]:
        """List a caller's operations of the last 24 hours, the newest first."""
        since = self.time() - KEPT_FOR.total_seconds()
        where = "caller = ? AND started_at > ? ORDER BY started_at DESC, rowid DESC"
        return self._select(where, caller, since)

    def created_before(self, digest: str, account: Account) -> Operation | None:
        """Find the operation that created the very same rows in the last 24 hours."""
        return _first(
            self._select(
                "payload_digest = ? AND books = ? AND started_at > ? AND operation_id IN"
                " (SELECT operation_id FROM chunks WHERE state = 'COMMITTED')",
                *(digest, account.ledger_id, self.time() - KEPT_FOR.total_seconds()),
            )
        )

    def last_sent_at(self, account: Account) -> float:
        """Tell when something was last sent to these books, or an answer came; 0 for never."""
        if not self.exists():
            return 0.0
        with self._database.reading() as db:
            [at] = db.execute(
                "SELECT max(max(sent_at, coalesce(settled_at, 0))) FROM chunks"
                " JOIN operations USING (operation_id) WHERE books = ?",
                (account.ledger_id,),
            ).fetchone()
        return at or 0.0

    def begun(self, kind: str, digest: str, account: Account, caller: str) -> Operation | None:
        """Find a decision about the very same rows that a day has not ended yet."""
        return _first(
            self._select(
                "kind = ? AND payload_digest = ? AND books = ? AND caller = ? AND started_at > ?"
                " AND operation_id IN (SELECT operation_id FROM chunks WHERE state IN"
                " ('READY', 'NOT_DONE')) ORDER BY started_at DESC",
                *(kind, digest, account.ledger_id, caller),
                self.time() - KEPT_FOR.total_seconds(),
            )
        )

    def decided(self, kind: str, digest: str, account: Account, caller: str) -> list[Operation]:
        """List a caller's decisions about the very same rows within a day, the newest first."""
        return self._select(
            "kind = ? AND payload_digest = ? AND books = ? AND caller = ? AND started_at > ?"
            " ORDER BY started_at DESC, rowid DESC",
            *(kind, digest, account.ledger_id, caller),
            self.time() - KEPT_FOR.total_seconds(),
        )

    def observations(self, chunk: Chunk) -> list[Observation]:
        """Give what was seen of a chunk since it was last sent, oldest first."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT at, picture FROM observations WHERE operation_id = ? AND chunk = ?"
                " AND attempt = ? ORDER BY rowid",
                (chunk.operation_id, chunk.chunk, chunk.attempts),
            ).fetchall()
        return [Observation(at, picture) for at, picture in rows]

    def _select(self, where: str, *values: Any) -> list[Operation]:
        if not self.exists():  # looking leaves no trace
            return []
        with self._database.reading() as db:
            rows = db.execute(f"SELECT * FROM operations WHERE {where}", values).fetchall()
            return [self._operation(db, row) for row in rows]

    def _operation(self, db: sqlite3.Connection, row: Sequence[Any]) -> Operation:
        chunks = db.execute(
            "SELECT * FROM chunks WHERE operation_id = ? ORDER BY chunk", (row[0],)
        ).fetchall()
        operation_id, kind, caller, subject, digest = row[:5]
        plan_id, confirmed_by, terms, total, owner, started_at, checked_at, ended_at, saved_as = (
            row[9:]
        )
        return Operation(
            operation_id=operation_id,
            kind=kind,
            caller=caller,
            subject=subject,
            payload_digest=digest,
            account=Account(*row[5:8]),
            plan_id=plan_id,
            confirmed_by=confirmed_by,
            terms=json.loads(terms),
            total=total,
            owner=owner,
            started_at=started_at,
            checked_at=checked_at,
            ended_at=ended_at,
            saved_as=saved_as,
            chunks=tuple(Chunk(*chunk) for chunk in chunks),
        )


def _first(operations: list[Operation]) -> Operation | None:
    return operations[0] if operations else None


class Journal(Lookups):
    """Decisions, the requests they are made of, and how each ended."""

    def __init__(self, folder: Path, now: Clock) -> None:
        super().__init__(folder, now)
        self.owner = Owner(folder)

    def close(self) -> None:
        """Let go of the file, and of the lock that says that this process lives."""
        self._database.close()
        self.owner.leave()

    def begin(self, decision: Decision, chunks: Sequence[Planned]) -> Operation:
        """Record a decision before anything of it is sent. Its idempotency keys are fixed here."""
        self.owner.appear()
        with self._database.writing() as db:
            operation_id = self._record(db, decision, chunks)
        return self.get(operation_id)

    def take(self, plan: Plan, decision: Decision, chunks: Sequence[Planned]) -> Operation | None:
        """Spend a plan and record what it decided, in one transaction; None if it is not open.

        There is one taker, ever: the plan's row is gone, and the operation bears its id.
        """
        self.owner.appear()
        with self._database.writing() as db:
            if not take(db, plan, self.time()):  # guard: one taker
                return None
            operation_id = self._record(db, decision, chunks)
        return self.get(operation_id)

    def _record(self, db: sqlite3.Connection, decision: Decision, chunks: Sequence[Planned]) -> str:
        operation_id = f"op_{secrets.token_urlsafe(12)}"
        account = decision.account
        db.execute(
            f"INSERT INTO operations VALUES ({', '.join('?' * 16)}, NULL, NULL)",
            (
                *(operation_id, decision.kind, decision.caller, decision.subject),
                *(decision.payload_digest, account.environment, account.company_id),
                *(
                    account.key_fingerprint,
                    account.ledger_id,
                    decision.plan_id,
                    decision.confirmed_by,
                ),
                *(
                    json.dumps(dict(decision.terms)),
                    decision.total,
                    self.owner.name,
                    self.time(),
                    decision.checked_at,
                ),
            ),
        )
        for number, chunk in enumerate(chunks):
            place = (operation_id, number)
            state: ChunkState = "READY" if chunk.refusal is None else "REJECTED"
            db.execute(
                "INSERT INTO chunks (operation_id, chunk, count, idempotency_key, state,"
                " processing_time_ms, code) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(*place, len(chunk.rows), f"bmcp1-{decision.kind}-{operation_id}-{number}"),
                    *(state, chunk.processing_time_ms, chunk.code),
                ),
            )
            if chunk.refusal is None:
                keep_payload(db, operation_id, number, chunk.rows)
            else:
                keep_record(db, place, chunk.refusal, self.time())
        return operation_id

    def pending(self, chunk: Chunk) -> None:
        """Record that the first byte is about to leave."""
        self.owner.appear()
        with self._database.writing() as db:
            db.execute(
                "UPDATE chunks SET state = 'PENDING', attempts = attempts + 1, sent_at = ?,"
                " settled_at = NULL, code = NULL WHERE operation_id = ? AND chunk = ?",
                (self.time(), chunk.operation_id, chunk.chunk),
            )
            db.execute(
                "UPDATE operations SET owner = ?, ended_at = NULL WHERE operation_id = ?",
                (self.owner.name, chunk.operation_id),
            )

    def settle(
        self,
        chunk: Chunk,
        state: ChunkState,
        *,
        record: Sequence[Any] | None = None,
        code: str | None = None,
        request_id: str | None = None,
        by_looking: bool = False,
        done: int = 0,
        failed: int = 0,
    ) -> None:
        """Record how a chunk ended. The rows kept to settle it go; what came of them stays 24 h.

        Whoever found out `by_looking` may come late: then a newer state stands.
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
                    *(chunk.operation_id, chunk.chunk, by_looking, chunk.attempts),
                ),
            ).rowcount
            if not changed:
                return
            if state == "COMMITTED":
                rows = self.private.payload(chunk) or []
                remember_identifiers(db, chunk.operation_id, rows, self.time())
            if record is not None:
                keep_record(db, chunk.place, record, self.time())
            forget_settled(db)

    def end(self, operation_id: str) -> None:
        """Record that nothing more of an operation will be sent by itself."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE operations SET ended_at = ? WHERE operation_id = ?",
                (self.time(), operation_id),
            )
        self._database.tidy()

    def explain(self, operation_id: str, code: str) -> None:
        """Record why the rest of an operation was not sent."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE chunks SET code = ? WHERE operation_id = ? AND state = 'READY'",
                (code, operation_id),
            )

    def keep_path(self, operation_id: str, path: str) -> None:
        """Record where the records were saved before they were deleted."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE operations SET saved_as = ? WHERE operation_id = ?", (path, operation_id)
            )

    def observe(self, chunk: Chunk, picture: Picture) -> None:
        """Keep what a look at BeeL showed, so that settling goes on where it stopped."""
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO observations VALUES (?, ?, ?, ?, ?)",
                (chunk.operation_id, chunk.chunk, chunk.attempts, self.time(), picture),
            )

    def show(self, chunk: Chunk, rows: Sequence[Any]) -> None:
        """Keep for a day what was seen of each row of a chunk that stays unknown."""
        with self._database.writing() as db:
            keep_record(db, chunk.place, rows, self.time())

    def recover(self, is_running: Callable[[str], object]) -> None:
        """Turn what nobody is at any more into what it is, unknown; drop what is old.

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
                is_running(operation_id) if owner == self.owner.name else self.owner.is_alive(owner)
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
        """List what a process that is gone left half done: nothing is unknown, nothing goes on."""
        since = self.time() - KEPT_FOR.total_seconds()
        where = "books = ? AND caller = ? AND ended_at IS NULL AND started_at > ?"
        return [
            one
            for one in self._select(
                f"{where} ORDER BY started_at", account.ledger_id, caller, since
            )
            if not one.is_open
            and any(chunk.state == "READY" for chunk in one.chunks)
            and one.owner != self.owner.name
            and not self.owner.is_alive(one.owner)
        ]

    def purge(self) -> tuple[int, int]:
        """Remove the personal data of all that is settled; count what went and what stays."""
        if not self.exists():
            return 0, 0
        counts = self.private.purge()
        self.plans.purge()
        self._database.tidy()
        return counts
