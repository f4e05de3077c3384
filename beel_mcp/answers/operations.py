"""What confirm_plan and check_operation answer, whatever kind of write it is about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, PrivateAttr, WithJsonSchema, create_model

from beel_mcp.answers.answer import (
    PageAnswer,
    capped,
    count_phrase,
    iso_time,
    next_steps,
    plural,
)
from beel_mcp.answers.changes import (
    DeactivationAnswer,
    DraftDeletionAnswer,
    UpdateAnswer,
    can_undo,
    change_detail,
    change_summary,
    way_back,
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
from beel_mcp.answers.invoices.mailed import MailAnswer
from beel_mcp.answers.outcome import Outcome, RecordRow
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.errors import NextCall
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.protocol import settling_call

PAGE_SIZE: Final = 20
# Rows with old and new values are longer; so are operations that ended.
LONG_PAGE_SIZE: Final = 10


@dataclass(frozen=True)
class Sentences:
    """How operations of a tool are told, and the call that goes on with one, if there is one."""

    summary: Callable[[Outcome], str]
    detail: Callable[[Outcome], str]
    going_on: Callable[[Outcome], NextCall | None] = lambda _: None


class _Confirmed(WriteAnswer):
    tool: str | None = None
    _own: WriteAnswer | None = PrivateAttr(None)

    def lines(self) -> Sequence[str]:
        return self._own.lines() if self._own else super().lines()


if TYPE_CHECKING:
    ConfirmationAnswer = _Confirmed
else:
    # What is served is put together from the six answers, so that no field is declared twice.
    ConfirmationAnswer = create_model(
        "ConfirmationAnswer",
        __base__=_Confirmed,
        __doc__="What confirm_plan answers: the fields of the tool whose plan it was, and that"
        " tool.",
        **{
            name: (field.annotation, field)
            for answer in (
                *(CreationAnswer, DraftAnswer),
                *(DeactivationAnswer, DraftDeletionAnswer, MailAnswer, UpdateAnswer),
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


class EndedOperation(BaseModel):
    """An operation of the last 24 hours that is over."""

    operation_id: str
    tool: str
    ended_at: str
    counts: Annotated[dict[str, int], WithJsonSchema({"type": "object"})]
    can_undo: bool | None = None
    undoes: str | None = None
    undone_by: str | None = None

    def line(self) -> str:
        facts = [
            f"{self.ended_at}: {self.tool}, {count_phrase(self.counts)}, {self.operation_id}",
            f"undoes {self.undoes}" if self.undoes else "",
            f"undone by {self.undone_by}" if self.undone_by else "",
            "can be undone" if self.can_undo else "",
        ]
        return "; ".join(filter(None, facts))


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
    ended: list[EndedOperation] | None = None
    more_ended: int | None = None

    def lines(self) -> Sequence[str]:
        return [
            self.detail or "",
            f"Counts: {count_phrase(self.counts)}." if self.counts else "",
            f"Saved before: {self.backup_path}" if self.backup_path else "",
            f"All old values, for the person: {self.previous_path}" if self.previous_path else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            *(row.line() for row in self.rows or ()),
            *(operation.line() for operation in self.operations or ()),
            "Ended, newest first (update_customers undo takes the id):" if self.ended else "",
            *(operation.line() for operation in self.ended or ()),
            f"{self.more_ended} more ended before these." if self.more_ended else "",
        ]


def operation_answer(
    outcome: Outcome, *, page: int, retry_after_s: int | None = None
) -> OperationAnswer:
    """Say how an operation stands, with a page of its rows."""
    operation = outcome.operation
    sentences = sentences_of(operation)
    rows = outcome.table()
    size = LONG_PAGE_SIZE if operation.kind == "update_customers" else PAGE_SIZE
    shown = rows[(page - 1) * size : page * size]
    has_more = page * size < len(rows)
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
            None if outcome.is_unsure else sentences.going_on(outcome),
            way_back(outcome),
        ),
    )


def sentences_of(operation: Operation) -> Sentences:
    """Give the sentences that tell what became of an operation."""
    return SENTENCES.get(operation.kind, CHANGED)


def operations_answer(
    operations: Sequence[OpenOperation], ended: Sequence[EndedOperation], total: int, page: int
) -> OperationAnswer:
    """List what is running or of unknown outcome, and a page of the `total` that ended."""
    shown, more = capped(operations)
    number = plural(len(operations), "operation") if operations else "No operation is"
    over = f"{total} ended in the last 24 hours" if total else "none ended in the last 24 hours"
    more_ended = max(total - page * LONG_PAGE_SIZE, 0)
    following = NextCall("check_operation", {"page": page + 1}, "the next page")
    page_note = f" Page {page} is empty." if total and not ended else ""
    return OperationAnswer(
        status="done",
        summary=f"{number} waiting, running or of unknown outcome; {over}.{page_note}",
        operations=shown,
        more_operations=more,
        ended=list(ended) or None,
        more_ended=more_ended or None,
        next=next_steps(
            *(settling_call(operation.operation_id) for operation in shown[:3]),
            following if more_ended else None,
        ),
    )


def over(operations: Sequence[Operation], ledger_id: str) -> list[Operation]:
    """Leave out what is of another ledger, and what is not over."""
    return [
        operation
        for operation in operations
        if operation.account.ledger_id == ledger_id
        and operation.ended_at is not None
        and not operation.is_open
    ]


def ended_operation(outcome: Outcome, undone_by: str | None) -> EndedOperation:
    """Describe an operation that is over."""
    operation = outcome.operation
    return EndedOperation(
        operation_id=operation.operation_id,
        tool=operation.kind,
        ended_at=iso_time(operation.ended_at or operation.started_at),
        counts={name: number for name, number in outcome.counts.items() if number},
        can_undo=(not undone_by and can_undo(outcome)) or None,
        undoes=operation.terms.get("undo"),
        undone_by=undone_by,
    )


def undone(operations: Sequence[Operation]) -> dict[str, str]:
    """Give the undoings that stand, by what they undid; `operations` begin with the newest."""
    found: dict[str, str] = {}
    for operation in operations:
        target = operation.terms.get("undo")
        if target and operation.operation_id not in found and Outcome(operation, {}).done:
            found[target] = operation.operation_id
    return found


def today(operations: Sequence[Operation]) -> str | None:
    """Say in one line what was done: `2 imports (31 customers), 1 mail (12 invoices)`."""
    deeds: dict[str, list[int]] = {}
    for operation in reversed(operations):
        if done := Outcome(operation, {}).done:
            deeds.setdefault(_deed(operation), []).append(done)
    told = []
    for deed, numbers in deeds.items():
        noun = "draft" if "draft" in deed else "invoice" if deed == "mail" else "customer"
        told.append(f"{plural(len(numbers), deed)} ({plural(sum(numbers), noun)})")
    return ", ".join(told) or None


def _deed(operation: Operation) -> str:
    if operation.kind == "deactivate_customers":
        return "deletion" if CustomerDeactivation.removes(operation.terms) else "deactivation"
    return "undoing" if "undo" in operation.terms else _DEEDS[operation.kind]


def open_operation(operation: Operation, *, running: bool) -> OpenOperation:
    """Describe an operation that is in flight or not settled."""
    in_flight = any(chunk.state == "PENDING" for chunk in operation.chunks)
    # Before its first request; what is left out was decided with the plan.
    waits = running and all(chunk.state in ("READY", "REJECTED") for chunk in operation.chunks)
    # Nobody is at it any more, and what was not sent needs a new decision.
    is_half_done = not running and not operation.is_open
    state = "interrupted" if is_half_done else "unsettled"
    if running or in_flight:
        state = "waiting for its turn" if waits else "running"
    return OpenOperation(
        operation_id=operation.operation_id,
        tool=operation.kind,
        state=state,
        records=sum(
            chunk.count
            for chunk in operation.chunks
            if chunk.is_open or ((running or is_half_done) and chunk.state == "READY")
        ),
        started_at=iso_time(operation.started_at),
    )


_DEEDS: Final[Mapping[str, str]] = {
    "create_customers": "import",
    "create_draft_invoice": "new draft",
    "update_customers": "update",
    "delete_draft_invoice": "draft deletion",
    "send_invoices": "mail",
}
CHANGED: Final = Sentences(change_summary, change_detail)
SENTENCES: Final[Mapping[str, Sentences]] = {
    "create_customers": Sentences(customers_summary, customers_record_detail, going_on_call),
    "create_draft_invoice": Sentences(draft_summary, draft_detail),
}
