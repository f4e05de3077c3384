"""What create_customers and create_draft_invoice answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from beel_mcp.answers.answer import (
    MESSAGE_LIMIT,
    NAME_LIMIT,
    SHORT_NAME_LIMIT,
    capped_fields,
    count_phrase,
    day_and_time,
    next_steps,
    plural,
)
from beel_mcp.answers.batch_rows import Change, changed_sums
from beel_mcp.answers.outcome import Outcome
from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.answers.problems import (
    GROUPS,
    Example,
    OtherRow,
    ProblemGroup,
    TextOnly,
    fields_of,
    fitting,
    problem_lines,
)
from beel_mcp.cleaning import clean, quoted, shortened
from beel_mcp.errors import BeelMcpError, ConflictError, InvalidRequestError, NextCall
from beel_mcp.writes.journal.records import KEY_SPENT, Chunk, Operation, RowRecord
from beel_mcp.writes.kinds.create_customers import checking_call
from beel_mcp.writes.run.gate import Executed

# The same call again would stop at the same place.
OUTDATED: Final = ("list_outdated", "created_meanwhile")
# An id costs 25 tokens, and a structure may cost 1,000.
CREATED_CAP: Final = 10
CREATED_IN_TEXT: Final = 5
MIXED: Final = (
    "Some are in BeeL and some are not: somebody else acted, or BeeL carried out a part. Nothing is"
    " sent by itself; go through the rows with the person."
)
_AGAIN: Final = (
    "Nothing was sent now. If the person wants a second one like it, change a word, such as in"
    " notes."
)


class CreationCounts(BaseModel):
    """Every row is in exactly one class."""

    created: int = 0
    refused: int = 0
    unknown: int = 0
    not_attempted: int = 0
    skipped: int = 0


class CreatedCustomer(BaseModel):
    """A row that is now a customer in BeeL."""

    row: int
    name: str
    customer_id: str | None = None


class CreationAnswer(WriteAnswer):
    """What became of the rows."""

    total: int | None = None
    counts: CreationCounts | None = None
    created: list[CreatedCustomer] | None = None
    more_created: int | None = None
    problems: list[ProblemGroup] | None = None
    more_problems: int | None = None
    more_problems_in: TextOnly = None
    left_out: list[OtherRow] | None = None
    more_left_out: int | None = None
    left_out_because: str | None = None
    values_changed: list[Change] | None = None
    more_values_changed: int | None = None

    def lines(self) -> Sequence[str]:
        return fitting(self._lines, self.room())

    def _lines(self, in_full: int, in_short: int, rest: int) -> list[str]:
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        changes = (self.values_changed if rest > 1 else None) or []
        created = self.created or []
        more = len(created) + (self.more_created or 0) - CREATED_IN_TEXT
        return [
            *super().lines(),
            f"Counts: {counts}." if counts else "",
            self._left_out(),
            changed_sums(self.values_changed, self.more_values_changed),
            *(change.words() for change in changes),
            f"operation_id: {self.operation_id}." if self.operation_id else "",
            *(
                f"- row {row.row} {quoted(row.name, NAME_LIMIT)} is customer {row.customer_id}"
                for row in created[:CREATED_IN_TEXT]
            ),
            f"- and {more} more; check_operation lists them." if more > 0 else "",
            *problem_lines(
                *(self.problems, self.more_problems, self.more_problems_in, in_full, in_short)
            ),
        ]

    def _left_out(self) -> str:
        rows = [row.words() for row in self.left_out or ()]
        more = f" and {self.more_left_out} more" if self.more_left_out else ""
        return f"Left out: {self.left_out_because}: row {', '.join(rows)}{more}." if rows else ""


class DraftAnswer(WriteAnswer):
    """What create_draft_invoice answers."""

    invoice_id: str | None = None
    invoice_status: str | None = None
    date: str | None = None
    work_date: str | None = None
    amount: str | None = None
    made_of: str | None = None

    def lines(self) -> Sequence[str]:
        amount = self.amount and f"{self.amount} EUR ({self.made_of})"
        dated = self.date and f"dated {self.date}"
        if self.work_date:
            dated = f"work date {self.work_date}; BeeL dates it when it is issued, now {self.date}"
        draft = [self.invoice_id, self.invoice_status, dated, amount]
        return [
            *super().lines(),
            f"Invoice: {' · '.join(filter(None, draft))}." if self.invoice_id else "",
            f"operation_id: {self.operation_id}." if self.operation_id else "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
        ]


def creation_answer(
    outcome: Outcome, executed: Executed, *, can_check: bool = False
) -> CreationAnswer:
    """Say what create_customers did; `can_check` where the batch is kept."""
    stopped = executed.stopped
    if outcome.failed and isinstance(stopped, InvalidRequestError | ConflictError):
        stopped = None  # what BeeL refused stands among the problems
    created = [
        CreatedCustomer(
            row=record.number,
            name=clean(record.name, SHORT_NAME_LIMIT),
            customer_id=record.record_id or None,
        )
        for record in outcome.of_class("created")
    ]
    problems = _problems(outcome)
    return CreationAnswer(
        **outcome.fields(replayed=executed.replayed),
        summary=_told_again("This batch was", executed) + customers_summary(outcome),
        total=outcome.operation.total,
        counts=CreationCounts(**outcome.counts),
        **capped_fields("created", created, CREATED_CAP),
        **capped_fields("problems", problems, GROUPS),
        more_problems_in=fields_of(problems[GROUPS:]) or None,
        detail=customers_detail(outcome, stopped=stopped) or None,
        next=next_steps(*_next_calls(outcome, stopped, can_check=can_check)),
    )


def _next_calls(
    outcome: Outcome, stopped: BeelMcpError | None, *, can_check: bool
) -> Sequence[NextCall | None]:
    if outcome.is_unsure:
        return [outcome.checking_call("finds out, by reading only")]
    everyone = outcome.checking_call("lists everyone who was created")
    is_outdated = stopped is not None and stopped.code in OUTDATED
    going_on = None if is_outdated else going_on_call(outcome)
    is_stuck = not going_on and (is_outdated or outcome.failed or outcome.not_attempted)
    anew = checking_call(outcome.operation.subject) if is_stuck or _refusals(outcome) else None
    return [
        everyone if outcome.done > CREATED_CAP else None,
        going_on,
        anew if can_check else None,
    ]


def customers_summary(outcome: Outcome) -> str:
    """Say the outcome in one sentence."""
    counts = CreationCounts(**outcome.counts)
    rows = plural(counts.unknown, "customer")
    if outcome.running:
        return _running_summary(counts)
    if counts.unknown:
        return f"{_why_unknown(outcome)} The {rows} may or may not exist."
    if counts.refused:
        return f"BeeL refused {plural(counts.refused, 'customer')}; {counts.created} were created."
    if counts.not_attempted:
        rows = plural(counts.not_attempted, "customer")
        return f"{counts.created} were created; {rows} were not created."
    left_out = f"; {plural(counts.skipped, 'row')} left out because of problems"
    return (
        f"Created {plural(counts.created, 'customer')} of {outcome.operation.total}"
        f"{left_out if counts.skipped else ''}."
    )


def _why_unknown(outcome: Outcome) -> str:
    open_ones = [chunk for chunk in outcome.operation.chunks if chunk.is_open]
    if all(chunk.code == KEY_SPENT for chunk in open_ones):
        return "BeeL repeated an earlier failure instead of an answer."
    return "BeeL did not answer."


def _running_summary(counts: CreationCounts) -> str:
    if counts.unknown:
        rows = plural(counts.unknown, "customer")
        return f"BeeL is still at it: {rows} are being created; {counts.created} are created."
    if counts.created:
        rest = plural(counts.not_attempted, "customer")
        return f"BeeL is still at it: {counts.created} are created; {rest} are still to be sent."
    return "Nothing is sent yet: another write to these books is in flight."


def customers_detail(outcome: Outcome, *, stopped: BeelMcpError | None = None) -> str:
    """Say what the summary leaves out: why, and what not to do."""
    chunks = outcome.operation.chunks
    parts = [outcome.agreed] if outcome.agreed else []
    if outcome.unknown and not outcome.running:
        parts.append("Do not create them again; run check_operation.")
    if any(chunk.state == "NOT_DONE" for chunk in chunks):
        parts.append("BeeL did not answer, and a look showed that they were not created.")
        parts += [f"BeeL had said {code}." for code in _refusals(outcome)]
        if outcome.can_go_on:
            parts.append("The same create_customers call sends them once more.")
    if outcome.not_attempted and not outcome.can_go_on and not outcome.unknown:
        parts.append(
            "A day after it was decided nothing more of it is sent: call validate_customers again"
            " with the same list."
        )
    codes = sorted({chunk.code or "" for chunk in chunks if _has_reason(chunk)})
    if stopped:
        parts.append(f"{stopped.message} {stopped.remedy or ''}".strip())
    elif codes:
        parts.append(f"The reason: {', '.join(codes)}.")
    return " ".join(parts)


def customers_record_detail(outcome: Outcome) -> str:
    """Say the same where the rows stand beside it, as check_operation lists them."""
    is_mixed = any(record.is_found is not None for record in outcome.of_class("unknown"))
    mixed = [MIXED] if is_mixed and not outcome.running else []
    return " ".join([*mixed, customers_detail(outcome)])


def going_on_call(outcome: Outcome) -> NextCall | None:
    """Give the call that sends what was not sent yet, or proven not to have been carried out."""
    return resuming_call(outcome.operation) if outcome.can_go_on else None


def resuming_call(operation: Operation) -> NextCall:
    """Give the call that carries a decision on, whatever was sent of it."""
    arguments: dict[str, object] = {
        "batch_id": operation.subject,
        "expected_count": operation.planned,
    }
    if operation.total > operation.planned:
        arguments["skip_problems"] = True
    return NextCall("create_customers", arguments, "goes on with the rows not attempted")


def _refusals(outcome: Outcome) -> list[str]:
    """Give BeeL's own codes for what was sent, and looked for in vain."""
    codes = {chunk.code or "" for chunk in outcome.operation.chunks if chunk.state == "NOT_DONE"}
    return sorted(code for code in codes if code.isupper())


def _has_reason(chunk: Chunk) -> bool:
    return chunk.state in ("REJECTED", "READY") and chunk.code is not None


def _problems(outcome: Outcome) -> list[ProblemGroup]:
    """Group what BeeL refused by field and message; what most rows have comes first."""
    refused: defaultdict[tuple[str, str], list[RowRecord]] = defaultdict(list)
    for record in outcome.of_class("refused"):
        for problem in record.problems:
            refused[problem.field, problem.message].append(record)
    groups = [
        ProblemGroup(
            kind="error",
            field=field,
            message=shortened(message, MESSAGE_LIMIT),
            count=len(records),
            rows=[record.number for record in records[:5]],
            example=Example(row=records[0].number, name=clean(records[0].name, NAME_LIMIT)),
            others=[
                OtherRow(row=record.number, name=clean(record.name, SHORT_NAME_LIMIT))
                for record in records[1 : 5 if len(records) <= 5 else 0]
            ]
            or None,
        )
        for (field, message), records in sorted(refused.items())
    ]
    return sorted(groups, key=lambda group: -group.count)


def draft_answer(outcome: Outcome, executed: Executed) -> DraftAnswer:
    """Say what create_draft_invoice did."""
    check = outcome.checking_call("finds out, by reading only")
    return DraftAnswer(
        **outcome.fields(replayed=executed.replayed),
        summary=_told_again("This draft was", executed) + draft_summary(outcome),
        detail=draft_detail(outcome) or None,
        **_created_facts(outcome),
        next=next_steps(check if outcome.is_unsure else None),
    )


def found_again(operation: Operation, facts: Mapping[str, str]) -> DraftAnswer:
    """Say that the very same draft is there already, as it is in BeeL now."""
    return DraftAnswer(
        status="done",
        summary="This very draft invoice was created by an earlier call,"
        f" {day_and_time(operation.started_at)}.",
        detail=_AGAIN,
        **dict[str, Any](facts),
        operation_id=operation.operation_id,
        replayed=True,
    )


def _told_again(what: str, executed: Executed) -> str:
    """Say first that an outcome is an earlier call's, and when that was; nothing if it is new."""
    if not executed.replayed:
        return ""
    when = day_and_time(executed.operation.started_at)
    return f"{what} carried out by an earlier call, {when}; nothing was sent now. "


def draft_summary(outcome: Outcome) -> str:
    """Say the outcome in one sentence."""
    if outcome.running:
        return "The draft invoice is being created."
    if outcome.unknown:
        return f"{_why_unknown(outcome)} The draft invoice may or may not exist."
    if not outcome.done:
        return "BeeL refused the draft invoice." if outcome.failed else "No draft was created."
    status = _created_facts(outcome).get("invoice_status", "DRAFT")
    if status == "DRAFT":
        return "The draft invoice is in BeeL; it is not issued and has no number."
    return f"The invoice is in BeeL, but as {clean(status, 20)}, not as a draft: tell the person."


def draft_detail(outcome: Outcome) -> str:
    """Say what the summary leaves out: why, and what not to do."""
    return " ".join(filter(None, [outcome.agreed, _draft_fate(outcome)]))


def _draft_fate(outcome: Outcome) -> str:
    [chunk] = outcome.operation.chunks
    if chunk.is_open and not outcome.running:
        return "Do not create it again; run check_operation."
    if chunk.state == "NOT_DONE":
        said = [f"BeeL had said {code}." for code in _refusals(outcome)]
        looked = "BeeL did not answer, and two looks showed that it was not created."
        return " ".join([looked, *said, "The same create_draft_invoice call sends it once more."])
    return f"The reason: {chunk.code}." if _has_reason(chunk) else ""


def _created_facts(outcome: Outcome) -> dict[str, Any]:
    created = outcome.of_class("created")
    return dict(created[0].facts) if created else {}
