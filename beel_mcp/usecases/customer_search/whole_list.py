"""All pages of a list: the first one tells how many there are, the others come in parallel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from beel_mcp.api.client import BeelClient
from beel_mcp.api.customers import PAGE_SIZE
from beel_mcp.api.models import Customer, InvoiceOwner, RecordPage
from beel_mcp.errors import ApiError
from beel_mcp.writes.kinds.protocol import for_each_limited

# As many requests as BeeL lets through in a minute, with room for others.
MOST_PAGES: Final = 60


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=_Identified)


@dataclass(frozen=True)
class WholeList(Generic[R]):
    """The records of a list, in BeeL's order, each once.

    `total` is how many BeeL counts; not complete is what could not be read in time, or moved
    while it was read.
    """

    records: tuple[R, ...]
    total: int
    is_complete: bool


async def read_customers(
    beel: BeelClient,
    *,
    active: bool,
    search: str | None = None,
    nif: str | None = None,
    email: str | None = None,
) -> WholeList[Customer]:
    """Read all customers that BeeL's own filters leave.

    Raises:
        BeelMcpError: not even the first page could be read.
    """

    async def fetch(page: int) -> RecordPage[Customer]:
        return await beel.customers.list(
            page=page, limit=PAGE_SIZE, active=active, search=search, nif=nif, email=email
        )

    return await _read(fetch)


async def read_owners(beel: BeelClient) -> WholeList[InvoiceOwner]:
    """Read whose all invoices are, drafts and proformas too.

    Raises:
        BeelMcpError: not even the first page could be read.
    """
    return await _read(lambda page: beel.invoices.list_owners(page=page, limit=PAGE_SIZE))


async def _read(fetch: Callable[[int], Awaitable[RecordPage[R]]]) -> WholeList[R]:
    first = await fetch(1)
    # BeeL may give fewer to a page than it was asked for.
    size = len(first.items) if first.has_more and first.items else PAGE_SIZE
    pages = {1: first}
    is_stopped = False

    async def read(number: int) -> None:
        nonlocal is_stopped
        if is_stopped:
            return
        try:
            pages[number] = await fetch(number)
        except ApiError:  # no time left, or BeeL gives no more: what was read is still true
            is_stopped = True

    if rest := range(2, min(-(-first.total // size), MOST_PAGES) + 1):
        await for_each_limited(read, rest)
    records = {
        record.id.lower(): record for number in sorted(pages) for record in pages[number].items
    }
    has_moved = any(page.total != first.total for page in pages.values())
    is_complete = not has_moved and len(records) == first.total
    return WholeList(tuple(records.values()), first.total, is_complete)
