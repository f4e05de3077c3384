"""Reading the journal: operations, what is open, what was seen."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beel_mcp.api.account import Account
from beel_mcp.guards.database import Database
from beel_mcp.guards.plan_store import PlanStore
from beel_mcp.guards.private import KEPT_FOR, PrivateRecords
from beel_mcp.guards.records import Chunk, Clock, Observation, Operation


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
            *(account.books, caller),
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
                *(digest, account.books, self.time() - KEPT_FOR.total_seconds()),
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
                (account.books,),
            ).fetchone()
        return at or 0.0

    def begun(self, kind: str, digest: str, account: Account, caller: str) -> Operation | None:
        """Find a decision about the very same rows that a day has not ended yet."""
        return _first(
            self._select(
                "kind = ? AND payload_digest = ? AND books = ? AND caller = ? AND started_at > ?"
                " AND operation_id IN (SELECT operation_id FROM chunks WHERE state IN"
                " ('READY', 'NOT_DONE')) ORDER BY started_at DESC",
                *(kind, digest, account.books, caller),
                self.time() - KEPT_FOR.total_seconds(),
            )
        )

    def decided(self, kind: str, digest: str, account: Account, caller: str) -> list[Operation]:
        """List a caller's decisions about the very same rows within a day, the newest first."""
        return self._select(
            "kind = ? AND payload_digest = ? AND books = ? AND caller = ? AND started_at > ?"
            " ORDER BY started_at DESC, rowid DESC",
            *(kind, digest, account.books, caller),
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
