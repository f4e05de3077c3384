"""Customer lists: validated first, then created from what was validated."""

from typing import Annotated

from anyio import to_thread
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.answers.answer import next_steps, plural
from beel_mcp.answers.batch_rows import BatchRowsAnswer, rows_answer
from beel_mcp.answers.creations import CreationAnswer
from beel_mcp.answers.files import ReportAnswer
from beel_mcp.answers.validation import ValidationAnswer, ValidationCounts
from beel_mcp.context import AppState, Batches, Beel, Caller, Config, Now, app_state, caller
from beel_mcp.door.links import Target
from beel_mcp.errors import NextCall
from beel_mcp.files.output import file_uri, save_file
from beel_mcp.files.safe_dir import check_folder
from beel_mcp.lists.edits import Correction
from beel_mcp.tools.declare import read, saves, write
from beel_mcp.tools.parameters import (
    BatchId,
    Columns,
    Corrections,
    Customers,
    DropRows,
    EarlierBatch,
    ExpectedCount,
    InlineCustomers,
    Limit,
    Page,
    RowKind,
    Sheet,
    SkipProblems,
    SourcePath,
)
from beel_mcp.usecases.confirmation import Call
from beel_mcp.usecases.imports.creation import CreateRequest, ask_to_create, create
from beel_mcp.usecases.imports.source import ListRequest
from beel_mcp.usecases.imports.validation import validate_list
from beel_mcp.writes.consent.elicitation import Consent, Question


async def validate_customers(
    ctx: Context[AppState],
    customers: Customers | None = None,
    source_path: SourcePath | None = None,
    batch_id: EarlierBatch | None = None,
    corrections: Corrections | None = None,
    drop_rows: DropRows | None = None,
    sheet: Sheet | None = None,
    columns: Columns | None = None,
) -> ValidationAnswer:
    """Check a customer list with BeeL (format, duplicates, AEAT census); creates nothing.

    Give customers, source_path, or a batch_id to correct or go on with. Answers counts, problems
    by row, and a batch_id for create_customers. First step of every import: ask the person about
    the problems, then correct or drop rows; each correction makes a new batch_id.
    """
    fixes = [Correction(fix.row, fix.field, fix.value) for fix in corrections or ()]
    chosen = [(column.header, column.field) for column in columns or ()] or None
    request = ListRequest(customers, source_path, batch_id, fixes, drop_rows, sheet, chosen)
    return await validate_list(app_state(ctx), request, caller())


async def ask_about_creation(
    ctx: Context[AppState],
    customers: InlineCustomers | None,
    batch_id: BatchId | None,
    expected_count: ExpectedCount | None,
    skip_problems: SkipProblems,
) -> Question:
    """Ask the person where the operator wants a yes for what only adds."""
    request = CreateRequest(customers, batch_id, expected_count, skip_problems)
    return await ask_to_create(ctx, request)


async def create_customers(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_about_creation)],
    customers: InlineCustomers | None = None,
    batch_id: BatchId | None = None,
    expected_count: ExpectedCount | None = None,
    skip_problems: SkipProblems = False,  # noqa: FBT002 - called by name, over MCP
) -> CreationAnswer:
    """Create the customers of a validated batch in BeeL, each once; 500 at a time, all or none.

    Call validate_customers first and pass its batch_id with the expected_count the person agreed
    to; or pass up to 500 customers inline, created only if no row has a problem. Repeating a call
    with a batch_id goes on where it stopped and never creates twice.
    """
    request = CreateRequest(customers, batch_id, expected_count, skip_problems)
    return await create(call, consent, request)


async def list_batch_rows(
    ctx: Context[AppState],
    beel: Beel,
    batches: Batches,
    caller: Caller,
    batch_id: BatchId,
    kind: RowKind | None = None,
    page: Page = 1,
    limit: Limit = 20,
) -> BatchRowsAnswer:
    """List the rows of a validated batch with every error, warning and suggestion.

    Call it when validate_customers found more problems than it shows; kind picks one class.
    """
    await beel.account()  # whose list this is stands in every answer
    batch, newer = await batches.get(batch_id, caller), batches.superseded_by(batch_id, caller)
    view = await app_state(ctx).view(Target("batch", batch_id, caller))
    return rows_answer(batch, kind, page, limit, newer, view)


async def save_batch_report(
    batch_id: BatchId, beel: Beel, batches: Batches, caller: Caller, settings: Config, now: Now
) -> ReportAnswer:
    """Save a checked list as an XLSX in the files folder: each row with its problems, coloured.

    For a person who corrects a long list there; validate_customers reads it again.
    """
    await beel.account()  # without a key there is nothing that was checked
    batch = await batches.get(batch_id, caller)
    await to_thread.run_sync(check_folder, settings.files_dir)
    # A server that reads and writes no file starts without this.
    from beel_mcp.lists.export.report import report_name, report_of  # noqa: PLC0415

    data = await to_thread.run_sync(report_of, batch, settings.language, now)
    name = report_name(settings.language, now)
    path = await to_thread.run_sync(save_file, settings.files_dir, name, data)
    corrected = NextCall(
        "validate_customers", {"source_path": str(path)}, "once the person has corrected it"
    )
    is_readable = any(path.is_relative_to(folder) for folder in settings.import_dirs)
    return ReportAnswer(
        status="done",
        summary=f"Report on {plural(len(batch.rows), 'customer')} saved as {path.name}.",
        path=str(path),
        uri=file_uri(path.name),
        size_bytes=len(data),
        total=len(batch.rows),
        counts=ValidationCounts(**batch.counts()),
        superseded_by=batches.superseded_by(batch_id, caller),
        next=next_steps(corrected if is_readable else None),
    )


TOOLS = (
    read(validate_customers),
    write(create_customers),
    read(list_batch_rows),
    saves(save_batch_report),
)
