"""A new draft invoice in words: created, found again, refused or unknown, and what to do now."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from beel_mcp.answers.answer import Status, next_steps
from beel_mcp.answers.outcome import MESSAGE_LIMIT, NAME_LIMIT, RETRY_AFTER_S, RecordRow, Records
from beel_mcp.answers.plan import PlanAnswer
from beel_mcp.cleaning import clean
from beel_mcp.errors import NextCall
from beel_mcp.writes.journal.records import Operation

DRAFT: Final = "DRAFT"
_AGAIN: Final = (
    "Nothing was sent now. If the person wants a second one like it, change a word, such as in"
    " notes."
)


class DraftAnswer(PlanAnswer):
    """What create_draft_invoice answers."""

    invoice_id: str | None = None
    invoice_status: str | None = None
    amount: str | None = None
    made_of: str | None = None
    operation_id: str | None = None
    replayed: bool | None = None
    retry_after_s: int | None = None

    def lines(self) -> Sequence[str]:
        """Give the plan or the draft."""
        amount = self.amount and f"{self.amount} EUR ({self.made_of})"
        draft = [self.invoice_id, self.invoice_status, amount]
        return [
            *self.plan_lines(),
            f"Invoice: {' · '.join(filter(None, draft))}." if self.invoice_id else "",
            f"operation_id: {self.operation_id}." if self.operation_id else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
        ]


def draft_answer(
    operation: Operation, records: Records, *, running: bool, replayed: bool
) -> DraftAnswer:
    """Say what create_draft_invoice did."""
    unsure = running or count_drafts(operation)["unknown"]
    check = NextCall(
        "check_operation", {"operation_id": operation.operation_id}, "finds out, by reading only"
    )
    return DraftAnswer(
        status=draft_status(operation, running=running),
        summary=draft_summary(operation, records, running=running),
        detail=draft_detail(operation, running=running) or None,
        **_facts(_draft(records)),
        operation_id=operation.operation_id,
        replayed=replayed or None,
        retry_after_s=RETRY_AFTER_S if running else None,
        next=next_steps(check if unsure else None),
    )


def found_again(operation: Operation, draft: Mapping[str, Any]) -> DraftAnswer:
    """Say that the very same draft is there already, as it is in BeeL now."""
    return DraftAnswer(
        status="done",
        summary="This very draft invoice was created by an earlier call, within 24 hours.",
        detail=_AGAIN,
        **_facts(draft),
        operation_id=operation.operation_id,
        replayed=True,
    )


def count_drafts(operation: Operation) -> dict[str, int]:
    """Put the draft into exactly one class."""
    counts = dict.fromkeys(_CLASSES.values(), 0)
    for chunk in operation.chunks:
        counts[_CLASSES[chunk.state]] += chunk.count
    return counts


def draft_status(operation: Operation, *, running: bool) -> Status:
    """Put the outcome into one word."""
    counts = count_drafts(operation)
    if running:
        return "partial"
    if counts["unknown"]:
        return "unknown"
    return "done" if counts["created"] else "nothing_done"


def draft_summary(operation: Operation, records: Records, *, running: bool) -> str:
    """Say the outcome in one sentence."""
    counts = count_drafts(operation)
    if running:
        return "The draft invoice is being created."
    if counts["unknown"]:
        return "BeeL did not answer. The draft invoice may or may not exist."
    if counts["created"]:
        return _created(_draft(records))
    return "BeeL refused the draft invoice." if counts["refused"] else "No draft was created."


def draft_detail(operation: Operation, *, running: bool) -> str:
    """Say what the summary leaves out: why, and what not to do."""
    [chunk] = operation.chunks
    if chunk.is_open and not running:
        return "Do not create it again; run check_operation."
    if chunk.state == "NOT_DONE":
        again = "The same create_draft_invoice call sends it once more."
        looked = "BeeL did not answer, and two looks showed that it was not created."
        return f"{looked} {again}" if chunk.attempts == 1 else looked
    if chunk.state in ("REJECTED", "READY") and chunk.code:
        return f"The reason: {chunk.code}."
    return ""


def draft_rows(operation: Operation, records: Records) -> list[RecordRow]:
    """Give the record as check_operation lists it."""
    return [
        RecordRow(
            row=row["row"],
            name=clean(row["name"], NAME_LIMIT),
            outcome=row.get("outcome") or _CLASSES[chunk.state],
            invoice_id=row.get("invoice_id"),
            message=_message(row),
        )
        for chunk in operation.chunks
        for row in records.get(chunk.chunk, ())
    ]


def _facts(draft: Mapping[str, Any]) -> dict[str, Any]:
    names = ("invoice_id", "invoice_status", "amount", "made_of")
    return {name: draft.get(name) for name in names}


def _message(row: Mapping[str, Any]) -> str | None:
    if "invoice_id" in row:
        return f"{clean(row['invoice_status'], 20)}, {row['amount']} EUR"
    return clean(row["message"], MESSAGE_LIMIT) if row.get("message") else None


def _created(draft: Mapping[str, Any]) -> str:
    status = draft.get("invoice_status", DRAFT)
    if status == DRAFT:
        return "The draft invoice is in BeeL; it is not issued and has no number."
    return f"The invoice is in BeeL, but as {clean(status, 20)}, not as a draft: tell the person."


def _draft(records: Records) -> Mapping[str, Any]:
    rows = [row for rows in records.values() for row in rows if "invoice_id" in row]
    return rows[0] if rows else {}


_CLASSES: Final = {
    "COMMITTED": "created",
    "REJECTED": "refused",
    "PENDING": "unknown",
    "UNKNOWN": "unknown",
    "READY": "not_attempted",
    "NOT_DONE": "not_attempted",
}
