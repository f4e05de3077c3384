"""What every guarded change can do: look, say, send, and look what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from beel_mcp.settings import Language
from beel_mcp.writes.journal.plan import Affected, Look
from beel_mcp.writes.journal.records import PlannedRow

Verdict = Literal["done", "failed", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """What became of one record. `code` is BeeL's or ours, `message` is cleaned."""

    verdict: Verdict
    code: str = ""
    message: str = ""
    request_id: str | None = None


class Described(Protocol):
    """What a person can be asked about."""

    kind: str
    arguments: Mapping[str, Any]  # what it takes to carry it out

    @property
    def request(self) -> Any:
        """What tells that the same thing is asked for again."""
        ...

    def say(self, look: Look, place: str, language: Language) -> str:
        """Give the sentence that a person is shown."""
        ...


class Change(Described, Protocol):
    """A change to records that exist. Implementations are the only callers of its API methods."""

    terms: Mapping[str, Any]  # the arguments that hold for every record

    async def look(self) -> Look:
        """Read from BeeL, now, what would change and what would stay as it is."""
        ...

    def parts(self, look: Look) -> list[Sequence[Affected]]:
        """Divide what will change into requests."""
        ...

    async def prepare(self, look: Look, /) -> str | None:
        """Do what has to be done before the first request; the path of a file, if one is kept."""
        ...

    async def send(self, rows: Sequence[PlannedRow]) -> list[Outcome]:
        """Send one request; one outcome for each row.

        Raises:
            UnknownOutcomeError: whether it had its effect is not known.
            BeelMcpError: it had none, and neither will the next.
        """
        ...

    async def check(self, row: PlannedRow) -> Outcome | None:
        """Look whether a change had its effect; None if it had not, so far."""
        ...


# Makes the change of a tool from its arguments, or from the terms kept with a record.
ChangeOf = Callable[[str, Mapping[str, Any]], Change]
