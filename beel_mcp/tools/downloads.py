"""Files that come out of BeeL: many invoices' PDFs as one package, the template of a list."""

from collections.abc import Sequence
from typing import Final

from anyio import to_thread

from beel_mcp.answers.answer import next_steps, plural
from beel_mcp.answers.files import PackageAnswer, TemplateAnswer
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.context import Beel, Config, Selections, caller
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.files.output import file_uri, save_file
from beel_mcp.files.safe_dir import check_folder
from beel_mcp.tools.declare import saves
from beel_mcp.tools.parameters import (
    CustomerId,
    Day,
    FileName,
    InvoiceStatuses,
    MonthFolders,
    PackageIds,
    Quarter,
    Resume,
    SelectionId,
)
from beel_mcp.tools.periods import period
from beel_mcp.usecases.invoice_zip.job import Packages
from beel_mcp.usecases.invoice_zip.selection import MOST, PackageRequest

# The name that BeeL gives it, too; what an answer calls a file decides nothing here.
TEMPLATE_NAME: Final = "template_clientes_beel.csv"


async def download_invoices_zip(
    packages: Packages,
    selections: Selections,
    invoice_ids: PackageIds | None = None,
    selection_id: SelectionId | None = None,
    quarter: Quarter | None = None,
    date_from: Day | None = None,
    date_to: Day | None = None,
    status: InvoiceStatuses | None = None,
    customer_id: CustomerId | None = None,
    file_name: FileName | None = None,
    month_folders: MonthFolders = False,  # noqa: FBT002 - a tool's arguments are named
    resume: Resume | None = None,
) -> PackageAnswer:
    """Save the PDFs of up to 2,000 invoices and a manifest.csv as one ZIP in the files folder.

    Give invoice_ids, selection_id, or a quarter, dates, status or customer_id; without status it
    takes all issued ones. Says which invoices are missing and why. If it answers with a
    resume handle, call it again with that; without one there is nothing to resume.
    """
    first, last = period(quarter, date_from, date_to)
    matching = InvoiceFilter(tuple(status or ()), first, last, customer_id)
    ids: Sequence[str] = invoice_ids or ()
    if selection_id:
        ids = selections.ids("invoices", caller(), ids, selection_id, most=MOST)
    request = PackageRequest(ids, matching, file_name, month_folders)
    if resume is None:
        job = await packages.start(request)
    elif request == PackageRequest():
        job = await packages.resume(resume)
    else:
        raise CallerError("resume goes on as it was asked for: give nothing else beside it.")
    async with job.hold():
        await job.read_invoices()
        await job.fetch_pdfs()
        return await job.save()


async def download_customer_template(beel: Beel, settings: Config) -> TemplateAnswer:
    """Save BeeL's CSV template for a customer list in the files folder, exactly as BeeL sends it.

    Only for a person who has no list yet: validate_customers reads the files of other programs,
    too.
    """
    await to_thread.run_sync(check_folder, settings.files_dir)
    template = await beel.customers.template()
    path = await to_thread.run_sync(save_file, settings.files_dir, TEMPLATE_NAME, template.content)
    examples = plural(template.example_rows, "example row")
    warning = (
        f"; replace its {examples}, which would be imported, too" if template.example_rows else ""
    )
    filled = NextCall(
        "validate_customers", {"source_path": str(path)}, "once the person has filled it in"
    )
    is_readable = any(path.is_relative_to(folder) for folder in settings.import_dirs)
    return TemplateAnswer(
        status="done",
        summary=f"BeeL's customer template saved as {path.name}{warning}.",
        path=str(path),
        uri=file_uri(path.name),
        size_bytes=len(template.content),
        columns=list(template.columns),
        next=next_steps(filled if is_readable else None),
    )


TOOLS = (saves(download_invoices_zip), saves(download_customer_template))
