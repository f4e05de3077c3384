"""What BeeL announces in headers: a route's deprecation and end, what it ignored, the time."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from beel_mcp.cleaning import clean, quoted
from beel_mcp.redaction import redact

LONGEST_WAIT_S: Final = 86_400
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_SECONDS: Final = re.compile(r"\d{1,18}", re.ASCII)
# Two letters, two digits, then groups: an account number has no business in an answer.
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b")


def sanitized(text: Any, limit: int = 300) -> str:
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


_MOST_WARNINGS: Final = 10
logger = logging.getLogger(__name__)


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
            self.beel_warnings = (*self.beel_warnings, warning)[-_MOST_WARNINGS:]


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
