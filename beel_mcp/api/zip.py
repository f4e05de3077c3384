"""ZIPs of PDFs: what BeeL says beside them, in headers that are believed only when well formed."""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from beel_mcp.api.http import responses
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.text import code_of, sanitized
from beel_mcp.api.http.wire import OVER_CAP, Incoming
from beel_mcp.api.routes import Endpoint, Family
from beel_mcp.errors import NoPdfError, RefusedError, TooLargeError

_COUNT: Final = re.compile(r"\d{1,6}", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_LONGEST_FAILURES: Final = 65_536
_MOST_FAILURES: Final = 500
# A 400 that is about the request, not about PDFs; the last is ours for "BeeL gave no code".
_MALFORMED: Final = frozenset(
    ("INVALID_JSON_FORMAT", "MISSING_PARAMETER", "ACTIVE_COMPANY_HEADER_INVALID", "invalid_request")
)
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


def read(answer: Incoming, endpoint: Endpoint, family: Family) -> ApiResponse:
    """Give what stands beside a ZIP that has arrived whole; the data is a ZipAnswer.

    Raises:
        ApiError: BeeL refused, or what came is no whole ZIP.
        TooLargeError: it is over 50 MB.

    """
    if answer.poured is None or answer.fault:
        if answer.fault == OVER_CAP:
            raise TooLargeError(
                "BeeL's ZIP is over 50 MB; it was not taken.",
                code="zip_too_large",
                status=answer.status,
                remedy=_FEWER,
            )
        opened = responses.read(answer, endpoint, family)
        raise opened.unexpected("BeeL answered with something else than a ZIP.")
    request_id = _matched(_REQUEST_ID, answer.headers, "x-request-id")
    beside = ZipAnswer(
        size_bytes=answer.poured,
        total=_count(answer.headers, "x-bulk-total"),
        successful=_count(answer.headers, "x-bulk-successful"),
        failed=_count(answer.headers, "x-bulk-failed"),
        left_out=_left_out(answer.headers.get("x-bulk-failures", "")),
        status=answer.status,
        request_id=request_id,
    )
    return ApiResponse(endpoint, family, answer.status, beside, request_id)


def about(beside: ZipAnswer, asked: Sequence[str]) -> ZipAnswer:
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


def explained(error: RefusedError, count: int) -> RefusedError:
    """Say what a refusal means for a ZIP of so many invoices, whose ids are known to be ids."""
    facts: dict[str, Any] = {
        "status": error.status,
        "code": error.code,
        "request_id": error.request_id,
    }
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


def _count(headers: Mapping[str, str], name: str) -> int | None:
    text = _matched(_COUNT, headers, name)
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
    return tuple(_item(item) for item in items if isinstance(item, dict))


def _item(item: Mapping[str, Any]) -> LeftOut:
    """Read an item; no contract shows its shape, so both likely ones are."""
    invoice_id, nested = item.get("invoice_id"), item.get("error")
    error = nested if isinstance(nested, dict) else {}
    return LeftOut(
        invoice_id.lower() if isinstance(invoice_id, str) else "",
        code_of(item.get("error_code") or error.get("code")),
        sanitized(item.get("error_message") or error.get("message")),
    )
