"""A request and its response as plain values; BeeL's headers and texts, read safely."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final

from beel_mcp.cleaning import clean, quoted, replace_ibans
from beel_mcp.errors import Changed
from beel_mcp.redaction import redact

_MAX_RETRY_AFTER_S: Final = 86_400
_MAX_WARNINGS: Final = 10
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_SECONDS: Final = re.compile(r"\d{1,18}", re.ASCII)
# BeeL's code while it is still at work on an earlier request with the same idempotency key.
PROCESSING: Final = "IDEMPOTENCY_KEY_PROCESSING"
logger = logging.getLogger(__name__)


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
    is_strict: bool = False  # BeeL takes only a few of these in a minute

    @property
    def is_write(self) -> bool:
        return self.changed_if_lost == "unknown"


@dataclass(frozen=True)
class Incoming:
    """An answer; `headers` have lower-case names, `body` is None when it was not taken.

    `streamed_bytes` is how many bytes went to a sink instead, or None.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    fault: str = ""
    streamed_bytes: int | None = None


@dataclass(frozen=True)
class Retirement:
    """The day on which BeeL retires the flat routes, as its answers say, or only its contract."""

    day: str
    is_announced: bool

    def __str__(self) -> str:
        return self.day if self.is_announced else f"{self.day}, by its contract"


# What the contract says; the header of an answer is what counts.
BY_CONTRACT: Final = Retirement("2026-12-09", is_announced=False)


class RouteNotices:
    """Collects the announcements of one process and logs each of them once."""

    def __init__(self) -> None:
        self.sunset: date | str | None = None
        self.deprecated = False
        self.beel_warnings: tuple[str, ...] = ()
        # Seconds that this machine's clock is ahead of BeeL's; None before an answer says.
        self.clock_ahead_s: float | None = None

    def collect(self, headers: Mapping[str, str]) -> None:
        """Take in the headers (names in lower case) of an answer."""
        if headers.get("deprecation", "false").strip().lower() not in ("", "false", "?0"):
            if not self.deprecated:
                logger.warning("BeeL calls a route that is in use deprecated")
            self.deprecated = True
        sunset = _day(headers.get("sunset", ""))
        if sunset is not None and sunset != self.sunset:
            logger.warning("BeeL retires a route that is in use: %s", sunset)
            self.sunset = sunset
        if time := http_time(headers):
            self.clock_ahead_s = (datetime.now(UTC) - time).total_seconds()
        warning = clean(headers.get("beel-warning", ""), 300)
        if warning and warning not in self.beel_warnings:
            logger.warning("BeeL warns: %s", warning)
            self.beel_warnings = (*self.beel_warnings, warning)[-_MAX_WARNINGS:]


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Read how long to wait: seconds, or a date held against the answer's own clock.

    Nonsense counts as not said; more than a day counts as a day.
    """
    for name in ("retry-after", "ratelimit-reset"):
        text = headers.get(name, "").strip()
        if _SECONDS.fullmatch(text):
            return min(int(text), _MAX_RETRY_AFTER_S)
        time = http_time(headers, name) if name == "retry-after" else None
        if time is not None:
            now = http_time(headers) or datetime.now(UTC)
            return min(max(0, int((time - now).total_seconds())), _MAX_RETRY_AFTER_S)
    return None


def is_replay(headers: Mapping[str, str]) -> bool:
    """Tell whether BeeL gives back the answer that it stored under an idempotency key."""
    names = ("idempotency-replay", "x-idempotency-replay")  # today's, and an older one
    return any(headers.get(name, "").strip().lower() == "true" for name in names)


def has_passed(headers: Mapping[str, str]) -> bool:
    """Tell whether the answer comes from a route whose announced end lies behind us."""
    sunset = _day(headers.get("sunset", ""))
    return isinstance(sunset, date) and sunset <= (http_time(headers) or datetime.now(UTC)).date()


def http_time(headers: Mapping[str, str], name: str = "date") -> datetime | None:
    """Read a header that holds an HTTP date."""
    try:
        time = parsedate_to_datetime(headers.get(name, ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _day(text: str) -> date | str | None:
    time = http_time({"date": text})
    return time.date() if time else clean(text, 60) or None


def sanitized(text: Any, limit: int = 300) -> str:
    """Return a text for use as a field value; "" for None."""
    return "" if text is None else clean(_without_secrets(text, limit), limit)


def quote_of(text: Any, limit: int = 300) -> str:
    """Return a text in quotes, for use inside a sentence of ours."""
    return quoted(_without_secrets(text, limit), limit)


def code_of(value: Any) -> str | None:
    """Return BeeL's error code unchanged, or None if it does not look like one."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects in a list; anything else in it, or instead of it, is ignored."""
    items = value if isinstance(value, (list, tuple)) else ()
    return [item for item in items if isinstance(item, dict)]


def object_in(holder: Any, name: str) -> dict[str, Any]:
    """Return a JSON object that is a member of another; {} if either is something else."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def json_number(value: Decimal) -> int | float:
    """Return a JSON number that says the decimal exactly: a whole one without a point."""
    return int(value) if value == value.to_integral_value() else float(value)


def _without_secrets(text: Any, limit: int) -> str:
    # Cut first: a megabyte of message need not be searched; and on one line, as an account number
    # may run over two.
    written = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    line = clean(written[: limit * 8], limit * 8)
    return replace_ibans(redact(line), lambda _: "[IBAN]")
