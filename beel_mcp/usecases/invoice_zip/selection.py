"""Which invoices a package is about: listed or looked up before any PDF is asked for."""

from typing import Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import PAGE_SIZE, InvoiceFilter
from beel_mcp.api.models import Invoice
from beel_mcp.errors import CallerError, InvalidRequestError, NotFoundError, UnknownOutcomeError
from beel_mcp.usecases.invoice_zip.package import Contents
from beel_mcp.writes.run.concurrency import AT_ONCE, at_once

MOST: Final = 2_000
ISSUED: Final = ("ISSUED", "SENT", "PAID", "OVERDUE", "RECTIFIED", "VOIDED")
_FEW: Final = 20
_MOST_NAMED: Final = 20
# Beyond that many invoices a walk through all of them is no answer in time.
_MOST_WALKED: Final = 20_000


async def list_wanted(beel: BeelClient, wanted: InvoiceFilter) -> list[Invoice]:
    """List what a filter means; a list that moves meanwhile is read once more.

    Raises:
        CallerError: it is more than a package holds.
        ApiError: BeeL, or the way to it.

    """
    try:
        return [one async for one in beel.invoices.list_all(wanted, most=MOST)]
    except UnknownOutcomeError as error:
        if error.code != "list_moved":
            raise
    return [one async for one in beel.invoices.list_all(wanted, most=MOST)]


async def count_drafts(beel: BeelClient, wanted: InvoiceFilter) -> int:
    """Count the drafts that the same filter would mean."""
    drafts = InvoiceFilter(
        ("DRAFT",), wanted.date_from, wanted.date_to, customer_id=wanted.customer_id
    )
    return (await beel.invoices.list(drafts, limit=1)).total


async def look_up(contents: Contents, beel: BeelClient) -> None:
    """Read the invoices that were asked for by id: a few singly, many through lists."""
    if len(contents.unknown()) > _FEW:
        await _walk(contents, beel)

    async def read(one: str) -> None:
        try:
            contents.learn(await beel.invoices.get(one))
        except (NotFoundError, InvalidRequestError):
            contents.miss("not_found", [one])

    await at_once(read, contents.unknown())


async def name_rectified(contents: Contents, beel: BeelClient) -> None:
    """Find the numbers of invoices that others here rectify; an id says little to a person."""
    facts = contents.request.facts
    wanted = {one.rectifies for one in facts.values() if one.rectifies} - facts.keys()

    async def read(one: str) -> None:
        try:
            contents.request.numbers[one] = (await beel.invoices.get(one)).number or ""
        except (NotFoundError, InvalidRequestError, UnknownOutcomeError):
            return  # its id has to do

    await at_once(read, sorted(wanted)[:_MOST_NAMED])


async def _walk(contents: Contents, beel: BeelClient) -> None:
    """Read all invoices page by page, if that takes fewer requests than to read these."""
    total = (await beel.invoices.list(limit=1)).total
    if total > _MOST_WALKED or total / PAGE_SIZE > len(contents.unknown()) / AT_ONCE:
        return
    try:
        async for invoice in beel.invoices.list_all(most=_MOST_WALKED):
            contents.learn(invoice)
    except CallerError:
        return  # grown meanwhile; what is left is read singly
    except UnknownOutcomeError as error:
        if error.code != "list_moved":
            raise
