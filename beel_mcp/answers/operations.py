"""How an operation stands, whatever it does, and a page of its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, WithJsonSchema

from beel_mcp.answers import creations, drafts, outcome
from beel_mcp.answers.answer import LIST_TEXT_LIMIT, Answer, Status, count_phrase, plural
from beel_mcp.answers.outcome import KINDS, RecordRow, Records
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.kinds.create_draft import KIND as NEW_DRAFT

PAGE_SIZE = 20


class OpenOperation(BaseModel):
    """An operation that is in flight or not settled."""

    operation_id: str
    tool: str
    state: str
    records: int
    started_at: str

    def line(self) -> str:
        """Give the operation in one line of text."""
        return (
            f"{self.operation_id}: {self.tool}, {plural(self.records, 'record')}, {self.state},"
            f" started {self.started_at}"
        )


class OperationAnswer(Answer):
    """How an operation stands, and a page of its record; or what is open."""

    text_limit: ClassVar[int] = LIST_TEXT_LIMIT

    operation_id: str | None = None
    tool: str | None = None
    total: int | None = None
    counts: Annotated[dict[str, int], WithJsonSchema({"type": "object"})] | None = None
    backup_path: str | None = None
    previous_path: str | None = None
    detail: str | None = None
    rows: list[RecordRow] | None = None
    page: int | None = None
    has_more: bool | None = None
    retry_after_s: int | None = None
    operations: list[OpenOperation] | None = None
    more_operations: int | None = None

    def lines(self) -> Sequence[str]:
        """Give the counts, then the rows of this page, or the open operations."""
        return [
            self.detail or "",
            f"Counts: {count_phrase(self.counts)}." if self.counts else "",
            f"Saved before: {self.backup_path}" if self.backup_path else "",
            f"Old values: {self.previous_path}" if self.previous_path else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            *(row.line() for row in self.rows or ()),
            *(operation.line() for operation in self.operations or ()),
        ]


@dataclass(frozen=True)
class Told:
    """An operation in words."""

    status: Status
    summary: str
    detail: str
    counts: dict[str, int]
    rows: list[RecordRow]


def tell(operation: Operation, records: Records, *, running: bool) -> Told:
    """Put an operation into the words of its tool."""
    if operation.kind in KINDS:
        return Told(
            outcome.change_status(operation, running=running),
            outcome.change_summary(operation, running=running),
            outcome.change_detail(operation, running=running),
            outcome.count_changes(operation),
            outcome.change_rows(operation, records),
        )
    if operation.kind == NEW_DRAFT:
        return Told(
            drafts.draft_status(operation, running=running),
            drafts.draft_summary(operation, records, running=running),
            drafts.draft_detail(operation, running=running),
            drafts.count_drafts(operation),
            drafts.draft_rows(operation, records),
        )
    rows = creations.creation_rows(operation, records)
    status = creations.status_of(operation, running=running)
    detail = creations.detail_of(operation, running=running)
    if status == "unknown" and rows:
        detail = f"{creations.MIXED} {detail}"
    return Told(
        status,
        creations.summary_of(operation, running=running),
        detail,
        creations.count(operation).model_dump(),
        rows,
    )


def open_operation(operation: Operation, *, running: bool) -> OpenOperation:
    """Describe an operation that is in flight or not settled."""
    started_at = datetime.fromtimestamp(operation.started_at, UTC)
    in_flight = any(chunk.state == "PENDING" for chunk in operation.chunks)
    # Nobody is at it any more, and what was not sent needs a new decision.
    is_half_done = not running and not operation.is_open
    return OpenOperation(
        operation_id=operation.operation_id,
        tool=operation.kind,
        state="running" if running or in_flight else "interrupted" if is_half_done else "unsettled",
        records=sum(
            chunk.count
            for chunk in operation.chunks
            if chunk.is_open or (is_half_done and chunk.state == "READY")
        ),
        started_at=started_at.isoformat(timespec="seconds"),
    )


def saved(operation: Operation) -> dict[str, Any]:
    """Give the file that was kept before an operation, by its name in the answer."""
    words = KINDS.get(operation.kind)
    return {words.saves_as: operation.saved_as} if words and operation.saved_as else {}
