"""Creates the customers of a validated batch, one bulk request for each 500, all or none."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from beel_mcp.api.company import Account
from beel_mcp.api.customers import MOST_ROWS
from beel_mcp.api.models import Customer
from beel_mcp.errors import (
    BeelMcpError,
    CallerError,
    ConflictError,
    InvalidRequestError,
    NextCall,
    crashed,
)
from beel_mcp.identity import customer_key, foreign_id, foreign_id_of
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import compose
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Affected, LeftOut, Preview
from beel_mcp.writes.journal.records import (
    Chunk,
    Finding,
    Operation,
    PlannedChunk,
    RowOutcome,
    RowProblem,
    WriteRow,
)
from beel_mcp.writes.journal.remarks import gathered
from beel_mcp.writes.kinds.protocol import (
    BatchRows,
    Found,
    OutcomeWords,
    Write,
    refused_or_unknown,
    settling_call,
    unsettled_overlap,
)

ROWS_IN_A_REQUEST: Final = MOST_ROWS
# After this long the customers in BeeL may be others than those the list was checked against.
VALIDATION_TTL: Final = timedelta(minutes=15)
# Our clock and BeeL's may differ by this much.
CLOCK_SKEW_S: Final = 120.0
# What is there and seems this much older may be ours all the same, if a clock is wrong.
DOUBTFUL_S: Final = 2 * 86_400.0
LISTED_ONE_BY_ONE: Final = 20
SEVERAL: Final = "more than one"
OLDER: Final = "older than the request"
PAGE_SIZE: Final = 100
MOST_PAGES: Final = 30


class CustomerCreation(Write):
    """The importable rows of a batch. The same rows are the same request."""

    name = "create_customers"
    words: ClassVar = OutcomeWords("created", "customer", "customer_id", "refused", skips=True)
    all_or_none = True
    may_change_key = True

    @property
    def batch_id(self) -> str:
        return str(self.arguments["batch_id"])

    @property
    def batch(self) -> BatchRows:
        """The rows to be created; one that goes on has them in the journal, and none here."""
        if self.context.batch is None:
            raise crashed(self.name)
        return self.context.batch

    @property
    def request(self) -> str:
        """The rows; a list given inline is a new batch every time."""
        return self.batch.payload_digest

    async def preview(self) -> Preview:
        """Show rows as what would be created, and those with problems as left out."""
        batch = self.batch
        return Preview(
            tuple(
                Affected(str(row.number), row.name, str(row.payload.get("nif", "")), "")
                for row in batch.rows
            ),
            tuple(LeftOut(str(row.number), row.name, "problems") for row in batch.left_out),
            {"payload": batch.payload_digest},
            gathered(batch.remarks),
        )

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        number = len(preview.affected)
        customers_en = f"{number} customer{'' if number == 1 else 's'}"
        customers_es = f"{number} cliente{'' if number == 1 else 's'}"
        opening = localized(language, en=f"create {customers_en}", es=f"dar de alta {customers_es}")
        return compose(environment, opening, preview, [], language)

    def chunks(self, _: Preview | None = None) -> list[PlannedChunk]:
        batch = self.batch
        return [
            PlannedChunk(batch.rows[start : start + ROWS_IN_A_REQUEST], batch.processing_time_ms)
            for start in range(0, len(batch.rows), ROWS_IN_A_REQUEST)
        ]

    async def recheck(self, operation: Operation, rows: Sequence[WriteRow]) -> None:
        """Keep customers from being created twice by two of our own operations, or by others."""
        await refuse_double(
            *(self.journal, operation.account, rows, operation.subject, operation.known_upto),
            besides=operation.operation_id,
        )
        await self._validate_again(operation, rows)

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        try:
            creation = await self.beel.customers.create_bulk(
                [row.payload for row in rows], idempotency_key=chunk.idempotency_key
            )
        except (InvalidRequestError, ConflictError) as error:
            raise refused_or_unknown(chunk, error) from error
        ids = {created.index: created.customer_id for created in creation.created}
        return [
            RowOutcome("done", request_id=creation.request_id, record_id=ids.get(index) or "")
            for index in range(len(rows))
        ]

    def refused(self, rows: Sequence[WriteRow], error: BeelMcpError) -> list[RowOutcome]:
        """Give what BeeL says of each row; the others went with them."""
        problems: dict[int, list[RowProblem]] = {}
        for fault in error.field_errors:
            if fault.index is not None and fault.index < len(rows):
                field = fault.field.rpartition("].")[2] or "row"
                problems.setdefault(fault.index, []).append(RowProblem(field, fault.message))
        return [
            RowOutcome(
                "failed",
                error.code,
                "" if index in problems else "refused together with the others",
                problems=tuple(problems.get(index, ())),
            )
            for index in range(len(rows))
        ]

    async def _validate_again(self, operation: Operation, rows: Sequence[WriteRow]) -> None:
        """Ask BeeL once more about rows that it was asked about long ago.

        Raises:
            CallerError: some of them could not be created any more.
        """
        if self.journal.time() - operation.checked_at <= VALIDATION_TTL.total_seconds():
            return
        report = await self.beel.customers.validate_bulk([row.payload for row in rows])
        statuses = zip(rows, report.rows, strict=True)
        others = [row.number for row, now in statuses if now.status not in ("VALID", "WARNING")]
        if others:
            named = ", ".join(map(str, others[:5])) + (", …" if len(others) > 5 else "")
            raise CallerError(
                f"{len(others)} of these customers cannot be created any more (row {named}); BeeL"
                " was asked again, and nothing more was sent.",
                code="list_outdated",
                remedy="Call validate_customers again with the same list: customers that exist"
                " show as duplicates.",
                next_calls=(checking_call(operation.subject),),
            )

    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        """Look for the rows among BeeL's customers.

        Rows with a NIF and rows without have to agree: a customer with the same NIF proves nothing
        about those that have none.
        """
        with_nif = [row for row in rows if row.payload.get("nif")]
        others = [row for row in rows if not row.payload.get("nif")]
        findings: set[Finding] = set()
        there: set[int] = set()
        if with_nif:
            finding, there = await self._find_by_dry_run(chunk, with_nif)
            findings.add(finding)
        if others:
            finding, listed = await self._find_in_list(chunk, others)
            findings.add(finding)
            there |= listed
        finding = _joined(findings)
        if finding == "all":
            return Found("all", await self._created(chunk, rows))
        if finding != "mixed":
            return Found(finding)
        return Found(
            "mixed",
            {row.number: RowOutcome("unknown", is_found=row.number in there) for row in rows},
        )

    async def _find_by_dry_run(
        self, chunk: Chunk, rows: Sequence[WriteRow]
    ) -> tuple[Finding, set[int]]:
        report = await self.beel.customers.validate_bulk([row.payload for row in rows])
        pairs = list(zip(rows, [row.status for row in report.rows], strict=True))
        there = {row.number for row, status in pairs if status == "DUPLICATE"}
        free = [row for row, status in pairs if status in ("VALID", "WARNING")]
        if there and free:
            return "mixed", there
        if len(there) == len(rows):
            return "all", there
        if free:
            # Where BeeL does not keep NIFs unique its dry run sees no duplicates: read the list.
            return await self._find_in_list(chunk, free)
        # Errors and NIFs that AEAT does not know today prove nothing: AEAT may be down.
        return "unclear", there

    async def _find_in_list(
        self, chunk: Chunk, rows: Sequence[WriteRow]
    ) -> tuple[Finding, set[int]]:
        """Look for three rows, from both ends and the middle, among the customers created since."""
        sample = {row.number: row for row in (rows[0], rows[len(rows) // 2], rows[-1])}
        found = {number: await self._id_of(chunk, row) for number, row in sample.items()}
        if OLDER in found.values():
            return "unclear", set()
        there = {number for number, ident in found.items() if ident}
        if len(there) == len(sample):
            return "all", there
        return ("mixed" if there else "none"), there

    async def _id_of(self, chunk: Chunk, row: WriteRow) -> str | None:
        """Find the one customer that was created from a row since it was sent, or not long before.

        Not long before is a doubt: BeeL's clock tells when, and ours when it was sent.
        """
        since = (chunk.sent_at or 0.0) - CLOCK_SKEW_S
        nif = str(row.payload.get("nif", ""))
        wanted = {"nif": nif} if nif else {"search": row.name}
        same = [
            customer
            for active in (True, False)
            async for customer in self._listed(active=active, **wanted)
            if is_same(customer, row)
        ]
        found = [customer.id for customer in same if _created_at(customer) >= since]
        if not found:
            return OLDER if any(_created_at(one) >= since - DOUBTFUL_S for one in same) else None
        # Namesakes cannot be told apart: they prove that it is there, but give no id.
        return found[0] if len(found) == 1 else SEVERAL

    async def _listed(self, **wanted: Any) -> AsyncIterator[Customer]:
        """List the customers that a question of `customers.list` is true of, page by page."""
        for number in range(1, MOST_PAGES + 1):
            page = await self.beel.customers.list(page=number, limit=PAGE_SIZE, **wanted)
            for customer in page.items:
                yield customer
            if not page.has_more:
                return

    async def _created(self, chunk: Chunk, rows: Sequence[WriteRow]) -> dict[int, RowOutcome]:
        """Give the outcomes of a creation that was found; an id that is not certain stays empty."""
        try:
            ids = await self._ids(chunk, rows)
        except BeelMcpError:
            ids = {}
        return {row.number: RowOutcome("done", record_id=ids.get(row.number, "")) for row in rows}

    async def _ids(self, chunk: Chunk, rows: Sequence[WriteRow]) -> dict[int, str]:
        if len(rows) <= LISTED_ONE_BY_ONE:
            found = {row.number: await self._id_of(chunk, row) for row in rows}
            certain = {number: ident for number, ident in found.items() if ident}
            return {n: ident for n, ident in certain.items() if ident not in (SEVERAL, OLDER)}
        since = (chunk.sent_at or 0.0) - CLOCK_SKEW_S
        wanted = {str(row.payload["nif"]): row.number for row in rows if row.payload.get("nif")}
        return {
            wanted[customer.nif]: customer.id
            async for customer in self._listed()
            if customer.nif in wanted and _created_at(customer) >= since
        }


async def refuse_double(
    journal: Journal,
    account: Account,
    rows: Sequence[WriteRow],
    batch_id: str,
    known_upto: int,
    *,
    besides: str = "",
) -> None:
    """Keep customers from being created twice by two of our own operations.

    Raises:
        CallerError: another operation than `besides` may have created some of them, or has.
    """
    if other := await unsettled_overlap(journal, account, rows):
        raise CallerError(
            "An earlier creation of some of these customers is not settled: they may exist already."
            " Nothing was sent.",
            code="operation_unsettled",
            retryable=True,
            next_calls=(settling_call(other),),
        )
    if await journal.personal_data.created_since(rows, account.ledger_id, known_upto, besides):
        raise CallerError(
            "Some of these customers were created by another call since the list was checked;"
            " nothing was sent.",
            code="created_meanwhile",
            remedy="Call validate_customers again with the same list.",
            next_calls=(checking_call(batch_id),),
        )


async def is_overtaken(journal: Journal, operation: Operation, rows: Sequence[WriteRow]) -> bool:
    """Whether another operation created some of these customers since this one was checked."""
    ledger_id, mine = operation.account.ledger_id, operation.operation_id
    found = await journal.personal_data.created_since(rows, ledger_id, operation.known_upto, mine)
    return bool(found)


def checking_call(batch_id: str) -> NextCall:
    """Give the call that checks a batch again."""
    return NextCall("validate_customers", {"batch_id": batch_id}, "says what can be created now")


def _joined(findings: set[Finding]) -> Finding:
    if len(findings) == 1:
        return next(iter(findings))
    return "unclear" if "unclear" in findings else "mixed"


def is_same(customer: Customer, row: WriteRow) -> bool:
    """Whether a customer in BeeL has the identifier of a row, else its name and street."""
    if row.payload.get("nif"):
        return customer_key({"nif": customer.nif}) == row.identity
    wanted, other = foreign_id_of(row.payload), customer.alternative_id
    if wanted.number and other:
        return wanted.may_be(foreign_id(other.type, other.country_code, other.number))
    address: Mapping[str, str] = row.payload.get("address") or {}
    lives_there = customer.address is not None and customer.address.street == address.get(
        "street", ""
    )
    return customer.legal_name == row.name and lives_there


def _created_at(customer: Customer) -> float:
    return customer.created_at.timestamp() if customer.created_at else 0.0
