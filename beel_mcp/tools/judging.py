"""Asks BeeL about a batch, part by part, and gives every row its verdict. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from beel_mcp.api.account import Account
from beel_mcp.api.client import BeelClient
from beel_mcp.errors import BeelMcpError
from beel_mcp.guards.creating import KIND, VALIDATION_AGE
from beel_mcp.guards.database import JournalError
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.private import KEPT_FOR
from beel_mcp.guards.records import Clock, PlannedRow
from beel_mcp.lists.batches import Batch, PartCheck, part_digest
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.rows import IMPORTABLE, Row, Verdict
from beel_mcp.tools.progress import note
from beel_mcp.tools.verdicts import local_verdicts, statistics_differ, verdict_of

# Each look-up is a request; the first ones tell the person whom the rows collide with.
LOOKED_UP_DUPLICATES = 10
CREATED_TODAY = Problem(
    "row",
    "Another call created this customer within 24 hours; created again it would be there twice.",
)


@dataclass(frozen=True)
class Judged:
    """A batch with what is known now; `stopped` says why some rows are unchecked still."""

    batch: Batch
    stopped: BeelMcpError | None = None


class Judging:
    """Asks BeeL about the parts of one batch, as long as the call has time."""

    def __init__(self, beel: BeelClient, journal: Journal, now: Clock, ends_at: float) -> None:
        self._beel = beel
        self._journal = journal
        self._now = now
        self._ends_at = ends_at
        self._longest = 0.0
        self._sent_at = 0.0
        self._asked: list[Row] = []
        self._verdicts: dict[int, Verdict] = {}

    async def judge(self, batch: Batch) -> Judged:
        """Give every row a verdict; a part that BeeL was asked about lately is not asked again.

        Raises:
            BeelMcpError: BeeL could not be asked, and nothing is known of any part.
        """
        family = (await self._beel.active_company()).family
        account = await self._beel.account()
        self._sent_at = last_sent_at(self._journal, account)
        wire_problems = self._beel.customers.wire_problems
        created = created_rows(self._journal, batch)
        self._verdicts = local_verdicts(
            batch, lambda row: wire_problems(row.payload(), family), created
        )
        checks: list[PartCheck | None] = []
        stopped: BeelMcpError | None = None
        for part, known in zip(list(batch.parts()), batch.checks, strict=True):
            rows = [row for row in part if row.number not in self._verdicts]
            digest = part_digest(rows)
            check = self._still_good(rows, digest, known, batch)
            if check is None and stopped is None and self._has_time():
                try:
                    check = await self._ask(rows, digest)
                except BeelMcpError as error:
                    stopped = error
            checks.append(check)
        if stopped and not any(checks):
            raise stopped
        self._remark_created(batch, account)
        await self._name_existing()
        return Judged(batch.judged(self._verdicts, checks), stopped)

    def _still_good(
        self, rows: Sequence[Row], digest: str, known: PartCheck | None, batch: Batch
    ) -> PartCheck | None:
        """Keep what BeeL said lately of the very same rows, if nothing was sent to it since."""
        if not rows:
            return PartCheck(digest, self._now())
        if known is None or known.digest != digest or is_old(known, self._now):
            return None
        if known.at.timestamp() <= self._sent_at:
            return None
        self._verdicts |= {row.number: batch.verdicts[row.number] for row in rows}
        return known

    def _has_time(self) -> bool:
        """Whether one more request is likely to end in time; the first is made in any case."""
        left = self._ends_at - anyio.current_time()
        return not self._longest or left > self._longest

    async def _ask(self, rows: Sequence[Row], digest: str) -> PartCheck:
        began = anyio.current_time()
        report = await self._beel.customers.validate_bulk([row.payload() for row in rows])
        self._longest = max(self._longest, anyio.current_time() - began)
        for row, said in zip(rows, report.rows, strict=True):
            self._verdicts[row.number] = verdict_of(row, said)
        self._asked += rows
        note(f"{len(self._asked)} rows checked")
        return PartCheck(
            digest,
            self._now(),
            report.processing_time_ms or 0,
            statistics_differ(report),
        )

    def _remark_created(self, batch: Batch, account: Account) -> None:
        """Say of rows without a NIF that they were created today: BeeL sees no double in them."""
        open_rows = [
            PlannedRow(row.number, row.payload())
            for row in batch.rows
            if "nif" not in row.values and self._is_importable(row)
        ]
        for number in created_today(self._journal, account, open_rows):
            found = self._verdicts[number]
            if CREATED_TODAY not in found.warnings:
                warnings = (CREATED_TODAY, *found.warnings)
                self._verdicts[number] = replace(found, kind="warning", warnings=warnings)

    def _is_importable(self, row: Row) -> bool:
        known = self._verdicts.get(row.number)
        return known is not None and known.kind in IMPORTABLE

    async def _name_existing(self) -> None:
        """Find whom duplicate rows collide with. That is advice: a failure to find is none."""
        duplicates = [row for row in self._asked if self._verdicts[row.number].kind == "duplicate"]
        with anyio.move_on_after(max(self._ends_at - anyio.current_time(), 0)):
            for row in duplicates[:LOOKED_UP_DUPLICATES]:
                nif = str(row.values.get("nif", ""))
                if not nif:
                    continue
                try:
                    page = await self._beel.customers.list(nif=nif, limit=20)
                except BeelMcpError:
                    return
                for customer in page.items:
                    if customer.nif == nif:
                        found = self._verdicts[row.number]
                        self._verdicts[row.number] = replace(
                            found, existing_customer_id=customer.id
                        )


def is_old(check: PartCheck, now: Clock) -> bool:
    """Whether the customers in BeeL may be others than those a part was checked against."""
    return now() - check.at > VALIDATION_AGE


def last_sent_at(journal: Journal, account: Account) -> float:
    """Tell when something was last sent to these books, as far as the journal can be read."""
    try:
        return journal.last_sent_at(account)
    except JournalError:
        return 0.0


def created_today(journal: Journal, account: Account, rows: Sequence[PlannedRow]) -> Sequence[int]:
    """List the numbers of rows that our operations created within a day."""
    since = journal.time() - KEPT_FOR.total_seconds()
    try:
        return journal.private.created_since(rows, account.books, since) if rows else ()
    except JournalError:
        return ()


def created_rows(journal: Journal, batch: Batch) -> Mapping[int, str | None]:
    """List the rows that were created from a batch, or from one that it was made of, by number."""
    found: dict[int, str | None] = {}
    try:
        for batch_id in (*batch.lineage, batch.batch_id):
            operation = journal.find_decision(KIND, batch.caller, batch_id)
            for chunk in operation.chunks if operation else ():
                if chunk.state == "COMMITTED":
                    rows = journal.private.record(chunk) or ()
                    found |= {row["row"]: row["customer_id"] for row in rows}
    except JournalError:
        return {}  # looking at a list needs no journal; creating does, and says so
    return found
