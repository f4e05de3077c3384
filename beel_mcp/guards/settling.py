"""Finds out what became of a creation whose answer was lost, by reading only."""

from collections.abc import Awaitable, Callable, Sequence

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Customer
from beel_mcp.errors import BeelMcpError
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.records import Chunk, Observation, Picture, PlannedRow

Sleep = Callable[[float], Awaitable[None]]

# A request that was cut off may still be committed this much later.
LATE_COMMIT_S = 5.0
# Two looks that find nothing prove something only if they are this far apart.
APART_S = 10.0
ROUNDS = 3
# BeeL creates all rows of a request or none, so a few of them tell for the others.
SAMPLE = 3
# Our clock and BeeL's may differ by this much.
CLOCK_SKEW_S = 120.0
LISTED_BY_NIF = 20
PAGE_SIZE = 100
MOST_PAGES = 30


class Settling:
    """Settles chunks within the time that a call has; what it saw is kept for the next call."""

    def __init__(self, beel: BeelClient, journal: Journal, sleep: Sleep) -> None:
        self._beel = beel
        self._journal = journal
        self._sleep = sleep

    async def settle(self, operation_id: str, until: float) -> int | None:
        """Settle the open chunks of an operation; seconds to wait if time (`until`) ran out.

        Raises:
            BeelMcpError: BeeL cannot be asked.
        """
        for chunk in self._journal.get(operation_id).chunks:
            if chunk.state == "UNKNOWN":
                wait = await self._settle(chunk, until)
                if wait is not None:
                    return wait
        return None

    async def _settle(self, chunk: Chunk, until: float) -> int | None:
        rows = self._journal.private.payload(chunk)
        if not rows:
            return None
        for _ in range(ROUNDS):
            wait = self._next_look(chunk) - self._journal.time()
            if self._journal.time() + max(wait, 0.0) > until:
                return max(int(wait) + 1, 1)
            if wait > 0:
                await self._sleep(wait)
            picture, there = await self._look(chunk, rows)
            self._journal.observe(chunk, picture)
            verdict = conclude(self._journal.observations(chunk))
            if verdict == "done":
                record = await self._record(rows)
                self._journal.settle(chunk, "COMMITTED", record=record, code="settled")
                return None
            if verdict == "not done":
                self._journal.settle(chunk, "NOT_DONE", code="settled")
                return None
            if verdict == "stopped":
                self._journal.show(chunk, _seen(rows, there))
                return None
        return None

    def _next_look(self, chunk: Chunk) -> float:
        """Not before a late commit could have come, nor too soon after the look before."""
        lost_at = chunk.settled_at or chunk.sent_at or 0.0
        patience = max(LATE_COMMIT_S, 2 * chunk.processing_time_ms / 1000)
        seen = self._journal.observations(chunk)
        return max(lost_at + patience, seen[-1].at + APART_S if seen else 0.0)

    async def _look(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> tuple[Picture, set[int]]:
        """Look once: the picture, and the numbers of the rows that are in BeeL."""
        with_nif = [row for row in rows if row.nif]
        if not with_nif:
            return await self._look_in_list(chunk, rows), set()
        report = await self._beel.customers.validate_bulk([row.values for row in with_nif])
        statuses = [row.status for row in report.rows]
        pairs = list(zip(with_nif, statuses, strict=True))
        there = {row.number for row, status in pairs if status == "DUPLICATE"}
        free = [row for row, status in pairs if status in ("VALID", "WARNING")]
        if there and free:
            return "mixed", there
        if len(there) == len(statuses):
            return "all", there
        if free:
            # Where BeeL does not keep NIFs unique its dry run sees no duplicates: look at the list.
            return await self._look_in_list(chunk, free), set()
        # Errors and NIFs that AEAT does not know today prove nothing: AEAT may be down.
        return "unclear", there

    async def _look_in_list(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> Picture:
        """Look for a few rows among the customers made since the request was sent."""
        sample = rows[:SAMPLE]
        found = [await self._is_listed(chunk, row) for row in sample]
        if all(found):
            return "all"
        return "mixed" if any(found) else "none"

    async def _is_listed(self, chunk: Chunk, row: PlannedRow) -> bool:
        since = (chunk.sent_at or 0.0) - CLOCK_SKEW_S
        if row.nif:
            page = await self._beel.customers.list(nif=row.nif, limit=PAGE_SIZE)
        else:
            page = await self._beel.customers.list(search=row.name, limit=PAGE_SIZE)
        return any(_is(customer, row) and _made_at(customer) >= since for customer in page.items)

    async def _record(self, rows: Sequence[PlannedRow]) -> list[dict[str, object]]:
        """Make the record of a creation that was settled; an id that is not found stays away."""
        try:
            ids = await self._ids(rows)
        except BeelMcpError:
            ids = {}
        return [
            {"row": row.number, "name": row.name, "customer_id": ids.get(row.nif or row.name)}
            for row in rows
        ]

    async def _ids(self, rows: Sequence[PlannedRow]) -> dict[str, str]:
        wanted = {row.nif or row.name for row in rows}
        ids: dict[str, str] = {}
        if len(rows) <= LISTED_BY_NIF:
            for row in rows:
                name = row.nif or row.name
                page = await self._beel.customers.list(search=name, limit=PAGE_SIZE)
                for customer in page.items:
                    if _is(customer, row):
                        ids[name] = customer.id
            return ids
        for number in range(1, MOST_PAGES + 1):
            page = await self._beel.customers.list(page=number, limit=PAGE_SIZE)
            for customer in page.items:
                name = customer.nif or customer.legal_name
                if name in wanted:
                    ids[name] = customer.id
            if not page.has_more or ids.keys() == wanted:
                break
        return ids


def conclude(seen: Sequence[Observation]) -> str:
    """Say what the looks so far prove: `done`, `not done`, `stopped`, or nothing yet."""
    if not seen:
        return "nothing yet"
    if seen[-1].picture == "all":
        return "done"
    if any(look.picture == "mixed" for look in seen):
        return "stopped"
    empty = [look.at for look in seen if look.picture == "none"]
    if len(empty) >= 2 and empty[-1] - empty[0] >= APART_S:
        return "not done"
    return "nothing yet"


def _seen(rows: Sequence[PlannedRow], there: set[int]) -> list[dict[str, object]]:
    return [
        {
            "row": row.number,
            "name": row.name,
            "outcome": "is in BeeL" if row.number in there else "not seen in BeeL",
        }
        for row in rows
    ]


def _is(customer: Customer, row: PlannedRow) -> bool:
    if row.nif:
        return customer.nif == row.nif
    street = (row.values.get("address") or {}).get("street")
    lives_there = customer.address is not None and customer.address.street == street
    return customer.legal_name == row.name and lives_there


def _made_at(customer: Customer) -> float:
    return customer.created_at.timestamp() if customer.created_at else 0.0
