"""What guarded tools answer, and what update, deactivation and deletion say of their own."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema

from beel_mcp.answers.answer import (
    SHORT_MESSAGE_LIMIT,
    SHORT_NAME_LIMIT,
    capped_fields,
    count_phrase,
    next_steps,
    plural,
)
from beel_mcp.answers.outcome import Outcome
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.cleaning import clean, one_word, quoted, shortened
from beel_mcp.errors import NextCall
from beel_mcp.messages import read_data
from beel_mcp.writes.journal.plan import UNCHANGED, LeftOut, Preview
from beel_mcp.writes.journal.records import RowRecord
from beel_mcp.writes.kinds import KINDS
from beel_mcp.writes.kinds.mails.sending import NO_HISTORY
from beel_mcp.writes.kinds.previous_values import as_changes, fits_answer, is_whole
from beel_mcp.writes.kinds.protocol import OutcomeWords
from beel_mcp.writes.kinds.undo import can_be_undone, recreating_call, replaced

Previous = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object"}),
    Field(description="Old values by customer_id, in the shape of changes."),
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

    def line(self, opening: str) -> str:
        number = one_word(self.number) if self.number else None
        name = quoted(self.name, SHORT_NAME_LIMIT) if self.name else None
        named = " ".join(filter(None, [number, name])) or self.customer_id or self.invoice_id
        return f"{opening}: {named} ({self.code}). {self.remedy or self.message or ''}".rstrip()


class ChangeAnswer(WriteAnswer):
    """What became of a guarded call."""

    stayed: ClassVar[str] = "Not changed"  # before a record that stayed as it is

    requested: int | None = None
    counts: Counts | None = None
    failed: list[FailedRecord] | None = None
    more_failed: int | None = None
    unknown: list[str] | None = None
    more_unknown: int | None = None
    not_attempted: list[str] | None = None
    more_not_attempted: int | None = None
    backup_path: str | None = Field(None, description="The records as they were, to import again.")

    def lines(self) -> Sequence[str]:
        counts = self.counts
        return [
            *super().lines(),
            f"Counts: {count_phrase(counts)}." if counts else "",
            f"Saved before: {self.backup_path}" if self.backup_path else "",
            f"Operation: {self.operation_id}." if self.operation_id else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            *(
                record.line("Left out" if self.plan_id else self.stayed)
                for record in self.failed or ()
            ),
        ]

    @classmethod
    def own_fields(cls, _outcome: Outcome) -> dict[str, Any]:
        """Give what the answers of other tools do not have."""
        return {}


class DraftDeletionAnswer(ChangeAnswer):
    """What delete_draft_invoice answers."""

    deleted: list[str] | None = None
    more_deleted: int | None = None


class DeactivationAnswer(DraftDeletionAnswer):
    """What deactivate_customers answers: deleted or deactivated, as its mode was."""

    deactivated: list[str] | None = None
    more_deactivated: int | None = None


class UpdateAnswer(ChangeAnswer):
    """What update_customers answers."""

    updated: list[str] | None = None
    more_updated: int | None = None
    unchanged: list[str] | None = None
    more_unchanged: int | None = None
    previous: Previous | None = None
    more_previous: int | None = None
    previous_path: str | None = Field(None, description="All old values, for the person to read.")

    def lines(self) -> Sequence[str]:
        old = json.dumps(self.previous, ensure_ascii=False) if self.previous else ""
        more = f" (of {self.more_previous} more: check_operation)" if self.more_previous else ""
        return [
            *super().lines(),
            f"Old values{more}: {old}" if old else "",
            f"All old values, for the person: {self.previous_path}" if self.previous_path else "",
        ]


A = TypeVar("A", bound=ChangeAnswer)


def nothing_to_change(answer: type[A], preview: Preview, tool: str) -> A:
    """Say that not one of the records would change."""
    words, total = KINDS[tool].words_of(preview.terms), preview.requested
    already = [record for record in preview.left_out if record.code in words.already]
    why = (
        ("this record is" if total == 1 else f"all {total} records are")
        + (" already as before that operation" if "undo" in preview.terms else " already so")
        if len(already) == total
        else ("this record cannot" if total == 1 else f"none of {total} records can")
        + f" be {words.effect or words.done}"
    )
    counts = {**dict.fromkeys(words.classes, 0), "failed": total - len(already)}
    if words.already:
        counts[UNCHANGED] = len(already)
    ids = [record.record_id for record in already]
    return answer(
        status="nothing_done",
        summary=f"Nothing to change: {why}. Nobody was asked.",
        changed="nothing",
        requested=total,
        counts=counts,
        **left_out_fields(preview, words),
        **(capped_fields("unchanged", ids, words.ids_cap) if ids else {}),
    )


def change_answer(answer: type[A], outcome: Outcome, *, replayed: bool = False) -> A:
    """Say what became of a confirmed change."""
    words = outcome.words
    lists: dict[str, Any] = {}
    for name in words.classes:
        records = outcome.of_class(name)
        if name == words.failed:
            failed = [_failed(record, words) for record in records]
            lists |= capped_fields("failed", failed, words.failed_cap)
        else:
            ids = [record.record_id for record in records]
            lists |= capped_fields(name, ids, words.ids_cap)
    has_more = any(lists[name] for name in lists if name.startswith("more_"))
    why = "tells what became of it, by reading" if outcome.is_unsure else "lists every record"
    checking = outcome.checking_call(why) if outcome.is_unsure or has_more else None
    summary = change_summary(outcome)
    if replayed:
        summary = f"Nothing was sent now, this plan ran before: {summary[0].lower()}{summary[1:]}"
    something = "something" if outcome.done else "nothing"
    return answer(
        **outcome.fields(replayed=replayed),
        summary=summary,
        changed="unknown" if outcome.is_unsure else something,
        requested=outcome.operation.total,
        counts=outcome.counts,
        **lists,
        **{words.saved_as: outcome.operation.saved_as},
        **(_previous(outcome) if words.saved_as == "previous_path" else {}),
        **answer.own_fields(outcome),
        detail=change_detail(outcome) or None,
        next=next_steps(checking, way_back(outcome)),
    )


def way_back(outcome: Outcome) -> NextCall | None:
    """Give the call that undoes what was done, once all of it is known."""
    operation = outcome.operation
    if can_undo(outcome):
        is_deactivation = operation.kind == "deactivate_customers"
        reason = "sets them active again" if is_deactivation else "puts the old values back"
        if "undo" in operation.terms:
            reason = "takes this undoing back"
        return NextCall("update_customers", {"undo": operation.operation_id}, reason)
    return recreating_call(operation) if outcome.done and not outcome.is_unsure else None


def can_undo(outcome: Outcome) -> bool:
    """Tell whether an operation can be undone: all of it is known, and its old values are kept."""
    if outcome.is_unsure or not outcome.done or not can_be_undone(outcome.operation):
        return False
    done = outcome.of_class(outcome.words.done)
    return len(done) == outcome.done and all(replaced(outcome.operation, one) for one in done)


def left_out_fields(preview: Preview, words: OutcomeWords) -> dict[str, Any]:
    """Give the records that cannot be changed; which are already as wanted is in the counts."""
    left_out = [record for record in preview.left_out if record.code not in words.already]
    cap = 1 if preview.remarks else words.failed_cap  # beside them there is less room
    return capped_fields("failed", [_failed(record, words) for record in left_out], cap)


def change_summary(outcome: Outcome) -> str:
    """Say the outcome in one sentence, and what BeeL did, which one word for all cannot tell."""
    operation, done, noun = outcome.operation, outcome.done, outcome.words.noun
    effect = outcome.words.effect or outcome.words.done
    total = plural(operation.total, noun)
    were = "was" if done == 1 else "were"
    if outcome.running:
        return f"Still running: {done} of {total} {were} {effect} so far."
    if outcome.unknown:
        rest = f"; {done} {were} for certain" if done else ""
        whom = plural(outcome.unknown, noun)
        return f"BeeL did not answer: {whom} may or may not have been {effect}{rest}."
    if not done:
        whom = f"the {noun} was not" if operation.total == 1 else f"none of {total} was"
        return f"Nothing was changed: {whom} {effect}."
    return f"{done} of {total} {were} {effect}."


def change_detail(outcome: Outcome) -> str:
    """Say what the summary leaves out."""
    if outcome.running:
        return outcome.agreed
    parts = [outcome.agreed]
    if outcome.not_attempted:
        chunks = outcome.operation.chunks
        codes = {chunk.code for chunk in chunks if chunk.state == "READY" and chunk.code}
        why = f" ({', '.join(sorted(codes))})" if codes else ""
        parts.append(f"The rest was not sent{why}: it needs a new plan, for what is not_attempted.")
    done = outcome.of_class(outcome.words.done) if "undo" in outcome.operation.terms else []
    if partly := [one for one in done if one.message]:
        told = [f"{quoted(one.name, SHORT_NAME_LIMIT)}, {one.message}" for one in partly[:2]]
        parts.append(f"In part only, {len(partly)}: {'; '.join(told)}.")
    if any(chunk.code == NO_HISTORY for chunk in outcome.operation.chunks):
        parts.append(
            "The key may not read the mails of the account (scope emails:read): the person can see"
            " them in BeeL, or ask who should have got this one. Do not repeat it before."
        )
    elif outcome.unknown:
        parts.append("Do not repeat it; check_operation finds out, by reading only.")
    return " ".join(filter(None, parts))


def _previous(outcome: Outcome) -> dict[str, Any]:
    """Give the old values of what changed or may have changed, as many as there is room for.

    Those that could not be shown as they are, are left out: an IBAN never leaves in an answer.
    """
    touched = [*outcome.of_class(outcome.words.done), *outcome.of_class("unknown")]
    shown: dict[str, Any] = {}
    for record in sorted(touched, key=lambda record: record.number):
        if record.previous is None or not is_whole(record.previous):
            continue
        values = {record.record_id: as_changes(record.previous)}
        if not fits_answer({**shown, **values}):
            break
        shown |= values
    return {"previous": shown or None, "more_previous": len(touched) - len(shown) or None}


def _failed(record: RowRecord | LeftOut, words: OutcomeWords) -> FailedRecord:
    is_invoice = words.id_field == "invoice_id"
    code = record.code or "failed"
    return FailedRecord(
        **{words.id_field: record.record_id},
        name=clean(record.name, SHORT_NAME_LIMIT) or None,
        number=clean(record.identifier, SHORT_NAME_LIMIT) or None if is_invoice else None,
        code=code,
        message=shortened(record.message, SHORT_MESSAGE_LIMIT) or None,
        remedy=words.remedies.get(code) or _remedies().get(code),
    )


@cache
def _remedies() -> Mapping[str, str]:
    """Give what helps against the codes that BeeL refuses by; read only when it does."""
    remedies: Mapping[str, str] = read_data("refusals")["remedy"]
    return remedies
