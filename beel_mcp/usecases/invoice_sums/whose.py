"""Whose invoices may be meant, where BeeL's search compares names letter by letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Invoice
from beel_mcp.errors import BeelMcpError
from beel_mcp.usecases.customer_search.customer_filter import CustomerFilter
from beel_mcp.usecases.customer_search.search import Suggestion, find

_MOST_LOOKED_AT: Final = 10
_UNBILLED: Final = "has this name or number; none of the invoices that match does"
_UNKNOWN: Final = "Whether a customer with a name alike is meant could not be looked up."


@dataclass(frozen=True)
class Others:
    """Customers whose invoices are not among those found, and may be meant."""

    suggestions: Sequence[Suggestion] = ()
    is_known: bool = True

    @property
    def remark(self) -> str | None:
        return None if self.is_known else _UNKNOWN


async def who_else(beel: BeelClient, search: str, invoices: Sequence[Invoice]) -> Others:
    """Look through the customers for whom a text means, as find_customers does.

    Where invoices were found it is about names only: who has one alike is told, as "Ruiz" finds
    no "Ruíz" in BeeL.
    """
    wanted = CustomerFilter(search=search)
    if invoices and not wanted.name:
        return Others()
    try:
        found = await find(beel, wanted, page=1, limit=_MOST_LOOKED_AT, count=False)
    except BeelMcpError:  # the invoices were found all the same
        return Others(is_known=False)
    # Where there are many, the text is no one person's name.
    exact = found.customers if found.total <= _MOST_LOOKED_AT and not invoices else ()
    meant = [*(Suggestion(one, _UNBILLED) for one in exact), *found.suggestions]
    theirs = {one.recipient.customer_id.lower() for one in invoices if one.recipient.customer_id}
    return Others(
        [one for one in meant if one.customer.id.lower() not in theirs],
        found.is_complete and found.is_compared,
    )
