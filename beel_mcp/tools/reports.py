"""Batches as files for the person."""

from datetime import datetime

from anyio import to_thread

from beel_mcp.context import Batches, Beel, Caller, Config, Now
from beel_mcp.errors import NextCall
from beel_mcp.files.place import check_folder
from beel_mcp.files.saving import save_file
from beel_mcp.files.written import file_uri
from beel_mcp.language import say
from beel_mcp.lists.batches import Batch
from beel_mcp.parameters import BatchId
from beel_mcp.settings import Language
from beel_mcp.summaries.answer import next_steps, plural
from beel_mcp.summaries.batches import ValidationCounts
from beel_mcp.summaries.reports import ReportAnswer
from beel_mcp.tools.declare import saves


async def save_batch_report(
    batch_id: BatchId, beel: Beel, batches: Batches, caller: Caller, settings: Config, now: Now
) -> ReportAnswer:
    """Save a checked list as an XLSX in the files folder: each row with its problems, coloured.

    For a person who corrects a long list there; validate_customers reads it again.
    """
    await beel.account()  # without a key there is nothing that was checked
    batch = batches.get(batch_id, caller)
    await to_thread.run_sync(check_folder, settings.files_dir)
    data = await to_thread.run_sync(_report, batch, settings.language, now)
    title = say(settings.language, en="customers checked", es="clientes revisados")
    name = f"{title} {now.date().isoformat()}.xlsx"
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
        next=next_steps(corrected if is_readable else None),
    )


def _report(batch: Batch, language: Language, made_at: datetime) -> bytes:
    # A server that reads and writes no file starts without this.
    from beel_mcp.lists.report import report_of  # noqa: PLC0415

    return report_of(batch, language, made_at)


TOOLS = (saves(save_batch_report),)
