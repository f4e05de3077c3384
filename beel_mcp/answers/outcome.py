"""What became of a write: every record in exactly one class, and what all answers share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel

from beel_mcp.answers.answer import MESSAGE_LIMIT, NAME_LIMIT, VALUE_LIMIT, Status
from beel_mcp.cleaning import clean, quoted, shortened
from beel_mcp.errors import NextCall
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import (
    UNSENT_STATES,
    Chunk,
    ChunkState,
    Operation,
    RowRecord,
)
from beel_mcp.writes.journal.workers import BackgroundWrites
from beel_mcp.writes.kinds import KINDS
from beel_mcp.writes.kinds.previous_values import as_shown
from beel_mcp.writes.kinds.protocol import OutcomeWords
from beel_mcp.writes.kinds.value_words import value_words

RETRY_AFTER_S: Final = 15
_AGREED: Final = {
    "form": "The person agreed in the form.",
    "page": "The person agreed on the page.",
    "statement": "The plan was confirmed by its sentence.",
}
Records = Mapping[int, Sequence[RowRecord]]  # by chunk number


class RecordRow(BaseModel):
    """What became of one row."""

    row: int
    name: str
    outcome: str
    customer_id: str | None = None
    invoice_id: str | None = None
    message: str | None = None

    def line(self) -> str:
        facts = [self.customer_id, self.invoice_id, self.message]
        words = [self.outcome, *(fact for fact in facts if fact)]
        return f"row {self.row} {quoted(self.name, NAME_LIMIT)}: {' '.join(words)}"


@dataclass(frozen=True)
class Outcome:
    """An operation with what is recorded of its rows; `running` while this process sends it."""

    operation: Operation
    records: Records
    running: bool = False

    @property
    def words(self) -> OutcomeWords:
        return KINDS[self.operation.kind].words_of(self.operation.terms)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many records are in each class; they sum to what the call was about."""
        words = self.words
        sums = dict.fromkeys(words.classes, 0)
        for chunk in self.operation.chunks:
            sums[words.done] += chunk.done
            sums[words.failed] += chunk.failed
            # Rows that are left out are in a chunk of their own, which says why.
            name = str(chunk.code) if chunk.code in words.already else self._class_of(chunk.state)
            sums[name] += chunk.count - chunk.done - chunk.failed
        if words.skips:
            sums["skipped"] = self.operation.total - self.operation.planned
        return sums

    @property
    def agreed(self) -> str:
        """Say how the yes came; nothing where none was wanted."""
        return _AGREED.get(self.operation.confirmed_by or "", "")

    @property
    def done(self) -> int:
        return self.counts[self.words.done]

    @property
    def failed(self) -> int:
        return self.counts[self.words.failed]

    @property
    def unknown(self) -> int:
        """How many records may or may not have been written."""
        return self.counts["unknown"]

    @property
    def not_attempted(self) -> int:
        """How many records were not sent, or proven not to have been written."""
        return self.counts["not_attempted"]

    @property
    def status(self) -> Status:
        """Put the outcome into one word."""
        if self.running:
            return "partial"
        if self.unknown:
            return "unknown"
        if not self.done:
            return "nothing_done"
        return "partial" if self.failed or self.not_attempted else "done"

    @property
    def is_unsure(self) -> bool:
        """Whether check_operation will find out more."""
        return self.running or self.unknown > 0

    @property
    def can_go_on(self) -> bool:
        """Whether some of it may still be sent; a day after the decision its rows are gone."""
        return any(
            chunk.state in UNSENT_STATES and self.records.get(chunk.chunk)
            for chunk in self.operation.chunks
        )

    def fields(self, *, replayed: bool = False) -> dict[str, Any]:
        """Give the fields that the answers of all writes share."""
        return {
            "status": self.status,
            "operation_id": self.operation.operation_id,
            "replayed": replayed or None,
            "retry_after_s": RETRY_AFTER_S if self.running else None,
        }

    def checking_call(self, reason: str) -> NextCall:
        """Give the call that says how the operation stands."""
        arguments = {"operation_id": self.operation.operation_id}
        return NextCall("check_operation", arguments, reason)

    def of_class(self, name: str) -> list[RowRecord]:
        """List the records of one class."""
        return [record for chunk, record in self._rows() if self._classify(chunk, record) == name]

    def table(self) -> list[RecordRow]:
        """List what is known of each row, in order; a row with two messages stands twice."""
        rows = [
            RecordRow(
                row=record.number,
                name=clean(record.name, NAME_LIMIT),
                outcome=self._told(chunk, record),
                **({self.words.id_field: record.record_id} if record.record_id else {}),
                message=shortened(message, MESSAGE_LIMIT) or None,
            )
            for chunk, record in self._rows()
            for message in self._messages(record)
        ]
        return sorted(rows, key=lambda row: row.row)

    def _rows(self) -> Iterator[tuple[Chunk, RowRecord]]:
        for chunk in self.operation.chunks:
            for record in self.records.get(chunk.chunk, ()):
                yield chunk, record

    def _classify(self, chunk: Chunk, record: RowRecord) -> str:
        """Name the class of one record."""
        if record.code in self.words.already:
            return record.code
        if record.verdict == "unknown":
            return self._class_of(chunk.state)
        return self.words.done if record.verdict == "done" else self.words.failed

    def _class_of(self, state: ChunkState) -> str:
        if state in UNSENT_STATES:
            return "not_attempted"
        if state in ("PENDING", "UNKNOWN"):
            return "unknown"
        return self.words.done if state == "COMMITTED" else self.words.failed

    def _told(self, chunk: Chunk, record: RowRecord) -> str:
        if record.is_found is not None and chunk.is_open:
            return "is in BeeL" if record.is_found else "not seen in BeeL"
        return self._classify(chunk, record)

    def _messages(self, record: RowRecord) -> Sequence[str]:
        if record.previous and record.after:
            old, new = as_shown(record.previous), as_shown(record.after)
            changes = [
                f"{path}: {_value(path, old[path])} → {_value(path, new[path])}" for path in old
            ]
            return [*changes, record.message] if record.message else changes
        if record.problems:
            return [problem.message for problem in record.problems]
        if "amount" in record.facts:
            told = [record.facts.get(name, "") for name in ("invoice_status", "date")]
            work = record.facts.get("work_date")
            worked = f" (work date {clean(work, 10)})" if work else ""
            return [f"{clean(' '.join(told), 40)}{worked}, {record.facts['amount']} EUR"]
        if self.words.failed == "failed":
            return [f"{record.code} {record.message}".strip()]
        return [record.message]


async def read_outcomes(
    journal: Journal, writes: BackgroundWrites, *operation_ids: str
) -> list[Outcome]:
    """Give operations that exist as they are now, with what is recorded of their rows."""
    running = {found: writes.running(found) for found in operation_ids}
    read = await journal.with_records(*operation_ids)
    if any(job and job.ended.is_set() for job in running.values()):  # it ended while they were read
        return await read_outcomes(journal, writes, *operation_ids)
    return [
        Outcome(
            found,
            kept,
            bool(running[found.operation_id]) or await journal.lease.runs_elsewhere(found),
        )
        for found, kept in read
    ]


def _value(path: str, value: Any) -> str:
    """Give a field's value, which is data, so short that two of them have room in a message."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return value_words(path, value, VALUE_LIMIT, "en")
    text = str(value) if isinstance(value, str | int | float) else ", ".join(map(str, value))
    return quoted(text, VALUE_LIMIT)
