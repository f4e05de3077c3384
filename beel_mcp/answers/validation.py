"""What validate_customers answers: what can be created, what cannot, and what to call now."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from pydantic import BaseModel, Field

from beel_mcp.answers.answer import (
    VIEW,
    Answer,
    count_phrase,
    day_and_time,
    next_steps,
    plural,
    view_line,
)
from beel_mcp.answers.batch_rows import (
    MOST_COLUMNS,
    Change,
    changed_sums,
    reading_fields,
    superseded_line,
)
from beel_mcp.answers.creations import resuming_call
from beel_mcp.answers.problems import (
    GROUPS,
    GROUPS_IN_TEXT,
    ProblemGroup,
    TextOnly,
    fitting,
    problem_fields,
    problem_lines,
    rows_call,
)
from beel_mcp.cleaning import width
from beel_mcp.errors import BeelMcpError, NextCall
from beel_mcp.identity import bare_nif
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.identifiers import unregistered, vat_identifier
from beel_mcp.lists.edits import EVERY_ROW, rows_with_problem
from beel_mcp.lists.model import IMPORTABLE, ROW_STATUSES, RowStatus, Verdict
from beel_mcp.messages import VERBATIM
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.kinds.protocol import settling_call

# 1,000 tokens are what a structure may cost: a `width` of 2.8 is one where signs and ids are
# many, and 25 come later.
STRUCTURE_LIMIT = 2_770
# How many groups of problems and of changes, and how many columns that fill nothing, an answer
# tells, and whether with whole messages and all rows that are named: from the most on.
ROOM = (
    *((GROUPS, 5, 5, True), (GROUPS, 3, 5, True), (8, 3, 5, True), (8, 3, 4, False)),
    *((6, 3, 4, True), (6, 2, 3, False), (4, 2, 3, True), (4, 1, 2, False), (2, 1, 1, False)),
)
FEW_COLUMNS = 6
ALL_COLUMNS = 100
RETRY_AFTER_S = 5
_PROBLEM = tuple(f"- {kind}, " for kind in ROW_STATUSES)  # how the line of one begins
FOREIGN_ROWS = 2  # four corrections each; one where many problems need the room
# Up to so many rows with problems are told one by one in a chat; more are easier in a sheet.
FEW = 10


class ValidationCounts(BaseModel):
    """Every row is in exactly one class."""

    valid: int
    warning: int
    error: int
    duplicate: int
    nif_invalid: int
    unchecked: int


class ValidationAnswer(Answer):
    """What BeeL would say to a list."""

    batch_id: str | None = None
    superseded_by: str | None = None
    view: str | None = Field(None, description=VIEW)
    expires_at: str | None = None
    total: int | None = None
    importable: int | None = None
    counts: ValidationCounts | None = None
    counts_before: ValidationCounts | None = None
    detail: str | None = None
    retry_after_s: int | None = None
    problems: list[ProblemGroup] | None = None
    more_problems: int | None = None
    more_problems_in: TextOnly = None
    statistics_mismatch: bool | None = None
    created_before: str | None = None
    read_as: str | None = None
    columns_read: list[str] | None = None
    columns_used: list[str] | None = None
    more_columns_used: int | None = None
    columns_ignored: list[str] | None = None
    more_columns_ignored: int | None = None
    rows_left_out: list[str] | None = None
    more_rows_left_out: int | None = None
    values_changed: list[Change] | None = None
    more_values_changed: int | None = None

    def text(self) -> str:
        """Give the answer in words: the problems before a call that corrects one or two rows.

        list_batch_rows says with each row what that call would correct.
        """
        told = super().text()
        named = sum(line.startswith(_PROBLEM) for line in told.splitlines())
        steps = [step for step in self.next or () if "corrections" not in step.arguments]
        if named >= min(len(self.problems or ()), GROUPS_IN_TEXT) or steps == self.next:
            return told
        return self.model_copy(update={"next": steps}).text()

    def lines(self) -> Sequence[str]:
        """Give counts, handle and problems, as many in full as leave room to name the others."""
        return fitting(self._lines, self.room())

    def _lines(self, in_full: int, in_short: int, rest: int) -> list[str]:
        changes = (self.values_changed if rest > 1 else None) or []
        untold = self.more_problems, self.more_problems_in
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        before = count_phrase(self.counts_before.model_dump()) if self.counts_before else ""
        return [
            f"Counts: {counts}{f'; before the corrections: {before}' if before else ''}.",
            self.detail or "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            superseded_line(self.superseded_by),
            f"batch_id: {self.batch_id} (kept 30 minutes after its last use{self._mending()}).",
            view_line(self.view),
            self._reading(has_sums=rest > 0),
            self._rows_left_out(),
            *problem_lines(self.problems, *untold, in_full, in_short),
            self._columns_ignored(FEW_COLUMNS if rest < 1 else ALL_COLUMNS),
            "Changes:" if changes else "",
            *(change.words() for change in changes),
            "BeeL's own statistics differ from its rows; the rows were counted."
            if self.statistics_mismatch
            else "",
        ]

    def _reading(self, *, has_sums: bool) -> str:
        """Say in one line what a person should know of the reading before believing the rows."""
        parts = [f"Read: {self.read_as}."] if self.read_as else []
        if self.columns_read:
            parts.append(f"Under the columns: {'; '.join(self.columns_read)}.")
        if has_sums:
            parts.append(changed_sums(self.values_changed, self.more_values_changed))
        return " ".join(filter(None, parts))

    def _rows_left_out(self) -> str:
        rows, more = self.rows_left_out, self.more_rows_left_out
        others = f" and {more} more, in save_batch_report" if more else ""
        return f"Left out, no customers: {', '.join(rows)}{others}." if rows else ""

    def _columns_ignored(self, most: int) -> str:
        """Name what no customer gets, with a value, so that a person can say that it matters."""
        every = self.columns_ignored or []
        columns, more = every[:most], len(every[most:]) + (self.more_columns_ignored or 0)
        others = f" and {more} more, in save_batch_report" if more else ""
        return f"Columns ignored: {', '.join(columns)}{others}." if columns else ""

    def _mending(self) -> str:
        """Say what can be done about problems, where there are any."""
        hint = "; list_batch_rows shows each row, corrections or drop_rows mend them"
        return hint if self.problems else ""


@dataclass(frozen=True)
class Validation:
    """What is known at the end of a check."""

    batch: Batch
    base: Batch | None  # the batch that was corrected
    corrected: int
    idle: int  # corrections that changed nothing
    dropped: int
    stopped: BeelMcpError | None
    is_read_only: bool
    before: Operation | None = None  # created the very same rows, or some of them
    begun: Operation | None = None  # has exactly what can be created left to send
    unsettled: str | None = None  # the operation that may have created some of these customers
    superseded_by: str | None = None  # what the person made of the batch that was asked about
    is_renewed: bool = False  # has another batch_id: what was decided under the first one is over


def validation_answer(
    facts: Validation, expires_at: datetime, view: str | None = None
) -> ValidationAnswer:
    """Say what validate_customers found; `view` is a link for the person."""
    batch = facts.batch
    counts = batch.counts()
    is_partial = bool(counts["unchecked"])
    stopped = facts.stopped
    retry_after_s = (stopped.retry_after_s or RETRY_AFTER_S) if stopped else None
    answer = ValidationAnswer(
        status="partial" if is_partial else "done",
        summary=_summary(facts),
        batch_id=batch.batch_id,
        superseded_by=facts.superseded_by,
        view=view,
        expires_at=expires_at.isoformat(timespec="seconds"),
        total=len(batch.rows),
        importable=len(batch.importable()),
        counts=ValidationCounts(**counts),
        counts_before=ValidationCounts(**facts.base.counts()) if facts.base else None,
        detail=_detail(facts) or None,
        retry_after_s=retry_after_s if is_partial else None,
        statistics_mismatch=batch.statistics_differ or None,
        created_before=facts.before.operation_id if facts.before else None,
        next=next_steps(*_next_calls(facts)),
    )
    return fitted(answer, batch)


def _summary(facts: Validation) -> str:
    counts = facts.batch.counts()
    total, unchecked = len(facts.batch.rows), counts["unchecked"]
    importable, remarked = len(facts.batch.importable()), counts["warning"]
    done = [
        f"corrected {plural(facts.corrected, 'value')}" if facts.corrected else "",
        f"dropped {plural(facts.dropped, 'row')}" if facts.dropped else "",
        f"{plural(facts.idle, 'correction')} changed nothing" if facts.idle else "",
    ]
    changed = ", ".join(filter(None, done))
    opening = f"{changed[0].upper()}{changed[1:]}. " if changed else ""
    checked = f"{total - unchecked} of {total} customers so far" if unchecked else ""
    remark = f" ({remarked} with a remark)" if remarked else ""
    created = facts.batch.done()
    done_before = f", {created} {'was' if created == 1 else 'were'} created already" * bool(created)
    rest = f", {unchecked} are not checked yet" if unchecked else ""
    return (
        f"{opening}Checked {checked or plural(total, 'customer')}: {importable} can be created"
        f"{remark}{done_before}, {total - importable - unchecked - created} cannot{rest}."
        " Nothing was created."
    )


def _detail(facts: Validation) -> str:
    parts = []
    if facts.stopped and facts.batch.counts()["unchecked"]:
        parts.append(f"The check stopped: {facts.stopped.message}")
    before, begun = facts.before, facts.begun
    if facts.is_renewed:
        parts.append(
            "What was decided about this list is over and stays as it is recorded; what can be"
            " created now has another batch_id."
        )
    if begun:
        parts.append(
            f"Operation {begun.operation_id} began to create this very list"
            f" {day_and_time(begun.started_at)} and has not ended: go on with it instead of"
            " creating what is left anew."
        )
    elif before:
        when = day_and_time(before.started_at)
        parts.append(f"Operation {before.operation_id} created what it could of these rows {when}.")
    if facts.unsettled:
        parts.append(
            f"Operation {facts.unsettled} may have created some of these customers: it is settled"
            " first, by check_operation."
        )
    return " ".join(parts)


def _next_calls(facts: Validation) -> list[NextCall | None]:
    batch = facts.batch
    if batch.counts()["unchecked"]:
        return [continuing_call(batch)]
    begun = resuming_call(facts.begun) if facts.begun else None
    create = None if facts.is_read_only else begun or creation_call(batch)
    if facts.unsettled:
        create = settling_call(facts.unsettled)
    return [create, document_call(batch), same_fix_call(batch), *_closer_looks(batch)]


def _closer_looks(batch: Batch) -> list[NextCall]:
    """Give the calls that show the rows that cannot be created, where an answer has no room."""
    counts = batch.counts()
    blocked = [kind for kind in ROW_STATUSES if kind not in IMPORTABLE]
    if sum(counts[kind] for kind in blocked) <= FEW:
        return []
    kind: RowStatus = max(blocked, key=lambda one: counts[one])
    handle = {"batch_id": batch.batch_id}
    report = NextCall("save_batch_report", handle, "a sheet for the person to correct")
    return [rows_call(batch, kind), report]


def same_fix_call(batch: Batch) -> NextCall | None:
    """Give the one correction of all rows that a field blocks, where the same is meant in all."""
    meant: defaultdict[str, list[str | None]] = defaultdict(list)
    for row in batch.rows:
        verdict = batch.verdict(row)
        for error in verdict.errors if verdict.kind == "error" else ():
            hint = error.suggestion
            is_value = hint is not None and hint.code == VERBATIM
            meant[error.field].append(error.hint() if is_value else None)
    fields = sorted(meant, key=lambda field: -len(meant[field]))
    field = next((one for one in fields if len(meant[one]) > 1 and len({*meant[one]}) == 1), None)
    if field is None or (value := meant[field][0]) is None:
        return None
    rows = rows_with_problem(batch, field)
    if len(rows) != len(meant[field]):
        return None
    fix = {"row": EVERY_ROW, "field": field, "value": value}
    return NextCall(
        "validate_customers",
        {"batch_id": batch.batch_id, "corrections": [fix]},
        f"row 0 is all {len(rows)} with a problem in {field}; ask the person first",
    )


def document_call(batch: Batch) -> NextCall | None:
    """Give the call that makes of numbers given as a NIF the documents that they are.

    VAT numbers of other countries, and else DNIs and NIEs that are not in the census yet, where
    that leaves room to name the problems.
    """
    foreign = _document_call(
        batch, lambda _, nif: vat_identifier(bare_nif(nif)), "if these customers are from there"
    )
    if foreign or batch.has_many_problems:
        return foreign
    condition = "only if number and name are right and AEAT has not registered them yet"
    return _document_call(
        batch,
        lambda verdict, nif: unregistered(nif) if verdict.kind == "nif_invalid" else None,
        condition,
    )


def _document_call(
    batch: Batch, document_of: Callable[[Verdict, str], dict[str, str] | None], condition: str
) -> NextCall | None:
    is_one = len(batch.rows) - len(batch.importable()) > FEW or batch.has_many_problems
    most = 1 if is_one else FOREIGN_ROWS
    rows, corrections, lacks = [], [], set[str]()
    for row in batch.rows:
        if "alternative_id" in row.values or batch.verdict(row).kind in IMPORTABLE:
            continue
        if not (found := document_of(batch.verdict(row), row.values.get("nif", ""))):
            continue
        rows.append(row.number)
        fields = {error.field for error in batch.verdict(row).errors}
        lacks |= fields - {"nif", "alternative_id", "row"}
        values = {"nif": "", **{f"alternative_id.{part}": text for part, text in found.items()}}
        if len(rows) <= most:
            corrections += [{"row": row.number, "field": f, "value": v} for f, v in values.items()]
    if not rows:
        return None
    more = f"; then {plural(len(rows) - most, 'more row')}" * (len(rows) > most)
    asked = f", also for {', '.join(sorted(lacks)[:3])}, which this does not mend" if lacks else ""
    return NextCall(
        "validate_customers",
        {"batch_id": batch.batch_id, "corrections": corrections},
        f"{condition}{more}; ask the person first{asked}",
    )


def continuing_call(batch: Batch) -> NextCall:
    """Give the call that checks what is unchecked of a batch."""
    return NextCall("validate_customers", {"batch_id": batch.batch_id}, "checks the other rows")


def creation_call(batch: Batch) -> NextCall | None:
    """Give the call that creates what can be created of a batch."""
    importable, others = len(batch.importable()), len(batch.rows) - len(batch.importable())
    if not importable or batch.counts()["unchecked"]:
        return None
    arguments = {"batch_id": batch.batch_id, "expected_count": importable}
    if not others:
        return NextCall("create_customers", arguments, "creates them; ask the person first")
    blocked = others - batch.done()
    reason = (
        f"creates {importable} and leaves out {plural(blocked, 'row')};"
        " ask the person first, who may rather correct them"
        if blocked
        else f"creates the {importable} that are left; ask the person first"
    )
    return NextCall("create_customers", {**arguments, "skip_problems": True}, reason)


def fitted(answer: ValidationAnswer, batch: Batch) -> ValidationAnswer:
    """Add the problems and what the file was understood as, as much as the answer has room for.

    The first ones are always told: what keeps rows from being created, and what was changed most.
    """
    for (most, changes, ignored, is_whole), names in product(ROOM, (MOST_COLUMNS, 0)):
        problems = problem_fields(batch, most, is_whole=is_whole)
        used = MOST_COLUMNS if is_whole else FEW_COLUMNS
        fields = {**problems, **reading_fields(batch, changes, ignored, used, names)}
        answer = answer.model_copy(update=fields)
        if width(json.dumps(answer.structure(), ensure_ascii=False)) <= STRUCTURE_LIMIT:
            break
    return answer
