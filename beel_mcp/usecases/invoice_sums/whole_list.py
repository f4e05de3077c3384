"""Reads all invoices that a filter matches: of one moment, within the time of a call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import PAGE_SIZE, InvoiceFilter, list_moved
from beel_mcp.api.models import Invoice, RecordPage
from beel_mcp.errors import BeelMcpError
from beel_mcp.usecases.time_budget import TimeBudget
from beel_mcp.writes.kinds.protocol import for_each_limited

MOST_SUMMED: Final = 5_000
_TRIES: Final = 2
_MOVED: Final = "the list changed in BeeL while it was being read"
_Page = tuple[int, int]  # of which part, and its number there


@dataclass(frozen=True)
class WholeList:
    """The invoices that were read, in BeeL's order, each once, and how many BeeL lists.

    `lacks` says why that is not all of them; the first page is always there. Where only some of
    those that were read are meant, `looked_at` says how many were read.
    """

    invoices: tuple[Invoice, ...]
    listed: int
    lacks: str | None = None
    looked_at: int | None = None

    @property
    def total(self) -> int:
        """How many match; where we choose and not all were read, how many were found."""
        return self.listed if self.looked_at is None else len(self.invoices)

    def only(self, holds: Callable[[Invoice], bool]) -> "WholeList":
        """Choose among those that were read."""
        chosen = tuple(filter(holds, self.invoices))
        return replace(self, invoices=chosen, looked_at=len(self.invoices))


async def read_whole(beel: BeelClient, wanted: InvoiceFilter, budget: TimeBudget) -> WholeList:
    """Read what matches; a list that moves meanwhile is read once more from its beginning.

    Raises:
        BeelMcpError: not even the first page came.
    """
    for _ in range(_TRIES):
        reading = _Reading(beel, await beel.invoices.parts(wanted), budget)
        lacks = await reading.read()
        if lacks != _MOVED:
            break
    return WholeList(reading.invoices(), reading.total, lacks)


class _Reading:
    """One reading of the parts of a list."""

    def __init__(self, beel: BeelClient, parts: list[InvoiceFilter], budget: TimeBudget) -> None:
        self._beel = beel
        self._parts = parts
        self._budget = budget
        self._firsts: dict[int, RecordPage[Invoice]] = {}
        self._pages: dict[_Page, tuple[Invoice, ...]] = {}
        self._is_through = False

    @property
    def total(self) -> int:
        return sum(first.total for first in self._firsts.values())

    def invoices(self) -> tuple[Invoice, ...]:
        found: dict[str, Invoice] = {}
        for page in sorted(self._pages):
            for invoice in self._pages[page]:
                found.setdefault(invoice.id.lower(), invoice)
        return tuple(found.values())

    async def read(self) -> str | None:
        """Read the first page of each part, then the rest; why something is missing, if it is."""
        await for_each_limited(self._read_first, range(len(self._parts)))
        if self.total > MOST_SUMMED:
            return f"at most {MOST_SUMMED} are added up"
        try:
            await self._budget.limit(self._read_rest)
        except BeelMcpError as error:
            return _MOVED if error.code == "list_moved" else error.message.rstrip(".")
        if not self._is_through:
            return "BeeL took too long"
        return None if len(self.invoices()) == self.total else _MOVED

    def _rest(self) -> list[_Page]:
        return [
            (part, number)
            for part, first in sorted(self._firsts.items())
            for number in range(2, -(-first.total // PAGE_SIZE) + 1)
        ]

    async def _read_first(self, part: int) -> None:
        first = await self._beel.invoices.list(self._parts[part], limit=PAGE_SIZE)
        self._firsts[part] = first
        self._pages[part, 1] = first.items

    async def _read_rest(self) -> None:
        await for_each_limited(self._read_page, self._rest())
        if len(self._parts) > 1:  # an invoice can go from one part to another that was read
            await for_each_limited(self._recount, range(len(self._parts)))
        self._is_through = len(self._pages) == len(self._parts) + len(self._rest())

    async def _read_page(self, page: _Page) -> None:
        if self._budget.left_s() <= 0:
            return
        part, number = page
        read = await self._beel.invoices.list(self._parts[part], page=number, limit=PAGE_SIZE)
        total = self._firsts[part].total
        if read.total != total or len(read.items) != min(
            PAGE_SIZE, total - PAGE_SIZE * (number - 1)
        ):
            raise list_moved()
        self._pages[page] = read.items

    async def _recount(self, part: int) -> None:
        again = await self._beel.invoices.list(self._parts[part], limit=1)
        if again.total != self._firsts[part].total:
            raise list_moved()
