"""Files that come out of BeeL: the PDFs of many invoices as one package."""

from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.errors import CallerError
from beel_mcp.parameters import (
    CustomerId,
    Day,
    FileName,
    InvoiceStatuses,
    MonthFolders,
    PackageIds,
    Quarter,
    Resume,
)
from beel_mcp.summaries.downloads import PackageAnswer
from beel_mcp.tools.declare import saves
from beel_mcp.tools.packages import PackagingCall, Wanted
from beel_mcp.tools.periods import period


async def download_invoices_zip(
    call: PackagingCall,
    invoice_ids: PackageIds | None = None,
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

    Give invoice_ids, or a quarter, dates, status or customer_id; without status it takes all
    issued ones. Says which invoices are missing and why. If it answers partial with a resume
    handle, call it again with that.
    """
    first, last = period(quarter, date_from, date_to)
    wanted = Wanted(
        invoice_ids or (),
        InvoiceFilter(tuple(status or ()), first, last, customer_id),
        file_name,
        month_folders,
    )
    if resume is None:
        return await call.begin(wanted)
    if wanted != Wanted((), InvoiceFilter(), None, month_folders=False):
        raise CallerError("resume goes on as it was asked for: give nothing else beside it.")
    return await call.resume(resume)


TOOLS = (saves(download_invoices_zip),)
