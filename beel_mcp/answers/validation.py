"""A checked list in words: what can be created, what cannot, and what to call now."""

from dataclasses import dataclass
from datetime import datetime

from beel_mcp.answers.answer import next_steps, plural
from beel_mcp.answers.batches import ValidationAnswer, ValidationCounts, fitted
from beel_mcp.answers.creations import is_whole, resuming_call
from beel_mcp.errors import BeelMcpError, NextCall
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.model import IMPORTABLE, ROW_STATUSES, RowStatus
from beel_mcp.writes.journal.records import Operation

RETRY_AFTER_S = 5
# Up to so many rows with problems are told one by one in a chat; more are easier in a sheet.
FEW = 10


@dataclass(frozen=True)
class Validation:
    """What is known at the end of a check."""

    batch: Batch
    expires_at: datetime
    base: Batch | None  # the batch that was corrected
    corrected: int
    dropped: int
    stopped: BeelMcpError | None
    before: Operation | None  # the operation that created the very same rows, or some of them
    begun: Operation | None  # one that has exactly what can be created left to send
    is_renewed: bool  # has another batch_id: what was decided under the first one is over
    is_read_only: bool


def validation_answer(facts: Validation) -> ValidationAnswer:
    """Say what validate_customers found."""
    batch = facts.batch
    counts = batch.counts()
    is_partial = bool(counts["unchecked"])
    stopped = facts.stopped
    retry_after_s = (stopped.retry_after_s or RETRY_AFTER_S) if stopped else None
    answer = ValidationAnswer(
        status="partial" if is_partial else "done",
        summary=_summary(facts),
        batch_id=batch.batch_id,
        expires_at=facts.expires_at.isoformat(timespec="seconds"),
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
    ]
    changed = " and ".join(filter(None, done))
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
            f"Operation {begun.operation_id} began to create this very list and has not ended:"
            " go on with it instead of creating what is left anew."
        )
    elif before and is_whole(before) and facts.batch.importable():
        parts.append(
            f"The very same rows were created within 24 hours by operation {before.operation_id};"
            " creating them again may double them: tell the person."
        )
    elif before:
        parts.append(f"Operation {before.operation_id} created what it could of these very rows.")
    return " ".join(parts)


def _next_calls(facts: Validation) -> list[NextCall | None]:
    batch = facts.batch
    if batch.counts()["unchecked"]:
        return [continuing_call(batch)]
    begun = resuming_call(facts.begun) if facts.begun else None
    create = None if facts.is_read_only else begun or creation_call(batch)
    return [create, *_closer_looks(batch)]


def _closer_looks(batch: Batch) -> list[NextCall]:
    """Give the calls that show the rows that cannot be created, where an answer has no room."""
    counts = batch.counts()
    blocked = [kind for kind in ROW_STATUSES if kind not in IMPORTABLE]
    if sum(counts[kind] for kind in blocked) <= FEW:
        return []
    kind: RowStatus = max(blocked, key=lambda one: counts[one])
    handle = {"batch_id": batch.batch_id}
    return [
        NextCall("list_batch_rows", {**handle, "kind": kind}, f"each {kind} row in full"),
        NextCall("save_batch_report", handle, "a sheet for the person to correct"),
    ]


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
        f"creates the {importable} and leaves out {plural(blocked, 'row')};"
        " ask the person first, who may rather correct the list"
        if blocked
        else f"creates the {importable} that are left; ask the person first"
    )
    return NextCall("create_customers", {**arguments, "skip_problems": True}, reason)
