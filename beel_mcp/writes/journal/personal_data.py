"""What names people, kept apart from the journal's entries and not for long."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from beel_mcp.writes.journal.database import Database, secret_of
from beel_mcp.writes.journal.records import (
    RECORD_TTL,
    Chunk,
    Clock,
    Operation,
    RowOutcome,
    RowRecord,
    Sending,
    WriteRow,
)

_MOST_ORIGINS: Final = 200
# Whoever checks a list waits no longer for what is a convenience after a restart.
_KEEPING_S: Final = 0.5
# The rows of an open chunk stay until it is settled.
_IS_OLD: Final = (
    "(kept_until IS NOT NULL AND kept_until < ?)"
    " OR (state IN ('READY', 'NOT_DONE') AND started_at < ?)"
)


class Creation(NamedTuple):
    """Which operation created a record, and when that was settled, in seconds since 1970."""

    operation_id: str
    at: float


class PersonalData:
    """The rows that settling needs, what came of each, and keyed digests of identifiers.

    Also the calls that read lists from files, with what a person corrected: batches live in memory,
    and who comes back after a restart is told how to go on. An inline list is in the conversation.
    """

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def payload(self, *chunks: Chunk) -> list[WriteRow]:
        """Give the rows of some chunks, as far as they are kept."""
        if not chunks:
            return []
        now = self._time()
        return await self._database.read(
            lambda db: [row for chunk in chunks for row in payload_of(db, chunk, now)]
        )

    async def record(self, chunk: Chunk) -> list[RowRecord]:
        """Give what became of each row of a chunk, as far as that is kept."""
        now = self._time()
        return await self._database.read(lambda db: record_of(db, chunk, now))

    async def rows_and_record(self, chunk: Chunk) -> tuple[list[WriteRow], list[RowRecord]]:
        """Give both, as they are at one time."""
        now = self._time()
        return await self._database.read(
            lambda db: (payload_of(db, chunk, now), record_of(db, chunk, now))
        )

    async def records(self, operation: Operation) -> dict[int, list[RowRecord]]:
        """Give what became of each row of an operation, by chunk number.

        A row without a record, as of a chunk that was never sent, is `unknown`.
        """
        now = self._time()
        return await self._database.read(lambda db: records_of(db, operation, now))

    async def in_doubt(self, ledger_id: str) -> list[tuple[str, WriteRow]]:
        """List what was sent to a ledger within a day and is open: operation and row.

        After a day it stands in nobody's way any more: no answer is that late.
        """
        if not self._database.exists():  # looking leaves no trace
            return []
        found = await self._database.read(
            lambda db: db.execute(
                "SELECT operation_id, content FROM private JOIN chunks USING (operation_id, chunk)"
                " JOIN operations USING (operation_id) WHERE ledger_id = ? AND sent_at > ?"
                " AND state IN ('PENDING', 'UNKNOWN') AND purpose = 'payload' ORDER BY started_at",
                (ledger_id, self._day_ago),
            ).fetchall()
        )
        return [
            (operation_id, WriteRow(**row))
            for operation_id, content in found
            for row in json.loads(content)
        ]

    async def created_since(
        self, rows: Iterable[WriteRow], ledger_id: str, known_upto: int = 0, besides: str = ""
    ) -> dict[int, Creation]:
        """Find the rows that our operations created in a ledger within a day, by row number.

        What was known already (see `last_created`), and what the operation `besides` created, does
        not count; of several creations the last does.
        """
        if not self._database.exists():  # looking leaves no trace
            return {}
        rows = list(rows)

        def find(db: sqlite3.Connection) -> dict[int, Creation]:
            secret = secret_of(db)
            found = {
                digest: Creation(operation_id, at)
                for digest, operation_id, at in db.execute(
                    "SELECT digest, operation_id, created_at"
                    " FROM identifiers JOIN operations USING (operation_id)"
                    " WHERE ledger_id = ? AND created_at >= ? AND number > ?"
                    " AND operation_id != ? ORDER BY number",
                    (ledger_id, self._day_ago, known_upto, besides),
                )
            }
            if not found:  # most lists: no digest to make of any row
                return {}
            digests = ((row.number, _digest(secret, row.identity)) for row in rows)
            return {number: found[digest] for number, digest in digests if digest in found}

        return await self._database.read(find)

    async def last_created(self) -> int:
        """Give the number of what our operations created last; a clock that goes back keeps it."""
        if not self._database.exists():  # looking leaves no trace
            return 0
        found = await self._database.read(
            lambda db: db.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'identifiers'"
            ).fetchone()
        )
        return found[0] if found else 0

    async def sendings(self, kind: str, ledger_id: str) -> list[Sending]:
        """List what was sent to a ledger within a day and had its effect, or may have had it.

        Whoever sent it; the newest first.
        """
        if not self._database.exists():  # looking leaves no trace
            return []
        found = await self._database.read(
            lambda db: db.execute(
                "SELECT sent_at, state, content FROM private"
                " JOIN chunks USING (operation_id, chunk) JOIN operations USING (operation_id)"
                " WHERE kind = ? AND ledger_id = ?"
                " AND sent_at > ? AND purpose = CASE state WHEN 'COMMITTED' THEN 'record'"
                " WHEN 'PENDING' THEN 'payload' WHEN 'UNKNOWN' THEN 'payload' END"
                " ORDER BY sent_at DESC",
                (kind, ledger_id, self._day_ago),
            ).fetchall()
        )
        return [
            Sending(
                at,
                state == "COMMITTED",
                [
                    RowRecord.from_json(row) if state == "COMMITTED" else WriteRow(**row)
                    for row in json.loads(content)
                ],
            )
            for at, state, content in found
        ]

    async def keep_origin(
        self, batch_id: str, caller: str, arguments: Mapping[str, Any], *, is_whole: bool
    ) -> None:
        """Remember for a day the call that reads a list again; the newest 200 are kept.

        Raises:
            JournalError: it could not be written.
        """
        now, day_ago = self._time(), self._day_ago
        call = json.dumps(dict(arguments), ensure_ascii=False)

        def keep(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR REPLACE INTO origins VALUES (?, ?, ?, ?, ?)",
                (batch_id, caller, call, is_whole, now),
            )
            db.execute(
                "DELETE FROM origins WHERE kept_at < ? OR batch_id NOT IN"
                " (SELECT batch_id FROM origins ORDER BY kept_at DESC, rowid DESC LIMIT ?)",
                (day_ago, _MOST_ORIGINS),
            )

        await self._database.write(keep, within_s=_KEEPING_S)

    async def find_origin(self, batch_id: str, caller: str) -> tuple[Mapping[str, Any], bool]:
        """Give the arguments of that call, and whether they are all; none for another's batch.

        Raises:
            JournalError: it cannot be read.
        """
        if not self._database.exists():  # looking leaves no trace
            return {}, False
        found = await self._database.read(
            lambda db: db.execute(
                "SELECT arguments, is_whole FROM origins WHERE batch_id = ?"
                " AND caller = ? AND kept_at > ?",
                (batch_id, caller, self._day_ago),
            ).fetchone()
        )
        return (json.loads(found[0]), bool(found[1])) if found else ({}, False)

    def _time(self) -> float:
        return self._now().timestamp()

    @property
    def _day_ago(self) -> float:
        return self._time() - RECORD_TTL.total_seconds()


def purge_settled(db: sqlite3.Connection) -> tuple[int, int]:
    """Remove the personal data of all that is not open; count what went and what stays.

    What is open keeps its rows: without them nobody could find out what became of it.
    """
    db.execute("DELETE FROM identifiers")
    db.execute("DELETE FROM origins")
    removed = db.execute(
        "DELETE FROM private WHERE (operation_id, chunk) NOT IN (SELECT operation_id,"
        " chunk FROM chunks WHERE state IN ('PENDING', 'UNKNOWN'))"
    ).rowcount
    [kept] = db.execute("SELECT count(*) FROM private").fetchone()
    return removed, kept


def has_payload(db: sqlite3.Connection, chunk: Chunk, since: float) -> bool:
    """Tell whether the rows of a chunk are at hand, and were decided about since a time."""
    found = db.execute(
        "SELECT 1 FROM private JOIN operations USING (operation_id)"
        " WHERE operation_id = ? AND chunk = ? AND purpose = 'payload' AND started_at > ?",
        (*chunk.chunk_key, since),
    )
    return found.fetchone() is not None


def payload_of(db: sqlite3.Connection, chunk: Chunk, now: float) -> list[WriteRow]:
    """Give the rows of a chunk, as far as they are kept."""
    return [WriteRow(**row) for row in _kept(db, chunk, "payload", now)]


def record_of(db: sqlite3.Connection, chunk: Chunk, now: float) -> list[RowRecord]:
    """Give what became of each row of a chunk, as far as that is kept."""
    return [RowRecord.from_json(row) for row in _kept(db, chunk, "record", now)]


def records_of(
    db: sqlite3.Connection, operation: Operation, now: float
) -> dict[int, list[RowRecord]]:
    """Give what became of each row of an operation, by chunk number, as `records` does."""
    unknown = RowOutcome("unknown")
    return {
        chunk.chunk: record_of(db, chunk, now)
        or [RowRecord.of(row, unknown) for row in payload_of(db, chunk, now)]
        for chunk in operation.chunks
    }


def _kept(db: sqlite3.Connection, chunk: Chunk, purpose: str, now: float) -> Any:
    """Read what is kept, if it is to be kept still: what is old may wait to be deleted."""
    found = db.execute(
        "SELECT content FROM private JOIN chunks USING (operation_id, chunk)"
        " JOIN operations USING (operation_id)"
        f" WHERE operation_id = ? AND chunk = ? AND purpose = ? AND NOT ({_IS_OLD})",
        (*chunk.chunk_key, purpose, now, now - RECORD_TTL.total_seconds()),
    ).fetchone()
    return json.loads(found[0]) if found else []


def keep_payload(
    db: sqlite3.Connection, chunk_key: tuple[str, int], rows: Sequence[WriteRow]
) -> None:
    """Keep the rows of a chunk until it is settled."""
    _keep(db, (*chunk_key, "payload"), [asdict(row) for row in rows], None)


def keep_record(
    db: sqlite3.Connection, chunk_key: tuple[str, int], record: Sequence[RowRecord], now: float
) -> None:
    """Keep what became of each row of a chunk for a day."""
    content = [asdict(row) for row in record]
    _keep(db, (*chunk_key, "record"), content, now + RECORD_TTL.total_seconds())


def remember_identifiers(
    db: sqlite3.Connection, operation_id: str, rows: Sequence[WriteRow], now: float
) -> None:
    """Remember for a day that records with these identities were created, drafts among them."""
    created = [row.identity for row in rows if not row.record_id]
    secret = secret_of(db)
    db.executemany(
        "INSERT INTO identifiers (operation_id, digest, created_at) VALUES (?, ?, ?)",
        [(operation_id, _digest(secret, identity), now) for identity in created],
    )


def forget_settled(db: sqlite3.Connection) -> None:
    """Drop the rows that nothing needs any more."""
    db.execute(
        "DELETE FROM private WHERE purpose = 'payload' AND (operation_id, chunk) IN (SELECT"
        " operation_id, chunk FROM chunks WHERE state IN ('COMMITTED', 'REJECTED'))"
    )


def is_old(db: sqlite3.Connection, now: float) -> bool:
    """Tell whether anything has been kept for longer than a day."""
    old = now - RECORD_TTL.total_seconds()
    [due] = db.execute(
        "SELECT EXISTS (SELECT 1 FROM private JOIN chunks USING (operation_id, chunk)"
        f" JOIN operations USING (operation_id) WHERE {_IS_OLD})"
        " OR EXISTS (SELECT 1 FROM identifiers WHERE created_at < ?)"
        " OR EXISTS (SELECT 1 FROM origins WHERE kept_at < ?)",
        (now, old, old, old),
    ).fetchone()
    return bool(due)


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Drop what has been kept for a day; the rows of an open chunk stay until it is settled."""
    old = now - RECORD_TTL.total_seconds()
    db.execute(
        "DELETE FROM private WHERE (operation_id, chunk, purpose) IN (SELECT operation_id, chunk,"
        " purpose FROM private JOIN chunks USING (operation_id, chunk)"
        f" JOIN operations USING (operation_id) WHERE {_IS_OLD})",
        (now, old),
    )
    db.execute("DELETE FROM identifiers WHERE created_at < ?", (old,))
    db.execute("DELETE FROM origins WHERE kept_at < ?", (old,))


def _keep(
    db: sqlite3.Connection, key: tuple[str, int, str], content: Any, until: float | None
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?, ?)",
        (*key, json.dumps(content, ensure_ascii=False), until),
    )


def _digest(secret: bytes, identifier: str) -> bytes:
    return hmac.new(secret, identifier.encode(), hashlib.sha256).digest()
