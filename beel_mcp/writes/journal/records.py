"""What the journal holds, as values. All times are seconds since 1970."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from beel_mcp.api.company import Account
from beel_mcp.identity import customer_key

if TYPE_CHECKING:
    from beel_mcp.writes.journal.journal import Journal

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]
RECORD_TTL: Final = timedelta(hours=24)  # how long personal data is kept once it is settled


def utc_now() -> datetime:
    """Tell the time, with its zone."""
    return datetime.now(UTC)


ChunkState = Literal["READY", "PENDING", "COMMITTED", "REJECTED", "UNKNOWN", "NOT_DONE"]
Finding = Literal["all", "none", "mixed", "unclear"]
Verdict = Literal["done", "failed", "unknown"]

# Nothing of a chunk in one of these has happened.
UNSENT_STATES: Final[tuple[ChunkState, ...]] = ("READY", "NOT_DONE")

# Why a chunk is unsettled: BeeL answers its idempotency key with the failure that it has stored,
# and will for a day. Whatever that request did is done; nothing comes of the key any more.
KEY_SPENT: Final = "key_spent"

# A chunk in one of these states may or may not have had its effect.
OPEN_STATES: Final[tuple[ChunkState, ...]] = ("PENDING", "UNKNOWN")


@dataclass(frozen=True)
class WriteRow:
    """One record of a write: what is sent for it, and what a person knows it by.

    `payload` is the customer or the draft to be created, or what the change needs beside the id.
    `previous` holds the values that the change takes away, by field path and whole: personal data,
    and not for an answer. `record_id` is empty for a record that does not exist yet.
    """

    number: int
    payload: Mapping[str, Any]
    record_id: str = ""
    name: str = ""
    identifier: str = ""
    previous: Mapping[str, Any] | None = None

    @property
    def identity(self) -> str:
        """What tells this record from all others: its id, its identifier, else name and street."""
        if self.record_id:
            return f"id:{self.record_id}".lower()
        street = (self.payload.get("address") or {}).get("street", "")
        return customer_key(self.payload) or f"name:{self.name}|{street}".upper()


@dataclass(frozen=True)
class RowProblem:
    """One reason why BeeL refused a row."""

    field: str
    message: str


@dataclass(frozen=True)
class RowOutcome:
    """What became of one record. `code` is BeeL's or ours, `message` is cleaned.

    `record_id` and `name` are those of a record that was created, `facts` what an answer tells of
    it. `is_found` says what reading showed of a row whose request cannot be settled. `after` holds
    what BeeL showed in the place of `previous`, by field path and whole.
    """

    verdict: Verdict
    code: str = ""
    message: str = ""
    request_id: str | None = None
    record_id: str = ""
    name: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[RowProblem, ...] = ()
    is_found: bool | None = None
    after: Mapping[str, Any] | None = None


UNKNOWN: Final = RowOutcome("unknown")


@dataclass(frozen=True, kw_only=True)
class RowRecord(RowOutcome):
    """The outcome of one row of a chunk, as it is kept for a day."""

    number: int
    identifier: str
    previous: Mapping[str, Any] | None

    @classmethod
    def of(cls, row: WriteRow, outcome: RowOutcome) -> "RowRecord":
        facts = {
            "name": outcome.name or row.name,
            "record_id": outcome.record_id or row.record_id,
            "number": row.number,
            "identifier": row.identifier,
            "previous": row.previous,
        }
        return cls(**{**vars(outcome), **facts})

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RowRecord":
        problems = tuple(RowProblem(**problem) for problem in content["problems"])
        return cls(**{**content, "problems": problems})


@dataclass(frozen=True)
class PlannedChunk:
    """One request before anything is sent, and how long BeeL took to validate its rows.

    With `outcomes` its rows will not be sent at all, and `code` says why.
    """

    rows: Sequence[WriteRow]
    processing_time_ms: int = 0
    outcomes: Sequence[RowOutcome] | None = None
    code: str | None = None


@dataclass(frozen=True)
class Decision:
    """What somebody decided, before it is an operation.

    `subject` is what is decided about at most once: a batch, a draft, a plan.
    """

    kind: str
    caller: str
    subject: str
    payload_digest: str
    account: Account
    total: int
    checked_at: float
    known_upto: int = 0  # what our operations had created when it was checked
    plan_id: str | None = None
    confirmed_by: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chunk:
    """One request of an operation."""

    operation_id: str
    chunk: int
    count: int
    idempotency_key: str
    state: ChunkState
    attempts: int
    done: int
    failed: int
    sent_at: float | None
    settled_at: float | None
    processing_time_ms: int
    code: str | None
    request_id: str | None

    @property
    def chunk_key(self) -> tuple[str, int]:
        """The primary key: its operation, and its number there."""
        return self.operation_id, self.chunk

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Operation:
    """One decision that is carried out, in one request or several."""

    operation_id: str
    kind: str
    caller: str
    subject: str
    payload_digest: str
    account: Account
    plan_id: str | None
    confirmed_by: str | None
    terms: Mapping[str, str]
    total: int
    owner: str
    started_at: float
    checked_at: float
    known_upto: int
    ended_at: float | None
    saved_as: str | None
    chunks: tuple[Chunk, ...]

    @property
    def is_open(self) -> bool:
        """Whether the effect of any request is not known."""
        return any(chunk.is_open for chunk in self.chunks)

    @property
    def is_left_to_send(self) -> bool:
        """Whether there are requests of which nothing has happened."""
        return any(chunk.state in UNSENT_STATES for chunk in self.chunks)

    @property
    def is_committed(self) -> bool:
        return all(chunk.state == "COMMITTED" for chunk in self.chunks)

    @property
    def planned(self) -> int:
        """How many rows its requests have; not how many the call was about."""
        return sum(chunk.count for chunk in self.chunks)


@dataclass(frozen=True)
class Sending:
    """A request of the last day: when it was sent, whether it went well for certain, its rows."""

    at: float
    is_certain: bool
    rows: Sequence[WriteRow | RowRecord]


@dataclass(frozen=True)
class Observation:
    """What reading BeeL showed of a chunk whose answer was lost."""

    at: float
    finding: Finding


class ChunkResult:
    """The rows of one chunk, and what became of each so far; it records that in the journal."""

    def __init__(
        self,
        journal: "Journal",
        chunk: Chunk,
        rows: Sequence[WriteRow],
        record: Sequence[RowRecord],
    ) -> None:
        self._journal = journal
        self.chunk = chunk
        self.rows = rows
        self._known: dict[int, RowOutcome] = {
            one.number: one for one in record if one.verdict != "unknown"
        }

    @classmethod
    async def of(cls, journal: "Journal", chunk: Chunk) -> "ChunkResult":
        """Read what is kept of a chunk."""
        return cls(journal, chunk, *await journal.personal_data.rows_and_record(chunk))

    def unknown(self) -> list[WriteRow]:
        return [row for row in self.rows if row.number not in self._known]

    def add(self, rows: Sequence[WriteRow], outcomes: Sequence[RowOutcome]) -> None:
        self.add_found({row.number: outcome for row, outcome in zip(rows, outcomes, strict=True)})

    def add_found(self, outcomes: Mapping[int, RowOutcome]) -> None:
        """Take in outcomes by row number; one that is unknown changes nothing."""
        self._known |= {
            number: outcome for number, outcome in outcomes.items() if outcome.verdict != "unknown"
        }

    async def settle(
        self,
        *,
        code: str | None = None,
        request_id: str | None = None,
        is_sent: bool = True,
        by_reading: bool = False,
    ) -> None:
        """Record it: READY if it was never sent, UNKNOWN while a row is, else how it ended."""
        known = self._known.values()
        verdicts = [outcome.verdict for outcome in known]
        await self._journal.settle(
            self.chunk,
            self._state(is_sent=is_sent or bool(verdicts)),
            record=self._record() if known else None,
            code=code,
            request_id=request_id
            or next((outcome.request_id for outcome in known if outcome.request_id), None),
            by_reading=by_reading,
            done=verdicts.count("done"),
            failed=verdicts.count("failed"),
        )

    def _record(self) -> list[RowRecord]:
        return [RowRecord.of(row, self._known.get(row.number, UNKNOWN)) for row in self.rows]

    def _state(self, *, is_sent: bool) -> ChunkState:
        if not is_sent:
            return "READY"
        if self.unknown():
            return "UNKNOWN"
        all_failed = all(outcome.verdict == "failed" for outcome in self._known.values())
        return "REJECTED" if all_failed else "COMMITTED"
