"""A plan as a person reads it before they agree, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast, get_args

from beel_mcp.answers.outcome import Outcome
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.language import Language
from beel_mcp.pages.rendering import say
from beel_mcp.writes.consent.statement import difference_words, in_madrid, left_out_words
from beel_mcp.writes.journal.plan import LeftOutCode, Plan
from beel_mcp.writes.journal.records import RowRecord
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.protocol import Detail, Write

# Whether what a write does can be taken back, by its tool; page_words has a sentence for each.
_LASTS: Final[Mapping[str, str]] = {
    "create_customers": "adds",
    "create_draft_invoice": "adds",
    "update_customers": "undoable",
    "deactivate_customers": "undoable",
    "delete_draft_invoice": "for_good",
    "send_invoices": "for_good",
}


@dataclass(frozen=True)
class PlannedRecord:
    """A record that would be changed, removed or created."""

    name: str
    identifier: str
    details: Sequence[Detail]


@dataclass(frozen=True)
class PlanView:
    """All of a plan: the sentence that is agreed to, and each record behind it."""

    statement: str
    lasts: str
    records: Sequence[PlannedRecord]
    left_out: Sequence[tuple[str, str]]
    remarks: Sequence[str]
    ends_at: str
    adds: bool = False  # nothing is there before
    more: int = 0  # records that there is no room for

    @property
    def count(self) -> int:
        return len(self.records) + self.more

    @property
    def has_details(self) -> bool:
        return any(record.details for record in self.records)

    @property
    def has_identifiers(self) -> bool:
        return any(record.identifier for record in self.records)

    @property
    def has_after(self) -> bool:
        """Tell whether values change, so that there is a before and an after."""
        return any(detail.after for record in self.records for detail in record.details)


def plan_view(plan: Plan, write: Write, language: Language) -> PlanView:
    """Show a plan as it was made; `write` is the one that it would carry out."""
    preview = plan.preview
    return PlanView(
        statement=plan.statement,
        lasts=say(language, f"lasts.{_lasts(plan)}"),
        records=[
            PlannedRecord(record.name, record.identifier, write.details(record, language))
            for record in preview.affected
        ],
        left_out=[
            (" ".join(filter(None, (one.name or one.record_id, one.identifier))), reason)
            for one in preview.left_out
            if (reason := left_out_words(one.code, 1, language))
        ],
        remarks=[one.text(language, plan.count) for one in preview.remarks],
        ends_at=f"{in_madrid(plan.expires_at):%H:%M}",
        adds=_lasts(plan) == "adds",
    )


def _lasts(plan: Plan) -> str:
    if CustomerDeactivation.name == plan.kind and CustomerDeactivation.removes(plan.preview.terms):
        return "for_good"
    return _LASTS[plan.kind]


@dataclass(frozen=True)
class OutcomeView:
    """What became of a plan: one sentence, the records by what became of them, and what failed."""

    sentence: str
    is_good: bool
    counts: Sequence[tuple[str, int]] = ()
    failed: Sequence[tuple[str, str]] = ()
    differences: Sequence[tuple[str, str]] = ()
    saved_as: str = ""


def outcome_view(outcome: Outcome, language: Language) -> OutcomeView:
    """Show what BeeL made of it, as far as that is known now."""
    counts = [(name, number) for name, number in outcome.counts.items() if number]
    others = [name for name, _ in counts if name != outcome.words.done]
    code = "outcome.done"
    if {"unknown", "not_attempted"} & {*others}:
        code = "outcome.unfinished"
    elif others:
        code = "outcome.in_part" if outcome.done else "outcome.nothing"
    return OutcomeView(
        sentence=say(language, code),
        is_good=not others,
        counts=[(say(language, f"class.{name}"), number) for name, number in counts],
        failed=[
            (record.name or record.record_id, _reason(record, language))
            for record in outcome.of_class(outcome.words.failed)
        ],
        saved_as=outcome.operation.saved_as or "",
    )


def _reason(record: RowRecord, language: Language) -> str:
    """Say why a record stayed as it is, in our words where there are some, else in BeeL's."""
    if record.code in get_args(LeftOutCode):
        return left_out_words(cast("LeftOutCode", record.code), 1, language)
    return record.message or record.code


def changed_view(answer: WriteAnswer, language: Language) -> OutcomeView:
    """Show that nothing was sent, because the records are not as they were shown."""
    return OutcomeView(
        sentence=say(language, "outcome.changed"),
        is_good=False,
        differences=[(name, difference_words(how, language)) for name, how in answer.changed_since],
    )
