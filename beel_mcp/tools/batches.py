"""Customer lists: checked first, then created from what was checked."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import NamedTuple

from anyio import to_thread

from beel_mcp.api.customers import MOST_ROWS
from beel_mcp.context import Batches, Beel, Caller, Config, InFlight, Now, Records, Times
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.files.folder import read_import_file
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.records import Operation
from beel_mcp.guards.writes import Writes
from beel_mcp.lists.batches import Batch, new_batch
from beel_mcp.lists.customers import read_inline
from beel_mcp.parameters import (
    BatchId,
    ColumnChoice,
    Columns,
    Customers,
    ExpectedCount,
    Sheet,
    SkipProblems,
    SourcePath,
)
from beel_mcp.settings import Settings
from beel_mcp.summaries.answer import next_steps, plural
from beel_mcp.summaries.batches import (
    CreationAnswer,
    ValidationAnswer,
    ValidationCounts,
    fitted,
)
from beel_mcp.summaries.operations import creation_answer
from beel_mcp.tools.creation import (
    VALIDATION_AGE,
    Creator,
    check_count,
    check_inline_count,
    created_before,
    left_out,
    nothing_created,
    remarks,
)
from beel_mcp.tools.declare import read, write
from beel_mcp.tools.judging import judge


async def validate_customers(
    beel: Beel,
    batches: Batches,
    journal: Records,
    caller: Caller,
    settings: Config,
    now: Now,
    customers: Customers | None = None,
    source_path: SourcePath | None = None,
    sheet: Sheet | None = None,
    columns: Columns | None = None,
) -> ValidationAnswer:
    """Check a customer list with BeeL (format, duplicates, AEAT census); creates nothing.

    Give customers or source_path. Answers counts, problems by row, and a batch_id for
    create_customers. First step of every import: show the person the problems before creating.
    """
    if (customers is None) == (source_path is None):
        raise CallerError("Give exactly one of customers and source_path.")
    if customers is not None and (sheet is not None or columns is not None):
        raise CallerError("sheet and columns are about a file: give them with source_path.")
    if customers is not None:
        batch = new_batch(caller, "inline", read_inline(customers))
    else:
        asked = _Asked(str(source_path), sheet, columns or ())
        batch = await to_thread.run_sync(_from_file, asked, settings, caller)
    judged, mismatch = await judge(beel, batch, now)
    expires_at = batches.add(judged)
    answer = _validation(judged, expires_at, settings, mismatch=mismatch)
    before = await created_before(beel, journal, judged)
    return answer.model_copy(update={"created_before": before})


async def create_customers(
    beel: Beel,
    batches: Batches,
    journal: Records,
    writes: InFlight,
    timing: Times,
    caller: Caller,
    customers: Customers | None = None,
    batch_id: BatchId | None = None,
    expected_count: ExpectedCount | None = None,
    skip_problems: SkipProblems = False,  # noqa: FBT002 - called by name, over MCP
) -> CreationAnswer:
    """Create the customers of a validated batch in BeeL, all together or none.

    Call validate_customers first and pass its batch_id with the expected_count the person agreed
    to; or pass up to 500 customers inline, created only if no row has a problem. Repeating a
    call with a batch_id never creates twice.
    """
    if (customers is None) == (batch_id is None) or (customers is not None and skip_problems):
        raise CallerError(
            "Give either batch_id (from validate_customers) or customers; skip_problems goes with"
            " batch_id."
        )
    creator = Creator(beel, journal, writes, timing, caller)
    if batch_id and (earlier := creator.find(batch_id)):
        operation = await creator.go_on(earlier, expected_count)
        return _told(operation, journal, writes, replayed=operation == earlier)
    if batch_id:
        batch = await _fresh(beel, batches, batches.get(batch_id, caller), timing.now())
        check_count(batch, expected_count, skip_problems=skip_problems)
    else:
        batch = new_batch(caller, "inline", read_inline(customers or []))
        batch, _ = await judge(beel, batch, timing.now())
        check_inline_count(batch, expected_count)
    if not skip_problems and len(batch.importable()) < len(batch.rows):
        return _with_offer(nothing_created(batch), batch if batch_id else None)
    operation, before = await creator.create(batch)
    answer = _told(operation, journal, writes, before=before is not None)
    return answer.model_copy(update={"left_out": left_out(batch)} if batch_id else remarks(batch))


def _told(
    operation: Operation,
    journal: Journal,
    writes: Writes,
    *,
    replayed: bool = False,
    before: bool = False,
) -> CreationAnswer:
    return creation_answer(
        operation,
        journal.private.records(operation),
        running=writes.running(operation.operation_id) is not None,
        replayed=replayed,
        before=before,
    )


async def _fresh(beel: Beel, batches: Batches, batch: Batch, now: datetime) -> Batch:
    """Check a batch again that was checked a while ago: BeeL may have changed since."""
    if batch.validated_at and now - batch.validated_at <= VALIDATION_AGE:
        return batch
    batch, _ = await judge(beel, batch, now)
    batches.replace(batch)
    return batch


class _Asked(NamedTuple):
    """Which file to read, and how."""

    path: str
    sheet: str | None
    columns: Sequence[ColumnChoice]


def _from_file(asked: _Asked, settings: Settings, caller: str) -> Batch:
    # Reading spreadsheets takes many modules; a server that reads none starts without them.
    from beel_mcp.lists.columns import check_chosen  # noqa: PLC0415
    from beel_mcp.lists.imports import read_list  # noqa: PLC0415

    name = PurePath(asked.path).name
    chosen = check_chosen([(column.header, column.field) for column in asked.columns])
    data = read_import_file(asked.path, settings.import_dirs)
    read = read_list(data, name, asked.sheet, chosen)
    return new_batch(caller, name, *read, source_path=asked.path)


def _validation(
    batch: Batch, expires_at: datetime, settings: Settings, *, mismatch: bool
) -> ValidationAnswer:
    total, importable = len(batch.rows), len(batch.importable())
    remarked = batch.counts()["warning"]
    answer = ValidationAnswer(
        status="done",
        summary=f"Checked {plural(total, 'customer')}: {importable} can be created"
        f"{f' ({remarked} with a remark)' if remarked else ''}, {total - importable} cannot."
        f" Nothing was created.{_too_many(importable)}",
        batch_id=batch.batch_id,
        expires_at=expires_at.isoformat(timespec="seconds"),
        total=total,
        importable=importable,
        counts=ValidationCounts(**batch.counts()),
        statistics_mismatch=mismatch or None,
        next=next_steps(None if settings.read_only else _creation_call(batch)),
    )
    return fitted(answer, batch)


def _too_many(importable: int) -> str:
    if importable <= MOST_ROWS:
        return ""
    return f" One batch creates up to {MOST_ROWS}: split the file before creating."


def _with_offer(answer: CreationAnswer, batch: Batch | None) -> CreationAnswer:
    """Offer to leave the problem rows out; inline rows have no handle to offer it with."""
    step = next_steps(_creation_call(batch)) if batch else None
    return answer.model_copy(update={"next": step})


def _creation_call(batch: Batch) -> NextCall | None:
    importable, others = len(batch.importable()), len(batch.rows) - len(batch.importable())
    if not 0 < importable <= MOST_ROWS:
        return None
    arguments = {"batch_id": batch.batch_id, "expected_count": importable}
    if not others:
        return NextCall("create_customers", arguments, "creates them; ask the person first")
    reason = (
        f"creates the {importable} and leaves out {plural(others, 'row')};"
        " ask the person first, who may rather correct the list"
    )
    return NextCall("create_customers", {**arguments, "skip_problems": True}, reason)


TOOLS = (read(validate_customers), write(create_customers))
