"""Lists of invoices: which ones, one page of them, or all of them without a gap."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from beel_mcp.api.company import Client
from beel_mcp.api.models import Invoice, InvoiceOwner, InvoicesData, RecordPage
from beel_mcp.api.routes import LIST_INVOICES, Call
from beel_mcp.errors import CallerError, UnknownOutcomeError

PAGE_SIZE: Final = 100
Statuses = tuple[str, ...]


@dataclass(frozen=True)
class InvoiceFilter:
    """Which invoices. What is None or () does not narrow; days are those of issue, inclusive.

    `search` looks into the number and the recipient's name and NIF. Both generations have these.
    """

    statuses: Statuses = ()
    date_from: date | None = None
    date_to: date | None = None
    customer_id: str | None = None
    search: str | None = None

    def query(self, statuses: Statuses) -> dict[str, str | tuple[str, ...] | None]:
        """Spell the filter for one request, with only these of its statuses."""
        return {
            "search": self.search,
            "status": statuses or None,
            # As ids, so that what could not be one is refused and not sent.
            "customer_id": None if self.customer_id is None else (self.customer_id,),
            "date_from": self.date_from.isoformat() if self.date_from else None,
            "date_to": self.date_to.isoformat() if self.date_to else None,
        }


class InvoiceLists:
    """Reads lists. An older BeeL takes one status per request: then there are several lists.

    Several lists count as one, in the order of the statuses; within a status the order is
    BeeL's. So each page holds the same invoices whenever it is asked for.
    """

    def __init__(self, beel: Client) -> None:
        self._beel = beel

    async def page(self, wanted: InvoiceFilter, page: int, limit: int) -> RecordPage[Invoice]:
        """Read one page; over several lists, one request per list and at most two more for each."""
        lists = await self._lists(wanted)
        if len(lists) == 1:
            data = await self._fetch(wanted, lists[0], page, limit)
            total = data.pagination.total_items
            return RecordPage(data.invoices, total, page, data.pagination.has_more)
        start, before = (page - 1) * limit, 0
        found: dict[str, Invoice] = {}
        for statuses in lists:
            first = await self._fetch(wanted, statuses, 1, limit)
            total = first.pagination.total_items
            low, high = max(start - before, 0), min(start + limit - before, total)
            for invoice in await self._stretch(wanted, statuses, first, (low, high, limit)):
                # One that was issued between two requests stands in both lists.
                found.setdefault(invoice.id.lower(), invoice)
            before += total
        return RecordPage(tuple(found.values()), before, page, start + limit < before)

    async def all(self, wanted: InvoiceFilter, most: int) -> AsyncIterator[Invoice]:
        """Walk through all of them, 100 to a request, and notice when they move meanwhile."""
        lists = await self._lists(wanted)
        seen: set[str] = set()
        totals: list[int] = []
        for statuses in lists:
            first = await self._fetch(wanted, statuses, 1, PAGE_SIZE)
            totals.append(first.pagination.total_items)
            if sum(totals) > most:
                raise too_many(sum(totals), most, is_all=len(totals) == len(lists))
            async for data in self._pages(wanted, statuses, first):
                for invoice in data.invoices:
                    if invoice.id.lower() in seen:
                        raise list_moved()
                    seen.add(invoice.id.lower())
                    yield invoice
        if len(lists) > 1:  # an invoice can go from a list still unread to one already read
            for statuses, total in zip(lists, totals, strict=True):
                again = await self._fetch(wanted, statuses, 1, 1)
                if again.pagination.total_items != total:
                    raise list_moved()

    async def parts(self, wanted: InvoiceFilter) -> list[InvoiceFilter]:
        """Give the lists of one request per page that are this one, one after the other."""
        lists = await self._lists(wanted)
        return [replace(wanted, statuses=statuses) for statuses in lists]

    async def _lists(self, wanted: InvoiceFilter) -> list[Statuses]:
        """Part the statuses into as many lists as the BeeL that answers needs."""
        statuses = tuple(dict.fromkeys(wanted.statuses))
        if len(statuses) < 2 or (await self._beel.active_company()).family == "company":
            return [statuses]
        if self._beel.generation_seen is None:
            # Found out first: from one page to the next the order must not change.
            await self._fetch(wanted, statuses[:1], 1, 1)
        if self._beel.generation_seen == "current":
            return [statuses]
        return [(status,) for status in statuses]

    async def _pages(
        self, wanted: InvoiceFilter, statuses: Statuses, first: InvoicesData
    ) -> AsyncIterator[InvoicesData]:
        total, data = first.pagination.total_items, first
        for start in range(0, total, PAGE_SIZE):
            if start:
                data = await self._fetch(wanted, statuses, start // PAGE_SIZE + 1, PAGE_SIZE)
            is_as_long = len(data.invoices) == min(PAGE_SIZE, total - start)
            if data.pagination.total_items != total or not is_as_long:
                raise list_moved()
            yield data

    async def _stretch(
        self,
        wanted: InvoiceFilter,
        statuses: Statuses,
        first: InvoicesData,
        bounds: tuple[int, int, int],
    ) -> tuple[Invoice, ...]:
        low, high, limit = bounds
        if low >= high:
            return ()
        from_page, to_page = low // limit + 1, (high - 1) // limit + 1
        rows: tuple[Invoice, ...] = ()
        for page in range(from_page, to_page + 1):
            data = first if page == 1 else await self._fetch(wanted, statuses, page, limit)
            rows += data.invoices
        skipped = (from_page - 1) * limit
        return rows[low - skipped : high - skipped]

    async def _fetch(
        self, wanted: InvoiceFilter, statuses: Statuses, page: int, limit: int
    ) -> InvoicesData:
        query = wanted.query(statuses) | {"page": page, "limit": limit}
        response = await self._beel.send(Call(LIST_INVOICES, query=query))
        data = response.read_as(InvoicesData)
        is_another = data.pagination.current_page != page and data.invoices
        if len(data.invoices) > limit or is_another:
            raise response.unexpected("BeeL answered with another page than the one asked for.")
        if data.pagination.total_items < len(data.invoices):
            raise response.unexpected("BeeL counts fewer invoices than it shows.")
        if statuses and any(invoice.status not in statuses for invoice in data.invoices):
            raise response.unexpected("BeeL answered with invoices of another status.")
        if any(is_anothers(invoice, wanted.customer_id) for invoice in data.invoices):
            raise response.unexpected("BeeL answered with the invoices of another customer.")
        return data


def is_anothers(invoice: Invoice | InvoiceOwner, customer_id: str | None) -> bool:
    """Tell an invoice that says it is another customer's."""
    owner = invoice.recipient and invoice.recipient.customer_id
    return bool(customer_id and owner and owner.lower() != customer_id.lower())


def too_many(total: int, most: int, *, is_all: bool = True) -> CallerError:
    """Say that these are more than can be taken; `is_all` is false where not all were counted."""
    return CallerError(
        f"These are {'' if is_all else 'at least '}{total} invoices; at most {most} can be taken "
        "at once.",
        code="too_many_invoices",
        remedy="Narrow it down: a shorter time, one customer, or fewer statuses.",
    )


def list_moved() -> UnknownOutcomeError:
    """Say that the pages of a list are not of one moment."""
    return UnknownOutcomeError(
        "The list of invoices changed in BeeL while it was being read.",
        code="list_moved",
        retryable=True,
        remedy="Call again.",
    )
