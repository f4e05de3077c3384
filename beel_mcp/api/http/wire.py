"""A ZIP on its way to disk: counted, capped, kept to a pace, and looked at from both ends."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import anyio

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


CAP_BYTES: Final = 52_428_800  # 50 MB, the most that BeeL says it puts into one ZIP
PACE_BYTES_PER_S: Final = 10_000
PATIENCE_S: Final = 30.0
OVER_CAP: Final = "over 50 MB"
_FIRST: Final = b"PK\x03\x04"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LONGEST_COMMENT: Final = 1_000  # 65,535 are possible, and nobody writes so much
_TAIL_BYTES: Final = _END_BYTES + _LONGEST_COMMENT
# What never is a ZIP: a sign-in page, an error that came with a 200.
_TEXTS: Final = ("text/", "application/json", "application/problem+json", "application/xml")


class Sink(Protocol):
    """A binary file that can be written, and emptied again."""

    def write(self, data: bytes, /) -> int:
        """Write all of it."""
        ...

    def tell(self) -> int:
        """Tell where the next byte goes."""
        ...

    def seek(self, position: int, /) -> int:
        """Go to a position."""
        ...

    def truncate(self, size: int, /) -> int:
        """Cut it off there."""
        ...


class SinkError(Exception):
    """The sink failed, which is neither BeeL's doing nor the network's."""

    def __init__(self, reason: OSError) -> None:
        super().__init__()
        self.reason = reason


class Rewinding:
    """A sink that forgets what was written to it unless all of it was kept."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._start = sink.tell()

    def write(self, chunk: bytes) -> None:
        """Write all of it.

        Raises:
            SinkError: the sink takes no more.

        """
        failure: OSError | None = None
        try:
            self._sink.write(chunk)
        except OSError as error:
            failure = error
        if failure is not None:
            raise SinkError(failure)

    def rewind(self) -> None:
        """Cut off what was written; a sink that cannot even do that says so when it is written."""
        with suppress(OSError):
            self._sink.seek(self._start)
            self._sink.truncate(self._start)


def is_pourable(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer may be a ZIP; its first bytes decide later."""
    kind = headers.get("content-type", "").strip().lower()
    return status == 200 and not kind.startswith(_TEXTS)


async def pour(
    chunks: AsyncIterator[bytes], sink: Rewinding, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Write a body to the sink; give its size, and what is wrong with it, if anything.

    Of a body that something is wrong with, or that is broken off, nothing stays in the sink.

    Raises:
        SinkError: the sink takes no more.

    """
    announced = _length(headers)
    if announced is not None and announced > CAP_BYTES:
        return 0, OVER_CAP
    is_whole = False
    try:
        size, fault = await _pour(chunks, sink)
        if not fault and announced not in (None, size):
            fault = "cut short"
        is_whole = not fault
    finally:
        if not is_whole:
            sink.rewind()
    return size, fault


async def _pour(chunks: AsyncIterator[bytes], sink: Rewinding) -> tuple[int, str]:
    size, tail = 0, b""
    with anyio.CancelScope(deadline=anyio.current_time() + PATIENCE_S) as pace:
        async for chunk in chunks:
            if size + len(chunk) > CAP_BYTES:
                return size, OVER_CAP
            if size < len(_FIRST) and not _begins_well(tail + chunk):
                return size, "not a ZIP"
            sink.write(chunk)
            size += len(chunk)
            tail = (tail + chunk if len(chunk) < _TAIL_BYTES else chunk)[-_TAIL_BYTES:]
            # Each byte buys time, yet never more than the whole patience.
            bought = pace.deadline + len(chunk) / PACE_BYTES_PER_S
            pace.deadline = min(bought, anyio.current_time() + PATIENCE_S)
    if pace.cancelled_caught:
        return size, "too slow"
    if size == 0:
        return 0, "empty"
    # A connection that is closed too early may look like the end of the body.
    return size, "" if _ends_well(tail) else "cut short"


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _begins_well(head: bytes) -> bool:
    return head[:4] == _FIRST[: len(head)]


def _ends_well(tail: bytes) -> bool:
    """Tell whether the end record, with the comment it announces, is the last there is."""
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        return False
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + _END_BYTES + comment == len(tail)
