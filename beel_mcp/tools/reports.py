"""The report of a checked list: a workbook that a person corrects and gives back."""

from anyio import to_thread

from beel_mcp.context import Batches, Beel, Caller, Config, Now
from beel_mcp.errors import NextCall
from beel_mcp.files.place import check_folder
from beel_mcp.files.saving import save_file
from beel_mcp.files.written import file_uri
from beel_mcp.language import say
from beel_mcp.parameters import BatchId
from beel_mcp.summaries.answer import next_steps, plural
from beel_mcp.summaries.downloads import ReportAnswer
from beel_mcp.tools.declare import saves


async def save_batch_report(
    beel: Beel,
    batches: Batches,
    caller: Caller,
    settings: Config,
    now: Now,
    batch_id: BatchId,
) -> ReportAnswer:
    """Save a validated list as an XLSX for the person: each row with its problems, coloured.

    For more problems than a chat can go through. The person corrects it in a spreadsheet program;
    then validate_customers reads it with source_path.
    """
    await beel.account()  # whose list this is stands in every answer
    batch = batches.get(batch_id, caller)
    await to_thread.run_sync(check_folder, settings.files_dir)
    from beel_mcp.lists.report import report_of  # noqa: PLC0415 - start-up is measured

    today = now.date()
    content = await to_thread.run_sync(report_of, batch, settings.language, today)
    name = say(settings.language, en="customers checked", es="clientes revisados")
    file_name = f"{name} {today.isoformat()}.xlsx"
    path = await to_thread.run_sync(save_file, settings.files_dir, file_name, content)
    doubtful = len(batch.rows) - len(batch.of_kind("valid"))
    corrected = NextCall(
        "validate_customers", {"source_path": str(path)}, "once the person has corrected and saved"
    )
    is_readable = any(path.is_relative_to(folder) for folder in settings.import_dirs)
    return ReportAnswer(
        status="done",
        summary=f"Saved as {path.name}: {plural(len(batch.rows), 'row')}, {doubtful} with a problem"
        " or a remark beside it.",
        path=str(path),
        uri=file_uri(path.name),
        size_bytes=len(content),
        next=next_steps(corrected if is_readable else None),
    )


TOOLS = (saves(save_batch_report),)
