"""ZIPs of PDFs: the body, streamed to a file under limits, and the headers that describe it."""

import re
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

import anyio

from beel_mcp.api.http import responses
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.wire import REQUEST_ID, Incoming, code_of, object_in, objects_in, sanitized
from beel_mcp.api.routes import Endpoint, Family
from beel_mcp.errors import NoPdfError, RefusedError, TooLargeError

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
_COUNT: Final = re.compile(r"\d{1,6}", re.ASCII)
_LENGTH: Final = re.compile(r"\d{1,15}", re.ASCII)
_LONGEST_FAILURES: Final = 65_536
_MOST_FAILURES: Final = 500
# A 400 that is about the request, not about PDFs; the last is ours for "BeeL gave no code".
_MALFORMED: Final = frozenset(
    ("INVALID_JSON_FORMAT", "MISSING_PARAMETER", "ACTIVE_COMPANY_HEADER_INVALID", "invalid_request")
)
_FACTS: Final = ("status", "code", "request_id")
_FEWER: Final = "Ask for fewer invoices at once."


@dataclass(frozen=True)
class LeftOut:
    """An invoice that BeeL says it left out. `code` is BeeL's, `message` is cleaned."""

    invoice_id: str
    code: str | None = None
    message: str = ""


@dataclass(frozen=True)
class ZipAnswer:
    """What BeeL says about a ZIP; None where it says nothing, or nothing that can be read.

    It has to be held against what is in the ZIP: these are claims. `left_out` names only
    invoices that were asked for, each once, and is None when BeeL names none.
    """

    size_bytes: int
    total: int | None = None
    successful: int | None = None
    failed: int | None = None
    left_out: tuple[LeftOut, ...] | None = None
    status: int = 200
    request_id: str | None = None


def read_zip(response: Incoming, endpoint: Endpoint, family: Family) -> ApiResponse:
    """Give what stands beside a ZIP that has arrived whole; the data is a ZipAnswer.

    Raises:
        ApiError: BeeL refused, or what came is no whole ZIP.
        TooLargeError: it is over 50 MB.
    """
    if response.streamed_bytes is None or response.fault:
        if response.fault == OVER_CAP:
            raise TooLargeError(
                "BeeL's ZIP is over 50 MB; it was not taken.",
                code="zip_too_large",
                status=response.status,
                remedy=_FEWER,
            )
        opened = responses.read(response, endpoint, family)
        raise opened.unexpected("BeeL answered with something else than a ZIP.")
    request_id = _matched(REQUEST_ID, response.headers, "x-request-id")
    beside = ZipAnswer(
        size_bytes=response.streamed_bytes,
        total=_number(_COUNT, response.headers, "x-bulk-total"),
        successful=_number(_COUNT, response.headers, "x-bulk-successful"),
        failed=_number(_COUNT, response.headers, "x-bulk-failed"),
        left_out=_left_out(response.headers.get("x-bulk-failures", "")),
        status=response.status,
        request_id=request_id,
    )
    return ApiResponse(endpoint, family, response.status, beside, request_id)


def keep_requested(beside: ZipAnswer, asked: Sequence[str]) -> ZipAnswer:
    """Keep what is said of invoices that were asked for, under the ids as asked for."""
    if beside.left_out is None:
        return beside
    known = {invoice_id.lower(): invoice_id for invoice_id in asked}
    named = {
        known[item.invoice_id]: replace(item, invoice_id=known[item.invoice_id])
        for item in reversed(beside.left_out)
        if item.invoice_id in known
    }
    kept = tuple(named[invoice_id] for invoice_id in asked if invoice_id in named)
    return replace(beside, left_out=kept or None)


def explain(error: RefusedError, count: int) -> RefusedError:
    """Say what a refusal means for a ZIP of so many invoices, whose ids are known to be ids."""
    facts: dict[str, Any] = {name: getattr(error, name) for name in _FACTS}
    is_too_much = isinstance(error, TooLargeError) and error.code != "zip_too_large"
    if is_too_much or (error.status == 422 and count > 1):
        return TooLargeError("BeeL does not put that much into one ZIP.", remedy=_FEWER, **facts)
    if error.status == 400 and error.code not in _MALFORMED:
        return NoPdfError(
            "BeeL has a PDF of none of these invoices.",
            remedy="Drafts have no PDF; for others, BeeL may still be making it: ask again later.",
            **facts,
        )
    return error


def _matched(form: re.Pattern[str], headers: Mapping[str, str], name: str) -> str | None:
    text = headers.get(name, "").strip()
    return text if form.fullmatch(text) else None


def _number(form: re.Pattern[str], headers: Mapping[str, str], name: str) -> int | None:
    text = _matched(form, headers, name)
    return None if text is None else int(text)


def _left_out(text: str) -> tuple[LeftOut, ...] | None:
    if not text or len(text) > _LONGEST_FAILURES:
        return None
    try:
        items = responses.parse(b64decode(text.strip(), validate=True))
    except ValueError:  # of both: neither base64 nor JSON may be nearly right
        return None
    if not isinstance(items, list) or len(items) > _MOST_FAILURES:
        return None
    return tuple(map(_item, objects_in(items)))


def _item(item: Mapping[str, Any]) -> LeftOut:
    """Read an item; no contract shows its shape, so both likely ones are."""
    invoice_id, error = item.get("invoice_id"), object_in(item, "error")
    return LeftOut(
        invoice_id.lower() if isinstance(invoice_id, str) else "",
        code_of(item.get("error_code") or error.get("code")),
        sanitized(item.get("error_message") or error.get("message")),
    )


class FileWriteError(Exception):
    """The target file could not be written, which is neither BeeL's doing nor the network's."""

    def __init__(self, reason: OSError) -> None:
        super().__init__()
        self.reason = reason


class RollbackFile:
    """Writes to a file from where it stands, and can take back all that was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()

    def write(self, chunk: bytes) -> None:
        try:
            self._file.write(chunk)
        except OSError as error:
            raise FileWriteError(error) from None

    def roll_back(self) -> None:
        """Cut off what was written; a file that cannot even do that says so when it is written."""
        with suppress(OSError):
            self._file.seek(self._start)
            self._file.truncate(self._start)


def may_be_zip(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether a response may hold a ZIP; its first bytes decide later."""
    kind = headers.get("content-type", "").strip().lower()
    return status == 200 and not kind.startswith(_TEXTS)


async def stream(
    chunks: AsyncIterator[bytes], file: RollbackFile, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Write a body to the file; return its size in bytes, and what is wrong with it, or "".

    Of a body that something is wrong with, or that is broken off, nothing stays in the file.

    Raises:
        FileWriteError: the file takes no more.
    """
    announced = _number(_LENGTH, headers, "content-length")
    if announced is not None and announced > CAP_BYTES:
        return 0, OVER_CAP
    is_whole = False
    try:
        size, fault = await _stream(chunks, file)
        if not fault and announced not in (None, size):
            fault = "cut short"
        is_whole = not fault
    finally:
        if not is_whole:
            file.roll_back()
    return size, fault


async def _stream(chunks: AsyncIterator[bytes], file: RollbackFile) -> tuple[int, str]:
    size, tail = 0, b""
    with anyio.CancelScope(deadline=anyio.current_time() + PATIENCE_S) as pace:
        async for chunk in chunks:
            if size + len(chunk) > CAP_BYTES:
                return size, OVER_CAP
            if size < len(_FIRST) and not _begins_well(tail + chunk):
                return size, "not a ZIP"
            file.write(chunk)
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


def _begins_well(head: bytes) -> bool:
    return head[:4] == _FIRST[: len(head)]


def _ends_well(tail: bytes) -> bool:
    """Tell whether the end record, with the comment it announces, is the last there is."""
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        return False
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + _END_BYTES + comment == len(tail)
