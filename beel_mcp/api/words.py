"""What BeeL says, made fit to be repeated: codes, request ids, messages, waiting times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from beel_mcp.api.notices import http_time
from beel_mcp.cleaning import clean, quoted
from beel_mcp.redaction import redact

LONGEST_WAIT_S: Final = 86_400
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_SECONDS: Final = re.compile(r"\d{1,18}", re.ASCII)
# Two letters, two digits, then groups: an account number has no business in an answer.
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b")


def said(text: Any, limit: int = 300) -> str:
    """Clean a text of BeeL's for use as a field value."""
    if text is None:
        return ""
    return clean(_without_secrets(text, limit), limit)


def quote_of(text: Any, limit: int = 300) -> str:
    """Clean a text of BeeL's and stand it in quotes, for use inside a sentence of ours."""
    return quoted(_without_secrets(text, limit), limit)


def code_of(value: Any) -> str | None:
    """Give BeeL's error code unchanged, if it looks like one."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def request_id_of(body: Any) -> str | None:
    """Find the request id in an envelope of either generation."""
    meta = body.get("meta") if isinstance(body, dict) else None
    value = meta.get("request_id") if isinstance(meta, dict) else None
    return value if isinstance(value, str) and _REQUEST_ID.fullmatch(value) else None


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Read how long to wait: seconds, or a date held against the answer's own clock.

    Nonsense counts as not said; more than a day counts as a day.
    """
    for name in ("retry-after", "ratelimit-reset"):
        text = headers.get(name, "").strip()
        if _SECONDS.fullmatch(text):
            return min(int(text), LONGEST_WAIT_S)
        time = http_time(headers, name) if name == "retry-after" else None
        if time is not None:
            now = http_time(headers) or datetime.now(UTC)
            return min(max(0, int((time - now).total_seconds())), LONGEST_WAIT_S)
    return None


def _without_secrets(text: Any, limit: int) -> str:
    # Cut first: a megabyte of message need not be searched.
    return _IBAN.sub("[IBAN]", redact(str(text)[: limit * 8]))
