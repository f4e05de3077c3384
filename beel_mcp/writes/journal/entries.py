"""Operations and their chunks as rows, read and written in a transaction of the caller's."""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, NamedTuple

from beel_mcp.api.company import Account
from beel_mcp.errors import BeelMcpError, NextCall
from beel_mcp.writes.journal.database import insert
from beel_mcp.writes.journal.personal_data import has_payload, keep_payload, keep_record
from beel_mcp.writes.journal.records import (
    KEY_SPENT,
    Chunk,
    ChunkState,
    Decision,
    Operation,
    PlannedChunk,
    RowRecord,
)

_CHUNK_COLUMNS: Final = tuple(column.name for column in fields(Chunk))
_ACCOUNT_COLUMNS: Final = ("environment", "company_id", "key_fingerprint")
_OPERATION_COLUMNS: Final = (
    *(column.name for column in fields(Operation) if column.name not in ("account", "chunks")),
    *_ACCOUNT_COLUMNS,
)


class DecidedMeanwhileError(BeelMcpError, code="decided_meanwhile"):
    """Somebody else decided the very same since it was looked for; whoever looks again finds it."""


class NotWaitingError(BeelMcpError, code="busy"):
    """A request is no more what it was when it was read, so it does not leave."""


class Sent(NamedTuple):
    """One sending of a chunk, and when it began."""

    operation_id: str
    chunk: int
    at: float


def select(db: sqlite3.Connection, where: str, *values: Any) -> list[Operation]:
    """Read the operations that a condition is true of, each with its chunks."""
    rows = db.execute(
        f"SELECT {', '.join(_OPERATION_COLUMNS)} FROM operations WHERE {where}", values
    ).fetchall()
    return [_operation(db, dict(zip(_OPERATION_COLUMNS, row, strict=True))) for row in rows]


def get(db: sqlite3.Connection, operation_id: str) -> Operation:
    """Read an operation that is known to exist."""
    return select(db, "operation_id = ?", operation_id)[0]


def chunk_of(db: sqlite3.Connection, chunk: Chunk) -> Chunk:
    """Read a chunk as it is now."""
    row = db.execute(
        f"SELECT {', '.join(_CHUNK_COLUMNS)} FROM chunks WHERE operation_id = ? AND chunk = ?",
        chunk.chunk_key,
    ).fetchone()
    return Chunk(*row)


def mark_pending(db: sqlite3.Connection, chunk: Chunk, *, owner: str, now: float) -> Chunk:
    """Mark a chunk as being sent, by whom; as it is now, with another key if its own is spent.

    Raises:
        NotWaitingError: it was sent or settled since it was read, or its rows are gone.
    """
    marked = db.execute(
        "UPDATE chunks SET state = 'PENDING', attempts = attempts + 1, sent_at = ?,"
        " idempotency_key = idempotency_key || CASE code WHEN ?"
        " THEN '-' || (attempts + 1) ELSE '' END,"
        " settled_at = NULL, code = NULL WHERE operation_id = ? AND chunk = ? AND attempts = ?"
        " AND state IN ('READY', 'NOT_DONE', 'UNKNOWN')",
        (now, KEY_SPENT, *chunk.chunk_key, chunk.attempts),
    )
    if not (marked.rowcount and has_payload(db, chunk, since=0.0)):  # raising takes it back
        raise NotWaitingError(
            "A request of this operation was not sent: another process went on with it, or its rows"
            " are no longer kept on this machine.",
            retryable=True,
            next_calls=(
                NextCall(
                    "check_operation", {"operation_id": chunk.operation_id}, "tells how it is"
                ),
            ),
        )
    db.execute(
        "UPDATE operations SET owner = ?, ended_at = NULL WHERE operation_id = ?",
        (owner, chunk.operation_id),
    )
    return chunk_of(db, chunk)


def end(db: sqlite3.Connection, operation_id: str, now: float) -> None:
    """Mark an operation as ended, unless somebody is sending of it by now."""
    db.execute(
        "UPDATE operations SET ended_at = ? WHERE operation_id = ? AND NOT EXISTS (SELECT 1 FROM"
        " chunks WHERE chunks.operation_id = operations.operation_id AND state = 'PENDING')",
        (now, operation_id),
    )


def keep_path(db: sqlite3.Connection, operation_id: str, path: str) -> None:
    """Keep the path of the file with the records as they were before."""
    db.execute("UPDATE operations SET saved_as = ? WHERE operation_id = ?", (path, operation_id))


def explain(db: sqlite3.Connection, operation_id: str, code: str) -> None:
    """Say of the requests that were not sent why."""
    sql = "UPDATE chunks SET code = ? WHERE operation_id = ? AND state = 'READY'"
    db.execute(sql, (code, operation_id))


def mark_settled(
    db: sqlite3.Connection,
    chunk: Chunk,
    state: ChunkState,
    facts: tuple[Any, ...],
    *,
    by_reading: bool,
) -> bool:
    """Mark how a chunk ended, and tell whether it was; by reading only what is UNKNOWN still.

    `facts` are when, code, request_id, and how many rows are done and failed.
    """
    changed = db.execute(
        "UPDATE chunks SET state = ?, settled_at = ?, code = ?, request_id = ?,"
        " done = ?, failed = ?,"
        # A sending that provably did nothing does not count as one.
        " attempts = attempts - (? = 'READY') WHERE operation_id = ? AND chunk = ?"
        " AND (? = 0 OR (state = 'UNKNOWN' AND attempts = ?))",
        (state, *facts, state, *chunk.chunk_key, by_reading, chunk.attempts),
    )
    return changed.rowcount > 0


def in_flight(db: sqlite3.Connection) -> list[tuple[str, Sent]]:
    """List what is PENDING, with the process that sends it."""
    found = db.execute(
        "SELECT owner, operation_id, chunk, sent_at FROM operations JOIN chunks"
        " USING (operation_id) WHERE state = 'PENDING'"
    )
    return [(owner, Sent(*sent)) for owner, *sent in found]


def mark_lost(db: sqlite3.Connection, sent: Sequence[Sent]) -> None:
    """Mark as UNKNOWN what nobody sends any more; not what was settled, or sent anew, since."""
    db.executemany(
        "UPDATE chunks SET state = 'UNKNOWN', code = 'process_ended'"
        " WHERE operation_id = ? AND chunk = ? AND sent_at = ? AND state = 'PENDING'",
        sent,
    )


def refuse_decided(
    db: sqlite3.Connection, decision: Decision, seen: Sequence[Operation] | None, since: float
) -> None:
    """Keep two calls that looked at the same time from deciding the same twice.

    Raises:
        DecidedMeanwhileError: there is an operation of this subject, or one about the very same
            rows, begun since a time, that is not among the `seen` as it is now.
    """
    if seen is None:
        return
    found = select(
        db,
        "kind = ? AND caller = ?"
        " AND (subject = ? OR (payload_digest = ? AND ledger_id = ? AND started_at > ?))",
        *(decision.kind, decision.caller, decision.subject),
        *(decision.payload_digest, decision.account.ledger_id, since),
    )
    if any(one.subject == decision.subject or one not in seen for one in found):
        raise DecidedMeanwhileError("Another call has just decided the very same.")


def record(
    db: sqlite3.Connection,
    decision: Decision,
    chunks: Sequence[PlannedChunk],
    *,
    owner: str,
    now: float,
) -> Operation:
    """Make an operation of a decision; its idempotency keys are fixed here."""
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
        owner=owner,
        started_at=now,
        checked_at=decision.checked_at,
        known_upto=decision.known_upto,
    )
    for number, chunk in enumerate(chunks):
        _record_chunk(db, decision.kind, (operation_id, number), chunk, now)
    return get(db, operation_id)


def _record_chunk(
    db: sqlite3.Connection, kind: str, key: tuple[str, int], chunk: PlannedChunk, now: float
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
        keep_record(db, key, [*map(RowRecord.of, chunk.rows, chunk.outcomes)], now)


def _operation(db: sqlite3.Connection, columns: dict[str, Any]) -> Operation:
    chunks = db.execute(
        f"SELECT {', '.join(_CHUNK_COLUMNS)} FROM chunks WHERE operation_id = ? ORDER BY chunk",
        (columns["operation_id"],),
    ).fetchall()
    account = Account(*map(columns.pop, _ACCOUNT_COLUMNS))
    columns["terms"] = json.loads(columns["terms"])
    return Operation(**columns, account=account, chunks=tuple(Chunk(*chunk) for chunk in chunks))
