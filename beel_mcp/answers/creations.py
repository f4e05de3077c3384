"""A creation in words: what was created, refused or unknown, and what to do now."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from beel_mcp.answers.answer import Status, capped, next_steps, plural
from beel_mcp.answers.batches import (
    GROUPS,
    CreatedCustomer,
    CreationAnswer,
    CreationCounts,
    Example,
    ProblemGroup,
)
from beel_mcp.answers.outcome import MESSAGE_LIMIT, NAME_LIMIT, RETRY_AFTER_S, RecordRow, Records
from beel_mcp.cleaning import clean
from beel_mcp.errors import BeelMcpError, NextCall
from beel_mcp.writes.journal.records import Chunk, Operation
from beel_mcp.writes.kinds.create_customers import checking_call

# The same call again would stop at the same place.
OUTDATED = ("list_outdated", "created_meanwhile")
# An id costs 25 tokens, and a structure may cost 1,000.
CREATED_CAP = 10
SHORT_NAME = 40
MIXED = (
    "Some are in BeeL and some are not: somebody else acted, or BeeL carried out a part. Nothing is"
    " sent by itself; go through the rows with the person."
)


def count(operation: Operation) -> CreationCounts:
    """Put every row into exactly one class."""
    sums: dict[str, int] = {}
    for chunk in operation.chunks:
        name = _CLASS_OF[chunk.state]
        sums[name] = sums.get(name, 0) + chunk.count
    skipped = operation.total - sum(chunk.count for chunk in operation.chunks)
    return CreationCounts(skipped=skipped, **sums)


def creation_answer(
    operation: Operation,
    records: Records,
    *,
    running: bool,
    replayed: bool,
    before: bool = False,
    stopped: BeelMcpError | None = None,
    can_check: bool = False,
) -> CreationAnswer:
    """Say what create_customers did; `can_check` where the batch is kept."""
    counts = count(operation)
    created = [
        CreatedCustomer(
            row=row["row"], name=clean(row["name"], SHORT_NAME), customer_id=row["customer_id"]
        )
        for row in _rows_of(operation, records, "COMMITTED")
    ]
    shown, more = capped(created, CREATED_CAP)
    problems = _problems(operation, records)
    return CreationAnswer(
        status=status_of(operation, running=running),
        summary=summary_of(operation, running=running),
        total=operation.total,
        counts=counts,
        created=shown or None,
        more_created=more,
        problems=problems[:GROUPS] or None,
        more_problems=len(problems) - GROUPS if len(problems) > GROUPS else None,
        operation_id=operation.operation_id,
        replayed=replayed or None,
        retry_after_s=RETRY_AFTER_S if running else None,
        detail=detail_of(operation, running=running, before=before, stopped=stopped) or None,
        next=next_steps(*_next_calls(operation, stopped, running=running, can_check=can_check)),
    )


def _next_calls(
    operation: Operation, stopped: BeelMcpError | None, *, running: bool, can_check: bool
) -> Sequence[NextCall | None]:
    arguments = {"operation_id": operation.operation_id}
    if count(operation).unknown or running:
        return [NextCall("check_operation", arguments, "finds out, by reading only")]
    everyone = NextCall("check_operation", arguments, "lists everyone who was created")
    is_long = count(operation).created > CREATED_CAP
    is_outdated = stopped is not None and stopped.code in OUTDATED
    going_on = None if is_outdated else going_on_call(operation)
    if can_check and not going_on and (is_outdated or count(operation).refused):
        going_on = checking_call(operation.subject)
    return [everyone if is_long else None, going_on]


def is_whole(operation: Operation) -> bool:
    """Whether all that was decided is created."""
    return all(chunk.state == "COMMITTED" for chunk in operation.chunks)


def summary_of(operation: Operation, *, running: bool) -> str:
    """Say the outcome in one sentence."""
    counts = count(operation)
    rows = plural(counts.unknown, "customer")
    if running and not counts.unknown:
        return "Nothing is sent yet: another write to these books is in flight."
    if running:
        return f"BeeL is still at it: {rows} are being created; {counts.created} are created."
    if counts.unknown:
        return f"BeeL did not answer. The {rows} may or may not exist."
    if counts.refused:
        return f"BeeL refused {plural(counts.refused, 'customer')}; {counts.created} were created."
    if counts.not_attempted:
        rows = plural(counts.not_attempted, "customer")
        return f"{counts.created} were created; {rows} were not created."
    left_out = f"; {plural(counts.skipped, 'row')} left out because of problems"
    return (
        f"Created {plural(counts.created, 'customer')} of {operation.total}"
        f"{left_out if counts.skipped else ''}."
    )


def creation_rows(operation: Operation, records: Records) -> list[RecordRow]:
    """List what is recorded of each row, in order."""
    rows = [
        RecordRow(
            row=row["row"],
            name=clean(row["name"], NAME_LIMIT),
            outcome=row.get("outcome") or _CLASS_OF[chunk.state],
            customer_id=row.get("customer_id"),
            message=clean(row["message"], MESSAGE_LIMIT) if row.get("message") else None,
        )
        for chunk in operation.chunks
        for row in records.get(chunk.chunk, ())
    ]
    return sorted(rows, key=lambda row: row.row)


def status_of(operation: Operation, *, running: bool) -> Status:
    """Put the outcome into one word."""
    counts = count(operation)
    if running:
        return "partial"
    if counts.unknown:
        return "unknown"
    if not counts.created:
        return "nothing_done"
    return "partial" if counts.refused or counts.not_attempted else "done"


def going_on_call(operation: Operation) -> NextCall | None:
    """Give the call that sends what was not sent yet."""
    if not any(chunk.state == "READY" for chunk in operation.chunks):
        return None
    return resuming_call(operation)


def resuming_call(operation: Operation) -> NextCall:
    """Give the call that carries a decision on, whatever was sent of it."""
    arguments: dict[str, object] = {
        "batch_id": operation.subject,
        "expected_count": sum(chunk.count for chunk in operation.chunks),
    }
    if count(operation).skipped:
        arguments["skip_problems"] = True
    return NextCall("create_customers", arguments, "goes on with the rows not attempted")


def detail_of(
    operation: Operation,
    *,
    running: bool,
    before: bool = False,
    stopped: BeelMcpError | None = None,
) -> str:
    """Say what the summary leaves out: why, and what not to do."""
    counts = count(operation)
    parts = []
    if counts.unknown and not running:
        parts.append("Do not create them again; run check_operation.")
    if any(chunk.state == "NOT_DONE" for chunk in operation.chunks):
        parts.append("BeeL did not answer, and a look showed that they were not created.")
    if any(chunk.state == "NOT_DONE" and chunk.attempts == 1 for chunk in operation.chunks):
        parts.append("The same create_customers call sends them once more.")
    codes = sorted({chunk.code or "" for chunk in operation.chunks if _has_reason(chunk)})
    if stopped:
        parts.append(f"{stopped.message} {stopped.remedy or ''}".strip())
    elif codes:
        parts.append(f"The reason: {', '.join(codes)}.")
    if before:
        parts.append(
            "The very same rows were created by an earlier call within 24 hours, so BeeL may now"
            " hold them twice: tell the person."
        )
    return " ".join(parts)


def _has_reason(chunk: Chunk) -> bool:
    return chunk.state in ("REJECTED", "READY") and chunk.code is not None


def _rows_of(operation: Operation, records: Records, state: str) -> list[Mapping[str, Any]]:
    return [
        row
        for chunk in operation.chunks
        if chunk.state == state
        for row in records.get(chunk.chunk, ())
    ]


def _problems(operation: Operation, records: Records) -> list[ProblemGroup]:
    """Group what BeeL refused by field and message."""

    def key(row: Mapping[str, Any]) -> tuple[str, str]:
        return str(row["field"]), str(row["message"])

    groups = []
    named = (row for row in _rows_of(operation, records, "REJECTED") if "field" in row)
    for (field, message), rows in groupby(sorted(named, key=key), key=key):
        members = list(rows)
        first = members[0]
        groups.append(
            ProblemGroup(
                kind="error",
                field=field,
                message=clean(message, MESSAGE_LIMIT),
                count=len(members),
                rows=[row["row"] for row in members[:5]],
                example=Example(row=first["row"], name=clean(first["name"], NAME_LIMIT)),
            )
        )
    return sorted(groups, key=lambda group: -group.count)


_CLASS_OF = {
    "COMMITTED": "created",
    "REJECTED": "refused",
    "PENDING": "unknown",
    "UNKNOWN": "unknown",
    "READY": "not_attempted",
    "NOT_DONE": "not_attempted",
}
