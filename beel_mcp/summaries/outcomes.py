"""What became of a confirmed change: every record in one class, and the words for the whole."""

from collections.abc import Mapping
from typing import Any, Final

from beel_mcp.cleaning import clean
from beel_mcp.guards.records import Operation
from beel_mcp.summaries.answer import Status, plural
from beel_mcp.summaries.kinds import KINDS
from beel_mcp.summaries.rows import MESSAGE_LIMIT, NAME_LIMIT, RecordRow, Records


def count_changes(operation: Operation) -> dict[str, int]:
    """Put every record of a change into exactly one class."""
    kind = KINDS[operation.kind]
    sums = dict.fromkeys(kind.classes, 0)
    for chunk in operation.chunks:
        rest = chunk.count - chunk.done - chunk.failed
        sums[kind.done] += chunk.done
        sums["failed"] += chunk.failed
        # Those that are left alone are in a chunk of their own, which says why.
        sums[str(chunk.code) if chunk.code in kind.same else REST[chunk.state]] += rest
    return sums


def change_status(operation: Operation, *, running: bool) -> Status:
    """Put the outcome into one word."""
    counts = count_changes(operation)
    done = counts[KINDS[operation.kind].done]
    if running:
        return "partial"
    if counts["unknown"]:
        return "unknown"
    if not done:
        return "nothing_done"
    return "partial" if counts["failed"] or counts["not_attempted"] else "done"


def change_summary(operation: Operation, *, running: bool) -> str:
    """Say the outcome in one sentence, and what BeeL did, which one word for all cannot tell."""
    counts = count_changes(operation)
    done, unknown = counts[KINDS[operation.kind].done], counts["unknown"]
    effect, noun = KINDS[operation.kind].effect(operation.terms), KINDS[operation.kind].noun
    total = plural(operation.total, noun)
    if running:
        return f"Still running: {done} of {total} {_were(done)} {effect} so far."
    if unknown:
        rest = f"; {done} {_were(done)} for certain" if done else ""
        whom = plural(unknown, noun)
        return f"BeeL did not answer: {whom} may or may not have been {effect}{rest}."
    if not done:
        whom = f"the {noun} was not" if operation.total == 1 else f"none of {total} was"
        return f"Nothing was changed: {whom} {effect}."
    return f"{done} of {total} {_were(done)} {effect}."


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def change_detail(operation: Operation, *, running: bool) -> str:
    """Say what the summary leaves out."""
    counts = count_changes(operation)
    parts = []
    codes = {chunk.code for chunk in operation.chunks if chunk.state == "READY" and chunk.code}
    if counts["not_attempted"] and not running:
        why = f" ({', '.join(sorted(codes))})" if codes else ""
        parts.append(
            f"The rest was not sent{why}: it needs a new plan, for the ids under not_attempted."
        )
    if counts["unknown"] and not running:
        parts.append("Do not repeat it; check_operation finds out, by reading only.")
    return " ".join(parts)


def change_rows(operation: Operation, records: Records) -> list[RecordRow]:
    """List what is known of each record, those that changed or could have first."""
    rows = [
        RecordRow(
            row=row["row"],
            name=clean(row["name"], NAME_LIMIT),
            outcome=class_of(row, chunk.state, operation.kind),
            **{KINDS[operation.kind].id_field: row["record_id"]},
            message=clean(f"{row['code']} {row['message']}", MESSAGE_LIMIT) or None,
        )
        for chunk in operation.chunks
        for row in records.get(chunk.chunk, ())
    ]
    return sorted(rows, key=lambda row: row.row)


def class_of(row: Mapping[str, Any], state: str, kind: str) -> str:
    """Name the class of one record of a change."""
    if row["code"] in KINDS[kind].same:
        return str(row["code"])
    return {"done": KINDS[kind].done, "failed": "failed"}.get(row["verdict"], REST[state])


REST: Final = {
    "COMMITTED": "failed",
    "REJECTED": "failed",
    "PENDING": "unknown",
    "UNKNOWN": "unknown",
    "READY": "not_attempted",
    "NOT_DONE": "not_attempted",
}
