"""What our own operations created lately: a list is held against it, and that against BeeL.

Where BeeL keeps NIFs unique it names the first copy itself. Where it does not, or a row has none,
only the journal knows of it; and only BeeL knows whether it is still there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account
from beel_mcp.api.models import Customer
from beel_mcp.errors import BeelMcpError
from beel_mcp.identity import bare_nif, foreign_id_of
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.model import IMPORTABLE, Problem, Row, Verdict
from beel_mcp.messages import Message
from beel_mcp.usecases.customer_search.whole_list import WholeList, read_customers
from beel_mcp.usecases.write_context import write_row
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.personal_data import Creation
from beel_mcp.writes.journal.records import WriteRow
from beel_mcp.writes.kinds.create_customers import CustomerCreation, is_same
from beel_mcp.writes.kinds.protocol import for_each_limited

# Each look-up is a request; of more rows the whole list takes fewer.
LOOKED_UP_ONE_BY_ONE: Final = 10
# Of books too large to be read whole: how many rows that were not seen are looked up.
MOST_LOOKED_UP: Final = 50


class KnownCustomers:
    """Judges rows that our operations created in these books within a day, for one check.

    BeeL is read only if there are some that it would take again. `is_blind` once the journal could
    not be read: what was judged then proves nothing.
    """

    def __init__(self, beel: BeelClient, journal: Journal, account: Account) -> None:
        self._beel = beel
        self._journal = journal
        self._account = account
        self._lists: dict[bool, WholeList[Customer]] = {}
        self.is_blind = False

    async def created_from(self, batch: Batch) -> Mapping[int, str | None]:
        """List the rows that were created from a batch, or one it was made of, and are in BeeL."""
        created = await created_rows(self._journal, batch)
        try:
            there = await self._in_beel(
                [write_row(row) for row in batch.rows if row.number in created]
            )
        except BeelMcpError:
            return created
        return {number: created[number] or ident or None for number, ident in there.items()}

    async def judge(
        self, rows: Iterable[Row], verdicts: Mapping[int, Verdict]
    ) -> dict[int, Verdict]:
        """Give other verdicts to those of the rows that BeeL took for new and we created.

        Raises:
            BeelMcpError: whether BeeL still has them cannot be read.
        """
        open_rows = [row for row in rows if verdicts[row.number].kind in IMPORTABLE]
        names = {row.number: row.name for row in open_rows}
        created = await self._created(open_rows)
        there = await self._in_beel([write_row(row) for row in open_rows if row.number in created])
        return {
            number: _created_before(creation, there[number], names[number])
            if number in there
            else _created_and_gone(creation, verdicts[number])
            for number, creation in created.items()
        }

    async def _created(self, rows: Sequence[Row]) -> Mapping[int, Creation]:
        data, ledger_id = self._journal.personal_data, self._account.ledger_id
        try:
            return await data.created_since(map(write_row, rows), ledger_id)
        except JournalError:
            self.is_blind = True  # looking at a list needs no journal; creating does
            return {}

    async def _in_beel(self, rows: Sequence[WriteRow]) -> dict[int, str]:
        """Find the customers that BeeL has now, the inactive ones too: their ids by row.

        The id is empty where there are too many customers to tell: only who is seen to be gone is.
        """
        found: dict[int, str] = {}
        for active in (True, False):
            if left := [row for row in rows if row.number not in found]:
                found |= await self._listed(left, active=active)
        return found

    async def _listed(self, rows: Sequence[WriteRow], *, active: bool) -> dict[int, str]:
        # Who has no NIF can only be searched by name, and that may have been corrected since.
        if len(rows) <= LOOKED_UP_ONE_BY_ONE and all(row.payload.get("nif") for row in rows):
            return await self._looked_up(rows, active=active)
        if active not in self._lists:
            self._lists[active] = await read_customers(self._beel, active=active)
        found = _matching(rows, self._lists[active].records)
        left = [row for row in rows if row.number not in found]
        if self._lists[active].is_complete or not left:
            return found
        if len(left) > MOST_LOOKED_UP:
            return found | {row.number: "" for row in left}
        return found | await self._looked_up(left, active=active)

    async def _looked_up(self, rows: Sequence[WriteRow], *, active: bool) -> dict[int, str]:
        found: dict[int, str] = {}

        async def look_up(row: WriteRow) -> None:
            nif = bare_nif(str(row.payload.get("nif") or "")) or None
            name = None if nif else str(row.payload.get("legal_name", ""))
            listed = await read_customers(self._beel, active=active, nif=nif, search=name)
            matching = _matching([row], listed.records)
            if not matching and not listed.is_complete:
                raise BeelMcpError(
                    "BeeL's customers could not be read to the end.",
                    code="list_incomplete",
                    retryable=True,
                )
            found.update(matching)

        await for_each_limited(look_up, rows)
        return found


def _matching(rows: Sequence[WriteRow], customers: Iterable[Customer]) -> dict[int, str]:
    by_handle: defaultdict[str, list[Customer]] = defaultdict(list)
    for customer in customers:
        other = customer.alternative_id
        foreign = (other.number or "").strip().upper() if other else ""
        for handle in {bare_nif(customer.nif or ""), foreign, customer.legal_name}:
            by_handle[handle].append(customer)
    found: dict[int, str] = {}
    for row in rows:
        nif, foreign = row.payload.get("nif"), foreign_id_of(row.payload).number
        handle = bare_nif(str(nif)) if nif else foreign or row.name
        same = (customer.id for customer in by_handle[handle] if is_same(customer, row))
        if ident := next(same, None):
            found[row.number] = ident
    return found


def _created_before(creation: Creation, customer_id: str, name: str) -> Verdict:
    message = Message("verdict.created_by", when=_when(creation), operation=creation.operation_id)
    problem = Problem("row", message, severity="error")
    return Verdict(
        "duplicate",
        (problem,),
        existing_customer_id=customer_id or None,
        existing_customer_name=name,
        is_done=True,
    )


def _created_and_gone(creation: Creation, found: Verdict) -> Verdict:
    when, operation = _when(creation), creation.operation_id
    remark = Problem("row", Message("verdict.created_and_gone", when=when, operation=operation))
    return found._replace(kind="warning", warnings=(remark, *found.warnings))


def _when(creation: Creation) -> str:
    return f"{datetime.fromtimestamp(creation.at, UTC):%Y-%m-%d %H:%M} UTC"


async def created_rows(journal: Journal, batch: Batch) -> Mapping[int, str | None]:
    """List the rows that were created from a batch, or from one that it was made of, by number."""
    found: dict[int, str | None] = {}
    try:
        for batch_id in (*batch.lineage, batch.batch_id):
            operation = await journal.find_decision(CustomerCreation.name, batch.caller, batch_id)
            for chunk in operation.chunks if operation else ():
                if chunk.state == "COMMITTED":
                    rows = await journal.personal_data.record(chunk)
                    found |= {record.number: record.record_id or None for record in rows}
    except JournalError:
        return {}  # looking at a list needs no journal; creating does, and says so
    return found
