"""The write-ahead record: what is about to be sent is on disk before its first byte leaves."""

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from beel_mcp.api.account import Account
from beel_mcp.guards.database import Database
from beel_mcp.guards.owner import Owner
from beel_mcp.guards.private import (
    KEPT_FOR,
    PrivateRecords,
    forget_old,
    forget_settled,
    keep_payload,
    keep_record,
    remember_identifiers,
)
from beel_mcp.guards.records import (
    Chunk,
    ChunkState,
    Clock,
    Observation,
    Operation,
    Picture,
    Planned,
)

_OPEN: Final = "('PENDING', 'UNKNOWN')"


class Journal:
    """Decisions, the requests they are made of, and how each ended."""

    def __init__(self, folder: Path, now: Clock) -> None:
        self._database = Database(folder)
        self.private = PrivateRecords(self._database)
        self._now = now
        self.owner = Owner(folder)

    def exists(self) -> bool:
        """Tell whether anything was ever recorded in this folder."""
        return self._database.exists()

    def close(self) -> None:
        """Let go of the file, and of the lock that says that this process lives."""
        self._database.close()
        self.owner.leave()

    def time(self) -> float:
        """Tell the time in seconds since 1970."""
        return self._now().timestamp()

    def begin(
        self,
        kind: str,
        *,
        caller: str,
        subject: str,
        payload_digest: str,
        account: Account,
        total: int,
        chunks: Sequence[Planned],
    ) -> Operation:
        """Record a decision before anything of it is sent. Its idempotency keys are fixed here."""
        operation_id = f"op_{secrets.token_urlsafe(12)}"
        self.owner.appear()
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    *(operation_id, kind, caller, subject, payload_digest),
                    *(account.environment, account.company_id, account.key_fingerprint),
                    *(total, self.owner.name, self.time()),
                ),
            )
            for number, chunk in enumerate(chunks):
                db.execute(
                    "INSERT INTO chunks (operation_id, chunk, count, idempotency_key, state,"
                    " processing_time_ms) VALUES (?, ?, ?, ?, 'READY', ?)",
                    (
                        *(operation_id, number, len(chunk.rows)),
                        f"bmcp1-{kind}-{operation_id}-{number}",
                        chunk.processing_time_ms,
                    ),
                )
                keep_payload(db, operation_id, number, chunk.rows)
        return self.get(operation_id)

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
    ) -> None:
        """Record how a chunk ended. The rows kept to settle it go; what came of them stays 24 h."""
        with self._database.writing() as db:
            if state == "COMMITTED":
                rows = self.private.payload(chunk) or []
                remember_identifiers(db, chunk.operation_id, rows, self.time())
            db.execute(
                "UPDATE chunks SET state = ?, settled_at = ?, code = ?, request_id = ?,"
                # A sending that provably did nothing does not count as one.
                " attempts = attempts - (? = 'READY') WHERE operation_id = ? AND chunk = ?",
                (state, self.time(), code, request_id, state, chunk.operation_id, chunk.chunk),
            )
            if record is not None:
                keep_record(db, chunk, record, self.time())
            forget_settled(db)

    def end(self, operation_id: str) -> None:
        """Record that nothing more of an operation will be sent by itself."""
        with self._database.writing() as db:
            db.execute(
                "UPDATE operations SET ended_at = ? WHERE operation_id = ?",
                (self.time(), operation_id),
            )

    def observe(self, chunk: Chunk, picture: Picture) -> None:
        """Keep what a look at BeeL showed, so that settling goes on where it stopped."""
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO observations VALUES (?, ?, ?, ?)",
                (chunk.operation_id, chunk.chunk, self.time(), picture),
            )

    def show(self, chunk: Chunk, rows: Sequence[Any]) -> None:
        """Keep for a day what was seen of each row of a chunk that stays unknown."""
        with self._database.writing() as db:
            keep_record(db, chunk, rows, self.time())

    def recover(self, is_running: Callable[[str], object]) -> None:
        """Turn what nobody is at any more into what it is, unknown; drop what is old.

        `is_running` tells of this process's operations; others hold a lock while they live.
        """
        if not self.exists():
            return
        with self._database.writing() as db:
            for owner, operation_id in db.execute(
                "SELECT DISTINCT owner, operation_id FROM operations JOIN chunks"
                " USING (operation_id) WHERE state = 'PENDING'"
            ).fetchall():
                mine = owner == self.owner.name
                if not (is_running(operation_id) if mine else self.owner.is_alive(owner)):
                    db.execute(
                        "UPDATE chunks SET state = 'UNKNOWN', code = 'process_ended'"
                        " WHERE operation_id = ? AND state = 'PENDING'",
                        (operation_id,),
                    )
            forget_old(db, self.time())

    def purge(self) -> tuple[int, int]:
        """Remove the personal data of all that is settled; count what went and what stays."""
        return self.private.purge() if self.exists() else (0, 0)

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

    def open_operations(self, account: Account, caller: str | None = None) -> list[Operation]:
        """List what is in flight or unsettled in these books, oldest first."""
        return self._select(
            "environment = ? AND company_id IS ? AND key_fingerprint = ?"
            " AND caller = coalesce(?, caller) AND operation_id IN"
            f" (SELECT operation_id FROM chunks WHERE state IN {_OPEN}) ORDER BY started_at",
            *(account.environment, account.company_id, account.key_fingerprint, caller),
        )

    def created_before(self, digest: str, account: Account) -> Operation | None:
        """Find the operation that created the very same rows in the last 24 hours."""
        return _first(
            self._select(
                "payload_digest = ? AND environment = ? AND company_id IS ? AND started_at > ? AND"
                " operation_id IN (SELECT operation_id FROM chunks WHERE state = 'COMMITTED')",
                *(digest, account.environment, account.company_id),
                self.time() - KEPT_FOR.total_seconds(),
            )
        )

    def observations(self, chunk: Chunk) -> list[Observation]:
        """Give what was seen of a chunk since it was last sent, oldest first."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT at, picture FROM observations WHERE operation_id = ? AND chunk = ?"
                " AND at >= ? ORDER BY at",
                (chunk.operation_id, chunk.chunk, chunk.sent_at or 0.0),
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
        total, owner, started_at, ended_at = row[8:]
        return Operation(
            operation_id=operation_id,
            kind=kind,
            caller=caller,
            subject=subject,
            payload_digest=digest,
            account=Account(*row[5:8]),
            total=total,
            owner=owner,
            started_at=started_at,
            ended_at=ended_at,
            chunks=tuple(Chunk(*chunk) for chunk in chunks),
        )


def _first(operations: list[Operation]) -> Operation | None:
    return operations[0] if operations else None
