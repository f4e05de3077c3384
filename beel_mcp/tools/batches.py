"""Customer lists: checked first, then created from what was checked."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, NamedTuple

from anyio import to_thread
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.api.customers import MOST_ROWS
from beel_mcp.context import AppState, Batches, Beel, Caller, Config, Now, Records
from beel_mcp.errors import CallerError
from beel_mcp.files.folder import read_import_file
from beel_mcp.guards.consent import Consent, NotNeeded, Question
from beel_mcp.guards.guard import Agreed
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
from beel_mcp.tools.creation import created_before, creation_call
from beel_mcp.tools.declare import read, write
from beel_mcp.tools.guarded import GuardedCall
from beel_mcp.tools.judging import judge
from beel_mcp.tools.wanted import Wanted, ask_about_creation, create_agreed, create_wanted


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


async def ask_to_create(
    ctx: Context[AppState],
    customers: Customers | None,
    batch_id: BatchId | None,
    expected_count: ExpectedCount | None,
    skip_problems: SkipProblems,
) -> Question:
    """Ask the person where the operator wants a yes for what only adds."""
    wanted = Wanted(customers, batch_id, expected_count, skip_problems)
    return await ask_about_creation(ctx, wanted)


async def create_customers(
    call: GuardedCall,
    consent: Annotated[Consent, Resolve(ask_to_create)],
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
    wanted = Wanted(customers, batch_id, expected_count, skip_problems)
    verdict = await call.guard.verdict(consent)
    if isinstance(verdict, Agreed):
        return await create_agreed(call.state, verdict)
    if isinstance(verdict, NotNeeded):
        return await create_wanted(call.state, wanted)
    return call.told_creation(verdict)


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
        next=next_steps(None if settings.read_only else creation_call(batch)),
    )
    return fitted(answer, batch)


def _too_many(importable: int) -> str:
    if importable <= MOST_ROWS:
        return ""
    return f" One batch creates up to {MOST_ROWS}: split the file before creating."


TOOLS = (read(validate_customers), write(create_customers))
