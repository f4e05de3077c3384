"""What the journal holds, as values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from beel_mcp.api.company import Account
from beel_mcp.identity import customer_key

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the time, with its zone."""
    return datetime.now(UTC)


ChunkState = Literal["READY", "PENDING", "COMMITTED", "REJECTED", "UNKNOWN", "NOT_DONE"]
Picture = Literal["all", "none", "mixed", "unclear"]

# A chunk in one of these states may or may not have had its effect.
OPEN_STATES: tuple[ChunkState, ...] = ("PENDING", "UNKNOWN")


@dataclass(frozen=True)
class PlannedRow:
    """A row as the person sees it, and as BeeL gets it."""

    number: int
    values: Mapping[str, Any]

    @property
    def nif(self) -> str:
        """The identifier that BeeL keeps unique, or nothing."""
        return str(self.values.get("nif", ""))

    @property
    def name(self) -> str:
        """The name that the person knows the record by."""
        return str(self.values.get("name") or self.values.get("legal_name", ""))

    @property
    def street(self) -> str:
        """The street, which tells namesakes apart."""
        return str((self.values.get("address") or {}).get("street", ""))

    @property
    def identity(self) -> str:
        """What tells this record from all others: its id, its identifier, else name and street."""
        if "record_id" in self.values:  # one that is in BeeL
            return f"id:{self.values['record_id']}".lower()
        return customer_key(self.values) or f"name:{self.name}|{self.street}".upper()


@dataclass(frozen=True)
class Planned:
    """A chunk before anything is sent: its rows, and how long BeeL took to check them.

    A `refusal` is what is known of rows that will not be sent at all, and `code` why.
    """

    rows: Sequence[PlannedRow]
    processing_time_ms: int = 0
    refusal: Sequence[Mapping[str, Any]] | None = None
    code: str | None = None


@dataclass(frozen=True)
class Decision:
    """What somebody decided, before it is an operation."""

    kind: str
    caller: str
    subject: str
    payload_digest: str
    account: Account
    total: int
    checked_at: float
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
    def place(self) -> tuple[str, int]:
        """Where it stands: its operation, and its number there."""
        return self.operation_id, self.chunk

    @property
    def is_open(self) -> bool:
        """Whether its effect is not known."""
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
    ended_at: float | None
    saved_as: str | None
    chunks: tuple[Chunk, ...]

    @property
    def is_open(self) -> bool:
        """Whether the effect of any request is not known."""
        return any(chunk.is_open for chunk in self.chunks)


@dataclass(frozen=True)
class Observation:
    """What a look at BeeL showed of a chunk whose answer was lost."""

    at: float
    picture: Picture
