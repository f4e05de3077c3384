"""A guarded call in words: the plan that waits, the yes that did not come, or what was changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema

from beel_mcp.answers.answer import capped, count_phrase, next_steps
from beel_mcp.answers.batches import CreatedCustomer, ProblemGroup
from beel_mcp.answers.outcome import (
    KINDS,
    RETRY_AFTER_S,
    Records,
    change_detail,
    change_status,
    change_summary,
    class_of,
    count_changes,
)
from beel_mcp.answers.plan import PlanAnswer, not_confirmed, waiting
from beel_mcp.cleaning import clean, quoted
from beel_mcp.errors import NextCall
from beel_mcp.writes.consent.elicitation import NothingToDo
from beel_mcp.writes.journal.plan import UNCHANGED, LeftAlone, Look
from beel_mcp.writes.kinds.previous_values import as_changes, finds_room
from beel_mcp.writes.run.gate import CarriedOut, NotConfirmed, Result, Waiting

NAME_LIMIT: Final = 40
MESSAGE_LIMIT: Final = 100
CHANGED_CAP: Final = 5
Previous = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object"}),
    Field(description="Old values by customer_id, as the changes that put them back."),
]
Counts = Annotated[
    dict[str, int],
    WithJsonSchema({"type": "object"}),
    Field(description="Records by what became of them; they sum to requested."),
]


class FailedRecord(BaseModel):
    """A record that stayed as it is, why, and what to do."""

    customer_id: str | None = None
    invoice_id: str | None = None
    name: str | None = None
    number: str | None = None
    code: str
    message: str | None = None
    remedy: str | None = None

    def line(self, fate: str) -> str:
        """Give it in one line of text."""
        names = [self.number, quoted(self.name, NAME_LIMIT) if self.name else None]
        name = " ".join(filter(None, names)) or self.customer_id or self.invoice_id
        return f"{fate}: {name} ({self.code}). {self.remedy or self.message or ''}".rstrip()


class ChangeAnswer(PlanAnswer):
    """What became of a guarded call."""

    requested: int | None = None
    counts: Counts | None = None
    failed: list[FailedRecord] | None = None
    more_failed: int | None = None
    unknown: list[str] | None = None
    more_unknown: int | None = None
    not_attempted: list[str] | None = None
    more_not_attempted: int | None = None
    operation_id: str | None = None
    replayed: bool | None = None
    retry_after_s: int | None = None
    backup_path: str | None = Field(None, description="The records as they were, to import again.")

    def lines(self) -> Sequence[str]:
        """Give the plan or the outcome, most important first."""
        counts = self.counts
        return [
            "This plan was taken before: nothing was sent now, this is its recorded outcome."
            if self.replayed
            else "",
            *self.plan_lines(),
            f"Counts: {count_phrase(counts)}." if counts else "",
            f"Saved before: {self.backup_path}" if self.backup_path else "",
            f"Operation: {self.operation_id}." if self.operation_id else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            *(one.line("Left out" if self.plan_id else "Not changed") for one in self.failed or ()),
        ]


class DeactivationAnswer(ChangeAnswer):
    """What deactivate_customers answers."""

    deactivated: list[str] | None = None
    more_deactivated: int | None = None


class DraftDeletionAnswer(ChangeAnswer):
    """What delete_draft_invoice answers."""

    deleted: list[str] | None = None
    more_deleted: int | None = None


class UpdateAnswer(ChangeAnswer):
    """What update_customers answers."""

    updated: list[str] | None = None
    more_updated: int | None = None
    unchanged: list[str] | None = None
    more_unchanged: int | None = None
    previous: Previous | None = None
    more_previous: int | None = None
    previous_path: str | None = Field(None, description="All old values, when they are many.")

    def lines(self) -> Sequence[str]:
        """Give the old values as well."""
        old = json.dumps(self.previous, ensure_ascii=False) if self.previous else ""
        more = f" and of {self.more_previous} more" if self.more_previous else ""
        return [
            *super().lines(),
            f"Old values{more} are in {self.previous_path}" if self.previous_path else "",
            f"Old values, as changes that put them back: {old}" if old else "",
        ]


class ConfirmationAnswer(DeactivationAnswer, DraftDeletionAnswer, UpdateAnswer):
    """What confirm_plan answers: the fields of the tool whose plan it was, and that tool."""

    tool: str | None = None
    total: int | None = None
    created: list[CreatedCustomer] | None = None
    more_created: int | None = None
    problems: list[ProblemGroup] | None = None
    more_problems: int | None = None
    left_out: list[int] | None = None
    invoice_id: str | None = None
    invoice_status: str | None = None
    amount: str | None = None
    made_of: str | None = None

    def lines(self) -> Sequence[str]:
        """Give the outcome, and the draft that came of it."""
        draft = (
            self.invoice_id,
            self.invoice_status,
            self.amount and f"{self.amount} EUR ({self.made_of})",
        )
        return [
            *super().lines(),
            f"Invoice: {' · '.join(filter(None, draft))}." if any(draft) else "",
        ]


A = TypeVar("A", bound=ChangeAnswer)


def answer_to(
    kind: type[A],
    result: Result,
    tool: str,
    records: Records,
    *,
    running: bool,
) -> A:
    """Put the result of a guarded call into words."""
    if isinstance(result, Waiting):
        plan = result.plan
        # How many are already so is in the statement; which, in the outcome.
        left = _failed_of_all(plan.look, plan.kind)
        return kind(**waiting(result), requested=plan.look.requested, **left)
    if isinstance(result, NotConfirmed):
        return kind(**not_confirmed(result))
    if isinstance(result, CarriedOut):
        return kind(**_carried_out(result, records, running=running))
    if isinstance(result, NothingToDo):
        return kind(**_nothing(result.look, tool))
    raise TypeError(result)


def _nothing(look: Look, tool: str) -> dict[str, Any]:
    total, done = look.requested, KINDS[tool].done
    same = [one.record_id for one in look.left if one.code in KINDS[tool].same]
    words = (
        ("this record is" if total == 1 else f"all {total} records are") + " already so"
        if len(same) == total
        else ("this record cannot" if total == 1 else f"none of {total} records can")
        + f" be {done}"
    )
    return {
        "status": "nothing_done",
        "summary": f"Nothing to change: {words}. Nobody was asked.",
        "changed": "nothing",
        "requested": total,
        "counts": {
            **dict.fromkeys(KINDS[tool].classes, 0),
            "failed": total - len(same),
            **({UNCHANGED: len(same)} if KINDS[tool].same else {}),
        },
        **_left(look, tool),
    }


def _carried_out(result: CarriedOut, records: Records, *, running: bool) -> dict[str, Any]:
    operation = result.operation
    counts = count_changes(operation)
    word = KINDS[operation.kind].done
    rows = [
        (row, class_of(row, chunk.state, operation.kind))
        for chunk in operation.chunks
        for row in records.get(chunk.chunk, ())
    ]
    lists: dict[str, Any] = {}
    for name in KINDS[operation.kind].classes:
        if name == "failed":
            continue
        ids = [str(row["record_id"]) for row, belongs in rows if belongs == name]
        shown, more = capped(ids, KINDS[operation.kind].ids_cap)
        lists |= {name: shown or None, f"more_{name}": more}
    failed = [_failed(row, operation.kind) for row, belongs in rows if belongs == "failed"]
    shown_failed, more_failed = capped(failed, KINDS[operation.kind].failed_cap)
    is_open = running or counts["unknown"]
    why = "tells what became of it, by reading" if is_open else "lists every record"
    check = NextCall("check_operation", {"operation_id": operation.operation_id}, why)
    return {
        "status": change_status(operation, running=running),
        "summary": change_summary(operation, running=running),
        "changed": "unknown" if counts["unknown"] else "something" if counts[word] else "nothing",
        "requested": operation.total,
        "counts": counts,
        **lists,
        "failed": shown_failed or None,
        "more_failed": more_failed,
        "operation_id": operation.operation_id,
        "replayed": result.replayed or None,
        "retry_after_s": RETRY_AFTER_S if running else None,
        KINDS[operation.kind].saves_as: operation.saved_as,
        **(_previous(rows, word) if KINDS[operation.kind].saves_as == "previous_path" else {}),
        "detail": change_detail(operation, running=running) or None,
        "next": next_steps(check if is_open or _has_more(lists, more_failed) else None),
    }


def _has_more(lists: Mapping[str, Any], more_failed: int | None) -> bool:
    return bool(more_failed) or any(lists[name] for name in lists if name.startswith("more_"))


def _left(look: Look, kind: str) -> dict[str, Any]:
    same = [one.record_id for one in look.left if one.code in KINDS[kind].same]
    shown, more = capped(same, KINDS[kind].ids_cap)
    unchanged = {"unchanged": shown, "more_unchanged": more} if same else {}
    return {**_failed_of_all(look, kind), **unchanged}


def _failed_of_all(look: Look, kind: str) -> dict[str, Any]:
    failed = [_failed_of(one, kind) for one in look.left if one.code not in KINDS[kind].same]
    shown, more = capped(failed, KINDS[kind].failed_cap)
    return {"failed": shown or None, "more_failed": more}


def _previous(rows: Sequence[tuple[Mapping[str, Any], str]], done: str) -> dict[str, Any]:
    """Give the old values of what changed or may have changed, as many as there is room for.

    Those that could not be shown as they are, are in the file alone.
    """
    touched = [row for row, belongs in rows if belongs in (done, "unknown")]
    shown: dict[str, Any] = {}
    for row in touched:
        if "previous" not in row:
            continue
        values = {row["record_id"]: as_changes(json.loads(row["previous"]))}
        if not finds_room({**shown, **values}):
            break
        shown |= values
    return {"previous": shown or None, "more_previous": len(touched) - len(shown) or None}


def _failed(row: Mapping[str, Any], kind: str) -> FailedRecord:
    code = row["code"] or "failed"
    left = LeftAlone(row["record_id"], row["name"], code, row["message"], row["identifier"])
    return _failed_of(left, kind)


def _failed_of(one: LeftAlone, kind: str) -> FailedRecord:
    words = KINDS[kind]
    is_invoice = words.id_field == "invoice_id"
    return FailedRecord(
        **{words.id_field: one.record_id},
        name=clean(one.name, NAME_LIMIT) or None,
        number=clean(one.identifier, NAME_LIMIT) or None if is_invoice else None,
        code=one.code,
        message=clean(one.message, MESSAGE_LIMIT) or None,
        remedy=words.remedies.get(one.code),
    )
