"""Which invoices a package is of: listed or read by id before any PDF is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import InvoiceFilter, too_many
from beel_mcp.api.models import Invoice
from beel_mcp.errors import (
    CallerError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
    UnknownOutcomeError,
)
from beel_mcp.files.invoice_package import bare_name
from beel_mcp.files.staging import Staging
from beel_mcp.usecases.invoice_zip.package import Package, Selection
from beel_mcp.usecases.overdue import OVERDUE, StatusFilter
from beel_mcp.writes.kinds.protocol import REQUESTS_AT_ONCE, for_each_limited

MOST: Final = 2_000
ISSUED: Final = ("ISSUED", "SENT", "PAID", OVERDUE, "RECTIFIED", "VOIDED")
_FEW: Final = 20
_MOST_NAMED: Final = 20
# Among so many the overdue ones are looked for; BeeL does not list those alone.
_MOST_LOOKED_AT: Final = 5_000


@dataclass(frozen=True)
class PackageRequest:
    """What a call asks for: these ids, or what the filter matches."""

    ids: Sequence[str] = ()
    filter: InvoiceFilter = field(default_factory=InvoiceFilter)
    file_name: str | None = None
    month_folders: bool = False

    def file_name_on(self, today: date) -> str:
        """Give the name that was asked for, or one made of the quarter, the dates, or today.

        Raises:
            CallerError: it is no bare name.
        """
        if self.file_name is None:
            return f"facturas-{_period(self.filter, today)}.zip"
        name = bare_name(self.file_name, ".zip")
        if name is None:
            wanted = "is a name without a path, such as facturas-2026-T3.zip"
            raise CallerError(
                "This is no file name.", field_errors=(FieldError("file_name", wanted),)
            )
        return name


def _period(days: InvoiceFilter, today: date) -> str:
    first, last = days.date_from, days.date_to
    if first and last:
        number = (first.month + 2) // 3
        begins = first.replace(month=number * 3 - 2, day=1)
        ends = first.replace(month=number * 3, day=31 if number in (1, 4) else 30)
        return f"{first.year}-T{number}" if (first, last) == (begins, ends) else f"{first}-{last}"
    if first:
        return f"desde-{first}"
    return f"hasta-{last}" if last else str(today)


async def select(
    beel: BeelClient, request: PackageRequest, selection: Selection, folder: Path, today: date
) -> Package:
    """Begin a package in `folder`: of the ids as they are, or of the invoices that match.

    Raises:
        CallerError: it is more than a package holds.
        BeelMcpError: BeeL, or the way to it, or the disk.
    """
    invoices: list[Invoice] = []
    if request.ids:
        selection.ids = list(dict.fromkeys(invoice_id.lower() for invoice_id in request.ids))
    else:
        matching = request.filter
        wanted = replace(matching, statuses=matching.statuses or ISSUED)
        invoices = await _list(beel, StatusFilter(wanted, today))
        selection.ids = [invoice.id.lower() for invoice in invoices]
        if not matching.statuses:
            drafts = replace(matching, statuses=("DRAFT",))
            selection.drafts_left_out = (await beel.invoices.list(drafts, limit=1)).total
    package = Package(selection, Staging.new(folder))
    for invoice in invoices:
        package.add_facts(invoice)
    return package


async def _list(beel: BeelClient, status: StatusFilter) -> list[Invoice]:
    """List what a filter matches; a list that moves meanwhile is read once more."""
    try:
        return await _list_once(beel, status)
    except UnknownOutcomeError as error:
        if error.code != "list_moved":
            raise
    return await _list_once(beel, status)


async def _list_once(beel: BeelClient, status: StatusFilter) -> list[Invoice]:
    most = _MOST_LOOKED_AT if status.is_ours else MOST
    listed = beel.invoices.list_all(status.for_beel(), most=most)
    found = [invoice async for invoice in listed if status.holds(invoice)]
    if len(found) > MOST:
        raise too_many(len(found), MOST)
    return found


async def read_facts(package: Package, beel: BeelClient) -> None:
    """Read the invoices that were asked for by id: a few singly, many through lists."""
    if len(package.unread()) > _FEW:
        async for invoice in beel.invoices.walk(len(package.unread()), REQUESTS_AT_ONCE):
            package.add_facts(invoice)

    async def read(invoice_id: str) -> None:
        try:
            package.add_facts(await beel.invoices.get(invoice_id))
        except (NotFoundError, InvalidRequestError):
            package.set_missing("not_found", [invoice_id])

    await for_each_limited(read, package.unread())


async def read_rectified_numbers(package: Package, beel: BeelClient) -> None:
    """Read the numbers of invoices that others here rectify; an id says little to a person."""
    facts = package.selection.facts
    rectified = {row.rectifies for row in facts.values() if row.rectifies} - facts.keys()

    async def read(invoice_id: str) -> None:
        try:
            number = (await beel.invoices.get(invoice_id)).number
        except (NotFoundError, InvalidRequestError, UnknownOutcomeError):
            return  # its id has to do
        package.selection.numbers[invoice_id] = number or ""

    await for_each_limited(read, sorted(rectified)[:_MOST_NAMED])
