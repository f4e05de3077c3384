"""Who matches, how many, and who is alike: by BeeL's list where it can tell, else by reading it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from beel_mcp.answers.answer import NAME_LIMIT
from beel_mcp.answers.found import WHOLE_NAME_LIMIT, SuggestedCustomer
from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Customer
from beel_mcp.cleaning import clean
from beel_mcp.errors import ApiError, CallerError, NotFoundError
from beel_mcp.spelling import folded
from beel_mcp.usecases.customer_search.customer_filter import (
    EMPTY,
    LACKS,
    CustomerField,
    CustomerFilter,
    is_mailed_elsewhere,
)
from beel_mcp.usecases.customer_search.names import ONLY_SPELLED, Difference, between, from_search
from beel_mcp.usecases.customer_search.whole_list import WholeList, read_customers, read_owners
from beel_mcp.writes.kinds.protocol import for_each_limited

MOST_SUGGESTED: Final = 5
# Up to as many records are read one by one.
FEW: Final = 10
# More hits than this are no one person's: nobody takes one for another.
_MOST_COMPARED: Final = 10
_MOST_PROVINCES: Final = 5
# What an invoice needs; the rest is counted where it is asked about.
_COUNTED: Final[tuple[CustomerField, ...]] = ("email", "nif", "phone", "address")


@dataclass(frozen=True)
class Suggestion:
    """A customer that is not the match, and how it differs from it."""

    customer: Customer
    why: str

    def told(self) -> SuggestedCustomer:
        """Say who it is, for an answer."""
        customer = self.customer
        return SuggestedCustomer(
            customer_id=customer.id,
            name=clean(customer.legal_name, WHOLE_NAME_LIMIT),
            nif=clean(customer.nif, NAME_LIMIT) if customer.nif else None,
            why=self.why,
        )


@dataclass(frozen=True)
class Matches:
    """A page of those that match; `everyone` are all, where all were read and counted in `by`."""

    customers: Sequence[Customer]
    total: int
    has_more: bool
    everyone: Sequence[Customer] | None = None
    by: Mapping[str, Mapping[str, int]] | None = None
    is_complete: bool = True
    suggestions: Sequence[Suggestion] = ()
    is_nobody: bool = False  # no text matches as written, and the whole list was looked through
    is_compared: bool = True  # false: whether others have a name alike is not known
    mailed_elsewhere: int = 0  # have billing_emails alone, where email was asked about


async def find(
    beel: BeelClient, wanted: CustomerFilter, *, page: int, limit: int, count: bool
) -> Matches:
    """Find a page of those who match; `count` reads them all.

    Raises:
        CallerError: what is asked cannot be told.
        BeelMcpError: BeeL, or the way to it.
    """
    query = wanted.query()
    if wanted.is_beels and not count:
        listed = await beel.customers.list(page=page, limit=limit, active=wanted.active, **query)
        if listed.total or not query:
            found = Matches(listed.items, listed.total, listed.has_more)
            return await _with_alike(beel, wanted, found, page)
        query = {}  # BeeL has nobody: all are read, and compared here
    found = await _Reading(beel, wanted, query).matches(page, limit)
    return await _with_alike(beel, wanted, found, page)


class _Reading:
    """One question that BeeL's list cannot answer: the list is read, and answers it here."""

    def __init__(self, beel: BeelClient, wanted: CustomerFilter, query: dict[str, str]) -> None:
        self._query = query
        self._beel = beel
        self._wanted = wanted
        self._is_complete = True
        self._is_nobody = False
        self._suggestions: list[Suggestion] = []
        self._counted: list[CustomerField] = list(wanted.missing)

    async def matches(self, page: int, limit: int) -> Matches:
        meant = await self._by_text()
        found = [customer for customer in meant if self._wanted.lacks(customer)]
        if self._wanted.has_invoices is not None:
            found = await self._by_invoices(found)
        start = (page - 1) * limit
        return Matches(
            customers=found[start : start + limit],
            total=len(found),
            has_more=start + limit < len(found),
            everyone=found,
            by=_counts(found, self._counted) if len(found) > 1 else None,
            is_complete=self._is_complete,
            suggestions=self._suggestions,
            is_nobody=self._is_nobody,
            mailed_elsewhere=sum(map(is_mailed_elsewhere, meant))
            if "email" in self._wanted.missing
            else 0,
        )

    async def _by_text(self) -> list[Customer]:
        """Give those whose texts match: by BeeL's filters, and where it finds nobody by ours."""
        wanted = self._wanted
        listed = await self._read(**self._query)
        found = [one for one in listed.records if wanted.is_in_city(one)] if self._query else []
        if not found:
            if self._query:
                listed = await self._read()
            found = [customer for customer in listed.records if wanted.matches(customer)]
            if not found and wanted.has_text:
                self._is_nobody = True
                self._suggestions = await self._near(listed)
        self._is_complete = listed.is_complete
        return await self._with_all_fields(found, listed.records)

    async def _read(self, **query: str) -> WholeList[Customer]:
        return await read_customers(self._beel, active=self._wanted.active, **query)

    async def _near(self, listed: WholeList[Customer]) -> list[Suggestion]:
        """Name those who may be meant, the inactive ones too where the active were asked for."""
        others = await read_customers(self._beel, active=not self._wanted.active)
        found: list[tuple[int, str, Suggestion]] = []
        for customer in (*listed.records, *others.records):
            difference = self._wanted.nearness(customer)
            if difference is None:
                continue
            state = "active" if customer.active else "inactive"
            is_other = customer.active != self._wanted.active
            why = ", ".join(filter(None, [state if is_other else "", difference.why]))
            rank = difference.distance + is_other
            found.append((rank, customer.legal_name, Suggestion(customer, why)))
        return [suggestion for *_, suggestion in sorted(found, key=lambda one: one[:2])]

    async def _with_all_fields(
        self, found: list[Customer], listed: Sequence[Customer]
    ) -> list[Customer]:
        """See that the list shows what may be missing: a field that nobody has, it may not show.

        Raises:
            CallerError: it does not, for too many to read one by one.
        """
        shown = {field for field in EMPTY if any(not EMPTY[field](one) for one in listed)}
        asked: set[CustomerField] = {*self._wanted.missing}
        if "email" in asked:
            asked.add("billing_emails")
        doubtful = asked - shown
        self._counted += [one for one in _COUNTED if one in shown and one not in self._counted]
        lacking = [one for one in found if self._wanted.lacks(one)]
        if not doubtful or not lacking:
            return found
        read = {one.id: one for one in found}

        async def reread(customer: Customer) -> None:
            try:
                read[customer.id] = await self._beel.customers.get(customer.id)
            except NotFoundError:
                return  # deleted since: the list had it

        await for_each_limited(reread, lacking[:FEW])
        hidden = [
            field
            for field in sorted(doubtful)
            if any(not EMPTY[field](one) for one in read.values())
        ]
        if hidden and len(lacking) > FEW:
            raise CallerError(
                f"BeeL's list does not show {' or '.join(hidden)}: who lacks it cannot be told of"
                f" {len(lacking)} customers.",
                code="not_listed",
                remedy=f"Narrow it down to {FEW} with other filters: those are read one by one.",
            )
        return list(read.values())

    async def _by_invoices(self, found: Sequence[Customer]) -> list[Customer]:
        """Leave those who have invoices, or who have none; drafts and proformas count.

        Raises:
            CallerError: who has none cannot be told.
        """
        has_some: set[str] = set()
        if len(found) <= FEW:

            async def count(customer: Customer) -> None:
                if await self._beel.invoices.count_for(customer.id):
                    has_some.add(customer.id.lower())

            await for_each_limited(count, found)
        else:
            owners = await read_owners(self._beel)
            has_some = {
                one.recipient.customer_id.lower()
                for one in owners.records
                if one.recipient and one.recipient.customer_id
            }
            is_told = owners.is_complete and bool(has_some or not owners.total)
            self._is_complete = self._is_complete and is_told
            if not is_told and not self._wanted.has_invoices:
                raise CallerError(
                    f"Who has no invoices cannot be told: {len(owners.records)} of"
                    f" {owners.total} invoices could be read.",
                    code="not_listed",
                    remedy=f"Narrow it down to {FEW} customers with other filters.",
                )
        return [one for one in found if (one.id.lower() in has_some) == self._wanted.has_invoices]


async def _with_alike(
    beel: BeelClient, wanted: CustomerFilter, found: Matches, page: int
) -> Matches:
    """Add those whose names are alike a match's, or the text: who takes one must know of the other.

    No filter of BeeL's finds them all, so its list is read; not for numbers and addresses, which
    tell one customer from another, and not for more matches than anybody takes for one.
    """
    is_whole = page == 1 and 0 < found.total == len(found.customers) <= _MOST_COMPARED
    if not (wanted.name and is_whole):
        return found
    try:
        listed = await read_customers(beel, active=wanted.active)
    except ApiError:
        return replace(found, is_compared=False)
    suggestions = _alike(wanted.name, found.customers, listed.records)
    return replace(found, suggestions=suggestions, is_compared=listed.is_complete)


def _alike(
    text: str, matches: Sequence[Customer], everyone: Iterable[Customer]
) -> list[Suggestion]:
    ids = {one.id for one in matches}
    found: list[tuple[Difference, Suggestion]] = []
    for other in everyone:
        if other.id in ids:
            continue
        names = {other.legal_name, other.trade_name or other.legal_name}
        pairs = [between(one.legal_name, name) for one in matches for name in names]
        written = [from_search(text, name) for name in names]
        alike = [*filter(None, pairs)] or [
            one for one in written if one and one.distance <= ONLY_SPELLED
        ]
        if difference := min(alike, default=None):
            found.append((difference, Suggestion(other, difference.why)))
    return [suggestion for _, suggestion in sorted(found, key=lambda one: one[0])]


def _counts(
    found: Sequence[Customer], fields: Sequence[CustomerField]
) -> dict[str, dict[str, int]]:
    """Count what they lack, and where they are; the provinces with most of them first."""
    lacking: dict[str, int] = {
        field: number for field in fields if (number := sum(map(LACKS[field], found)))
    }
    spelled: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for one in found:
        province = (one.address and one.address.province) or ""
        province = clean(province, 40) or "none"
        numbers[spelled.setdefault(folded(province), province)] += 1
    most = dict(numbers.most_common(_MOST_PROVINCES))
    if rest := len(found) - sum(most.values()):
        most["others"] = rest
    return {name: counts for name, counts in (("missing", lacking), ("province", most)) if counts}
