"""Finds out what became of a confirmed change whose answer was lost, by reading only."""

from collections.abc import Awaitable, Callable, Sequence

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Customer
from beel_mcp.errors import BeelMcpError
from beel_mcp.identity import customer_key, foreign_id, foreign_id_of
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Chunk, Observation, Picture, PlannedRow
from beel_mcp.writes.kinds.protocol import ChangeOf, Outcome
from beel_mcp.writes.run.chunk_result import Report

Sleep = Callable[[float], Awaitable[None]]

# A request that was cut off may still be committed this much later.
LATE_COMMIT_S = 5.0
# Two looks that find nothing prove something only if they are this far apart.
APART_S = 10.0
ROUNDS = 3
# Our clock and BeeL's may differ by this much.
CLOCK_SKEW_S = 120.0
LISTED_ONE_BY_ONE = 20
UNNAMED = "more than one"
PAGE_SIZE = 100
MOST_PAGES = 30


class Settling:
    """Settles chunks within the time that a call has; what it saw is kept for the next call.

    drafting.py looks for other records than customers.
    """

    def __init__(self, beel: BeelClient, journal: Journal, sleep: Sleep) -> None:
        self.beel = beel
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
            # A clock that went back must not make anybody wait for a day.
            wait = min(self._next_look(chunk) - self._journal.time(), _longest_wait(chunk))
            if self._journal.time() + max(wait, 0.0) > until:
                return max(int(wait) + 1, 1)
            if wait > 0:
                await self._sleep(wait)
            picture, there = await self.look(chunk, rows)
            self._journal.observe(chunk, picture)
            verdict = conclude(self._journal.observations(chunk))
            if verdict == "done":
                record = await self.record(chunk, rows)
                self._journal.settle(
                    chunk, "COMMITTED", record=record, code="settled", by_looking=True
                )
                return None
            if verdict == "not done":
                self._journal.settle(chunk, "NOT_DONE", code="settled", by_looking=True)
                return None
            if verdict == "stopped":
                self._journal.show(chunk, _seen(rows, there))
                return None
        return None

    def _next_look(self, chunk: Chunk) -> float:
        """Not before a late commit could have come, nor too soon after the look before."""
        lost_at = chunk.settled_at or chunk.sent_at or 0.0
        patience = _patience(chunk)
        seen = self._journal.observations(chunk)
        return max(lost_at + patience, seen[-1].at + APART_S if seen else 0.0)

    async def look(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> tuple[Picture, set[int]]:
        """Look once: the picture, and the numbers of the rows that were seen in BeeL.

        Every kind of row has to agree: a customer with the same NIF proves nothing about those
        that have none.
        """
        with_nif = [row for row in rows if row.nif]
        others = [row for row in rows if not row.nif]
        pictures: set[Picture] = set()
        there: set[int] = set()
        if with_nif:
            picture, there = await self._look_by_dry_run(chunk, with_nif)
            pictures.add(picture)
        if others:
            picture, found = await self._look_in_list(chunk, others)
            pictures.add(picture)
            there |= found
        return _joined(pictures), there

    async def _look_by_dry_run(
        self, chunk: Chunk, rows: Sequence[PlannedRow]
    ) -> tuple[Picture, set[int]]:
        report = await self.beel.customers.validate_bulk([row.values for row in rows])
        pairs = list(zip(rows, [row.status for row in report.rows], strict=True))
        there = {row.number for row, status in pairs if status == "DUPLICATE"}
        free = [row for row, status in pairs if status in ("VALID", "WARNING")]
        if there and free:
            return "mixed", there
        if len(there) == len(rows):
            return "all", there
        if free:
            # Where BeeL does not keep NIFs unique its dry run sees no duplicates: look at the list.
            return await self._look_in_list(chunk, free)
        # Errors and NIFs that AEAT does not know today prove nothing: AEAT may be down.
        return "unclear", there

    async def _look_in_list(
        self, chunk: Chunk, rows: Sequence[PlannedRow]
    ) -> tuple[Picture, set[int]]:
        """Look for some rows, from both ends and the middle, among the customers made since."""
        sample = {row.number: row for row in (rows[0], rows[len(rows) // 2], rows[-1])}
        there = {number for number, row in sample.items() if await self._find(chunk, row)}
        if len(there) == len(sample):
            return "all", there
        return ("mixed" if there else "none"), there

    async def _find(self, chunk: Chunk, row: PlannedRow) -> str | None:
        """Find the one customer that was made of a row since it was sent."""
        since = (chunk.sent_at or 0.0) - CLOCK_SKEW_S
        found = []
        for number in range(1, MOST_PAGES + 1):
            page = await (
                self.beel.customers.list(nif=row.nif, page=number, limit=PAGE_SIZE)
                if row.nif
                else self.beel.customers.list(search=row.name, page=number, limit=PAGE_SIZE)
            )
            found += [one.id for one in page.items if _is(one, row) and _made_at(one) >= since]
            if not page.has_more:
                break
        # Twins cannot be told apart: they prove that it is there, but name nobody.
        return found[0] if len(found) == 1 else UNNAMED if found else None

    async def record(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> list[dict[str, object]]:
        """Make the record of a creation that was settled; an id that is not certain stays away."""
        try:
            ids = await self._ids(chunk, rows)
        except BeelMcpError:
            ids = {}
        return [
            {"row": row.number, "name": row.name, "customer_id": ids.get(row.number)}
            for row in rows
        ]

    async def _ids(self, chunk: Chunk, rows: Sequence[PlannedRow]) -> dict[int, str]:
        if len(rows) <= LISTED_ONE_BY_ONE:
            found = {row.number: await self._find(chunk, row) for row in rows}
            return {number: one for number, one in found.items() if one and one != UNNAMED}
        since = (chunk.sent_at or 0.0) - CLOCK_SKEW_S
        wanted = {row.nif: row.number for row in rows if row.nif}
        ids: dict[int, str] = {}
        for number in range(1, MOST_PAGES + 1):
            page = await self.beel.customers.list(page=number, limit=PAGE_SIZE)
            for customer in page.items:
                if customer.nif in wanted and _made_at(customer) >= since:
                    ids[wanted[customer.nif]] = customer.id
            if not page.has_more:
                break
        return ids


def _patience(chunk: Chunk) -> float:
    return max(LATE_COMMIT_S, 2 * chunk.processing_time_ms / 1000)


def _longest_wait(chunk: Chunk) -> float:
    return max(_patience(chunk), APART_S)


def _joined(pictures: set[Picture]) -> Picture:
    if len(pictures) == 1:
        return next(iter(pictures))
    return "unclear" if "unclear" in pictures else "mixed"


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
        return customer_key({"nif": customer.nif}) == row.identity
    wanted, other = foreign_id_of(row.values), customer.alternative_id
    if wanted.number and other:
        return wanted.may_be(foreign_id(other.type, other.country_code, other.number))
    lives_there = customer.address is not None and customer.address.street == row.street
    return customer.legal_name == row.name and lives_there


def _made_at(customer: Customer) -> float:
    return customer.created_at.timestamp() if customer.created_at else 0.0


NOT_DONE = Outcome("failed", "not_done", "BeeL did not answer, and two looks found it unchanged.")


class Checking:
    """Settles a change within the time of a call; what it saw is kept for the next one."""

    def __init__(self, journal: Journal, change_of: ChangeOf, sleep: Sleep) -> None:
        self._journal = journal
        self._change_of = change_of
        self._sleep = sleep

    async def settle(self, operation_id: str, until: float) -> int | None:
        """Settle the open chunks of an operation; seconds to wait if time (`until`) ran out."""
        operation = self._journal.get(operation_id)
        for chunk in operation.chunks:
            if chunk.state == "UNKNOWN":
                wait = await self._settle(operation.kind, chunk, until)
                if wait is not None:
                    return wait
        return None

    async def _settle(self, kind: str, chunk: Chunk, until: float) -> int | None:
        report = Report(self._journal, chunk)
        if not report.rows:
            return None
        change = self._change_of(kind, report.rows[0].values)
        for _ in range(ROUNDS):
            wait = min(self._next_look(chunk) - self._journal.time(), APART_S)
            if self._journal.time() + max(wait, 0.0) > until:
                return max(int(wait) + 1, 1)
            if wait > 0:
                await self._sleep(wait)
            same = await report.look(change, report.unknown())
            is_clear = len(same) == len(report.unknown())
            self._journal.observe(chunk, "unclear" if not is_clear else "none" if same else "all")
            looks = [
                seen.at for seen in self._journal.observations(chunk) if seen.picture == "none"
            ]
            if looks and looks[-1] - looks[0] >= APART_S:
                report.add(same, [NOT_DONE] * len(same))
            report.settle(code="settled", by_looking=True)
            if not report.unknown():
                return None
        return None

    def _next_look(self, chunk: Chunk) -> float:
        """Not before a late commit could have come, nor too soon after the look before."""
        seen = self._journal.observations(chunk)
        lost_at = chunk.settled_at or chunk.sent_at or 0.0
        return seen[-1].at + APART_S if seen else lost_at + LATE_COMMIT_S
