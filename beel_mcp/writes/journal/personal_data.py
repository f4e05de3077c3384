"""What names people, kept apart from the journal's entries and not for long."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from beel_mcp.writes.journal.database import Database
from beel_mcp.writes.journal.records import Chunk, Operation, PlannedRow

KEPT_FOR: Final = timedelta(hours=24)


class PrivateRecords:
    """The rows that settling needs, what came of each, and keyed digests of identifiers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def payload(self, chunk: Chunk) -> list[PlannedRow] | None:
        """Give the rows of a chunk, while they are kept."""
        rows = self._kept(chunk, "payload")
        return None if rows is None else [PlannedRow(row["number"], row["values"]) for row in rows]

    def record(self, chunk: Chunk) -> list[dict[str, Any]] | None:
        """Give what came of each row, while it is kept."""
        return self._kept(chunk, "record")

    def records(self, operation: Operation) -> dict[int, list[dict[str, Any]]]:
        """Give what came of each row of an operation, by chunk."""
        return {chunk.chunk: self.record(chunk) or [] for chunk in operation.chunks}

    def created_since(
        self, rows: Iterable[PlannedRow], books: str, since: float, besides: str = ""
    ) -> list[int]:
        """List the numbers of rows that our operations created in these books since a time.

        What the operation `besides` created is left aside.
        """
        if not self._database.exists():  # looking leaves no trace
            return []
        with self._database.reading() as db:
            secret = _secret(db)
            found = {
                digest
                for [digest] in db.execute(
                    "SELECT digest FROM identifiers JOIN operations USING (operation_id)"
                    " WHERE books = ? AND created_at >= ? AND operation_id != ?",
                    (books, since, besides),
                )
            }
        return [
            row.number
            for row in rows
            if any(_digest(secret, one) in found for one in _written_as(row))
        ]

    def purge(self) -> tuple[int, int]:
        """Remove the personal data of all that is not open; count what went and what stays.

        What is open keeps its rows: without them nobody could find out what became of it.
        """
        with self._database.writing() as db:
            db.execute("DELETE FROM identifiers")
            removed = db.execute(
                "DELETE FROM private WHERE (operation_id, chunk) NOT IN (SELECT operation_id,"
                " chunk FROM chunks WHERE state IN ('PENDING', 'UNKNOWN'))"
            ).rowcount
            [kept] = db.execute("SELECT count(*) FROM private").fetchone()
        return removed, kept

    def _kept(self, chunk: Chunk, purpose: str) -> list[dict[str, Any]] | None:
        with self._database.reading() as db:
            found = db.execute(
                "SELECT content FROM private WHERE operation_id = ? AND chunk = ? AND purpose = ?",
                (chunk.operation_id, chunk.chunk, purpose),
            ).fetchone()
        return json.loads(found[0]) if found else None


def keep_payload(
    db: sqlite3.Connection, operation_id: str, chunk: int, rows: Sequence[PlannedRow]
) -> None:
    """Keep the rows of a chunk until it is settled."""
    content = [{"number": row.number, "values": row.values} for row in rows]
    _keep(db, (operation_id, chunk, "payload"), content, None)


def keep_record(
    db: sqlite3.Connection, place: tuple[str, int], record: Sequence[Any], now: float
) -> None:
    """Keep what came of each row of a chunk for a day."""
    _keep(db, (*place, "record"), record, now + KEPT_FOR.total_seconds())


def remember_identifiers(
    db: sqlite3.Connection, operation_id: str, rows: Sequence[PlannedRow], now: float
) -> None:
    """Remember for a day that these identifiers were created; a record's own id is none."""
    created = [row.identity for row in rows if "record_id" not in row.values]
    secret = _secret(db)
    db.executemany(
        "INSERT INTO identifiers VALUES (?, ?, ?)",
        [(operation_id, _digest(secret, one), now) for one in created],
    )


def forget_settled(db: sqlite3.Connection) -> None:
    """Drop the rows that nothing needs any more."""
    db.execute(
        "DELETE FROM private WHERE purpose = 'payload' AND (operation_id, chunk) IN (SELECT"
        " operation_id, chunk FROM chunks WHERE state IN ('COMMITTED', 'REJECTED'))"
    )


def is_old(db: sqlite3.Connection, now: float) -> bool:
    """Tell whether anything has been kept for a day."""
    old = now - KEPT_FOR.total_seconds()
    [due] = db.execute(
        "SELECT EXISTS (SELECT 1 FROM private WHERE kept_until < ?)"
        " OR EXISTS (SELECT 1 FROM identifiers WHERE created_at < ?)"
        " OR EXISTS (SELECT 1 FROM private JOIN chunks USING (operation_id, chunk)"
        " JOIN operations USING (operation_id)"
        " WHERE state IN ('READY', 'NOT_DONE') AND started_at < ?)",
        (now, old, old),
    ).fetchone()
    return bool(due)


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Drop what has been kept for a day; the rows of an open chunk stay until it is settled."""
    old = now - KEPT_FOR.total_seconds()
    db.execute("DELETE FROM private WHERE kept_until < ?", (now,))
    db.execute(
        "DELETE FROM private WHERE (operation_id, chunk) IN (SELECT operation_id, chunk"
        " FROM chunks JOIN operations USING (operation_id)"
        " WHERE state IN ('READY', 'NOT_DONE') AND started_at < ?)",
        (old,),
    )
    db.execute("DELETE FROM identifiers WHERE created_at < ?", (old,))


def _keep(
    db: sqlite3.Connection, place: tuple[str, int, str], content: Any, until: float | None
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?, ?)",
        (*place, json.dumps(content, ensure_ascii=False), until),
    )


def _secret(db: sqlite3.Connection) -> bytes:
    [secret] = db.execute("SELECT value FROM secret").fetchone()
    return bytes(secret)


def _written_as(row: PlannedRow) -> tuple[str, ...]:
    """Give an identity as it is remembered, and a foreign one as it once was, without a country.

    Only what an earlier version remembered has that form, and that is gone after a day.
    """
    other = row.values.get("alternative_id") or {}
    if not row.identity.startswith("foreign:"):
        return (row.identity,)
    return row.identity, f"alt:{other.get('type')}:{other['number']}".upper()


def _digest(secret: bytes, identifier: str) -> bytes:
    return hmac.new(secret, identifier.encode(), hashlib.sha256).digest()
