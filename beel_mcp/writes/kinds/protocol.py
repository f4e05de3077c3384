"""Interface of a write: preview, statement, chunks, send, find. One class for each kind."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

import anyio

from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account
from beel_mcp.api.models import Customer
from beel_mcp.errors import (
    ApiError,
    BeelMcpError,
    CallerError,
    NextCall,
    RefusedError,
    UnknownOutcomeError,
)
from beel_mcp.settings import Language
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import UNCHANGED, Affected, LeftOut, Preview
from beel_mcp.writes.journal.records import (
    Chunk,
    Finding,
    Operation,
    PlannedChunk,
    RowOutcome,
    WriteRow,
)
from beel_mcp.writes.journal.remarks import Remark

logger = logging.getLogger(__name__)

REQUESTS_AT_ONCE: Final = 4
T = TypeVar("T")


@dataclass(frozen=True)
class BatchRows:
    """The rows of a validated batch, as a creation needs them. `checked_at` is in epoch seconds."""

    rows: Sequence[WriteRow]
    left_out: Sequence[WriteRow]
    payload_digest: str
    checked_at: float
    known_upto: int
    processing_time_ms: int
    remarks: Sequence[Remark] = ()


class Advice(Protocol):
    """What the checks of lists say of a customer's values, wherever these come from."""

    def remarks(self, values: Mapping[str, Any], fields: Iterable[str]) -> Sequence[Remark]:
        """Say what is doubtful about these fields of a customer."""

    def province(self, address: Mapping[str, Any]) -> str | None:
        """Name the province of a Spanish postal code, if the address has another one or none."""

    async def namesakes(self, name: str) -> Sequence[Customer]:
        """Find customers in BeeL who are called nearly the same, by two requests at most."""


@dataclass(frozen=True)
class WriteContext:
    """What writes need beside their arguments.

    `save_backup` and `save_previous` write a file and give its path; `operation` finds one of this
    caller in this ledger, and raises CallerError where there is none. `batch` has the rows of a
    creation that is to begin.
    """

    beel: BeelClient
    journal: Journal
    advice: Advice
    save_backup: Callable[[Sequence[Customer]], Awaitable[str]]
    save_previous: Callable[[Sequence[Mapping[str, Any]]], Awaitable[str]]
    operation: Callable[[str], Awaitable[Operation]]
    batch: BatchRows | None = None


@dataclass(frozen=True)
class Detail:
    """A field of a record, in a person's words: what it has, and what it would have."""

    field: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class OutcomeWords:
    """How the outcome of a write is told. `done` and `failed` name classes of records.

    `remedies` say what to do about a code; `already` are codes that are a class of their own:
    the record is as wanted. `ids_cap` and `failed_cap` limit the lists of an answer.
    """

    done: str
    noun: str
    id_field: Literal["customer_id", "invoice_id"]
    failed: Literal["failed", "refused"] = "failed"
    remedies: Mapping[str, str] = field(default_factory=dict)
    already: tuple[str, ...] = ()
    saved_as: Literal["backup_path", "previous_path"] = "backup_path"
    skips: bool = False
    effect: str = ""  # what BeeL did, where `done` alone does not tell
    ids_cap: int = 10
    failed_cap: int = 5

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of records; each record is in exactly one."""
        skipped = ("skipped",) if self.skips else ()
        return (self.done, *self.already, self.failed, "unknown", "not_attempted", *skipped)


@dataclass(frozen=True)
class Found:
    """What reading BeeL showed of rows whose request is not settled.

    `outcomes` are by row number, where they are certain; `unchanged` are the numbers of the rows
    that were seen to be as they were before.
    """

    finding: Finding
    outcomes: Mapping[int, RowOutcome] = field(default_factory=dict)
    unchanged: frozenset[int] = frozenset()


class StateChangedError(BeelMcpError):
    """What the plan showed is no longer so; nothing was sent."""

    default_code = "state_changed"

    def __init__(self, preview: Preview) -> None:
        super().__init__("The records are not as they were when the person was shown them.")
        self.preview = preview


class AnotherAccountError(CallerError):
    """The plan or operation belongs to another key, company or environment."""

    default_code = "another_company"


class Write(ABC):
    """One write to BeeL. Implementations are the only callers of their API methods."""

    name: ClassVar[str]  # of the tool, of the plan and of the operation
    words: ClassVar[OutcomeWords]
    all_or_none: ClassVar[bool] = False  # the rows of one request succeed together
    # Where BeeL says that a key is spent, what was looked for in vain is sent under another one,
    # in the same call: only for what reading finds for certain.
    may_change_key: ClassVar[bool] = False

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        self.context = context
        self.beel = context.beel
        self.journal = context.journal
        self.arguments = arguments

    @classmethod
    def words_of(cls, _terms: Mapping[str, str]) -> OutcomeWords:
        """Give the words for the outcome of a write with these terms."""
        return cls.words

    @property
    def request(self) -> Any:
        """What makes two calls the same request; an open plan of it is shown again."""
        return self.arguments

    @abstractmethod
    async def preview(self) -> Preview:
        """Read from BeeL, now, what would change or be created and what would be left out."""

    @abstractmethod
    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        """Say in one sentence what a person agrees to."""

    def details(self, affected: Affected, language: Language) -> Sequence[Detail]:
        """Give what a person sees of a record of the preview beside its name."""
        return ()

    @abstractmethod
    def chunks(self, preview: Preview) -> list[PlannedChunk]:
        """Divide the preview into requests."""

    async def prepare(self, operation: Operation) -> str | None:
        """Do what must be done before the first request; the path of a file, if one is kept.

        Raises:
            BeelMcpError: nothing must be sent.
        """
        return None

    async def recheck(self, operation: Operation, rows: Sequence[WriteRow]) -> None:  # noqa: B027
        """Check the rows of a chunk once more, right before they are sent.

        Raises:
            BeelMcpError: they must not be sent.
        """

    @abstractmethod
    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Send one request; one outcome for each row.

        Raises:
            UnknownOutcomeError: whether it had its effect is not known.
            InvalidRequestError, ConflictError: BeeL refused all rows of a request that succeeds
                as a whole.
            BeelMcpError: it had no effect, and neither will the next.
        """

    def refused(self, rows: Sequence[WriteRow], error: BeelMcpError) -> list[RowOutcome]:
        """Give the outcomes of a request that BeeL refused as a whole."""
        return [RowOutcome("failed", error.code, error.message, error.request_id) for _ in rows]

    @abstractmethod
    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        """Find out by reading whether the rows of a lost request were written.

        Raises:
            BeelMcpError: BeeL cannot be read.
        """


class Change(Write):
    """A change of records that exist: runs only from a confirmed plan, while its state holds."""

    @abstractmethod
    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        """Divide the affected records into requests."""

    @abstractmethod
    def row(self, number: int, affected: Affected) -> WriteRow:
        """Give a record as it is sent."""

    @abstractmethod
    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        """Read one record: its outcome, or None if it is as it was before."""

    async def unsettled(self, account: Account, rows: Sequence[WriteRow]) -> str | None:
        """Find an operation that has to be settled before these records may be changed."""
        return await unsettled_overlap(self.journal, account, rows)

    async def back_up(self, preview: Preview) -> str | None:
        """Save what the change takes away; the path of the file, if one is kept."""
        return None

    def chunks(self, preview: Preview) -> list[PlannedChunk]:
        """Put what is left out into chunks of its own, which are never sent."""
        chunks = []
        number = len(preview.affected) + 1
        for code in (None, UNCHANGED):
            left_out = [
                record for record in preview.left_out if (record.code == UNCHANGED) == bool(code)
            ]
            if left_out:
                rows = [
                    _row_left_out(index, record) for index, record in enumerate(left_out, number)
                ]
                outcomes = [
                    RowOutcome("failed", record.code, record.message) for record in left_out
                ]
                chunks.append(PlannedChunk(rows, outcomes=outcomes, code=code))
                number += len(rows)
        number = 1
        for records in self.requests(preview):
            rows = [self.row(index, record) for index, record in enumerate(records, number)]
            chunks.append(PlannedChunk(rows))
            number += len(rows)
        return chunks

    async def prepare(self, operation: Operation) -> str | None:
        """Hold the records against the plan under the ledger's lock, then back them up."""
        account = await self.beel.account()
        if account != operation.account:  # guard: same key, environment and company
            raise AnotherAccountError("This plan was made for another key or company.")
        rows = await self.journal.personal_data.payload(*operation.chunks)
        if other := await self.unsettled(account, rows):
            raise CallerError(
                "An earlier change of some of these records is not settled. Nothing was sent.",
                code="operation_unsettled",
                retryable=True,
                next_calls=(settling_call(other),),
            )
        preview = await self.preview()
        if preview.digest != operation.payload_digest:  # guard: the state is as it was shown
            raise StateChangedError(preview)
        return await self.back_up(preview)

    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        """Read every record; one that cannot be read leaves the finding unclear."""
        outcomes: dict[int, RowOutcome] = {}
        unchanged: set[int] = set()
        errors: list[BeelMcpError] = []

        async def read(row: WriteRow) -> None:
            try:
                outcome = await self.find_row(row)
            except BeelMcpError as error:
                errors.append(error)
                return
            if outcome is None:
                unchanged.add(row.number)
            else:
                outcomes[row.number] = outcome

        await for_each_limited(read, rows)
        if errors and len(errors) == len(rows):
            raise errors[0]
        finding: Finding = "unclear" if errors else "none" if unchanged else "all"
        return Found(finding, outcomes, frozenset(unchanged))


def refused_or_unknown(chunk: Chunk, error: RefusedError) -> ApiError:
    """Give the refusal of a creation, or an unknown outcome if an earlier sending may stand.

    A second sending meets what the first one, given up for lost, may have created late; and BeeL
    refuses an idempotency key that it has seen.
    """
    if error.code == "IDEMPOTENCY_KEY_MISMATCH":
        logger.error("BeeL saw this idempotency key with another body: report this defect")
    if chunk.attempts <= 1 and not error.code.startswith("IDEMPOTENCY_KEY"):
        return error
    return UnknownOutcomeError(
        error.message, code=error.code, request_id=error.request_id, changed="unknown"
    )


async def unsettled_overlap(
    journal: Journal, account: Account, rows: Sequence[WriteRow]
) -> str | None:
    """Find an operation of this ledger that may have written some of these records, or may yet."""
    mine = {row.identity for row in rows}
    in_doubt = await journal.personal_data.in_doubt(account.ledger_id)
    return next((operation_id for operation_id, row in in_doubt if row.identity in mine), None)


def settling_call(operation_id: str) -> NextCall:
    """Give the call that settles an operation."""
    return NextCall("check_operation", {"operation_id": operation_id}, "settles it, by reading")


def unique_ids(ids: Sequence[str]) -> list[str]:
    """Drop ids that are given again in another case."""
    return list({record_id.lower(): record_id for record_id in ids}.values())


async def for_each_limited(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Run `work` for every item, four at a time; of several errors the first is raised."""
    limiter = anyio.CapacityLimiter(REQUESTS_AT_ONCE)

    async def run(item: T) -> None:
        async with limiter:
            await work(item)

    try:
        async with anyio.create_task_group() as group:
            for item in items:
                group.start_soon(run, item)
    except ExceptionGroup as several:
        raise several.exceptions[0] from None


def _row_left_out(number: int, left_out: LeftOut) -> WriteRow:
    return WriteRow(number, {}, left_out.record_id, left_out.name, left_out.identifier)
