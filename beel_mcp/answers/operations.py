"""What confirm_plan and check_operation answer, whatever kind of write it is about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, PrivateAttr, WithJsonSchema, create_model

from beel_mcp.answers.answer import PageAnswer, capped, count_phrase, next_steps, plural
from beel_mcp.answers.changes import (
    DeactivationAnswer,
    DraftDeletionAnswer,
    UpdateAnswer,
    change_detail,
    change_summary,
)
from beel_mcp.answers.creations import (
    CreationAnswer,
    DraftAnswer,
    customers_record_detail,
    customers_summary,
    draft_detail,
    draft_summary,
    going_on_call,
)
from beel_mcp.answers.outcome import Outcome, RecordRow
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.errors import NextCall
from beel_mcp.writes.journal.records import Operation

PAGE_SIZE: Final = 20


@dataclass(frozen=True)
class Sentences:
    """How operations of a tool are told, and the call that goes on with one, if there is one."""

    summary: Callable[[Outcome], str]
    detail: Callable[[Outcome], str]
    going_on: Callable[[Operation], NextCall | None] = lambda _: None


class _Confirmed(WriteAnswer):
    tool: str | None = None
    _own: WriteAnswer | None = PrivateAttr(None)

    def lines(self) -> Sequence[str]:
        return self._own.lines() if self._own else super().lines()


if TYPE_CHECKING:
    ConfirmationAnswer = _Confirmed
else:
    # What is served is put together from the five answers, so that no field is declared twice.
    ConfirmationAnswer = create_model(
        "ConfirmationAnswer",
        __base__=_Confirmed,
        __doc__="What confirm_plan answers: the fields of the tool whose plan it was, and that"
        " tool.",
        **{
            name: (field.annotation, field)
            for answer in (
                *(CreationAnswer, DraftAnswer),
                *(DeactivationAnswer, DraftDeletionAnswer, UpdateAnswer),
            )
            for name, field in answer.model_fields.items()
            if name not in _Confirmed.model_fields
        },
    )


def confirmed(answer: WriteAnswer, tool: str | None) -> ConfirmationAnswer:
    """Give the answer of the tool whose plan it was as confirm_plan's."""
    confirmation = ConfirmationAnswer(**answer.model_dump(exclude_none=True), tool=tool)
    confirmation._own = answer  # noqa: SLF001 - a private attribute is no field of the structure
    return confirmation


class OpenOperation(BaseModel):
    """An operation that is in flight or not settled."""

    operation_id: str
    tool: str
    state: str
    records: int
    started_at: str

    def line(self) -> str:
        return (
            f"{self.operation_id}: {self.tool}, {plural(self.records, 'record')}, {self.state},"
            f" started {self.started_at}"
        )


class OperationAnswer(PageAnswer):
    """How an operation stands, and a page of its record; or what is open."""

    operation_id: str | None = None
    tool: str | None = None
    counts: Annotated[dict[str, int], WithJsonSchema({"type": "object"})] | None = None
    backup_path: str | None = None
    previous_path: str | None = None
    detail: str | None = None
    rows: list[RecordRow] | None = None
    retry_after_s: int | None = None
    operations: list[OpenOperation] | None = None
    more_operations: int | None = None

    def lines(self) -> Sequence[str]:
        return [
            self.detail or "",
            f"Counts: {count_phrase(self.counts)}." if self.counts else "",
            f"Saved before: {self.backup_path}" if self.backup_path else "",
            f"Old values: {self.previous_path}" if self.previous_path else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            *(row.line() for row in self.rows or ()),
            *(operation.line() for operation in self.operations or ()),
        ]


def operation_answer(
    outcome: Outcome, *, page: int, retry_after_s: int | None = None
) -> OperationAnswer:
    """Say how an operation stands, with a page of its rows."""
    operation = outcome.operation
    sentences = sentences_of(operation)
    rows = outcome.table()
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    has_more = page * PAGE_SIZE < len(rows)
    again = {"operation_id": operation.operation_id, "page": page + 1}
    following = NextCall("check_operation", again, "the next page")
    page_note = f" Page {page} is empty." if rows and not shown else ""
    return OperationAnswer(
        status=outcome.status,
        detail=sentences.detail(outcome) or None,
        summary=sentences.summary(outcome) + page_note,
        operation_id=operation.operation_id,
        tool=operation.kind,
        total=operation.total,
        counts=outcome.counts,
        **({outcome.words.saved_as: operation.saved_as} if operation.saved_as else {}),
        rows=shown or None,
        page=page,
        has_more=has_more,
        retry_after_s=retry_after_s,
        next=next_steps(
            outcome.checking_call(f"in {retry_after_s} s") if retry_after_s else None,
            following if has_more else None,
            None if outcome.is_unsure else sentences.going_on(operation),
        ),
    )


def sentences_of(operation: Operation) -> Sentences:
    """Give the sentences that tell what became of an operation."""
    return SENTENCES.get(operation.kind, CHANGED)


def open_operations_answer(operations: Sequence[OpenOperation]) -> OperationAnswer:
    """List what is running or of unknown outcome."""
    shown, more = capped(operations)
    number = plural(len(operations), "operation") if operations else "No operation is"
    reason = "settles it, by reading"
    return OperationAnswer(
        status="done",
        summary=f"{number} running or of unknown outcome.",
        operations=shown,
        more_operations=more,
        next=next_steps(
            *(
                NextCall("check_operation", {"operation_id": operation.operation_id}, reason)
                for operation in shown[:3]
            )
        ),
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


CHANGED: Final = Sentences(change_summary, change_detail)
SENTENCES: Final[Mapping[str, Sentences]] = {
    "create_customers": Sentences(customers_summary, customers_record_detail, going_on_call),
    "create_draft_invoice": Sentences(draft_summary, draft_detail),
}
