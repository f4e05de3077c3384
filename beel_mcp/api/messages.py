"""What goes to BeeL and what comes back, before anybody has read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from beel_mcp.errors import Changed

# BeeL's code while it is still at work on an earlier request with the same idempotency key.
PROCESSING: Final = "IDEMPOTENCY_KEY_PROCESSING"


@dataclass(frozen=True)
class Outgoing:
    """A request, fixed: sending it twice sends the same bytes and the same key."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    changed_if_lost: Changed
    read_timeout_s: float
    deadline_s: float

    @property
    def is_write(self) -> bool:
        """Tell whether it may change something in BeeL."""
        return self.changed_if_lost == "unknown"


@dataclass(frozen=True)
class Incoming:
    """An answer; `headers` have lower-case names, `body` is None when it was not taken.

    `poured` is how many bytes went to a sink instead, or None.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    fault: str = ""
    poured: int | None = None
