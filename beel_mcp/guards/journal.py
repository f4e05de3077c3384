"""The write-ahead record: what is about to be sent is on disk before its first byte leaves."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from beel_mcp.api.account import Account
from beel_mcp.guards.lookups import Lookups
from beel_mcp.guards.owner import Owner
from beel_mcp.guards.plan import Plan
from beel_mcp.guards.plan_store import forget_expired, has_expired, take
from beel_mcp.guards.private import (
    KEPT_FOR,
    forget_old,
    forget_settled,
    is_old,
    keep_payload,
    keep_record,
    remember_identifiers,
)
from beel_mcp.guards.records import (
    Chunk,
    ChunkState,
    Clock,
    Decision,
    Operation,
    Picture,
    Planned,
)


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
                *(account.key_fingerprint, account.books, decision.plan_id, decision.confirmed_by),
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
            for one in self._select(f"{where} ORDER BY started_at", account.books, caller, since)
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
