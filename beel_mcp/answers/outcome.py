"""What became of a confirmed change: every record in one class, and the words for the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel

from beel_mcp.answers.answer import Status, plural
from beel_mcp.cleaning import clean, quoted
from beel_mcp.writes.journal.plan import UNCHANGED
from beel_mcp.writes.journal.records import Operation

NAME_LIMIT = 60
MESSAGE_LIMIT = 140
RETRY_AFTER_S = 15
Records = Mapping[int, Sequence[Mapping[str, Any]]]


class RecordRow(BaseModel):
    """What became of one row."""

    row: int
    name: str
    outcome: str
    customer_id: str | None = None
    invoice_id: str | None = None
    message: str | None = None

    def line(self) -> str:
        """Give the row in one line of text."""
        facts = [self.customer_id, self.invoice_id, self.message]
        words = [self.outcome, *(fact for fact in facts if fact)]
        return f"row {self.row} {quoted(self.name, NAME_LIMIT)}: {' '.join(words)}"


@dataclass(frozen=True)
class Kind:
    """How a guarded tool speaks. `done` is the class of what was changed, as tools.md has it."""

    done: str
    noun: str
    id_field: Literal["customer_id", "invoice_id"]
    remedies: Mapping[str, str] = field(default_factory=dict)
    # What stays as it is because it is already so, where that is a class of its own.
    same: tuple[str, ...] = ()
    saves_as: Literal["backup_path", "previous_path"] = "backup_path"
    # How many of each class an answer lists.
    ids_cap: int = 10
    failed_cap: int = 5

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of records; each record is in one."""
        return (self.done, *self.same, "failed", "unknown", "not_attempted")

    def effect(self, terms: Mapping[str, str]) -> str:
        """Say what BeeL did, which one word for all cannot tell."""
        if self.done == "deactivated":
            is_gone = terms.get("mode") == "delete" and terms.get("generation") == "current"
            return "deleted for good" if is_gone else "marked as inactive"
        return self.done


_ISSUED: Final = "An issued invoice is never deleted: the person voids it in BeeL, or issues a"
KINDS: Final[Mapping[str, Kind]] = {
    "update_customers": Kind(
        "updated",
        "customer",
        "customer_id",
        {
            "not_found": "find_customers gives the ids of customers that exist.",
            "changed_meanwhile": "Somebody else changed the same fields: look at the customer, and"
            " ask for a new plan.",
            "CONCURRENT_MODIFICATION": "Somebody else changed it at the same moment: ask for a new"
            " plan.",
            "CLIENT_DUPLICATE": "Another customer has this NIF: find_customers shows who.",
            "identifier_fixed": "This BeeL does not change the NIF of a customer.",
            "never_empty": "This BeeL cannot empty this field; give it another value.",
            "not_done": "Ask for it again if the person still wants it.",
        },
        (UNCHANGED,),
        "previous_path",
        ids_cap=5,  # beside one class more, and the old values
        failed_cap=4,
    ),
    "deactivate_customers": Kind(
        "deactivated",
        "customer",
        "customer_id",
        {
            "has_invoices": "BeeL does not delete customers with invoices; mode inactive works for"
            " them.",
            "not_found": "find_customers gives the ids of customers that exist.",
            "already_inactive": "There is nothing to do.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    ),
    "delete_draft_invoice": Kind(
        "deleted",
        "invoice",
        "invoice_id",
        {
            "issued": f"{_ISSUED} corrective one.",
            "issued_meanwhile": f"It was issued meanwhile. {_ISSUED} corrective one.",
            "scheduled": "It issues itself on its date; the person can make it a draft in BeeL.",
            "voided": "Nothing to do: it is void, and stays in the records.",
            "rectified": "Nothing to do: a corrective invoice has replaced it.",
            "proforma": "A proforma is no draft invoice; the person can delete it in BeeL.",
            "not_found": "find_invoices with status DRAFT gives the ids of drafts.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    ),
}


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
